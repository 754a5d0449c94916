"""The pipeline waterfall: what made the pipeline of one instant into that of a later one, to the cent.

Two states of every deal are compared, not the events between them. A deal takes one way in (it was there,
or is new, reopened, pulled in, transferred in) and one way out (it is there, or was transferred, pushed out,
removed, won, lost); between them stand at most one change of its amount and one of the rates. So

    opening + new + reopened + pulled in + transfers in + increased + currency
    = closing + transfers out + pushed out + removed + won + lost + decreased

holds for each deal, and for any set of deals. Definitions for readers: docs/explanation/waterfall.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine.waterfall_bars import BY_NAME, WAYS_IN, WAYS_OUT

MONEY = "decimal(19,4)"
WIDE = "decimal(38,4)"

CLASSES = ("open", "won", "lost")
"""Stage classes that are part of a pipeline's life; deals of any other class count nowhere."""

PAIR: Mapping[str, str] = {
    "first_class": "string",
    "first_mine": "boolean",
    "first_close_on": "date",
    "first_amount": MONEY,
    "last_class": "string",
    "last_mine": "boolean",
    "last_removed": "boolean",
    "last_close_on": "date",
    "last_amount": MONEY,
    "unmoved_amount": MONEY,
}
"""Columns of the input, one row a deal.

``first_*`` is the deal at the opening instant, null where it was not there; ``last_*`` at the closing one,
null where the reader does not see it. ``*_mine``: whether it belongs to the scope asked for (owner, team,
reader's rows, any filter). ``*_close_on``: the expected close date while open, the day of closing afterwards.
``last_removed``: deleted or merged away since the opening. Amounts are in the reporting currency:
``first_amount`` and ``last_amount`` at the rates of their own instant, ``unmoved_amount`` is the amount of
the closing instant at the rates of the opening one."""


@dataclass(frozen=True)
class Window:
    """The two instants' days and the pipeline that is asked about.

    Attributes:
        opening: the last day of the opening state: what closed later closed in between.
        first, last: close dates that make the pipeline asked for, both inclusive; None for every open deal.
    """

    opening: date
    first: date | None = None
    last: date | None = None


def moves(pairs: ir.Table, window: Window) -> ir.Table:
    """Each deal's way through the waterfall.

    Args:
        pairs: one row a deal, with the columns of :data:`PAIR`; further columns are kept.
        window: what is asked about.

    Returns:
        ``pairs`` narrowed to the deals that take part, with ``way_in`` and ``way_out`` (names of bars),
        ``entered`` and ``left`` (the amounts there; null where unknown), ``changed`` (amount), ``moved``
        (rates; both 0 where nothing did), ``is_opening`` and ``is_closing``.
    """
    # Told in steps of their own columns: an engine then evaluates each once, and not wherever it is used.
    t = pairs.mutate(
        first_open=_is(pairs.first_class, "open"),
        removed=pairs.last_removed.fill_null(False),
        ours_then=pairs.first_mine.fill_null(False),
        ours_now=pairs.last_mine.fill_null(False),
    )
    t = t.mutate(
        stands=_is(t.last_class, "open") & ~t.removed,
        closed=t.last_class.isin(("won", "lost")).fill_null(False) & ~t.removed,
        # A loss or deletion is no change of plan: the deal goes from the period it stood in.
        as_planned=t.first_open
        & t.first_close_on.notnull()
        & (t.removed | ~t.last_class.isin(("open", "won"))),
    )
    t = t.mutate(
        is_opening=t.first_open & t.ours_then & _within(t.first_close_on, window),
        placed=_within(ibis.ifelse(t.as_planned, t.first_close_on, t.last_close_on), window),
        passed=t.stands
        | (t.closed & (t.first_open | _closed_since(t, window)))
        | (t.removed & (t.first_open | _is(t.last_class, "open"))),
    )
    t = t.filter(t.is_opening | (t.ours_now & t.placed & t.passed))
    t = t.mutate(
        is_closing=t.stands & t.ours_now & t.placed,
        way_in=ibis.cases(
            (t.is_opening, "opening"),
            (~_one_of(t.first_class), "new"),
            (~t.first_open, "reopened"),
            (~t.ours_then, "transferred_in"),
            else_="pulled_in",
        ),
    )
    t = t.mutate(
        way_out=ibis.cases(
            (t.is_closing, "closing"),
            (~t.ours_now, "transferred_out"),
            (~t.placed, "pushed_out"),
            (~t.closed, "removed"),
            (t.last_class == "won", "won"),
            else_="lost",
        )
    )
    return _valued(t).drop(*_STEPS)


_STEPS = (
    "first_open", "removed", "ours_then", "ours_now", "stands", "closed", "as_planned", "placed", "passed",
    "new", "kept", "between",
)  # fmt: skip


def _closed_since(t: ir.Table, window: Window) -> ir.BooleanValue:
    """Whether a deal that is closed now was closed after the opening; one without a day, if it was not closed then."""
    return ibis.ifelse(
        t.last_close_on.isnull(), ~_one_of(t.first_class), t.last_close_on > ibis.literal(window.opening)
    )


def _valued(t: ir.Table) -> ir.Table:
    """Amounts of each deal's way: what it came with, what it left with, and what happened between."""
    zero = ibis.literal(Decimal(0), type=MONEY)
    new, kept = t.way_in == "new", t.way_out.isin(["closing", "won"])
    # A null in between stands on both sides, so the three steps add up however the amounts were known.
    t = t.mutate(
        new=new,
        kept=kept,
        entered=ibis.ifelse(new, t.last_amount, t.first_amount),
        between=ibis.coalesce(t.unmoved_amount, t.last_amount, zero),
    )
    compared = t.kept & ~t.new
    return t.mutate(
        left=ibis.ifelse(t.kept, t.last_amount, t.entered),
        changed=ibis.ifelse(compared, (t.between - t.first_amount.fill_null(zero)).cast(MONEY), zero),
        moved=ibis.ifelse(compared, (t.last_amount.fill_null(zero) - t.between).cast(MONEY), zero),
    )


def _one_of(column: ir.Value) -> ir.BooleanValue:
    return column.isin(CLASSES).fill_null(False)


def _is(column: ir.Value, word: str) -> ir.BooleanValue:
    return (column == word).fill_null(False)


def _within(day: ir.Value, window: Window) -> ir.BooleanValue:
    if window.first is None and window.last is None:
        return ibis.literal(True)
    first, last = window.first or date.min, window.last or date.max
    return day.between(ibis.literal(first), ibis.literal(last)).fill_null(False)


def summed(rows: ir.Table, by: Sequence[str] = ()) -> ir.Table:
    """What :func:`moves` gave, added up by way in and way out: at most 30 rows, for :func:`result`.

    Opening and closing are added up on their own, from the two states and not from the ways, so that the
    residual checks the ways.

    Args:
        rows: what :func:`moves` gave.
        by: further columns to split by.
    """
    zero = ibis.literal(Decimal(0), type=MONEY)
    up, down, moved = rows.changed > zero, rows.changed < zero, rows.moved != zero
    return rows.group_by([*by, "way_in", "way_out"]).agg(
        deals=rows.count(),
        entered=rows.entered.sum(),
        entered_known=rows.entered.count(),
        left=rows.left.sum(),
        left_known=rows.left.count(),
        increased=rows.changed.sum(where=up),
        increased_deals=up.sum(),
        increased_unknown=(up & rows.first_amount.isnull()).sum(),
        decreased=rows.changed.sum(where=down),
        decreased_deals=down.sum(),
        decreased_unknown=(down & rows.last_amount.isnull()).sum(),
        currency=rows.moved.sum(where=moved),
        currency_deals=moved.sum(),
        opening=rows.first_amount.sum(where=rows.is_opening),
        closing=rows.last_amount.sum(where=rows.is_closing),
    )


def of_bar(rows: ir.Table, name: str) -> ir.Table:
    """The deals of one bar, with ``contribution``: what each adds to the bar, null where that is unknown.

    Raises:
        KeyError: there is no such bar.
    """
    kind = BY_NAME[name]
    zero = ibis.literal(Decimal(0), type=MONEY)
    if name in WAYS_IN:
        return rows.filter(rows.way_in == name).mutate(contribution=rows.entered)
    if name in WAYS_OUT:
        return rows.filter(rows.way_out == name).mutate(contribution=rows.left)
    if name == "currency":
        return rows.filter(rows.moved != zero).mutate(contribution=rows.moved)
    there = rows.changed > zero if kind.sign > 0 else rows.changed < zero
    return rows.filter(there).mutate(contribution=rows.changed.abs().cast(MONEY))
