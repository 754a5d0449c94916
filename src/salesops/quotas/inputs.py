"""Quota decisions and people's dates as the frames that quota KPIs read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from salesops.analytics.engine.kpi import Context
from salesops.analytics.kept import of_everybody, records_key, remembered, state_key
from salesops.core.calendars import Period
from salesops.core.money import Rounding, round_decimal
from salesops.facts.scope import Scope
from salesops.process.inputs import Frames, deals_of
from salesops.quotas import selectors
from salesops.quotas.engine.attainment import attainment_frame
from salesops.quotas.engine.ramp import Given, ramp_of, won_by_month

_OWNER = [
    (name, pa.string())
    for name in ("owner_id", "owner_name", "manager_id", "manager_name", "team", "region", "role")
]
_SCHEMA = pa.schema(
    [
        *_OWNER,
        ("quota", pa.decimal128(19, 4)),
        ("fte_months", pa.decimal128(19, 6)),
        ("is_overlay", pa.bool_()),
    ]
)


def quotas_frame(frames: Frames, period: Period | None) -> ir.Table | None:
    """One row per visible owner with a quota in the period; None where nobody has one.

    A quota counts whole where its own period lies inside the one asked for. Where the period asked
    for is a part of the quota's (a month of a quarter), it counts by its share of days. No day counts
    twice: with quotas for a year and for its quarters, the period asked for decides which are read.
    """
    if period is None:
        return None
    rows, foreign = remembered(("quotas", period, *state_key(frames)), lambda: _quotas(frames, period))
    _note_foreign(frames, foreign)
    return None if rows is None else ibis.memtable(rows)


def _note_foreign(frames: Frames, foreign: frozenset[str]) -> None:
    """Say which quotas are left out for their currency."""
    if foreign:
        note = f"Quotas in {', '.join(sorted(foreign))} are left out: they are not in {frames.currency}."
        if note not in frames.notes:
            frames.notes.append(note)


def _labels(frames: Frames, person_id: str) -> dict[str, object]:
    """A person's row as far as it says who he is."""
    person = frames.people.get(person_id)
    manager = frames.people.get(person.manager_id) if person else None
    return {
        "owner_id": person_id,
        "owner_name": person.name if person else person_id,
        "manager_id": person.manager_id or None if person else None,
        "manager_name": manager.name if manager else None,
        "team": person.team or None if person else None,
        "region": person.region or None if person else None,
        "role": person.role or None if person else None,
    }


def _quotas(frames: Frames, period: Period) -> tuple[pa.Table | None, frozenset[str]]:
    """The rows, and the currencies of quotas that are left out."""
    amounts: dict[str, Fraction] = {}
    foreign: set[str] = set()
    given: dict[str, dict[str, tuple[Period, selectors.QuotaRow]]] = {}
    for label, rows in selectors.quotas_by_period(frames.as_of, frames.known_at).items():
        own = frames.firm.calendar.parse(label)
        if not _share(own, period):
            continue
        # What was decided for a person's name goes before what was decided for the person.
        for row in sorted(rows, key=lambda q: q.person_id not in frames.persons):
            person_id = frames.persons.get(row.person_id, row.person_id)
            if _visible(frames.scope, person_id):
                given.setdefault(person_id, {})[label] = (own, row)
    for person_id, quotas in given.items():
        for own, row in _once(list(quotas.values()), period):
            if row.currency and frames.currency and row.currency != frames.currency:
                foreign.add(row.currency)
                continue
            share = Fraction(row.amount) * _share(own, period)
            amounts[person_id] = amounts.get(person_id, Fraction(0)) + share
    if not amounts:
        return None, frozenset(foreign)
    worked = _days_worked(frames, period, set(amounts))
    columns: dict[str, list[object]] = {name: [] for name in _SCHEMA.names}
    for person_id, amount in sorted(amounts.items()):
        values = _labels(frames, person_id) | {
            "quota": round_decimal(amount, 4, Rounding.HALF_UP),
            "fte_months": worked.get(person_id),
            "is_overlay": False,
        }
        for name, value in values.items():
            columns[name].append(value)
    return pa.table(columns, schema=_SCHEMA), frozenset(foreign)


def _share(own: Period, asked: Period) -> Fraction:
    if asked.first <= own.first and own.last <= asked.last:
        return Fraction(1)
    if own.first <= asked.first and asked.last <= own.last:
        return Fraction(asked.days, own.days)
    return Fraction(0)


def _once(
    quotas: list[tuple[Period, selectors.QuotaRow]], asked: Period
) -> list[tuple[Period, selectors.QuotaRow]]:
    """Quotas of one person that together count no day twice.

    The one of the very period asked for stands alone; else those inside it, longer ones first; else
    the shortest around it.
    """

    def order(item: tuple[Period, selectors.QuotaRow]) -> tuple[bool, int, date]:
        own = item[0]
        inside = asked.first <= own.first and own.last <= asked.last
        return (not inside, -own.days if inside else own.days, own.first)

    taken: list[tuple[Period, selectors.QuotaRow]] = []
    for own, row in sorted(quotas, key=order):
        if not any(own.first <= other.last and other.first <= own.last for other, _ in taken):
            taken.append((own, row))
    return taken


def _visible(scope: Scope, person_id: str) -> bool:
    return scope.sees_owner(person_id)


def _days_worked(frames: Frames, period: Period, wanted: set[str]) -> dict[str, Decimal]:
    """Months of the period each person was in the firm; the whole period where no date says otherwise.

    Nobody's where the dates are hidden from the reader: the months would tell them.
    """
    if frames.scope.masks("users", "hired_on") or frames.scope.masks("users", "left_on"):
        return {}
    dates = _dates(frames)
    months = Fraction(len(frames.firm.calendar.periods("month", period.first, period.last)))
    return {
        person: round_decimal(months * _present(dates.get(person, (None, None)), period), 6, Rounding.HALF_UP)
        for person in wanted
    }


def _dates(frames: Frames) -> dict[str, tuple[date | None, date | None]]:
    """Person -> first and last day in the firm, of all who have one: read once for every reader, and never shown."""
    key = ("people's dates", *records_key(of_everybody(frames)))

    def read() -> dict[str, tuple[date | None, date | None]]:
        users = frames.facts.read("users", Scope.all())
        dated = users.filter(users.hired_on.notnull() | users.left_on.notnull())
        rows = frames.facts.execute(dated.select("id", "hired_on", "left_on"))
        return {row["id"]: (row["hired_on"], row["left_on"]) for row in rows.to_pylist()}

    return remembered(key, read)


def _present(dates: tuple[date | None, date | None], period: Period) -> Fraction:
    first = max(dates[0] or period.first, period.first)
    last = min(dates[1] or period.last, period.last)
    return Fraction(max((last - first).days + 1, 0), period.days)


def attainment(frames: Frames, period: Period | None) -> ir.Table | None:
    """Won amounts against quotas, one row per owner; None where nobody has a quota in the period."""
    quotas = quotas_frame(frames, period)
    if quotas is None:
        return None
    context = Context(period=period, as_of=frames.as_of, today=frames.today)
    return attainment_frame({"deals": frames.deals, "quotas": quotas}, context)


_RAMP = pa.schema(
    [
        *_OWNER,
        ("hired_on", pa.date32()),
        ("left_on", pa.date32()),
        ("full_quota", pa.decimal128(19, 4)),
        ("months", pa.int64()),
        ("reached", pa.bool_()),
        ("before_data", pa.bool_()),
    ]
)


def ramp(frames: Frames, period: Period | None) -> ir.Table | None:
    """One row per visible person with a start date, whatever the period; None where nobody has one.

    Read from the quotas in force and the deals won on the day asked for; see :mod:`salesops.quotas.engine.ramp`.
    """
    rows, foreign = remembered(("ramp", *state_key(frames)), lambda: _ramp(frames))
    _note_foreign(frames, foreign)
    return None if rows is None else ibis.memtable(rows)


def _ramp(frames: Frames) -> tuple[pa.Table | None, frozenset[str]]:
    dates = _employed(frames)
    if not dates:
        return None, frozenset()
    given, foreign = _given(frames, set(dates))
    starts = pa.table(
        {"owner_id": list(dates), "hired_on": [hired for hired, _ in dates.values()]},
        schema=pa.schema([("owner_id", pa.string()), ("hired_on", pa.date32())]),
    )
    everything = Context(period=None, as_of=frames.as_of, today=frames.today)
    won: dict[str, dict[int, Decimal]] = {}
    for row in frames.facts.execute(
        won_by_month(frames.deals, ibis.memtable(starts), everything)
    ).to_pylist():
        won.setdefault(row["owner_id"], {})[row["month"]] = row["won"] or Decimal(0)
    first = _first_deal(frames)
    columns: dict[str, list[object]] = {name: [] for name in _RAMP.names}
    for person_id, (hired, left) in sorted(dates.items()):
        end = min(left or frames.as_of, frames.as_of)
        own = given.get(person_id, ())
        found = ramp_of(hired, end, own, won.get(person_id, {}), first, frames.firm.calendar)
        values = _labels(frames, person_id) | {
            "hired_on": hired,
            "left_on": left,
            "full_quota": found.full_quota,
            "months": found.months,
            "reached": found.reached,
            "before_data": found.before_data,
        }
        for name, value in values.items():
            columns[name].append(value)
    return pa.table(columns, schema=_RAMP), foreign


def _employed(frames: Frames) -> dict[str, tuple[date, date | None]]:
    """Visible person -> first day, and last one where it is known, of those who had started by the day asked for."""
    # The day itself says when it holds: a file of people that came later tells it of earlier days, too.
    users = frames.facts.read("users", Scope.all(), later=True)
    rows = frames.facts.execute(
        users.filter(users.hired_on.notnull()).select("id", "hired_on", "left_on")
    ).to_pylist()
    return {
        row["id"]: (row["hired_on"], row["left_on"])
        for row in sorted(rows, key=lambda row: row["id"])
        if row["hired_on"] <= frames.as_of and _visible(frames.scope, row["id"])
    }


def _given(frames: Frames, wanted: set[str]) -> tuple[dict[str, list[Given]], frozenset[str]]:
    """Quotas of people, and the currencies of those that are left out."""
    calendar = frames.firm.calendar
    found: dict[str, list[Given]] = {}
    foreign: set[str] = set()
    for row in selectors.quotas(frames.as_of, frames.known_at):
        person_id = frames.persons.get(row.person_id, row.person_id)
        if person_id not in wanted:
            continue
        if row.currency and frames.currency and row.currency != frames.currency:
            foreign.add(row.currency)
            continue
        own = calendar.parse(row.period)
        months = len(calendar.periods("month", own.first, own.last))
        found.setdefault(person_id, []).append(Given(own.first, own.last, max(months, 1), row.amount))
    return found, frozenset(foreign)


def _first_deal(frames: Frames) -> date | None:
    """Day of the first deal that anybody knows: a newcomer who sees his own alone started no later for it."""
    deals = deals_of(frames, Scope.all())
    row = frames.facts.execute(
        deals.agg(created=deals.created_on.min(), closed=deals.closed_on.min())
    ).to_pylist()[0]
    return min((day for day in row.values() if day is not None), default=None)
