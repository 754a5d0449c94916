"""``python -m salesops.simulate``: write a simulated firm's exports into a folder."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from salesops.simulate.parameters import FirmParameters
from salesops.simulate.simulator import simulate


def parser() -> argparse.ArgumentParser:
    """The command's arguments, for whoever wires it into a larger command line."""
    p = argparse.ArgumentParser(
        prog="salesops simulate", description="Simulate a firm and write its CRM's exports."
    )
    p.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    p.add_argument("--parameters", type=Path, metavar="FILE", help="a firm.yaml; without it the default firm")
    p.add_argument("--reps", type=int, metavar="N", help="SDRs, AEs and AMs together (2 to 20,000)")
    p.add_argument("--opportunities", type=int, metavar="N", help="deals created over the whole window")
    p.add_argument(
        "--seed", type=int, default=1, metavar="N", help="another seed is another firm (default 1)"
    )
    p.add_argument(
        "--export-date", type=date.fromisoformat, action="append", default=[], metavar="YYYY-MM-DD",
        help="also write the export of this earlier day (may be repeated)",
    )  # fmt: skip
    p.add_argument(
        "--format", choices=("csv", "parquet"), default="csv", help="format of the exported tables"
    )
    p.add_argument("--json", action="store_true", help="print the totals as JSON")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 where the input is wrong."""
    args = parser().parse_args(argv)
    try:
        firm = FirmParameters.from_yaml(args.parameters) if args.parameters else FirmParameters()
        firm = firm.scaled(args.reps, args.opportunities)
        if args.export_date:
            firm = replace(firm, export_dates=tuple(sorted({*firm.export_dates, *args.export_date})))
        show = None if args.json or not sys.stderr.isatty() else _show
        truth = simulate(firm, args.out, args.seed, file_format=args.format, progress=show)
    except (ValueError, OSError) as error:
        print(f"salesops simulate: {error}", file=sys.stderr)
        return 2
    totals = truth["opportunities"]
    if args.json:
        print(json.dumps({"out": str(args.out), "opportunities": totals, "files": truth["files"]}, indent=1))
    else:
        print(
            f"{truth['firm']}: {totals['total']:,} opportunities, {totals['won']:,} won, "
            f"{totals['lost']:,} lost, "
            f"{totals['open']:,} open; won {truth['currency']} {totals['won_value']}"
        )
        print(f"Exports in {args.out / 'exports'}; what is true of them in {args.out / 'truth.json'}")
    return 0


def _show(done: int, total: int) -> None:
    print(f"\r{done:,} of {total:,} deals", end="\n" if done == total else "", file=sys.stderr, flush=True)
