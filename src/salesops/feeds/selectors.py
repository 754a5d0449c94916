"""Feeds, targets and deliveries as their owners and administrators may see them."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from salesops.feeds.models import DeliveryState, Feed, WebhookDelivery, WebhookTarget
from salesops.platform.access import may
from salesops.platform.actors import Actor

NOT_REVOKED = Q(revoked_at=None) & (Q(token=None) | Q(token__revoked_at=None))
"""Feeds that nobody revoked, nor the token that made them."""


def feeds_of(actor: Actor) -> list[Feed]:
    """An account's own feeds, newest first, those that are revoked too."""
    return list(Feed.objects.filter(owner_id=actor.user_id or 0).select_related("owner", "token"))


def live_feeds() -> list[Feed]:
    """Feeds of every account that are not revoked, and whose token is not, newest first."""
    return list(Feed.objects.filter(NOT_REVOKED).select_related("owner", "token"))


def feed_for(actor: Actor, pk: int) -> Feed | None:
    """A feed that an actor may look after: his own, or anybody's for whoever manages tokens."""
    rows = Feed.objects.select_related("owner", "token").filter(pk=pk)
    if not may(actor, "token.manage"):
        rows = rows.filter(owner_id=actor.user_id or 0)
    return rows.first()


def feed_by_digest(digest: str) -> Feed | None:
    """The feed of an address, by the address's SHA-256; also one that is over."""
    return Feed.objects.select_related("owner", "token").filter(digest=digest).first()


def targets() -> list[WebhookTarget]:
    """Targets that are not removed, each with ``waiting`` and ``dead``: its deliveries that stand so."""
    rows = WebhookTarget.objects.filter(removed_at=None).select_related("owner").order_by("name", "pk")
    counted = {state: Count("deliveries", filter=Q(deliveries__state=state)) for state in ("waiting", "dead")}
    return list(rows.annotate(**counted))


def target(pk: int) -> WebhookTarget | None:
    """One target that is not removed."""
    return WebhookTarget.objects.select_related("owner").filter(pk=pk, removed_at=None).first()


def deliveries(row: WebhookTarget, state: str = "") -> QuerySet[WebhookDelivery]:
    """Deliveries of a target, the latest event first."""
    found = WebhookDelivery.objects.filter(target=row).order_by("-occurred_at", "-pk")
    return found.filter(state=state) if state else found


def delivery(row: WebhookTarget, pk: int) -> WebhookDelivery | None:
    """One delivery of a target."""
    return WebhookDelivery.objects.filter(target=row, pk=pk).first()


def delivery_states() -> list[tuple[str, str]]:
    """States of deliveries as (value, label)."""
    return list(DeliveryState.choices)
