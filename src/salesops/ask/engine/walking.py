"""A walk over the items of a question: where they stand, what comes next, what was not understood."""

from __future__ import annotations

from collections.abc import Sequence

from salesops.ask.engine.dates import Days, When
from salesops.ask.engine.found import Found, Span
from salesops.ask.engine.items import Item, Lexicon
from salesops.ask.engine.tokens import Token

BEFORE_VALUES = frozenset({"in", "for", "during", "on", "of", "at", "from", "with", "the", "is", "over"})


class Walk:
    """Places in one question.

    Args:
        text: the cleaned question.
        tokens, items: as it was cut.
        lexicon: the phrases.
        days: the calendar and what "today" means.
    """

    def __init__(
        self, text: str, tokens: Sequence[Token], items: Sequence[Item], lexicon: Lexicon, days: Days
    ) -> None:
        self.text, self.tokens, self.items = text, tokens, items
        self.lexicon, self.days = lexicon, days
        self.found = Found()

    def span(self, first: int, last: int) -> Span:
        """Where some items stand: from the item ``first`` to the item ``last``, which is included."""
        start, end = self.items[first].first, self.items[last].last
        return self.tokens[start].start, self.tokens[end - 1].end

    def _led(self, at: int, last: int) -> Span:
        """The span with the small words before it that belong to it."""
        while (
            at
            and self.items[at - 1].kind in ("fill", "amount", "compared")
            and self._word(at - 1) in BEFORE_VALUES
        ):
            at -= 1
        return self.span(at, last)

    def _word(self, at: int) -> str:
        return self.tokens[self.items[at].first].word

    def _next(self, at: int, *passing: str) -> int:
        """The next item that is not a small word; the number of items where none is."""
        at += 1
        while at < len(self.items) and self.items[at].kind in ("fill", *passing):
            at += 1
        return at

    def _kind(self, at: int) -> str:
        return self.items[at].kind if at < len(self.items) else ""

    def _unknown(self, first: int, last: int | None = None, *, changing: bool = True) -> int:
        last = first if last is None else min(last, len(self.items) - 1)
        self.found.unknown.append((self.span(first, last), changing))
        return last + 1

    def _passed(self, at: int) -> int:
        return at + 1

    def _when_at(self, at: int) -> When | None:
        return self.items[at].meaning if self._kind(at) == "when" else None
