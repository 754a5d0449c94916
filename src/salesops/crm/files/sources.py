"""One file's bytes, on disk or in memory, that can be opened again and again."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast


class FileChangedError(ValueError):
    """A file was written to while it was read: what was read of it belongs to no one state of it."""


def _changed(name: str) -> FileChangedError:
    return FileChangedError(
        f"{name} was changed while it was read, so nothing of it was taken. "
        "Wait until whatever writes it has finished, and import it again."
    )


@dataclass(frozen=True)
class Source:
    """A file to read: its shown name, its bytes or path, its size in bytes and its time stamp.

    ``state`` is what the file system said of the file (inode, size, modification in nanoseconds) when it was
    first met; None for bytes in memory. ``touched_ns`` is when anything of it changed, its time stamps included:
    what was read of a file is taken for its content only while that, too, is the same.
    """

    name: str
    data: bytes | Path
    size: int
    modified_at: datetime | None = None
    state: tuple[int, int, int] | None = None
    touched_ns: int = 0

    @classmethod
    def of(cls, name: str, data: bytes | Path, modified_at: datetime | None = None) -> Source:
        """A source from bytes or a path."""
        if isinstance(data, Path):
            stat = data.stat()
            return cls(
                name,
                data,
                stat.st_size,
                modified_at or datetime.fromtimestamp(stat.st_mtime, tz=UTC).astimezone(),
                (stat.st_ino, stat.st_size, stat.st_mtime_ns),
                stat.st_ctime_ns,
            )
        return cls(name, data, len(data), modified_at)

    def open(self) -> BinaryIO:
        """A fresh stream of the bytes."""
        if isinstance(self.data, Path):
            return cast(BinaryIO, self.data.open("rb"))
        return io.BytesIO(self.data)

    def check(self) -> None:
        """See that the file is still what it was when it was first met.

        Raises:
            FileChangedError: it was written to, replaced or removed since.
        """
        if not isinstance(self.data, Path) or self.state is None:
            return
        try:
            stat = self.data.stat()
        except OSError:
            raise _changed(self.name) from None
        if (stat.st_ino, stat.st_size, stat.st_mtime_ns) != self.state:
            raise _changed(self.name)

    def head(self, size: int) -> bytes:
        """The first bytes."""
        with self.open() as stream:
            return stream.read(size)

    @property
    def suffix(self) -> str:
        """File name ending in lower case, with its dot."""
        return Path(self.name).suffix.lower()


def is_gzip(head: bytes) -> bool:
    """Whether bytes start as gzip does."""
    return head[:2] == b"\x1f\x8b"
