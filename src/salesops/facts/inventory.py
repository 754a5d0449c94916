"""Which files of the store a manifest needs, and whether they are there: for backups and for checking.

Reading a table's version needs its Parquet files and the table's own log up to that version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from salesops.facts import lake
from salesops.facts.errors import FactsError
from salesops.facts.manifests import Manifest
from salesops.facts.store import FactStore

LOG_FOLDER = "_delta_log"
LAST_CHECKPOINT = "_last_checkpoint"
_BROKEN = "_broken"


@dataclass(frozen=True)
class Fault:
    """Something that a manifest needs and that is not as it should be.

    Attributes:
        table: the fact table.
        version: its Delta version, as the manifest names it.
        path: the file, relative to the store's folder; the table's folder where its log can't be read.
        message: what does not agree, for people.
    """

    table: str
    version: int
    path: str
    message: str


@dataclass(frozen=True)
class Checked:
    """One manifest and what is wrong with it: nothing, when it can be read."""

    manifest: Manifest
    faults: tuple[Fault, ...] = ()

    @property
    def readable(self) -> bool:
        """Whether every file is there in its size."""
        return not self.faults


@dataclass
class Inventory:
    """Files that a set of manifests needs, relative to the store's folder, with their sizes in bytes."""

    files: dict[str, int] = field(default_factory=dict)
    checked: list[Checked] = field(default_factory=list)


def check(store: FactStore, manifests: Iterable[Manifest]) -> Iterator[Checked]:
    """Whether each manifest can be read: every file there, in the size its table says."""
    return (checked for checked, _ in _checked(store, manifests))


def _checked(
    store: FactStore, manifests: Iterable[Manifest]
) -> Iterator[tuple[Checked, dict[tuple[str, int], dict[str, int]]]]:
    """Each manifest with the files (path -> size) of every version opened so far; take out what was used."""
    known: dict[tuple[str, int], tuple[Fault, ...]] = {}
    files: dict[tuple[str, int], dict[str, int]] = {}
    for manifest in manifests:
        faults: list[Fault] = []
        for table, version in sorted(manifest.versions.items()):
            if (table, version) not in known:
                needed: dict[str, int] = {}
                known[table, version] = tuple(_faults(store, table, version, needed))
                files[table, version] = needed
            faults += known[table, version]
        yield Checked(manifest, tuple(faults)), files


def inventory(store: FactStore, manifests: Iterable[Manifest]) -> Inventory:
    """Every file that the readable ones of some manifests need; those that can't be read are in ``checked``."""
    found = Inventory()
    newest: dict[str, int] = {}
    for one, files in _checked(store, manifests):
        found.checked.append(one)
        if not one.readable:
            continue
        for table, version in one.manifest.versions.items():
            newest[table] = max(version, newest.get(table, version))
            found.files |= files.pop((table, version), {})
    for table, version in newest.items():
        for path in _log_files(store.folder(table), version):
            found.files[path.relative_to(store.address).as_posix()] = path.stat().st_size
    return found


def stray_commits(store: FactStore, manifest: Manifest | None) -> list[Path]:
    """Commits of tables, newer than a manifest's, that can't be read: what a power cut leaves half-written.

    No manifest needs them, but the next import would read them first.
    """
    found = []
    for folder in sorted(p for p in store.address.glob("*") if (p / LOG_FOLDER).is_dir()):
        version = manifest.versions.get(folder.name) if manifest else None
        try:
            lake.head_version(folder)
        except Exception:  # noqa: BLE001 - the reader's own errors have no common base
            found += [p for p in _commits(folder) if version is None or _number(p) > version]
    return found


def set_aside(store: FactStore, paths: Iterable[Path]) -> list[Path]:
    """Move half-written commits into the folder ``_broken`` of the store; returns where they went."""
    moved = []
    for path in paths:
        target = store.address / _BROKEN / path.relative_to(store.address)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        moved.append(target)
    return moved


def _faults(store: FactStore, table: str, version: int, needed: dict[str, int]) -> Iterator[Fault]:
    """What is wrong with a table's version; its files, with the sizes written, go into ``needed``."""
    folder = store.folder(table)
    try:
        files = lake.listed_files(folder, version)
    except FactsError as error:
        yield Fault(table, version, table, str(error))
        return
    for file in files:
        path, name = folder / file.path, f"{table}/{file.path}"
        needed[name] = file.size
        try:
            size = path.stat().st_size
        except OSError:
            yield Fault(table, version, name, f"{name} is gone")
            continue
        if size != file.size:
            yield Fault(table, version, name, f"{name} has {size:,} bytes, not the {file.size:,} written")


def _log_files(folder: Path, version: int) -> list[Path]:
    """The log of a table up to a version. Later commits belong to imports that no manifest here knows."""
    log = folder / LOG_FOLDER
    kept = [p for p in sorted(log.iterdir()) if p.is_file() and _number(p) in range(version + 1)]
    pointer = log / LAST_CHECKPOINT
    if pointer.is_file() and _pointed_at(pointer) in range(version + 1):
        kept.append(pointer)
    return kept


def _commits(folder: Path) -> list[Path]:
    return sorted(p for p in (folder / LOG_FOLDER).glob("*.json") if _number(p) >= 0)


def _number(path: Path) -> int:
    """The version a file of the log belongs to (20 digits, then a kind); -1 where it is none."""
    digits, _, kind = path.name.partition(".")
    known = kind == "json" or kind == "crc" or (kind.startswith("checkpoint.") and kind.endswith("parquet"))
    return int(digits) if known and digits.isdigit() and len(digits) == 20 else -1


def _pointed_at(pointer: Path) -> int:
    try:
        return int(json.loads(pointer.read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return -1
