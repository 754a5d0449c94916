"""Meetings held and action items, as far as a reader may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import OuterRef, Q, QuerySet, Subquery

from salesops.facts.scope import Scope
from salesops.meetings.models import ActionEvent, ActionItem, CoachingNote, EventKind, Meeting
from salesops.org.engine.hierarchy import Person, chain
from salesops.platform.access import may, real_id
from salesops.platform.actors import Actor
from salesops.platform.roles import Role

MOST = 200
"""Settled action items of one page at most; what is open is never cut."""


@dataclass(frozen=True)
class Held:
    """A meeting that was held: when, and at which date of the data."""

    id: int
    held_at: datetime
    data_on: date
    author: str


@dataclass(frozen=True)
class Item:
    """An action item as it stands.

    Attributes:
        state: ``open``, ``done`` or ``dropped``.
        due_on: as last moved.
        first_due_on: as agreed at first.
        moved: how often the day was moved.
        settled_at: when it was done or dropped, None while it is open.
        note: said with the latest event.
    """

    id: int
    subject: str
    text: str
    owner_id: str
    owner_name: str
    deal_id: str
    due_on: date
    first_due_on: date
    state: str
    moved: int
    created_at: datetime
    author: str
    author_id: int | None
    settled_at: datetime | None = None
    note: str = ""

    def late(self, today: date) -> bool:
        """Whether it is open past its day."""
        return self.state == "open" and self.due_on < today


def meetings_of(subject: str, most: int = 20, *, known_at: datetime | None = None) -> list[Held]:
    """Meetings of a subject, newest first, as far as they had been held by an instant."""
    rows = Meeting.objects.filter(subject=subject)
    if known_at is not None:
        rows = rows.filter(held_at__lte=known_at)
    return [Held(r.pk, r.held_at, r.data_on, r.author_name) for r in rows.order_by("-id")[:most]]


def visible_to(actor: Actor, scope: Scope) -> Q:
    """Action items a reader may see: of owners whose records are his to see, and his own words.

    An item of somebody who is no person of the data (``owner_id`` is empty) is seen by its author and by
    readers of every owner's records.
    """
    if scope.everything or scope.any_owner:
        return Q()
    mine = Q(owner_id__in=sorted(scope.owner_ids)) & ~Q(owner_id="")
    return mine | Q(created_by_id=actor.user_id) if actor.user_id is not None else mine


def items(
    actor: Actor,
    scope: Scope,
    *,
    owners: Sequence[str] | None = None,
    subject: str | None = None,
    known_at: datetime | None = None,
    settled: int | None = MOST,
) -> list[Item]:
    """Action items a reader may see, newest first, each as it stood.

    Args:
        actor, scope: who reads, and which rows are his.
        owners: only items of these persons.
        subject: only items agreed in these meetings.
        known_at: as they stood at an instant; None for now.
        settled: how many done and dropped ones at most, the newest; None for all.
    """
    rows = ActionItem.objects.filter(visible_to(actor, scope))
    if owners is not None and subject is not None:
        rows = rows.filter(Q(owner_id__in=list(owners)) | Q(subject=subject))
    elif owners is not None:
        rows = rows.filter(owner_id__in=list(owners))
    elif subject is not None:
        rows = rows.filter(subject=subject)
    events = ActionEvent.objects.filter(item=OuterRef("pk")).exclude(kind=EventKind.MOVED)
    if known_at is not None:
        rows, events = rows.filter(created_at__lte=known_at), events.filter(at__lte=known_at)
    rows = rows.annotate(became=Subquery(events.order_by("-id").values("kind")[:1])).order_by("-id")
    still_open = Q(became=None) | Q(became=EventKind.REOPENED)
    closed = _with_events(rows.exclude(still_open))
    found = [*_with_events(rows.filter(still_open)), *(closed if settled is None else closed[:settled])]
    return [_item(row, known_at) for row in sorted(found, key=lambda row: -row.pk)]


def item(actor: Actor, scope: Scope, item_id: int) -> Item | None:
    """One action item, None where there is none that the reader may see."""
    row = _with_events(ActionItem.objects.filter(visible_to(actor, scope), pk=item_id)).first()
    return None if row is None else _item(row, None)


NOTE = "note.write"
MOST_NOTES = 100
"""Notes of one person that are shown, the newest."""


@dataclass(frozen=True)
class Note:
    """A note of coaching, as one reader sees it."""

    id: int
    text: str
    shared: bool
    created_at: datetime
    author: str


def own_person(actor: Actor) -> str:
    """The person an account stands for, by the id the data knows; "" for none."""
    return real_id(actor.person_id) if actor.person_id else ""


def coaches(actor: Actor, people: Mapping[str, Person], person_id: str) -> bool:
    """Whether an actor reads and writes shared notes about a person: it is himself, or he manages them.

    Args:
        actor: who reads or writes.
        people: the hierarchy of today; what else the actor's role lets him see makes nobody a manager.
        person_id: whom the notes are about.
    """
    own = own_person(actor)
    if not person_id or not own or not may(actor, NOTE):
        return False
    return own == person_id or (actor.role == Role.SALES_MANAGER and own in chain(people, person_id))


def notes(
    actor: Actor,
    people: Mapping[str, Person],
    person_id: str,
    *,
    known_at: datetime | None = None,
    most: int | None = MOST_NOTES,
) -> list[Note]:
    """Notes about a person, newest first: shared ones for the person and their managers, own ones for their author."""
    mine = Q(created_by_id=actor.user_id) if actor.user_id is not None else Q(pk__in=[])
    rows = CoachingNote.objects.filter(person_id=person_id)
    rows = rows.filter(mine | Q(shared=True) if coaches(actor, people, person_id) else mine)
    if known_at is not None:
        rows = rows.filter(created_at__lte=known_at)
    return [
        Note(row.pk, row.text, row.shared, row.created_at, row.author_name)
        for row in rows.order_by("-id")[:most]
    ]


def _with_events(rows: QuerySet[ActionItem]) -> QuerySet[ActionItem]:
    return rows.prefetch_related("events")


def _item(row: ActionItem, known_at: datetime | None) -> Item:
    state, due, moved, settled, note = "open", row.due_on, 0, None, ""
    for event in row.events.all():
        if known_at is not None and event.at > known_at:
            break
        note = event.note
        if event.kind == EventKind.MOVED:
            due, moved = event.due_on or due, moved + 1
        elif event.kind == EventKind.REOPENED:
            state, settled = "open", None
        else:
            state, settled = event.kind, event.at
    return Item(
        id=row.pk,
        subject=row.subject,
        text=row.text,
        owner_id=row.owner_id,
        owner_name=row.owner_name,
        deal_id=row.deal_id,
        due_on=due,
        first_due_on=row.due_on,
        state=state,
        moved=moved,
        created_at=row.created_at,
        author=row.author_name,
        author_id=row.created_by_id,
        settled_at=settled,
        note=note,
    )
