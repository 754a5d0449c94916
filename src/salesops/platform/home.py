"""The home: the folder that holds a company's decisions, facts and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


class IncompleteHomeError(ValueError):
    """A restore into this home began and did not end."""


def restore_mark() -> Path:
    """The file that stands in the home while a backup is restored into it."""
    return Path(settings.HOME) / "restore-incomplete.json"


def restore_under_way() -> dict[str, Any] | None:
    """What is known of a restore that began and did not end, None in a whole home."""
    try:
        return dict(json.loads(restore_mark().read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def home_ready() -> bool:
    """Whether the home's database exists and is at this version."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def home_prepare() -> bool:
    """Make the home's folders and bring its database to this version. Returns whether anything changed.

    Raises:
        IncompleteHomeError: a restore into this home did not end.
    """
    if (begun := restore_under_way()) is not None:
        message = (
            f"{settings.HOME} is incomplete: restoring {begun['file']} into it began at {begun['begun_at'][:16]} UTC "
            f"and did not end. Run it again: salesops restore {begun['file']} --into {settings.HOME}"
        )
        raise IncompleteHomeError(message)
    for folder in (
        settings.HOME,
        settings.STATIC_ROOT,
        settings.UPLOADS_PATH,
        settings.FILES_PATH,
        settings.FACTS_PATH,
    ):
        folder.mkdir(parents=True, exist_ok=True)
    if home_ready():
        return False
    call_command("migrate", verbosity=0, interactive=False)
    return True
