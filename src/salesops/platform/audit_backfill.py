"""Chaining the events that were recorded before there was a chain: for the migration that adds it."""

from __future__ import annotations

from typing import Any

from salesops.platform import audit_chain
from salesops.platform.append_only import unprotect

_BATCH = 2_000


def chain_existing(apps: Any, schema_editor: Any) -> None:
    """Give every event its digest, first to last, in pieces. The migration protects the table afterwards.

    A second run gives every event the digest it has.
    """
    connection = schema_editor.connection
    model = apps.get_model("platform", "AuditEvent")
    unprotect(connection, model._meta.db_table)
    rows = model.objects.using(connection.alias).order_by("id").values("id", *audit_chain.FIELDS)
    previous, last = "", None
    while True:
        piece = list((rows if last is None else rows.filter(id__gt=last))[:_BATCH])
        changes = []
        for row in piece:
            digest = audit_chain.digest(row["id"], row, previous)
            changes.append((previous, digest, row["id"]))
            previous = digest
        with connection.cursor() as cursor:
            cursor.executemany(
                f"UPDATE {model._meta.db_table} SET previous_digest = %s, digest = %s WHERE id = %s",  # noqa: S608
                changes,
            )
        if len(piece) < _BATCH:
            return
        last = piece[-1]["id"]
