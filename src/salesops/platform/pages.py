"""Signing in by a one-time link, one's own account, the settings index, the audit ledger, health."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.conf import settings as conf
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from salesops.platform import audit_verify, factors, lockout, selectors, sessions, settings_index, signin
from salesops.platform.actors import Actor, actor_of
from salesops.platform.forms import AuditForm, PasswordForm, TokenForm
from salesops.platform.web import allowed, apply_errors

_BY_LINK = "signed_in_by_link"
_ROWS = 50


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """A one-time link. Opening it spends nothing, so that a preview of the link does not; its button does."""
    address = lockout.address_key(get_adapter().get_client_ip(request), "link")
    user = signin.link_use(token) if request.method == "POST" else signin.link_find(token)
    if user is None:
        try:
            lockout.attempt_begin(address)
        except lockout.LockedError as error:
            return render(request, "429.html", {"title": "Too many attempts", "why": str(error)}, status=429)
        return render(
            request, "platform/sign_in_spent.html", {"title": "This link has been used"}, status=410
        )
    if request.method == "POST":
        if request.user.is_authenticated:
            logout(request)
        request.session[_BY_LINK] = True
        record_authentication(request, user, "link")
        to_password = not user.has_usable_password() and not conf.SSO_ONLY
        return perform_login(request, user, redirect_url=reverse("password") if to_password else "/")
    return render(request, "platform/sign_in.html", {"title": "Sign in", "account": user})


@never_cache
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Set one's own password; after a one-time link, or where there is none yet, no old one is asked for."""
    user = request.user
    by_link = bool(request.session.get(_BY_LINK))
    ask_current = user.has_usable_password() and not by_link
    form = PasswordForm(request.POST or None, ask_current=ask_current)
    if request.method == "POST" and form.is_valid():
        if ask_current and not user.check_password(form.cleaned_data["current"]):
            form.add_error("current", "That is not the current password.")
        else:
            try:
                signin.password_set(user=user, password=form.cleaned_data["password"])
            except ValidationError as error:
                apply_errors(form, error)
            else:
                update_session_auth_hash(request, user)
                request.session.pop(_BY_LINK, None)
                messages.success(request, "Your password is set.")
                return redirect("/" if by_link else "my_account")
    context = {
        "title": "Set a password",
        "form": form,
        "skip": by_link,
        "first": not user.has_usable_password(),
    }
    return render(request, "platform/password.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def my_account(request: HttpRequest) -> HttpResponse:
    """One's own account and its API tokens; a new token is shown once, in the answer that made it."""
    actor = actor_of(request.user)
    form = TokenForm(request.POST or None)
    secret = ""
    if request.method == "POST" and form.is_valid():
        last = form.cleaned_data["expires_on"]
        expires_at = datetime.combine(last + timedelta(days=1), time.min, UTC) if last else None
        try:
            _, secret = signin.token_create(
                actor=actor,
                user=request.user,
                name=form.cleaned_data["name"],
                can_write=form.cleaned_data["can_write"],
                scopes=form.cleaned_data["scopes"],
                expires_at=expires_at,
            )
        except ValidationError as error:
            apply_errors(form, error)
        else:
            form = TokenForm()
    context = {
        "title": "Your account",
        "form": form,
        "secret": secret,
        "tokens": selectors.tokens_of(request.user.pk),
        "has_password": request.user.has_usable_password(),
        "may_have_password": not conf.SSO_ONLY,
        "has_factor": factors.has_one(request.user),
        "sessions": sessions.sessions_of(request.user, request.session.session_key),
    }
    return render(request, "platform/my_account.html", context)


@require_POST
def session_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's own sessions, on this or another device."""
    if not sessions.session_end(actor=actor_of(request.user), user=request.user, pk=pk):
        raise Http404
    messages.success(request, "That session has ended.")
    return redirect("my_account")


@require_POST
def sessions_end(request: HttpRequest) -> HttpResponse:
    """End all of one's own sessions, this one as well."""
    sessions.sessions_end(actor=actor_of(request.user), user=request.user, reason="asked for by the account")
    logout(request)
    messages.success(request, "You are signed out on every device.")
    return redirect("account_login")


@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Make one of one's own tokens useless."""
    token = selectors.token_of(request.user.pk, pk)
    if token is None:
        raise Http404
    signin.token_revoke(actor=actor_of(request.user), token=token)
    messages.success(request, f"The token {token.name} is revoked.")
    return redirect("my_account")


@require_GET
@allowed("settings.view")
def settings(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What can be decided, page by page."""
    pages = settings_index.pages_for(actor)
    return render(request, "platform/settings.html", {"title": "Settings", "pages": pages})


@require_GET
@allowed("audit.view")
def audit(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The ledger: who did what, when, with the values before and after."""
    form = AuditForm(request.GET or None)
    wanted = form.wanted() if form.is_bound and form.is_valid() else selectors.AuditFilter()
    page = Paginator(selectors.audit_events(wanted), _ROWS).get_page(request.GET.get("page"))
    rows = [{"event": event, "changes": selectors.audit_changes(event)} for event in page]
    context: dict[str, Any] = {"title": "Audit", "form": form, "page": page, "rows": rows}
    context["verified"] = audit_verify.last_verification()
    context["pages"] = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    return render(request, "platform/audit.html", context)


@login_not_required
@never_cache
@require_GET
def health(request: HttpRequest) -> JsonResponse:
    """Whether the home can answer; names nobody and nothing of the data."""
    state = selectors.health()
    return JsonResponse(state.document(), status=200 if state.ok else 503)
