"""The audit ledger: one row for one thing done, written in the transaction that does it.

Every event carries a digest over its fields and the digest of the event before it
(``audit_chain``); ``audit_verify`` follows the chain from the first event to the last.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from salesops.platform import audit_chain
from salesops.platform.actors import Actor
from salesops.platform.models import AuditEvent

CHAIN_LOCK = 7_302_113_094_561
"""The advisory lock of the chain on PostgreSQL: any number, the same in every process."""


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
    fields = {
        "at": timezone.now(),
        "actor_name": actor.name,
        "actor_user_id": actor.user_id,
        "action": action,
        "subject": subject[:300],
        "before": before,
        "after": after,
        "reason": reason,
    }
    number, previous = _next_link()
    digest = audit_chain.digest(number, fields, previous)
    # force_insert: a number that is taken must fail, not become a change of that event.
    event = AuditEvent(id=number, previous_digest=previous, digest=digest, **fields)
    event.save(force_insert=True)
    return event


def _next_link() -> tuple[int, str]:
    """The next event's number and the digest of the event before it; nobody else gets them.

    On SQLite the surrounding transaction is IMMEDIATE: it is the only writer from its first
    statement to its commit, so the last event stays the last. On PostgreSQL an advisory lock,
    held to the end of the transaction, does the same for writers of the ledger alone; it comes
    before the look at the last event, because a statement sees what was committed when it began.
    Numbers come from the sequence under that lock, so their order is the order of the chain (a
    transaction undone leaves a gap, which is no break: the digests hold the chain together).
    The price is that transactions which audit something commit one after the other.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence('platform_auditevent', 'id')),"
                " (SELECT digest FROM platform_auditevent ORDER BY id DESC LIMIT 1)"
            )
            number, previous = cursor.fetchone()
            return int(number), previous or ""
        cursor.execute("SELECT id, digest FROM platform_auditevent ORDER BY id DESC LIMIT 1")
        last = cursor.fetchone()
        return (last[0] + 1, last[1]) if last else (1, "")
