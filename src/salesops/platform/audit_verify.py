"""Following the audit chain from the first event to the last, and saying where it breaks.

What the chain alone can't show: events cut off at its end, and a chain computed anew by somebody
who may write to the database and knows the form. Both show against a head (the number and digest
of an event, as ``salesops audit head`` prints them) that was kept elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import transaction

from salesops.platform import audit, audit_chain
from salesops.platform.access import require
from salesops.platform.actors import Actor
from salesops.platform.models import AuditEvent

ACTION = "audit.verify"
_COLUMNS = ("id", "previous_digest", "digest", *audit_chain.FIELDS)
_BATCH = 2_000
_REMEMBERED = 1_000
"""Digests kept while walking, to tell an added event from a missing one."""
_MOVED_BY = 100
"""How far off an event's own number is looked for when its digest does not fit the number it has."""
_MOST_BREAKS = 20


@dataclass(frozen=True)
class Head:
    """The last event of the ledger: keep it elsewhere, and its end can't be cut off unseen."""

    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


@dataclass(frozen=True)
class Break:
    """One place where the chain does not hold.

    Attributes:
        event: number of the event it was noticed at.
        kind: ``changed``, ``missing``, ``inserted``, ``moved`` or ``head``.
        message: what does not agree, for people.
    """

    event: int
    kind: str
    message: str


@dataclass
class Verification:
    """What following the chain found.

    Attributes:
        events: how many events were read.
        head: the last of them, None in an empty ledger.
        broken: number of places where the chain does not hold.
        breaks: the first of those places.
    """

    events: int = 0
    head: Head | None = None
    broken: int = 0
    breaks: list[Break] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the chain holds from end to end."""
        return self.broken == 0

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "holds": self.holds}

    def add(self, event: int, kind: str, message: str) -> None:
        """Note a break."""
        self.broken += 1
        if len(self.breaks) < _MOST_BREAKS:
            self.breaks.append(Break(event, kind, message))


def head() -> Head | None:
    """The last event, None in an empty ledger."""
    last = AuditEvent.objects.order_by("-id").values_list("id", "digest").first()
    return Head(*last) if last else None


def audit_head(*, actor: Actor) -> Head | None:
    """The last event, for somebody who keeps it elsewhere.

    Raises:
        NotAllowedError: the actor may not see the ledger.
    """
    require(actor, "audit.view")
    return head()


def parse_head(text: str) -> Head:
    """A head as it was printed.

    Raises:
        ValueError: it does not read as one.
    """
    number, _, digest = text.strip().partition(":")
    if not number.isdigit() or len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        message = f"{text!r} is no head; it looks like 512:9f86d08...: what salesops audit head printed."
        raise ValueError(message)
    return Head(int(number), digest)


def verify(kept: Head | None = None) -> Verification:
    """Follow the chain. Reads the ledger in pieces; a million events need no more memory than a thousand."""
    found = Verification()
    walk = _Walk(found)
    kept_seen = False
    for row in _rows():
        walk.step(row)
        if kept is not None and row["id"] == kept.number:
            kept_seen = True
            if row["digest"] != kept.digest:
                found.add(
                    kept.number,
                    "head",
                    f"Event {kept.number} has another digest than the head that was kept: it, or an event "
                    "before it, was replaced and the chain computed anew.",
                )
    walk.end()
    if kept is not None and not kept_seen:
        last = f"the last one is {found.head.number}" if found.head else "the ledger is empty"
        found.add(
            kept.number,
            "head",
            f"Event {kept.number}, the head that was kept, is gone: {last}. Events were cut off.",
        )
    return found


def audit_verify(*, actor: Actor, kept: Head | None = None) -> Verification:
    """Follow the chain and record in the ledger what came of it.

    Raises:
        NotAllowedError: the actor may not see the ledger.
    """
    require(actor, "audit.view")
    found = verify(kept)
    with transaction.atomic():
        after = {**found.document(), "kept_head": str(kept) if kept else None}
        audit.record(actor=actor, action=ACTION, subject="audit", after=after)
    return found


def last_verification() -> AuditEvent | None:
    """The event of the last verification, None if there was none."""
    return AuditEvent.objects.filter(action=ACTION).order_by("-id").first()


def _rows() -> Iterator[dict[str, Any]]:
    """Every event in the order of its number, fetched in pieces."""
    last: int | None = None
    while True:
        rows = AuditEvent.objects.order_by("id")
        if last is not None:
            rows = rows.filter(id__gt=last)
        piece = list(rows.values(*_COLUMNS)[:_BATCH])
        yield from piece
        if len(piece) < _BATCH:
            return
        last = piece[-1]["id"]


class _Walk:
    """One walk along the chain, an event behind: what an event is shows from the one after it."""

    def __init__(self, found: Verification) -> None:
        self.found = found
        self.before: tuple[int, str] | None = None
        """Number and digest of the last event that the chain went through."""
        self.moved = False
        """Whether the event before was out of its place, so that the next one need not follow it."""
        self.doubtful: dict[str, Any] | None = None
        """An event whose digest does not fit its fields, until the next one tells what it is."""
        self.recent: deque[tuple[int, str]] = deque(maxlen=_REMEMBERED)

    def step(self, row: dict[str, Any]) -> None:
        """The next event."""
        self.found.events += 1
        self.found.head = Head(row["id"], row["digest"])
        self._settle(row)
        if audit_chain.digest(row["id"], row, row["previous_digest"]) == row["digest"]:
            self._link(row)
        elif (own := _own_number(row)) is not None:
            self.found.add(
                row["id"],
                "moved",
                f"Event {row['id']} holds what was recorded as event {own}: events were swapped.",
            )
            self._pass(row)
            self.moved = True
        else:
            self.doubtful = row

    def end(self) -> None:
        """No event is left."""
        self._settle(None)

    def _link(self, row: dict[str, Any]) -> None:
        expected = self.before[1] if self.before else ""
        known = self.moved and any(digest == row["previous_digest"] for _, digest in self.recent)
        if row["previous_digest"] != expected and not known:
            self.found.add(row["id"], *self._why(row))
        self._pass(row)
        self.moved = False

    def _why(self, row: dict[str, Any]) -> tuple[str, str]:
        number, previous = row["id"], row["previous_digest"]
        earlier = next((n for n, digest in reversed(self.recent) if digest == previous), None)
        if earlier is not None or not previous:
            after = f"event {earlier}" if earlier is not None else "nothing"
            return (
                "inserted",
                f"Event {number} was recorded right after {after}: what stands between was inserted.",
            )
        where = f"between events {self.before[0]} and {number}" if self.before else f"before event {number}"
        what = f"event {number} follows an event that is not there"
        return "missing", f"Something is missing or was rewritten {where}: {what}."

    def _settle(self, following: dict[str, Any] | None) -> None:
        """Say what a doubtful event is, now that the one after it is known."""
        row, self.doubtful = self.doubtful, None
        if row is None:
            return
        number = row["id"]
        expected = self.before[1] if self.before else ""
        skipped = following is not None and following["previous_digest"] == expected
        if not row["digest"] or (skipped and row["digest"] != expected):
            self.found.add(
                number, "inserted", f"Event {number} is not part of the chain: it was inserted past salesops."
            )
            return
        self.found.add(
            number,
            "changed",
            f"Event {number} does not agree with its own digest: one of its fields was changed.",
        )
        self._pass(row)

    def _pass(self, row: dict[str, Any]) -> None:
        self.before = (row["id"], row["digest"])
        self.recent.append(self.before)


def _own_number(row: dict[str, Any]) -> int | None:
    """The number under which the event's digest does fit it, near the one it has."""
    for number in range(max(row["id"] - _MOVED_BY, 1), row["id"] + _MOVED_BY + 1):
        if audit_chain.digest(number, row, row["previous_digest"]) == row["digest"]:
            return number
    return None
