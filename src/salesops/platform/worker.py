"""Workers: threads that look for jobs, for schedules whose time has come, and for files to clear away.

``salesops serve`` has one inside, ``salesops worker`` is one by itself; any number of both may
share a home. A worker has two lanes: one takes any job, the other only those that are done in
seconds, so that a mail never waits behind an import. Kinds that wait for others' servers have a lane
of their own each.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection

from django.db import close_old_connections, connection

from salesops.platform import job_files, jobs, schedules
from salesops.platform.job_kinds import lanes, quick_kinds
from salesops.platform.registries import chores

LOOK_SECONDS = 1.0
SCHEDULE_SECONDS = 5.0
CLEAR_SECONDS = 3600.0
_log = logging.getLogger(__name__)


class Lane(threading.Thread):
    """One thread that runs jobs one after the other."""

    def __init__(
        self,
        name: str,
        kinds: Collection[str] | None,
        stop: threading.Event,
        main: bool,
        but_not: Collection[str] = (),
    ) -> None:
        super().__init__(name=f"salesops-{name}", daemon=True)
        self.kinds = kinds
        self.but_not = but_not
        self.stopping = stop
        self.keeps_house = main
        self._next_schedules = self._next_clearing = 0.0

    def run(self) -> None:
        """Work until asked to stop."""
        while not self.stopping.wait(LOOK_SECONDS):
            close_old_connections()
            try:
                if self.keeps_house:
                    self._keep_house()
                jobs.run_waiting(self.kinds, self.but_not)
            except Exception:  # noqa: BLE001 - the database may be away for a moment: say so and try again
                _log.exception("the worker could not look for jobs")
                connection.close()
        connection.close()

    def _keep_house(self) -> None:
        now = time.monotonic()
        if now >= self._next_schedules:
            self._next_schedules = now + SCHEDULE_SECONDS
            schedules.tick()
            look_after()
        if now >= self._next_clearing:
            self._next_clearing = now + CLEAR_SECONDS
            job_files.expire()


def look_after() -> None:
    """Every chore once; what fails in one of them keeps no other from its turn."""
    for name, chore in chores.items():
        try:
            chore()
        except Exception:  # noqa: BLE001 - tried again in a few seconds
            _log.exception("the chore %s failed", name)
            close_old_connections()


class Worker:
    """All lanes of one process."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        # The quick lane keeps the house: the other may be busy for an hour.
        apart = lanes()
        elsewhere = [kind for kinds in apart.values() for kind in kinds]
        self.lanes = [
            Lane("worker", None, self.stopping, main=False, but_not=elsewhere),
            Lane("worker-quick", quick_kinds(), self.stopping, main=True),
            *(Lane(f"worker-{name}", kinds, self.stopping, main=False) for name, kinds in apart.items()),
        ]

    def start(self) -> None:
        """Begin to look for jobs."""
        for lane in self.lanes:
            lane.start()

    def stop(self, timeout: float = 60.0) -> None:
        """Let running jobs give themselves back at their next safe point, and wait for that."""
        self.stopping.set()
        jobs.stopping.set()
        until = time.monotonic() + timeout
        for lane in self.lanes:
            lane.join(max(0.0, until - time.monotonic()))

    def alive(self) -> bool:
        """Whether all lanes still run."""
        return all(lane.is_alive() for lane in self.lanes)


def run_once() -> int:
    """Run what is due and then end, for a scheduler of the operating system. Returns how many jobs ran."""
    schedules.tick()
    look_after()
    job_files.expire()
    return jobs.run_waiting()
