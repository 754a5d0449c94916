"""Plans from opened files: every proposal of the engine, with the day the file shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import pyarrow as pa

from salesops.crm.engine.assemble import compose_key
from salesops.crm.engine.changelog import WAS
from salesops.crm.engine.formats import ColumnFormat, format_for
from salesops.crm.engine.keys import check_unique
from salesops.crm.engine.mapping import propose, propose_for_object
from salesops.crm.engine.proposals import HistoryProposal, Proposal
from salesops.crm.files import SOURCE_ROW, RawTable
from salesops.crm.plans import HISTORY, IGNORED, QUARANTINE_PREFIX, FilePlan, PlannedColumn
from salesops.facts.tables import TABLES

EXAMPLES = 4
KEY_ROWS = 200_000
"""Rows on which a proposed key is tried for uniqueness."""

OWN, SHARED = 0.85, 0.45
"""From which confidence on a date stands for its file alone, and from which it may stand for its neighbours."""


def plan_files(tables: Sequence[RawTable], *, source: str) -> list[FilePlan]:
    """One plan per table of the files given."""
    return [_plan(table, source) for table in tables]


def _plan(table: RawTable, source: str) -> FilePlan:
    if table.ok:
        _ = table.profiles  # first: this pass over the whole file counts rows and problems too
    base = FilePlan(
        name=table.name,
        kind=IGNORED,
        table="",
        source=source,
        rows=table.row_count,
        dialect=table.dialect.to_dict() if table.ok else table.structure.to_dict(),
        problems=tuple(asdict(p) for p in table.problems[:200]),
        dropped=tuple((d.row, d.reason) for d in table.dropped[:200]),
        notes=tuple(table.dialect.notes) if table.ok else (),
    )
    if not table.ok:
        reason = next((f"{p.reason}. {p.fix}" for p in table.problems), "it holds no table")
        return replace(base, ignored_reason=reason)
    layout = table.layout
    sample = table.sample(KEY_ROWS)
    found = propose(
        table.name,
        table.columns,
        table.profiles,
        data=sample.drop_columns([SOURCE_ROW]),
        as_of=layout.as_of if layout else None,
        as_of_text=layout.as_of_text if layout else "",
        modified_at=table.modified_at,
    )
    columns = tuple(_column(table, c) for c in found.columns)
    base = replace(
        base,
        columns=columns,
        system=found.system,
        confidence=found.object_confidence,
        questions=found.questions,
        date_candidates=tuple((c.day.isoformat(), c.why, c.confidence) for c in found.data_on),
    )
    if found.kind == "ignored" or found.object is None:
        return replace(base, ignored_reason=found.ignored_reason or "nothing here says what its rows are")
    if found.kind == "history":
        return _history(table, base, found)
    if not table.row_count:
        return replace(base, table=found.object, ignored_reason="it has a header and no rows")
    return _records(table, base, found, found.object, sample)


def _records(table: RawTable, base: FilePlan, found: Proposal, name: str, sample: pa.Table) -> FilePlan:
    key = found.key
    plan = replace(
        base,
        kind="records",
        table=name,
        key=key.columns if key is not None and key.composed else (),
        key_shown=key.shown_as if key is not None else "",
        joined={target: list(headers) for target, headers in found.joined.items()},
        stage_dates={d.header: d.stage for d in found.stage_dates},
        amounts=tuple((a.header, a.why) for a in found.amount_candidates),
    )
    checked = (key.rows, key.duplicates, key.blanks) if key is not None and key.unique is not None else None
    return with_key_shown(plan, table, sample, checked)


def replan(table: RawTable, plan: FilePlan, name: str) -> FilePlan:
    """A plan made anew for a fact table that the user has named."""
    sample = table.sample(KEY_ROWS)
    found = propose_for_object(
        table.name,
        table.columns,
        table.profiles,
        name,
        data=sample.drop_columns([SOURCE_ROW]),
    )
    base = replace(
        plan,
        columns=tuple(_column(table, c) for c in found.columns),
        confidence=1.0,
        questions=found.questions,
        history={},
        ignored_reason="",
        mapping_from="",
    )
    return _records(table, base, found, name, sample)


def with_key_shown(
    plan: FilePlan,
    table: RawTable,
    sample: pa.Table | None = None,
    checked: tuple[int, int, int] | None = None,
) -> FilePlan:
    """The plan with its key in words, the first row's key, and whether it tells the rows apart.

    Args:
        plan: the plan with its key.
        table: the opened file.
        sample: the table's first rows where they are at hand.
        checked: rows, rows with another's key and rows without one, where this key was tried already.
    """
    headers = list(plan.key) or [c.header for c in plan.columns if c.to == "id"]
    if not headers or plan.kind == HISTORY:
        return replace(plan, key_shown=" + ".join(headers), key_example="", key_check="")
    data = table.sample(KEY_ROWS) if sample is None else sample
    if not data.num_rows:
        return replace(plan, key_shown=" + ".join(headers))
    first = compose_key([data.column(h).slice(0, 1).combine_chunks() for h in headers])[0].as_py()
    rows, doubles, blanks = checked or check_unique(data, headers)
    said = f"tells all {rows:,} rows apart" if not doubles and not blanks else ""
    if doubles:
        said = f"{doubles:,} of {rows:,} rows have the key of another row: of those only the last is taken"
    if blanks:
        said += f"{'; ' if said else ''}{blanks:,} rows have no key and will wait in quarantine"
    return replace(plan, key_shown=" + ".join(headers), key_example=first or "", key_check=said)


def _column(table: RawTable, column: Any) -> PlannedColumn:
    profile = table.profiles[column.header]
    added = column.header.startswith(QUARANTINE_PREFIX)
    return PlannedColumn(
        header=column.header,
        to="" if added else column.stored_as,
        type=column.type,
        format=column.format.to_dict(),
        confidence=round(column.confidence, 3),
        why="says why the row waited; left out" if added else column.why,
        examples=tuple(value for value, _ in profile.examples[:EXAMPLES]),
        missing=profile.missing,
    )


def _history(table: RawTable, base: FilePlan, found: Proposal) -> FilePlan:
    """A history's columns under the names of the change log; everything else is left out."""
    how = found.history
    assert how is not None
    assert found.object is not None  # the engine gives both for kind history
    targets = _history_targets(how, found.object)
    columns = []
    for column in base.columns:
        to, kind = targets.get(column.header, ("", "text"))
        fmt = ColumnFormat()
        if to:
            fmt = format_for(table.profiles[column.header], kind, identifier=to == "object_id", zone="UTC")
        columns.append(replace(column, to=to, type=kind, format=fmt.to_dict()))
    return replace(base, kind=HISTORY, table=found.object, columns=tuple(columns), history=asdict(how))


def _history_targets(how: HistoryProposal, table: str) -> dict[str, tuple[str, str]]:
    by_name = TABLES[table].by_name
    targets: dict[str, tuple[str, str]] = {
        how.record_id: ("object_id", "text"),
        how.at: ("valid_at", "instant"),
    }
    if how.changed_by:
        targets[how.changed_by] = ("changed_by", "text")
    if how.form == "field_changes":
        targets |= {how.field_header: ("field", "text"), how.new_header: ("new", "text")}
        if how.old_header:
            targets[how.old_header] = ("old", "text")
        return targets
    for header, name in how.old_fields.items():
        targets[header] = (f"{WAS}{name}", by_name[name].type if name in by_name else "text")
    for header, name in how.fields.items():
        targets[header] = (name, by_name[name].type if name in by_name else "text")
    return targets


def with_data_dates(
    plans: Sequence[FilePlan], tables: Sequence[RawTable], data_on: date | None
) -> list[FilePlan]:
    """Plans with the day each file shows.

    A day given by the user stands for all. Else a file whose name or own words give a day has
    that day, and every other file of the import the latest day that any of them gives.
    """
    if data_on is not None:
        return [replace(p, data_on=data_on, data_on_why="given by you") for p in plans]
    own: dict[str, tuple[date, str]] = {}
    latest: tuple[date, str] | None = None
    for plan in plans:
        if not plan.date_candidates or not plan.taken:
            continue
        text, why, confidence = plan.date_candidates[0]
        day = date.fromisoformat(text)
        if confidence >= OWN:
            own[plan.name] = (day, why)
        if confidence >= SHARED and (latest is None or day > latest[0]):
            latest = (day, f"{why}, {plan.name}")
    if latest is None:
        stamps = [t.modified_at for t in tables if t.modified_at is not None]
        if stamps:
            latest = (max(stamps).date(), "time stamp of the newest file")
    dated = []
    for plan in plans:
        day_why = own.get(plan.name) or latest
        if day_why is None or not plan.taken:
            dated.append(plan)
        else:
            dated.append(replace(plan, data_on=day_why[0], data_on_why=day_why[1]))
    return dated
