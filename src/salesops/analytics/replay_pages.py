"""What the screens of a given day said: one choice of day and page, and the way there."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from salesops.analytics.addresses import AddressError, reads_address
from salesops.analytics.selectors import catalogue
from salesops.org import known as known_at
from salesops.platform import manifest_history
from salesops.platform.actors import Actor

MOST_VERSIONS = 30
PLACES = {"home": "Home", "pipeline": "Pipeline", "numbers": "All numbers", "faults": "Faults in the data"}
"""Pages offered by name, beside each number's own."""


@require_safe
@reads_address
def replay(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Choose a day and a page; the links lead to that page as it stood that evening."""
    text = request.GET.get("day", "").strip()
    day = _day(text) if text else None
    shown = known_at.shown(known_at.read(day.isoformat())) if day else None
    context = {
        "title": "Replay a day",
        "day": day,
        "shown": shown,
        "now": day is not None and shown is None,
        "places": [{"title": title, "href": _to(reverse(name), day)} for name, title in PLACES.items()]
        if day
        else [],
        "numbers": [
            {"title": kpi.title, "href": _to(reverse("number", args=[kpi.name]), day)} for kpi in catalogue()
        ]
        if day
        else [],
        "versions": _versions(),
    }
    return render(request, "analytics/replay.html", context)


def _to(path: str, day: date | None) -> str:
    return f"{path}?{urlencode({known_at.PARAMETER: day.isoformat()})}" if day else path


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise AddressError(f"Write the day as 2026-03-31, not {text!r:.40}.") from error


def _versions() -> list[dict[str, Any]]:
    """When data came: the days on which screens changed of themselves."""
    return [
        {"version": m.id, "data_on": m.data_on, "came": m.recorded_at}
        for m in manifest_history.versions(MOST_VERSIONS)
    ]
