"""Generated parts of the reference: written from the code each time the docs are built.

A page asks for one with a line ``<!-- generated: NAME -->``. Nothing generated is committed, so
nothing can go stale: a new command, KPI or column is on its page with the next build.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MARKER = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)


def cell(text: object) -> str:
    """Text that stays inside one cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def cli() -> Iterator[str]:
    """Every command with its arguments, from the parser the command line itself uses."""
    from salesops.project.cli import build_parser

    parser = build_parser()
    yield "## Options of every command\n"
    yield from arguments(parser)
    yield from commands(parser, "salesops", 2)


def commands(parser: argparse.ArgumentParser, prefix: str, level: int) -> Iterator[str]:
    """The sub-commands of a parser, each under a heading of its own."""
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        helps = {choice.dest: choice.help for choice in action._choices_actions}
        for name, sub in action.choices.items():
            yield f"\n{'#' * level} `{prefix} {name}`\n"
            yield f"{sub.description or helps.get(name) or ''}\n"
            usage = " ".join(sub.format_usage().removeprefix("usage: ").split())
            yield f"```\n{usage}\n```\n"
            yield from arguments(sub)
            yield from commands(sub, f"{prefix} {name}", level + 1)


def arguments(parser: argparse.ArgumentParser) -> Iterator[str]:
    """A table of a parser's arguments; nothing where there are none."""
    rows = []
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
            continue
        name = ", ".join(action.option_strings) or str(action.metavar or action.dest).upper()
        choices = f" One of: {', '.join(str(choice) for choice in action.choices)}." if action.choices else ""
        meaning = (action.help or "").replace("%(default)s", str(action.default)) + choices
        rows.append(f"| `{name}` | {cell(meaning)} |")
    if rows:
        yield "\n".join(["| argument | meaning |", "|---|---|", *rows]) + "\n"


def kpis() -> Iterator[str]:
    """Every KPI as the catalogue declares it."""
    from salesops.analytics.engine.catalogue import catalogue
    from salesops.quotas.engine.kpis import KPIS

    for kpi in [*catalogue().values(), *KPIS]:
        yield f"\n## {kpi.title} (`{kpi.name}`)\n"
        yield f"{kpi.sentence}\n"
        yield f"- Formula: {kpi.formula}\n- Unit: {kpi.unit.replace('_', ' ')}; better: {kpi.direction}"
        yield f"- One row is: {kpi.grain}; dated by: {kpi.dated_by or 'the day it is read at'}"
        yield f"- Convention: {kpi.convention}\n- Owner: {kpi.owner}"
        if kpi.requires:
            yield "- Needs:\n" + "\n".join(f"    - {need.sentence}" for need in kpi.requires)


def deals() -> Iterator[str]:
    """Every column of the conformed deals."""
    from salesops.process.engine.columns import DEAL_COLUMNS

    rows = [f"| `{name}` | {cell(meaning)} |" for name, meaning in DEAL_COLUMNS.items()]
    yield "\n".join(["| column | meaning |", "|---|---|", *rows]) + "\n"


def faults() -> Iterator[str]:
    """Every data-quality rule."""
    from salesops.quality.engine.catalogue import RULES

    rows = [
        f"| {rule.code} | {cell(rule.title)} | {rule.severity} | {rule.frame} | {cell(rule.fix)} |"
        for rule in RULES.values()
    ]
    yield (
        "\n".join(["| code | fault | severity | looks at | what to do |", "|---|---|---|---|---|", *rows])
        + "\n"
    )


def mapping() -> Iterator[str]:
    """The JSON Schema of a mapping file."""
    import json

    from salesops.crm.engine.schema import MAPPING_SCHEMA

    yield f"```json\n{json.dumps(MAPPING_SCHEMA, indent=2)}\n```\n"


def tables() -> Iterator[str]:
    """Every canonical fact table with its columns."""
    from salesops.facts.tables import SYSTEM_COLUMNS, TABLES

    for table in TABLES.values():
        yield f"\n## {table.name}\n"
        key = ", ".join(f"`{name}`" for name in table.key)
        owner = f" Row security follows `{table.owner}`." if table.owner else ""
        yield f"{table.grain} Key: {key}.{owner}\n"
        yield from columns(table.columns)
    yield "\n## System columns\n"
    yield "Kept by the store for every table but `changes`.\n"
    yield from columns(SYSTEM_COLUMNS)


def columns(declared: tuple[object, ...]) -> Iterator[str]:
    """A table of columns."""
    rows = [f"| `{c.name}` | {c.type} | {cell(c.meaning)} |" for c in declared]  # type: ignore[attr-defined]
    yield "\n".join(["| column | type | meaning |", "|---|---|---|", *rows]) + "\n"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "cli": cli,
    "deals": deals,
    "faults": faults,
    "kpis": kpis,
    "mapping": mapping,
    "tables": tables,
}


def on_startup(**_: object) -> None:
    """Let the code be imported without a home of its own."""
    sys.path.insert(0, str(ROOT / "src"))
    os.environ.setdefault("SALESOPS_HOME", tempfile.mkdtemp(prefix="salesops-docs-"))


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put the generated parts where a page asks for them."""
    return MARKER.sub(lambda match: "\n".join(PARTS[match[1]]()), markdown)
