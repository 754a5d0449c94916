"""The business review of a period: what every page says of it, gathered for one reader.

Each figure is asked of the same selectors as its own page, over the same rows, and carries the address of
that page. What the data can't tell is undefined with its reason, as there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from salesops.analytics import inspection_files, inspection_parts, waterfall_parts
from salesops.analytics.addresses import Address, AddressError, deal_href, href
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.engine.selection import KpiError
from salesops.analytics.inspections import open_inspection
from salesops.analytics.movements import MOST as KINDS
from salesops.analytics.movements import movements
from salesops.analytics.page_parts import filter_words, numbers_sheet, scope_line
from salesops.analytics.selectors import OpenQuestion, ask, catalogue
from salesops.analytics.shown import (
    column_title,
    file_kind,
    group_words,
    interval_text,
    lead_side,
    sample_text,
    unique,
    value_text,
)
from salesops.analytics.waterfalls import open_waterfall
from salesops.core.calendars import Period
from salesops.meetings.selectors import items
from salesops.platform.actors import Actor
from salesops.process.inputs import NotKeptError
from salesops.reports import selectors
from salesops.ui import exports, formats

MOST_DEALS = 10
MOST_GROUPS = 40
ATTAINMENT = ("won_value", "quota", "quota_attainment", "quota_participation", "mean_rep_attainment")
FORECAST = ("commit_accuracy", "commit_win_rate", "commit_win_rate_value", "slip_rate", "slip_rate_value")
RESULTS = (
    "won_deals", "lost_deals", "win_rate_count", "win_rate_value", "no_decision_share", "average_deal_size",
    "sales_cycle_median",
)  # fmt: skip
OF_DEALS = ("name", "account_name", "owner_name", "closed_on")
PIPELINE = (
    "open_pipeline", "open_deals", "coverage", "coverage_needed", "pipeline_generation", "stage_age", "stalled_share",
    "stalled_pipeline",
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One number of the review.

    Attributes:
        text: as people read it, "" where it is undefined.
        reason: why it is undefined.
        note: interval and remarks.
        href: its page, with the same question.
    """

    kpi: Kpi
    value: KpiValue
    text: str
    reason: str
    sample: str
    note: str
    href: str


@dataclass(frozen=True)
class Rows:
    """One table of the review.

    Attributes:
        sheet: every row, as the workbook has them.
        link: gives the address of a row's own page, "" for none.
        most: rows that page and paper show, with a word on how many there are; None for all.
    """

    sheet: exports.Sheet
    empty: str = ""
    link: Callable[[Any], str] | None = None
    most: int | None = None

    def shown(self) -> tuple[str, list[Any]]:
        """Heading and rows as page and paper show them."""
        rows = list(self.sheet.rows)
        if self.most is None or len(rows) <= self.most:
            return self.sheet.name, rows
        return f"{self.sheet.name} ({self.most:,} of {len(rows):,})", rows[: self.most]


@dataclass(frozen=True)
class Section:
    """One part of the review.

    Attributes:
        said: sentences made from its figures.
        reason: why there is nothing to tell; "" where there is.
        href: the page it comes from.
    """

    key: str
    title: str
    said: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Rows, ...] = ()
    reason: str = ""
    href: str = ""


@dataclass(frozen=True)
class Review:
    """A whole review.

    Attributes:
        period: that is reviewed.
        today: the data's own date.
        scope: days, whose rows and filters, in words; ``filters`` the same as pairs.
        version: facts version that was read.
    """

    title: str
    period: Period
    today: date
    scope: str
    filters: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    sections: tuple[Section, ...]
    currency: str
    zone: str
    version: str


def review(actor: Actor, address: Address) -> Review:
    """Gather the review of an address's period.

    Args:
        actor: who reads.
        address: period, team, filters, and what was known when.

    Raises:
        AddressError: it names no period, or one that begins after the data ends.
        NoDataError: nothing was imported yet.
    """
    with ask(actor, address.question()) as asked:
        period, frames = asked.period, asked.frames
        if period is None:
            raise AddressError("Choose a quarter, a year or days: a review is of a period.")
        if period.first > frames.as_of:
            raise AddressError(
                f"{period.title} begins on {formats.day(period.first)}, and the data ends on "
                f"{formats.day(frames.as_of)}."
            )
        end = min(period.last, frames.as_of)
        manifest = frames.facts.manifest
        address = replace(address, period=period.label)  # every link means this period, also next month
        made = [_attainment(asked, address), _forecast(asked, address), *_results(asked, address)]
        actions = _actions(actor, asked, period)
        head = {
            "title": f"Business review, {period.title}",
            "period": period,
            "today": frames.today,
            "scope": scope_line(actor, asked, address),
            "filters": tuple(filter_words(actor, asked, address)),
            "currency": frames.currency,
            "zone": frames.firm.zone,
            "version": str(manifest.id) if manifest else "",
        }
        findings = _findings(actor, asked, period)
        notes = list(frames.notes)
    then = replace(address, as_of=end)
    pipeline = _pipeline(actor, then, end)
    moved = _moved(actor, then, period)
    sections = (*made, _waterfall(actor, address, period, end), *pipeline, moved, actions, findings)
    return Review(**head, notes=tuple(unique(notes)), sections=sections)  # type: ignore[arg-type]


def _figure(asked: OpenQuestion, value: KpiValue, address: Address) -> Figure:
    """One value as the review tells it."""
    kpi = asked.kpis([value.name])[0]
    return Figure(
        kpi,
        value,
        value_text(kpi, value.value, asked.frames.currency),
        "" if value.value is not None else value.reason or "not known",
        sample_text(kpi, value),
        " ".join([*filter(None, [interval_text(value)]), *value.notes]),
        address.to("number", kpi.name),
    )


def _figures(asked: OpenQuestion, names: Sequence[str], address: Address) -> tuple[Figure, ...]:
    return tuple(_figure(asked, value, address) for value in asked.values(names))


def _said(found: Mapping[str, Figure], name: str) -> str:
    """A figure in a sentence: its value, or that it is undefined and why."""
    one = found[name]
    return one.text or f"undefined ({one.reason})"


def _by(asked: OpenQuestion, names: Sequence[str], by: str, title: str) -> Rows:
    """Numbers by a dimension, one row a group."""
    try:
        values = asked.over(asked.period, asked.split(by)).values(names)
    except KpiError as error:
        return Rows(exports.Sheet(title, [], []), empty=f"It can't be split: {error}")
    kpis, currency = asked.kpis(names), asked.frames.currency
    cells: dict[str, dict[str, Any]] = {}
    for value in values:
        group = group_words(next(iter(value.group.values()), None))
        row = cells.setdefault(group, {"group": group, "why": ""})
        row[value.name] = value.value
        if value.value is None and value.reason and value.reason not in row["why"]:
            row["why"] = f"{row['why']}; {value.reason}".lstrip("; ")
    columns = [exports.Column("group", column_title(by), width=28)]
    columns += [
        exports.Column(k.name, k.title, file_kind(k), currency if file_kind(k) == "money" else "")
        for k in kpis
    ]
    columns.append(exports.Column("why", "Why there is no value", width=48))
    first = names[0]
    ordered = sorted(cells.values(), key=lambda r: (r.get(first) is None, -(r.get(first) or 0), r["group"]))
    if not any(row["why"] for row in ordered):
        columns.pop()
    return Rows(
        exports.Sheet(title, columns, ordered), empty="No row falls in this period.", most=MOST_GROUPS
    )


# --- Sections -------------------------------------------------------------------------------------


def _attainment(asked: OpenQuestion, address: Address) -> Section:
    figures = _figures(asked, ATTAINMENT, address)
    found = {one.kpi.name: one for one in figures}
    text = (
        f"Won {_said(found, 'won_value')} of a quota of {_said(found, 'quota')}: attainment is "
        f"{_said(found, 'quota_attainment')}."
    )
    return Section(
        "attainment",
        "Attainment",
        (text,),
        figures,
        (_by(asked, ("won_value", "quota", "quota_attainment"), "owner_name", "Attainment by rep"),),
        href=address.to("number", "quota_attainment"),
    )


def _forecast(asked: OpenQuestion, address: Address) -> Section:
    figures = _figures(asked, FORECAST, address)
    found = {one.kpi.name: one for one in figures}
    text = (
        f"Commit accuracy is {_said(found, 'commit_accuracy')}. Of the deals in commit when the period began, "
        f"{_said(found, 'commit_win_rate')} were won; of those due in it, {_said(found, 'slip_rate')} slipped."
    )
    return Section(
        "forecast", "Forecast accuracy", (text,), figures, href=address.to("number", "commit_accuracy")
    )


def _results(asked: OpenQuestion, address: Address) -> Iterator[Section]:
    figures = _figures(asked, RESULTS, address)
    found = {one.kpi.name: one for one in figures}
    text = (
        f"{_said(found, 'won_deals')} deals were won and {_said(found, 'lost_deals')} lost: the win rate is "
        f"{_said(found, 'win_rate_count')}, by value {_said(found, 'win_rate_value')}."
    )
    tables = (
        _deals(asked, address, "won_deals", "Largest wins", OF_DEALS),
        _deals(asked, address, "lost_deals", "Largest losses", (*OF_DEALS, "loss_reason")),
        _by(asked, ("lost_deals",), "loss_reason", "Reasons of losses"),
    )
    yield Section(
        "results", "Wins and losses", (text,), figures, tables, href=address.to("number", "win_rate_count")
    )


def _deals(asked: OpenQuestion, address: Address, name: str, title: str, columns: Sequence[str]) -> Rows:
    """The largest deals behind a number."""
    kpi = asked.kpis([name])[0]
    try:
        rows = asked.rows(name, lead_side(kpi).name)
    except KpiError as error:
        return Rows(exports.Sheet(title, [], []), empty=str(error))
    currency = asked.frames.currency
    there = [c for c in columns if c in rows.columns]
    order = [rows.amount.desc(nulls_first=False)] if "amount" in rows.columns else []
    kept = ["id", *there, *(["amount"] if "amount" in rows.columns else [])]
    found = asked.execute(rows.order_by([*order, rows.id.asc()]).select(*kept).limit(MOST_DEALS)).to_pylist()
    kinds: dict[str, exports.Kind] = {"closed_on": "day"}
    made = [exports.Column(c, column_title(c), kinds.get(c, "text")) for c in there]
    if "amount" in rows.columns:
        made.append(exports.Column("amount", "Amount", "money", currency))
    return Rows(
        exports.Sheet(title, made, found),
        empty="None in this period.",
        link=lambda row: deal_href(row["id"], address.known),
    )


def _waterfall(actor: Actor, address: Address, period: Period, end: date) -> Section:
    shared = waterfall_parts.WaterfallAddress(
        replace(address, period="", as_of=None), period.first - timedelta(days=1), end, period.label
    )
    title = "Pipeline of the period"
    try:
        with open_waterfall(actor, shared.asked()) as opened:
            found = opened.waterfall()
            if opened.reason:
                return Section("waterfall", title, reason=opened.reason, href=shared.to())
            unit = (
                formats.Unit("money", opened.currency)
                if opened.currency
                else formats.Unit("number", places=2)
            )
            said = waterfall_parts.reading(
                found, unit, formats.day(opened.opening), formats.day(opened.closing)
            )
            sheet = waterfall_parts.bars_sheet(found, opened.currency)
            notes = unique([*opened.notes, *found.notes])
    except (AddressError, NotKeptError, KpiError, ValueError) as error:
        return Section("waterfall", title, reason=_sentence(error), href=href("waterfall"))
    links = {kind.title: shared.to(kind.name) for kind in waterfall_parts.BARS}
    held = [row for row in sheet.rows if row["deals"] or row["bar"] in ("Opening", "Closing")]
    return Section(
        "waterfall",
        title,
        (said, *notes),
        tables=(Rows(replace(sheet, rows=held), link=lambda row: links.get(row["bar"], "")),),
        href=shared.to(),
    )


def _pipeline(actor: Actor, then: Address, end: date) -> Iterator[Section]:
    title = "Open pipeline and its age"
    try:
        with ask(actor, then.question()) as asked:
            figures = _figures(asked, PIPELINE, then)
            found = {one.kpi.name: one for one in figures}
        own = inspection_parts.InspectionAddress(replace(then, period="", default="all"))
        with open_inspection(actor, own.shared.question()) as opened:
            sheet = inspection_files.line_sheet(opened.lines(), opened.together(), opened.frames.currency)
    except (NotKeptError, KpiError) as error:
        yield Section("pipeline", title, reason=_sentence(error))
        return
    text = (
        f"At the end of {formats.day(end)} {_said(found, 'open_deals')} deals were open, worth "
        f"{_said(found, 'open_pipeline')}; coverage is {_said(found, 'coverage')}, where "
        f"{_said(found, 'coverage_needed')} was needed."
    )
    yield Section("pipeline", title, (text,), figures, (Rows(sheet),), href=href("inspection") + own.query())


def _moved(actor: Actor, then: Address, period: Period) -> Section:
    kind: Any = period.kind if period.kind in KINDS else "quarter"
    title = "What moved"
    try:
        with ask(actor, then.question()) as asked:
            found = movements(asked, catalogue(), kind)
            currency = asked.frames.currency
    except (NotKeptError, KpiError) as error:
        return Section("moved", title, reason=_sentence(error))
    link = then.to("moved")
    at = f"{link}{'&' if '?' in link else '?'}every={kind}"
    if found.period is None:
        return Section("moved", title, reason=f"the data holds no whole {kind}", href=at)
    moved = found.of("up", "down")
    rows = [
        {
            "title": one.kpi.title,
            "name": one.kpi.name,
            "did": "rose" if one.movement.verdict == "up" else "fell",
            "value": value_text(one.kpi, one.value, currency),
            "expected": value_text(one.kpi, one.movement.expected, currency),
        }
        for one in moved
    ]
    looked = len(found.of("up", "down", "noise"))
    text = f"{len(moved)} of {looked} numbers that can be judged moved beyond noise in {found.period.title}."
    columns = [
        exports.Column("title", "Number", width=34),
        exports.Column("did", "What it did"),
        exports.Column("value", "Value"),
        exports.Column("expected", "Expected"),
    ]
    table = Rows(
        exports.Sheet("What moved", columns, rows),
        empty="Nothing moved beyond noise.",
        link=lambda row: then.to("number", row["name"]),
    )
    return Section("moved", title, (text,), tables=(table,), href=at)


def _actions(actor: Actor, asked: OpenQuestion, period: Period) -> Section:
    """Action items that were open in the period or settled in it, as they stand."""
    zone = ZoneInfo(asked.frames.firm.zone)
    found = [
        one
        for one in items(actor, asked.frames.scope, known_at=asked.frames.known_at, settled=None)
        if _open_in(period, zone, one.created_at, one.settled_at)
    ]
    rows = [
        {
            "text": one.text, "owner": one.owner_name, "due": one.due_on, "state": one.state, "note": one.note,
        }
        for one in found
    ]  # fmt: skip
    ended = [one for one in found if one.settled_at and _day(one.settled_at, zone) <= period.last]
    count = {state: sum(one.state == state for one in ended) for state in ("done", "dropped")}
    still = sum(one.settled_at is None for one in found)
    since = len(found) - len(ended) - still
    columns = [
        exports.Column("text", "Action", width=48),
        exports.Column("owner", "Owner"),
        exports.Column("due", "Due", "day"),
        exports.Column("state", "State"),
        exports.Column("note", "Remark", width=36),
    ]
    later = f" {since} settled since," if since else ""
    said = f"{count['done']} done and {count['dropped']} dropped in the period,{later} {still} open now."
    return Section(
        "actions",
        "Actions",
        (said,),
        tables=(Rows(exports.Sheet("Actions", columns, rows), empty="No action."),),
        href=href("action_items"),
    )


def _day(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()


def _open_in(period: Period, zone: ZoneInfo, created: datetime, settled: datetime | None) -> bool:
    """Whether something was there, and not settled before, on any day of a period in the firm's zone."""
    return _day(created, zone) <= period.last and (settled is None or _day(settled, zone) >= period.first)


def _findings(actor: Actor, asked: OpenQuestion, period: Period) -> Section:
    """Findings that were open in the period or settled in it, as they stand."""
    zone = ZoneInfo(asked.frames.firm.zone)
    rows = []
    for one in selectors.findings_of(actor, known_at=asked.frames.known_at):
        if _open_in(period, zone, one.row.created_at, one.settled_at):
            rows.append(
                {
                    "id": one.id, "title": one.row.title, "value": one.row.value_text, "action": one.row.action,
                    "owner": one.row.owner_name, "due": one.due_on, "state": one.state, "result": one.result,
                }
            )  # fmt: skip
    columns = [
        exports.Column("title", "Finding", width=40),
        exports.Column("value", "Value then"),
        exports.Column("action", "Action", width=36),
        exports.Column("owner", "Owner"),
        exports.Column("due", "Due", "day"),
        exports.Column("state", "State"),
        exports.Column("result", "Result", width=36),
    ]
    return Section(
        "findings",
        "Findings",
        tables=(
            Rows(
                exports.Sheet("Findings", columns, rows),
                empty="No finding that you wrote, own or were named for.",
                link=lambda row: href("finding", row["id"]),
            ),
        ),
        href=href("findings"),
    )


def _sentence(error: Exception) -> str:
    return str(error.args[0]) if error.args else str(error)


def sheets(found: Review) -> list[exports.Sheet]:
    """The review as sheets of a workbook: one a section's numbers, one a table; the first holds every number."""
    figures = [one for section in found.sections for one in section.figures]
    made = [numbers_sheet([(one.kpi, one.value) for one in figures], found.currency)]
    for section in found.sections:
        for table in section.tables:
            if table.sheet.columns:
                made.append(replace(table.sheet, rows=list(table.sheet.rows)))
    return made
