"""PostgreSQL as reader of fact tables that were loaded into it from a manifest.

The same expressions that DuckDB runs over Delta files run here over a copy; versions, pins and
the change of a manifest are promised on Delta alone.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.schema as sch
import ibis.expr.types as ir
import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.postgres import Backend
from ibis.backends.sql.compilers.postgres import PostgresCompiler
from psycopg import sql

from salesops.facts.backends.loading import KEPT, Copy, database_parts, shown
from salesops.facts.columntypes import ibis_schema
from salesops.facts.errors import EngineError, FactsError, QueryFailed
from salesops.facts.tables import ColumnType

_LONGEST_NAME = 63
"""Bytes of an identifier: PostgreSQL cuts longer ones off, so two columns could become one."""

_TRY = {
    "date": "date",
    "int64": "bigint",
    "boolean": "boolean",
    "timestamp": "timestamptz",
    "decimal": "numeric",
}


def _type(kind: dt.DataType) -> str:
    if kind.is_string() or kind.is_null():
        # Text compares byte by byte, as in the other engines, whatever the database's own collation.
        return 'text COLLATE "C"'
    if kind.is_decimal():
        return f"numeric({kind.precision}, {kind.scale})"
    if kind.is_timestamp():
        return "timestamptz" if kind.timezone else "timestamp"
    if kind.is_floating():
        return "double precision"
    if kind.is_integer():
        return "bigint"
    if kind.is_boolean():
        return "boolean"
    if kind.is_date():
        return "date"
    message = f"PostgreSQL is not given columns of type {kind}."
    raise FactsError(message)


class _Compiler(PostgresCompiler):
    """Ibis's compiler, with the operations that our expressions use and it lacks on PostgreSQL."""

    __slots__ = ()

    def visit_Cast(self, op: Any, *, arg: Any, to: dt.DataType) -> Any:  # noqa: N802 - Ibis's naming
        """PostgreSQL casts a truth value to ``integer`` alone, not to ``bigint``."""
        if op.arg.dtype.is_boolean() and to.is_integer():
            arg = self.cast(arg, dt.int32)
        return super().visit_Cast(op, arg=arg, to=to)

    def visit_TryCast(self, op: Any, *, arg: Any, to: dt.DataType) -> Any:  # noqa: N802 - Ibis's naming
        """A cast that gives null where the text does not fit: a function made at loading."""
        name = _TRY[str(to).split("(")[0]]
        call = self.f.anon[f"salesops_try_{name}"](arg)
        return sge.Cast(this=call, to=self.type_mapper.from_ibis(to)) if to.is_decimal() else call

    def visit_ArgMin(self, op: Any, *, arg: Any, key: Any, where: Any) -> Any:  # noqa: N802 - Ibis's naming
        """The first value that is one: a row without a value does not count, as on DuckDB."""
        return super().visit_ArgMin(op, arg=arg, key=key, where=_known(arg, where))

    def visit_ArgMax(self, op: Any, *, arg: Any, key: Any, where: Any) -> Any:  # noqa: N802 - Ibis's naming
        """The last value that is one."""
        return super().visit_ArgMax(op, arg=arg, key=key, where=_known(arg, where))

    def visit_Median(self, op: Any, *, arg: Any, where: Any) -> Any:  # noqa: N802 - Ibis's naming
        """The exact middle of amounts: ``percentile_cont`` knows floating point alone."""
        if not op.arg.dtype.is_decimal():
            return super().visit_Median(op, arg=arg, where=where)

        def middle(*, upper: bool) -> Any:
            order = sge.Order(expressions=[sge.Ordered(this=arg, desc=upper)])
            value: Any = sge.WithinGroup(this=self.f.anon.percentile_disc(sge.convert(0.5)), expression=order)
            return value if where is None else sge.Filter(this=value, expression=sge.Where(this=where))

        total = sge.Paren(this=sge.Add(this=middle(upper=False), expression=middle(upper=True)))
        return self.cast(sge.Div(this=total, expression=sge.convert(2)), op.dtype)


def _known(arg: Any, where: Any) -> Any:
    known = sg.not_(arg.is_(sge.Null()))
    return known if where is None else sg.and_(where, known)


class _SessionBackend(Backend):  # type: ignore[misc,unused-ignore]  # ibis ships no types
    """Ibis over a connection whose search path and time zone are set already."""

    compiler = _Compiler()


class PostgresSession:
    """One reader's own connection over loaded tables. Not for use by two threads at once, except :meth:`interrupt`.

    Args:
        address: ``postgresql://...``.
        schema: the schema that a copy was loaded into.

    Raises:
        EngineError: the database can't be reached.
    """

    def __init__(self, address: str, schema: str) -> None:
        self.schema = schema
        self._shown = shown(address)
        self._connection = _connect(address, autocommit=True, options=f"-c search_path={schema},public")
        with _readable(self._shown):
            self.ibis = _SessionBackend.from_connection(self._connection)

    def view(self, name: str, columns: Mapping[str, ColumnType]) -> ir.Table:
        """A loaded table as an Ibis table, without asking the engine for its schema."""
        return self.relation(name, ibis_schema(dict(columns)))

    def relation(self, name: str, schema: sch.Schema) -> ir.Table:
        """A table of a known schema."""
        return ops.DatabaseTable(name, schema, self.ibis, ops.Namespace(database=self.schema)).to_expr()

    def constant(self, label: str, rows: pa.Table) -> ir.Table:
        """A small Arrow table as a temporary table of this connection."""
        name = "c_" + hashlib.sha256(label.encode()).hexdigest()[:24]
        schema = sch.Schema.from_pyarrow(rows.schema)
        with _readable(self._shown), self._connection.transaction():
            self._connection.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(sql.Identifier(name)))
            _make(self._connection, sql.Identifier("pg_temp", name), schema)
            _fill(self._connection, sql.Identifier("pg_temp", name), rows.schema.names, [rows])
        return ops.DatabaseTable(name, schema, self.ibis, ops.Namespace(database="pg_temp")).to_expr()

    def keep(self, name: str, expr: ir.Table) -> ir.Table:
        """As it is: PostgreSQL looks through a part of a query."""
        return expr

    def compile(self, expr: ir.Table) -> str:
        """The engine's SQL of an expression."""
        return str(self.ibis.compile(expr))

    def sql(self, expr: ir.Expr) -> str:
        """The query an expression compiles to, laid out over lines."""
        return str(self.ibis.compile(expr.as_table(), pretty=True))

    def execute(self, expr: ir.Expr) -> pa.Table:
        """Run an expression; a scalar or column comes back as a table of one column."""
        schema = expr.as_table().schema().to_pyarrow()
        return pa.Table.from_batches(list(self.batches(expr, 65_536)), schema=schema)

    def batches(self, expr: ir.Expr, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream an expression's rows in record batches of about ``rows``."""
        table = expr.as_table()
        schema = table.schema().to_pyarrow()
        with _readable(self._shown):
            self.ibis._run_pre_execute_hooks(table)  # noqa: SLF001 - makes the expression's small tables readable
            query = str(self.ibis.compile(table))
            with self._connection.transaction(), self._connection.cursor(name="salesops_rows") as cursor:
                cursor.execute(query)
                while found := cursor.fetchmany(rows):
                    columns = list(zip(*found, strict=True))
                    arrays = [pa.array(c, type=f.type) for c, f in zip(columns, schema, strict=True)]
                    yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def interrupt(self) -> None:
        """Stop the running query; callable from another thread."""
        self._connection.cancel_safe()

    def close(self) -> None:
        """End the session; its expressions can no longer be executed."""
        self._connection.close()


class PostgresTarget:
    """A database with copies of the facts, each in a schema of its own; ``salesops_facts.loaded`` lists them.

    Args:
        address: ``postgresql://...``.

    Raises:
        EngineError: the address can't be read.
    """

    engine = "PostgreSQL"

    def __init__(self, address: str) -> None:
        if database_parts(address) is None:
            raise EngineError(
                f"{shown(address)} can't be read as an address of PostgreSQL: give "
                "postgresql://user:password@host:port/database, where %, @, / and spaces in a password are written "
                "%25, %40, %2F and %20."
            )
        self.address = address
        self._shown = shown(address)

    def loaded(self, home: str) -> Copy | None:
        """The copy that was loaded last from a home; None where nothing was."""
        with _readable(self._shown), _connect(self.address) as connection:
            there = connection.execute("SELECT to_regclass(%s)", (f"{_CATALOGUE}.loaded",)).fetchone()
            if there is None or there[0] is None:
                return None
            return _newest(connection, home)

    def load(self, copy: Copy, rows: Mapping[str, Iterable[pa.RecordBatch]]) -> None:
        """Load the tables of a copy, in one transaction: readers see the copy before or this one.

        Raises:
            FactsError: a column's name is too long for PostgreSQL, or a text holds a zero byte.
            EngineError: the database can't be reached, or the account lacks a right.
        """
        with _readable(self._shown), _connect(self.address) as connection:
            for statement in _LIST:
                connection.execute(statement)
            whole = connection.execute(_WHOLE, (copy.place, copy.place)).fetchone() is not None
            if whole and _newest(connection, copy.home) == copy:
                return
            if not whole:  # another one may be read at this moment
                _make_copy(connection, copy, rows)
            connection.execute(_FORGET, (copy.place,))
            connection.execute(_REMEMBER, (copy.place, copy.written()))
            older = _NEWEST + sql.SQL(" OFFSET {}").format(KEPT)
            for old, _ in connection.execute(older, (copy.home,)).fetchall():
                connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(old)))
                connection.execute(_FORGET, (old,))

    def session(self, copy: Copy) -> PostgresSession:
        """A session over a copy."""
        return PostgresSession(self.address, copy.place)


def target(address: str) -> PostgresTarget:
    """The database at an address ``postgresql://user@host:port/database``."""
    return PostgresTarget(address)


_CATALOGUE = "salesops_facts"
"""Schema of the list of copies."""

_LIST = (
    sql.SQL("SELECT pg_advisory_xact_lock(hashtext('salesops facts load'))"),  # one load at a time
    sql.SQL("CREATE SCHEMA IF NOT EXISTS salesops_facts"),
    sql.SQL(
        "CREATE TABLE IF NOT EXISTS salesops_facts.loaded (number bigint GENERATED ALWAYS AS IDENTITY, "
        "place text NOT NULL, copy text NOT NULL, loaded_at timestamptz NOT NULL DEFAULT now())"
    ),
)
_NEWEST = sql.SQL(
    "SELECT place, copy FROM salesops_facts.loaded WHERE copy::json ->> 'home' = %s ORDER BY number DESC"
)
_WHOLE = sql.SQL(
    "SELECT place FROM salesops_facts.loaded WHERE place = %s AND to_regnamespace(%s) IS NOT NULL"
)
_FORGET = sql.SQL("DELETE FROM salesops_facts.loaded WHERE place = %s")
_REMEMBER = sql.SQL("INSERT INTO salesops_facts.loaded (place, copy) VALUES (%s, %s)")

_AWAY = ("08", "57P")
"""Beginnings of PostgreSQL's codes of a connection that was lost, or that nobody is there to take."""


def _connect(address: str, **options: Any) -> psycopg.Connection[Any]:
    try:
        return psycopg.connect(address, **options)
    except psycopg.OperationalError as error:
        raise EngineError(f"{shown(address)} can't be reached: {_first_line(error)}") from error
    except psycopg.Error:  # of the address itself: the text and its cause may hold a password
        raise EngineError(
            f"{shown(address)} can't be connected to: a part of the address is not valid."
        ) from None


@contextmanager
def _readable(where: str) -> Iterator[None]:
    """What PostgreSQL says, as the fact store's own error."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise EngineError(
            f"{where} refuses the account: {_first_line(error)}. `salesops facts load` needs the right to create "
            "schemas; reading needs that to use them."
        ) from error
    except psycopg.Error as error:
        state = error.sqlstate or ""
        if isinstance(error, psycopg.OperationalError) and (not state or state.startswith(_AWAY)):
            raise EngineError(f"{where} was lost: {_first_line(error)}") from error
        raise QueryFailed(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _newest(connection: psycopg.Connection[Any], home: str) -> Copy | None:
    found = connection.execute(_NEWEST + sql.SQL(" LIMIT 1"), (home,)).fetchone()
    return Copy.read(found[1]) if found else None


_TRY_FUNCTION = """
CREATE FUNCTION {0}(value text) RETURNS {1} LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN RETURN value::{1}; EXCEPTION WHEN data_exception THEN RETURN NULL; END $$
"""


def _make_copy(
    connection: psycopg.Connection[Any], copy: Copy, rows: Mapping[str, Iterable[pa.RecordBatch]]
) -> None:
    own = sql.Identifier(copy.place)
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(own))
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(own))
    connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(own))
    for name in _TRY.values():
        connection.execute(
            sql.SQL(_TRY_FUNCTION).format(sql.Identifier(f"salesops_try_{name}"), sql.SQL(name))
        )
    for table, columns in copy.columns.items():
        whole = sql.Identifier(copy.place, table)
        _make(connection, whole, ibis_schema(dict(columns)))
        try:
            _fill(connection, whole, list(columns), rows[table])
        except psycopg.DataError as error:
            message = f"{table} can't be loaded into PostgreSQL: {str(error).splitlines()[0]}"
            raise FactsError(message) from error
        connection.execute(sql.SQL("ANALYZE {}").format(whole))


def _make(connection: psycopg.Connection[Any], target: sql.Identifier, schema: sch.Schema) -> None:
    parts = []
    for name, kind in schema.items():
        if len(name.encode()) > _LONGEST_NAME:
            message = f"PostgreSQL cuts names after {_LONGEST_NAME} bytes; {name!r} is longer."
            raise FactsError(message)
        parts.append(sql.SQL("{} " + _type(kind)).format(sql.Identifier(name)))
    temporary = "TEMPORARY " if target._obj[0] == "pg_temp" else ""  # noqa: SLF001 (a schema's name)
    if temporary:
        target = sql.Identifier(target._obj[1])  # noqa: SLF001
    connection.execute(
        sql.SQL("CREATE " + temporary + "TABLE {} ({})").format(target, sql.SQL(", ").join(parts))
    )


def _fill(
    connection: psycopg.Connection[Any],
    target: sql.Identifier,
    columns: Sequence[str],
    batches: Iterable[pa.RecordBatch | pa.Table],
) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(target, names)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in batches:
            # Every text is quoted and a null is not, which is how COPY tells "" from null.
            buffer = io.BytesIO()
            pa_csv.write_csv(batch, buffer, pa_csv.WriteOptions(include_header=False))
            copy.write(buffer.getvalue())


__all__ = ["PostgresSession", "PostgresTarget", "target"]
