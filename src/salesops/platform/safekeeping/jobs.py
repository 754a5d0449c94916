"""Backups by schedule: a job that writes into a folder and keeps the newest ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from salesops.platform.actors import Actor
from salesops.platform.job_kinds import JobKind, Offer, add, schedule_offers
from salesops.platform.safekeeping.archive import Reader
from salesops.platform.safekeeping.backup import PERMISSION, Progress, backup_write

KIND = "backup"
KEEP = 7
_NAME = re.compile(r"salesops-\d{8}-\d{6}\.zip")


def backup_job(*, actor: Actor, progress: Progress, keep: int = KEEP) -> dict[str, Any]:
    """Write a backup into the folder of SALESOPS_BACKUPS, then remove all but the newest ones.

    The folder is a setting and no parameter: whoever may ask for a job need not be able to write
    wherever the server can.

    Args:
        actor: who asked for the job.
        progress: of the job.
        keep: how many stay, at least one.

    Raises:
        ValidationError: ``keep`` is no number above nought.
        BackupError: as :func:`backup_write`; nothing is removed then.
    """
    if not isinstance(keep, int) or keep < 1:
        raise ValidationError({"keep": "At least one backup must stay."})
    target = Path(settings.BACKUPS_PATH)
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"salesops-{timezone.now():%Y%m%d-%H%M%S}.zip"
    done = backup_write(actor=actor, path=path, progress=progress)
    with Reader(path):  # opened once from the disk before any older one goes
        pass
    removed = []
    for old in sorted(p for p in target.iterdir() if _NAME.fullmatch(p.name) and p != path)[::-1][keep - 1 :]:
        old.unlink(missing_ok=True)
        removed.append(old.name)
    return {**done.document(), "removed": removed}


def offers(actor: Actor) -> list[Offer]:
    """A backup as something to put on a schedule."""
    return [Offer(KIND, f"Backup, the newest {KEEP} kept", KIND, {"keep": KEEP})]


def lines(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the job's page says of a backup."""
    return [
        ("File", str(result["path"])),
        ("Size", f"{result['bytes']:,} bytes"),
        ("Digest", str(result["digest"])),
        ("Removed", ", ".join(result["removed"]) or "none"),
    ]


def register() -> None:
    """Make the kind known, for administrators."""
    add(JobKind(KIND, "Backup", backup_job, permission=PERMISSION, shared=True, lines=lines))
    schedule_offers.register(KIND, offers)
