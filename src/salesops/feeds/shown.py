"""Feeds as pages and REST show them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from salesops.feeds import inputs


def addresses(request: HttpRequest, secret: str) -> dict[str, str]:
    """The addresses of a feed by form, and the formula of a sheet."""
    path = reverse("feed", args=[f"{secret}.csv"])
    csv = f"{settings.BASE_URL}{path}" if settings.BASE_URL else request.build_absolute_uri(path)
    stem = csv.removesuffix("csv")
    return {"csv": csv, "json": f"{stem}json", "xlsx": f"{stem}xlsx", "formula": f'=IMPORTDATA("{csv}")'}


def line(row: Any) -> dict[str, Any]:
    """One feed as lists show it."""
    state = "Revoked" if row.ended_at else "Expired" if row.expires <= timezone.now() else "Live"
    question = inputs.FeedQuestion(row.kind, row.query, row.number)
    return {"row": row, "state": state, "words": inputs.words(question)}
