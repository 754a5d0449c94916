"""Delta tables as lists of immutable Parquet files: the only place that names ``deltalake``.

Readers get the active files of one version. Writers stage new files under the table's folder
and commit a set of active files; a file that no version lists is garbage that compaction
removes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, PostCommitHookProperties, RemoveAction

from salesops.facts.columntypes import ARROW, DELTA
from salesops.facts.errors import DataMissing, UnsupportedTable
from salesops.facts.tables import ColumnType

MONTH_PART = "month_part"
"""Hidden partition column 'YYYY-MM' of tables with a month; '0000-00' where the month is unknown."""

_REFUSED = {"deletionVectors", "columnMapping"}
_KEEP_LOG = PostCommitHookProperties(cleanup_expired_logs=False)
"""Every hundredth commit would else remove the log of versions older than 30 days, pinned ones included."""


_LOOKED_UP_BY = ("object_id", "opportunity_id")


def looked_up_by(columns: Iterable[str]) -> str:
    """The column in whose order a table's rows lie in a file: what the page of one deal asks by; "" for none."""
    present = set(columns)
    return next((name for name in _LOOKED_UP_BY if name in present), "")


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a table.

    Attributes:
        path: relative to the table's folder, with forward slashes.
        rows: number of rows.
        size: bytes.
    """

    path: str
    rows: int
    size: int

    @property
    def month(self) -> str:
        """The month partition it lies in, "" in an unpartitioned table."""
        first = self.path.split("/", 1)[0]
        return first.partition("=")[2] if first.startswith(f"{MONTH_PART}=") else ""


@dataclass(frozen=True)
class Snapshot:
    """One version of one table: its files and the columns they may hold.

    ``version`` is None for a table that was never written.
    """

    folder: Path
    version: int | None
    files: tuple[DataFile, ...]
    columns: Mapping[str, ColumnType]
    partitioned: bool

    @property
    def paths(self) -> list[str]:
        """Absolute paths of the files."""
        return [str(self.folder / f.path) for f in self.files]

    @property
    def rows(self) -> int:
        """Number of rows, from the files' own counts."""
        return sum(f.rows for f in self.files)


def open_snapshot(folder: Path, version: int | None, *, partitioned: bool) -> Snapshot:
    """A version of the table in ``folder``.

    Raises:
        DataMissing: the version or one of its files is gone.
        UnsupportedTable: a writer elsewhere switched on a feature readers here would misread.
    """
    if version is None:
        return Snapshot(folder, None, (), {}, partitioned)
    table = _at_version(folder, version)
    _refuse_features(folder, table)
    columns = {f.name: _column_type(folder, f.name, str(f.type.type)) for f in _fields(table)}
    columns.pop(MONTH_PART, None)
    files = _active(table)
    for file in files:
        if not (folder / file.path).is_file():
            raise DataMissing(
                f"Version {version} of table {folder.name!r} lists {file.path}, which is gone. "
                "Restore the store's folder from a backup, or read an older manifest."
            )
    return Snapshot(folder, version, files, columns, partitioned)


def listed_files(folder: Path, version: int) -> tuple[DataFile, ...]:
    """The files of a version, there or not; raises :class:`DataMissing` where its log can't be read."""
    return _active(_at_version(folder, version))


def _at_version(folder: Path, version: int) -> DeltaTable:
    try:
        return DeltaTable(str(folder), version=version)
    except (TableNotFoundError, DeltaError, OSError) as error:
        raise DataMissing(
            f"The manifest names version {version} of table {folder.name!r}, which {folder} does not hold "
            f"({str(error).splitlines()[0]}). Restore the store's folder from a backup, "
            "or read an older manifest."
        ) from error


def head_version(folder: Path) -> int | None:
    """The newest committed version, listed by a manifest or not; None where there is no table."""
    if not DeltaTable.is_deltatable(str(folder)):
        return None
    return int(DeltaTable(str(folder), without_files=True).version())


def commit(
    folder: Path, files: Iterable[DataFile], columns: Mapping[str, ColumnType], *, partitioned: bool
) -> int:
    """Commit a version whose active files are exactly ``files``; returns its number.

    The new version is derived from the head by adding and removing files, so a head that no
    manifest lists (a writer died after its commit) is superseded, never built upon.
    """
    schema = pa.schema([pa.field(n, ARROW[k]) for n, k in columns.items()])
    if partitioned:
        schema = schema.append(pa.field(MONTH_PART, pa.string()))
    by = [MONTH_PART] if partitioned else None
    if not DeltaTable.is_deltatable(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        DeltaTable.create(str(folder), schema, partition_by=by)
    table = DeltaTable(str(folder))
    _refuse_features(folder, table)
    active = {f.path: f for f in _active(table)}
    wanted = {f.path: f for f in files}
    same_schema = {f.name for f in _fields(table)} == set(schema.names) and all(
        f.name == MONTH_PART or DELTA.get(str(f.type.type)) == columns[f.name] for f in _fields(table)
    )
    adds = [_add(folder, f) for p, f in wanted.items() if p not in active or not same_schema]
    if same_schema:
        actions: list[AddAction | RemoveAction] = [*adds]
        actions += [_remove(f) for p, f in active.items() if p not in wanted]
        table.create_write_transaction(
            actions, "append", schema, partition_by=by, post_commithook_properties=_KEEP_LOG
        )
    else:  # an overwrite carries the new schema and removes every file that is not added again
        table.create_write_transaction(
            list(adds), "overwrite", schema, partition_by=by, post_commithook_properties=_KEEP_LOG
        )
    table.update_incremental()
    return int(table.version())


def staged(folder: Path, written: Iterable[tuple[Path, int, int]]) -> list[DataFile]:
    """Files just written under a table's folder, flushed to disk, as data files of the table."""
    result = []
    for path, rows, size in written:
        if rows == 0:
            path.unlink(missing_ok=True)
            continue
        with path.open("rb+") as handle:
            os.fsync(handle.fileno())
        result.append(DataFile(path.relative_to(folder).as_posix(), rows, size))
    return result


def _active(table: DeltaTable) -> tuple[DataFile, ...]:
    actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    return tuple(
        sorted(
            (DataFile(unquote(a["path"]), int(a["num_records"] or 0), int(a["size_bytes"])) for a in actions),
            key=lambda f: f.path,
        )
    )


def _partition(file: DataFile) -> dict[str, str | None]:
    return {MONTH_PART: file.month} if file.month else {}


def _add(folder: Path, file: DataFile) -> AddAction:
    changed = int((folder / file.path).stat().st_mtime * 1000)
    return AddAction(
        file.path, file.size, _partition(file), changed, True, json.dumps({"numRecords": file.rows})
    )


def _remove(file: DataFile) -> RemoveAction:
    now = int(time.time() * 1000)  # the Delta protocol asks when; nothing here reads it back
    return RemoveAction(file.path, True, now, file.size, _partition(file))


def _fields(table: DeltaTable) -> list:  # type: ignore[type-arg]  # deltalake's Field is a native class
    return list(table.schema().fields)


def _column_type(folder: Path, name: str, kind: str) -> ColumnType:
    try:
        return DELTA[kind.replace(" ", "")]
    except KeyError:
        raise UnsupportedTable(
            f"Column {name!r} of {folder} has type {kind}, which no fact column has. "
            "The table was written by something else: move it away, or restore a backup."
        ) from None


def _refuse_features(folder: Path, table: DeltaTable) -> None:
    protocol = table.protocol()
    used = set(protocol.reader_features or ()) & _REFUSED
    if used:
        raise UnsupportedTable(
            f"Table {folder} uses {', '.join(sorted(used))}, under which its files hold rows that are "
            "deleted or columns under other names. "
            "Switch the feature off in the tool that wrote it and rewrite the table."
        )
