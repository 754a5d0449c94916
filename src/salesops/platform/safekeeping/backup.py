"""Writing a backup: one state of the decisions, the facts that its manifests need, and the uploads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

import salesops
from salesops.facts.errors import FactsError, is_full
from salesops.facts.inventory import Inventory, inventory
from salesops.facts.store import FactStore
from salesops.platform import audit
from salesops.platform.access import require
from salesops.platform.actors import Actor
from salesops.platform.manifests import DatabaseManifests
from salesops.platform.models import AuditEvent
from salesops.platform.safekeeping import tables
from salesops.platform.safekeeping.archive import BackupError, Writer
from salesops.platform.store import fact_store

PERMISSION = "area.grant"
"""A backup holds everything, accounts included: for administrators alone, whatever area an account holds."""
SECRET_KEY = "secrets/secret-key"  # noqa: S105 - a name
Progress = Callable[[int, int, str], None]
_PASSING = {
    "uploads": re.compile(r"[0-9a-f]{32}\.part(/|$)"),
    "files": re.compile(r"(_locks|_passes|import-\d+-[^/]*|replay-[^/]*)/|jobs/\d+/\d+\.[^/]+\.part$"),
}
"""Folder -> paths in it that only live while somebody writes: an upload or a job's file on its way, the locks,
the work folders of imports and what they read. Told by their places and their writers' own forms (crm.uploads,
crm.services, crm.quarantine, platform.job_files): an upload may have any name."""


@dataclass
class Backup:
    """What was written.

    Attributes:
        path: the file.
        bytes: its size.
        digest: SHA-256 of its manifest, which names every member: two backups with one digest hold the same.
        rows: table -> rows.
        facts_files: files of facts.
        manifests: facts versions that can be read from it.
        unreadable: facts versions whose files were gone before, with what is missing.
        uploads: uploads and other files of the home.
        vanished: uploads that were removed while the backup was made.
        secrets: whether the home's secret key and the sessions are in it.
    """

    path: str
    bytes: int = 0
    digest: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    facts_files: int = 0
    manifests: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    uploads: int = 0
    vanished: list[str] = field(default_factory=list)
    secrets: bool = False

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def backup_write(
    *,
    actor: Actor,
    path: Path,
    with_secrets: bool = False,
    allow_missing: bool = False,
    progress: Progress | None = None,
) -> Backup:
    """Write everything into one file, while others read, import and decide.

    Args:
        actor: who asks; recorded in the audit ledger after the file is whole.
        path: the file; one of that name is replaced in one step at the end.
        with_secrets: also the secret key and the sessions.
        allow_missing: go on where the newest or a pinned facts version can't be read any more.
        progress: called with bytes done, bytes in all and what is being done; may raise to stop.

    Raises:
        NotAllowedError: the actor is no administrator.
        BackupError: the facts are damaged, or the disk is full; nothing of the new file is left.
    """
    require(actor, PERMISSION)
    path = path.expanduser().absolute()
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"can't be made: there is no folder {path.parent}"
        raise BackupError(f"{path} {what}. Name a file in a folder that is there.")
    store, done = fact_store(), Backup(str(path), secrets=with_secrets)
    report = progress or (lambda *_: None)
    try:
        # Clean-up waits for this lock, so that no file is removed between its listing and its copy.
        with store.lock("clean") as hold, Writer(path) as writer:
            content = _write(writer, store, done, allow_missing=allow_missing, report=report)
            hold.check()
            done.digest = writer.finish(content)
    except FactsError as error:
        raise BackupError(str(error)) from error
    except OSError as error:
        if not is_full(error):
            raise
        free = f"The disk of {path.parent} is full: the backup was not made, and what was written of it is removed."
        raise BackupError(free) from error
    done.bytes = path.stat().st_size
    with transaction.atomic():
        after = {k: v for k, v in done.document().items() if k in ("bytes", "digest", "manifests", "secrets")}
        audit.record(actor=actor, action="backup.write", subject=f"backup:{path.name}", after=after)
    return done


def _write(
    writer: Writer, store: FactStore, done: Backup, *, allow_missing: bool, report: Progress
) -> dict[str, Any]:
    """Write every member; returns what the manifest says besides the list of members."""
    home = str(settings.HOME)
    report(0, 1, "Reading the decisions")
    with tables.snapshot() as alias:
        listed = _inventory(store, alias, allow_missing=allow_missing)
        total = sum(listed.files.values()) or 1
        described = {}
        for model in tables.models_of():
            label = model._meta.label
            if label in tables.SESSIONS and not done.secrets:
                continue
            name = f"tables/{label}.jsonl"
            rows = _Lines(tables.dump(model, alias, home))
            writer.add(name, rows, packed=True)
            described[label] = {"rows": rows.count - 1, "member": name}
            done.rows[label] = rows.count - 1
            report(0, total, f"Decisions: {label}")
        head = AuditEvent.objects.using(alias).order_by("-id").values_list("id", "digest").first()
        migrations = sorted(MigrationRecorder(connections[alias]).applied_migrations())
        vendor = connections[alias].vendor
    copied = 0
    for relative, size in sorted(listed.files.items()):
        member = writer.add_file(
            f"facts/{relative}", store.address / relative, packed=relative.endswith(".json")
        )
        if member.size != size:
            raise BackupError(f"{relative} of the facts changed while it was copied. Make the backup again.")
        copied += size
        report(copied, total, "Facts")
    _write_files(writer, done, report, total)
    if done.secrets:
        _write_key(writer)
    done.facts_files = len(listed.files)
    readable = [c.manifest.id for c in listed.checked if c.readable]
    done.manifests = len(readable)
    done.unreadable = {c.manifest.id: c.faults[0].message for c in listed.checked if not c.readable}
    return {
        "product": salesops.__version__,
        "made_at": timezone.now().isoformat(),
        "database": vendor,
        "migrations": [list(key) for key in migrations],
        "tables": described,
        "facts": {"readable": readable, "unreadable": done.unreadable},
        "audit_head": list(head) if head else None,
        "secrets": done.secrets,
    }


class _Lines:
    """Pieces of text that pass by, with their lines counted."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.count += piece.count(b"\n")
            yield piece


def _inventory(store: FactStore, alias: str, *, allow_missing: bool) -> Inventory:
    """Files of every version that can still be read; the newest and the pinned ones must be."""
    log = DatabaseManifests(alias)
    listed = inventory(store, log.everything())
    newest = log.latest()
    needed = log.pinned() | ({newest.id} if newest else set())
    for one in listed.checked:
        if one.faults and one.manifest.id in needed and not allow_missing:
            raise BackupError(
                f"Facts version {one.manifest.id} can't be read: {one.faults[0].message}. See salesops facts check. "
                "To back up what is left all the same, add --allow-missing."
            )
    return listed


def _write_files(writer: Writer, done: Backup, report: Progress, total: int) -> None:
    for folder, root in (("uploads", settings.UPLOADS_PATH), ("files", settings.FILES_PATH)):
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            relative = path.relative_to(root).as_posix()
            if _PASSING[folder].match(relative):
                continue
            try:
                writer.add_file(f"{folder}/{relative}", path, packed=True)
            except FileNotFoundError:
                done.vanished.append(f"{folder}/{relative}")
                continue
            done.uploads += 1
            report(total, total, "Uploads")


def _write_key(writer: Writer) -> None:
    path = settings.HOME / "secret-key"
    if not path.exists():
        raise BackupError(
            "The secret key is not in the home but in SALESOPS_SECRET_KEY: keep it yourself, and leave "
            "--with-secrets out."
        )
    writer.add_file(SECRET_KEY, path, packed=False)
