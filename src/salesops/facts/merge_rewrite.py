# ruff: noqa: S608 - statements are composed of quoted names, typed literals and numbers of our own
"""Data files with the changes of a merge: small ones are written anew, of large ones the columns that change."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from salesops.facts import lake
from salesops.facts.backends import quoted, text_literal
from salesops.facts.columntypes import ARROW, SQL
from salesops.facts.errors import QueryFailed
from salesops.facts.lake import DataFile, looked_up_by
from salesops.facts.patched_files import PLACE, patched
from salesops.facts.sightings import SEEN
from salesops.facts.spliced_files import UnfitError
from salesops.facts.tables import TABLES

if TYPE_CHECKING:
    from salesops.facts.merge_records import RecordMerge

PATCHED_FROM = 100_000
"""Rows of a file from which on it is patched. Smaller ones are joined with the records that a merge adds."""

MOST_CHANGED = 200_000
"""Changed rows of a merge up to which files are patched: their new values wait in memory."""

MOST_BYTES = 256_000_000
"""Bytes of their new values up to which files are patched."""

_ON_CHANGE = ("source", "import_id", "source_row", "implied", "deleted_on")
"""System columns that may differ in a row whose values changed."""


def rewritten_rows(merge: RecordMerge, replaced: Collection[DataFile]) -> str:
    """SQL of all rows of some files, with their changes."""
    some = f"(SELECT * FROM cur WHERE {_in(merge, replaced)})"
    if len(replaced) == len(merge.working.files):
        some = "cur"
    values = _values(merge, list(merge.target))
    return f"SELECT {', '.join(values)} FROM {some} s{_joined(merge)}"


def patched_files(merge: RecordMerge, touched: Collection[DataFile]) -> dict[DataFile, DataFile]:
    """Write those of some files that can be patched; they count once they are committed.

    Args:
        merge: with its changes found and logged.
        touched: files that hold a row which changes.

    Returns:
        Old file -> new file; files that are not in it have to be written anew.
    """
    large = {f for f in touched if f.rows >= PATCHED_FROM}
    changing = _changing(merge)
    if not large or merge.file.widened or _placing(merge) & set(changing):
        return {}
    if sum(merge.bench.count(found) for found in ("chg", "del", "moved")) > MOST_CHANGED:
        return {}
    try:
        rows = _patch(merge, large, changing)
    except (QueryFailed, pa.ArrowException, MemoryError):
        return {}  # too much to hold at once: writing anew needs no such memory
    if rows.nbytes > MOST_BYTES:
        return {}
    own_rows = {
        f: rows.filter(pc.equal(rows["path"], str(merge.working.folder / f.path))).drop_columns(["path"])
        for f in sorted(large, key=lambda f: f.path)
    }
    if sum(own.num_rows for own in own_rows.values()) != rows.num_rows:
        return {}  # a file goes by another name: its changes must not be missed
    done: dict[DataFile, DataFile] = {}
    for old, own in own_rows.items():
        target = (merge.working.folder / old.path).with_name(f"part-{uuid.uuid4()}.parquet")
        merge.created.append(target)
        try:
            size = patched(merge.working.folder / old.path, own, merge.target, target, work=merge.bench.spill)
        except UnfitError:
            continue
        (done[old],) = lake.staged(merge.working.folder, [(target, old.rows, size)])
    return done


def _changing(merge: RecordMerge) -> list[str]:
    """Columns in which any stored row changes."""
    names: set[str] = set()
    if merge.outcome.changed:
        names |= {*merge.outcome.changed_by_field, *_ON_CHANGE}
    if merge.outcome.deleted:
        names.add("deleted_on")
    if merge.bench.count("moved"):
        names.add(SEEN)
    return [name for name in merge.target if name in names]


def _placing(merge: RecordMerge) -> set[str]:
    """Columns that say in which file a row lies, and where in it."""
    month = TABLES[merge.working.table].month if merge.working.partitioned else ""
    return {month, looked_up_by(merge.target)} - {""}


def _patch(merge: RecordMerge, files: Collection[DataFile], columns: list[str]) -> pa.Table:
    """The rows that change in some files: path, number in the file, and the new values of the changing columns."""
    changed = ["c.id IS NOT NULL"]
    changed += ["d.id IS NOT NULL"] if merge.outcome.deleted else []
    changed += ["m.id IS NOT NULL"] if SEEN in columns else []
    rows = merge.bench.arrow(
        f"""SELECT s.filename AS path, s.{PLACE}, {", ".join(_values(merge, columns))}
        FROM (SELECT * FROM cur WHERE {_in(merge, files)}) s{_joined(merge)}
        WHERE {" OR ".join(changed)}"""
    )
    kinds = {"path": pa.string(), PLACE: pa.int64()} | {n: ARROW[merge.target[n]] for n in columns}
    rows = rows.cast(pa.schema([pa.field(name, kind) for name, kind in kinds.items()]))
    # The engine gives file names as they were asked for; on Windows with either slash.
    names = rows["path"].combine_chunks().dictionary_encode()
    texts = pa.array([str(Path(name)) for name in names.dictionary.to_pylist()], pa.string())
    return rows.set_column(0, "path", texts.take(names.indices))


def _in(merge: RecordMerge, files: Collection[DataFile]) -> str:
    listed = ", ".join(text_literal(str(merge.working.folder / f.path)) for f in files)
    return f"filename IN ({listed})"


def _joined(merge: RecordMerge) -> str:
    """The changes beside stored rows ``s``: ``c`` values, ``d`` ends, ``m`` sets of sightings."""
    joins = " LEFT JOIN chg c ON s.id = c.id"
    joins += " LEFT JOIN del d ON s.id = d.id" if merge.outcome.deleted else ""
    return joins + (" LEFT JOIN moved m ON s.id = m.id" if merge.bench.count("moved") else "")


def _values(merge: RecordMerge, columns: list[str]) -> list[str]:
    """What each of some columns holds after the merge, in terms of :func:`_joined`."""
    changed = "c.id IS NOT NULL"
    source, run = text_literal(merge.incoming.source), text_literal(merge.incoming.import_id)
    ended = f"WHEN d.id IS NOT NULL THEN {merge.day} " if merge.outcome.deleted else ""
    ended += "WHEN c.back THEN NULL"
    fixed = {
        "source": f"CASE WHEN {changed} THEN {source} ELSE s.source END",
        "import_id": f"CASE WHEN {changed} THEN {run} ELSE s.import_id END",
        "source_row": f"CASE WHEN {changed} THEN c.new_row ELSE s.source_row END",
        "implied": f"CASE WHEN {changed} THEN c.new_implied ELSE s.implied END",
        "deleted_on": f"CASE {ended} ELSE s.deleted_on END",
        SEEN: f"coalesce(m.seen, s.{SEEN})" if merge.bench.count("moved") else f"s.{SEEN}",
    }
    values = []
    for name in columns:
        if name in fixed:
            value = fixed[name]
        elif name in merge.file.columns:
            value = f"CASE WHEN {changed} THEN c.{quoted('n_' + name)} ELSE s.{quoted(name)} END"
        else:
            value = f"s.{quoted(name)}"
        values.append(f"CAST({value} AS {SQL[merge.target[name]]}) AS {quoted(name)}")
    return values
