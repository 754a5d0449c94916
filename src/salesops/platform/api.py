"""REST: who asks, decisions of every kind, and the audit ledger."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from salesops.platform import decisions as service
from salesops.platform import selectors
from salesops.platform.access import PERMISSIONS, may, require
from salesops.platform.actors import Actor
from salesops.platform.decisions import DatedDecision, plain
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
from salesops.platform.yaml_documents import read_documents, write_documents

router = Router(tags=["decisions"])

Text = Annotated[str, Field(max_length=2_000)]
Subject = Annotated[str, Field(min_length=1, max_length=300)]


class Body(Schema):
    """What a request sends: a name it does not know is a mistake, not a thing to pass over."""

    model_config = ConfigDict(extra="forbid")


class MeOut(Schema):
    """The account behind a token, and what it may do."""

    username: str
    role: str
    person_id: str
    permissions: list[str]
    token: dict[str, Any]


class KindOut(Schema):
    """One kind of decision."""

    kind: str
    title: str
    fields: list[str]
    needs_reason: bool
    in_force: int
    drafts: int


class DecisionOut(Schema):
    """One decision as it was recorded."""

    id: int
    kind: str
    subject: str
    starts_on: date | None
    recorded_at: datetime
    by: str
    reason: str
    draft: bool
    ended: bool
    values: dict[str, Any]


class DecisionsOut(Schema):
    """One page of decisions."""

    total: int
    rows: list[DecisionOut]


class VersionOut(DecisionOut):
    """One decision with what it changed."""

    current: bool
    changes: list[dict[str, Any]]


class DecisionIn(Body):
    """A decision to record or to draft."""

    subject: Annotated[str, Field(max_length=300)] = Field("", description="empty where the values name it")
    values: dict[str, Any]
    starts_on: date | None = Field(None, description="first day in force; null for always")
    reason: Text = ""
    draft: bool = False


class EndIn(Body):
    """The end of a subject's decisions."""

    subject: Subject
    starts_on: date | None = None
    reason: Text = ""


class ReasonIn(Body):
    """Why."""

    reason: Text = ""


class DocumentsIn(Body):
    """Decisions as plain documents or as YAML: one of both."""

    documents: Annotated[list[dict[str, Any]], Field(max_length=10_000)] | None = None
    yaml: Annotated[str, Field(max_length=4_000_000)] | None = None
    reason: Text = ""


class ChangedOut(Schema):
    """How many decisions a call recorded; the others were in force already."""

    changed: int
    same: int


class EventOut(Schema):
    """One event of the ledger."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    before: Any = None
    after: Any = None
    reason: str


class EventsOut(Schema):
    """One page of events."""

    total: int
    rows: list[EventOut]


@router.get("/me", **scoped("numbers.read", MeOut), summary="The account behind the token", tags=["accounts"])
def me(request: HttpRequest) -> HttpResponse:
    """Role, person, permissions, and what this token may be used for."""
    actor, token = actor_of_request(request), request.api_token
    return reply(
        {
            "username": actor.name,
            "role": actor.role,
            "person_id": actor.person_id,
            "permissions": [name for name in PERMISSIONS if may(actor, name)],
            "token": {
                "name": token.name,
                "can_write": token.can_write,
                "scopes": token.scopes,
                "expires_at": token.expires_at,
            },
        }
    )


def _kind(key: str) -> type[DatedDecision]:
    return found(selectors.kind(key), "kind of decision")


def _readable(actor: Actor, key: str) -> type[DatedDecision]:
    """A kind that the actor may read: with the permission to read decisions, or to decide this kind."""
    model = _kind(key)
    if not may(actor, model.PERMISSION):
        require(actor, "decision.view")
    return model


def shown(row: DatedDecision) -> dict[str, Any]:
    """A decision as the API answers it."""
    return {
        "id": row.pk,
        "kind": row.KIND,
        "subject": row.subject,
        "starts_on": row.starts_on,
        "recorded_at": row.recorded_at,
        "by": row.author_name,
        "reason": row.reason,
        "draft": row.draft,
        "ended": row.ended,
        "values": plain(row.values()),
    }


@router.get("/decisions", **scoped("decisions.read", list[KindOut]), summary="Kinds of decisions")
def kind_list(request: HttpRequest) -> HttpResponse:
    """Every kind, with how many subjects are decided on the data's own date."""
    require(actor_of_request(request), "decision.view")
    return reply(
        [
            {
                "kind": kind.key,
                "title": kind.title,
                "fields": list(kind.model.FIELDS),
                "needs_reason": kind.model.NEEDS_REASON,
                "in_force": kind.in_force,
                "drafts": kind.drafts,
            }
            for kind in selectors.kinds(selectors.data_day())
        ]
    )


@router.get(
    "/decisions/{kind}", **scoped("decisions.read", DecisionsOut), summary="Decisions in force on a day"
)
def decision_list(
    request: HttpRequest,
    kind: str,
    on: date | None = None,
    known_at: datetime | None = None,
    search: str = "",
    page: PageNumber = 1,
    size: PageSize = 100,
) -> HttpResponse:
    """By subject; as of the data's own date where no day is given, as known now where no instant is."""
    model = _readable(actor_of_request(request), kind)
    rows = service.in_force(model, on or selectors.data_day(), known_at=known_at).values()
    wanted = [r for r in rows if search.casefold() in r.subject.casefold()]
    wanted.sort(key=lambda row: (row.subject.casefold(), row.subject))
    total, some = page_of(wanted, page, size)
    return reply({"total": total, "rows": [shown(row) for row in some]})


@router.post("/decisions/{kind}", **scoped("decisions.write", DecisionOut, 201), summary="Decide, or draft")
def decision_create(request: HttpRequest, kind: str, body: DecisionIn) -> HttpResponse:
    """Recorded beside what was in force until then; the same decision again answers the one there is."""
    actor, model = actor_of_request(request), _kind(kind)
    require(actor, model.PERMISSION)
    values = model.parse(body.values)
    row = service.decision_record(
        model,
        actor=actor,
        subject=body.subject or model.subject_of(values),
        values=values,
        starts_on=body.starts_on,
        reason=body.reason,
        draft=body.draft,
    )
    return reply(shown(row), 201)


@router.post(
    "/decisions/{kind}/end", **scoped("decisions.write", DecisionOut), summary="End a subject's decisions"
)
def decision_end(request: HttpRequest, kind: str, body: EndIn) -> HttpResponse:
    """Nothing is in force for the subject from that day on; 404 where nothing was."""
    actor, model = actor_of_request(request), _kind(kind)
    require(actor, model.PERMISSION)
    row = service.decision_end(
        model, actor=actor, subject=body.subject, starts_on=body.starts_on, reason=body.reason
    )
    return reply(shown(found(row, "decision in force")))


@router.get(
    "/decisions/{kind}/history", **scoped("decisions.read", list[VersionOut]), summary="A subject's history"
)
def decision_history(
    request: HttpRequest, kind: str, subject: Annotated[str, Query(min_length=1, max_length=300)]
) -> HttpResponse:
    """Every decision on a subject, latest start first, each with what it changed."""
    model = _readable(actor_of_request(request), kind)
    versions = selectors.versions(model, subject, selectors.data_day())
    return reply(
        [
            {
                **shown(v.row),
                "current": v.current,
                "changes": [
                    {"field": c.field, "before": plain(c.before), "after": plain(c.after)} for c in v.changes
                ],
            }
            for v in found(versions or None, "decision")
        ]
    )


@router.get(
    "/decisions/{kind}/drafts", **scoped("decisions.read", list[DecisionOut]), summary="Drafts that wait"
)
def draft_list(request: HttpRequest, kind: str) -> HttpResponse:
    """Drafts that nothing recorded later has overtaken."""
    model = _readable(actor_of_request(request), kind)
    return reply([shown(row) for row in selectors.open_drafts(model)])


@router.post(
    "/decisions/{kind}/drafts/{draft_id}/publish",
    **scoped("decisions.write", DecisionOut),
    summary="Put a draft in force",
)
def draft_publish(request: HttpRequest, kind: str, draft_id: Number, body: ReasonIn) -> HttpResponse:
    """Recorded anew; the draft itself stays as it was."""
    actor, model = actor_of_request(request), _kind(kind)
    require(actor, model.PERMISSION)
    row = found(selectors.draft(model, draft_id), "draft")
    return reply(shown(service.decision_publish(row, actor=actor, reason=body.reason)))


def _exported(request: HttpRequest, kind: str) -> list[dict[str, Any]]:
    require(actor_of_request(request), "decision.view")
    if kind:
        _kind(kind)
    return service.export_documents([kind] if kind else None)


@router.get(
    "/decision-documents", **scoped("decisions.read", list[dict[str, Any]]), summary="Decisions as documents"
)
def document_list(request: HttpRequest, kind: str = "") -> HttpResponse:
    """Every published decision in the order recorded, of one kind or all, as the YAML file holds them."""
    return reply(_exported(request, kind))


class YamlOut(Schema):
    """A text in YAML."""

    yaml: str


@router.get("/decision-documents/yaml", **scoped("decisions.read", YamlOut), summary="Decisions as YAML")
def document_yaml(request: HttpRequest, kind: str = "") -> HttpResponse:
    """The text of the file that the page exports."""
    return reply({"yaml": write_documents(_exported(request, kind))})


@router.post("/decision-documents", **scoped("decisions.write", ChangedOut), summary="Record many decisions")
def document_import(request: HttpRequest, body: DocumentsIn) -> HttpResponse:
    """All or none."""
    actor = actor_of_request(request)
    require(actor, "decision.write")
    if (body.documents is None) == (body.yaml is None):
        raise ValidationError("Send documents, or yaml: one of both.")
    documents = body.documents if body.documents is not None else read_documents(body.yaml or "")
    changed = service.import_documents(documents, actor=actor, reason=body.reason)
    return reply({"changed": changed, "same": len(documents) - changed})


@router.get("/audit", **scoped("audit.read", EventsOut), summary="The audit ledger", tags=["audit"])
def event_list(
    request: HttpRequest,
    actor: str = "",
    action: str = "",
    subject: str = "",
    first: date | None = None,
    last: date | None = None,
    page: PageNumber = 1,
    size: PageSize = 100,
) -> HttpResponse:
    """Who did what and when, newest first; days are UTC days, both ends included."""
    require(actor_of_request(request), "audit.view")
    wanted = selectors.AuditFilter(actor=actor, action=action, subject=subject, first=first, last=last)
    total, rows = page_of(selectors.audit_events(wanted), page, size)
    return reply(
        {
            "total": total,
            "rows": [
                {
                    "id": e.pk,
                    "at": e.at,
                    "actor": e.actor_name,
                    "action": e.action,
                    "subject": e.subject,
                    "before": e.before,
                    "after": e.after,
                    "reason": e.reason,
                }
                for e in rows
            ],
        }
    )
