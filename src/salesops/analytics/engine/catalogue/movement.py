"""What happened to the dates and calls of a period: slips, pushes, pull-ins, and how true commit was."""

from __future__ import annotations

import ibis.expr.types as ir

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.catalogue.parts import (
    NEEDS_CREATED,
    NEEDS_OUTCOME,
    OWNER,
    WON_AMOUNT,
    Sides,
    amount,
    count_of,
    ratio_of_counts,
)
from salesops.analytics.engine.figure import Figure, exact, quotient, to_decimal, undefined
from salesops.analytics.engine.kpi import Condition, Context, Flag, Kpi, Measure, Requirement, Side

OPENING, MOVES = "opening", "close_moves"
HISTORY = "export the history of the close date, or import the deals regularly"
NOTHING_DUE = "no deal that was open when the period began was expected to close in it"
STILL_WON = "the period is not over: what is won in it is not all known; choose one that is over"
NO_COMMIT = "no deal stood in commit for the period when it began"

OPENING_AMOUNT = Measure("sum", column="opening_amount")

NEEDS_OPENING = Requirement(
    "opening_close_on",
    c.everything,
    f"your data has no close date that open deals had when the period began: {HISTORY}",
    frame=OPENING,
)
NEEDS_CATEGORY = Requirement(
    "opening_category",
    c.everything,
    "your data has no forecast category that deals had when the period began: export the history of the "
    "forecast category, or import the deals regularly",
    frame=OPENING,
)


def due(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals open when the period began that were then expected to close in it."""
    return c.within("opening_close_on", t, context)


def _closed_by_end(t: ir.Table, context: Context) -> ir.BooleanValue:
    closed = t["stage_class"].isin(["won", "lost"]) & t["closed_on"].notnull()
    return closed if context.period is None else closed & (t["closed_on"] <= c.day(context.period.last))


def slipped(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Those of them neither won nor lost by the end of the period."""
    return due(t, context) & ~_closed_by_end(t, context).fill_null(False)


def committed(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals in commit for the period when it began."""
    return due(t, context) & (t["opening_category"] == "commit")


def commit_won(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Those of them won in the period."""
    return committed(t, context) & (t["stage_class"] == "won") & _closed_by_end(t, context)


def moved_as(kind: str) -> Condition:
    """Changes of a close date of one kind, made in the period."""

    def where(t: ir.Table, context: Context) -> ir.BooleanValue:
        return (t["move"] == kind) & c.within("moved_on", t, context)

    return where


def _value_share(part: str, whole: str, nothing: str) -> object:
    def combine(sides: Sides) -> Figure:
        if sides[whole].n == 0:
            return undefined(nothing)
        return quotient(
            amount(sides[part]), amount(sides[whole]), unknown=nothing, zero="these deals had no amounts then"
        )

    return combine


def _commit_accuracy(sides: Sides) -> Figure:
    if sides["committed"].n == 0:
        return undefined(NO_COMMIT)
    if sides["won_amount"].value is None:
        return undefined("no deal won in the period has an amount")
    forecast, actual = exact(amount(sides["committed"])), exact(amount(sides["won_amount"]))
    if forecast == 0:
        return undefined("the deals in commit had no amounts when the period began")
    return Figure(to_decimal(max(exact(0), 1 - abs(actual - forecast) / forecast)))


_RUNNING = Flag(
    "running",
    lambda t, context: slipped(t, context) if context.running else due(t, context) & (t["id"] != t["id"]),
    "The period is not over: {n} of these deals can still close in it.",
    frame=OPENING,
)


def _opening(name: str, title: str, sentence: str, formula: str, convention: str, **more: object) -> Kpi:
    fields = {
        "unit": "ratio",
        "direction": "up",
        "owner": OWNER,
        "frame": OPENING,
        "dated_by": "opening_close_on",
    }
    return Kpi(
        name=name,
        title=title,
        sentence=sentence,
        formula=formula,
        convention=convention,
        **{**fields, **more},  # type: ignore[arg-type]
    )


_SLIP = (
    "Of the deals open when the period began and then expected to close in it. Deals created later are not in "
    "it; a deal lost in the period has not slipped. Dates as they stood on the first day, from the change log."
)
_COMMIT = (
    "Snapshot of the first day of the period, from the change log: deals then open, in commit, and expected to "
    "close in the period."
)


def _moves(name: str, title: str, kind: str, sentence: str, formula: str, direction: str) -> Kpi:
    return Kpi(
        name=name,
        title=title,
        sentence=sentence,
        formula=formula,
        unit="count",
        direction=direction,  # type: ignore[arg-type]
        owner=OWNER,
        convention=(
            "Per change, not per deal, by the day of the change, in the fiscal calendar. The change that "
            "closing a deal makes to its date is no move."
        ),
        grain="change of a close date",
        frame=MOVES,
        dated_by="moved_on",
        sides=(Side("moves", title, moved_as(kind), frame=MOVES),),
        combine=count_of("moves"),
        sample="moves",
    )


KPIS: tuple[Kpi, ...] = (
    _opening(
        "slip_rate",
        "Slip rate",
        "Of the deals due in the period when it began, the share that was neither won nor lost in it.",
        "due deals not closed by the end of the period / deals due in it when it began",
        _SLIP,
        direction="down",
        sides=(
            Side("slipped", "Slipped deals", slipped, frame=OPENING),
            Side("due", "Deals due when the period began", due, frame=OPENING),
        ),
        combine=ratio_of_counts("slipped", "due", NOTHING_DUE),
        sample="due",
        requires=(NEEDS_OPENING,),
        flags=(_RUNNING,),
        wilson=("slipped", "due"),
    ),
    _opening(
        "slip_rate_value",
        "Slip rate by value",
        "Of the money due in the period when it began, the share of deals neither won nor lost in it.",
        "opening amount of slipped deals / opening amount of deals due in the period",
        _SLIP + " Amounts of the first day.",
        direction="down",
        sides=(
            Side("slipped", "Slipped deals", slipped, OPENING_AMOUNT, frame=OPENING),
            Side("due", "Deals due when the period began", due, OPENING_AMOUNT, frame=OPENING),
        ),
        combine=_value_share("slipped", "due", NOTHING_DUE),
        sample="due",
        requires=(NEEDS_OPENING,),
        flags=(_RUNNING,),
    ),
    _moves(
        "pushes",
        "Pushes",
        "push",
        "How many times in the period a close date was moved to a later quarter.",
        "number of changes of a close date to a later fiscal quarter",
        "down",
    ),
    _moves(
        "delays",
        "Delays",
        "delay",
        "How many times in the period a close date was moved later within its quarter.",
        "number of changes of a close date to a later day of the same fiscal quarter",
        "down",
    ),
    _moves(
        "pull_ins",
        "Pull-ins",
        "pull_in",
        "How many times in the period a close date was moved to an earlier quarter.",
        "number of changes of a close date to an earlier fiscal quarter",
        "up",
    ),
    _opening(
        "commit_win_rate",
        "Commit won",
        "Of the deals in commit when the period began, the share won in it.",
        "deals of the opening commit won in the period / deals of the opening commit",
        _COMMIT,
        sides=(
            Side("won", "Committed deals won in the period", commit_won, frame=OPENING),
            Side("committed", "Deals in commit when the period began", committed, frame=OPENING),
        ),
        combine=ratio_of_counts("won", "committed", NO_COMMIT),
        sample="committed",
        requires=(NEEDS_CATEGORY, NEEDS_OPENING),
        flags=(_RUNNING,),
        wilson=("won", "committed"),
    ),
    _opening(
        "commit_win_rate_value",
        "Commit won by value",
        "Of the money in commit when the period began, the share of deals won in it.",
        "opening amount of committed deals won / opening amount of deals in commit",
        _COMMIT + " Amounts of that day.",
        sides=(
            Side("won", "Committed deals won in the period", commit_won, OPENING_AMOUNT, frame=OPENING),
            Side(
                "committed", "Deals in commit when the period began", committed, OPENING_AMOUNT, frame=OPENING
            ),
        ),
        combine=_value_share("won", "committed", NO_COMMIT),
        sample="committed",
        requires=(NEEDS_CATEGORY, NEEDS_OPENING),
        flags=(_RUNNING,),
    ),
    _opening(
        "commit_accuracy",
        "Commit accuracy",
        "How near the amount won in the period came to the amount in commit when it began.",
        "1 - |won in the period - opening commit| / opening commit, not below 0",
        _COMMIT
        + " Everything won in the period counts as the actual, whether it was in commit or not. The period must be "
        "over.",
        sides=(
            Side(
                "committed",
                "Deals in commit when the period began",
                committed,
                OPENING_AMOUNT,
                frame=OPENING,
            ),
            WON_AMOUNT,
        ),
        combine=_commit_accuracy,
        sample="committed",
        requires=(NEEDS_CATEGORY, NEEDS_OPENING, NEEDS_OUTCOME, NEEDS_CREATED),
        unfit=lambda context: STILL_WON if context.running else "",
    ),
)
