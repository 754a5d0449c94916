"""Commands that keep a home safe: backup, restore, audit, facts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from django.conf import settings

from salesops.facts.errors import FactsError
from salesops.platform import audit_verify
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.cli import actor_from
from salesops.platform.documents import to_json
from salesops.platform.safekeeping import facts_check
from salesops.platform.safekeeping.archive import BackupError
from salesops.platform.safekeeping.backup import backup_write
from salesops.platform.safekeeping.facts_loading import facts_load
from salesops.platform.safekeeping.restore import Contents, backup_check, backup_restore

_FAILED = 1


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add the verbs."""
    backup = verbs.add_parser("backup", help="write decisions, facts and files into one file")
    backup.add_argument(
        "file", help="the file to write; one of that name is replaced when the new one is whole"
    )
    backup.add_argument("--with-secrets", action="store_true", help="also the secret key and the sessions")
    backup.add_argument(
        "--allow-missing",
        action="store_true",
        help="go on where facts that are needed can't be read any more",
    )
    backup.add_argument("--json", action="store_true", help="print JSON")
    backup.set_defaults(run=_backup)

    restore = verbs.add_parser("restore", help="make an empty home whole from a backup, or check one")
    restore.add_argument("file", help="a file that salesops backup wrote")
    restore.add_argument("--into", metavar="HOME", help="the empty home (else --home, else SALESOPS_HOME)")
    restore.add_argument(
        "--check", action="store_true", help="read it and compare every checksum; change nothing"
    )
    restore.add_argument("--json", action="store_true", help="print JSON")
    restore.set_defaults(run=_restore)

    ledger = verbs.add_parser("audit", help="follow the chain of the audit ledger, or print its head")
    actions = ledger.add_subparsers(dest="action", metavar="ACTION", required=True)
    verify = actions.add_parser("verify", help="follow the chain; exit 1 and say where, if it does not hold")
    verify.add_argument(
        "--head", metavar="ID:DIGEST", help="a head that was kept: proves that nothing was cut off"
    )
    verify.add_argument("--json", action="store_true", help="print JSON")
    verify.set_defaults(run=_audit_verify)
    head = actions.add_parser("head", help="print number and digest of the last event, to be kept elsewhere")
    head.add_argument("--json", action="store_true", help="print JSON")
    head.set_defaults(run=_audit_head)

    facts = verbs.add_parser("facts", help="look after the files of the facts")
    actions = facts.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check", help="whether every facts version has its files; exit 1 where one has not"
    )
    check.add_argument("--set-aside", action="store_true", help="move half-written commits out of the way")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(run=_facts_check)
    load = actions.add_parser("load", help="copy a facts version to PostgreSQL or Spark, to compute there")
    load.add_argument("--to", metavar="URL", help="postgresql://... or spark:///folder (else FACTS_URL)")
    load.add_argument("--version", dest="manifest", metavar="ID", help="facts version (else the newest)")
    load.add_argument("--json", action="store_true", help="print JSON")
    load.set_defaults(run=_facts_load)


class _Meter:
    """Progress on standard error, where that is a terminal."""

    def __init__(self) -> None:
        self.shown = ""

    def __call__(self, done: int, total: int, message: str) -> None:
        text = f"{message} {100 * done // max(total, 1)} %"
        if sys.stderr.isatty() and text != self.shown:
            print(f"\r{text:<70}", end="", file=sys.stderr, flush=True)
            self.shown = text

    def end(self) -> None:
        if self.shown:
            print(file=sys.stderr)


def _backup(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    meter = _Meter()
    try:
        done = backup_write(
            actor=actor,
            path=Path(args.file),
            with_secrets=args.with_secrets,
            allow_missing=args.allow_missing,
            progress=meter,
        )
    except BackupError as error:
        print(error, file=sys.stderr)
        return _FAILED
    finally:
        meter.end()
    if args.json:
        print(to_json(done.document()))
        return 0
    rows = sum(done.rows.values())
    print(f"Wrote {done.path}: {done.bytes:,} bytes.")
    print(
        f"{rows:,} rows of {len(done.rows)} tables, {done.manifests} facts versions, {done.uploads:,} other files."
    )
    if done.unreadable:
        print(
            f"{len(done.unreadable)} older facts versions are not in it: their files had been cleaned up before."
        )
    print(
        "With the secret key and the sessions." if done.secrets else "Without the secret key: see the manual."
    )
    print(f"Digest: {done.digest}")
    return 0


def _restore(args: argparse.Namespace) -> int:
    meter = _Meter()
    try:
        if args.check:
            found = backup_check(Path(args.file), meter)
        else:
            found = backup_restore(actor=LOCAL_ADMINISTRATOR, path=Path(args.file), progress=meter)
    except BackupError as error:
        print(error, file=sys.stderr)
        return _FAILED
    finally:
        meter.end()
    if args.json:
        print(to_json({**found.document(), **({} if args.check else {"home": str(settings.HOME)})}))
        return 0
    _describe(found)
    if args.check:
        print("Every checksum agrees. Nothing was changed.")
    else:
        print(
            f"Restored into {settings.HOME}. Everybody signs in anew."
            if not found.secrets
            else f"Restored into {settings.HOME}."
        )
        print("Next: salesops serve")
    return 0


def _describe(found: Contents) -> None:
    print(
        f"Backup of {found.made_at[:16].replace('T', ' ')} UTC by salesops {found.product}, from {found.database}."
    )
    rows = sum(found.rows.values())
    print(
        f"{rows:,} rows of {len(found.rows)} tables, {found.manifests} facts versions, {found.members:,} files inside."
    )
    print(f"Digest: {found.digest}")


def _facts_load(args: argparse.Namespace) -> int:
    try:
        loaded = facts_load(actor=actor_from(args), address=args.to or "", manifest_id=args.manifest)
    except FactsError as error:
        print(error, file=sys.stderr)
        return _FAILED
    manifest, engine = loaded.manifest, loaded.engine
    if args.json:
        print(to_json({"version": manifest.id, "recorded_at": manifest.recorded_at, "engine": engine}))
        return 0
    print(f"{engine} holds facts version {manifest.id}, recorded {manifest.recorded_at:%Y-%m-%d %H:%M} UTC.")
    return 0


def _audit_verify(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    kept = audit_verify.parse_head(args.head) if args.head else None
    found = audit_verify.audit_verify(actor=actor, kept=kept)
    if args.json:
        print(to_json(found.document()))
        return 0 if found.holds else _FAILED
    print(f"{found.events:,} events read.")
    if found.holds:
        print("The chain holds from the first event to the last.")
        if kept is None:
            print(
                "That nothing was cut off at its end shows only against a head that was kept: --head ID:DIGEST."
            )
        else:
            print(f"It runs through the head that was kept (event {kept.number}).")
        return 0
    print(f"The chain is broken in {found.broken:,} place{'s' if found.broken > 1 else ''}:")
    for one in found.breaks:
        print(f"  {one.message}")
    return _FAILED


def _audit_head(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    last = audit_verify.audit_head(actor=actor)
    if last is None:
        raise LookupError("Nothing has been recorded yet.")
    print(to_json({"id": last.number, "digest": last.digest}) if args.json else last)
    return 0


def _facts_check(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    found = facts_check.facts_check(actor=actor, set_aside=args.set_aside)
    if args.json:
        print(to_json(found.document()))
        return 0 if found.whole else _FAILED
    print(f"{found.versions} facts versions read, {found.readable} can be read whole.")
    for line in found.lines():
        print(f"  {line}")
    return 0 if found.whole else _FAILED
