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


def with_limits(rows: ir.Table, usually: Mapping[Place, Usual]) -> ir.Table:
    """Rows with ``pipeline`` and ``stage``, with the pace of that stage: ``stage_limit``, ``stage_stays``.

    Args:
        rows: deals, or stays.
        usually: what :func:`usual` gives; a stage that is not in it, or that has too few stays, has no limit.
    """
    pipeline = rows.pipeline.fill_null("")
    # A firm has tens of stages; and a query over rows in memory is compiled each time.
    known = [
        ((pipeline == place[0]) & (rows.stage == place[1]), (pace.days, pace.stays))
        for place, pace in sorted(usually.items(), key=lambda item: item[0])
        if pace.days is not None
    ]
    found: dict[str, ir.Value] = {}
    for at, name in enumerate(LIMITS):
        branches = [(is_there, ibis.literal(values[at], type="int64")) for is_there, values in known]
        found[name] = ibis.cases(*branches, else_=ibis.null("int64")) if branches else ibis.null("int64")
    return rows.mutate(**found)
