"""REST: stated against actual win shares."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from ninja import Query, Router, Schema
from pydantic import Field

from salesops.analytics import calibration_parts as parts
from salesops.analytics.addresses import read
from salesops.analytics.api import TeamName
from salesops.analytics.calibrations import calibration
from salesops.analytics.selectors import ask
from salesops.platform.rest import actor_of_request, reply, scoped

router = Router(tags=["numbers"])


class StatedOut(Schema):
    """One group of deals; the last row is their total."""

    group: str | None
    name: str
    open_then: int
    decided: int
    won: int
    stated: Any
    actual: Any
    low: Any
    high: Any
    verdict: str


class CalibrationOut(Schema):
    """Deals open on a day, what was stated of them, and what became of them."""

    on: date
    by: str
    reading: str
    reason: str
    mean_distance: Any
    brier: Any
    brier_of_overall_share: Any
    rows: list[StatedOut]
    notes: list[str]


@router.get(
    "/calibration", **scoped("numbers.read", CalibrationOut), summary="Stated against actual win shares"
)
def calibrated(
    request: HttpRequest,
    on: date | None = None,
    by: Annotated[str, Field(max_length=40)] = "probability",
    team: TeamName = "",
    filter_: Annotated[list[str], Query(alias="filter", max_length=20)] = [],  # noqa: B006 - ninja reads it
    known_at: Annotated[str, Query(max_length=64)] = "",
) -> HttpResponse:
    """Deals that the caller saw open at the end of a day, by default of the third last quarter."""
    query = urlencode({"filter": filter_, "team": team, "known_at": known_at}, doseq=True)
    actor, address = actor_of_request(request), read(QueryDict(query), default="all")
    with ask(actor, address.question()) as asked:
        found = calibration(actor, asked, address, on, by)
        notes = list(asked.frames.notes)
    rows = [
        {
            "group": row["group"],
            "name": row["name"],
            "open_then": row["open_then"],
            "decided": row["decided"],
            "won": row["won"],
            "stated": row["said"],
            "actual": row["actual"],
            "low": row["low"],
            "high": row["high"],
            "verdict": row["verdict"],
        }
        for row in parts.rows(found, by)
    ]
    return reply(
        {
            "on": found.on,
            "by": by,
            "reading": parts.reading(found),
            "reason": found.reason,
            "mean_distance": found.error.mean,
            "brier": found.error.brier,
            "brier_of_overall_share": found.error.baseline,
            "rows": rows,
            "notes": notes,
        }
    )
