"""Values that were used lately, by key."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
D = TypeVar("D")
P = ParamSpec("P")

_NOTHING: Any = object()


class _Attempt:
    """The making of one value, by those who ask for it at the same time."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.waiting = 0
        self.failed: Exception | None = None


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
        self._making: dict[K, _Attempt] = {}

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

    def made(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key, else what ``make`` gives, kept.

        Of several who ask at once one makes it and the others wait. Where that fails, it fails for those who waited,
        too: else each would try in turn, and the last wait for all. Who asks later makes it anew.
        """
        found: V = self.get(key, _NOTHING)
        if found is _NOTHING:
            with self._one_at_a_time(key) as attempt:
                found = self.get(key, _NOTHING)
                if found is _NOTHING:
                    if attempt.failed is not None:
                        raise attempt.failed
                    try:
                        found = self.keep(key, make())
                    except Exception as error:
                        attempt.failed = error
                        raise
        return found

    @contextmanager
    def _one_at_a_time(self, key: K) -> Iterator[_Attempt]:
        with self._lock:
            attempt = self._making.setdefault(key, _Attempt())
            attempt.waiting += 1
        try:
            with attempt.lock:
                yield attempt
        finally:
            with self._lock:
                attempt.waiting -= 1
                # Who comes after a failure begins anew, though some who waited have not been told yet.
                if (not attempt.waiting or attempt.failed) and self._making.get(key) is attempt:
                    del self._making[key]

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


class Remembering(Generic[P, V]):
    """A function whose latest answers are kept by its arguments, which must be hashable; see :func:`lately`."""

    def __init__(self, read: Callable[P, V], most: int) -> None:
        self._read = read
        self._answers: Lately[Hashable, V] = Lately(most)
        update_wrapper(self, read)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> V:
        """The answer, kept or made."""
        key = (args, tuple(sorted(kwargs.items())))
        return self._answers.made(key, lambda: self._read(*args, **kwargs))

    def cache_clear(self) -> None:
        """Keep no answer."""
        self._answers.clear()


def lately(most: int) -> Callable[[Callable[P, V]], Remembering[P, V]]:
    """Keep a function's latest answers, as ``functools.lru_cache`` does, but make each once.

    Where many ask for the same at the same moment, ``lru_cache`` lets each of them make it.
    """
    return lambda read: Remembering(read, most)
