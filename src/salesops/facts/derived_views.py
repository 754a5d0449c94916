"""The views behind derived relations: defined once in the engine, held while sessions read them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ibis.expr.schema as sch
import ibis.expr.types as ir
import pyarrow as pa

from salesops.facts.backends import Engine, Session
from salesops.facts.copies import Copies, Kind

KEPT = 48
"""Derived relations kept while nobody reads them."""

Build = Callable[[Callable[[str, pa.Table], ir.Table]], ir.Table]
"""Given ``constant``, which makes a small Arrow table readable, gives the expression."""

Held = Callable[[], Sequence[str]]
"""Names of the views that the reader at hand has opened."""


@dataclass
class View:
    """One derived relation: its schema, what it is made of, and how many sessions hold it."""

    schema: sch.Schema
    constants: tuple[str, ...]
    bases: tuple[str, ...] = ()
    users: int = 0


class DerivedViews:
    """The derived relations of one engine, defined when first asked for, dropped when long unused."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._views: dict[str, View] = {}
        self._copies = Copies()

    def use(self, engine: Engine, session: Session, name: str, build: Build, hold: Held) -> ir.Table:
        """The relation of that name, held for the caller until :meth:`release`.

        ``hold`` keeps the views that the expression reads, for as long as the relation is there.
        """
        with self._lock:
            view = self._views.pop(name, None)
            if view is None:
                view = _define(engine, session, name, build)
                view.bases = tuple(hold())
            view.users += 1
            self._views[name] = view  # at the end: the most recently used
            return self._read(session, name)

    def copy(
        self,
        engine: Engine,
        session: Session,
        name: str,
        kind: Kind,
        release: Callable[[str], None],
        wait: float,
    ) -> ir.Table:
        """A relation that the caller holds, read from its native copy once that is made in the background.

        ``release`` is called with the name when the copy is made: the relation was held until then.
        Whoever asks waits for it, until so many seconds after it was first asked for: all of them together would
        compute far longer on the view than one copy takes.
        """

        def hold() -> Callable[[], None]:
            self._views[name].users += 1
            return lambda: release(name)

        with self._lock:
            copy = self._copies.ask(engine, name, kind, hold)
        if wait:
            copy.ended.wait(max(copy.asked_at + wait - time.monotonic(), 0.0))
        with self._lock:
            return self._read(session, name)

    def _read(self, session: Session, name: str) -> ir.Table:
        schema = self._views[name].schema
        return session.copy(name, schema) if self._copies.is_ready(name) else session.relation(name, schema)

    def release(self, engine: Engine | None, name: str) -> list[str]:
        """One reader less; relations nobody holds are dropped, oldest first, beyond a number.

        Returns:
            Views that the dropped ones were made of: the caller lets go of them.
        """
        freed: list[str] = []
        with self._lock:
            if name in self._views:
                self._views[name].users -= 1
            for old in self._copies.surplus(self._in_use):
                if engine is not None:
                    engine.drop_copy(old)
            idle = [n for n, view in self._views.items() if view.users <= 0]
            for old in idle[: max(0, len(self._views) - KEPT)]:
                view = self._views.pop(old)
                freed += view.bases
                if engine is not None:
                    if self._copies.forget(old):
                        engine.drop_copy(old)
                    engine.drop(old)
                    for constant in view.constants:
                        engine.discard(constant)
        return freed

    def copied(self) -> list[str]:
        """Relations that are read from native copies, oldest first."""
        return self._copies.names()

    def _in_use(self, name: str) -> bool:
        return name in self._views and self._views[name].users > 0

    def clear(self) -> None:
        """Forget all, before the engine is closed."""
        self._copies.close()
        with self._lock:
            self._views.clear()


def _define(engine: Engine, session: Session, name: str, build: Build) -> View:
    constants: list[str] = []

    def constant(label: str, rows: pa.Table) -> ir.Table:
        own = f"{label} of {name}"
        engine.store(own, rows)
        constants.append(own)
        return session.relation(own, sch.Schema.from_pyarrow(rows.schema))

    expr = build(constant)
    engine.define(name, session.compile(expr))
    return View(expr.schema(), tuple(constants))
