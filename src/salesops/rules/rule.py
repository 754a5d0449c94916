"""A rule as everybody uses it: read once, then asked, explained and kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import ibis.expr.types as ir

from salesops.rules import nodes as n
from salesops.rules.compiling import Values, condition_of, value_of
from salesops.rules.errors import RuleError
from salesops.rules.fields import KIND_WORDS, NUMERIC, Fields, Kind
from salesops.rules.hints import hints
from salesops.rules.reading import place, read
from salesops.rules.walking import Walker, bare, is_text
from salesops.rules.words import sentence_of, text_of


@dataclass(frozen=True)
class Rule:
    """A condition on one row.

    Attributes:
        node: what it is made of.
        text: its canonical text; reading it again gives the same rule.
        sentence: what it says in plain English.
        fields: names of the fields it looks at.
        hints: what it leaves out without saying so.
    """

    node: n.Condition
    text: str = field(compare=False)
    sentence: str = field(compare=False)
    fields: tuple[str, ...] = field(compare=False)
    hints: tuple[str, ...] = field(compare=False)

    def over(self, table: ir.Table, values: Values) -> ir.BooleanValue:
        """The condition over a table: true, false or null (unknown). Errors as ``condition_of``."""
        return condition_of(self.node, table, values)


@dataclass(frozen=True)
class Amount:
    """A number, an amount or a number of days taken of one row.

    Attributes:
        node: what it is made of.
        kind: number, money or days.
        text, sentence, fields: as of a :class:`Rule`.
    """

    node: n.Value
    kind: Kind
    text: str = field(compare=False)
    sentence: str = field(compare=False)
    fields: tuple[str, ...] = field(compare=False)

    def over(self, table: ir.Table, values: Values) -> ir.Column:
        """The value over a table; null where it is unknown. Errors as ``value_of``."""
        return value_of(self.node, table, values)


def rule(text: str, fields: Fields) -> Rule:
    """Read a condition.

    Args:
        text: as a person wrote it.
        fields: what it may name.

    Raises:
        RuleError: it can't be read; the message says what and where.
        UnknownFieldError: it names a field that there is not.
    """
    try:
        node = Walker(fields).condition(read(text))
        return Rule(node, text_of(node), sentence_of(node, fields), n.fields_in(node), hints(node, fields))
    except RecursionError:
        raise RuleError("The rule is nested too deeply.") from None


def amount(text: str, fields: Fields) -> Amount:
    """Read a value that can be added up: a number, an amount of money, a number of days.

    Raises:
        RuleError: it can't be read, or is of another kind, or names no field.
    """
    try:
        tree = bare(read(text))
        if is_text(tree):
            raise RuleError(
                "A text in quotes is no value to add up: name a field without quotes.", place(tree)
            )
        node = Walker(fields).value(tree)
        if node.kind not in NUMERIC:
            raise RuleError(
                f"This is {KIND_WORDS[node.kind]}; a number, an amount or days_between(from, to) is needed."
            )
        named = n.fields_in(node)
        if not named:
            raise RuleError("This is the same for every row: name a field.")
        return Amount(node, node.kind, text_of(node), sentence_of(node, fields), named)
    except RecursionError:
        raise RuleError("The rule is nested too deeply.") from None
