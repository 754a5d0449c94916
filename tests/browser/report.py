"""An Excel report as a CRM saves it for somebody without rights, written by the tests that need one.

Title and filter rows, grouped by owner with the owner on the first row only, subtotals, a grand total, a
footer, two amount columns, and no id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import xlsxwriter

OWNERS = ("Ada North", "Ben South", "Cleo East")
STAGES = (
    "Closed Won",
    "Closed Lost",
    "Negotiation",
    "Closed Won",
    "Proposal",
    "Closed Lost",
    "Qualification",
    "Closed Won",
)
TOWNS = (
    "Amiens",
    "Bergen",
    "Cork",
    "Delft",
    "Evora",
    "Faro",
    "Gent",
    "Hull",
    "Izola",
    "Jena",
    "Kiel",
    "Lund",
    "Metz",
    "Narva",
)
HEADERS = (
    "Opportunity Owner", "Opportunity Name", "Account Name", "Stage", "Amount", "Total Contract Value",
    "Created Date", "Close Date", "Partner Tier",
)  # fmt: skip


@dataclass(frozen=True)
class Sold:
    """One row of the report."""

    owner: str
    name: str
    account: str
    stage: str
    amount: Decimal
    contract: Decimal
    created: date
    close: date
    tier: str

    @property
    def cycle(self) -> int:
        """Days from creation to close."""
        return (self.close - self.created).days


def deals() -> list[Sold]:
    """Thirty-six deals of three people, the same at every call."""
    made = []
    for n in range(36):
        created = date(2026, 1, 5) + timedelta(days=3 * n)
        stage = STAGES[(n * 5 + n // 8) % len(STAGES)]
        closed = stage.startswith("Closed")
        close = created + timedelta(days=20 + n * 7 % 41) if closed else date(2026, 7, 1) + timedelta(days=n)
        amount = Decimal(4_000 + 1_375 * n) + Decimal(n % 4) / 4
        town = TOWNS[n % len(TOWNS)]
        made.append(
            Sold(
                OWNERS[n % 3], f"{town} plant, line {n + 1}", f"{town} Works", stage, amount, amount * 3,
                created, close, ("Gold", "Silver")[n % 2],
            )
        )  # fmt: skip
    return made


def later(before: Sequence[Sold]) -> list[Sold]:
    """The same deals a month on: one won, one grown, one pushed."""
    made = list(before)
    open_ones = [n for n, deal in enumerate(made) if not deal.stage.startswith("Closed")]
    won, grown, pushed = open_ones[:3]
    made[won] = replace(made[won], stage="Closed Won", close=date(2026, 7, 20))
    made[grown] = replace(made[grown], amount=made[grown].amount + 5_000, stage="Negotiation")
    made[pushed] = replace(made[pushed], close=made[pushed].close + timedelta(days=62))
    return made


def write(path: Path, rows: Sequence[Sold], day: date, *, title: str = "Opportunity Report") -> Path:
    """The report of a day as a workbook."""
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("Report")
    money, dated = book.add_format({"num_format": "$#,##0.00"}), book.add_format({"num_format": "m/d/yyyy"})
    bold = book.add_format({"bold": True})
    sheet.write(0, 0, title, bold)
    sheet.write(1, 0, f"As of {day.isoformat()} 08:15 by Ada North")
    sheet.write(3, 0, "Filtered By: Show: All opportunities; Date Field: Created Date, All Time")
    for place, header in enumerate(HEADERS):
        sheet.write(5, place, header, bold)
    at = 6
    for owner in sorted({row.owner for row in rows}):
        own = [row for row in rows if row.owner == owner]
        for number, row in enumerate(own):
            if number == 0:
                sheet.write(at, 0, owner)
            for place, text in ((1, row.name), (2, row.account), (3, row.stage), (8, row.tier)):
                sheet.write(at, place, text)
            sheet.write_number(at, 4, float(row.amount), money)
            sheet.write_number(at, 5, float(row.contract), money)
            sheet.write_datetime(at, 6, _moment(row.created), dated)
            sheet.write_datetime(at, 7, _moment(row.close), dated)
            at += 1
        sheet.write(at, 0, "Subtotal", bold)
        sheet.write_number(at, 4, float(sum(row.amount for row in own)), money)
        sheet.write_number(at, 5, float(sum(row.contract for row in own)), money)
        at += 1
    sheet.write(at, 0, "Grand Total", bold)
    sheet.write(at, 1, f"{len(rows)} records")
    sheet.write_number(at, 4, float(sum(row.amount for row in rows)), money)
    sheet.write_number(at, 5, float(sum(row.contract for row in rows)), money)
    sheet.write(at + 2, 0, "Confidential Information - Do Not Distribute")
    sheet.write(at + 3, 0, "Copyright" + " (c) 2000-2026 All rights reserved.")
    book.close()
    return path


def _moment(day: date):  # type: ignore[no-untyped-def]
    from datetime import datetime, time

    return datetime.combine(day, time())
