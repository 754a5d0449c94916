"""What is committed: no addresses or paths of one machine, no third-party code, nothing unfinished."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest

from tests.architecture.checkout import DOMAINS, ROOT, SRC, files, shown, text

# Put together from pieces, so that the patterns do not find themselves.
ADDRESSES = "|".join(
    [
        '"resolved":' + ' *"http',
        "index" + "-url",
        r"https?://[^\s\"]*\.(?:tgz|whl)\b",
        r"https?://(?:pypi|registry|files)\." + r"\w+",
        "/wo" + "rk/",
        "/ro" + "ot/",
        "/home" + r"/\w+/",
        "/tmp" + "/bash",
        r"[A-Z]:\\\\" + "Users",
    ]
)
UNFINISHED = "|".join(
    r"\b" + word + r"\b" for word in ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "coming " + "soon")
)
THIRD_PARTY = "|".join(["Copyright" + r" \(c\)", "@" + "license", "sourceMapping" + "URL"])


def offending(pattern: str, *, suffixes: set[str] | None = None, skip: set[str] = frozenset()) -> list[str]:
    """Lines of committed files that match, as ``file:line: text``."""
    compiled = re.compile(pattern)
    found = []
    for path in files():
        if shown(path) in skip or (suffixes and path.suffix not in suffixes):
            continue
        for number, line in enumerate(text(path).splitlines(), 1):
            if compiled.search(line):
                found.append(f"{shown(path)}:{number}: {line.strip()[:120]}")
    return found


def test_no_address_or_path_of_a_machine() -> None:
    assert offending(ADDRESSES, skip={".ci/run"}) == []


def test_nothing_unfinished() -> None:
    assert offending(UNFINISHED, suffixes={".py", ".html", ".md", ".js", ".css"}) == []


def test_no_third_party_code() -> None:
    assert offending(THIRD_PARTY, skip={"LICENSE", "NOTICE"}) == []
    foreign = re.compile(
        r"(\.min\.(js|css)|\.(woff2?|ttf|whl|jar|so|dll|exe|tgz))$|(^|/)(node_modules|vendor)/"
    )
    assert [shown(path) for path in files() if foreign.search(shown(path))] == []


def test_no_swallowed_errors() -> None:
    swallowed = re.compile(
        r"except(?: Exception| BaseException)?:\s*\n?\s*(?:pass|continue|\.\.\.)\s*(?:\n|$)"
    )
    assert [shown(path) for path in files() if path.suffix == ".py" and swallowed.search(text(path))] == []


def test_file_sizes() -> None:
    big = [f"{shown(p)}: {p.stat().st_size}" for p in files() if p.stat().st_size > 2_000_000]
    long = [
        f"{shown(p)}: {n} lines"
        for p in files()
        if p.suffix == ".py" and p.is_relative_to(SRC) and (n := len(text(p).splitlines())) > 600
    ]
    assert big + long == []


def test_no_shelves() -> None:
    shelves = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py", "signals.py"}
    assert [shown(path) for path in files() if path.name in shelves] == []
    assert (
        offending(r"django\.dispatch|models\.signals", suffixes={".py"}, skip={shown(Path(__file__))}) == []
    )


def test_modules_say_what_they_are() -> None:
    silent = [
        shown(path)
        for path in files()
        if path.suffix == ".py"
        and path.is_relative_to(SRC)
        and not {"migrations", "tests"} & set(path.parts)
        and path.name != "apps.py"  # Django's registration of the package, whose docstring says it
        and text(path).strip()
        and not ast.get_docstring(ast.parse(text(path)))
    ]
    assert silent == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_domain_readme(domain: str) -> None:
    """Every domain says what question it answers and names an engine entry point that exists."""
    readme = (SRC / domain / "README.md").read_text(encoding="utf-8")
    lines = [line for line in readme.splitlines() if "Engine entry point" in line]
    assert lines, f"{domain}/README.md needs a line `Engine entry point: ...`"
    names = re.findall(rf"`(salesops\.{domain}\.engine[\w.]*)(?:\([^`]*\))?`", "\n".join(lines))
    assert names, f"{domain}/README.md names no function as `salesops.{domain}.engine.module.function`"
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert callable(getattr(importlib.import_module(module), attribute)), name
    for heading in ("Question", "Facts read", "Decisions owned"):
        assert heading.lower() in readme.lower(), f"{domain}/README.md has no part {heading!r}"


# --- requirement locks --------------------------------------------------------------------------


def pins(name: str) -> dict[str, set[str]]:
    """Package -> versions (with their markers) of a lock."""
    found: dict[str, set[str]] = {}
    for match in re.finditer(
        r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\n\\]+)", text(ROOT / "requirements" / f"{name}.txt"), re.MULTILINE
    ):
        found.setdefault(match[1], set()).add(match[2].strip())
    return found


def test_dev_lock_holds_the_base_lock() -> None:
    """run.py lets a test environment serve the demo because of this."""
    base, dev = pins("base"), pins("dev")
    versions = {name: {v.split(" ")[0] for v in values} for name, values in base.items()}
    assert versions
    assert {n: v for n, v in versions.items() if not v <= {d.split(" ")[0] for d in dev.get(n, ())}} == {}


def test_project_dependencies_are_those_of_base_in() -> None:
    project = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]
    wanted = [line.strip() for line in text(ROOT / "requirements" / "base.in").splitlines()]
    assert project["dependencies"] == [line for line in wanted if line and not line.startswith("#")]


@pytest.mark.parametrize("name", ["base", "dev", "assets", "spark-build", "spark"])
def test_locks_are_hashed(name: str) -> None:
    lock = text(ROOT / "requirements" / f"{name}.txt")
    for block in re.split(r"\n(?=[\w.-]+(?:\[[\w,-]+\])?==)", lock):
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert "://" not in lock
