"""Making an empty home whole from a backup, whichever database either of them has.

Nothing is changed before every checksum was compared. Then a marker file says that the home is
incomplete, until its facts, decisions and files are in place and were checked; a restore that was
killed is begun again with the same command.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import Error, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

import salesops
from salesops.facts.errors import is_full
from salesops.facts.inventory import check
from salesops.platform import audit, audit_verify, home
from salesops.platform.actors import Actor
from salesops.platform.append_only import protected_tables, unprotect
from salesops.platform.manifests import DatabaseManifests
from salesops.platform.safekeeping import tables
from salesops.platform.safekeeping.archive import BackupError, Reader, flush_folder
from salesops.platform.safekeeping.backup import SECRET_KEY
from salesops.platform.store import fact_store

Progress = Callable[[int, int, str], None]
_NOT_DATA = {"contenttypes.ContentType", "auth.Permission", "sites.Site"}
"""Tables that every new database fills by itself."""


@dataclass(frozen=True)
class Contents:
    """What a backup holds, as its manifest says.

    Attributes:
        digest: SHA-256 of the manifest: the digest that making the backup printed.
        product: version that wrote it.
        made_at: when, in UTC.
        database: ``sqlite`` or ``postgresql``.
        rows: table -> rows.
        members: number of files inside.
        bytes: their size, unpacked.
        manifests: facts versions that can be read from it.
        secrets: whether the secret key is in it.
    """

    digest: str
    product: str
    made_at: str
    database: str
    rows: dict[str, int]
    members: int
    bytes: int
    manifests: int
    secrets: bool

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def backup_check(path: Path, progress: Progress | None = None) -> Contents:
    """Read a backup from end to end and compare every checksum. Changes nothing.

    Raises:
        BackupError: it is damaged, incomplete, or of a version that is not known here.
    """
    with Reader(path) as reader:
        _checked(reader, progress)
        return _contents(reader)


def backup_restore(*, actor: Actor, path: Path, progress: Progress | None = None) -> Contents:
    """Fill the empty home and its empty database from a backup.

    Args:
        actor: who asks; recorded in the restored ledger.
        path: the backup.
        progress: called with bytes done, bytes in all and what is being done.

    Raises:
        BackupError: the backup is damaged, the home or the database is not empty, or the disk is full.
    """
    report = progress or (lambda *_: None)
    with Reader(path) as reader:
        _checked(reader, progress)
        contents = _contents(reader)
        begun = home.restore_under_way()
        if begun is None:
            _refuse_unless_empty()
        need = sum(reader.members[n].size for n in reader.members)
        free = fact_store().free_bytes()
        if free < need:
            raise BackupError(
                f"The backup needs {need / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free: make room first."
            )
        _mark(path, reader.digest)
        try:
            _fill(reader, report)
        except OSError as error:
            if not is_full(error):
                raise
            raise BackupError("The disk is full. Make room, then run the same restore again.") from error
        except Error as error:
            what = str(error).strip().splitlines()[0]
            message = f"The database refused ({what}). Mend that, then run the same restore again."
            raise BackupError(message) from error
        _compare(reader)
        with transaction.atomic():
            audit.record(
                actor=actor,
                action="backup.restore",
                subject=f"backup:{path.name}",
                after={"digest": reader.digest, "made_at": contents.made_at, "product": contents.product},
            )
        home.restore_mark().unlink()
        flush_folder(settings.HOME)
    return contents


def _checked(reader: Reader, progress: Progress | None) -> None:
    named = (lambda done, total: progress(done, total, "Comparing checksums")) if progress else None
    reader.check(named)
    loader = MigrationLoader(None)  # without a connection: a check makes no database
    unknown = [k for k in _migrations(reader) if k not in loader.graph.nodes and _ours(k, loader)]
    if unknown:
        version = reader.content["product"]
        raise BackupError(
            f"The backup was made by salesops {version}, and this is {salesops.__version__}, which lacks "
            f"{'.'.join(unknown[0])}: install the newer version first."
        )


def _migrations(reader: Reader) -> list[tuple[str, str]]:
    return [(app, name) for app, name in reader.content["migrations"]]


def _ours(key: tuple[str, str], loader: Any) -> bool:
    """Whether a migration is not one that a squashed one of this version stands for."""
    return not any(key in m.replaces for m in loader.disk_migrations.values())


def _contents(reader: Reader) -> Contents:
    said = reader.content
    return Contents(
        digest=reader.digest,
        product=said["product"],
        made_at=said["made_at"],
        database=said["database"],
        rows={label: t["rows"] for label, t in said["tables"].items()},
        members=len(reader.members),
        bytes=sum(m.size for m in reader.members.values()),
        manifests=len(said["facts"]["readable"]),
        secrets=said["secrets"],
    )


def _refuse_unless_empty() -> None:
    for folder in (settings.FACTS_PATH, settings.UPLOADS_PATH, settings.FILES_PATH):
        if folder.exists() and any(folder.iterdir()):
            raise BackupError(
                f"{folder} is not empty. A backup is restored into an empty home only: name another with --into."
            )
    for model in tables.models_of():
        if model._meta.label not in _NOT_DATA and tables.count(model):
            raise BackupError(
                f"The database already holds data ({model._meta.label}). A backup goes into an empty home and an empty "
                "database: name another home with --into, or another database with DATABASE_URL."
            )


def _mark(path: Path, digest: str) -> None:
    settings.HOME.mkdir(parents=True, exist_ok=True)
    mark = home.restore_mark()
    begun = {"file": path.name, "digest": digest, "begun_at": timezone.now().isoformat()}
    beside = mark.with_name(f".{mark.name}.part")
    beside.write_text(json.dumps(begun), encoding="utf-8")
    beside.replace(mark)
    flush_folder(settings.HOME)


def _fill(reader: Reader, report: Progress) -> None:
    fact_store().close()
    places = {"facts": settings.FACTS_PATH, "uploads": settings.UPLOADS_PATH, "files": settings.FILES_PATH}
    total = sum(m.size for n, m in reader.members.items() if not n.startswith("tables/")) or 1
    done = 0
    for folder, root in places.items():
        if root.exists():  # what an earlier attempt left
            for path in root.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        root.mkdir(parents=True, exist_ok=True)
        for name in reader.names(folder):
            reader.extract(name, root)
            done += reader.members[name].size
            report(done, total, folder.capitalize())
    if SECRET_KEY in reader.members:
        key = settings.HOME / "secret-key"
        key.unlink(missing_ok=True)
        reader.extract(SECRET_KEY, settings.HOME)
        key.chmod(0o600)
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    report(0, 1, "Decisions")
    _fill_database(reader, report)


def _fill_database(reader: Reader, report: Progress) -> None:
    """An empty database at the backup's own version, its rows in one transaction, then this version's migrations."""
    _begin_anew()
    executor = MigrationExecutor(connection)
    targets = _newest(executor.loader.graph, set(_migrations(reader)))
    executor.migrate(targets)
    executor = MigrationExecutor(connection)
    apps = executor.loader.project_state(targets).apps
    models = {m._meta.label_lower: m for m in tables.models_of(apps)}
    with transaction.atomic():
        loaded = []
        for label, said in reader.content["tables"].items():
            model = models.get(label.lower())
            if model is None:
                raise BackupError(f"The backup holds a table {label}, which its version did not have.")
            report(0, 1, f"Decisions: {label}")
            if model._base_manager.exists():  # rows that a migration made
                with connection.cursor() as cursor:
                    cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608
            count = tables.load(model, reader.lines(said["member"]), str(settings.HOME))
            if count != said["rows"]:
                raise BackupError(
                    f"{label} holds {count:,} rows, not the {said['rows']:,} that were written."
                )
            loaded.append(model)
        tables.reset_sequences(loaded)
    report(0, 1, "Decisions: this version's migrations")
    call_command("migrate", verbosity=0, interactive=False)


def _begin_anew() -> None:
    """Drop the tables of an empty database, or of one that an earlier attempt filled (a marker says so).

    A home may have been made before its restore, by a later version than the backup's: its tables
    are made again as they were at the time of the backup.
    """
    doomed = tables.models_of()
    held = set(connection.introspection.table_names())
    protected = [t for t in protected_tables(connection) if t in held]
    unprotect(connection, *protected)
    tables.drop_all(doomed)


def _newest(graph: Any, applied: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """The last migration of every app among those applied."""
    known = {key for key in applied if key in graph.nodes}
    return sorted(
        key
        for key in known
        if not any(child.key in known and child.key[0] == key[0] for child in graph.node_map[key].children)
    )


def _compare(reader: Reader) -> None:
    """Everything is there: rows, facts versions, and an audit chain that holds to the backup's head."""
    said = reader.content
    models = {m._meta.label: m for m in tables.models_of()}
    for label, table in said["tables"].items():
        # A table that later versions dropped has nothing to compare; contents types may have grown.
        if label in models and label not in _NOT_DATA and tables.count(models[label]) != table["rows"]:
            raise BackupError(f"{label} does not hold the {table['rows']:,} rows of the backup.")
    _facts_are_there(set(said["facts"]["readable"]))
    head = said["audit_head"]
    # A backup of a version before the chain has no digest to compare with.
    kept = audit_verify.Head(*head) if head and head[1] else None
    found = audit_verify.verify(kept)
    if not found.holds:
        raise BackupError(f"The audit chain does not hold: {found.breaks[0].message}")


def _facts_are_there(readable: Iterable[str]) -> None:
    log = DatabaseManifests()
    for one in check(fact_store(), (log.get(i) for i in readable)):
        if not one.readable:
            raise BackupError(f"Facts version {one.manifest.id} can't be read: {one.faults[0].message}")
