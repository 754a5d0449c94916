"""One small simulated firm, whose home the tests copy, back up and restore."""

from __future__ import annotations

import itertools
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import postgres
from tests.architecture.checkout import ROOT
from tests.safekeeping.homes import Home, Said

_numbers = itertools.count()


@pytest.fixture(scope="session")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The firm of the upgrade test, on SQLite, with an upload and a frozen file. Not to be changed."""
    folder = tmp_path_factory.mktemp("firm")
    newest = max((ROOT / "tests" / "upgrade").glob("home-*.zip"))
    with zipfile.ZipFile(newest) as archive:
        archive.extractall(folder)
    home = Home(folder / "home")
    for name, content in (("uploads/0a1b/deals.csv", "Id,Amount\nD1,5\n"), ("files/frozen.html", "<p>5</p>")):
        path = home.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    # A path below the home, as an import of uploads has it.
    home.script(
        "from salesops.platform.home import home_prepare\n"
        "home_prepare()\n"
        "from django.conf import settings\n"
        "from salesops.crm.models import Import\n"
        "row = Import.objects.order_by('id').first()\n"
        "row.folder = f'{settings.UPLOADS_PATH}/0a1b/deals.csv\\n/elsewhere/deals.csv'\n"
        "row.save()"
    )
    return home


@pytest.fixture(scope="session")
def firm_said(firm: Home) -> Said:
    """What the firm's home says."""
    return firm.look()


@pytest.fixture(scope="session")
def firm_backup(firm: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the firm. Not to be changed."""
    path = tmp_path_factory.mktemp("backup") / "firm.zip"
    firm.run("backup", str(path))
    return path


@pytest.fixture
def own_firm(firm: Home, tmp_path: Path) -> Home:
    """A copy of the firm's home that a test may change."""
    shutil.copytree(firm.path, tmp_path / "own")
    return Home(tmp_path / "own")


@pytest.fixture(scope="module")
def away(firm_backup: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Home:
    """The firm's backup restored into PostgreSQL."""
    cluster = request.getfixturevalue("postgres_cluster")
    home = Home(tmp_path_factory.mktemp("away") / "home", postgres.database_make(cluster.address, "away"))
    home.run("restore", str(firm_backup), "--into", str(home.path))
    return home


@pytest.fixture
def empty_home(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Home]:
    """Makes empty homes: on ``sqlite``, or on an empty PostgreSQL database of their own."""

    def make(kind: str) -> Home:
        path = tmp_path / f"home{next(_numbers)}"
        if kind == "sqlite":
            return Home(path)
        cluster = request.getfixturevalue("postgres_cluster")
        return Home(path, postgres.database_make(cluster.address, f"keeping{next(_numbers)}"))

    return make
