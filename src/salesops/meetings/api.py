"""REST: the Monday meeting and action items."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from ninja import Query, Router, Schema
from pydantic import Field

from salesops.analytics.addresses import Address, read
from salesops.analytics.api import TeamName
from salesops.analytics.selectors import Question, ask
from salesops.meetings import inputs, selectors, services
from salesops.meetings.engine.answer import answer
from salesops.org import known as known_at
from salesops.platform.api import Body, Text
from salesops.platform.rest import Number, PageNumber, PageSize, actor_of_request, page_of, reply, scoped
from salesops.ui import formats

router = Router(tags=["meetings"])
Name = Annotated[str, Field(max_length=200)]


class StandingOut(Schema):
    """Where a period stands: exact numbers, null with a reason where one is undefined."""

    period: str
    currency: str
    answer: str
    closed: Any
    commit: Any
    due: Any
    quota: Any
    gap: Any
    at_our_own_pace: Any
    pace_least: Any
    pace_most: Any
    pace_periods: list[str]
    reasons: dict[str, str]
    since: date
    changes: dict[str, int]
    deals: list[dict[str, Any]]


class ActionOut(Schema):
    """One action item as it stands."""

    id: int
    text: str
    owner_id: str
    owner_name: str
    deal_id: str
    due_on: date
    first_due_on: date
    state: str
    moved: int
    note: str
    created_at: datetime
    author: str


class ActionsOut(Schema):
    """One page of action items."""

    total: int
    rows: list[ActionOut]


class ActionIn(Body):
    """An action item to add; without an owner it is the caller's own."""

    text: Annotated[str, Field(min_length=1, max_length=500)]
    due_on: date
    owner_id: Name = ""
    deal_id: Name = ""
    person_id: Name = Field("", description="of the one-to-one it was agreed in; empty for a team's meeting")
    team: TeamName = ""


class EventIn(Body):
    """What became of an action item."""

    kind: Literal["done", "dropped", "reopened", "moved"]
    due_on: date | None = None
    note: Text = ""


class NoteOut(Schema):
    """A note about a person."""

    id: int
    text: str
    shared: bool
    created_at: datetime
    author: str


class NotesOut(Schema):
    """One page of notes."""

    total: int
    rows: list[NoteOut]


class NoteIn(Body):
    """A note to add."""

    person_id: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(min_length=1, max_length=services.MOST_NOTE)]
    shared: bool = Field(True, description="read by the person and their managers, or by the caller alone")


class MeetingIn(Body):
    """A meeting that was held."""

    person_id: Name = Field("", description="of a one-to-one; empty for a team's meeting")
    team: TeamName = ""
    facts_version: Name = Field("", description="that was shown; empty for the newest")


class MeetingOut(Schema):
    """A meeting that was noted."""

    id: int
    subject: str
    data_on: date


@router.get(
    "/monday", **scoped("numbers.read", StandingOut), summary="Will we make the number, and what decides it"
)
def monday(
    request: HttpRequest,
    period: str = "quarter",
    person_id: str = "",
    team: TeamName = "",
    known_at_: Annotated[str, Query(alias="known_at", max_length=64)] = "",
) -> HttpResponse:
    """The figures, changes and deals of the Monday page, over the caller's rows; of one person with ``person_id``."""
    actor = actor_of_request(request)
    address = replace(_team(team), period=period, known=known_at.read(known_at_))
    with ask(actor, inputs.question_of(address, person_id)) as asked:
        seen = inputs.meeting(actor, asked, address, person_id)
        found = seen.standing
        figures, currency = found.figures, asked.frames.currency
        pace = figures.pace
        body = {
            "period": found.period.label,
            "currency": currency,
            "answer": answer(figures, formats.Unit("money", currency).short),
            "closed": figures.won,
            "commit": figures.commit,
            "due": figures.due,
            "quota": figures.quota,
            "gap": figures.gap,
            "at_our_own_pace": _whole(pace.expected),
            "pace_least": _whole(pace.least),
            "pace_most": _whole(pace.most),
            "pace_periods": list(pace.periods),
            "reasons": {name: why for name, why in found.reasons.items() if why},
            "since": seen.window.after,
            "changes": seen.counts,
            "deals": [
                {
                    "id": one.row["id"],
                    "name": one.row["name"],
                    "owner_id": one.row["owner_id"],
                    "owner_name": one.row["owner_name"],
                    "stage": one.row["stage"],
                    "amount": one.row["amount"],
                    "expected_close_on": one.row["expected_close_on"],
                    "flags": sorted(one.row["codes"]),
                    "pushed": one.row["pushed"],
                    "question": one.question,
                }
                for one in seen.deals
            ],
        }
    return reply(body)


def _team(text: str) -> Address:
    """The address of a team's meeting.

    Raises:
        AddressError: there is no such column of teams.
    """
    return read(QueryDict(urlencode({"team": text})))


def _whole(value: Any) -> int | None:
    return None if value is None else round(value)


@router.get("/actions", **scoped("actions.read", ActionsOut), summary="Action items")
def action_list(
    request: HttpRequest,
    state: Literal["open", "done", "dropped", "all"] = "open",
    owner_id: str = "",
    page: PageNumber = 1,
    size: PageSize = 100,
) -> HttpResponse:
    """Action items the caller may see, newest first."""
    actor = actor_of_request(request)
    with ask(actor, Question()) as asked:
        owners = [owner_id] if owner_id else None
        found = selectors.items(actor, asked.frames.scope, owners=owners, settled=None)
    total, rows = page_of([i for i in found if state in ("all", i.state)], page, size)
    return reply({"total": total, "rows": [_out(one) for one in rows]})


def _out(one: selectors.Item) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name in ActionOut.model_fields}


@router.post("/actions", **scoped("actions.write", ActionOut, 201), summary="Add an action item")
def action_add(request: HttpRequest, body: ActionIn) -> HttpResponse:
    """Whoever it is given to must be somebody whose records the caller may see."""
    actor = actor_of_request(request)
    with ask(actor, Question()) as asked:
        scope, people = asked.frames.scope, asked.frames.people
        own = selectors.own_person(actor)
        owner_id = body.owner_id or own
        person = people.get(owner_id)
        if body.owner_id and person is None:
            return reply({"detail": f"There is no person {body.owner_id!r}."}, 422)
        if body.deal_id and not inputs.sees_deal(asked, body.deal_id):
            return reply({"detail": "There is no such deal that you may see."}, 422)
        subject = inputs.whose(actor, asked, body.person_id, _team(body.team).team)
    row = services.action_add(
        actor=actor, scope=scope, subject=subject, text=body.text, owner_id=person.id if person else "",
        owner_name=person.name if person else actor.name, due_on=body.due_on, deal_id=body.deal_id,
    )  # fmt: skip
    made = selectors.item(actor, scope, row.pk)
    return reply(_out(made) if made else {}, 201)


@router.post("/actions/{item_id}/events", **scoped("actions.write", ActionOut), summary="What became of it")
def action_change(request: HttpRequest, item_id: Number, body: EventIn) -> HttpResponse:
    """Done, dropped, opened again, or moved to another day."""
    actor = actor_of_request(request)
    with ask(actor, Question()) as asked:
        scope = asked.frames.scope
    after = services.action_change(
        actor=actor, scope=scope, item_id=item_id, kind=body.kind, due_on=body.due_on, note=body.note
    )
    return reply(_out(after))


@router.get("/notes", **scoped("actions.read", NotesOut), summary="Notes about a person")
def note_list(
    request: HttpRequest, person_id: Name = "", page: PageNumber = 1, size: PageSize = 100
) -> HttpResponse:
    """Notes that the caller may read, newest first; about the caller without ``person_id``."""
    actor = actor_of_request(request)
    with ask(actor, Question()) as asked:
        found = selectors.notes(
            actor, asked.frames.people, person_id or selectors.own_person(actor), most=None
        )
    total, rows = page_of(found, page, size)
    return reply({"total": total, "rows": [asdict(one) for one in rows]})


@router.post("/notes", **scoped("actions.write", NoteOut, 201), summary="Note something about a person")
def note_add(request: HttpRequest, body: NoteIn) -> HttpResponse:
    """Written by the person or a manager of theirs."""
    actor = actor_of_request(request)
    with ask(actor, Question()) as asked:
        people = asked.frames.people
    row = services.note_add(
        actor=actor, people=people, person_id=body.person_id, text=body.text, shared=body.shared
    )
    made = next(one for one in selectors.notes(actor, people, body.person_id) if one.id == row.pk)
    return reply(asdict(made), 201)


@router.post("/meetings", **scoped("actions.write", MeetingOut, 201), summary="A meeting was held")
def meeting_hold(request: HttpRequest, body: MeetingIn) -> HttpResponse:
    """From it on the next meeting tells what changed."""
    actor = actor_of_request(request)
    with ask(actor, Question()) as asked:
        subject = inputs.whose(actor, asked, body.person_id, _team(body.team).team)
        version, day = inputs.shown_version(asked, body.facts_version)
    row = services.meeting_hold(actor=actor, subject=subject, data_on=day, manifest_id=version)
    return reply({"id": row.pk, "subject": row.subject, "data_on": row.data_on}, 201)
