"""The documentation builds without a warning and covers every command, setting, KPI and table."""

from __future__ import annotations

import argparse
import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from salesops.analytics.engine.catalogue import catalogue
from salesops.facts.tables import TABLES
from salesops.project.cli import build_parser
from tests.architecture.checkout import ROOT, SRC, text


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The docs, built strictly: a dead link or a page outside the navigation fails."""
    folder = tmp_path_factory.mktemp("site")
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "salesops.project.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def words(page: Path) -> str:
    """A built page as its reader sees it."""
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))


def verbs(
    parser: argparse.ArgumentParser, prefix: str = "salesops"
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Every command: its words, its help, its parser."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, sub in action.choices.items():
                yield f"{prefix} {name}", helps.get(name, "") or sub.description or "", sub
                yield from verbs(sub, f"{prefix} {name}")


def test_every_command_is_documented(site: Path) -> None:
    page = words(site / "reference" / "cli.html")
    names = [name for name, _, _ in verbs(build_parser())]
    assert {"salesops init", "salesops import", "salesops kpi", "salesops kpis", "salesops serve"} <= set(
        names
    )
    assert [name for name in names if name not in page] == []


def test_every_command_and_option_explains_itself() -> None:
    silent = []
    for name, described, parser in verbs(build_parser()):
        if not described:
            silent.append(name)
        silent += [
            f"{name} {action.option_strings or action.dest}"
            for action in parser._actions
            if not action.help and not isinstance(action, argparse._SubParsersAction)
        ]
    assert silent == []


def test_every_setting_is_documented() -> None:
    page = text(ROOT / "docs" / "reference" / "settings.md")
    reading = re.compile(r"environ(?:\.get\(|\[)\s*\"([A-Z_]+)\"")
    code = [path for path in SRC.rglob("*.py") if "tests" not in path.parts]
    read = {name for path in code for name in reading.findall(path.read_text(encoding="utf-8"))}
    read -= {"DJANGO_SETTINGS_MODULE", "PYTEST_VERSION", "LOCALAPPDATA", "XDG_DATA_HOME"}
    assert "SALESOPS_HOME" in read
    documented = set(re.findall(r"^\| `([A-Z_]+)`", page, re.MULTILINE))
    assert read == documented


def test_every_kpi_and_table_is_documented(site: Path) -> None:
    kpis, tables = words(site / "reference" / "kpis.html"), words(site / "reference" / "tables.html")
    assert [name for name in catalogue() if f"({name})" not in kpis] == []
    for kpi in catalogue().values():
        page = words(site / "reference" / "kpi" / f"{kpi.name}.html")
        assert [part for part in (kpi.sentence, kpi.formula, kpi.name) if part not in page] == [], kpi.name
    assert [f"{t.name}.{c.name}" for t in TABLES.values() for c in t.columns if c.name not in tables] == []


def test_decision_records_are_numbered_and_decided() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        record = path.read_text(encoding="utf-8")
        assert record.startswith(f"# {int(path.name[:4])} "), path.name
        assert re.search(r"^Status: (proposed|accepted|succeeded by \d+)", record, re.MULTILINE), path.name


def test_readme_names_the_two_commands() -> None:
    readme = text(ROOT / "README.md")
    assert "python3 run.py demo" in readme
    assert "python3 run.py test" in readme
    links = re.findall(r"\]\(([^)#:]+)\)", readme + text(ROOT / "CONTRIBUTING.md"))
    assert [link for link in links if not (ROOT / link).exists()] == []
