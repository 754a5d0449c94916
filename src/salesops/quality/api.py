"""REST: faults in the data, the rows behind them, and repairs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from salesops.crm.decision_services import repair_decide, repair_end
from salesops.org import known as known_at_text
from salesops.platform import jobs
from salesops.platform.access import may, require
from salesops.platform.api import Body, Text
from salesops.platform.rest import PageNumber, PageSize, actor_of_request, found, reply, scoped
from salesops.platform.selectors import data_day
from salesops.quality import selectors
from salesops.quality.engine.catalogue import RULES
from salesops.quality.engine.rules import Finding

router = Router(tags=["faults"])

Cell = Annotated[str, Field(min_length=1, max_length=300)]
KnownAt = Annotated[
    str, Query("", alias="known_at", max_length=100, description="as known then; empty for now")
]


class FaultOut(Schema):
    """One rule over the reader's own rows."""

    code: str
    title: str
    severity: str
    table: str
    faulty: int
    applicable: int | None
    amount: Any
    reason: str
    fix: str


class FaultsOut(Schema):
    """Every rule, and repairs that would help."""

    as_of: str
    currency: str
    rows: list[FaultOut]
    proposals: list[dict[str, Any]]


class FaultRowsOut(Schema):
    """One page of the rows at fault."""

    total: int
    rows: list[dict[str, Any]]


class RepairOut(Schema):
    """A value that is read as another one."""

    subject: str
    table: str
    column: str
    value: str
    replacement: str
    records: int | None


class RepairIn(Body):
    """A value to read as another one."""

    table: Cell
    column: Cell
    value: Cell
    replacement: Cell
    reason: Text = ""


class UndoIn(Body):
    """The repair to end."""

    subject: Cell
    reason: Text = ""


class ScanOut(Schema):
    """The job that does it."""

    job_id: int


def _fault(finding: Finding) -> dict[str, Any]:
    rule = finding.rule
    return {
        "code": rule.code,
        "title": rule.title,
        "severity": rule.severity,
        "table": rule.frame,
        "faulty": finding.faulty,
        "applicable": finding.applicable,
        "amount": finding.amount,
        "reason": finding.reason,
        "fix": rule.fix,
    }


@router.get("/faults", **scoped("faults.read", FaultsOut), summary="Faults in the data")
def fault_list(request: HttpRequest, known: KnownAt = "") -> HttpResponse:
    """Every rule over the rows that the token's account may see."""
    actor, then = actor_of_request(request), known_at_text.read(known)
    with selectors.open_faults(actor, manifest_id=then.manifest_id, known_at=then.known_at) as opened:
        rows = [_fault(finding) for finding in opened.findings()]
        proposals = [asdict(p) for p in opened.repairs()] if may(actor, "repair.view") and then.now else []
        answer = {"as_of": opened.frames.as_of, "currency": opened.frames.currency}
    return reply({**answer, "rows": rows, "proposals": proposals})


@router.get("/faults/{code}/rows", **scoped("faults.read", FaultRowsOut), summary="The rows at fault")
def fault_rows(
    request: HttpRequest,
    code: str,
    sort: str = "",
    known: KnownAt = "",
    page: PageNumber = 1,
    size: PageSize = 100,
) -> HttpResponse:
    """By one rule, among those that the token's account may see."""
    rule = found(RULES.get(code), "rule")
    if sort and sort.removeprefix("-") not in {"id", *selectors.columns_of(rule)}:
        message = f"There is no column {sort!r} to sort by."
        raise ValueError(message)
    seen = selectors.fault_page(
        actor_of_request(request),
        rule,
        sort=sort or selectors.default_sort(rule),
        page=page,
        size=size,
        known=known_at_text.read(known),
    )
    total = seen.finding.faulty
    return reply({"total": total, "rows": seen.rows if (page - 1) * size < total else []})


@router.post("/faults/scan", **scoped("jobs.write", ScanOut, 202), summary="Judge every row by a job")
def scan(request: HttpRequest) -> HttpResponse:
    """One such job at a time for each account; its list is a file of the job."""
    actor = actor_of_request(request)
    job = jobs.enqueue("scan", {}, actor=actor, dedupe_key=f"scan:{actor.user_id}")
    return reply({"job_id": job.pk}, 202)


@router.get("/repairs", **scoped("faults.read", list[RepairOut]), summary="Repairs in force")
def repair_list(request: HttpRequest) -> HttpResponse:
    """Values that are read as others, and how many records each touches."""
    require(actor_of_request(request), "repair.view")
    return reply([asdict(row) for row in selectors.repairs_in_force(data_day())])


@router.post("/repairs", **scoped("decisions.write", list[RepairOut]), summary="Read a value as another one")
def repair_create(request: HttpRequest, body: RepairIn) -> HttpResponse:
    """Answers the repairs in force."""
    actor = actor_of_request(request)
    require(actor, "repair.write")
    repair_decide(actor=actor, **body.dict())
    return repair_list(request)


@router.post("/repairs/undo", **scoped("decisions.write", list[RepairOut]), summary="End a repair")
def repair_undo(request: HttpRequest, body: UndoIn) -> HttpResponse:
    """The value is read as it came again; answers the repairs in force."""
    actor = actor_of_request(request)
    require(actor, "repair.write")
    rows = [r for r in selectors.repairs_in_force(data_day()) if r.subject == body.subject]
    row = found(rows[0] if rows else None, "repair in force")
    repair_end(actor=actor, subject=row.subject, starts_on=row.starts_on, reason=body.reason)
    return repair_list(request)
