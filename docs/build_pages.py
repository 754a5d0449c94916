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
from typing import Any

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


def families() -> Iterator[tuple[str, tuple[object, ...]]]:
    """Heading -> KPIs under it, those of quotas last."""
    from salesops.analytics.engine.catalogue import FAMILIES
    from salesops.quotas.engine import kpis, ramp_kpis

    yield from FAMILIES.items()
    yield "Quota and productivity", (*kpis.KPIS, *ramp_kpis.KPIS)


def kpis() -> Iterator[str]:
    """Every KPI the catalogue declares, with a link to its own page; then the calculators."""
    from salesops.analytics.engine.formulas import FORMULAS

    for title, members in families():
        yield f"\n## {title}\n"
        for kpi in members:
            yield f"- [{kpi.title}](kpi/{kpi.name}.md) (`{kpi.name}`): {kpi.sentence}"  # type: ignore[attr-defined]
    yield "\n## Calculators\n"
    yield (
        "Formulas on given figures rather than on rows of the data. Numbers above use them where their inputs are in "
        "the facts; `salesops cases` runs worked examples through them.\n"
    )
    for formula in FORMULAS.values():
        yield f"- {formula.title} (`{formula.name}`): {formula.sentence} {formula.formula}. {formula.convention}"


def kpi_page(kpi: object) -> str:
    """The page of one KPI: what it says, how it is computed, what it is made of and what it needs."""
    from salesops.analytics.engine.frames import GRAIN, MISSING_FRAME

    k: Any = kpi
    better = {"up": "more is better", "down": "less is better", "none": "neither direction is better"}[
        k.direction
    ]
    parts = [
        f"# {k.title}\n\n{k.sentence}\n\n    {k.formula}\n",
        (
            f"- Name: `{k.name}`\n- Unit: {k.unit.replace('_', ' ')}; {better}\n- One row is: {k.grain}\n"
            f"- Dated by: {f'`{k.dated_by}`' if k.dated_by else 'the day it is read at'}\n"
            f"- Owner of the definition: {k.owner}\n"
        ),
        f"## Convention\n\n{k.convention}\n",
        "## Made of\n\n| part | what it holds | taken of it |\n|---|---|---|",
    ]
    for side in k.sides:
        measure = side.measure
        column = measure.column or (f"{measure.start} to {measure.end}" if measure.start else "")
        taken = "how many" if measure.kind == "count" else f"{measure.kind.replace('_', ' ')} of `{column}`"
        rows = GRAIN.get(side.frame, ("row", "rows"))[1]
        parts.append(f"| `{side.name}` | {cell(side.title)} ({rows}) | {taken} |")
    needs = [need.sentence for need in k.requires]
    frames = dict.fromkeys((k.frame, *(side.frame for side in k.sides)))
    needs += [MISSING_FRAME[frame] for frame in frames if frame in MISSING_FRAME]
    if needs:
        parts.append("\n## What it needs\n\nWithout it the number has no value and says:\n")
        parts += [f"- {need}" for need in dict.fromkeys(needs)]
    if k.flags:
        parts.append("\n## Told beside it\n")
        parts += [f"- {flag.sentence.replace('{n}', 'N')}" for flag in k.flags]
    if k.wilson:
        parts.append(
            f"\nA Wilson 95 % interval of `{k.wilson[0]}` out of `{k.wilson[1]}` stands beside it; under 30 rows it is "
            "marked as an indication."
        )
    return "\n".join(parts) + "\n\n[All KPIs](../kpis.md)\n"


def deals() -> Iterator[str]:
    """Every column of the conformed deals."""
    from salesops.process.engine.columns import DEAL_COLUMNS

    rows = [f"| `{name}` | {cell(meaning)} |" for name, meaning in DEAL_COLUMNS.items()]
    yield "\n".join(["| column | meaning |", "|---|---|", *rows]) + "\n"


def faults() -> Iterator[str]:
    """Every data-quality rule."""
    from salesops.quality.engine.catalogue import RULES
    from salesops.quality.engine.inspection import RULES as INSPECTED

    rows = [
        f"| {rule.code} | {cell(rule.title)} | {rule.severity} | {rule.frame} | {cell(rule.fix)} |"
        for rule in (*RULES.values(), *INSPECTED)
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


def on_files(files: Any, config: Any, **_: object) -> Any:
    """Add a page for every KPI; the reference lists them, the navigation does not."""
    from mkdocs.structure.files import File, InclusionLevel

    for _title, members in families():
        for kpi in members:
            address = f"reference/kpi/{kpi.name}.md"  # type: ignore[attr-defined]
            files.append(
                File.generated(config, address, content=kpi_page(kpi), inclusion=InclusionLevel.NOT_IN_NAV)
            )
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put the generated parts where a page asks for them."""
    return MARKER.sub(lambda match: "\n".join(PARTS[match[1]]()), markdown)
