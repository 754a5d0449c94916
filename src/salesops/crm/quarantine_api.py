"""REST: the rows that wait in quarantine."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from salesops.crm import import_selectors as selectors
from salesops.crm import quarantine
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

router = Router(tags=["quarantine"])

QuarantineStates = Annotated[str, Query("waiting", pattern="^(waiting|replayed|dismissed)$")]


class QuarantinedRowOut(Schema):
    """A row that could not be taken."""

    id: int
    import_id: int
    file: str
    table: str
    row: int
    column: str
    reason: str
    fix: str
    state: str
    cells: dict[str, str]


class QuarantinedRowsOut(Schema):
    """One page of rows."""

    total: int
    rows: list[QuarantinedRowOut]


class QuarantineReasonOut(Schema):
    """Rows of one file that wait for one reason."""

    file: str
    table: str
    column: str
    reason: str
    fix: str
    rows: int


class CellsIn(Body):
    """Corrected cells by header."""

    cells: dict[str, Annotated[str, Field(max_length=100_000)]]


class DismissIn(Body):
    """Rows that are not wanted."""

    rows: Annotated[list[Annotated[int, Field(ge=1, le=2**63 - 1)]], Field(min_length=1, max_length=500)]


class DismissedOut(Schema):
    """How many rows were dismissed."""

    dismissed: int


def _row(row: Any, *, cells: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "id": row.pk,
        "import_id": row.source_import_id,
        "file": row.file,
        "table": row.table,
        "row": row.row,
        "column": row.column,
        "reason": row.reason,
        "fix": row.fix,
        "state": row.state,
        "cells": row.cells if cells is None else cells,
    }


@router.get(
    "/quarantine",
    **scoped("imports.read", QuarantinedRowsOut),
    summary="Rows in quarantine",
    tags=["quarantine"],
)
def quarantine_list(
    request: HttpRequest,
    state: QuarantineStates = "waiting",
    file: str = "",
    column: str | None = None,
    page: PageNumber = 1,
    size: PageSize = 100,
) -> HttpResponse:
    """By file and row."""
    require(actor_of_request(request), "file.read")
    total, rows = page_of(selectors.quarantine_rows(state=state, file=file, column=column), page, size)
    return reply({"total": total, "rows": [_row(row) for row in rows]})


@router.get(
    "/quarantine/reasons",
    **scoped("imports.read", list[QuarantineReasonOut]),
    summary="Why rows wait",
    tags=["quarantine"],
)
def quarantine_reasons(request: HttpRequest, state: QuarantineStates = "waiting") -> HttpResponse:
    """By file, the reason met most often first."""
    require(actor_of_request(request), "file.read")
    return reply([asdict(reason) for reason in selectors.quarantine_reasons(state)])


@router.post(
    "/quarantine/dismiss",
    **scoped("imports.write", DismissedOut),
    summary="Dismiss rows",
    tags=["quarantine"],
)
def quarantine_dismiss(request: HttpRequest, body: DismissIn) -> HttpResponse:
    """They stay on record and are not asked for again; 404 where none of them waits."""
    actor = actor_of_request(request)
    require(actor, "import.run")
    rows = list(selectors.quarantine_rows().filter(pk__in=body.rows))
    return reply(
        {"dismissed": quarantine.quarantine_dismiss(actor=actor, rows=found(rows or None, "waiting row"))}
    )


@router.get(
    "/quarantine/{row_id}",
    **scoped("imports.read", QuarantinedRowOut),
    summary="One row",
    tags=["quarantine"],
)
def quarantine_read(request: HttpRequest, row_id: Number) -> HttpResponse:
    """Every cell in the order of its file."""
    require(actor_of_request(request), "file.read")
    row = found(selectors.quarantined(row_id), "row in quarantine")
    return reply(_row(row, cells=selectors.cells_of(row)))


@router.post(
    "/quarantine/{row_id}/replay",
    **scoped("imports.write", QuarantinedRowOut),
    summary="Mend a row",
    tags=["quarantine"],
)
def quarantine_replay(request: HttpRequest, row_id: Number, body: CellsIn) -> HttpResponse:
    """Import one row with its cells as corrected; those left out stay."""
    actor = actor_of_request(request)
    require(actor, "import.run")
    row = found(selectors.quarantined(row_id), "row in quarantine")
    known = selectors.cells_of(row)
    unknown = [name for name in body.cells if name not in known]
    if unknown:
        raise ValidationError(f"The file has no column {unknown[0]!r}.")
    return reply(_row(quarantine.quarantine_replay(actor=actor, row=row, cells=body.cells)))
