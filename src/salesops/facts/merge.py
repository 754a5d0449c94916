# ruff: noqa: S608 - statements are composed of quoted names, typed literals and numbers of our own
"""Merge files' rows into the store: all tables or nothing, then one manifest.

Order of work: take the writers' locks of the tables, compare and write new data files beside
the published ones, then, under the store's commit lock, commit every table and append one
manifest. Until that append nothing is visible; a writer that dies before it leaves only files
and versions that no manifest lists.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

import pyarrow.parquet as pq

from salesops.facts import lake, sightings
from salesops.facts.backends import Workbench
from salesops.facts.backends.duckdb import relation_sql
from salesops.facts.changelog import COLUMNS, KEY, MONTH_SQL, ChangeLog
from salesops.facts.errors import InvalidIncoming, MergeCancelled
from salesops.facts.incoming import Incoming, MergeReport, Outcome
from salesops.facts.incoming_rows import open_rows
from salesops.facts.lake import MONTH_PART, DataFile
from salesops.facts.locks import FileLock
from salesops.facts.manifests import Manifest
from salesops.facts.merge_records import RecordMerge, Working
from salesops.facts.sightings import SIGHTINGS_TABLE
from salesops.facts.store import CHANGES, FactStore
from salesops.facts.tables import TABLES, ColumnType

Progress = Callable[[str, int, int], None]

_SIGHTING_COLUMNS: dict[str, ColumnType] = {
    "object": "text",
    "kind": "text",
    "number": "integer",
    "body": "text",
}
_STEPS = 6


def merge(
    store: FactStore,
    incoming: Sequence[Incoming],
    *,
    recorded_at: datetime,
    note: str = "",
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    lock_timeout: float = 600.0,
    published: Callable[[], datetime] | None = None,
) -> MergeReport:
    """Merge files into the store, older data dates of a table first.

    Args:
        store: where to.
        incoming: one per file and table.
        recorded_at: aware instant at which the store learns of all of it.
        note: kept in the manifest.
        progress: called with what is being done, steps done, steps in all.
        cancelled: asked between steps; when it says yes, nothing is published.
        lock_timeout: seconds to wait for another writer.
        published: tells the instant at which the manifest is appended, which readers see the merge from;
            where None, it counts as recorded at ``recorded_at``.

    Raises:
        InvalidIncoming: rows that do not fit their table; nothing is published.
        MergeCancelled: the caller cancelled.
        LockTimeout: another writer was busy for too long.
    """
    if recorded_at.tzinfo is None:
        raise InvalidIncoming("recorded_at needs a time zone.")
    for one in incoming:
        if one.table not in TABLES or one.table == CHANGES:
            raise InvalidIncoming(
                f"{one.table!r} is no table to merge rows into; a source's own log goes into history."
            )
    # files of one day keep the order they were given in: the later one wins
    order = sorted(range(len(incoming)), key=lambda i: incoming[i].data_on)
    tables = sorted({one.table for one in incoming})
    with contextlib.ExitStack() as stack:
        locks = [stack.enter_context(store.lock(t, timeout=lock_timeout)) for t in tables]
        job = _Job(store, recorded_at, note, locks, lock_timeout, len(incoming) * _STEPS + 1)
        job.progress, job.cancelled, job.published_at = progress, cancelled, published
        stack.callback(job.clean)
        return job.run([(i, incoming[i]) for i in order])


class _Job:
    """One call of :func:`merge`."""

    def __init__(
        self,
        store: FactStore,
        recorded_at: datetime,
        note: str,
        locks: list[FileLock],
        lock_timeout: float,
        steps: int,
    ) -> None:
        self.store = store
        self.recorded_at = recorded_at
        self.note = note
        self.locks = locks
        self.lock_timeout = lock_timeout
        self.steps = steps
        self.done = 0
        self.progress: Progress | None = None
        self.published_at: Callable[[], datetime] | None = None
        self.cancelled: Callable[[], bool] | None = None
        self.base = store.manifests.latest()
        self.versions = dict(self.base.versions) if self.base else {}
        self.folder = store.address / "_work" / uuid.uuid4().hex
        self.working: dict[str, Working] = {}
        self.created: list[Path] = []
        self.published = False

    def run(self, incoming: list[tuple[int, Incoming]]) -> MergeReport:
        outcomes: dict[int, Outcome] = {}
        with Workbench(self.folder, memory_limit=self.store.merge_memory) as bench:
            base = self.store.snapshot(CHANGES, self.versions.get(CHANGES))
            log = ChangeLog(bench, base, self.recorded_at)
            for place, one in incoming:
                outcomes[place] = self._merge_one(bench, log, one)
            latest = max((one.data_on for _, one in incoming), default=None)
            manifest = self._publish(bench, log, latest)
        return MergeReport(
            manifest or self.base,
            [outcomes[i] for i in sorted(outcomes)],
            changed_anything=manifest is not None,
        )

    def _merge_one(self, bench: Workbench, log: ChangeLog, one: Incoming) -> Outcome:
        working = self._open(one.table)
        outcome = Outcome(one.table)
        if one.history is not None:
            self.step(f"{one.table}: history")
            open_rows(bench, "hist_raw", one.history)
            kinds = {c.name: c.type for c in TABLES[one.table].columns} | {
                n: k for n, k in working.columns.items() if n.startswith("x_")
            }
            history = log.add_history(one.table, "hist_raw", kinds, one.import_id, one.data_on)
            outcome.history = history
        if one.rows is not None:
            step = self._step_of(one.table)
            outcome = RecordMerge(bench, working, one, log, step, self.created).run()
            if one.history is not None:
                outcome.history += history
        return outcome

    def _step_of(self, table: str) -> Callable[[str], None]:
        return lambda what: self.step(f"{table}: {what}")

    def step(self, what: str) -> None:
        """Report and ask whether to go on."""
        if self.cancelled is not None and self.cancelled():
            raise MergeCancelled("The merge was cancelled; the store is as it was.")
        if self.progress is not None:
            self.progress(what, min(self.done, self.steps - 1), self.steps)
        self.done += 1

    def _open(self, table: str) -> Working:
        if table not in self.working:
            snapshot = self.store.snapshot(table, self.versions.get(table))
            known = self.store.seen(self.versions.get(SIGHTINGS_TABLE)).get(table)
            self.working[table] = Working(
                table,
                snapshot.folder,
                list(snapshot.files),
                dict(snapshot.columns),
                known.copy() if known else sightings.Seen(),
                snapshot.partitioned,
            )
        return self.working[table]

    def _publish(self, bench: Workbench, log: ChangeLog, data_on: date | None) -> Manifest | None:
        """Commit what changed and append the manifest; None when nothing did."""
        self.step("publish")
        added, removed = bench.count("ch_added"), bench.count("ch_removed")
        marks = [w for w in self.working.values() if w.sightings_changed]
        written = [w for w in self.working.values() if w.rewritten]
        if not (added or removed or marks or written):
            return None
        appended = self._stage_changes(bench, "SELECT * FROM ch_added", added) if added else []
        with self.store.lock("commit", timeout=self.lock_timeout) as commit_lock:
            latest = self.store.manifests.latest()
            versions = dict(latest.versions) if latest else {}
            for working in written:
                versions[working.table] = lake.commit(
                    working.folder, working.files, working.columns, partitioned=working.partitioned
                )
            if added or removed:
                versions[CHANGES] = self._commit_changes(
                    bench, versions.get(CHANGES), appended, bool(removed)
                )
            if marks:
                versions[SIGHTINGS_TABLE] = self._commit_sightings(versions.get(SIGHTINGS_TABLE), marks)
            for lock in (*self.locks, commit_lock):
                lock.check()
            days = [d for d in (data_on, latest.data_on if latest else None) if d is not None]
            # A reader who asks what was known in between must not be shown what came out later.
            recorded_at = self.published_at() if self.published_at else self.recorded_at
            manifest = self.store.manifests.append(
                versions=versions,
                # a writer that began earlier and comes later must not date back what is in between
                recorded_at=max(recorded_at, latest.recorded_at) if latest else recorded_at,
                data_on=max(days, default=None),
                note=self.note,
            )
            self.published = True
            return manifest

    def _stage_changes(self, bench: Workbench, select: str, rows: int) -> list[DataFile]:
        folder = self.store.folder(CHANGES)
        listed = ", ".join(f'"{c}"' for c in COLUMNS)
        written = bench.write_parquet(
            f"SELECT {listed}, {MONTH_SQL} FROM ({select})",
            folder,
            partition_by=MONTH_PART,
            one_thread=rows < 200_000,
            order_by="object_id",
        )
        self.created += [path for path, _, _ in written]
        return lake.staged(folder, written)

    def _commit_changes(
        self, bench: Workbench, version: int | None, appended: list[DataFile], removing: bool
    ) -> int:
        """The latest log, without the rows taken out, with the new ones."""
        snapshot = self.store.snapshot(CHANGES, version)
        files = list(snapshot.files)
        if removing:
            months = {
                row[0]
                for row in bench.rows(
                    "SELECT DISTINCT strftime(timezone('UTC', valid_at), '%Y-%m') FROM ch_removed"
                )
            }
            touched = [f for f in files if f.month in months]
            if touched:
                stored = relation_sql(
                    [str(snapshot.folder / f.path) for f in touched],
                    dict(snapshot.columns) | {MONTH_PART: "text"},
                    COLUMNS,
                    partitioned=True,
                )
                kept = self._stage_changes(
                    bench,
                    f"SELECT b.* FROM ({stored}) b ANTI JOIN ch_removed USING ({KEY})",
                    sum(f.rows for f in touched),
                )
                gone = {f.path for f in touched}
                files = [f for f in files if f.path not in gone] + kept
        return lake.commit(self.store.folder(CHANGES), files + appended, COLUMNS, partitioned=True)

    def _commit_sightings(self, version: int | None, marks: list[Working]) -> int:
        """The small internal table, written whole."""
        everything = dict(self.store.seen(version)) | {w.table: w.seen for w in marks}
        folder = self.store.folder(SIGHTINGS_TABLE)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"part-{uuid.uuid4()}.parquet"
        rows = sightings.dump(everything)
        pq.write_table(rows, path, compression="zstd")
        self.created.append(path)
        files = lake.staged(folder, [(path, rows.num_rows, path.stat().st_size)])
        return lake.commit(folder, files, _SIGHTING_COLUMNS, partitioned=False)

    def clean(self) -> None:
        """Remove the work folder and, when nothing was published, the files written for it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.published:
            return
        for path in self.created:
            with contextlib.suppress(OSError):
                path.unlink()
