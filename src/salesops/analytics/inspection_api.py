"""REST: the inspection of the open pipeline and the deals of its lines."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from salesops.analytics.api import Filters, KnownAt, RowsOut, parse_filters
from salesops.analytics.inspection_files import document
from salesops.analytics.inspections import open_inspection
from salesops.analytics.selectors import Question
from salesops.org import known as known_at_text
from salesops.platform.rest import PageNumber, PageSize, actor_of_request, reply, scoped

router = Router(tags=["numbers"])


class InspectionOut(Schema):
    """Every line with everything it rests on; money as exact JSON numbers."""

    data_date: date
    as_of: date
    facts_version: str
    known_at: datetime | None
    period: str
    currency: str | None
    lines: list[dict[str, Any]]
    all: dict[str, Any]
    any: dict[str, Any]
    healthy: dict[str, Any]
    by_stage: list[dict[str, Any]]
    by_owner: list[dict[str, Any]]
    stages: list[dict[str, Any]]
    time_in_stage: list[dict[str, Any]]
    notes: list[str]


Close = Annotated[
    str, Query("", description="only deals expected to close in 2026-Q3, a..b; every open deal if left out")
]


def _question(period: str, filters: list[str] | None, as_of: date | None, known: str) -> Question:
    then = known_at_text.read(known)
    return Question(
        period=period,
        filters=parse_filters(filters or []),
        as_of=as_of,
        manifest_id=then.manifest_id,
        known_at=then.known_at,
    )


@router.get(
    "/inspection", **scoped("numbers.read", InspectionOut), summary="The inspection of the open pipeline"
)
def inspection_read(
    request: HttpRequest,
    period: Close = "",
    filters: Filters = None,
    as_of: date | None = None,
    known: KnownAt = "",
) -> HttpResponse:
    """What stalls, slips or sleeps among the open deals the token's account may see.

    A line that the data can't answer has a ``reason`` and no figures. How long stages usually take is told
    from the won deals of the whole firm.
    """
    with open_inspection(actor_of_request(request), _question(period, filters, as_of, known)) as opened:
        return reply(document(opened))


@router.get(
    "/inspection/{line}/deals",
    **scoped("numbers.read", RowsOut),
    summary="The deals of one line of the inspection",
)
def inspection_deals(
    request: HttpRequest,
    line: str,
    period: Close = "",
    filters: Filters = None,
    as_of: date | None = None,
    page: PageNumber = 1,
    size: PageSize = 100,
    known: KnownAt = "",
) -> HttpResponse:
    """Deals with the values that speak, largest first; ``why`` holds each flag with its evidence."""
    with open_inspection(actor_of_request(request), _question(period, filters, as_of, known)) as opened:
        opened.check(line)
        rows = [
            {**row, "why": [{"flag": title, "evidence": said} for title, said in row["why"]]}
            for row in opened.page(line, page, size)
        ]
        return reply({"total": opened.together().sums[line].deals, "rows": rows})
