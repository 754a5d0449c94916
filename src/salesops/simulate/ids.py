"""18-character CRM ids: object prefix, instance, a base-62 number, and the three-character
checksum that makes the case-sensitive 15 characters safe to compare without case.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from salesops.simulate.calendar_days import Bools, Ints

PREFIX = {
    "User": "005",
    "Account": "001",
    "Contact": "003",
    "Lead": "00Q",
    "Opportunity": "006",
    "OpportunityHistory": "008",
    "OpportunityFieldHistory": "017",
    "OpportunityLineItem": "00k",
    "Product2": "01t",
    "Pricebook2": "01s",
    "PricebookEntry": "01u",
    "Task": "00T",
    "Event": "00U",
    "Order": "801",
    "Invoice": "3tt",
    "Payment": "0aQ",
    "Campaign": "701",
    "CampaignMember": "00v",
}
INSTANCE = b"5g00"
_DIGITS = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", np.uint8)
_CHECK = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", np.uint8)
_NUMBER_DIGITS = 8


def ids(kind: str, numbers: Ints, missing: Bools | None = None) -> pa.Array:
    """The ids of record numbers (0 to 62**8 - 1); null where ``missing``."""
    n = len(numbers)
    raw = np.empty((n, 18), np.uint8)
    raw[:, :3] = np.frombuffer(PREFIX[kind].encode("ascii"), np.uint8)
    raw[:, 3:7] = np.frombuffer(INSTANCE, np.uint8)
    rest = np.where(missing, 0, numbers) if missing is not None else numbers
    for place in range(6 + _NUMBER_DIGITS, 6, -1):
        rest, digit = np.divmod(rest, 62)
        raw[:, place] = _DIGITS[digit]
    upper = (raw[:, :15] >= ord("A")) & (raw[:, :15] <= ord("Z"))
    weights = np.array([1, 2, 4, 8, 16])
    for block in range(3):
        raw[:, 15 + block] = _CHECK[upper[:, block * 5 : block * 5 + 5] @ weights]
    offsets = np.arange(0, 18 * (n + 1), 18, dtype=np.int32)
    validity = None
    if missing is not None and missing.any():
        validity = pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(raw), validity)


def one_id(kind: str, number: int) -> str:
    """The id of one record number."""
    return str(ids(kind, np.array([number], np.int64))[0].as_py())


def checksum(fifteen: str) -> str:
    """The three check characters of a 15-character id."""
    out = ""
    for block in range(0, 15, 5):
        bits = sum(1 << i for i, c in enumerate(fifteen[block : block + 5]) if "A" <= c <= "Z")
        out += chr(_CHECK[bits])
    return out
