"""REST: the pipeline waterfall and the deals of its bars."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from salesops.analytics.api import Filters, KnownAt, RowsOut, parse_filters
from salesops.analytics.waterfall_parts import document
from salesops.analytics.waterfalls import Asked, open_waterfall
from salesops.org import known as known_at_text
from salesops.platform.rest import PageNumber, PageSize, actor_of_request, reply, scoped

router = Router(tags=["numbers"])


class BarOut(Schema):
    """One bar."""

    name: str
    title: str
    sign: int
    value: Any
    deals: int
    unknown: int


class WayOut(Schema):
    """Deals that came in by one bar and went out by another."""

    way_in: str
    way_out: str
    deals: int
    entered: Any
    left: Any


class WaterfallOut(Schema):
    """The bars between two days with everything they rest on; money as exact JSON numbers."""

    opening_on: date
    closing_on: date
    close: str
    currency: str | None
    data_date: date
    facts_version: str
    known_at: datetime | None
    reason: str
    reading: str
    bars: list[BarOut]
    ways: list[WayOut]
    residual: Any
    notes: list[str]


Opening = Annotated[
    date | None,
    Query(
        None,
        alias="from",
        description="day at whose end the opening state is read; the day before the fiscal quarter if left out",
    ),
]
Closing = Annotated[
    date | None,
    Query(
        None,
        alias="to",
        description="day at whose end the closing state is read; the data's own date if left out",
    ),
]
Close = Annotated[
    str, Query("", description="close dates that make the pipeline: 2026-Q3, a..b; all for every open deal")
]
Currency = Annotated[str, Query("", description="reporting currency; the firm's if left out")]


def _asked(
    opening: date | None,
    closing: date | None,
    close: str,
    filters: list[str] | None,
    currency: str,
    known: str,
) -> Asked:
    then = known_at_text.read(known)
    return Asked(
        opening=opening,
        closing=closing,
        close=close,
        filters=parse_filters(filters or []),
        currency=currency,
        manifest_id=then.manifest_id,
        known_at=then.known_at,
    )


@router.get("/waterfall", **scoped("numbers.read", WaterfallOut), summary="The pipeline waterfall")
def waterfall_read(
    request: HttpRequest,
    opening: Opening = None,
    closing: Closing = None,
    close: Close = "",
    filters: Filters = None,
    currency: Currency = "",
    known: KnownAt = "",
) -> HttpResponse:
    """What made the pipeline of one day into that of a later one, over the deals the token's account may see."""
    asked = _asked(opening, closing, close, filters, currency, known)
    with open_waterfall(actor_of_request(request), asked) as opened:
        return reply(document(opened))


@router.get(
    "/waterfall/{bar}/deals",
    **scoped("numbers.read", RowsOut),
    summary="The deals of one bar of the waterfall",
)
def waterfall_deals(
    request: HttpRequest,
    bar: str,
    opening: Opening = None,
    closing: Closing = None,
    close: Close = "",
    filters: Filters = None,
    currency: Currency = "",
    known: KnownAt = "",
    page: PageNumber = 1,
    size: PageSize = 100,
) -> HttpResponse:
    """Deals as they were and as they are, with what each adds to the bar; their sum is the bar."""
    asked = _asked(opening, closing, close, filters, currency, known)
    with open_waterfall(actor_of_request(request), asked) as opened:
        rows = opened.page(bar, page, size)
        return reply({"total": opened.waterfall().bars[bar].deals, "rows": rows})
