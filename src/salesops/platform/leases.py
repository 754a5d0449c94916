"""Who holds a job, and whether that holder is gone. No wall clock decides it.

A holder writes a new lease every few seconds. Whoever wants to take a job over watches the lease:
a lease that did not change for thirty seconds of the watcher's own monotonic clock has lost its
holder. Wall clocks that jump, are set back or differ between hosts can neither strand a job nor
give it to two workers. On the holder's own machine a dead process is noticed at once.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection
from django.utils import timezone

from salesops.facts.locks import process_alive

LEASE = timedelta(seconds=30)
"""A holder that wrote no new lease for so long counts as gone."""

Seen = tuple[int, int, datetime | None, str]
"""Job id, attempt, lease as written, holder."""


def _machine() -> str:
    """What tells this running machine (and process namespace) from others that share its name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot.replace('-', '')[:12]}{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return f"{uuid.getnode():x}"


def _born(pid: int) -> str:
    """When a process of this machine began, in the kernel's ticks; "" where it is dead or that is unknown."""
    try:
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


_PARTS = (socket.gethostname()[:80].replace("|", "-"), _machine())


def holder(name: str = "") -> str:
    """A new name for a worker of this process: host, machine, process, and a part of its own."""
    pid = os.getpid()
    return "|".join((*_PARTS, str(pid), _born(pid), name or uuid.uuid4().hex[:12]))


def surely_dead(held_by: str) -> bool:
    """Whether a holder was a process of this very machine that no longer lives."""
    host, _, rest = held_by.partition("|")
    machine, _, rest = rest.partition("|")
    pid, _, rest = rest.partition("|")
    born, _, _ = rest.partition("|")
    if (host, machine) != _PARTS or not pid.isdecimal():
        return False
    if born:
        return _born(int(pid)) != born
    return not process_alive(int(pid))


class Watch:
    """Leases as one process has seen them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._since: dict[int, tuple[tuple[int, datetime | None], float]] = {}

    def lost(self, running: Iterable[Seen]) -> dict[int, tuple[int, datetime | None]]:
        """Jobs whose holder is gone, each with the attempt and lease that this was concluded from.

        Call it with every running job, again and again: a single look proves only what is dead here.
        """
        now, gone = self.clock(), {}
        with self._lock:
            before, self._since = self._since, {}
            for pk, attempt, lease, held_by in running:
                state = (attempt, lease)
                known = before.get(pk)
                since = known[1] if known is not None and known[0] == state else now
                self._since[pk] = (state, since)
                if now - since > LEASE.total_seconds() or surely_dead(held_by):
                    gone[pk] = state
        return gone


def database_now() -> datetime:
    """The time by the clock that all workers of a home share: the database's."""
    if connection.vendor != "postgresql":
        return timezone.now()  # SQLite has no clock but the machine's
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found
