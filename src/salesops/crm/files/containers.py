"""Folders, ZIP and GZIP: from one address to the files inside, within limits."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from salesops.crm.files.sources import Source, is_gzip
from salesops.crm.files.tables import Limits

_OFFICE = ("[Content_Types].xml", "mimetype")
_IGNORED = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"}
_RATIO_FREE = 10 * 1024**2
_CHUNK = 1 << 20


@dataclass
class Unpacked:
    """Files found, and (name, reason, fix) of those left out."""

    files: list[Source] = field(default_factory=list)
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    total: int = 0
    count: int = 0


def unpack(source: Path | bytes, name: str, limits: Limits) -> Unpacked:
    """Every file behind a path, an archive or bytes, sorted by name."""
    found = Unpacked()
    if isinstance(source, Path) and source.is_dir():
        for path in sorted(p for p in source.rglob("*") if p.is_file()):
            relative = path.relative_to(source)
            if any(part in _IGNORED or part.startswith((".", "~$")) for part in relative.parts):
                continue
            _take(Source.of(relative.as_posix(), path), limits, found, depth=0)
    else:
        _take(Source.of(name, source), limits, found, depth=0)
    return found


def _take(source: Source, limits: Limits, found: Unpacked, *, depth: int) -> None:
    found.count += 1
    if found.count > limits.members:
        if found.count == limits.members + 1:
            found.refused.append(
                (source.name, f"more than {limits.members} files", "Import them in several parts.")
            )
        return
    if source.size > limits.file_bytes:
        found.refused.append(
            (
                source.name,
                f"larger than {limits.file_bytes:,} bytes",
                "Split the file, or raise the size limit.",
            )
        )
        return
    head = source.head(4096)
    if head[:4] == b"PK\x03\x04" and not _is_office(source):
        if depth > 1:
            found.refused.append(
                (source.name, "an archive inside an archive inside an archive", "Unpack it first.")
            )
            return
        _unzip(source, limits, found, depth)
        source.check()
    elif is_gzip(head):
        _ungzip(source, limits, found, depth)
        source.check()
    else:
        found.total += source.size
        found.files.append(source)


def _is_office(source: Source) -> bool:
    try:
        with source.open() as stream, zipfile.ZipFile(stream) as archive:
            return any(n in archive.NameToInfo for n in _OFFICE)
    except (zipfile.BadZipFile, OSError):
        return source.suffix in (".xlsx", ".xlsm", ".xlsb", ".ods")


def _unzip(source: Source, limits: Limits, found: Unpacked, depth: int) -> None:
    try:
        with source.open() as stream, zipfile.ZipFile(stream) as archive:
            for info in sorted(archive.infolist(), key=lambda i: i.filename):
                if info.is_dir() or not _safe(info.filename):
                    if not info.is_dir() and not _ignored(info.filename):
                        found.refused.append(
                            (
                                f"{source.name}/{info.filename}",
                                "the name points outside the archive",
                                "Leave it out.",
                            )
                        )
                    continue
                if found.count >= limits.members:
                    found.refused.append(
                        (source.name, f"more than {limits.members} files", "Import them in several parts.")
                    )
                    return
                name = f"{source.name}/{info.filename}"
                if info.flag_bits & 1:
                    found.refused.append((name, "protected by a password", "Save it without a password."))
                    continue
                with archive.open(info) as member:
                    data = _bounded(member, name, max(info.compress_size, 1), limits, found)
                if data is not None:
                    _take(Source(name, data, len(data), _stamp(info)), limits, found, depth=depth + 1)
                elif found.total > limits.total_bytes:
                    return
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        found.refused.append((source.name, f"the archive is damaged: {error}", "Download or pack it again."))


def _ungzip(source: Source, limits: Limits, found: Unpacked, depth: int) -> None:
    name = source.name[:-3] if source.name.lower().endswith(".gz") else source.name
    try:
        with source.open() as packed, gzip.GzipFile(fileobj=packed) as stream:
            data = _bounded(stream, name, max(source.size, 1), limits, found)
    except (OSError, EOFError, zlib.error) as error:
        found.refused.append((source.name, f"the file is damaged: {error}", "Download or pack it again."))
        return
    if data is not None:
        if depth > 1:
            found.refused.append((source.name, "packed more than twice", "Unpack it first."))
            return
        _take(Source(name, data, len(data), source.modified_at), limits, found, depth=depth + 1)


def _bounded(stream: object, name: str, packed: int, limits: Limits, found: Unpacked) -> bytes | None:
    """The unpacked bytes, or None (with the reason noted) as soon as a limit is passed.

    Sizes are counted while unpacking: what an archive says of itself is not believed.
    """
    out = io.BytesIO()
    size = 0
    for chunk in _chunks(stream):
        size += len(chunk)
        if size > _RATIO_FREE and size > packed * limits.ratio:
            found.refused.append(
                (
                    name,
                    f"unpacks to more than {limits.ratio} times its size (a zip bomb?)",
                    "Unpack it yourself first.",
                )
            )
            return None
        if size > limits.file_bytes or found.total + size > limits.total_bytes:
            found.total += size
            found.refused.append(
                (name, "unpacks to more than the size limit", "Split it, or raise the size limit.")
            )
            return None
        out.write(chunk)
    return out.getvalue()


def _chunks(stream: object) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):  # type: ignore[attr-defined]
        yield chunk


def _safe(filename: str) -> bool:
    path = PurePosixPath(filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        return False
    return not _ignored(filename)


def _ignored(filename: str) -> bool:
    parts = PurePosixPath(filename.replace("\\", "/")).parts
    return any(p in _IGNORED or p.startswith("~$") or (p.startswith(".") and p != "..") for p in parts)


def _stamp(info: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*info.date_time, tzinfo=UTC)  # ZIP keeps no zone: the day stays as written
    except ValueError:
        return None
