"""What a running job reports to, keeps of its way, and is stopped by."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.db.models import F, QuerySet
from django.utils import timezone

from salesops.platform import job_files
from salesops.platform.documents import plain
from salesops.platform.leases import LEASE
from salesops.platform.models import Job, JobState

MOST_ATTEMPTS = 3
stopping = threading.Event()
"""Set when this process is asked to end: running jobs give themselves back at their next safe point."""


class CancelledError(Exception):
    """The job was asked to stop, and stopped at a safe point."""


class LostError(Exception):
    """The job was taken over by another worker: what this one says of it no longer counts."""


class StoppedError(LostError):
    """This worker is asked to end: the job goes back to the queue and counts no attempt."""


class RetryError(Exception):
    """The work can't be done now but may be later: try again after a pause."""


def attempt_of(job_id: int, attempt: int | None) -> QuerySet[Job]:
    """A job as one worker holds it: nothing once another has claimed it."""
    own = Job.objects.filter(pk=job_id)
    return own if attempt is None else own.filter(attempts=attempt, state=JobState.RUNNING)


class Progress:
    """What a job's function reports to; each call renews the lease and looks for a cancel.

    Attributes:
        job_id: the job.
        attempt: which start of it this is, from 1.
        checkpoint: what an earlier attempt saved, or None.
        files: what :meth:`file` has written, for the result.
    """

    def __init__(self, job_id: int, attempt: int | None = None, checkpoint: Any = None) -> None:
        self.job_id = job_id
        self.attempt = attempt
        self.checkpoint = checkpoint
        self.files: list[dict[str, Any]] = []
        self._last = time.monotonic() - 1

    def __call__(self, done: int, total: int, message: str) -> None:
        """Report progress, at most twice a second.

        Raises:
            CancelledError: somebody asked the job to stop.
            StoppedError: the worker is asked to end.
            LostError: another worker has taken the job, because this one did not renew its lease.
        """
        if self.attempt is not None and stopping.is_set():
            raise StoppedError("This worker is asked to end.")
        now = time.monotonic()  # not the wall clock, which may be set back
        if now - self._last < 0.5 and done < total:
            return
        self._last = now
        own = attempt_of(self.job_id, self.attempt)
        lease = timezone.now() + LEASE
        if not own.update(done=done, total=total, message=message[:300], lease_until=lease):
            raise LostError("Another worker has taken this job over.")
        if Job.objects.filter(pk=self.job_id, cancel_requested=True).exists():
            raise CancelledError

    def save(self, checkpoint: Any) -> None:
        """Keep what a repeat may skip. In a transaction it is kept with the work that it speaks of.

        An attempt that got further earns the job its patience anew.

        Raises:
            LostError: another worker has taken the job.
        """
        own = attempt_of(self.job_id, self.attempt)
        if not own.update(checkpoint=plain(checkpoint), most_attempts=F("attempts") + MOST_ATTEMPTS - 1):
            raise LostError("Another worker has taken this job over.")
        self.checkpoint = checkpoint

    @contextmanager
    def file(self, name: str, content_type: str) -> Iterator[IO[bytes]]:
        """A file of the result, to write into; see :mod:`salesops.platform.job_files`."""
        with job_files.writing(self.job_id, self.attempt or 0, name) as file:
            yield file
            if not attempt_of(self.job_id, self.attempt).exists():
                raise LostError("Another worker has taken this job over.")
        self.files.append(job_files.described(self.job_id, name, content_type))
