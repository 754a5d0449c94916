"""Charts: geometry, readings and tables all come from the same values."""

from __future__ import annotations

import itertools
import re
from decimal import Decimal
from fractions import Fraction
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.ui import charts, readings
from salesops.ui.formats import Unit
from salesops.ui.readings import BarRow, FunnelRow, Point, Series

USD = Unit("money", "USD")
DEALS = Unit(noun="deals")
TEAMS = [
    BarRow("East", [Decimal(300), Decimal(100)], Decimal(600)),
    BarRow("West", [Decimal(500), Decimal(50)], Decimal(400)),
    BarRow("<b>South</b>", [Decimal(90), None], Decimal(100)),
]


def parsed(markup: str) -> ET.Element:
    """The markup as XML: it must be well formed."""
    return ET.fromstring(markup.replace("\u00a0", " "))


def rects(markup: str, css: str) -> list[ET.Element]:
    return [one for one in parsed(markup).iter("rect") if one.get("class") == css]


def test_bar_widths_are_proportional_to_values() -> None:
    drawn = charts.stacked_bars(TEAMS, ["Closed", "Commit"], USD, title="T", target="Quota")
    widths = [Decimal((one.get("width") or "").rstrip("%")) for one in rects(drawn, "fill-1")]
    assert [round(width / widths[1], 4) for width in widths] == [Decimal("0.6"), Decimal(1), Decimal("0.18")]
    second = rects(drawn, "fill-2")
    assert len(second) == 2  # the None is not drawn
    assert Decimal((second[0].get("x") or "").rstrip("%")) == widths[0]  # stacked on the first
    ticks = [Decimal((one.get("x") or "").rstrip("%")) for one in rects(drawn, "fill-target")]
    assert round(ticks[0] / widths[0], 4) == 2


def test_text_is_escaped_and_every_bar_is_named() -> None:
    drawn = charts.stacked_bars(TEAMS, ["Closed", "Commit"], USD, title="T", target="Quota")
    assert "<b>" not in drawn
    titles = [one.text for one in parsed(drawn).iter("title")]
    assert "West: Closed $500" in titles
    assert "West: Quota $400" in titles


def test_no_script_style_or_outside_reference() -> None:
    figures = [
        charts.bars_figure("a", "A", TEAMS, ["Closed", "Commit"], USD, target="Quota"),
        charts.columns_figure("b", "B", [Point("Jan", 1), Point("Feb", -2)], DEALS),
        charts.lines_figure("c", "C", ["1", "2", "3"], [Series("S", [1, None, 3])], DEALS),
        charts.funnel_figure("d", "D", [FunnelRow("Qualify", 4), FunnelRow("Commit", 2)], DEALS),
    ]
    for figure in figures:
        root = parsed(figure.drawing)
        for element in root.iter():
            assert element.tag not in ("script", "style", "image", "use")
            assert not {"style", "href", "src"} & set(element.attrib)
        images = [one for one in root.iter("svg") if one.get("role") == "img"]
        assert len(images) == 1
        assert figure.reading in (images[0].get("aria-label") or "")


def test_negative_bars_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        charts.stacked_bars([BarRow("East", [-1])], ["Closed"], USD, title="T")


def test_columns_hang_below_zero_and_leave_gaps() -> None:
    drawn = charts.columns(
        [Point("Jan", 10), Point("Feb", None), Point("Mar", -5)], DEALS, title="T", height=100
    )
    bars = rects(drawn, "fill-1")
    assert len(bars) == 2
    up, down = bars
    assert abs(Decimal(up.get("height") or 0) - 2 * Decimal(down.get("height") or 0)) < Decimal("0.02")
    bottom = Decimal(up.get("y") or 0) + Decimal(up.get("height") or 0)
    assert abs(bottom - Decimal(down.get("y") or 0)) < Decimal("0.02")


def test_a_gap_breaks_the_line() -> None:
    drawn = charts.lines(list("abcd"), [Series("S", [1, 2, None, 4])], DEALS, title="T")
    runs = [one.get("points") for one in parsed(drawn).iter("polyline")]
    assert len(runs) == 2


def test_bar_reading_against_targets_matches_the_rows() -> None:
    text = readings.bars(TEAMS, ["Closed", "Commit"], USD, "Quota")
    closed, goal = Decimal(300 + 500 + 90), Decimal(600 + 400 + 100)
    assert text == (
        f"Closed is {USD.short(closed)} of {USD.short(goal)} quota "
        f"({Unit('ratio').full(Fraction(890, 1100))}); "
        "1 of 3 reached it, and East is furthest from it at 50.0%."
    )


def test_bar_reading_without_targets_names_the_largest_and_ties() -> None:
    rows = [BarRow("A", [3]), BarRow("B", [5]), BarRow("C", [2])]
    assert readings.bars(rows, ["Deals"], DEALS) == "B is largest at 5 deals, 50.0% of 10 deals in all."
    tied = [BarRow("A", [5]), BarRow("B", [5]), BarRow("C", [2])]
    assert readings.bars(tied, ["Deals"], DEALS) == "A and B are largest at 5 deals each."
    assert (
        readings.bars([BarRow("A", [1]), BarRow("B", [1])], ["Deals"], DEALS) == "All 2 are equal at 1 deals."
    )


def test_rates_are_never_added_up() -> None:
    rows = [BarRow("A", [Decimal("0.5")]), BarRow("B", [Decimal("0.25")])]
    assert readings.bars(rows, ["Win rate"], Unit("ratio")) == "A is largest at 50.0%."


def test_period_reading_compares_complete_periods_only() -> None:
    points = [Point("Jul", 100), Point("Aug", 120), Point("Sep", 90), Point("Oct", 10, partial=True)]
    assert readings.periods(points, DEALS) == (
        "Highest in Aug at 120 deals, lowest in Sep at 90 deals; Sep is 25.0% below Aug. "
        "Oct stands at 10 deals to date."
    )


def test_period_reading_uses_points_for_shares_and_differences_from_zero() -> None:
    shares = [Point("Q1", Decimal("0.60")), Point("Q2", Decimal("0.642"))]
    assert readings.periods(shares, Unit("ratio")).endswith("Q2 is 4.2 pts above Q1.")
    assert readings.periods([Point("Q1", 0), Point("Q2", 5)], DEALS).endswith("Q2 is 5 above Q1.")


def test_line_reading_compares_at_the_last_known_place() -> None:
    lines = [Series("Closed", [10, 30, None]), Series("Usual", [10, 20, 90])]
    assert (
        readings.series(["W1", "W2", "W3"], lines, DEALS)
        == "Closed stands at 30 deals in W2, 10 above Usual."
    )


def test_funnel_claims_a_conversion_only_where_measured() -> None:
    counts = [FunnelRow("Qualify", 60), FunnelRow("Propose", 40)]
    assert readings.funnel(counts, DEALS) == "Qualify holds the most, 60 deals of 100 deals (60.0%)."
    assert "conv." not in charts.funnel(counts, DEALS, title="T")
    measured = [FunnelRow("Qualify", 60), FunnelRow("Propose", 40, Decimal("0.5"))]
    assert readings.funnel(measured, DEALS).startswith("Qualify to Propose passes the smallest share, 50.0%")
    assert "50% conv." in charts.funnel(measured, DEALS, title="T")


def test_nothing_is_said_to_be_nothing() -> None:
    for text in (
        readings.bars([], ["A"], USD),
        readings.periods([Point("Jan", None)], USD),
        readings.series([], [], USD),
        readings.funnel([], DEALS),
    ):
        assert text == readings.NOTHING
    assert charts.bars_figure("a", "A", [], ["Closed"], USD).empty is not None


def test_the_table_holds_every_value_in_full() -> None:
    figure = charts.bars_figure("a", "A", TEAMS, ["Closed", "Commit"], USD, target="Quota", head="Team")
    assert figure.table.heads == ("Team", "Closed", "Commit", "Quota")
    assert figure.table.rows[0] == ("East", "$300", "$100", "$600")
    assert figure.table.rows[2] == ("<b>South</b>", "$90", None, "$100")


@settings(max_examples=60, deadline=None)
@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9))
def test_axis_ticks_enclose_the_values_in_equal_steps(one: int, two: int) -> None:
    ticks = charts.axis_ticks(min(one, two), max(one, two))
    assert ticks[0] <= min(one, two, 0)
    assert ticks[-1] >= max(one, two, 0)
    assert len({b - a for a, b in itertools.pairwise(ticks)}) == 1
    assert 2 <= len(ticks) <= 9


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=9, unique=True))
def test_the_reading_names_the_true_extremes(values: list[int]) -> None:
    points = [Point(f"P{at}", value) for at, value in enumerate(values)]
    found = re.match(r"Highest in (P\d) at .*?, lowest in (P\d) at", readings.periods(points, DEALS))
    assert found is not None
    assert found.group(1) == f"P{values.index(max(values))}"
    assert found.group(2) == f"P{values.index(min(values))}"


def test_sparkline_needs_two_values() -> None:
    assert charts.sparkline([1]) == ""
    assert parsed(charts.sparkline([1, None, 2, 3])).get("aria-hidden") == "true"
