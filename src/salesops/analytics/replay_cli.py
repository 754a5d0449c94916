"""Commands that look back: replay a day, keep a number, ask a kept one again."""

from __future__ import annotations

import argparse
from datetime import date
from typing import Any

from salesops.analytics import home, list_address, records, selectors
from salesops.analytics.cli import filter_of, shown
from salesops.analytics.number_runs import number_keep
from salesops.org import known as known_at
from salesops.platform import run_cli
from salesops.platform.actors import Actor
from salesops.platform.cli import actor_from, day
from salesops.platform.documents import to_json

MOST_DEALS = 50


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add this room's verbs."""
    replay = verbs.add_parser("replay", help="what a given day's screen said")
    replay.add_argument("--day", type=day, required=True, metavar="DAY", help="the day whose end is replayed")
    replay.add_argument(
        "--page",
        nargs="+",
        default=["home"],
        metavar="PAGE",
        help="home (the default), pipeline, or number NAME",
    )
    replay.add_argument("--period", default="quarter", help="period of the numbers (the quarter of that day)")
    replay.add_argument("--json", action="store_true", help="print JSON")
    replay.set_defaults(run=_replay)

    runs = verbs.add_parser("runs", help="numbers and files that were kept, and asking them again")
    actions = runs.add_subparsers(dest="action", metavar="ACTION", required=True)
    keep = actions.add_parser("keep", help="keep a number with the facts and decisions it rests on")
    keep.add_argument("name", help="name of the KPI, as `kpis` lists it")
    keep.add_argument("--by", action="append", default=[], metavar="DIM", help="split by this dimension")
    keep.add_argument("--period", default="", help="2017-Q3, 2017, 2017-08, quarter, all (the default)")
    keep.add_argument("--as-of", type=day, metavar="DAY", help="state as of the end of that day")
    keep.add_argument("--known-at", default="", metavar="WHEN", help="as known then, as for `kpi`")
    keep.add_argument(
        "--filter", action="append", default=[], metavar="COLUMN=VALUE", help="only rows with this value"
    )
    keep.add_argument("--json", action="store_true", help="print JSON")
    keep.set_defaults(run=_keep)
    listing = actions.add_parser("list", help="runs, newest first")
    listing.add_argument("--most", type=int, default=50, metavar="N", help="how many at most")
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=run_cli.list_runs)
    one = actions.add_parser("show", help="one run with what it rests on")
    one.add_argument("ref", help="its name, as R-7K3M9QX2")
    one.add_argument("--json", action="store_true", help="print JSON")
    one.set_defaults(run=run_cli.show_run)
    again = actions.add_parser("replay", help="ask a run again and say what differs")
    again.add_argument("ref", help="its name, as R-7K3M9QX2")
    again.add_argument("--json", action="store_true", help="print JSON")
    again.set_defaults(run=run_cli.replay_run)


def _keep(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    known = known_at.read(args.known_at)
    question = selectors.Question(
        period=args.period,
        by=tuple(args.by),
        filters=tuple(filter_of(f) for f in args.filter),
        as_of=args.as_of,
        manifest_id=known.manifest_id,
        known_at=known.known_at,
    )
    run = number_keep(actor=actor, name=args.name, question=question)
    print(to_json(run_cli.document(run)) if args.json else f"Kept as run {run.ref}.")
    return 0


def _replay(args: argparse.Namespace) -> int:
    page, *rest = args.page
    if page not in ("home", "pipeline", "number") or len(rest) != (page == "number"):
        message = f"There is no page {' '.join(args.page)!r}: write home, pipeline, or number NAME."
        raise ValueError(message)
    actor = actor_from(args)
    known = known_at.read(args.day.isoformat())
    if page == "pipeline":
        document = _pipeline(actor, known)
    else:
        names = tuple(rest) or home.TILES
        document = _numbers(actor, known, names, args.period)
    document = {"day": args.day, "page": page, "known_at": known.known_at} | document
    if args.json:
        print(to_json(document))
    else:
        _print(args.day, document, known)
    return 0


def _numbers(actor: Actor, known: known_at.Known, names: tuple[str, ...], period: str) -> dict[str, Any]:
    question = selectors.Question(period=period, manifest_id=known.manifest_id, known_at=known.known_at)
    answer = selectors.numbers(actor, names, question)
    return {
        "facts_version": answer.manifest_id,
        "data_date": answer.today,
        "period": answer.period.label if answer.period else "all",
        "currency": answer.currency,
        "numbers": [
            {"name": v.name, "value": v.value, "reason": v.reason, "n": v.n, "sides": v.sides}
            for v in answer.values
        ],
        "notes": answer.notes,
    }


def _pipeline(actor: Actor, known: known_at.Known) -> dict[str, Any]:
    """The list as it opens: open deals, largest first."""
    query = list_address.ListAddress(known_at=known.text, size=MOST_DEALS).list_query()
    with records.open_list(actor, query) as opened:
        page = opened.page()
        manifest = opened.frames.facts.manifest
    return {
        "facts_version": manifest.id if manifest else "",
        "data_date": page.today,
        "currency": page.currency,
        "deals": page.total,
        "amount": page.amount,
        "rows": page.rows,
        "notes": page.notes,
    }


def _print(on: date, document: dict[str, Any], known: known_at.Known) -> None:
    said = "is not over: as known now" if known.now else f"{known.known_at:%Y-%m-%d %H:%M:%S %Z}"
    print(f"The end of {on}: {said}")
    print(f"facts version {document['facts_version']}, data of {document['data_date']}")
    for number in document.get("numbers", ()):
        kpi = selectors.kpis([number["name"]])[0]
        text = shown(number["value"], kpi, document["currency"], number["reason"])
        print(f"  {kpi.title:<36} {text:>24}  n = {number['n']:,}")
    if "deals" in document:
        print(
            f"{document['deals']:,} open deals, {document['amount'] or 0:,} {document['currency']}".rstrip()
        )
        for row in document["rows"]:
            amount = "no amount" if row["amount"] is None else f"{row['amount']:,.2f}"
            print(f"  {row['id']:<20} {row.get('name') or '':<32} {row.get('stage') or '':<20} {amount:>16}")
    for note in document["notes"]:
        print(f"  note: {note}")
