"""Housekeeping: join small files, and remove what no kept manifest needs.

Kept are: the latest manifest, manifests recorded within the retention time (and the one in
force when it began), and every manifest that a run has pinned. Everything else in a table's
folder goes: files of older versions, of merges that died before they were published, of
commits that no manifest lists.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from salesops.facts import lake
from salesops.facts.backends import Workbench
from salesops.facts.backends.duckdb import relation_sql
from salesops.facts.lake import MONTH_PART, DataFile, Snapshot, looked_up_by
from salesops.facts.manifests import Manifest
from salesops.facts.sightings import SIGHTINGS_TABLE
from salesops.facts.store import CHANGES, FactStore
from salesops.facts.tables import TABLES, ColumnType

KEEP_FOR = timedelta(days=7)
SMALL_BYTES = 8_000_000
"""Files below this size are joined when a partition has several of them."""
FEW = 4
"""So many small files in one partition are left alone."""


@dataclass(frozen=True)
class Housekeeping:
    """What was done: the manifest in force after it, files joined, files removed, bytes freed."""

    manifest: Manifest | None
    joined: int
    removed: int
    freed: int


def compact(store: FactStore, *, recorded_at: datetime, lock_timeout: float = 600.0) -> Housekeeping:
    """Join small files, table by table; appends one manifest when anything was joined.

    Readers are not disturbed: the files they hold stay until :func:`clean` finds them unneeded.
    """
    joined = 0
    manifest = store.manifests.latest()
    for table in TABLES:
        if table == CHANGES:
            continue
        with store.lock(table, timeout=lock_timeout), store.lock("commit", timeout=lock_timeout):
            count, manifest = _compact_table(store, table, recorded_at)
            joined += count
    with store.lock("commit", timeout=lock_timeout):  # every writer of the log holds this lock to publish
        count, manifest = _compact_table(store, CHANGES, recorded_at)
    return Housekeeping(manifest, joined + count, 0, 0)


def _compact_table(store: FactStore, table: str, recorded_at: datetime) -> tuple[int, Manifest | None]:
    latest = store.manifests.latest()
    if latest is None or table not in latest.versions:
        return 0, latest
    snapshot = store.snapshot(table, latest.versions[table])
    groups = _small_groups(snapshot)
    if not groups:
        return 0, latest
    old = {f.path for group in groups for f in group}
    new: list[DataFile] = []
    columns = dict(snapshot.columns)
    work = store.address / "_work" / uuid.uuid4().hex
    try:
        with Workbench(work, memory_limit=store.merge_memory) as bench:
            for group in groups:
                new += _join(bench, snapshot, group, columns)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    files = [f for f in snapshot.files if f.path not in old] + new
    version = lake.commit(snapshot.folder, files, columns, partitioned=snapshot.partitioned)
    manifest = store.manifests.append(
        versions={**latest.versions, table: version},
        recorded_at=max(recorded_at, latest.recorded_at),
        data_on=latest.data_on,
        note=f"files of {table} joined",
    )
    return len(old), manifest


def _small_groups(snapshot: Snapshot) -> list[list[DataFile]]:
    by_month: dict[str, list[DataFile]] = {}
    for file in snapshot.files:
        if file.size < SMALL_BYTES:
            by_month.setdefault(file.month, []).append(file)
    return [files for _, files in sorted(by_month.items()) if len(files) > FEW]


def _join(
    bench: Workbench, snapshot: Snapshot, group: list[DataFile], columns: dict[str, ColumnType]
) -> list[DataFile]:
    hidden: dict[str, ColumnType] = {MONTH_PART: "text"} if snapshot.partitioned else {}
    paths = [str(snapshot.folder / f.path) for f in group]
    rows = relation_sql(paths, columns | hidden, columns | hidden, partitioned=snapshot.partitioned)
    by = MONTH_PART if snapshot.partitioned else ""
    order = looked_up_by(columns) or "id"
    return lake.staged(
        snapshot.folder,
        bench.write_parquet(rows, snapshot.folder, partition_by=by, one_thread=True, order_by=order),
    )


def clean(
    store: FactStore, *, now: datetime, keep_for: timedelta = KEEP_FOR, lock_timeout: float = 600.0
) -> Housekeeping:
    """Remove files that no kept manifest needs, and the remains of writers that died.

    Args:
        store: whose files.
        now: aware instant that the retention time counts back from.
        keep_for: must be longer than the longest query; pinned manifests are kept for ever.
    """
    # a backup holds this lock while it copies the files it has listed
    with store.lock("clean", timeout=lock_timeout):
        return _clean(store, now - keep_for, lock_timeout)


def _clean(store: FactStore, cutoff: datetime, lock_timeout: float) -> Housekeeping:
    removed = freed = 0
    for table in (*TABLES, SIGHTINGS_TABLE):
        if not store.folder(table).is_dir():
            continue
        # a merge stages files of its tables under the table's lock, of the log outside of it
        names = list(TABLES) if table == CHANGES else [table]
        names = [n for n in names if n != CHANGES]
        with contextlib.ExitStack() as stack:
            for name in sorted(names) if table != SIGHTINGS_TABLE else []:
                stack.enter_context(store.lock(name, timeout=lock_timeout))
            stack.enter_context(store.lock("commit", timeout=lock_timeout))
            count, size = _clean_table(store, table, kept_manifests(store, cutoff))
            removed, freed = removed + count, freed + size
    _clean_work(store, cutoff)
    return Housekeeping(store.manifests.latest(), 0, removed, freed)


def kept_manifests(store: FactStore, cutoff: datetime) -> list[Manifest]:
    """Manifests whose data retention keeps."""
    log = store.manifests
    kept = {m.id: m for m in log.since(cutoff)}
    for manifest in (log.latest(), log.at(cutoff), *(log.get(i) for i in sorted(log.pinned()))):
        if manifest is not None:
            kept[manifest.id] = manifest
    return list(kept.values())


def _clean_table(store: FactStore, table: str, kept: Iterable[Manifest]) -> tuple[int, int]:
    folder = store.folder(table)
    needed: set[Path] = set()
    for version in {m.versions[table] for m in kept if table in m.versions}:
        needed |= {folder / f.path for f in store.snapshot(table, version).files}
    removed = freed = 0
    for path in sorted(folder.rglob("*.parquet")):
        if path in needed or "_delta_log" in path.relative_to(folder).parts:
            continue
        size = path.stat().st_size
        with contextlib.suppress(OSError):  # Windows: a reader still holds it; the next run takes it
            path.unlink()
            removed, freed = removed + 1, freed + size
    return removed, freed


def _clean_work(store: FactStore, before: datetime) -> None:
    """Work folders of merges that died; a living merge is younger than the retention time."""
    work = store.address / "_work"
    if not work.is_dir():
        return
    for folder in work.iterdir():
        if folder.stat().st_mtime < before.timestamp():
            shutil.rmtree(folder, ignore_errors=True)


__all__ = ["KEEP_FOR", "Housekeeping", "clean", "compact", "kept_manifests"]
