"""Jobs and schedules as those who watch them see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from salesops.platform import job_files, schedules
from salesops.platform.access import NotAllowedError, may
from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor
from salesops.platform.job_files import ResultFile
from salesops.platform.job_kinds import kind_of, title_of
from salesops.platform.models import Job, JobState, Schedule

TONES = {
    JobState.QUEUED: "neutral", JobState.RUNNING: "info", JobState.DONE: "ok", JobState.FAILED: "bad",
    JobState.CANCELLED: "neutral",
}  # fmt: skip


@dataclass(frozen=True)
class JobView:
    """A job as its watcher sees it.

    Attributes:
        opens: address of what came of it, "" for none.
        lines: what the result says, as (label, text).
        files: what it left, each with whether it is still kept.
    """

    job: Job
    title: str
    by: str
    finished: bool
    may_cancel: bool
    may_retry: bool
    tone: str
    opens: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[ResultFile, bool], ...] = ()


def is_administrator(actor: Actor) -> bool:
    """Whether an actor may look after everybody's jobs."""
    return may(actor, "job.manage")


def _mine(actor: Actor, job: Job) -> bool:
    if actor == LOCAL_ADMINISTRATOR and job.local:
        return True
    return job.created_by_id is not None and job.created_by_id == actor.user_id


def _sees(actor: Actor, job: Job) -> bool:
    if _mine(actor, job) or is_administrator(actor):
        return True
    kind = kind_of(job.kind)
    return bool(kind and kind.shared and kind.permission and may(actor, kind.permission))


def job_for(actor: Actor, pk: int) -> JobView | None:
    """A job, if the actor asked for it, administers, or shares this kind's work; else None."""
    row = Job.objects.select_related("created_by", "schedule").filter(pk=pk).first()
    return _view(actor, row) if row is not None and _sees(actor, row) else None


def _view(actor: Actor, row: Job) -> JobView:
    finished = row.state not in (JobState.QUEUED, JobState.RUNNING)
    kind = kind_of(row.kind)
    result: Mapping[str, Any] | None = row.result if row.state == JobState.DONE else None
    owns = _mine(actor, row) or is_administrator(actor)
    return JobView(
        row,
        title=title_of(row.kind),
        by=LOCAL_ADMINISTRATOR.name if row.local else str(row.created_by or "an account that is gone"),
        finished=finished,
        may_cancel=not finished and not row.cancel_requested,
        may_retry=row.state in (JobState.FAILED, JobState.CANCELLED) and kind is not None,
        tone=TONES[JobState(row.state)],
        opens=kind.opens(result) if kind and kind.opens and result else "",
        lines=tuple(kind.lines(result)) if kind and kind.lines and result else (),
        files=tuple((f, job_files.path_of(row, f) is not None) for f in job_files.files_of(row))
        if owns
        else (),
    )


def jobs_of(actor: Actor) -> QuerySet[Job]:
    """An actor's own jobs, newest first; everybody's for administrators."""
    rows = Job.objects.select_related("created_by", "schedule").order_by("-id")
    if is_administrator(actor):
        return rows
    return rows.filter(created_by_id=actor.user_id) if actor.user_id is not None else rows.none()


def views_of(actor: Actor, rows: QuerySet[Job] | list[Job]) -> list[JobView]:
    """Jobs as the list shows them."""
    return [_view(actor, row) for row in rows]


def file_for(actor: Actor, seen: JobView, number: int) -> ResultFile | None:
    """One file of a job's result, for its owner and for administrators.

    Raises:
        NotAllowedError: the rights that it was made with are no longer the owner's.
    """
    files = job_files.files_of(seen.job)
    if not (_mine(actor, seen.job) or is_administrator(actor)) or number >= len(files):
        return None
    made_as = seen.job.result.get("made_as") if isinstance(seen.job.result, dict) else None
    now = {"role": actor.role, "person_id": actor.person_id}
    if not is_administrator(actor) and made_as != now:
        raise NotAllowedError("This file was made with other rights than yours are now. Ask for it again.")
    return files[number]


@dataclass(frozen=True)
class ScheduleView:
    """A schedule as its reader sees it."""

    row: Schedule
    title: str
    by: str
    last: Job | None
    may_change: bool


def schedules_for(actor: Actor) -> list[ScheduleView]:
    """An actor's own schedules by name; everybody's for administrators."""
    rows = Schedule.objects.select_related("created_by").order_by("name")
    if not is_administrator(actor):
        rows = rows.filter(created_by_id=actor.user_id, created_by__isnull=False)
    return [
        ScheduleView(
            row,
            title_of(row.kind),
            LOCAL_ADMINISTRATOR.name if row.local else str(row.created_by or "an account that is gone"),
            row.jobs.order_by("-id").first(),
            schedules.may_change(actor, row),
        )
        for row in rows
    ]


def schedule_for(actor: Actor, pk: int) -> Schedule | None:
    """One schedule that the actor may see, or None."""
    row = Schedule.objects.select_related("created_by").filter(pk=pk).first()
    if row is None or not (
        is_administrator(actor) or (row.created_by_id and row.created_by_id == actor.user_id)
    ):
        return None
    return row


def schedule_row(pk: int | None) -> Schedule | None:
    """A schedule that another room keeps, or None; who may see it is for that room to say."""
    return Schedule.objects.filter(pk=pk).first() if pk is not None else None


def schedule_rows(pks: Iterable[int | None]) -> dict[int, Schedule]:
    """Schedules that another room keeps, by id, in one query."""
    return {row.pk: row for row in Schedule.objects.filter(pk__in=[pk for pk in pks if pk is not None])}
