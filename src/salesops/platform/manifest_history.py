"""The manifest log as people ask it: which version came next, which ones brought data, which first covered a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from django.db import connection
from django.db.models import Q

from salesops.core.lately import Lately
from salesops.facts.manifests import Manifest
from salesops.platform.manifests import DatabaseManifests, manifest_of
from salesops.platform.models import FactsManifest
from salesops.platform.reading import is_one_state
from salesops.platform.store import fact_store

HOUSEKEEPING = " joined"
"""How the note of a version ends that joined files and brought no data."""

_listed: Lately[tuple[object, ...], tuple[Manifest, ...]] = Lately(16)


def first() -> Manifest | None:
    """The version of the first import, None before it."""
    row = FactsManifest.objects.order_by("id").first()
    return manifest_of(row) if row else None


def following(manifest_id: str) -> Manifest | None:
    """The version appended next, None for the newest."""
    row = FactsManifest.objects.filter(pk__gt=int(manifest_id)).order_by("id").first()
    return manifest_of(row) if row else None


def first_covering(day: date) -> Manifest | None:
    """The first version whose data reaches a day, None while none does."""
    row = FactsManifest.objects.filter(data_on__gte=day).order_by("id").first()
    return manifest_of(row) if row else None


def versions(most: int, *, upto: str | None = None) -> Sequence[Manifest]:
    """Versions that brought data, newest first: a joining of files is told with the version it joined.

    Args:
        most: how many at most.
        upto: none newer than this one.
    """

    def read(upto: str | None) -> tuple[Manifest, ...]:
        rows = FactsManifest.objects.exclude(Q(note__startswith="files of ") & Q(note__endswith=HOUSEKEEPING))
        if upto is not None:
            rows = rows.filter(pk__lte=int(upto))
        return tuple(manifest_of(row) for row in rows.order_by("-id")[:most])

    if not is_one_state() or connection.in_atomic_block:
        return read(upto)
    newest = DatabaseManifests().latest()
    if newest is None:
        return ()
    # The frame around every page asks. The log is only ever appended to, so its newest row stands for all of it.
    last = newest.id if upto is None else upto
    return _listed.made(
        (str(fact_store().address), newest.id, newest.recorded_at, most, last), lambda: read(last)
    )


def said_last(manifest: Manifest) -> datetime | None:
    """The last instant at which a version was the newest; None while it is."""
    newer = following(manifest.id)
    return None if newer is None else just_before(newer.recorded_at, manifest.recorded_at)


def just_before(instant: datetime, not_before: datetime) -> datetime:
    """The instant before another one; never earlier than ``not_before``, where clocks went back."""
    return max(instant - timedelta(microseconds=1), not_before)


def pinned_text(manifest_id: str | int | None, instant: datetime) -> str:
    """How an address says one facts version with the decisions recorded by an instant."""
    text = instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    return f"v{manifest_id}@{text}" if manifest_id else text
