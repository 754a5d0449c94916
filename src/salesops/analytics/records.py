"""Deals as people list them: filtered, searched, sorted, paged."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from salesops.analytics import flags
from salesops.analytics.deal_columns import FLAGS, HIDDEN, kind_of
from salesops.analytics.engine.filters import Filter, FilterError
from salesops.analytics.engine.masking import refuse_masked
from salesops.analytics.kept import records_key, remembered, state_key
from salesops.analytics.narrowing import Narrowing
from salesops.analytics.selectors import ALIASES
from salesops.org.known import NOW, Known
from salesops.platform.actors import Actor
from salesops.process.inputs import Frames, masked_columns, open_frames

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

MOST_A_PAGE = 500
_WEIGHT = "flag_weight"
_TOTAL = "total of "

_ALWAYS = ("id", "name", "account_id", "stage_class", "amount", "amount_estimate", "currency")
"""Columns read for every row of a page, shown or not: links, pills and labelled estimates need them."""


@dataclass(frozen=True)
class ListQuery:
    """What a list shows.

    Attributes:
        search: text looked for in id, name, account, owner and product; every word must occur. Fewer than
            four letters from a to z are not looked for in ids, where they stand by chance.
        filters: conditions on columns.
        sort: column; "-amount" for descending.
        columns: columns shown, in order; the default ones where empty.
        page: page number from 1; past the end it is the last page.
        size: rows a page.
        as_of: state as of the end of that day.
        closed: period label of the close date, the expected one of open deals; "" for any.
        created: period label of creation; "" for any.
        flags: codes of why-flags, any of which counts.
        exact: names are columns as they are; else what people call them counts too.
        known: facts and decisions as they were known then.
    """

    search: str = ""
    filters: tuple[Filter, ...] = ()
    sort: str = "-amount"
    columns: tuple[str, ...] = ()
    page: int = 1
    size: int = 50
    as_of: date | None = None
    closed: str = ""
    created: str = ""
    flags: tuple[str, ...] = ()
    exact: bool = False
    known: Known = NOW

    def column(self, name: str) -> str:
        """The column that a name means."""
        return name if self.exact else ALIASES.get(name, name)


@dataclass(frozen=True)
class Totals:
    """Measures over all rows of a list.

    Attributes:
        rows: how many.
        amount: sum of the known amounts; None where no row has one.
        known: rows with an amount.
        estimate: sum of the labelled estimates; None where no row has one.
        estimated: rows with an estimate.
    """

    rows: int
    amount: Decimal | None
    known: int
    estimate: Decimal | None
    estimated: int


def _measures(rows: ir.Table) -> dict[str, ir.NumericScalar]:
    """The totals over some rows, by their names in :class:`Totals`."""
    return {
        "rows": rows.count(),
        "amount": rows.amount.sum(),
        "known": rows.amount.count(),
        "estimate": rows.amount_estimate.sum(),
        "estimated": rows.amount_estimate.count(),
    }


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
        page: the page shown, which is the last one where a later one was asked for.
        totals: all totals of the whole list.
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
    page: int = 1
    totals: Totals | None = None


def deal_columns(frames: Frames) -> dict[str, str]:
    """Every column a list may show or filter by -> its kind."""
    return {name: kind_of(kind) for name, kind in frames.deals.schema().items() if name not in HIDDEN}


class OpenList:
    """A list bound to open frames: its page, its totals and all its rows are the same rows.

    Raises:
        FilterError: a filter, the sort, a column, a period or a flag can't be applied; the message says which.
    """

    def __init__(self, frames: Frames, query: ListQuery) -> None:
        self.frames = frames
        self.query = query
        if query.exact and query.as_of is not None and query.as_of > frames.today:
            raise FilterError(f"The data ends on {frames.today}: choose that day or an earlier one.")
        self.columns = shown_columns(frames, query)
        self.sort_column = query.column(query.sort.removeprefix("-")) or "id"
        if self.sort_column not in deal_columns(frames) and self.sort_column != FLAGS:
            raise FilterError(f"There is no column {self.sort_column!r} to sort by.")
        filters = [Filter(query.column(f.column), f.op, f.values) for f in query.filters]
        refuse_masked(masked_columns(frames), filters)
        self.narrowing = Narrowing(
            frames,
            filters=filters,
            words=query.search,
            close=query.closed,
            created=query.created,
            flags=query.flags,
            judge=lambda: self.judge,
        )

    @cached_property
    def judge(self) -> flags.Judge:
        """The rules behind the flags; read once per state of the data, and only where flags are asked for."""
        return judge_of(self.frames, self.state)

    @cached_property
    def state(self) -> tuple[Hashable, ...]:
        """What the reader's rows depend on, asked for once: the key under which plain results are kept."""
        return state_key(self.frames)

    @property
    def kinds(self) -> dict[str, str]:
        """Column -> kind."""
        return deal_columns(self.frames)

    def _ordered(self, rows: ir.Table) -> ir.Table:
        """Nulls last either way, then the id: the order of equal rows never changes between pages."""
        descending = self.query.sort.startswith("-")
        column = self.sort_column
        if column == FLAGS:
            keys: list[ir.Value] = [rows[_WEIGHT] if _WEIGHT in rows.columns else self.judge.weight(rows)]
        else:
            # Deals without an amount follow by their labelled estimate.
            keys = [rows[column], *([rows.amount_estimate] if column == "amount" else [])]
        turned = [k.desc(nulls_first=False) if descending else k.asc(nulls_first=False) for k in keys]
        # ibis refuses one column twice among the keys
        return rows.order_by(turned if column == "id" else [*turned, rows.id.asc()])

    def ordered(self) -> ir.Table:
        """All rows, every column, in order."""
        return self._ordered(self.narrowing.plain())

    def totals(self) -> Totals:
        """Count and sums over all rows, in one query; remembered while a reader turns pages."""
        return remembered(self._totals_key, self._totals)

    @cached_property
    def _totals_key(self) -> tuple[Hashable, ...]:
        return ("totals", replace(self.query, sort="", columns=(), page=1, size=1), *self.state)

    def _totals(self) -> Totals:
        def measures() -> ir.Table:
            rows = self.narrowing.rows()
            return rows.agg(**_measures(rows))

        found = self._known(("totals", self.narrowing.shape), measures, self.narrowing.values)
        return Totals(**found.to_pylist()[0])

    def _totals_and_ids(self, size: int, start: int) -> tuple[Totals, list[str] | None]:
        """The totals, and the ids at some places where there are any, from one look at every row."""

        def with_totals() -> ir.Table:
            rows = self.narrowing.rows()
            return rows.mutate(
                **{_TOTAL + name: value.over(ibis.window()) for name, value in _measures(rows).items()}
            )

        names = [one.name for one in fields(Totals)]
        found = self._places(
            ("rows and totals", self.narrowing.shape),
            with_totals,
            ("id", *(_TOTAL + name for name in names)),
            (size, start),
        ).to_pylist()
        if not found:  # none at all, or none at these places
            return self._totals(), None
        return Totals(**{name: found[0][_TOTAL + name] for name in names}), [row["id"] for row in found]

    def _known(
        self,
        key: tuple[Hashable, ...],
        build: Callable[[], ir.Table],
        values: Mapping[str, Any] | None = None,
        rows: tuple[int, int] | None = None,
    ) -> pa.Table:
        """Run an expression over the reader's deals alone, built where no list of this shape was asked for."""
        return self.frames.facts.execute_known(key, build, values=values, over=self.frames.deals, rows=rows)

    def page(self) -> ListPage:
        """The page asked for; past the end, the last one."""
        size = min(max(self.query.size, 1), MOST_A_PAGE)
        number = max(self.query.page, 1)
        ids: list[str] | None = None

        def looked() -> Totals:
            nonlocal ids
            found, ids = self._totals_and_ids(size, (number - 1) * size)
            return found

        # Words are looked for in every row: once for the totals and the page, where neither is known.
        once = self.narrowing.words and self.sort_column != FLAGS
        totals = remembered(self._totals_key, looked) if once else self.totals()
        number = min(number, max(1, -(-totals.rows // size)))
        rows: list[dict[str, Any]] = []
        if totals.rows:
            rows = self._cells(self._ids(size, (number - 1) * size) if ids is None else ids)
        return ListPage(
            rows=rows,
            total=totals.rows,
            amount=totals.amount,
            columns=self.columns,
            kinds=self.kinds,
            today=self.frames.today,
            as_of=self.frames.as_of,
            currency=self.frames.currency,
            notes=self.frames.notes,
            page=number,
            totals=totals,
        )

    def _ids(self, size: int, start: int) -> list[str]:
        """Ids of some rows in order: sorting whole rows is what would take long.

        The order is no part of the expression, so lists that differ in it alone share a compiled query,
        from which the engine drops the columns that it does not sort by.
        """
        if self.sort_column == FLAGS:
            return self._ids_by_weight(size, start)
        key = ("rows", self.narrowing.shape)
        found = self._places(key, self.narrowing.rows, ("id",), (size, start))
        return list(found.column("id").to_pylist())

    def _places(
        self,
        key: tuple[Hashable, ...],
        build: Callable[[], ir.Table],
        only: tuple[str, ...],
        rows: tuple[int, int],
    ) -> pa.Table:
        """Some columns of some of the rows that ``build`` gives, in order; not for an order by flags."""
        descending = self.query.sort.startswith("-")
        keys = ("amount", "amount_estimate") if self.sort_column == "amount" else (self.sort_column,)
        order = [(name, descending) for name in keys]
        if self.sort_column != "id":
            order.append(("id", False))
        return self.frames.facts.execute_known(
            key,
            build,
            values=self.narrowing.values,
            over=self.frames.deals,
            order=order,
            only=only,
            rows=rows,
        )

    def _ids_by_weight(self, size: int, start: int) -> list[str]:
        """The same in the order of the flags' gravity, which the rules of the day make."""

        def sorted_ids() -> ir.Table:
            rows = self.narrowing.rows()
            return self._ordered(rows.select("id", **{_WEIGHT: self.judge.weight(rows)}))

        key = ("ids by weight", self.narrowing.shape, self.query.sort.startswith("-"), self.judge.key)
        found = self._known(key, sorted_ids, self.narrowing.values, rows=(size, start))
        return list(found.column("id").to_pylist())

    def _cells(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """The rows of some ids, in their order: one query for every page of a reader's lists."""
        deals = self.frames.deals
        chosen = self.frames.facts.chosen(ids)
        judge = self.judge.key if FLAGS in self.columns else None
        # Pages need no more than they show; a program is also told what the rows are sorted by.
        wanted = self.columns if self.query.exact else (*self.columns, self.sort_column)
        key = ("cells", chosen.op().name, wanted, self.query.exact, judge)
        found = self._known(
            # IN, not EXISTS as of a semi-join: the copy's index of ids is used for it.
            key,
            lambda: self._wanted(deals.filter(deals.id.isin(chosen.chosen)), wanted),
        )
        by_id = {row["id"]: row for row in found.to_pylist()}
        return [by_id[key] for key in ids]

    def _shown(self, rows: ir.Table) -> ir.Table:
        """The columns that a row's cells need, in order.

        The order comes last: a projection over ordered rows need not keep theirs.
        """
        return self._ordered(self._wanted(rows, (*self.columns, self.sort_column)))

    def _wanted(self, rows: ir.Table, columns: Sequence[str]) -> ir.Table:
        """The columns that a row's cells need; flags are judged on these rows only."""
        always = _ALWAYS if self.query.exact else ("id", "stage_class", "amount_estimate")
        wanted = [c for c in dict.fromkeys([*always, *columns]) if c != FLAGS]
        made: dict[str, ir.Value] = {}
        if FLAGS in self.columns:
            made |= self.judge.columns(rows)
        if self.sort_column == FLAGS and self.sort_column in columns:
            made[_WEIGHT] = self.judge.weight(rows)
        return rows.select(*wanted, **made)

    def stream(self) -> Iterator[dict[str, Any]]:
        """Every row in order, a batch at a time."""
        for batch in self.frames.facts.batches(self._shown(self.narrowing.plain())):
            yield from batch.to_pylist()

    def ids_around(self, position: int) -> tuple[list[str], int]:
        """Ids at ``position - 1``, ``position`` and ``position + 1`` (from 0), and the place of the middle one."""
        start = max(position - 1, 0)
        return self._ids(position + 2 - start, start), position - start


def judge_of(frames: Frames, state: tuple[Hashable, ...] | None = None) -> flags.Judge:
    """The rules that mean something in a reader's data, remembered while nothing changes."""
    key = ("judge", *(state or records_key(frames)))
    return remembered(key, lambda: flags.judge(frames))


@contextmanager
def open_list(actor: Actor, query: ListQuery) -> Iterator[OpenList]:
    """Open a list for a reader: his rows, pinned facts, decisions of the day.

    Raises:
        NoDataError: nothing was imported yet.
        FilterError: the query can't be applied; the message says why.
    """
    known = query.known
    with open_frames(
        actor, as_of=query.as_of, manifest_id=known.manifest_id, known_at=known.known_at
    ) as frames:
        yield OpenList(frames, query)


def narrowed(frames: Frames, query: ListQuery) -> ir.Table:
    """The list's rows as an expression: filtered and searched, in order.

    Raises:
        FilterError: a filter or the sort names a column that there is not.
    """
    return OpenList(frames, query).ordered()


def deal_list(actor: Actor, query: ListQuery) -> ListPage:
    """One page of the deals an actor may see.

    Raises:
        NoDataError: nothing was imported yet.
        FilterError: a filter, sort or column can't be applied; the message says which.
    """
    with open_list(actor, query) as opened:
        return opened.page()


def shown_columns(frames: Frames, query: ListQuery) -> tuple[str, ...]:
    """The columns a query shows.

    Raises:
        FilterError: one of them does not exist.
    """
    known = deal_columns(frames)
    chosen = tuple(query.column(c) for c in query.columns) or DEFAULT_COLUMNS
    unknown = [c for c in chosen if c not in known and not (c == FLAGS and query.exact)]
    if unknown:
        message = f"There is no column {', '.join(unknown)}."
        raise FilterError(message)
    return chosen


def deal_rows(actor: Actor, query: ListQuery) -> Iterator[dict[str, Any]]:
    """Every row of a list, streamed, for an export."""
    with open_list(actor, query) as opened:
        yield from opened.stream()


def choices(frames: Frames, column: str, most: int = 200) -> list[str]:
    """Values of a column in the reader's rows, most frequent first, for a filter's select."""
    named = frames.deals.filter(frames.deals[column].notnull())
    counted = named.group_by(column).agg(n=named.count())
    rows = frames.facts.execute(counted.order_by([ibis.desc("n"), ibis.asc(column)]).limit(most)).to_pylist()
    return [row[column] for row in rows]


def filter_of(column: str, op: str, values: Sequence[str]) -> Filter:
    """A filter from an address or a form: an empty value means "has none"."""
    if op == "eq" and list(values) == [""]:
        return Filter(column, "is_null")
    return Filter(column, op, tuple(values))
