"""The manifest log kept in the decisions' database: a row here is what makes an import visible."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from salesops.facts.errors import ManifestMissing
from salesops.facts.manifests import Manifest
from salesops.platform.models import FactsManifest


def _value(row: FactsManifest) -> Manifest:
    return Manifest(
        id=str(row.pk),
        versions={k: int(v) for k, v in row.versions.items()},
        recorded_at=row.recorded_at,
        data_on=row.data_on,
        note=row.note,
    )


class DatabaseManifests:
    """:class:`salesops.facts.manifests.ManifestLog` over the ``FactsManifest`` table."""

    def latest(self) -> Manifest | None:
        """The newest manifest, or None before the first import."""
        row = FactsManifest.objects.order_by("-id").first()
        return _value(row) if row else None

    def get(self, manifest_id: str | int) -> Manifest:
        """One manifest.

        Raises:
            ManifestMissing: no such manifest.
        """
        row = (
            FactsManifest.objects.filter(pk=int(manifest_id)).first() if str(manifest_id).isdigit() else None
        )
        if row is None:
            message = f"There is no facts version {manifest_id}."
            raise ManifestMissing(message)
        return _value(row)

    def at(self, instant: datetime) -> Manifest | None:
        """The newest manifest recorded at or before an instant."""
        row = FactsManifest.objects.filter(recorded_at__lte=instant).order_by("-id").first()
        return _value(row) if row else None

    def recent(self, most: int) -> list[Manifest]:
        """The newest manifests, newest first."""
        return [_value(row) for row in FactsManifest.objects.order_by("-id")[:most]]

    def since(self, instant: datetime) -> list[Manifest]:
        """Manifests recorded at or after an instant, in the order of their appending."""
        return [_value(row) for row in FactsManifest.objects.filter(recorded_at__gte=instant).order_by("id")]

    def append(
        self, *, versions: Mapping[str, int], recorded_at: datetime, data_on: date | None, note: str
    ) -> Manifest:
        """Make a set of table versions the newest state of the facts."""
        row = FactsManifest.objects.create(
            versions=dict(versions), recorded_at=recorded_at, data_on=data_on, note=note[:300]
        )
        return _value(row)

    def pinned(self) -> set[str]:
        """Manifests that runs hold on to; retention must keep their files."""
        return {str(pk) for pk in FactsManifest.objects.filter(pinned=True).values_list("pk", flat=True)}
