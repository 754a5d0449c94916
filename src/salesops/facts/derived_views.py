"""The views behind derived relations: defined once in the engine, held while sessions read them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import ibis.expr.schema as sch
import ibis.expr.types as ir
import pyarrow as pa

from salesops.facts.backends import Engine, Session

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
            return session.relation(name, view.schema)

    def release(self, engine: Engine | None, name: str) -> list[str]:
        """One reader less; relations nobody holds are dropped, oldest first, beyond a number.

        Returns:
            Views that the dropped ones were made of: the caller lets go of them.
        """
        freed: list[str] = []
        with self._lock:
            if name in self._views:
                self._views[name].users -= 1
            idle = [n for n, view in self._views.items() if view.users <= 0]
            for old in idle[: max(0, len(self._views) - KEPT)]:
                view = self._views.pop(old)
                freed += view.bases
                if engine is not None:
                    engine.drop(old)
                    for constant in view.constants:
                        engine.discard(constant)
        return freed

    def clear(self) -> None:
        """Forget all: the engine was closed."""
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
