"""The how-to that adds a KPI works: its diff is applied to a copy and the catalogue's tests run on it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.architecture.checkout import ROOT, text


def test_adding_a_kpi_is_one_declaration_and_one_test(tmp_path: Path) -> None:
    page = text(ROOT / "docs" / "how-to" / "add-a-kpi.md")
    found = re.search(r"```diff\n(.*?)```", page, re.DOTALL)
    assert found
    touched = re.findall(r"^\+\+\+ b/(\S+)", found[1], re.MULTILINE)
    assert len(touched) == 2
    assert [name for name in touched if "/catalogue/" in name]
    assert [name for name in touched if "/tests/" in name]

    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("vendor", "__pycache__"))
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
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
    listed = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from salesops.analytics.engine.catalogue import catalogue; print(catalogue()[{name!r}].title)",
        ],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr
    tests = "src/salesops/analytics/tests/test_kpis_by_hand.py"
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^\d+ passed", result.stdout, re.MULTILINE), result.stdout
