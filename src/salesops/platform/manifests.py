"""The manifest log kept in the decisions' database: a row here is what makes an import visible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q, QuerySet

from salesops.facts.errors import ManifestMissing
from salesops.facts.manifests import Manifest
from salesops.platform.models import FactsManifest, Run
from salesops.platform.reading import once


def manifest_of(row: FactsManifest) -> Manifest:
    """A row of the log as the facts know it."""
    return Manifest(
        id=str(row.pk),
        versions={k: int(v) for k, v in row.versions.items()},
        recorded_at=row.recorded_at,
        data_on=row.data_on,
        note=row.note,
    )


class DatabaseManifests:
    """:class:`salesops.facts.manifests.ManifestLog` over the ``FactsManifest`` table.

    The order of ids is the order of appending, whatever clocks say. A version appended after a
    clock was set back counts as recorded when the one before it was: an instant asks for what the
    newest version was then, and that never goes back.
    """

    def __init__(self, using: str = DEFAULT_DB_ALIAS) -> None:
        self._using = using

    def _rows(self) -> QuerySet[FactsManifest]:
        return FactsManifest.objects.using(self._using)

    def everything(self) -> Iterator[Manifest]:
        """Every manifest, oldest first."""
        return (manifest_of(row) for row in self._rows().order_by("id").iterator())

    def latest(self) -> Manifest | None:
        """The newest manifest, or None before the first import."""
        found = once(("newest facts version", self._using), self._latest)
        if found is not None:
            once(("facts version", self._using, found.id), lambda: found)
        return found

    def _latest(self) -> Manifest | None:
        row = self._rows().order_by("-id").first()
        return manifest_of(row) if row else None

    def get(self, manifest_id: str | int) -> Manifest:
        """One manifest.

        Raises:
            ManifestMissing: no such manifest.
        """
        return once(("facts version", self._using, str(manifest_id)), lambda: self._get(manifest_id))

    def _get(self, manifest_id: str | int) -> Manifest:
        row = self._rows().filter(pk=int(manifest_id)).first() if str(manifest_id).isdigit() else None
        if row is None:
            message = f"There is no facts version {manifest_id}."
            raise ManifestMissing(message)
        return manifest_of(row)

    def at(self, instant: datetime) -> Manifest | None:
        """The manifest that was the newest at an instant: the last one before any that is later than it."""
        later = (
            self._rows().filter(recorded_at__gt=instant).order_by("id").values_list("id", flat=True).first()
        )
        rows = self._rows() if later is None else self._rows().filter(id__lt=later)
        row = rows.order_by("-id").first()
        return manifest_of(row) if row else None

    def since(self, instant: datetime) -> list[Manifest]:
        """Manifests recorded at or after an instant, in the order of their appending."""
        first = (
            self._rows().filter(recorded_at__gte=instant).order_by("id").values_list("id", flat=True).first()
        )
        rows = self._rows().none() if first is None else self._rows().filter(id__gte=first)
        return [manifest_of(row) for row in rows.order_by("id")]

    def append(
        self, *, versions: Mapping[str, int], recorded_at: datetime, data_on: date | None, note: str
    ) -> Manifest:
        """Make a set of table versions the newest state of the facts."""
        newest = self._latest()
        if newest is not None:
            recorded_at = max(recorded_at, newest.recorded_at)
        row = FactsManifest.objects.using(self._using).create(
            versions=dict(versions), recorded_at=recorded_at, data_on=data_on, note=note[:300]
        )
        return manifest_of(row)

    def pinned(self) -> set[str]:
        """Manifests that runs hold on to; retention must keep their files."""
        runs = Run.objects.using(self._using).filter(manifest_id__isnull=False).values("manifest_id")
        held = self._rows().filter(Q(pinned=True) | Q(pk__in=runs))
        return {str(pk) for pk in held.values_list("pk", flat=True)}
