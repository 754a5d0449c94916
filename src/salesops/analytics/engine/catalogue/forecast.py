"""Forecast categories of the period, cumulative: each column holds the ones before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ibis.expr.types as ir

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.catalogue.parts import AMOUNT, OWNER, UNMAPPED, WON_AMOUNT, Sides, amount
from salesops.analytics.engine.catalogue.pipeline import NEEDS_EXPECTED_CLOSE
from salesops.analytics.engine.figure import Figure, undefined
from salesops.analytics.engine.forecast_accuracy import CUMULATIVE, forecast_category_rollup
from salesops.analytics.engine.kpi import Condition, Context, Kpi, Requirement, Side

NO_AMOUNT = "no deal won in the period or forecast for it has an amount"

NEEDS_CATEGORY = Requirement(
    "forecast_category",
    lambda t, context: t["stage_class"] == "open",
    "your data has no forecast category on open deals: export it, or give your stages one",
)


def in_category(category: str) -> Condition:
    """Open deals of one category expected to close in the period; without a category they are pipeline."""

    def where(t: ir.Table, context: Context) -> ir.BooleanValue:
        stated = t["forecast_category"].fill_null("pipeline")
        return (t["stage_class"] == "open") & (stated == category) & c.within("expected_close_on", t, context)

    return where


def won_or_forecast(held: Sequence[str]) -> Condition:
    """Deals won in the period, and the open ones in some categories for it."""
    return c.any_of(c.won, *(in_category(category) for category in held))


def _rollup(column: str, held: tuple[str, ...]) -> Callable[[Sides], Figure]:
    def combine(sides: Sides) -> Figure:
        parts = {"closed": sides["won_amount"]} | {name: sides[name] for name in held}
        if sides["deals"].n and not any(part.known for part in parts.values()):
            return undefined(NO_AMOUNT)
        given = {name: amount(part) for name, part in parts.items()}
        return Figure(getattr(forecast_category_rollup(given), column))

    return combine


def _kpi(index: int, name: str, title: str, column: str) -> Kpi:
    held = CUMULATIVE[: index + 1]
    words = [category.replace("_", " ") for category in held]
    return Kpi(
        name=name,
        title=title,
        sentence=f"What was won in the period and what is open for it in {' or '.join(words)}.",
        formula=f"won + {' + '.join(words)}",
        unit="money",
        direction="up",
        owner=OWNER,
        convention=(
            "Cumulative, at full amounts: nothing is weighted. Closed is won only; omitted never counts; an open deal "
            "without a category is pipeline. Deals without an amount add nothing and are counted."
        ),
        sides=(
            WON_AMOUNT,
            *(Side(h, f"Open in {h.replace('_', ' ')}", in_category(h), AMOUNT) for h in held),
            Side("deals", "Won and open together", won_or_forecast(held)),
        ),
        combine=_rollup(column, held),
        sample="deals",
        dated_by="expected_close_on",
        placed=False,
        requires=(NEEDS_CATEGORY, NEEDS_EXPECTED_CLOSE),
        flags=(UNMAPPED,),
    )


KPIS: tuple[Kpi, ...] = (
    _kpi(0, "commit_forecast", "Commit", "commit_forecast"),
    _kpi(1, "most_likely_forecast", "Most likely", "most_likely_forecast"),
    _kpi(2, "best_case_forecast", "Best case", "best_case_forecast"),
    _kpi(3, "total_pipeline", "Won and open", "total_pipeline"),
)
