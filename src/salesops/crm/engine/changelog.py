"""Rows of the change log from a source's own history: field history, snapshots, stage-date columns.

All functions return rows with object, object_id, field, old, new, valid_at, source (``history``)
and changed_by; values are canonical text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from salesops.crm.engine.canonical import as_one, canonical_text
from salesops.crm.engine.formats import ColumnFormat, format_for
from salesops.crm.engine.history import field_target, own_field
from salesops.crm.engine.profiles import profile_parts
from salesops.crm.engine.typing import type_batch
from salesops.facts.tables import TABLES, ColumnType

WAS = "was_"
"""Prefix of a snapshot's column that holds a field's value before it."""

CHANGES = pa.schema(
    [
        ("object", pa.string()),
        ("object_id", pa.string()),
        ("field", pa.string()),
        ("old", pa.string()),
        ("new", pa.string()),
        ("valid_at", pa.timestamp("us", tz="UTC")),
        ("source", pa.string()),
        ("changed_by", pa.string()),
    ]
)
_NOON = pa.scalar(12 * 3600 * 10**6, pa.duration("us"))


def empty() -> pa.Table:
    """No change rows."""
    return CHANGES.empty_table()


def history_of(rows: pa.Table, *, how: Mapping[str, Any], table: str) -> pa.Table:
    """Change rows of an assembled history file, or of a part of it that holds all rows of its records.

    A source's own log, field by field, is better read by :func:`logged_fields` and :func:`field_changes` where
    it comes in parts.

    Args:
        rows: columns named as the change log names them (object_id, valid_at, changed_by, field, old,
            new) and, for snapshots and stage entries, typed columns under their canonical names.
        how: the history proposal as plain values.
        table: table the records belong to.
    """
    if how["form"] == "field_changes":
        return field_changes(rows, logged_fields([rows], table), table)
    fields = [name for name in dict.fromkeys(how["fields"].values()) if name in rows.column_names]
    before = [f"{WAS}{name}" for name in fields if f"{WAS}{name}" in rows.column_names]
    for name in (*fields, *before):
        rows = rows.set_column(rows.column_names.index(name), name, canonical_text(rows[name]))
    by = "changed_by" if "changed_by" in rows.column_names else ""
    return from_snapshots(
        rows, object_name=table, fields=fields, id_column="object_id", at_column="valid_at", by_column=by
    )


def from_snapshots(
    rows: pa.Table,
    *,
    object_name: str,
    fields: Sequence[str],
    id_column: str,
    at_column: str,
    by_column: str = "",
) -> pa.Table:
    """Changes between consecutive snapshots of each record.

    The first snapshot of a record gives a change from what it says stood before (a ``was_`` column),
    else from nothing, so that a stage has an entry.

    Args:
        rows: canonical text in ``fields``; an id and an instant column.
        object_name: table the records belong to.
        fields: columns compared.
        id_column: record key.
        at_column: when the snapshot was taken (instant, UTC).
        by_column: user who made it, or "".
    """
    rows = rows.filter(pc.and_(pc.is_valid(rows[id_column]), pc.is_valid(rows[at_column])))
    if rows.num_rows == 0:
        return empty()
    rows = rows.append_column("__n", pa.array(range(rows.num_rows), pa.int64()))
    order = [(id_column, "ascending"), (at_column, "ascending"), ("__n", "ascending")]
    rows = rows.sort_by(order)
    ids = as_one(rows[id_column])
    same = pc.fill_null(pc.equal(ids, _shifted(ids)), False)
    by = as_one(rows[by_column]) if by_column else pa.nulls(rows.num_rows, pa.string())
    at = as_one(rows[at_column])
    parts = []
    for field in fields:
        new = as_one(rows[field])
        said = (
            as_one(rows[f"{WAS}{field}"])
            if f"{WAS}{field}" in rows.column_names
            else pa.scalar(None, pa.string())
        )
        old = pc.if_else(same, _shifted(new), said)
        differs = pc.or_(
            pc.xor(pc.is_valid(old), pc.is_valid(new)), pc.fill_null(pc.not_equal(old, new), False)
        )
        parts.append(_rows(object_name, field, ids, old, new, at, by).filter(differs))
    return pa.concat_tables(parts).combine_chunks()


def from_stage_dates(
    rows: pa.Table, *, object_name: str, id_column: str, stages: Mapping[str, str]
) -> pa.Table:
    """Stage entries from one date column a stage (HubSpot ``hs_date_entered_...``).

    A plain day is placed at noon UTC, so that no time zone moves it to another day.

    Args:
        rows: the records; date or instant columns.
        object_name: table the records belong to.
        id_column: record key.
        stages: column -> stage it dates the entry of.
    """
    parts = []
    for column, stage in stages.items():
        at = rows[column]
        if pa.types.is_date(at.type):
            at = pc.assume_timezone(pc.add(pc.cast(at, pa.timestamp("us")), _NOON), "UTC")
        entered = pa.table(
            {
                id_column: rows[id_column],
                "stage": pa.array([stage] * rows.num_rows, pa.string()),
                "at": pc.cast(at, pa.timestamp("us", tz="UTC")),
            }
        )
        parts.append(entered.filter(pc.is_valid(entered["at"])))
    if not parts:
        return empty()
    return from_snapshots(
        pa.concat_tables(parts),
        object_name=object_name,
        fields=["stage"],
        id_column=id_column,
        at_column="at",
    )


@dataclass(frozen=True)
class LoggedField:
    """How the values of one field are written in a source's log.

    Attributes:
        name: the field as the change log names it.
        kind: its column type.
        format: how its values are read.
    """

    name: str
    kind: ColumnType
    format: ColumnFormat


def logged_fields(batches: Iterable[pa.Table], table: str) -> dict[str, LoggedField]:
    """The fields of a source's log by their names there: each field's values are written in its own way.

    Args:
        batches: the rows of the log.
        table: table the records belong to.
    """

    def texts() -> Iterator[tuple[str, pa.ChunkedArray]]:
        for rows in map(_told, batches):
            for source_name in pc.unique(rows["field"]).to_pylist():
                own = _of_field(rows, source_name)
                for side in ("old", "new"):
                    if side in own.column_names:
                        yield source_name, own[side].filter(pc.fill_null(pc.not_equal(own[side], ""), False))

    by_name = TABLES[table].by_name
    found = {}
    for source_name, profile in profile_parts(texts()).items():
        if name := field_target(table, source_name) or own_field(source_name):
            kind = by_name[name].type if name in by_name else "text"
            found[source_name] = LoggedField(name, kind, format_for(profile, kind, zone="UTC"))
    return found


def field_changes(rows: pa.Table, fields: Mapping[str, LoggedField], table: str) -> pa.Table:
    """One row a change as the source logs it, of some rows of its log."""
    rows = _told(rows)
    if "old" not in rows.column_names:
        rows = rows.append_column("old", pa.nulls(rows.num_rows, pa.string()))
    parts = [empty()]
    for source_name, field in fields.items():
        own = _of_field(rows, source_name)
        if own.num_rows == 0:
            continue
        old, new = (
            canonical_text(type_batch(as_one(pc.fill_null(own[side], "")), field.format, field.kind).values)
            for side in ("old", "new")
        )
        by = (
            as_one(own["changed_by"])
            if "changed_by" in own.column_names
            else pa.nulls(own.num_rows, pa.string())
        )
        parts.append(
            _rows(table, field.name, as_one(own["object_id"]), old, new, as_one(own["valid_at"]), by)
        )
    return pa.concat_tables(parts).combine_chunks()


def _told(rows: pa.Table) -> pa.Table:
    """Rows that say of what record, when and of which field: others tell nothing, not even how values are written."""
    valid = pc.and_(pc.is_valid(rows["object_id"]), pc.is_valid(rows["valid_at"]))
    return rows.filter(pc.and_(valid, pc.is_valid(rows["field"])))


def _of_field(rows: pa.Table, source_name: str) -> pa.Table:
    return rows.filter(pc.fill_null(pc.equal(rows["field"], source_name), False))


def _shifted(array: pa.Array) -> pa.Array:
    """Each value's predecessor; null for the first."""
    return pa.concat_arrays([pa.nulls(1, array.type), array.slice(0, max(len(array) - 1, 0))]).slice(
        0, len(array)
    )


def _rows(
    object_name: str, field: str, ids: pa.Array, old: pa.Array, new: pa.Array, at: pa.Array, by: pa.Array
) -> pa.Table:
    count = len(ids)
    return pa.table(
        [
            pa.array([object_name] * count, pa.string()),
            ids,
            pa.array([field] * count, pa.string()),
            old,
            new,
            at,
            pa.array(["history"] * count, pa.string()),
            by,
        ],
        schema=CHANGES,
    )
