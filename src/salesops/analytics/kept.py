"""Plain answers kept while what they rest on stays the same: facts version, day, decisions, reader's rows.

An answer is found again only under the same state and the same question, so a new import or decision
shows at once, and two readers share one only where they may see exactly the same rows and columns.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any, TypeVar

from salesops.core.lately import Lately
from salesops.facts.scope import Scope
from salesops.platform.store import fact_store
from salesops.process.inputs import Frames

KEPT = 30_000
"""Answers kept; each is a few figures or a page of rows, never a table: some kilobytes. Home takes a dozen a reader:
where a thousand people come round in turn, fewer would be forgotten before they come again."""

T = TypeVar("T")
_known: Lately[Hashable, Any] = Lately(KEPT)


def state_key(frames: Frames) -> tuple[Hashable, ...]:
    """What a reader's frames depend on: store, engine, facts version, instant, rows he may see, decisions.

    Two readers share a key only where they may see exactly the same rows.
    """
    return (*_place(frames), frames.scope, frames.mark)


def records_key(frames: Frames) -> tuple[Hashable, ...]:
    """As :func:`state_key` for what is made of records alone, whatever decisions say beside them (quotas, targets).

    Only where every input is a frame of facts under the reader's scope: what reads a decision of a kind with
    ``SHAPES_RECORDS = False`` in any way belongs under :func:`state_key`.
    """
    return ("records", *_place(frames), frames.scope, frames.records_mark)


def of_everybody(frames: Frames) -> Frames:
    """The frames of everybody, for keys of what is true of the firm, whoever asks."""
    return replace(frames, scope=Scope.all())


def _place(frames: Frames) -> tuple[Hashable, ...]:
    manifest = frames.facts.manifest
    return (
        str(fact_store().address),
        frames.facts.where,
        (manifest.id, manifest.recorded_at) if manifest else "",
        frames.facts.as_of,
        frames.as_of,
        frames.known_at,
    )


def forget() -> None:
    """Forget every answer: for measuring, and tests that begin anew."""
    _known.clear()


def recall(key: Hashable) -> Any:
    """What was kept under a key, or None."""
    return _known.get(key, None)


def keep(key: Hashable, value: T) -> T:
    """Keep a plain value under a key; the least used go first."""
    _known.keep(key, value)
    return value


def remembered(key: Hashable, make: Callable[[], T]) -> T:
    """What was kept under a key, else what ``make`` gives, kept.

    Of several readers who ask at once one makes it and the others wait. The value is shared: nobody
    may change it.
    """
    found: T = _known.made(key, make)
    return found
