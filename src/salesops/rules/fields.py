"""The fields a rule may name: what kind of value each holds, and what people call it."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import ibis.expr.datatypes as dt
import ibis.expr.schema as sch

from salesops.rules.errors import RuleError, UnknownFieldError, shortened

Kind = Literal["text", "number", "money", "days", "date", "instant", "boolean"]
"""What a value is. ``days`` is a number of days; only an expression has it, never a field."""

KIND_WORDS: Mapping[Kind, str] = {
    "text": "a text",
    "number": "a number",
    "money": "an amount",
    "days": "a number of days",
    "date": "a date",
    "instant": "a moment",
    "boolean": "yes or no",
}

NUMERIC: frozenset[Kind] = frozenset({"number", "money", "days"})


@dataclass(frozen=True)
class Field:
    """One field.

    Attributes:
        name: name of the column.
        kind: what it holds.
        title: what people call it; also accepted, in double quotes.
        synonyms: further names that are accepted.
    """

    name: str
    kind: Kind
    title: str = ""
    synonyms: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The field as a sentence names it."""
        return (self.title or self.name.removeprefix("x_").replace("_", " ")).lower()


class Fields:
    """The fields of one table, found by name, title or synonym, whatever the case."""

    def __init__(self, fields: Iterable[Field], hidden: Collection[str] = ()) -> None:
        """``hidden`` names fields that exist and that this reader must not use."""
        self._by_name = {field.name: field for field in fields}
        self.hidden = frozenset(hidden)
        self._names = {name.casefold(): name for name in self._by_name}
        called: dict[str, set[str]] = {}
        for field in self._by_name.values():
            for word in filter(None, (field.title, *field.synonyms)):
                called.setdefault(word.casefold(), set()).add(field.name)
        self._called = called

    def __iter__(self) -> Iterator[Field]:
        return iter(self._by_name.values())

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def get(self, name: str) -> Field:
        """The field of exactly this column name; raises KeyError."""
        return self._by_name[name]

    def find(self, written: str, position: int | None = None) -> Field:
        """The field that a person wrote.

        Raises:
            UnknownFieldError: there is none; the message names the nearest one.
            RuleError: several are called so, or it is hidden from the reader.
        """
        wanted = written.strip().casefold()
        name = self._names.get(wanted)
        if name is None:
            known = sorted(self._called.get(wanted, ()))
            if len(known) > 1:
                message = f"{shortened(written)!r} may be {' or '.join(known)}: write one of them."
                raise RuleError(message, position)
            if not known:
                raise UnknownFieldError(written, self._nearest(wanted), _foreign(written), position)
            name = known[0]
        if name in self.hidden:
            raise RuleError(f"{name} is masked for your role: a rule of yours can't look at it.", position)
        return self._by_name[name]

    def _nearest(self, wanted: str) -> str:
        plain = "".join(_LOOK_ALIKE.get(c, c) for c in unicodedata.normalize("NFKC", wanted))
        plain = plain.replace(" ", "_")
        shown = [n for n in self._names if self._names[n] not in self.hidden]
        near = difflib.get_close_matches(plain[:100], [*shown, *self._called], n=1, cutoff=0.6)
        if not near:
            return ""
        if near[0] in self._names:
            return self._names[near[0]]
        return next((n for n in sorted(self._called[near[0]]) if n not in self.hidden), "")


_LOOK_ALIKE = dict(zip("аеорсухіѕԁοαу", "aeopcyxisdoay", strict=True))
"""Cyrillic and Greek letters that look like Latin ones."""


def _foreign(text: str) -> str:
    """A sentence about a letter that only looks like one of the alphabet that the names are written in."""
    for letter in text:
        if ord(letter) > 127 and (letter in _LOOK_ALIKE or unicodedata.normalize("NFKC", letter) != letter):
            name = unicodedata.name(letter, "an unnamed character").lower()
            return f" It holds {letter!r}, {name}, which only looks like a plain letter."
    return ""


def kind_of(column: dt.DataType, *, money: bool) -> Kind | None:
    """The kind of a column's values; None where rules can't use such a column."""
    if column.is_boolean():
        return "boolean"
    if column.is_string():
        return "text"
    if column.is_date():
        return "date"
    if column.is_timestamp():
        return "instant"
    if column.is_decimal():
        return "money" if money else "number"
    return "number" if column.is_integer() else None


def fields_of(
    schema: sch.Schema,
    *,
    money: Collection[str] = (),
    titles: Mapping[str, str] | None = None,
    synonyms: Mapping[str, str] | None = None,
    hidden: Collection[str] = (),
) -> Fields:
    """The fields of a table.

    Args:
        schema: of the table. Floating-point columns are left out: nothing exact can be asked of them.
        money: columns that hold amounts of money.
        titles: column -> what people call it.
        synonyms: another name -> column.
        hidden: columns masked for the reader.
    """
    others: dict[str, list[str]] = {}
    for word, column in (synonyms or {}).items():
        others.setdefault(column, []).append(word)
    found = []
    for name, column in schema.items():
        kind = kind_of(column, money=name in money)
        if kind is not None:
            found.append(Field(name, kind, (titles or {}).get(name, ""), tuple(others.get(name, ()))))
    return Fields(found, hidden)
