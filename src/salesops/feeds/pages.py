"""The page of feeds: one's own, and for who manages tokens everybody's."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from salesops.analytics import views_services
from salesops.feeds import inputs, selectors, services
from salesops.feeds.forms import FeedForm
from salesops.feeds.shown import addresses, line
from salesops.platform.access import may
from salesops.platform.actors import Actor, actor_of
from salesops.platform.web import allowed, apply_errors


@never_cache
@require_http_methods(["GET", "POST"])
@allowed(services.MAKE)
def feeds(request: HttpRequest, actor: Actor) -> HttpResponse:
    """One's own feeds, and a new one; its address is shown once, in the answer that made it."""
    views = views_services.views(actor)
    form = FeedForm(
        request.POST or None, actor=actor, views=[(v.id, v.name) for v in views], initial=_asked(request)
    )
    made: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data
        question = sent.get("question") or inputs.FeedQuestion(
            "list", next(v.query for v in views if f"view-{v.id}" == sent["what"])
        )
        try:
            row, secret = services.feed_create(
                actor=actor,
                name=sent["name"],
                question=question,
                days=sent["days"],
                separator=sent["separator"],
            )
        except ValidationError as error:
            apply_errors(form, error, {"question": "what" if sent["what"] else "address"})
        else:
            made = {"row": row, **addresses(request, secret)}
            form = FeedForm(actor=actor, views=[(v.id, v.name) for v in views])
    context = {
        "title": "Feeds",
        "form": form,
        "made": made,
        "feeds": [line(row) for row in selectors.feeds_of(actor)],
        "manages": may(actor, "token.manage"),
        "most": settings.FEED_DAYS,
    }
    return render(request, "feeds/feeds.html", context)


def _asked(request: HttpRequest) -> dict[str, str]:
    """What another page's link fills in: the address of the page itself."""
    address = request.GET.get("page", "")
    return {"address": address} if address else {}


@never_cache
@require_safe
@allowed("token.manage")
def all_feeds(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Live feeds of every account. What they ask is not shown: it may name what only their owners see."""
    return render(
        request, "feeds/all_feeds.html", {"title": "Feeds of all accounts", "feeds": selectors.live_feeds()}
    )


@require_POST
def feed_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Make an address useless: one's own, or as who manages tokens anybody's."""
    actor = actor_of(request.user)
    row = selectors.feed_for(actor, pk)
    if row is None:
        raise Http404
    services.feed_revoke(actor=actor, row=row)
    messages.success(request, f"The feed {row.name} is revoked: its address gives nothing any more.")
    return redirect("all_feeds" if row.owner_id != actor.user_id else "feeds")
