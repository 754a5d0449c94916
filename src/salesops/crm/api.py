"""REST: imports, from a file to what has landed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from ninja import File, Form, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from salesops.crm import confirming, services, uploads
from salesops.crm import import_selectors as selectors
from salesops.crm.plan_edits import FileEdit
from salesops.platform.access import require
from salesops.platform.api import Body
from salesops.platform.rest import (
    Number,
    PageNumber,
    PageSize,
    actor_of_request,
    found,
    page_of,
    reply,
    scoped,
)

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


class InspectedOut(Schema):
    """The import that waits to be confirmed, or the job that looks at its file."""

    imported: ImportOut | None = Field(None, alias="import")
    job_id: int | None


class ColumnIn(Body):
    """Where a header goes, and how it is read; an empty type keeps or derives it."""

    to: Annotated[str, Field(max_length=200)]
    type: Annotated[str, Field(max_length=32)] = ""


class FileEditIn(Body):
    """What is to change in one file; what is left out stays."""

    file: Annotated[int, Field(ge=0, le=10_000)] = Field(description="position of the file, from 0")
    table: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="empty to leave the file out"
    )
    columns: dict[str, ColumnIn] = {}
    key: list[str] | None = None
    data_date: date | None = None
    complete: bool | None = None
    where: Annotated[str, Field(max_length=10_000)] | None = None
    date_order: Annotated[str, Field(max_length=32)] = ""
    marks: Annotated[str, Field(max_length=32)] = ""

    def edit(self) -> FileEdit:
        """As the service takes it."""
        return FileEdit(
            table=self.table,
            columns={header: (column.to, column.type) for header, column in self.columns.items()},
            key=tuple(self.key) if self.key is not None else None,
            data_on=self.data_date,
            complete=self.complete,
            where=self.where,
            date_order=self.date_order,
            marks=self.marks,
        )


class PlanIn(Body):
    """Changes of an import's plan."""

    files: Annotated[list[FileEditIn], Field(min_length=1, max_length=1_000)]


class MappingIn(Body):
    """A mapping file."""

    yaml: Annotated[str, Field(max_length=1024**2)]


class MappingOut(Schema):
    """A mapping file."""

    yaml: str


class ConfirmIn(Body):
    """How an import begins."""

    amount: Annotated[str, Field(max_length=200)] = Field(
        "", description="stored column that counts as bookings; empty to leave it open"
    )


class DataOut(Schema):
    """What has been imported so far."""

    version: str | None
    data_on: date | None
    recorded_at: datetime | None
    tables: list[dict[str, Any]]
    changes: int
    waiting_in_quarantine: int


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


@router.post(
    "/imports", **scoped("imports.write", ImportOut, 202), summary="Import a file, taking every proposal"
)
def import_create(
    request: HttpRequest,
    file: File[UploadedFile],
    data_date: Form[date | None] = None,
    complete: Form[bool] = False,
    source: Form[str] = "crm",
) -> HttpResponse:
    """Keep the file, propose what it is, and start the job that lands it. Ask for its state by id."""
    actor = actor_of_request(request)
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


@router.post("/imports/inspect", **scoped("imports.write", InspectedOut, 202), summary="Look at a file")
def import_inspect(request: HttpRequest, file: File[UploadedFile], source: Form[str] = "crm") -> HttpResponse:
    """Propose what it is and import nothing yet: change the plan, then confirm it.

    A large file is looked at by a job, whose result names the import.
    """
    actor = actor_of_request(request)
    require(actor, "import.run")
    files = [(file.name or "upload", file.chunks())]
    made = confirming.import_upload(actor=actor, files=files, source=source)
    is_import = hasattr(made, "plan")
    return reply(
        {"import": _shown(made) if is_import else None, "job_id": None if is_import else made.pk}, 202
    )


@router.get("/imports", **scoped("imports.read", list[ImportOut]), summary="Imports, newest first")
def import_list(request: HttpRequest, page: PageNumber = 1, size: PageSize = 100) -> HttpResponse:
    """A page of imports; none past the end."""
    require(actor_of_request(request), "import.view")
    _, rows = page_of(selectors.imports(), page, size)
    return reply([_shown(row) for row in rows])


def _import(import_id: int) -> Any:
    row = selectors.import_of(import_id)
    if row is None:
        message = f"There is no import {import_id}."
        raise LookupError(message)
    return row


@router.get("/imports/{import_id}", **scoped("imports.read", ImportOut), summary="One import")
def import_read(request: HttpRequest, import_id: Number) -> HttpResponse:
    """One import; 404 where there is none."""
    require(actor_of_request(request), "import.view")
    return reply(_shown(_import(import_id)))


def _run(request: HttpRequest, import_id: int) -> tuple[Any, Any]:
    actor = actor_of_request(request)
    require(actor, "import.run")
    return actor, _import(import_id)


@router.patch(
    "/imports/{import_id}/plan", **scoped("imports.write", ImportOut), summary="Change what files mean"
)
def import_edit(request: HttpRequest, import_id: Number, body: PlanIn) -> HttpResponse:
    """Kept with the import, which has to be confirmed still; a change that can't be made is refused with its reason."""
    actor, row = _run(request, import_id)
    edits = {edit.file: edit.edit() for edit in body.files}
    outside = [n for n in edits if n >= len(services.plans_of(row))]
    if outside:
        raise ValidationError(f"The import has no file {outside[0]}.")
    confirming.import_edit(actor=actor, row=row, edits=edits)
    return reply(_shown(_import(import_id)))


@router.get(
    "/imports/{import_id}/files/{number}/mapping",
    **scoped("imports.read", MappingOut),
    summary="A file's mapping",
)
def mapping_read(request: HttpRequest, import_id: Number, number: int) -> HttpResponse:
    """As YAML, to keep and to use again."""
    require(actor_of_request(request), "import.view")
    plans = services.plans_of(_import(import_id))
    plan = found(plans[number] if 0 <= number < len(plans) else None, "file")
    return reply({"yaml": confirming.mapping_yaml(plan)})


@router.post(
    "/imports/{import_id}/mapping", **scoped("imports.write", ImportOut), summary="Use a mapping file"
)
def mapping_use(request: HttpRequest, import_id: Number, body: MappingIn) -> HttpResponse:
    """Put it over every file of the import that has its columns."""
    actor, row = _run(request, import_id)
    confirming.import_map(actor=actor, row=row, text=body.yaml)
    return reply(_shown(_import(import_id)))


@router.post(
    "/imports/{import_id}/confirm", **scoped("imports.write", ImportOut, 202), summary="Confirm an import"
)
def import_confirm(request: HttpRequest, import_id: Number, body: ConfirmIn) -> HttpResponse:
    """Start the job that lands it by the plan as it is kept."""
    actor, row = _run(request, import_id)
    return reply(_shown(confirming.import_begin(actor=actor, row=row, amount=body.amount)), 202)


@router.post(
    "/imports/{import_id}/reopen", **scoped("imports.write", ImportOut), summary="Open an import again"
)
def import_reopen(request: HttpRequest, import_id: Number) -> HttpResponse:
    """One that failed or was cancelled can be confirmed once more; what has landed is recognised."""
    actor, row = _run(request, import_id)
    return reply(_shown(confirming.import_reopen(actor=actor, row=row)))


@router.get("/data", **scoped("imports.read", DataOut), summary="What is known")
def data_read(request: HttpRequest) -> HttpResponse:
    """The newest facts version, its date, and how many records each table holds."""
    require(actor_of_request(request), "import.view")
    known = selectors.known()
    tables = (
        [
            {"name": t.name, "records": t.records, "implied": t.implied, "last_on": t.last_on}
            for t in known.tables
        ]
        if known
        else []
    )
    return reply(
        {
            "version": known.version if known else None,
            "data_on": known.data_on if known else None,
            "recorded_at": known.recorded_at if known else None,
            "tables": tables,
            "changes": known.changes if known else 0,
            "waiting_in_quarantine": selectors.waiting(),
        }
    )
