"""The functions a rule may call. What is not in this list is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from salesops.rules.fields import Kind


@dataclass(frozen=True)
class Function:
    """One function.

    Attributes:
        name: as it is written.
        takes: kinds of its arguments; empty for ``coalesce`` and ``abs``, which take what they are given.
        gives: kind of its value; ``boolean`` makes it a condition.
        says: one sentence for the reference.
    """

    name: str
    takes: tuple[Kind, ...]
    gives: Kind
    says: str


_ALL = (
    Function("lower", ("text",), "text", "The text in small letters."),
    Function("upper", ("text",), "text", "The text in capitals."),
    Function("trim", ("text",), "text", "The text without blanks at both ends."),
    Function("length", ("text",), "number", "How many characters the text has."),
    Function("contains", ("text", "text"), "boolean", "Whether the second text is in the first, in any case."),
    Function("starts_with", ("text", "text"), "boolean", "Whether the first begins with the second, in any case."),
    Function("ends_with", ("text", "text"), "boolean", "Whether the first ends with the second, in any case."),
    Function("days_between", ("date", "date"), "days", "Days from the first to the second date."),
    Function("abs", (), "number", "The number without its sign."),
    Function("coalesce", (), "text", "The first of several values of one kind that is filled."),
)  # fmt: skip

FUNCTIONS: Mapping[str, Function] = {function.name: function for function in _ALL}
TEXT_TESTS = frozenset({"contains", "starts_with", "ends_with"})
MOST_ARGUMENTS = 10
"""Arguments of ``coalesce``."""
