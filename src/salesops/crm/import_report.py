"""An import's stored report as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from salesops.crm.confirm_view import column_title
from salesops.crm.import_selectors import table_title, waiting_by_table
from salesops.crm.models import Import, ImportState
from salesops.platform.job_states import JobState

TONES = {
    ImportState.INSPECTED: "warn", ImportState.RUNNING: "info", ImportState.DONE: "ok", ImportState.FAILED: "bad",
    ImportState.CANCELLED: "neutral",
}  # fmt: skip
_CLASSES = {
    "won": "Won",
    "lost": "Lost",
    "open": "Open",
    "ignored": "Not counted",
    "unmapped": "Without a meaning yet",
}


@dataclass(frozen=True)
class TableLine:
    """What an import did to one table. Counts are records; ``history`` is rows of the change log."""

    name: str
    title: str
    read: int
    added: int
    changed: int
    unchanged: int
    not_in_file: int
    deleted: int
    undeleted: int
    quarantined: int
    history: int
    by_field: list[tuple[str, int]]


@dataclass(frozen=True)
class FileLine:
    """What became of one file."""

    name: str
    title: str
    history: bool
    data_on: date
    rows: int
    key: str
    mapped: list[tuple[str, str]]
    kept: list[str]
    left_out: list[str]
    remarks: list[str]


@dataclass(frozen=True)
class KnownDeals:
    """Deals now known of one class."""

    title: str
    count: int
    without_amount: int
    amounts: list[tuple[str, Decimal]]


@dataclass(frozen=True)
class Report:
    """Everything an import left."""

    tables: list[TableLine]
    files: list[FileLine]
    ignored: list[dict[str, Any]]
    deals: list[KnownDeals]
    data_on: date | None
    quarantined: int
    unchanged: bool


def of(row: Import) -> Report:
    """The report of an import that is done."""
    report = row.report
    waiting = waiting_by_table(row)
    tables = [_table(name, found, waiting.get(name, 0)) for name, found in report.get("tables", {}).items()]
    data_on = report.get("data_date")
    return Report(
        tables=tables,
        files=[_file(found) for found in report.get("files", ())],
        ignored=list(report.get("ignored", ())),
        deals=_deals((report.get("known") or {}).get("opportunities") or {}),
        data_on=date.fromisoformat(data_on) if data_on else None,
        quarantined=sum(waiting.values()),
        unchanged=bool(tables)
        and not any(t.added or t.changed or t.deleted or t.undeleted or t.history for t in tables),
    )


def _table(name: str, found: Mapping[str, Any], waiting: int) -> TableLine:
    fields = sorted(found.get("changed_by_field", {}).items(), key=lambda pair: (-pair[1], pair[0]))
    return TableLine(
        name=name,
        title=table_title(name),
        quarantined=waiting,
        by_field=[(column_title(column), count) for column, count in fields],
        **{k: found.get(k, 0) for k in ("read", "added", "changed", "unchanged", "not_in_file", "deleted")},
        undeleted=found.get("undeleted", 0),
        history=found.get("history", 0),
    )


def _file(found: Mapping[str, Any]) -> FileLine:
    remarks = []
    if found.get("rows_that_are_no_records"):
        remarks.append(
            f"{found['rows_that_are_no_records']:,} titles, subtotals, footers or blank rows were left out."
        )
    if found.get("rounded"):
        remarks.append(f"{found['rounded']:,} figures had more than four decimals and were rounded.")
    for label, names in (found.get("ambiguous") or {}).items():
        rows = sum(names.values())
        some = ", ".join(list(names)[:3])
        remarks.append(
            f"{rows:,} rows name a {column_title(label).lower()} that several records share: {some}."
        )
    if found.get("refused"):
        remarks.append(f"{found['refused']:,} rows went to quarantine.")
    if found.get("incomplete_because"):
        remarks.append(f"Not taken as complete: {found['incomplete_because']}")
    return FileLine(
        name=found["file"],
        title=table_title(found["table"]),
        history=found["kind"] == "history",
        data_on=date.fromisoformat(found["data_date"]),
        rows=found["rows"],
        key=" + ".join(found.get("key", ())),
        mapped=[(header, column_title(to)) for header, to in found.get("mapped", {}).items()],
        kept=list(found.get("kept", {})),
        left_out=list(found.get("left_out", ())),
        remarks=remarks,
    )


def _deals(known: Mapping[str, Any]) -> list[KnownDeals]:
    order = list(_CLASSES)
    return [
        KnownDeals(
            _CLASSES.get(name, name),
            found["count"],
            found.get("without_amount", 0),
            [(currency, Decimal(amount)) for currency, amount in found.get("amounts", {}).items()],
        )
        for name, found in sorted(
            known.items(), key=lambda pair: order.index(pair[0]) if pair[0] in order else 9
        )
    ]


@dataclass(frozen=True)
class ImportLine:
    """One import in a list."""

    row: Import
    state: str
    tone: str
    rows: int
    finished_at: datetime | None
    data_on: date | None


def line_of(row: Import) -> ImportLine:
    """An import as a list shows it; what its job says goes before what it stored itself."""
    state, tone = row.get_state_display(), TONES.get(ImportState(row.state), "neutral")
    if row.state == ImportState.INSPECTED and row.job is not None:
        state, tone = (
            row.job.get_state_display(),
            "neutral" if row.job.state == JobState.CANCELLED else "info",
        )
    data_on = row.report.get("data_date")
    return ImportLine(
        row,
        state,
        tone,
        sum(found.get("read", 0) for found in row.report.get("tables", {}).values()),
        row.finished_at,
        date.fromisoformat(data_on) if data_on else None,
    )
