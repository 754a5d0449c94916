"""Watched folders: which files are whole, and taking one without following it out of its folder."""

from __future__ import annotations

import errno
import fnmatch
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ValidationError

TAKEN = "taken"
"""Folder inside a watched one where files go that were taken."""

ARRIVING = (
    ".part",
    ".partial",
    ".filepart",
    ".crdownload",
    ".download",
    ".tmp",
    ".temp",
    ".lock",
    ".swp",
    "~",
)
"""Ends of names that say a file is still being written."""

_PIECE = 1024 * 1024


class ChangedError(OSError):
    """The file changed while it was read."""


@dataclass(frozen=True)
class Found:
    """A file as one look saw it; ``changed_ns`` is its own time stamp, ``number`` the file system's (an inode)."""

    path: Path
    size: int
    changed_ns: int
    number: int

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


def inside(root: str, path: str) -> Path:
    """A folder below the allowed root, with every link followed.

    Raises:
        ValidationError: no root is allowed, or the folder is not below it.
    """
    if not root:
        raise ValidationError(
            {"path": "No folder may be watched: whoever runs the server allows one by SALESOPS_WATCH_ROOT."}
        )
    base = Path(root).resolve()
    if "\x00" in path:
        raise ValidationError({"path": "This is no folder."})
    folder = (base / path).resolve()
    if folder != base and base not in folder.parents:
        raise ValidationError(
            {"path": "This folder is not below the one that may be watched (SALESOPS_WATCH_ROOT)."}
        )
    return folder


def look(folder: Path, pattern: str) -> list[Found]:
    """Files that may be taken, oldest first: no links, no folders, none that says it is still being written.

    Raises:
        OSError: the folder can't be read.
    """
    found = []
    names = {entry.name for entry in folder.iterdir()}
    for name in names:
        if name.startswith((".", "~$")) or name.lower().endswith(ARRIVING):
            continue
        if not fnmatch.fnmatch(name.casefold(), (pattern or "*").casefold()):
            continue
        if {f"{name}.lock", f".~lock.{name}#", f"~${name}"} & names:
            continue
        try:
            told = (folder / name).lstat()
        except FileNotFoundError:  # gone since the list was read
            continue
        if stat.S_ISREG(told.st_mode):
            found.append(Found(folder / name, told.st_size, told.st_mtime_ns, told.st_ino))
    return sorted(found, key=lambda one: (one.changed_ns, one.name))


def pieces(found: Found) -> Iterator[bytes]:
    """The file's content, if it is and stays the file that the look saw.

    Raises:
        ChangedError: it is another one, or changed meanwhile.
    """
    try:
        handle = os.open(found.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ChangedError(f"{found.name} became a link.") from error
        raise
    with os.fdopen(handle, "rb") as file:
        _check(file.fileno(), found)
        while piece := file.read(_PIECE):
            yield piece
        _check(file.fileno(), found)


def _check(handle: int, found: Found) -> None:
    if not _is(os.fstat(handle), found):
        raise ChangedError(f"{found.name} changed while it was read.")


def _is(told: os.stat_result, found: Found) -> bool:
    """Whether this is the file that the look saw, as it was then."""
    seen = (found.size, found.changed_ns, found.number)
    return stat.S_ISREG(told.st_mode) and (told.st_size, told.st_mtime_ns, told.st_ino) == seen


def put_away(found: Found) -> bool:
    """Move a file that was taken into the folder ``taken``; whether that could be done.

    A file that took its place since it was seen is left, for the next look to read.
    """
    folder = found.path.parent / TAKEN
    try:
        if not _is(found.path.lstat(), found):
            return False
        folder.mkdir(exist_ok=True)
        target = _free(folder / found.name)
        found.path.rename(target)
        if not _is(target.lstat(), found):  # it was replaced between the check and the move
            target.rename(_free(found.path))
            return False
    except OSError:  # a folder that only may be read: the record of what was taken must do
        return False
    return True


def _free(path: Path) -> Path:
    """The path itself where nothing is there, else one with a number."""
    free, number = path, 2
    while os.path.lexists(free):
        free = path.with_name(f"{path.stem} ({number}){path.suffix}")
        number += 1
    return free
