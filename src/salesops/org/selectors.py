"""The firm and its people as of a day: decisions first, the source's own word where nothing is decided."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError

from salesops.core.calendars import FiscalCalendar
from salesops.core.lately import Lately, lately
from salesops.facts.manifests import Manifest
from salesops.facts.scope import Scope
from salesops.org.engine.hierarchy import Person, below, reports_of
from salesops.org.models import Organisation, Position
from salesops.platform import decisions
from salesops.platform.identities import real_ids
from salesops.platform.reading import once
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
        """The last instant of a day in the firm's zone: what "as of that day" means.

        It is given in that zone, since readers take the day itself from it.
        """
        zone = ZoneInfo(self.zone)
        end = datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)
        return (end - timedelta(microseconds=1)).astimezone(zone)


def firm(on: date, known_at: datetime | None = None) -> Firm:
    """Currency, zone and calendar in force on a day; UTC, calendar year and no currency by default."""

    def read() -> Firm:
        # The mark is read first: in one state a firm must never be older than the mark it is kept under.
        return decisions.kept(("firm", on, known_at), lambda: _read_firm(on, known_at))

    return once(("firm", on, known_at), read)


def _read_firm(on: date, known_at: datetime | None) -> Firm:
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
    state = (manifest.id, manifest.recorded_at) if manifest else None
    key = ("people", state, on, known_at)
    return dict(decisions.kept(key, lambda: _read_people(manifest, on, known_at), _positions))


_positions: Lately[Hashable, Any] = Lately(8)
"""Everyone's position on a day: thousands of people each, so few of them."""

_decided: Lately[Hashable, tuple[Position, ...]] = Lately(4)
"""The positions that were decided, on a day."""


def _read_people(manifest: Manifest | None, on: date, known_at: datetime | None) -> dict[str, Person]:
    store = fact_store()
    real = real_ids("users", manifest) if manifest else {}
    by_id: dict[str, Person] = {}
    if manifest:
        past = _instant_before(manifest, on, known_at)
        by_id = dict(_people_in_facts(str(store.address), manifest.id, manifest.recorded_at, on, past))
    # Kept apart from the facts: there are thousands, and new facts leave them as they are.
    rows = decisions.kept(
        ("positions", on, known_at),
        lambda: tuple(decisions.in_force(Position, on, known_at=known_at).values()),
        _decided,
    )
    # What was decided for a name that stood for a person goes before nothing decided for the person.
    for row in sorted(rows, key=lambda r: r.person_id not in real):
        person_id = real.get(row.person_id, row.person_id)
        base = by_id.get(person_id) or Person(id=person_id, name=person_id)
        by_id[person_id] = Person(
            id=base.id,
            name=base.name,
            email=base.email,
            is_active=base.is_active,
            manager_id=real.get(row.manager_id, row.manager_id),
            team=row.team or base.team,
            region=row.region or base.region,
            role=row.role or base.role,
            decided=True,
        )
    return by_id


def _instant_before(manifest: Manifest, on: date, known_at: datetime | None) -> datetime | None:
    """The end of a day that lies before the facts' own date: people are read as they stood then."""
    if on == date.min or manifest.data_on is None or on >= manifest.data_on:
        return None
    return firm(on, known_at).day_end(on)


@lately(32)
def _people_in_facts(
    address: str, manifest_id: str, recorded_at: datetime, on: date, past: datetime | None
) -> tuple[tuple[str, Person], ...]:
    """Everyone in the users facts; a name that stands for somebody described is that person."""
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
        "deleted_on",
    ]
    store = fact_store()
    real = real_ids("users", store.manifests.get(manifest_id))
    with store.at(manifest_id=manifest_id, as_of=past) as facts:
        users = facts.read("users", Scope.all(), deleted=True, later=True)
        rows = facts.execute(users.select(*wanted)).to_pylist()
    return tuple(
        (
            row["id"],
            Person(
                id=row["id"],
                name=row["name"] or row["id"],
                email=row["email"] or "",
                manager_id=real.get(row["manager_id"], row["manager_id"]) or "",
                team=row["team"] or "",
                region=row["region"] or "",
                role=row["role"] or "",
                is_active=row["is_active"] is not False
                and row["deleted_on"] is None
                and (row["left_on"] is None or row["left_on"] >= on),
            ),
        )
        for row in rows
        if row["id"] not in real
    )


def person_meant(people: dict[str, Person], text: str, what: str) -> Person:
    """The one person of an id, a name or an e-mail address, as somebody typed it.

    Args:
        people: id -> person.
        text: as typed.
        what: what it names, for the refusal of an empty text.

    Raises:
        ValidationError: it is empty, nobody's or ambiguous.
    """
    wanted = text.strip()
    if not wanted:
        raise ValidationError(f"The {what} is empty.")
    if wanted in people:
        return people[wanted]
    matches = [p for p in people.values() if wanted.casefold() in (p.name.casefold(), p.email.casefold())]
    if not matches:
        raise ValidationError(f"No person has the id, name or e-mail {wanted!r}.")
    if len(matches) > 1:
        ids = ", ".join(p.id for p in matches)
        raise ValidationError(f"{wanted!r} is ambiguous: {ids}. Use the id.")
    return matches[0]


def visible_people(person_id: str, on: date) -> frozenset[str]:
    """Row-scope provider: everyone below a person in the hierarchy of a day."""
    store = fact_store()
    manifest = store.manifests.latest()
    state = (manifest.id, manifest.recorded_at) if manifest else ("", None)
    return below(_reports(str(store.address), *state, decisions.high_water_mark(), on), person_id)


@lately(16)
def _reports(
    address: str, manifest_id: str, recorded_at: datetime | None, mark: str, on: date
) -> dict[str, list[str]]:
    """Direct reports by manager on a day: the same for everybody until facts or decisions change."""
    return reports_of(people(on))
