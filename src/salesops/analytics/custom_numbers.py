"""The numbers people defined, as decisions in force, and as declarations like those of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType

import ibis.expr.schema as sch

from salesops.analytics.engine.custom import Definition, Part
from salesops.analytics.engine.custom_kpis import Definitions, impossible
from salesops.analytics.engine.kpi import Kpi
from salesops.analytics.models import CustomKpi
from salesops.core.calendars import FiscalCalendar
from salesops.org import selectors as org
from salesops.platform.decisions import high_water_mark, in_force
from salesops.platform.reading import once
from salesops.platform.registries import kpi_definitions
from salesops.platform.selectors import data_day


def definition_of_row(row: CustomKpi) -> Definition:
    """A decision as the engine's type."""
    bottom = None
    if row.bottom_measure:
        bottom = Part(row.bottom_measure, row.bottom_of, row.bottom_rule)  # type: ignore[arg-type]
    return Definition(
        name=row.subject,
        title=row.title,
        sentence=row.sentence,
        top=Part(row.measure, row.of, row.rule),  # type: ignore[arg-type]
        bottom=bottom,
        dated_by=row.dated_by,
        unit=row.unit,  # type: ignore[arg-type]
        direction=row.direction,  # type: ignore[arg-type]
        owner=row.owner or row.author_name,
    )


def _all_in_force(day: date, known_at: datetime | None = None) -> dict[str, CustomKpi]:
    return once(
        ("own numbers", day, known_at, high_water_mark()),
        lambda: in_force(CustomKpi, day, known_at=known_at),
    )


def rows_in_force(on: date | None = None, known_at: datetime | None = None) -> dict[str, CustomKpi]:
    """Decisions in force on a day (the data's own date where none is given), by name; read once a request.

    Those whose name is one of the catalogue's are left out: :func:`rows_overshadowed`.
    """
    rows = _all_in_force(on or data_day(), known_at)
    return {name: row for name, row in rows.items() if name not in kpi_definitions}


def rows_overshadowed() -> list[CustomKpi]:
    """Decisions in force that count for nothing, because the catalogue has a number of that name by now."""
    rows = _all_in_force(data_day())
    return [rows[name] for name in sorted(rows) if name in kpi_definitions]


def rows_to_come() -> dict[str, CustomKpi]:
    """Decisions that begin after the data's own date, by name: the first of each number not defined yet."""
    day = data_day()
    return once(("own numbers to come", day, high_water_mark()), lambda: _to_come(day))


def _to_come(day: date) -> dict[str, CustomKpi]:
    found: dict[str, CustomKpi] = {}
    now = rows_in_force(day)
    for start in starts_after(day):
        for name, row in rows_in_force(start).items():
            if name not in now:
                found.setdefault(name, row)
    return found


def starts_after(day: date) -> list[date]:
    """Later days on which some own number begins to mean something else, or ends."""
    later = CustomKpi.objects.filter(draft=False, starts_on__gt=day).order_by("starts_on")
    return list(later.values_list("starts_on", flat=True).distinct())


def definitions(on: date | None = None, known_at: datetime | None = None) -> Mapping[str, Definition]:
    """Definitions in force on a day, by name; a number of the catalogue is never replaced by one."""
    rows = rows_in_force(on, known_at)
    return MappingProxyType({name: definition_of_row(rows[name]) for name in sorted(rows)})


def built_in(name: str) -> Kpi | None:
    """A number of the catalogue, or None."""
    return kpi_definitions.get(name) if name in kpi_definitions else None


def in_words(name: str) -> Kpi:
    """A defined number as of now: its names and words, without looking at the data.

    One that is still to come has no value and says from when it counts.

    Raises:
        KeyError: nobody defined it.
    """
    today = data_day()
    found = definitions(today)
    if name not in found and (row := rows_to_come().get(name)) is not None:
        return _yet_to_come(row)
    return Definitions(found, built_in, org.firm(today).calendar, today).kpi(name)


def all_in_words() -> list[Kpi]:
    """Every defined number as of now, by title."""
    today = data_day()
    found = definitions(today)
    if not found:
        return []
    made = Definitions(found, built_in, org.firm(today).calendar, today)
    return sorted((made.kpi(name) for name in found), key=lambda kpi: (kpi.title.casefold(), kpi.name))


def over_data(
    name: str, schema: sch.Schema, calendar: FiscalCalendar, on: date, known_at: datetime | None
) -> Kpi:
    """A defined number as it was decided on a day, compiled against the data of then.

    Where it was not defined yet on that day it has no value, and says so.

    Raises:
        KeyError: nobody defined it, then or now.
    """
    found = definitions(on, known_at)
    if name in found:
        return Definitions(found, built_in, calendar, on, schema).kpi(name)
    later = definitions().get(name)
    if later is None and (row := rows_to_come().get(name)) is not None:
        return _yet_to_come(row)
    if later is None:
        known = ", ".join(sorted([*kpi_definitions, *found])) or "none"
        message = f"no KPI named {name!r}; known: {known}"
        raise KeyError(message)
    return impossible(later, f"nobody had defined this number by {on.isoformat()}")


def _yet_to_come(row: CustomKpi) -> Kpi:
    return impossible(definition_of_row(row), f"this number counts from {row.starts_on:%Y-%m-%d} on")


def users_of(name: str, start: date | None) -> list[str]:
    """Titles of the defined numbers that would lack a number ended from a day on; of later ones also the day.

    Args:
        name: of the number.
        start: day from which it would be over; None for always. A later decision that defines it anew stands.
    """
    if name in kpi_definitions:
        return []  # they are made of the catalogue's
    begin, today = start or date.min, data_day()
    found: dict[str, str] = {}
    for day in (begin, *starts_after(begin)):
        rows = rows_in_force(day)
        anew = rows.get(name)
        if anew is not None and (anew.starts_on or date.min) > begin:
            continue
        for user, row in sorted(rows.items()):
            if name in definition_of_row(row).made_of:
                later = row.starts_on is not None and row.starts_on > today
                found.setdefault(user, f"{row.title} (from {row.starts_on})" if later else row.title)
    return list(found.values())
