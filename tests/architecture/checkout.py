"""What the architecture tests know about the checkout: its root, its files, its domains."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "salesops"
DOMAINS = sorted(path.parent.parent.name for path in SRC.glob("*/engine/__init__.py"))
ENDINGS = ".cfg .css .html .in .ini .js .json .md .py .sh .svg .toml .txt .yaml .yml"
TEXT_SUFFIXES = frozenset(["", *ENDINGS.split()])


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or would be, committed: what git tracks and what it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return tuple(
        sorted(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file())
    )


@cache
def text(path: Path) -> str:
    """A committed text file; empty for a binary one."""
    if path.suffix not in TEXT_SUFFIXES:
        return ""
    return path.read_text(encoding="utf-8")


def shown(path: Path) -> str:
    """A path as people write it."""
    return path.relative_to(ROOT).as_posix()
