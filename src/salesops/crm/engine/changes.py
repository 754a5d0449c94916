"""Rows of the change log from a table that holds changes, and from stage-date columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from salesops.crm.engine.aliases import ALIASES, normal
from salesops.crm.engine.formats import ColumnFormat, ColumnProfile, format_for
from salesops.crm.engine.ids import to_18
from salesops.crm.engine.proposals import ColumnProposal, HistoryProposal, StageDate
from salesops.crm.engine.typing import type_batch
from salesops.facts.tables import TABLES

CHANGE_SCHEMA = pa.schema(
    [
        ("object", pa.string()),
        ("object_id", pa.string()),
        ("field", pa.string()),
        ("old", pa.string()),
        ("new", pa.string()),
        ("valid_at", pa.timestamp("us", "UTC")),
        ("changed_by", pa.string()),
        ("source_row", pa.int64()),
    ]
)
"""Columns of what this module gives; the store adds recorded_at, source and import_id."""


@dataclass(frozen=True)
class Changes:
    """Change rows, and the source rows left out: (source_row, column, reason)."""

    rows: pa.Table
    faults: tuple[tuple[int, str, str], ...]


def canonical_text(value: Any) -> str | None:
    """A typed value as the change log writes it: ISO dates and instants, plain decimals, true and false."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def field_target(obj: str, name: str) -> str | None:
    """The canonical column a history's field name means, None where it is a field of its own."""
    label = normal(name)
    if label in ("created", "opportunity created", "feed event", "locked", "unlocked"):
        return None
    for target, (_, labels) in ALIASES.get(obj, {}).items():
        if target in TABLES[obj].by_name and label in labels and target != "id":
            return target
    return None


def changes_of(
    data: pa.Table,
    form: HistoryProposal,
    obj: str,
    profiles: Mapping[str, ColumnProfile],
    *,
    zone: str = "UTC",
) -> Changes:
    """Change rows of a history table of texts (with ``source_row``).

    Snapshots are compared row by row in time order per record: only a field that differs from
    the record's previous row becomes a change; the first row gives changes from nothing.

    Args:
        data: the table's rows.
        form: how it is read.
        obj: table the records belong to.
        profiles: profile of every header.
        zone: zone of instants written without one.
    """
    rows = data.column("source_row").to_pylist()
    ids = [_id(v) for v in data.column(form.record_id).to_pylist()]
    at = type_batch(
        data.column(form.at), format_for(profiles[form.at], "instant", zone=zone), "instant"
    ).values.to_pylist()
    by = data.column(form.changed_by).to_pylist() if form.changed_by else [None] * len(rows)
    faults = [(r, form.record_id, "the row names no record") for r, i in zip(rows, ids, strict=True) if not i]
    faults += [
        (r, form.at, "the row's date cannot be read")
        for r, a, i in zip(rows, at, ids, strict=True)
        if i and a is None
    ]
    good = [n for n in range(len(rows)) if ids[n] and at[n] is not None]
    if form.form == "field_changes":
        out = _field_changes(data, form, obj, good)
    else:
        out = _snapshots(data, form, obj, profiles, zone, good, ids, at)
    found = {name: [] for name in CHANGE_SCHEMA.names}  # type: ignore[var-annotated]
    for n, field, old, new in out:
        for name, value in zip(
            CHANGE_SCHEMA.names, (obj, ids[n], field, old, new, at[n], by[n] or None, rows[n]), strict=True
        ):
            found[name].append(value)
    return Changes(pa.table(found, schema=CHANGE_SCHEMA), tuple(sorted(faults)))


def _id(text: str | None) -> str:
    text = (text or "").strip()
    return to_18(text) if len(text) == 15 and text[:1].isalnum() and any(c.isdigit() for c in text) else text


def _field_changes(
    data: pa.Table, form: HistoryProposal, obj: str, good: Sequence[int]
) -> list[tuple[int, str, str | None, str | None]]:
    names = data.column(form.field_header).to_pylist()
    new = data.column(form.new_header).to_pylist()
    old = data.column(form.old_header).to_pylist() if form.old_header else [None] * len(names)
    targets = {name: field_target(obj, name or "") for name in set(names)}
    out: list[tuple[int, str, str | None, str | None]] = []
    by_field: dict[str, list[int]] = defaultdict(list)
    for n in good:
        if normal(names[n] or "") not in ("created", "locked", "unlocked", ""):
            by_field[names[n]].append(n)
    for name, wanted in by_field.items():
        target = targets[name]
        field = target or f"x_{normal(name).replace(' ', '_')}"
        type_ = TABLES[obj].by_name[target].type if target else "text"
        before, after = (
            _canonical([old[n] for n in wanted], type_),
            _canonical([new[n] for n in wanted], type_),
        )
        out.extend((n, field, b, a) for n, b, a in zip(wanted, before, after, strict=True) if b != a)
    return sorted(out)


def _canonical(texts: Sequence[str | None], type_: str, fmt: ColumnFormat | None = None) -> list[str | None]:
    from salesops.crm.engine.formats import profile_column

    fmt = fmt or format_for(profile_column("", [t or "" for t in texts]), type_)
    typed = type_batch(pa.array([t or "" for t in texts], pa.string()), fmt, type_)
    values = typed.values.to_pylist()
    # a value that cannot be typed stays as it was written: history is never thrown away
    return [
        t if f else canonical_text(v) for t, v, f in zip(texts, values, typed.faults.to_pylist(), strict=True)
    ]


def _snapshots(
    data: pa.Table,
    form: HistoryProposal,
    obj: str,
    profiles: Mapping[str, ColumnProfile],
    zone: str,
    good: Sequence[int],
    ids: Sequence[str],
    at: Sequence[datetime],
) -> list[tuple[int, str, str | None, str | None]]:
    values: dict[str, list[str | None]] = {}
    for header, target in form.fields.items():
        type_ = TABLES[obj].by_name[target].type
        fmt = format_for(profiles[header], type_, identifier=False, zone=zone)
        values[target] = _canonical(data.column(header).to_pylist(), type_, fmt)
    said: dict[str, list[str | None]] = {}
    for header, target in form.old_fields.items():
        type_ = TABLES[obj].by_name[target].type
        said[target] = _canonical(
            data.column(header).to_pylist(), type_, format_for(profiles[header], type_, zone=zone)
        )
    out: list[tuple[int, str, str | None, str | None]] = []
    last: dict[str, dict[str, str | None]] = {}
    for n in sorted(good, key=lambda n: (ids[n], at[n], n)):
        state = last.setdefault(ids[n], {})
        for target, column in values.items():
            new = column[n]
            if target in state:
                old = state[target]
            else:
                old = said[target][n] if target in said else None
            if new != old:
                out.append((n, target, old, new))
            state[target] = new
    return sorted(out)


def stage_date_changes(
    data: pa.Table,
    columns: Sequence[ColumnProposal],
    stage_dates: Sequence[StageDate],
    keys: Sequence[str | None],
    profiles: Mapping[str, ColumnProfile],
    *,
    stage_names: Mapping[str, str] | None = None,
    zone: str = "UTC",
) -> Changes:
    """Stage changes from columns that say when a record entered a stage (HubSpot).

    Args:
        data: the deals' rows as texts, with ``source_row``.
        columns: the proposal's columns (unused headers are fine).
        stage_dates: which columns are stage dates.
        keys: the record key of each row.
        profiles: profile of every header.
        stage_names: stage id -> label, where the file's stage column holds labels.
        zone: zone of instants written without one.
    """
    names = stage_names or {}
    rows = data.column("source_row").to_pylist()
    entries: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
    faults: list[tuple[int, str, str]] = []
    for s in stage_dates:
        typed = type_batch(
            data.column(s.header), format_for(profiles[s.header], "instant", zone=zone), "instant"
        )
        for n, (value, fault) in enumerate(
            zip(typed.values.to_pylist(), typed.faults.to_pylist(), strict=True)
        ):
            if fault:
                faults.append((rows[n], s.header, "the date cannot be read"))
            elif value is not None and keys[n]:
                entries[n].append((value, names.get(s.stage, s.stage)))
    found: dict[str, list[Any]] = {name: [] for name in CHANGE_SCHEMA.names}
    for n, dated in sorted(entries.items()):
        old: str | None = None
        for when, stage in sorted(dated):
            for name, value in zip(
                CHANGE_SCHEMA.names,
                ("opportunities", keys[n], "stage", old, stage, when, None, rows[n]),
                strict=True,
            ):
                found[name].append(value)
            old = stage
    return Changes(pa.table(found, schema=CHANGE_SCHEMA), tuple(sorted(faults)))
