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
from salesops.platform.access import may, require
from salesops.platform.actors import Actor, actor_of
from salesops.platform.job_forms import zones
from salesops.platform.selectors import accounts
from salesops.platform.web import apply_errors
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
def alerts(request: HttpRequest) -> HttpResponseBase:
    """One's alerts with their states, those that others set for one, and a form for one more."""
    actor = actor_of(request.user)
    if request.method == "POST":
        require(actor, WRITE)
    form = _form(request, actor) if may(actor, WRITE) else None
    if form is not None and form.is_bound and form.is_valid():
        try:
            services.alert_save(actor=actor, **form.values())
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
        "coming": [
            (
                one,
                known[one.row.alert.kpi].title if one.row.alert.kpi in known else one.row.alert.kpi,
                WORDS[one.row.state],
                TONES[one.row.state],
                _threshold(one.row.alert, known.get(one.row.alert.kpi)),
            )
            for one in selectors.alerts_for(actor)
        ],
        "form": form,
        "zones": zones(),
    }
    return render(
        request, "reports/alerts.html", context, status=400 if form is not None and form.errors else 200
    )


def _threshold(row: Alert, kpi: Kpi | None) -> str:
    """A threshold as its number reads; money without its currency, which only an answer knows."""
    if row.threshold is None:
        return ""
    if kpi is None or row.condition == Condition.CHANGED or kpi.unit in ("money", "money_per_day"):
        return formats.number(row.threshold)
    return value_text(kpi, row.threshold, "", to_the_cent=True)


def _others(actor: Actor) -> list[Any]:
    """Accounts that an alert may be for besides the actor."""
    return [user for user in accounts() if user.is_active and user.pk != actor.user_id]


def _form(request: HttpRequest, actor: Actor) -> AlertForm:
    page = urlsplit(request.GET.get("page", ""))
    parts = page.path.strip("/").split("/")
    known: dict[str, Any] = {"query": page.query, "times": "*/15 * * * *"}
    if len(parts) == 2 and parts[0] == "numbers":
        known |= {"kpi": parts[1], "name": parts[1].replace("_", " ").capitalize()}
    numbers = [(kpi.name, kpi.title) for kpi in catalogue()]
    form = AlertForm(
        request.POST if request.method == "POST" else None, kpis=numbers, people=_others(actor), initial=known
    )
    there = {"mail", *posting.channels()} if may(actor, SHARE) else {"mail"}
    form.fields["channel"].choices = [c for c in form.fields["channel"].choices if c[0] in there]
    return form


@require_POST
def alert(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause, resume, remove an alert, or look now; leave one of somebody else's, or come back to it."""
    actor, do = actor_of(request.user), request.POST.get("do", "")
    if do in ("leave", "back"):
        try:
            services.alert_leave(actor=actor, pk=pk, back=do == "back")
        except LookupError as error:
            raise Http404 from error
        return redirect("alerts")
    require(actor, WRITE)
    seen = selectors.alert_of(actor, pk)
    if seen is None:
        raise Http404
    try:
        made = services.alert_do(actor=actor, row=seen.row, do=do)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("alerts")
    return redirect("job", pk=made.pk) if made is not None else redirect("alerts")
