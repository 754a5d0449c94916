"""What the items of a question say together: one walk from left to right, nothing passed by in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from salesops.analytics.engine.filters import Filter
from salesops.ask.engine import words
from salesops.ask.engine.dates import COUNTS, Days, When
from salesops.ask.engine.found import Ranked, Span
from salesops.ask.engine.items import Item, Lexicon, Valued, amount_in
from salesops.ask.engine.query import Part, Role
from salesops.ask.engine.ranges import UNITS, Ranges
from salesops.ask.engine.tokens import Token
from salesops.ask.engine.walking import BEFORE_VALUES

_UNITS = frozenset({*UNITS, "hour", "minute", "%", "percent", "time", "day's"})
_BETWEEN = frozenset({"the", "our", "a", "an", "all", "of", "from"})
_COUNTED = frozenset({"open_deals", "won_deals", "lost_deals", "deals_created"})
MOST_RANKED = 100


class Reading(Ranges):
    """One walk over a question; arguments as of :class:`salesops.ask.engine.walking.Walk`."""

    def __init__(
        self, text: str, tokens: Sequence[Token], items: Sequence[Item], lexicon: Lexicon, days: Days
    ) -> None:
        super().__init__(text, tokens, items, lexicon, days)
        at = 0
        while at < len(items):
            kind = items[at].kind
            reader = self._unknown_words if kind == "unknown" else getattr(self, f"_{kind}", self._passed)
            at = reader(at)

    # --- Numbers and splits ------------------------------------------------------------------------

    def _number(self, at: int) -> int:
        self.found.numbers.append((self.items[at].meaning, self.span(at, at)))
        if self.items[at].meaning == ("deals_created",) and (ago := self._ago(nearest := self._next(at))):
            # "deals created more than 90 days ago"
            when = When(0, "period", ago[0], ranged=True)
            self.found.periods.append((when, self.span(nearest, ago[1])))
            self.found.agos.append(self.span(nearest, ago[1]))
            return ago[1] + 1
        return at + 1

    def _by(self, at: int) -> int:
        nearest = self._next(at)
        if self._kind(nearest) == "number" and self.found.ranks:
            return nearest
        if self._kind(nearest) == "value" and self._word(at) == "by":
            return nearest
        if self._kind(nearest) == "split" and any(
            column == self.items[nearest].meaning for column, _ in self._values_at(self._next(nearest))
        ):
            return nearest  # "by rep Anna"
        last = self._split_at(nearest, at)
        if last is None:
            return self._unknown(at)
        while (further := self._next(last) if self._kind(last) == "and" else last) and self._is_split(
            further
        ):
            last = self._split_at(further, last) or last
        return last

    def _is_split(self, at: int) -> bool:
        """Whether a column to split by stands there; one that is followed by its value is a condition."""
        if self._kind(at) != "split":
            return self._kind(at) == "each_period"
        return not any(c == self.items[at].meaning for c, _ in self._values_at(self._next(at)))

    def _split_at(self, at: int, first: int) -> int | None:
        if self._kind(at) == "split":
            self.found.splits.append((self.items[at].meaning, self.span(first, at)))
        elif self._kind(at) == "each_period":
            self.found.each.append((self.items[at].meaning, self.span(first, at)))
        else:
            return None
        return at + 1

    def _each_period(self, at: int) -> int:
        alone = self.items[at].last - self.items[at].first == 1
        if alone and not self._word(at).endswith(("ly", "annual")):  # "month by month" says it in three
            return self._unknown(at)
        self.found.each.append((self.items[at].meaning, self.span(at, at)))
        return at + 1

    def _split(self, at: int) -> int:
        column, nearest = self.items[at].meaning, self._next(at)
        values = self._values_at(nearest)
        if any(c == column for c, _ in values):
            return self._take(nearest, at, column)
        if column == "account_name" and at and self._values_at(at - 1):
            if self.found.filters:  # "Enterprise customers"
                part = self.found.filters[-1]
                self.found.filters[-1] = replace(part, spans=(*part.spans, self.span(at, at)))
            return at + 1
        plural = self.tokens[self.items[at].first].word != self.tokens[self.items[at].first].stem
        self.found.loose.append((column, self.span(at, at), plural))
        return at + 1

    def _who(self, at: int) -> int:
        self.found.loose.append(("owner_name", self.span(at, at), False))
        return at + 1

    # --- Values ------------------------------------------------------------------------------------

    def _values_at(self, at: int) -> tuple[Valued, ...]:
        if at >= len(self.items):
            return ()
        item = self.items[at]
        return item.meaning if item.kind == "value" else item.values

    def _value(self, at: int) -> int:
        return self._take(at, at)

    def _of_owner(self, at: int) -> int:
        return self._person(at, "owner_name")

    def _of_manager(self, at: int) -> int:
        return self._person(at, "manager_name")

    def _person(self, at: int, column: str) -> int:
        nearest = at + 1
        if self._kind(nearest) == "fill" and self._word(nearest) in ("me", "us"):
            return self._of_me(at, nearest)
        values = self._values_at(nearest)
        if column == "manager_name" and values and not any(c == column for c, _ in values):
            values = tuple(("manager_name", v) for c, v in values if self._manages(v))
        if not any(c == column for c, _ in values):
            return self._unknown(at, nearest)
        return self._take(nearest, at, column)

    def _manages(self, name: str) -> bool:
        return name in self.lexicon.vocabulary.values.get("manager_name", ())

    def _mine(self, at: int) -> int:
        if self._kind(at + 1) == "split" and self.items[at + 1].meaning == "team":
            me = self.lexicon.vocabulary.me
            if me and self._manages(me):
                self._filter(Filter("manager_name", "eq", (me,)), self.span(at, at + 1))
                return at + 2
            return self._unknown(at, at + 1)
        return self._of_me(at, at)

    def _of_me(self, at: int, last: int) -> int:
        me = self.lexicon.vocabulary.me
        if not me:
            self.found.mine = self.span(at, last)
            return self._unknown(at, last)
        self._filter(Filter("owner_name", "eq", (me,)), self.span(at, last))
        return last + 1

    def _take(self, at: int, first: int, column: str = "", *, without: bool = False) -> int:
        """Values from an item on, joined by and, or, against, as one condition."""
        meant = [v for v in self._values_at(at) if not column or v[0] == column]
        last = at
        following = self._next(at) if self._kind(at + 1) != "fill" else at + 1
        if (
            not column
            and self._kind(at + 1) == "split"
            and any(c == self.items[at + 1].meaning for c, _ in meant)
        ):
            column, last = self.items[at + 1].meaning, at + 1
            meant = [v for v in meant if v[0] == column]
            following = at + 2
        if len({c for c, _ in meant}) > 1 and self._kind(following) in ("and", "or", "against"):
            # What is joined with it says which column is meant.
            shared = {c for c, _ in self._values_at(following + 1)} & {c for c, _ in meant}
            if len(shared) == 1:
                meant = [v for v in meant if v[0] in shared]
        if len(meant) != 1:
            self.found.several.append((tuple(meant), self._led(first, last), "not " if without else ""))
            return last + 1
        values, compared = [meant[0][1]], False
        column = meant[0][0]
        while self._kind(last + 1) in ("and", "or", "against"):
            more = [v for c, v in self._values_at(last + 2) if c == column]
            if len(more) != 1 or (without and self._kind(last + 1) == "against"):
                break
            compared |= self._kind(last + 1) == "against"
            values.append(more[0])
            last += 2
        values = list(dict.fromkeys(values))
        if without:
            self._open_ended(last, column)
        many = {"": ("eq", "in"), "not": ("ne", "not_in")}["not" if without else ""]
        self._filter(Filter(column, many[len(values) > 1], tuple(values)), self._led(first, last))
        if compared:
            self.found.splits.append((column, self.span(first, last)))
        return last + 1

    def _open_ended(self, last: int, column: str) -> None:
        """Note a value that a "not" before may reach: "not in EMEA and SMB"."""
        if last + 1 >= len(self.items):
            return
        joined = self._kind(last + 1) == "and"
        nearest = self._next(last + 1 if joined else last)
        named = self.items[nearest].meaning if self._kind(nearest) == "split" else ""
        values = self._values_at(self._next(nearest) if named else nearest)
        if named:
            values = tuple(v for v in values if v[0] == named)
        start = self.tokens[self.items[last].last - 1].end
        end = self.tokens[self.items[last + 1].last - 1].end if joined else start + 1
        if values and (joined or "," in self.text[start : self.tokens[self.items[last + 1].first].start]):
            self.found.open_ended.append(((start, end), all(c == column for c, _ in values)))

    def _not(self, at: int) -> int:
        nearest = self._next(at)
        if self._kind(nearest) == "split" and self._values_at(self._next(nearest)):
            column = self.items[nearest].meaning
            nearest = self._next(nearest)
            if any(c == column for c, _ in self._values_at(nearest)):
                return self._take(nearest, at, column, without=True)
        if self._values_at(nearest):
            return self._take(nearest, at, without=True)
        return self._unknown(at, nearest)

    def _filter(self, item: Filter, span: Span, role: Role = "filter") -> None:
        self.found.filters.append(Part(role, "", (span,), item))

    # --- Amounts -----------------------------------------------------------------------------------

    def _amount_at(self, at: int) -> Decimal | None:
        if at >= len(self.items) or self.items[at].last - self.items[at].first != 1:
            return None
        return amount_in(self.tokens[self.items[at].first].text)

    def _unit_follows(self, at: int) -> bool:
        """Whether a unit, or a word that may be one, stands right after an amount."""
        place = self.items[at].last
        return self._kind(at + 1) == "unknown" or (
            place < len(self.tokens) and self.tokens[place].stem in _UNITS
        )

    def _between(self, at: int) -> int:
        first = self._next(at, "amount")
        if self._kind(first + 1) != "and":
            return self._unknown(at)
        last = self._next(first + 1)
        when, until = self._when_at(first), self._when_at(last)
        amounts = at > 0 and self._kind(at - 1) == "amount" and self._word(at - 1) != "of"
        if when and until and not amounts:
            return self._from_to(at, last, self.span(at, last), when, until)
        low, high = self._amount_at(first), self._amount_at(last)
        if low is None or high is None or self._unit_follows(last):
            return self._unknown(at, last)
        if low < 1_000 and self._word(first).isdigit() and not self._word(last)[-1:].isdigit():
            return self._unknown(at, last)  # "between 2 and 5 million"
        self._amount_filter("between", (low, high), at, last)
        return last + 1

    def _compared(self, at: int) -> int:
        nearest = self._next(at, "amount")
        when = self._when_at(self._next(at))
        if when is not None and self._word(at) == "over" and when.length > 1 and when.says != "earlier":
            return at + 1  # "over the last 4 quarters"
        amount = self._amount_at(nearest)
        if amount is None or self._unit_follows(nearest):
            aged = self._aged(at, ("old",))
            aged = self._stage_age(at) if aged is None else aged
            return self._unknown(at, nearest if amount is None else nearest + 1) if aged is None else aged
        self._amount_filter(self.items[at].meaning, (amount,), at, nearest)
        return nearest + 1

    def _amount_filter(self, op: str, amounts: tuple[Decimal, ...], at: int, last: int) -> None:
        while at and self._kind(at - 1) == "amount":
            at -= 1
        span = self.span(at, last)
        self.found.unknown = [
            u for u in self.found.unknown if not (span[0] <= u[0][0] and u[0][1] <= span[1])
        ]
        self._filter(Filter("amount", op, tuple(f"{a.normalize():f}" for a in amounts)), span)

    def _fill(self, at: int) -> int:
        """The value of a count is no count: "value of lost deals"."""
        if self._word(at) != "value" or self._kind(self._next(at, "amount")) in ("compared", "between"):
            return at + 1
        if at and self._kind(at - 1) in ("most", "least", "top", "bottom"):
            return at + 1  # "highest value deals"
        beside = (self._next(at, "amount"), at - 1)
        if any(self._kind(n) == "number" and set(self.items[n].meaning) & _COUNTED for n in beside if n >= 0):
            return self._unknown(at)
        return at + 1

    def _amount(self, at: int) -> int:
        if self._word(at) == "of" or self._kind(self._next(at, "amount")) in ("compared", "between"):
            return at + 1
        return self._unknown(at)

    def _amount_given(self, at: int) -> int:
        if self._kind(at + 1) in ("most", "least", "best", "worst"):
            return at + 1
        return self._unknown(at)

    # --- Rankings ----------------------------------------------------------------------------------

    def _top(self, at: int) -> int:
        return self._ranked(at, "most")

    def _bottom(self, at: int) -> int:
        return self._ranked(at, "least")

    def _most(self, at: int) -> int:
        return self._ranked(at, "most")

    def _least(self, at: int) -> int:
        return self._ranked(at, "least")

    def _best(self, at: int) -> int:
        return self._ranked(at, "best")

    def _worst(self, at: int) -> int:
        return self._ranked(at, "worst")

    def _ranked(self, at: int, order: str) -> int:
        last, count = at, None
        first = at - 1 if at and self._kind(at - 1) == "amount_given" else at
        if first < at:
            count = self._count_at(first)
        elif (given := self._count_at(at + 1)) is not None:
            count, last = given, at + 1
        if (first < at and count is None) or (self._kind(last + 1) == "amount_given" and count is None):
            return self._unknown(first, last + 1)
        if self.found.ranks:  # "top 5 largest deals" is one ranking
            known = self.found.ranks[-1]
            if known.order in (order, "most") and order in ("most", "least", "best", "worst"):
                self.found.ranks[-1] = replace(
                    known,
                    order=order,
                    count=known.count or count,
                    span=(known.span[0], self.span(first, last)[1]),
                )
                return last + 1
        self.found.ranks.append(Ranked(order, count, self.span(first, last)))
        return last + 1

    def _count_at(self, at: int) -> int | None:
        if at >= len(self.items):
            return None
        word = self._word(at)
        count = COUNTS.get(word) or (int(word) if word.isascii() and word.isdigit() else 0)
        return count if 1 <= count <= MOST_RANKED else None

    # --- Lists -------------------------------------------------------------------------------------

    def _line(self, at: int) -> int:
        self.found.lines.append((self.items[at].meaning, self.span(at, at)))
        return at + 1

    def _flag(self, at: int) -> int:
        self.found.flags.append((self.items[at].meaning, self.span(at, at)))
        return at + 1

    def _status(self, at: int) -> int:
        self.found.status.append((self.items[at].meaning, self.span(at, at)))
        return at + 1

    def _deals(self, at: int) -> int:
        self.found.deals = True
        return at + 1

    def _show(self, at: int) -> int:
        self.found.shown = True
        return at + 1

    def _or(self, at: int) -> int:
        return self._unknown(at)

    def _unknown_words(self, at: int) -> int:
        token = self.tokens[self.items[at].first]
        led = (
            at > 0
            and self.items[at - 1].kind in ("fill", "from", "to", "amount", "split")
            and (
                self.items[at - 1].kind != "fill"
                or self._word(at - 1) in BEFORE_VALUES - {"the", "is", "over"}
            )
        )
        proper = at > 0 and token.text[:1].isupper()
        self.found.words.append(self.span(at, at))
        odd = token.quoted or not token.text.isalpha() or self._changes(token)
        return self._unknown(at, changing=led or proper or odd or self._before_a_value(at))

    @staticmethod
    def _changes(token: Token) -> bool:
        return bool({token.word, token.stem} & words.CHANGING) or token.word.startswith(words.CHANGING_STEMS)

    def _before_a_value(self, at: int) -> bool:
        """Whether a value is right behind: "bypassing EMEA" may be its opposite."""
        at += 1
        while self._kind(at) == "split" or (
            self._kind(at) in ("fill", "amount", "from") and self._word(at) in _BETWEEN
        ):
            at += 1
        return bool(self._values_at(at))
