"""Deals as people list them: filtered, searched, sorted, paged; one deal with its history and flags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine.filters import Filter, FilterError, apply_filters
from salesops.analytics.selectors import ALIASES
from salesops.crm import selectors as crm
from salesops.facts.scope import Scope
from salesops.platform.actors import Actor
from salesops.process.inputs import Frames, open_frames

DEFAULT_COLUMNS = (
    "name",
    "account_name",
    "owner_name",
    "stage",
    "amount",
    "created_on",
    "expected_close_on",
    "closed_on",
    "product_name",
)
"""Columns of a list that nobody has arranged."""

SEARCHED = ("id", "name", "account_name", "owner_name", "product_name")
MOST_ROWS = 1_048_575
"""Rows of one exported sheet: what XLSX holds beside its header."""


@dataclass(frozen=True)
class ListQuery:
    """What a list shows.

    Attributes:
        search: text looked for in id, name, account, owner and product; every word must occur.
        filters: conditions on columns.
        sort: column; "-amount" for descending.
        columns: columns shown, in order; the default ones where empty.
        page: page number from 1.
        size: rows a page.
        as_of: state as of the end of that day.
    """

    search: str = ""
    filters: tuple[Filter, ...] = ()
    sort: str = "-amount"
    columns: tuple[str, ...] = ()
    page: int = 1
    size: int = 50
    as_of: date | None = None


@dataclass(frozen=True)
class ListPage:
    """One page of a list, with totals over all its rows.

    Attributes:
        rows: the page's rows, each with ``id`` and the columns asked for.
        total: rows of the whole list.
        amount: sum of known amounts of the whole list; None where no row has one.
        columns: columns shown, in order.
        kinds: column -> text, date, instant, integer, money, rate or boolean.
        today, as_of, currency, notes: as of an answer.
    """

    rows: list[dict[str, Any]]
    total: int
    amount: Decimal | None
    columns: tuple[str, ...]
    kinds: dict[str, str]
    today: date
    as_of: date
    currency: str
    notes: list[str] = field(default_factory=list)


def deal_columns(frames: Frames) -> dict[str, str]:
    """Every column a list may show or filter by -> its kind."""
    hidden = {"owner_active", "product_implied", "catalogue_price", "implied", "deleted_on", "is_closed", "is_won"}
    return {name: _kind(kind) for name, kind in frames.deals.schema().items() if name not in hidden}


def _kind(kind: Any) -> str:
    if kind.is_decimal():
        return "money" if kind.scale == 4 else "rate"
    for name, test in (
        ("boolean", kind.is_boolean),
        ("integer", kind.is_integer),
        ("date", kind.is_date),
        ("instant", kind.is_timestamp),
    ):
        if test():
            return name
    return "text"


def narrowed(frames: Frames, query: ListQuery) -> ir.Table:
    """The list's rows as an expression: filtered and searched, in order.

    Raises:
        FilterError: a filter or the sort names a column that there is not.
    """
    filters = [Filter(ALIASES.get(f.column, f.column), f.op, f.values) for f in query.filters]
    rows = apply_filters(frames.deals, filters)
    for word in query.search.split():
        hits = [rows[name].lower().contains(word.lower()).fill_null(ibis.literal(False)) for name in SEARCHED]
        condition = hits[0]
        for hit in hits[1:]:
            condition = condition | hit
        rows = rows.filter(condition)
    descending = query.sort.startswith("-")
    column = query.sort.removeprefix("-") or "id"
    if column not in rows.columns:
        message = f"There is no column {column!r} to sort by."
        raise FilterError(message)
    # Nulls last either way, then the id: the order of equal rows never changes between pages.
    key = rows[column].desc(nulls_first=False) if descending else rows[column].asc(nulls_first=False)
    return rows.order_by([key, rows.id.asc()])


def deal_list(actor: Actor, query: ListQuery) -> ListPage:
    """One page of the deals an actor may see.

    Raises:
        NoDataError: nothing was imported yet.
        FilterError: a filter, sort or column can't be applied; the message says which.
    """
    with open_frames(actor, as_of=query.as_of) as frames:
        rows = narrowed(frames, query)
        columns = shown_columns(frames, query)
        wanted = list(dict.fromkeys(["id", "stage_class", "amount_estimate", *columns]))
        totals = frames.facts.execute(rows.agg(n=rows.count(), amount=rows.amount.sum())).to_pylist()[0]
        size = min(max(query.size, 1), 500)
        start = (max(query.page, 1) - 1) * size
        page = frames.facts.execute(rows.select(*wanted).limit(size, offset=start)).to_pylist()
        kinds = deal_columns(frames)
        return ListPage(
            rows=page,
            total=totals["n"],
            amount=totals["amount"],
            columns=columns,
            kinds=kinds,
            today=frames.today,
            as_of=frames.as_of,
            currency=frames.currency,
            notes=frames.notes,
        )


def shown_columns(frames: Frames, query: ListQuery) -> tuple[str, ...]:
    """The columns a query shows.

    Raises:
        FilterError: one of them does not exist.
    """
    known = deal_columns(frames)
    chosen = tuple(ALIASES.get(c, c) for c in query.columns) or DEFAULT_COLUMNS
    unknown = [c for c in chosen if c not in known]
    if unknown:
        message = f"There is no column {', '.join(unknown)}."
        raise FilterError(message)
    return chosen


def deal_rows(actor: Actor, query: ListQuery) -> Iterator[dict[str, Any]]:
    """Every row of a list, streamed, for an export."""
    with open_frames(actor, as_of=query.as_of) as frames:
        rows = narrowed(frames, query)
        columns = list(dict.fromkeys(["id", *shown_columns(frames, query)]))
        for batch in frames.facts.batches(rows.select(*columns).limit(MOST_ROWS)):
            yield from batch.to_pylist()


def choices(frames: Frames, column: str, most: int = 200) -> list[str]:
    """Values of a column in the reader's rows, most frequent first, for a filter's select."""
    counted = frames.deals.filter(frames.deals[column].notnull()).group_by(column).agg(n=frames.deals.count())
    rows = frames.facts.execute(counted.order_by([ibis.desc("n"), ibis.asc(column)]).limit(most)).to_pylist()
    return [row[column] for row in rows]


@dataclass(frozen=True)
class Change:
    """One line of a deal's timeline."""

    valid_at: Any
    recorded_at: Any
    field: str
    old: str | None
    new: str | None
    source: str
    changed_by: str | None


@dataclass(frozen=True)
class Deal:
    """One deal as a reader sees it.

    Attributes:
        values: every column.
        kinds: column -> kind.
        changes: newest first.
        link: address of the original in its CRM, "" where no pattern is decided.
        lines, team, contacts, activities: rows of the tables that belong to it.
        today, currency: as of an answer.
    """

    values: dict[str, Any]
    kinds: dict[str, str]
    changes: list[Change]
    link: str
    lines: list[dict[str, Any]]
    team: list[dict[str, Any]]
    contacts: list[dict[str, Any]]
    activities: list[dict[str, Any]]
    today: date
    currency: str
    notes: list[str]


def deal(actor: Actor, deal_id: str, *, as_of: date | None = None) -> Deal:
    """One deal with its timeline.

    Raises:
        LookupError: there is none of that id among the rows the actor may see; a deal of somebody
            else and a deal that does not exist are the same answer.
    """
    with open_frames(actor, as_of=as_of) as frames:
        rows = frames.facts.execute(frames.deals.filter(frames.deals.id == deal_id)).to_pylist()
        if not rows:
            message = f"There is no opportunity {deal_id!r} that you may see."
            raise LookupError(message)
        values = rows[0]
        changes = frames.facts.changes(frames.scope, object="opportunities")
        log = frames.facts.execute(
            changes.filter(changes.object_id == deal_id)
            .order_by([ibis.desc("valid_at"), ibis.desc("recorded_at"), ibis.asc("field")])
            .select("valid_at", "recorded_at", "field", "old", "new", "source", "changed_by")
            .limit(500)
        ).to_pylist()
        pattern = crm.record_links(frames.as_of).get((values.get("source") or "", "opportunities"), "")
        return Deal(
            values=values,
            kinds=deal_columns(frames),
            changes=[Change(**row) for row in log],
            link=pattern.replace("{id}", deal_id) if pattern else "",
            lines=_children(frames, "opportunity_lines", deal_id),
            team=_children(frames, "opportunity_team", deal_id),
            contacts=_children(frames, "opportunity_contacts", deal_id),
            activities=_children(frames, "activities", deal_id),
            today=frames.today,
            currency=frames.currency,
            notes=frames.notes,
        )


def _children(frames: Frames, table: str, deal_id: str, most: int = 50) -> list[dict[str, Any]]:
    """Rows of a table that belong to a deal the reader may see."""
    if table not in frames.facts.tables():
        return []
    rows = frames.facts.read(table, Scope.all())
    return frames.facts.execute(rows.filter(rows.opportunity_id == deal_id).limit(most)).to_pylist()


def filter_of(column: str, op: str, values: Sequence[str]) -> Filter:
    """A filter from an address or a form: an empty value means "has none"."""
    if op == "eq" and list(values) == [""]:
        return Filter(column, "is_null")
    return Filter(column, op, tuple(values))
