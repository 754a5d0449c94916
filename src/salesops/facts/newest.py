"""Which version readers are given while what speeds up reading a newer one is still being made."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from salesops.facts.manifests import Manifest

FIRST_WAITS = 1.0
"""Seconds that the first reader of a new version waits for it to be prepared."""

MOST = 60.0
"""Seconds after which readers are given a new version whether or not it is prepared."""

_log = logging.getLogger(__name__)


def in_thread(work: Callable[[], None]) -> None:
    """Run something beside the reader who asked for it."""
    threading.Thread(target=work, name="salesops-newest", daemon=True).start()


class Newest:
    """The newest version that is prepared. A small one is within the wait of whoever comes first.

    Args:
        start: runs the preparing of a version.
    """

    def __init__(self, start: Callable[[Callable[[], None]], None] = in_thread) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._ready: Manifest | None = None
        self._coming: Manifest | None = None
        self._since = 0.0
        self._done = threading.Event()

    def choose(self, latest: Manifest, prepare: Callable[[Manifest], None]) -> Manifest:
        """The version to read: the latest, or for a short while the one before it.

        Args:
            latest: the newest version there is.
            prepare: called once a version, beside the readers.
        """
        first = False
        with self._lock:
            if latest == self._ready:
                return latest
            if latest != self._coming:
                first = True
                self._coming, self._since, self._done = latest, time.monotonic(), threading.Event()
            done, before, since = self._done, self._ready, self._since
        if first:
            self._start(lambda: self._prepare(latest, prepare, done))
            done.wait(FIRST_WAITS)
        if done.is_set() or before is None or time.monotonic() - since > MOST:
            return latest
        return before

    def wait(self, latest: Manifest, prepare: Callable[[Manifest], None]) -> None:
        """Wait until a version is prepared: for whoever has just published it."""
        self.choose(latest, prepare)
        with self._lock:
            done = self._done
        done.wait(MOST)

    def forget(self) -> None:
        """Start anew: the store was closed."""
        with self._lock:
            self._ready = self._coming = None

    def _prepare(self, version: Manifest, prepare: Callable[[Manifest], None], done: threading.Event) -> None:
        try:
            prepare(version)
        except Exception:  # noqa: BLE001 - what was to make reading faster must not keep anybody from reading
            _log.warning("version %s could not be prepared", version.id, exc_info=True)
        with self._lock:
            if self._coming == version:
                self._ready = version
        done.set()
