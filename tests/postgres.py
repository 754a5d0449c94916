"""A private PostgreSQL cluster for tests, and a database of its own for every home that a test makes.

The suite runs on SQLite by itself. With ``SALESOPS_TEST_DATABASE=postgresql`` the first process starts a
cluster (loopback only, a free port, no fsync), hands its address to the workers and stops it at the end.
Tests that need PostgreSQL whatever the suite runs on take the fixture ``postgres_cluster``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

CLUSTER = "SALESOPS_TEST_CLUSTER"
"""Environment variable with the address of the cluster that the suite runs on, without a database."""

USER = "postgres"

UNSAFE = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=4GB",
    "checkpoint_timeout=1h",
    "jit=off",
)
"""Settings of a cluster that is thrown away: nothing of it has to outlive a crash of the machine."""


class PostgresError(RuntimeError):
    """The cluster could not be started."""


def binaries() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``, newest version first; None where there is none."""
    if found := shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql")
    folders = sorted(versions.glob("*/bin"), key=lambda p: p.parent.name.zfill(4), reverse=True)
    return next((folder for folder in folders if (folder / "pg_ctl").exists()), None)


class Cluster:
    """A running cluster in a folder of its own.

    Attributes:
        address: ``postgresql://postgres@127.0.0.1:PORT``, without a database.
        folder: everything of it; removed by :meth:`stop`.
    """

    def __init__(self, *, fsync: bool = False) -> None:
        found = binaries()
        if found is None:
            raise PostgresError("PostgreSQL's initdb and pg_ctl are not on this machine.")
        self._bin = found
        self._fsync = fsync
        self.folder = Path(tempfile.mkdtemp(prefix="salesops-pg-"))
        if os.name == "posix" and os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self.folder, USER)
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self._call("initdb", "-D", self.data, "-A", "trust", "-U", USER, "--no-sync", "-E", "UTF8",
                       "--locale=C.UTF-8")  # fmt: skip
            self._start_on_a_free_port()
            undo.pop_all()  # it runs: `stop` is what removes it

    @property
    def data(self) -> str:
        """The data directory."""
        return str(self.folder / "data")

    def _start_on_a_free_port(self) -> None:
        for last in (False, False, True):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = int(probe.getsockname()[1])
            try:
                self.start()
            except PostgresError:  # somebody took the port between the look and the start
                if last:
                    raise
            else:
                return

    def start(self) -> None:
        """Start it on its port: after :meth:`halt` on the same one, as a restart does."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder} -c max_connections=200"
        if not self._fsync:
            options += "".join(f" -c {setting}" for setting in UNSAFE)
        log = str(self.folder / "log")
        self._call("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", log, "-o", options, "start")
        self.address = f"postgresql://{USER}@127.0.0.1:{self.port}"

    def halt(self, mode: str = "fast") -> None:
        """Stop the server; ``immediate`` is a crash. The data stays."""
        self._call("pg_ctl", "-D", self.data, "-w", "-t", "60", "-m", mode, "stop")

    def stop(self) -> None:
        """Stop the server and remove everything."""
        try:
            self.halt("immediate")
        except PostgresError:
            pass
        shutil.rmtree(self.folder, ignore_errors=True)

    def _call(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), *arguments]
        if os.name == "posix" and os.geteuid() == 0:
            command = ["runuser", "-u", USER, "--", *command]
        # pg_ctl's child keeps what it inherits: with a pipe for its output this call would never end.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                command,
                stdout=said,
                stderr=said,
                stdin=subprocess.DEVNULL,
                cwd="/tmp",
                check=False,
            )
            said.seek(0)
            text = said.read().decode(errors="replace")
        if done.returncode:
            message = f"{program} failed:\n{text}"
            raise PostgresError(message)


def execute(address: str, statement: str) -> list[tuple[object, ...]]:
    """Run one statement outside a transaction, in the cluster's own database."""
    import psycopg

    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        cursor = connection.execute(statement)  # type: ignore[arg-type]
        return list(cursor.fetchall()) if cursor.description else []


def database_make(address: str, name: str, *, template: str = "") -> str:
    """A database of that name, if it is not there yet; its address."""
    there = execute(address, f"SELECT 1 FROM pg_database WHERE datname = '{name}'")
    if not there:
        execute(address, f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
    return f"{address}/{name}"


def _name(home: Path) -> str:
    return "home_" + hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:24]


def home_environment(home: Path) -> dict[str, str]:
    """What the environment of a home's processes needs besides the home: its database, on PostgreSQL."""
    address = os.environ.get(CLUSTER, "")
    return {"DATABASE_URL": database_make(address, _name(home))} if address else {}


def home_copy(source: Path, target: Path) -> None:
    """A copy of a home that no process has open, database included."""
    shutil.copytree(source, target)
    if address := os.environ.get(CLUSTER, ""):
        database_make(address, _name(target), template=_name(source))
