"""Long work as jobs: a row with a lease, a heartbeat, progress, cancel, retry and a result.

A worker claims a row in one short transaction and renews its lease while it works. A worker that
dies leaves a lease that no longer changes (see :mod:`salesops.platform.leases`), and the next one
takes the job again: a job's steps must therefore be safe to repeat, or skip by its checkpoint what
was done. Every claim counts as an attempt, and the attempt is the fence: what a worker says of an
attempt that is no longer the row's is not taken.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import Error, IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

import salesops
from salesops.facts.errors import LockTimeout
from salesops.platform import audit, job_files
from salesops.platform.access import NotAllowedError, require
from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor, actor_of
from salesops.platform.documents import plain
from salesops.platform.job_kinds import JobKind, kind_of
from salesops.platform.job_progress import (
    MOST_ATTEMPTS,
    CancelledError,
    LostError,
    Progress,
    RetryError,
    StoppedError,
    attempt_of,
    stopping,
)
from salesops.platform.leases import LEASE, Watch, database_now, holder
from salesops.platform.models import Job, JobState, Schedule
from salesops.platform.registries import job_kinds

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=10)
TRANSIENT = (OperationalError, InterfaceError, ConnectionError, TimeoutError, LockTimeout)
"""What may be over in a moment: a job that ended so is tried again. Any other error is final."""

_log = logging.getLogger(__name__)
_watch = Watch()
_me = ""
ended: list[Callable[[Job], None]] = []
"""Called in the transaction that ends a job, however it ends."""


# --- Asking ---------------------------------------------------------------------------------------


def enqueue(
    kind: str,
    params: dict[str, Any],
    *,
    actor: Actor,
    dedupe_key: str = "",
    run_after: datetime | None = None,
    schedule: Schedule | None = None,
) -> Job:
    """Ask for a job. It starts once the surrounding transaction has committed.

    Args:
        kind: a registered kind.
        params: its function's further arguments, as JSON.
        actor: who asks; the job runs with this actor's rights at that time.
        dedupe_key: while a job of this key waits or runs, that job is answered and no other is made.
        run_after: not before this instant.
        schedule: the schedule whose turn it is.

    Raises:
        NotAllowedError: the actor may not ask for this kind.
        KeyError: no such kind.
    """
    job_kinds.get(kind)
    known = kind_of(kind)
    assert known is not None
    if known.permission:
        require(actor, known.permission)
    values = {
        "kind": kind,
        "params": params,
        "created_by_id": actor.user_id,
        "local": actor.user_id is None,
        "created_at": timezone.now(),
        "message": "Waiting to start",
        "dedupe_key": dedupe_key,
        "most_attempts": known.most_attempts,
        "run_after": run_after,
        "schedule": schedule,
        "code_version": salesops.__version__,
    }
    if not dedupe_key:
        return Job.objects.create(**values)
    under_way = Job.objects.filter(dedupe_key=dedupe_key, state__in=(JobState.QUEUED, JobState.RUNNING))
    while True:
        if (job := under_way.first()) is not None:
            return job
        try:
            with transaction.atomic():
                return Job.objects.create(**values)
        except IntegrityError:  # somebody else asked at the same moment
            continue


def forget_done(kind: str, keep: int) -> int:
    """Remove jobs of a kind that went well, but the newest ``keep``. Returns how many.

    For kinds that run again and again by themselves and keep elsewhere what came of them.
    """
    done = Job.objects.filter(kind=kind, state=JobState.DONE)
    newest = list(done.order_by("-pk").values_list("pk", flat=True)[:keep])
    return int(done.filter(pk__lt=newest[-1]).delete()[0]) if len(newest) == keep else 0


def cancel(job: Job, *, actor: Actor | None = None) -> None:
    """Ask a job to stop. A waiting one stops at once, a running one at its next safe point."""
    with transaction.atomic():
        waiting = Job.objects.filter(pk=job.pk, state=JobState.QUEUED)
        if waiting.update(
            state=JobState.CANCELLED, finished_at=timezone.now(), message="Cancelled before it began"
        ):
            _tell_ended(Job.objects.get(pk=job.pk))
        else:
            Job.objects.filter(pk=job.pk, state=JobState.RUNNING).update(cancel_requested=True)
        if actor is not None:
            audit.record(actor=actor, action="job.cancel", subject=f"job:{job.pk}", after={"kind": job.kind})


def retry(job: Job, *, actor: Actor) -> None:
    """Put a job that failed or was cancelled back into the queue; its checkpoint is kept.

    Raises:
        ValidationError: it has not ended so, or another job does the same by now.
    """
    ended_badly = Job.objects.filter(pk=job.pk, state__in=(JobState.FAILED, JobState.CANCELLED))
    kind = kind_of(job.kind)
    more = kind.most_attempts if kind else MOST_ATTEMPTS
    try:
        with transaction.atomic():
            # Attempts go on counting: they are the fence against workers of earlier ones.
            if not ended_badly.update(
                state=JobState.QUEUED, cancel_requested=False, finished_at=None, error="", run_after=None, done=0,
                most_attempts=F("attempts") + more, message="Waiting to start again", lease_until=None,
            ):  # fmt: skip
                raise ValidationError("Only a job that failed or was cancelled can be started again.")
            audit.record(actor=actor, action="job.retry", subject=f"job:{job.pk}", after={"kind": job.kind})
    except IntegrityError as error:
        raise ValidationError("Another job does the same at this moment.") from error


# --- Taking ---------------------------------------------------------------------------------------


def _worker() -> str:
    """This process as a holder; made on first use, so that a forked process is somebody else."""
    global _me
    mine = holder(_me.rpartition("|")[2]) if _me else holder()
    _me = mine
    return mine


def claim(kinds: Collection[str] | None = None, but_not: Collection[str] = ()) -> Job | None:
    """Take the oldest job that waits, or one whose worker is gone; of some kinds only, or of all but some."""
    while True:
        now = database_now()
        running = Job.objects.filter(state=JobState.RUNNING)
        lost = _watch.lost(running.values_list("pk", "attempts", "lease_until", "worker"))
        # A pause is never longer than the longest: one that seems so was set before the clock went back.
        due = Q(run_after=None) | Q(run_after__lte=now) | Q(run_after__gt=now + LONGEST_PAUSE)
        ready = (Q(state=JobState.QUEUED) & due) | Q(state=JobState.RUNNING, pk__in=list(lost))
        if kinds is not None:
            ready &= Q(kind__in=list(kinds))
        if but_not:
            ready &= ~Q(kind__in=list(but_not))
        if not Job.objects.filter(ready).exists():  # looked at first without the writers' lock
            return None
        with transaction.atomic():
            rows = Job.objects.select_for_update(
                skip_locked=connection.features.has_select_for_update_skip_locked, of=("self",)
            )
            job = rows.filter(ready).order_by("id").first()
            if job is None:
                return None
            if job.state == JobState.RUNNING and lost.get(job.pk) != (job.attempts, job.lease_until):
                return None  # its holder, or another that took it over, is at work
            if _given_up(job):
                continue
            _take(job)
            return job


def _given_up(job: Job) -> bool:
    """End a lost job that was to be cancelled or has used up its attempts."""
    if job.state == JobState.RUNNING and job.cancel_requested:
        job.state, job.message = JobState.CANCELLED, "Cancelled while its worker was gone"
    elif job.attempts >= job.most_attempts:
        job.state = JobState.FAILED
        job.error = job.error or f"Given up after {job.attempts} attempts that ended without a word."
        job.message = job.error[:300]
    else:
        return False
    job.finished_at, job.lease_until = timezone.now(), None
    job.save(update_fields=["state", "message", "error", "finished_at", "lease_until"])
    _tell_ended(job)
    return True


def _tell_ended(job: Job) -> None:
    for told in ended:
        told(job)


def _take(job: Job) -> None:
    kind = kind_of(job.kind)
    if job.code_version != salesops.__version__ and not (kind and kind.resumes):
        job.checkpoint = None  # written by other code: this kind begins anew
    job.state, job.attempts, job.worker = JobState.RUNNING, job.attempts + 1, _worker()
    job.lease_until = timezone.now() + LEASE
    job.code_version = salesops.__version__
    job.started_at = job.started_at or timezone.now()
    job.save(
        update_fields=[
            "state",
            "attempts",
            "worker",
            "lease_until",
            "code_version",
            "started_at",
            "checkpoint",
        ]
    )


# --- Doing ----------------------------------------------------------------------------------------


def run(job: Job) -> None:
    """Run a claimed job to its end and store what came of it."""
    stop = threading.Event()
    beat = threading.Thread(target=_heartbeat, args=(job.pk, job.attempts, stop), daemon=True)
    beat.start()
    try:
        update = _outcome(job)
    finally:
        stop.set()
        beat.join()
    if update is not None:
        _end(job, update)


def _end(job: Job, update: dict[str, Any]) -> None:
    """Store an outcome, with patience for a database that restarts at this moment."""
    for pause in (1, 2, 4, 8, 0):
        try:
            _store(job, dict(update))
        except (OperationalError, InterfaceError):
            if not pause or connection.in_atomic_block:
                raise  # the lease runs out, and the job is taken again
            connection.close()
            time.sleep(pause)
        else:
            return


def _store(job: Job, update: dict[str, Any]) -> None:
    if update["state"] != JobState.QUEUED:
        update["finished_at"] = timezone.now()
    with transaction.atomic():
        held = attempt_of(job.pk, job.attempts).update(lease_until=None, **update)
        if held and update["state"] != JobState.QUEUED:
            job.refresh_from_db()  # its schedule may have been dropped meanwhile
            _tell_ended(job)


def _outcome(job: Job) -> dict[str, Any] | None:
    """What a job's function came to, as the row's new values; None where the job is another's by now."""
    try:
        kind, actor = _known(job), owner(job)
        if kind.permission:
            require(actor, kind.permission)
        job_files.clear(job.pk)
        progress = Progress(job.pk, job.attempts, job.checkpoint)
        result = kind.run(actor=actor, progress=progress, **job.params)
    except CancelledError:
        return {
            "state": JobState.CANCELLED,
            "message": "Cancelled at a safe point; what had landed before stays",
        }
    except StoppedError:
        back = "Given back by a worker that was stopped"
        return {"state": JobState.QUEUED, "message": back, "most_attempts": F("most_attempts") + 1}
    except LostError:
        _log.warning("job %s (%s) was taken over by another worker", job.pk, job.kind)
        return None
    except (*TRANSIENT, RetryError) as error:
        return _again(job, error)
    except (ValidationError, NotAllowedError, PermissionError, LookupError) as error:
        _log.info("job %s (%s) was refused: %s", job.pk, job.kind, error)
        return _failed(error)
    except Exception as error:  # noqa: BLE001 - a job's failure is its result, whatever it was
        _log.exception("job %s (%s) failed", job.pk, job.kind)
        return _failed(error)
    if progress.files:
        made_as = {"role": actor.role, "person_id": actor.person_id}
        result = {**(result or {}), "files": progress.files, "made_as": made_as}
    return {"state": JobState.DONE, "result": plain(result), "message": "Done", "error": ""}


def sentence(error: BaseException) -> str:
    """An error in one sentence for people."""
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return text or type(error).__name__


def _failed(error: Exception) -> dict[str, Any]:
    text = sentence(error)
    return {"state": JobState.FAILED, "message": text[:300], "error": f"{text}\n\n{traceback.format_exc()}"}


def pause_after(attempts: int) -> timedelta:
    """How long a job waits after its n-th failed attempt: 5 s, 20 s, 80 s ... at most ten minutes."""
    return min(FIRST_PAUSE * 4 ** min(attempts - 1, 8), LONGEST_PAUSE)


def _again(job: Job, error: Exception) -> dict[str, Any]:
    job.refresh_from_db(fields=["most_attempts"])
    if job.attempts >= job.most_attempts:
        failed = _failed(error)
        failed["message"] = f"Failed {job.attempts} times, the last time: {sentence(error)}"[:300]
        return failed
    _log.warning("job %s (%s) is tried again", job.pk, job.kind, exc_info=True)
    return {
        "state": JobState.QUEUED,
        "run_after": database_now() + pause_after(job.attempts),
        "message": f"Tried again soon: {sentence(error)}"[:300],
        "error": f"{sentence(error)}\n\n{traceback.format_exc()}",
    }


def _known(job: Job) -> JobKind:
    kind = kind_of(job.kind)
    if kind is None:
        raise ValidationError(
            f"This version of salesops ({salesops.__version__}) knows no job of the kind {job.kind!r}. "
            "Start it again with the version that does."
        )
    return kind


def owner(row: Job | Schedule) -> Actor:
    """The actor that a job or schedule runs as, with the rights of today.

    Raises:
        PermissionError: the account was switched off or is gone.
    """
    if row.created_by is not None:
        if not row.created_by.is_active:
            message = f"The account {row.created_by.get_username()} is switched off."
            raise PermissionError(message)
        return actor_of(row.created_by)
    if not row.local:
        raise PermissionError("The account that asked for this no longer exists.")
    return LOCAL_ADMINISTRATOR


def _heartbeat(job_id: int, attempt: int, stop: threading.Event) -> None:
    while not stop.wait(LEASE.total_seconds() / 6):
        try:
            attempt_of(job_id, attempt).update(lease_until=timezone.now() + LEASE)
        except Error:  # the database is busy or away for a moment: the next beat may still be in time
            _log.warning("the lease of job %s could not be renewed", job_id, exc_info=True)
            connection.close()
    connection.close()


def run_waiting(kinds: Collection[str] | None = None, but_not: Collection[str] = ()) -> int:
    """Run jobs until none waits, or this process is asked to end. Returns how many ran."""
    ran = 0
    while not stopping.is_set() and (job := claim(kinds, but_not)) is not None:
        run(job)
        ran += 1
    return ran
