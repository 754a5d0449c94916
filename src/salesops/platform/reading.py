"""Which facts versions a piece of work has read: noted as they are opened, for what records a result."""

from __future__ import annotations

from contextvars import ContextVar

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
