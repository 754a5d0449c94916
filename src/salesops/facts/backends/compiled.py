"""Queries that were compiled lately: compiling an expression often takes longer than running it.

The views that two questions read may differ in their names alone: another version of the facts, another reader's
rows, another home. An expression is therefore compiled over relations that are numbered instead of named; the names
are put into the text afterwards.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Hashable

import ibis.expr.operations as ops
import ibis.expr.types as ir

from salesops.core.lately import Lately

MARK = uuid.uuid4().hex
"""Begins what stands for a relation's name in a kept query: no text that anybody wrote reads like it."""

_NUMBERED = re.compile(rf"{MARK} (\d+) ")


class Compiled:
    """The queries of one engine."""

    KEPT = 500
    """Queries of each sort that are kept."""

    def __init__(self) -> None:
        self.engine = uuid.uuid4().hex
        self._queries: Lately[ops.Node, str] = Lately(self.KEPT)
        self._numbered: Lately[ops.Node, str] = Lately(self.KEPT)
        self._known: Lately[Hashable, tuple[str, ir.Table]] = Lately(self.KEPT)

    def get(self, op: ops.Node) -> str | None:
        """The query of an expression that says the same of the same relations, if one is kept."""
        return self._queries.get(op, None)

    def query(self, op: ops.Node, compiled: Callable[[ops.Node], str]) -> str:
        """The query of an expression, of which no table is rows in memory.

        Args:
            op: the expression.
            compiled: gives the query of an expression; called where none is kept that differs in names alone.
        """
        numbered, names = _numbered(op)
        query = self._numbered.get(numbered, None)
        if query is None:
            query = self._numbered.keep(numbered, compiled(numbered))
        return self._queries.keep(op, _NUMBERED.sub(lambda found: names[int(found[1])], query))

    def known(self, key: Hashable) -> tuple[str, ir.Table] | None:
        """The query that a key stands for, and an expression of its schema."""
        return self._known.get(key, None)

    def know(self, key: Hashable, query: tuple[str, ir.Table]) -> tuple[str, ir.Table]:
        """Keep what a key stands for."""
        return self._known.keep(key, query)


def _numbered(op: ops.Node) -> tuple[ops.Node, list[str]]:
    """An expression with numbers in place of its relations' names, and the names as they stand between quotes."""
    tables = list(dict.fromkeys(op.find(ops.DatabaseTable)))
    plain = {table: table.copy(name=f"{MARK} {number} ") for number, table in enumerate(tables)}
    return op.replace(plain), [table.name.replace('"', '""') for table in tables]
