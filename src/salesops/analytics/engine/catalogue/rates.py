"""Win rates and close rates."""

from __future__ import annotations

import ibis.expr.types as ir

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.catalogue.parts import (
    AMOUNT,
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
    ratio_of_counts,
)
from salesops.analytics.engine.figure import Figure, quotient, undefined
from salesops.analytics.engine.kpi import Context, Flag, Kpi, Requirement, Side

NOTHING_DECIDED = "no deal was won or lost"

DECIDED_AMOUNT = Side("decided_amount", "Won and lost deals", c.decided, AMOUNT)

ZERO_AMOUNT = Flag(
    "zero_amount",
    lambda t, context: c.decided(t, context) & (t["amount"] == 0),
    "Won and lost deals with an amount of 0: {n}.",
)

NO_LOST_AMOUNT = "no lost deal has an amount, so the win rate by value says nothing"


NO_DECISION = (
    r"no[ _-]*(decision|budget|action)|status[ _-]*quo|did nothing|stalled|unresponsive|no response|went dark"
)


def no_decision(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals lost in the period whose reason says that the buyer decided for nobody."""
    return c.lost(t, context) & t["loss_reason"].lower().re_search(NO_DECISION)


def _win_rate_value(sides: Sides) -> Figure:
    if sides["decided_amount"].n == 0:
        return undefined(NOTHING_DECIDED)
    return quotient(
        amount(sides["won_amount"]),
        amount(sides["decided_amount"]),
        unknown=NOTHING_DECIDED,
        zero="the won and lost deals have no amounts",
    )


def _lost_amounts_missing(sides: Sides) -> bool:
    lost_deals = sides["decided_amount"].n - sides["won_amount"].n
    return lost_deals > 0 and amount(sides["decided_amount"]) == amount(sides["won_amount"])


def _value_notes(sides: Sides) -> tuple[str, ...]:
    if _lost_amounts_missing(sides):
        return (f"{NO_LOST_AMOUNT[0].upper()}{NO_LOST_AMOUNT[1:]}; read the win rate by count.",)
    return ()


def _coverage_needed(sides: Sides) -> Figure:
    rate = _win_rate_value(sides)
    if rate.value is None:
        return rate
    if _lost_amounts_missing(sides):
        return undefined(NO_LOST_AMOUNT)
    # The sides, not the rounded rate: 1 / (won / decided) = decided / won, exactly.
    return quotient(
        amount(sides["decided_amount"]),
        amount(sides["won_amount"]),
        unknown=NOTHING_DECIDED,
        zero="nothing was won by value, so no coverage would be enough",
    )


def _open_share(sides: Sides) -> tuple[str, ...]:
    created, still_open = sides["created"].n, sides["still_open"].n
    if not created or not still_open:
        return ()
    return (f"Still open: {still_open} of {created} deals; the rate can rise until they are decided.",)


KPIS: tuple[Kpi, ...] = (
    Kpi(
        name="win_rate_count",
        title="Win rate",
        sentence="Of the deals decided in the period, the share that was won.",
        formula="won deals / (won + lost deals)",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention=(
            "By close date in the period, both days included. Open deals are not in it; no decision is lost. "
            "A deal with a zero or missing amount counts."
        ),
        sides=(WON, DECIDED),
        combine=ratio_of_counts("won", "decided", NOTHING_DECIDED),
        sample="decided",
        requires=(NEEDS_OUTCOME,),
        flags=(UNDATED_CLOSED, UNMAPPED),
        wilson=("won", "decided"),
    ),
    Kpi(
        name="win_rate_value",
        title="Win rate by value",
        sentence="Of the money decided in the period, the share that was won.",
        formula="amount won / (amount won + amount lost)",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention=(
            "By close date in the period, both days included. A zero or missing amount counts as a deal and "
            "adds nothing to the value. No decision is lost."
        ),
        sides=(WON_AMOUNT, DECIDED_AMOUNT),
        combine=_win_rate_value,
        sample="decided_amount",
        requires=(NEEDS_OUTCOME, NEEDS_WON_AMOUNT),
        flags=(ZERO_AMOUNT, UNDATED_CLOSED, UNMAPPED),
        notes=_value_notes,
    ),
    Kpi(
        name="coverage_needed",
        title="Coverage needed",
        sentence="How many times the remaining quota must be open to make it at the present win rate.",
        formula="1 / win rate by value",
        unit="ratio",
        direction="none",
        owner=OWNER,
        convention="From this firm's own win rate by value over the period, not a rule of thumb such as 3x.",
        sides=(WON_AMOUNT, DECIDED_AMOUNT),
        combine=_coverage_needed,
        sample="decided_amount",
        requires=(NEEDS_OUTCOME, NEEDS_WON_AMOUNT),
        flags=(ZERO_AMOUNT, UNDATED_CLOSED, UNMAPPED),
    ),
    Kpi(
        name="close_rate",
        title="Close rate",
        sentence="Of the deals created in the period, the share won so far.",
        formula="deals won ever / deals created in the period",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention=(
            "Cohort by creation date, both days included. Deals still open stay in the denominator, so a "
            "young cohort reads low; their share is told."
        ),
        sides=(
            Side("won", "Deals created in the period and won since", c.created_and_won),
            Side("still_open", "Deals created in the period and still open", c.created_and_open),
            Side("created", "Deals created in the period", c.created),
        ),
        combine=ratio_of_counts("won", "created", "no deal was created"),
        ripens=True,
        sample="created",
        dated_by="created_on",
        requires=(NEEDS_CREATED,),
        flags=(UNDATED_CREATED,),
        wilson=("won", "created"),
        notes=_open_share,
    ),
    Kpi(
        name="close_rate_pitched",
        title="Close rate of pitched deals",
        sentence="Of the deals created in the period that were pitched, the share won so far.",
        formula="pitched deals won ever / pitched deals created in the period",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention=(
            "Which stage or event counts as pitched is a decision. Cohort by creation date; pitched deals "
            "still open stay in the denominator."
        ),
        sides=(
            Side("won", "Pitched deals won since", c.pitched_and_won),
            Side("pitched", "Pitched deals created in the period", c.created_and_pitched),
        ),
        combine=ratio_of_counts("won", "pitched", "no deal was pitched"),
        ripens=True,
        sample="pitched",
        dated_by="created_on",
        requires=(
            Requirement("is_pitched", c.counted, "no stage is marked as pitched", decision=True),
            NEEDS_CREATED,
        ),
        flags=(UNDATED_CREATED,),
        wilson=("won", "pitched"),
    ),
    Kpi(
        name="created_and_closed",
        title="Created and won in the period",
        sentence="Of the deals won in the period, the share created in it too.",
        formula="deals created and won in the period / deals won in the period",
        unit="ratio",
        direction="none",
        owner=OWNER,
        convention=(
            "By close date; both days of the period included. Says how much of a period's wins no pipeline shows yet."
        ),
        sides=(
            Side("both", "Deals created and won in the period", c.all_of(c.won, c.created)),
            WON,
        ),
        combine=ratio_of_counts("both", "won", "no deal was won"),
        placed=False,
        sample="won",
        requires=(NEEDS_OUTCOME, NEEDS_CREATED),
        flags=(UNDATED_CLOSED, UNMAPPED),
        wilson=("both", "won"),
    ),
    Kpi(
        name="no_decision_share",
        title="Lost to no decision",
        sentence="Of the deals lost in the period, the share that nobody won: the buyer did nothing.",
        formula="lost deals whose loss reason is no decision / lost deals with a loss reason",
        unit="ratio",
        direction="down",
        owner=OWNER,
        convention=(
            "By the words of the loss reason (no decision, no budget, status quo, did nothing, stalled, unresponsive). "
            "Lost deals without a reason are left out and told. In the win rate no decision is lost."
        ),
        sides=(
            Side("no_decision", "Lost without a decision", no_decision),
            Side("with_reason", "Lost deals with a reason", c.all_of(c.lost, c.filled("loss_reason"))),
        ),
        combine=ratio_of_counts("no_decision", "with_reason", "no lost deal has a reason"),
        sample="with_reason",
        requires=(
            Requirement(
                "loss_reason",
                lambda t, context: t["stage_class"] == "lost",
                "your data has no reason for a loss: export the loss reason with the opportunities",
            ),
            NEEDS_OUTCOME,
        ),
        flags=(
            Flag(
                "without_reason",
                c.all_of(c.lost, c.blank("loss_reason")),
                "Lost deals without a reason, left out: {n}.",
            ),
            UNDATED_CLOSED,
        ),
        wilson=("no_decision", "with_reason"),
    ),
)
