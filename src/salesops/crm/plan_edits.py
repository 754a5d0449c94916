"""What a person may change in a file's plan before it is imported. Plain values in, a plan out."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from django.core.exceptions import ValidationError

from salesops.crm.engine.formats import NO_SHARES, ColumnFormat, format_for
from salesops.crm.engine.mapping import extra_name
from salesops.crm.files import RawTable
from salesops.crm.planner import replan, with_key_shown
from salesops.crm.plans import HISTORY, IGNORED, RECORDS, FilePlan, PlannedColumn
from salesops.facts.tables import EXTRA_PREFIX, TABLES

KEEP = "x_"
"""The choice "keep as your own column"; its name is made of the header."""

LEFT_OUT = "left out by you"
MARKS: dict[str, tuple[str, str]] = {
    ".,": (".", ","),
    ",.": (",", "."),
    ", ": (",", " "),
    ".'": (".", "'"),
}
"""Choices of decimal and thousands mark."""

ORDERS = ("DMY", "MDY", "YMD")
NUMBERS = frozenset({"integer", "money", "rate"})
DAYS = frozenset({"date", "instant"})
OWN_TYPES = ("text", "integer", "money", "rate", "date", "instant", "boolean")


@dataclass(frozen=True)
class FileEdit:
    """What was sent for one file; None where nothing was said about it.

    Attributes:
        table: fact table, "" to leave the file out.
        columns: header -> (goes to, type); an empty type keeps or derives it.
        key: headers that compose the key, empty for the file's own id.
        data_on: the day the file shows.
        complete: whether it holds every record of its scope.
        where: scope of that, as lines ``column = value, value``.
        date_order: one of :data:`ORDERS`, or "" as found.
        marks: one of :data:`MARKS`, or "" as found.
    """

    table: str | None = None
    columns: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    key: tuple[str, ...] | None = None
    data_on: date | None = None
    complete: bool | None = None
    where: str | None = None
    date_order: str = ""
    marks: str = ""


def retabled(plan: FilePlan, edit: FileEdit) -> bool:
    """Whether the edit names another table than the columns were proposed for."""
    if not edit.table:
        return False
    if plan.history:
        return edit.table != plan.table
    return edit.table != plan.table or not any(c.to in TABLES[edit.table].by_name for c in plan.columns)


def edited(plan: FilePlan, edit: FileEdit, raw: RawTable) -> FilePlan:
    """The plan with what a person changed.

    Args:
        plan: as proposed or edited before.
        edit: the changes.
        raw: the opened file; read again only where a column changes its type or the key changes.

    Raises:
        ValidationError: a column, type or scope that there is not; the message says which.
    """
    if edit.table is not None and edit.table not in ("", *TABLES):
        raise ValidationError(f"{plan.name}: there is no table {edit.table!r}.")
    if edit.data_on is not None and edit.data_on != plan.data_on:
        plan = replace(plan, data_on=edit.data_on, data_on_why="given by you")
    if edit.table == "":
        return replace(plan, kind=IGNORED, ignored_reason=LEFT_OUT) if plan.taken else plan
    if edit.table and retabled(plan, edit):
        return replan(raw, plan, edit.table)
    if edit.table and not plan.taken:
        plan = replace(plan, kind=HISTORY if plan.history else RECORDS, ignored_reason="")
    if not plan.taken:
        return plan
    before = plan
    plan = _with_columns(plan, edit.columns, raw)
    plan = _with_formats(plan, edit)
    plan = _with_key(plan, edit.key)
    if edit.complete is not None and plan.kind == RECORDS:
        plan = replace(plan, complete=edit.complete)
    if edit.where is not None:
        plan = replace(plan, complete_where=scope_of(plan, edit.where))
    own = [c.header for c in plan.columns if c.to == "id"]
    if plan.key != before.key or own != [c.header for c in before.columns if c.to == "id"]:
        plan = with_key_shown(plan, raw)
    return plan


def _with_columns(plan: FilePlan, wanted: Mapping[str, tuple[str, str]], raw: RawTable) -> FilePlan:
    taken = {c.to for c in plan.columns if c.to.startswith(EXTRA_PREFIX)}
    columns = []
    for column in plan.columns:
        to, type_ = wanted.get(column.header, (column.to, ""))
        if to == KEEP:
            to = column.to if column.to.startswith(EXTRA_PREFIX) else extra_name(column.header, taken)
        columns.append(_column(plan, column, to, type_, raw))
    return replace(plan, columns=tuple(columns))


def _column(plan: FilePlan, column: PlannedColumn, to: str, type_: str, raw: RawTable) -> PlannedColumn:
    known = TABLES[plan.table].by_name
    if plan.kind == HISTORY:
        return column  # what a history's columns are follows from its form
    if to and not to.startswith(EXTRA_PREFIX) and to not in known:
        raise ValidationError(f"{plan.name}: {plan.table} has no column {to!r}.")
    if to in known:
        type_ = known[to].type
    elif type_ not in OWN_TYPES:
        type_ = column.type
    if (to, type_) == (column.to, column.type):
        return column
    said = replace(column, to=to, type=type_, confidence=1.0, why="chosen by you")
    same_kind = to.endswith("id") == column.to.endswith("id") and (to in NO_SHARES) == (
        column.to in NO_SHARES
    )
    if not to or (type_ == column.type and same_kind):
        return said
    return refit(said, raw)


def refit(column: PlannedColumn, raw: RawTable) -> PlannedColumn:
    """The column with the format that its new type is read by; what was chosen of marks and order stays."""
    before = ColumnFormat.from_dict(column.format)
    found = format_for(
        raw.profiles[column.header],
        column.type,
        identifier=column.to.endswith("id"),
        zone=before.zone,
        percent_points=False if column.to in NO_SHARES else None,
    )
    return replace(column, format=found.to_dict())


def _with_formats(plan: FilePlan, edit: FileEdit) -> FilePlan:
    """One program wrote the whole file: marks and order are chosen for all its columns."""
    columns = []
    for column in plan.columns:
        fmt = ColumnFormat.from_dict(column.format)
        if edit.date_order in ORDERS and column.type in DAYS and orderable(fmt):
            fmt = replace(fmt, date_order=edit.date_order)
        if edit.marks in MARKS and column.type in NUMBERS:
            fmt = replace(fmt, decimal=MARKS[edit.marks][0], thousands=MARKS[edit.marks][1])
        columns.append(replace(column, format=fmt.to_dict()))
    return replace(plan, columns=tuple(columns))


def orderable(fmt: ColumnFormat) -> bool:
    """Whether a date column's day and month could be taken for each other."""
    return fmt.date_form == "text" and fmt.date_order in ("DMY", "MDY")


def _with_key(plan: FilePlan, key: Sequence[str] | None) -> FilePlan:
    if key is None or tuple(key) == plan.key or plan.kind != RECORDS:
        return plan
    headers = {c.header for c in plan.columns}
    unknown = [h for h in key if h not in headers]
    if unknown:
        raise ValidationError(f"{plan.name}: there is no column {unknown[0]!r} to identify rows by.")
    plan = replace(plan, key=tuple(key))
    if not key:
        return plan
    # A composed key takes the place of the file's own id, which stays as a column of its own.
    taken = {c.to for c in plan.columns if c.to.startswith(EXTRA_PREFIX)}
    columns = tuple(
        replace(c, to=extra_name(c.header, taken), why="the key is composed of other columns")
        if c.to == "id"
        else c
        for c in plan.columns
    )
    return replace(plan, columns=columns)


def scope_of(plan: FilePlan, text: str) -> dict[str, list[str]]:
    """``column = value, value`` lines as a scope by stored column.

    Raises:
        ValidationError: a line that can't be read, or a column that the file does not give.
    """
    scope: dict[str, list[str]] = {}
    stored = {c.header.strip().casefold(): c.to for c in plan.mapped()} | {c.to: c.to for c in plan.mapped()}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, equals, values = line.partition("=")
        found = [v.strip() for v in next(csv.reader([values], skipinitialspace=True), []) if v.strip()]
        if not equals or not found:
            raise ValidationError(
                f"{plan.name}: write the scope as: column = value, value. This is not: {line}"
            )
        column = stored.get(name.strip().casefold())
        if column is None:
            raise ValidationError(
                f"{plan.name}: the scope names {name.strip()!r}, which is no imported column."
            )
        scope[column] = found
    return scope


def scope_text(scope: Mapping[str, Sequence[str]]) -> str:
    """The reverse of :func:`scope_of`."""
    lines = []
    for column, values in scope.items():
        quoted = [f'"{v.replace(chr(34), chr(34) * 2)}"' if "," in v or '"' in v else v for v in values]
        lines.append(f"{column} = {', '.join(quoted)}")
    return "\n".join(lines)
