from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import salesops

CORE = Path(__file__).resolve().parents[1]
SOURCES = sorted(CORE.glob("*.py"))


@pytest.mark.parametrize("name", sorted(salesops.__all__))
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(salesops, name) is not None
    assert name in dir(salesops)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        salesops.no_such_name  # noqa: B018


def test_the_library_needs_neither_django_nor_an_engine() -> None:
    program = (
        "import sys, salesops\n"
        "before = {name for name in sys.modules if name.startswith('salesops.')}\n"
        "assert not before, before\n"
        "for name in salesops.__all__: getattr(salesops, name)\n"
        "heavy = {'django', 'ibis', 'duckdb', 'pyarrow', 'numpy', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(CORE.parents[1]), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_core_imports_only_itself_and_pure_parts_of_the_standard_library(source: Path) -> None:
    pure = {
        *("__future__", "bisect", "calendar", "collections", "dataclasses", "datetime", "decimal", "enum"),
        *("fractions", "itertools", "math", "re", "typing", "zoneinfo"),
        *("contextlib", "functools", "threading"),  # a lock around what is kept in memory
    }
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] in pure or name.startswith("salesops.core"), f"{source.name}: {name}"
