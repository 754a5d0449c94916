"""Rows that could not be taken: kept with their reason, fixed by hand, replayed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from salesops.crm.engine.assemble import SOURCE_ROW, Refused
from salesops.crm.engine.linking import GONE, IMPLIED, LIVE, Names
from salesops.crm.files import RawTable
from salesops.crm.files.tables import Dialect
from salesops.crm.landing import REFERENCES, Landed, incoming_of, land, link_all
from salesops.crm.models import Import, QuarantinedRow, QuarantineState
from salesops.crm.plans import FilePlan
from salesops.crm.sources import cells_of, foreign_owners, refuse_foreign
from salesops.facts.incoming import Outcome
from salesops.facts.merge import merge
from salesops.facts.scope import Scope
from salesops.platform import audit
from salesops.platform.access import require
from salesops.platform.actors import Actor
from salesops.platform.store import fact_store

CHUNK = 500


def keep(
    row: Import, landed: Sequence[Landed], outcomes: Sequence[Outcome], tables: Mapping[str, RawTable]
) -> int:
    """Keep every refused row of an import; one that an earlier import refused is not asked for again.

    Such a row still waits there, was mended and imported, or was said not to be wanted.

    Returns:
        How many rows of these files wait since this import.
    """
    kept = 0
    for item, outcome in zip(landed, outcomes, strict=False):
        refused = [*item.refused, *_duplicates(item, outcome, tables), *_unreadable(tables[item.plan.name])]
        known = {
            _mark(r.row, r.reason, r.column, r.cells)
            for r in QuarantinedRow.objects.filter(file=item.plan.name[:300], table=item.plan.table)
        }
        fresh = [r for r in refused if _mark(r.row, r.reason[:500], r.column[:200], r.cells) not in known]
        kept += len(fresh)
        for start in range(0, len(fresh), CHUNK):
            QuarantinedRow.objects.bulk_create(
                QuarantinedRow(
                    source_import=row,
                    table=item.plan.table,
                    file=item.plan.name[:300],
                    row=r.row,
                    column=r.column[:200],
                    reason=r.reason[:500],
                    fix=r.fix[:500],
                    cells=dict(r.cells),
                )
                for r in fresh[start : start + CHUNK]
            )
    return kept


def _mark(row: int, reason: str, column: str, cells: Mapping[str, str]) -> tuple[object, ...]:
    """What tells one refused row from others: all but the cell at fault, which may have been mended."""
    return row, reason, tuple(sorted((h, text) for h, text in cells.items() if h != column))


def _duplicates(item: Landed, outcome: Outcome, tables: Mapping[str, RawTable]) -> list[Refused]:
    """Rows whose key comes again further down: the last one was taken, these wait with their cells."""
    wanted = set(outcome.duplicates)
    if not wanted:
        return []
    key = ", ".join(item.plan.key) or next((c.header for c in item.plan.columns if c.to == "id"), "")
    return [
        Refused(
            number,
            key,
            "the same key comes again further down; the last row was taken",
            "Delete the row that is wrong, or give the rows different keys.",
            cells,
        )
        for number, cells in cells_of(tables[item.plan.name], wanted)
    ]


def _unreadable(table: RawTable) -> list[Refused]:
    return [
        Refused(p.row, p.column, p.reason, p.fix, {"": p.text} if p.text else {})
        for p in table.problems
        if p.severity == "error" and p.row
    ]


@transaction.atomic
def quarantine_dismiss(*, actor: Actor, rows: Sequence[QuarantinedRow]) -> int:
    """Say that rows are not wanted. They stay on record."""
    require(actor, "import.run")
    ids = [r.pk for r in rows]
    count = QuarantinedRow.objects.filter(pk__in=ids, state=QuarantineState.WAITING).update(
        state=QuarantineState.DISMISSED, decided_at=timezone.now()
    )
    audit.record(actor=actor, action="quarantine.dismiss", subject=f"rows:{len(ids)}", after={"rows": ids})
    return count


def quarantine_replay(*, actor: Actor, row: QuarantinedRow, cells: Mapping[str, str]) -> QuarantinedRow:
    """Import one row with its cells as corrected, by the plan of its own import.

    Raises:
        ValidationError: the row still can't be taken; the message says why.
    """
    require(actor, "import.run")
    row = QuarantinedRow.objects.select_related("source_import").get(pk=row.pk)
    if row.state != QuarantineState.WAITING:
        raise ValidationError("This row has been dealt with already.")
    plan = next(
        (p for p in (FilePlan.from_dict(f) for f in row.source_import.plan["files"]) if p.name == row.file),
        None,
    )
    if plan is None or plan.data_on is None:
        raise ValidationError("The import of this row knows no plan for its file.")
    headers = [c.header for c in plan.columns]
    _land_one(row, plan, {h: cells.get(h, row.cells.get(h, "")) for h in headers})
    with transaction.atomic():
        QuarantinedRow.objects.filter(pk=row.pk).update(
            state=QuarantineState.REPLAYED, cells={**row.cells, **cells}, decided_at=timezone.now()
        )
        audit.record(
            actor=actor,
            action="quarantine.replay",
            subject=f"{row.file} row {row.row}"[:300],
            before=row.cells,
            after=dict(cells),
        )
    row.refresh_from_db()
    return row


def _land_one(row: QuarantinedRow, plan: FilePlan, cells: Mapping[str, str]) -> None:
    headers = list(cells)
    batch = pa.RecordBatch.from_arrays(
        [*(pa.array([cells[h]], pa.string()) for h in headers), pa.array([row.row], pa.int64())],
        names=[*headers, SOURCE_ROW],
    )
    table = RawTable(plan.name, headers, lambda findings: iter([batch]), Dialect("delimited"))
    settings.FILES_PATH.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="replay-", dir=settings.FILES_PATH))
    known = known_names()
    try:
        landed = land(
            [plan],
            {plan.name: table},
            folder=folder,
            known=known,
            progress=_silent,
            owners=foreign_owners(),
        )
        refuse_foreign(landed, {plan.name: table})
        if landed[0].refused:
            refusal = landed[0].refused[0]
            raise ValidationError(f"{refusal.column}: {refusal.reason}. {refusal.fix}")
        implied = link_all(landed, known)
        landed[0].plan = _partial(plan)
        day: date = plan.data_on  # type: ignore[assignment]  # checked by the caller
        merge(
            fact_store(),
            incoming_of(landed, implied, data_on=day, import_id=str(row.source_import_id)),
            recorded_at=timezone.now(),
            note=f"row {row.row} of {row.file}",
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _partial(plan: FilePlan) -> FilePlan:
    """One row is never the whole of its scope: nothing may be taken as deleted by it."""
    from dataclasses import replace

    return replace(plan, complete=False)


def known_names() -> dict[str, Names]:
    """Names of the reference tables' records as stored."""
    known = {name: Names() for name in REFERENCES}
    with fact_store().at() as facts:
        for name, names in known.items():
            records = facts.read(name, Scope.all(), deleted=True)
            rows: Any = facts.execute(records.select("id", "name", "implied", "deleted_on"))
            ranks = [
                IMPLIED if implied else LIVE if deleted is None else GONE
                for implied, deleted in zip(
                    rows["implied"].to_pylist(), rows["deleted_on"].to_pylist(), strict=True
                )
            ]
            pairs = list(zip(rows["id"].to_pylist(), rows["name"].to_pylist(), strict=True))
            for rank in (LIVE, GONE, IMPLIED):
                names.add((pair for pair, own in zip(pairs, ranks, strict=True) if own == rank), rank)
    return known


def _silent(done: int, total: int, message: str) -> None:
    """A replay is one row: nobody watches."""
