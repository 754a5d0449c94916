"""Which deals: the conditions KPIs share. Null counts as false in every one of them.

``stage_class`` is open, won, lost, ignored (left out of every number) or unmapped (a stage nobody has
classed yet: it is neither won nor lost, and is counted as still undecided).
"""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine.kpi import Condition, Context


def day(value: date) -> ir.DateScalar:
    """A typed date literal."""
    return ibis.literal(value, type="date")


def everything(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Every row."""
    return ibis.literal(True)


def within(column: str, t: ir.Table, context: Context) -> ir.BooleanValue:
    """Rows whose ``column`` lies in the period, both ends inclusive; every row without a period."""
    if context.period is None:
        return ibis.literal(True)
    return t[column].between(day(context.period.first), day(context.period.last))


def all_of(*conditions: Condition) -> Condition:
    """Rows that meet every condition."""

    def where(t: ir.Table, context: Context) -> ir.BooleanValue:
        result = conditions[0](t, context)
        for condition in conditions[1:]:
            result = result & condition(t, context)
        return result

    return where


def any_of(*conditions: Condition) -> Condition:
    """Rows that meet at least one condition."""

    def where(t: ir.Table, context: Context) -> ir.BooleanValue:
        result = conditions[0](t, context).fill_null(False)
        for condition in conditions[1:]:
            result = result | condition(t, context).fill_null(False)
        return result

    return where


def filled(*columns: str) -> Condition:
    """Rows with a value in each column."""

    def where(t: ir.Table, context: Context) -> ir.BooleanValue:
        result = t[columns[0]].notnull()
        for column in columns[1:]:
            result = result & t[column].notnull()
        return result

    return where


def blank(column: str) -> Condition:
    """Rows without a value in ``column``."""
    return lambda t, context: t[column].isnull()


def counted(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals that take part in numbers at all: every class but ignored."""
    return t["stage_class"] != "ignored"


def won(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals won, closed in the period."""
    return (t["stage_class"] == "won") & within("closed_on", t, context)


def lost(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals lost (or closed without a decision), closed in the period."""
    return (t["stage_class"] == "lost") & within("closed_on", t, context)


def decided(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals won or lost, closed in the period."""
    return t["stage_class"].isin(["won", "lost"]) & within("closed_on", t, context)


def closed_class(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals won or lost, at any time."""
    return t["stage_class"].isin(["won", "lost"])


def unmapped(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals in a stage nobody has classed."""
    return t["stage_class"] == "unmapped"


def created(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals created in the period."""
    return counted(t, context) & within("created_on", t, context)


def created_and_won(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals created in the period and won since, whenever that was."""
    return (t["stage_class"] == "won") & within("created_on", t, context)


def created_and_open(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals created in the period and not decided yet."""
    return t["stage_class"].isin(["open", "unmapped"]) & within("created_on", t, context)


def created_and_pitched(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals created in the period that reached the stage or event that counts as pitched."""
    return created(t, context) & t["is_pitched"].fill_null(False)


def pitched_and_won(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Pitched deals created in the period and won since."""
    return created_and_won(t, context) & t["is_pitched"].fill_null(False)


def not_omitted(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals whose forecast category is not omitted; one without a category counts."""
    return t["forecast_category"].fill_null("") != "omitted"


def open_on(at: date, t: ir.Table, context: Context, *, strictly_before: bool = False) -> ir.BooleanValue:
    """Deals open at the end of day ``at`` (at its beginning with ``strictly_before``).

    A deal without a creation date counts while it is open now; a closed one without a close date
    counts as closed all along, since nothing says when.
    """
    limit = day(at)
    if strictly_before:
        begun, ended_later = t["created_on"] < limit, t["closed_on"] >= limit
    else:
        begun, ended_later = t["created_on"] <= limit, t["closed_on"] > limit
    still = (t["stage_class"] == "open") & (begun | t["created_on"].isnull())
    closed_since = t["stage_class"].isin(["won", "lost"]) & begun & ended_later
    return still | closed_since


def open_stock(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals open on the day a stock is read: the end of the period, or as-of if earlier."""
    if context.period is None:
        return t["stage_class"] == "open"
    return open_on(context.stock_day, t, context)


def open_pipeline(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Open deals that are not omitted from the forecast."""
    return open_stock(t, context) & not_omitted(t, context)


def expected(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Open deals, not omitted, expected to close in the period."""
    return (t["stage_class"] == "open") & not_omitted(t, context) & within("expected_close_on", t, context)


def open_at_start(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Qualified deals open when the period began; without a period, those open now.

    Where the frame marks qualified deals (``is_qualified``), the others are left out.
    """
    if context.period is None:
        open_then = t["stage_class"] == "open"
    else:
        open_then = open_on(context.period.first, t, context, strictly_before=True)
    return open_then & qualified(t, context)


def qualified(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Deals not marked as unqualified; every deal where nothing marks them."""
    if "is_qualified" not in t.columns:
        return ibis.literal(True)
    return t["is_qualified"].fill_null(True)
