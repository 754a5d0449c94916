"""Subscriptions and what they delivered."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from salesops.platform import posting
from salesops.platform.access import may
from salesops.platform.actors import Actor, actor_of
from salesops.platform.job_forms import zones
from salesops.platform.selectors import accounts
from salesops.platform.web import allowed, apply_errors
from salesops.reports import selectors, services, subjects
from salesops.reports.forms import SubscriptionForm


@never_cache
@require_safe
def subscriptions(request: HttpRequest) -> HttpResponse:
    """What one made, what one receives, and what came; with ``page`` who subscribes to one page."""
    actor = actor_of(request.user)
    path = urlsplit(request.GET.get("page", "")).path
    context = {
        "title": "Subscriptions",
        "scope": f"of {path}" if path else "",
        "path": path,
        "made": selectors.subscriptions_of(actor, path),
        "everybody": selectors.administers(actor),
        "received": [] if path else selectors.received_by(actor),
        "left": [] if path else selectors.left_by(actor),
        "came": [] if path else selectors.deliveries_to(actor),
        "may_write": may(actor, services.WRITE) and actor.user_id is not None,
    }
    return render(request, "reports/subscriptions.html", context)


def _people() -> list[Any]:
    return [user for user in accounts() if user.is_active]


def _form(request: HttpRequest, actor: Actor, initial: dict[str, Any]) -> SubscriptionForm:
    findings = [(f.id, f.row.title) for f in selectors.findings_of(actor) if f.mine]
    data = request.POST if request.method == "POST" else None
    made = SubscriptionForm(data, people=_people(), findings=findings, initial=initial)
    if not may(actor, services.SHARE):
        del made.fields["addresses"]
        del made.fields["finding"]
        made.fields["channel"].choices = [("mail", "Mail")]
    else:
        there = {"mail", "folder", *posting.channels()}
        made.fields["channel"].choices = [c for c in made.fields["channel"].choices if c[0] in there]
    return made


def _values(form: SubscriptionForm) -> dict[str, Any]:
    form.cleaned_data.setdefault("addresses", [])
    form.cleaned_data.setdefault("finding", "")
    return form.values()


NAMES = {"finding_id": "finding"}


@require_http_methods(["GET", "POST"])
@allowed(services.WRITE)
def subscription_new(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """Subscribe to a page with its filters."""
    page = request.GET.get("page", "")
    known: dict[str, Any] = {
        "page": page,
        "times": "0 6 * * MON-FRI",
        "zone": request.GET.get("zone") or "UTC",
    }
    try:
        known["name"] = subjects.subject_at(page).name if page else ""
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    if actor.user_id is not None:
        known["recipients"] = [str(actor.user_id)]
    form = _form(request, actor, known)
    if form.is_bound and form.is_valid():
        try:
            row = services.subscription_save(actor=actor, **_values(form))
        except ValidationError as error:
            apply_errors(form, error, NAMES)
        else:
            messages.success(request, f"{row.name} is sent from now on.")
            return redirect("subscription", pk=row.pk)
    context = {"title": "New subscription", "form": form, "zones": zones()}
    return render(request, "reports/subscription_form.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@allowed(services.WRITE)
def subscription_change(request: HttpRequest, actor: Actor, pk: int) -> HttpResponseBase:
    """Change what is sent, when and to whom."""
    seen = selectors.subscription_of(actor, pk)
    if seen is None or seen.row.owner_id != actor.user_id:
        raise Http404
    row = seen.row
    known = {
        "page": seen.address, "name": row.name, "form": row.form, "channel": row.channel, "cron": seen.cron,
        "zone": seen.zone, "times": "", "addresses": "\n".join(row.addresses), "finding": str(row.finding_id or ""),
        "recipients": [str(r.user_id) for r in row.recipients.all()],
    }  # fmt: skip
    form = _form(request, actor, known)
    if form.is_bound and form.is_valid():
        try:
            services.subscription_save(actor=actor, row=row, **_values(form))
        except ValidationError as error:
            apply_errors(form, error, NAMES)
        else:
            messages.success(request, "Changed.")
            return redirect("subscription", pk=pk)
    context = {"title": f"Change {row.name}", "form": form, "zones": zones(), "seen": seen}
    return render(request, "reports/subscription_form.html", context, status=400 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def subscription(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One subscription with its last runs: for whoever made it and for administrators."""
    actor = actor_of(request.user)
    seen = selectors.subscription_of(actor, pk)
    if seen is None:
        raise Http404
    if request.method == "POST":
        return _do(request, actor, seen)
    context = {
        "title": seen.row.name,
        "seen": seen,
        "runs": selectors.runs_of(seen.row),
        "others": reverse("subscriptions") + f"?page={seen.row.path}",
        "own": seen.row.owner_id == actor.user_id,
    }
    return render(request, "reports/subscription.html", context)


def _do(request: HttpRequest, actor: Actor, seen: selectors.SubscriptionView) -> HttpResponseBase:
    do = request.POST.get("do", "")
    try:
        if do == "run":
            return redirect("job", pk=services.subscription_run(actor=actor, row=seen.row).pk)
        if do == "pause":
            services.subscription_pause(actor=actor, row=seen.row)
        elif do == "resume":
            services.subscription_resume(actor=actor, row=seen.row)
        elif do == "remove":
            services.subscription_remove(actor=actor, row=seen.row)
            messages.success(request, f"{seen.row.name} is removed.")
            return redirect("subscriptions")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("subscription", pk=seen.id)


@require_POST
def subscription_leave(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Unsubscribe, or come back."""
    actor, back = actor_of(request.user), request.POST.get("do") == "return"
    try:
        services.subscription_leave(actor=actor, pk=pk, back=back)
    except LookupError as error:
        raise Http404 from error
    messages.success(request, "You get it again." if back else "You get it no more.")
    return redirect("subscriptions")


@never_cache
@require_http_methods(["GET", "POST"])
def delivery(request: HttpRequest, token: str) -> HttpResponseBase:
    """What one was sent. Opening it, signed in as its recipient, is the receipt."""
    actor = actor_of(request.user)
    row = selectors.delivery_for(actor, token)
    if row is None:
        raise Http404
    if request.method == "POST":
        services.delivery_acknowledge(actor=actor, row=row)
        messages.success(request, "Noted that you have taken note.")
        return redirect("delivery", token=token)
    row = services.delivery_open(actor=actor, row=row)
    sent = row.run.subscription
    context = {
        "title": sent.name,
        "row": row,
        "sent": sent,
        "opens": f"{sent.path}?{sent.query}" if sent.query else sent.path,
        "finding": selectors.finding_of(actor, sent.finding_id) if sent.finding_id else None,
    }
    return render(request, "reports/delivery.html", context)
