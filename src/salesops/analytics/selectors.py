"""Numbers as a reader asks for them: names, period, split, filters, as-of. Every door comes through here."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from salesops.analytics import custom_numbers
from salesops.analytics.engine.compute import Compiled, KpiError, Split, compile_kpis, drill, finish
from salesops.analytics.engine.dimensions import Dimension, period_dimension
from salesops.analytics.engine.filters import Filter, apply_filters
from salesops.analytics.engine.kpi import Context, Kpi, KpiValue, Side
from salesops.analytics.engine.masking import masked_rows, reason_of, refuse_masked, without_masked
from salesops.analytics.inputs import engine_frames
from salesops.analytics.kept import records_key, remembered, state_key
from salesops.core.calendars import Period
from salesops.core.lately import Lately
from salesops.platform.actors import Actor
from salesops.platform.registries import frame_providers, kpi_definitions
from salesops.process.inputs import Frames, masked_columns, open_frames

ALIASES: Mapping[str, str] = {
    "rep": "owner_name",
    "agent": "owner_name",
    "sales_agent": "owner_name",
    "owner": "owner_name",
    "manager": "manager_name",
    "office": "region",
    "regional_office": "region",
    "territory": "region",
    "product": "product_name",
    "series": "product_family",
    "account": "account_name",
    "sector": "industry",
    "deal_stage": "stage",
    "status": "stage_class",
    "kind": "deal_kind",
    "source": "lead_source",
}
"""What people call a dimension -> its column."""

_DATED = re.compile(r"^(created|closed|expected_close|first_interaction)_(year|half|quarter|month|week)$")


@dataclass(frozen=True)
class Question:
    """What is asked, before it meets the data.

    Attributes:
        period: fiscal label (``2017-Q3``), ``a..b``, ``all``, or "" for the caller's default (all).
        first, last: explicit days instead of a label; both inclusive.
        by: dimension names or aliases.
        filters: conditions on the rows.
        as_of: state as of the end of that day; None for the data's own date.
        manifest_id: facts version; None for the newest.
        known_at: facts and decisions as recorded by then.
    """

    period: str = ""
    first: date | None = None
    last: date | None = None
    by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    as_of: date | None = None
    manifest_id: str | None = None
    known_at: datetime | None = None


@dataclass(frozen=True)
class Answer:
    """Values with everything they rest on.

    Attributes:
        values: one per KPI and group.
        period: what was asked, None for all the data.
        today: the data's own date.
        as_of: the day the state was read at.
        manifest_id: facts version that was read.
        currency: currency of money values; "" where none is known.
        notes: sentences that belong beside every value.
    """

    values: list[KpiValue]
    period: Period | None
    today: date
    as_of: date
    manifest_id: str
    currency: str
    notes: list[str]


@dataclass(frozen=True)
class OpenQuestion:
    """A question bound to open frames; more than one thing may be read from it."""

    question: Question
    frames: Frames
    period: Period | None
    context: Context
    named: Mapping[str, ir.Table]
    splits: tuple[Split, ...]
    filters: tuple[Filter, ...]

    def values(self, names: Sequence[str]) -> list[KpiValue]:
        """Values of KPIs, one per KPI and group; kept while what they rest on stays the same.

        Those that read records alone are kept apart from those that read decisions beside them, too, so that
        a new quota makes none of them old. Split by groups they stay together: each has a value in every group
        that one of them has.
        """
        plain = [name for name in dict.fromkeys(names) if self.reads_records(name)]
        others = [name for name in dict.fromkeys(names) if name not in plain]
        together = bool(self.splits) or not plain or not others
        lone = together or len({kpi.frame for kpi in self.kpis(names)}) == 1
        found: dict[str, list[KpiValue]] = {}
        for part in ([*plain, *others],) if together else (plain, others):
            for value in self._kept_values(tuple(part), lone):
                found.setdefault(value.name, []).append(value)
        return [value for name in names for value in found.get(name, ())]

    def reads_records(self, name: str) -> bool:
        """Whether a number is told by records alone: it is the catalogue's, and no frame of it holds decisions."""
        if name not in kpi_definitions:
            return False
        kpi = kpi_definitions.get(name)
        parts = (kpi, *kpi.sides, *kpi.flags, *kpi.requires)
        return not any(name in frame_providers for name in (*kpi.joins, *(part.frame for part in parts)))

    def records_key(self, names: Iterable[str] = ()) -> tuple[Hashable, ...]:
        """What answers from these frames are kept under: that of records alone where these numbers allow it."""
        return (records_key if all(map(self.reads_records, names)) else state_key)(self.frames)

    def _kept_values(self, names: tuple[str, ...], lone: bool) -> list[KpiValue]:
        splits = tuple((s.name, s.key) if isinstance(s, Dimension) else s for s in self.splits)
        asked = (names, self.period, splits, repr(self.filters), self.context.small_sample)
        key = ("values", *asked, lone, *self.records_key(names))
        found, notes = remembered(key, lambda: self._values(names, lone))
        self.frames.notes.extend(note for note in notes if note not in self.frames.notes)
        return list(found)

    def _values(self, names: Sequence[str], lone: bool) -> tuple[list[KpiValue], list[str]]:
        """Values, and what is to be said beside them: frames that hold decisions add to the notes."""
        values = self.compute(self.kpis(names), lone=lone)
        return values, [] if all(map(self.reads_records, names)) else list(self.frames.notes)

    def kpis(self, names: Sequence[str]) -> list[Kpi]:
        """Declarations by name, people's own as they were decided on this day and over this data.

        Raises:
            KeyError: no such KPI.
        """
        return [self._kpi(name) for name in names]

    def _kpi(self, name: str) -> Kpi:
        if name in kpi_definitions:
            return kpi_definitions.get(name)  # type: ignore[no-any-return]
        frames = self.frames
        schema, calendar = frames.deals.schema(), frames.firm.calendar
        return custom_numbers.over_data(name, schema, calendar, frames.as_of, frames.known_at)

    def compute(self, declared: Sequence[Kpi], *, lone: bool = True) -> list[KpiValue]:
        """Values of declarations, kept nowhere; ``lone`` as for :func:`compile_kpis`."""

        def compiled_anew() -> Compiled:
            return compile_kpis(declared, self.named, self.context, self.splits, self.filters, lone=lone)

        deals, facts = self.frames.deals, self.frames.facts
        key = self._shared_key(declared)
        if key:
            compiled = _compiled.made((lone, *key, deals.schema()), compiled_anew)
            found = facts.execute_known(("kpis", lone, *key), lambda: compiled_anew().expr, over=deals)
            rows = {"deals": found}
        else:
            compiled = compiled_anew()
            rows = {query.frame: facts.execute(query.expr) for query in compiled.queries}
        return without_masked(
            finish(compiled, rows), compiled.kpis, self.named, self.context, hidden_from(self.frames)
        )

    def _shared_key(self, declared: Sequence[Kpi]) -> tuple[Hashable, ...]:
        """What names the query of numbers over the deals alone, the same for all readers; empty where there is none.

        Building and compiling it takes longer than running it over one reader's rows.
        """
        parts = [part.frame for kpi in declared for part in (kpi, *kpi.sides, *kpi.flags, *kpi.requires)]
        catalogued = all(
            kpi.name in kpi_definitions and kpi_definitions.get(kpi.name) is kpi for kpi in declared
        )
        if not catalogued or set(parts) != {"deals"} or any(kpi.joins for kpi in declared):
            return ()
        if any(s.looked_up > MOST_KEPT for s in self.splits if isinstance(s, Dimension)):
            return ()
        splits = ((s.name, s.key) if isinstance(s, Dimension) else s for s in self.splits)
        return self.shared_key(tuple(kpi.name for kpi in declared), *splits)

    def shared_key(self, *asked: Hashable) -> tuple[Hashable, ...]:
        """What names a query over the deals alone for readers of any scope, where its text holds nothing that one of
        them wrote; empty where it does.
        """
        if self.filters or not isinstance(self.frames.deals.op(), ops.DatabaseTable):
            return ()
        # The mark is that of now: what was decided by another instant may be in the text (the amount that counts).
        return (*asked, repr(self.context), self.frames.records_mark, self.frames.known_at)

    def over_deals(
        self,
        what: tuple[Hashable, ...],
        build: Callable[[], ir.Table],
        values: Mapping[str, Any] | None = None,
    ) -> pa.Table:
        """Run a query that reads no reader's rows but his deals: compiled once for all readers where it may be.

        Args:
            what: names everything the query is made of beside this question's period and day, and what shapes records;
                empty where that can't be said.
            build: gives it.
            values: what its bound values (``facts.bound``) are for this reader.
        """
        facts = self.frames.facts
        if what and (shared := self.shared_key(*what)):
            return facts.execute_known(shared, build, values=values, over=self.frames.deals)
        made = build()
        return facts.execute_known(("own", made.op()), lambda: made, values=values)

    def rows(self, name: str, side: str, group: Mapping[str, Any] | None = None) -> ir.Table:
        """The rows behind one side of a KPI, with ``contribution``.

        Raises:
            KpiError: it can't be told without a column that is hidden from the reader.
        """
        kpi = self.listable(name, side)
        return drill(kpi, side, self.named, self.context, group, self.splits, self.filters)

    def listable(self, name: str, side: str) -> Kpi:
        """A KPI, one side of which the reader may list.

        Raises:
            KpiError: it can't be told without a column that is hidden from the reader.
        """
        kpi = self._kpi(name)
        if hidden := self.hidden_rows(kpi, kpi.side(side)):
            raise KpiError(f"{kpi.title}: {kpi.side(side).title} can't be listed: {reason_of(hidden)}.")
        return kpi

    def hidden_rows(self, kpi: Kpi, side: Side) -> frozenset[str]:
        """Columns hidden from the reader without which a side's rows can't be listed."""
        return masked_rows(kpi, side, self.named, self.context, hidden_from(self.frames))

    def execute(self, expr: ir.Table) -> pa.Table:
        """Run an expression built on these frames."""
        return self.frames.facts.execute(expr)

    def over(self, period: Period | None, *splits: Split, deals_only: bool = False) -> OpenQuestion:
        """The same reader, facts and filters over another period or split another way.

        ``deals_only`` leaves out the frames that are made anew for every period (quotas).
        """
        named = self.named
        if deals_only:
            named = engine_frames(self.frames, None, provided=False)
        elif period != self.period:
            named = engine_frames(self.frames, period)
        context = replace(self.context, period=period)
        return replace(self, period=period, context=context, named=named, splits=splits)

    def frame(self, name: str) -> ir.Table:
        """One frame with the question's filters applied."""
        return apply_filters(self.named[name], self.filters)

    def split(self, name: str) -> Split:
        """A dimension by name or alias.

        Raises:
            KpiError: there is none of that name.
        """
        return _split(name, self.frames)

    def sql(self, name: str) -> list[tuple[str, str]]:
        """(frame, query) of everything that is read for one KPI, as the store runs it."""
        compiled = compile_kpis([self._kpi(name)], self.named, self.context, self.splits, self.filters)
        return [(query.frame, self.frames.facts.sql(query.expr)) for query in compiled.queries]

    def answer(self, names: Sequence[str]) -> Answer:
        """Values with what they rest on."""
        manifest = self.frames.facts.manifest
        return Answer(
            values=self.values(names),
            period=self.period,
            today=self.frames.today,
            as_of=self.frames.as_of,
            manifest_id=str(manifest.id) if manifest else "",
            currency=self.frames.currency,
            notes=self.frames.notes,
        )


MOST_KEPT = 5_000
"""Rows in memory up to which a query is kept with them: some hundred queries are, of thirteen years by day at most."""

_compiled: Lately[Hashable, Compiled] = Lately(200)
"""Numbers over the deals alone, compiled for one reader: what finishes them is the same for all."""


def hidden_from(frames: Frames) -> frozenset[str]:
    """Columns hidden from the reader: of the deals plain, of other tables with their table."""
    return masked_columns(frames) | {m for m in frames.scope.masked if not m.startswith("opportunities.")}


def kpis(names: Sequence[str]) -> list[Kpi]:
    """Declarations by name; people's own in words, as of now: :meth:`OpenQuestion.kpis` puts them to the data.

    Raises:
        KeyError: no such KPI; the message lists those there are.
    """
    return [_kpi_in_words(name) for name in names]


def _kpi_in_words(name: str) -> Kpi:
    if name not in kpi_definitions:
        try:
            return custom_numbers.in_words(name)
        except KeyError:
            pass  # the catalogue says which names there are
    return kpi_definitions.get(name)  # type: ignore[no-any-return]


def catalogue() -> list[Kpi]:
    """Every KPI, in the order of the families, then higher domains' ones, then people's own."""
    return [*kpi_definitions.entries(), *custom_numbers.all_in_words()]


@contextmanager
def ask(actor: Actor, question: Question) -> Iterator[OpenQuestion]:
    """Open a question for a reader: his rows, pinned facts, decisions of the day.

    Raises:
        NoDataError: nothing was imported yet.
        ValueError: the period can't be read, or a dimension or filter does not exist.
    """
    with open_frames(
        actor,
        as_of=question.as_of,
        manifest_id=question.manifest_id,
        known_at=question.known_at,
        elsewhere=True,
    ) as frames:
        period = period_of(question, frames)
        context = Context(
            period=period,
            as_of=frames.as_of,
            today=frames.today,
            options={"cycle_start": frames.cycle_start},
        )
        named = engine_frames(frames, period)
        filters = tuple(replace(f, column=ALIASES.get(f.column, f.column)) for f in question.filters)
        refuse_masked(masked_columns(frames), filters, (ALIASES.get(name, name) for name in question.by))
        yield OpenQuestion(
            question=question,
            frames=frames,
            period=period,
            context=context,
            named=named,
            splits=tuple(_split(name, frames) for name in question.by),
            filters=filters,
        )


def numbers(actor: Actor, names: Sequence[str], question: Question) -> Answer:
    """Values of KPIs for a reader. Errors as :func:`ask`, and KeyError for an unknown KPI."""
    kpis(names)
    with ask(actor, question) as asked:
        return asked.answer(names)


def period_of(question: Question, frames: Frames) -> Period | None:
    """The period asked for, in the firm's calendar."""
    calendar = frames.firm.calendar
    if question.first or question.last:
        first = question.first or date(1900, 1, 1)
        last = question.last or max(frames.as_of, first)
        if last < first:
            message = f"The period ends on {last} before it begins on {first}."
            raise ValueError(message)
        return calendar.parse(f"{first.isoformat()}..{last.isoformat()}")
    label = question.period.strip()
    if not label or label.lower() == "all":
        return None
    if label.lower() in ("quarter", "month", "year", "half", "week"):
        return calendar.period(label.lower(), frames.as_of)
    return calendar.parse(label)


def _split(name: str, frames: Frames) -> Split:
    column = ALIASES.get(name, name)
    match = _DATED.match(column)
    if match is None:
        if column not in frames.deals.columns:
            known = ", ".join(dimension_names(frames))
            message = f"There is no dimension {name!r}. There are: {known}."
            raise KpiError(message)
        return column
    day = frames.deals[f"{match.group(1)}_on"]
    span = frames.facts.execute(frames.deals.agg(first=day.min(), last=day.max())).to_pylist()[0]
    first, last = span["first"] or frames.today, span["last"] or frames.today
    return period_dimension(frames.firm.calendar, match.group(2), f"{match.group(1)}_on", first, last)  # type: ignore[arg-type]


def dimension_names(frames: Frames) -> list[str]:
    """Columns a number may be split by: text and flags of the deals, the company's own columns too."""
    kinds = frames.deals.schema().items()
    plain = [n for n, kind in kinds if kind.is_string() or kind.is_boolean()]
    hidden = {"id", "name", "import_id", "description", "owner_id", "manager_id", "account_id", "product_id"}
    dated = [
        f"{d}_{k}" for d in ("created", "closed", "expected_close") for k in ("month", "quarter", "year")
    ]
    return [n for n in plain if n not in hidden] + dated


def number_with_total(actor: Actor, name: str, question: Question) -> tuple[Answer, KpiValue]:
    """A KPI's groups and its total over all of them, computed on its own: a ratio of totals, not a mean of ratios."""
    kpis([name])
    with ask(actor, question) as asked:
        answer = asked.answer([name])
        total = answer.values[0] if not question.by else replace(asked, splits=()).values([name])[0]
    return answer, total


def rows_behind(
    actor: Actor,
    name: str,
    side: str,
    question: Question,
    *,
    group: Mapping[str, Any] | None = None,
    page: int = 1,
    size: int = 50,
) -> tuple[list[dict[str, Any]], int]:
    """One page of the rows behind one side of a KPI, biggest contribution first, and how many there are.

    Raises:
        KeyError: no such KPI or side.
        NoDataError: nothing was imported yet.
    """
    with ask(actor, question) as asked:
        rows = asked.rows(name, side, group)
        total = asked.execute(rows.agg(n=rows.count())).to_pylist()[0]["n"]
        ordered = rows.order_by([rows.contribution.desc(nulls_first=False), rows[rows.columns[0]].asc()])
        return asked.execute(ordered.limit(size, offset=(page - 1) * size)).to_pylist(), total
