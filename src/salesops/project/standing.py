"""What a demo's home says of itself, and the short way to serve one that stands as it was built.

Nothing here loads the application: the second ``salesops demo`` turns into the server at once, and the process
that answers, which has to load it anyway, makes the sign-in links (:mod:`salesops.project.welcome`). Loading it
twice, one after the other, was half of the wait for the first page.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import salesops
from salesops.project import serving

FILE = "demo.json"
STANDS = "The demo stands as it was built; its numbers are on Home."
RESTORE_MARK = "restore-incomplete.json"
"""As :func:`salesops.platform.home.restore_mark`, which can't be asked before the application is loaded."""


@dataclass(frozen=True)
class Demo:
    """What is written of a demo.

    Attributes:
        data: what it shows, see :func:`named`.
        built: the digest of what it was made of, empty until it is whole.
        accounts: label and user name of each account that was made to look at it.
    """

    data: str
    built: str = ""
    accounts: Sequence[tuple[str, str]] = ()


def read(home: Path) -> Demo | None:
    """What a home says of the demo it holds; None where it holds none."""
    try:
        told = json.loads((home / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    accounts = tuple((label, username) for label, username in told.get("accounts", ()))
    return Demo(told["data"], told.get("built", ""), accounts)


def write(home: Path, demo: Demo) -> None:
    """Mark a home as a demo's."""
    text = json.dumps(asdict(demo) | {"version": salesops.__version__})
    fresh = home / f"{FILE}.new"
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(home / FILE)


def named(data: Path | None) -> str:
    """How a demo's data is called: by its path, or as the firm that is simulated."""
    return str(data) if data else "the demo firm"


def digest(data: Path | None, data_on: date | None) -> str:
    """What a demo is made of: where it is the same, the demo need not be made twice."""
    parts = [salesops.__version__, str(data_on)]
    if data is not None:
        for path in [data] if data.is_file() else sorted(p for p in data.rglob("*") if p.is_file()):
            told = path.stat()
            parts.append(f"{path.relative_to(data.parent)} {told.st_size} {told.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def serve_if_it_stands(arguments: Sequence[str]) -> None:
    """Turn into the server where the command is a plain ``demo`` and its home is whole; else return.

    Args:
        arguments: the command line without the name of the program. Whatever is not understood here, stands in
            a database of its own, or is not as it was built, is left to the whole command, and so is what fails.
    """
    asked = _plain_demo(arguments)
    if asked is None or os.name != "posix" or os.environ.get("DATABASE_URL"):
        return
    home = Path(os.environ.get("SALESOPS_HOME") or Path.home() / ".salesops").expanduser().resolve()
    host = "127.0.0.1"
    try:
        if not _stands(home, Path(asked.data).expanduser().resolve() if asked.data else None):
            return
        port = serving.free_port(host, asked.port)
    except (OSError, ValueError, LookupError):
        return
    print(STANDS, flush=True)
    serving.become(home, host, port, worker=True, welcome=True)


def _stands(home: Path, data: Path | None) -> bool:
    """Whether a home holds the demo of some data just as it was built."""
    if not (home / "salesops.sqlite3").exists() or (home / RESTORE_MARK).exists():
        return False
    if data is not None and not data.exists():
        return False
    held = read(home)
    return (
        held is not None
        and bool(held.accounts)
        and (held.data, held.built) == (named(data), digest(data, None))
    )


def _plain_demo(arguments: Sequence[str]) -> argparse.Namespace | None:
    """The options of ``demo`` with nothing but a port and data; None for any other command."""
    if list(arguments[:1]) != ["demo"]:
        return None
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--data")
    parser.add_argument("--port", type=int, default=8000)
    try:
        asked, rest = parser.parse_known_args(arguments[1:])
    except argparse.ArgumentError:
        return None
    return None if rest else asked
