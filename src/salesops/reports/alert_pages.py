"""Alerts: numbers that tell when they cross a threshold."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from salesops.analytics.engine.kpi import Kpi
from salesops.analytics.selectors import catalogue
from salesops.analytics.shown import value_text
from salesops.platform import posting
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.job_forms import zones
from salesops.platform.web import allowed, apply_errors
from salesops.reports import alert_services as services
from salesops.reports import selectors
from salesops.reports.forms import AlertForm
from salesops.reports.models import Alert, Condition
from salesops.reports.services import SHARE, WRITE
from salesops.ui import formats

TONES = {"crossed": "bad", "calm": "ok", "undefined": "warn", "new": "neutral"}
WORDS = {"crossed": "Crossed", "calm": "Not crossed", "undefined": "Undefined", "new": "Not looked yet"}


@never_cache
@require_http_methods(["GET", "POST"])
@allowed(WRITE)
def alerts(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """One's alerts with their states, and a form for one more."""
    form = _form(request, actor)
    if form.is_bound and form.is_valid():
        try:
            services.alert_save(actor=actor, **form.cleaned_data)
        except ValidationError as error:
            apply_errors(form, error)
        else:
            messages.success(request, "The alert is set.")
            return redirect("alerts")
    known = {kpi.name: kpi for kpi in catalogue()}
    found = selectors.alerts_of(actor)
    context = {
        "title": "Alerts",
        "rows": [
            (
                one,
                known[one.row.kpi].title if one.row.kpi in known else one.row.kpi,
                WORDS[one.row.state],
                TONES[one.row.state],
                _threshold(one.row, known.get(one.row.kpi)),
            )
            for one in found
        ],
        "form": form,
        "zones": zones(),
    }
    return render(request, "reports/alerts.html", context, status=400 if form.errors else 200)


def _threshold(row: Alert, kpi: Kpi | None) -> str:
    """A threshold as its number reads; money without its currency, which only an answer knows."""
    if row.threshold is None:
        return ""
    if kpi is None or row.condition == Condition.CHANGED or kpi.unit in ("money", "money_per_day"):
        return formats.number(row.threshold)
    return value_text(kpi, row.threshold, "", to_the_cent=True)


def _form(request: HttpRequest, actor: Actor) -> AlertForm:
    page = urlsplit(request.GET.get("page", ""))
    parts = page.path.strip("/").split("/")
    known: dict[str, Any] = {"query": page.query, "times": "*/15 * * * *"}
    if len(parts) == 2 and parts[0] == "numbers":
        known |= {"kpi": parts[1], "name": parts[1].replace("_", " ").capitalize()}
    numbers = [(kpi.name, kpi.title) for kpi in catalogue()]
    form = AlertForm(request.POST if request.method == "POST" else None, kpis=numbers, initial=known)
    there = {"mail", *posting.channels()} if may(actor, SHARE) else {"mail"}
    form.fields["channel"].choices = [c for c in form.fields["channel"].choices if c[0] in there]
    return form


@require_POST
@allowed(WRITE)
def alert(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """Pause, resume, remove an alert, or look now."""
    seen = selectors.alert_of(actor, pk)
    if seen is None:
        raise Http404
    try:
        made = services.alert_do(actor=actor, row=seen.row, do=request.POST.get("do", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("alerts")
    return redirect("job", pk=made.pk) if made is not None else redirect("alerts")
