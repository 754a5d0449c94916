"""Stages over time: conversion of cohorts and of a period, time in stage, ageing, stalled deals, pipeline velocity."""

from __future__ import annotations

import ibis.expr.types as ir

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.catalogue.parts import (
    AMOUNT,
    OWNER,
    Sides,
    amount,
    count_of,
    mean_of,
    ratio_of_counts,
    sum_of,
    value_of,
)
from salesops.analytics.engine.figure import Figure, quotient, undefined
from salesops.analytics.engine.journeys import WON_ORDER
from salesops.analytics.engine.kpi import Context, Flag, Kpi, Measure, Requirement, Side
from salesops.analytics.engine.paces import FLOOR

VISITS, ENTRIES, PRESENCE, STANDING = "stage_visits", "stage_entries", "stage_presence", "standing"

HISTORY = "export the history of stages (opportunity history), or import the deals regularly"
NOTHING_ENTERED = "no deal entered a stage on a known day"
NOTHING_ENDED = "no stay in a stage ended on a known day"
NOTHING_STANDS = "of no open deal is it known since when it stands in its stage"
NOTHING_COMPARED = f"no open deal stands since a known day in a stage that {FLOOR} stays of won deals tell of"

STAY = Measure("days", start="entered_on", end="left_on")
STAY_MEDIAN = Measure("median_days", start="entered_on", end="left_on")
SO_FAR = Measure("days", start="entered_on", end="as_of_on")

NEEDS_ENTRY = Requirement(
    "entered_on",
    c.everything,
    f"your data has no day on which a deal entered a stage: {HISTORY}",
    frame=ENTRIES,
)
NEEDS_STAY = Requirement(
    "entered_on",
    c.everything,
    f"your data has no day on which a deal entered a stage: {HISTORY}",
    frame=VISITS,
)
NEEDS_SINCE = Requirement(
    "entered_on",
    c.everything,
    f"your data does not say since when open deals stand in their stage: {HISTORY}",
    frame=STANDING,
)


def entered(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals that first reached the stage, or one after it, in the period."""
    return t["entered_on"].notnull() & c.within("entered_on", t, context)


def passed(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Those of them that reached a later stage since."""
    return entered(t, context) & t["passed_on"].notnull()


def undecided(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Those of them that stand open in the stage."""
    return entered(t, context) & t["is_standing"]


def ended(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Stays that ended in the period and whose first day is known."""
    return c.filled("entered_on", "left_on")(t, context) & c.within("left_on", t, context)


def stepped_on(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Stays that ended in the period with a step forward."""
    return c.within("left_on", t, context) & t["left_on"].notnull() & (t["next_order"] > t["stage_order"])


def skipped(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Steps forward from one open stage to another that passed over at least one between."""
    return between_open(t, context) & (t["next_order"] > t["stage_order"] + 1)


def between_open(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Steps forward from one open stage to another."""
    return stepped_on(t, context) & (t["next_order"] < WON_ORDER)


def stepped_back(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Stays that ended in the period with a step back to an earlier open stage."""
    back = (t["next_order"] < t["stage_order"]) & (t["next_order"] >= 0)
    return c.within("left_on", t, context) & t["left_on"].notnull() & back


def moved(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Stays that ended in the period with a step to another open stage."""
    return (
        c.within("left_on", t, context)
        & t["left_on"].notnull()
        & t["next_order"].between(0, WON_ORDER - 1)
        & (t["next_order"] != t["stage_order"])
    )


def converted(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals that left the stage in the period and had come beyond it when the period ended."""
    return t["left_in_period"] & (t["end_order"] > t["stage_order"])


def since_known(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Open deals whose first day in the stage they stand in is known."""
    return t["entered_on"].notnull()


def stalled(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Open deals longer in their stage than nine of ten won deals were."""
    return t["days"] > t["stage_limit"]


def comparable(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Open deals in a stage that enough won deals have been through, with a known first day in it."""
    return t["stage_limit"].notnull() & t["entered_on"].notnull()


def _stalled_amount(sides: Sides) -> Figure:
    if not sides["compared"].n:
        return undefined(NOTHING_COMPARED)
    return sum_of("stalled", "no stalled deal has an amount")(sides)


def _still_there(sides: Sides) -> tuple[str, ...]:
    waiting, all_ = sides["undecided"].n, sides["entered"].n
    return (f"Still undecided in the stage: {waiting} of {all_}.",) if waiting else ()


def _per_day(sides: Sides) -> Figure:
    crossed, days = sides["crossed"], sides["days"].n
    if crossed.value is None:
        return undefined("no deal that moved on has an amount")
    return quotient(amount(crossed), days, unknown="", zero="the period has no day")


def _kpi(
    name: str,
    title: str,
    sentence: str,
    formula: str,
    convention: str,
    **more: object,
) -> Kpi:
    fields = {"unit": "ratio", "direction": "up", "owner": OWNER, "grain": "stage of a deal", **more}
    return Kpi(
        name=name,
        title=title,
        sentence=sentence,
        formula=formula,
        convention=convention,
        **fields,  # type: ignore[arg-type]
    )


_UNKNOWN_ENTRY = Flag(
    "unknown_entry",
    lambda t, context: t["entered_on"].isnull(),
    "Stages entered before the history begins, outside every period: {n}.",
    frame=ENTRIES,
)

_COMPARED = Side("compared", "Open deals compared", comparable, frame=STANDING)
_STALLED = (
    "A stock. The limit of a stage is the firm's own, the same for whoever asks and in the inspection: the number of "
    f"days within which nine of ten stays of won deals in it ended (nearest rank). Deals in a stage that fewer than "
    f"{FLOOR} such stays tell of, and those of which nothing tells since when they stand there, are not judged."
)

KPIS: tuple[Kpi, ...] = (
    _kpi(
        "stage_conversion",
        "Stage conversion (cohort)",
        "Of the deals that first entered a stage in the period, the share that has reached a later stage since.",
        "deals that reached a later stage / deals that first entered the stage in the period",
        "A cohort: read it by stage. A stage passed over counts as reached; deals still undecided in the stage "
        "stay in the denominator and are told. Won is later than every stage.",
        frame=ENTRIES,
        dated_by="entered_on",
        sides=(
            Side("passed", "Reached a later stage since", passed, frame=ENTRIES),
            Side("entered", "Entered the stage in the period", entered, frame=ENTRIES),
            Side("undecided", "Still undecided in the stage", undecided, frame=ENTRIES),
        ),
        combine=ratio_of_counts("passed", "entered", NOTHING_ENTERED),
        ripens=True,
        sample="entered",
        requires=(NEEDS_ENTRY,),
        flags=(_UNKNOWN_ENTRY,),
        wilson=("passed", "entered"),
        notes=_still_there,
    ),
    _kpi(
        "stage_conversion_snapshot",
        "Stage conversion (period)",
        "Of the deals that stood in a stage at any time in the period, the share that left it forward.",
        "deals that left the stage forward in the period / deals in the stage at any time in it",
        "Read it by stage. A step back does not count against a deal that was beyond the stage again when the "
        "period ended. Each deal counts once a stage.",
        frame=PRESENCE,
        dated_by="",
        sides=(
            Side("forward", "Left the stage forward", converted, frame=PRESENCE),
            Side("present", "In the stage at any time", c.everything, frame=PRESENCE),
        ),
        combine=ratio_of_counts("forward", "present", "no deal stood in a stage"),
        sample="present",
        wilson=("forward", "present"),
    ),
    _kpi(
        "stage_skip_rate",
        "Stages skipped",
        "Of the steps forward between open stages in the period, the share that passed over a stage.",
        "steps forward over at least one stage / steps forward between open stages",
        "Per step, not per deal. The step to won is left out: it may end any stage.",
        direction="down",
        frame=VISITS,
        dated_by="left_on",
        sides=(
            Side("skips", "Steps that passed over a stage", skipped, frame=VISITS),
            Side("steps", "Steps forward between open stages", between_open, frame=VISITS),
        ),
        combine=ratio_of_counts("skips", "steps", "no deal stepped from one open stage to a later one"),
        sample="steps",
        requires=(NEEDS_STAY,),
        wilson=("skips", "steps"),
    ),
    _kpi(
        "stage_regression_rate",
        "Steps back",
        "Of the steps between open stages in the period, the share that went back.",
        "steps to an earlier stage / steps between open stages",
        "Per step, not per deal.",
        direction="down",
        frame=VISITS,
        dated_by="left_on",
        sides=(
            Side("back", "Steps back", stepped_back, frame=VISITS),
            Side("steps", "Steps between open stages", moved, frame=VISITS),
        ),
        combine=ratio_of_counts("back", "steps", "no deal stepped from one open stage to another"),
        sample="steps",
        requires=(NEEDS_STAY,),
        wilson=("back", "steps"),
    ),
    _kpi(
        "time_in_stage",
        "Time in stage (mean)",
        "Mean number of days of the stays in a stage that ended in the period.",
        "sum of (day left - day entered) / stays",
        "Read it by stage. Calendar days, per stay: a deal that comes back stays twice. Stays that go on, or "
        "began before the history does, are left out.",
        unit="days",
        direction="down",
        grain="stay in a stage",
        frame=VISITS,
        dated_by="left_on",
        sides=(Side("stays", "Stays that ended", ended, STAY, frame=VISITS),),
        combine=mean_of("stays", NOTHING_ENDED),
        sample="stays",
        requires=(NEEDS_STAY,),
    ),
    _kpi(
        "time_in_stage_median",
        "Time in stage (median)",
        "Half of the stays in a stage that ended in the period were longer than this.",
        "middle value of day left - day entered",
        "As the mean; the median says more where a few deals lie for very long.",
        unit="days",
        direction="down",
        grain="stay in a stage",
        frame=VISITS,
        dated_by="left_on",
        sides=(Side("stays", "Stays that ended", ended, STAY_MEDIAN, frame=VISITS),),
        combine=value_of("stays", NOTHING_ENDED),
        sample="stays",
        requires=(NEEDS_STAY,),
    ),
    _kpi(
        "stage_age",
        "Age in stage",
        "Mean number of days that open deals have stood in their stage since they last entered it.",
        "sum of (as-of day - last entry) / open deals",
        "A stock, read on the as-of day, or on the last day of the period. Calendar days since the last entry; "
        "the days of earlier stays are in the total age.",
        unit="days",
        direction="down",
        grain="opportunity",
        frame=STANDING,
        dated_by="",
        sides=(Side("now", "Open deals in their stage", since_known, SO_FAR, frame=STANDING),),
        combine=mean_of("now", NOTHING_STANDS),
        sample="now",
        requires=(NEEDS_SINCE,),
    ),
    _kpi(
        "stage_age_total",
        "Age in stage, all stays",
        "Mean number of days that open deals have stood in their stage, earlier stays in it included.",
        "sum of the days of all stays in the present stage / open deals",
        "A stock, read on the as-of day, or on the last day of the period. A deal that was sent back and came "
        "again has stood there longer than its age since the last entry says.",
        unit="days",
        direction="down",
        grain="opportunity",
        frame=STANDING,
        dated_by="",
        sides=(
            Side(
                "now",
                "Open deals in their stage",
                since_known,
                Measure("total", column="total_days"),
                frame=STANDING,
            ),
        ),
        combine=mean_of("now", NOTHING_STANDS),
        sample="now",
        requires=(NEEDS_SINCE,),
    ),
    _kpi(
        "stalled_share",
        "Stalled deals",
        "The share of open deals that have stood in their stage longer than nine of ten won deals did.",
        "open deals older in their stage than the 90th percentile of won deals in it / open deals compared",
        _STALLED,
        direction="down",
        grain="opportunity",
        frame=STANDING,
        dated_by="",
        sides=(
            Side("stalled", "Stalled deals", c.all_of(comparable, stalled), frame=STANDING),
            _COMPARED,
        ),
        combine=ratio_of_counts("stalled", "compared", NOTHING_COMPARED),
        sample="compared",
        requires=(NEEDS_SINCE,),
        wilson=("stalled", "compared"),
    ),
    _kpi(
        "stalled_pipeline",
        "Stalled pipeline",
        "The amount of the open deals that have stood in their stage longer than nine of ten won deals did.",
        "sum of the amounts of stalled deals",
        "Stalled as in the share of stalled deals. Deals without an amount add nothing and are counted.",
        unit="money",
        direction="down",
        grain="opportunity",
        frame=STANDING,
        dated_by="",
        sides=(
            Side("stalled", "Stalled deals", c.all_of(comparable, stalled), AMOUNT, frame=STANDING),
            _COMPARED,
        ),
        combine=_stalled_amount,
        sample="stalled",
        requires=(NEEDS_SINCE,),
    ),
    _kpi(
        "stage_steps",
        "Steps forward",
        "How many times a deal moved forward out of a stage in the period.",
        "number of stays that ended with a step forward, won included",
        "Per step, not per deal. By stage it says how many left it forward.",
        unit="count",
        grain="stay in a stage",
        frame=VISITS,
        dated_by="left_on",
        sides=(Side("steps", "Steps forward", stepped_on, frame=VISITS),),
        combine=count_of("steps"),
        sample="steps",
        requires=(NEEDS_STAY,),
    ),
    _kpi(
        "pipeline_velocity",
        "Pipeline velocity",
        "The amount that moves forward out of a stage per day of the period.",
        "sum of the amounts of deals at each step forward / days of the period",
        "Read it by stage; as a whole every stage a deal leaves counts. Present amounts. Not to be confused with "
        "sales velocity, which multiplies rates.",
        unit="money_per_day",
        grain="stay in a stage",
        frame=VISITS,
        dated_by="left_on",
        sides=(
            Side("crossed", "Steps forward", stepped_on, AMOUNT, frame=VISITS),
            Side("days", "Days of the period", c.everything, frame="calendar", rows=False),
        ),
        combine=_per_day,
        sample="crossed",
        requires=(NEEDS_STAY,),
    ),
)
