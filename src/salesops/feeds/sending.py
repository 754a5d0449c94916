"""Deliveries on their way: claimed before they are sent, recorded after, and sent again where that is missing."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Min
from django.utils import timezone

from salesops.feeds import outbound
from salesops.feeds.engine.addresses import networks
from salesops.feeds.engine.retries import pause_after
from salesops.feeds.engine.signing import signature
from salesops.feeds.models import DeliveryState, WebhookDelivery, WebhookTarget
from salesops.feeds.webhook_services import SEALED_FOR, THE_SENDER, _due, _pause, _why_not, active
from salesops.platform.sealing import SealError, unseal

_log = logging.getLogger(__name__)

LOST_AFTER = timedelta(minutes=2)
"""A delivery that was claimed so long ago, with nothing recorded, is sent again: its sender is gone."""

LONGEST_HOLD = timedelta(minutes=5)
"""The longest time between two looks at a target that can't be reached."""


@dataclass(frozen=True)
class Claimed:
    """One delivery to send: everything the sending thread needs, and no database.

    Attributes:
        tries: the try it is, since it was made or replayed: what is recorded of another one is not taken.
        attempt: the try it is, in all.
    """

    delivery_id: int
    target_id: int
    tries: int
    attempt: int
    url: str
    secret: str
    event_id: str
    body: bytes


def claim(busy: Collection[int], most: int) -> list[Claimed]:
    """Take one due delivery, the oldest event first, of every target that is not busy.

    The target that was served the longest ago comes first, one that never was before all others, and of equals
    the one whose delivery has been due the longest: many slow targets keep no other waiting, whoever sends.
    A target whose owner has lost the right to it meanwhile is paused instead.

    Args:
        busy: targets that are being sent to.
        most: how many to take.
    """
    now = timezone.now()
    found: list[Claimed] = []
    for row in _in_turn(now, busy):
        if len(found) >= most:
            break
        waiting = _due(now, [row.pk]).order_by("occurred_at", "pk").first()
        if waiting is None:
            continue
        if why := _why_not(row):
            with transaction.atomic():
                _pause(row, THE_SENDER, f"Paused: {why}")
            continue
        try:
            secret = unseal(row.secret_sealed, SEALED_FOR)
        except SealError as error:
            with transaction.atomic():
                _pause(row, THE_SENDER, f"Paused: {error}")
            continue
        taken = WebhookDelivery.objects.filter(
            pk=waiting.pk, state=DeliveryState.WAITING, tries=waiting.tries, next_at=waiting.next_at
        ).update(tries=F("tries") + 1, sent=F("sent") + 1, last_at=now, next_at=now + _lost_after())
        if taken:
            WebhookTarget.objects.filter(pk=row.pk).update(served_at=now)
            found.append(
                Claimed(
                    delivery_id=waiting.pk,
                    target_id=row.pk,
                    tries=waiting.tries + 1,
                    attempt=waiting.sent + 1,
                    url=row.url,
                    secret=secret,
                    event_id=waiting.event_id,
                    body=waiting.body.encode(),
                )
            )
    return found


def _in_turn(now: datetime, busy: Collection[int]) -> list[WebhookTarget]:
    """Targets with something due, in the order in which they are served."""
    rows = [row for row in active() if row.pk not in busy]
    due = _due(now, [row.pk for row in rows]).order_by().values("target_id").annotate(since=Min("next_at"))
    since = {one["target_id"]: one["since"] for one in due}
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(
        (row for row in rows if row.pk in since),
        key=lambda row: (row.served_at or never, since[row.pk], row.pk),
    )


def _lost_after() -> timedelta:
    return LOST_AFTER + timedelta(seconds=settings.WEBHOOK_SECONDS)


def send(claimed: Claimed) -> outbound.Outcome:
    """Send one delivery. Touches no database: it runs in a thread of its own. Nothing is raised.

    A fault of our own is a failed try like any other: it must hold up no other target.
    """
    begun = time.monotonic()
    try:
        return _send(claimed)
    except Exception as error:  # noqa: BLE001 - whatever it is
        _log.exception("Delivery %s could not be sent", claimed.delivery_id)
        milliseconds = round((time.monotonic() - begun) * 1000)
        return outbound.Outcome(None, f"It could not be sent ({type(error).__name__}).", False, milliseconds)


def _send(claimed: Claimed) -> outbound.Outcome:
    at = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "salesops-webhooks",
        "Salesops-Signature": signature(claimed.secret, at, claimed.body),
        "Salesops-Event-Id": claimed.event_id,
        "Salesops-Attempt": str(claimed.attempt),
    }
    return outbound.post(
        claimed.url,
        claimed.body,
        headers,
        seconds=settings.WEBHOOK_SECONDS,
        allowed=networks(settings.WEBHOOK_NETWORKS),
    )


@transaction.atomic
def record(claimed: Claimed, outcome: outbound.Outcome) -> bool:
    """Keep what came of a delivery. Returns False where it was claimed again, or replayed, meanwhile.

    The target is locked before its deliveries, here as everywhere else: two that lock in another order
    could wait for each other.
    """
    now = timezone.now()
    row = WebhookTarget.objects.select_for_update().filter(pk=claimed.target_id).first()
    if row is None:  # it went with its owner's account
        return False
    pause = None if outcome.ok else pause_after(claimed.tries)
    state = (
        DeliveryState.DONE if outcome.ok else DeliveryState.DEAD if pause is None else DeliveryState.WAITING
    )
    held = WebhookDelivery.objects.filter(
        pk=claimed.delivery_id, state=DeliveryState.WAITING, tries=claimed.tries, sent=claimed.attempt
    ).update(
        state=state,
        next_at=now + (pause or timedelta(0)),
        last_status=outcome.status,
        last_ms=outcome.milliseconds,
        last_error=outcome.error,
    )
    if outcome.ok:
        row.failing_since = row.not_before = None
    else:
        row.failing_since = row.failing_since or now
        if not outcome.reached:
            row.not_before = now + min(pause or LONGEST_HOLD, LONGEST_HOLD)
    too_long = row.failing_since is not None and _too_long(row.failing_since, now)
    if not row.deliveries.filter(state=DeliveryState.WAITING).exists():
        # The last one was given up: nothing is tried until something happens, and that time is no failing.
        row.failing_since = None
    row.save(update_fields=["failing_since", "not_before"])
    if too_long:
        days = settings.WEBHOOK_PAUSE_DAYS
        _pause(row, THE_SENDER, f"Paused: it has failed for {days} days. The last time: {outcome.error}")
    return bool(held)


def _too_long(since: datetime, now: datetime) -> bool:
    return now - since >= timedelta(days=settings.WEBHOOK_PAUSE_DAYS)
