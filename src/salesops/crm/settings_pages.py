"""Settings of imported data: value repairs, the amount that counts, links to records in their source."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from salesops.crm import decision_selectors as selectors
from salesops.crm import decision_services as services
from salesops.crm.decision_forms import AmountForm, LinkForm, RepairForm, table_choices
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.selectors import data_day
from salesops.platform.web import allowed, decided, ended, sent_anew


@require_http_methods(["GET", "POST"])
@allowed("repair.view", post="repair.write")
def repairs(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Misspelt values and what they are read as."""
    form = RepairForm(sent_anew(request))
    if decided(request, actor, "value_repair", form, services.repair_decide) or ended(
        request, actor, services.repair_end
    ):
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
    form = AmountForm(sent_anew(request), columns=columns)
    if decided(request, actor, "amount_rule", form, services.amount_rule_decide) or ended(
        request, actor, services.amount_rule_end
    ):
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
    form = LinkForm(sent_anew(request))
    if decided(request, actor, "record_link", form, services.record_link_decide) or ended(
        request, actor, services.record_link_end
    ):
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
