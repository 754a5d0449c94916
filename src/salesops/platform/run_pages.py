"""Runs: results that people kept or sent out, and asking one again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from salesops.platform import runs as service
from salesops.platform.actors import actor_of
from salesops.platform.models import Run
from salesops.ui.components import Empty
from salesops.ui.tables import Column, Table

_ROWS = 50


@never_cache
@require_GET
def runs(request: HttpRequest) -> HttpResponse:
    """One's own runs, newest first; auditors and administrators see everybody's."""
    actor = actor_of(request.user)
    everybody = actor.role in service.SEES_ALL_RUNS
    page = Paginator(service.runs_of(actor), _ROWS).get_page(request.GET.get("page"))
    table = Table(
        "Runs",
        [
            Column("ref", "Run", "lead"),
            Column("kind", "What"),
            Column("about", "About"),
            Column("created_at", "Made", "instant"),
            *([Column("actor_name", "By")] if everybody else []),
            Column("manifest", "Facts version", "number", reason="no data had been brought in"),
        ],
        [_line(row) for row in page],
        id="runs",
        page=page,
        row_href=lambda row: row["href"],
        live=False,
        noun="runs",
        empty=Empty(
            "No run yet",
            "Keep a number from its page, freeze a page or export a list: each is recorded here.",
            "history",
        ),
    )
    context = {"title": "Runs", "table": table, "everybody": everybody}
    return render(request, "platform/runs.html", context)


def _line(row: Run) -> dict[str, Any]:
    return {
        "ref": row.ref,
        "kind": service.kind_title(row),
        "about": service.about(row),
        "created_at": row.created_at,
        "actor_name": row.actor_name,
        "manifest": row.manifest_id,
        "href": f"/runs/{row.ref}/",
    }


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def run(request: HttpRequest, ref: str) -> HttpResponse:
    """One run with what it rests on; its form asks it again and says what came of it."""
    actor = actor_of(request.user)
    try:
        row = service.run_named(actor, ref)
    except LookupError as error:
        raise Http404("There is no such run.") from error
    replayed = None
    if request.method == "POST":
        try:
            replayed = service.run_replay(actor=actor, run=row)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        except service.REFUSALS as error:
            messages.error(request, str(error))
    kind = service.run_kinds.get(row.kind) if row.kind in service.run_kinds else None
    context = {
        "title": f"Run {row.ref}",
        "run": row,
        "kind": service.kind_title(row),
        "about": service.about(row),
        "opens": kind.opens(row) if kind and kind.opens else "",
        "asked": [(name, _said(value)) for name, value in row.params.items() if value not in (None, "", [])],
        "figures": service.figures(row)[:200],
        "replayed": replayed,
    }
    return render(request, "platform/run.html", context)


def _said(value: Any) -> str:
    return ", ".join(_said(one) for one in value) if isinstance(value, list) else str(value)
