"""The truth counted again from the written CSV files, with nothing but csv, dates and integers."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import yaml

CLOSED = {"Closed Won", "Closed Lost"}


def read(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def cents(text: str) -> int:
    whole, _, part = text.partition(".")
    sign = -1 if text.startswith("-") else 1
    return int(whole) * 100 + sign * int((part + "00")[:2])


def money(value: int) -> str:
    return f"{value // 100}.{value % 100:02d}"


def quarter(day: date, start_month: int) -> str:
    year = day.year + (1 if start_month > 1 and day.month >= start_month else 0)
    return f"{year}-Q{(day.month - start_month) % 12 // 3 + 1}"


class Recount:
    """One dated export, read back."""

    def __init__(self, out: Path, on: str, zone: str, start_month: int) -> None:
        self.folder = out / "exports" / on
        self.on = date.fromisoformat(on)
        self.zone = ZoneInfo(zone)
        self.start_month = start_month
        self.deals = read(self.folder, "Opportunity")
        self.by_id = {d["Id"]: d for d in self.deals}
        self.users = {u["Id"]: u for u in read(self.folder, "User")}
        self.history: dict[str, list[dict[str, str]]] = defaultdict(list)
        for row in read(self.folder, "OpportunityHistory"):
            self.history[row["OpportunityId"]].append(row)
        for rows in self.history.values():
            rows.sort(key=lambda r: r["CreatedDate"])
        self.fields = read(self.folder, "OpportunityFieldHistory")
        self.won = [d for d in self.deals if d["IsWon"] == "1"]
        self.lost = [d for d in self.deals if d["IsClosed"] == "1" and d["IsWon"] == "0"]
        self.open = [d for d in self.deals if d["IsClosed"] == "0"]

    def local(self, text: str) -> date:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        return moment.astimezone(self.zone).date()

    def period(self, day: date) -> str:
        return quarter(day, self.start_month)

    @staticmethod
    def value(deals: list[dict[str, str]]) -> int:
        return sum(cents(d["Amount"]) for d in deals if d["Amount"])

    def group(self, name: str, deal: dict[str, str], segments: dict[str, str]) -> str | None:
        owner = self.users[deal["OwnerId"]]
        if name == "product":
            return deal["Product__c"].replace(" ", "") or None
        keys = {
            "close_quarter": lambda: self.period(date.fromisoformat(deal["CloseDate"])),
            "region": lambda: owner["Region__c"],
            "team": lambda: owner["Team__c"],
            "owner": lambda: deal["OwnerId"],
            "manager": lambda: owner["ManagerId"],
            "segment": lambda: segments[deal["AccountId"]],
            "type": lambda: deal["Type"],
            "lead_source": lambda: deal["LeadSource"],
        }
        return keys[name]()

    def outcomes(self, name: str) -> dict[str, tuple[int, int, str, str]]:
        segments = {a["Id"]: a["Segment__c"] for a in read(self.folder, "Account")}
        out: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for place, deals in ((0, self.won), (1, self.lost)):
            for deal in deals:
                key = self.group(name, deal, segments)
                if key is not None:
                    out[key][place] += 1
                    out[key][place + 2] += cents(deal["Amount"]) if deal["Amount"] else 0
        return {k: (v[0], v[1], money(v[2]), money(v[3])) for k, v in out.items()}

    def cycles(self, deals: list[dict[str, str]], since_first: bool) -> tuple[int, int, float]:
        days = []
        for deal in deals:
            start = (
                date.fromisoformat(deal["First_Interaction_Date__c"])
                if since_first
                else self.local(deal["CreatedDate"])
            )
            days.append((date.fromisoformat(deal["CloseDate"]) - start).days)
        return len(days), sum(days), median(days)

    def as_of(self, day: date) -> dict[str, object]:
        """Counts and values at the end of a day, from the history file alone."""
        known = opened = blank = won = lost = due = 0
        open_value = won_value = due_value = 0
        for rows in self.history.values():
            then = [r for r in rows if self.local(r["CreatedDate"]) <= day]
            if not then:
                continue
            last, known = then[-1], known + 1
            amount = cents(last["Amount"]) if last["Amount"] else 0
            if last["StageName"] == "Closed Won":
                won, won_value = won + 1, won_value + amount
            elif last["StageName"] == "Closed Lost":
                lost += 1
            else:
                opened, open_value, blank = opened + 1, open_value + amount, blank + (not last["Amount"])
                if self.period(date.fromisoformat(last["CloseDate"])) == self.period(day):
                    due, due_value = due + 1, due_value + amount
        return {
            "on": day.isoformat(),
            "known": known,
            "open": opened,
            "open_value": money(open_value),
            "open_without_amount": blank,
            "closing_this_quarter": due,
            "closing_this_quarter_value": money(due_value),
            "won": won,
            "lost": lost,
            "won_value": money(won_value),
        }

    def created(self) -> dict[str, tuple[int, int, int, int, str, int]]:
        out: dict[str, list[int]] = defaultdict(lambda: [0] * 6)
        for deal in self.deals:
            day = self.local(deal["CreatedDate"])
            row = out[self.period(day)]
            row[0] += 1
            row[1 if deal["IsWon"] == "1" else 2 if deal["IsClosed"] == "1" else 3] += 1
            first = [r for r in self.history[deal["Id"]] if self.local(r["CreatedDate"]) == day][-1]
            row[4] += cents(first["Amount"]) if first["Amount"] else 0
            row[5] += not first["Amount"]
        return {k: (v[0], v[1], v[2], v[3], money(v[4]), v[5]) for k, v in out.items()}

    def moves(self) -> dict[str, Counter[str]]:
        """Close dates changed by hand: not in the moment a deal closes or reopens."""
        by_stage = set()
        for deal, rows in self.history.items():
            for before, after in pairwise(rows):
                if (
                    before["StageName"] != after["StageName"]
                    and {before["StageName"], after["StageName"]} & CLOSED
                ):
                    by_stage.add((deal, after["CreatedDate"]))
        out: dict[str, Counter[str]] = defaultdict(Counter)
        for row in self.fields:
            if row["Field"] != "CloseDate" or (row["OpportunityId"], row["CreatedDate"]) in by_stage:
                continue
            old, new = date.fromisoformat(row["OldValue"]), date.fromisoformat(row["NewValue"])
            before, after = self.period(old), self.period(new)
            kind = (
                "pushes"
                if after > before
                else "pull_ins"
                if after < before
                else "delays"
                if new > old
                else "earlier_same_quarter"
            )
            out[self.period(self.local(row["CreatedDate"]))][kind] += 1
        return out

    def attainment(self, quotas: Path) -> dict[tuple[str, str], tuple[str, str, Fraction]]:
        won: Counter[tuple[str, str]] = Counter()
        for deal in self.won:
            key = (self.period(date.fromisoformat(deal["CloseDate"])), deal["OwnerId"])
            won[key] += cents(deal["Amount"]) if deal["Amount"] else 0
        out = {}
        for document in yaml.safe_load(quotas.read_text(encoding="utf-8")):
            entry = document["values"]
            key = (entry["period"], entry["person_id"])
            quota = cents(entry["amount"])
            out[key] = (money(quota), money(won[key]), Fraction(won[key], quota))
        return out
