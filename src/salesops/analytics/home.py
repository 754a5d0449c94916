"""What Home shows, read for one reader: tiles with their past, splits, deals that matter, what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.analytics import belongings
from salesops.analytics.choices import Extent
from salesops.analytics.engine.dimensions import period_dimension
from salesops.analytics.engine.frames import TIMELESS
from salesops.analytics.engine.kpi import KpiValue
from salesops.analytics.event_inputs import counted_column
from salesops.analytics.kept import remembered
from salesops.analytics.records import judge_of
from salesops.analytics.selectors import OpenQuestion, kpis
from salesops.core.calendars import Period
from salesops.facts.days import local_date
from salesops.platform import manifest_history
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.roles import Role
from salesops.quality.engine.rules import Finding
from salesops.quality.selectors import faults_over

FLOWS = ("won_value", "win_rate_count", "average_deal_size", "sales_cycle_median")
"""Numbers of a period: their past is one value a period."""

STOCKS = ("open_pipeline", "open_deals")
BESIDE = ("won_deals", "coverage_needed", "coverage", "quota", "quota_attainment")
TILES = (*FLOWS, *STOCKS, *BESIDE)
POINTS = 8
"""Periods of a sparkline."""

SOON = 14
"""Days within which an expected close is near."""


def by_name(values: Sequence[KpiValue]) -> dict[str, KpiValue]:
    """Totals by the KPI's name."""
    return {value.name: value for value in values}


@dataclass(frozen=True)
class Before:
    """The same numbers earlier.

    Attributes:
        values: by name.
        words: what they are compared with: ``the first 52 days of Q3 2017`` or ``Q3 2017``.
    """

    values: dict[str, KpiValue]
    words: str


def before(asked: OpenQuestion) -> Before | None:
    """The tiles at the same number of days into the previous period; None for all the data.

    A finished period is compared with the whole of the one before.
    """
    period, today = asked.period, asked.frames.as_of
    if period is None or period.first > today:
        return None
    calendar = asked.frames.firm.calendar
    previous = calendar.shift(period, -1)
    if today >= period.last:
        return Before(
            by_name(asked.over(previous, deals_only=True).values((*FLOWS, *STOCKS))), previous.title
        )
    until = calendar.same_day_of(period, previous, today)
    part = calendar.to_date(previous, until)
    days = (until - previous.first).days + 1
    words = f"the first {days} days of {previous.title}" if part != previous else previous.title
    return Before(by_name(asked.over(part, deals_only=True).values((*FLOWS, *STOCKS))), words)


@dataclass(frozen=True)
class Past:
    """Periods, oldest first, and each number's value in them; None where it is undefined."""

    periods: list[Period]
    values: dict[str, list[int | Decimal | None]]


def past(asked: OpenQuestion, names: Sequence[str], found: Extent, points: int = POINTS) -> Past:
    """The last periods of the asked one's kind up to it, by one query over the closing date.

    Periods before the first dated deal are left out: there is nothing to draw there.
    """
    calendar, today = asked.frames.firm.calendar, asked.frames.as_of
    last = _last_period(asked)
    periods = [last]
    while len(periods) < points and found.first is not None and periods[0].first > found.first:
        periods.insert(0, calendar.shift(periods[0], -1))
    first_day, last_day = periods[0].first, min(periods[-1].last, max(today, periods[-1].first))
    whole = calendar.parse(f"{first_day}..{last_day}")
    dated = {kpi.dated_by for kpi in kpis(names)}
    values: dict[str, list[int | Decimal | None]] = {}
    for column in sorted(dated):
        if not column:
            continue
        split = period_dimension(calendar, last.kind, column, first_day, last_day)
        own = [kpi.name for kpi in kpis(names) if kpi.dated_by == column]
        made = asked.over(whole, split, deals_only=True).values(own)
        found_at = {(v.name, v.group[split.name]): v.value for v in made}
        for name in own:
            values[name] = [found_at.get((name, p.label)) for p in periods]
    stocks = [kpi.name for kpi in kpis(names) if not kpi.dated_by]
    if stocks:
        key = ("stocks", tuple(stocks), tuple(periods), repr(asked.filters), *asked.records_key(stocks))
        values |= remembered(key, lambda: _past_stocks(asked, stocks, periods))
    return Past(periods, values)


FIRM_ORDER = ("region", "team", "manager_name", "owner_name")
"""Columns a firm's numbers are split by, best first."""


def past_of(asked: OpenQuestion, name: str, found: Extent, points: int = POINTS) -> Past:
    """One number's last periods: by one query where its date places every row, else period by period."""
    kpi = kpis([name])[0]
    frames = {kpi.frame, *(side.frame for side in kpi.sides)}
    if (
        len(frames) == 1
        and frames <= TIMELESS
        and kpi.placed
        and (kpi.dated_by or kpi.sides[0].measure.kind in ("sum", "count"))
    ):
        return past(asked, [name], found, points)
    periods = past(asked, [], found, points).periods
    return Past(periods, {name: [asked.over(p).values([name])[0].value for p in periods]})


def _last_period(asked: OpenQuestion) -> Period:
    """The asked period where it is one of the calendar, else the quarter that holds the day."""
    period = asked.period
    if period is not None and period.kind in ("year", "half", "quarter", "month", "week"):
        return period
    day = asked.frames.as_of if period is None else min(period.last, asked.frames.as_of)
    return asked.frames.firm.calendar.period("quarter", day)


def _past_stocks(
    asked: OpenQuestion, names: Sequence[str], periods: Sequence[Period]
) -> dict[str, list[int | Decimal | None]]:
    """Stocks at the end of each period, by one query: one column a number and period."""
    what = ("stocks", tuple(names), tuple(periods)) if all(map(asked.reads_records, names)) else ()
    row = asked.over_deals(what, lambda: _stocks_of(asked, names, periods)).to_pylist()[0]
    return {name: [row[f"{name}_{place}"] for place in range(len(periods))] for name in names}


def _stocks_of(asked: OpenQuestion, names: Sequence[str], periods: Sequence[Period]) -> ir.Table:
    """One column a number and period."""
    rows = asked.frame("deals")
    wanted: dict[str, Any] = {}
    for name in names:
        side = kpis([name])[0].sides[0]
        for place, period in enumerate(periods):
            hits = side.where(rows, replace(asked.context, period=period))
            money = side.measure.kind == "sum"
            wanted[f"{name}_{place}"] = rows[side.measure.column].sum(where=hits) if money else hits.sum()
    return rows.agg(**wanted)


def split_order(actor: Actor) -> Sequence[str]:
    """Columns that Home splits a reader's numbers by, best first."""
    return ("owner_name",) if actor.role == Role.SALES_MANAGER else FIRM_ORDER


def sees_data(actor: Actor) -> bool:
    """Whether Home shows a reader what waits to be done to the data."""
    return "data" in ORDER[actor.role] and may(actor, "import.view")


ORDER: dict[str, tuple[str, ...]] = {
    Role.REP: ("tiles", "deals", "charts", "changes"),
    Role.SALES_MANAGER: ("tiles", "charts", "deals", "changes"),
    Role.OPS_REPRESENTATIVE: ("data", "tiles", "charts", "deals"),
    Role.OPS_ANALYST: ("tiles", "data", "charts", "deals"),
    Role.OPS_MANAGER: ("tiles", "charts", "data", "changes", "deals"),
    Role.OPS_VP: ("tiles", "changes", "charts", "deals", "data"),
    Role.ADMINISTRATOR: ("tiles", "charts", "data", "changes", "deals"),
    Role.AUDITOR: ("tiles", "charts", "changes", "deals"),
}
"""What each persona reads first, from top to bottom."""


def split_column(found: Extent, wanted: str, order: Sequence[str]) -> str:
    """The column Home splits by: the one asked for, else the first of several members."""
    if wanted in found.members:
        return wanted
    return next((name for name in order if len(found.members[name]) > 1), "owner_name")


NOT_HERE = frozenset({"DQ12", "DQ27U"})
"""Rules whose flag the page tells once for all deals instead of at each."""


def deals_that_matter(
    asked: OpenQuestion, *, own: bool, most: int = 10
) -> tuple[list[dict[str, Any]], list[str]]:
    """Open deals worth a look, each with why; and what holds for every one of them.

    Largest first, by amount or its labelled estimate. A rep's own list starts with what is due.
    """
    key = ("matter", own, most, asked.period, repr(asked.filters), *asked.records_key(["open_deals"]))
    return remembered(key, lambda: _deals_that_matter(asked, own=own, most=most))


def _deals_that_matter(
    asked: OpenQuestion, *, own: bool, most: int
) -> tuple[list[dict[str, Any]], list[str]]:
    rules = judge_of(asked.frames)
    judge, key, values = rules.shared()

    def flagged() -> ir.Table:
        rows = asked.rows("open_deals", "open")
        worth = ibis.coalesce(rows.amount, rows.amount_estimate)
        order = [worth.desc(nulls_first=False), rows.created_on.asc(nulls_first=False), rows.id.asc()]
        if own:
            order.insert(0, rows.expected_close_on.asc(nulls_first=False))
        names = [
            "id", "name", "account_name", "owner_name", "stage", "amount", "amount_estimate", "created_on",
            "expected_close_on", "closed_on", "owner_id", "product_name", "product_id",
        ]  # fmt: skip
        return rows.order_by(order).select(*names, **judge.columns(rows)).limit(most)

    asked.listable("open_deals", "open")
    found = asked.over_deals(("matter", own, most, key), flagged, values).to_pylist()
    pushed = belongings.pushes(asked.frames, [row["id"] for row in found])
    for row in found:
        row["flags"] = [
            *timing(row, asked.frames.as_of, pushed.get(row["id"], 0)),
            *(
                (f.word, f.tone, f"{f.evidence} {f.fix}")
                for f in rules.of(row, evidence=True)
                if f.code not in NOT_HERE
            ),
        ]
        row["worth"] = row["amount"] if row["amount"] is not None else row["amount_estimate"]
        row["estimated"] = row["amount"] is None and row["amount_estimate"] is not None
    common = (
        set.intersection(*({flag[0] for flag in row["flags"]} for row in found)) if len(found) > 3 else set()
    )
    shared = [flag[0] for flag in found[0]["flags"] if flag[0] in common] if common else []
    for row in found:
        row["flags"] = [flag for flag in row["flags"] if flag[0] not in common]
    return found, shared


def timing(row: dict[str, Any], today: date, pushed: int) -> list[tuple[str, str, str]]:
    """What the calendar says of a deal that no rule of data quality does: (word, tone, sentence)."""
    flags = []
    due = row["expected_close_on"]
    if due is not None and 0 <= (due - today).days <= SOON:
        left = (due - today).days
        word = "Closes today" if not left else f"Closes in {left} day{'' if left == 1 else 's'}"
        flags.append((word, "info", f"It is expected to close on {due.isoformat()}."))
    if pushed:
        tone = "bad" if pushed > 2 else "warn"
        flags.append((f"Pushed {pushed}×", tone, f"Its close date was moved later {pushed} times."))
    return flags


KINDS = {
    "created": "Created",
    "moved": "Moved to another open stage",
    "won": "Won",
    "lost": "Lost",
    "slipped": "Close date moved later",
    "pulled": "Close date moved earlier",
    "amount": "Amount changed",
}
"""Kinds of change that Home counts."""

LOGGED = frozenset({"moved", "slipped", "pulled", "amount"})
"""Kinds that only a change log tells."""


@dataclass(frozen=True)
class Window:
    """The days whose changes are told.

    Attributes:
        after: the day before the first.
        last: the last day.
        words: what the window is.
    """

    after: date
    last: date
    words: str


def window(asked: OpenQuestion) -> Window:
    """Since the data of the previous import; the last seven days of the data where there was none."""
    today = asked.frames.as_of
    shown = asked.frames.facts.manifest
    for manifest in manifest_history.versions(200, upto=shown.id if shown else None):
        if manifest.data_on is not None and manifest.data_on < today:
            return Window(
                manifest.data_on, today, f"since the data of {manifest.data_on:%b} {manifest.data_on.day}"
            )
    return Window(today - timedelta(days=7), today, "in the last 7 days of the data")


def _instant(when: datetime) -> ir.TimestampScalar:
    return ibis.literal(when, type="timestamp('UTC')")


def changes_of(asked: OpenQuestion, inside: Window, kind: str = "") -> ir.Table:
    """One row per deal and kind of change in a window: id, kind, day, old, new.

    Won and lost go by the stage a deal entered where a change log tells it, else by its close date.
    """
    deals = asked.frame("deals")
    first, last = ibis.literal(inside.after, type="date"), ibis.literal(inside.last, type="date")
    text = ibis.null("string")
    parts = []

    def add(rows: ir.Table, name: str, day: Any, old: Any = text, new: Any = text) -> None:
        if kind in ("", name):
            parts.append(rows.select(id=rows.id, kind=ibis.literal(name), day=day, old=old, new=new))

    inside_days = lambda day: (day > first) & (day <= last)  # noqa: E731
    created = deals.filter(inside_days(deals.created_on))
    add(created, "created", created.created_on)
    for name in ("won", "lost"):
        closed = deals.filter(deals.stage_class == name, inside_days(deals.closed_on))
        add(closed, name, closed.closed_on, new=closed.stage)
    if "changes" in asked.frames.facts.tables():
        # Guarded below, by the reader's own deals.
        log = asked.frames.facts.changes(asked.frames.scope.through_parent(), object="opportunities")
        # In every zone these instants hold the days asked for: files of other months need not be read.
        earliest = datetime.combine(inside.after, time.min, UTC)
        latest_at = datetime.combine(inside.last + timedelta(days=2), time.min, UTC)
        log = log.filter(log.valid_at >= _instant(earliest), log.valid_at < _instant(latest_at))
        log = log.mutate(day=local_date(log.valid_at, asked.frames.firm.zone))
        log = log.filter(inside_days(log.day), log.new != log.old)
        counts, amounts = counted_column(asked.frames, deals)
        still = deals.filter(deals.stage_class == "open").select("id", counts=counts)
        log = log.inner_join(still, log.object_id == still.id)
        closing = ["close_on", "expected_close_on"]
        for name, fields in (
            ("moved", ["stage"]), ("slipped", closing), ("pulled", closing), ("amount", amounts)
        ):  # fmt: skip
            rows = log.filter(log.field.isin(fields))
            if fields == closing:  # ISO days compare as text
                rows = rows.filter(rows.new > rows.old if name == "slipped" else rows.new < rows.old)
            if fields == amounts:
                rows = rows.filter(rows.field == rows.counts)
            latest = (
                rows.group_by("object_id")
                .agg(
                    on=rows.day.max(), old=rows.old.argmin(rows.valid_at), new=rows.new.argmax(rows.valid_at)
                )
                .rename(id="object_id")
            )
            add(latest, name, latest.on, latest.old, latest.new)
    if not parts:
        return deals.limit(0).select(id=deals.id, kind=text, day=deals.created_on, old=text, new=text)
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def change_counts(asked: OpenQuestion, inside: Window) -> dict[str, int]:
    """Deals by kind of change; every kind is there, those of the change log only where there is one."""
    key = ("changes", inside.after, inside.last, repr(asked.filters), *asked.records_key())
    return remembered(key, lambda: _change_counts(asked, inside))


def _change_counts(asked: OpenQuestion, inside: Window) -> dict[str, int]:
    logged = "changes" in asked.frames.facts.tables()
    log = belongings.the_same_to_many(asked.frames, "changes") if logged else ("none",)

    def counted() -> ir.Table:
        rows = changes_of(asked, inside)
        return rows.group_by("kind").agg(n=rows.count())

    found = asked.over_deals(("changes", inside.after, inside.last, *log) if log else (), counted)
    counts = {row["kind"]: row["n"] for row in found.to_pylist()}
    return {kind: counts.get(kind, 0) for kind in KINDS if logged or kind not in LOGGED}


def top_faults(asked: OpenQuestion, most: int = 5) -> list[Finding]:
    """The findings that weigh most: by severity, then by rows at fault."""
    key = ("faults", *asked.records_key())
    found = remembered(key, lambda: [f for f in faults_over(asked.frames).findings() if f.faulty])
    order = ("critical", "high", "medium", "low")
    return sorted(found, key=lambda f: (order.index(f.rule.severity), -f.faulty))[:most]
