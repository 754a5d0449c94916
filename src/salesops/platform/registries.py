"""What lower rooms call and higher domains fill at start-up (in their ``AppConfig.ready``).

Each registry refuses a second entry under a key, so that two domains can't quietly shadow
each other, and is closed for reading only: nobody removes from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Named entries, each registered once."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._entries: dict[str, T] = {}

    def register(self, key: str, entry: T) -> T:
        """Add an entry.

        Raises:
            ValueError: the key is taken by a different entry.
        """
        if key in self._entries and self._entries[key] is not entry:
            message = f"{self.what} {key!r} is registered twice"
            raise ValueError(message)
        self._entries[key] = entry
        return entry

    def get(self, key: str) -> T:
        """The entry under a key.

        Raises:
            KeyError: nothing is registered there; the message lists what is.
        """
        try:
            return self._entries[key]
        except KeyError:
            known = ", ".join(sorted(self._entries)) or "none"
            message = f"no {self.what} named {key!r}; known: {known}"
            raise KeyError(message) from None

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def entries(self) -> list[T]:
        """Entries in the order they were registered."""
        return list(self._entries.values())

    def items(self) -> list[tuple[str, T]]:
        """Entries in the order they were registered."""
        return list(self._entries.items())


RowScopeProvider = Callable[[str, date], frozenset[str]]
"""``(person_id, as_of) -> ids of the users whose records that person may see``, himself left out."""

ScopeRule = Callable[[Any, date, Any], Any]
"""``(actor, as_of, scope) -> scope``: what the firm decided about who sees what, laid on the scope so far."""

kpi_definitions: Registry[Any] = Registry("KPI")
row_scope_providers: Registry[RowScopeProvider] = Registry("row-scope provider")
scope_rules: Registry[ScopeRule] = Registry("scope rule")
frame_providers: Registry[Callable[..., Any]] = Registry("frame provider")
row_checks: Registry[Callable[..., Any]] = Registry("row check")
approval_policies: Registry[Any] = Registry("approval policy")
decision_kinds: Registry[Any] = Registry("decision kind")
import_summaries: Registry[Callable[[Any], Any]] = Registry("import summary")
warm_ups: Registry[Callable[[Any], None]] = Registry("warm-up")
"""``(actor)``: asks ahead what many will ask first of a new facts version, before readers are given it."""
after_imports: Registry[Callable[[], None]] = Registry("after an import")
"""Called once an import has landed: what waits for new data asks for jobs of its own."""
job_kinds: Registry[Callable[..., Any]] = Registry("job kind")
chores: Registry[Callable[[], None]] = Registry("chore")
"""Looked after by a worker every few seconds, beside its jobs: each says at once whether there is a job to ask for."""
