"""REST: feeds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from salesops.analytics import views_services
from salesops.feeds import inputs, selectors, services
from salesops.feeds.shown import addresses, line
from salesops.platform import idempotency
from salesops.platform.access import NotAllowedError, require
from salesops.platform.api import Body
from salesops.platform.rest import Number, actor_of_request, found, reply, scoped
from salesops.platform.token_scopes import covers

router = Router(tags=["feeds"])
Query = Annotated[str, Field(max_length=8_000)]


class FeedOut(Schema):
    """One feed of the caller; its address is told once, when it is made."""

    id: int
    name: str
    kind: str
    number: str
    query: str
    gives: str
    separator: str
    state: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    uses: int


class FeedMadeOut(FeedOut):
    """A feed that was made, with its addresses by form: nobody is told them again."""

    addresses: dict[str, str]


class FeedIn(Body):
    """A feed to make: of a saved view, of the list as an address asks it, or of a number."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    view_id: int | None = Field(None, description="a saved view; its question is kept as it is now")
    number: Annotated[str, Field(max_length=80)] = Field("", description="name of a KPI")
    query: Query = Field("", description="query string of the list's, or of the number's, address")
    days: int | None = Field(None, description="how long it lasts; null for the most that is allowed")
    separator: Literal["comma", "semicolon"] = "comma"


def _out(row: Any) -> dict[str, Any]:
    told = line(row)
    names = ("name", "kind", "number", "query", "separator", "created_at", "expires_at", "revoked_at")
    found_values = {name: getattr(row, name) for name in (*names, "last_used_at", "uses")}
    ends = {"revoked_at": row.ended_at, "expires_at": row.expires}
    return {"id": row.pk, "gives": told["words"], "state": told["state"].lower(), **found_values, **ends}


@router.get("/feeds", **scoped("feeds.read", list[FeedOut]), summary="One's own feeds")
def feed_list(request: HttpRequest) -> HttpResponse:
    """Newest first, those that are over too."""
    actor = actor_of_request(request)
    require(actor, services.MAKE)
    return reply([_out(row) for row in selectors.feeds_of(actor)])


@router.post("/feeds", **scoped("feeds.write", FeedMadeOut, 201), summary="Make a feed")
def feed_create(request: HttpRequest, body: FeedIn) -> HttpResponse:
    """Whoever has one of the addresses reads the caller's rows, with the rights the caller has then."""
    actor = actor_of_request(request)
    require(actor, services.MAKE)
    _within(request.api_token, body)
    question = inputs.FeedQuestion("number" if body.number else "list", body.query, body.number)
    if body.view_id is not None:
        views = views_services.views(actor)
        view = found(next((v for v in views if v.id == body.view_id), None), "view")
        question = inputs.FeedQuestion("list", view.query)
    row, secret = services.feed_create(
        actor=actor,
        name=body.name,
        question=question,
        days=body.days,
        separator=body.separator,
        token=request.api_token,
    )
    told = addresses(request, secret)
    answer = reply(_out(row) | {"addresses": {form: told[form] for form in ("csv", "json", "xlsx")}}, 201)
    answer["Cache-Control"] = "no-store"
    setattr(answer, idempotency.NOT_KEPT, True)
    return answer


def _within(token: Any, body: FeedIn) -> None:
    """A token makes no feed that reads more, or lasts longer, than itself.

    Raises:
        NotAllowedError: it would.
    """
    needed = "numbers.read" if body.number else "records.read"
    if not covers(token.scopes, needed):
        message = f"This token makes no such feed: it lacks the scope {needed} itself."
        raise NotAllowedError(message)
    days = settings.FEED_DAYS if body.days is None else min(body.days, settings.FEED_DAYS)
    if token.expires_at is not None and timezone.now() + timedelta(days=days) > token.expires_at:
        raise NotAllowedError("A token makes no feed that lasts longer than itself: name fewer days.")


@router.delete("/feeds/{feed_id}", **scoped("feeds.write", FeedOut), summary="Revoke a feed")
def feed_revoke(request: HttpRequest, feed_id: Number) -> HttpResponse:
    """One's own; who manages tokens anybody's. Its address gives nothing any more."""
    actor = actor_of_request(request)
    row = found(selectors.feed_for(actor, feed_id), "feed")
    services.feed_revoke(actor=actor, row=row)
    row.refresh_from_db()
    return reply(_out(row))
