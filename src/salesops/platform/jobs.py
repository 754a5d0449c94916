"""Long work as jobs: a row with a lease, a heartbeat, progress, cancel and a result.

A worker claims a row in one short transaction and renews its lease while it works. A worker
that dies leaves an expired lease, and the next one takes the job again: a job's steps must
therefore be safe to repeat (an import is, because a re-import changes nothing).
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import Error, close_old_connections, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor, actor_of
from salesops.platform.models import Job, JobState
from salesops.platform.registries import job_kinds

LEASE = timedelta(seconds=30)
MOST_ATTEMPTS = 3
_log = logging.getLogger(__name__)


class CancelledError(Exception):
    """The job was asked to stop, and stopped at a safe point."""


class LostError(Exception):
    """The job was taken over by another worker: what this one says of it no longer counts."""


def _attempt(job_id: int, attempt: int | None) -> QuerySet[Job]:
    """A job as one worker holds it: nothing once another has claimed it."""
    own = Job.objects.filter(pk=job_id)
    return own if attempt is None else own.filter(attempts=attempt, state=JobState.RUNNING)


class Progress:
    """What a job's function reports to; each call renews the lease and looks for a cancel."""

    def __init__(self, job_id: int, attempt: int | None = None) -> None:
        self.job_id = job_id
        self.attempt = attempt
        self._last = timezone.now() - LEASE

    def __call__(self, done: int, total: int, message: str) -> None:
        """Report progress, at most twice a second.

        Raises:
            CancelledError: somebody asked the job to stop.
            LostError: another worker has taken the job, because this one did not renew its lease.
        """
        now = timezone.now()
        if now - self._last < timedelta(milliseconds=500) and done < total:
            return
        self._last = now
        own = _attempt(self.job_id, self.attempt)
        if not own.update(done=done, total=total, message=message[:300], lease_until=now + LEASE):
            raise LostError("Another worker has taken this job over.")
        if Job.objects.filter(pk=self.job_id, cancel_requested=True).exists():
            raise CancelledError


def enqueue(kind: str, params: dict[str, Any], *, actor: Actor) -> Job:
    """Ask for a job. It starts once the surrounding transaction has committed."""
    job_kinds.get(kind)
    return Job.objects.create(
        kind=kind,
        params=params,
        created_by_id=actor.user_id,
        created_at=timezone.now(),
        message="Waiting to start",
    )


def cancel(job: Job) -> None:
    """Ask a job to stop. A waiting one stops at once, a running one at its next safe point."""
    waiting = Job.objects.filter(pk=job.pk, state=JobState.QUEUED)
    if not waiting.update(
        state=JobState.CANCELLED, finished_at=timezone.now(), message="Cancelled before it began"
    ):
        Job.objects.filter(pk=job.pk, state=JobState.RUNNING).update(cancel_requested=True)


def claim() -> Job | None:
    """Take the oldest waiting job, or a running one whose worker let the lease expire."""
    now = timezone.now()
    with transaction.atomic():
        ready = Job.objects.select_for_update(
            skip_locked=connection.features.has_select_for_update_skip_locked
        ).filter(Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_until__lt=now))
        job = ready.order_by("id").first()
        if job is None:
            return None
        if job.attempts >= MOST_ATTEMPTS:
            job.state, job.finished_at = JobState.FAILED, now
            job.error = job.error or f"Given up after {job.attempts} attempts that ended without a word."
            job.save(update_fields=["state", "finished_at", "error"])
            return None
        job.state, job.attempts, job.lease_until = JobState.RUNNING, job.attempts + 1, now + LEASE
        job.started_at = job.started_at or now
        job.save(update_fields=["state", "attempts", "lease_until", "started_at"])
        return job


def run(job: Job) -> None:
    """Run a claimed job to its end and store what came of it."""
    function: Callable[..., Any] = job_kinds.get(job.kind)
    actor = actor_of(job.created_by) if job.created_by else LOCAL_ADMINISTRATOR
    stop = threading.Event()
    beat = threading.Thread(target=_heartbeat, args=(job.pk, job.attempts, stop), daemon=True)
    beat.start()
    update: dict[str, Any]
    try:
        result = function(actor=actor, progress=Progress(job.pk, job.attempts), **job.params)
        update = {"state": JobState.DONE, "result": result, "message": "Done"}
    except CancelledError:
        update = {
            "state": JobState.CANCELLED,
            "message": "Cancelled at a safe point; what had landed before stays",
        }
    except LostError:
        _log.warning("job %s (%s) was taken over by another worker", job.pk, job.kind)
        return
    except Exception as error:  # noqa: BLE001 - a job's failure is its result, whatever it was
        _log.exception("job %s (%s) failed", job.pk, job.kind)
        update = {
            "state": JobState.FAILED,
            "message": str(error)[:300],
            "error": f"{error}\n\n{traceback.format_exc()}",
        }
    finally:
        stop.set()
        beat.join()
    _attempt(job.pk, job.attempts).update(finished_at=timezone.now(), lease_until=None, **update)


def _heartbeat(job_id: int, attempt: int, stop: threading.Event) -> None:
    while not stop.wait(LEASE.total_seconds() / 3):
        try:
            _attempt(job_id, attempt).update(lease_until=timezone.now() + LEASE)
        except Error:  # the database is busy or away for a moment: the next beat may still be in time
            _log.warning("the lease of job %s could not be renewed", job_id, exc_info=True)
            connection.close()
    connection.close()


def run_waiting() -> int:
    """Run jobs until none waits. Returns how many ran."""
    ran = 0
    while (job := claim()) is not None:
        run(job)
        ran += 1
    return ran


class Worker(threading.Thread):
    """The worker inside ``serve``: looks for jobs once a second."""

    def __init__(self, every_seconds: float = 1.0) -> None:
        super().__init__(name="salesops-worker", daemon=True)
        self.every_seconds = every_seconds
        self.stopping = threading.Event()

    def run(self) -> None:
        """Work until asked to stop."""
        while not self.stopping.wait(self.every_seconds):
            close_old_connections()
            try:
                run_waiting()
            except Exception:  # noqa: BLE001 - the database may be away for a moment: say so and try again
                _log.exception("the worker could not look for jobs")
        connection.close()
