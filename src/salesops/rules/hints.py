"""What a rule leaves out without saying so: rows whose answer is unknown."""

from __future__ import annotations

from typing import Any

from salesops.rules import nodes as n
from salesops.rules.fields import Fields
from salesops.rules.words import field_text


def hints(node: Any, fields: Fields) -> tuple[str, ...]:
    """One sentence per field that a negative condition looks at and that may be empty.

    ``region <> 'North'`` reads as "every other region", yet a row without a region is no such row: the answer is
    unknown, and the row is left out. A field that the rule asks about (``is null``, ``is not null``, ``coalesce``) is
    not mentioned, nor is anything under ``is true`` and ``is not true``, whose answer is never unknown.
    """
    asked = set(_asked_about(node))
    found: dict[str, None] = {}
    _negative(node, False, found)
    return tuple(
        f"Rows where {fields.get(name).words if name in fields else name} is empty are left out: whether they meet "
        f"the rule is unknown. To keep them, add: or {field_text(name)} is null"
        for name in found
        if name not in asked
    )


def _asked_about(node: Any) -> list[str]:
    found: list[str] = []
    for one in n.walk(node):
        if isinstance(one, n.Empty) or (isinstance(one, n.Call) and one.name == "coalesce"):
            found += n.fields_in(one)
    return found


def _negative(node: Any, under_not: bool, found: dict[str, None]) -> None:
    match node:
        case n.Both(items) | n.Either(items):
            for item in items:
                _negative(item, under_not, found)
        case n.Not(item):
            _negative(item, not under_not, found)
        case n.Same() | n.Empty() | n.Is():
            return
        case n.Compare(op) if (op == "<>") != under_not or under_not:
            found.update(dict.fromkeys(n.fields_in(node)))
        case _ if under_not:
            found.update(dict.fromkeys(n.fields_in(node)))
