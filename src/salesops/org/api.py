"""REST: the company, its people and the hierarchy."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from salesops.org import selectors, services
from salesops.platform.access import require
from salesops.platform.api import Body, Text
from salesops.platform.rest import PageNumber, PageSize, actor_of_request, page_of, reply, scoped
from salesops.platform.selectors import data_day

router = Router(tags=["people"])

Cell = Annotated[str, Field(max_length=300)]


class OrganisationOut(Schema):
    """Currency, zone and fiscal calendar in force on a day."""

    name: str
    currency: str
    zone: str
    fiscal_start_month: int
    calendar_pattern: str
    week_start: int
    year_named_by: str
    decided: bool


class OrganisationIn(Body):
    """What is to change; what is left out stays."""

    name: Cell | None = None
    currency: Annotated[str, Field(max_length=3)] | None = None
    zone: Annotated[str, Field(max_length=64)] | None = None
    fiscal_start_month: Annotated[int, Field(ge=1, le=12)] | None = None
    calendar_pattern: Annotated[str, Field(max_length=32)] | None = None
    week_start: Annotated[int, Field(ge=0, le=7)] | None = None
    year_named_by: Annotated[str, Field(max_length=32)] | None = None
    starts_on: date | None = None
    reason: Text = ""


class PersonOut(Schema):
    """One person with the place in the hierarchy on a day."""

    id: str
    name: str
    email: str
    manager_id: str
    team: str
    region: str
    role: str
    is_active: bool
    decided: bool


class PeopleOut(Schema):
    """One page of people."""

    total: int
    rows: list[PersonOut]


class PositionIn(Body):
    """One person's place: an empty cell keeps what is in force, ``-`` empties it."""

    person: Cell = Field(description="id, name or e-mail")
    manager: Cell = ""
    team: Cell = ""
    region: Cell = ""
    role: Cell = ""


class PositionsIn(Body):
    """Places of many people, decided together or not at all."""

    rows: Annotated[list[PositionIn], Field(min_length=1, max_length=5_000)]
    starts_on: date | None = None
    reason: Text = ""
    preview: bool = Field(False, description="say what it would decide, and write nothing")


class PlannedPositionsOut(Schema):
    """What came, or would come, of the rows."""

    changed: int
    rows: list[dict[str, Any]]


@router.get("/organisation", **scoped("decisions.read", OrganisationOut), summary="The company")
def organisation_read(request: HttpRequest, on: date | None = None) -> HttpResponse:
    """As of the data's own date where no day is given."""
    require(actor_of_request(request), "decision.view")
    return reply(_firm(on or data_day()))


def _firm(on: date) -> dict[str, Any]:
    firm = selectors.firm(on)
    return {
        "name": firm.name,
        "currency": firm.currency,
        "zone": firm.zone,
        "fiscal_start_month": firm.calendar.start_month,
        "calendar_pattern": firm.calendar.pattern,
        "week_start": firm.calendar.week_start,
        "year_named_by": firm.calendar.year_named_by,
        "decided": firm.decided,
    }


@router.post(
    "/organisation", **scoped("decisions.write", OrganisationOut), summary="Decide the company's settings"
)
def organisation_decide(request: HttpRequest, body: OrganisationIn) -> HttpResponse:
    """From a day on; answers what is in force on that day."""
    actor = actor_of_request(request)
    require(actor, "decision.write")
    values = {k: v for k, v in body.dict(exclude={"starts_on", "reason"}).items() if v is not None}
    services.organisation_decide(actor=actor, values=values, starts_on=body.starts_on, reason=body.reason)
    return reply(_firm(body.starts_on or date.min))


@router.get("/people", **scoped("decisions.read", PeopleOut), summary="People and hierarchy")
def people_list(
    request: HttpRequest, on: date | None = None, page: PageNumber = 1, size: PageSize = 100
) -> HttpResponse:
    """Everyone known, by id, as of the data's own date where no day is given."""
    require(actor_of_request(request), "position.view")
    people = selectors.people(on or data_day())
    total, rows = page_of([people[key] for key in sorted(people)], page, size)
    return reply({"total": total, "rows": [asdict(person) for person in rows]})


@router.post(
    "/people/positions", **scoped("decisions.write", PlannedPositionsOut), summary="Decide the hierarchy"
)
def positions_decide(request: HttpRequest, body: PositionsIn) -> HttpResponse:
    """All rows or none; with ``preview`` what each would change, and its problem."""
    actor = actor_of_request(request)
    require(actor, "position.write")
    rows = [row.dict() for row in body.rows]
    planned = services.positions_plan(rows, body.starts_on)
    changed = 0
    if not body.preview:
        changed = services.positions_decide(
            actor=actor, rows=rows, starts_on=body.starts_on, reason=body.reason
        )
    told = [
        {
            "row": p.row,
            "before": asdict(p.before) if p.before else None,
            "after": asdict(p.after) if p.after else None,
            "changes": p.changes and not p.problem,
            "problem": p.problem,
        }
        for p in planned
    ]
    return reply({"changed": changed, "rows": told})
