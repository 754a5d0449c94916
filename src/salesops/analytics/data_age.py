"""How old the newest data is, for the frame around every page: the one place that asks for today's real date."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import timezone

from salesops.facts.manifests import Manifest
from salesops.org import selectors as org
from salesops.platform import manifest_history
from salesops.platform.manifests import DatabaseManifests
from salesops.ui.shell import DataAge

MOST_VERSIONS = 12
"""Facts versions that the time picker offers."""


def versions(request: HttpRequest) -> list[Manifest]:
    """The facts versions a reader may look back to, newest first; which files they came from is not told."""
    return list(manifest_history.versions(MOST_VERSIONS))


def data_age(request: HttpRequest) -> DataAge | None:
    """The newest manifest's data date against today in the firm's zone; None before the first import."""
    back = getattr(request, "as_known", None)
    if back is not None:  # who looks back sees the age that the data had on that day
        return DataAge(data_on=back.data_on, today=back.day) if back.data_on else None
    manifest = DatabaseManifests().latest()
    if manifest is None:
        return None
    data_on = manifest.data_on or manifest.recorded_at.date()
    zone = ZoneInfo(org.firm(data_on).zone)
    return DataAge(data_on=data_on, today=timezone.now().astimezone(zone).date())
