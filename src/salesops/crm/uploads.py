"""Files as uploaded, kept under their content's digest in a folder of their own."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError

MOST_NAME_BYTES = 150
"""File systems count bytes; the end of a long name is kept, because its ending says the format."""

_RESERVED = re.compile(r"(?i)^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)")
"""Names that Windows gives to devices."""


def safe_name(name: str) -> str:
    """A file name without folders or characters that any system refuses."""
    plain = re.sub(r"[^\w.() +-]+", "_", Path(name.replace("\\", "/")).name).strip(". ")
    while len(plain.encode()) > MOST_NAME_BYTES:
        plain = plain[1:]
    plain = plain.strip(". ") or "upload"
    return f"_{plain}" if _RESERVED.match(plain) else plain


def keep(name: str, chunks: Iterable[bytes], *, changed_ns: int | None = None) -> Path:
    """Write an upload to the home; returns its path. The same content under the same name is kept once.

    Args:
        name: what the sender calls it.
        chunks: its content.
        changed_ns: its own time stamp in nanoseconds since 1970, where it has one. A file that was kept
            before keeps the one that it has: somebody may be reading it.

    Raises:
        ValidationError: it is larger than SALESOPS_MAX_UPLOAD_BYTES; nothing is kept.
    """
    settings.UPLOADS_PATH.mkdir(parents=True, exist_ok=True)
    part = settings.UPLOADS_PATH / f"{uuid.uuid4().hex}.part"
    try:
        digest, _ = _write(part, chunks, settings.MAX_UPLOAD_BYTES, changed_ns)
        folder = settings.UPLOADS_PATH / digest[:32]
        folder.mkdir(exist_ok=True)
        path = folder / safe_name(name)
        if not path.exists():  # the same content may be read from there at this moment
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def keep_all(files: Sequence[tuple[str, Iterable[bytes]]], *, changed_ns: int | None = None) -> Path:
    """Keep files that came together. Returns the file where it is one, else the folder that holds them.

    The same files under the same names are kept once; files of one name get a number. ``changed_ns`` is
    the time stamp of all of them, as for :func:`keep`.

    Raises:
        ValidationError: together they are larger than SALESOPS_MAX_UPLOAD_BYTES; nothing is kept.
    """
    if len(files) == 1:
        return keep(*files[0], changed_ns=changed_ns)
    settings.UPLOADS_PATH.mkdir(parents=True, exist_ok=True)
    part = settings.UPLOADS_PATH / f"{uuid.uuid4().hex}.part"
    part.mkdir()
    try:
        contents: list[tuple[str, str]] = []
        left = settings.MAX_UPLOAD_BYTES
        for name, chunks in files:
            own = _free(safe_name(name), {n.casefold() for n, _ in contents})
            digest, size = _write(part / own, chunks, left, changed_ns)
            left -= size
            contents.append((own, digest))
        together = hashlib.sha256(repr(sorted(contents)).encode()).hexdigest()
        folder = settings.UPLOADS_PATH / together[:32]
        if not folder.exists():
            part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def size_of(path: Path) -> int:
    """Bytes of a kept file, or of a kept folder's files together."""
    return (
        path.stat().st_size
        if path.is_file()
        else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    )


def _free(name: str, taken: set[str]) -> str:
    """A name that no other file of the folder has, whatever the case."""
    path, number, free = Path(name), 2, name
    while free.casefold() in taken:
        free = f"{path.stem} ({number}){path.suffix}"
        number += 1
    return free


def _write(path: Path, chunks: Iterable[bytes], most: int, changed_ns: int | None) -> tuple[str, int]:
    """Digest and size of what was written."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > most:
                limit = settings.MAX_UPLOAD_BYTES / 1024**2
                said = f"{limit:,.0f} MB" if limit >= 1 else f"{settings.MAX_UPLOAD_BYTES:,} bytes"
                raise ValidationError(f"This is larger than {said}. Import it with the command line.")
            digest.update(chunk)
            file.write(chunk)
    if changed_ns is not None:
        os.utime(path, ns=(changed_ns, changed_ns))
    return digest.hexdigest(), size
