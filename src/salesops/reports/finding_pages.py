"""Findings: the list, one of them, a new one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from salesops.platform.access import may
from salesops.platform.actors import Actor, actor_of
from salesops.platform.selectors import accounts
from salesops.platform.web import allowed, apply_errors
from salesops.reports import finding_services as services
from salesops.reports import selectors
from salesops.reports.forms import FindingEventForm, FindingForm
from salesops.reports.services import SHARE

STATES = (("open", "Open"), ("late", "Overdue"), ("done", "Done"), ("dropped", "Dropped"), ("all", "All"))


@never_cache
@require_safe
def findings(request: HttpRequest) -> HttpResponse:
    """Findings that one wrote, owns or was named for."""
    actor, today = actor_of(request.user), timezone.now().date()
    state = request.GET.get("state", "open")
    found = selectors.findings_of(actor)
    wanted = [f for f in found if state in ("all", f.state) or (state == "late" and f.late(today))]
    if state in ("open", "late"):
        wanted = selectors.open_findings(wanted)
    context = {
        "title": "Findings",
        "scope": f"{len(wanted):,} of {len(found):,}",
        "rows": [(f, f.late(today)) for f in wanted],
        "states": [{"key": key, "title": title, "current": key == state} for key, title in STATES],
        "may_write": may(actor, services.WRITE) and actor.user_id is not None,
    }
    return render(request, "reports/findings.html", context)


def _form(actor: Actor, data: Any, initial: dict[str, Any]) -> FindingForm:
    people = [user for user in accounts() if user.is_active]
    if not may(actor, SHARE):
        people = [user for user in people if user.pk == actor.user_id]
    return FindingForm(data, people=people, initial=initial)


@require_http_methods(["GET", "POST"])
@allowed(services.WRITE)
def finding_new(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Write down what a number says and what follows."""
    known = {"page": request.GET.get("page", ""), "owner": str(actor.user_id or "")}
    form = _form(actor, request.POST if request.method == "POST" else None, known)
    if form.is_bound and form.is_valid():
        try:
            row = services.finding_add(actor=actor, **form.values())
        except ValidationError as error:
            apply_errors(form, error, {"owner_id": "owner"})
        else:
            messages.success(request, "Written down.")
            return redirect("finding", pk=row.pk)
    context = {"title": "New finding", "form": form}
    return render(request, "reports/finding_form.html", context, status=400 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def finding(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One finding. Opened by a named reader, signed in, it counts as read."""
    actor = actor_of(request.user)
    seen = selectors.finding_of(actor, pk)
    if seen is None:
        raise Http404
    if request.method == "POST":
        return _do(request, actor, seen)
    services.finding_open(actor=actor, seen=seen)
    seen = selectors.finding_of(actor, pk) or seen
    named = {r.user_id for r in seen.readers}
    context = {
        "title": seen.row.title,
        "seen": seen,
        "late": seen.late(timezone.now().date()),
        "events": list(seen.row.events.all()),
        "others": [u for u in accounts() if u.is_active and u.pk not in named]
        if seen.mine and may(actor, SHARE)
        else [],
    }
    return render(request, "reports/finding.html", context)


def _do(request: HttpRequest, actor: Actor, seen: selectors.FindingView) -> HttpResponseBase:
    do = request.POST.get("do", "")
    try:
        if do == "acknowledge":
            services.finding_acknowledge(actor=actor, pk=seen.id)
            messages.success(request, "Noted that you have taken note.")
        elif do == "tell":
            readers = [int(text) for text in request.POST.getlist("readers") if text.isdecimal()]
            services.finding_tell(actor=actor, pk=seen.id, readers=readers)
            messages.success(request, "They are told.")
        else:
            form = FindingEventForm(request.POST)
            if not form.is_valid():
                raise ValidationError([e for errors in form.errors.values() for e in errors])
            sent = form.cleaned_data
            after = services.finding_change(
                actor=actor, pk=seen.id, kind=sent["do"], due_on=sent["due_on"], result=sent["result"]
            )
            messages.success(request, f"{after.row.title}: {after.state}.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    except LookupError as error:
        raise Http404 from error
    return redirect("finding", pk=seen.id)
