"""Homes on a chosen database, and commands on them as processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.architecture.checkout import ROOT

_OURS = ("DJANGO_SETTINGS_MODULE", "SALESOPS_HOME", "DATABASE_URL")

LOAD = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "salesops.project.settings"
django.setup()
"""
"""The beginning of a script that uses the application."""


STEPS = """
import contextlib, io, json, os, sys
commands = json.loads(sys.argv[1])
from salesops.project import cli
results = []
for command in commands:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main(command)
        except SystemExit as stop:
            code = stop.code
    results.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(results))
"""


@dataclass(frozen=True)
class Done:
    """What a command ended with."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Said:
    """What a home says.

    Attributes:
        answers: every KPI of the catalogue, over several periods and as of several days.
        rows: rows of every table.
        chain: whether the audit chain holds; number and digest of its last event.
        folders: where each import's files were.
    """

    answers: dict[str, list[list[Any]]]
    rows: dict[str, int]
    chain: tuple[bool, int, str]
    folders: list[list[str]]


@dataclass(frozen=True)
class Home:
    """A home's folder and the address of its database: "" for SQLite inside the home."""

    path: Path
    database: str = ""

    def environment(self) -> dict[str, str]:
        """What a process on this home needs."""
        kept = {k: v for k, v in os.environ.items() if k not in _OURS and not k.startswith("PYTEST")}
        own = {"SALESOPS_HOME": str(self.path), "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
        return {**kept, **own, **({"DATABASE_URL": self.database} if self.database else {})}

    def run(self, *arguments: str, code: int | None = 0) -> Done:
        """Run a command; its exit code must be ``code`` unless that is None."""
        return self.steps(list(arguments), code=code)[0]

    def steps(self, *commands: list[str], code: int | None = 0) -> list[Done]:
        """Run commands one after the other in one process, which saves loading the application for each."""
        done = self.python("-c", STEPS, json.dumps(commands))
        assert done.returncode == 0, done.stderr
        results = [Done(*one) for one in json.loads(done.stdout)]
        for command, result in zip(commands, results, strict=True):
            assert code is None or result.returncode == code, f"{command}: {result}"
        return results

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a command printed with ``--json``."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python on this home."""
        return subprocess.run(
            [sys.executable, *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Python on this home and go on."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def look(self) -> Said:
        """Everything two homes are compared by, in one process."""
        done = self.python("-m", "tests.safekeeping.answers")
        assert done.returncode == 0, done.stderr
        return Said(**json.loads(done.stdout))

    def script(self, text: str) -> str:
        """Run a few lines with the application loaded; returns what they print."""
        done = self.python("-c", LOAD + text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self) -> dict[str, int]:
        """Rows of every table."""
        return json.loads(
            self.script(
                "import json\nfrom salesops.platform.safekeeping import tables\n"
                "print(json.dumps({m._meta.label: tables.count(m) for m in tables.models_of()}))"
            )
        )
