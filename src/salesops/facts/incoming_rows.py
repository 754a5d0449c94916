# ruff: noqa: S608 - statements are composed of quoted names, typed literals and numbers of our own
"""A file's rows on the workbench: typed, keyed, each key once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from salesops.facts.backends import Workbench, quoted, text_literal
from salesops.facts.columntypes import SQL, common, of_arrow, text_sql
from salesops.facts.errors import InvalidIncoming
from salesops.facts.incoming import Incoming
from salesops.facts.tables import EXTRA_PREFIX, TABLES, ColumnType

CARRIED = {"source_row": "integer", "implied": "boolean"}
"""System columns a file's rows may carry."""


@dataclass
class Prepared:
    """What :func:`prepare` found. The rows are the relation ``inc``.

    Attributes:
        columns: business columns the file carries, with the type they are stored in; without the key.
        select: the query behind ``inc``.
        widened: extras whose stored type must change to hold both.
    """

    rows: int
    distinct: int
    columns: dict[str, ColumnType]
    select: str
    widened: dict[str, ColumnType] = field(default_factory=dict)
    duplicates: list[int] = field(default_factory=list)
    keyless: list[int] = field(default_factory=list)


def prepare(bench: Workbench, incoming: Incoming, stored: dict[str, ColumnType]) -> Prepared:
    """Make relation ``inc`` of the file's rows: ``id``, the mapped columns, ``source_row``, ``implied``.

    Raises:
        InvalidIncoming: a column is not of the table, a type does not fit, or there is no key.
    """
    schema = open_rows(bench, "inc_raw", incoming.rows)
    given = {f.name: of_arrow(f.name, f.type) for f in schema}
    columns, widened = _columns(incoming.table, given, stored)
    select = [f"{_key(incoming, given)} AS id"]
    select += [f"{_cast(name, given[name], kind)} AS {quoted(name)}" for name, kind in columns.items()]
    number = "CAST(source_row AS BIGINT)" if "source_row" in given else "row_number() OVER ()"
    select.append(f"{number} AS source_row")
    select.append(f"{'coalesce(implied, false)' if 'implied' in given else 'false'} AS implied")
    typed = f"SELECT {', '.join(select)} FROM inc_raw"
    if "source_row" in given:
        bench.run(f"CREATE OR REPLACE TEMP VIEW inc_typed AS {typed}")
    else:  # a row number must be the same in every pass over the rows
        bench.run(f"CREATE OR REPLACE TEMP TABLE inc_numbered AS {typed}")
        bench.run("CREATE OR REPLACE TEMP VIEW inc_typed AS SELECT * FROM inc_numbered")
    return _distinct(bench, columns, widened)


def _distinct(bench: Workbench, columns: dict[str, ColumnType], widened: dict[str, ColumnType]) -> Prepared:
    keyless = bench.rows("SELECT source_row FROM inc_typed WHERE id IS NULL OR id = '' ORDER BY 1")
    usable = "SELECT * FROM inc_typed WHERE id <> ''" if keyless else "SELECT * FROM inc_typed"
    total = bench.count("inc_raw")
    bench.run(
        f"CREATE OR REPLACE TEMP TABLE twice AS SELECT id FROM ({usable}) GROUP BY id HAVING count(*) > 1"
    )
    duplicates: list[int] = []
    if bench.count("twice"):
        bench.run(
            f"""CREATE OR REPLACE TEMP TABLE ranked AS
            SELECT *, row_number() OVER (PARTITION BY id ORDER BY source_row DESC) AS rank_in_key
            FROM ({usable}) r SEMI JOIN twice USING (id)"""
        )
        losers = bench.rows("SELECT source_row FROM ranked WHERE rank_in_key > 1 ORDER BY 1")
        duplicates = [int(row[0]) for row in losers]
        usable = (
            f"SELECT r.* FROM ({usable}) r ANTI JOIN twice USING (id) "
            "UNION ALL SELECT * EXCLUDE (rank_in_key) FROM ranked WHERE rank_in_key = 1"
        )
    bench.run(f"CREATE OR REPLACE TEMP VIEW inc AS {usable}")
    return Prepared(
        rows=total,
        distinct=total - len(keyless) - len(duplicates),
        columns=columns,
        select=usable,
        widened=widened,
        duplicates=duplicates,
        keyless=[int(row[0]) for row in keyless],
    )


def open_rows(bench: Workbench, name: str, rows: pa.Table | Path | None) -> pa.Schema:
    """Make an Arrow table or a Parquet file readable as ``name``; returns its schema."""
    if isinstance(rows, Path):
        schema = pq.read_schema(rows)
        bench.run(
            f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS "
            f"SELECT * FROM read_parquet({text_literal(str(rows))}, hive_partitioning = false)"
        )
        return schema
    if rows is None:
        raise InvalidIncoming("There are no rows to merge.")
    return _register(bench, name, rows)


def _register(bench: Workbench, name: str, rows: pa.Table) -> pa.Schema:
    """An Arrow table as relation ``name``; columns without any value count as text."""
    nulls = [i for i, f in enumerate(rows.schema) if pa.types.is_null(f.type)]
    for i in nulls:
        field_ = rows.schema.field(i)
        rows = rows.set_column(i, pa.field(field_.name, pa.string()), rows.column(i).cast(pa.string()))
    bench.register(f"{name}_arrow", rows)
    bench.run(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS SELECT * FROM {quoted(name + '_arrow')}")
    return rows.schema


def _columns(
    table: str, given: dict[str, ColumnType], stored: dict[str, ColumnType]
) -> tuple[dict[str, ColumnType], dict[str, ColumnType]]:
    declared = TABLES[table].by_name
    columns: dict[str, ColumnType] = {}
    widened: dict[str, ColumnType] = {}
    for name, kind in given.items():
        if name == "id" or name in CARRIED:
            continue
        if name in declared:
            columns[name] = declared[name].type
        elif name.startswith(EXTRA_PREFIX) and len(name) > len(EXTRA_PREFIX):
            columns[name] = common(kind, stored.get(name, kind))
            if name in stored and stored[name] != columns[name]:
                widened[name] = columns[name]
        else:
            raise InvalidIncoming(
                f"Table {table!r} has no column {name!r}. Map it to one of its columns, "
                f"or keep it as {EXTRA_PREFIX}{name}."
            )
    return columns, widened


def _key(incoming: Incoming, given: dict[str, ColumnType]) -> str:
    if "id" in given:
        return "CAST(id AS VARCHAR)"
    missing = [c for c in incoming.key_columns if c not in given]
    if missing or not incoming.key_columns:
        raise InvalidIncoming(
            f"Rows for {incoming.table!r} have no id, and the key columns {list(incoming.key_columns)} "
            f"are not all there ({', '.join(missing) or 'none named'}). "
            "Choose columns that name one record each."
        )
    texts = [text_sql(quoted(c), given[c]) for c in incoming.key_columns]
    filled = " AND ".join(f"{t} IS NOT NULL" for t in texts)
    parts = " || '|' || ".join(texts)
    return f"CASE WHEN {filled} THEN {parts} END"


def _cast(name: str, given: ColumnType, wanted: ColumnType) -> str:
    if wanted == "text":
        return text_sql(quoted(name), given)
    return f"CAST({quoted(name)} AS {SQL[wanted]})"
