"""The two steps of signing in at an identity provider: away to it, and back."""

from __future__ import annotations

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from salesops.platform import oidc
from salesops.platform.factors import BY_PROVIDER


@login_not_required
@never_cache
@require_POST
def oidc_begin(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider. A form's target, so that no other site can begin a sign-in."""
    if not oidc.configured():
        raise Http404
    wanted = request.POST.get("next", "")
    inside = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    try:
        address = oidc.begin(
            request.session, _return_address(request), wanted if inside else "/", timezone.now()
        )
    except oidc.RefusedError as error:
        return _refused(request, error, 502)
    # Not a redirect: the content security policy lets forms lead nowhere else.
    return render(request, "platform/oidc_leave.html", {"title": "Sign in", "address": address})


@login_not_required
@never_cache
@require_GET
def oidc_return(request: HttpRequest) -> HttpResponse:
    """Take what the provider sent back; every step that follows is that of any sign-in."""
    if not oidc.configured():
        raise Http404
    try:
        pending = oidc.take_pending(request.session, request.GET.get("state", ""), timezone.now())
        code = request.GET.get("code", "")
        if request.GET.get("error") or not code:
            raise oidc.RefusedError("The identity provider did not sign you in.")
        user = oidc.account_for(oidc.claims_of(code, _return_address(request), pending))
    except oidc.RefusedError as error:
        return _refused(request, error, 403)
    if request.user.is_authenticated:
        logout(request)
    record_authentication(request, user, BY_PROVIDER, issuer=settings.OIDC_ISSUER)
    return perform_login(request, user, redirect_url=pending.next_path)


def _return_address(request: HttpRequest) -> str:
    path = reverse("oidc_return")
    return f"{settings.BASE_URL}{path}" if settings.BASE_URL else request.build_absolute_uri(path)


def _refused(request: HttpRequest, error: Exception, status: int) -> HttpResponse:
    return render(
        request, "platform/oidc_refused.html", {"title": "Not signed in", "why": str(error)}, status=status
    )
