"""REST: people compared fairly."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from ninja import Query, Router, Schema

from salesops.analytics.addresses import read
from salesops.analytics.api import TeamName
from salesops.analytics.selectors import ask
from salesops.performance import cards
from salesops.performance.inputs import comparison
from salesops.platform.rest import actor_of_request, reply, scoped

router = Router(tags=["numbers"])


class ComparedOut(Schema):
    """One person beside what others made of the same work; null with a reason where it can't be told."""

    person_id: str
    name: str
    team: str
    units: int
    raw: Any
    effect_of_territory: Any
    effect_of_tenure: Any
    adjusted: Any
    others: Any
    low: Any
    high: Any
    place: int | None
    place_adjusted: int | None
    verdict: Literal["above", "below", "noise", "unknown"]
    said: str


class FairComparisonOut(Schema):
    """Everybody the caller may see, and what the comparison rests on."""

    period: str
    measure: str
    currency: str
    people: int
    territory: list[str]
    reason: str
    reading: str
    notes: list[str]
    rows: list[ComparedOut]


@router.get(
    "/fair-comparison",
    **scoped("numbers.read", FairComparisonOut),
    summary="Reps side by side, adjusted for territory and tenure",
)
def fair_comparison(
    request: HttpRequest,
    period: str = "year",
    measure: Literal["win_rate", "value_per_deal", "value_per_month"] = "win_rate",
    team: TeamName = "",
    known_at: Annotated[str, Query(max_length=64)] = "",
) -> HttpResponse:
    """What each person's result would be on everybody else's mix of work, and what adjusting added."""
    query = urlencode({"period": period, "team": team, "known_at": known_at})
    with ask(actor_of_request(request), read(QueryDict(query)).question()) as asked:
        found = comparison(asked, measure)
        currency = asked.frames.currency
        notes = [*asked.frames.notes, *found.notes]
    rows = [
        {
            "person_id": row["id"],
            "name": row["name"],
            "team": row["team"],
            "units": row["units"],
            "raw": row["raw"],
            "effect_of_territory": row["territory"],
            "effect_of_tenure": row["tenure"],
            "adjusted": row["adjusted"],
            "others": row["theirs"],
            "low": row["low"],
            "high": row["high"],
            "place": row["rank_raw"],
            "place_adjusted": row["rank"],
            "verdict": row["verdict"],
            "said": row["said"],
        }
        for row in cards.lines(found, measure, currency)
    ]
    return reply(
        {
            "period": found.period.label,
            "measure": measure,
            "currency": currency,
            "people": found.everybody,
            "territory": list(found.territory),
            "reason": found.reason,
            "reading": cards.reading(found, measure),
            "notes": notes,
            "rows": rows,
        }
    )
