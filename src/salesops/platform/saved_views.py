"""Saved views: a page's query string under a name, one's own or shared with everybody.

A view keeps a question, never rows: whoever picks a shared one reads his own rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from salesops.platform import audit
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import Actor
from salesops.platform.models import SavedView, User
from salesops.platform.roles import Role

MOST_A_PERSON = 200


@dataclass(frozen=True)
class View:
    """A saved view as one reader sees it.

    Attributes:
        mine: whether the reader saved it and may therefore rename, share and delete it.
        by: who saved it.
    """

    id: int
    name: str
    query: str
    shared: bool
    mine: bool
    by: str


def views_of(actor: Actor, page: str) -> list[View]:
    """The views of a page that an actor may pick: his own by name, then shared ones of others."""
    rows = _visible(actor).filter(page=page).select_related("owner").order_by("name", "pk")
    views = [_view(row, actor) for row in rows]
    return sorted(views, key=lambda view: not view.mine)


def view_of(actor: Actor, page: str, pk: int) -> View | None:
    """One view that an actor may pick; None where there is none, or it is somebody else's own."""
    row = _visible(actor).filter(page=page, pk=pk).select_related("owner").first()
    return _view(row, actor) if row else None


@transaction.atomic
def view_save(*, actor: Actor, page: str, name: str, query: str, shared: bool) -> View:
    """Keep a query string under a name; the actor's own view of that name is replaced.

    Raises:
        ValidationError: the name is empty or too long, or there are too many views.
        NotAllowedError: the actor is no account.
    """
    if actor.user_id is None or not User.objects.filter(pk=actor.user_id).exists():
        raise NotAllowedError("Only an account can keep a view.")
    name = _name(name)
    row = SavedView.objects.filter(owner_id=actor.user_id, page=page, name=name).first()
    before = _facts(row) if row else None
    if row is None:
        if SavedView.objects.filter(owner_id=actor.user_id).count() >= MOST_A_PERSON:
            raise ValidationError({"name": f"There are {MOST_A_PERSON} views already: delete one first."})
        row = SavedView(owner_id=actor.user_id, page=page, name=name, created_at=timezone.now())
    row.query, row.shared = query, shared
    row.save()
    if before != _facts(row):
        audit.record(
            actor=actor, action="view.save", subject=f"view:{page}/{row.pk}", before=before, after=_facts(row)
        )
    return _view(row, actor)


@transaction.atomic
def view_rename(*, actor: Actor, page: str, pk: int, name: str, shared: bool) -> View:
    """Give a view another name, and share it or not.

    Raises:
        LookupError: there is no such view that the actor may pick.
        NotAllowedError: it is a shared view of somebody else.
        ValidationError: the name is empty, too long or taken.
    """
    row = _own(actor, page, pk)
    name, before = _name(name), _facts(row)
    if SavedView.objects.filter(owner_id=row.owner_id, page=page, name=name).exclude(pk=pk).exists():
        raise ValidationError({"name": f"There is a view named {name} already."})
    row.name, row.shared = name, shared
    row.save(update_fields=["name", "shared"])
    if before != _facts(row):
        audit.record(
            actor=actor, action="view.rename", subject=f"view:{page}/{pk}", before=before, after=_facts(row)
        )
    return _view(row, actor)


@transaction.atomic
def view_delete(*, actor: Actor, page: str, pk: int) -> View:
    """Remove a view; an administrator may remove a shared view of anybody.

    Raises:
        LookupError: there is no such view that the actor may pick.
        NotAllowedError: it is a shared view of somebody else.
    """
    row = _own(actor, page, pk)
    view, before = _view(row, actor), _facts(row)
    row.delete()
    audit.record(actor=actor, action="view.delete", subject=f"view:{page}/{pk}", before=before)
    return view


def _visible(actor: Actor):
    return SavedView.objects.filter(Q(shared=True) | Q(owner_id=actor.user_id or 0))


def _own(actor: Actor, page: str, pk: int) -> SavedView:
    row = _visible(actor).select_for_update().filter(page=page, pk=pk).first()
    if row is None:
        raise LookupError("There is no such view.")
    if row.owner_id != actor.user_id and actor.role != Role.ADMINISTRATOR:
        raise NotAllowedError("This view was saved by somebody else: save a view of your own instead.")
    return row


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > 120:
        raise ValidationError({"name": "Give the view a name of at most 120 characters."})
    return name


def _facts(row: SavedView) -> dict[str, object]:
    return {"name": row.name, "query": row.query, "shared": row.shared}


def _view(row: SavedView, actor: Actor) -> View:
    by = row.owner.get_full_name() or row.owner.get_username()
    return View(row.pk, row.name, row.query, row.shared, row.owner_id == actor.user_id, by)
