"""Values that were used lately, by key."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
D = TypeVar("D")


class Lately(Generic[K, V]):
    """At most so many values by key: the one that was not used for longest goes first. Safe for several threads.

    Args:
        most: how many, at least 1.
    """

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError(f"At least one value must be kept, not {most}.")
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, default: D) -> V | D:
        """The value of a key, which counts as used; ``default`` where none is kept."""
        with self._lock:
            if key not in self._kept:
                return default
            self._kept.move_to_end(key)
            return self._kept[key]

    def keep(self, key: K, value: V) -> V:
        """Keep a value under a key, in place of the one there."""
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return value

    def newest(self) -> list[tuple[K, V]]:
        """All that is kept, what was used last first; none of it counts as used by this."""
        with self._lock:
            return list(reversed(self._kept.items()))

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)
