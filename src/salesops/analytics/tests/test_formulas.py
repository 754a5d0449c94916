"""Calculators: their edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.analytics.engine.conversion import funnel_conversion, stage_conversion_cohort
from salesops.analytics.engine.figure import Figure, exact, median, quotient, to_decimal
from salesops.analytics.engine.forecast_accuracy import forecast_category_rollup, forecast_error
from salesops.analytics.engine.response import LeadTouches, lead_response
from salesops.analytics.engine.retention import revenue_retention
from salesops.analytics.engine.statistics import wilson
from salesops.analytics.engine.unit_economics import cac, cac_payback_months, ltv, ltv_cac, magic_number
from salesops.analytics.engine.velocity import sales_velocity

AT = datetime(2025, 3, 3, 9, tzinfo=UTC)


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError):
        exact(0.1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        cac(True, 1)
    with pytest.raises(ValueError, match="either"):
        Figure(None)


@given(st.fractions(max_denominator=10**6))
def test_to_decimal_keeps_twelve_places(value: Fraction) -> None:
    assert abs(Fraction(to_decimal(value)) - value) <= Fraction(1, 2 * 10**12)


def test_to_decimal_is_exact_beyond_any_context() -> None:
    assert str(to_decimal(Fraction(10**40 + 1, 4))) == "25" + "0" * 38 + ".25"
    assert str(to_decimal(Fraction(1, 2))) == "0.5"
    assert str(to_decimal(7)) == "7"


@given(st.lists(st.integers(-1000, 1000), min_size=1))
def test_median_against_its_definition(values: list[int]) -> None:
    middle = median(values)
    assert middle is not None
    assert sum(v < middle for v in values) <= len(values) / 2
    assert sum(v > middle for v in values) <= len(values) / 2


@given(st.integers(0, 200), st.integers(0, 200))
def test_wilson_solves_its_equation(a: int, b: int) -> None:
    won, n = min(a, b), max(a, b)
    found = wilson(won, n)
    if n == 0:
        assert found is None
        return
    assert found is not None
    share, z2 = won / n, 1.959963984540054**2
    assert 0 <= found.low <= share <= found.high <= 1
    for end in (found.low, found.high):  # (share - end)^2 = z^2 end (1 - end) / n defines both ends
        assert (share - end) ** 2 == pytest.approx(z2 * end * (1 - end) / n, abs=1e-9)


def test_wilson_refuses_more_successes_than_trials() -> None:
    with pytest.raises(ValueError, match="successes"):
        wilson(3, 2)


def test_zero_and_unknown_denominators() -> None:
    assert quotient(1, 0, unknown="u", zero="z") == Figure(None, "z")
    assert quotient(None, 1, unknown="u", zero="z") == Figure(None, "u")
    assert cac(100, 0).value is None
    assert cac_payback_months(100, 1, 10, 0).value is None
    assert ltv(100, 0).value is None
    assert ltv_cac(0, 10, 100, Decimal("0.1")).value is None
    assert magic_number(10, 5, 0).value is None
    assert sales_velocity(4, Decimal("0.5"), 10, 0).value is None
    assert sales_velocity(0, Decimal("0.5"), 10, 5).value == 0


def test_ltv_can_be_capped() -> None:
    assert ltv(100, Decimal("0.005"), Decimal("0.5")).value == 10_000
    assert ltv(100, Decimal("0.005"), Decimal("0.5"), cap_periods=60).value == 3_000


def test_ratios_of_ratios_are_rounded_once() -> None:
    assert ltv_cac(1, 3, 1, 1).value == 3  # 1 / (1/3), not 1 / 0.333333333333


def test_rollup_ignores_omitted_and_unknown() -> None:
    rollup = forecast_category_rollup({"closed": 1, "commit": None, "pipeline": 4, "omitted": 100})
    assert (rollup.commit_forecast, rollup.best_case_forecast, rollup.total_pipeline) == (1, 1, 5)


def test_forecast_error_edges() -> None:
    assert forecast_error([10], [0]).wape.value is None
    assert forecast_error([], []).bias.value is None
    assert forecast_error([1, None, 30], [1, 5, 10]).pairs == 2
    assert forecast_error([100], [10]).accuracy.value == 0
    with pytest.raises(ValueError, match="zip"):
        forecast_error([1], [1, 2])


def test_retention_edges() -> None:
    kept = revenue_retention({"a": 0, "b": None, "c": 10}, {"a": 50, "c": None})
    assert (kept.nrr.value, kept.grr.value, kept.customers) == (0, 0, 1)
    assert revenue_retention({}, {"a": 1}).nrr.value is None


def test_stage_conversion_edges() -> None:
    steps = stage_conversion_cohort(
        ["A", "B", "C"], [["a", "c", "a"], ["A", "Lost"], ["A", "Won"], [], ["Nurture"]]
    )
    assert [(s.entered, s.advanced, s.undecided) for s in steps] == [(3, 2, 1), (2, 2, 0)]
    assert stage_conversion_cohort(["A", "B"], [])[0].rate.value is None
    assert stage_conversion_cohort([], [["A"]]) == []


def test_funnel_edges() -> None:
    assert funnel_conversion({"lead": 0, "won": 0}) == {"lead_to_won": Figure(None, "no lead reached lead")}
    assert funnel_conversion({}) == {}


def test_response_ignores_machines_and_earlier_touches() -> None:
    minute = timedelta(minutes=1)
    leads = [
        LeadTouches(AT, ((AT + 9 * minute, "human"), (AT + 5 * minute, "human"), (AT, "auto"))),
        LeadTouches(AT, ((AT - minute, "human"),)),
    ]
    found = lead_response(leads, 5)
    assert (found.median_minutes.value, found.within_sla.value, found.touched) == (5, Decimal("0.5"), 1)
    assert lead_response([], 5).within_sla.value is None
    assert lead_response(leads, None).within_sla.value is None
    assert lead_response(leads, 5, lambda a, b: 0.5).median_minutes.value == Decimal("0.5")
