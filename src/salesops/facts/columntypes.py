"""Column types: how each is stored, and its canonical text in the change log.

Canonical text: dates ``2017-03-01``; instants ``2017-03-01T09:30:00Z`` in UTC, with six
decimals only where the fraction is not zero; money with four and rates with six decimals;
``true`` / ``false``; integers and text as they are. Text -> value -> text is the identity.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from salesops.facts.errors import InvalidIncoming
from salesops.facts.tables import ColumnType

ARROW: dict[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "date": pa.date32(),
    "instant": pa.timestamp("us", tz="UTC"),
    "integer": pa.int64(),
    "money": pa.decimal128(19, 4),
    "rate": pa.decimal128(19, 6),
    "boolean": pa.bool_(),
}
SQL: dict[ColumnType, str] = {
    "text": "VARCHAR",
    "date": "DATE",
    "instant": "TIMESTAMP WITH TIME ZONE",
    "integer": "BIGINT",
    "money": "DECIMAL(19,4)",
    "rate": "DECIMAL(19,6)",
    "boolean": "BOOLEAN",
}
IBIS: dict[ColumnType, str] = {
    "text": "string",
    "date": "date",
    "instant": "timestamp('UTC', 6)",
    "integer": "int64",
    "money": "decimal(19, 4)",
    "rate": "decimal(19, 6)",
    "boolean": "boolean",
}
DELTA: dict[str, ColumnType] = {
    "string": "text",
    "date": "date",
    "timestamp": "instant",
    "long": "integer",
    "integer": "integer",
    "decimal(19,4)": "money",
    "decimal(19,6)": "rate",
    "boolean": "boolean",
}

Value = str | date | datetime | int | Decimal | bool | None


def of_arrow(name: str, kind: pa.DataType) -> ColumnType:
    """The column type an Arrow column is taken as; raises :class:`InvalidIncoming`."""
    checks = pa.types
    if checks.is_dictionary(kind):
        kind = kind.value_type
    if checks.is_null(kind) or checks.is_string(kind) or checks.is_large_string(kind):
        return "text"
    if checks.is_string_view(kind):
        return "text"
    if checks.is_boolean(kind):
        return "boolean"
    if checks.is_date(kind):
        return "date"
    if checks.is_integer(kind):
        return "integer"
    if checks.is_timestamp(kind) and kind.tz is not None:
        return "instant"
    if checks.is_decimal(kind) and kind.scale <= 4:
        return "money"
    if checks.is_decimal(kind) and kind.scale <= 6:
        return "rate"
    raise InvalidIncoming(
        f"Column {name!r} has type {kind}. Give text, date, timestamp with a time zone, integer, boolean, "
        "or a decimal with at most six places; a float is no exact amount."
    )


def common(one: ColumnType, two: ColumnType) -> ColumnType:
    """The type that holds values of both without loss; text when no other does."""
    if one == two:
        return one
    pair = {one, two}
    if pair == {"integer", "money"}:
        return "money"
    if pair == {"integer", "rate"}:
        return "rate"
    return "text"


def to_text(value: Value, kind: ColumnType) -> str | None:
    """Canonical text of a value; None stays None. Raises ValueError where it does not fit the type."""
    if value is None:
        return None
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "instant":
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise ValueError(f"{value!r} is no instant with a time zone")
        utc = value.astimezone(UTC).replace(tzinfo=None)
        return utc.isoformat(timespec="microseconds" if utc.microsecond else "seconds") + "Z"
    if kind == "date":
        if isinstance(value, datetime) or not isinstance(value, date):
            raise ValueError(f"{value!r} is no day")
        return value.isoformat()
    if kind in ("money", "rate"):
        if isinstance(value, float):
            raise ValueError("a float is no exact amount")
        places = Decimal("0.0001") if kind == "money" else Decimal("0.000001")
        exact = Decimal(str(value))
        rounded = exact.quantize(places)
        if rounded != exact:
            raise ValueError(f"{value!r} has more decimals than a {kind} holds")
        return format(abs(rounded) if rounded == 0 else rounded, "f")
    return str(value)


def from_text(text: str | None, kind: ColumnType) -> Value:
    """The value a canonical text stands for. Raises ValueError on text of another type."""
    if text is None or kind == "text":
        return text
    if kind == "boolean":
        if text not in ("true", "false"):
            raise ValueError(f"{text!r} is neither true nor false")
        return text == "true"
    if kind == "date":
        return date.fromisoformat(text)
    if kind == "instant":
        return datetime.fromisoformat(text)
    if kind == "integer":
        return int(text)
    return Decimal(text)


def text_sql(expression: str, kind: ColumnType) -> str:
    """SQL for the canonical text of a typed SQL expression."""
    if kind == "text":
        return expression
    if kind == "instant":
        plain = f"strftime(timezone('UTC', {expression}), '%Y-%m-%dT%H:%M:%S.%f')"
        return f"replace({plain} || 'Z', '.000000Z', 'Z')"
    return f"CAST({expression} AS VARCHAR)"


def value_sql(expression: str, kind: ColumnType) -> str:
    """SQL for the value of a canonical text; null where the text does not fit."""
    return expression if kind == "text" else f"TRY_CAST({expression} AS {SQL[kind]})"


def value_expr(expression: ir.StringValue, kind: ColumnType) -> ir.Value:
    """Ibis form of :func:`value_sql`."""
    if kind == "text":
        return expression
    return expression.try_cast(IBIS[kind])


def ibis_schema(columns: dict[str, ColumnType]) -> ibis.Schema:
    """The Ibis schema of named columns."""
    return ibis.schema({name: IBIS[kind] for name, kind in columns.items()})
