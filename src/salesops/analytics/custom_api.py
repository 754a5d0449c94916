"""REST: numbers of one's own. They are read like every other number, under /kpis."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from salesops.analytics import custom_services as services
from salesops.analytics.custom_numbers import rows_in_force, rows_to_come
from salesops.platform.api import Body
from salesops.platform.rest import actor_of_request, found, reply, scoped

router = Router(tags=["own numbers"])

Rule = Annotated[str, Field(max_length=4_000)]
Word = Annotated[str, Field(max_length=30)]


class OwnNumberIn(Body):
    """What a number measures of which deals. docs/reference/rules.md describes rules and amounts."""

    title: Annotated[str, Field(min_length=1, max_length=80)]
    measure: Word = Field(description="count, sum, average, median, share or number")
    of: Rule = Field("", description="an amount; of a share a rule; of number its name")
    rule: Rule = Field("", description="deals it is taken of; empty for all")
    bottom_measure: Word = Field("", description="what it is divided by; empty for nothing")
    bottom_of: Rule = ""
    bottom_rule: Rule = ""
    dated_by: Word = Field("closed_on", description="date that places a deal in a period; empty for none")
    unit: Word = Field("", description="empty for the usual one")
    direction: Word = Field("none", description="up, down or none")
    sentence: Annotated[str, Field(max_length=300)] = ""
    owner: Annotated[str, Field(max_length=120)] = ""


class OwnNumberDecision(OwnNumberIn):
    """The same, from a day on."""

    starts_on: date | None = None
    reason: Annotated[str, Field(max_length=500)] = ""


class OwnNumberOut(Schema):
    """A definition in force, or the first one to come."""

    name: str
    title: str
    sentence: str
    measure: str
    of: str
    rule: str
    bottom_measure: str
    bottom_of: str
    bottom_rule: str
    dated_by: str
    unit: str
    direction: str
    owner: str
    starts_on: date | None
    recorded_at: datetime
    author: str


class TrialOut(Schema):
    """What a definition says over the present data; nothing is recorded."""

    value: Any
    reason: str
    unit: str
    currency: str | None
    period: str
    n: int
    sentence: str
    formula: str
    notes: list[str]
    hints: list[str]


def _shown(row: Any) -> dict[str, Any]:
    told = {"name": row.subject, "starts_on": row.starts_on, "recorded_at": row.recorded_at}
    return told | {"author": row.author_name} | row.values()


@router.get("/own-numbers", **scoped("numbers.read", list[OwnNumberOut]), summary="Numbers defined here")
def own_number_list(request: HttpRequest) -> HttpResponse:
    """Definitions need no row security; their values are read under /kpis."""
    actor_of_request(request)
    return reply([_shown(row) for _, row in sorted((rows_to_come() | rows_in_force()).items())])


@router.post("/own-numbers/check", **scoped("decisions.write", TrialOut), summary="Try a definition")
def own_number_check(request: HttpRequest, body: OwnNumberIn, period: str = "quarter") -> HttpResponse:
    """What it would say over the present data; 400 with what is wrong where it can't be read."""
    made = services.custom_kpi_try(
        actor=actor_of_request(request), name="", values=body.dict(), period=period
    )
    return reply(
        {
            "value": made.value.value,
            "reason": made.value.reason,
            "unit": made.unit,
            "currency": made.currency if made.unit.startswith("money") else None,
            "period": made.period,
            "n": made.value.n,
            "sentence": made.sentence,
            "formula": made.kpi.formula,
            "notes": list(made.value.notes),
            "hints": list(made.hints),
        }
    )


@router.get("/own-numbers/{own_name}", **scoped("numbers.read", OwnNumberOut), summary="One definition")
def own_number_read(request: HttpRequest, own_name: str) -> HttpResponse:
    """As it is in force on the data's own date; where it begins later, as it will be."""
    actor_of_request(request)
    row = rows_in_force().get(own_name) or rows_to_come().get(own_name)
    return reply(_shown(found(row, "number of your own")))


@router.put("/own-numbers/{own_name}", **scoped("decisions.write", OwnNumberOut), summary="Define a number")
def own_number_decide(request: HttpRequest, own_name: str, body: OwnNumberDecision) -> HttpResponse:
    """Anew or for the first time; what was decided before stays on record."""
    values = body.dict(exclude={"starts_on", "reason"})
    row = services.custom_kpi_decide(
        actor=actor_of_request(request),
        name=own_name,
        values=values,
        starts_on=body.starts_on,
        reason=body.reason,
    )
    return reply(_shown(row))


@router.delete("/own-numbers/{own_name}", **scoped("decisions.write", OwnNumberOut), summary="End a number")
def own_number_end(request: HttpRequest, own_name: str, starts_on: date | None = None) -> HttpResponse:
    """From a day on, or altogether; answers the definition that is over."""
    actor = actor_of_request(request)
    row = services.custom_kpi_end(actor=actor, subject=own_name, starts_on=starts_on)
    return reply(_shown(found(row, "number of your own")))
