"""What a feed answers: its question asked again as its owner, with the rights of now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlparse

from django.http import QueryDict
from django.urls import Resolver404, resolve

import salesops
from salesops.analytics import addresses, list_address, records
from salesops.analytics.addresses import Address, AddressError
from salesops.analytics.deal_columns import FLAGS, labels
from salesops.analytics.engine.filters import FilterError
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.engine.selection import KpiError
from salesops.analytics.page_parts import filter_words
from salesops.analytics.pipeline_tables import export_columns
from salesops.analytics.selectors import OpenQuestion, Question, ask, catalogue, dimension_names, kpis
from salesops.analytics.shown import column_title, file_kind, group_words, in_order, period_words, unit_words
from salesops.core.calendars import PeriodError
from salesops.facts.errors import ManifestMissing
from salesops.org.known import KnownError
from salesops.platform.actors import Actor
from salesops.process.inputs import Frames, NoDataError, NotKeptError
from salesops.ui import exports

UNANSWERABLE = (
    AddressError, FilterError, KnownError, KpiError, ManifestMissing, NoDataError, NotKeptError, OverflowError,
    PeriodError, exports.ExportError,
)  # fmt: skip
"""A question that can't be answered any more, or not for this reader; the message says why."""


class UnanswerableError(ValueError):
    """The question can't be answered; the message says why.

    Attributes:
        forbidden: a column that it narrows or splits by is hidden from the reader, or is not there.
    """

    def __init__(self, message: str, *, forbidden: bool = False) -> None:
        super().__init__(message)
        self.forbidden = forbidden


class TooManyRowsError(ValueError):
    """The answer has more rows than a feed gives. It is refused, never cut."""


@dataclass(frozen=True)
class FeedQuestion:
    """What a feed asks: ``query`` as the list's or the number's own address asks it.

    Attributes:
        kind: ``list`` or ``number``.
        query: query string, without ``?``.
        number: name of the KPI; "" for a list.
    """

    kind: str
    query: str
    number: str = ""


@dataclass(frozen=True)
class FeedTable:
    """A feed's answer.

    Attributes:
        title: of the file.
        columns: what each row holds, as the page's own file has them.
        rows: all of them.
        data_on: the data's own date.
        zone: IANA zone of the firm.
        filters: (label, value): what the question narrows.
        notes: sentences that belong beside the rows.
    """

    title: str
    columns: Sequence[exports.Column]
    rows: Sequence[Any]
    data_on: date
    zone: str
    filters: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class OpenFeed:
    """A feed's question over open frames.

    Attributes:
        state: changes whenever the answer may: facts version, decisions, the reader's rights, the code.
        version: facts version.
        data_on: the data's own date.
        table: reads the rows; takes how many there may be at most.
    """

    state: str
    version: str
    data_on: date
    table: Callable[[int], FeedTable]


@contextmanager
def open_feed(actor: Actor, question: FeedQuestion) -> Iterator[OpenFeed]:
    """Open a feed's question for its owner.

    Raises:
        UnanswerableError: it can't be answered (any more), or not for this reader.
    """
    try:
        if question.kind == "list":
            query = replace(list_of(question).list_query(), page=1)
            with records.open_list(actor, query) as opened:
                yield _open(opened.frames, question, lambda most: _list(actor, question, opened, most))
        else:
            address = address_of(question)
            _declared(question.number)
            with ask(actor, address.question(*filter(None, [address.by]))) as asked:
                yield _open(
                    asked.frames, question, lambda most: _number(actor, asked, address, question, most)
                )
    except UNANSWERABLE as error:
        raise UnanswerableError(str(error), forbidden=isinstance(error, FilterError)) from error


def _declared(name: str) -> Kpi:
    """A number's declaration in words.

    Raises:
        UnanswerableError: there is none of that name (any more).
    """
    try:
        return kpis([name])[0]
    except KeyError:
        message = f"There is no number named {name!r}."
        raise UnanswerableError(message) from None


def checked(actor: Actor, question: FeedQuestion) -> FeedQuestion:
    """A question in the one form that is kept, asked once so that it is known to work.

    Raises:
        UnanswerableError: it can't be answered for this reader.
    """
    try:
        if question.kind == "list":
            kept = replace(question, query=list_of(question).kept())
        else:
            address = replace(address_of(question), side="", group=None)
            kept = replace(question, query=address.query().removeprefix("?"))
    except UNANSWERABLE as error:
        raise UnanswerableError(str(error)) from error
    with open_feed(actor, kept):
        return kept


def list_of(question: FeedQuestion) -> list_address.ListAddress:
    """The address of a list's question. Errors as :func:`salesops.analytics.list_address.parse`."""
    return list_address.parse(question.query)


def address_of(question: FeedQuestion) -> Address:
    """The address of a number's question. Errors as :func:`salesops.analytics.addresses.read`."""
    if len(question.query) > list_address.MOST_CHARACTERS or "\x00" in question.query:
        raise AddressError("The address is too long, or holds a character that no text may hold.")
    return addresses.read(QueryDict(question.query))


def words(question: FeedQuestion) -> str:
    """A question in short, for a list of feeds; "" where it can't be read any more."""
    try:
        if question.kind == "list":
            address = list_of(question)
            status = (list_address.STATUSES | list_address.OTHER_STATUSES)[address.shown_status]
            said = [f"{name}: {value}" for name, value, _ in list_address.words(address)]
            return "; ".join([f"Deals, {status.lower()}", *said])
        found = address_of(question)
        split = f" by {column_title(found.by).lower()}" if found.by else ""
        team = [found.team.partition(":")[2]] if found.team else []
        more = [": ".join(list_address.filter_words(f)) for f in found.filters]
        period = found.period or f"the {found.default} of the data"
        return "; ".join([f"{_declared(question.number).title}{split}, {period}", *team, *more])
    except (*UNANSWERABLE, UnanswerableError):
        return ""


def dimensions(actor: Actor) -> list[tuple[str, str]]:
    """Columns that a number may be split by, as (name, title); none before the first import."""
    try:
        with ask(actor, Question()) as asked:
            names = dimension_names(asked.frames)
    except NoDataError:
        return []
    return sorted(((name, column_title(name)) for name in names), key=lambda pair: pair[1].casefold())


def numbers() -> list[tuple[str, str]]:
    """Numbers as (name, title)."""
    return [(kpi.name, kpi.title) for kpi in catalogue()]


def question_at(text: str) -> FeedQuestion:
    """The question of a page's address, as a browser shows it.

    Raises:
        UnanswerableError: it is the address of no list of deals and of no number.
    """
    parts = urlparse(text.strip())
    try:
        match = resolve(parts.path)
    except Resolver404:
        match = None
    if match is not None and match.url_name == "pipeline":
        return FeedQuestion("list", parts.query)
    if match is not None and match.url_name == "number":
        return FeedQuestion("number", parts.query, str(match.kwargs["name"]))
    raise UnanswerableError("Paste the address of the Pipeline list, or of one number's page.")


def _open(frames: Frames, question: FeedQuestion, table: Callable[[int], FeedTable]) -> OpenFeed:
    manifest = frames.facts.manifest
    parts = [
        salesops.__version__,
        question.kind, question.query, question.number,
        manifest.id if manifest else "", str(manifest.recorded_at) if manifest else "",
        str(frames.facts.as_of), str(frames.as_of), str(frames.known_at),
        frames.scope.digest(), frames.mark,
    ]  # fmt: skip
    state = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return OpenFeed(state, manifest.id if manifest else "", frames.today, table)


def _fits(rows: int, most: int) -> None:
    if rows > most:
        message = (
            f"This feed has {rows:,} rows, and a feed gives {most:,} at most (SALESOPS_FEED_ROWS). "
            "It is refused rather than cut: narrow the view, and make a feed of that."
        )
        raise TooManyRowsError(message)


def _list(actor: Actor, question: FeedQuestion, opened: records.OpenList, most: int) -> FeedTable:
    """Every row of the list, in the columns and order of its own CSV file."""
    address = list_of(question)
    totals = opened.totals()
    _fits(totals.rows, most)
    frames = opened.frames
    columns = export_columns(
        opened.columns,
        opened.kinds,
        labels([*opened.kinds, FLAGS]),
        frames.currency,
        frames.firm.zone,
        opened.judge,
        estimates=bool(totals.estimated),
    )
    return FeedTable(
        title="Deals",
        columns=columns,
        rows=list(opened.stream()),
        data_on=frames.today,
        zone=frames.firm.zone,
        filters=[(name, said) for name, said, _ in list_address.words(address)],
        notes=[f"The rows are those that {actor.name} may see.", *frames.notes],
    )


def _number(
    actor: Actor, asked: OpenQuestion, address: Address, question: FeedQuestion, most: int
) -> FeedTable:
    """The number, one row a group; undefined values are empty, with the reason in a column of its own."""
    try:
        kpi = asked.kpis([question.number])[0]
    except KeyError:
        message = f"There was no number named {question.number!r} on that day."
        raise UnanswerableError(message) from None
    values = asked.values([kpi.name])
    _fits(len(values), most)
    frames, kind = asked.frames, file_kind(kpi)
    by = next(iter(values[0].group), address.by) if address.by and values else address.by
    first = exports.Column("group", column_title(by)) if address.by else exports.Column("group", "Period")
    columns = [
        first,
        exports.Column("value", kpi.title, kind, frames.currency if kind == "money" else ""),
        exports.Column("n", "Rests on", "integer"),
        exports.Column("reason", "Why there is no value", width=48),
    ]
    rows = [
        {"group": _group(value, by) if address.by else period_words(asked.period),
         "value": _trimmed(value.value), "n": value.n, "reason": value.reason}
        for value in (in_order(by, values) if by else values)
    ]  # fmt: skip
    return FeedTable(
        title=kpi.title,
        columns=columns,
        rows=rows,
        data_on=frames.today,
        zone=frames.firm.zone,
        filters=filter_words(actor, asked, address),
        notes=[f"{kpi.title} is in {unit_words(kpi, frames.currency)}. {kpi.sentence}", *frames.notes],
    )


def _trimmed(value: Any) -> Any:
    """A decimal without the zeros that a sum of finer amounts leaves behind; two places stay."""
    if not isinstance(value, Decimal):
        return value
    places = int(value.normalize().as_tuple().exponent)
    return value.quantize(Decimal(1).scaleb(min(-2, places)))


def _group(value: KpiValue, by: str) -> str | None:
    found = value.group[by]
    return None if found is None else group_words(found)
