"""A question in words answered for one reader: the same figures, lists and records that the pages show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from salesops.analytics import account_records, list_address, records
from salesops.analytics.addresses import Address, AddressError, deal_href, href
from salesops.analytics.engine.filters import FilterError
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.engine.selection import KpiError
from salesops.analytics.inspections import OpenInspection, Sum, open_inspection
from salesops.analytics.list_address import ListAddress
from salesops.analytics.selectors import OpenQuestion, Question, ask, hidden_from
from salesops.analytics.shown import is_dated, rows_href
from salesops.ask.engine.dates import BEGIN
from salesops.ask.engine.parse import ALL, understand
from salesops.ask.engine.query import Choice, Query, Understood, Vocabulary
from salesops.ask.engine.tokens import QuestionError, cleaned
from salesops.ask.inputs import lexicon
from salesops.core.calendars import Period, PeriodError
from salesops.org import known as known_at
from salesops.org.known import NOW, Known
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import Actor
from salesops.process.inputs import NoDataError, open_frames

USUAL_PERIOD = "quarter"
DATED = (
    "created_on", "closed_on", "expected_close_on", "happened_on", "entered_on", "left_on", "moved_on", "first_won_on",
    "month_on",
)  # fmt: skip
"""Columns of days that periods choose rows by."""
ROWS = 10
"""Rows of a list that an answer shows where the question does not say how many."""
RECORDS = 5
_ALIKE = 3
"""Days by which two months, quarters or years of one calendar differ."""


@dataclass(frozen=True)
class NumberAnswer:
    """A number with what it rests on.

    Attributes:
        kpi: its declaration.
        total: its value over all that was asked for.
        groups: its values by the columns asked for, in the order asked for; empty without a split.
        left: groups that the ranking leaves out.
        before: its value in the period it is compared with.
        groups_before: group -> its value then.
        period, against: the days; None for all.
        period_named: whether the question named them.
        as_of, today, facts_version, currency, notes: as of an answer of the selectors.
        address: the same question as an address of the number pages.
    """

    kpi: Kpi
    total: KpiValue
    groups: tuple[KpiValue, ...]
    left: int
    before: KpiValue | None
    groups_before: Mapping[tuple[Any, ...], KpiValue]
    period: Period | None
    against: Period | None
    period_named: bool
    as_of: date
    today: date
    facts_version: str
    currency: str
    notes: tuple[str, ...]
    address: Address

    @property
    def href(self) -> str:
        """The number's own page with the same period, day and filters, and the first split."""
        return self.address.to("number", self.kpi.name)

    @property
    def rows_href(self) -> str:
        """The rows behind it; "" where they can't be listed."""
        return rows_href(self.address, self.kpi, by="") if any(side.rows for side in self.kpi.sides) else ""


@dataclass(frozen=True)
class ListAnswer:
    """Deals with what they add up to.

    Attributes:
        title: which deals, in words.
        rows: the first of them, in the order asked for.
        total: how many there are in all.
        sums: their amounts.
        href: the page that lists all of them under the same conditions.
        reason: why there is no list; "" where there is.
        known: facts and decisions of when.
    """

    title: str
    rows: tuple[Mapping[str, Any], ...]
    total: int
    sums: Sum
    currency: str
    as_of: date
    today: date
    href: str
    reason: str = ""
    notes: tuple[str, ...] = ()
    known: Known = NOW


@dataclass(frozen=True)
class Record:
    """A record whose name holds the words."""

    kind: str
    name: str
    more: str
    href: str


@dataclass(frozen=True)
class Records:
    """What the words may name.

    Attributes:
        found: the first accounts and deals.
        deals, accounts: how many there are in all.
        href: the list of deals that hold the words.
    """

    found: tuple[Record, ...]
    deals: int
    accounts: int
    href: str


@dataclass(frozen=True)
class Answer:
    """What became of a question.

    Attributes:
        understood: how it was read.
        problem: why there is no answer; "" where there is one.
        known: facts and decisions of when; what the question or its address says.
    """

    understood: Understood
    number: NumberAnswer | None = None
    deals: ListAnswer | None = None
    records: Records | None = None
    problem: str = ""
    known: Known = NOW

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What could be asked instead: for a record only where none was found."""
        return () if self.records and self.records.found else self.understood.choices


def answer(actor: Actor, text: str, *, may_list: bool = True, known: Known = NOW) -> Answer:
    """Answer a question with what a reader may see.

    Args:
        actor: the reader.
        text: the question.
        may_list: whether deals and records may be told, which a token may be barred from.
        known: facts and decisions as they were known then; a question may say so itself.

    Raises:
        NotAllowedError: it asks for deals or records, and these may not be told.
        NoDataError: nothing was imported yet, or by then.
        QuestionError: the text can't be read as a question.
    """
    text = cleaned(text)
    understood, vocabulary = _understood(actor, text, known)
    if understood.known is not None:
        then = known_at.at(known_at.day_end(understood.known))
        if known.text and known.known_at != then.known_at:
            return _refused(
                understood, f"The question says another day of knowledge than {known.text}: name one."
            )
        known = then
        try:
            understood, vocabulary = _understood(actor, text, known)
        except NoDataError as error:
            return _refused(understood, str(error))
    query = understood.query
    if query is not None and query.kind != "number" and not may_list:
        raise NotAllowedError(
            "This token may not be used for lists and records: it lacks the scope records.read."
        )
    if query is None:
        return Answer(understood, problem=understood.problem, known=known)
    try:
        if query.kind == "number":
            return Answer(understood, number=number(actor, query, known), known=known)
        if query.kind == "list":
            return Answer(understood, deals=deals(actor, query, known), known=known)
    except (KpiError, FilterError, PeriodError, AddressError) as error:
        said = f"{vocabulary.named[query.kpi].title}: {error}" if query.kpi else str(error)
        return _refused(understood, said[:1].upper() + said[1:], known)
    people = vocabulary.values.get("owner_name", ())
    found = search(actor, " ".join(query.words), people, known)
    if found.found:
        return Answer(understood, records=found, known=known)
    said = "No account, deal or number is called that, as far as you may see."
    return Answer(understood, records=found, problem=said, known=known)


def _understood(actor: Actor, text: str, known: Known) -> tuple[Understood, Vocabulary]:
    """A question as read by what the reader's rows of then may be called, and by the days of then."""
    with open_frames(actor, manifest_id=known.manifest_id, known_at=known.known_at) as frames:
        words = lexicon(actor, frames, text)
        return understand(text, words), words.vocabulary


def _refused(understood: Understood, problem: str, known: Known = NOW) -> Answer:
    return Answer(replace(understood, query=None), problem=problem, known=known)


# --- Numbers --------------------------------------------------------------------------------------


def address_of(query: Query, known: Known = NOW) -> Address:
    """A number's question as an address of its page."""
    label = "all" if query.period == ALL else query.period.label if query.period else USUAL_PERIOD
    by = query.by[0] if query.by else ""
    return Address(period=label, as_of=query.as_of, filters=query.filters, by=by, known=known)


def question_of(query: Query, known: Known = NOW) -> Question:
    """A number's question as the selectors take it."""
    return replace(address_of(query, known).question(), by=query.by)


def number(actor: Actor, query: Query, known: Known = NOW) -> NumberAnswer:
    """The answer to a question after a number. Errors as :func:`salesops.analytics.selectors.ask`."""
    query = _begun(actor, query, known)
    address = address_of(query, known)
    with ask(actor, question_of(query, known)) as asked:
        kpi = asked.kpis([query.kpi])[0]
        groups = _inside(asked, asked.values([query.kpi])) if query.by else []
        whole = replace(asked, splits=())
        total = whole.values([query.kpi])[0]
        before, then = _before(asked, query)
        if (
            asked.period and query.period != ALL
        ):  # the page is asked for the very days, whichever day it is opened on
            address = replace(address, period=asked.period.label)
        ordered, left = _ranked(query, groups)
        manifest = asked.frames.facts.manifest
        return NumberAnswer(
            kpi=kpi,
            total=total,
            groups=tuple(ordered),
            left=left,
            before=before,
            groups_before=then,
            period=asked.period,
            against=query.against,
            period_named=query.period is not None,
            as_of=asked.frames.as_of,
            today=asked.frames.today,
            facts_version=str(manifest.id) if manifest else "",
            currency=asked.frames.currency,
            notes=tuple(
                dict.fromkeys(
                    [
                        *_unfinished(asked, before),
                        *_unequal(asked, kpi, query.against),
                        *_cut(asked, kpi, ordered),
                        *total.notes,
                        *asked.frames.notes,
                    ]
                )
            ),
            address=address,
        )


def _begun(actor: Actor, query: Query, known: Known) -> Query:
    """A period that has no begin from the first day of the reader's rows on: nothing lies before that.

    Raises:
        KpiError: no row of the number holds a day, such as where its frame is made for a period alone.
    """
    if query.period is None or query.period == ALL or query.period.first != BEGIN:
        return query
    last = query.period.last
    with ask(actor, question_of(replace(query, period=ALL, by=(), filters=()), known)) as asked:
        kpi = asked.kpis([query.kpi])[0]
        found, dated = [last], False
        hidden = hidden_from(asked.frames)
        for frame in dict.fromkeys(side.frame for side in kpi.sides if side.frame in asked.named):
            rows = asked.named[frame]
            days = [
                name for name in DATED
                if name in rows.columns and rows[name].type().is_date() and not {name, f"{frame}.{name}"} & hidden
            ]  # fmt: skip
            dated |= bool(days)
            if days:
                least = rows.agg(**{name: rows[name].min() for name in days})
                found += [day for day in asked.execute(least).to_pylist()[0].values() if day is not None]
        if not dated:
            raise KpiError(
                f"what it counts holds no first day that you may see: name the days up to {last} whole."
            )
        first = min(found)
        return replace(query, period=asked.frames.firm.calendar.parse(f"{first}..{last}"))


def _inside(asked: OpenQuestion, groups: Sequence[KpiValue]) -> list[KpiValue]:
    """Groups without those that hold no row for months outside the period, or for none: no part of the answer."""
    period, calendar = asked.period, asked.frames.firm.calendar
    if period is None:
        return list(groups)
    kept = []
    for group in groups:
        labels = [value for name, value in group.group.items() if is_dated(name)]
        spans = [calendar.parse(str(label)) if label else None for label in labels]
        if group.n or all(span and span.first <= period.last and span.last >= period.first for span in spans):
            kept.append(group)
    return kept


def _unfinished(asked: OpenQuestion, before: KpiValue | None) -> list[str]:
    """A word on a period that is not over, where it is compared with one that is."""
    period, day = asked.period, asked.frames.as_of
    if before is None or period is None or not period.contains(day) or day == period.last:
        return []
    at = (day - period.first).days + 1
    return [
        f"{period.title} is not over: the data stands at day {at} of {period.days}, the other period is whole."
    ]


def _unequal(asked: OpenQuestion, kpi: Kpi, against: Period | None) -> list[str]:
    """A word on two periods of different kinds that are not as long as each other. A stock has no length."""
    period = asked.period
    if period is None or against is None or not kpi.dated_by:
        return []
    alike = period.kind == against.kind != "custom" or abs(period.days - against.days) <= _ALIKE
    if alike or (period.contains(asked.frames.as_of) and asked.frames.as_of < period.last):  # told already
        return []
    return [f"{period.title} has {period.days} days, {against.title} {against.days}."]


def _cut(asked: OpenQuestion, kpi: Kpi, groups: Sequence[KpiValue]) -> list[str]:
    """A word on groups of months, quarters or years that are cut by the days asked for, or not over."""
    period, calendar, day = asked.period, asked.frames.firm.calendar, asked.frames.as_of
    lead = f"{kpi.dated_by.removesuffix('_on')}_"
    labels = dict.fromkeys(
        str(value) for group in groups for name, value in group.group.items()
        if value and is_dated(name) and name.startswith(lead)
    )  # fmt: skip
    spans = [calendar.parse(label) for label in labels]
    cut = [p for p in spans if period and (p.first < period.first or p.last > period.last)]
    running = [p for p in spans if p.contains(day) and day < p.last]
    notes = []
    if cut and period:
        said = " and ".join(p.title for p in sorted(cut, key=lambda p: p.first))
        whole = "only its days" if len(cut) == 1 else "only their days"
        notes.append(f"{said}: {whole} from {period.first} to {period.last} count.")
    return notes + [f"{p.title} is not over: the data stands at {day}." for p in running if p not in cut]


def _before(asked: OpenQuestion, query: Query) -> tuple[KpiValue | None, dict[tuple[Any, ...], KpiValue]]:
    if query.against is None:
        return None, {}
    value = asked.over(query.against).values([query.kpi])[0]
    if not query.by:
        return value, {}
    groups = asked.over(query.against, *asked.splits).values([query.kpi])
    return value, {group_key(g): g for g in groups}


def group_key(value: KpiValue) -> tuple[Any, ...]:
    """What tells a group from others."""
    return tuple(value.group.values())


def _ranked(query: Query, groups: Sequence[KpiValue]) -> tuple[list[KpiValue], int]:
    """Groups as asked for: periods in time, else from the largest; what is undefined last."""
    timed = any(is_dated(name) for name in query.by)
    if timed and query.rank is None:
        return list(groups), 0
    sign = 1 if query.rank and query.rank.order == "least" else -1
    ordered = sorted(
        groups, key=lambda g: (g.value is None, sign * (g.value or 0), tuple(map(str, group_key(g))))
    )
    if query.rank is None:
        return ordered, 0
    known = [g for g in ordered if g.value is not None]
    return known[: query.rank.count], max(0, len(groups) - query.rank.count)


# --- Lists ----------------------------------------------------------------------------------------


def deals(actor: Actor, query: Query, known: Known = NOW) -> ListAnswer:
    """The answer to a question after deals. Errors as :func:`salesops.analytics.records.open_list`."""
    return _line(actor, query, known) if query.line else _list(actor, query, known)


def list_address_of(query: Query, known: Known = NOW) -> ListAddress:
    """A question after deals as an address of the list."""
    return ListAddress(
        status=query.status,
        closed=query.period.label if query.period else "",
        created=query.created.label if query.created else "",
        flag=query.flags,
        filters=query.filters,
        sort=query.sort or list_address.DEFAULT_SORT,
        as_of=query.as_of,
        known_at=known.text,
    )


def _list(actor: Actor, query: Query, known: Known) -> ListAnswer:
    if query.period == ALL:
        query = replace(query, period=None)
    address = list_address_of(query, known)
    size = query.rank.count if query.rank else ROWS
    with records.open_list(actor, replace(address.list_query(), size=size)) as opened:
        rules = {rule.code for rule in opened.judge.rules} if query.flags else set()
        missing = [code for code in query.flags if code not in rules]
        page = opened.page()
    totals = page.totals
    sums = (
        Sum(totals.rows, totals.amount, totals.known, totals.estimate, totals.estimated) if totals else Sum()
    )
    reason = "The data does not hold what tells these deals, or it is hidden from you." if missing else ""
    return ListAnswer(
        title=f"{list_address.STATUSES[query.status]} deals" if query.status != "all" else "Deals",
        rows=() if reason else tuple(page.rows),
        total=0 if reason else page.total,
        sums=Sum() if reason else sums,
        currency=page.currency,
        as_of=page.as_of,
        today=page.today,
        href=_list_href(address),
        reason=reason,
        notes=tuple(page.notes),
        known=known,
    )


def _line(actor: Actor, query: Query, known: Known) -> ListAnswer:
    """Deals of a line of the pipeline inspection."""
    label = query.period.label if query.period and query.period != ALL else "all"
    address = Address(period=label, as_of=query.as_of, filters=query.filters, default="all", known=known)
    with open_inspection(actor, address.question()) as opened:
        check, reason = next((c, why) for c, why in opened.checks if c.name == query.line)
        sums = Sum() if reason else opened.together().sums[query.line]
        size = query.rank.count if query.rank else ROWS
        rows = [] if reason or not sums.deals else _first(opened, query, size)
        frames = opened.frames
        return ListAnswer(
            title=f"Open deals: {check.title[:1].lower()}{check.title[1:]}",
            rows=tuple(rows),
            total=sums.deals,
            sums=sums,
            currency=frames.currency,
            as_of=frames.as_of,
            today=frames.today,
            href=reverse("inspection_deals", args=[query.line]) + address.query(),
            reason=f"{reason[:1].upper()}{reason[1:]}." if reason else "",
            notes=tuple(frames.notes),
            known=known,
        )


def _first(opened: OpenInspection, query: Query, size: int) -> list[dict[str, Any]]:
    return opened.page(query.line, 1, size, query.sort or "-amount")


# --- Records --------------------------------------------------------------------------------------


def search(actor: Actor, words: str, people: Sequence[str] = (), known: Known = NOW) -> Records:
    """People, accounts and deals whose names hold all of some words.

    Args:
        actor: the reader.
        words: what they may be called.
        people: names of the owners of his rows.
        known: as they were known then.
    """
    accounts = account_records.account_list(actor, search=words, size=RECORDS, known=known)
    columns = ("name", "account_name", "stage", "owner_name")
    listed = records.ListQuery(search=words, size=RECORDS, columns=columns, known=known)
    page = records.deal_list(actor, listed)
    then = ListAddress(known_at=known.text)
    wanted = words.casefold().split()
    owners = [name for name in people if all(word in name.casefold() for word in wanted)]
    found = [
        Record("person", name, "open deals", _list_href(replace(then, owner=(name,), status="open")))
        for name in owners[:RECORDS]
    ]
    for row in accounts.rows:
        link = href("pipeline_account", row["id"])
        link += f"?{urlencode({known_at.PARAMETER: known.text})}" if link and known.text else ""
        found.append(Record("account", row["name"] or row["id"], _deals_words(row["deals"]), link))
    for row in page.rows:
        more = " · ".join(str(row[c]) for c in columns[1:] if row.get(c))
        found.append(Record("deal", row["name"] or row["id"], more, deal_href(row["id"], known)))
    return Records(tuple(found), page.total, accounts.total, _list_href(replace(then, q=words, status="all")))


def _list_href(address: ListAddress) -> str:
    return f"{reverse('pipeline')}?{address.query()}"


def _deals_words(count: int) -> str:
    return f"{count:,} {'deal' if count == 1 else 'deals'}"


__all__ = ["Answer", "QuestionError", "answer"]
