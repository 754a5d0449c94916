"""Imports as jobs."""

from __future__ import annotations

from typing import Any

from salesops.crm.models import Import
from salesops.platform.actors import Actor
from salesops.platform.jobs import Progress


def import_job(*, actor: Actor, progress: Progress, import_id: int) -> dict[str, Any]:
    """Land a confirmed import. Safe to repeat: what has landed is recognised as unchanged."""
    from salesops.crm import services  # reads files: a command that imports nothing need not load it

    row = services.import_run(actor=actor, row=Import.objects.get(pk=import_id), progress=progress)
    return {"import_id": row.pk}
