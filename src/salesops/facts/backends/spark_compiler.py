"""Ibis on Spark, with the operations that our expressions use and it lacks or gets otherwise there."""

from __future__ import annotations

from typing import Any

import ibis.common.exceptions as com
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import pyarrow as pa
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.pyspark import Backend
from ibis.backends.sql.compilers.base import NULL, SQLGlotCompiler
from ibis.backends.sql.compilers.pyspark import PySparkCompiler


class Compiler(PySparkCompiler):
    """Each method says what it does otherwise than Ibis, and why."""

    __slots__ = ()

    rewrites = SQLGlotCompiler.rewrites
    """Without Ibis's own for Spark: a page of rows would be told by numbers given in no order. Spark has OFFSET now."""

    def visit_CountStar(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802 - Ibis's naming
        """Of no rows the count is 0; Ibis's sum would be null."""
        return super().visit_CountStar(op, arg=arg, where=None) if where is None else self.f.count_if(where)

    def visit_Cast(self, op: Any, *, arg: Any, to: dt.DataType) -> Any:  # noqa: N802 - Ibis's naming
        """A text that is none of its type becomes null: Spark may cast before the filter that keeps such texts out."""
        if op.arg.dtype.is_string() and not to.is_string():
            return sge.TryCast(this=arg, to=self.type_mapper.from_ibis(to), safe=True)
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_Median(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802 - Ibis's naming
        """The middle of amounts, as the type of the amounts: Ibis's filter reaches into the percentage.

        Spark's percentiles are floating point. Rounded to the places of the type, the middle is exact while
        half a unit of the last place is more than a float's step: up to 20,000 million at five places.
        """
        if where is not None:
            arg = self.if_(where, arg, NULL)
        if not op.arg.dtype.is_decimal():
            return self.f.percentile(arg, 0.5)
        return self.cast(self.f.percentile(self.cast(arg, dt.float64), 0.5), op.dtype)

    def visit_ArgMin(self, op: Any, *, arg: Any, key: Any, where: Any) -> Any:  # noqa: N802 - Ibis's naming
        """The first value that is one: a row without a value does not count, as on DuckDB and PostgreSQL."""
        return self._at(self.f.min_by, arg, key, where)

    def visit_ArgMax(self, op: Any, *, arg: Any, key: Any, where: Any) -> Any:  # noqa: N802 - Ibis's naming
        """The last value that is one."""
        return self._at(self.f.max_by, arg, key, where)

    def _at(self, function: Any, arg: Any, key: Any, where: Any) -> Any:
        known = sg.not_(arg.is_(NULL))
        return function(arg, self.if_(known if where is None else sg.and_(where, known), key, NULL))

    def visit_IsNull(self, op: Any, *, arg: Any) -> Any:  # noqa: N802 - Ibis's naming
        """A float that is no number is none the less there, as on the other engines."""
        return arg.is_(NULL)

    def visit_NotNull(self, op: Any, *, arg: Any) -> Any:  # noqa: N802 - Ibis's naming
        """See :meth:`visit_IsNull`."""
        return sg.not_(arg.is_(NULL))

    def visit_ScalarUDF(self, op: Any, **arguments: Any) -> Any:  # noqa: N802 - Ibis's naming
        """``timezone(zone, instant)`` of the other engines is ``from_utc_timestamp`` here."""
        if self.__sql_name__(op) == "timezone":
            zone, instant = arguments.values()
            return self.cast(self.f.from_utc_timestamp(instant, zone), op.dtype)
        return super().visit_ScalarUDF(op, **arguments)

    def visit_Select(self, op: Any, *, selections: Any, **parts: Any) -> Any:  # noqa: N802 - Ibis's naming
        """Lists that are opened in one projection are opened side by side."""
        return self._opened(super().visit_Select(op, selections=selections, **parts), selections)

    def visit_JoinChain(self, op: Any, *, values: Any, **parts: Any) -> Any:  # noqa: N802 - Ibis's naming
        """See :meth:`visit_Select`: a join can hold the projection."""
        return self._opened(super().visit_JoinChain(op, values=values, **parts), values)

    def _opened(self, result: Any, values: Any) -> Any:
        """A select in which several lists are opened as one list of rows: Spark would give every pair of them."""
        opened = [name for name, value in (values or {}).items() if isinstance(value, sge.Explode)]
        if len(opened) < 2:
            return result
        first = list(values).index(opened[0])
        if list(values)[first : first + len(opened)] != opened:
            raise com.UnsupportedOperationError("Lists that are opened together have to stand together.")
        rows = self.f.inline(self.f.arrays_zip(*(values[name].this for name in opened)))
        names = [sg.to_identifier(name, quoted=self.quoted) for name in opened]
        columns = result.expressions
        columns[first : first + len(opened)] = [sge.Aliases(this=rows, expressions=names)]
        result.set("expressions", columns)
        return result


class SessionBackend(Backend):  # type: ignore[misc,unused-ignore]  # ibis ships no types
    """Ibis over a session of our own."""

    compiler = Compiler()

    def do_connect(self, session: Any, **options: Any) -> None:
        """Also registers Ibis's options for Spark, which its compiler asks for."""
        self.register_options()
        super().do_connect(session, **options)

    def type_name(self, kind: dt.DataType) -> str:
        """Spark's name of a type."""
        return str(self.compiler.type_mapper.from_ibis(kind).sql("spark"))

    def show(self, name: str, rows: pa.Table) -> None:
        """Make an Arrow table readable under a name."""
        self._session.createDataFrame(rows).createOrReplaceTempView(name)

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
        # As Arrow: the way by pandas turns nulls of integers into floats.
        self.show(op.name, op.data.to_pyarrow(op.schema))


__all__ = ["Compiler", "SessionBackend"]
