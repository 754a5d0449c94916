"""One file's bytes, on disk or in memory, that can be opened again and again."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast


@dataclass(frozen=True)
class Source:
    """A file to read: its shown name, its bytes or path, its size in bytes and its time stamp."""

    name: str
    data: bytes | Path
    size: int
    modified_at: datetime | None = None

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
            )
        return cls(name, data, len(data), modified_at)

    def open(self) -> BinaryIO:
        """A fresh stream of the bytes."""
        if isinstance(self.data, Path):
            return cast(BinaryIO, self.data.open("rb"))
        return io.BytesIO(self.data)

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
