"""Fixtures and rules of the whole suite.

In CI (environment variable ``CI`` set) a skipped test fails the session: a machine that is meant
to run everything must not pass by leaving something out.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django import conf as django_conf
from hypothesis import settings
from pytest_django.plugin import blocking_manager_key
from tests import postgres

gc.disable()  # until everything is loaded: see pytest_collection_finish

ROOT = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("SALESOPS_SHARED", ROOT.parent / "shared"))
WITHOUT_DJANGO = {"core", "facts", "simulate"}
"""Rooms whose tests run without the application, as their code does."""

MAY_SKIP_IN_CI: frozenset[str] = frozenset()
"""Markers whose tests may be skipped in CI. None is."""

# Each process of the suite has a home of its own, so that nothing of the caller's is read or changed.
HOME = tempfile.mkdtemp(prefix="salesops-test-")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ["SALESOPS_HOME"] = HOME
Path(HOME, "static").mkdir()  # where an installation may collect static files; the suite has none
os.environ["DJANGO_SETTINGS_MODULE"] = "salesops.project.settings"
os.environ.pop("DATABASE_URL", None)  # the suite never touches a database that somebody uses
if os.environ.get("SALESOPS_TEST_DATABASE", "") == "postgresql":
    if postgres.CLUSTER not in os.environ:  # not in a worker: it shares its controller's cluster
        cluster = postgres.Cluster()
        atexit.register(cluster.stop)
        os.environ[postgres.CLUSTER] = cluster.address
    os.environ["DATABASE_URL"] = os.environ[postgres.CLUSTER] + "/postgres"
# Playwright's synchronous API runs a loop in the test's own thread, which Django takes for a view.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


# No deadline: a shared machine's pauses are not faults. In CI the examples are always the same.
settings.register_profile("salesops", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True)


def in_ci() -> bool:
    """Whether this is a machine that has to run everything."""
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}


def shared_folder(name: str) -> Path:
    """A folder beside the checkout, or a skip that says what is missing."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"needs the folder {name} of public test data beside the checkout (SALESOPS_SHARED)")
    return folder


CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ASSET = ROOT / "src" / "salesops" / "ui" / "static" / "vendor" / "htmx.min.js"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, once for all browser tests of a process: Playwright's synchronous driver starts only once in it."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    if not ASSET.exists():
        pytest.skip("the browser assets have not been fetched")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=CHROMIUM_ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgres.Cluster]:
    """A private PostgreSQL cluster of this process, whatever database the suite runs on."""
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL on this machine")
    cluster = postgres.Cluster()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Public data sets the product is proved on; never part of the repository."""
    return shared_folder("data")


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """Worked examples with expected results, as YAML."""
    return shared_folder("cases")


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def cheap_repetition() -> Iterator[None]:
    """What a process does once and a suite a thousand times costs less here; no answer changes.

    A home of a test's own has an engine of its own: what another home's engine has compiled is not compiled again,
    since expressions that differ in the names of relations alone have one query but for these names. A password
    is hashed by the product's own hasher, with one round.
    """
    with pytest.MonkeyPatch.context() as patch:
        if "salesops.facts.backends.compiled" in sys.modules:
            compiled = sys.modules["salesops.facts.backends.compiled"].Compiled
            own, shared = compiled.__init__, compiled()

            def sharing(self: Any) -> None:
                own(self)
                for name in ("engine", "_queries", "_numbered"):
                    setattr(self, name, getattr(shared, name))

            patch.setattr(compiled, "__init__", sharing)
        if django_conf.settings.configured:
            from django.contrib.auth.hashers import PBKDF2PasswordHasher

            patch.setattr(PBKDF2PasswordHasher, "iterations", 1)
        yield


def uses_database(item: pytest.Item) -> bool:
    """Whether a test reads or writes the application's database."""
    asked = {"db", "transactional_db", "live_server", "client", "admin_client"}
    return bool(asked & set(getattr(item, "fixturenames", ())) or item.get_closest_marker("django_db"))


def pytest_itemcollected(item: pytest.Item) -> None:
    """``-m database`` takes the tests that say something of the database below them."""
    if uses_database(item):
        item.add_marker("database")


@pytest.fixture(autouse=True)
def own_folders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Facts, uploads and files of a test that uses the database are its own: folders do not roll back."""
    if not uses_database(request.node):
        yield
        return
    from django.test import override_settings

    home = tmp_path_factory.mktemp("home")
    with override_settings(
        HOME=home, FACTS_PATH=home / "facts", UPLOADS_PATH=home / "uploads", FILES_PATH=home / "files"
    ):
        yield
        from salesops.platform.store import fact_store

        fact_store().close()


@pytest.fixture
def facts_home(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """Facts of this test's own."""
    from salesops.platform.store import fact_store

    settings.FACTS_PATH = tmp_path / "facts"
    yield settings.FACTS_PATH
    fact_store().close()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Let tests that commit empty the append-only tables afterwards, and keep a test's own connection."""
    from django.db import connection
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.test import TransactionTestCase

    from salesops.platform.append_only import protect, protected_tables, unprotect

    empty = TransactionTestCase._fixture_teardown  # noqa: SLF001 (the only place to step in)

    def lifted(case: TransactionTestCase) -> None:
        tables = protected_tables(connection)
        unprotect(connection, *tables)
        try:
            empty(case)
        finally:
            protect(connection, *tables)

    TransactionTestCase._fixture_teardown = lifted  # noqa: SLF001

    close = BaseDatabaseWrapper.close_if_unusable_or_obsolete

    def kept(wrapper: BaseDatabaseWrapper) -> None:
        # The end of a request closes a connection that is in a transaction: here that is the test's own.
        if not wrapper.in_atomic_block:
            close(wrapper)

    BaseDatabaseWrapper.close_if_unusable_or_obsolete = kept


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember on a skipped report whether its test may be skipped in CI."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.user_properties.append(("may_skip", any(item.get_closest_marker(m) for m in MAY_SKIP_IN_CI)))
    return report


class SkipsFail:
    """Counts the skips of a session; with pytest-xdist the controller sees every worker's reports."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a skip that CI does not allow."""
        allowed = hasattr(report, "wasxfail") or ("may_skip", True) in report.user_properties
        if report.skipped and not allowed:
            self.skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a whole module that skipped itself."""
        if report.skipped:
            self.skipped.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a green session with skips into a red one."""
        if self.skipped and session.exitstatus in {0, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say why the session is red."""
        if self.skipped:
            terminalreporter.section("skipped in CI: counted as failures", red=True)
            for nodeid in sorted(set(self.skipped)):
                terminalreporter.line(nodeid)


def pytest_configure(config: pytest.Config) -> None:
    """In CI, fix the generated examples and count skips as failures."""
    settings.load_profile("ci" if in_ci() else "salesops")
    if in_ci() and not hasattr(config, "workerinput"):  # the controller decides the exit code
        config.pluginmanager.register(SkipsFail(), "skips-fail-in-ci")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """Load the application before the first test module that may need it, and not for the others."""
    inside = module_path.relative_to(ROOT).parts
    if inside[:2] == ("src", "salesops") and inside[2] in WITHOUT_DJANGO:
        return
    if not django_conf.settings.configured:
        try:
            django.setup()
        except ImportError as error:
            # The tests that need the application fail by themselves; those of engines still run.
            warnings.warn(f"the application does not load: {error}", stacklevel=1)
        parent.config.stash[blocking_manager_key].block()


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: the collector of garbage begins after them, and looks less often."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Let each worker load the settings with its own home, not with the one it would inherit."""
    del os.environ["DJANGO_SETTINGS_MODULE"]
