"""The import contracts of pyproject.toml hold, and notice what they are there to notice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.architecture.checkout import ROOT

LINT = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the copy or the checkout in ``folder``."""
    code = f"import sys; sys.path.insert(0, {str(folder / 'src')!r})\n{LINT}"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_contracts_hold() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 broken." in result.stdout


SPOILT = {
    "Domains stand on lower ones only": ("org/selectors.py", "import salesops.crm.selectors"),
    "Inside a domain, every room stands on lower ones only": ("org/shelf.py", ""),
    "Engines and core are pure": ("core/money.py", "import os"),
    "Only facts.backends names a query engine": ("crm/services.py", "import duckdb"),
    "The store's parts are reached through facts, not through its files": (
        "org/services.py",
        "import deltalake",
    ),
    "Surfaces call services and selectors, never models or the store": (
        "ui/shell.py",
        "import salesops.facts.store",
    ),
    "The models of org are its own": ("crm/selectors.py", "import salesops.org.models"),
    "No cycles between the packages and modules of any package": (
        "core/trace.py",
        "import salesops.core.result\nimport salesops.core.money",
    ),
}
"""Contract -> file of the copy and the line that breaks it."""


def test_contracts_notice(tmp_path: Path) -> None:
    """Each kind of contract reports the violation made for it, in a spoilt copy of the source."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("vendor", "__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    for file, line in SPOILT.values():
        with (tmp_path / "src" / "salesops" / file).open("a", encoding="utf-8") as target:
            target.write(f"\n{line}\n")
    result = lint(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    broken = {line.partition(" BROKEN")[0] for line in result.stdout.splitlines() if " BROKEN" in line}
    assert set(SPOILT) <= broken, result.stdout
