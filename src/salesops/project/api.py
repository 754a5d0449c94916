"""The REST API: every domain's router under one roof. Wiring only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from ninja import NinjaAPI

import salesops
from salesops.analytics.api import router as numbers
from salesops.analytics.calibration_api import router as calibration
from salesops.analytics.custom_api import router as own_numbers
from salesops.analytics.inspection_api import router as inspection
from salesops.analytics.kept_api import router as kept
from salesops.analytics.outcome_api import router as outcomes
from salesops.analytics.waterfall_api import router as waterfall
from salesops.analytics.winloss_api import router as win_loss
from salesops.ask.api import router as asking
from salesops.crm.api import router as imports
from salesops.crm.quarantine_api import router as quarantine
from salesops.crm.watch_api import router as watches
from salesops.dashboards.api import router as dashboards
from salesops.feeds.api import router as feeds
from salesops.feeds.webhook_api import router as webhooks
from salesops.meetings.api import router as meetings
from salesops.org.api import router as people
from salesops.performance.api import router as performance
from salesops.platform.accounts_api import router as accounts
from salesops.platform.api import router as decisions
from salesops.platform.api_door import guarded
from salesops.platform.jobs_api import router as jobs
from salesops.platform.rest import add_error_handlers, reply
from salesops.platform.runs_api import router as runs
from salesops.quality.api import router as faults
from salesops.quotas.api import router as quotas
from salesops.reports.api import router as reports

api = NinjaAPI(
    title="salesops",
    version=salesops.__version__,
    description="Everything the pages can do, under the same permissions and row security.",
    urls_namespace="api",
    docs_url=None,  # its pages load scripts from elsewhere, which the content security policy forbids
)
for router in (
    numbers,
    waterfall,
    inspection,
    calibration,
    outcomes,
    win_loss,
    kept,
    own_numbers,
    imports,
    quarantine,
    watches,
    faults,
    people,
    quotas,
    meetings,
    reports,
    dashboards,
    asking,
    performance,
    feeds,
    webhooks,
    decisions,
    jobs,
    runs,
    accounts,
):
    api.add_router("", router)
add_error_handlers(api)


def _no_such_address(request: HttpRequest, rest: str) -> HttpResponse:
    return reply({"detail": f"There is no address {request.path}."}, 404)


_FREE = frozenset({"api-root", "openapi-json", "no-such-address"})


def _urls() -> tuple[Any, ...]:
    """The addresses of the API: tokens let in here, so the pages' sign-in must not stand before them."""
    patterns, app_name, namespace = api.urls
    patterns = [*patterns, re_path(r"^(?P<rest>.*)$", _no_such_address, name="no-such-address")]
    for pattern in patterns:
        if pattern.name not in _FREE:
            pattern.callback = guarded(
                pattern.callback, _parameters_at(str(pattern.pattern)), str(pattern.pattern)
            )
        login_not_required(pattern.callback)
    return patterns, app_name, namespace


def _parameters_at(route: str) -> Any:
    return lambda: _declared().get(_bare(route), {})


def _bare(route: str) -> str:
    """A route with its parameters' names alone: ``jobs/<int:pk>`` and ``jobs/{pk}`` are ``jobs/{}``."""
    parts = route.replace("<", "{").replace(">", "}").strip("/").split("/")
    return "/".join("{}" if part.startswith("{") else part for part in parts)


@cache
def _declared() -> Mapping[str, Mapping[str, Mapping[str, bool]]]:
    """Route -> method -> query parameter -> whether it may be repeated."""
    found: dict[str, dict[str, dict[str, bool]]] = {}
    for path, methods in schema()["paths"].items():
        route = found.setdefault(_bare(path.removeprefix("/api/v1/")), {})
        for method, operation in methods.items():
            route[method.upper()] = {
                p["name"]: "array" in str(p["schema"])
                for p in operation.get("parameters", ())
                if p["in"] == "query"
            }
    return found


def schema() -> dict[str, Any]:
    """The OpenAPI description as it is served."""
    return dict(api.get_openapi_schema(path_prefix="/api/v1/"))


urls = _urls()
