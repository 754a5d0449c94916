"""Which numbers a test asks that asks again and again: those of the deals and quotas each time, the others in turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

PLAIN = frozenset({"deals", "quotas", "attainment"})


def in_turn(kpis: Iterable[Any], turn: int, turns: int) -> list[str]:
    """Names of every number of the deals and quotas, and of every one whose set of frames has its turn.

    Numbers of one set of frames are read together. Over all the turns every number is asked; a test that
    takes these asks every number at once under one question besides.
    """
    asked = list(kpis)
    sets = {kpi.name: frozenset({kpi.frame, *(side.frame for side in kpi.sides)}) for kpi in asked}
    others = sorted({tuple(sorted(frames)) for frames in sets.values() if not frames <= PLAIN})
    due = {frozenset(frames) for place, frames in enumerate(others) if place % turns == turn % turns}
    return sorted(name for name, frames in sets.items() if frames <= PLAIN or frames in due)
