"""What the Data pages show: what is known, the imports, and the rows that wait."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Min, QuerySet

from salesops.crm.confirming import may_reopen
from salesops.crm.decision_forms import table_choices
from salesops.crm.models import Import, ImportState, QuarantinedRow, QuarantineState
from salesops.crm.plans import FilePlan
from salesops.crm.services import plans_of
from salesops.facts.scope import Scope
from salesops.facts.tables import TABLES
from salesops.platform.manifests import DatabaseManifests
from salesops.platform.store import fact_store

_CELL = re.compile(r"^(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\") is ")
"""The cell that a refusal quotes before it says what is wrong with it."""


def table_title(name: str) -> str:
    """A fact table's name for people."""
    return dict(table_choices()).get(name, name.replace("_", " ").capitalize())


@dataclass(frozen=True)
class KnownTable:
    """One fact table that holds something."""

    name: str
    title: str
    grain: str
    records: int
    implied: int
    last_on: date | None


@dataclass(frozen=True)
class Known:
    """What has been imported so far.

    Attributes:
        data_on: the data's own date.
        recorded_at: when the newest version was written.
        version: its number.
        tables: tables with records, in the order they are declared.
        changes: rows of the change log.
    """

    data_on: date | None
    recorded_at: datetime
    version: str
    tables: list[KnownTable]
    changes: int


def known() -> Known | None:
    """What the store holds now; None before the first import."""
    manifest = DatabaseManifests().latest()
    if manifest is None:
        return None
    found: list[KnownTable] = []
    changes = 0
    with fact_store().at(manifest_id=manifest.id) as facts:
        present = facts.tables()
        for name, table in TABLES.items():
            if name not in present:
                continue
            if name == "changes":
                rows = facts.changes(Scope.all())
                changes = facts.execute(rows.agg(n=rows.count())).to_pylist()[0]["n"]
                continue
            rows = facts.read(name, Scope.all())
            counted: Any = rows.agg(n=rows.count(), implied=rows.implied.sum(), last=rows.last_seen_on.max())
            row = facts.execute(counted).to_pylist()[0]
            if row["n"]:
                found.append(
                    KnownTable(
                        name, table_title(name), table.grain, row["n"], int(row["implied"] or 0), row["last"]
                    )
                )
    return Known(manifest.data_on, manifest.recorded_at, str(manifest.id), found, changes)


def has_data() -> bool:
    """Whether anything has been imported."""
    return DatabaseManifests().latest() is not None


def imports() -> QuerySet[Import]:
    """Imports, newest first."""
    return Import.objects.select_related("job").order_by("-id")


def import_of(pk: int) -> Import | None:
    """One import with its job, or None."""
    return Import.objects.select_related("job").filter(pk=pk).first()


def unconfirmed() -> list[Import]:
    """Imports that wait for somebody to confirm them."""
    return list(imports().filter(state=ImportState.INSPECTED, job__isnull=True))


def reopenable(row: Import) -> bool:
    """Whether an import ended without being done and may be confirmed again."""
    return may_reopen(row)


def waiting(source_import: Import | None = None) -> int:
    """Rows that wait in quarantine."""
    rows = QuarantinedRow.objects.filter(state=QuarantineState.WAITING)
    return (rows.filter(source_import=source_import) if source_import else rows).count()


def waiting_by_table(source_import: Import) -> dict[str, int]:
    """Waiting rows of one import by table."""
    rows = QuarantinedRow.objects.filter(source_import=source_import, state=QuarantineState.WAITING)
    return dict(rows.values_list("table").annotate(n=Count("id")).values_list("table", "n"))


@dataclass(frozen=True)
class Reason:
    """Rows of one file that wait for the same reason."""

    file: str
    table: str
    column: str
    reason: str
    fix: str
    rows: int


def what_is_wrong(reason: str) -> str:
    """A reason without the one cell it quotes."""
    return _CELL.sub("", reason)


def quarantine_rows(
    *, state: str = QuarantineState.WAITING, file: str = "", column: str | None = None, fix: str | None = None
) -> QuerySet[QuarantinedRow]:
    """Rows of a state, of one file and reason where given."""
    rows = QuarantinedRow.objects.filter(state=state)
    if file:
        rows = rows.filter(file=file)
    if column is not None:
        rows = rows.filter(column=column)
    if fix is not None:
        rows = rows.filter(fix=fix)
    return rows.order_by("file", "row", "id")


def quarantine_reasons(state: str = QuarantineState.WAITING) -> list[Reason]:
    """Why rows are in a state, by file; the reason met most often first within a file."""
    groups = (
        QuarantinedRow.objects.filter(state=state)
        .values("file", "table", "column", "fix")
        .annotate(n=Count("id"), sample=Min("reason"))
        .order_by("file", "-n")
    )
    return [
        Reason(g["file"], g["table"], g["column"], what_is_wrong(g["sample"]), g["fix"], g["n"])
        for g in groups
    ]


def quarantined(pk: int) -> QuarantinedRow | None:
    """One row with its import, or None."""
    return QuarantinedRow.objects.select_related("source_import").filter(pk=pk).first()


def plan_of(row: QuarantinedRow) -> FilePlan | None:
    """The plan that a quarantined row was read by."""
    return next((p for p in plans_of(row.source_import) if p.name == row.file), None)


def cells_of(row: QuarantinedRow) -> dict[str, str]:
    """Every cell of a row in the order of its file, blank where the row could not be divided into cells."""
    plan = plan_of(row)
    headers = [c.header for c in plan.columns] if plan else [h for h in row.cells if h]
    return {h: row.cells.get(h, "") for h in headers}


def quarantine_table(file: str) -> tuple[list[str], Iterator[dict[str, str]]]:
    """Headers and rows (with ``_row``, ``_column``, ``_reason``, ``_fix``) of a file's waiting rows."""
    rows = quarantine_rows(file=file)
    newest = rows.order_by("-source_import_id").select_related("source_import").first()
    headers = list(cells_of(newest)) if newest else []

    def lines() -> Iterator[dict[str, str]]:
        for row in rows.iterator(chunk_size=500):
            told = {"_row": str(row.row), "_column": row.column, "_reason": row.reason, "_fix": row.fix}
            yield {**{h: row.cells.get(h, "") for h in headers}, **told}

    return headers, lines()


def systems() -> list[str]:
    """Systems recognised in what was imported, the latest import's first."""
    found: list[str] = []
    for row in imports().filter(state=ImportState.DONE)[:20]:
        found.extend(p.system for p in plans_of(row) if p.taken and p.system)
    return list(dict.fromkeys(found))
