"""Conversion: from stage to stage of a cohort of deals, and along the lead funnel."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from salesops.analytics.engine.figure import Figure, Number, exact, quotient

LOST = "lost"
WON = "won"


@dataclass(frozen=True)
class StageConversion:
    """One step of the cohort.

    Attributes:
        stage: stage entered.
        following: the stage after it.
        entered: deals that reached ``stage`` (or a later one).
        advanced: those of them that reached ``following`` or a later one.
        undecided: deals that stand open in ``stage``.
        rate: advanced / entered.
    """

    stage: str
    following: str
    entered: int
    advanced: int
    undecided: int
    rate: Figure


def stage_conversion_cohort(stages: Sequence[str], paths: Sequence[Sequence[str]]) -> list[StageConversion]:
    """Share of a cohort's deals that went on from each stage to the next or a later one.

    Args:
        stages: stages in order, the last one being the goal.
        paths: per deal of the cohort, the stages it was in, in time order. A skipped stage counts
            as reached, a step back takes nothing away. A path ending in Lost is decided, one ending
            in Won has passed every stage; other names that are not in ``stages`` are left out.
    """
    rank = {stage.casefold(): i for i, stage in enumerate(stages)}
    furthest: list[int] = []
    standing: list[int | None] = []
    for path in paths:
        names = [name.casefold() for name in path]
        ranks = [rank.get(name, len(stages) if name == WON else -1) for name in names]
        furthest.append(max(ranks, default=-1))
        decided = bool(names) and names[-1] in {LOST, WON}
        known = [r for r in ranks if 0 <= r < len(stages)]
        standing.append(None if decided or not known else known[-1])
    result = []
    for i, (stage, following) in enumerate(itertools.pairwise(stages)):
        entered = sum(f >= i for f in furthest)
        advanced = sum(f > i for f in furthest)
        reason = f"no deal entered {stage}"
        result.append(
            StageConversion(
                stage,
                following,
                entered,
                advanced,
                sum(s == i for s in standing),
                quotient(advanced, entered, unknown=reason, zero=reason),
            )
        )
    return result


def funnel_conversion(furthest: Mapping[str, Number | None]) -> dict[str, Figure]:
    """Rates along the lead funnel from counts of leads by their FURTHEST status.

    Args:
        furthest: status -> leads whose furthest status it is, in funnel order. Skips count: a lead
            at ``opp`` has passed every status before it.

    Returns:
        ``<a>_to_<b>`` for each pair of neighbours, and first to last.
    """
    names = list(furthest)
    reached = {
        name: sum((exact(furthest[n] or 0) for n in names[i:]), exact(0)) for i, name in enumerate(names)
    }
    pairs = list(itertools.pairwise(names))
    if len(names) > 2:
        pairs.append((names[0], names[-1]))
    return {
        f"{a}_to_{b}": quotient(reached[b], reached[a], unknown="", zero=f"no lead reached {a}")
        for a, b in pairs
    }
