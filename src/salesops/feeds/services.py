"""The only writers of feeds."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from salesops.feeds import inputs
from salesops.feeds import selectors as fed
from salesops.feeds.models import Feed, FeedKind, Separator
from salesops.platform import audit, factors, selectors
from salesops.platform.access import NotAllowedError, may, require
from salesops.platform.actors import Actor
from salesops.platform.sealing import digest_of

if TYPE_CHECKING:
    from salesops.platform.models import ApiToken

MAKE = "feed.make"
SEMICOLON = Separator.SEMICOLON
MOST_FEEDS = 100
"""Live feeds of one account."""


def feed_create(
    *,
    actor: Actor,
    name: str,
    question: inputs.FeedQuestion,
    days: int | None = None,
    separator: str = Separator.COMMA,
    token: ApiToken | None = None,
) -> tuple[Feed, str]:
    """Make a feed. Returns it with the secret of its address, which is shown this once.

    Args:
        actor: whose feed it is: it answers his rows, with the rights he has when it is read.
        name: what it is for.
        question: kept as it is now; a saved view that is changed later changes no feed.
        days: how long it lasts; the most that the settings allow where None.
        separator: how a CSV writes numbers.
        token: the API token that asks for it; the feed is over when that is revoked or has expired.

    Raises:
        NotAllowedError: the role makes no feeds, or the actor is no account, or has to set up a second
            factor first.
        ValidationError: a value won't do, or the question can't be answered.
    """
    require(actor, MAKE)
    user = selectors.account(actor.user_id) if actor.user_id is not None else None
    if user is None:
        raise NotAllowedError("Only an account can have a feed: it answers the account's own rows.")
    if factors.missing(user):
        raise NotAllowedError("Set up your second factor before you make feeds.")
    name = " ".join(name.split())
    if not name or len(name) > 120:
        raise ValidationError({"name": "Give the feed a name of at most 120 characters."})
    most = settings.FEED_DAYS
    days = most if days is None else days
    if not 1 <= days <= most:
        raise ValidationError({"days": f"A feed lasts from 1 to {most} days (SALESOPS_FEED_DAYS)."})
    if separator not in Separator.values or question.kind not in FeedKind.values:
        raise ValidationError("There is no such kind of feed.")
    try:
        kept = inputs.checked(actor, question)  # reads facts, which takes a while: before the transaction
    except inputs.UnanswerableError as error:
        raise ValidationError({"question": str(error)}) from error
    secret = f"sf_{secrets.token_urlsafe(32)}"
    with transaction.atomic():
        now = timezone.now()
        if Feed.objects.filter(fed.NOT_REVOKED, owner=user, expires_at__gt=now).count() >= MOST_FEEDS:
            raise ValidationError(f"You have {MOST_FEEDS} feeds already: revoke one first.")
        row = Feed.objects.create(
            owner=user,
            token_id=token.pk if token else None,
            name=name,
            kind=kept.kind,
            number=kept.number,
            query=kept.query,
            separator=separator,
            digest=digest_of(secret),
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        # What is asked may name what only its owner sees, and the ledger is read by others: its digest alone.
        after: dict[str, Any] = {
            "name": name, "account": user.username, "kind": kept.kind,
            "question": digest_of(f"{kept.number}?{kept.query}"), "expires_at": row.expires_at.isoformat(),
        }  # fmt: skip
        if token is not None:
            after["token"] = token.pk
        audit.record(actor=actor, action="feed.create", subject=f"feed:{row.pk}", after=after)
    return row, secret


@transaction.atomic
def feed_revoke(*, actor: Actor, row: Feed) -> None:
    """Make a feed's address useless from now on.

    Raises:
        NotAllowedError: it is somebody else's, and the actor does not manage tokens.
    """
    if row.owner_id != actor.user_id and not may(actor, "token.manage"):
        raise NotAllowedError("Only its owner, or who manages tokens, may revoke a feed.")
    if Feed.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit.record(actor=actor, action="feed.revoke", subject=f"feed:{row.pk}", before={"name": row.name})


def feed_used(row: Feed) -> None:
    """Count that a feed was read."""
    Feed.objects.filter(pk=row.pk).update(uses=F("uses") + 1, last_used_at=timezone.now())
