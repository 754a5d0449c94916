"""A reader's rows of a derived relation as a relation of their own: guarded once, read by a short query.

Row security around a derived relation is an expression that every question of a reader carries: it was
compiled again and again, and where few rows are his, a million were looked at to find them. Here it is
defined once a scope as a view; where the relation is read from a native copy and few of its rows pass,
these are copied too. What passes is decided by the expression alone, which ``facts.derived`` gives.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import ibis.expr.schema as sch
import ibis.expr.types as ir

from salesops.facts.backends import Engine, Session
from salesops.facts.errors import FactsError

KEPT = 2_000
"""Guarded relations kept while nobody reads them; a view costs next to nothing, and more than so many people
seldom come. To make one anew at each page takes four times the processor that the page does."""

FEW = 50_000
"""Rows up to which a reader's own are copied: looking through more of them is not much faster than through all."""

ROWS_KEPT = 2_000_000
"""Rows of all such copies together; beyond it those longest unused go, and what they are of is read from the whole."""


@dataclass
class Guard:
    """One guarded relation.

    Attributes:
        schema: its columns.
        tables: fact tables that its expression reads beside the relation: whoever reads it holds their views.
        lists: lists of ids that it joins to, held likewise.
        users: sessions that hold it.
        rows: rows of its native copy; None where there is none.
        asked: whether a copy was thought of already.
    """

    schema: sch.Schema
    tables: tuple[str, ...]
    lists: tuple[frozenset[str], ...]
    users: int = 0
    rows: int | None = None
    asked: bool = False


Made = tuple[ir.Table, tuple[str, ...], tuple[frozenset[str], ...]]
"""A guarded expression, the fact tables and the lists of ids that it reads."""


def _measured(view: ir.Table, order: str) -> ir.Table:
    """How many rows a guarded relation has, up to a few, and the least, greatest and empty values they stand by."""
    whole = view.select(order).limit(FEW + 1)
    column = whole[order]
    return whole.agg(rows=whole.count(), low=column.min(), high=column.max(), empty=column.isnull().sum())


class Guards:
    """The guarded relations of one engine."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._guards: dict[str, Guard] = {}
        self._rows = 0
        """Rows of all copies."""

    def use(self, engine: Engine, session: Session, name: str, build: Callable[[], Made]) -> Guard:
        """The relation of that name, defined when first asked for, held until :meth:`release`."""
        with self._lock:
            guard = self._guards.pop(name, None)
            if guard is None:
                expr, tables, lists = build()
                engine.define(name, session.compile_guard(expr))
                guard = Guard(expr.schema(), tables, lists)
            guard.users += 1
            self._guards[name] = guard  # at the end: the most recently used
            return guard

    def read(self, engine: Engine, session: Session, name: str, *, copied: str) -> ir.Table:
        """A relation that the caller holds; from a copy of its own where one is worth it.

        The first reader makes the copy; whoever comes meanwhile reads the view, which gives the same rows.

        Args:
            copied: column in whose order the relation's own copy stands; "" where it has none.
        """
        with self._lock:
            guard = self._guards[name]
            first = bool(copied) and not guard.asked
            guard.asked = guard.asked or first
        if first:
            self._copy(engine, session, name, guard, copied)
        if guard.rows is not None:
            return session.copy(name, guard.schema)
        return session.relation(name, guard.schema)

    def _copy(self, engine: Engine, session: Session, name: str, guard: Guard, order: str) -> None:
        try:
            view = session.relation(name, guard.schema)
            found = session.execute_known(("own rows", order), lambda: _measured(view, order), over=view)
            rows, low, high, empty = found.to_pylist()[0].values()
            if rows > FEW:
                return
            # The few rows stand together where their order is the owner's: the others need not be looked at.
            within = None if empty or low is None else (order, low, high)
            engine.copy(name, running=lambda _: None, within=within)
        except FactsError:  # too little memory or disk: the view answers
            return
        with self._lock:
            guard.rows = rows
            self._rows += rows
            self._shrink(engine)

    def _shrink(self, engine: Engine) -> None:
        """Forget what has not been used for longest, beyond the numbers."""
        if len(self._guards) <= KEPT and self._rows <= ROWS_KEPT:
            return
        for name in [name for name, guard in self._guards.items() if guard.users <= 0]:
            guard, many = self._guards[name], len(self._guards) > KEPT
            if guard.rows is not None and (many or self._rows > ROWS_KEPT):
                self._rows -= guard.rows
                guard.rows, guard.asked = None, False
                engine.drop_copy(name)
            if many:
                del self._guards[name]
                engine.drop(name)
            elif self._rows <= ROWS_KEPT:
                return

    def release(self, engine: Engine | None, name: str) -> None:
        """One reader less."""
        with self._lock:
            if name in self._guards:
                self._guards[name].users -= 1
            if engine is not None:
                self._shrink(engine)

    def clear(self) -> None:
        """Forget all, before the engine is closed."""
        with self._lock:
            self._guards.clear()
            self._rows = 0
