"""Commands that say who sees what."""

from __future__ import annotations

import argparse

from salesops.permissions import inputs
from salesops.platform import selectors as platform
from salesops.platform.actors import Actor, actor_of
from salesops.platform.cli import actor_from, day
from salesops.platform.documents import to_json


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add this room's verbs."""
    access = verbs.add_parser("access", help="who sees what, and why")
    actions = access.add_subparsers(dest="action", metavar="ACTION", required=True)

    explain = actions.add_parser("explain", help="why an account sees or does not see one record")
    explain.add_argument(
        "--as", dest="whom", metavar="USER", help="the account (else whoever runs the command)"
    )
    explain.add_argument("table", help="fact table, such as opportunities")
    explain.add_argument("record", help="id of the record")
    explain.add_argument(
        "--on", type=day, metavar="DAY", help="the records as of that day (else the data's own date)"
    )
    explain.add_argument("--json", action="store_true", help="print JSON")
    explain.set_defaults(run=_explain)

    counts = actions.add_parser("counts", help="how much of every table an account sees")
    counts.add_argument(
        "--as", dest="whom", metavar="USER", help="the account (else whoever runs the command)"
    )
    counts.add_argument(
        "--on", type=day, metavar="DAY", help="the records as of that day (else the data's own date)"
    )
    counts.add_argument("--json", action="store_true", help="print JSON")
    counts.set_defaults(run=_counts)


def _whom(args: argparse.Namespace, asker: Actor) -> Actor:
    if args.whom is None:
        return asker
    account = platform.account_named(args.whom)
    if account is None or not account.is_active:
        message = f"There is no account named {args.whom!r} that may sign in."
        raise LookupError(message)
    return actor_of(account)


def _explain(args: argparse.Namespace) -> int:
    asker = actor_from(args)
    whom = _whom(args, asker)
    found = inputs.explain(asker, whom, args.table, args.record, args.on)
    if args.json:
        print(to_json(found))
        return 0
    print(f"{whom.name} {'sees' if found.visible else 'does not see'} {found.table} {found.record_id}.")
    for text in found.because if found.visible else found.against:
        print(f"  {text}")
    if found.deleted:
        print("  It is deleted in the source: lists leave it out for everybody.")
    if found.visible and found.hidden:
        print(f"  Hidden fields: {', '.join(found.hidden)}")
    return 0


def _counts(args: argparse.Namespace) -> int:
    asker = actor_from(args)
    whom = _whom(args, asker)
    rows = inputs.counts(asker, whom, args.on)
    if args.json:
        print(to_json(rows))
        return 0
    for row in rows:
        hidden = f"  hidden: {', '.join(row.hidden)}" if row.hidden else ""
        total = "" if row.total is None else f" of {row.total:>12,}"
        print(f"{row.table:<22} {row.seen:>12,}{total}{hidden}")
    return 0
