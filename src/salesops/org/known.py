"""When something was known: what the address parameter ``known_at`` means, the same at every door.

``2026-03-31`` is the end of that day in the firm's zone, ``2026-03-31T18:00`` an instant there (or with
an offset of its own), ``v12`` facts version 12 as it was last shown, ``v12@2026-03-31T18:00`` that
version with the decisions recorded by then. Nothing is "as known now".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

from salesops.facts.errors import ManifestMissing
from salesops.org import selectors as org
from salesops.platform import manifest_history
from salesops.platform.manifests import DatabaseManifests
from salesops.platform.reading import once

PARAMETER = "known_at"
_VERSION = re.compile(r"^v(\d{1,12})(?:@(.+))?$")
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")


class KnownError(ValueError):
    """A ``known_at`` that can't be read; the message says what to write."""


@dataclass(frozen=True)
class Known:
    """What was known when.

    Attributes:
        text: as it stands in an address; "" for now.
        known_at: facts and decisions recorded by then; None for everything known now.
        manifest_id: the facts version where one was named; None for the newest of that instant.
    """

    text: str = ""
    known_at: datetime | None = None
    manifest_id: str | None = None

    @property
    def now(self) -> bool:
        """Whether this is what is known now: nothing was asked, or an instant that is still to come."""
        return self.known_at is None and self.manifest_id is None


NOW = Known()


def read(text: str) -> Known:
    """What a ``known_at`` asks for.

    Raises:
        KnownError: it can't be read, or there is no such facts version.
    """
    text = text.strip()
    return NOW if not text or text.lower() == "now" else once(("known", text), lambda: _read(text))


def _read(text: str) -> Known:
    version = _VERSION.match(text)
    if version:
        return _of_version(text, version.group(1), version.group(2))
    instant = _instant(text)
    return Known(text) if instant >= timezone.now() else Known(text, instant)


def _of_version(text: str, number: str, instant: str | None) -> Known:
    try:
        manifest = DatabaseManifests().get(number)
    except ManifestMissing as error:
        raise KnownError(str(error)) from error
    if instant is not None:
        return Known(text, _instant(instant), manifest.id)
    last = manifest_history.said_last(manifest)
    # The newest version is what is known now, decisions included, until the next one comes.
    return Known(text) if last is None else Known(text, last, manifest.id)


def _instant(text: str) -> datetime:
    try:
        if _DAY.match(text):
            return day_end(date.fromisoformat(text))
        if text[10:11] not in ("T", " "):
            raise ValueError(text)
        # A plus sign that nobody encoded arrives as a space.
        moment = datetime.fromisoformat(re.sub(r"(?<=\d) (\d\d:\d\d)$", r"+\1", text[:10] + "T" + text[11:]))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(org.firm(moment.date()).zone))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise KnownError(
            f"{text!r:.60} says no time at which something was known. Write a day such as 2026-03-31, "
            "an instant such as 2026-03-31T18:00, or a facts version such as v12."
        ) from error


def day_end(day: date) -> datetime:
    """The last instant of a day in the firm's zone."""
    return org.firm(day).day_end(day).astimezone(UTC)


def at(instant: datetime) -> Known:
    """What was known at an instant, under the text that says it in an address."""
    text = manifest_history.pinned_text(None, instant)
    return Known(text) if instant >= timezone.now() else Known(text, instant.astimezone(UTC))


def pinned(manifest_id: str | int | None, instant: datetime) -> Known:
    """One facts version with the decisions recorded by an instant, exactly: what a run rests on."""
    text = manifest_history.pinned_text(manifest_id, instant)
    return Known(text, instant, str(manifest_id) if manifest_id else None)


@dataclass(frozen=True)
class Shown:
    """What the frame of a page says of a reader who looks back.

    Attributes:
        text: the ``known_at`` in force.
        instant: until when facts and decisions were recorded.
        zone: the firm's zone, in which the instant is told.
        version: the facts version, "" before the first import.
        data_on: that version's data date, None before the first import.
        came: when the version was brought in.
        day: the day of the instant in the firm's zone.
    """

    text: str
    instant: datetime
    zone: ZoneInfo
    version: str
    data_on: date | None
    came: datetime | None
    day: date


def shown(known: Known) -> Shown | None:
    """What to say of it above a page; None for what is known now."""
    if known.known_at is None:
        return None
    log = DatabaseManifests()
    manifest = log.get(known.manifest_id) if known.manifest_id else log.at(known.known_at)
    zone = ZoneInfo(org.firm(known.known_at.date()).zone)
    return Shown(
        text=known.text,
        instant=known.known_at,
        zone=zone,
        version=manifest.id if manifest else "",
        data_on=(manifest.data_on or manifest.recorded_at.date()) if manifest else None,
        came=manifest.recorded_at if manifest else None,
        day=known.known_at.astimezone(zone).date(),
    )
