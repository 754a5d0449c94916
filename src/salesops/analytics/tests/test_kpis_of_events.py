"""Numbers on history, activities, leads and money: against plain loops, their own rows, and moved copies."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.compute import drill, evaluate
from salesops.analytics.engine.filters import Filter
from salesops.analytics.engine.kpi import Context
from salesops.analytics.tests import deals as d
from salesops.analytics.tests import events
from salesops.analytics.tests.events_by_hand import by_hand, moves_by_hand, stages_by_hand
from salesops.analytics.tests.test_kpis_by_hand import FROM_DEALS, NEEDS_QUOTA

CON = d.connection()
EXECUTE = d.execute(CON)
OF_EVENTS = [k for k in catalogue().values() if k not in FROM_DEALS and k.name not in NEEDS_QUOTA]


def values(firm: events.Firm, context: Context, **kwargs: Any) -> dict[Any, Any]:
    found = evaluate(OF_EVENTS, events.frames(firm, context), context, EXECUTE, **kwargs)
    return {(v.name, *v.group.values()): v for v in found}


@pytest.mark.parametrize(
    "seed, context",
    [(1, events.IN_QUARTER), (3, events.IN_QUARTER), (3, events.ALL_TIME)],
    ids=["1-quarter", "3-quarter", "3-all"],
)
def test_every_number_equals_the_loop(context: Context, seed: int) -> None:
    firm = events.make(seed)
    got, expected = values(firm, context), by_hand(firm, context)
    if context.period is not None:
        assert {name for (name,) in got} == set(expected)
    wrong = {}
    for name, wanted in expected.items():
        value = got[name,]
        assert (value.value is None) == bool(value.reason), name
        if wanted is None or value.value is None:
            if value.value is not wanted:
                wrong[name] = (value.value, value.reason, wanted)
        elif abs(Fraction(value.value) - Fraction(wanted)) > Fraction(1, 10**11):
            wrong[name] = (value.value, float(wanted))
    assert wrong == {}


def test_the_firms_of_the_loops_have_something_of_everything() -> None:
    filled: set[str] = set()
    for seed in (1, 3):
        filled |= {name for name, value in by_hand(events.make(seed), events.IN_QUARTER).items() if value}
    assert set(by_hand(events.make(1), events.IN_QUARTER)) - filled == set()


def test_a_group_is_the_loop_over_its_rows() -> None:
    """Filtered by a column of the people, and split by it: the same."""
    firm, region = events.make(4), "south"
    split = values(firm, events.IN_QUARTER, by=["region"])
    alone = values(firm, events.IN_QUARTER, filters=[Filter("region", "eq", (region,))])
    for (name,), value in alone.items():
        assert split[name, region].value == value.value, name
        assert split[name, region].sides == value.sides, name
    deals = [x for x in firm.deals if x["region"] == region]
    kept = {x["id"] for x in deals}
    part = replace(firm, deals=deals, changes=[c for c in firm.changes if c["object_id"] in kept])
    # Some were created after the firm's log begins and before the first of them moved: it reaches back to those, too.
    begins = events.log_start(firm)
    assert any(begins <= x["created_on"] < events.log_start(part) for x in deals)
    wanted = {**stages_by_hand(part, events.IN_QUARTER, firm), **moves_by_hand(part, events.IN_QUARTER)}
    for name, value in wanted.items():
        got = alone[name,].value
        assert value is got is None or abs(Fraction(got) - Fraction(value)) < Fraction(1, 10**11), name


def test_the_rows_behind_a_side_make_up_the_side() -> None:
    firm, context = events.make(5), events.IN_QUARTER
    frames = events.frames(firm, context)
    opened = set()
    for value in evaluate(OF_EVENTS, frames, context, EXECUTE):
        kpi = catalogue()[value.name]
        for side in kpi.sides:
            if not side.rows or (side.frame, side.where, side.measure) in opened:
                continue
            opened.add((side.frame, side.where, side.measure))
            cells = EXECUTE(drill(kpi, side.name, frames, context).select("contribution"))["contribution"]
            parts = [Fraction(cell) for cell in cells.to_pylist() if cell is not None]
            stated = value.sides[side.name]
            if side.measure.kind in ("median", "median_days", "middle"):
                assert (None if stated is None else Fraction(stated)) == d.median(parts), (
                    kpi.name,
                    side.name,
                )
            elif stated is not None:
                assert Fraction(stated) == sum(parts, Fraction(0)), (kpi.name, side.name)


def moved(row: dict[str, Any], days: int) -> dict[str, Any]:
    shift = timedelta(days=days)

    def later(value: Any) -> Any:
        if isinstance(value, date | datetime):
            return value + shift
        if isinstance(value, str) and len(value) == 10 and value[:2] == "20":
            return (date.fromisoformat(value) + shift).isoformat()
        return value

    return {key: later(value) for key, value in row.items()}


def test_a_copy_shuffled_moved_by_400_years_and_rescaled_gives_the_same() -> None:
    """The Gregorian calendar repeats after 400 years: weekdays, quarters and leap years fall alike."""
    firm, days, dice = events.make(6), 146_097, random.Random(1)
    shift = timedelta(days=days)
    rows: dict[str, Any] = {}
    for name in ("deals", "changes", "activities", "leads", "spend", "bills"):
        copied = [moved(row, days) for row in getattr(firm, name)]
        for row in copied:
            if row.get("amount") is not None:
                row["amount"] *= 8
        rows[name] = dice.sample(copied, len(copied))
    absences = {k: tuple(v + shift if v else None for v in span) for k, span in firm.absences.items()}
    copy = events.Firm(**rows, absences=absences)  # type: ignore[arg-type]
    context = Context(events.CALENDAR.parse("2424-Q3"), events.AS_OF + shift, events.AS_OF + shift)
    before, after = values(firm, events.IN_QUARTER), values(copy, context)
    for key, value in before.items():
        factor = 8 if catalogue()[value.name].unit.startswith("money") else 1
        assert (value.value is None) == (after[key].value is None), key
        if value.value is not None:
            assert abs(Fraction(after[key].value) - factor * Fraction(value.value)) <= Fraction(1, 10**10), (
                key
            )


def test_without_a_table_the_number_says_which() -> None:
    deals = d.table([])
    for value in evaluate(OF_EVENTS, {"deals": deals}, events.IN_QUARTER, EXECUTE):
        assert value.value is None
        assert says_what_is_missing(value.reason), (value.name, value.reason)


def says_what_is_missing(reason: str) -> bool:
    return reason.startswith(("your data has no", "working days", "days belong"))


def test_conversion_by_stage_is_the_cohort_of_the_worked_case() -> None:
    """K10 as a firm: a stage passed over counts as reached, an undecided deal stays in the denominator."""
    paths = {"1": ["Demo", "Offer", events.WON], "2": ["Demo", events.LOST], "3": ["Offer"], "4": []}
    firm = events.Firm()
    created = date(2024, 7, 2)
    for key, path in paths.items():
        stage = "Qualify"
        for n, after in enumerate(path):
            firm.changes.append(events._change(key, "stage", stage, after, events.at(created, n + 1)))
            stage = after
        stage_class = {events.WON: "won", events.LOST: "lost"}.get(stage, "open")
        firm.deals.append(
            {
                "id": key,
                "stage": stage,
                "stage_class": stage_class,
                "created_on": created,
                "closed_on": created if stage_class != "open" else None,
            }
        )
    over = events.journeys(firm, d.table(firm.deals))
    frames = {"deals": d.table(firm.deals), "stage_entries": over.entries()}
    found = evaluate([catalogue()["stage_conversion"]], frames, events.IN_QUARTER, EXECUTE, by=["stage"])
    rates = {v.group["stage"]: (v.sides["passed"], v.sides["entered"], v.sides["undecided"]) for v in found}
    assert rates == {"Qualify": (3, 4, 1), "Demo": (2, 3, 0), "Offer": (1, 2, 1), "Contract": (1, 1, 0)}
    assert all(v.interval is not None for v in found)
    assert found[0].notes[0].startswith("Small sample")


def test_what_is_said_to_add_up_does_and_an_average_is_not_said_to() -> None:
    adding = [kpi for kpi in (*FROM_DEALS, *OF_EVENTS) if kpi.adds_up]
    frames = events.frames(events.make(3), events.ALL_TIME)
    whole = {v.name: v.value for v in evaluate(adding, frames, events.ALL_TIME, EXECUTE)}
    parts = evaluate(adding, frames, events.ALL_TIME, EXECUTE, by=("owner_name",))
    for name, value in whole.items():
        assert sum(p.value or 0 for p in parts if p.name == name) == (value or 0), name
    assert {"won_value", "won_deals", "open_pipeline", "pushes"} <= set(whole)
    averages = {"average_deal_size", "median_deal_size", "sales_velocity", "arpa"}
    assert averages <= set(catalogue())
    assert averages.isdisjoint(whole)
