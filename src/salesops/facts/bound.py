"""Values of a query that are bound when it runs, so that one compiled query answers for all of them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ibis.expr.datashape as ds
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir


class Bound(ops.Scalar):  # type: ignore[misc,unused-ignore]  # ibis ships no types
    """A value that has a name and a type in an expression, and is given to the engine apart from it."""

    dtype: dt.DataType
    called: str

    shape = ds.scalar

    @property
    def name(self) -> str:
        """What a column of it would be called."""
        return str(self.called)


def bound(called: str, kind: dt.DataType | str) -> ir.Scalar:
    """A value of a type, called by letters, digits and underscores, for ``Facts.execute_known``."""
    if not called.isidentifier():
        raise ValueError(f"{called!r} is no name of a bound value.")
    return Bound(dt.dtype(kind), called).to_expr()


def carried(value: Any) -> str | int | bool | date | datetime:
    """A value as it is handed to the engine, which reads it as the type of its place: decimals as text, exactly.

    Raises:
        TypeError: a float, which would not be exact, or another type.
    """
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, str | bool | int | date):
        return value
    raise TypeError(f"{type(value).__name__} can't be bound in a query.")
