"""What one pass over a large text file gave, for the next pass of this process.

An import reads its files twice: to propose what they are, and to land what was confirmed. Taking text apart
is a quarter of its work; the batches written down cost a thirtieth of that. They lie in a file without a name,
which the system removes with the process, however it ends; they are read only while the file is what it was.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from salesops.crm.files.tables import Findings

LIFE = 900.0
"""Seconds after the last use for which a pass is kept."""

MOST_BYTES = 1 << 30
"""Bytes on disk of all passes of one process. A pass that would exceed them is not kept; none gives way to it: with
files that come again in the same order, the one that went would always be the next to be asked for."""

ROOM = 5
"""A pass is kept where the disk has so many times the room that its file takes: an import needs most of that itself."""

MOST_FINDINGS = 10_000
"""Faults and dropped rows of a pass that is kept: they wait in memory."""

Read = Callable[[Findings], Iterator[pa.RecordBatch]]


@dataclass
class _Pass:
    """One pass: its batches, each as an Arrow stream of its own, and what it found."""

    file: IO[bytes]
    findings: Findings
    size: int
    used: float
    readers: int = 0
    again: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Part(io.RawIOBase):
    """A file read from a place of its own, beside other readers of the same file."""

    def __init__(self, kept: _Pass) -> None:
        self._kept = kept
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._kept.lock:
            self._kept.file.seek(self._at)
            got: int = self._kept.file.readinto(buffer)  # type: ignore[attr-defined]
        self._at += got
        return got

    def tell(self) -> int:
        return self._at


class Passes:
    """Passes over files, kept for a while. Safe for several threads.

    Args:
        most_bytes: of all passes together, on disk.
        life: seconds after the last use for which one is kept.
        clock: seconds of a clock that only goes forward.
    """

    def __init__(
        self, most_bytes: int = MOST_BYTES, life: float = LIFE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._life, self._clock = most_bytes, life, clock
        # Taken again by one thread: a reader that was thrown away may be tidied up while its thread holds it.
        self._lock = threading.RLock()
        self._kept: dict[Hashable, _Pass] = {}
        self._writing = 0
        self._timer: threading.Timer | None = None

    def read(
        self, key: Hashable, read: Read, findings: Findings, folder: Path | None, size: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """The batches of a file: those of an earlier pass, else those of ``read``, kept once they are all there.

        Args:
            key: the file with its state, and how it is read.
            read: starts a pass.
            findings: gets what the pass found.
            folder: where to keep this pass; None keeps nothing.
            size: bytes of the file, about what its pass will take.
        """
        with self._lock:
            self._let_go()
            found = self._kept.get(key)
            if found is not None:
                found.readers += 1
        if found is None:
            fits = folder is not None and size <= self._most and _has_room(folder, size)
            yield from self._keeping(key, read, findings, folder) if folder and fits else read(findings)
            return
        try:
            findings.problems.extend(found.findings.problems)
            findings.dropped.extend(found.findings.dropped)
            yield from _batches(found)
        finally:
            with self._lock:
                found.readers -= 1
                found.again = True
                found.used = self._clock()

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        with self._lock:
            return sum(one.size for one in self._kept.values())

    def done(self) -> None:
        """Let go of what was read a second time: the files have landed."""
        with self._lock:
            self._drop(lambda one: one.again)

    def _keeping(
        self, key: Hashable, read: Read, findings: Findings, folder: Path
    ) -> Iterator[pa.RecordBatch]:
        file = _opened(folder)
        written = 0
        try:
            for batch in read(findings):
                if file is not None:
                    size = _written(file, batch)
                    with self._lock:
                        self._writing += size
                        full = sum(one.size for one in self._kept.values()) + self._writing > self._most
                    written += size
                    if full or not size:
                        _closed(file)
                        file = None
                yield batch
            if file is not None and len(findings.problems) + len(findings.dropped) <= MOST_FINDINGS:
                done = _Pass(
                    file, Findings([*findings.problems], [*findings.dropped]), written, self._clock()
                )
                with self._lock:
                    if key not in self._kept:  # else another reader was as fast
                        self._kept[key] = done
                        file = None
                        self._look_later()
        finally:
            with self._lock:
                self._writing -= written
            if file is not None:
                _closed(file)

    def _let_go(self) -> None:
        now = self._clock()
        self._drop(lambda one: now - one.used >= self._life)

    def _drop(self, over: Callable[[_Pass], bool]) -> None:
        for key in [k for k, one in self._kept.items() if over(one) and not one.readers]:
            self._kept.pop(key).file.close()

    def _look_later(self) -> None:
        """Let go of what is old even where no file is read any more: it is room on a disk."""
        if self._timer is None and self._kept:
            left = min(one.used for one in self._kept.values()) + self._life - self._clock()
            self._timer = threading.Timer(max(left, 1.0), self._looked)
            self._timer.daemon = True
            with suppress(RuntimeError):  # no thread can be started: the next reader looks
                self._timer.start()

    def _looked(self) -> None:
        with self._lock:
            self._timer = None
            self._let_go()
            self._look_later()


def _has_room(folder: Path, size: int) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(folder).free >= ROOM * size
    except OSError:
        return False


def _opened(folder: Path) -> IO[bytes] | None:
    """A file without a name; None where there can be none."""
    try:
        return tempfile.TemporaryFile(dir=folder)
    except OSError:
        return None


def _closed(file: IO[bytes]) -> None:
    with suppress(OSError):  # what could not be written is tried once more
        file.close()


def _written(file: IO[bytes], batch: pa.RecordBatch) -> int:
    """Append a batch. Returns the bytes it takes; 0 where there was no room for it."""
    before = file.tell()
    try:
        # A stream each: which columns come dictionary-encoded may differ from one batch to the next.
        with pa.ipc.new_stream(pa.PythonFile(file, mode="w"), batch.schema) as stream:
            stream.write_batch(batch)
        file.flush()
    except OSError:  # mostly a full disk: the pass goes on without
        return 0
    return file.tell() - before


def _batches(kept: _Pass) -> Iterator[pa.RecordBatch]:
    part = _Part(kept)
    file = pa.PythonFile(part, mode="r")
    while part.tell() < kept.size:
        with pa.ipc.open_stream(file) as stream:
            yield from stream


passes = Passes()
"""Those of this process."""
