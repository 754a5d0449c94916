"""Amounts as people paste them: exact, and refused where two readings are possible."""

from __future__ import annotations

import re
from decimal import Decimal

_SYMBOLS = {"€": "EUR", "£": "GBP", "$": ""}
_SPACES = " \u00a0\u202f'’"
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?")
_POINT = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_COMMA = re.compile(
    r"[0-9]{1,3}(\.[0-9]{3})+,[0-9]+|[0-9]{1,3}(\.[0-9]{3}){2,}|[0-9]+,([0-9]{1,2}|[0-9]{4,})"
)


def read_amount(text: str) -> tuple[Decimal, str]:
    """The amount a cell holds, and the currency its sign names ("" for none and for ``$``).

    ``250000``, ``250,000.00``, ``250 000``, ``250.000,00`` and ``€250,000`` are read. ``250.000``
    is refused: it is a quarter of a million here and two hundred and fifty there.

    Raises:
        ValueError: it is no amount, or may be two; the message says what to write.
    """
    bare = text.strip()
    currency = ""
    for symbol, code in _SYMBOLS.items():
        if symbol in bare:
            bare, currency = bare.replace(symbol, "", 1).strip(), code
            break
    for space in _SPACES:
        bare = re.sub(rf"(?<=[0-9]){space}(?=[0-9]{{3}}(?![0-9]))", "", bare)
    if re.fullmatch(r"[0-9]{1,3}\.[0-9]{3}", bare) and not bare.startswith("0."):
        raise ValueError(f"{text.strip()!r} may be two amounts: write {bare.replace('.', '')} or {bare}0.")
    if _PLAIN.fullmatch(bare):
        return Decimal(bare), currency
    if _POINT.fullmatch(bare):
        return Decimal(bare.replace(",", "")), currency
    if _COMMA.fullmatch(bare):
        return Decimal(bare.replace(".", "").replace(",", ".")), currency
    raise ValueError(f"{text.strip()!r} is no amount; write 250000 or 250,000.00.")
