"""The command waterfall: the bars between two days, and the deals of one."""

from __future__ import annotations

import argparse

from salesops.analytics.cli import filter_of
from salesops.analytics.engine.waterfall_bars import BARS, BY_NAME
from salesops.analytics.waterfall_parts import document, shown_values
from salesops.analytics.waterfalls import Asked, open_waterfall
from salesops.org import known as known_at
from salesops.platform.cli import actor_from, day
from salesops.platform.documents import to_json

MOST = 500


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add this room's verb."""
    one = verbs.add_parser("waterfall", help="what made the pipeline of one day into that of a later one")
    one.add_argument(
        "--from",
        dest="opening",
        type=day,
        metavar="DAY",
        help="day at whose end the opening state is read (the day before the fiscal quarter)",
    )
    one.add_argument(
        "--to", dest="closing", type=day, metavar="DAY", help="day of the closing state (the data's own date)"
    )
    one.add_argument(
        "--close",
        default="",
        metavar="PERIOD",
        help="only deals closing in 2026-Q3, 2026, a..b (every open deal)",
    )
    one.add_argument(
        "--filter", action="append", default=[], metavar="COLUMN=VALUE", help="only deals with this value"
    )
    one.add_argument("--currency", default="", metavar="CODE", help="reporting currency (the firm's)")
    one.add_argument("--known-at", default="", metavar="WHEN", help="as known then, as for `kpi`")
    one.add_argument(
        "--deals",
        default="",
        metavar="BAR",
        choices=("", *BY_NAME),
        help=f"print a bar's deals: {', '.join(BY_NAME)}",
    )
    one.add_argument("--json", action="store_true", help="print JSON")
    one.set_defaults(run=_waterfall)


def _waterfall(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    known = known_at.read(args.known_at)
    asked = Asked(
        opening=args.opening,
        closing=args.closing,
        close=args.close,
        filters=tuple(filter_of(f) for f in args.filter),
        currency=args.currency,
        manifest_id=known.manifest_id,
        known_at=known.known_at,
    )
    with open_waterfall(actor, asked) as opened:
        found = opened.waterfall()
        told = document(opened)
        deals = opened.page(args.deals, 1, MOST) if args.deals else []
        currency = opened.currency
    if args.deals:
        told |= {"bar": args.deals, "rows": deals}
    if args.json:
        print(to_json(told))
        return 0
    print(f"End of {told['opening_on']} to end of {told['closing_on']}, {told['pipeline']}")
    if told["reason"]:
        print(f"not available: {told['reason']}")
        return 0
    values = shown_values(found, currency)
    for kind in BARS:
        bar, value = found.bars[kind.name], values[kind.name]
        sign = " " if kind.role in ("start", "end") else "+" if kind.sign > 0 else "-"
        text = "not known" if value is None else f"{value:,.2f}"
        print(f"  {sign} {kind.title:<18} {text:>20} {currency}  {bar.deals:,} deals")
    for row in deals:
        adds = "not known" if row["contribution"] is None else row["contribution"]
        print(f"    {row['id']:<20} {row['name'] or '':<32} {adds}")
    if args.deals and found.bars[args.deals].deals > len(deals):
        print(f"    the first {len(deals):,} of {found.bars[args.deals].deals:,}")
    for note in told["notes"]:
        print(f"  note: {note}")
    print(told["reading"])
    return 0
