"""A report saved as Excel by a user without rights: title rows, groups, subtotals, footer, no ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from salesops.simulate import words
from salesops.simulate.calendar_days import DAY, to_date
from salesops.simulate.columns import decimal_text
from salesops.simulate.deals import Deals
from salesops.simulate.endings import TYPES
from salesops.simulate.export_deals import deal_names
from salesops.simulate.stages import PROBABILITY, STAGES
from salesops.simulate.state import DealState
from salesops.simulate.tracks import NONE
from salesops.simulate.world import World

FILE = "Opportunities by owner.xlsx"
HEADER = (
    "Opportunity Owner",
    "Account Name",
    "Opportunity Name",
    "Stage",
    "Amount",
    "Probability (%)",
    "Close Date",
    "Created Date",
    "Type",
    "Lead Source",
)


@dataclass
class OwnerReport:
    """Collects the deals whose close date lies in the fiscal year of the data date."""

    world: World
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    too_long: bool = False

    def bounds(self) -> tuple[int, int]:
        """First and last day of the fiscal year of the data date."""
        calendar, last = self.world.calendar, self.world.last
        quarter = calendar.quarter_of(last)
        first = quarter - (int(calendar.label(quarter)[-1]) - 1)
        starts = calendar.quarter_start(np.array([first]))
        return int(starts[0]), int(calendar.quarter_end(np.array([first + 3]))[0])

    def add(self, deals: Deals, now: DealState) -> None:
        """Keep the chunk's deals that belong to the report, unless it has grown past its limit."""
        first, last = self.bounds()
        keep = np.flatnonzero(now.known & (now.close_day >= first) & (now.close_day <= last))
        if self.too_long or len(self.rows) + len(keep) > self.world.parameters.report_rows:
            self.too_long, self.rows = True, []
            return
        first_names, last_names = words.person_names(now.owner[keep])
        names = deal_names(self.world, deals, keep).to_pylist()
        accounts = self.world.accounts.names(deals.account[keep]).to_pylist()
        for i, (given, family, name, account) in enumerate(
            zip(first_names.to_pylist(), last_names.to_pylist(), names, accounts, strict=True)
        ):
            row = keep[i]
            stage, cents = int(now.stage[row]), int(now.amount[row])
            self.rows.append(
                (
                    f"{given} {family}",
                    account,
                    name,
                    STAGES[stage],
                    None if cents == NONE else cents,
                    PROBABILITY[stage],
                    to_date(now.close_day[row]),
                    to_date(deals.created[row] // DAY),
                    TYPES[deals.kind[row]],
                    words.LEAD_SOURCES[deals.source[row]],
                )
            )

    def write(self, folder: Path) -> dict[str, Any] | None:
        """Write the workbook and return what it holds; None where it would be too long for Excel users."""
        if self.too_long:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        rows = sorted(self.rows, key=lambda r: (r[0], r[6], r[2], r[7]))
        first, last = (to_date(d) for d in self.bounds())
        self._workbook(folder / FILE, rows, first, last)
        owners: dict[str, list[int]] = {}
        for row in rows:
            owners.setdefault(row[0], []).append(row[4] or 0)
        return {
            "file": FILE,
            "close_date_from": first.isoformat(),
            "close_date_to": last.isoformat(),
            "rows": len(rows),
            "amount": decimal_text(sum(r[4] or 0 for r in rows)),
            "owners": [
                {"owner": o, "rows": len(v), "amount": decimal_text(sum(v))} for o, v in owners.items()
            ],
        }

    def _workbook(self, path: Path, rows: list[tuple[Any, ...]], first: date, last: date) -> None:
        import xlsxwriter

        p = self.world.parameters
        book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
        # The same seed gives the same bytes: no clock in the file's properties.
        book.set_properties({"title": "Opportunities by owner", "created": datetime(p.last_day.year, 1, 1)})  # noqa: DTZ001
        sheet = book.add_worksheet("Opportunities by owner")
        bold = book.add_format({"bold": True})
        cash = book.add_format({"num_format": f'"{p.currency}" #,##0.00'})
        total = book.add_format({"num_format": f'"{p.currency}" #,##0.00', "bold": True})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["Opportunities by owner"], bold)
        sheet.write(1, 0, f"As of {p.last_day.isoformat()}")
        sheet.write(
            2, 0, f"Filtered by: Close Date from {first.isoformat()} to {last.isoformat()}; all opportunities"
        )
        sheet.write_row(4, 0, HEADER, bold)
        line, group = 5, ""
        subtotal, count = 0, 0
        for row in [*rows, None]:
            owner = row[0] if row else ""
            if count and owner != group:
                sheet.write(line, 0, f"Subtotal ({count} records)", bold)
                sheet.write_number(line, 4, subtotal / 100, total)  # a cell of a spreadsheet is a float
                line, subtotal, count = line + 1, 0, 0
            if row is None:
                break
            if owner != group:
                sheet.write_string(line, 0, owner)
                group = owner
            for column, value in enumerate(row[1:], start=1):
                if value is None:
                    continue
                if column == 4:
                    sheet.write_number(line, column, value / 100, cash)
                elif isinstance(value, date):
                    sheet.write_datetime(line, column, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001
                else:
                    sheet.write(line, column, value)
            subtotal, count, line = subtotal + (row[4] or 0), count + 1, line + 1
        sheet.write(line, 0, f"Grand total ({len(rows)} records)", bold)
        sheet.write_number(line, 4, sum(r[4] or 0 for r in rows) / 100, total)
        sheet.write(line + 2, 0, f"Confidential information of {p.name}. Do not distribute.")
        book.close()
