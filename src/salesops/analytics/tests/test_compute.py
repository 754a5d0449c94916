"""What surrounds a value: reasons, notes, intervals, estimates, dimensions, filters, support."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import pytest

from salesops.analytics.engine.case_inputs import frame
from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.compute import KpiError, compile_kpis, drill, evaluate, finish
from salesops.analytics.engine.dimensions import band_dimension, period_dimension
from salesops.analytics.engine.filters import Filter, FilterError
from salesops.analytics.engine.frames import CREATED_AMOUNTS
from salesops.analytics.engine.kpi import Context, KpiValue
from salesops.analytics.engine.support import read_support
from salesops.analytics.tests import deals as d
from salesops.core.calendars import FiscalCalendar

CON = d.connection()
EXECUTE = d.execute(CON)
QUOTA = {"owner_id": "string", "region": "string", "quota": "decimal(19,4)"}


def won(i: int, **more: Any) -> dict[str, Any]:
    base = {
        "id": f"w{i}",
        "stage_class": "won",
        "amount": Decimal(100),
        "closed_on": d.FIRST,
        "created_on": date(2024, 3, 1),
    }
    return {**base, **more}


def lost(i: int, **more: Any) -> dict[str, Any]:
    return won(i, id=f"l{i}", stage_class="lost", **more)


def open_deal(i: int, **more: Any) -> dict[str, Any]:
    return {"id": f"o{i}", "stage_class": "open", "created_on": date(2024, 3, 1), **more}


def one(name: str, rows: list[dict[str, Any]], context: Context = d.IN_QUARTER, **frames: Any) -> KpiValue:
    return evaluate([catalogue()[name]], {"deals": d.table(rows), **frames}, context, EXECUTE)[0]


def test_all_kpis_of_one_frame_are_one_query() -> None:
    kpis = [k for k in catalogue().values() if k.name not in ("coverage", "coverage_gross")]
    compiled = compile_kpis(kpis, d.table([won(1)]), d.IN_QUARTER)
    assert len(compiled.queries) == 1
    assert finish(compiled, CON.to_pyarrow(compiled.expr))[0].value == 1


def test_a_side_two_kpis_share_is_computed_once() -> None:
    compiled = compile_kpis(
        [catalogue()["won_deals"], catalogue()["win_rate_count"]], d.table([]), d.IN_QUARTER
    )
    assert (
        compiled.columns["won_deals", "side:won", "value"]
        == compiled.columns["win_rate_count", "side:won", "value"]
    )


def test_nothing_decided_is_undefined_and_no_sales_are_zero() -> None:
    assert one("win_rate_count", []).value is None
    assert one("win_rate_count", []).reason == "no deal was won or lost"
    assert one("won_value", []).value == 0
    assert one("won_deals", []).value == 0


def test_unknown_amounts_count_as_deals_and_add_no_value() -> None:
    value = one("win_rate_value", [won(1), won(2, amount=None), lost(1, amount=Decimal(300))])
    assert (value.value, value.n) == (Decimal("0.25"), 3)
    assert "Won deals without an amount: 1 of 2." in value.notes


def test_amounts_that_are_all_unknown_are_not_zero() -> None:
    value = one("won_value", [won(1, amount=None)])
    assert value.value is None
    assert "amount" in value.reason


def test_a_win_rate_by_value_without_lost_amounts_says_so_and_gives_no_coverage_needed() -> None:
    rows = [won(1), lost(1, amount=Decimal(0))]
    assert one("win_rate_value", rows).value == 1
    assert any("No lost deal has an amount" in note for note in one("win_rate_value", rows).notes)
    assert one("coverage_needed", rows).value is None


def test_wilson_interval_and_small_sample() -> None:
    value = one("win_rate_count", [won(i) for i in range(4)] + [lost(i) for i in range(4)])
    assert value.interval is not None
    # Wilson, by the textbook: (p + z2/2n +- z sqrt(p q / n + z2/4n2)) / (1 + z2/n) with n = 8, p = 1/2
    assert value.interval.low == pytest.approx(0.2152, abs=5e-5)
    assert value.interval.high == pytest.approx(0.7848, abs=5e-5)
    assert "Small sample (8): read it as an indication." in value.notes
    assert not any("Small" in n for n in one("win_rate_count", [won(i) for i in range(30)]).notes)


def test_the_small_sample_is_a_setting() -> None:
    context = Context(d.QUARTER, d.AS_OF, d.AS_OF, {"small_sample": 2})
    assert not any("Small" in n for n in one("win_rate_count", [won(1), lost(1)], context).notes)


def test_both_ends_of_the_period_are_in() -> None:
    rows = [
        won(1, closed_on=d.FIRST),
        won(2, closed_on=d.LAST),
        won(3, closed_on=date(2024, 3, 31)),
        won(4, closed_on=date(2024, 7, 1)),
    ]
    assert one("won_deals", rows).value == 2


def test_closed_deals_without_a_date_are_told() -> None:
    value = one("won_deals", [won(1), won(2, closed_on=None)])
    assert value.value == 1
    assert "Won or lost deals without a close date, outside every period: 1." in value.notes
    assert one("won_deals", [won(1), won(2, closed_on=None)], d.ALL_TIME).value == 2


def test_no_close_date_at_all_is_unknown_for_a_period_not_zero() -> None:
    value = one("won_deals", [won(1, closed_on=None)])
    assert value.value is None
    assert "close date" in value.reason


def test_pitched_needs_a_decision() -> None:
    context = d.ALL_TIME
    assert one("close_rate_pitched", [won(1), lost(1)], context).reason == "no stage is marked as pitched"
    rows = [
        won(1, is_pitched=True),
        lost(1, is_pitched=True),
        lost(2, is_pitched=False),
        open_deal(1, is_pitched=True),
    ]
    assert one("close_rate_pitched", rows, context).value == Decimal("0.333333333333")
    assert one("close_rate_pitched", [won(1, is_pitched=False)], context).reason == "no deal was pitched"


def test_a_young_cohort_tells_its_open_share() -> None:
    value = one("close_rate", [won(1), open_deal(1)], d.ALL_TIME)
    assert value.value == Decimal("0.5")
    assert "Still open: 1 of 2 deals; the rate can rise until they are decided." in value.notes


def test_open_pipeline_is_a_stock_on_the_last_day_of_the_period() -> None:
    rows = [
        open_deal(1, amount=Decimal(10)),
        won(1, amount=Decimal(5), closed_on=date(2024, 7, 2)),  # still open on 30 June
        won(2, amount=Decimal(7), closed_on=d.LAST),  # closed by then
        open_deal(2, amount=Decimal(3), created_on=date(2024, 7, 1)),  # not there yet
        open_deal(3, amount=Decimal(2), created_on=None),
        open_deal(4, amount=Decimal(99), forecast_category="omitted"),
    ]
    value = one("open_pipeline", rows)
    assert value.value == 17
    assert "Open deals without a creation date, counted as open: 1." in value.notes
    assert "Open deals omitted from the forecast, left out: 1." in value.notes
    assert one("open_pipeline", rows, d.ALL_TIME).value == 15


def test_estimates_stand_beside_the_value_never_in_it() -> None:
    rows = [open_deal(1, amount=Decimal(10)), open_deal(2, amount_estimate=Decimal(7))]
    value = one("open_pipeline", rows, d.ALL_TIME)
    assert (value.value, value.estimate) == (10, 17)
    nothing = one("open_pipeline", rows[1:], d.ALL_TIME)
    assert (nothing.value, nothing.estimate) == (None, 7)
    assert one("open_pipeline", rows[:1], d.ALL_TIME).estimate is None


def test_pipeline_generation_takes_the_amount_of_the_creation_day() -> None:
    rows = [open_deal(i, amount=Decimal(100), created_on=d.FIRST) for i in (1, 2, 3)]
    amounts = frame([{"id": "o1", "amount": Decimal(40)}, {"id": "o2", "amount": None}], CREATED_AMOUNTS)
    value = one("pipeline_generation", rows, created_amounts=amounts)
    assert value.value == 140  # 40 at creation, nothing yet at creation, 100 as an estimate
    assert any("an estimate" in note and note.endswith(": 1.") for note in value.notes)
    assert one("pipeline_generation", rows).value == 300


def test_coverage_reads_quotas_apart_and_groups_with_them() -> None:
    rows = [
        won(1, amount=Decimal(80), region="n"),
        open_deal(1, amount=Decimal(150), region="n", expected_close_on=d.LAST),
        open_deal(2, amount=Decimal(30), region="s", expected_close_on=d.FIRST),
    ]
    quotas = frame(
        [
            {"owner_id": "a", "region": "n", "quota": Decimal(100)},
            {"owner_id": "b", "region": "n", "quota": Decimal(100)},
        ],
        QUOTA,
    )
    frames = {"deals": d.table(rows), "quotas": quotas}
    total = evaluate([catalogue()["coverage"]], frames, d.IN_QUARTER, EXECUTE)[0]
    assert total.value == Decimal("1.5")  # 180 / (200 - 80)
    by_region = {
        v.group["region"]: v
        for v in evaluate([catalogue()["coverage"]], frames, d.IN_QUARTER, EXECUTE, ["region"])
    }
    assert by_region["n"].value == Decimal("1.25")  # 150 / (200 - 80)
    assert by_region["s"].value is None
    assert "quota" in by_region["s"].reason
    by_stage = evaluate([catalogue()["coverage"]], frames, d.IN_QUARTER, EXECUTE, ["stage"])[0]
    assert by_stage.value is None
    assert "stage" in by_stage.reason
    assert one("coverage", rows).reason == "no quota is in force for this period: enter or paste quotas"


def test_a_reached_quota_needs_no_coverage() -> None:
    quotas = frame([{"quota": Decimal(100)}], QUOTA)
    value = one(
        "coverage", [won(1), open_deal(1, amount=Decimal(5), expected_close_on=d.LAST)], quotas=quotas
    )
    assert (value.value, value.reason) == (None, "the quota is reached: nothing remains to be covered")


def test_by_fiscal_quarter_hides_no_row() -> None:
    rows = [
        won(1, closed_on=date(2024, 3, 31)),
        won(2, closed_on=d.FIRST),
        won(3, closed_on=None),
        won(4, closed_on=date(2030, 1, 1)),
    ]
    quarter = period_dimension(FiscalCalendar(), "quarter", "closed_on", date(2024, 1, 1), date(2024, 12, 31))
    found = evaluate([catalogue()["won_deals"]], d.table(rows), d.ALL_TIME, EXECUTE, [quarter])
    assert {v.group["closed_quarter"]: v.value for v in found} == {
        "2024-Q1": 1,
        "2024-Q2": 1,
        "after": 1,
        None: 1,
    }
    opened = drill(
        catalogue()["won_deals"], "won", d.table(rows), d.ALL_TIME, {"closed_quarter": "2024-Q2"}, [quarter]
    )
    assert [row["id"] for row in EXECUTE(opened).to_pylist()] == ["w2"]


@pytest.mark.parametrize("pattern", ["months", "4-4-5"])
def test_every_day_gets_the_label_the_calendar_gives(pattern: Any) -> None:
    calendar = FiscalCalendar(start_month=2, pattern=pattern)
    days = [date(2023, 12, 20 + i) for i in range(10)] + [date(2024, 2, i) for i in range(1, 29)]
    rows = [won(i, closed_on=day) for i, day in enumerate(days)]
    week = period_dimension(calendar, "week", "closed_on", min(days), max(days))
    labelled = EXECUTE(week.attach(d.table(rows))).to_pylist()
    assert len(labelled) == len(rows)
    assert all(row["closed_week"] == calendar.period("week", row["closed_on"]).label for row in labelled)


def test_bands_are_half_open() -> None:
    rows = [won(i, amount=a) for i, a in enumerate([Decimal("9.99"), Decimal(10), Decimal(20), None])]
    band = band_dimension("size", "Size", "amount", [Decimal(10), Decimal(20)])
    found = evaluate([catalogue()["won_deals"]], d.table(rows), d.ALL_TIME, EXECUTE, [band])
    assert {v.group["size"]: v.value for v in found} == {
        "0: under 10": 1,
        "1: 10 to under 20": 1,
        "2: 20 and more": 1,
        None: 1,
    }
    with pytest.raises(ValueError, match="ascending"):
        band_dimension("size", "Size", "amount", [Decimal(2), Decimal(1)])


def test_extras_are_dimensions_and_filters() -> None:
    table = d.table([won(1), won(2)]).mutate(x_tier=ibis.literal("gold"), x_score=ibis.literal(5))
    value = evaluate(
        [catalogue()["won_deals"]], table, d.ALL_TIME, EXECUTE, ["x_tier"], [Filter("x_score", "ge", ("5",))]
    )
    assert [(v.group, v.value) for v in value] == [({"x_tier": "gold"}, 2)]


FILTERS: list[tuple[Filter, set[str]]] = [
    (Filter("region", "eq", ("n",)), {"a"}),
    (Filter("region", "ne", ("n",)), {"b", "c"}),
    (Filter("region", "in", ("n", "s")), {"a", "b"}),
    (Filter("region", "not_in", ("n", "s")), {"c"}),
    (Filter("region", "is_null"), {"c"}),
    (Filter("region", "not_null"), {"a", "b"}),
    (Filter("amount", "gt", ("10.05",)), {"b"}),
    (Filter("amount", "ge", (Decimal("10.05"),)), {"a", "b"}),
    (Filter("amount", "between", ("10.05", "10.05")), {"a"}),
    (Filter("closed_on", "lt", ("2024-04-02",)), {"a"}),
    (Filter("closed_on", "le", (date(2024, 4, 2),)), {"a", "b"}),
    (Filter("name", "contains", ("CME",)), {"a", "b"}),
    (Filter("name", "starts_with", ("acme",)), {"a"}),
    (Filter("is_pitched", "eq", ("yes",)), {"a"}),
    (Filter("name", "contains", ("%",)), set()),
]


@pytest.mark.parametrize(
    "item, expected", FILTERS, ids=lambda v: f"{v.column}-{v.op}" if isinstance(v, Filter) else ""
)
def test_filters(item: Filter, expected: set[str]) -> None:
    rows = [
        won(1, id="a", region="n", amount=Decimal("10.05"), name="Acme", is_pitched=True),
        won(2, id="b", region="s", amount=Decimal("10.06"), name="The ACME", closed_on=date(2024, 4, 2)),
        won(3, id="c", region=None, amount=None, name="Other", closed_on=None),
    ]
    opened = drill(catalogue()["won_deals"], "won", d.table(rows), d.ALL_TIME, filters=[item])
    assert {row["id"] for row in EXECUTE(opened).to_pylist()} == expected


@pytest.mark.parametrize(
    "item",
    [
        Filter("nope", "eq", ("1",)),
        Filter("region", "regex", (".*",)),
        Filter("region", "eq", ()),
        Filter("region", "is_null", ("x",)),
        Filter("amount", "eq", (1.5,)),
        Filter("amount", "eq", ("1.00001",)),
        Filter("amount", "eq", ("NaN",)),
        Filter("amount", "contains", ("1",)),
        Filter("closed_on", "eq", ("yesterday",)),
        Filter("is_pitched", "eq", ("perhaps",)),
        Filter("source_row", "eq", ("1; drop",)),
    ],
    ids=lambda f: f"{f.column}-{f.op}",
)
def test_filters_refuse_what_they_cannot_mean(item: Filter) -> None:
    with pytest.raises(FilterError):
        evaluate([catalogue()["won_deals"]], d.table([won(1)]), d.ALL_TIME, EXECUTE, (), [item])


def test_a_column_that_does_not_exist_is_no_dimension() -> None:
    with pytest.raises(KpiError, match="'planet'"):
        evaluate([catalogue()["won_deals"]], d.table([]), d.ALL_TIME, EXECUTE, ["planet"])


def test_support_says_what_the_data_allows() -> None:
    kpis = list(catalogue().values())
    rows = [won(1), won(2, created_on=None), lost(1), open_deal(1)]
    found = {s.name: s for s in read_support(kpis, {"deals": d.table(rows)}, d.ALL_TIME, EXECUTE)}
    assert found["win_rate_count"].state == "available"
    assert found["sales_cycle"].state == "partial"
    assert (found["sales_cycle"].gaps[0].filled, found["sales_cycle"].gaps[0].rows) == (3, 4)
    assert found["close_rate_pitched"].state == "impossible"
    assert found["close_rate_pitched"].gaps[0].decision
    assert found["coverage"].state == "impossible"
    assert found["open_pipeline"].state == "impossible"
    assert set(found) == set(catalogue())
