"""Ramp, the share of newcomers who are there and their time to productivity, against plain loops."""

from __future__ import annotations

import itertools
import random
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
import yaml

from salesops.analytics.engine.compute import drill, evaluate
from salesops.analytics.engine.kpi import Context
from salesops.analytics.selectors import Question, numbers, rows_behind
from salesops.analytics.shown import unit_of
from salesops.analytics.tests import deals as d
from salesops.core.calendars import FiscalCalendar
from salesops.crm import services
from salesops.permissions.services import mask_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor
from salesops.quotas.engine.ramp import Given, Ramp, full_quotas, last_day, month_since, ramp_of, won_by_month
from salesops.quotas.engine.ramp_kpis import KPIS
from salesops.quotas.services import quotas_decide
from salesops.ui.readings import BarRow, bars

CON = d.connection()
EXECUTE = d.execute(CON)
ALL = Context(period=None, as_of=d.AS_OF, today=d.AS_OF)
YEARS = FiscalCalendar()
BY_NAME = {kpi.name: kpi for kpi in KPIS}


def rows_of(people: list[dict[str, Any]]) -> ibis.Table:
    kinds = [
        ("owner_id", pa.string()),
        ("team", pa.string()),
        ("hired_on", pa.date32()),
        ("full_quota", pa.decimal128(19, 4)),
        ("months", pa.int64()),
        ("reached", pa.bool_()),
        ("before_data", pa.bool_()),
    ]
    return ibis.memtable(pa.Table.from_pylist(people, schema=pa.schema(kinds)))


def newcomer(name: str, months: int | None, reached: bool, **more: Any) -> dict[str, Any]:
    return {
        "owner_id": name, "team": "x", "hired_on": d.FIRST, "full_quota": Decimal(10), "months": months,
        "reached": reached, "before_data": False,
    } | more  # fmt: skip


def test_the_worked_case_as_rows(shared_cases: Path) -> None:
    cases = yaml.safe_load((shared_cases / "ops.yaml").read_text(encoding="utf-8"))["cases"]
    case = next(one for one in cases if one["id"] == "RAMP-1")
    people = [
        newcomer(f"p{n}", months, bool(event)) for n, (months, event) in enumerate(case["inputs"]["months_event"])
    ]  # fmt: skip
    found = {v.name: v.value for v in evaluate(KPIS, {"ramp": rows_of(people)}, ALL, EXECUTE)}
    assert found["ramp"] == case["expected"]["median_months"] == 6
    assert found["time_to_productivity"] == Decimal(str(case["trap"]["mean_of_completed_only"]))
    opened = EXECUTE(drill(BY_NAME["ramp"], "ramping", {"ramp": rows_of(people)}, ALL)).to_pylist()
    assert sorted((r["contribution"], int(r["reached"])) for r in opened) == sorted(
        (months, event) for months, event in case["inputs"]["months_event"]
    )


def test_the_worked_case_from_won_amounts(shared_cases: Path) -> None:
    cases = yaml.safe_load((shared_cases / "ops.yaml").read_text(encoding="utf-8"))["cases"]
    attained = next(one for one in cases if one["id"] == "RAMP-3")["inputs"]["monthly_attainment"]
    won = {month: Decimal(str(share)) * 900 for month, share in enumerate(attained, start=1)}
    quotas = [
        Given(date(2024, 1, 1), date(2024, 3, 31), 3, Decimal(600)),
        Given(date(2024, 4, 1), date(2024, 9, 30), 6, Decimal(5400)),
    ]
    start = date(2024, 1, 10)
    found = ramp_of(start, date(2024, 9, 30), quotas, won, start, YEARS)
    assert (found.full_quota, found.months, found.reached) == (Decimal(900), 7, True)
    early = ramp_of(start, date(2024, 8, 8), quotas, won, start, YEARS)
    assert (early.months, early.reached) == (6, False), "the seventh month is not over"
    late = ramp_of(start, date(2024, 9, 30), quotas, won, start + timedelta(days=1), YEARS)
    assert (late.months, late.before_data) == (None, True)
    assert ramp_of(start, date(2024, 9, 30), [], won, start, YEARS) == Ramp(None, None, False, False)


def test_a_higher_quota_of_a_later_year_takes_nobodys_ramp_away() -> None:
    """100 a month from the start, 100 won in each; the year after plans 150, and 120 are won."""
    start = date(2024, 7, 1)
    won = {month: Decimal(100) if month <= 6 else Decimal(120) for month in range(1, 19)}
    flat = Given(date(2024, 7, 1), date(2024, 12, 31), 6, Decimal(600))
    grown = Given(date(2025, 1, 1), date(2025, 12, 31), 12, Decimal(1800))
    for end in (date(2024, 12, 31), date(2025, 12, 31)):
        found = ramp_of(start, end, [flat, grown], won, start, YEARS)
        assert (found.months, found.reached, found.full_quota) == (3, True, Decimal(100))
    lowered = Given(date(2024, 7, 1), date(2024, 9, 30), 3, Decimal(150))
    full = Given(date(2024, 10, 1), date(2024, 12, 31), 3, Decimal(300))
    own = {1: Decimal(50), 2: Decimal(50), 3: Decimal(50), 4: Decimal(90), 5: Decimal(90), 6: Decimal(90)}
    found = ramp_of(start, date(2024, 12, 31), [lowered, full, grown], own, start, YEARS)
    assert (found.months, found.reached) == (6, True), "a lowered quota that is met is no full one"


@pytest.mark.parametrize("begins", [1, 4])
def test_full_quotas_against_a_loop(begins: int) -> None:
    dice = random.Random(5)

    def year_of(day: date) -> int:
        return (day.year * 12 + day.month - begins) // 12

    different = 0
    for _ in range(60):
        start = date(2023, 1, 1) + timedelta(days=dice.randrange(800))
        quotas = []
        for _ in range(dice.randrange(6)):
            first = date(2022 + dice.randrange(5), dice.choice([1, 4, 7, 10]), 1)
            months = dice.choice([3, 6, 12])
            last = monthday(first, months) - timedelta(days=1)
            quotas.append(Given(first, last, months, Decimal(dice.choice([0, 30, 60, 90])) * months))
        seen = [q for q in quotas if q.amount and q.last >= start and q.first < monthday(start, 24)]
        expected = []
        for month in range(24 if seen else 0):
            year = year_of(monthday(start, month + 1) - timedelta(days=1))
            order = [*range(year, 2000, -1), *range(year + 1, 2040)]
            for one in order:
                amounts = [q.amount / q.months for q in seen if year_of(q.first) <= one <= year_of(q.last)]
                if amounts:
                    expected.append(max(amounts))
                    break
        assert full_quotas(start, quotas, FiscalCalendar(start_month=begins)) == expected
        different += len(set(expected)) > 1
    assert different > 5


def test_months_of_tenure_hold_every_day_once() -> None:
    for start in (date(2024, 1, 31), date(2023, 2, 28), date(2024, 2, 29), date(2025, 12, 1)):
        months = [month_since(start, start + timedelta(days=n)) for n in range(800)]
        assert months[0] == 1
        assert month_since(start, start - timedelta(days=1)) == 0
        assert {b - a for a, b in itertools.pairwise(months)} <= {0, 1}
        assert all(27 <= months.count(month) <= 33 for month in range(1, months[-1]))
        for month in range(1, months[-1]):
            assert last_day(start, month) == start + timedelta(days=months.index(month + 1) - 1)


def test_against_loops() -> None:
    dice = random.Random(11)
    for _ in range(12):
        first = date(2024, 1, 1)
        people = {
            f"p{n}": (
                first + timedelta(days=dice.randrange(-60, 500)),
                Decimal(dice.choice([0, 100, 250])),
                dice.choice([None, first + timedelta(days=dice.randrange(520, 700))]),
            )
            for n in range(dice.randrange(1, 9))
        }
        deals = [
            {
                "id": f"d{n}",
                "owner_id": dice.choice([*people, None]),
                "stage_class": dice.choice(["won", "won", "lost"]),
                "amount": dice.choice([None, *(Decimal(amount) for amount in (40, 90, 240))]),
                "closed_on": dice.choice([None, *(first + timedelta(days=dice.randrange(720)) for _ in "abc")]),
            }
            for n in range(dice.randrange(60))
        ]  # fmt: skip
        as_of = first + timedelta(days=dice.randrange(400, 1000))
        starts = pa.table(
            {"owner_id": list(people), "hired_on": [one[0] for one in people.values()]},
            schema=pa.schema([("owner_id", pa.string()), ("hired_on", pa.date32())]),
        )
        won: dict[str, dict[int, Decimal]] = {}
        for row in EXECUTE(won_by_month(d.table(deals), ibis.memtable(starts), ALL)).to_pylist():
            won.setdefault(row["owner_id"], {})[row["month"]] = row["won"] or Decimal(0)
        rows, expected = [], []
        for name, (start, monthly, left) in people.items():
            quotas = [Given(start, start + timedelta(days=700), 23, monthly * 23)]
            made = ramp_of(start, min(left or as_of, as_of), quotas, won.get(name, {}), first, YEARS)
            team = "ab"[len(rows) % 2]
            rows.append(newcomer(name, made.months, made.reached, team=team, hired_on=start))
            expected.append((team, *by_hand(name, start, monthly, min(left or as_of, as_of), deals, first)))
        assert [(r["team"], r["months"], r["reached"]) for r in rows] == expected
        for wanted in ("a", "b"):
            found = {
                v.name: v.value
                for v in evaluate(KPIS, {"ramp": rows_of(rows)}, ALL, EXECUTE, ("team",))
                if v.group["team"] == wanted
            }
            own = [
                (months, there) for team, months, there in expected if team == wanted and months is not None
            ]
            there = [months for months, reached in own if reached]
            if not found:
                assert wanted not in {team for team, _, _ in expected}
                continue
            assert found["ramp"] == median(own)
            assert found["ramped_share"] == (d_ratio(len(there), len(own)))
            assert found["time_to_productivity"] == d_ratio(sum(there), len(there))


def by_hand(
    name: str, start: date, monthly: Decimal, end: date, deals: list[dict[str, Any]], first: date
) -> tuple[int | None, bool]:
    """Month by month, each with its first and its last day."""
    if not monthly or start < first:
        return None, False
    amounts: list[Decimal] = []
    for month in range(24):
        begin, after = monthday(start, month), monthday(start, month + 1)
        if after - timedelta(days=1) > end:
            break
        amounts.append(
            sum(
                (
                    deal["amount"] or Decimal(0)
                    for deal in deals
                    if deal["owner_id"] == name
                    and deal["stage_class"] == "won"
                    and deal["closed_on"]
                    and begin <= deal["closed_on"] < after
                ),
                Decimal(0),
            )
        )
        if len(amounts) > 2 and sum(amounts[-3:]) * 5 >= monthly * 3 * 4:
            return month + 1, True
    return (len(amounts), False) if amounts else (None, False)


def monthday(start: date, later: int) -> date:
    """The same day of a later month; the first of the next where that month lacks it."""
    year, month = divmod(start.year * 12 + start.month - 1 + later, 12)
    try:
        return date(year, month + 1, start.day)
    except ValueError:
        return date(year + (month == 11), (month + 1) % 12 + 1, 1)


def median(people: list[tuple[int, bool]]) -> int | None:
    """The product limit, month by month."""
    share = Fraction(1)
    for month in range(1, 25):
        at_risk = sum(months >= month for months, _ in people)
        came = sum(months == month and there for months, there in people)
        share *= 1 - Fraction(came, at_risk) if came else 1
        if came and share <= Fraction(1, 2):
            return month
    return None


def d_ratio(top: int, bottom: int) -> Decimal | None:
    if not bottom:
        return None
    return Decimal(round(Fraction(top, bottom) * 10**12)) / 10**12


USERS = """User ID,Name,Email,Hire Date
U1,Ann Ray,ann@x.example,2024-02-01
U2,Bob Lee,bob@x.example,2024-03-01
U3,Cy Old,cy@x.example,2020-01-01
"""


@pytest.fixture
def imported(tmp_path: Path, db: object) -> None:
    lines = ["Opportunity ID,Opportunity Name,Stage,Amount,Created Date,Close Date,Opportunity Owner"]
    for n, (owner, day) in enumerate(
        [("Ann Ray", "2024-02-10"), ("Ann Ray", "2024-03-15"), ("Ann Ray", "2024-04-02"), ("Ann Ray", "2024-05-20"),
         ("Bob Lee", "2024-03-20"), ("Cy Old", "2024-01-15")]
    ):  # fmt: skip
        lines.append(f"D{n},Deal {n},Closed Won,{40 if n == 0 else 100}.00,2024-01-05,{day},{owner}")
    for name, text in (("users", USERS), ("deals", "\n".join(lines) + "\n")):
        path = tmp_path / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[path], data_on=date(2024, 7, 10))
    rows = [{"person": p, "period": "2024", "amount": "1200"} for p in ("Ann Ray", "Bob Lee", "Cy Old")]
    quotas_decide(actor=LOCAL_ADMINISTRATOR, rows=rows, reason="plan")


def test_from_files_and_quotas(imported: None) -> None:
    """Ann makes 40, 100, 100, 100 of 100: 80 on average after three months. Bob is in his fifth month without."""
    found = {v.name: v for v in numbers(LOCAL_ADMINISTRATOR, list(BY_NAME), Question()).values}
    assert found["ramp"].value == 3
    assert found["ramped_share"].value == Decimal("0.5")
    assert found["ramped_share"].interval is not None
    assert any("before the first deal known" in note and "1." in note for note in found["ramp"].notes)
    rows, _ = rows_behind(LOCAL_ADMINISTRATOR, "ramp", "ramping", Question())
    assert sorted((r["owner_name"], r["contribution"], r["reached"]) for r in rows) == [
        ("Ann Ray", 3, True), ("Bob Lee", 4, False),
    ]  # fmt: skip
    march = {
        v.name: v for v in numbers(LOCAL_ADMINISTRATOR, list(BY_NAME), Question(period="2024-M03")).values
    }
    assert march["ramp"].value is None
    assert "fewer than half" in march["ramp"].reason
    then = numbers(LOCAL_ADMINISTRATOR, ["ramp"], Question(as_of=date(2024, 4, 30)))
    assert (then.values[0].value, then.values[0].n) == (3, 2), "Ann was there that day"
    before = numbers(LOCAL_ADMINISTRATOR, ["ramp"], Question(as_of=date(2024, 4, 29)))
    assert (before.values[0].value, before.values[0].n) == (None, 2)


def test_a_hidden_start_date_is_told_by_no_ramp(imported: None) -> None:
    analyst = Actor(name="ana", role="ops_analyst")
    mask_decide(
        actor=LOCAL_ADMINISTRATOR,
        name="rule",
        columns=("users.hired_on",),
        roles=("ops_analyst",),
        reason="test",
    )
    for value in numbers(analyst, list(BY_NAME), Question()).values:
        assert (value.value, value.reason) == (None, "masked for your role: users.hired on")


def test_without_start_dates_the_reason_says_what_to_do() -> None:
    for value in evaluate(KPIS, {"deals": d.table([])}, ALL, EXECUTE):
        assert value.reason == "no start date of anybody is known: export users with the day they were hired"


def test_calendars_of_other_firms_divide_quotas_by_their_own_months() -> None:
    calendar = FiscalCalendar(start_month=4)
    year = calendar.parse("2024")
    assert len(calendar.periods("month", year.first, year.last)) == 12


def test_medians_of_groups_are_not_added_up() -> None:
    rows = [BarRow("North", [6]), BarRow("South", [9])]
    said = bars(rows, ["Ramp"], unit_of(BY_NAME["ramp"], ""))
    assert "9.0 months" in said
    assert "in all" not in said
