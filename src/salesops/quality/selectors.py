"""Faults as a reader may see them: counts, rows behind each, and likely repairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from difflib import SequenceMatcher
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.crm.decision_selectors import RepairRow, repair_rows
from salesops.facts.scope import Scope
from salesops.org.known import NOW, Known
from salesops.platform.actors import Actor
from salesops.process.inputs import Frames, open_frames
from salesops.quality.engine import catalogue
from salesops.quality.engine.rules import (
    Finding,
    Rule,
    RuleContext,
    clean_counted,
    counted,
    faulty_rows,
    findings,
)
from salesops.quality.engine.rules import columns_of as columns_of_rule


@dataclass(frozen=True)
class RepairProposal:
    """A value of a label column that names no record, and the record it probably means."""

    table: str
    column: str
    value: str
    replacement: str
    rows: int


@dataclass(frozen=True)
class OpenFaults:
    """Faults bound to open frames."""

    frames: Frames
    context: RuleContext
    tables: dict[str, ir.Table]

    def findings(self) -> list[Finding]:
        """Every rule's count over the reader's rows."""
        found: list[Finding] = []
        for name, rules in (
            ("deals", catalogue.DEALS),
            ("accounts", catalogue.ACCOUNTS),
            ("users", catalogue.USERS),
        ):
            row = self.frames.facts.execute(counted(self.tables[name], rules, self.context)).to_pylist()[0]
            found.extend(self._seen(name, finding) for finding in findings(rules, row))
        return found

    def _seen(self, name: str, finding: Finding) -> Finding:
        """A finding as the reader may have it: undefined where it rests on a column hidden from them."""
        masked = self.frames.scope.masked_columns("opportunities" if name == "deals" else name)
        if not masked:
            return finding
        if hidden := masked & columns_of_rule(finding.rule, self.tables[name].schema(), self.context):
            why = f"masked for your role: {', '.join(sorted(hidden))}"
            return Finding(finding.rule, None, 0, reason=why)
        return finding

    def narrowed(self, deals: Callable[[ir.Table], ir.Table]) -> OpenFaults:
        """The same over a part of the deals, judged by the measures of them all."""
        return replace(self, tables=self.tables | {"deals": deals(self.tables["deals"])})

    def deal_findings(self) -> list[Finding]:
        """Every rule of the deals, counted."""
        counts = counted(self.tables["deals"], catalogue.DEALS, self.context)
        row = self.frames.facts.execute(counts).to_pylist()[0]
        return [self._seen("deals", finding) for finding in findings(catalogue.DEALS, row)]

    def clean_deals(self, rules: Sequence[Rule]) -> tuple[int, int]:
        """Deals without a fault by any of some rules, and all deals."""
        made = self.frames.facts.execute(clean_counted(self.tables["deals"], rules, self.context))
        row = made.to_pylist()[0]
        return int(row["clean"] or 0), int(row["records"] or 0)

    def finding(self, rule: Rule) -> Finding:
        """One rule's count over the reader's rows."""
        row = self.frames.facts.execute(counted(self.tables[rule.frame], (rule,), self.context)).to_pylist()[
            0
        ]
        return self._seen(rule.frame, findings((rule,), row)[0])

    def rows(self, rule: Rule) -> ir.Table:
        """The rows at fault."""
        return faulty_rows(self.tables[rule.frame], rule, self.context)

    def repairs(self) -> list[RepairProposal]:
        """Product names of deals that differ from a catalogue name by case, spaces or a letter or two."""
        facts = self.frames.facts
        deals = self.tables["deals"]
        unknown = deals.filter(deals.product_implied.fill_null(ibis.literal(False)))
        counts = facts.execute(unknown.group_by("product_name").agg(n=unknown.count())).to_pylist()
        products = facts.read("products", Scope.all())
        known = facts.execute(
            products.filter(~products.implied.fill_null(ibis.literal(False))).select("name")
        )
        names = [row["name"] for row in known.to_pylist() if row["name"]]
        proposals = []
        for row in counts:
            best = _nearest(names, row["product_name"])
            if best is not None and _alike(best, row["product_name"]) >= 0.85:
                proposals.append(
                    RepairProposal("opportunities", "product_name", row["product_name"], best, row["n"])
                )
        return sorted(proposals, key=lambda p: -p.rows)


def _nearest(names: list[str], value: str) -> str | None:
    """The name most like a value, None where there is no name."""
    return max(names, key=lambda name: _alike(name, value), default=None)


def _alike(one: str, two: str) -> float:
    """Likeness of two names, 1 where they differ only in case, spaces or punctuation."""
    plain = ["".join(ch for ch in text.casefold() if ch.isalnum()) for text in (one, two)]
    return SequenceMatcher(None, plain[0], plain[1]).ratio()


def _people(frames: Frames) -> ir.Table:
    """People whose records the reader may see: everybody may look names up, faults are one's own."""
    users = frames.facts.read("users", frames.scope)
    if frames.scope.everything or frames.scope.any_owner:
        return users
    return users.filter(users.id.isin(frames.facts.id_list(frames.scope.owner_ids).listed))


def faults_over(frames: Frames) -> OpenFaults:
    """Faults bound to frames that are open already."""
    deals = frames.deals
    closed = deals.filter(deals.closed_on.notnull() & deals.created_on.notnull())
    days = closed.agg(longest=closed.closed_on.delta(closed.created_on, unit="day").max())
    longest = frames.facts.execute(days).to_pylist()[0]["longest"]
    return OpenFaults(
        frames=frames,
        context=RuleContext(as_of=frames.as_of, longest_cycle=longest),
        tables={
            "deals": deals,
            "accounts": frames.facts.read("accounts", frames.scope),
            "users": _people(frames),
        },
    )


@contextmanager
def open_faults(
    actor: Actor,
    *,
    as_of: date | None = None,
    manifest_id: str | None = None,
    known_at: datetime | None = None,
) -> Iterator[OpenFaults]:
    """Faults as of the data's own date, over the rows an actor may see, as they were known then."""
    with open_frames(actor, as_of=as_of, manifest_id=manifest_id, known_at=known_at) as frames:
        yield faults_over(frames)


_SHOWN: dict[str, tuple[str, ...]] = {
    "deals": (
        "name",
        "account_name",
        "owner_name",
        "stage",
        "amount",
        "created_on",
        "expected_close_on",
        "closed_on",
    ),
    "accounts": ("name", "owner_id", "industry", "country"),
    "users": ("name", "email", "team", "region"),
}
"""Columns of the rows behind a fault; the column at fault is added where it is not among them."""

_TITLES = {"name": "Name", "owner_id": "Owner", "id": "Id"}


def columns_of(rule: Rule) -> list[str]:
    """Columns shown of the rows behind a rule, the row's name first."""
    shown = [lead_of(rule), *(c for c in _SHOWN[rule.frame] if c != lead_of(rule))]
    return [*shown, *([rule.column] if rule.column not in shown else [])]


def lead_of(rule: Rule) -> str:
    """The column a row is opened by: deals of plain files often have no name."""
    return "id" if rule.frame == "deals" else "name"


def default_sort(rule: Rule) -> str:
    """The order rows are shown in: the largest deals first."""
    return "-amount" if rule.frame == "deals" else "name"


def title_of(column: str) -> str:
    """A column's heading."""
    plain = column.removesuffix("_name").removesuffix("_on").replace("_", " ")
    return _TITLES.get(column, plain.capitalize())


@dataclass(frozen=True)
class FaultPage:
    """One page of the rows at fault by a rule."""

    finding: Finding
    rows: list[dict[str, Any]]
    currency: str
    today: date


def _ordered(opened: OpenFaults, rule: Rule, sort: str) -> ir.Table:
    rows = opened.rows(rule)
    wanted = [c for c in dict.fromkeys(["id", *columns_of(rule)]) if c in rows.columns]
    column = sort.removeprefix("-")
    column = column if column in rows.columns else "id"
    key = rows[column]
    order = [key.desc(nulls_first=False) if sort.startswith("-") else key.asc(nulls_first=False)]
    if column != "id":
        order.append(rows.id.asc())
    return rows.order_by(order).select(*wanted)


def fault_page(actor: Actor, rule: Rule, *, sort: str, page: int, size: int, known: Known = NOW) -> FaultPage:
    """One page of the rows at fault among those the actor may see.

    Raises:
        NoDataError: nothing was imported yet.
    """
    with open_faults(actor, manifest_id=known.manifest_id, known_at=known.known_at) as opened:
        finding = opened.finding(rule)
        last = max(1, -(-finding.faulty // size))
        start = (min(max(page, 1), last) - 1) * size
        rows: list[dict[str, Any]] = []
        if finding.faulty:
            ordered = _ordered(opened, rule, sort)
            rows = opened.frames.facts.execute(ordered.limit(size, offset=start)).to_pylist()
        return FaultPage(finding, rows, opened.frames.currency, opened.frames.as_of)


def fault_stream(actor: Actor, rule: Rule, *, sort: str, known: Known = NOW) -> Iterator[dict[str, Any]]:
    """Every row at fault, streamed, for an export."""
    with open_faults(actor, manifest_id=known.manifest_id, known_at=known.known_at) as opened:
        finding = opened.finding(rule)
        if finding.faulty:
            for batch in opened.frames.facts.batches(_ordered(opened, rule, sort)):
                yield from batch.to_pylist()


def repairs_in_force(on: date, known: Known = NOW) -> list[RepairRow]:
    """Value repairs in force as known then, each with the rows it touches."""
    return repair_rows(on, manifest_id=known.manifest_id, known_at=known.known_at)
