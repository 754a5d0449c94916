"""Pages of jobs and schedules: progress, cancel, retry, results, and what comes again."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from salesops.platform import job_files, job_selectors, jobs, schedules
from salesops.platform.access import may
from salesops.platform.actors import Actor, actor_of
from salesops.platform.job_forms import ScheduleForm, zones
from salesops.platform.job_kinds import offers_for
from salesops.platform.job_selectors import JobView
from salesops.platform.models import JobState, Schedule
from salesops.platform.web import allowed, apply_errors

_ROWS = 25


@never_cache
@require_GET
def job_list(request: HttpRequest) -> HttpResponse:
    """One's own jobs, everybody's for administrators; asked again while one of them is under way."""
    actor = actor_of(request.user)
    page = Paginator(job_selectors.jobs_of(actor), _ROWS).get_page(request.GET.get("page"))
    rows = job_selectors.views_of(actor, list(page))
    context = {
        "title": "Jobs",
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "rows": rows,
        "moving": any(not row.finished for row in rows),
        "everybody": job_selectors.is_administrator(actor),
        "may_schedule": may(actor, "schedule.write"),
    }
    template = (
        "platform/_jobs.html" if request.htmx and request.htmx.target == "jobs" else "platform/jobs.html"
    )
    return render(request, template, context)


def _seen(request: HttpRequest, pk: int) -> tuple[Actor, JobView]:
    actor = actor_of(request.user)
    seen = job_selectors.job_for(actor, pk)
    if seen is None:
        raise Http404
    return actor, seen


@never_cache
@require_GET
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """Where a job stands; asked again every second by the page while it runs."""
    return _job(request, pk)


@never_cache
@require_POST
def job_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a job to stop."""
    actor, seen = _seen(request, pk)
    jobs.cancel(seen.job, actor=actor)
    return _job(request, pk)


@never_cache
@require_POST
def job_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Start a job again that failed or was cancelled."""
    actor, seen = _seen(request, pk)
    try:
        jobs.retry(seen.job, actor=actor)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("job", pk=pk)


@never_cache
@require_GET
def job_file(request: HttpRequest, pk: int, number: int) -> HttpResponseBase:
    """One file of a job's result."""
    actor, seen = _seen(request, pk)
    file = job_selectors.file_for(actor, seen, number)
    if file is None:
        raise Http404
    path = job_files.path_of(seen.job, file)
    if path is None:
        why = "Files made by jobs are kept for some days only. Start the job again to make it anew."
        return render(
            request, "platform/refused.html", {"title": "This file is gone", "why": why}, status=410
        )
    answer = FileResponse(
        path.open("rb"), as_attachment=True, filename=file.name, content_type=file.content_type
    )
    answer["Cache-Control"] = "no-store"
    return answer


def _job(request: HttpRequest, pk: int) -> HttpResponse:
    _, seen = _seen(request, pk)
    context = {"title": f"{seen.title} {seen.job.pk}", "seen": seen, "job": seen.job}
    request.nav_key = "jobs"
    if not request.htmx:
        return render(request, "platform/job_page.html", context)
    answer = render(request, "platform/job.html", context)
    if seen.finished:
        answer["HX-Trigger"] = "job-finished"
    return answer


# --- Schedules ------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "POST"])
@allowed("schedule.write")
def schedule_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What comes again, and a form for more."""
    offers = offers_for(actor)
    form = ScheduleForm(request.POST if request.method == "POST" else None, offers=offers, zone="UTC")
    if request.method == "POST" and form.is_valid():
        try:
            schedules.schedule_create(actor=actor, **form.values())
        except ValidationError as error:
            apply_errors(form, error)
        else:
            messages.success(request, "The schedule is made.")
            return redirect("schedules")
    context = {
        "title": "Schedules",
        "rows": job_selectors.schedules_for(actor),
        "form": form,
        "offers": offers,
        "zones": zones(),
        "failed": JobState.FAILED,
    }
    return render(request, "platform/schedules.html", context, status=400 if form.errors else 200)


def _schedule(actor: Actor, pk: int) -> Schedule:
    row = job_selectors.schedule_for(actor, pk)
    if row is None:
        raise Http404
    return row


@require_POST
@allowed("schedule.write")
def schedule_change(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """Pause, resume or remove a schedule, or start its job at once."""
    row, do = _schedule(actor, pk), request.POST.get("do", "")
    try:
        if do == "run":
            return redirect("job", pk=schedules.schedule_run(actor=actor, row=row).pk)
        if do == "pause":
            schedules.schedule_pause(actor=actor, row=row)
        elif do == "resume":
            schedules.schedule_resume(actor=actor, row=row)
        elif do == "remove":
            schedules.schedule_remove(actor=actor, row=row)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("schedules")
