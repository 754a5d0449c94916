"""Queries that were compiled lately: compiling an expression often takes longer than running it.

The views that two questions read may differ in their names alone: another version of the facts, another reader's
rows, another home. An expression is therefore compiled over relations that are numbered instead of named; the names
are put into the text afterwards.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from salesops.core.lately import Lately

MARK = uuid.uuid4().hex
"""Begins what stands for a relation's name in a kept query: no text that anybody wrote reads like it."""

_NUMBERED = re.compile(rf"{MARK} (\d+) ")
_TEXT = re.compile(rf"{MARK} text (\d+) ")


@dataclass(frozen=True)
class Known:
    """What a key of kept queries stands for.

    Attributes:
        query: the engine's SQL.
        expr: an expression of its schema.
        rows: rows in memory that it reads, small ones, under names of their own.
    """

    query: str
    expr: ir.Table
    rows: tuple[tuple[str, pa.Table], ...] = ()


class Compiled:
    """The queries of one engine."""

    KEPT = 500
    """Queries of each sort that are kept."""

    def __init__(self) -> None:
        self.engine = uuid.uuid4().hex
        self._queries: Lately[ops.Node, str] = Lately(self.KEPT)
        self._numbered: Lately[ops.Node, str] = Lately(self.KEPT)
        self._known: Lately[Hashable, Known] = Lately(self.KEPT)

    def get(self, op: ops.Node) -> str | None:
        """The query of an expression that says the same of the same relations, if one is kept."""
        return self._queries.get(op, None)

    def query(self, op: ops.Node, compiled: Callable[[ops.Node], str]) -> str:
        """The query of an expression, of which no table is rows in memory.

        Args:
            op: the expression.
            compiled: gives the query of an expression; called where none is kept that differs in names alone.
        """
        numbered, names, _ = _numbered(op)
        query = self._numbered.get(numbered, None)
        if query is None:
            query = self._numbered.keep(numbered, compiled(numbered))
        return self._queries.keep(op, _NUMBERED.sub(lambda found: names[int(found[1])], query))

    def guard(self, op: ops.Node, compiled: Callable[[ops.Node], str]) -> str:
        """The query of an expression that differs from those of other readers in ids: kept once for all of them.

        Args:
            op: as for :meth:`query`. Its texts are put in afterwards, as its relations' names are.
            compiled: as there.
        """
        plain, names, texts = _numbered(op, texts=True)
        query = self._numbered.get(plain, None)
        if query is None:
            query = self._numbered.keep(plain, compiled(plain))
        query = _NUMBERED.sub(lambda found: names[int(found[1])], query)
        return _TEXT.sub(lambda found: texts[int(found[1])], query)

    def known(self, key: Hashable) -> Known | None:
        """The query that a key stands for."""
        return self._known.get(key, None)

    def know(self, key: Hashable, query: Known) -> Known:
        """Keep what a key stands for."""
        return self._known.keep(key, query)


def _numbered(op: ops.Node, *, texts: bool = False) -> tuple[ops.Node, list[str], list[str]]:
    """An expression with numbers in place of its relations' names, and of its texts where these are wanted; and
    the names and texts, as they stand between quotes.
    """
    tables = list(dict.fromkeys(op.find(ops.DatabaseTable)))
    plain: dict[ops.Node, ops.Node] = {
        table: table.copy(name=f"{MARK} {number} ") for number, table in enumerate(tables)
    }
    names = [table.name.replace('"', '""') for table in tables]
    if not texts:
        return op.replace(plain), names, []
    found = [
        one for one in dict.fromkeys(op.find(ops.Literal)) if one.dtype.is_string() and one.value is not None
    ]
    plain |= {one: one.copy(value=f"{MARK} text {number} ") for number, one in enumerate(found)}
    return op.replace(plain), names, [one.value.replace("'", "''") for one in found]
