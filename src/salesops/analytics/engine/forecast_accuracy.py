"""Forecast categories rolled up, and how far forecasts were off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from salesops.analytics.engine.figure import Figure, Number, exact, to_decimal, undefined

CUMULATIVE = ("commit", "most_likely", "best_case", "pipeline")
"""Categories of open deals in the order they are added up, the surest first."""


@dataclass(frozen=True)
class CategoryRollup:
    """Cumulative forecast columns; each includes the ones before it. Omitted never counts.

    Attributes:
        commit_forecast: closed + commit.
        most_likely_forecast: the same + most likely.
        best_case_forecast: the same + best case.
        total_pipeline: the same + pipeline.
    """

    commit_forecast: Decimal
    most_likely_forecast: Decimal
    best_case_forecast: Decimal
    total_pipeline: Decimal


def forecast_category_rollup(amounts: Mapping[str, Number | None]) -> CategoryRollup:
    """Amounts per forecast category to cumulative columns.

    Args:
        amounts: closed (won only), commit, most_likely, best_case, pipeline, omitted. A category
            that is absent or None adds nothing.
    """
    total = exact(0)
    cumulative = []
    for category in ("closed", *CUMULATIVE):
        total += exact(amounts.get(category) or 0)
        cumulative.append(to_decimal(total))
    return CategoryRollup(*cumulative[1:])


@dataclass(frozen=True)
class ForecastError:
    """How far forecasts were off.

    Attributes:
        wape: sum of absolute errors / sum of actuals.
        bias: (sum of forecasts - sum of actuals) / sum of actuals; positive = over-forecast.
        accuracy: 1 - wape, not below 0.
        pairs: pairs compared.
    """

    wape: Figure
    bias: Figure
    accuracy: Figure
    pairs: int


def forecast_error(forecast: Sequence[Number | None], actual: Sequence[Number | None]) -> ForecastError:
    """WAPE, bias and accuracy over pairs; a pair with an unknown member is left out.

    Raises:
        ValueError: where the two lists differ in length.
    """
    pairs = [
        (exact(f), exact(a)) for f, a in zip(forecast, actual, strict=True) if f is not None and a is not None
    ]
    total = sum((a for _, a in pairs), exact(0))
    if not pairs or total == 0:
        nothing = undefined("the actuals sum to zero" if pairs else "there is no forecast with an actual")
        return ForecastError(nothing, nothing, nothing, len(pairs))
    wape = sum((abs(f - a) for f, a in pairs), exact(0)) / total
    bias = sum((f - a for f, a in pairs), exact(0)) / total
    accuracy = max(exact(0), 1 - wape)
    return ForecastError(
        Figure(to_decimal(wape)), Figure(to_decimal(bias)), Figure(to_decimal(accuracy)), len(pairs)
    )
