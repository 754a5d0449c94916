"""What people do: activities, what they lead to, and time spent selling."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.catalogue.parts import OWNER, WON, Sides, count_of
from salesops.analytics.engine.figure import Figure, exact, quotient
from salesops.analytics.engine.kpi import Condition, Context, Flag, Kpi, Measure, Requirement, Side

ACTIVITIES, SELLING, PEOPLE = "activities", "selling_time", "people"

EXPORT = "export activities (tasks, calls, events) with their day, owner and deal"
WORKING_HOURS = 8
"""Hours of a working day that time spent selling is compared with."""

NEEDS_ACTIVITY = Requirement(
    "happened_on",
    c.everything,
    f"your data has no day on which an activity happened: {EXPORT}",
    frame=ACTIVITIES,
)
NEEDS_DEAL = Requirement(
    "opportunity_id",
    c.everything,
    f"your data has no activity that names its deal: {EXPORT}",
    frame=ACTIVITIES,
)
NEEDS_LENGTH = Requirement(
    "minutes",
    lambda t, context: t["is_human"] & t["kind"].isin(["call", "meeting"]),
    "your data has no call or meeting with a length: export the start and duration of calls and events",
    frame=ACTIVITIES,
)


def done(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Activities of people, not of machines, that took place in the period."""
    dated = t["happened_on"].notnull() & c.within("happened_on", t, context)
    return t["is_human"] & t["took_place"] & dated


def of_kind(kind: str) -> Condition:
    """Those of one kind."""

    def where(t: ir.Table, context: Context) -> ir.BooleanValue:
        return done(t, context) & (t["kind"] == kind)

    return where


def on_open_deals(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Those on deals that are open on the as-of day."""
    return done(t, context) & (t["deal_class"] == "open")


def on_won_deals(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Activities of people, whenever they were, on deals won in the period."""
    won = (t["deal_class"] == "won") & c.within("deal_closed_on", t, context)
    return t["is_human"] & t["took_place"] & won


def measured(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Calls and meetings of the period with a start and a length."""
    return timed_kind(t, context) & (t["minutes"] > 0) & t["starts_at"].notnull()


def timed_kind(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Calls and meetings of the period."""
    return done(t, context) & t["kind"].isin(["call", "meeting"])


def stretch(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Unbroken stretches of selling in the period."""
    return t["happened_on"].notnull() & c.within("happened_on", t, context)


def _automatic(t: ir.Table, context: Context) -> ir.BooleanValue:
    return ~t["is_human"] & t["happened_on"].notnull() & c.within("happened_on", t, context)


def _not_done(t: ir.Table, context: Context) -> ir.BooleanValue:
    dated = t["happened_on"].notnull() & c.within("happened_on", t, context)
    return t["is_human"] & ~t["took_place"] & dated


_NOT_DONE = Flag(
    "not_done", _not_done, "Planned, called off or still to come, left out: {n}.", frame=ACTIVITIES
)
_AUTOMATIC = Flag("automatic", _automatic, "Sent by a machine, left out: {n}.", frame=ACTIVITIES)
_UNDATED = Flag(
    "undated",
    lambda t, context: t["happened_on"].isnull() & ibis.literal(context.period is not None),
    "Activities without a day, outside every period: {n}.",
    frame=ACTIVITIES,
)
_OPEN_NOW: Condition = lambda t, context: t["stage_class"] == "open"  # noqa: E731 - as the conditions beside it


def _count(name: str, title: str, what: str, where: Condition) -> Kpi:
    return Kpi(
        name=name,
        title=title,
        sentence=f"How many {what} people logged in the period.",
        formula=f"number of {what}",
        unit="count",
        direction="none",
        owner=OWNER,
        convention=(
            "Logged ones that took place: what a machine sent, and what is planned, called off or still to come, is "
            "left out. Effort, not result: no ranking on it alone."
        ),
        grain="activity",
        frame=ACTIVITIES,
        dated_by="happened_on",
        sides=(Side("done", title, where, frame=ACTIVITIES),),
        combine=count_of("done"),
        sample="done",
        requires=(NEEDS_ACTIVITY,),
        flags=(_AUTOMATIC, _NOT_DONE, _UNDATED),
    )


def _per(top: str, below: str, nothing: str) -> Callable[[Sides], Figure]:
    return lambda sides: quotient(sides[top].n, sides[below].n, unknown=nothing, zero=nothing)


def _ratio(
    name: str, title: str, sentence: str, formula: str, convention: str, top: Side, below: Side, nothing: str,
    *more: Requirement,
) -> Kpi:  # fmt: skip
    return Kpi(
        name=name,
        title=title,
        sentence=sentence,
        formula=formula,
        unit="number",
        direction="none",
        owner=OWNER,
        convention=convention,
        grain="activity",
        frame=ACTIVITIES,
        dated_by="happened_on",
        sides=(top, below),
        combine=_per(top.name, below.name, nothing),
        sample=below.name,
        requires=(NEEDS_ACTIVITY, *more),
        flags=(_AUTOMATIC, _NOT_DONE, _UNDATED),
    )


def _per_working_day(sides: Sides) -> Figure:
    reason = "nobody who logs activities worked in the period"
    return quotient(sides["done"].n, sides["working_days"].value, unknown=reason, zero=reason)


def _selling_share(sides: Sides) -> Figure:
    reason = "nobody who logs activities worked in the period"
    if not sides["logged"].n:
        return Figure(None, "no call or meeting with a customer was logged with its start and length")
    seconds, days = exact(sides["selling"].value or 0), exact(sides["working_days"].value or 0)
    return quotient(seconds, days * WORKING_HOURS * 3600, unknown=reason, zero=reason)


def _logging(sides: Sides) -> tuple[str, ...]:
    logged, all_ = sides["logged"].n, sides["timed"].n
    if not all_:
        return ()
    share = round(Fraction(100 * logged, all_))
    return (f"Logged with a start and a length: {logged} of {all_} calls and meetings ({share} %).",)


_DONE = Side("done", "Activities", done, frame=ACTIVITIES)
_WORKING = Side(
    "working_days",
    "Working days of the people",
    c.everything,
    Measure("sum", column="working_days"),
    frame=PEOPLE,
)
_MEETINGS = Side("meetings", "Meetings", of_kind("meeting"), frame=ACTIVITIES)

KPIS: tuple[Kpi, ...] = (
    _count("activities", "Activities", "activities", done),
    _count("calls", "Calls", "calls", of_kind("call")),
    _count("emails", "E-mails", "e-mails", of_kind("email")),
    _count("meetings", "Meetings", "meetings", of_kind("meeting")),
    Kpi(
        name="activities_per_working_day",
        title="Activities per working day",
        sentence="How many activities one person logs per working day.",
        formula="activities / working days of everybody who logs activities",
        unit="number",
        direction="none",
        owner=OWNER,
        convention=(
            "Mondays to Fridays from the first to the last day in the firm; public holidays and absences are not "
            "known and not taken off. People who never log anything are not counted, nor is what did not take place."
        ),
        grain="activity",
        frame=ACTIVITIES,
        dated_by="happened_on",
        sides=(_DONE, _WORKING),
        combine=_per_working_day,
        sample="done",
        requires=(NEEDS_ACTIVITY,),
        flags=(_AUTOMATIC, _NOT_DONE, _UNDATED),
    ),
    _ratio(
        "activities_per_open_deal",
        "Activities per open deal",
        "How many activities of the period fall on one deal that is open now.",
        "activities of the period on open deals / open deals",
        "Deals open on the as-of day, those without any activity included.",
        Side("done", "Activities on open deals", on_open_deals, frame=ACTIVITIES),
        Side("open", "Open deals", _OPEN_NOW),
        "no deal is open",
        NEEDS_DEAL,
    ),
    _ratio(
        "activities_per_won_deal",
        "Activities per won deal",
        "How many activities a deal won in the period took, from its beginning.",
        "activities ever on deals won in the period / deals won in the period",
        "Activities of people on the deal itself, whenever they took place; those on lost deals are not in it.",
        Side("done", "Activities on won deals", on_won_deals, frame=ACTIVITIES),
        WON,
        "no deal was won",
        NEEDS_DEAL,
    ),
    _ratio(
        "activities_per_meeting",
        "Activities per meeting",
        "How many calls, mails and other activities stand behind one meeting.",
        "activities other than meetings / meetings",
        "A ratio of the period, not a path of single customers.",
        Side(
            "done",
            "Activities other than meetings",
            c.all_of(done, lambda t, context: t["kind"] != "meeting"),
            frame=ACTIVITIES,
        ),
        _MEETINGS,
        "no meeting was logged",
    ),
    _ratio(
        "meetings_per_deal_created",
        "Meetings per deal created",
        "How many meetings stand behind one new deal.",
        "meetings / deals created",
        "A ratio of the period: a deal may come from an earlier meeting. With activities per meeting and the close "
        "rate it is the path from effort to outcome.",
        _MEETINGS,
        Side("created", "Deals created", c.created),
        "no deal was created",
    ),
    Kpi(
        name="time_selling",
        title="Time spent selling",
        sentence="The share of working time that people spend in calls and meetings with customers.",
        formula="length of calls and meetings with customers, overlap counted once / working days x 8 hours",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention=(
            "Only what took place and was logged with a start and a length, on an account, deal, contact or lead; how "
            "much of it was logged so is told. Time that overlaps counts once. Mondays to Fridays; absences are not "
            "known."
        ),
        grain="stretch of selling",
        frame=ACTIVITIES,
        dated_by="happened_on",
        sides=(
            Side(
                "selling",
                "Stretches of calls and meetings with customers",
                stretch,
                Measure("total", column="seconds"),
                frame=SELLING,
            ),
            _WORKING,
            Side("logged", "Calls and meetings with a start and a length", measured, frame=ACTIVITIES),
            Side("timed", "Calls and meetings", timed_kind, frame=ACTIVITIES),
        ),
        combine=_selling_share,
        sample="logged",
        requires=(NEEDS_LENGTH, NEEDS_ACTIVITY),
        flags=(_UNDATED,),
        notes=_logging,
    ),
)
