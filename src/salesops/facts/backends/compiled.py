"""Queries that were compiled lately: compiling an expression often takes longer than running it.

The views that two questions read may differ in their names alone: another version of the facts, another reader's
rows, another home. An expression is therefore compiled over relations that are numbered instead of named; the names
are put into the text afterwards.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable

import ibis.expr.operations as ops
import ibis.expr.types as ir

MARK = uuid.uuid4().hex
"""Begins what stands for a relation's name in a kept query: no text that anybody wrote reads like it."""

_NUMBERED = re.compile(rf"{MARK} (\d+) ")


class Compiled:
    """The queries of one engine."""

    KEPT = 500

    def __init__(self) -> None:
        self.engine = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._queries: OrderedDict[ops.Node, str] = OrderedDict()
        self._numbered: OrderedDict[ops.Node, str] = OrderedDict()
        self._known: OrderedDict[Hashable, tuple[str, ir.Table]] = OrderedDict()

    def get(self, op: ops.Node) -> str | None:
        """The query of an expression that says the same of the same relations, if one is kept."""
        with self._lock:
            if op in self._queries:
                self._queries.move_to_end(op)
            return self._queries.get(op)

    def query(self, op: ops.Node, compiled: Callable[[ops.Node], str]) -> str:
        """The query of an expression, of which no table is rows in memory.

        Args:
            op: the expression.
            compiled: gives the query of an expression; called where none is kept that differs in names alone.
        """
        numbered, names = _numbered(op)
        with self._lock:
            query = self._numbered.get(numbered)
            if query is not None:
                self._numbered.move_to_end(numbered)
        if query is None:
            query = compiled(numbered)
            self._keep(self._numbered, numbered, query)
        return self._keep(self._queries, op, _NUMBERED.sub(lambda found: names[int(found[1])], query))

    def _keep(self, kept: OrderedDict[ops.Node, str], op: ops.Node, query: str) -> str:
        """Keep a query; the least used go first."""
        with self._lock:
            kept[op] = query
            while len(kept) > self.KEPT:
                kept.popitem(last=False)
        return query

    def known(self, key: Hashable) -> tuple[str, ir.Table] | None:
        """The query that a key stands for, and an expression of its schema."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def know(self, key: Hashable, query: tuple[str, ir.Table]) -> tuple[str, ir.Table]:
        """Keep what a key stands for; the least used go first."""
        with self._lock:
            self._known[key] = query
            while len(self._known) > self.KEPT:
                self._known.popitem(last=False)
        return query


def _numbered(op: ops.Node) -> tuple[ops.Node, list[str]]:
    """An expression with numbers in place of its relations' names, and the names as they stand between quotes."""
    tables = list(dict.fromkeys(op.find(ops.DatabaseTable)))
    plain = {table: table.copy(name=f"{MARK} {number} ") for number, table in enumerate(tables)}
    return op.replace(plain), [table.name.replace('"', '""') for table in tables]
