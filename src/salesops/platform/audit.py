"""The audit ledger: one row for one thing done, written in the transaction that does it."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from salesops.platform.actors import Actor
from salesops.platform.models import AuditEvent


def record(
    *, actor: Actor, action: str, subject: str, before: Any = None, after: Any = None, reason: str = ""
) -> AuditEvent:
    """Write one audit event.

    Args:
        actor: who did it.
        action: noun and verb, for example ``decision.record`` or ``import.run``.
        subject: what it was done to, for example ``stage:Default/Won``.
        before: value before, JSON-serialisable, or None.
        after: value after, JSON-serialisable, or None.
        reason: why, where the action asks for one.

    Raises:
        RuntimeError: called outside a transaction, so the act and its record could part.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An audit event belongs in the transaction of the act it records.")
    return AuditEvent.objects.create(
        at=timezone.now(),
        actor_name=actor.name,
        actor_user_id=actor.user_id,
        action=action,
        subject=subject[:300],
        before=before,
        after=after,
        reason=reason,
    )
