"""Settings of who sees what, and why one account sees or does not see a record."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from salesops.permissions import inputs, selectors, services
from salesops.permissions.engine import masks
from salesops.permissions.forms import ExplainForm, MaskForm, OverlayForm, VisibilityForm
from salesops.platform import selectors as platform
from salesops.platform.access import AREAS, may
from salesops.platform.actors import Actor, actor_of
from salesops.platform.web import allowed, decided, ended, sent_anew


@require_http_methods(["GET", "POST"])
@allowed("access.view", post="access.write")
def visibility(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The rule of the firm, and the specialists assigned to parts of it."""
    today = platform.data_day()
    current = selectors.rule(today)
    sent = request.POST.get("form", "") if request.method == "POST" else ""
    rule = VisibilityForm(request.POST if sent == "rule" else None, initial=current.values())
    dimensions = selectors.overlay_dimensions()
    overlay = OverlayForm(request.POST if sent == "overlay" else None, dimensions=dimensions)
    if (
        decided(request, actor, "visibility", rule, services.visibility_decide)
        or decided(request, actor, "overlay", overlay, services.overlay_decide)
        or ended(request, actor, services.overlay_end)
    ):
        return redirect("visibility")
    context = {
        "title": "Visibility",
        "rule_form": rule,
        "overlay_form": overlay,
        "rule": current,
        "bound": selectors.rule(selectors.present_day()),
        "overlays": selectors.overlays(today),
        "dimensions": dict(dimensions),
        "names": selectors.person_names(today),
        "today": today,
        "may_write": may(actor, "access.write"),
    }
    return render(request, "permissions/visibility.html", context)


@require_http_methods(["GET", "POST"])
@allowed("access.view", post="access.write")
def field_masks(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Fields hidden from roles."""
    today = selectors.present_day()
    form = MaskForm(
        sent_anew(request),
        sales_roles=selectors.sales_roles(today),
    )
    if decided(request, actor, "field_mask", form, services.mask_decide) or ended(
        request, actor, services.mask_end
    ):
        return redirect("field_masks")
    context = {
        "title": "Hidden fields",
        "form": form,
        "rows": selectors.field_masks(today),
        "groups": masks.GROUPS,
        "roles": dict(platform.role_choices()),
        "today": today,
        "may_write": may(actor, "access.write"),
    }
    return render(request, "permissions/field_masks.html", context)


@never_cache
@require_GET
@allowed("access.view")
def access_explain(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What one account sees, table by table, and why it sees or does not see one record."""
    accounts = [account.username for account in platform.accounts()]
    tables = [(name, name.replace("_", " ").capitalize()) for name in inputs.EXPLAINED]
    form = ExplainForm(request.GET or None, accounts=accounts, tables=tables)
    context: dict[str, Any] = {"title": "Who sees what", "form": form, "why": None, "error": ""}
    if form.is_bound and form.is_valid():
        account = platform.account_named(form.cleaned_data["account"])
        if account is None or not account.is_active:
            context["error"] = "The account is switched off: it sees nothing."
        else:
            whom = actor_of(account)
            context |= _seen(actor, whom) | {"account": account}
            if form.cleaned_data["record"]:
                table = form.cleaned_data["table"] or "opportunities"
                try:
                    context["why"] = inputs.explain(actor, whom, table, form.cleaned_data["record"])
                except LookupError as error:
                    context["error"] = str(error.args[0])
    return render(request, "permissions/access_explain.html", context)


@never_cache
@require_GET
def my_access(request: HttpRequest) -> HttpResponse:
    """What one sees oneself: by which rules, and which fields are hidden."""
    actor = actor_of(request.user)
    return render(request, "permissions/my_access.html", {"title": "What I see"} | _seen(actor, actor))


def _seen(asker: Actor, whom: Actor) -> dict[str, Any]:
    today = platform.data_day()
    counts = inputs.counts(asker, whom)
    return {
        "grants": selectors.grants(whom, today),
        "bounded": selectors.bounded(whom, selectors.present_day()),
        "counts": counts,
        "hidden": sorted(selectors.hidden_columns(whom, selectors.present_day())),
        "areas": [AREAS[area][0] for area in sorted(whom.areas) if area in AREAS],
    }
