"""How sure a share is: the Wilson score interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959963984540054
"""Two-sided 95 % point of the normal distribution."""


@dataclass(frozen=True)
class Interval:
    """Range a share plausibly lies in.

    Attributes:
        low: lower end, a fraction between 0 and 1.
        high: upper end, a fraction between 0 and 1.
        level: coverage of the method, a fraction.
        method: name of the method.
    """

    low: float
    high: float
    level: float = 0.95
    method: str = "Wilson"


def wilson(successes: int, trials: int) -> Interval | None:
    """Wilson 95 % interval of ``successes`` out of ``trials``; None without trials.

    Raises:
        ValueError: where successes are negative or more than the trials.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes out of {trials} trials")
    if trials == 0:
        return None
    share, z2 = successes / trials, Z_95 * Z_95
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 * sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return Interval(low, high)
