"""Open pipeline, coverage, pipeline generation, velocity."""

from __future__ import annotations

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.catalogue.parts import (
    AMOUNT_OR_ESTIMATE,
    DECIDED,
    NEEDS_CREATED,
    NEEDS_OUTCOME,
    NEEDS_WON_AMOUNT,
    OWNER,
    UNDATED_CLOSED,
    UNDATED_CREATED,
    UNMAPPED,
    WON,
    WON_AMOUNT,
    Sides,
    amount,
    count_of,
    sum_of,
    with_dates,
)
from salesops.analytics.engine.figure import Figure, exact, quotient, undefined
from salesops.analytics.engine.kpi import Condition, Flag, Kpi, Measure, Requirement, Side
from salesops.analytics.engine.velocity import sales_velocity

NEEDS_OPEN_AMOUNT = Requirement(
    "amount",
    c.open_stock,
    "no open deal has an amount: export an amount column, or enter list prices to get a labelled estimate",
)
NEEDS_EXPECTED_CLOSE = Requirement(
    "expected_close_on",
    lambda t, context: t["stage_class"] == "open",
    "no open deal has an expected close date: export the close date of open deals",
)

_UNDATED_OPEN = Flag(
    "undated_open",
    lambda t, context: (t["stage_class"] == "open") & t["created_on"].isnull() & (context.period is not None),
    "Open deals without a creation date, counted as open: {n}.",
)
_NO_EXPECTED_CLOSE = Flag(
    "no_expected_close",
    lambda t, context: (
        (t["stage_class"] == "open") & t["expected_close_on"].isnull() & (context.period is not None)
    ),
    "Open deals without an expected close date, outside every period: {n}.",
)
_OMITTED = Flag(
    "omitted",
    lambda t, context: c.open_stock(t, context) & ~c.not_omitted(t, context),
    "Open deals omitted from the forecast, left out: {n}.",
)

_OPEN_EXPECTED = Side("open", "Open deals expected in the period", c.expected, AMOUNT_OR_ESTIMATE)
_QUOTA = Side("quota", "Quota", c.everything, Measure("sum", column="quota"), frame="quotas")

_GENERATED = Measure("sum", column="generated_amount", estimate="amount_estimate")

NO_QUOTA = "no quota is in force for this period: enter or paste quotas"
NO_OPEN_AMOUNT = "no open deal expected in the period has an amount"


def _remaining(sides: Sides) -> Figure:
    quota = sides["quota"]
    if quota.n == 0 or quota.value is None:
        return undefined(NO_QUOTA)
    remaining = exact(amount(quota)) - exact(amount(sides["won_amount"]))
    if remaining <= 0:
        return undefined("the quota is reached: nothing remains to be covered")
    return quotient(sides["open"].value, remaining, unknown=NO_OPEN_AMOUNT, zero="nothing remains")


def _gross(sides: Sides) -> Figure:
    quota = sides["quota"]
    if quota.n == 0 or quota.value is None:
        return undefined(NO_QUOTA)
    if amount(quota) <= 0:
        return undefined("the quota is zero")
    if sides["open"].value is None:
        return undefined(NO_OPEN_AMOUNT)
    total = exact(amount(sides["open"])) + exact(amount(sides["won_amount"]))
    return quotient(total, amount(quota), unknown=NO_QUOTA, zero="the quota is zero")


def _velocity(sides: Sides) -> Figure:
    decided, size, cycle = sides["decided"].n, sides["won_amount"], sides["cycle"]
    rate = exact(sides["won"].n) / decided if decided else None
    mean = exact(amount(size)) / size.known if size.known else None
    days = exact(cycle.value) / cycle.known if cycle.known and cycle.value is not None else None
    return sales_velocity(sides["open"].n, rate, mean, days)


def _stock(name: str, title: str, sentence: str, formula: str, *, money: bool) -> Kpi:
    where: Condition = c.open_pipeline
    side = (
        Side("open", "Open deals", where, AMOUNT_OR_ESTIMATE) if money else Side("open", "Open deals", where)
    )
    return Kpi(
        name=name,
        title=title,
        sentence=sentence,
        formula=formula,
        unit="money" if money else "count",
        direction="up",
        owner=OWNER,
        convention=(
            "A stock: read on the as-of day, or on the last day of the period asked for, from creation and "
            "close dates. Deals omitted from the forecast are left out."
            + (" Present amounts; list prices stand in only as a labelled estimate." if money else "")
        ),
        sides=(side,),
        combine=sum_of("open", "no open deal has an amount") if money else count_of("open"),
        sample="open",
        dated_by="",
        requires=(NEEDS_OPEN_AMOUNT,) if money else (),
        flags=(_OMITTED, _UNDATED_OPEN, UNMAPPED),
    )


KPIS: tuple[Kpi, ...] = (
    _stock(
        "open_pipeline",
        "Open pipeline",
        "The amount of all deals still open.",
        "sum of the amounts of open deals",
        money=True,
    ),
    _stock("open_deals", "Open deals", "How many deals are still open.", "number of open deals", money=False),
    Kpi(
        name="coverage",
        title="Coverage",
        sentence="How many times the quota still missing is open and expected to close in the period.",
        formula="open amount expected in the period / (quota - won in the period)",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention=(
            "Remaining coverage. Omitted deals are left out. Undefined once the quota is reached. "
            "Compare with coverage needed (1 / win rate by value), not with 3x."
        ),
        sides=(_OPEN_EXPECTED, WON_AMOUNT, _QUOTA),
        combine=_remaining,
        dated_by="expected_close_on",
        requires=(NEEDS_EXPECTED_CLOSE, NEEDS_OPEN_AMOUNT),
        flags=(_NO_EXPECTED_CLOSE, UNMAPPED),
    ),
    Kpi(
        name="coverage_gross",
        title="Gross coverage",
        sentence="Won and open amounts of the period against the whole quota.",
        formula="(open amount expected in the period + won in the period) / quota",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention="Omitted deals are left out.",
        sides=(_OPEN_EXPECTED, WON_AMOUNT, _QUOTA),
        combine=_gross,
        dated_by="expected_close_on",
        requires=(NEEDS_EXPECTED_CLOSE, NEEDS_OPEN_AMOUNT),
        flags=(_NO_EXPECTED_CLOSE, UNMAPPED),
    ),
    Kpi(
        name="pipeline_generation",
        title="Pipeline generated",
        sentence="The amount of the deals created in the period, as it stood when the creation day ended.",
        formula="sum of the amounts at the end of the creation day of deals created in the period",
        unit="money",
        direction="up",
        owner=OWNER,
        convention=(
            "From the change log where it reaches back to the creation; else the present amount, counted as "
            "an estimate. A deal is created once: a reopened one is not new."
        ),
        sides=(Side("generated", "Deals created", c.created, _GENERATED),),
        combine=sum_of("generated", "no deal created in the period has an amount"),
        sample="generated",
        dated_by="created_on",
        requires=(NEEDS_CREATED,),
        flags=(
            Flag(
                "estimated",
                lambda t, context: c.created(t, context) & t["generated_is_estimate"] & t["amount"].notnull(),
                "Deals valued at their present amount, an estimate, because no change log reaches back to "
                "their creation: {n}.",
            ),
            UNDATED_CREATED,
        ),
        joins=("created_amounts",),
    ),
    Kpi(
        name="sales_velocity",
        title="Sales velocity",
        sentence="How much money the pipeline turns into sales per day.",
        formula="open qualified deals x win rate x average won deal / mean sales cycle in days",
        unit="money_per_day",
        direction="up",
        owner=OWNER,
        convention=(
            "Deals open when the period began (open now without a period); win rate by count, average and "
            "mean cycle of the deals closed in the period. Not to be confused with pipeline velocity, the "
            "amount that crosses a stage per day."
        ),
        sides=(
            Side("open", "Qualified deals open when the period began", c.open_at_start),
            WON,
            DECIDED,
            WON_AMOUNT,
            Side(
                "cycle",
                "Won deals with both dates",
                with_dates(c.won, "created_on", "closed_on"),
                Measure("days", start="created_on", end="closed_on"),
            ),
        ),
        combine=_velocity,
        placed=False,
        sample="decided",
        requires=(NEEDS_OUTCOME, NEEDS_CREATED, NEEDS_WON_AMOUNT),
        flags=(UNDATED_CLOSED, _UNDATED_OPEN, UNMAPPED),
    ),
)
