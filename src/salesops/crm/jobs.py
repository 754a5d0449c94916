"""Imports, and looking at large uploads, as jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.urls import reverse

from salesops.crm.models import Import, ImportState
from salesops.platform.actors import Actor
from salesops.platform.job_kinds import JobKind, Told, add
from salesops.platform.jobs import Progress
from salesops.platform.registries import after_imports


def import_job(*, actor: Actor, progress: Progress, import_id: int) -> dict[str, Any]:
    """Land a confirmed import. Safe to repeat: what has landed is recognised as unchanged."""
    from salesops.crm import services, watching  # read files: a command that imports nothing need not load it

    row = Import.objects.get(pk=import_id)
    own = getattr(progress, "job_id", None)
    if own is not None and row.job_id != own:
        raise ValidationError("This import was opened again meanwhile: confirm it there.")
    if row.state != ImportState.DONE:  # a worker may die between the import's end and its job's
        services.import_run(actor=actor, row=row, progress=progress)
    watching.import_ended(row, actor=actor)
    for ask in after_imports.entries():
        ask()
    return {"import_id": import_id}


def inspect_job(*, actor: Actor, progress: Progress, path: str, name: str, source: str) -> dict[str, Any]:
    """Look at an upload that is too large to be looked at while somebody waits. Repeated, it is not listed twice."""
    from salesops.crm import services

    done = progress.checkpoint or {}
    if "import_id" not in done:
        progress(0, 0, "Looking at the files")
        row = services.import_inspect(
            actor=actor,
            paths=[Path(path)],
            name=name,
            source=source,
            created=lambda made: progress.save({"import_id": made.pk}),
        )
        return {"import_id": row.pk}
    return {"import_id": done["import_id"]}


def watch_job(*, actor: Actor, progress: Progress, watch_id: int) -> dict[str, Any]:
    """Look once at a watched folder or mailbox. Safe to repeat: see :mod:`salesops.crm.watching`."""
    from salesops.crm import watching

    return watching.poll(actor=actor, progress=progress, watch_id=watch_id)


def _told(result: Told) -> list[tuple[str, str]]:
    if result.get("note"):
        return [(result["watch"], result["note"])]
    return [(state.capitalize(), f"{count:,}") for state, count in result["arrivals"].items()]


def _opens(result: Told) -> str:
    return reverse("import_detail", args=[result["import_id"]])


def register() -> None:
    """Make both kinds known."""
    allowed = {"permission": "import.run", "shared": True}
    add(JobKind("import", "Import", import_job, **allowed, most_attempts=5, opens=_opens))
    add(
        JobKind(
            "watch.poll",
            "Look at a watch",
            watch_job,
            permission="watch.manage",
            shared=True,
            quick=True,
            lines=_told,
        )
    )
    add(JobKind("inspect", "Look at an upload", inspect_job, **allowed, resumes=True, opens=_opens))
