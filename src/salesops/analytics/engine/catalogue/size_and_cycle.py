"""Deal size and sales cycle."""

from __future__ import annotations

from collections.abc import Mapping

import ibis.expr.types as ir

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.catalogue.parts import (
    NEEDS_CREATED,
    NEEDS_OUTCOME,
    NEEDS_WON_AMOUNT,
    OWNER,
    UNDATED_CLOSED,
    WON_AMOUNT,
    mean_of,
    value_of,
    with_dates,
)
from salesops.analytics.engine.kpi import (
    Condition,
    Context,
    Flag,
    Kpi,
    Measure,
    MeasureKind,
    Requirement,
    Side,
)

NO_WON_AMOUNT = "no won deal has an amount"

NEEDS_FIRST_INTERACTION = Requirement(
    "first_interaction_on",
    c.closed_class,
    "no closed deal has a first interaction date: export activities or a first-contact date",
)

SIZE = (
    Kpi(
        name="average_deal_size",
        title="Average deal size",
        sentence="The mean amount of the deals won in the period.",
        formula="amount won / won deals with an amount",
        unit="money",
        direction="up",
        owner=OWNER,
        convention=(
            "Mean; the median stands beside it because one large deal moves the mean. Won deals without an "
            "amount are left out and counted."
        ),
        sides=(WON_AMOUNT,),
        combine=mean_of("won_amount", NO_WON_AMOUNT),
        sample="won_amount",
        requires=(NEEDS_OUTCOME, NEEDS_WON_AMOUNT),
        flags=(UNDATED_CLOSED,),
    ),
    Kpi(
        name="median_deal_size",
        title="Median deal size",
        sentence="Half of the deals won in the period are larger than this.",
        formula="middle amount of the won deals; the mean of the two middle ones where their number is even",
        unit="money",
        direction="up",
        owner=OWNER,
        convention="Won deals without an amount are left out and counted.",
        sides=(Side("won_amount", "Won deals", c.won, Measure("median", column="amount")),),
        combine=value_of("won_amount", NO_WON_AMOUNT),
        sample="won_amount",
        requires=(NEEDS_OUTCOME, NEEDS_WON_AMOUNT),
        flags=(UNDATED_CLOSED,),
    ),
)


_KINDS: Mapping[str, MeasureKind] = {"Mean": "days", "Median": "median_days", "75th percentile": "upper_days"}


def _cycle(name: str, outcome: str, condition: Condition, start: str, average: str) -> Kpi:
    begins = "creation" if start == "created_on" else "the first interaction"
    mean = average == "Mean"
    nothing = f"no {outcome} deal has both dates"
    side = Side(
        "cycle",
        f"{outcome.capitalize()} deals with both dates",
        with_dates(condition, start, "closed_on"),
        Measure(_KINDS[average], start=start, end="closed_on"),
    )

    def undated(t: ir.Table, context: Context) -> ir.BooleanValue:
        return condition(t, context) & t[start].isnull()

    def backwards(t: ir.Table, context: Context) -> ir.BooleanValue:
        return condition(t, context) & (t["closed_on"] < t[start])

    return Kpi(
        name=name,
        title=f"Sales cycle ({outcome}, {average.lower()}"
        + (")" if start == "created_on" else ", from first interaction)"),
        sentence=(
            f"Three of four deals {outcome} in the period took no more days than this from {begins} to close."
            if average.startswith("75")
            else f"{average} number of days from {begins} to close of the deals {outcome} in the period."
        ),
        formula=(
            f"sum of (close date - {begins} date) / deals"
            if mean
            else f"{'middle value' if average == 'Median' else '75th percentile'} of close date - {begins} date"
        ),
        unit="days",
        direction="down" if outcome == "won" else "none",
        owner=OWNER,
        convention=(
            "Calendar days; won and lost deals apart; open deals are not in it, so a growing firm reads "
            "short. Mean, median and 75th percentile (linear between deals) are all given."
        ),
        sides=(side,),
        combine=mean_of("cycle", nothing) if mean else value_of("cycle", nothing),
        sample="cycle",
        requires=(NEEDS_OUTCOME, NEEDS_CREATED if start == "created_on" else NEEDS_FIRST_INTERACTION),
        flags=(
            UNDATED_CLOSED,
            Flag(
                "undated_start",
                undated,
                f"{outcome.capitalize()} deals without a {begins.removeprefix('the ')} "
                "date, left out: {n}.",
            ),
            Flag("backwards", backwards, "Deals closed before they began, counted with negative days: {n}."),
        ),
    )


def _cycles() -> tuple[Kpi, ...]:
    result = []
    for stem, start in (
        ("sales_cycle", "created_on"),
        ("sales_cycle_from_first_interaction", "first_interaction_on"),
    ):
        for outcome, suffix, condition in (("won", "", c.won), ("lost", "_lost", c.lost)):
            for ending, average in (("", "Mean"), ("_median", "Median"), ("_p75", "75th percentile")):
                result.append(_cycle(stem + suffix + ending, outcome, condition, start, average))
    return tuple(result)


KPIS: tuple[Kpi, ...] = (*SIZE, *_cycles())
