"""Benchmarks of a number: the firm's own periods before, and peers of the same period. No figures from elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from salesops.analytics import home
from salesops.analytics.addresses import TEAM_COLUMNS
from salesops.analytics.choices import Extent
from salesops.analytics.engine.benchmark import Benchmark, benchmark
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.selectors import OpenQuestion
from salesops.analytics.shown import column_title, unit_of

_PEERS = ("team", "region", "manager_name")
"""What stands for peers where no team is picked, first that has two members."""


def card(
    asked: OpenQuestion, kpi: Kpi, total: KpiValue, history: home.Past, found: Extent, can_split: list[str]
) -> list[dict[str, Any]]:
    """Lines of the card: own history, and peers where the number can be split so and the reader sees several.

    Args:
        asked: the page's question.
        kpi: the number.
        total: its value.
        history: its last periods, the asked one last.
        found: what the reader's deals hold.
        can_split: dimensions that the number's rows have.
    """
    before = history.values[kpi.name][:-1]
    kind = history.periods[-1].kind
    lines = []
    if asked.period is None or asked.period == history.periods[-1]:
        own = history.values[kpi.name][-1] if asked.period is None else total.value
        running = history.periods[-1].last > asked.frames.as_of
        title = f"Own earlier {kind}s"
        so_far = ", the running one so far" if running else ""
        lines.append(_line(title + so_far, benchmark(own, before, f"earlier {kind}s"), own, kpi, asked))
    column = _column(asked, found, can_split)
    if column:
        others = tuple(f for f in asked.filters if f.column not in TEAM_COLUMNS)
        groups = replace(asked, filters=others).over(asked.period, asked.split(column)).values([kpi.name])
        picked = next((f for f in asked.filters if f.column == column), None)
        mine = str(picked.values[0]) if picked else ""
        peers = [g.value for g in groups if g.group.get(column) is not None and g.group[column] != mine]
        noun = f"{'other ' if mine else ''}{_plural(column)}"
        value = total.value if mine else None
        lines.append(
            _line(f"{noun[:1].upper()}{noun[1:]} you see", benchmark(value, peers, noun), value, kpi, asked)
        )
    return lines


def _column(asked: OpenQuestion, found: Extent, can_split: list[str]) -> str:
    """The dimension whose members are peers; "" where the reader sees none."""
    picked = [f.column for f in asked.filters if f.column in TEAM_COLUMNS and f.op == "eq"]
    wanted = picked[:1] or [name for name in _PEERS if len(found.members[name]) > 1][:1]
    return wanted[0] if wanted and wanted[0] in can_split else ""


def _plural(column: str) -> str:
    return f"{TEAM_COLUMNS.get(column) or column_title(column)}s".lower()


def _line(title: str, one: Benchmark, value: Any, kpi: Kpi, asked: OpenQuestion) -> dict[str, Any]:
    unit = unit_of(kpi, asked.frames.currency)
    if one.median is None or one.low is None or one.high is None:
        return {"title": title, "reason": one.reason}
    place = ""
    if value is not None:
        place = f"above {one.below} of {one.n}" + (f", equal to {one.equal}" if one.equal else "")
    return {
        "title": title,
        "median": unit.short(one.median),
        "range": f"{unit.short(one.low)} to {unit.short(one.high)}",
        "n": one.n,
        "place": place,
        "reason": "",
    }
