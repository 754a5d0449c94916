"""The catalogue against plain loops over random deals, and against its own drill-down."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings

from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.compute import drill, evaluate
from salesops.analytics.engine.kpi import Context
from salesops.analytics.tests import deals as d
from salesops.core.calendars import Period

CON = d.connection()
EXECUTE = d.execute(CON)
NEEDS_QUOTA = {"coverage", "coverage_gross"}
FROM_DEALS = [kpi for name, kpi in catalogue().items() if name not in NEEDS_QUOTA]
CONTEXTS = pytest.mark.parametrize("context", [d.ALL_TIME, d.IN_QUARTER], ids=["all", "quarter"])


def values(rows: list[dict[str, Any]], context: Context, **kwargs: Any) -> dict[Any, Any]:
    found = evaluate(FROM_DEALS, d.table(rows), context, EXECUTE, **kwargs)
    return {(v.name, *v.group.values()): v for v in found}


def undated(rows: list[dict[str, Any]], context: Context, name: str) -> bool:
    """A dated number over rows none of which has the date is unknown, not 0."""
    kpi = catalogue()[name]
    if context.period is None or not kpi.dated_by:
        return False
    if kpi.dated_by == "closed_on":
        scope = [r for r in rows if r["stage_class"] in ("won", "lost")]
    else:
        scope = [r for r in rows if r["stage_class"] != "ignored"]
    return bool(scope) and all(r[kpi.dated_by] is None for r in scope)


@CONTEXTS
@settings(max_examples=20)
@given(rows=d.rows)
def test_every_kpi_equals_the_loop(context: Context, rows: list[dict[str, Any]]) -> None:
    got, expected = values(rows, context), d.by_hand(rows, context)
    assert {name for name, *_ in got} == set(expected)
    for name, wanted in expected.items():
        value = got[name,]
        if undated(rows, context, name):
            wanted = None
        if wanted is None:
            assert value.value is None, name
            assert value.reason, name
        else:
            assert value.reason == "", name
            assert abs(Fraction(value.value) - Fraction(wanted)) <= Fraction(1, 10**12), name


@settings(max_examples=10)
@given(rows=d.rows)
def test_groups_equal_the_loop_over_their_rows(rows: list[dict[str, Any]]) -> None:
    got = values(rows, d.ALL_TIME, by=("region", "owner_id"))
    groups = {(r["region"], r["owner_id"]) for r in rows}
    assert {key[1:] for key in got} == groups
    for region, owner in groups:
        members = [r for r in rows if (r["region"], r["owner_id"]) == (region, owner)]
        for name, wanted in d.by_hand(members, d.ALL_TIME).items():
            value = got[name, region, owner].value
            if wanted is None:
                assert value is None, name
            else:
                assert abs(Fraction(value) - Fraction(wanted)) <= Fraction(1, 10**12), name


@CONTEXTS
@settings(max_examples=6)
@given(rows=d.rows)
def test_the_rows_behind_a_side_make_up_the_side(context: Context, rows: list[dict[str, Any]]) -> None:
    frame = d.table(rows)
    found = {
        (v.name, v.group["region"]): v for v in evaluate(FROM_DEALS, frame, context, EXECUTE, by=["region"])
    }
    for (name, region), value in found.items():
        kpi = catalogue()[name]
        for side in kpi.sides:
            opened = EXECUTE(drill(kpi, side.name, frame, context, {"region": region})).to_pylist()
            parts = [row["contribution"] for row in opened if row["contribution"] is not None]
            stated = value.sides[side.name]
            assert {row["region"] for row in opened} <= {region}
            if side.measure.kind in ("median", "median_days"):
                middle = d.median(parts)
                assert stated is None if middle is None else Fraction(stated) == middle
            elif stated is None:
                assert opened
                assert not parts
            else:
                assert Fraction(stated) == sum((Fraction(p) for p in parts), Fraction(0)), (name, side.name)
            if side.name == kpi.sample:
                assert value.n == len(opened)


@settings(max_examples=8)
@given(rows=d.rows)
def test_shuffled_rows_change_nothing(rows: list[dict[str, Any]]) -> None:
    shuffled = random.Random(7).sample(rows, len(rows))
    before, after = values(rows, d.IN_QUARTER), values(shuffled, d.IN_QUARTER)
    assert {k: v.value for k, v in before.items()} == {k: v.value for k, v in after.items()}


@settings(max_examples=8)
@given(rows=d.rows)
def test_shifted_dates_with_a_shifted_period_change_nothing(rows: list[dict[str, Any]]) -> None:
    shift = timedelta(days=1000)
    moved = [{k: v + shift if k.endswith("_on") and v else v for k, v in row.items()} for row in rows]
    period = Period(kind="custom", label="s", title="s", first=d.FIRST + shift, last=d.LAST + shift)
    later = Context(period, d.AS_OF + shift, d.AS_OF + shift)
    before, after = values(rows, d.IN_QUARTER), values(moved, later)
    assert {k: v.value for k, v in before.items()} == {k: v.value for k, v in after.items()}


@settings(max_examples=8)
@given(rows=d.rows)
def test_rescaled_amounts_rescale_money_and_nothing_else(rows: list[dict[str, Any]]) -> None:
    scaled = [{**r, "amount": None if r["amount"] is None else r["amount"] * 8} for r in rows]
    before, after = values(rows, d.IN_QUARTER), values(scaled, d.IN_QUARTER)
    for key, value in before.items():
        factor = 8 if catalogue()[value.name].unit.startswith("money") else 1
        if value.value is None:
            assert after[key].value is None
        else:
            assert abs(Fraction(after[key].value) - factor * Fraction(value.value)) <= Fraction(1, 10**11)


def test_counts_and_sums_add_up_over_groups_but_ratios_do_not_need_to() -> None:
    made = [
        {"id": "1", "stage_class": "won", "region": "n", "amount": Decimal("0.10"), "closed_on": d.FIRST},
        {"id": "2", "stage_class": "won", "region": "s", "amount": Decimal("0.20"), "closed_on": d.LAST},
        {"id": "3", "stage_class": "lost", "region": "s", "amount": Decimal("0.70"), "closed_on": d.LAST},
    ]
    total, split = values(made, d.IN_QUARTER), values(made, d.IN_QUARTER, by=["region"])
    assert (
        split["won_value", "n"].value + split["won_value", "s"].value
        == total["won_value",].value
        == Decimal("0.30")
    )
    assert split["win_rate_count", "n"].value == 1
    assert total["win_rate_count",].value == Decimal("0.666666666667")
    assert total["win_rate_value",].value == Decimal("0.3")
