"""Workers killed in mid-import, mid-export and mid-mail, and two workers that race: nothing lost, nothing doubled."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.doors.job_trial import ROWS, SMALL

ROOT = Path(__file__).resolve().parents[2]
WAIT = 120

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")


class Home:
    """A home of its own with the database asked for, and processes on it."""

    def __init__(self, folder: Path, cluster: str) -> None:
        self.folder = folder
        self.address = postgres.database_make(cluster, "trial_" + os.urandom(6).hex()) if cluster else ""
        kept = {k: v for k, v in os.environ.items() if k not in {"DJANGO_SETTINGS_MODULE", "DATABASE_URL"}}
        self.environment = kept | {
            "SALESOPS_HOME": str(folder), "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "TALLY": str(folder / "tally.txt"),
            **({"DATABASE_URL": self.address} if self.address else {}),
        }  # fmt: skip
        self.started: list[subprocess.Popen[str]] = []

    def step(self, name: str, *arguments: str) -> Any:
        """One step to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.doors.job_trial", name, *arguments],
            env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=WAIT, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def start(self, *command: str) -> subprocess.Popen[str]:
        """A process that goes on."""
        process = subprocess.Popen(
            [sys.executable, *command], env=self.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        self.started.append(process)
        return process

    def worker(self) -> subprocess.Popen[str]:
        return self.start("-m", "salesops", "worker")

    def job(self, pk: int) -> dict[str, Any]:
        """A job's row, read past the application."""
        columns = ("state", "done", "attempts", "message", "worker", "checkpoint")
        statement = f"SELECT {', '.join(columns)} FROM platform_job WHERE id = {pk}"
        if self.address:
            import psycopg

            with psycopg.connect(self.address) as connection:
                row = connection.execute(statement).fetchone()  # type: ignore[arg-type]
        else:
            with contextlib.closing(
                sqlite3.connect(self.folder / "salesops.sqlite3", timeout=30)
            ) as connection:
                row = connection.execute(statement).fetchone()
        assert row is not None
        return dict(zip(columns, row, strict=True))

    def until(self, what: Callable[[], Any], pause: float = 0.02) -> Any:
        """The first true answer."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            if found := what():
                return found
            time.sleep(pause)
        raise AssertionError("it did not happen in time")

    def kill_at(self, pk: int, *places: str) -> int:
        """Kill the one worker at each place in turn; returns the kills."""
        mark = self.folder / "mark"
        self.environment["MARK"] = str(mark)
        for place in places:
            mark.unlink(missing_ok=True)
            self.environment["PAUSE"] = place
            process = self.start("-m", "tests.doors.job_trial", "work")

            def there(process: subprocess.Popen[str] = process, place: str = place) -> bool:
                assert process.poll() is None, f"{place} was not met: {self.job(pk)}"
                return mark.exists()

            self.until(there)
            assert self.job(pk)["state"] == "running"
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        del self.environment["PAUSE"]
        return len(places)

    def stop(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """On the database that the suite runs on."""
    made = Home(tmp_path / "home", os.environ.get(postgres.CLUSTER, ""))
    yield made
    made.stop()


class SlowMail:
    """A mail server that takes its time; what it accepted."""

    def __init__(self) -> None:
        self.accepted: list[tuple[str, str]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - its name
        import asyncio
        from email import message_from_bytes

        await asyncio.sleep(0.1)
        key = str(message_from_bytes(envelope.content)["Message-ID"])
        self.accepted += [(address, key) for address in envelope.rcpt_tos]
        return "250 OK"


@pytest.fixture
def smtp(home: Home) -> Iterator[SlowMail]:
    from aiosmtpd.controller import Controller

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = SlowMail()
    server = Controller(made, hostname="127.0.0.1", port=port)
    server.start()
    home.environment["SALESOPS_SMTP"] = f"smtp://127.0.0.1:{port}"
    yield made
    server.stop()


def test_workers_killed_in_the_middle_lose_and_double_nothing(
    home: Home, smtp: SlowMail, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    letter = home.step("mail")
    kills = home.kill_at(
        letter["job"], "salesops.platform.mail:_send:before:2", "salesops.platform.mail:_send:after:2"
    )
    brought = home.step("bring", str(tmp_path))["job"]
    mails_sent = home.job(letter["job"])["state"]
    kills += home.kill_at(
        brought,
        "salesops.crm.services:link_all:before:1",  # the file is read
        "salesops.crm.services:merge:after:1",  # the facts are written, the report of it is not
        "salesops.crm.services:_finish:before:1",
        "salesops.crm.services:_finish:after:1",  # the import is done, its job is not
    )
    assert mails_sent in ("queued", "running", "done")
    last = home.worker()
    home.until(lambda: home.job(brought)["state"] not in ("queued", "running"), 0.2)
    last.send_signal(signal.SIGTERM)
    assert last.wait(timeout=60) == 0
    export = home.step("export")["job"]
    kills += home.kill_at(
        export,
        "salesops.ui.exports:_telling:before:1",  # nothing is written yet
        "salesops.platform.job_files:described:before:1",  # the file has its name, the job knows nothing of it
    )
    last = home.worker()
    for pk in (export, letter["job"]):
        home.until(lambda pk=pk: home.job(pk)["state"] not in ("queued", "running"), 0.2)
    last.send_signal(signal.SIGTERM)
    assert last.wait(timeout=60) == 0

    found = home.step("check")
    lost = [job for job in found["jobs"].values() if job[1] != "done"]
    assert lost == []
    assert (found["deals"], found["ids"], found["doubled_changes"]) == (ROWS, ROWS, 0)
    assert found["sum"].startswith(str(sum(range(ROWS)) + ROWS // 2))
    assert found["imports"] == [["done", ROWS]], "what landed is reported once"
    (file,) = found["files"]
    assert (file["whole"], file["beside"]) == (True, 0)
    from python_calamine import CalamineWorkbook

    rows = CalamineWorkbook.from_path(file["path"]).get_sheet_by_index(0).to_python()
    assert len(rows) == ROWS + 1
    times = Counter(address for address, _ in smtp.accepted)
    assert set(times) == {f"p{n}@example.com" for n in range(5)}, "nobody was forgotten"
    assert {key for _, key in smtp.accepted} == {letter["message_id"]}
    again = sum(times.values()) - 5
    assert again == 1, "only the mail whose yes was not on record yet comes twice, under the same id"
    record_property("kills", kills)
    print(f"{kills} kills, {len(lost)} jobs lost, 0 rows doubled, {again} mail sent again under its own id")


def test_two_workers_run_each_of_many_small_jobs_once(home: Home) -> None:
    asked = home.step("small")["jobs"]
    workers = [home.start("-m", "tests.doors.job_trial", "work") for _ in range(2)]
    ran = [json.loads(worker.communicate(timeout=WAIT)[0].splitlines()[-1])["ran"] for worker in workers]
    lines = [
        line.split() for line in Path(home.environment["TALLY"]).read_text(encoding="utf-8").splitlines()
    ]
    assert sum(ran) == len(asked) == SMALL
    assert Counter(int(number) for number, _, _ in lines) == dict.fromkeys(range(SMALL), 1)
    assert {attempt for _, attempt, _ in lines} == {"1"}
    assert {home.job(pk)["state"] for pk in asked} == {"done"}
