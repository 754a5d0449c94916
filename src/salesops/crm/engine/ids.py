"""Record ids: Salesforce's 15 and 18 characters, and what a spreadsheet does to ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesops.crm.engine.quickly import Bytes, Flags, plain_texts, sized

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
    "00q": "opportunity_team",
    "00t": "record_shares",
    "00r": "record_shares",
    "01o": "record_shares",
    "03s": "record_shares",
    "011": "group_members",
    "00G": "groups",
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


def ids_shaped(texts: pa.Array) -> tuple[int, set[str]]:
    """How many texts have the form of a Salesforce id, and the key prefixes of those."""
    shaped, prefixes = 0, set()
    plain = np.asarray(pc.ascii_is_alnum(texts))
    for length in (15, 18):
        fits, rows = sized(texts, length)
        if not len(rows):
            continue
        good = plain[fits]
        if length == 18:
            good = good & _SUFFIX[rows[:, 15]] & _SUFFIX[rows[:, 16]] & _SUFFIX[rows[:, 17]]
        shaped += int(good.sum())
        heads = rows[:, 0].astype(np.int32) << 16 | rows[:, 1].astype(np.int32) << 8 | rows[:, 2]
        heads = heads[good]
        if len(heads) and (heads == heads[0]).all():
            heads = heads[:1]
        prefixes |= {int(head).to_bytes(3, "big").decode() for head in np.unique(heads)}
    return shaped, prefixes


def completed(texts: pa.Array) -> pa.Array:
    """Ids in the 18-character form with their case restored; other texts, and null, as they are.

    What :func:`to_18` and :func:`repair_case` do to single ids, for whole columns.
    """
    short, rows = sized(texts, 15)
    if len(rows):
        good: Flags = np.asarray(_PLAIN[rows].all(axis=1))
        texts = _put(texts, short, good, np.hstack([rows[good], _suffixes(rows[good])]))
    # Nearly always no id was changed by a program, and there is nothing to restore.
    one_case = pc.or_(pc.ascii_is_upper(texts), pc.or_(pc.ascii_is_lower(texts), pc.ascii_is_decimal(texts)))
    if not pc.any(one_case).as_py():
        return texts
    long, rows = sized(texts, 18)
    if not len(rows):
        return texts
    # Letters of one case only: a program made them so. Where that is right already nothing changes.
    lower, upper = _IS_LOWER[rows], _IS_UPPER[rows]
    flat: Flags = np.asarray(~(lower.any(axis=1) & upper.any(axis=1)) & (rows < 128).all(axis=1))
    tails = np.where(_IS_LOWER[rows[:, 15:]], rows[:, 15:] - 32, rows[:, 15:])
    flat &= _SUFFIX[tails].all(axis=1)
    if not flat.any():
        return texts
    some, tails = rows[flat], tails[flat]
    bits = np.unpackbits(_PLACE[tails][:, :, None], axis=2, bitorder="little")[:, :, :5].reshape(-1, 15)
    body = some[:, :15]
    body = np.where(_IS_LOWER[body] & (bits == 1), body - 32, body)
    body = np.where(_IS_UPPER[body] & (bits == 0), body + 32, body)
    fixed = np.hstack([body, tails]).astype(np.uint8)
    differs = (fixed != some).any(axis=1)
    if not differs.any():
        return texts
    flat[flat] = differs
    return _put(texts, long, flat, fixed[differs])


def _put(texts: pa.Array, chosen: Flags, good: Flags, rows: Bytes) -> pa.Array:
    """Texts with those that are chosen, and among these good, replaced by others given as bytes."""
    if not good.any():
        return texts
    places = np.flatnonzero(chosen)[good]
    if len(places) == len(texts):
        return plain_texts(rows)
    mask = np.zeros(len(texts), bool)
    mask[places] = True
    return pc.replace_with_mask(texts, pa.array(mask), plain_texts(rows))


def _suffixes(rows: Bytes) -> Bytes:
    """The three characters that say which of fifteen are capitals."""
    capitals = _IS_UPPER[rows].reshape(-1, 3, 5)
    return _CODES[(capitals * np.array([1, 2, 4, 8, 16])).sum(axis=2)]


def _among(characters: str) -> Flags:
    table = np.zeros(256, bool)
    table[list(characters.encode())] = True
    return table


_LOWER, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
_IS_LOWER, _IS_UPPER = _among(_LOWER), _among(_LOWER.upper())
_PLAIN, _SUFFIX = _among(_LOWER + _LOWER.upper() + _DIGITS), _among(_ALPHABET)
_CODES = np.frombuffer(_ALPHABET.encode(), np.uint8)
_PLACE = np.zeros(256, np.uint8)
_PLACE[_CODES] = np.arange(32)
