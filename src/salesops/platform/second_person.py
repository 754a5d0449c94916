"""Decisions that take two people: one records it, another puts it in force.

Which kinds do stands in the environment (``SALESOPS_SECOND_PERSON``), out of the reach of those who decide.
What one person records waits as a draft; a second one, who may decide that kind too, publishes it. The local
administrator of the command line is nobody in particular: what was recorded there needs an account.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError

from salesops.platform.actors import Actor
from salesops.platform.registries import decision_kinds

if TYPE_CHECKING:
    from salesops.platform.decisions import DatedDecision

ALL = "all"
"""Stands for every kind that asks for a reason: those touch money, locks or permissions."""

_waiting: ContextVar[list[str] | None] = ContextVar("waiting_for_a_second_person", default=None)


def needed(model: type[DatedDecision]) -> bool:
    """Whether decisions of this kind take two people."""
    kinds = settings.SECOND_PERSON
    return model.KIND in kinds or (ALL in kinds and model.NEEDS_REASON)


def check_settings() -> None:
    """Refuse to start with a kind that there is not: a typing mistake must not lift the rule.

    Raises:
        ImproperlyConfigured: one is unknown; the message lists those there are.
    """
    known = {key for key, _ in decision_kinds.items()}
    unknown = sorted(set(settings.SECOND_PERSON) - known - {ALL})
    if unknown:
        raise ImproperlyConfigured(
            f"SALESOPS_SECOND_PERSON names no kind of decision: {', '.join(unknown)}. "
            f"There are: {ALL}, {', '.join(sorted(known))}."
        )


def require_another(row: DatedDecision, actor: Actor) -> None:
    """Refuse whoever recorded a draft himself, where its kind takes two people.

    Raises:
        ValidationError: the actor is its author, or has no account.
    """
    if not needed(type(row)):
        return
    if actor.user_id is None:
        raise ValidationError("A second person puts this in force: somebody with an account of their own.")
    if actor.user_id == row.author_user_id:
        raise ValidationError("You recorded this yourself: a second person has to put it in force.")


def note(row: DatedDecision) -> None:
    """Tell whoever listens that a decision waits."""
    found = _waiting.get()
    if found is not None:
        found.append(f"{row.KIND}:{row.subject}")


@contextmanager
def noted() -> Iterator[list[str]]:
    """The decisions recorded in this block that wait for a second person."""
    found: list[str] = []
    token = _waiting.set(found)
    try:
        yield found
    finally:
        _waiting.reset(token)


def words(count: int) -> str:
    """What to tell whoever recorded them."""
    if count == 1:
        return "The decision waits for a second person and is not in force yet: see Settings, Decisions."
    return f"{count} decisions wait for a second person and are not in force yet: see Settings, Decisions."
