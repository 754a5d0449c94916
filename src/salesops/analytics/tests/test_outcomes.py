"""The scorecard of outcomes: each side of its own day, counted by plain loops; who sees what; page, files, REST."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from statistics import median
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from salesops.analytics import outcome_parts as parts
from salesops.analytics.addresses import AddressError, read
from salesops.analytics.engine.figure import Figure, undefined
from salesops.analytics.engine.noise import Movement
from salesops.analytics.outcome_sides import GOALS
from salesops.analytics.outcomes import Line, Outcomes, outcomes, said_of
from salesops.analytics.tests import pipeline_firm as firm
from salesops.core.calendars import FiscalCalendar
from salesops.org import selectors as org
from salesops.org.services import organisation_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor
from salesops.platform.signin import account_save, token_create
from salesops.platform.tests.roles import load_facts
from salesops.process.inputs import open_frames
from salesops.quality.engine.rules import faulty_rows
from salesops.quality.selectors import faults_over

pytestmark = pytest.mark.django_db

FIRST, NOW = date(2024, 1, 2), date(2026, 8, 20)


def deals() -> list[dict[str, Any]]:
    """A deal every third day, closed after a time that shrinks; of two owners, some lost, some without an amount."""
    made = []
    for n in range(318):
        created = FIRST + timedelta(days=3 * n)
        closed = created + timedelta(days=60 - n // 8 + n * 7 % 11)
        mine = n % 3 != 0
        over = closed <= NOW
        made.append(
            {
                "id": f"D{n}",
                "name": f"{'Ours' if mine else 'Theirs'} {n}",
                "owner_id": firm.OURS if mine else firm.THEIRS,
                "stage": ("Closed Lost" if n % 4 == 0 else "Closed Won") if over else "Proposal",
                "amount": None if n % 9 == 0 else Decimal(100 + n),
                "created_on": created,
                "close_on": closed,
                "next_step": "call",
                "account_id": None if n % 13 == 0 else "A1",
                "loss_reason": "price",
            }
        )
    return made


@pytest.fixture(autouse=True)
def _loaded() -> None:
    load()


def load() -> None:
    """Bring the firm in."""
    org._people_in_facts.cache_clear()
    people = [
        {"id": firm.OURS, "name": "Ann Ours", "manager_id": firm.LEAD, "team": "North"},
        {"id": firm.THEIRS, "name": "Theo Theirs", "manager_id": "m2", "team": "South"},
        {"id": firm.LEAD, "name": "Max Lead", "manager_id": None, "team": "North"},
    ]
    accounts = [{"id": "A1", "name": "Shared account", "owner_id": firm.OURS, "industry": "Retail"}]
    load_facts({"users": people, "accounts": accounts, "opportunities": deals()}, data_on=NOW)
    organisation_decide(actor=ADMIN, values={"currency": "USD"})


def told(query: str = "period=quarter", against: Any = "year", actor: Actor = ADMIN) -> Outcomes:
    return outcomes(actor, read(QueryDict(query), default="quarter"), against)


def line(found: Outcomes, name: str) -> Line:
    (one,) = [one for one in found.lines if (one.kpi.name if one.kpi else "clean_records") == name]
    return one


def closed(first: date, last: date, stage: str = "Closed Won", owner: str = "") -> list[dict[str, Any]]:
    return [
        d for d in deals()
        if d["stage"] == stage and first <= d["close_on"] <= last and owner in ("", d["owner_id"])
    ]  # fmt: skip


def cycle(rows: list[dict[str, Any]]) -> Fraction:
    return Fraction(median([Fraction((d["close_on"] - d["created_on"]).days) for d in rows]))


def test_each_side_is_counted_to_the_same_day() -> None:
    found = told()
    assert (found.period.label, found.earlier.label) == ("2026-Q3", "2025-Q3")
    assert (found.day, found.day_then) == (NOW, date(2025, 8, 20))
    one = line(found, "sales_cycle_median")
    now, then = closed(date(2026, 7, 1), NOW), closed(date(2025, 7, 1), date(2025, 8, 20))
    assert (one.now.value, one.then.value) == (cycle(now), cycle(then))
    assert one.rows == (len(now), len(then))
    assert one.change.value == cycle(now) - cycle(then)
    assert one.better == "better", "less is better"
    won = line(found, "won_value")
    assert (won.now.value, won.then.value) == tuple(
        sum((d["amount"] or Decimal(0) for d in side), Decimal(0)) for side in (now, then)
    )


def test_a_finished_period_is_compared_whole_and_another_way() -> None:
    found = told("period=2026-Q2", "period")
    assert (found.earlier.label, found.day, found.day_then) == (
        "2026-Q1", date(2026, 6, 30), date(2026, 3, 31),
    )  # fmt: skip
    one = line(found, "sales_cycle_median")
    assert one.now.value == cycle(closed(date(2026, 4, 1), date(2026, 6, 30)))
    assert one.then.value == cycle(closed(date(2026, 1, 1), date(2026, 3, 31)))


def test_clean_records_are_those_that_no_rule_finds_at_fault() -> None:
    found = told()
    one = line(found, "clean_records")
    for day, figure, rows in zip((None, found.day_then), (one.now, one.then), one.rows, strict=True):
        with open_frames(ADMIN, as_of=day) as frames:
            faults = faults_over(frames)
            every = {r["id"] for r in frames.facts.execute(frames.deals.select("id")).to_pylist()}
            shared = [f.rule for f in faults.deal_findings() if f.applicable is not None]
            bad: set[str] = set()
            for rule in shared:
                made = faulty_rows(faults.tables["deals"], rule, faults.context).select("id")
                bad |= {r["id"] for r in frames.facts.execute(made).to_pylist()}
        assert rows == len(every) == sum(d["created_on"] <= (day or NOW) for d in deals())
        assert 0 < len(bad) < len(every)
        assert figure.value == Decimal(round(Fraction(len(every - bad), len(every)) * 10**12)) / 10**12
    assert said_of(one) == "unknown", "nothing says how far it usually moves"
    assert {r.rule.code for r in found.rules} <= {rule.code for rule in shared}


def test_a_number_without_a_value_says_why_and_improves_nothing() -> None:
    found = told()
    one = line(found, "rep_productivity")
    assert (one.now.value, one.better) == (None, "unknown")
    assert "quota" in one.now.reason
    assert found.reps == ()
    assert "quota" in found.reps_reason
    accuracy = line(found, "commit_accuracy")
    assert (accuracy.now.value, accuracy.period.label) == (None, "2026-Q2")
    assert found.of == 4
    better = [one for one in found.lines if one.lead and one.goal.key and one.better == "better"]
    assert found.improved == len(better) == int(parts.reading(found)[0])
    assert "2 can't be told" in parts.reading(found)


def test_a_period_that_the_data_does_not_hold_is_no_comparison() -> None:
    found = told("period=2024-Q2")
    assert all(one.then.value is None for one in found.lines)
    assert "the data begins on 2024-01-02: Q2 2023 is not whole in it" in parts.reading(found)
    assert line(found, "sales_cycle_median").now.value is not None
    for query, against in (("period=all", "year"), ("period=2031-Q1", "year"), ("period=2026-W20", "year")):
        with pytest.raises(AddressError):
            told(query, against)


def test_noise_is_judged_of_the_latest_whole_period() -> None:
    found = told()
    assert found.judged is not None
    assert found.judged.label == "2026-Q2"
    movement = line(found, "sales_cycle_median").movement
    assert movement is not None
    calendar = FiscalCalendar()
    quarters = calendar.periods("quarter", date(2024, 4, 1), date(2026, 6, 30))[-9:]
    assert movement.latest == cycle(closed(quarters[-1].first, quarters[-1].last))
    earlier = [cycle(closed(q.first, q.last)) for q in quarters[:-1]]
    assert movement.expected == sum(earlier) / len(earlier)
    assert movement.periods == len(earlier) == 8


def test_a_change_is_beyond_noise_only_where_the_period_moved_the_same_way() -> None:
    period = FiscalCalendar().parse("2026-Q2")

    def said(change: int, verdict: Any, judged: Any = period) -> str:
        better = "better" if change < 0 else "worse"
        moved = Movement(verdict) if verdict else None
        return said_of(
            Line(
                GOALS[1], True, None, Figure(5), Figure(5 - change), period, period, Figure(change), better, moved,
                judged=judged,
            )
        )  # fmt: skip

    assert [said(-1, v) for v in ("down", "up", "noise", "unknown", None)] == [
        "confirmed", "noise", "noise", "unknown", "unknown",
    ]  # fmt: skip
    assert [said(1, v) for v in ("down", "up")] == ["noise", "confirmed"]
    before = FiscalCalendar().parse("2026-Q1")
    assert {said(n, v, before) for n in (1, -1) for v in ("down", "up", "noise")} == {"unknown"}
    nothing = Line(GOALS[1], True, None, Figure(5), undefined("x"), period, period, undefined("x"), "unknown")
    assert said_of(nothing) == ""


def test_of_a_running_period_noise_is_not_known() -> None:
    """How the quarter before moved says nothing of this one; of a finished one its own movement counts."""
    running, over = told(), told("period=2026-Q2")
    cycles = line(running, "sales_cycle_median")
    assert (cycles.judged, running.judged) == (running.judged, over.period)
    assert (cycles.better, said_of(cycles)) == ("better", "unknown")
    (row,) = [one for one in parts.rows(running) if one["name"] == "sales_cycle_median"]
    assert (row["noise"], row["said"]) == ("unknown", "better, noise not known")
    assert row["why"].endswith("; Q3 2026 is judged when it is over")
    assert "beyond noise" not in parts.reading(running)
    assert "noise is not known of" in parts.reading(running)
    cycles = line(over, "sales_cycle_median")
    assert cycles.movement is not None
    assert said_of(cycles) == {"down": "confirmed", "up": "noise", "noise": "noise"}[cycles.movement.verdict]


def test_without_an_earlier_side_the_faults_of_now_are_shown_alone() -> None:
    found = told("period=2024-Q2")
    with open_frames(ADMIN, as_of=date(2024, 6, 30)) as frames:
        faults = faults_over(frames)
        expected = {
            f.rule.code: f.faulty for f in faults.deal_findings() if f.applicable is not None and f.faulty
        }
    assert expected
    assert {one.rule.code: one.now[0] for one in found.rules} == expected
    assert {one.then for one in found.rules} == {None}
    made = firm.client("ops_analyst")
    assert firm.body(made.get("/outcomes/?period=2024-Q2&freeze=xlsx"))[:2] == b"PK"
    page = made.get("/outcomes/?period=2024-Q2").content.decode()
    assert "No rule finds a fault" not in page
    assert "Those of now alone: the data begins on 2024-01-02" in page
    assert found.rules[0].rule.title in page


def test_a_token_that_may_not_read_faults_is_told_of_none() -> None:
    user = account_save(actor=ADMIN, username="reader", role="ops_analyst")

    def asked(*scopes: str) -> Any:
        _, secret = token_create(actor=ADMIN, user=user, name="x", scopes=scopes)
        answer = Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/outcomes?period=2026-Q2")
        assert answer.status_code == 200
        return answer.json()

    narrow, wide = asked("numbers.read"), asked("numbers.read", "faults.read")
    assert narrow["rules"] is None
    assert narrow["rules_reason"] == "this token lacks the scope faults.read"
    assert narrow["outcomes"] == wide["outcomes"]
    assert (wide["rules_reason"], wide["rules"], asked()["rules"]) == ("", wide["rules"], wide["rules"])
    assert {one["code"]: one["faulty"] for one in wide["rules"]} == {
        one.rule.code: one.now[0] for one in told("period=2026-Q2").rules
    }


def test_a_rep_reads_the_outcomes_of_his_own_deals() -> None:
    rep = Actor(name="ann", role="rep", person_id=firm.OURS)
    one = line(told(actor=rep), "sales_cycle_median")
    assert one.now.value == cycle(closed(date(2026, 7, 1), NOW, owner=firm.OURS))
    assert line(told(actor=rep), "clean_records").rows[0] == sum(d["owner_id"] == firm.OURS for d in deals())


def test_page_file_and_rest_say_the_same() -> None:
    made = firm.client("ops_analyst")
    found = told()
    page = made.get("/outcomes/").content.decode()
    assert parts.reading(found) in page.replace("&#x27;", "'")
    text = firm.body(made.get("/outcomes/?freeze=csv")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text[text.index("Outcome,") :])))
    assert [row["Number"] for row in rows] == [parts.title_of(one) for one in found.lines]
    cycles = next(row for row in rows if row["Number"].endswith("median)"))
    assert Decimal(cycles["Value"]) == line(found, "sales_cycle_median").now.value
    assert firm.body(made.get("/outcomes/?freeze=xlsx"))[:2] == b"PK"
    bad = made.get("/outcomes/?against=never")
    assert (bad.status_code, "Compare with year or period" in bad.content.decode()) == (400, True)
    shown = {row["name"]: row for row in parts.rows(found)}
    assert shown["sales_cycle_median"]["said"].startswith("better")
    assert isinstance(shown, Mapping)
