"""Field masks: which columns may be hidden, and what hiding one hides with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from salesops.facts.tables import EXTRA_PREFIX, SYSTEM_COLUMNS, TABLES, ColumnType

AMOUNTS = "amounts"
CONTACT_DETAILS = "contact_details"

GROUPS: Mapping[str, str] = {
    AMOUNTS: "Amounts of deals, their lines, orders, invoices, payments and contracts",
    CONTACT_DETAILS: "E-mail addresses and phone numbers of contacts and leads",
}
"""Name of a group of columns -> what it is."""

_MONEY_TABLES = ("opportunities", "opportunity_lines", "orders", "invoices", "payments", "contracts")
_DETAILS = {"contacts": ("email", "phone"), "leads": ("email", "phone")}
_MONEY_WORDS = frozenset(
    [
        "acv",
        "amount",
        "amt",
        "arr",
        "bookings",
        "betrag",
        "budget",
        "discount",
        "importe",
        "montant",
        "mrr",
        "price",
        "revenue",
        "tcv",
        "umsatz",
        "value",
        "worth",
    ]
)
_NUMBERS = ("money", "rate", "integer")

_LIFE_OF_A_DEAL = frozenset(
    {
        "pipeline", "stage", "status", "is_closed", "is_won", "type", "forecast_category", "currency",
        "created_on", "created_at", "first_interaction_on", "close_on", "expected_close_on",
    }
)  # fmt: skip
_ALWAYS_SEEN = frozenset(
    {"id", "name", *(c.name for c in SYSTEM_COLUMNS if not c.name.startswith("source_row"))}
)
_POSITIONS = frozenset({"manager_id", "manager_name", "team", "region", "role", "is_active"})


def refusal(table: str, column: str, extras: Iterable[str] = ()) -> str:
    """Why a column can't be hidden, "" where it can.

    What a record is found by, follows (owner, parent, references) or lives by (a deal's stage and
    dates) can't be hidden column by column: whoever must not see it must not see the row.
    """
    declared = TABLES.get(table)
    if declared is None or table in ("changes", "record_shares", "group_members"):
        return f"There is no table {table!r} whose columns can be hidden."
    if column.startswith(EXTRA_PREFIX):
        return "" if not extras or column in extras else f"{table} has no column {column!r}."
    found = declared.by_name.get(column)
    if found is None:
        return f"{table} has no column {column!r}."
    fixed = column in _ALWAYS_SEEN or column in (*declared.key, declared.label, declared.owner)
    if fixed or found.references or found.label_of or (declared.parent and column == declared.parent[1]):
        return f"{table}.{column} is what records are found by: hide the rows instead."
    if table == "opportunities" and column in _LIFE_OF_A_DEAL:
        return f"{table}.{column} says what a deal is: hide the rows instead."
    if table == "users" and column in _POSITIONS:
        return f"{table}.{column} places a person in the firm: it is a decision, not a field."
    return ""


def expanded(items: Iterable[str], columns: Mapping[str, Mapping[str, ColumnType]]) -> frozenset[str]:
    """``table.column`` names that masks hide: groups opened, own columns of the same content with them.

    Args:
        items: ``table.column`` names and groups.
        columns: table -> column -> type, as the store has them now, own columns included.
    """
    hidden: set[str] = set()
    for item in items:
        if item == AMOUNTS:
            hidden |= {f"{t}.{c}" for t in _MONEY_TABLES for c in _amounts(t, columns.get(t, {}))}
        elif item == CONTACT_DETAILS:
            hidden |= {f"{t}.{c}" for t, names in _DETAILS.items() for c in names}
            hidden |= {f"{t}.{c}" for t in _DETAILS for c in columns.get(t, {}) if _is_detail(c)}
        else:
            hidden.add(item)
    return frozenset(hidden)


def _amounts(table: str, own: Mapping[str, ColumnType]) -> list[str]:
    """Money columns, and own columns that hold numbers or speak of money: a weighted amount tells the amount."""
    found = [c.name for c in TABLES[table].columns if c.type == "money"]
    for name, kind in own.items():
        if name.startswith(EXTRA_PREFIX) and (
            kind in _NUMBERS or _MONEY_WORDS & set(name[len(EXTRA_PREFIX) :].split("_"))
        ):
            found.append(name)
    return found


def _is_detail(column: str) -> bool:
    words = set(column.removeprefix(EXTRA_PREFIX).split("_"))
    return column.startswith(EXTRA_PREFIX) and bool(
        words & {"email", "mail", "phone", "mobile", "fax", "tel"}
    )
