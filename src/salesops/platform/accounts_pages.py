"""Accounts: who may sign in, as what, standing for whom. For administrators."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from salesops.platform import factors, lockout, selectors, sessions, signin
from salesops.platform.access import AREAS, may, require_over
from salesops.platform.actors import Actor
from salesops.platform.forms import AccountForm
from salesops.platform.models import User
from salesops.platform.web import allowed, apply_errors


@require_GET
@allowed("people.manage")
def accounts(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every account."""
    context = {
        "title": "Accounts",
        "accounts": selectors.accounts(),
        "names": dict(selectors.person_choices()),
        "locked": lockout.locked_accounts(),
        "areas": {name: title for name, (title, _) in AREAS.items()},
    }
    return render(request, "platform/accounts.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@allowed("people.manage")
def account_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Make an account; the answer shows its one-time link."""
    form = AccountForm(request.POST or None, new=True, areas=may(actor, "area.grant"))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            user = signin.account_save(actor=actor, **values)
        except ValidationError as error:
            apply_errors(form, error)
        else:
            return _link_page(request, signin.link_create(actor=actor, user=user), user)
    context = {"title": "New account", "form": form, "people": selectors.person_choices(), "account": None}
    return render(request, "platform/account.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@allowed("people.manage")
def account_change(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """Change an account's name, role, person, e-mail or state."""
    user = selectors.account(pk)
    if user is None:
        raise Http404
    initial = {
        "name": user.get_full_name(),
        "email": user.email,
        "role": user.role,
        "person_id": user.person_id,
        "active": user.is_active,
        "areas": user.areas,
    }
    form = AccountForm(request.POST or None, new=False, areas=may(actor, "area.grant"), initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            signin.account_save(actor=actor, username=user.username, **form.cleaned_data)
        except ValidationError as error:
            apply_errors(form, error)
        else:
            messages.success(request, f"{user.username} is changed.")
            return redirect("accounts")
    context = {
        "title": f"Account {user.username}",
        "form": form,
        "people": selectors.person_choices(),
        "account": user,
        "locked": user.username.casefold() in lockout.locked_accounts(),
        "has_factor": factors.has_one(user),
        "tokens": [token for token in selectors.tokens_of(user.pk) if token.revoked_at is None],
    }
    return render(request, "platform/account.html", context)


@require_POST
@allowed("people.manage")
def account_unlock(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """Open an account that failed sign-ins have locked."""
    user = _account(pk)
    lockout.account_unlock(actor=actor, user=user)
    messages.success(request, f"{user.username} may sign in again.")
    return redirect("account_change", pk=pk)


@require_POST
@allowed("people.manage")
def account_factors(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """Remove the second factor of somebody who lost the device."""
    user = _account(pk)
    factors.factors_reset(actor=actor, user=user)
    messages.success(request, f"The second factor of {user.username} is removed.")
    return redirect("account_change", pk=pk)


@require_POST
@allowed("people.manage")
def account_sessions(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """Sign an account out on every device."""
    user = _account(pk)
    require_over(actor, role=user.role, areas=user.areas, user_id=user.pk)
    sessions.sessions_end(actor=actor, user=user, reason="ended by an administrator")
    messages.success(request, f"{user.username} is signed out on every device.")
    return redirect("account_change", pk=pk)


@require_POST
@allowed("people.manage")
def account_token_revoke(request: HttpRequest, actor: Actor, pk: int, token: int) -> HttpResponse:
    """Make a token of somebody's account useless."""
    found = selectors.token_of(_account(pk).pk, token)
    if found is None:
        raise Http404
    signin.token_revoke(actor=actor, token=found)
    messages.success(request, f"The token {found.name} is revoked.")
    return redirect("account_change", pk=pk)


def _account(pk: int) -> User:
    user = selectors.account(pk)
    if user is None:
        raise Http404
    return user


@never_cache
@require_POST
@allowed("people.manage")
def account_link(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """Make a one-time sign-in link for an account and show it once."""
    user = selectors.account(pk)
    if user is None:
        raise Http404
    if not user.is_active:
        messages.error(request, f"{user.username} is switched off: switch the account on first.")
        return redirect("account_change", pk=pk)
    return _link_page(request, signin.link_create(actor=actor, user=user), user)


def _link_page(request: HttpRequest, token: str, user: object) -> HttpResponse:
    link = request.build_absolute_uri(reverse("sign_in", args=[token]))
    context = {"title": "One-time sign-in link", "link": link, "account": user, "days": signin.LINK_LIFE.days}
    return render(request, "platform/account_link.html", context)
