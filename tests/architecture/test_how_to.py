"""The how-to that adds a KPI works: its diff is applied to a copy of the code and checked there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.architecture.checkout import ROOT, text

COMPARE = """
import sys
from hypothesis import given, settings
from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.compute import evaluate
from salesops.analytics.tests import deals

kpi = catalogue()[sys.argv[1]]
execute = deals.execute(deals.connection())
known = []

@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(rows=deals.rows)
def compare(rows):
    value = evaluate([kpi], deals.table(rows), deals.ALL_TIME, execute)[0].value
    assert value == deals.by_hand(rows, deals.ALL_TIME)[kpi.name]
    known.append(value is not None)

compare()
print(sum(known))
"""
"""The engine against the plain loop over random deals, for the one KPI; prints how often it had a value."""


def test_adding_a_kpi_is_one_declaration_and_one_test(tmp_path: Path) -> None:
    page = text(ROOT / "docs" / "how-to" / "add-a-kpi.md")
    found = re.search(r"```diff\n(.*?)```", page, re.DOTALL)
    assert found
    touched = re.findall(r"^\+\+\+ b/(\S+)", found[1], re.MULTILINE)
    assert len(touched) == 2
    assert [name for name in touched if "/catalogue/" in name]
    assert [name for name in touched if "/tests/" in name]

    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("vendor", "__pycache__"))
    # Outside a repository git applies a diff to plain files, on every system.
    applied = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        cwd=tmp_path,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)},
        input=found[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert applied.returncode == 0, applied.stderr

    plain = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "DJANGO"))}
    env = {**plain, "PYTHONPATH": str(tmp_path / "src")}
    name = re.findall(r"^\+\s+name=\"(\w+)\"", found[1], re.MULTILINE)[0]
    result = subprocess.run(
        [sys.executable, "-c", COMPARE, name],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert int(result.stdout) > 20
