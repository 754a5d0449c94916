"""Whether a number crossed a threshold since it was last looked at: told once, and again after it recovered.

A change is another matter: each one is told, for the next look compares with what this one saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Condition = Literal["above", "below", "changed", "noise"]
State = Literal["new", "calm", "crossed", "undefined"]


@dataclass(frozen=True)
class Look:
    """What one look at a number came to.

    Attributes:
        state: as kept until the next look.
        crossed: whether to tell of it now.
        reason: why there is no verdict; "" where there is one.
        change: share by which it changed, of condition ``changed``.
    """

    state: State
    crossed: bool = False
    reason: str = ""
    change: Decimal | None = None


def look(
    condition: Condition,
    threshold: Decimal | None,
    before: State,
    value: Decimal | None,
    *,
    previous: Decimal | None = None,
    reason: str = "",
    verdict: str = "",
) -> Look:
    """Judge a value.

    A number that is undefined crosses nothing, and what was crossed before stays so: it is neither told again
    nor taken for recovered. On the first look a number that is beyond its threshold already is told.

    Args:
        condition: ``above`` or ``below`` the threshold; ``changed`` by more than the threshold in percent of
            ``previous``, either way, told each time; ``noise``: ``verdict`` says that it moved beyond noise.
        threshold: in the number's unit, or in percent; not used by ``noise``.
        before: the state of the last look; of ``noise``, at the same period.
        value: now; None where undefined.
        previous: value that ``changed`` compares with, of the same period; None where there is none.
        reason: why ``value`` is undefined.
        verdict: of the movement: ``up``, ``down``, ``noise`` or ``unknown``.
    """
    kept: State = "crossed" if before == "crossed" else "undefined"
    if condition == "noise":
        if verdict in ("", "unknown"):
            return Look(kept, reason=reason or "nothing says yet how far it usually moves")
        return _told(verdict in ("up", "down"), before)
    if value is None:
        return Look(kept, reason=reason or "it has no value")
    if threshold is None:
        return Look(kept, reason="no threshold is set")
    if condition != "changed":
        return _told(value > threshold if condition == "above" else value < threshold, before)
    if previous is None:
        return Look(kept, reason="there is no earlier value to compare with")
    if previous == 0:
        return Look(kept, reason="the earlier value is 0: a change from it is no percentage")
    change = (value - previous) / abs(previous)
    beyond = abs(change) * 100 > threshold
    return Look("crossed" if beyond else "calm", beyond, change=change)


def _told(beyond: bool, before: State) -> Look:
    if beyond:
        return Look("crossed", crossed=before != "crossed")
    return Look("calm")
