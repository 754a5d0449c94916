"""REST: the four outcomes, and the reps at quota."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from ninja import Query, Router, Schema

from salesops.analytics import outcome_parts as parts
from salesops.analytics.addresses import read
from salesops.analytics.api import TeamName
from salesops.analytics.outcomes import outcomes
from salesops.analytics.selectors import ask
from salesops.platform.rest import actor_of_request, reply, scoped
from salesops.platform.token_scopes import covers

router = Router(tags=["numbers"])
FAULTS = "faults.read"
"""Scope of a token that is told which rules find faults."""


class OutcomeOut(Schema):
    """One number now and then; null with a reason where it can't be told."""

    outcome: str
    lead: bool
    name: str
    title: str
    period: str
    now: Any
    now_reason: str
    rows: int
    period_then: str
    then: Any
    then_reason: str
    rows_then: int
    change: Any
    better: Literal["better", "worse", "same", "unknown"]
    noise: Literal["confirmed", "noise", "unknown", ""]
    said: str
    why: str


class RepAtQuotaOut(Schema):
    """One rep with a quota; null where he carried none, or where ``change`` (at, below, unseen) says it is not told."""

    owner_id: str
    name: str
    won: Any
    quota: Any
    attained: Any
    won_then: Any
    quota_then: Any
    attained_then: Any
    change: str


class RuleThenOut(Schema):
    """One rule of data quality on both days; null then where there is no earlier side."""

    code: str
    title: str
    faulty: int
    judged: int
    faulty_then: int | None
    judged_then: int | None


class OutcomesOut(Schema):
    """The scorecard of a period; ``rules`` is null where the token may not read faults."""

    period: str
    read_on: date
    compared_with: str
    read_then_on: date
    noise_judged_of: str | None
    currency: str
    reading: str
    improved: int
    of: int
    outcomes: list[OutcomeOut]
    reps: list[RepAtQuotaOut]
    reps_reason: str
    compared_reason: str
    rules: list[RuleThenOut] | None
    rules_reason: str
    notes: list[str]


@router.get(
    "/outcomes", **scoped("numbers.read", OutcomesOut), summary="The four outcomes and the reps at quota"
)
def outcomes_read(
    request: HttpRequest,
    period: str = "quarter",
    against: Literal["", "year", "period"] = "",
    team: TeamName = "",
    filter_: Annotated[list[str], Query(alias="filter", max_length=20)] = [],  # noqa: B006 - ninja reads it
    as_of: date | None = None,
    known_at: Annotated[str, Query(max_length=64)] = "",
) -> HttpResponse:
    """Forecast, cycle, productivity, data and reps at quota, each side read from the facts of its own day."""
    asked_for = {"period": period, "filter": filter_, "team": team, "known_at": known_at}
    if as_of is not None:
        asked_for["as_of"] = as_of.isoformat()
    address, actor = read(QueryDict(urlencode(asked_for, doseq=True))), actor_of_request(request)
    judges = covers(request.auth.scopes, FAULTS)  # type: ignore[attr-defined]
    with ask(actor, address.question()) as asked:
        kind = asked.period.kind if asked.period else ""
        found = outcomes(actor, address, against or parts.default_against(kind))
        notes = list(dict.fromkeys([*asked.frames.notes, *found.notes]))
    return reply(
        {
            "period": found.period.label,
            "read_on": found.day,
            "compared_with": found.earlier.label,
            "read_then_on": found.day_then,
            "noise_judged_of": found.judged.label if found.judged is not None else None,
            "currency": found.currency,
            "reading": parts.reading(found),
            "improved": found.improved,
            "of": found.of,
            "outcomes": [_only(row, OutcomeOut) for row in parts.rows(found)],
            "reps": [_only(parts.rep_row(rep), RepAtQuotaOut) for rep in found.reps],
            "reps_reason": found.reps_reason,
            "compared_reason": found.then_reason,
            "rules": [_only(parts.rule_row(line), RuleThenOut) for line in found.rules] if judges else None,
            "rules_reason": "" if judges else f"this token lacks the scope {FAULTS}",
            "notes": notes,
        }
    )


def _only(row: dict[str, Any], schema: type[Schema]) -> dict[str, Any]:
    return {name: row[name] for name in schema.model_fields}
