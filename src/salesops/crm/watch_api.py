"""REST: watched folders and mailboxes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from salesops.crm import watch_selectors as selectors
from salesops.crm import watch_services as services
from salesops.platform.access import require
from salesops.platform.actors import Actor
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

router = Router(tags=["watches"])

_FOLDER = ("path", "pattern")
_MAILBOX = (
    "host", "port", "tls", "user", "password_variable", "mailbox", "senders", "subject_pattern",
)  # fmt: skip
_OF_KIND = {"folder": _FOLDER, "mailbox": _MAILBOX}
_OF_BOTH = (
    "name",
    "kind",
    "source",
    "complete_tables",
    "mapping",
    "mail_to",
    "active",
    "looked_at",
    "trouble",
)

Address = Annotated[str, Field(max_length=320)]


class WatchOut(Schema):
    """A watch, and whether it looks."""

    id: int
    name: str
    kind: str
    path: str
    pattern: str
    host: str
    port: int
    tls: bool
    user: str
    password_variable: str
    mailbox: str
    senders: list[str]
    subject_pattern: str
    source: str
    complete_tables: list[str]
    mapping: dict[str, Any] | None
    mail_to: list[str]
    cron: str
    zone: str
    active: bool
    looks: bool
    why_not: str
    looked_at: datetime | None
    trouble: str
    waiting_for_you: int


class WatchChangeIn(Body):
    """What is to change in a watch; what is left out stays."""

    name: Annotated[str, Field(min_length=1, max_length=120)] = ""
    path: Annotated[str, Field(max_length=500)] = Field("", description="folder below SALESOPS_WATCH_ROOT")
    pattern: Annotated[str, Field(max_length=200)] = Field("*", description="names of files, with * and ?")
    host: Annotated[str, Field(max_length=200)] = Field("", description="one of SALESOPS_WATCH_HOSTS")
    port: Annotated[int, Field(ge=1, le=65535)] = 993
    tls: bool = True
    user: Annotated[str, Field(max_length=200)] = ""
    password_variable: Annotated[str, Field(max_length=100)] = Field(
        "", description="the server's environment variable with the password, never the password"
    )
    mailbox: Annotated[str, Field(max_length=200)] = "INBOX"
    senders: Annotated[list[Address], Field(max_length=200)] = Field([], description="addresses, or @domain")
    subject_pattern: Annotated[str, Field(max_length=200)] = ""
    source: Annotated[str, Field(min_length=1, max_length=60)] = "crm"
    complete_tables: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=100)] = Field(
        [], description="tables whose files hold every record: what is absent was deleted"
    )
    mapping: dict[str, Any] | None = Field(None, description="null: those confirmed for the columns")
    mail_to: Annotated[list[Address], Field(max_length=50)] = []
    cron: Annotated[str, Field(min_length=1, max_length=120)] = services.EVERY
    zone: Annotated[str, Field(min_length=1, max_length=64)] = "UTC"

    def values(self, kind: str) -> dict[str, Any]:
        """What was sent, for the service.

        Raises:
            ValidationError: something that a watch of this kind does not have.
        """
        sent = self.dict(exclude_unset=True)
        sent.pop("kind", None)
        foreign = [name for key, names in _OF_KIND.items() if key != kind for name in names if name in sent]
        if foreign:
            raise ValidationError(f"A watch of a {kind} has no {foreign[0]}.")
        return sent


class WatchIn(WatchChangeIn):
    """A watch to make."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    kind: Literal["folder", "mailbox"]


class ArrivalOut(Schema):
    """A file or mail that a watch saw."""

    id: int
    name: str
    state: str
    reason: str
    size: int
    seen_at: datetime
    ended_at: datetime | None
    import_id: int | None


class ArrivalsOut(Schema):
    """One page of what a watch saw."""

    total: int
    rows: list[ArrivalOut]


class LookOut(Schema):
    """The job that looks."""

    job_id: int


class WatchRemovedOut(Schema):
    """What is watched no more."""

    removed: int


def _shown(row: Any) -> dict[str, Any]:
    seen = selectors.view_of(row)
    return {
        "id": row.pk,
        **{name: getattr(row, name) for name in (*_OF_BOTH, *_FOLDER, *_MAILBOX)},
        "cron": seen.schedule.cron if seen.schedule else "",
        "zone": seen.schedule.zone if seen.schedule else "",
        "looks": not seen.stopped,
        "why_not": seen.stopped,
        "waiting_for_you": seen.asking,
    }


def _one(watch_id: int) -> Any:
    return found(selectors.watch_of(watch_id), "watch")


def _managed(request: HttpRequest, watch_id: int) -> tuple[Actor, Any]:
    actor = actor_of_request(request)
    require(actor, "watch.manage")
    return actor, _one(watch_id)


@router.get("/watches", **scoped("imports.read", list[WatchOut]), summary="Watched folders and mailboxes")
def watch_list(request: HttpRequest) -> HttpResponse:
    """By name."""
    require(actor_of_request(request), "import.view")
    return reply([_shown(seen.row) for seen in selectors.watches()])


@router.post("/watches", **scoped("imports.write", WatchOut, 201), summary="Watch a folder or mailbox")
def watch_create(request: HttpRequest, body: WatchIn) -> HttpResponse:
    """Its imports run with the rights of the token's account."""
    actor = actor_of_request(request)
    require(actor, "watch.manage")
    row = services.watch_save(actor=actor, kind=body.kind, **body.values(body.kind))
    return reply(_shown(row), 201)


@router.get("/watches/{watch_id}", **scoped("imports.read", WatchOut), summary="One watch")
def watch_read(request: HttpRequest, watch_id: Number) -> HttpResponse:
    """Its settings, and whether it looks."""
    require(actor_of_request(request), "import.view")
    return reply(_shown(_one(watch_id)))


@router.get("/watches/{watch_id}/arrivals", **scoped("imports.read", ArrivalsOut), summary="What came")
def watch_arrivals(
    request: HttpRequest, watch_id: Number, page: PageNumber = 1, size: PageSize = 100
) -> HttpResponse:
    """Files and mails that it saw, newest first."""
    require(actor_of_request(request), "import.view")
    total, rows = page_of(selectors.arrivals_of(_one(watch_id)), page, size)
    names = ("name", "state", "reason", "size", "seen_at", "ended_at")
    told = [{"id": a.pk, "import_id": a.row_id, **{n: getattr(a, n) for n in names}} for a in rows]
    return reply({"total": total, "rows": told})


@router.patch("/watches/{watch_id}", **scoped("imports.write", WatchOut), summary="Change a watch")
def watch_change(request: HttpRequest, watch_id: Number, body: WatchChangeIn) -> HttpResponse:
    """Whoever changes it takes it over: its imports run with the rights of the token's account from then on."""
    actor, row = _managed(request, watch_id)
    return reply(_shown(services.watch_save(actor=actor, row=row, **body.values(row.kind))))


@router.post("/watches/{watch_id}/pause", **scoped("imports.write", WatchOut), summary="Stop a watch")
def watch_pause(request: HttpRequest, watch_id: Number) -> HttpResponse:
    """It looks no more until it is resumed."""
    actor, row = _managed(request, watch_id)
    services.watch_switch(actor=actor, row=row, active=False)
    return reply(_shown(_one(watch_id)))


@router.post("/watches/{watch_id}/resume", **scoped("imports.write", WatchOut), summary="Resume a watch")
def watch_resume(request: HttpRequest, watch_id: Number) -> HttpResponse:
    """It looks again."""
    actor, row = _managed(request, watch_id)
    services.watch_switch(actor=actor, row=row, active=True)
    return reply(_shown(_one(watch_id)))


@router.post("/watches/{watch_id}/look", **scoped("imports.write", LookOut, 202), summary="Look now")
def watch_look(request: HttpRequest, watch_id: Number) -> HttpResponse:
    """Start one look with the rights of the token's account; while one is under way, that one is answered."""
    actor, row = _managed(request, watch_id)
    return reply({"job_id": services.watch_look(actor=actor, row=row).pk}, 202)


@router.delete("/watches/{watch_id}", **scoped("imports.write", WatchRemovedOut), summary="Remove a watch")
def watch_remove(request: HttpRequest, watch_id: Number) -> HttpResponse:
    """With its record of what came; what it imported stays."""
    actor, row = _managed(request, watch_id)
    services.watch_remove(actor=actor, row=row)
    return reply({"removed": watch_id})
