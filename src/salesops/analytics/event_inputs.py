"""What happened to deals, and beside them, as the frames that KPI declarations read: made from facts and decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from salesops.analytics.engine import paces, work
from salesops.analytics.engine.journeys import CLOSE_FIELDS, PATH, Journeys, StageMap, StageStep
from salesops.analytics.kept import of_everybody, remembered, state_key
from salesops.core.calendars import Period
from salesops.facts.bound import bound
from salesops.facts.days import local_date
from salesops.facts.scope import Scope
from salesops.process.engine.deals import people_table
from salesops.process.inputs import Frames, amount_columns, deals_of, in_firm_currency

Maker = Callable[[], "ir.Table | None"]

_ALL_DAYS = (date(1900, 1, 1), date(1899, 12, 31))
"""First day of all the data, and the last one before it."""


def event_frames(frames: Frames, period: Period | None) -> dict[str, Maker]:
    """Name -> maker of each frame that the data can give; see ``engine.frames.GRAIN``."""
    tables = frames.facts.tables()
    makers: dict[str, Maker] = {"customers": partial(_customers, frames)}
    if "changes" in tables:
        makers |= {
            "created_amounts": partial(_created_amounts, frames),
            "stage_visits": lambda: journeys(frames).visits(),
            "stage_entries": lambda: journeys(frames).entries(),
            "stage_presence": lambda: journeys(frames).presence(period),
            "standing": partial(_standing, frames, period),
            "close_moves": partial(_close_moves, frames),
        }
        if period is not None:
            makers["opening"] = partial(_opening, frames, period)
    if period is not None:
        makers["calendar"] = partial(_calendar, frames, period)
    if "activities" in tables:
        makers["activities"] = partial(_activities, frames)
        makers["selling_time"] = lambda: work.selling_time(_activities(frames))
        if period is not None:
            makers["people"] = partial(_people, frames, period)
    if "leads" in tables:
        makers["leads"] = partial(_leads, frames)
    if "spend" in tables and frames.scope.everything:
        # Spend is the firm's as a whole: set against some of its deals it would say nothing.
        makers["spend"] = partial(_spend, frames, period)
    if {"invoices", "orders"} & set(tables):
        makers["revenue"] = partial(_revenue, frames, period)
    return makers


def journeys(frames: Frames) -> Journeys:
    """The deals over time, for one reader."""
    steps = [StageStep(m.pipeline, m.stage, m.stage_class, m.position) for m in frames.stages]
    return Journeys(
        deals=frames.deals,
        changes=frames.facts.changes(frames.scope, object="opportunities"),
        steps=StageMap.of(steps),
        local_date=_local(frames),
        as_of=frames.as_of,
        log_start=log_start(frames),
    )


def log_start(frames: Frames) -> date | None:
    """Day of the firm's first change of a stage, in its zone; None where the log has none.

    Of the whole firm, whoever asks: how far back the log reaches does not depend on whose deals are read.
    """
    return remembered(("log start", *state_key(of_everybody(frames))), lambda: _log_start(frames))


def _log_start(frames: Frames) -> date | None:
    if "changes" not in frames.facts.tables():
        return None
    changes = frames.facts.changes(Scope.all(), object="opportunities")
    moved = changes.filter(changes.field == "stage")
    first = moved.agg(first=_local(frames)(moved.valid_at).min())
    return frames.facts.execute(first).to_pylist()[0]["first"]  # type: ignore[no-any-return]


def usual_paces(frames: Frames, day: date) -> Mapping[paces.Place, paces.Usual]:
    """How long stays in each stage usually took, of the deals of the whole firm that were won by a day.

    Everybody's, whoever asks: one person has too few won deals, and a percentile over at least ``paces.FLOOR``
    stays tells of no single one. The limit is all that a reader learns.
    """
    return remembered(("paces", day, *state_key(of_everybody(frames))), lambda: _usual_paces(frames, day))


def _usual_paces(frames: Frames, day: date) -> Mapping[paces.Place, paces.Usual]:
    if log_start(frames) is None:
        return {}
    deals = deals_of(frames, Scope.all()).select(*PATH)
    changes = frames.facts.changes(Scope.all(), object="opportunities")
    over = replace(journeys(frames), deals=deals, changes=changes)
    # One query for every day: a number is asked for many periods.
    made_of = (deals.op(), changes.op(), frames.firm.zone, repr(over.steps.table.to_pylist()), over.log_start)
    rows = frames.facts.execute_known(
        ("won stays", *made_of),
        lambda: paces.won_stays(over.visits(), bound("day", "date")),
        values={"day": day},
    )
    return paces.usual(rows.to_pylist())


def _standing(frames: Frames, period: Period | None) -> ir.Table:
    stock = frames.as_of if period is None else min(period.last, frames.as_of)
    return journeys(frames).standing(period, usual_paces(frames, stock))


def _local(frames: Frames) -> Callable[[ir.TimestampValue], ir.DateValue]:
    return lambda instant: local_date(instant, frames.firm.zone)


def _persons(frames: Frames) -> ir.Table:
    return ibis.memtable(people_table(frames.people.values()))


def _customers(frames: Frames) -> ir.Table:
    return work.customers(frames.deals)


def _opening(frames: Frames, period: Period) -> ir.Table:
    amounts = _logged_amounts(
        frames, frames.deals, lambda t: t.day >= ibis.literal(period.first, type="date")
    )
    return journeys(frames).opening(period.first, amounts)


def _calendar(frames: Frames, period: Period) -> ir.Table | None:
    last = min(period.last, frames.as_of)
    return None if last < period.first else ibis.memtable(work.calendar_days(period.first, last))


def _activities(frames: Frames) -> ir.Table:
    rows = frames.facts.read("activities", frames.scope)
    return work.activities(rows, _persons(frames), frames.deals, _local(frames), frames.as_of)


def _people(frames: Frames, period: Period) -> ir.Table | None:
    """Everybody who ever logged an activity, with his working days of the period so far."""
    last = min(period.last, frames.as_of)
    if last < period.first:
        return None
    found = remembered(
        ("working people", period, *state_key(frames)), lambda: _working_people(frames, period.first, last)
    )
    return ibis.memtable(found)


def _working_people(frames: Frames, first: date, last: date) -> pa.Table:
    rows = frames.facts.read("activities", frames.scope)
    owners = frames.facts.execute(work.people_of(rows, _persons(frames)).order_by("owner_id")).to_pylist()
    wanted = {row["owner_id"] for row in owners}
    present: dict[str, work.Presence] = {}
    if "users" in frames.facts.tables():
        # Everybody's days in the firm, but no more columns than the reader may see.
        users = frames.facts.read("users", Scope(everything=True, masked=frames.scope.masked))
        known = frames.facts.execute(users.select("id", "hired_on", "left_on")).to_pylist()
        present = {
            row["id"]: work.Presence(row["hired_on"], row["left_on"]) for row in known if row["id"] in wanted
        }
    return work.working_people(owners, present, first, last)


def _leads(frames: Frames) -> ir.Table:
    rows = frames.facts.read("leads", frames.scope)
    if "activities" in frames.facts.tables():
        acts = _activities(frames)
    else:
        acts = ibis.memtable(_NO_TOUCH)
    return work.leads(rows, acts, _persons(frames), frames.deals, _local(frames))


_NO_TOUCH = pa.table(
    {
        "is_human": pa.array([], pa.bool_()),
        "took_place": pa.array([], pa.bool_()),
        "is_inbound": pa.array([], pa.bool_()),
        "lead_id": pa.array([], pa.string()),
        "starts_at": pa.array([], pa.timestamp("us", "UTC")),
    }
)


def _before(frames: Frames, period: Period | None) -> tuple[Period, Period]:
    """The period asked for and the one before it; all the data has nothing before it."""
    calendar = frames.firm.calendar
    if period is None:
        first, last = _ALL_DAYS
        now = calendar.parse(f"{first.isoformat()}..{max(frames.as_of, first).isoformat()}")
        return now, calendar.parse(f"{last.isoformat()}..{last.isoformat()}")
    if period.kind != "custom":
        return period, calendar.shift(period, -1)
    last = period.first - timedelta(days=1)
    first = last - (period.last - period.first)
    return period, calendar.parse(f"{first.isoformat()}..{last.isoformat()}")


def _in_firm_currency(frames: Frames, rows: ir.Table, day: ir.DateValue) -> ir.Table:
    """Rows with ``amount`` in the firm's currency, at the rate stored for a day of theirs."""
    return in_firm_currency(frames, rows.mutate(source_amount=rows.amount, closed_on=day))


def _spend(frames: Frames, period: Period | None) -> ir.Table:
    rows = frames.facts.read("spend", frames.scope)
    return work.spend(_in_firm_currency(frames, rows, rows.month_on), *_before(frames, period))


def _revenue(frames: Frames, period: Period | None) -> ir.Table:
    name, day = ("invoices", "issued_on") if "invoices" in frames.facts.tables() else ("orders", "ordered_on")
    rows = frames.facts.read(name, frames.scope)
    billed = _in_firm_currency(frames, rows, rows[day])
    return work.revenue(
        billed.select("account_id", "amount", on=billed[day]),
        frames.facts.read("accounts", frames.scope),
        _persons(frames),
        *_before(frames, period),
    )


def _close_moves(frames: Frames) -> ir.Table | None:
    """Moves of close dates; None where the log has none of any deal: then nobody knows whether one moved."""
    if not CLOSE_FIELDS & set(frames.facts.changed_fields("opportunities")):
        return None
    return journeys(frames).close_moves(frames.firm.calendar)


def _created_amounts(frames: Frames) -> ir.Table:
    """Amount at the end of the creation day in the firm's currency, for deals whose change log reaches back to it.

    The log reaches back where the source's own history has a row for the deal. The amount then is
    what stood before the first change of the amount after that day, or today's where none came.
    """
    changes = frames.facts.changes(frames.scope, object="opportunities")
    logged = changes.filter(changes.source == "history").select(object_id=changes.object_id).distinct()
    known = frames.deals.semi_join(logged, frames.deals.id == logged.object_id)
    return _logged_amounts(frames, known, lambda t: t.day > t.created_on)


def counted_column(frames: Frames, deals: ir.Table) -> tuple[ir.StringValue, list[str]]:
    """The column whose amount counts for each deal, and all such columns there are.

    As for the deals themselves: a rule whose column holds no figures gives way to the plain amount.
    """
    schema = frames.deals.schema()
    rules = [
        r if r.column in schema and schema[r.column].is_numeric() else replace(r, column="amount")
        for r in amount_columns(frames)
    ]
    fallback = next((r.column for r in rules if r.deal_kind == "all"), "amount")
    typed = [r for r in rules if r.deal_kind != "all" and r.type_values]
    counts: ir.StringValue = ibis.literal(fallback)
    if typed:
        counts = ibis.cases(
            *((deals.type.isin(list(r.type_values)), r.column) for r in typed), else_=fallback
        )
    return counts, sorted({fallback, *(r.column for r in typed)})


def _logged_amounts(
    frames: Frames, known: ir.Table, is_later: Callable[[ir.Table], ir.BooleanValue]
) -> ir.Table:
    """``id`` and ``amount`` in the firm's currency, before the first change of the amount that is later.

    Args:
        frames: the reader's frames.
        known: the deals asked about; one without a later change keeps today's amount.
        is_later: which changes came after the time asked about; sees ``day`` and the columns of the deal.
    """
    changes = frames.facts.changes(frames.scope, object="opportunities")
    counts, columns = counted_column(frames, known)
    deals = known.select("id", "created_on", "closed_on", "currency", "source_amount", counts=counts)
    amounts = changes.filter(changes.field.isin(columns))
    amounts = amounts.mutate(day=local_date(amounts.valid_at, frames.firm.zone))
    later = amounts.join(deals, amounts.object_id == deals.id).filter(
        lambda t: is_later(t) & (t.field == t.counts)
    )
    # The empty text stands for "no amount yet" so that argmin does not skip it.
    first = later.group_by("object_id").agg(before=later.old.fill_null("").argmin(later.valid_at))
    joined = deals.left_join(first, deals.id == first.object_id)
    found = joined.select(
        id=joined.id,
        currency=joined.currency,
        closed_on=joined.closed_on,
        source_amount=joined.before.isnull().ifelse(
            joined.source_amount, joined.before.nullif(ibis.literal("")).cast("decimal(19,4)")
        ),
    )
    return in_firm_currency(frames, found).select("id", "amount")
