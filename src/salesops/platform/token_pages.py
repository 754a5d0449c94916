"""Every account's API tokens, for who administers them: what is out there, and an end to it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from salesops.platform import selectors, signin
from salesops.platform.actors import Actor
from salesops.platform.web import allowed


@never_cache
@require_http_methods(["GET", "POST"])
@allowed("token.manage")
def all_tokens(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Tokens that are not revoked, of all accounts; sending one's number revokes it."""
    rows = selectors.live_tokens()
    if request.method == "POST":
        wanted = request.POST.get("revoke", "")
        token = next((row for row in rows if str(row.pk) == wanted), None)
        if token is None:
            raise Http404
        signin.token_revoke(actor=actor, token=token)
        messages.success(request, f"The token {token.name} of {token.user.username} is revoked.")
        return redirect("all_tokens")
    return render(request, "platform/all_tokens.html", {"title": "API tokens", "tokens": rows})
