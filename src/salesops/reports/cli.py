"""The command report: the business review as a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone

from salesops.analytics.addresses import read
from salesops.platform.cli import actor_from
from salesops.reports import printing, quarter
from salesops.ui.about import About
from salesops.ui.exports import write_xlsx


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add this room's verb."""
    report = verbs.add_parser("report", help="reports as files")
    kinds = report.add_subparsers(dest="report", metavar="REPORT", required=True)
    qbr = kinds.add_parser("qbr", help="the business review of a period as PDF or XLSX")
    qbr.add_argument(
        "--period", default="quarter", help="2026-Q3, 2026, a..b (the data's own fiscal quarter)"
    )
    qbr.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="FILE",
        help="file to write; its ending, .pdf or .xlsx, is its form",
    )
    qbr.add_argument("--team", default="", metavar="COLUMN:VALUE", help="one team, such as region:West (all)")
    qbr.add_argument(
        "--filter", action="append", default=[], metavar="FILTER", help="as in an address: amount:gt:1000"
    )
    qbr.add_argument("--known-at", default="", metavar="WHEN", help="as known then, as for `kpi`")
    qbr.set_defaults(run=_qbr)


def _qbr(args: argparse.Namespace) -> int:
    form = args.out.suffix.lower()
    if form not in (".pdf", ".xlsx"):
        raise ValueError(f"{args.out} ends neither in .pdf nor in .xlsx.")
    actor = actor_from(args)
    pairs = [("period", args.period), ("team", args.team), ("known_at", args.known_at)]
    asked = [(name, value) for name, value in pairs if value] + [("filter", text) for text in args.filter]
    found = quarter.review(actor, read(QueryDict(urlencode(asked))))
    now = timezone.now()
    if form == ".pdf":
        data = printing.pdf(found, made_by=actor.name, made_at=now)
    else:
        about = About(
            title=f"{found.title}, {found.scope}",
            made_by=actor.name,
            made_at=now,
            data_on=found.today,
            filters=found.filters,
            notes=found.notes,
        )
        data = write_xlsx(quarter.sheets(found), about)
    args.out.write_bytes(data)
    print(f"{found.title}: {args.out} ({len(data):,} bytes)")
    return 0
