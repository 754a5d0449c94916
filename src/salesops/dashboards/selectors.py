"""Dashboards as far as a reader may see them: his own, and those shared with his role."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery

from salesops.dashboards.engine import ready
from salesops.dashboards.engine.definition import Tile, tiles_of
from salesops.dashboards.models import DashboardVersion
from salesops.platform.actors import Actor


@dataclass(frozen=True)
class Seen:
    """One version of a dashboard, as one reader sees it.

    Attributes:
        id: of the dashboard; 0 of a ready one, which nobody owns.
        version: number of the version.
        name, description: for people.
        owner_name: whose it is.
        roles: roles it is shared with.
        question: period, team and filters, as an address without ``?``.
        tiles: in order.
        mine: whether the reader may change it.
        changed_at, changed_by: when and by whom the version was made; None and "" of a ready one.
        note: what was changed with it.
        ready: name of a ready one, else "".
    """

    id: int
    version: int
    name: str
    description: str
    owner_name: str
    roles: tuple[str, ...]
    question: str
    tiles: tuple[Tile, ...]
    mine: bool
    changed_at: datetime | None = None
    changed_by: str = ""
    note: str = ""
    ready: str = ""

    def tile(self, key: str) -> Tile | None:
        """The tile of a key, or None."""
        return next((one for one in self.tiles if one.key == key), None)


def dashboards_of(actor: Actor) -> list[Seen]:
    """Dashboards that an actor may see: his own by name, then those shared with his role."""
    rows = _latest().filter(removed=False).filter(_visible(actor))
    found = [_seen(row, actor) for row in rows.select_related("dashboard")]
    return sorted(found, key=lambda one: (not one.mine, one.name.casefold(), one.id))


def dashboard_of(actor: Actor, pk: int) -> Seen | None:
    """One dashboard that an actor may see; None where there is none, or it is somebody else's own."""
    row = _latest().filter(removed=False, dashboard_id=pk).filter(_visible(actor)).first()
    return _seen(row, actor) if row else None


def versions_of(actor: Actor, pk: int, most: int | None = None) -> list[Seen]:
    """Versions of a dashboard that an actor may see, the newest first; empty where he may not."""
    return [_seen(row, actor) for row in _versions(actor, pk).order_by("-number")[:most]]


def version_of(actor: Actor, pk: int, number: int) -> Seen | None:
    """One version of a dashboard that an actor may see, or None."""
    row = _versions(actor, pk).filter(number=number).first()
    return _seen(row, actor) if row else None


def _versions(actor: Actor, pk: int) -> QuerySet[DashboardVersion]:
    """Versions of a dashboard; who reads what is shared sees them only as far back as it was shared with him."""
    rows = DashboardVersion.objects.filter(dashboard_id=pk, removed=False).filter(_visible(actor))
    return rows.select_related("dashboard") if dashboard_of(actor, pk) is not None else rows.none()


def owned(actor: Actor) -> int:
    """How many dashboards are an actor's own."""
    if actor.user_id is None:
        return 0
    return _latest().filter(removed=False, dashboard__owner_id=actor.user_id).count()


def every() -> list[Seen]:
    """All dashboards, for whoever keeps the machine: to check them, never to show them to an account."""
    nobody = Actor("", "")
    rows = _latest().filter(removed=False).select_related("dashboard").order_by("dashboard_id")
    return [_seen(row, nobody) for row in rows]


def ready_ones() -> list[Seen]:
    """Dashboards to start from, which everybody sees."""
    return [_ready(one) for one in ready.READY]


def ready_one(name: str) -> Seen | None:
    """A dashboard to start from, by name."""
    return next((one for one in ready_ones() if one.ready == name), None)


def _ready(one: ready.Ready) -> Seen:
    return Seen(
        id=0,
        version=0,
        name=one.title,
        description=one.description,
        owner_name="",
        roles=(),
        question=one.question,
        tiles=one.tiles,
        mine=False,
        ready=one.name,
    )


def _latest() -> QuerySet[DashboardVersion]:
    newest = DashboardVersion.objects.filter(dashboard=OuterRef("dashboard")).order_by("-number")
    return DashboardVersion.objects.filter(pk=Subquery(newest.values("pk")[:1])).select_related("dashboard")


def _visible(actor: Actor) -> Q:
    """Of accounts alone: the local administrator owns none, and no role is shared with that account."""
    shared = Q(roles__contains=f",{actor.role},")
    return shared if actor.user_id is None else shared | Q(dashboard__owner_id=actor.user_id)


def roles_text(roles: Iterable[str]) -> str:
    """Roles as a version keeps them."""
    found = sorted(set(roles))
    return f",{','.join(found)}," if found else ""


def _seen(row: DashboardVersion, actor: Actor) -> Seen:
    return Seen(
        id=row.dashboard_id,
        version=row.number,
        name=row.name,
        description=row.description,
        owner_name=row.dashboard.owner_name,
        roles=tuple(role for role in row.roles.split(",") if role),
        question=row.question,
        tiles=tiles_of(row.tiles),
        mine=actor.user_id is not None and row.dashboard.owner_id == actor.user_id,
        changed_at=row.at,
        changed_by=row.author_name,
        note=row.note,
    )
