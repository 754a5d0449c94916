"""Numbers people define, over random deals: against plain loops; and where the data gives out."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ibis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.compute import MOST_GROUPS, KpiError, compile_kpis, drill, evaluate, finish
from salesops.analytics.engine.custom import Definition, Part, deal_fields, read_part, units_of
from salesops.analytics.engine.custom_kpis import CircleError, Definitions
from salesops.analytics.engine.frames import DEALS
from salesops.analytics.engine.kpi import Context, Kpi, KpiValue
from salesops.analytics.engine.masking import masked_in
from salesops.analytics.engine.support import read_support
from salesops.analytics.tests import deals as d
from salesops.core.calendars import FiscalCalendar

CON = d.connection()
EXECUTE = d.execute(CON)
SCHEMA = ibis.schema(DEALS)
QUIET = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def bound(*definitions: Definition, schema: Any = SCHEMA) -> Definitions:
    return Definitions({x.name: x for x in definitions}, catalogue().get, FiscalCalendar(), d.AS_OF, schema)


def define(measure: str, of: str = "", rule: str = "", bottom: Part | None = None, **more: Any) -> Definition:
    return Definition("own", "Own", "One's own.", Part(measure, of, rule), bottom, **more)  # type: ignore[arg-type]


def value_of(kpi: Kpi, rows: Any, context: Context = d.IN_QUARTER, by: Any = ()) -> KpiValue:
    return evaluate([kpi], d.table(rows), context, EXECUTE, by)[0]


def north(x: Mapping[str, Any]) -> bool:
    """Deals that count, closed in the quarter, won, in the north."""
    counts = x["stage_class"] == "won" and x["region"] == "north"
    return counts and d.inside(x["closed_on"], d.QUARTER)


WON_NORTH = "stage_class = 'won' and region = 'north'"


@QUIET
@given(d.rows)
def test_measures_of_random_deals_are_those_of_plain_loops(rows: list[dict[str, Any]]) -> None:
    # One deal that fills every field, so that no number is undefined for want of a column.
    rows = [*rows, row(id="last", stage_class="lost", region="south", amount=Decimal(7))]
    chosen = [x for x in rows if north(x)]
    amounts = [x["amount"] for x in chosen if x["amount"] is not None]
    days = [(x["closed_on"] - x["created_on"]).days for x in chosen if x["created_on"]]
    half = [Decimal(x["amount"]) / 2 for x in chosen if x["amount"] is not None]
    everything = [x for x in rows if x["stage_class"] != "ignored" and d.inside(x["closed_on"], d.QUARTER)]
    won = [x for x in everything if x["stage_class"] == "won"]
    by_hand: dict[str, tuple[Definition, Any]] = {
        "count": (define("count", rule=WON_NORTH), len(chosen)),
        "sum": (define("sum", "amount", WON_NORTH, unit="money"), sum(amounts) if amounts or not chosen else None),
        "half": (define("sum", "amount * 0.5", WON_NORTH, unit="money"), sum(half) if half or not chosen else None),
        "mean": (
            define("average", "amount", WON_NORTH, unit="money"),
            Fraction(sum(amounts)) / len(amounts) if amounts else None,
        ),
        "middle": (define("median", "amount", WON_NORTH, unit="money"), d.median(amounts)),
        "days": (
            define("average", "days_between(created_on, closed_on)", WON_NORTH, unit="days"),
            Fraction(sum(days), len(days)) if days else None,
        ),
        "share": (
            define("share", "stage_class = 'won'", unit="ratio"),
            Fraction(len(won), len(everything)) if everything else None,
        ),
        "quotient": (
            define("sum", "amount", WON_NORTH, Part("count", "", WON_NORTH), unit="money"),
            Fraction(sum(amounts)) / len(chosen) if amounts else None,
        ),
    }  # fmt: skip
    declared = bound(*(replace(definition, name=name) for name, (definition, _) in by_hand.items()))
    values = evaluate([declared.kpi(name) for name in by_hand], d.table(rows), d.IN_QUARTER, EXECUTE)
    for found, (name, (_, expected)) in zip(values, by_hand.items(), strict=True):
        if expected is None:
            assert found.value is None, name
            assert found.reason, name
        else:
            assert found.value is not None, (name, found)
            assert abs(Fraction(found.value) - Fraction(expected)) < Fraction(1, 10**11), (name, found)


@QUIET
@given(d.rows)
def test_the_rows_behind_add_up_and_groups_too(rows: list[dict[str, Any]]) -> None:
    kpi = bound(define("sum", "amount - 1", "stage_class = 'won'", unit="money")).kpi("own")
    found = value_of(kpi, rows)
    behind = EXECUTE(drill(kpi, "rows", d.table(rows), d.IN_QUARTER)).to_pylist()
    contributions = [r["contribution"] for r in behind if r["contribution"] is not None]
    assert found.n == len(behind)
    if found.value is not None:
        assert found.value == sum(contributions, Decimal(0))
    groups = evaluate([kpi], d.table(rows), d.IN_QUARTER, EXECUTE, ["owner_id"])
    if found.value is not None:
        assert sum((g.value or Decimal(0) for g in groups), Decimal(0)) == found.value


def row(**more: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "stage_class": "won",
        "closed_on": date(2024, 5, 1),
        "created_on": date(2024, 4, 1),
        **more,
    }


def test_an_empty_period_one_row_and_nothing_filled() -> None:
    total = bound(define("sum", "amount", "region = 'north'", unit="money")).kpi("own")
    assert value_of(total, []).value == 0
    one = value_of(total, [row(amount=Decimal(5), region="north")])
    assert (one.value, one.n) == (5, 1)
    outside = Context(d.QUARTER, d.AS_OF, d.AS_OF)
    assert (
        value_of(total, [row(amount=Decimal(5), region="north", closed_on=date(2020, 1, 1))], outside).value
        == 0
    )
    empty = value_of(total, [row(region="north")])
    assert (empty.value, empty.reason) == (None, "no deal of these has a value in amount")
    unasked = value_of(total, [row(amount=Decimal(5))])
    assert (unasked.value, unasked.reason) == (
        None,
        "no deal has a value in region, which the rule asks about",
    )
    mean = bound(define("average", "amount", unit="money")).kpi("own")
    assert value_of(mean, []).reason == "no deal of these has amount"
    undated = value_of(total, [row(amount=Decimal(5), region="north", closed_on=None)])
    assert undated.value is None
    assert "close date" in undated.reason


def test_a_deal_of_which_the_rule_cannot_say_is_counted_beside_the_number() -> None:
    kpi = bound(define("count", rule="region <> 'north'")).kpi("own")
    found = value_of(kpi, [row(region="south"), row(region=None), row(region="north"), row(region=None)])
    assert found.value == 1
    assert "Deals left out because a field that the rule asks about is empty: 2." in found.notes


def test_nothing_to_divide_by() -> None:
    never = Part("count", "", "amount > 10")
    kpi = bound(define("count", bottom=never, unit="number")).kpi("own")
    found = value_of(kpi, [row(amount=Decimal(5))])
    assert (found.value, found.reason) == (
        None,
        "there is nothing to divide by: what stands below the line is 0",
    )
    share = bound(define("share", "region = 'x'", "amount > 10", unit="ratio")).kpi("own")
    assert "nothing to take a share of" in value_of(share, [row(amount=Decimal(5), region="x")]).reason


def test_numbers_made_of_numbers() -> None:
    rows = [row(amount=Decimal(30)), row(amount=Decimal(10)), row(stage_class="lost")]
    per_won = Definition(
        "per_won", "Per won deal", "", Part("number", "won_value"), Part("number", "won_deals"), unit="money"
    )
    twice = Definition(
        "twice", "Twice", "", Part("number", "per_won"), Part("number", "per_won"), unit="ratio"
    )
    made = bound(per_won, twice)
    assert value_of(made.kpi("per_won"), rows).value == 20
    assert value_of(made.kpi("twice"), rows).value == 1
    sides = value_of(made.kpi("per_won"), rows).sides
    assert sides == {"top_won_amount": 40, "bottom_won": 2}
    rate = bound(Definition("alias", "Alias", "", Part("number", "win_rate_count"), unit="ratio")).kpi(
        "alias"
    )
    built_in = evaluate([catalogue()["win_rate_count"]], d.table(rows), d.IN_QUARTER, EXECUTE)[0]
    found = value_of(rate, rows)
    assert (found.value, found.interval) == (built_in.value, built_in.interval)


def test_a_circle_is_shown_and_a_missing_number_named() -> None:
    a = Definition("a_number", "A", "", Part("number", "b_number"), Part("count"))
    b = Definition("b_number", "B", "", Part("number", "c_number"))
    c = Definition("c_number", "C", "", Part("number", "a_number"))
    with pytest.raises(CircleError, match="a_number → b_number → c_number → a_number"):
        bound(a, b, c).compiled("a_number")
    found = value_of(bound(a, b, c).kpi("b_number"), [row()])
    assert found.value is None
    assert "b_number → c_number → a_number → b_number" in found.reason
    gone = value_of(bound(a, b).kpi("a_number"), [row()])
    assert "There is no number 'c_number'" in gone.reason


def test_numbers_of_numbers_do_not_grow_without_end() -> None:
    chain = [Definition("n0", "N", "", Part("count"), Part("count"))]
    for i in range(1, 12):
        part = Part("number", f"n{i - 1}")
        chain.append(Definition(f"n{i}", "N", "", part, part))
    assert "at most 16" in value_of(bound(*chain).kpi("n11"), [row()]).reason


def test_a_retired_field_makes_the_number_impossible_and_the_rest_answers() -> None:
    retired = define("count", rule="x_tier = 'Gold'")
    kpi = bound(retired).kpi("own")
    found = evaluate([kpi, catalogue()["won_deals"]], d.table([row()]), d.IN_QUARTER, EXECUTE)
    assert [v.value for v in found] == [None, 1]
    assert found[0].reason == "impossible: the field x_tier is no longer in your data"
    assert found[0].sides == {"rows": None}
    support = read_support([kpi], {"deals": d.table([row()])}, d.IN_QUARTER, EXECUTE)[0]
    assert (support.state, support.gaps[0].sentence) == ("impossible", found[0].reason)
    wrong = bound(define("count", rule="stage > 5")).kpi("own")
    assert "its rule can't be read" in value_of(wrong, [row()]).reason


def test_masks_reach_rules_amounts_and_the_numbers_it_is_made_of() -> None:
    named = {"deals": d.table([row()])}
    asked = {
        "region": define("count", rule="region = 'x'"),
        "amount": define("average", "amount * 2", unit="money"),
        "closed_on": define("count"),
        "segment": define("share", "segment = 'x'", unit="ratio"),
    }
    for column, definition in asked.items():
        kpi = bound(definition).kpi("own")
        assert masked_in(kpi, named, d.IN_QUARTER, {column, "country"}) == {column}
    of_won = bound(Definition("own", "", "", Part("number", "won_value"))).kpi("own")
    assert "amount" in masked_in(of_won, named, d.IN_QUARTER, {"amount"})


def test_a_million_groups_are_refused_before_they_fill_the_memory() -> None:
    n = 1_000_000
    table = ibis.range(n).unnest().name("n").as_table()
    frame = table.mutate(
        **{c: ibis.null(t) for c, t in DEALS.items() if c not in ("id", "stage_class", "closed_on")},
        id=table.n.cast("string"),
        stage_class=ibis.literal("won"),
        closed_on=ibis.literal(date(2024, 5, 1)),
    )
    kpi = bound(define("count", rule="stage_class = 'won'")).kpi("own")
    assert evaluate([kpi], frame, d.IN_QUARTER, EXECUTE)[0].value == n
    compiled = compile_kpis([kpi], frame, d.IN_QUARTER, ["id"])
    tracemalloc.start()
    result = EXECUTE(compiled.expr)
    with pytest.raises(KpiError, match="more than 100,000 groups"):
        finish(compiled, result)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.num_rows == MOST_GROUPS + 1
    assert peak < 50_000_000


def test_units_follow_from_what_is_measured() -> None:
    fields = deal_fields(SCHEMA)
    kinds = {
        text: read_part(Part("sum", text), fields).kind
        for text in ("amount", "stage_order", "days_between(created_on, closed_on)", "amount * stage_order")
    }
    assert list(kinds.values()) == ["money", "number", "days", "money"]
    assert units_of(("count",)) == ("count",)
    assert units_of(("money", "count")) == ("money",)
    assert units_of(("money", "days")) == ("money_per_day",)
    assert units_of(("money", "money"))[0] == "ratio"
    assert units_of(("share",))[0] == "ratio"


@QUIET
@given(
    st.lists(
        st.tuples(st.integers(-9_999_999_999_999, 9_999_999_999_999), st.integers(0, 400)),
        min_size=1,
        max_size=9,
    )
)
def test_numbers_and_days_are_exact_to_the_last_place(found: list[tuple[int, int]]) -> None:
    closed = date(2024, 5, 1)
    rows = [row(stage_order=n, created_on=closed - timedelta(days=away)) for n, away in found]
    by_hand = {
        ("stage_order", "number"): [Fraction(n) for n, _ in found],
        ("stage_order * 0.000007", "number"): [Fraction(7 * n, 10**6) for n, _ in found],
        ("days_between(created_on, closed_on) * 0.000003", "days"): [
            Fraction(3 * away, 10**6) for _, away in found
        ],
    }
    for (of, unit), values in by_hand.items():
        expected = {
            "sum": sum(values),
            "average": Fraction(sum(values)) / len(values),
            "median": d.median(values),
        }
        for measure, wanted in expected.items():
            made = value_of(bound(define(measure, of, unit=unit)).kpi("own"), rows)
            assert made.value is not None
            assert abs(Fraction(made.value) - wanted) <= Fraction(1, 2 * 10**12), (of, measure)


def test_the_middle_of_two_is_exact_in_every_group_and_skips_what_is_unknown() -> None:
    rows = [
        row(region=region, stage_order=n)
        for region, numbers in {"a": [9_000_000_000_001, 5, 9_000_000_000_003, -9], "b": [7, None], "c": [None]}.items()
        for n in numbers
    ]  # fmt: skip
    kpi = bound(define("median", "stage_order * 0.333333", unit="number")).kpi("own")
    values = {v.group["region"]: v.value for v in value_by(kpi, rows, "region")}
    by_hand = Fraction(9_000_000_000_001 + 5, 2) * Fraction(333333, 10**6)
    assert values == {
        "a": Decimal(by_hand.numerator) / by_hand.denominator,
        "b": Decimal("2.333331"),
        "c": None,
    }
    total = value_of(kpi, rows).value
    assert total == Decimal("2.333331")  # of -9, 5, 7 and two large ones


def value_by(kpi: Kpi, rows: Any, column: str) -> list[KpiValue]:
    return evaluate([kpi], d.table(rows), d.IN_QUARTER, EXECUTE, [column])


def test_the_largest_numbers_over_a_million_rows_fail_no_query() -> None:
    n, number = 1_000_000, 9_999_999_999_999
    table = ibis.range(n).unnest().name("n").as_table()
    kept = ("id", "stage_class", "closed_on", "created_on", "stage_order", "amount")
    frame = table.mutate(
        **{c: ibis.null(t) for c, t in DEALS.items() if c not in kept},
        id=table.n.cast("string"),
        stage_class=ibis.literal("won"),
        closed_on=ibis.literal(date(2024, 5, 1)),
        created_on=ibis.literal(date(2024, 4, 1)),
        stage_order=ibis.literal(number, type="int64"),
        amount=ibis.literal(Decimal("999999999999999.9999"), type="decimal(19,4)"),
    )
    asked = {
        "whole": (define("sum", "stage_order"), number * n),
        "wide": (define("sum", "stage_order * 99999"), number * 99999 * n),
        "beyond": (define("sum", "stage_order * 999999"), None),
        "added": (define("sum", "stage_order + stage_order * 0.5"), Fraction(number * 3, 2) * n),
        "money": (define("sum", "amount + amount", unit="money"), 2 * Decimal("999999999999999.9999") * n),
        "middle": (define("median", "stage_order * 0.5"), Fraction(number, 2)),
        "days": (define("sum", "days_between(created_on, closed_on) * 999999", unit="days"), 30 * 999999 * n),
    }  # fmt: skip
    made = bound(*(replace(x, name=name, unit=x.unit if x.unit != "count" else "number")
                   for name, (x, _) in asked.items()))  # fmt: skip
    for found in evaluate([made.kpi(name) for name in asked], frame, d.IN_QUARTER, EXECUTE):
        expected = asked[found.name][1]
        assert found.value == expected if expected is None else Fraction(found.value or 0) == expected, found


@pytest.mark.parametrize(
    "of,rule,says",
    [
        ("", "closed_on = '2026-Q5'", "2026-Q5"),
        ("", "'2026-W54' < closed_on", "2026-W54"),
        ("closed_on in ('2026-Q1', '2026-Q5')", "", "2026-Q5"),
        ("closed_on < date '0001-01-01' - '30 days'", "", "outside the calendar"),
    ],
)
def test_what_can_be_read_but_not_asked_leaves_the_other_numbers_alone(of: str, rule: str, says: str) -> None:
    bad = define("share" if of else "count", of, rule, unit="ratio" if of else "count")
    made_of = Definition("user", "User", "", Part("number", "own"), Part("number", "won_deals"))
    made = bound(bad, made_of)
    kpis = [made.kpi("own"), made.kpi("user"), catalogue()["won_deals"]]
    found = evaluate(kpis, d.table([row()]), d.IN_QUARTER, EXECUTE)
    assert [v.value for v in found] == [None, None, 1]
    for number in found[:2]:
        assert "its rule can't be asked" in number.reason
        assert says in number.reason
