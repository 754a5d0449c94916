"""Forms of figures and dates by which a column shows its marks, or shows nothing new. RE2."""

from __future__ import annotations

import re

_G = r"[\s\x{a0}\x{202f}'’]"
MARK_PATTERNS = {
    "comma_last": r"\d\.\d{3}(?:\.\d{3})*,\d+",
    "dot_last": r"\d,\d{2,3}(?:,\d{3})*\.\d+",
    "comma_decimal": (
        rf"^[^.,]*(?:\d,\d{{1,2}}|\d,\d{{4,}}|\d{{4,}},\d+|\b0,\d+|\d{_G}\d{{3}},\d+|^\D*,\d{{1,2}})"
        r"(?:[eE][-+]?\d+)?[^\d.,]*$"
    ),
    "dot_decimal": (
        rf"^[^.,]*(?:\d\.\d{{1,2}}|\d\.\d{{4,}}|\d{{4,}}\.\d+|\b0\.\d+|\d{_G}\d{{3}}\.\d+)"
        r"(?:[eE][-+]?\d+)?[^\d.,]*$"
    ),
    "comma_groups": r"\d,\d{2,3},\d{3}",
    "dot_groups": r"\d\.\d{3}\.\d{3}",
    "comma_three": r"^\D*[1-9]\d{0,2},\d{3}\D*$",
    "dot_three": r"^\D*[1-9]\d{0,2}\.\d{3}\D*$",
    "apostrophe": r"\d['’]\d{3}",
    "space": r"\d[\s\x{a0}\x{202f}]\d{3}",
    "percent": r"%",
    "long_decimals": r"[.,]\d{5,}\D*$",
    "accounting": r"\(.*\d.*\)",
    "minus_behind": r"\d\s*-$",
}
"""Mark or form -> pattern of the cells that prove it."""

# Cells in these forms show nothing that their column's earlier cells did not show as well.
PLAIN_WHOLE = r"^[1-9]\d{1,6}$"
PLAIN_FRACTION = r"^-?\d{2,15}\.\d{1,2}$"
_ISO_DAY = r"^(?:1\d|20|21)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
ISO_INSTANT = rf"{_ISO_DAY}T\d{{2}}:\d{{2}}:\d{{2}}(?:\.\d{{3}})?(?:Z|[+-]\d{{2}}:?\d{{2}})$"


def rough(text: str, decimal: str) -> float | None:
    """About the figure a cell holds, None for none: to tell shares from amounts, never to be stored."""
    digits = re.sub(r"[^\d.,\-eE+]", "", text)
    digits = digits.replace(".", "").replace(",", ".") if decimal == "," else digits.replace(",", "")
    try:
        return float(digits.rstrip("-"))
    except ValueError:
        return None
