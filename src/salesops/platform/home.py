"""The home: the folder that holds a company's decisions, facts and files."""

from __future__ import annotations

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def home_ready() -> bool:
    """Whether the home's database exists and is at this version."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def home_prepare() -> bool:
    """Make the home's folders and bring its database to this version. Returns whether anything changed."""
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
