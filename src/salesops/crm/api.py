"""REST: imports."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from ninja import File, Form, Router, Schema
from ninja.files import UploadedFile

from salesops.crm import import_selectors as selectors
from salesops.crm import services, uploads
from salesops.platform.access import require
from salesops.platform.rest import ERRORS, actor_of_request, reply

router = Router(tags=["imports"])


class ImportOut(Schema):
    """An import: where it stands and what came of it."""

    id: int
    name: str
    state: str
    created_at: datetime
    finished_at: datetime | None
    job_id: int | None
    files: list[dict[str, Any]]
    report: dict[str, Any]


def _shown(row: Any) -> dict[str, Any]:
    files = [
        {
            "file": p.name,
            "kind": p.kind,
            "table": p.table,
            "data_date": p.data_on,
            "rows": p.rows,
            "columns": {c.header: c.to for c in p.columns},
            "ignored_reason": p.ignored_reason,
        }
        for p in services.plans_of(row)
    ]
    return {
        "id": row.pk,
        "name": row.name,
        "state": row.state,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "job_id": row.job_id,
        "files": files,
        "report": row.report,
    }


@router.post("/imports", response={202: ImportOut, **ERRORS}, summary="Import a file, taking every proposal")
def import_create(
    request: HttpRequest,
    file: File[UploadedFile],
    data_date: Form[date | None] = None,
    complete: Form[bool] = False,
    source: Form[str] = "crm",
) -> HttpResponse:
    """Keep the file, propose what it is, and start the job that lands it. Ask for its state by id."""
    actor = actor_of_request(request, write=True)
    require(actor, "import.run")
    path = uploads.keep(file.name or "upload", file.chunks())
    row = services.import_inspect(
        actor=actor, paths=[path], source=source, data_on=data_date, complete=complete
    )
    plans = services.plans_of(row)
    if not any(plan.taken for plan in plans):
        raise ValidationError(
            [f"{plan.name}: {plan.ignored_reason}" for plan in plans] or ["There is no file in it."]
        )
    return reply(_shown(services.import_start(actor=actor, row=row)), 202)


@router.get("/imports", response={200: list[ImportOut], **ERRORS}, summary="Imports, newest first")
def import_list(request: HttpRequest) -> HttpResponse:
    """The newest hundred imports."""
    require(actor_of_request(request), "import.view")
    return reply([_shown(row) for row in selectors.imports()[:100]])


@router.get("/imports/{import_id}", response={200: ImportOut, **ERRORS}, summary="One import")
def import_read(request: HttpRequest, import_id: int) -> HttpResponse:
    """One import; 404 where there is none."""
    require(actor_of_request(request), "import.view")
    row = selectors.import_of(import_id)
    if row is None:
        message = f"There is no import {import_id}."
        raise LookupError(message)
    return reply(_shown(row))
