"""REST: targets of webhooks, their deliveries, replays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from salesops.feeds import kinds, selectors, webhook_services
from salesops.platform import idempotency
from salesops.platform.access import require
from salesops.platform.actors import Actor
from salesops.platform.api import Body
from salesops.platform.rest import (
    Number,
    PageNumber,
    PageSize,
    actor_of_request,
    found,
    page_of,
    reply,
    scoped,
)

router = Router(tags=["webhooks"])


class WebhookKindOut(Schema):
    """A kind of event."""

    name: str
    title: str


class WebhookOut(Schema):
    """One target."""

    id: int
    name: str
    url: str
    kinds: list[str]
    owner: str
    created_at: datetime
    failing_since: datetime | None
    paused_at: datetime | None
    why_paused: str


class WebhookMadeOut(WebhookOut):
    """A target that was made, with the secret that signs: nobody is told it again."""

    secret: str


class WebhookDeliveryOut(Schema):
    """One event for one target, and what came of it."""

    id: int
    event_id: str
    kind: str
    occurred_at: datetime
    state: str
    tries: int
    sent: int
    next_at: datetime
    last_at: datetime | None
    last_status: int | None
    last_ms: int | None
    last_error: str
    body: str


class WebhookDeliveriesOut(Schema):
    """One page of deliveries."""

    total: int
    rows: list[WebhookDeliveryOut]


class WebhookReplayedOut(Schema):
    """How many deliveries wait to be sent again."""

    replayed: int


class WebhookIn(Body):
    """A target to make."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    url: Annotated[str, Field(min_length=1, max_length=500)]
    kinds: list[Annotated[str, Field(max_length=80)]] = Field([], description="empty for everything")


class WebhookSinceIn(Body):
    """From when on."""

    since: datetime


def _allowed(request: HttpRequest) -> Actor:
    actor = actor_of_request(request)
    require(actor, webhook_services.MANAGE)
    return actor


def _target(pk: int) -> Any:
    return found(selectors.target(pk), "target")


def _out(row: Any) -> dict[str, Any]:
    names = [name for name in WebhookOut.model_fields if name not in ("id", "owner")]
    return {"id": row.pk, "owner": row.owner.get_username(), **{name: getattr(row, name) for name in names}}


def _delivery(row: Any) -> dict[str, Any]:
    return {
        "id": row.pk,
        **{name: getattr(row, name) for name in WebhookDeliveryOut.model_fields if name != "id"},
    }


@router.get("/webhook-kinds", **scoped("webhooks.read", list[WebhookKindOut]), summary="Kinds of events")
def kind_list(request: HttpRequest) -> HttpResponse:
    """What a target may be told of."""
    _allowed(request)
    return reply([{"name": kind.name, "title": kind.title} for kind in kinds.known()])


@router.get("/webhooks", **scoped("webhooks.read", list[WebhookOut]), summary="Targets")
def target_list(request: HttpRequest) -> HttpResponse:
    """Every target, by name."""
    _allowed(request)
    return reply([_out(row) for row in selectors.targets()])


@router.post("/webhooks", **scoped("webhooks.write", WebhookMadeOut, 201), summary="Make a target")
def target_create(request: HttpRequest, body: WebhookIn) -> HttpResponse:
    """It is told of what happens from now on."""
    row, secret = webhook_services.target_create(
        actor=_allowed(request), name=body.name, url=body.url, kinds_wanted=body.kinds
    )
    answer = reply(_out(row) | {"secret": secret}, 201)
    answer["Cache-Control"] = "no-store"
    setattr(answer, idempotency.NOT_KEPT, True)
    return answer


@router.delete("/webhooks/{target_id}", **scoped("webhooks.write", WebhookOut), summary="Remove a target")
def target_remove(request: HttpRequest, target_id: Number) -> HttpResponse:
    """Nothing is sent to it any more."""
    actor, row = _allowed(request), _target(target_id)
    webhook_services.target_remove(actor=actor, row=row)
    return reply(_out(row))


@router.post("/webhooks/{target_id}/pause", **scoped("webhooks.write", WebhookOut), summary="Pause a target")
def target_pause(request: HttpRequest, target_id: Number) -> HttpResponse:
    """What happens meanwhile is told when it is resumed."""
    webhook_services.target_pause(actor=_allowed(request), row=_target(target_id))
    return reply(_out(_target(target_id)))


@router.post(
    "/webhooks/{target_id}/resume", **scoped("webhooks.write", WebhookOut), summary="Resume a target"
)
def target_resume(request: HttpRequest, target_id: Number) -> HttpResponse:
    """Where it was paused."""
    webhook_services.target_resume(actor=_allowed(request), row=_target(target_id))
    return reply(_out(_target(target_id)))


@router.post(
    "/webhooks/{target_id}/ping", **scoped("webhooks.write", WebhookDeliveryOut, 201), summary="Send a ping"
)
def target_ping(request: HttpRequest, target_id: Number) -> HttpResponse:
    """A delivery of the kind ``ping``."""
    row = webhook_services.target_ping(actor=_allowed(request), row=_target(target_id))
    return reply(_delivery(row), 201)


@router.get(
    "/webhooks/{target_id}/deliveries", **scoped("webhooks.read", WebhookDeliveriesOut), summary="Deliveries"
)
def delivery_list(
    request: HttpRequest,
    target_id: Number,
    state: Literal["", "waiting", "done", "dead"] = "",
    page: PageNumber = 1,
    size: PageSize = 100,
) -> HttpResponse:
    """Of one target, the latest event first."""
    _allowed(request)
    total, rows = page_of(selectors.deliveries(_target(target_id), state), page, size)
    return reply({"total": total, "rows": [_delivery(row) for row in rows]})


@router.post(
    "/webhooks/{target_id}/replay",
    **scoped("webhooks.write", WebhookReplayedOut),
    summary="Replay since an instant",
)
def target_replay(request: HttpRequest, target_id: Number, body: WebhookSinceIn) -> HttpResponse:
    """Every event since then, each under its own id; also from before there was the target."""
    actor, since = _allowed(request), body.since
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    count = webhook_services.target_replay(actor=actor, row=_target(target_id), since=since)
    return reply({"replayed": count})


@router.post(
    "/webhooks/{target_id}/deliveries/{delivery_id}/replay",
    **scoped("webhooks.write", WebhookDeliveryOut),
    summary="Replay one delivery",
)
def delivery_replay(request: HttpRequest, target_id: Number, delivery_id: Number) -> HttpResponse:
    """The same body under the same event id, whatever came of it."""
    actor = _allowed(request)
    row = found(selectors.delivery(_target(target_id), delivery_id), "delivery")
    webhook_services.delivery_replay(actor=actor, row=row)
    row.refresh_from_db()
    return reply(_delivery(row))
