"""Imports as jobs."""

from __future__ import annotations

from typing import Any

from salesops.crm.models import Import, ImportState
from salesops.platform.actors import Actor
from salesops.platform.jobs import Progress


def import_job(*, actor: Actor, progress: Progress, import_id: int) -> dict[str, Any]:
    """Land a confirmed import. Safe to repeat: what has landed is recognised as unchanged."""
    from salesops.crm import services  # reads files: a command that imports nothing need not load it

    row = Import.objects.get(pk=import_id)
    if row.state != ImportState.DONE:  # a worker may die between the import's end and its job's
        services.import_run(actor=actor, row=row, progress=progress)
    return {"import_id": import_id}
