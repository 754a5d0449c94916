"""What identifies a record: the file's id, or a stable key composed from its columns."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from salesops.crm.engine.proposals import ColumnProposal, KeyProposal
from salesops.facts.tables import TABLES

JOINER = " | "

_PREFERRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "opportunities": (
        ("name", "account", "created"),
        ("name", "account"),
        ("name", "created"),
        ("name", "account", "created", "owner"),
        ("name", "account", "first_interaction_on", "owner"),
        ("name", "owner", "created"),
        ("name",),
        ("account", "created", "owner", "product"),
        ("account", "first_interaction_on", "owner", "product"),
        ("name", "account", "created", "owner", "product", "type"),
    ),
    "users": (("email",), ("name",)),
    "contacts": (("email",), ("name", "account"), ("name", "account", "title")),
    "leads": (("email",), ("name", "company", "created"), ("name", "company")),
    "accounts": (("name",), ("name", "country"), ("name", "city", "country"), ("website",)),
    "products": (("code",), ("name",)),
    "campaigns": (("name",), ("name", "starts_on")),
    "activities": (("starts_at", "subject", "owner"), ("starts_at", "subject", "owner", "account")),
    "opportunity_contacts": (("opportunity_id", "contact_id"), ("opportunity_id", "contact_id", "role")),
    "opportunity_team": (("opportunity_id", "user"), ("opportunity_id", "user", "role")),
    "record_shares": (
        ("opportunity_id", "principal_id"),
        ("opportunity_id", "principal_id", "reason"),
        ("account_id", "principal_id"),
        ("account_id", "principal_id", "reason"),
        ("contact_id", "principal_id", "reason"),
        ("lead_id", "principal_id", "reason"),
        ("object", "record_id", "principal_id"),
        ("object", "record_id", "principal_id", "reason"),
    ),
    "group_members": (("group_id", "member_id"), ("group_name", "member_id")),
    "opportunity_lines": (
        ("opportunity_id", "product"),
        ("opportunity_id", "product", "unit_price", "quantity"),
    ),
    "exchange_rates": (("from_currency", "to_currency", "valid_on"),),
    "payments": (
        ("invoice_id", "paid_on", "amount"),
        ("order_id", "paid_on", "amount"),
        ("account", "paid_on", "amount"),
    ),
    "spend": (("month_on", "function", "category", "segment"),),
}
"""Keys by preference; stage, amount and close date are left out because they change."""

_LAST_RESORT = ("close_on", "expected_close_on", "amount", "stage")
_EITHER = {
    "account": ("account_id", "account_name"),
    "owner": ("owner_id", "owner_name"),
    "user": ("user_id", "user_name"),
    "product": ("product_id", "product_name"),
    "created": ("created_at", "created_on"),
}


def propose_key(obj: str, columns: Sequence[ColumnProposal], data: pa.Table | None) -> KeyProposal | None:
    """The key of a table: its id column where that identifies rows, else the first composition that does.

    None where no column that could identify a record is mapped.
    """
    by_target = {c.target: c for c in columns if c.target}
    keys = TABLES[obj].key
    tried: list[KeyProposal] = []
    if all(k in by_target for k in keys):
        own = _checked([by_target[k] for k in keys], data, composed=False, why="the file's own id")
        if own.unique is not False or own.duplicates <= max(2, 0.2 * own.rows):
            return own
        tried.append(own)
    for wanted in _PREFERRED.get(obj, (("name",),)):
        parts = [_part(w, by_target) for w in wanted]
        found = [p for p in parts if p is not None]
        if len(found) < len(wanted):
            continue
        natural = len(found) == 1
        why = "the name identifies it" if natural else "columns that do not change"
        candidate = _checked(found, data, composed=True, why=why)
        if candidate.unique is not False and not (
            candidate.blanks and len(found) == 1 and candidate.blanks > 0.1 * candidate.rows
        ):
            return candidate
        tried.append(candidate)
    stable = [by_target[t] for t in by_target if t in _stable(obj)]
    if stable and obj == "opportunities":
        candidate = _checked(stable, data, composed=True, why="every column that does not change")
        if candidate.unique is not False:
            return candidate
        tried.append(candidate)
        loose = [by_target[t] for t in _LAST_RESORT if t in by_target]
        if loose:
            candidate = _checked(
                [*stable, *loose[:2]],
                data,
                composed=True,
                why="last resort: it holds columns that may change, so a changed record may look new",
            )
            if candidate.unique is not False:
                return candidate
    if tried:
        return min(tried, key=lambda k: (k.duplicates, len(k.columns)))
    return None


def _stable(obj: str) -> tuple[str, ...]:
    return (
        "name",
        "account_id",
        "account_name",
        "created_at",
        "created_on",
        "first_interaction_on",
        "owner_id",
        "owner_name",
        "product_id",
        "product_name",
        "type",
        "pipeline",
        "contact_name",
    )


def _part(wanted: str, by_target: dict[str, ColumnProposal]) -> ColumnProposal | None:
    for target in _EITHER.get(wanted, (wanted,)):
        if target in by_target:
            return by_target[target]
    return None


def _checked(
    columns: Sequence[ColumnProposal], data: pa.Table | None, *, composed: bool, why: str
) -> KeyProposal:
    headers = tuple(c.header for c in columns)
    targets = tuple(c.stored_as for c in columns)
    shown = " + ".join(headers)
    if data is None or not data.num_rows:
        return KeyProposal(headers, targets, composed, shown, why=why)
    rows, duplicates, blanks = check_unique(data, headers)
    return KeyProposal(headers, targets, composed, shown, duplicates == 0, rows, duplicates, blanks, why)


def check_unique(data: pa.Table, headers: Sequence[str]) -> tuple[int, int, int]:
    """(rows, rows beyond the first of each key, rows whose key columns are all blank)."""
    joined = compose(data, headers)
    blank = pc.is_null(joined)
    blanks = int(pc.sum(blank).as_py() or 0)
    distinct = pc.count_distinct(joined, mode="only_valid").as_py()
    return data.num_rows, data.num_rows - blanks - distinct, blanks


def compose(data: pa.Table, columns: Sequence[str]) -> pa.Array:
    """The composed key of each row: its values trimmed, spaces evened out, joined; null where all are blank.

    Readable on purpose: it is shown wherever the record has no other name.
    """
    parts = []
    for name in columns:
        column = data.column(name)
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
        text = column.cast(pa.string()).fill_null("")
        text = pc.utf8_trim_whitespace(text)
        if pc.any(pc.match_substring_regex(text, r"\s\s|[\t\n\f\r]")).as_py():
            text = pc.replace_substring_regex(text, r"\s+", " ")
        parts.append(text)
    joined = pc.binary_join_element_wise(*parts, JOINER)
    bare = pc.binary_join_element_wise(*parts, "")
    return pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), joined)
