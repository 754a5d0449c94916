"""Columns of a list of deals: what they are called, what they mean, which of them a reader may choose."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from salesops.facts.tables import EXTRA_PREFIX, SYSTEM_COLUMNS, TABLES

FLAGS = "flags"
"""Name of the column of why-flags: computed by the rules of data quality, not kept."""

LABELS: dict[str, str] = {
    "id": "Deal id",
    "name": "Deal",
    "account_name": "Account",
    "owner_name": "Owner",
    "manager_name": "Manager",
    "product_name": "Product",
    "contact_name": "Contact",
    "stage_class": "Status",
    "status": "Status in the CRM",
    "stage_order": "Stage number",
    "is_pitched": "Pitched",
    "is_closed": "Closed flag in the CRM",
    "is_won": "Won flag in the CRM",
    "deal_kind": "New or renewal",
    "source_amount": "Amount in the CRM",
    "amount_estimate": "Estimate, list price",
    "created_on": "Created",
    "created_at": "Created at",
    "closed_on": "Closed",
    "close_on": "Close date in the CRM",
    "expected_close_on": "Expected close",
    "first_interaction_on": "First interaction",
    "last_activity_on": "Last activity",
    "last_stage_change_on": "Last stage change",
    "last_modified_at": "Last edit in the CRM",
    "lead_source": "Lead source",
    "source": "Source system",
    "source_row": "Row in the file",
    "import_id": "Import",
    "first_seen_on": "First seen",
    "last_seen_on": "Last seen",
    "product_family": "Product family",
    FLAGS: "Flags",
}

MEANINGS: dict[str, str] = {
    "name": "Deal name; its id where the source gives no name.",
    "amount": "The amount that counts, in the firm's currency; which column counts is a decision.",
    "amount_estimate": "List price times units of an open deal without an amount. An estimate, never added to amounts.",
    "source_amount": "The amount as the source gives it, in the row's own currency.",
    "stage_class": "What the stage means: open, won, lost, left out, or not decided yet.",
    "stage_order": "Place of the stage in its pipeline.",
    "is_pitched": "Whether the deal reached a stage that counts as pitched.",
    "deal_kind": "New business, renewal or expansion.",
    "closed_on": "Day the deal was won or lost; empty while open.",
    "expected_close_on": "Day an open deal is expected to close; empty once closed.",
    "owner_name": "Person who owns the deal.",
    "manager_id": "Person the owner reports to.",
    "manager_name": "Person the owner reports to.",
    "team": "Team of the owner.",
    "region": "Region of the owner; of the deal where the owner has none.",
    "role": "Sales role of the owner.",
    "account_name": "Company that buys.",
    "product_name": "Product of the deal, after repairs.",
    "product_family": "Family or series of the product.",
    "industry": "Industry of the account.",
    "segment": "Size segment of the account.",
    "country": "Country of the account.",
    FLAGS: "What the rules of data quality find at fault in the deal.",
}

HIDDEN = frozenset(
    {"owner_active", "product_implied", "catalogue_price", "implied", "deleted_on", "is_closed", "is_won"}
)
"""Columns that serve the rules and the classes of stages, and say nothing of their own."""

_DECLARED = {c.name: c.meaning for c in (*SYSTEM_COLUMNS, *TABLES["opportunities"].columns)}
_ENDINGS = (("_id", " id"), ("_on", ""), ("_at", ""))


def label(column: str) -> str:
    """What a column is called on a page: never with the prefix of a company's own columns."""
    if column in LABELS:
        return LABELS[column]
    plain = column.removeprefix(EXTRA_PREFIX)
    if plain == column:
        for ending, said in _ENDINGS:
            if plain.endswith(ending):
                plain = plain.removesuffix(ending) + said
                break
    words = re.sub(r"_+", " ", plain).strip()
    return words[:1].upper() + words[1:] if words else column


def labels(columns: Iterable[str]) -> dict[str, str]:
    """Column -> label, each label once: a company's own column that shares a label says so."""
    columns = list(columns)
    found = {column: label(column) for column in columns}
    taken = {found[c].casefold() for c in columns if not is_own(c)}
    for column in columns:
        if is_own(column):
            if found[column].casefold() in taken:
                found[column] += " (own column)"
            taken.add(found[column].casefold())
    return found


def is_own(column: str) -> bool:
    """Whether the column is one of the company's own."""
    return column.startswith(EXTRA_PREFIX)


def meaning(column: str) -> str:
    """One sentence on what a column holds."""
    if is_own(column):
        return "The company's own column, as imported."
    return MEANINGS.get(column) or _DECLARED.get(column) or "As imported."


def kind_of(type_: Any) -> str:
    """A column's type as pages and files know it: text, date, instant, integer, money, rate or boolean."""
    if type_.is_decimal():
        return "money" if type_.scale == 4 else "rate"
    for name, test in (
        ("boolean", type_.is_boolean),
        ("integer", type_.is_integer),
        ("date", type_.is_date),
        ("instant", type_.is_timestamp),
    ):
        if test():
            return name
    return "text"
