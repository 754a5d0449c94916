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
FROM_DEALS = [kpi for kpi in catalogue().values() if {kpi.frame, *(s.frame for s in kpi.sides)} == {"deals"}]
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
    elif kpi.dated_by == "expected_close_on":
        scope = [r for r in rows if r["stage_class"] == "open"]
    else:
        scope = [r for r in rows if r["stage_class"] != "ignored"]
    return bool(scope) and all(r[kpi.dated_by] is None for r in scope)


@CONTEXTS
@settings(max_examples=12)
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


@settings(max_examples=6)
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


def seeded_rows() -> list[dict[str, Any]]:
    """A few hundred deals, the same every time."""
    dice = random.Random(11)
    day = d.FIRST - timedelta(days=60)

    def some(value: Any) -> Any:
        return None if dice.random() < 0.15 else value

    rows = []
    for i in range(300):
        stage_class = dice.choice(["open", "won", "lost", "ignored", "unmapped"])
        closed = stage_class in ("won", "lost")
        begun = day + timedelta(days=dice.randrange(120))
        ended = begun + timedelta(days=dice.randrange(90))
        rows.append(
            {
                "id": str(i),
                "stage_class": stage_class,
                "region": dice.choice(["north", "south", None]),
                "amount": some(Decimal(dice.randrange(10**7)) / 100),
                "amount_estimate": some(Decimal(5)),
                "created_on": some(begun),
                "first_interaction_on": some(begun - timedelta(days=3)),
                "closed_on": some(ended) if closed else None,
                "expected_close_on": None if closed else some(ended),
                "is_pitched": dice.choice([True, False, None]),
                "forecast_category": dice.choice(["commit", "omitted", None]),
                "loss_reason": dice.choice(["Price", "No decision", None]) if stage_class == "lost" else None,
            }
        )
    return rows


@CONTEXTS
@pytest.mark.parametrize("region", ["north", None])
def test_the_rows_behind_a_side_make_up_the_side(context: Context, region: str | None) -> None:
    frame = d.table(seeded_rows())
    found = evaluate(FROM_DEALS, frame, context, EXECUTE, by=["region"])
    for value in (v for v in found if v.group["region"] == region):
        kpi = catalogue()[value.name]
        for side in kpi.sides:
            opened = EXECUTE(drill(kpi, side.name, frame, context, value.group)).select(
                ["region", "contribution"]
            )
            regions, cells = set(opened["region"].to_pylist()), opened["contribution"].to_pylist()
            parts = [Fraction(cell) for cell in cells if cell is not None]
            stated = value.sides[side.name]
            assert regions <= {region}
            assert stated is not None
            if side.measure.kind in ("median", "median_days"):
                assert Fraction(stated) == d.median(parts), (kpi.name, side.name)
            elif side.measure.kind == "upper_days":
                assert Fraction(stated) == d.upper(parts), (kpi.name, side.name)
            else:
                assert Fraction(stated) == sum(parts, Fraction(0)), (kpi.name, side.name)
            if side.name == kpi.sample:
                assert value.n == len(cells)


@settings(max_examples=4)
@given(rows=d.rows)
def test_shuffled_rows_change_nothing(rows: list[dict[str, Any]]) -> None:
    shuffled = random.Random(7).sample(rows, len(rows))
    before, after = values(rows, d.IN_QUARTER), values(shuffled, d.IN_QUARTER)
    assert {k: v.value for k, v in before.items()} == {k: v.value for k, v in after.items()}


@settings(max_examples=4)
@given(rows=d.rows)
def test_shifted_dates_with_a_shifted_period_change_nothing(rows: list[dict[str, Any]]) -> None:
    shift = timedelta(days=1000)
    moved = [{k: v + shift if k.endswith("_on") and v else v for k, v in row.items()} for row in rows]
    period = Period(kind="custom", label="s", title="s", first=d.FIRST + shift, last=d.LAST + shift)
    later = Context(period, d.AS_OF + shift, d.AS_OF + shift)
    before, after = values(rows, d.IN_QUARTER), values(moved, later)
    assert {k: v.value for k, v in before.items()} == {k: v.value for k, v in after.items()}


@settings(max_examples=4)
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
