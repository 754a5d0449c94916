"""How often one token may ask: a bucket of requests that fills evenly.

Kept in memory and measured by the clock that is never set, so that reading costs no write and no
setting of the time matters. Each process of a server counts for itself; the limits that guard
against guessing are in the database instead (:mod:`salesops.platform.lockout`).
"""

from __future__ import annotations

import math
import threading
import time

_MOST_KEYS = 10_000


class Buckets:
    """One bucket a key: a minute's worth of requests at once, then as they trickle in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[int, tuple[float, float]] = {}

    def take(self, key: int, per_minute: int, now: float | None = None) -> int:
        """Take one request out. Returns 0, or the seconds after which there will be one.

        Args:
            key: whose bucket.
            per_minute: requests a minute; 0 for no limit.
            now: seconds of a clock that only goes forward; the machine's where None.
        """
        if per_minute <= 0:
            return 0
        now = time.monotonic() if now is None else now
        with self._lock:
            left, at = self._left.get(key, (float(per_minute), now))
            left = min(float(per_minute), left + (now - at) * per_minute / 60)
            if left < 1:
                self._left[key] = (left, now)
                return max(1, math.ceil((1 - left) * 60 / per_minute))
            if len(self._left) >= _MOST_KEYS:
                self._left.clear()
            self._left[key] = (left - 1, now)
            return 0

    def clear(self) -> None:
        """Fill every bucket."""
        with self._lock:
            self._left.clear()


api = Buckets()
