"""Native copies of derived relations: made in the background, read in place of their views once ready.

A view over Parquet files pays for opening, decoding and joining them at every question; a copy
in the engine's own format pays once. Copies are private to one process, hold nothing that can
not be made again, and never decide what is shown: a reader who comes before one is ready reads
the view, which gives the same rows.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from salesops.facts.backends import Engine, Session

_log = logging.getLogger(__name__)

AGAIN = 60.0
"""Seconds after which a copy that could not be made is tried again: memory or disk may have been short for a while."""

KEPT = 2
"""Copies kept of each kind: the newest, and the one before for readers who are still at it."""


def _give_way() -> None:
    """Let this thread go behind those that answer readers, where the system tells threads apart (Linux).

    Only a thread that computes in the engine may: one that held the interpreter would make all others wait,
    and threads that it starts would stay behind.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(
                os.PRIO_PROCESS, threading.get_native_id(), min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
            )


@dataclass(frozen=True)
class Kind:
    """Copies that succeed one another.

    Attributes:
        name: what they are of.
        key: column by whose values single rows will be asked for: each is one row a record.
        order: column whose equal values stand together, so that a reader's few rows are not looked for among all.
    """

    name: str
    key: str = "id"
    order: str = "id"


@dataclass
class Copy:
    """One copy: what it is made of, and whether it can be read.

    Attributes:
        name: the relation's name; the copy has the same.
        kind: what it is a copy of.
        asked_at: when it was first asked for, by the clock that only counts on.
        ended: set when the making is over, well or not.
        ended_at: when that was, by the same clock.
        ready: whether it can be read.
        given_up: whether a newer one of its kind is wanted instead.
    """

    name: str
    kind: Kind
    asked_at: float = field(default_factory=time.monotonic)
    ended: threading.Event = field(default_factory=threading.Event)
    ended_at: float = 0.0
    ready: bool = False
    given_up: bool = False

    @property
    def failed(self) -> bool:
        """Whether it could not be made, and long enough ago to try again."""
        over = self.ended.is_set() and not self.ready
        return over and time.monotonic() - self.ended_at > AGAIN


class Copies:
    """The copies of one engine. One thread makes them, one after the other, newest demand first."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._copies: dict[str, Copy] = {}
        self._waiting: list[tuple[Copy, Engine, Callable[[], None]]] = []
        self._maker: threading.Thread | None = None
        self._making: Copy | None = None
        self._running: Session | None = None
        self._closed = False

    def ask(self, engine: Engine, name: str, kind: Kind, hold: Callable[[], Callable[[], None]]) -> Copy:
        """The copy of that name; its making starts where this call is the first to ask.

        ``hold`` keeps the relation while it is copied and returns what lets go of it.
        """
        with self._lock:
            copy = self._copies.get(name)
            if copy is None or copy.failed:
                copy = self._copies[name] = Copy(name, kind)
                self._waiting.append((copy, engine, hold()))
                if self._making is not None and self._making.kind.name == kind.name:
                    self._making.given_up = True
                    if self._running is not None:
                        self._running.interrupt()
                if self._maker is None:
                    self._closed = False
                    self._maker = threading.Thread(target=self._make, name="salesops-copies", daemon=True)
                    self._maker.start()
            return copy

    def is_ready(self, name: str) -> bool:
        """Whether a relation can be read from its copy."""
        with self._lock:
            copy = self._copies.get(name)
            return copy is not None and copy.ready

    def names(self) -> list[str]:
        """Relations whose copies can be read, oldest first."""
        with self._lock:
            return [name for name, copy in self._copies.items() if copy.ready]

    def surplus(self, in_use: Callable[[str], bool]) -> list[str]:
        """Copies that newer ones of their kind have succeeded and nobody reads; they are forgotten here."""
        with self._lock:
            by_kind: dict[str, list[str]] = {}  # by its name: what it is made with does not matter
            for name, copy in self._copies.items():
                if copy.ready:
                    by_kind.setdefault(copy.kind.name, []).append(name)
            old = [
                n for names in by_kind.values() for n in names[: max(0, len(names) - KEPT)] if not in_use(n)
            ] + [name for name, copy in self._copies.items() if copy.failed]
            for name in old:
                del self._copies[name]
            return old

    def forget(self, name: str) -> bool:
        """Forget one copy. Returns whether there is something to drop."""
        with self._lock:
            copy = self._copies.get(name)
            if copy is None or not copy.ended.is_set():
                return False
            return self._copies.pop(name).ready

    def close(self) -> None:
        """Stop making copies and forget all: the engine is about to be closed."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = self._waiting, []
            if self._running is not None:
                self._running.interrupt()
            maker = self._maker
        for copy, _, release in waiting:
            release()
            copy.ended.set()
        if maker is not None and maker is not threading.current_thread():
            maker.join()
        with self._lock:
            self._copies.clear()

    def _make(self) -> None:
        _give_way()
        while True:
            with self._lock:
                if not self._waiting or self._closed:
                    self._maker = None
                    return
                copy, engine, release = self._waiting.pop()
                older = self._passed_over(copy.kind)
                self._making = copy
            for other, let_go in older:
                self._end(other, let_go)
            try:
                engine.copy(copy.name, running=self._note, key=copy.kind.key, order=copy.kind.order)
                copy.ready = not self._closed
            except Exception:  # noqa: BLE001 - mostly too little memory or disk; the view still answers
                if not self._closed:
                    engine.drop_copy(copy.name)  # what there is of it
                if copy.given_up:
                    with self._lock:
                        self._copies.pop(copy.name, None)
                elif not self._closed:
                    _log.warning("no native copy of %s could be made", copy.kind.name, exc_info=True)
            finally:
                with self._lock:
                    self._running = self._making = None
                self._end(copy, release)

    def _end(self, copy: Copy, release: Callable[[], None]) -> None:
        """Let go of what a copy stood on, without the lock, since that takes others; and wake who waits for it."""
        try:
            release()
        except Exception:  # noqa: BLE001 - the next copy must be made whatever this one left behind
            _log.warning("what a copy of %s stood on was not let go", copy.kind.name, exc_info=True)
        copy.ended_at = time.monotonic()
        copy.ended.set()

    def _passed_over(self, kind: Kind) -> list[tuple[Copy, Callable[[], None]]]:
        """Copies asked for before the one at hand, given up: of several decisions in a row the last one counts."""
        older = [(copy, release) for copy, _, release in self._waiting if copy.kind.name == kind.name]
        self._waiting = [entry for entry in self._waiting if entry[0].kind.name != kind.name]
        for copy, _ in older:
            self._copies.pop(copy.name, None)
        return older

    def _note(self, session: Session) -> None:
        with self._lock:
            self._running = session
            if self._closed or (self._making is not None and self._making.given_up):
                session.interrupt()
