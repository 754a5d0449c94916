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

    def run(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command; its exit code must be ``code`` unless that is None."""
        done = self.python("-m", "salesops", *arguments)
        assert code is None or done.returncode == code, (
            f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done

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
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def answers(self) -> dict[str, list[list[Any]]]:
        """Every KPI of the catalogue, over several periods and as of several days."""
        done = self.python("-m", "tests.safekeeping.answers")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

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
