"""Homes that the tests of one module share: an import is made once and read often."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

if TYPE_CHECKING:
    from tests.doors.reports_world import World


@contextmanager
def folders(home: Path) -> Iterator[None]:
    """Facts, uploads and files in a home of their own."""
    from salesops.platform.store import fact_store

    places = {"FACTS_PATH": home / "facts", "UPLOADS_PATH": home / "uploads", "FILES_PATH": home / "files"}
    with override_settings(HOME=home, **places):
        yield
        fact_store().close()


@contextmanager
def shared_home(home: Path, blocker: DjangoDbBlocker) -> Iterator[None]:
    """A home for a module's fixture, in one transaction that is undone at the module's end.

    What a single test writes to the database is undone after that test, as always.
    """
    with blocker.unblock(), folders(home), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def module_home(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Path]:
    """An empty home that the module's tests share."""
    home = tmp_path_factory.mktemp("home")
    with shared_home(home, django_db_blocker):
        yield home


@pytest.fixture(autouse=True)
def own_folders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """As everywhere, unless the module shares one home."""
    if getattr(request.module, "SHARES_A_HOME", False) or not request.node.get_closest_marker("django_db"):
        yield
        return
    with folders(tmp_path_factory.mktemp("home")):
        yield


@pytest.fixture(scope="module")
def made(module_home: Path) -> World:
    """The firm of ``reports_world`` in a home of the module."""
    from tests.doors import reports_world

    return reports_world.load()


@pytest.fixture
def mailbox(settings: Any) -> None:
    """Mail that is kept, and an address that its links begin with."""
    from tests.doors import reports_world

    settings.SMTP_SET, settings.SMTP_BACKEND = True, reports_world.LOCMEM
    settings.BASE_URL = "https://sales.example"
