"""Periods that a number can't be told of, lives of accounts that have a limit, and calendars without one."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ibis
import pyarrow as pa
import pytest

from salesops.analytics.engine import work
from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.compute import evaluate
from salesops.analytics.engine.journeys import quarter_number
from salesops.analytics.engine.kpi import Context, KpiValue
from salesops.analytics.tests import deals as d
from salesops.analytics.tests import events
from salesops.core.calendars import FiscalCalendar

EXECUTE = d.execute(d.connection())
OF_BILLS = ("nrr", "grr", "customer_churn", "ltv")
OF_SPEND = ("cac", "ltv_cac", "cost_of_sales")


def told(frames: Any, context: Context, *names: str) -> dict[str, KpiValue]:
    found = evaluate([catalogue()[name] for name in names], frames, context, EXECUTE)
    return {value.name: value for value in found}


@pytest.mark.parametrize(
    "last, over", [(events.AS_OF, False), (date(2024, 12, 31), True)], ids=["runs", "over"]
)
def test_a_period_that_runs_is_not_judged_before_its_end(last: date, over: bool) -> None:
    """The last quarter of 2024, as of a day in it and as of its last day."""
    names = (*OF_BILLS, *OF_SPEND, "magic_number", "commit_accuracy")
    context = Context(events.CALENDAR.parse("2024-Q4"), last, last)
    found = told(events.frames(events.make(1), context), context, *names, "arpa", "new_customers")
    for name in names:
        assert found[name].reason.startswith("the period is not over") is not over, name
        assert (found[name].value is None) is not over, name
    assert found["arpa"].value is not None
    assert found["new_customers"].value is not None
    so_far = [note for note in found["arpa"].notes if note.startswith("The period is not over")]
    assert len(so_far) == (not over)


def test_spend_is_summed_over_whole_months_alone() -> None:
    firm = events.make(1)
    for label, whole in (
        ("2024-07-15..2024-09-30", False),
        ("2024-07-01..2024-09-29", False),
        ("2024-07-01..2024-08-31", True),
    ):
        context = Context(events.CALENDAR.parse(label), events.AS_OF, events.AS_OF)
        period = context.period
        assert period is not None
        deals = d.table(firm.deals)
        months = events._table(firm.spend, tuple(firm.spend[0]))
        before = events.CALENDAR.shift(period, -1)
        frames = {
            "deals": deals,
            "customers": work.customers(deals),
            "spend": work.spend(months, period, before),
        }
        found = told(frames, context, "cac", "cost_of_sales")
        spent = [s for s in firm.spend if period.first <= s["month_on"] <= period.last]
        amount = sum((s["amount"] or Decimal(0) for s in spent), Decimal(0))
        for name, value in found.items():
            assert value.reason.startswith("spend is kept by calendar month") is not whole, (label, name)
        assert found["cac"].sides["spend"] == amount
        if whole:
            assert found["cac"].value == amount / found["cac"].sides["customers"]


def test_the_magic_number_asks_for_a_quarter() -> None:
    firm = events.make(1)
    for label in ("2024-H1", "2024-04-01..2024-06-30"):
        context = Context(events.CALENDAR.parse(label), events.AS_OF, events.AS_OF)
        value = told(events.frames(firm, context), context, "magic_number")["magic_number"]
        assert value.reason == "the magic number compares two quarters: choose a quarter"


@pytest.mark.parametrize("accounts, limited", [(25, False), (200, True)])
def test_a_life_is_five_years_at_most_where_hardly_any_account_leaves(accounts: int, limited: bool) -> None:
    """Of the accounts, each billed 100 a quarter, one leaves: 1.3% or 0.17% a month."""
    quarter = events.QUARTER
    before = events.CALENDAR.shift(quarter, -1)
    bills = [
        {"account_id": str(n), "on": span.first, "amount": Decimal(100)}
        for n in range(accounts)
        for span in (before, quarter)
        if n or span is before
    ]
    known = events._table(
        [{"id": "0"}], ("id", "name", "owner_id", "owner_name", "segment", "industry", "country")
    )
    frames = {
        "deals": d.table([]),
        "revenue": work.revenue(
            events._table(bills, ("account_id", "on", "amount")),
            known,
            events.people_table(),
            quarter,
            before,
        ),
        "calendar": ibis.memtable(work.calendar_days(quarter.first, quarter.last)),
    }
    value = told(frames, events.IN_QUARTER, "ltv")["ltv"]
    assert value.value is not None
    # The quarter has 92 days, five years have 1826 and a quarter of one.
    wanted = 100 * Fraction(7305, 4) / 92 if limited else Fraction(100 * accounts)
    assert abs(Fraction(value.value) - wanted) < Fraction(1, 10**11)
    assert [note for note in value.notes if "5 years" in note] == (
        ["Fewer than 1% of the accounts leave in a month: they are taken to stay 5 years, no longer."]
        if limited
        else []
    )


def test_a_forecast_of_deals_without_amounts_is_unknown_and_rests_on_all_of_them() -> None:
    day = d.FIRST
    rows = [
        {"id": "1", "stage_class": "won", "closed_on": day, "amount": None},
        {"id": "2", "stage_class": "open", "expected_close_on": day, "forecast_category": "commit", "amount": None},
        {"id": "3", "stage_class": "open", "expected_close_on": day, "forecast_category": "pipeline", "amount": None},
        {"id": "4", "stage_class": "open", "expected_close_on": day, "forecast_category": "omitted", "amount": 9},
    ]  # fmt: skip
    names = ("commit_forecast", "total_pipeline")
    found = told(d.table(rows), d.IN_QUARTER, *names)
    for name, n in zip(names, (2, 3), strict=True):
        assert (found[name].value, found[name].n) == (None, n)
        assert found[name].reason == "no deal won in the period or forecast for it has an amount"
    rows[2]["amount"] = Decimal(5)
    found = told(d.table(rows), d.IN_QUARTER, *names)
    assert [found[name].value for name in names] == [None, Decimal(5)]
    found = told(d.table(rows[3:]), d.IN_QUARTER, *names)
    assert [(found[name].value, found[name].n) for name in names] == [(0, 0), (0, 0)]


@pytest.mark.parametrize("pattern", ["months", "4-4-5", "5-4-4"])
def test_quarters_of_any_year_are_those_of_the_calendar(pattern: Any) -> None:
    dice = random.Random(3)
    calendar = FiscalCalendar(dice.randrange(1, 13), pattern, dice.randrange(7))
    days = [date(4, 2, 1) + timedelta(days=dice.randrange(3_640_000)) for _ in range(300)]
    days += [
        date(year, month, n) for year in (1999, 2024, 2099) for month in range(1, 13) for n in (1, 3, 26, 28)
    ]
    starts = [calendar.period("quarter", day).first for day in days]
    days += [start - timedelta(days=1) for start in starts] + starts
    table = ibis.memtable(pa.table({"day": pa.array(days, pa.date32())}))
    got = EXECUTE(table.select("day", n=quarter_number(table.day, calendar))).to_pylist()
    numbers: dict[date, set[int]] = {}
    for row in got:
        numbers.setdefault(calendar.period("quarter", row["day"]).first, set()).add(row["n"])
    assert all(len(found) == 1 for found in numbers.values())
    ordered = [numbers[first].copy().pop() for first in sorted(numbers)]
    assert ordered == sorted(set(ordered))
    for first, found in numbers.items():
        following = calendar.shift(calendar.period("quarter", first), 1).first
        if following in numbers:
            assert numbers[following] == {n + 1 for n in found}
