"""Spreadsheets: every sheet of XLSX, XLSM, XLSB, XLS and ODS, by python-calamine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from salesops.crm.engine.layout import DroppedRow, Merge, fill_merges, find_layout, rows_of, with_footer_facts
from salesops.crm.files.sources import Source
from salesops.crm.files.tables import (
    Dialect,
    FileKind,
    FileProblem,
    Findings,
    Limits,
    RawTable,
    batched,
    broken,
    opening_problems,
)


def cell_text(value: Any) -> str:
    """A typed cell as text: ISO dates, plain decimals, TRUE and FALSE, "" for nothing."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return ""
        if value.is_integer() and abs(value) < 1e18:
            return str(int(value))
        return f"{Decimal(repr(value)):f}"
    if isinstance(value, datetime):
        return (
            value.date().isoformat()
            if value.time() == time() and value.tzinfo is None
            else value.isoformat(" ")
        )
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def open_workbook(source: Source, limits: Limits) -> list[RawTable]:
    """One table per sheet that holds cells."""
    kind: FileKind = "workbook"
    try:
        with source.open() as stream:
            book = CalamineWorkbook.from_filelike(stream)
            sheets = book.sheets_metadata
            grids: list[tuple[SheetMetadata, list[list[str]] | None, tuple[Merge, ...]]] = []
            for sheet in sheets:
                if sheet.typ != SheetTypeEnum.WorkSheet:
                    continue
                page = book.get_sheet_by_name(sheet.name)
                if page.total_width > limits.columns:
                    grids.append((sheet, None, ()))
                    continue
                cells = [[cell_text(c) for c in row] for row in page.to_python(skip_empty_area=False)]
                try:
                    merges = tuple(page.merged_cell_ranges or ())
                except CalamineError:
                    merges = ()
                grids.append((sheet, cells, merges))
    except PasswordError:
        return [
            broken(
                source.name,
                "the workbook is protected by a password",
                "Save it without a password.",
                kind=kind,
            )
        ]
    except (CalamineError, OSError, ValueError) as error:
        return [
            broken(
                source.name,
                f"the workbook cannot be read: {error}",
                "Open it in a spreadsheet program and save it as XLSX again.",
                kind=kind,
            )
        ]
    tables = []
    for sheet, grid, merges in grids:
        name = f"{source.name}!{sheet.name}"
        if grid is None:
            tables.append(
                broken(
                    name,
                    f"the sheet has more than {limits.columns} columns",
                    "Delete the empty columns to the right of the table.",
                    kind=kind,
                )
            )
        elif any(c.strip() for row in grid for c in row):
            hidden = sheet.visible != SheetVisibleEnum.Visible
            tables.append(table_of_grid(name, grid, merges, source, hidden=hidden))
    if not tables:
        return [broken(source.name, "no sheet holds any cell", "Export the report again.", kind=kind)]
    return tables


def table_of_grid(
    name: str,
    grid: list[list[str]],
    merges: tuple[tuple[tuple[int, int], tuple[int, int]], ...],
    source: Source,
    *,
    hidden: bool = False,
) -> RawTable:
    """A table from a sheet's grid of texts."""
    fill_merges(grid, merges)
    layout = find_layout(grid, merges=merges)
    dropped: list[DroppedRow] = []
    rows = list(rows_of(layout, enumerate(grid, start=1), dropped))
    layout = with_footer_facts(layout, dropped)
    problems: list[FileProblem] = opening_problems(name, layout)

    def read(findings: Findings) -> Iterator[pa.RecordBatch]:
        findings.dropped.extend(dropped)
        yield from batched(layout.columns, rows)

    notes = (*layout.notes, *(("The sheet is hidden in the workbook.",) if hidden else ()))
    dialect = Dialect("workbook", quote="", header_row=layout.header_row, notes=notes)
    return RawTable(
        name,
        layout.columns,
        read,
        dialect,
        layout=layout,
        problems=problems,
        modified_at=source.modified_at,
        keep=True,
    )
