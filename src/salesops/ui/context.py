"""Context processor: `nav`, `data_age` and the shell's links, on every page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils.functional import SimpleLazyObject

from salesops.ui import navigation
from salesops.ui import shell as shell_settings


def _url(name: str | None) -> str:
    if not name:
        return ""
    try:
        return navigation.address(name)
    except NoReverseMatch:
        return ""


def shell(request: HttpRequest) -> dict[str, Any]:
    """Add the shell's values. Lazy, so that fragments answered to htmx pay nothing for them.

    A view may set `request.nav_key` to the key of the page it belongs to.
    """

    def build() -> navigation.Navigation:
        user = getattr(request, "user", None)
        match = request.resolver_match
        view_name = match.view_name if match is not None else ""
        if user is None or not user.is_authenticated:
            return navigation.Navigation()
        return navigation.build(user, view_name, getattr(request, "nav_key", None))

    def age() -> Any:
        provider = shell_settings.settings().data_age
        user = getattr(request, "user", None)
        if provider is None or user is None or not user.is_authenticated:
            return None
        return provider(request)

    def versions() -> Any:
        provider = shell_settings.settings().versions
        user = getattr(request, "user", None)
        return [] if provider is None or user is None or not user.is_authenticated else provider(request)

    def import_url() -> str:
        permission = shell_settings.settings().may_import
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated or (permission is not None and not permission(user)):
            return ""
        return _url(shell_settings.settings().import_url_name)

    config = shell_settings.settings()
    return {
        "nav": SimpleLazyObject(build),
        "data_age": SimpleLazyObject(age),
        "versions_known": SimpleLazyObject(versions),
        "search_url": _url(config.search_url_name),
        "import_url": SimpleLazyObject(import_url),
        "product": config.product,
    }
