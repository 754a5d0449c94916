"""Stated against actual: of the deals that were open on a day with a stated win probability, how many were won.

Set engine: two states of the deals in, counts by group out. Each deal counts once, on one day, so the ranges may be
read as they stand; what is still open counts nowhere but in its own column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine.statistics import Interval, wilson

FEWEST = 10
"""Decided deals of a group below which nothing is said of it."""
BAND = 10
"""Width of a band of stated probability, in percentage points."""

Verdict = Literal["fits", "too high", "too low", "unknown"]


@dataclass(frozen=True)
class Stated:
    """One group of deals.

    Attributes:
        group: band, stage, category or whatever the deals are grouped by; None where they have none.
        open_then: deals of the group that were open on the day.
        decided: of those, won or lost since.
        won: of those, won.
        known: decided ones that had a stated probability.
        known_won: of those, won.
        stated: sum of the probabilities stated for ``known``.
    """

    group: str | None
    open_then: int
    decided: int
    won: int
    known: int
    known_won: int
    stated: Fraction

    @property
    def said(self) -> Fraction | None:
        """Mean stated probability of the decided deals that had one."""
        return self.stated / self.known if self.known else None

    @property
    def actual(self) -> Fraction | None:
        """Share of the decided deals that were won."""
        return Fraction(self.won, self.decided) if self.decided else None

    @property
    def interval(self) -> Interval | None:
        """95 % range of the win share of the deals that had a stated probability."""
        return wilson(self.known_won, self.known) if self.known else None

    @property
    def verdict(self) -> Verdict:
        """Whether what was stated lies in that range."""
        if self.said is None or self.interval is None or self.known < FEWEST:
            return "unknown"
        if self.said > self.interval.high:
            return "too high"
        return "too low" if self.said < self.interval.low else "fits"


@dataclass(frozen=True)
class Error:
    """How far stated probabilities are off.

    Attributes:
        mean: mean distance between stated and actual share over the groups, weighted by deals
            (expected calibration error); None without decided deals that had one.
        brier: mean squared distance between what was stated of a deal and what became of it; None likewise.
        baseline: Brier score of stating everybody's win share for each; lower is better.
    """

    mean: Fraction | None = None
    brier: Fraction | None = None
    baseline: Fraction | None = None


def joined(then: ir.Table, now: ir.Table, by: str) -> ir.Table:
    """Each deal that was open then, with what became of it.

    Args:
        then: deals on the day; ``probability`` is a fraction.
        now: deals as they are.
        by: column of ``then`` to group by, or ``probability`` for bands of it.
    """
    start = then.filter(then.stage_class == "open").select(
        c_id="id", stated="probability", of=_group(then, by).name("of")
    )
    end = now.select(n_id="id", became="stage_class")
    return start.left_join(end, start.c_id == end.n_id).select("c_id", "stated", "of", "became")


def _group(then: ir.Table, by: str) -> ir.StringColumn:
    if by != "probability":
        return then[by].cast("string")
    # Whole percents first: a decimal is never divided.
    percent = (then.probability * ibis.literal(100, type="decimal(5,0)")).floor().cast("int64")
    band = (percent // BAND * BAND).clip(lower=0, upper=100 - BAND)
    return band.cast("string").lpad(2, "0")


def counts(rows: ir.Table) -> ir.Table:
    """One row a group of what :func:`joined` gives."""
    decided = rows.became.isin(["won", "lost"])
    won = rows.became == "won"
    told = rows.stated.notnull()
    # Sums of squares: the Brier score needs no division in the database.
    stated = rows.stated.cast("decimal(38,6)")
    return rows.group_by("of").agg(
        open_then=rows.count(),
        decided=decided.sum(),
        won=won.sum(),
        known=(decided & told).sum(),
        known_won=(won & told).sum(),
        stated=stated.sum(where=decided),
        stated_won=stated.sum(where=won),
        squares=(stated * stated).sum(where=decided),
    )


def groups(rows: Iterable[Mapping[str, Any]]) -> list[Stated]:
    """What :func:`counts` gave, in the order of the groups, those without one last."""
    found = [
        Stated(
            row["of"],
            int(row["open_then"]),
            int(row["decided"] or 0),
            int(row["won"] or 0),
            int(row["known"] or 0),
            int(row["known_won"] or 0),
            Fraction(row["stated"] or 0),
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.group is None, one.group or ""))


def error(rows: Iterable[Mapping[str, Any]]) -> Error:
    """How far stated probabilities are off, over all groups."""
    found = list(rows)
    known = sum(int(row["known"] or 0) for row in found)
    if not known:
        return Error()
    won = sum(int(row["known_won"] or 0) for row in found)
    distance = sum(
        (abs(Fraction(row["stated"] or 0) - int(row["known_won"] or 0)) for row in found), Fraction(0)
    )
    # (p - y)^2 = p^2 - 2py + y, as y is 0 or 1.
    squares = sum((Fraction(row["squares"] or 0) for row in found), Fraction(0))
    stated_won = sum((Fraction(row["stated_won"] or 0) for row in found), Fraction(0))
    share = Fraction(won, known)
    return Error(distance / known, (squares - 2 * stated_won + won) / known, share * (1 - share))
