"""A server at work while trouble comes: imports while people read, a database that goes away and comes back."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from salesops.simulate.parameters import FirmParameters
from salesops.simulate.simulator import EXPORTS, simulate
from tests import postgres
from tests.doors.test_cli_processes import call, environment, stopped, wait_for

UNLIMITED = {"SALESOPS_API_REQUESTS_PER_MINUTE": "1000000"}
"""These readers share one token and know no pause."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes of another kind")


@contextmanager
def serving(home: Path, extra: dict[str, str]) -> Iterator[tuple[str, Path]]:
    """``salesops serve`` with its worker: its address and its log."""
    log = home.parent / "server.log"
    with log.open("w") as written:
        server = subprocess.Popen(
            [sys.executable, "-m", "salesops", "serve", "--port", "18500"],
            env=environment(home) | UNLIMITED | extra, stdout=subprocess.PIPE, stderr=written, text=True,
        )  # fmt: skip
        with server, stopped(server):
            assert server.stdout is not None
            base = server.stdout.readline().split()[1]
            wait_for(lambda: call(f"{base}/health/")[0] == 200)
            yield base, log
            server.terminate()
            server.wait(30)


@dataclass
class Readers:
    """People who read without a pause until told to stop."""

    base: str
    secret: str
    many: int
    stopping: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[str, int, Any]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    PATHS = ("kpis/won_deals", "kpis/open_pipeline?by=owner", "opportunities?size=5")

    def __enter__(self) -> Self:
        self.threads = [threading.Thread(target=self._read, args=(i,), daemon=True) for i in range(self.many)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def _read(self, number: int) -> None:
        turn = number
        while not self.stopping.is_set():
            path = self.PATHS[turn % len(self.PATHS)]
            turn += 1
            try:
                status, answer = call(f"{self.base}/api/v1/{path}", self.secret)
            except urllib.error.HTTPError as error:
                status, answer = error.code, error.read().decode(errors="replace")[:500]
            except OSError as error:
                self.lost.append(f"{path}: {error}")
                continue
            self.answers.append((path, status, answer))

    def statuses(self) -> set[int]:
        """Every status that came back."""
        return {status for _, status, _ in self.answers}


def post_file(base: str, secret: str, file: Path) -> dict[str, Any]:
    """Ask REST to import a file; what it made of it."""
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n\r\n'
    body = head.encode() + file.read_bytes() + f"\r\n--{mark}--\r\n".encode()
    status, made = call(
        f"{base}/api/v1/imports", secret, body=body, kind=f"multipart/form-data; boundary={mark}"
    )
    assert status == 202
    return dict(made)


def ended(base: str, secret: str, made: dict[str, Any]) -> dict[str, Any]:
    """The import when it is over."""
    address = f"{base}/api/v1/imports/{made['id']}"
    over = ("done", "failed", "cancelled")

    def look() -> Any:
        try:
            found = call(address, secret)[1]
        except urllib.error.HTTPError:  # the database is still away
            return None
        return found if found["state"] in over else None

    return dict(wait_for(look))


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the CRM of a small firm exports."""
    folder = tmp_path_factory.mktemp("firm")
    simulate(FirmParameters().scaled(12, 900), folder, seed=3)
    return folder / EXPORTS


def opportunities(exports: Path) -> Path:
    """The file of the opportunities."""
    return next(exports.glob("*/Opportunity.csv"))


def filled(home: Path, exports: Path, extra: dict[str, str]) -> str:
    """A home with the firm in it; an API token that may import."""

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "salesops", *arguments],
            env=environment(home) | extra, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    run("account", "ops", "--role", "ops_analyst")
    run("import", str(exports))
    return run("token", "ops", "--write")


@dataclass(frozen=True)
class Later:
    """A later export: lost deals that were won after all."""

    file: Path
    won_more: int


def later(source: Path, to: Path, third: int) -> Later:
    """Every third lost deal, from the ``third``-th on, as won; no other deal is in the file.

    Its name says a day after the first export's: what an older file says changes nothing.
    """
    with source.open(encoding="utf-8-sig", newline="") as read:
        rows = list(csv.DictReader(read))
    lost = [row for row in rows if row["StageName"] == "Closed Lost"][third::3]
    with to.open("w", encoding="utf-8", newline="") as written:
        writer = csv.DictWriter(written, rows[0])
        writer.writeheader()
        writer.writerows(
            row | {"StageName": "Closed Won", "IsWon": "1", "Probability": "100"} for row in lost
        )
    return Later(to, len(lost))


def counted(source: Path) -> tuple[int, int]:
    """Won and open deals of an export."""
    with source.open(encoding="utf-8-sig", newline="") as read:
        stages = [(row["StageName"], row["IsClosed"]) for row in csv.DictReader(read)]
    return sum(s == "Closed Won" for s, _ in stages), sum(closed == "0" for _, closed in stages)


def test_two_imports_at_once_while_twenty_people_read(exports: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    secret = filled(home, exports, {})
    source = opportunities(exports)
    won, _ = counted(source)
    one, two = (later(source, tmp_path / f"opportunities-{n}_2026-11-01.csv", n) for n in (0, 1))
    both = won + one.won_more + two.won_more
    with serving(home, {}) as (base, log), Readers(base, secret, 20) as readers:

        def told() -> dict[str, set[int]]:
            """Facts version -> the numbers that were read of it."""
            found: dict[str, set[int]] = {}
            for path, _, answer in list(readers.answers):
                if path == "kpis/won_deals":
                    found.setdefault(str(answer["facts_version"]), set()).add(answer["value"])
            return found

        wait_for(lambda: told())
        made = [post_file(base, secret, part.file) for part in (one, two)]
        states = [ended(base, secret, part)["state"] for part in made]
        wait_for(lambda: {both} in told().values() or len(readers.answers) > 3000)
    assert states == ["done", "done"]
    assert (readers.lost, readers.statuses()) == ([], {200})
    # Whoever read one facts version read one number, whatever was landing beside it.
    versions = told()
    assert all(len(values) == 1 for values in versions.values()), versions
    numbers = [versions[version].pop() for version in sorted(versions, key=int)]
    assert (numbers[0], numbers[-1]) == (won, both)
    assert set(numbers) <= {won, won + one.won_more, won + two.won_more, both}
    assert "Traceback" not in log.read_text()


@pytest.mark.skipif(postgres.binaries() is None, reason="no PostgreSQL on this machine")
def test_the_database_crashes_and_comes_back_during_an_import(exports: Path, tmp_path: Path) -> None:
    cluster = postgres.Cluster(fsync=True)
    try:
        home, source = tmp_path / "home", opportunities(exports)
        extra = {"DATABASE_URL": postgres.database_make(cluster.address, "busy")}
        secret = filled(home, exports, extra)
        won, still_open = counted(source)
        changed = later(source, tmp_path / "opportunities_2026-11-01.csv", 2)
        with serving(home, extra) as (base, _), Readers(base, secret, 8) as readers:
            made = post_file(base, secret, changed.file)
            for _ in range(2):
                time.sleep(0.3)
                cluster.halt("immediate")
                time.sleep(1)
                cluster.start()
            found = ended(base, secret, made)
            before = len(readers.answers)
            wait_for(lambda: len(readers.answers) > before + 24)
            after = {status for _, status, _ in readers.answers[before:]}
        assert found["state"] == "done", found
        # No reader was told a wrong thing: an answer, or the word that the database is away.
        assert readers.statuses() <= {200, 503}
        assert after == {200}
        assert readers.lost == []
        assert call_kpi(home, extra, "won_deals") == won + changed.won_more
        assert call_kpi(home, extra, "open_deals") == still_open
    finally:
        cluster.stop()


def call_kpi(home: Path, extra: dict[str, str], name: str) -> Any:
    """A number by the command line."""
    done = subprocess.run(
        [sys.executable, "-m", "salesops", "kpi", name, "--json"],
        env=environment(home) | extra, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["value"]


def test_a_killed_server_leaves_nothing_behind(tmp_path: Path) -> None:
    """The supervisor is killed outright: the process that answers ends too, and frees the port."""
    home = tmp_path / "home"
    with subprocess.Popen(
        [sys.executable, "-m", "salesops", "serve", "--port", "18600"],
        env=environment(home), stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        base = server.stdout.readline().split()[1]
        wait_for(lambda: call(f"{base}/health/")[0] == 200)
        server.kill()

    def gone() -> bool:
        try:
            return bool(call(f"{base}/health/")) and False
        except urllib.error.HTTPError:
            return False
        except OSError:
            return True

    assert wait_for(gone)
