"""When a delivery is tried again, and when it is given up."""

from __future__ import annotations

from datetime import timedelta

PAUSES: tuple[timedelta, ...] = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
)
"""After the first, second, ... failed try. The eighth is the last, some 22 hours after the first."""

MOST_TRIES = len(PAUSES) + 1


def pause_after(tries: int) -> timedelta | None:
    """How long to wait after the n-th failed try, from 1; None where it was the last.

    Raises:
        ValueError: no try was made.
    """
    if tries < 1:
        message = f"There is no pause after {tries} tries."
        raise ValueError(message)
    return PAUSES[tries - 1] if tries <= len(PAUSES) else None
