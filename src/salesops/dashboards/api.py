"""REST: dashboards, their figures, and making them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from salesops.dashboards import selectors, services
from salesops.dashboards.contents import Computed, Content, computed
from salesops.dashboards.selectors import Seen
from salesops.dashboards.tiles import Cell
from salesops.org import known as known_at
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

router = Router(tags=["dashboards"])
Name = Annotated[str, Field(min_length=1, max_length=120)]
Words = Annotated[str, Field(max_length=1_000)]
Address = Annotated[
    str, Field(max_length=8_000, description="period=2026-Q3&team=region:West&filter=amount:ge:5000")
]
Roles = Annotated[list[str], Field(max_length=20)]
Tiles = Annotated[list[dict[str, Any]], Field(max_length=24, description="see docs: Make a dashboard")]


class DashboardOut(Schema):
    """A dashboard as it is defined. A ready one has the id 0 and a name in ``ready``."""

    id: int
    ready: str
    version: int
    name: str
    description: str
    owner: str
    mine: bool
    roles: list[str]
    question: str
    tiles: list[dict[str, Any]]
    changed_at: datetime | None
    changed_by: str


class DashboardsOut(Schema):
    """One page of dashboards."""

    total: int
    rows: list[DashboardOut]


class CellOut(Schema):
    """One value: exact, in words, and the address of the rows behind it; null with a reason."""

    value: Any
    text: str
    href: str
    reason: str


class ColumnOut(Schema):
    """The head of a column."""

    title: str
    kind: str
    currency: str


class TileOut(Schema):
    """One tile with its figures."""

    key: str
    kind: str
    title: str
    width: int
    sentence: str
    subtitle: str
    problem: str
    columns: list[ColumnOut]
    rows: list[list[CellOut]]
    totals: list[CellOut]
    total: int
    parts: list[CellOut]
    notes: list[str]


class FiguresOut(Schema):
    """A dashboard with its figures over the caller's rows."""

    dashboard: DashboardOut
    question: str
    scope: str
    data_on: Any
    as_of: Any
    facts_version: str
    currency: str
    notes: list[str]
    tiles: list[TileOut]


class DashboardIn(Body):
    """A dashboard to make."""

    name: Name
    description: Words = ""
    roles: Roles = []
    question: Address = ""
    tiles: Tiles = []


class DashboardChange(Body):
    """What of a dashboard changes; ``version`` is the version that the change was made on."""

    version: int | None = None
    name: Name | None = None
    description: Words | None = None
    roles: Roles | None = None
    question: Address | None = None
    tiles: Tiles | None = None


@router.get("/dashboards", **scoped("dashboards.read", DashboardsOut), summary="Dashboards")
def dashboard_list(
    request: HttpRequest, ready: bool = False, page: PageNumber = 1, size: PageSize = 100
) -> HttpResponse:
    """The caller's own, then those shared with the caller's role; with ``ready`` those to start from."""
    everything = selectors.ready_ones() if ready else selectors.dashboards_of(actor_of_request(request))
    total, rows = page_of(everything, page, size)
    return reply({"total": total, "rows": [_out(one) for one in rows]})


@router.post("/dashboards", **scoped("dashboards.write", DashboardOut, 201), summary="Make a dashboard")
def dashboard_make(request: HttpRequest, body: DashboardIn) -> HttpResponse:
    """It belongs to the caller."""
    made = services.dashboard_make(actor=actor_of_request(request), **body.dict())
    return reply(_out(made), 201)


@router.get(
    "/dashboards/ready/{ready_name}", **scoped("dashboards.read", FiguresOut), summary="A ready dashboard"
)
def dashboard_ready(
    request: HttpRequest,
    ready_name: str,
    question: Annotated[
        str, Query(max_length=8_000, description="as of GET /dashboards/{dashboard_id}")
    ] = "",
) -> HttpResponse:
    """The figures of a dashboard to start from, over the caller's rows."""
    seen = found(selectors.ready_one(ready_name), "dashboard")
    return reply(_figures(computed(actor_of_request(request), seen, question)))


@router.get(
    "/dashboards/{dashboard_id}", **scoped("dashboards.read", FiguresOut), summary="A dashboard's figures"
)
def dashboard_get(
    request: HttpRequest,
    dashboard_id: Number,
    period: str | None = None,
    team: str | None = None,
    filter_: Annotated[
        list[str] | None, Query(alias="filter", description="column:operator:value; may be repeated")
    ] = None,
    as_of: str = "",
    known_at_: Annotated[str, Query(alias="known_at", max_length=64)] = "",
) -> HttpResponse:
    """Every tile with its exact values, over the caller's rows; what is not asked is as the dashboard says."""
    actor = actor_of_request(request)
    seen = found(selectors.dashboard_of(actor, dashboard_id), "dashboard")
    pairs = [(name, value) for name, value in (("period", period), ("team", team)) if value is not None]
    pairs += [("filter", text) for text in filter_ or ()]
    pairs += [(name, text) for name, text in (("as_of", as_of), (known_at.PARAMETER, known_at_)) if text]
    return reply(_figures(computed(actor, seen, urlencode(pairs))))


@router.patch(
    "/dashboards/{dashboard_id}", **scoped("dashboards.write", DashboardOut), summary="Change a dashboard"
)
def dashboard_patch(request: HttpRequest, dashboard_id: Number, body: DashboardChange) -> HttpResponse:
    """A new version with what is given; the rest stays. Only its owner may."""
    changes = {name: value for name, value in body.dict(exclude_unset=True).items() if value is not None}
    version = changes.pop("version", None)
    changed = services.dashboard_change(
        actor=actor_of_request(request), pk=dashboard_id, version=version, note="Changed by REST", **changes
    )
    return reply(_out(changed))


@router.delete(
    "/dashboards/{dashboard_id}", **scoped("dashboards.write", DashboardOut), summary="Remove a dashboard"
)
def dashboard_delete(request: HttpRequest, dashboard_id: Number) -> HttpResponse:
    """Its owner may, and an administrator one that is shared. Its versions stay on record."""
    return reply(_out(services.dashboard_remove(actor=actor_of_request(request), pk=dashboard_id)))


def _out(one: Seen) -> dict[str, Any]:
    return {
        "id": one.id,
        "ready": one.ready,
        "version": one.version,
        "name": one.name,
        "description": one.description,
        "owner": one.owner_name,
        "mine": one.mine,
        "roles": list(one.roles),
        "question": one.question,
        "tiles": [tile.plain() for tile in one.tiles],
        "changed_at": one.changed_at,
        "changed_by": one.changed_by,
    }


def _figures(shown: Computed) -> dict[str, Any]:
    return {
        "dashboard": _out(shown.dashboard),
        "question": shown.question,
        "scope": shown.scope,
        "data_on": shown.data_on,
        "as_of": shown.as_of,
        "facts_version": shown.manifest_id,
        "currency": shown.currency,
        "notes": list(shown.notes),
        "tiles": [_tile(tile) for tile in shown.tiles],
    }


def _tile(tile: Content) -> dict[str, Any]:
    return {
        "key": tile.key,
        "kind": tile.kind,
        "title": tile.title,
        "width": tile.width,
        "sentence": tile.sentence,
        "subtitle": tile.subtitle,
        "problem": tile.problem,
        "columns": [{"title": c.title, "kind": c.kind, "currency": c.currency} for c in tile.columns],
        "rows": [[_cell(cell) for cell in row] for row in tile.rows],
        "totals": [_cell(cell) for cell in tile.totals],
        "total": tile.total,
        "parts": [_cell(cell) for cell in tile.parts],
        "notes": list(tile.notes),
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {"value": cell.value, "text": cell.text, "href": cell.href, "reason": cell.reason}
