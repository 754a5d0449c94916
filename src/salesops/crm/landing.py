"""Landing: a confirmed plan's files become typed, linked rows ready to merge. Streams; holds no file in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salesops.crm.engine.assemble import SOURCE_ROW, Refused, assemble, schema_of
from salesops.crm.engine.canonical import as_one
from salesops.crm.engine.linking import Names, link, merged
from salesops.crm.files.tables import RawTable
from salesops.crm.landed_rows import GROUP_ROWS, RowsFile, history_file, stage_entries
from salesops.crm.plans import HISTORY, RECORDS, FilePlan
from salesops.facts.incoming import Incoming
from salesops.facts.tables import TABLES

Progress = Callable[[int, int, str], None]

REFERENCES = ("users", "accounts", "products")
"""Tables whose records may be named by label instead of id, and implied by a name alone."""

ORDER = tuple(TABLES)
"""Tables land in the order they are declared: what is referred to comes first."""

Owners = Callable[[FilePlan], Mapping[str, str]]
"""Id -> source of the records of a plan's table that other systems brought."""


def nobody(plan: FilePlan) -> Mapping[str, str]:
    """Owners where no other system has brought anything."""
    return {}


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
        history: Parquet of rows for the change log, None where the file has none.
        unreadable: rows that could not be read at all.
        foreign: row -> id of rows left out because another system's record has their id; see ``owners``.
        owners: id -> source of the records of other systems.
        implied: table -> id -> name of records that this file's rows only name.
        linked: whether labels have been turned into ids.
    """

    plan: FilePlan
    path: Path | None = None
    read: int = 0
    refused: list[Refused] = field(default_factory=list)
    rounded: int = 0
    ambiguous: dict[str, dict[str, int]] = field(default_factory=dict)
    history: Path | None = None
    unreadable: int = 0
    foreign: dict[int, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    implied: dict[str, dict[str, str]] = field(default_factory=dict)
    linked: bool = False

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
    owners: Owners = nobody,
) -> list[Landed]:
    """Type and link every file of one data date.

    Args:
        plans: files to take.
        tables: the opened files by name.
        folder: where the typed rows are written.
        known: names already in the store, by reference table; extended by the files at hand.
        progress: told rows done, rows in all and a sentence; may raise to cancel.
        done, total: rows of earlier groups and of the whole import, for the progress.
        owners: whose records the ids of other systems are; rows with those are left out.
    """
    ordered = sorted(plans, key=lambda p: (p.kind != RECORDS, ORDER.index(p.table), p.name))
    # What is referred to comes first, so that the others can be linked while they are read.
    first = sorted(range(len(ordered)), key=lambda n: (_is_referred_to(ordered[n]) is False, n))
    landed: dict[int, Landed] = {}
    for place, number in enumerate(first):
        plan = ordered[number]
        result = Landed(plan)
        if plan.kind == RECORDS:
            result.owners = owners(plan)
            later = {ordered[n].table for n in first[place:] if _is_referred_to(ordered[n])}
            result.linked = not later & {t for _, t in _references(plan.table)}
        path = folder / f"{number:03d}-{plan.table}.parquet"
        with RowsFile(path, _schema(plan, known)) as writer:
            for batch in tables[plan.name].encoded():
                records = _typed(result, batch, known)
                if records.num_rows:
                    writer.write(records)
                progress(done + result.read, total, f"Reading {plan.name}")
        tables[plan.name].forget_head()
        done += result.read
        result.unreadable = sum(1 for p in tables[plan.name].problems if p.severity == "error" and p.row)
        result.path = path
        if plan.kind == HISTORY:
            result.history = history_file(path, plan)
        elif plan.stage_dates:
            result.history = stage_entries(path, plan)
        landed[number] = result
    return [landed[number] for number in range(len(ordered))]


def _is_referred_to(plan: FilePlan) -> bool:
    return plan.kind == RECORDS and plan.table in REFERENCES


def _references(table: str) -> list[tuple[str, str]]:
    """A table's columns that refer to records by id, of those tables whose records may be only named."""
    return [(c.name, c.references) for c in TABLES[table].columns if c.references in REFERENCES]


def _schema(plan: FilePlan, known: Mapping[str, Names]) -> pa.Schema:
    """Columns of a file's typed rows before any is read, for a file that has none."""
    schema = schema_of([c.column_plan() for c in plan.mapped()], plan.key, plan.joined)
    return schema.append(pa.field("implied", pa.bool_())) if _is_referred_to(plan) else schema


def _typed(result: Landed, batch: pa.RecordBatch, known: Mapping[str, Names]) -> pa.Table:
    """The records of a batch: typed, of this system only, and linked where all names are known by now."""
    plan = result.plan
    part = assemble(batch, [c.column_plan() for c in plan.mapped()], plan.key, plan.joined)
    result.read += batch.num_rows
    result.rounded += part.rounded
    result.refused.extend(part.refused)
    records = part.records
    if _is_referred_to(plan):
        # A record that a file describes is no longer only implied by a name.
        records = records.append_column("implied", pa.array([False] * records.num_rows, pa.bool_()))
        known[plan.table].add(_pairs(records))
    if result.owners:
        records = _own(result, records)
    return _linked(result, records, known) if result.linked else records


def _own(result: Landed, records: pa.Table) -> pa.Table:
    """Records whose ids no other system has; the others are noted."""
    foreign = pc.is_in(records["id"], value_set=pa.array(list(result.owners), pa.string()))
    if not pc.any(foreign).as_py():
        return records
    others = records.filter(foreign)
    result.foreign.update(zip(others[SOURCE_ROW].to_pylist(), others["id"].to_pylist(), strict=True))
    return records.filter(pc.invert(foreign))


def _pairs(records: pa.Table) -> Iterable[tuple[str | None, str | None]]:
    ids = records["id"].to_pylist()
    names = records["name"].to_pylist() if "name" in records.column_names else [None] * len(ids)
    return zip(ids, names, strict=True)


def link_all(landed: Sequence[Landed], known: Mapping[str, Names]) -> dict[str, dict[str, str]]:
    """Turn labels into ids in the landed files that were not linked while they were read.

    Returns:
        The implied records of all files: table -> id -> name.
    """
    implied: dict[str, dict[str, str]] = {name: {} for name in REFERENCES}
    for item in landed:
        if item.plan.kind != RECORDS or item.path is None:
            continue
        if not item.linked:
            target = item.path.with_suffix(".linked.parquet")
            source = pq.ParquetFile(item.path)
            with RowsFile(target, source.schema_arrow) as writer:
                for batch in source.iter_batches(batch_size=GROUP_ROWS):
                    writer.write(_linked(item, pa.Table.from_batches([batch]), known))
            item.path, item.linked = target, True
        for table, found in item.implied.items():
            for key, name in found.items():
                implied[table].setdefault(key, name)
    return {table: found for table, found in implied.items() if found}


def _labels(table: str, present: Collection[str]) -> dict[str, str]:
    """Label column -> reference column, for labels the file has."""
    return {c.name: c.label_of for c in TABLES[table].columns if c.label_of and c.name in present}


def _linked(item: Landed, rows: pa.Table, known: Mapping[str, Names]) -> pa.Table:
    """Rows with the ids that their labels name; what they imply or leave open is noted in ``item``."""
    by_name = TABLES[item.plan.table].by_name
    labels = _labels(item.plan.table, rows.column_names)
    for label, reference in labels.items():
        table = by_name[reference].references
        if table not in REFERENCES:
            continue
        given = rows[reference] if reference in rows.column_names else None
        found = link(rows[label], given, known[table])
        item.implied.setdefault(table, {}).update(found.implied)
        if found.ambiguous:
            item.ambiguous[label] = merged(item.ambiguous.get(label, {}), found.ambiguous)
        if given is None:
            rows = rows.append_column(reference, found.ids)
            continue
        rows = rows.set_column(rows.column_names.index(reference), reference, found.ids)
        if table == "users":
            for key, name in _named(found.ids, rows[label], _unknown(item, found.ids, known)):
                item.implied["users"].setdefault(key, name or key)
    for column, table in _references(item.plan.table):
        if table == "users" and column in rows.column_names and column not in labels.values():
            for key in _unknown(item, as_one(rows[column]), known):
                item.implied.setdefault("users", {}).setdefault(key, key)
    return rows


def _unknown(item: Landed, ids: pa.Array, known: Mapping[str, Names]) -> list[str]:
    """People referred to that neither the store nor any file at hand describes, nor were met before."""
    met = item.implied.get("users", {})
    return [
        key
        for key in pc.unique(ids).to_pylist()
        if key is not None and key not in known["users"].known and key not in met
    ]


def _named(ids: pa.Array, labels: pa.ChunkedArray, wanted: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Each row's id and label, of some ids."""
    if wanted:
        some = pc.is_in(pc.cast(ids, pa.string()), value_set=pa.array(wanted, pa.string()))
        yield from zip(ids.filter(some).to_pylist(), labels.filter(some).to_pylist(), strict=True)


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
