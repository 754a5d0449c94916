"""Homes that the tests of one module share: an import is made once and read often."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker


def shared_home(folder: Path, blocker: DjangoDbBlocker) -> Iterator[Path]:
    """A home of its own for a module's fixture, in one transaction that is undone at the end.

    The module's tests ask for no database fixture themselves: what they write stays until the
    module ends.
    """
    from salesops.platform.store import fact_store

    places = {"FACTS_PATH": folder / "facts", "UPLOADS_PATH": folder / "uploads", "FILES_PATH": folder / "files"}
    with blocker.unblock(), override_settings(HOME=folder, **places), transaction.atomic():
        yield folder
        fact_store().close()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def module_home(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Path]:
    """An empty home that the module's tests share."""
    yield from shared_home(tmp_path_factory.mktemp("home"), django_db_blocker)
