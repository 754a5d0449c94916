"""REST: jobs, their results, and schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from ninja import Path, Router, Schema
from pydantic import Field

from salesops.platform import job_files, job_selectors, jobs, schedules
from salesops.platform.access import require
from salesops.platform.api import Body
from salesops.platform.job_selectors import JobView
from salesops.platform.models import Schedule
from salesops.platform.rest import (
    Number,
    PageNumber,
    PageSize,
    actor_of_request,
    found,
    page_of,
    reply,
    scoped,
)

router = Router(tags=["jobs"])


class JobOut(Schema):
    """A job: where it stands and what came of it."""

    id: int
    kind: str
    title: str
    state: str
    done: int
    total: int
    message: str
    by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int
    may_cancel: bool
    may_retry: bool
    result: Any = None
    files: list[dict[str, Any]]


class JobsOut(Schema):
    """One page of jobs."""

    total: int
    rows: list[JobOut]


class ScheduleOut(Schema):
    """A job that comes again."""

    id: int
    name: str
    kind: str
    params: dict[str, Any]
    cron: str
    zone: str
    mail_to: list[str]
    active: bool
    why_stopped: str
    next_run_at: datetime | None
    last_run_at: datetime | None


class ScheduleIn(Body):
    """A schedule to make."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    kind: Annotated[str, Field(max_length=80)]
    params: dict[str, Any] = {}
    cron: Annotated[str, Field(max_length=120)] = Field(
        description="five fields: minute hour day month weekday"
    )
    zone: Annotated[str, Field(max_length=64)] = "UTC"
    mail_to: Annotated[list[str], Field(max_length=50)] = []


def _job(seen: JobView) -> dict[str, Any]:
    job = seen.job
    return {
        "id": job.pk,
        "kind": job.kind,
        "title": seen.title,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "message": job.message,
        "by": seen.by,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "attempts": job.attempts,
        "may_cancel": seen.may_cancel,
        "may_retry": seen.may_retry,
        "result": dict(seen.lines),
        "files": [
            {"number": number, "name": file.name, "content_type": file.content_type, "kept": kept}
            for number, (file, kept) in enumerate(seen.files)
        ],
    }


def _seen(request: HttpRequest, job_id: int) -> JobView:
    return found(job_selectors.job_for(actor_of_request(request), job_id), "job")


@router.get("/jobs", **scoped("jobs.read", JobsOut), summary="Jobs, newest first")
def job_list(request: HttpRequest, page: PageNumber = 1, size: PageSize = 100) -> HttpResponse:
    """One's own jobs; everybody's for administrators."""
    actor = actor_of_request(request)
    total, rows = page_of(job_selectors.jobs_of(actor), page, size)
    return reply({"total": total, "rows": [_job(seen) for seen in job_selectors.views_of(actor, rows)]})


@router.get("/jobs/{job_id}", **scoped("jobs.read", JobOut), summary="One job")
def job_read(request: HttpRequest, job_id: Number) -> HttpResponse:
    """Where it stands; ask again until its state is done, failed or cancelled."""
    return reply(_job(_seen(request, job_id)))


@router.post("/jobs/{job_id}/cancel", **scoped("jobs.write", JobOut), summary="Cancel a job")
def job_cancel(request: HttpRequest, job_id: Number) -> HttpResponse:
    """A waiting job stops at once, a running one at its next safe point."""
    jobs.cancel(_seen(request, job_id).job, actor=actor_of_request(request))
    return reply(_job(_seen(request, job_id)))


@router.post("/jobs/{job_id}/retry", **scoped("jobs.write", JobOut), summary="Start a job again")
def job_retry(request: HttpRequest, job_id: Number) -> HttpResponse:
    """One that failed or was cancelled; what it had finished is not done twice."""
    jobs.retry(_seen(request, job_id).job, actor=actor_of_request(request))
    return reply(_job(_seen(request, job_id)))


_file = scoped("jobs.read", None)
_file["openapi_extra"] = _file["openapi_extra"] | {
    "responses": {
        200: {
            "description": "The file",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    }
}


@router.get("/jobs/{job_id}/files/{number}", **_file, summary="A file of a job's result")
def job_file(
    request: HttpRequest, job_id: Number, number: Annotated[int, Path(ge=0, le=10_000)]
) -> HttpResponseBase:
    """The file as it was made; 404 once it is no longer kept."""
    seen = _seen(request, job_id)
    file = found(job_selectors.file_for(actor_of_request(request), seen, number), "file")
    path = found(job_files.path_of(seen.job, file), "file")
    answer = FileResponse(
        path.open("rb"), as_attachment=True, filename=file.name, content_type="application/octet-stream"
    )
    answer["Cache-Control"] = "no-store"
    return answer


def _schedule(row: Schedule) -> dict[str, Any]:
    names = (
        "name", "kind", "params", "cron", "zone", "mail_to", "active", "why_stopped", "next_run_at", "last_run_at",
    )  # fmt: skip
    return {"id": row.pk, **{name: getattr(row, name) for name in names}}


def _one(request: HttpRequest, schedule_id: int) -> Schedule:
    return found(job_selectors.schedule_for(actor_of_request(request), schedule_id), "schedule")


@router.get("/schedules", **scoped("jobs.read", list[ScheduleOut]), summary="Schedules")
def schedule_list(request: HttpRequest) -> HttpResponse:
    """One's own; everybody's for administrators."""
    actor = actor_of_request(request)
    require(actor, "schedule.write")
    return reply([_schedule(seen.row) for seen in job_selectors.schedules_for(actor)])


@router.post("/schedules", **scoped("jobs.write", ScheduleOut, 201), summary="Let a job come again")
def schedule_create(request: HttpRequest, body: ScheduleIn) -> HttpResponse:
    """It runs as the token's account, with the rights that account has at each turn."""
    return reply(_schedule(schedules.schedule_create(actor=actor_of_request(request), **body.dict())), 201)


@router.post(
    "/schedules/{schedule_id}/pause", **scoped("jobs.write", ScheduleOut), summary="Pause a schedule"
)
def schedule_pause(request: HttpRequest, schedule_id: Number) -> HttpResponse:
    """No further turn comes until it is resumed."""
    schedules.schedule_pause(actor=actor_of_request(request), row=_one(request, schedule_id))
    return reply(_schedule(_one(request, schedule_id)))


@router.post(
    "/schedules/{schedule_id}/resume", **scoped("jobs.write", ScheduleOut), summary="Resume a schedule"
)
def schedule_resume(request: HttpRequest, schedule_id: Number) -> HttpResponse:
    """Turns come again from now on."""
    schedules.schedule_resume(actor=actor_of_request(request), row=_one(request, schedule_id))
    return reply(_schedule(_one(request, schedule_id)))


@router.post(
    "/schedules/{schedule_id}/run", **scoped("jobs.write", JobOut, 202), summary="Start a schedule now"
)
def schedule_run(request: HttpRequest, schedule_id: Number) -> HttpResponse:
    """Its next turn stays where it is."""
    actor = actor_of_request(request)
    job = schedules.schedule_run(actor=actor, row=_one(request, schedule_id))
    return reply(_job(found(job_selectors.job_for(actor, job.pk), "job")), 202)


class RemovedOut(Schema):
    """What is gone."""

    removed: int


@router.delete("/schedules/{schedule_id}", **scoped("jobs.write", RemovedOut), summary="Remove a schedule")
def schedule_remove(request: HttpRequest, schedule_id: Number) -> HttpResponse:
    """The jobs it made stay on record."""
    schedules.schedule_remove(actor=actor_of_request(request), row=_one(request, schedule_id))
    return reply({"removed": schedule_id})
