"""How long won deals stay in a stage: the one pace that an open deal is compared with, wherever it is called stalled.

Percentiles are taken from counts of whole days by the nearest rank, so that "nine of ten left it within 34
days" is true of the stays as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

FLOOR = 20
"""Stays of won deals below which a stage has no usual pace; deals below which a share is a small sample."""

Place = tuple[str, str]
"""Pipeline ("" where there is one) and stage."""

LIMITS = ("stage_limit", "stage_stays")
"""Columns that :func:`with_limits` adds."""


def won_stays(visits: ir.Table, day: ir.DateScalar) -> ir.Table:
    """How many stays of deals won by a day took how many days: ``pipeline``, ``stage``, ``days``, ``n``."""
    done = visits.filter((visits.stage_class == "won") & (visits.closed_on <= day) & visits.days.notnull())
    return done.group_by(pipeline=done.pipeline.fill_null(""), stage=done.stage, days=done.days).agg(
        n=done.count()
    )


@dataclass(frozen=True)
class Usual:
    """How long won deals stayed in a stage.

    Attributes:
        days: days within which nine of ten stays ended; None below the floor.
        stays: stays of won deals with a known length.
    """

    days: int | None
    stays: int


def usual(rows: Iterable[Mapping[str, Any]], floor: int = FLOOR) -> dict[Place, Usual]:
    """The usual pace of each stage from the counts of :func:`won_stays`."""
    counts: dict[Place, dict[int, int]] = {}
    for row in rows:
        days = counts.setdefault((row["pipeline"], row["stage"]), {})
        days[row["days"]] = days.get(row["days"], 0) + row["n"]
    return {place: _usual(days, floor) for place, days in counts.items()}


def _usual(counts: Mapping[int, int], floor: int) -> Usual:
    total = sum(counts.values())
    if total < floor:
        return Usual(None, total)
    rank, seen = -(-9 * total // 10), 0
    for days in sorted(counts):
        seen += counts[days]
        if seen >= rank:
            return Usual(days, total)
    raise AssertionError("the ranks of a distribution end at its size")


def usual_table(found: Mapping[Place, Usual]) -> pa.Table:
    """The usual paces as rows to join to."""
    known = sorted((place, pace) for place, pace in found.items() if pace.days is not None)
    return pa.table(
        {
            "p_pipeline": pa.array([place[0] for place, _ in known], pa.string()),
            "p_stage": pa.array([place[1] for place, _ in known], pa.string()),
            "stage_limit": pa.array([pace.days for _, pace in known], pa.int64()),
            "stage_stays": pa.array([pace.stays for _, pace in known], pa.int64()),
        }
    )


def with_limits(rows: ir.Table, usually: pa.Table) -> ir.Table:
    """Rows with ``pipeline`` and ``stage``, with the pace of that stage: ``stage_limit``, ``stage_stays``.

    Args:
        rows: deals, or stays.
        usually: what :func:`usual_table` gives; a stage that is not in it has no limit.
    """
    pipeline = rows.pipeline.fill_null("")
    found: dict[str, ir.Value] = {}
    for name in LIMITS:
        # A firm has tens of stages; and a query over rows in memory is compiled each time.
        branches = [
            (
                (pipeline == pace["p_pipeline"]) & (rows.stage == pace["p_stage"]),
                ibis.literal(pace[name], type="int64"),
            )
            for pace in usually.to_pylist()
        ]
        found[name] = ibis.cases(*branches, else_=ibis.null("int64")) if branches else ibis.null("int64")
    return rows.mutate(**found)
