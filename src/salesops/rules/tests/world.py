"""A small table and its fields, and what a rule finds in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

import ibis
import pyarrow as pa

from salesops.core.calendars import FiscalCalendar
from salesops.rules import Fields, Rule, Values, fields_of, period_reader, rule

TODAY = date(2026, 2, 10)
SCHEMA = ibis.schema(
    {
        "stage": "string",
        "region": "string",
        "amount": "decimal(19, 4)",
        "score": "decimal(19, 6)",
        "seats": "int64",
        "created_on": "date",
        "closed_on": "date",
        "pitched": "boolean",
        "seen_at": "timestamp('UTC', 6)",
        "pay": "decimal(19, 4)",
        "order": "string",
    }
)
VALUES = Values(TODAY, period_reader(FiscalCalendar(), TODAY))

Row = dict[str, Any]


@cache
def fields() -> Fields:
    """The fields, with one title, one synonym, one that two may be called, and one that is hidden."""
    return fields_of(
        SCHEMA,
        money=["amount", "pay"],
        titles={"closed_on": "Close date", "created_on": "Created"},
        synonyms={"territory": "region", "deal size": "amount"},
        hidden=["pay"],
    )


@cache
def connection() -> Any:
    """One session for all."""
    return ibis.duckdb.connect()


def table(rows: Sequence[Row]) -> Any:
    """Rows as a table; what a row lacks is unknown."""
    arrow = SCHEMA.to_pyarrow()
    return ibis.memtable(
        pa.Table.from_pylist([{name: row.get(name) for name in arrow.names} for row in rows], arrow)
    )


def read(text: str) -> Rule:
    """A rule over these fields."""
    return rule(text, fields())


def answers(rules: Sequence[Rule], rows: Sequence[Row]) -> list[list[bool | None]]:
    """What each rule says of each row, as the database computes it."""
    numbered = table(rows).mutate(place=ibis.row_number())
    asked = numbered.select("place", **{f"r{i}": one.over(numbered, VALUES) for i, one in enumerate(rules)})
    found = connection().to_pyarrow(asked.order_by("place"))
    return [found[f"r{i}"].to_pylist() for i in range(len(rules))]
