"""Record ids: Salesforce's 15 and 18 characters, and what a spreadsheet does to ids."""

from __future__ import annotations

from collections.abc import Sequence

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

SPOILT_ID = r"^\d+(?:[.,]\d+)?[eE]\+\d+$"
"""A number a spreadsheet made of a long id (1.23E+11). RE2 and re."""

SPOILT_SUFFIX = r"^\d+[.,]0+$"
"""A whole number that a spreadsheet or data frame gave a decimal tail (12345.0)."""

SALESFORCE_PREFIXES = {
    "001": "accounts",
    "003": "contacts",
    "005": "users",
    "006": "opportunities",
    "00Q": "leads",
    "00k": "opportunity_lines",
    "00K": "opportunity_contacts",
    "00T": "activities",
    "00U": "activities",
    "01t": "products",
    "01u": "price book entries",
    "00v": "touches",
    "701": "campaigns",
    "801": "orders",
    "800": "contracts",
    "008": "opportunity history",
    "00E": "roles",
    "00t": "opportunity_team",
}
"""Object of each key prefix."""


def to_18(identifier: str) -> str:
    """The 18-character form of a 15-character Salesforce id; other texts unchanged.

    The three characters added encode which of the 15 are capitals, so that ids survive programs
    that ignore case.
    """
    if len(identifier) != 15 or not identifier.isalnum() or not identifier.isascii():
        return identifier
    return identifier + suffix_of(identifier)


def suffix_of(identifier: str) -> str:
    """The checksum suffix of the first 15 characters."""
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << i for i, c in enumerate(identifier[start : start + 5]) if "A" <= c <= "Z")
        suffix += _ALPHABET[bits]
    return suffix


def checks(identifier: str) -> bool:
    """Whether an 18-character id's suffix fits its first 15 characters."""
    return len(identifier) == 18 and identifier[:15].isalnum() and suffix_of(identifier) == identifier[15:]


def repair_case(identifier: str) -> str:
    """Restore the case of an 18-character id whose letters were all made upper or lower case."""
    if len(identifier) != 18:
        return identifier
    suffix = identifier[15:].upper()
    if any(c not in _ALPHABET for c in suffix):
        return identifier
    body = ""
    for i, c in enumerate(identifier[:15]):
        capital = _ALPHABET.index(suffix[i // 5]) >> (i % 5) & 1
        body += c.upper() if capital else c.lower()
    return body + suffix


def salesforce_prefix(values: Sequence[str]) -> str:
    """The key prefix a column of Salesforce ids shares, "" where it is no such column.

    Believed where every 18-character id has a right checksum, or 15-character ids carry a
    known prefix.
    """
    ids = [v for v in values if len(v) in (15, 18) and v.isalnum() and v.isascii()]
    if not ids or len(ids) < 0.9 * len(values):
        return ""
    prefixes = {v[:3] for v in ids}
    if len(prefixes) != 1:
        return ""
    prefix = prefixes.pop()
    if not any(c.isdigit() for c in ids[0]):
        return ""
    long = [v for v in ids if len(v) == 18]
    if long and sum(checks(v) for v in long) >= 0.8 * len(long):
        return prefix
    return prefix if prefix in SALESFORCE_PREFIXES and not long else ""
