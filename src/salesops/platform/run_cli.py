"""Commands on runs: list, show, replay. Keeping a number is the numbers' own."""

from __future__ import annotations

import argparse
import sys

from salesops.platform import runs
from salesops.platform.cli import actor_from
from salesops.platform.documents import to_json


def list_runs(args: argparse.Namespace) -> int:
    """Print the runs an account may see, newest first."""
    rows = list(runs.runs_of(actor_from(args))[: args.most])
    if args.json:
        print(to_json([document(row) for row in rows]))
        return 0
    for row in rows:
        made = f"{row.created_at:%Y-%m-%d %H:%M}"
        print(f"{row.ref}  {made}  {runs.kind_title(row):<24} {runs.about(row):<40} {row.actor_name}")
    if not rows:
        print("No run yet.")
    return 0


def show_run(args: argparse.Namespace) -> int:
    """Print one run with what it rests on."""
    row = runs.run_named(actor_from(args), args.ref)
    if args.json:
        print(to_json(document(row)))
        return 0
    print(f"{row.ref}: {runs.kind_title(row)}, {runs.about(row)}")
    print(f"made {row.created_at:%Y-%m-%d %H:%M:%S %Z} by {row.actor_name}, salesops {row.code_version}")
    print(f"facts version {row.manifest_id}, decisions recorded by {row.known_at:%Y-%m-%d %H:%M:%S %Z}")
    for what, value in runs.figures(row):
        print(f"  {what:<40} {value}")
    return 0


def replay_run(args: argparse.Namespace) -> int:
    """Ask a run again; exit code 1 where something differs."""
    actor = actor_from(args)
    try:
        replayed = runs.run_replay(actor=actor, run=runs.run_named(actor, args.ref))
    except runs.FactsError as error:
        print(str(error), file=sys.stderr)
        return 2
    if args.json:
        print(
            to_json(
                {
                    "run": replayed.run.ref,
                    "same": replayed.same,
                    "sentence": replayed.sentence,
                    "code_changed": replayed.code_changed,
                    "differences": replayed.differences,
                }
            )
        )
    else:
        print(f"{replayed.run.ref}: {replayed.sentence}")
        for one in replayed.differences:
            print(f"  {one.at}: kept {one.kept}, now {one.found}")
    return 0 if replayed.same else 1


def document(row: runs.Run) -> dict[str, object]:
    """A run as plain values."""
    return {
        "ref": row.ref,
        "kind": row.kind,
        "params": row.params,
        "facts_version": row.manifest_id,
        "known_at": row.known_at,
        "decisions_through": row.decisions_through,
        "as_of": row.as_of,
        "code_version": row.code_version,
        "engine": row.engine,
        "digest": row.digest,
        "result": row.result,
        "by": row.actor_name,
        "created_at": row.created_at,
    }
