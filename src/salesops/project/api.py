"""The REST API: numbers, records and imports, by bearer token, under the same row security as the pages."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from ninja import NinjaAPI
from ninja.security import HttpBearer

import salesops
from salesops.analytics.api import router as numbers
from salesops.crm.api import router as imports
from salesops.platform.rest import add_error_handlers, reply
from salesops.platform.signin import token_find


class Token(HttpBearer):
    """A personal API token: ``Authorization: Bearer so_...``."""

    def authenticate(self, request, token):
        """The live token, which views turn into its actor; None gives 401."""
        found = token_find(token)
        if found is not None:
            request.api_token = found
            request.user = found.user
        return found


api = NinjaAPI(
    title="salesops",
    version=salesops.__version__,
    description="Numbers, records and imports under the same row security as the pages.",
    auth=Token(),
    urls_namespace="api",
    docs_url=None,  # its pages load scripts from elsewhere, which the content security policy forbids
)
api.add_router("", numbers)
api.add_router("", imports)
add_error_handlers(api)


def _no_such_address(request: HttpRequest, rest: str) -> HttpResponse:
    return reply({"detail": f"There is no address {request.path}."}, 404)


def _urls() -> tuple[Any, ...]:
    """The addresses of the API: tokens let in here, so the pages' sign-in must not stand before them."""
    patterns, app_name, namespace = api.urls
    patterns = [*patterns, re_path(r"^(?P<rest>.*)$", _no_such_address, name="no-such-address")]
    for pattern in patterns:
        login_not_required(pattern.callback)
    return patterns, app_name, namespace


def schema() -> dict[str, Any]:
    """The OpenAPI description as it is served."""
    return dict(api.get_openapi_schema(path_prefix="/api/v1/"))


urls = _urls()
