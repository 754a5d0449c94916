"""Landing: a confirmed plan's files become typed, linked rows ready to merge. Streams; holds no file in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salesops.crm.engine.assemble import Refused, assemble, schema_of
from salesops.crm.engine.changelog import from_stage_dates, history_of
from salesops.crm.engine.linking import Names, link, merged
from salesops.crm.files.tables import RawTable
from salesops.crm.plans import HISTORY, RECORDS, FilePlan
from salesops.facts.incoming import Incoming
from salesops.facts.tables import TABLES

Progress = Callable[[int, int, str], None]

REFERENCES = ("users", "accounts", "products")
"""Tables whose records may be named by label instead of id, and implied by a name alone."""

ORDER = tuple(TABLES)
"""Tables land in the order they are declared: what is referred to comes first."""

GROUP_ROWS = 65_536


@dataclass
class Landed:
    """What landing one file gave.

    Attributes:
        plan: the file's plan.
        path: Parquet of typed rows, None for a history file.
        read: rows read.
        refused: rows that can't be taken.
        rounded: amounts with more decimals than are kept, rounded half away from zero.
        ambiguous: label column -> name -> rows, where several records have the name.
        history: rows for the change log, None where the file has none.
        unreadable: rows that could not be read at all.
    """

    plan: FilePlan
    path: Path | None = None
    read: int = 0
    refused: list[Refused] = field(default_factory=list)
    rounded: int = 0
    ambiguous: dict[str, dict[str, int]] = field(default_factory=dict)
    history: pa.Table | None = None
    unreadable: int = 0

    @property
    def incomplete_because(self) -> str:
        """Why a file that was declared complete can't be taken so: a record may be in a row nobody can tell."""
        if not self.plan.complete or self.plan.kind != RECORDS:
            return ""
        unknown = self.unreadable + sum(not r.key for r in self.refused)
        if not unknown:
            return ""
        rows = "1 row is" if unknown == 1 else f"{unknown:,} rows are"
        return (
            f"{rows} of records nobody can tell, so nothing was taken as deleted. Mend them and import again."
        )


def land(
    plans: Sequence[FilePlan],
    tables: Mapping[str, RawTable],
    *,
    folder: Path,
    known: Mapping[str, Names],
    progress: Progress,
    done: int = 0,
    total: int = 0,
) -> list[Landed]:
    """Type and link every file of one data date.

    Args:
        plans: files to take.
        tables: the opened files by name.
        folder: where the typed rows are written.
        known: names already in the store, by reference table; extended by the files at hand.
        progress: told rows done, rows in all and a sentence; may raise to cancel.
        done, total: rows of earlier groups and of the whole import, for the progress.
    """
    ordered = sorted(plans, key=lambda p: (p.kind != RECORDS, ORDER.index(p.table), p.name))
    landed: list[Landed] = []
    for number, plan in enumerate(ordered):
        result = Landed(plan)
        path = folder / f"{number:03d}-{plan.table}.parquet"
        columns = [c.column_plan() for c in plan.mapped()]
        names = known.get(plan.table) if plan.kind == RECORDS else None
        schema = schema_of(columns, plan.key, plan.joined)
        if names is not None:
            schema = schema.append(pa.field("implied", pa.bool_()))
        with pq.ParquetWriter(path, schema, compression="lz4") as writer:
            for batch in tables[plan.name].batches():
                part = assemble(batch, columns, plan.key, plan.joined)
                result.read += batch.num_rows
                result.rounded += part.rounded
                result.refused.extend(part.refused)
                records = part.records
                if names is not None:
                    # A record that a file describes is no longer only implied by a name.
                    records = records.append_column(
                        "implied", pa.array([False] * records.num_rows, pa.bool_())
                    )
                    names.add(_pairs(records))
                if records.num_rows:
                    writer.write_table(records, row_group_size=GROUP_ROWS)
                progress(done + result.read, total, f"Reading {plan.name}")
        done += result.read
        result.unreadable = sum(1 for p in tables[plan.name].problems if p.severity == "error" and p.row)
        result.path = path
        if plan.kind == HISTORY:
            result.history = history_of(pq.read_table(path), how=plan.history, table=plan.table)
        elif plan.stage_dates:
            result.history = _stage_entries(path, plan)
        landed.append(result)
    return landed


def _stage_entries(path: Path, plan: FilePlan) -> pa.Table:
    """Stage entries from the date columns a record carries, one column a stage."""
    stored = {c.header: c.to for c in plan.mapped()}
    stages = {stored[h]: stage for h, stage in plan.stage_dates.items() if h in stored}
    dated = [
        name
        for name in stages
        if pa.types.is_date(pq.read_schema(path).field(name).type)
        or pa.types.is_timestamp(pq.read_schema(path).field(name).type)
    ]
    rows = pq.read_table(path, columns=["id", *dated])
    return from_stage_dates(
        rows, object_name=plan.table, id_column="id", stages={n: stages[n] for n in dated}
    )


def _pairs(records: pa.Table) -> Iterable[tuple[str | None, str | None]]:
    ids = records["id"].to_pylist()
    names = records["name"].to_pylist() if "name" in records.column_names else [None] * len(ids)
    return zip(ids, names, strict=True)


def link_all(landed: Sequence[Landed], known: Mapping[str, Names]) -> dict[str, dict[str, str]]:
    """Turn labels into ids in every landed file; returns the implied records: table -> id -> name."""
    implied: dict[str, dict[str, str]] = {name: {} for name in REFERENCES}
    for item in landed:
        if item.plan.kind != RECORDS or item.path is None:
            continue
        schema = pq.read_schema(item.path)
        labels = _labels(item.plan.table, schema.names)
        ids = [
            c
            for c in TABLES[item.plan.table].columns
            if c.references == "users" and c.name in schema.names and c.name not in labels.values()
        ]
        if labels:
            item.path = _relinked(item, item.path, labels, known, implied)
        for column in ids:
            for value in pc.unique(pq.read_table(item.path, columns=[column.name])[column.name]).to_pylist():
                if value is not None and value not in known["users"].known:
                    implied["users"].setdefault(value, value)
    return {table: found for table, found in implied.items() if found}


def _labels(table: str, present: Sequence[str]) -> dict[str, str]:
    """Label column -> reference column, for labels the file has."""
    return {c.name: c.label_of for c in TABLES[table].columns if c.label_of and c.name in present}


def _relinked(
    item: Landed,
    path: Path,
    labels: Mapping[str, str],
    known: Mapping[str, Names],
    implied: dict[str, dict[str, str]],
) -> Path:
    by_name = TABLES[item.plan.table].by_name
    source = pq.ParquetFile(path)
    target = path.with_suffix(".linked.parquet")
    added = [ref for ref in labels.values() if ref not in source.schema_arrow.names]
    schema = pa.schema([*source.schema_arrow, *(pa.field(name, pa.string()) for name in added)])
    with pq.ParquetWriter(target, schema, compression="lz4") as writer:
        for batch in source.iter_batches(batch_size=GROUP_ROWS):
            rows = pa.Table.from_batches([batch])
            for label, reference in labels.items():
                table = by_name[reference].references
                if table not in REFERENCES:
                    continue
                given = rows[reference] if reference in rows.column_names else None
                found = link(rows[label], given, known[table])
                implied[table].update({k: v for k, v in found.implied.items() if k not in known[table].known})
                if found.ambiguous:
                    item.ambiguous[label] = merged(item.ambiguous.get(label, {}), found.ambiguous)
                if given is not None:
                    position = rows.column_names.index(reference)
                    rows = rows.set_column(position, reference, found.ids)
                    if table == "users":
                        for key, name in zip(found.ids.to_pylist(), rows[label].to_pylist(), strict=True):
                            if key is not None and key not in known[table].known:
                                implied[table].setdefault(key, name or key)
                else:
                    rows = rows.append_column(reference, found.ids)
            writer.write_table(rows.select(schema.names), row_group_size=GROUP_ROWS)
    return target


def _held_elsewhere(item: Landed, landed: Sequence[Landed]) -> tuple[pa.Table | Path, ...]:
    """Records of a file's table in the other files of the same day and in refused rows: they are not gone."""
    siblings = [
        other for other in landed if other.plan.table == item.plan.table and other.plan.kind == RECORDS
    ]
    refused = [r.key for other in siblings for r in other.refused if r.key]
    paths: list[pa.Table | Path] = [o.path for o in siblings if o is not item and o.path is not None]
    if refused:
        paths.append(pa.table({"id": pa.array(refused, pa.string())}))
    return tuple(paths)


def incoming_of(
    landed: Sequence[Landed], implied: Mapping[str, Mapping[str, str]], *, data_on: date, import_id: str
) -> list[Incoming]:
    """Everything of one data date as the store's merge takes it."""
    result: list[Incoming] = []
    for item in landed:
        plan = item.plan
        result.append(
            Incoming(
                table=plan.table,
                rows=item.path if plan.kind == RECORDS else None,
                key_columns=("id",),
                data_on=plan.data_on or data_on,
                source=plan.source,
                import_id=import_id,
                complete=plan.complete and plan.kind == RECORDS and not item.incomplete_because,
                complete_where=plan.complete_where,
                history=item.history,
                held_elsewhere=_held_elsewhere(item, landed) if plan.complete else (),
            )
        )
    for table, records in implied.items():
        rows = pa.table(
            {
                "id": pa.array(list(records), pa.string()),
                "name": pa.array(list(records.values()), pa.string()),
                "implied": pa.array([True] * len(records), pa.bool_()),
            }
        )
        result.append(
            Incoming(
                table=table,
                rows=rows,
                key_columns=("id",),
                data_on=data_on,
                source="implied",
                import_id=import_id,
            )
        )
    return result
