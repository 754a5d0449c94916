"""The firm and its people as of a day: decisions first, the source's own word where nothing is decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from salesops.core.calendars import FiscalCalendar
from salesops.facts.scope import Scope
from salesops.org.engine.hierarchy import Person, subtree
from salesops.org.models import Organisation, Position
from salesops.platform import decisions
from salesops.platform.store import fact_store


@dataclass(frozen=True)
class Firm:
    """The organisation as of a day. ``decided`` is False while the defaults speak."""

    name: str
    currency: str
    zone: str
    calendar: FiscalCalendar
    decided: bool

    def day_end(self, day: date) -> datetime:
        """The last instant of a day in the firm's zone, in UTC: what "as of that day" means."""
        return datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(self.zone)).astimezone(
            UTC
        ) - timedelta(microseconds=1)


def firm(on: date, known_at: datetime | None = None) -> Firm:
    """Currency, zone and calendar in force on a day; UTC, calendar year and no currency by default."""
    row = decisions.in_force(Organisation, on, known_at=known_at).get("organisation")
    return _firm(row if row is not None else Organisation(), decided=row is not None)


def _firm(row: Organisation, *, decided: bool) -> Firm:
    return Firm(
        name=row.name,
        currency=row.currency,
        zone=row.zone,
        calendar=FiscalCalendar(
            start_month=row.fiscal_start_month,
            pattern=row.calendar_pattern,
            week_start=row.week_start,
            year_named_by=row.year_named_by,
        ),
        decided=decided,
    )


def people(on: date, manifest_id: str | None = None, known_at: datetime | None = None) -> dict[str, Person]:
    """Everyone known, by id, with position as of a day.

    Args:
        on: the day the positions are asked for.
        manifest_id: facts version; the newest where None.
        known_at: only decisions recorded by then.
    """
    store = fact_store()
    manifest = store.manifests.get(manifest_id) if manifest_id is not None else store.manifests.latest()
    by_id = dict(_people_in_facts(str(store.address), manifest.id, on)) if manifest else {}
    for row in decisions.in_force(Position, on, known_at=known_at).values():
        base = by_id.get(row.person_id) or Person(id=row.person_id, name=row.person_id)
        by_id[row.person_id] = Person(
            id=base.id,
            name=base.name,
            email=base.email,
            is_active=base.is_active,
            manager_id=row.manager_id,
            team=row.team or base.team,
            region=row.region or base.region,
            role=row.role or base.role,
            decided=True,
        )
    return by_id


@lru_cache(maxsize=32)
def _people_in_facts(address: str, manifest_id: str, on: date) -> tuple[tuple[str, Person], ...]:
    wanted = [
        "id",
        "name",
        "email",
        "manager_id",
        "manager_name",
        "team",
        "region",
        "role",
        "is_active",
        "left_on",
    ]
    with fact_store().at(manifest_id=manifest_id) as facts:
        rows = facts.execute(facts.read("users", Scope.all()).select(*wanted)).to_pylist()
    return tuple(
        (
            row["id"],
            Person(
                id=row["id"],
                name=row["name"] or row["id"],
                email=row["email"] or "",
                manager_id=row["manager_id"] or "",
                team=row["team"] or "",
                region=row["region"] or "",
                role=row["role"] or "",
                is_active=row["is_active"] is not False and (row["left_on"] is None or row["left_on"] >= on),
            ),
        )
        for row in rows
    )


def visible_people(person_id: str, on: date) -> frozenset[str]:
    """Row-scope provider: everyone below a person in the hierarchy of a day."""
    return subtree(people(on), person_id)
