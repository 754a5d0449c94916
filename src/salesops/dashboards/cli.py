"""The command dashboards: which there are, what one says, and whether every value equals its rows."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from salesops.dashboards import selectors
from salesops.dashboards.checking import check
from salesops.dashboards.selectors import Seen
from salesops.platform.actors import Actor
from salesops.platform.cli import actor_from
from salesops.platform.documents import to_json


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add this room's verb."""
    one = verbs.add_parser("dashboards", help="list dashboards, or check that their values equal their rows")
    one.add_argument(
        "action", choices=("list", "check"), help="check ends with exit code 1 where a value differs"
    )
    one.add_argument(
        "--dashboard", type=int, action="append", metavar="ID", help="only this one; may be repeated"
    )
    one.add_argument("--ready", action="store_true", help="the dashboards to start from as well")
    one.add_argument(
        "--question", default="", metavar="ADDRESS", help="such as period=2026-Q3, instead of their own"
    )
    one.add_argument("--json", action="store_true", help="print JSON")
    one.set_defaults(run=_run)


def _wanted(args: argparse.Namespace, actor: Actor) -> list[Seen]:
    """The local administrator keeps all of them in order; an account those it sees."""
    found = selectors.dashboards_of(actor) if actor.user_id is not None else selectors.every()
    if args.dashboard:
        found = [one for one in found if one.id in args.dashboard]
        if missing := sorted(set(args.dashboard) - {one.id for one in found}):
            message = f"There is no dashboard {missing[0]}."
            raise LookupError(message)
    return [*found, *(selectors.ready_ones() if args.ready else [])]


def _run(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    found = _wanted(args, actor)
    return _list(args, found) if args.action == "list" else _check(args, actor, found)


def _list(args: argparse.Namespace, found: list[Seen]) -> int:
    if args.json:
        print(to_json([_plain(one) for one in found]))
        return 0
    for one in found:
        shared = ", ".join(one.roles) or "nobody"
        print(
            f"{one.id or one.ready:>8}  {one.name}: {len(one.tiles)} tiles, of {one.owner_name or 'everybody'}, "
            f"shared with {shared}"
        )
    if not found:
        print("There is no dashboard.")
    return 0


def _plain(one: Seen) -> dict[str, Any]:
    return asdict(one) | {"tiles": [tile.plain() for tile in one.tiles]}


def _check(args: argparse.Namespace, actor: Actor, found: list[Seen]) -> int:
    done = check(actor, found, args.question)
    if args.json:
        print(to_json(asdict(done)))
        return 1 if done.differences else 0
    for problem in done.problems:
        print(f"not read: {problem}")
    for difference in done.differences:
        print(f"DIFFERS  {difference}")
    print(
        f"{done.dashboards} dashboards, {done.values} values compared with their rows, {done.without_rows} without "
        f"rows, {len(done.differences)} differ"
    )
    return 1 if done.differences else 0
