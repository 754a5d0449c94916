"""Settings of watched folders and mailboxes, and what came by them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from salesops.crm import watch_selectors as selectors
from salesops.crm import watch_services as services
from salesops.crm.watch_forms import FORMS, initial_of
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.job_forms import zones
from salesops.platform.web import allowed, apply_errors

_ROWS = 25


@never_cache
@require_http_methods(["GET"])
@allowed("import.view")
def watches(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every watch and whether it looks."""
    context = {
        "title": "Watched folders and mailboxes",
        "rows": selectors.watches(),
        "may_manage": may(actor, "watch.manage"),
    }
    return render(request, "crm/watches.html", context)


@require_http_methods(["GET", "POST"])
@allowed("watch.manage")
def watch_new(request: HttpRequest, actor: Actor, kind: str) -> HttpResponse:
    """A new watch."""
    if kind not in FORMS:
        raise Http404
    form = FORMS[kind](request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            row = services.watch_save(actor=actor, **form.values())
        except ValidationError as error:
            apply_errors(form, error)
        else:
            messages.success(request, f"{row.name} is watched.")
            return redirect("watch", pk=row.pk)
    title = "Watch a folder" if kind == "folder" else "Watch a mailbox"
    context = {"title": title, "form": form, "zones": zones()}
    return render(request, "crm/watch_new.html", context, status=400 if form.errors else 200)


def _row(pk: int) -> Any:
    row = selectors.watch_of(pk)
    if row is None:
        raise Http404
    return row


@never_cache
@require_http_methods(["GET", "POST"])
@allowed("import.view", post="watch.manage")
def watch(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """One watch: what came by it, and its settings."""
    row = _row(pk)
    seen = selectors.view_of(row)
    initial = initial_of(row, seen.schedule)
    form = FORMS[row.kind](request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.watch_save(actor=actor, row=row, **form.values())
        except ValidationError as error:
            apply_errors(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("watch", pk=pk)
    page = Paginator(selectors.arrivals_of(row), _ROWS).get_page(request.GET.get("page"))
    context = {
        "title": row.name,
        "seen": seen,
        "form": form,
        "zones": zones(),
        "page": page,
        "arrivals": [(arrival, selectors.TONES[arrival.state]) for arrival in page],
        "may_manage": may(actor, "watch.manage"),
    }
    return render(request, "crm/watch.html", context, status=400 if form.errors else 200)


@require_POST
@allowed("watch.manage")
def watch_change(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """Look at once, pause, resume or remove."""
    row, do = _row(pk), request.POST.get("do", "")
    if do == "look":
        return redirect("job", pk=services.watch_look(actor=actor, row=row).pk)
    if do in ("pause", "resume"):
        services.watch_switch(actor=actor, row=row, active=do == "resume")
    elif do == "remove":
        services.watch_remove(actor=actor, row=row)
        messages.success(request, f"{row.name} is watched no more. What it imported stays.")
        return redirect("watches")
    return redirect("watch", pk=pk)
