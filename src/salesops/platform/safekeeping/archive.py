"""The backup file: one zip archive whose last member says what the others must be.

Members are written as streams, each with its size and SHA-256 noted. ``manifest.json`` comes last
and holds them all; the SHA-256 of the manifest is the digest of the whole backup. The file gets
its name in one step after everything is on the disk, so a name never stands for half a backup.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import IO, Any, Self

from salesops.facts.locks import process_alive

MANIFEST = "manifest.json"
FORM = "salesops backup"
FORM_VERSION = 1
FOLDERS = ("tables", "facts", "uploads", "files", "secrets")
"""Where a member may lie; nothing else is taken out of an archive."""
_CHUNK = 1 << 20
_MOST_MANIFEST = 1 << 30


class BackupError(Exception):
    """A backup could not be written, read or restored; the message says why and what to do."""


@dataclass(frozen=True)
class Member:
    """One file inside: bytes and SHA-256 of its content."""

    size: int
    sha256: str


class Writer:
    """Writes a backup beside its place and moves it there when it is whole.

    Used as a context: leaving it without :meth:`finish` removes what was written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.members: dict[str, Member] = {}
        self._part = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}.part")
        self._file: IO[bytes] | None = None
        self._zip: zipfile.ZipFile | None = None

    def __enter__(self) -> Self:
        _remove_dead_parts(self.path)
        self._file = self._part.open("xb")
        self._part.chmod(0o600)  # it holds everything: its owner's alone
        self._zip = zipfile.ZipFile(self._file, "w", allowZip64=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        # Closing the archive would write its end: onto a full disk, or behind half a member.
        if self._zip is not None:
            self._zip.fp = None
        with contextlib.suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)

    def add(self, name: str, chunks: Iterable[bytes], *, packed: bool) -> Member:
        """Add a member from a stream; ``packed`` compresses it."""
        assert self._zip is not None
        info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        info.external_attr = 0o600 << 16
        digest, size = hashlib.sha256(), 0
        with self._zip.open(info, "w", force_zip64=True) as member:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                member.write(chunk)
        self.members[name] = Member(size, digest.hexdigest())
        return self.members[name]

    def add_file(self, name: str, path: Path, *, packed: bool) -> Member:
        """Add a file of the disk."""
        with path.open("rb") as file:
            return self.add(name, iter(lambda: file.read(_CHUNK), b""), packed=packed)

    def finish(self, content: dict[str, Any]) -> str:
        """Write the manifest and move the file into place. Returns the digest of the backup."""
        assert self._zip is not None
        assert self._file is not None
        members = {n: {"size": m.size, "sha256": m.sha256} for n, m in self.members.items()}
        document = {"form": FORM, "form_version": FORM_VERSION, **content, "members": members}
        text = json.dumps(document, ensure_ascii=False, indent=1).encode()
        self.add(MANIFEST, [text], packed=True)
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self.path)
        self._file = None
        flush_folder(self.path.parent)
        return hashlib.sha256(text).hexdigest()


def flush_folder(folder: Path) -> None:
    """Make a rename durable; where folders can't be opened (Windows) the system sees to it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_dead_parts(path: Path) -> None:
    """What backups to the same place left behind when they were killed on this machine."""
    prefix, suffix = f".{path.name}.{socket.gethostname()}.", ".part"
    for part in path.parent.glob("*" + suffix):
        pid = part.name.removeprefix(prefix).removesuffix(suffix)
        # In a container every process may have the same id: one of this id is an earlier process's.
        dead = pid.isdigit() and (int(pid) == os.getpid() or not process_alive(int(pid)))
        if part.name.startswith(prefix) and dead:
            part.unlink(missing_ok=True)


class Reader:
    """Reads a backup.

    Attributes:
        content: the manifest.
        members: what it says about every other member.
        digest: SHA-256 of the manifest.

    Raises:
        BackupError: no backup, an incomplete one, or one of a later form.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise BackupError(f"There is no file {path}.") from None
        except (zipfile.BadZipFile, OSError) as error:
            message = f"{path} is no whole backup ({error}). Copy it again, or take another one."
            raise BackupError(message) from error
        try:
            if self._zip.getinfo(MANIFEST).file_size > _MOST_MANIFEST:
                raise KeyError(MANIFEST)
            text = self._zip.read(MANIFEST)
            self.content: dict[str, Any] = json.loads(text)
            if self.content["form"] != FORM:
                raise KeyError(FORM)
            self.members = {n: Member(m["size"], m["sha256"]) for n, m in self.content["members"].items()}
        except (KeyError, ValueError, TypeError, zipfile.BadZipFile, OSError) as error:
            self._zip.close()
            raise BackupError(f"{path} is no backup of salesops: its manifest can't be read.") from error
        if self.content["form_version"] > FORM_VERSION:
            self._zip.close()
            version = self.content.get("product")
            raise BackupError(
                f"{path} was made by salesops {version}, which this version does not know: update first."
            )
        self.digest = hashlib.sha256(text).hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def names(self, folder: str) -> list[str]:
        """Members of one of the folders."""
        return [name for name in self.members if name.startswith(f"{folder}/")]

    def check(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Read everything once and compare sizes and digests.

        Raises:
            BackupError: a member is missing, added, damaged or lies outside the known folders.
        """
        there = {info.filename for info in self._zip.infolist()}
        for name in sorted(there ^ {*self.members, MANIFEST}):
            word = "holds a file that its manifest does not name" if name in there else "lacks the file"
            raise BackupError(f"{self.path} {word}: {name}. It was changed after it was made.")
        done, total = 0, sum(m.size for m in self.members.values())
        for name in self.members:
            safe_path(Path(), name)
            for chunk in self.chunks(name):
                done += len(chunk)
                if progress is not None:
                    progress(done, total)

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a member, compared with the manifest at its end.

        Raises:
            BackupError: it is not what the manifest says.
        """
        expected, digest, size = self.members[name], hashlib.sha256(), 0
        damaged = f"{self.path} is damaged: {name} is not what was written. Use another copy of the backup."
        try:
            with self._zip.open(name) as member:
                while chunk := member.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    if size > expected.size:
                        raise BackupError(damaged)
                    yield chunk
        except (zipfile.BadZipFile, KeyError, EOFError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
            raise BackupError(damaged) from error
        if (size, digest.hexdigest()) != (expected.size, expected.sha256):
            raise BackupError(damaged)

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a text member."""
        rest = b""
        for chunk in self.chunks(name):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
        if rest:
            yield rest

    def extract(self, name: str, folder: Path) -> None:
        """Write a member below a folder, under its name without the first part; on the disk when it returns."""
        path = safe_path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for chunk in self.chunks(name):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())


def safe_path(folder: Path, name: str) -> Path:
    """Where a member goes below a folder.

    Raises:
        BackupError: its name would lead out of the folder.
    """
    parts = PurePosixPath(name).parts
    plain = all(p not in ("", ".", "..") and "\\" not in p and ":" not in p for p in parts)
    if len(parts) < 2 or parts[0] not in FOLDERS or not plain or name.startswith("/"):
        raise BackupError(f"The archive holds a file with a name that no backup gives: {name!r}.")
    return folder.joinpath(*parts[1:])
