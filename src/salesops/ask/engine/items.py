"""A question cut into the longest phrases that are known: numbers, columns, values, days and the words between."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from salesops.ask.engine import words
from salesops.ask.engine.dates import Days, When
from salesops.ask.engine.query import Vocabulary
from salesops.ask.engine.tokens import Token, stems_of, tokens, words_of

ItemKind = Literal[
    "when", "number", "split", "each_period", "value", "line", "flag", "status", "deals", "show", "closing", "closed",
    "created", "by", "of_owner", "of_manager", "against", "as_of", "known", "since", "before", "after", "from", "to",
    "between", "trend", "age", "in_stage", "most", "least",
    "best", "worst", "top", "bottom", "amount", "compared", "not", "and", "or", "who", "mine", "fill", "amount_given",
    "unknown",
]  # fmt: skip

Valued = tuple[str, str]
"""A column and one of its values."""

_MONEY = re.compile(
    r"[$€£]?(\d[\d,]*(?:\.\d+)?)\s?(k|m|mn|mm|b|bn|thousand|millions?|billions?)?", re.IGNORECASE
)
_TIMES = {
    "": 1, "k": 1_000, "thousand": 1_000, "m": 10**6, "mn": 10**6, "mm": 10**6, "million": 10**6, "millions": 10**6,
    "b": 10**9, "bn": 10**9, "billion": 10**9, "billions": 10**9,
}  # fmt: skip
_NOT_AHEAD = frozenset({"fill", "deals", "before", "after", "since", "to"})
_BEFORE_A_VALUE = "-−–!"
"""Signs right before a value that leave it out."""

_RANKS: tuple[ItemKind, ...] = ("when", "line", "flag", "number", "value", "split")
"""What comes first where phrases of one length fit; other words of ours come after these."""


@dataclass(frozen=True)
class Item:
    """Words of a question that are one thing.

    Attributes:
        kind: what they are.
        meaning: what they stand for, by kind.
        first, last: the tokens, ``last`` excluded.
        values: values of the data that the same words name, where they are something else first.
    """

    kind: ItemKind
    meaning: Any
    first: int
    last: int
    values: tuple[Valued, ...] = ()


class Lexicon:
    """Every phrase that a question may hold, found by its first word.

    Args:
        vocabulary: what may be named.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._ours: dict[str, list[tuple[tuple[str, ...], ItemKind, Any]]] = defaultdict(list)
        self._values: dict[str, dict[tuple[str, ...], list[Valued]]] = {}
        self._names: dict[str, list[Valued]] = defaultdict(list)
        self._add_ours()
        self._add_values(vocabulary.values)

    def _add_ours(self) -> None:
        numbers: dict[tuple[str, ...], list[str]] = {}
        for number in self.vocabulary.numbers:
            for phrase in number.phrases:
                found = numbers.setdefault(stems_of(phrase), [])
                if number.name not in found:
                    found.append(number.name)
        for said, names in numbers.items():
            self._put(said, "number", self._meant(said, names))
        columns: dict[tuple[str, ...], list[str]] = {}
        for column, phrases in self.vocabulary.dimensions.items():
            for phrase in phrases:
                found = columns.setdefault(stems_of(phrase), [])
                if column not in found:
                    found.append(column)
        for said, names in columns.items():
            self._put(said, "split", names[0])
        for kind, phrase, meaning in _fixed():
            self._put(stems_of(phrase), kind, meaning)
        for sign in _BEFORE_A_VALUE:
            self._put((sign,), "not", sign)

    def _meant(self, phrase: tuple[str, ...], names: list[str]) -> tuple[str, ...]:
        """The number whose own phrase it is, else every number that people mean by it."""
        own = [n for n in names if stems_of(self.vocabulary.named[n].phrases[0]) == phrase]
        return tuple(own or names)

    def _put(self, phrase: tuple[str, ...], kind: ItemKind, meaning: Any) -> None:
        if phrase:
            self._ours[phrase[0]].append((phrase, kind, meaning))

    def also(self, values: Mapping[str, tuple[str, ...]]) -> Lexicon:
        """The same with values of columns that had none; what is known already is not read again."""
        more = copy(self)
        more._widen(values)  # noqa: SLF001 - a lexicon, too
        return more

    def _widen(self, values: Mapping[str, tuple[str, ...]]) -> None:
        """Add to what is this lexicon's alone: the one that it is a copy of stays as it is."""
        self.vocabulary = replace(self.vocabulary, values={**self.vocabulary.values, **values})
        self._values = {
            first: {said: [*meant] for said, meant in found.items()} for first, found in self._values.items()
        }
        self._names = defaultdict(list, {word: [*meant] for word, meant in self._names.items()})
        self._add_values(values)

    def _add_values(self, columns: Mapping[str, tuple[str, ...]]) -> None:
        for column, values in columns.items():
            for value in values:
                if said := words_of(value):
                    self._values.setdefault(said[0], {}).setdefault(said, []).append((column, value))
        for value in columns.get("owner_name", ()):
            for word in dict.fromkeys(words_of(value)):
                if len(word) > 2:
                    self._names[word].append(("owner_name", value))

    def phrases_at(self, found: Sequence[Token], place: int) -> Iterator[tuple[ItemKind, Any, int]]:
        """Phrases of ours that begin at a token: (kind, meaning, how many tokens)."""
        if found[place].quoted:
            return
        rest = [None if t.quoted else t.stem for t in found[place : place + 14]]
        for phrase, kind, meaning in self._ours.get(found[place].stem, ()):
            if tuple(rest[: len(phrase)]) == phrase:
                yield kind, meaning, len(phrase)

    def values_at(
        self, found: Sequence[Token], place: int, column: str = ""
    ) -> tuple[tuple[Valued, ...], int]:
        """The longest value that begins at a token, in every column that holds it, and its tokens.

        Args:
            found: tokens of the whole question.
            place: where to begin.
            column: the column named right before: its values may be words that are small elsewhere.
        """
        token = found[place]
        if token.quoted:
            said = words_of(token.text)
            whole = self._values.get(said[0], {}).get(said) if said else None
            return (tuple(whole), 1) if whole else ((), 0)
        best: tuple[tuple[Valued, ...], int] = ((), 0)
        rest = [None if t.quoted else t.word for t in found[place:]]
        for said, meant in self._values.get(token.word, {}).items():
            if len(said) > best[1] and tuple(rest[: len(said)]) == said:
                if words.SMALL.issuperset(said):
                    meant = self._meant_though_small(found, place, meant, column, len(said))
                if meant:
                    best = (tuple(meant), len(said))
        return best

    def _meant_though_small(
        self, found: Sequence[Token], place: int, meant: list[Valued], column: str, length: int
    ) -> list[Valued]:
        """Which of the values that read like small words are meant: "IN", "country in", not "in"."""
        written = [t.text for t in found[place : place + length]]
        after = place + length
        follows = after < len(found) and bool(self.values_at(found, after)[0])
        return [
            (named, value)
            for named, value in meant
            if (named == column and not follows)
            or ([t.text for t in tokens(value)] == written and case_tells(found, place))
        ]

    def named(self, word: str) -> tuple[Valued, ...]:
        """People one of whose names is this word."""
        return tuple(self._names.get(word, ()))


def _fixed() -> Iterator[tuple[ItemKind, str, Any]]:
    """The words between: (kind, phrase, meaning)."""
    groups: tuple[tuple[ItemKind, Iterable[str]], ...] = (
        ("deals", words.DEALS), ("show", words.SHOWING), ("closing", words.CLOSING), ("closed", words.CLOSED),
        ("created", words.CREATED), ("by", words.BY), ("of_owner", words.OF_OWNER), ("of_manager", words.OF_MANAGER),
        ("against", words.AGAINST), ("as_of", words.AS_OF), ("known", words.KNOWN), ("since", words.SINCE),
        ("before", words.BEFORE), ("after", words.AFTER), ("trend", words.TREND), ("in_stage", words.IN_STAGE),
        ("most", words.MOST),
        ("least", words.LEAST), ("best", words.BEST), ("worst", words.WORST), ("top", words.TOP),
        ("bottom", words.BOTTOM), ("amount", words.AMOUNT), ("not", words.NOT), ("mine", words.MINE),
        ("from", ("from",)), ("to", words.UNTIL), ("between", ("between",)),
        ("and", ("and", "&")),
        ("or", ("or",)), ("who", ("who",)), ("fill", words.POLITE),
    )  # fmt: skip
    for kind, phrases in groups:
        for phrase in phrases:
            yield kind, phrase, phrase
    for kind, compared in (("compared", words.COMPARED), ("age", words.AGE)):
        for operator, phrases in compared.items():
            for phrase in phrases:
                yield kind, phrase, operator
    for phrase, period in words.PERIOD_KINDS.items():
        yield "each_period", phrase, period
    keyed: tuple[tuple[ItemKind, Any], ...] = (
        ("line", words.LINES), ("flag", words.FLAGS), ("status", words.STATUS),
    )  # fmt: skip
    for kind, table in keyed:
        for meaning, phrases in table.items():
            for phrase in phrases:
                yield kind, phrase, meaning


def case_tells(found: Sequence[Token], place: int) -> bool:
    """Whether a word with a capital is one because it is a name: not where sentences or headings ask for it."""
    text = found[place].text
    if not any(t.text.islower() for t in found if not t.quoted) or text == text.casefold():
        return False
    return place > 0 or (len(text) > 1 and text.isupper())


def amount_in(text: str) -> Decimal | None:
    """An amount as people write it: 50k, 1.5m, 50,000, $50k; None where it is none."""
    match = _MONEY.fullmatch(text)
    if match is None:
        return None
    try:
        return Decimal(match[1].replace(",", "")) * _TIMES[(match[2] or "").lower()]
    except (InvalidOperation, KeyError):
        return None


def cut(text: str, lexicon: Lexicon, today: Any = None) -> tuple[list[Token], list[Item]]:
    """A cleaned question as tokens, and these as items from left to right, none left out.

    Args:
        text: the question.
        lexicon: the phrases.
        today: what "today" means; the data's own date where it is None.
    """
    found = tokens(text)
    days = Days(lexicon.vocabulary.calendar, today or lexicon.vocabulary.today)
    items: list[Item] = []
    at = 0
    while at < len(found):
        item = _item(found, at, lexicon, days, items)
        items.append(item)
        at = item.last
    return found, items


def _item(found: Sequence[Token], at: int, lexicon: Lexicon, days: Days, before: Sequence[Item]) -> Item:
    values, count = lexicon.values_at(found, at, _column_before(found, at, days, before))
    fits: list[tuple[int, int, ItemKind, Any]] = []
    if values:
        fits.append((count, -_RANKS.index("value"), "value", values))
    when = None if found[at].quoted else days.at(found, at, ahead=_ahead(before))
    if when is not None and not _only_a_kind(when, found, at):
        fits.append((when.length, 0, "when", when))
    for kind, meaning, length in lexicon.phrases_at(found, at):
        rank = _RANKS.index(kind) if kind in _RANKS else len(_RANKS)
        fits.append((length, -rank, kind, meaning))
    if fits:
        length, _, kind, meaning = max(fits, key=lambda fit: fit[:2])
        same = values if kind != "value" and count == length else ()
        return Item(kind, meaning, at, at + length, same)
    return _single(found, at, lexicon)


def _only_a_kind(when: When, found: Sequence[Token], at: int) -> bool:
    return when.length == 1 and found[at].word in words.PERIOD_KINDS


def _ahead(before: Sequence[Item]) -> bool:
    """Whether days that follow look ahead: after "closing", "due", also with a "before" between them."""
    last = [item.kind for item in before[-4:] if item.kind not in _NOT_AHEAD]
    return last[-1:] == ["closing"]


def _column_before(found: Sequence[Token], at: int, days: Days, before: Sequence[Item]) -> str:
    """The column named right before, where it is no column to split by and no days follow ("in Q2")."""
    if not before or before[-1].kind != "split" or (len(before) > 1 and before[-2].kind == "by"):
        return ""
    return "" if days.at(found, at + 1) else str(before[-1].meaning)


def _single(found: Sequence[Token], at: int, lexicon: Lexicon) -> Item:
    token = found[at]
    if token.quoted:
        return Item("unknown", token.text, at, at + 1)
    amount = amount_in(token.text)
    if amount is not None:
        return Item("amount_given", amount, at, at + 1)
    people = lexicon.named(token.word)
    if people and (token.word not in words.SMALL or case_tells(found, at)):
        return Item("value", people, at, at + 1)
    if token.word in words.FILL:
        return Item("fill", token.word, at, at + 1)
    return Item("unknown", token.text, at, at + 1)
