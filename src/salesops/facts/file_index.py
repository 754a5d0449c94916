"""Which files of a table can hold rows of one record, so that asking for one opens few of them.

The history of a deal, or its activities, lie in a handful of a table's files; ids are spread evenly, so
the least and greatest of a file rule out none. Files never change, so what ids a column of a file holds is
read once: 32 bits of each id's digest, in order. Two ids of one digest cost a file read in vain, no more,
and where a file was not indexed all are read: the index never decides what is shown.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.parquet as pq

from salesops.facts.backends import Session
from salesops.facts.lake import Snapshot

MOST = 50_000_000
"""Digests kept together, four bytes each; files beyond it are not indexed.

The benchmark firm of a million deals comes to 5.3 million.
"""


@dataclass(frozen=True)
class IndexedFile:
    """What one column of one file holds.

    Attributes:
        columns: names of all columns stored in the file.
        digests: 32-bit digests of the column's distinct values, ascending.
    """

    columns: frozenset[str]
    digests: memoryview

    def may_hold(self, digest: int) -> bool:
        """Whether a value of that digest may be there."""
        at = bisect_left(self.digests, digest)
        return at < len(self.digests) and self.digests[at] == digest


@dataclass(frozen=True)
class Holding:
    """Files that hold whatever there is of a record: absolute paths, and the columns any of them stores."""

    paths: tuple[str, ...]
    columns: frozenset[str]


class FileIndex:
    """The indexes of one store's newest files."""

    def __init__(self) -> None:
        self._making = threading.Lock()
        self._files: dict[tuple[str, str], dict[str, IndexedFile]] = {}

    def prepare(self, session: Session, table: str, column: str, snapshot: Snapshot) -> None:
        """Index a column of a version's files; those of earlier versions are forgotten unless still in use."""
        if column not in snapshot.columns:
            return
        with self._making:
            known = self._files.get((table, column), {})
            kept = {path: known[path] for path in snapshot.paths if path in known}
            others = sum(
                len(file.digests)
                for key, files in self._files.items()
                if key != (table, column)
                for file in files.values()
            )
            room = MOST - others - sum(len(file.digests) for file in kept.values())
            for path, data in zip(snapshot.paths, snapshot.files, strict=True):
                # No file has more ids than rows.
                if path in kept or data.rows > room:
                    continue
                columns = frozenset(pq.read_schema(path).names)
                if column in columns:
                    kept[path] = IndexedFile(columns, session.digests(path, column))
                    room -= len(kept[path].digests)
            # Readers look things up in the former mapping until this one takes its place.
            self._files[table, column] = kept

    def holding(
        self, session: Session, table: str, column: str, values: Sequence[str], snapshot: Snapshot
    ) -> Holding | None:
        """Files to read for the rows whose column is one of some values; None where some are not indexed."""
        known = self._files.get((table, column), {})
        files = [(path, known.get(path)) for path in snapshot.paths]
        if not known or any(file is None for _, file in files):
            return None
        digests = session.digests_of(values)
        found = [
            (path, file) for path, file in files if file is not None and any(map(file.may_hold, digests))
        ]
        return Holding(
            tuple(path for path, _ in found), frozenset().union(*(file.columns for _, file in found))
        )

    def clear(self) -> None:
        """Forget all."""
        with self._making:
            self._files = {}
