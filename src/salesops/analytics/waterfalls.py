"""The pipeline waterfall as a reader asks for it: two days, a scope, a period, a currency. Every door comes here.

Whose deals count is told by the reader's rights of now, for both instants, and by who owned each deal at
each: so a deal that left the reader's team is a transfer out at the amount of then, and nothing of what
became of it is read. See docs/explanation/waterfall.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import reduce
from operator import and_
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.analytics.addresses import AddressError
from salesops.analytics.engine.filters import Filter, condition
from salesops.analytics.engine.masking import reason_of, refuse_masked
from salesops.analytics.engine.rates_across import across
from salesops.analytics.engine.waterfall import Window, moves, of_bar, summed
from salesops.analytics.engine.waterfall_bars import BY_NAME, Waterfall, result
from salesops.analytics.kept import remembered, state_key
from salesops.analytics.selectors import ALIASES, Question, period_of
from salesops.core.calendars import Period
from salesops.facts.scope import Scope
from salesops.platform.actors import Actor
from salesops.process.engine.deals import Rate, converted, without_rate
from salesops.process.inputs import Frames, deals_of, exchange_rates, masked_columns, open_frames

NEEDED = frozenset(
    {
        "amount", "source_amount", "currency", "stage", "stage_class", "status", "is_won", "is_closed",
        "close_on", "closed_on", "expected_close_on", "owner_id",
    }
)  # fmt: skip
"""Columns of the deals without which no bar can be told."""

SHOWN = (
    "id", "name", "account_name", "first_owner", "last_owner", "first_stage", "last_stage",
    "first_close_on", "last_close_on", "first_amount", "last_amount",
)  # fmt: skip
"""Columns of a bar's deals: as they were at the opening and are at the closing."""


class WaterfallError(AddressError):
    """What was asked can't be answered; the message says what to change."""


@dataclass(frozen=True)
class Asked:
    """What is asked, before it meets the data.

    Attributes:
        opening: day at whose end the opening state is read; None for the day before the fiscal quarter of
            the closing day.
        closing: day at whose end the closing state is read; None for the data's own date.
        close: fiscal label of the close dates that make the pipeline (``2026-Q3``, ``a..b``); "" or ``all``
            for every open deal.
        filters: conditions on the deals, at each instant as they were then: team, owner, pipeline ...
        currency: reporting currency; "" for the firm's.
        manifest_id, known_at: as for every number.
    """

    opening: date | None = None
    closing: date | None = None
    close: str = ""
    filters: tuple[Filter, ...] = ()
    currency: str = ""
    manifest_id: str | None = None
    known_at: datetime | None = None


@dataclass(frozen=True)
class OpenWaterfall:
    """A waterfall bound to open facts.

    Attributes:
        asked: with opening and closing filled in.
        first, last: the frames of both days.
        period: close dates of the pipeline, None for every open deal.
        currency: of every amount; "" where the data names none and nobody decided.
        currencies: that can be asked for.
        reason: why there are no figures for this reader; "" where there are.
        notes: sentences that belong beside every figure.
        rows: each deal's way, see :func:`salesops.analytics.engine.waterfall.moves`.
    """

    asked: Asked
    first: Frames
    last: Frames
    period: Period | None
    currency: str
    currencies: tuple[str, ...]
    reason: str
    notes: tuple[str, ...]
    rows: ir.Table

    @property
    def frames(self) -> Frames:
        """The closing day's: whose words hold."""
        return self.last

    @property
    def opening(self) -> date:
        """The day at whose end the opening state is read."""
        return self.first.as_of

    @property
    def closing(self) -> date:
        """The day at whose end the closing state is read."""
        return self.last.as_of

    def waterfall(self) -> Waterfall:
        """Every bar; kept while what it rests on stays the same."""
        if self.reason:
            return result([])
        key = ("waterfall", self.asked, self.currency, *state_key(self.first), *state_key(self.last))
        return remembered(key, lambda: result(self.last.facts.execute(summed(self.rows)).to_pylist()))

    def deals(self, bar: str) -> ir.Table:
        """The deals of a bar: :data:`SHOWN`, their way, and ``contribution``, what each adds to it.

        Raises:
            LookupError: there is no such bar.
        """
        if bar not in BY_NAME:
            message = f"There is no bar {bar!r:.40}. There are: {', '.join(BY_NAME)}."
            raise LookupError(message)
        rows = of_bar(self.rows, bar) if not self.reason else of_bar(self.rows, bar).limit(0)
        return rows.select(*SHOWN, "way_in", "way_out", "contribution")

    def page(self, bar: str, number: int, size: int) -> list[dict[str, Any]]:
        """One page of a bar's deals, the biggest first."""
        ordered = in_order(self.deals(bar))
        return self.last.facts.execute(ordered.limit(size, offset=(number - 1) * size)).to_pylist()


def in_order(deals: ir.Table, sort: str = "-contribution") -> ir.Table:
    """Deals by a column, a minus before it for descending; equal ones always in the same order."""
    column = deals[sort.removeprefix("-")]
    by = column.desc(nulls_first=False) if sort.startswith("-") else column.asc(nulls_first=False)
    return deals.order_by([by, deals.id.asc()])


@contextmanager
def open_waterfall(actor: Actor, asked: Asked) -> Iterator[OpenWaterfall]:
    """Open a waterfall for a reader.

    Raises:
        NoDataError: nothing was imported (by then).
        ValueError: a day, period, currency or filter can't be met; the message says why.
    """
    with open_frames(
        actor, as_of=asked.closing, manifest_id=asked.manifest_id, known_at=asked.known_at
    ) as last:
        if last.as_of > last.today:
            raise WaterfallError(f"The data ends on {last.today}: choose that day or an earlier one.")
        opening = asked.opening or last.firm.calendar.period("quarter", last.as_of).first - timedelta(days=1)
        if opening > last.as_of:
            message = f"The waterfall opens on {opening}, after it closes on {last.as_of}."
            raise WaterfallError(message)
        manifest = last.facts.manifest
        with open_frames(
            actor,
            as_of=opening,
            manifest_id=str(manifest.id) if manifest else None,
            known_at=asked.known_at,
        ) as first:
            yield _bound(replace(asked, opening=opening, closing=last.as_of), first, last)


def _bound(asked: Asked, first: Frames, last: Frames) -> OpenWaterfall:
    filters = tuple(replace(f, column=ALIASES.get(f.column, f.column)) for f in asked.filters)
    masked = masked_columns(first) | masked_columns(last)
    refuse_masked(masked, filters)
    hidden = masked & NEEDED
    period = period_of(Question(period=asked.close), last)
    rates, firm = exchange_rates(last), last.currency
    known = sorted({*first.currencies, *last.currencies, firm} - {""})
    offered = _offered(known, rates, firm)
    target = asked.currency.strip().upper() or firm
    if target not in offered and target != firm:
        said = f"There are: {', '.join(offered)}." if offered else "No exchange rates were imported."
        raise WaterfallError(f"Amounts can't be told in {asked.currency!r:.20}. {said}")
    rates = across(rates, firm, target)
    worth = _Worth(tuple(known), firm, target, tuple(rates))
    rows = moves(
        _pairs(first, last, filters, worth),
        Window(first.as_of, period.first if period else None, period.last if period else None),
    )
    missing = without_rate(known, target, rates)
    notes = [note for note in last.notes if not note.startswith("Amounts in ")]
    if missing:
        notes.append(
            f"Amounts in {', '.join(missing)} are left out: there is no exchange rate to {target or 'one currency'}."
        )
    return OpenWaterfall(
        asked=asked,
        first=first,
        last=last,
        period=period,
        currency=target,
        currencies=tuple(offered),
        reason=reason_of(hidden) if hidden else "",
        notes=tuple(notes),
        rows=rows,
    )


def _offered(known: Sequence[str], rates: Sequence[Rate], firm: str) -> list[str]:
    """Currencies that every amount of the data can be told in, the firm's first."""
    codes = sorted({firm, *known, *(c for r in rates for c in (r.from_currency, r.to_currency))} - {""})
    fit = [code for code in codes if not without_rate(known, code, across(rates, firm, code))]
    return sorted({*fit, firm} - {""}, key=lambda code: (code != firm, code))


@dataclass(frozen=True)
class _Worth:
    """How amounts are told in the reporting currency."""

    currencies: tuple[str, ...]
    firm: str
    target: str
    rates: tuple[Rate, ...]

    def told(self, rows: ir.Table, name: str, day: date, *, closed: bool = False) -> ir.Table:
        """Rows with ``name``: their ``source_amount`` at a day's rates; with ``closed``, those of closed deals at
        the rates of their close date. ``amount`` gives way.
        """
        own = rows.currency.nullif(ibis.literal(""))
        ready = rows.mutate(
            kept_currency=rows.currency,
            kept_closed_on=rows.closed_on,
            currency=own.fill_null(self.firm) if self.firm else own,
            closed_on=rows.closed_on if closed else ibis.null("date"),
        )
        made = converted(ready, self.currencies, self.target, self.rates, day)
        made = made.mutate(
            **{name: made.amount, "currency": made.kept_currency, "closed_on": made.kept_closed_on}
        )
        return made.drop("kept_currency", "kept_closed_on")


def _pairs(first: Frames, last: Frames, filters: Sequence[Filter], worth: _Worth) -> ir.Table:
    """The engine's input: each deal at both instants, as far as the reader may know of it.

    At the opening every deal is read, since one that the reader sees at the closing had an amount before it
    was his, which its history shows him too. One that is not his to see at the closing is read at the opening
    only if it is his to see there.
    """
    # The rows are the same by both; another column may be what counted on either day.
    reader = replace(last.scope, masked=first.scope.masked | last.scope.masked)
    before = deals_of(first, Scope(everything=True, masked=reader.masked))
    after = deals_of(last, reader, deleted=True)
    after = after.filter(after.deleted_on.isnull() | (after.deleted_on > ibis.literal(first.as_of)))
    start = worth.told(_narrow(before, filters), "first_amount", first.as_of)
    start = start.select(
        first_id="id",
        first_name="name",
        first_account="account_name",
        first_owner="owner_name",
        first_stage="stage",
        first_class="stage_class",
        first_close_on=ibis.coalesce(start.expected_close_on, start.closed_on),
        first_amount="first_amount",
        meets="meets",
    )
    if reader.everything:
        start = start.mutate(first_mine=start.meets)
    else:
        own = deals_of(first, reader).select(own_id="id")
        joined = start.left_join(own, start.first_id == own.own_id)
        start = joined.mutate(first_mine=joined.meets & joined.own_id.notnull()).drop("own_id")
    end = worth.told(_narrow(after, filters), "last_amount", last.as_of, closed=True)
    end = worth.told(end, "unmoved_amount", first.as_of)
    end = end.select(
        last_id="id",
        last_name="name",
        last_account="account_name",
        last_owner="owner_name",
        last_stage="stage",
        last_class="stage_class",
        last_close_on=ibis.coalesce(end.closed_on, end.expected_close_on),
        last_amount="last_amount",
        unmoved_amount="unmoved_amount",
        last_mine="meets",
        last_removed=end.deleted_on.notnull(),
    )
    both = start.outer_join(end, start.first_id == end.last_id)
    both = both.filter(both.last_id.notnull() | both.first_mine)
    return both.mutate(
        id=ibis.coalesce(both.last_id, both.first_id),
        name=ibis.coalesce(both.last_name, both.first_name),
        account_name=ibis.coalesce(both.last_account, both.first_account),
    )


_READ = (
    "id", "name", "account_name", "owner_name", "stage", "stage_class", "expected_close_on", "closed_on",
    "deleted_on", "currency", "source_amount",
)  # fmt: skip


def _narrow(deals: ir.Table, filters: Sequence[Filter]) -> ir.Table:
    """What is read of deals, and whether they meet the filters: a wide table compiles slowly."""
    return deals.select(*_READ, meets=_meets(deals, filters))


def _meets(deals: ir.Table, filters: Sequence[Filter]) -> ir.BooleanValue:
    if not filters:
        return ibis.literal(True)
    return reduce(and_, [condition(deals, item).fill_null(False) for item in filters])
