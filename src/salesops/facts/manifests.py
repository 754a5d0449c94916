"""Manifests: one consistent version of all fact tables, named by a row in an append-only log.

A manifest maps table -> Delta version. It is appended only after every table commit of a
merge succeeded, so a reader that follows a manifest never sees half a merge. Versions that no
manifest lists are garbage: readers never look at them and compaction removes them.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import dropwhile, takewhile
from pathlib import Path
from threading import RLock
from typing import Protocol

from salesops.facts.errors import ManifestMissing


@dataclass(frozen=True)
class Manifest:
    """One consistent version of the facts.

    Attributes:
        id: opaque, unique; sorts in no promised order.
        versions: table -> Delta version.
        recorded_at: aware instant the store learned of it.
        data_on: latest data date of any file merged so far, None for an empty store.
        note: why it was made, for people.
    """

    id: str
    versions: Mapping[str, int]
    recorded_at: datetime
    data_on: date | None = None
    note: str = ""


class ManifestLog(Protocol):
    """Append-only log of manifests: here in memory and in a folder, in the platform in its database."""

    def latest(self) -> Manifest | None:
        """The manifest appended last, None in an empty log."""
        ...

    def get(self, manifest_id: str) -> Manifest:
        """The manifest of that id; raises :class:`ManifestMissing`."""
        ...

    def at(self, instant: datetime) -> Manifest | None:
        """The manifest that was the newest at an instant, None if there was none yet."""
        ...

    def since(self, instant: datetime) -> list[Manifest]:
        """Manifests with ``recorded_at >= instant``, in the order of their appending."""
        ...

    def append(
        self, *, versions: Mapping[str, int], recorded_at: datetime, data_on: date | None, note: str
    ) -> Manifest:
        """Add a manifest. The store calls it under its commit lock, after all table commits."""
        ...

    def pinned(self) -> set[str]:
        """Ids of manifests that kept runs point at; retention keeps their data for ever."""
        ...


@dataclass
class MemoryManifests:
    """A manifest log in this process's memory: tests and notebooks."""

    manifests: list[Manifest] = field(default_factory=list)
    pins: set[str] = field(default_factory=set)
    _lock: RLock = field(default_factory=RLock, repr=False)

    def latest(self) -> Manifest | None:
        """The manifest appended last."""
        with self._lock:
            return self.manifests[-1] if self.manifests else None

    def get(self, manifest_id: str) -> Manifest:
        """The manifest of that id."""
        with self._lock:
            for manifest in self.manifests:
                if manifest.id == manifest_id:
                    return manifest
        raise _missing(manifest_id)

    def at(self, instant: datetime) -> Manifest | None:
        """The newest manifest recorded at or before the instant."""
        with self._lock:
            return _newest(self.manifests, instant)

    def since(self, instant: datetime) -> list[Manifest]:
        """Manifests recorded at or after the instant."""
        with self._lock:
            return _since(self.manifests, instant)

    def append(
        self, *, versions: Mapping[str, int], recorded_at: datetime, data_on: date | None, note: str
    ) -> Manifest:
        """Add a manifest."""
        with self._lock:
            recorded_at = _monotonic(recorded_at, self.latest())
            number = str(len(self.manifests) + 1)
            manifest = Manifest(number, dict(versions), recorded_at, data_on, note)
            self.manifests.append(manifest)
            return manifest

    def pinned(self) -> set[str]:
        """Ids added to ``pins``."""
        with self._lock:
            return set(self.pins)


class FolderManifests:
    """A manifest log as JSON files in a folder: several processes without the platform's database.

    Appends must be serialised by the caller, as the store does with its commit lock.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def _all(self) -> list[Manifest]:
        if not self.folder.is_dir():
            return []
        names = sorted(p for p in self.folder.glob("*.json") if p.stem.isdigit())
        return [self._read(path) for path in names]

    @staticmethod
    def _read(path: Path) -> Manifest:
        raw = json.loads(path.read_text(encoding="utf-8"))
        data_on = date.fromisoformat(raw["data_on"]) if raw["data_on"] else None
        return Manifest(
            raw["id"], raw["versions"], datetime.fromisoformat(raw["recorded_at"]), data_on, raw["note"]
        )

    def latest(self) -> Manifest | None:
        """The manifest appended last."""
        if not self.folder.is_dir():
            return None
        names = [p for p in self.folder.glob("*.json") if p.stem.isdigit()]
        return self._read(max(names)) if names else None

    def get(self, manifest_id: str) -> Manifest:
        """The manifest of that id."""
        path = self.folder / f"{manifest_id}.json"
        if not manifest_id.isdigit() or not path.is_file():
            raise _missing(manifest_id)
        return self._read(path)

    def at(self, instant: datetime) -> Manifest | None:
        """The newest manifest recorded at or before the instant."""
        return _newest(self._all(), instant)

    def since(self, instant: datetime) -> list[Manifest]:
        """Manifests recorded at or after the instant."""
        return _since(self._all(), instant)

    def append(
        self, *, versions: Mapping[str, int], recorded_at: datetime, data_on: date | None, note: str
    ) -> Manifest:
        """Add a manifest: written beside, then moved into place in one step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        last = self.latest()
        number = f"{int(last.id) + 1 if last else 1:010d}"
        manifest = Manifest(number, dict(versions), _monotonic(recorded_at, last), data_on, note)
        raw = {
            "id": number,
            "versions": manifest.versions,
            "recorded_at": manifest.recorded_at.isoformat(),
            "data_on": data_on.isoformat() if data_on else None,
            "note": note,
        }
        beside = self.folder / f".{number}.{uuid.uuid4().hex}.tmp"
        with beside.open("w", encoding="utf-8") as handle:
            json.dump(raw, handle)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(self.folder / f"{number}.json")
        return manifest

    def pinned(self) -> set[str]:
        """Ids for which a file ``<id>.pin`` exists."""
        return {p.stem for p in self.folder.glob("*.pin")} if self.folder.is_dir() else set()

    def pin(self, manifest_id: str) -> None:
        """Keep this manifest's data for ever."""
        self.get(manifest_id)
        (self.folder / f"{manifest_id}.pin").touch()


def _newest(manifests: list[Manifest], instant: datetime) -> Manifest | None:
    """The last one before any that is later than the instant: where a clock was set back, order decides."""
    known = list(takewhile(lambda m: m.recorded_at <= instant, manifests))
    return known[-1] if known else None


def _since(manifests: list[Manifest], instant: datetime) -> list[Manifest]:
    return list(dropwhile(lambda m: m.recorded_at < instant, manifests))


def _monotonic(recorded_at: datetime, newest: Manifest | None) -> datetime:
    """The instant to record: never before the manifest that it follows, even where a clock was set back."""
    recorded_at = _aware(recorded_at)
    return recorded_at if newest is None else max(recorded_at, newest.recorded_at)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("recorded_at needs a time zone")
    return instant


def _missing(manifest_id: str) -> ManifestMissing:
    return ManifestMissing(
        f"No manifest {manifest_id!r} in the log. List the known ones, or read the latest; "
        "if a saved run points at it, restore the backup of the decisions' database that holds it."
    )
