"""Pages of webhooks: their targets, and the deliveries of one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from salesops.feeds import selectors, webhook_services
from salesops.feeds.forms import TargetForm
from salesops.platform.actors import Actor
from salesops.platform.web import allowed, apply_errors

PAGE = 50


@never_cache
@require_http_methods(["GET", "POST"])
@allowed(webhook_services.MANAGE)
def webhooks(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every target, and a new one; its secret is shown once, in the answer that made it."""
    form = TargetForm(request.POST or None)
    made: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data
        try:
            row, secret = webhook_services.target_create(
                actor=actor, name=sent["name"], url=sent["url"], kinds_wanted=sent["kinds"]
            )
        except ValidationError as error:
            apply_errors(form, error)
        else:
            made = {"row": row, "secret": secret}
            form = TargetForm()
    context = {
        "title": "Webhooks",
        "form": form,
        "made": made,
        "targets": [{"row": row, "state": _state(row), "kinds": _kinds(row)} for row in selectors.targets()],
    }
    return render(request, "feeds/webhooks.html", context)


def _state(row: Any) -> str:
    if row.paused_at:
        return "Paused"
    return "Failing" if row.failing_since else "Active"


def _kinds(row: Any) -> str:
    return ", ".join(row.kinds) or "everything"


@never_cache
@require_http_methods(["GET", "POST"])
@allowed(webhook_services.MANAGE)
def webhook(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """One target with its deliveries; its form pauses, resumes, removes, pings and replays."""
    row = selectors.target(pk)
    if row is None:
        raise Http404
    if request.method == "POST":
        try:
            messages.success(request, _done(request, actor, row))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        return redirect("webhooks" if request.POST.get("do") == "remove" else request.get_full_path())
    state = request.GET.get("state", "")
    states = selectors.delivery_states()
    state = state if state in dict(states) else ""
    page = Paginator(selectors.deliveries(row, state), PAGE).get_page(request.GET.get("page"))
    context = {
        "title": row.name,
        "row": row,
        "kinds": _kinds(row),
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "states": [("", "All"), *states],
        "chosen": state,
        "seconds": settings.WEBHOOK_SECONDS,
    }
    return render(request, "feeds/webhook.html", context)


def _done(request: HttpRequest, actor: Actor, row: Any) -> str:
    """Do what was sent, and say so."""
    wanted = request.POST.get("do", "")
    if wanted == "pause":
        webhook_services.target_pause(actor=actor, row=row)
        return "Paused. What happens meanwhile is told when it is resumed."
    if wanted == "resume":
        webhook_services.target_resume(actor=actor, row=row)
        return "Resumed."
    if wanted == "remove":
        webhook_services.target_remove(actor=actor, row=row)
        return f"The target {row.name} is removed."
    if wanted == "ping":
        webhook_services.target_ping(actor=actor, row=row)
        return "A ping is on its way. It stands below."
    if wanted == "replay":
        number = request.POST.get("delivery", "")
        found = selectors.delivery(row, int(number)) if number.isascii() and number.isdecimal() else None
        if found is None:
            raise Http404
        webhook_services.delivery_replay(actor=actor, row=found)
        return f"{found.event_id} is sent again, under the same id."
    if wanted == "replay_since":
        count = webhook_services.target_replay(
            actor=actor, row=row, since=instant(request.POST.get("since", ""))
        )
        return f"{count:,} deliveries are sent again, each under its own id."
    raise ValidationError("There is nothing of that kind to do.")


def instant(text: str) -> datetime:
    """An instant as a form sends it, UTC where it names no zone.

    Raises:
        ValidationError: it is none.
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValidationError({"since": "Write the instant as 2026-01-31T09:00."}) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
