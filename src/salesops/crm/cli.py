"""The ``import`` command."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from salesops.platform.cli import actor_from, day, read_yaml
from salesops.platform.documents import to_json

SHOWN = 20


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add this room's verbs."""
    verb = verbs.add_parser("import", help="import files, archives or folders exported from a CRM")
    verb.add_argument("paths", nargs="+", metavar="PATH", help="a file, an archive or a folder")
    verb.add_argument("--mapping", metavar="FILE", help="YAML mapping for the file it matches")
    verb.add_argument("--data-date", type=day, metavar="DAY", help="the day the files show")
    verb.add_argument(
        "--complete", action="store_true", help="every file holds all records: what is absent was deleted"
    )
    verb.add_argument("--source", default="crm", help="name of the system the files come from")
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.set_defaults(run=run_import)


class Meter:
    """Progress on one line of a terminal; silent where nobody watches."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet or not sys.stderr.isatty()
        self.last = 0.0

    def __call__(self, done: int, total: int, message: str) -> None:
        """Show progress, at most five times a second."""
        now = time.monotonic()
        if self.quiet or now - self.last < 0.2:
            return
        self.last = now
        share = f"{done * 100 // total:3d} %" if total else "     "
        print(f"\r{share} {message:<60.60}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Clear the line."""
        if not self.quiet:
            print("\r" + " " * 70 + "\r", end="", file=sys.stderr)


def run_import(args: argparse.Namespace) -> int:
    """Import with every proposal taken. Exit code 1 where no row landed."""
    from salesops.crm import import_selectors, services  # read files: no other command need load them
    from salesops.crm.plans import check_mapping

    actor = actor_from(args)
    mapping = None
    if args.mapping:
        mapping = read_yaml(args.mapping)
        check_mapping(mapping)
    meter = Meter(args.json)
    row = services.import_now(
        actor=actor,
        paths=[Path(p) for p in args.paths],
        source=args.source,
        data_on=args.data_date,
        complete=args.complete,
        mapping=mapping,
        progress=meter,
    )
    meter.end()
    report = dict(row.report)
    # A row that waits from an earlier import of the same file still waits.
    waiting = import_selectors.quarantine_rows().filter(file__in=[f["file"] for f in report["files"]])
    report["quarantined"] = [
        {"file": r.file, "row": r.row, "column": r.column, "reason": r.reason, "fix": r.fix} for r in waiting
    ]
    for name, found in report["tables"].items():
        found["quarantined"] = sum(f["refused"] for f in report["files"] if f["table"] == name)
    if args.json:
        print(to_json(report))
    else:
        print_report(report)
    return 0 if report["files"] else 1


def print_report(report: dict[str, Any]) -> None:
    """The report for a terminal."""
    for file in report["files"]:
        print(f"{file['file']}: {file['rows']:,} rows as {file['table']}, data of {file['data_date']}")
        mapped = ", ".join(f"{h} → {to}" for h, to in file["mapped"].items() if h != to)
        if mapped:
            print(f"  mapped: {mapped}")
        if file["kept"]:
            print(f"  kept as your own columns: {', '.join(file['kept'])}")
        if len(file["key"]) > 1:
            print(f"  key composed of: {', '.join(file['key'])}")
    for file in report["ignored"]:
        print(f"{file['file']}: left out, {file['reason']}")
    for name, found in report["tables"].items():
        print(
            f"{name}: {found['read']:,} read, {found['added']:,} added, {found['changed']:,} changed, "
            f"{found['unchanged']:,} unchanged, {found['not_in_file']:,} not in this file, "
            f"{found['deleted']:,} deleted, {found['quarantined']:,} quarantined"
        )
        for column, count in found["changed_by_field"].items():
            print(f"  {column}: {count:,} changed")
    for row in report["quarantined"][:SHOWN]:
        print(f"  {row['file']} row {row['row']} {row['column']}: {row['reason']}. {row['fix']}")
    if len(report["quarantined"]) > SHOWN:
        print(f"  and {len(report['quarantined']) - SHOWN:,} more (--json lists them all)")
    for name, amounts in (report["known"].get("opportunities") or {}).items():
        money = ", ".join(f"{amount} {currency}".strip() for currency, amount in amounts["amounts"].items())
        print(f"opportunities {name}: {amounts['count']:,}" + (f", {money}" if money else ""))
