"""How old the newest data is, for the frame around every page: the one place that asks for today's real date."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import timezone

from salesops.org import selectors as org
from salesops.platform.manifests import DatabaseManifests
from salesops.ui.shell import DataAge


def data_age(request: HttpRequest) -> DataAge | None:
    """The newest manifest's data date against today in the firm's zone; None before the first import."""
    manifest = DatabaseManifests().latest()
    if manifest is None:
        return None
    data_on = manifest.data_on or manifest.recorded_at.date()
    zone = ZoneInfo(org.firm(data_on).zone)
    return DataAge(data_on=data_on, today=timezone.now().astimezone(zone).date())
