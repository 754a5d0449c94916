"""URLs for the tests of this room: the gallery and a page per error."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path


@login_not_required
def plain(request: HttpRequest) -> HttpResponse:
    """A page that exists."""
    return HttpResponse("ok")


@login_not_required
def fail(request: HttpRequest, code: int) -> HttpResponse:
    """Raise what leads to the error page `code`."""
    if code == 400:
        raise SuspiciousOperation("tampered")
    if code == 403:
        raise PermissionDenied
    if code == 404:
        raise Http404
    raise RuntimeError("broken on purpose")


urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("", include("salesops.ui.urls")),
    path("fail/<int:code>/", fail, name="fail"),
    path("one/", plain, name="one"),
    path("two/", plain, name="two"),
    path("three/", plain, name="three"),
]
