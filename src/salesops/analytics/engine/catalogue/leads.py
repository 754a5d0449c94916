"""Leads: how fast they are answered, and how far they come."""

from __future__ import annotations

from fractions import Fraction

import ibis.expr.types as ir

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.catalogue.parts import OWNER, Sides, count_of, ratio_of_counts
from salesops.analytics.engine.figure import Figure, quotient
from salesops.analytics.engine.kpi import Condition, Context, Flag, Kpi, Measure, Requirement, Side
from salesops.analytics.engine.work import FUNNEL

LEADS = "leads"
NO_LEAD = "no lead was created"
LIMIT_MINUTES = 60
"""Within how many minutes a person is to answer a lead: part of the definition of the speed to lead."""

NEEDS_LEAD_DAY = Requirement(
    "created_on",
    c.everything,
    "your data has no lead with a creation date: export leads with it",
    frame=LEADS,
)
NEEDS_INSTANT = Requirement(
    "created_at",
    c.everything,
    "your data has no lead with the time of day it came in: export the created date with its time",
    frame=LEADS,
)
NEEDS_TOUCH = Requirement(
    "first_touch_at",
    c.everything,
    "your data has no activity on a lead with its time: export activities with start time and lead",
    frame=LEADS,
)
NEEDS_QUALIFIED = Requirement(
    "named_rank",
    c.everything,
    "your data has no lead whose status says marketing or sales qualified (MQL, SQL): export the lead status",
    frame=LEADS,
)

_NAMES = {
    "lead": "lead",
    "mql": "marketing qualified",
    "sql": "sales qualified",
    "opp": "a deal",
    "won": "won",
}


def created(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Leads created in the period."""
    return t["created_on"].notnull() & c.within("created_on", t, context)


def timed(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Those of them whose time of creation is known."""
    return created(t, context) & t["created_at"].notnull()


def touched(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Those of them that a person answered."""
    return timed(t, context) & t["response_seconds"].notnull()


def within_limit(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Those of them that a person answered within the limit, limit included."""
    return timed(t, context) & (t["response_seconds"] <= LIMIT_MINUTES * 60)


def reached(rank: int) -> Condition:
    """Leads of the period that came at least so far."""

    def where(t: ir.Table, context: Context) -> ir.BooleanValue:
        return created(t, context) & (t["rank"] >= rank)

    return where


def _minutes(sides: Sides) -> Figure:
    value = sides["touched"].value
    nothing = "no lead was answered by a person"
    return quotient(None if value is None else Fraction(value), 60, unknown=nothing, zero=nothing)


_UNTOUCHED = Flag(
    "untouched",
    lambda t, context: timed(t, context) & t["response_seconds"].isnull(),
    "Leads that no person answered: {n}.",
    frame=LEADS,
)


def _step(first: int, second: int) -> Kpi:
    before, after = FUNNEL[first], FUNNEL[second]
    qualified = {before, after} & {"mql", "sql"}
    return Kpi(
        name=f"{before}_to_{after}",
        title=f"{before.upper() if before in ('mql', 'sql') else before.capitalize()} to "
        f"{after.upper() if after in ('mql', 'sql') else after}",
        sentence=(
            f"Of the leads created in the period{f' that became {_NAMES[before]}' if first else ''}, "
            f"the share that became {_NAMES[after]}."
        ),
        formula=f"leads that reached {after} / leads that reached {before}",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention=(
            "Cohort by the day the lead was created, furthest status; a status passed over counts as reached. "
            "Qualified by the words of the status (MQL, SQL, marketing or sales qualified), a deal by its conversion, "
            "won by the deal."
        ),
        grain="lead",
        frame=LEADS,
        dated_by="created_on",
        sides=(
            Side("after", f"Leads that reached {after}", reached(second), frame=LEADS),
            Side("before", f"Leads that reached {before}", reached(first), frame=LEADS),
        ),
        combine=ratio_of_counts("after", "before", f"no lead reached {before}" if first else NO_LEAD),
        ripens=True,
        sample="before",
        requires=(NEEDS_LEAD_DAY, *((NEEDS_QUALIFIED,) if qualified else ())),
        wilson=("after", "before"),
    )


KPIS: tuple[Kpi, ...] = (
    Kpi(
        name="leads_created",
        title="Leads created",
        sentence="How many leads came in during the period.",
        formula="number of leads by creation date",
        unit="count",
        direction="up",
        owner=OWNER,
        convention="By the day the lead was created, in the firm's zone.",
        grain="lead",
        frame=LEADS,
        dated_by="created_on",
        sides=(Side("created", "Leads created", created, frame=LEADS),),
        combine=count_of("created"),
        sample="created",
        requires=(NEEDS_LEAD_DAY,),
    ),
    Kpi(
        name="lead_response",
        title="Lead response",
        sentence="Half of the leads that were answered waited longer than this for a person.",
        formula="middle value of first human touch - time of creation",
        unit="minutes",
        direction="down",
        owner=OWNER,
        convention=(
            "Calendar minutes. Automatic replies, inbound touches and what was only planned are no answer. Leads that "
            "nobody answered are not in the median; they are told, and are misses of the speed to lead."
        ),
        grain="lead",
        frame=LEADS,
        dated_by="created_on",
        sides=(
            Side(
                "touched",
                "Leads that a person answered",
                touched,
                Measure("middle", column="response_seconds"),
                frame=LEADS,
            ),
        ),
        combine=_minutes,
        sample="touched",
        requires=(NEEDS_INSTANT, NEEDS_TOUCH, NEEDS_LEAD_DAY),
        flags=(_UNTOUCHED,),
    ),
    Kpi(
        name="speed_to_lead",
        title="Speed to lead",
        sentence=f"The share of leads that a person answered within {LIMIT_MINUTES} minutes.",
        formula=f"leads first touched by a person within {LIMIT_MINUTES} minutes / leads",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention=(
            f"Calendar minutes, limit included ({LIMIT_MINUTES} minutes). A lead that nobody answered is a miss; one "
            "whose time of creation is not known is left out."
        ),
        grain="lead",
        frame=LEADS,
        dated_by="created_on",
        sides=(
            Side("in_time", "Leads answered in time", within_limit, frame=LEADS),
            Side("leads", "Leads with a time of creation", timed, frame=LEADS),
        ),
        combine=ratio_of_counts("in_time", "leads", NO_LEAD),
        sample="leads",
        requires=(NEEDS_INSTANT, NEEDS_TOUCH, NEEDS_LEAD_DAY),
        flags=(_UNTOUCHED,),
        wilson=("in_time", "leads"),
    ),
    *(_step(i, i + 1) for i in range(len(FUNNEL) - 1)),
    _step(0, len(FUNNEL) - 1),
)
