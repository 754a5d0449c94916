"""What a piece of work reads: one state of versions and decisions for a whole request, and a note of versions.

A page asks many times which facts version is the newest, up to where decisions were recorded, and what the
firm is. Inside :func:`one_state` the first answer holds to the end, so that banner, rights and rows of one
page speak of one state, and the database is asked once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_state: ContextVar[dict[Hashable, Any] | None] = ContextVar("one_state", default=None)


@contextmanager
def one_state() -> Iterator[None]:
    """What :func:`once` reads in this block is read once. For work that only reads: what it wrote it would not see."""
    token = _state.set({})
    try:
        yield
    finally:
        _state.reset(token)


def once(key: Hashable, read: Callable[[], T]) -> T:
    """The answer of ``read``: the first one inside :func:`one_state`, a fresh one elsewhere."""
    known = _state.get()
    if known is None:
        return read()
    if key not in known:
        known[key] = read()
    found: T = known[key]
    return found


def is_one_state() -> bool:
    """Whether :func:`one_state` holds here."""
    return _state.get() is not None


_noted: ContextVar[list[str] | None] = ContextVar("facts_versions_read", default=None)


def begin() -> list[str]:
    """From here on, versions that are opened are noted in the list that is answered."""
    noted: list[str] = []
    _noted.set(noted)
    return noted


def note(version: str) -> None:
    """A version was opened."""
    noted = _noted.get()
    if noted is not None and version not in noted:
        noted.append(version)
