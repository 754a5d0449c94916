"""The only writers of webhook targets and deliveries.

The outbox is the audit ledger: every act that is told of was recorded there in its own transaction, and its
events are numbered in the order in which they were committed. A target keeps the number up to which its
deliveries were planned, so nothing is lost by a process that dies, and nothing is told that was undone.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from salesops.feeds import kinds, outbound
from salesops.feeds.engine.addresses import networks
from salesops.feeds.kinds import Act
from salesops.feeds.models import DeliveryState, WebhookDelivery, WebhookTarget
from salesops.platform import audit, selectors
from salesops.platform.access import NotAllowedError, may, require
from salesops.platform.actors import Actor, actor_of
from salesops.platform.documents import plain
from salesops.platform.roles import Role
from salesops.platform.sealing import seal

_log = logging.getLogger(__name__)

MANAGE = "webhook.manage"
SEALED_FOR = "webhook secret"
"""What a target's secret is sealed for."""

MOST_TARGETS = 50
MOST_REPLAYED = 5_000
AT_ONCE = 500
"""Events of the ledger that are planned in one transaction."""

THE_SENDER = Actor(name="the webhooks", role=Role.AUDITOR)
"""Who pauses a target that can't go on."""


# --- Targets --------------------------------------------------------------------------------------


def target_create(
    *, actor: Actor, name: str, url: str, kinds_wanted: Sequence[str] = ()
) -> tuple[WebhookTarget, str]:
    """Make a target. Returns it with the secret that signs, which is shown this once.

    It is told of what happens from now on.

    Raises:
        NotAllowedError: the role manages no webhooks, or the actor is no account.
        ValidationError: the address may not be sent to, or another value won't do.
    """
    require(actor, MANAGE)
    if actor.user_id is None:
        raise NotAllowedError("Only an account can have a target.")
    name, url = " ".join(name.split()), url.strip()
    if not name or len(name) > 120:
        raise ValidationError({"name": "Give the target a name of at most 120 characters."})
    known = [kind.name for kind in kinds.known()]
    if unknown := sorted(set(kinds_wanted) - set(known)):
        raise ValidationError({"kinds": f"Unknown kind {unknown[0]!r}. There are: {', '.join(known)}."})
    try:
        parts = outbound.parsed(url)
        outbound.resolved(parts, networks(settings.WEBHOOK_NETWORKS))
    except outbound.UrlError as error:
        raise ValidationError({"url": str(error)}) from error
    except OSError:
        pass  # a name that is set up later; looked up again each time something is sent
    secret = f"whsec_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        if WebhookTarget.objects.filter(removed_at=None).count() >= MOST_TARGETS:
            raise ValidationError(f"There are {MOST_TARGETS} targets already: remove one first.")
        row = WebhookTarget.objects.create(
            owner_id=actor.user_id,
            name=name,
            url=url,
            kinds=[kind for kind in known if kind in kinds_wanted],
            secret_sealed=seal(secret, SEALED_FOR),
            created_at=timezone.now(),
        )
        after = {"name": name, "host": parts.hostname, "kinds": row.kinds}
        event = audit.record(actor=actor, action="webhook.create", subject=f"webhook:{row.pk}", after=after)
        row.position = event.pk
        row.save(update_fields=["position"])
    return row, secret


@transaction.atomic
def target_pause(*, actor: Actor, row: WebhookTarget, why: str = "") -> None:
    """Send it nothing until it is resumed; what happens meanwhile is told then."""
    require(actor, MANAGE)
    _pause(row, actor, why or f"Paused by {actor.name}")


def _pause(row: WebhookTarget, actor: Actor, why: str) -> None:
    if WebhookTarget.objects.filter(pk=row.pk, paused_at=None).update(
        paused_at=timezone.now(), why_paused=why[:300]
    ):
        audit.record(actor=actor, action="webhook.pause", subject=f"webhook:{row.pk}", reason=why)


@transaction.atomic
def target_resume(*, actor: Actor, row: WebhookTarget) -> None:
    """Send again, first what happened while it was paused.

    Raises:
        ValidationError: the account whose target it is may not manage webhooks any more.
    """
    require(actor, MANAGE)
    if why := _why_not(row):
        raise ValidationError(f"It can't be resumed: {why} Make a target of your own instead.")
    if (
        WebhookTarget.objects.filter(pk=row.pk)
        .exclude(paused_at=None)
        .update(paused_at=None, why_paused="", failing_since=None, not_before=None)
    ):
        audit.record(actor=actor, action="webhook.resume", subject=f"webhook:{row.pk}")


@transaction.atomic
def target_remove(*, actor: Actor, row: WebhookTarget) -> None:
    """Send it nothing ever again, and forget its secret and what waits for it."""
    require(actor, MANAGE)
    if WebhookTarget.objects.filter(pk=row.pk, removed_at=None).update(
        removed_at=timezone.now(), secret_sealed=""
    ):
        WebhookDelivery.objects.filter(target=row, state=DeliveryState.WAITING).delete()
        audit.record(
            actor=actor, action="webhook.remove", subject=f"webhook:{row.pk}", before={"name": row.name}
        )


@transaction.atomic
def target_ping(*, actor: Actor, row: WebhookTarget) -> WebhookDelivery:
    """Send a delivery of the kind ``ping``, to see whether it arrives."""
    require(actor, MANAGE)
    now, event_id = timezone.now(), f"evt_ping_{uuid4().hex[:20]}"
    WebhookTarget.objects.filter(pk=row.pk).update(not_before=None)
    made = WebhookDelivery.objects.create(
        target=row, event_id=event_id, kind="ping", occurred_at=now, next_at=now,
        body=body_of(event_id, "ping", now, {"target": row.name, "by": actor.name}),
    )  # fmt: skip
    audit.record(actor=actor, action="webhook.ping", subject=f"webhook:{row.pk}", after={"event": event_id})
    return made


def _why_not(row: WebhookTarget) -> str:
    """Why nothing may be sent for a target's account; "" where it may."""
    if not row.owner.is_active:
        return f"the account {row.owner.get_username()} is switched off."
    if not may(actor_of(row.owner), MANAGE):
        return f"the role of {row.owner.get_username()} manages no webhooks any more."
    return ""


# --- Replays --------------------------------------------------------------------------------------


@transaction.atomic
def delivery_replay(*, actor: Actor, row: WebhookDelivery) -> None:
    """Send one delivery again, whatever came of it: the same body under the same event id."""
    require(actor, MANAGE)
    WebhookTarget.objects.filter(pk=row.target_id).update(not_before=None)  # locked before its deliveries
    _again(WebhookDelivery.objects.filter(pk=row.pk))
    audit.record(
        actor=actor,
        action="webhook.replay",
        subject=f"webhook:{row.target_id}",
        after={"event": row.event_id},
    )


@transaction.atomic
def target_replay(*, actor: Actor, row: WebhookTarget, since: datetime) -> int:
    """Send everything again that happened since an instant, also from before there was the target.

    Returns:
        How many deliveries wait to be sent for it.

    Raises:
        ValidationError: the instant lies ahead, or it is more than can be replayed at once.
    """
    require(actor, MANAGE)
    if since > timezone.now():
        raise ValidationError({"since": "That instant lies ahead."})
    row = WebhookTarget.objects.select_for_update().get(pk=row.pk)
    events = _ledger().filter(at__gte=since, pk__lte=row.position, action__in=kinds.actions_of(row.kinds))
    if events.count() > MOST_REPLAYED:
        raise ValidationError(
            {"since": f"More than {MOST_REPLAYED:,} events: name a later instant, or replay in parts."}
        )
    _deliver(row, events.order_by("pk"))
    found = WebhookDelivery.objects.filter(target=row, occurred_at__gte=since)
    replayed = _again(found)
    WebhookTarget.objects.filter(pk=row.pk).update(not_before=None)
    after = {"since": since.isoformat(), "deliveries": replayed}
    audit.record(actor=actor, action="webhook.replay", subject=f"webhook:{row.pk}", after=after)
    return replayed


def _again(rows: Any) -> int:
    return int(rows.update(state=DeliveryState.WAITING, tries=0, next_at=timezone.now()))


# --- From the ledger to deliveries ----------------------------------------------------------------


def _ledger() -> Any:
    return selectors.audit_events(selectors.AuditFilter())


def _last() -> int:
    """The number of the ledger's last event; 0 for an empty one. All before it are committed."""
    return int(_ledger().values_list("pk", flat=True).first() or 0)


def active() -> list[WebhookTarget]:
    """Targets that are neither paused nor removed."""
    return list(WebhookTarget.objects.filter(removed_at=None, paused_at=None).select_related("owner"))


def work_waits(now: datetime) -> bool:
    """Whether an active target has an event to plan or a delivery that is due. Cheap: asked every few seconds."""
    found = active()
    if not found:
        return False
    if _due(now, [row.pk for row in found]).exists():
        return True
    last, oldest = _last(), min(row.position for row in found)
    wanted = {action for row in found for action in kinds.actions_of(row.kinds)}
    if _ledger().filter(pk__gt=oldest, pk__lte=last, action__in=wanted).exists():
        return True
    if last - oldest > AT_ONCE:  # nothing there to tell: do not look at it again
        for row in found:
            WebhookTarget.objects.filter(pk=row.pk, position__lt=last).update(position=last)
    return False


def plan() -> int:
    """Make deliveries of every event since each target's position. Returns how many."""
    made = 0
    for row in active():
        if why := _why_not(row):
            with transaction.atomic():
                _pause(row, THE_SENDER, f"Paused: {why}")
            continue
        while (more := _plan_some(row.pk)) is not None:
            made += more
    return made


@transaction.atomic
def _plan_some(target_id: int) -> int | None:
    """Plan the next events of one target; None where there are none left."""
    row = WebhookTarget.objects.select_for_update().get(pk=target_id)
    last = _last()
    if row.position >= last or row.paused_at or row.removed_at:
        return None
    ahead = _ledger().filter(pk__gt=row.position, pk__lte=last, action__in=kinds.actions_of(row.kinds))
    events = list(ahead.order_by("pk")[:AT_ONCE])
    made = _deliver(row, events)
    row.position = events[-1].pk if len(events) == AT_ONCE else last
    row.save(update_fields=["position"])
    return made


def _deliver(row: WebhookTarget, events: Iterable[Any]) -> int:
    """One delivery for each event that is told of; those there are already stay.

    An event whose kind can't say what is told of it is passed over, and the ledger says so: it must not hold
    up what comes after it. A replay makes it once the fault is mended.
    """
    now, made = timezone.now(), []
    for event in events:
        act = Act(
            event.pk, event.at, event.actor_name, event.action, event.subject, event.before, event.after
        )
        try:
            said = kinds.told(act, row.kinds)
            body = body_of(act.event_id, said[0], act.at, said[1]) if said is not None else ""
        except Exception as error:  # noqa: BLE001 - a kind is any room's code
            _log.exception("Event %s can't be told of to webhook %s", act.event_id, row.pk)
            why = f"{act.event_id} ({act.action}) could not be told of: {type(error).__name__}"
            audit.record(actor=THE_SENDER, action="webhook.skip", subject=f"webhook:{row.pk}", reason=why)
            continue
        if said is not None:
            made.append(
                WebhookDelivery(
                    target=row,
                    event_id=act.event_id,
                    kind=said[0],
                    occurred_at=act.at,
                    next_at=now,
                    body=body,
                )
            )
    WebhookDelivery.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def body_of(event_id: str, kind: str, at: datetime, data: dict[str, Any]) -> str:
    """What is sent, and signed, to the byte."""
    document = {"id": event_id, "type": kind, "occurred_at": at, "data": data}
    return json.dumps(plain(document), ensure_ascii=False, separators=(",", ":"))


def _due(now: datetime, targets: Sequence[int]) -> Any:
    """Deliveries that may be sent now."""
    held = WebhookTarget.objects.filter(pk__in=targets).exclude(not_before__gt=now).values("pk")
    return WebhookDelivery.objects.filter(target_id__in=held, state=DeliveryState.WAITING, next_at__lte=now)


def forget_old(now: datetime) -> int:
    """Remove deliveries that ended long ago; a replay makes them anew from the ledger."""
    oldest = now - timedelta(days=settings.WEBHOOK_KEPT_DAYS)
    over = WebhookDelivery.objects.exclude(state=DeliveryState.WAITING).filter(last_at__lt=oldest)
    return int(over.delete()[0])
