"""REST: quotas."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from salesops.platform.access import require
from salesops.platform.api import Body, Text
from salesops.platform.rest import PageNumber, PageSize, actor_of_request, page_of, reply, scoped
from salesops.platform.selectors import data_day
from salesops.quotas import selectors, services

router = Router(tags=["quotas"])

Cell = Annotated[str, Field(max_length=300)]


class QuotaOut(Schema):
    """One person's quota for one fiscal period; an exact number, "" for the firm's currency."""

    person_id: str
    period: str
    amount: Any
    currency: str


class QuotasOut(Schema):
    """One page of quotas."""

    total: int
    rows: list[QuotaOut]


class QuotaIn(Body):
    """One quota to set."""

    person: Cell = Field(description="id, name or e-mail")
    period: Cell = Field(description="for example 2026-Q3")
    amount: Cell = Field(description="as text, so that no digit is lost")
    currency: Annotated[str, Field(max_length=3)] = ""


class QuotasIn(Body):
    """Quotas, set together or not at all."""

    rows: Annotated[list[QuotaIn], Field(min_length=1, max_length=5_000)]
    starts_on: date | None = None
    reason: Text = ""
    preview: bool = Field(False, description="say what it would set, and write nothing")


class PlannedQuotasOut(Schema):
    """What came, or would come, of the rows."""

    changed: int
    rows: list[dict[str, Any]]


@router.get("/quotas", **scoped("decisions.read", QuotasOut), summary="Quotas in force on a day")
def quota_list(
    request: HttpRequest,
    on: date | None = None,
    period: str = "",
    person: str = "",
    page: PageNumber = 1,
    size: PageSize = 100,
) -> HttpResponse:
    """By period and person, as of the data's own date where no day is given."""
    require(actor_of_request(request), "quota.view")
    rows = [
        q
        for q in selectors.quotas(on or data_day())
        if (not period or q.period == period) and (not person or q.person_id == person)
    ]
    total, some = page_of(rows, page, size)
    return reply({"total": total, "rows": [asdict(row) for row in some]})


@router.post("/quotas", **scoped("decisions.write", PlannedQuotasOut), summary="Set quotas")
def quotas_decide(request: HttpRequest, body: QuotasIn) -> HttpResponse:
    """All rows or none; with ``preview`` what each would change, and its problem."""
    actor = actor_of_request(request)
    require(actor, "quota.write")
    rows = [row.dict() for row in body.rows]
    planned = services.quotas_plan(rows, body.starts_on)
    if not body.preview:
        services.quotas_decide(actor=actor, rows=rows, starts_on=body.starts_on, reason=body.reason)
    told = [
        {
            "row": p.row,
            "person_id": p.person_id,
            "period": p.period,
            "amount": p.amount,
            "currency": p.currency,
            "before": p.before,
            "changes": p.changes and not p.problem,
            "problem": p.problem,
        }
        for p in planned
    ]
    changed = 0 if body.preview else sum(1 for p in planned if p.changes)
    return reply({"changed": changed, "rows": told})
