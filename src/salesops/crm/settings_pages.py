"""Settings of imported data: value repairs, the amount that counts, links to records in their source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from salesops.crm import decision_selectors as selectors
from salesops.crm import decision_services as services
from salesops.crm.decision_forms import AmountForm, LinkForm, RepairForm, table_choices
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.selectors import data_day
from salesops.platform.web import allowed, apply_errors, warn_overtaken


@require_http_methods(["GET", "POST"])
@allowed("repair.view", post="repair.write")
def repairs(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Misspelt values and what they are read as."""
    form = RepairForm(_new(request))
    if _handled(request, actor, "value_repair", form, services.repair_decide, services.repair_end):
        return redirect("repairs")
    today = data_day()
    context = {
        "title": "Value repairs",
        "form": form,
        "rows": selectors.repair_rows(today),
        "tables": dict(table_choices()),
        "columns": selectors.text_columns(),
        "today": today,
        "may_write": may(actor, "repair.write"),
    }
    return render(request, "crm/repairs.html", context)


@require_http_methods(["GET", "POST"])
@allowed("decision.view", post="decision.write")
def amount_rules(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Which amount column counts as bookings, by kind of deal."""
    columns = selectors.amount_columns()
    form = AmountForm(_new(request), columns=columns)
    if _handled(request, actor, "amount_rule", form, services.amount_rule_decide, services.amount_rule_end):
        return redirect("amount_rules")
    today = data_day()
    context = {
        "title": "Amounts",
        "form": form,
        "rows": selectors.amount_rows(today),
        "columns": columns,
        "today": today,
        "may_write": may(actor, "decision.write"),
    }
    return render(request, "crm/amount_rules.html", context)


@require_http_methods(["GET", "POST"])
@allowed("decision.view", post="decision.write")
def record_links(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Web addresses of records in their source."""
    form = LinkForm(_new(request))
    if _handled(request, actor, "record_link", form, services.record_link_decide, services.record_link_end):
        return redirect("record_links")
    today = data_day()
    context = {
        "title": "Record links",
        "form": form,
        "rows": selectors.link_rows(today),
        "tables": dict(table_choices()),
        "today": today,
        "may_write": may(actor, "decision.write"),
    }
    return render(request, "crm/record_links.html", context)


def _new(request: HttpRequest) -> Any:
    """What was sent to decide something new; None for opening the page and for ending a decision."""
    return request.POST if request.method == "POST" and "end" not in request.POST else None


def _handled(
    request: HttpRequest,
    actor: Actor,
    kind: str,
    form: forms.Form,
    decide: Callable[..., Any],
    end: Callable[..., Any],
) -> bool:
    """Decide or end what was sent. True where the page should be opened anew."""
    if request.method != "POST":
        return False
    if not form.is_bound:
        try:
            ended = end(
                actor=actor,
                subject=request.POST["end"],
                starts_on=data_day(),
                reason=request.POST.get("reason", ""),
            )
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, "Ended." if ended else "That was not in force any more.")
        return True
    if not form.is_valid():
        return False
    try:
        row = decide(actor=actor, **form.cleaned_data)
    except ValidationError as error:
        apply_errors(form, error)
        return False
    messages.success(request, "Recorded.")
    warn_overtaken(request, kind, [row.subject], form.cleaned_data["starts_on"])
    return True
