"""A file's plan as the card that a person confirms: choices, words and what to look at first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from salesops.crm.decision_forms import table_choices
from salesops.crm.engine.formats import ColumnFormat
from salesops.crm.plan_edits import (
    DAYS,
    KEEP,
    LEFT_OUT,
    MARKS,
    NUMBERS,
    ORDERS,
    OWN_TYPES,
    orderable,
    scope_text,
)
from salesops.crm.plans import HISTORY, RECORDS, FilePlan, PlannedColumn
from salesops.facts.tables import EXTRA_PREFIX, TABLES, Column

UNSURE = 0.6
"""Below this confidence a column is shown first and asked about."""

DROPPED_SHOWN = 50
_SYSTEMS = {
    "salesforce": "Salesforce", "hubspot": "HubSpot", "pipedrive": "Pipedrive", "dynamics": "Dynamics 365",
    "zoho": "Zoho", "sage": "Sage",
}  # fmt: skip
_TYPES = {
    "text": "text", "integer": "whole number", "money": "number", "rate": "share or rate", "date": "day",
    "instant": "day and time", "boolean": "yes or no",
}  # fmt: skip
_ORDERS = {
    "DMY": "day first (31.12.2026)",
    "MDY": "month first (12/31/2026)",
    "YMD": "year first (2026-12-31)",
}
_MARKS = {".,": "1,234.56", ",.": "1.234,56", ", ": "1 234,56", ".'": "1'234.56"}
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", ":": "colon", " ": "space"}
_GROUPS = ("Names and ids", "People and links", "Amounts", "Dates", "Yes or no", "Further")


@dataclass(frozen=True)
class ColumnLine:
    """One header's line.

    Attributes:
        place: position in the file.
        column: as planned.
        options: what it may go to, as HTML options, the present one chosen.
        types: types of an own column, as (value, label, chosen); empty where the target fixes it.
        kind: the type in words.
        sureness: a word and its tone.
    """

    place: int
    column: PlannedColumn
    options: SafeString
    types: list[tuple[str, str, bool]]
    kind: str
    sureness: tuple[str, str]


@dataclass(frozen=True)
class Card:
    """One file to confirm."""

    number: int
    plan: FilePlan
    tables: list[tuple[str, str, bool]]
    read_as: str
    system: str
    columns: list[ColumnLine]
    counts: str
    unsure: int
    keys: list[tuple[int, str, bool]]
    orders: list[tuple[str, str, bool]]
    marks: list[tuple[str, str, bool]]
    scope: str
    dropped: list[tuple[int, str]]
    dropped_more: int
    amounts: list[tuple[str, str, bool]]
    days: list[tuple[date, str]]
    errors: list[str] = field(default_factory=list)

    @property
    def prefix(self) -> str:
        """Of the names of its fields."""
        return f"f{self.number}-"

    @property
    def records(self) -> bool:
        """Whether its rows are records of a table."""
        return self.plan.kind == RECORDS

    @property
    def history(self) -> bool:
        """Whether its rows are changes."""
        return self.plan.kind == HISTORY

    @property
    def questions(self) -> list[str]:
        """What to look at, but for the amounts, which have a question of their own."""
        return [
            q
            for q in self.plan.questions
            if not ((self.amounts or self.plan.mapping_from) and q.startswith("More than one column"))
        ]

    @property
    def readable(self) -> bool:
        """Whether there is a table in it at all."""
        return bool(self.plan.columns) and self.plan.rows > 0


def cards(plans: Sequence[FilePlan], faults: dict[int, list[str]]) -> list[Card]:
    """Cards of an import: files with errors or questions first, those left out last, else as they came."""
    made = [_card(number, plan, faults.get(number, [])) for number, plan in enumerate(plans)]
    return sorted(made, key=lambda c: (not c.errors, not c.plan.taken, not c.unsure, c.number))


def _card(number: int, plan: FilePlan, errors: list[str]) -> Card:
    lines = [_line(plan, place, column) for place, column in enumerate(plan.columns)]
    unsure = sum(line.sureness[1] == "warn" for line in lines) if plan.taken else 0
    lines.sort(key=lambda line: (_rank(plan, line), line.place))
    return Card(
        number=number,
        plan=plan,
        tables=_tables(plan),
        read_as=_read_as(plan),
        system=_SYSTEMS.get(plan.system, ""),
        columns=lines,
        counts=_counts(plan),
        unsure=unsure,
        keys=[(place, c.header, c.header in plan.key) for place, c in enumerate(plan.columns)],
        orders=_orders(plan),
        marks=_marks(plan),
        scope=scope_text(plan.complete_where),
        dropped=list(plan.dropped[:DROPPED_SHOWN]),
        dropped_more=max(0, len(plan.dropped) - DROPPED_SHOWN),
        amounts=_amounts(plan),
        days=[(date.fromisoformat(day), why) for day, why, _ in plan.date_candidates[:4]],
        errors=errors,
    )


def _tables(plan: FilePlan) -> list[tuple[str, str, bool]]:
    now = plan.table if plan.taken else ""
    choices = [("", "Leave this file out", not now)]
    if plan.history and plan.table:
        title = dict(table_choices()).get(plan.table, plan.table)
        choices.append((plan.table, f"History of changes: {title}", bool(now)))
        return choices + [(n, t, False) for n, t in table_choices() if n != plan.table]
    return choices + [(name, title, name == now) for name, title in table_choices()]


def _read_as(plan: FilePlan) -> str:
    how = plan.dialect
    parts = [{"workbook": "Excel", "parquet": "Parquet", "json": "JSON"}.get(how.get("kind", ""), "")]
    if how.get("delimiter"):
        parts.append(f"divided by {_DELIMITERS.get(how['delimiter'], how['delimiter'])}")
    parts.append(how.get("encoding", "").upper())
    if how.get("header_row"):
        parts.append(f"header in row {how['header_row']}")
    if how.get("decimal"):
        parts.append(f"decimal mark {how['decimal']}")
    if how.get("date_order"):
        parts.append(f"dates {_ORDERS.get(how['date_order'], 'with month names').split(' (')[0]}")
    if how.get("currencies"):
        parts.append(f"amounts in {', '.join(how['currencies'])}")
    return " · ".join(part for part in parts if part)


def _counts(plan: FilePlan) -> str:
    own = sum(c.to.startswith(EXTRA_PREFIX) for c in plan.columns)
    out = sum(not c.to for c in plan.columns)
    known = len(plan.columns) - own - out
    said = [f"{known} recognised"]
    if own:
        said.append(f"{own} kept as your own")
    if out:
        said.append(f"{out} left out")
    return ", ".join(said)


def _rank(plan: FilePlan, line: ColumnLine) -> int:
    if line.sureness[1] == "warn":
        return 0
    if not line.column.to:
        return 3
    return 2 if line.column.to.startswith(EXTRA_PREFIX) else 1


def _line(plan: FilePlan, place: int, column: PlannedColumn) -> ColumnLine:
    own = column.to.startswith(EXTRA_PREFIX)
    types = [(t, _TYPES[t], t == column.type) for t in OWN_TYPES] if own and plan.kind == RECORDS else []
    return ColumnLine(
        place, column, _options(plan, column), types, _TYPES.get(column.type, column.type), _sureness(column)
    )


def _sureness(column: PlannedColumn) -> tuple[str, str]:
    if column.why.startswith(("confirmed", "chosen")):
        return "Confirmed", "ok"
    if not column.to:
        return "Left out", "neutral"
    if column.to.startswith(EXTRA_PREFIX):
        return "Kept", "neutral"
    if column.confidence < UNSURE:
        return f"Check, {column.confidence * 100:.0f} %", "warn"
    return (
        ("Sure", "ok") if column.confidence >= 0.8 else (f"Likely, {column.confidence * 100:.0f} %", "info")
    )


def _options(plan: FilePlan, column: PlannedColumn) -> SafeString:
    """HTML options; made once per table and only marked per column, because wide files have hundreds of them."""
    if plan.kind != RECORDS:
        return mark_safe("")
    chosen = KEEP if column.to.startswith(EXTRA_PREFIX) else column.to
    return mark_safe(_all_options(plan.table).replace(f'value="{chosen}"', f'value="{chosen}" selected', 1))  # noqa: S308 - escaped below


@lru_cache(maxsize=32)
def _all_options(table: str) -> str:
    groups: dict[str, list[tuple[str, str, str]]] = {name: [] for name in _GROUPS}
    for column in TABLES[table].columns:
        groups[_group(column)].append((column.name, column.meaning, column_title(column.name)))
    parts = [
        format_html(
            '<option value="{}">Keep as your own column</option><option value="">Leave out</option>', KEEP
        )
    ]
    for name, columns in groups.items():
        if columns:
            inner = format_html_join("", '<option value="{}" title="{}">{}</option>', columns)
            parts.append(format_html('<optgroup label="{}">{}</optgroup>', name, inner))
    return "".join(parts)


def _group(column: Column) -> str:
    if column.name in ("id", "name", "code", "email", "first_name", "last_name", "number"):
        return "Names and ids"
    if column.references or column.label_of:
        return "People and links"
    kinds = {
        "money": "Amounts",
        "rate": "Amounts",
        "date": "Dates",
        "instant": "Dates",
        "boolean": "Yes or no",
    }
    return kinds.get(column.type, "Further")


def column_title(name: str) -> str:
    """A stored column's name for people."""
    words = name.removeprefix(EXTRA_PREFIX)
    for end, word in (("_on", " date"), ("_at", " time"), ("_id", " id")):
        if words.endswith(end):
            words = words.removesuffix(end) + word
    return words.replace("_", " ").strip().capitalize()


def _formats(plan: FilePlan, kinds: frozenset[str]) -> list[ColumnFormat]:
    return [ColumnFormat.from_dict(c.format) for c in plan.mapped() if c.type in kinds]


def _orders(plan: FilePlan) -> list[tuple[str, str, bool]]:
    """Date orders to choose from, where a day could be taken for a month."""
    found = {fmt.date_order for fmt in _formats(plan, DAYS) if orderable(fmt)}
    if not found or not plan.taken:
        return []
    return [(order, _ORDERS[order], found == {order}) for order in ORDERS]


def _marks(plan: FilePlan) -> list[tuple[str, str, bool]]:
    formats = _formats(plan, NUMBERS)
    if not formats or not plan.taken:
        return []
    found = {(fmt.decimal, fmt.thousands) for fmt in formats}
    return [(key, _MARKS[key], found == {pair}) for key, pair in MARKS.items()]


def _amounts(plan: FilePlan) -> list[tuple[str, str, bool]]:
    """Columns that could be the amount that counts, as (header, why, now the amount)."""
    if plan.table != "opportunities" or not plan.taken or plan.mapping_from or len(plan.amounts) < 2:
        return []
    stored = {c.header: c.to for c in plan.columns if c.type in NUMBERS}
    found = [(header, why, stored[header] == "amount") for header, why in plan.amounts if stored.get(header)]
    return found if len(found) > 1 else []


def amount_of(plans: Sequence[FilePlan], header: str) -> str:
    """The stored column of a header that was chosen as the amount; "" where the amount itself was chosen."""
    for plan in plans:
        for column in plan.mapped():
            if plan.table == "opportunities" and column.header == header:
                return "" if column.to == "amount" else column.to
    return ""


def summary(plans: Sequence[FilePlan]) -> dict[str, Any]:
    """What the button is about to do."""
    taken = [p for p in plans if p.taken]
    left = [p for p in plans if not p.taken]
    return {
        "files": len(taken),
        "rows": sum(p.rows for p in taken),
        "left_out": len(left),
        "by_you": sum(p.ignored_reason == LEFT_OUT for p in left),
        "unsure": sum(1 for p in taken for c in p.columns if _sureness(c)[1] == "warn"),
    }
