"""Which columns a condition or a value is made of: what decides whether a hidden column touches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.schema as sch
import ibis.expr.types as ir


def columns_used(schema: sch.Schema, build: Callable[[ir.Table], Any]) -> frozenset[str]:
    """Columns of a table that an expression over it reads.

    Args:
        schema: of the table; how the table itself came about is left aside.
        build: the expression over a table of that schema.
    """
    table = ibis.table(schema, name="rows")
    made = build(table)
    if not isinstance(made, ir.Expr):
        return frozenset()
    return frozenset(field.name for field in made.op().find(ops.Field) if field.rel == table.op())
