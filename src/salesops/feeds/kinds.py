"""Kinds of events that webhooks tell of: which acts of the audit ledger they are, and what is told.

A room above adds its own with :func:`add`. What is told is ids and names of things, never amounts, rows or
free text: a body may be kept by whoever receives it, and rights end at the door.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from salesops.platform.registries import Registry


@dataclass(frozen=True)
class Act:
    """One event of the audit ledger, as kinds read it.

    Attributes:
        number: its place in the ledger.
        at, by: when, and who by user name.
        action, subject, before, after: as recorded, see :mod:`salesops.platform.audit`.
    """

    number: int
    at: datetime
    by: str
    action: str
    subject: str
    before: Any
    after: Any

    @property
    def event_id(self) -> str:
        """The event's id: the same in every delivery, try and replay."""
        return f"evt_{self.number}"

    def value(self, key: str, default: Any = None) -> Any:
        """One value of what was recorded after the act."""
        return self.after.get(key, default) if isinstance(self.after, dict) else default

    def name(self) -> str:
        """What follows the colon of the subject: the thing's own id."""
        return self.subject.partition(":")[2]


@dataclass(frozen=True)
class EventKind:
    """One kind of event.

    Attributes:
        name: what receivers read as ``type``.
        title: for people.
        actions: acts of the ledger that are of this kind.
        data: what is told of one; None where this act is no such event after all.
    """

    name: str
    title: str
    actions: tuple[str, ...]
    data: Callable[[Act], dict[str, Any] | None]


event_kinds: Registry[EventKind] = Registry("event kind")


def add(kind: EventKind) -> None:
    """Make a kind known."""
    event_kinds.register(kind.name, kind)


def known() -> list[EventKind]:
    """Every kind, in the order of registration."""
    return event_kinds.entries()


def actions_of(names: list[str]) -> set[str]:
    """Acts of some kinds; of all where none is named."""
    return {action for kind in known() if not names or kind.name in names for action in kind.actions}


def told(act: Act, names: list[str]) -> tuple[str, dict[str, Any]] | None:
    """The kind of an act and what is told of it; None where no wanted kind takes it."""
    for kind in known():
        if act.action in kind.actions and (not names or kind.name in names):
            data = kind.data(act)
            if data is not None:
                return kind.name, data
    return None


# --- The house's own ------------------------------------------------------------------------------


def _import(act: Act) -> dict[str, Any]:
    tables = sorted(act.after) if isinstance(act.after, dict) else []
    return {"import": act.name(), "tables": tables, "by": act.by}


def _decision(act: Act) -> dict[str, Any]:
    kind, _, subject = act.subject.partition(":")
    day = act.value("ended_from") if act.action == "decision.end" else act.value("starts_on")
    return {"decision": kind, "subject": subject, "starts_on": day, "by": act.by}


def _action(act: Act) -> dict[str, Any]:
    became = act.action.partition(".")[2]
    data: dict[str, Any] = {
        "action": act.name(),
        "became": "added" if became == "add" else became,
        "by": act.by,
    }
    data["due_on"] = act.value("due_on")
    if became == "add":
        data |= {"owner": act.value("owner"), "deal": act.value("deal") or None}
    return data


def _meeting(act: Act) -> dict[str, Any]:
    return {
        "meeting": str(act.value("id", "")), "subject": act.subject, "data_on": act.value("data_on"), "by": act.by,
    }  # fmt: skip


def register() -> None:
    """Make the house's own kinds known."""
    add(
        EventKind("import.landed", "An import landed: there is a new facts version", ("import.run",), _import)
    )
    add(EventKind("decision.published", "A decision was put in force", ("decision.record",), _decision))
    add(EventKind("decision.ended", "A decision was ended", ("decision.end",), _decision))
    add(EventKind("action.noted", "An action was noted", ("action.add",), _action))
    moves = ("action.done", "action.dropped", "action.reopened", "action.moved")
    add(EventKind("action.changed", "An action was done, dropped, moved or opened again", moves, _action))
    add(EventKind("meeting.held", "A meeting was held", ("meeting.hold",), _meeting))
