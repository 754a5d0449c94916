"""Homes, servers and people for tests that drive Chromium.

A home is filled by a process of its own and served by ``salesops serve``, worker included, as an
installation is: what these tests prove, they prove of the product as people run it. A filled home is
made once in a session; every module gets a copy of it and a server of its own.

Whatever a page of a :class:`Person` says on the browser's console, every script error, blocked resource
and answer of 500 fails the test; so does a traceback in the server's log.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.postgres import home_copy, home_environment

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "test-output"
expect.set_options(timeout=20_000)  # patience with a slow machine, not a measure of speed
START_SECONDS = 120
"""Patience with a slow machine, not a measure of speed."""


def environment(home: Path) -> dict[str, str]:
    """The environment of an installation: nothing of the suite's own settings leaks into it."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SALESOPS_", "PYTEST_", "DJANGO_"))}
    kept.pop("DATABASE_URL", None)
    return kept | {
        "SALESOPS_HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        "PYTHONUTF8": "1",
        **home_environment(home),
    }


@dataclass(frozen=True)
class Filled:
    """A filled home, and what is known about its records."""

    path: Path
    known: dict[str, Any]


def fill(kind: str, path: Path, *data: Path) -> Filled:
    """Fill a home of a kind that ``homes.py`` knows."""
    command = [sys.executable, "-m", "tests.browser.homes", kind, str(path), *map(str, data)]
    done = subprocess.run(
        command, env=environment(path), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"the home {kind!r} could not be filled:\n{done.stderr[-4000:]}"
    return Filled(path, json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """Accounts and no data."""
    return fill("empty", tmp_path_factory.mktemp("empty") / "home")


@pytest.fixture(scope="session")
def maven_home(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Filled:
    """The public export of the first real run."""
    return fill("maven", tmp_path_factory.mktemp("maven") / "home", shared_data / "maven_crm")


@pytest.fixture(scope="session")
def firm_home(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """A small simulated firm, with something to see on every page."""
    return fill("firm", tmp_path_factory.mktemp("firm") / "home")


@dataclass
class Person:
    """Somebody with an account in front of a browser."""

    server: Server
    role: str
    context: BrowserContext
    said: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    """Parts of console messages that a test provokes on purpose."""

    def page(self) -> Page:
        """A new page whose troubles are noted."""
        page = self.context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(f"{page.url}: {error}"))
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)
        return page

    def _console(self, message: Any) -> None:
        # The browser itself reports every refused page as an error; tests of refusals look at the status.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.said.append(f"{message.location.get('url', '')}: {message.text}")

    def _answered(self, answer: Any) -> None:
        if answer.status >= 500:
            self.said.append(f"{answer.status} {answer.url}")

    def _failed(self, request: Any) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):  # a page left, or a download begun
            self.said.append(f"{request.url}: {request.failure}")

    def open(self, path: str) -> Page:
        """A new page at an address."""
        page = self.page()
        page.goto(self.server.url + path)
        return page

    def get(self, path: str) -> Any:
        """An answer without a page, with the person's cookies."""
        return self.context.request.get(self.server.url + path, max_redirects=0)

    def ask(self, path: str) -> Any:
        """An answer of the REST API, by the account's token."""
        headers = {"Authorization": f"Bearer {self.server.known['tokens'][self.role]}"}
        return self.context.request.get(self.server.url + "/api/v1/" + path, headers=headers, max_redirects=0)

    def check(self) -> None:
        """Fail over anything the browser complained about."""
        unexpected = [text for text in self.said if not any(part in text for part in self.expected)]
        assert unexpected == []


@dataclass
class Server:
    """``salesops serve`` on a copy of a filled home."""

    url: str
    home: Path
    known: dict[str, Any]
    browser: Browser
    states: dict[str, Any] = field(default_factory=dict)

    def person(self, role: str, *, scheme: str = "light", width: int = 1440, **options: Any) -> Person:
        """Somebody of a role, signed in by the account's one-time link."""
        if role and role not in self.states:
            context = self.browser.new_context()
            page = context.new_page()
            page.goto(self.url + self.known["links"][role])
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(lambda url: "/sign-in/" not in url)
            self.states[role] = context.storage_state()
            context.close()
        context = self.browser.new_context(
            storage_state=self.states.get(role),
            color_scheme=scheme,
            viewport={"width": width, "height": 900 if width > 600 else 844},
            **options,
        )
        context.set_default_timeout(30_000)
        return Person(self, role, context)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(filled: Filled, folder: Path, browser: Browser) -> Iterator[Server]:
    """Serve a copy of a home until the block ends."""
    home = folder / "home"
    home_copy(filled.path, home)
    url, log = f"http://127.0.0.1:{(port := free_port())}", folder / "server.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "salesops", "serve", "--port", str(port)],
            env=environment(home), cwd=folder, stdout=written, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            _wait(url, process, log)
            yield Server(url, home, filled.known, browser)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    text = log.read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in text, text[-6000:]


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        try:
            with urllib.request.urlopen(f"{url}/health/", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"the server did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


@pytest.fixture(scope="module")
def empty_server(
    empty_home: Filled, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[Server]:
    """A server without data for the module."""
    with served(empty_home, tmp_path_factory.mktemp("served"), browser) as server:
        yield server


@pytest.fixture(scope="module")
def maven_server(
    maven_home: Filled, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[Server]:
    """A server of the public export for the module."""
    with served(maven_home, tmp_path_factory.mktemp("served"), browser) as server:
        yield server


@pytest.fixture(scope="module")
def firm_server(
    firm_home: Filled, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[Server]:
    """A server of the simulated firm for the module."""
    with served(firm_home, tmp_path_factory.mktemp("served"), browser) as server:
        yield server


@pytest.fixture
def someone() -> Iterator[Callable[..., Person]]:
    """Make people; when the test ends, what their browsers complained about fails it."""
    made: list[Person] = []

    def make(server: Server, role: str = "", **options: Any) -> Person:
        person = server.person(role, **options)
        made.append(person)
        return person

    yield make
    for person in made:
        person.context.close()
    for person in made:
        person.check()


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the whole page for people to look at; never compared."""
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
