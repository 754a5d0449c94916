"""Days in a question: periods, ranges with one end or two, ages, comparisons, what was known when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from salesops.ask.engine.dates import BEGIN, COUNTS, END, When
from salesops.ask.engine.found import Span
from salesops.ask.engine.items import amount_in
from salesops.ask.engine.tokens import Token
from salesops.ask.engine.walking import Walk
from salesops.core.calendars import Period, PeriodError

UNITS = frozenset({"day", "week", "month", "quarter", "year"})
_STARTS = frozenset({"since", "after"})
_ENDS = frozenset({"before", "to"})
_UNTIL = frozenset({"until", "till", "up until"})
"""Words that leave open whether the period after them is part of the range."""
_MOST_AGE = 10_000
_AGED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
"""What an age is compared by -> what its day is compared by: the older, the earlier."""
_IN_STAGE = (("in",), ("the", "their", "its", "this", "one", "a"), ("same", "current"), ("stage",))


class Ranges(Walk):
    """The readers of days."""

    # --- Periods ------------------------------------------------------------------------------------

    def _when(self, at: int) -> int:
        when: When = self.items[at].meaning
        if when.says == "earlier":
            return self._earlier(at, when)
        if self._kind(at + 1) == "to" and (until := self._when_at(at + 2)):
            return self._from_to(at, at + 2, self._led(at, at + 2), when, until)
        self.found.periods.append((when, self._led(at, at)))
        return at + 1

    def _earlier(self, at: int, when: When) -> int:
        """Year on year is a comparison; the same quarter last year, said alone, is the period itself."""
        if when.compares:
            self.found.against.append((when, self._led(at, at), False))
            return at + 1
        if when.same == "day" or when.earlier is None:
            return self._unknown(at)
        try:
            period = self.days.before(
                self.days.calendar.period(when.same or "quarter", self.days.today), when.earlier
            )
        except PeriodError:
            return self._unknown(at)
        same_day = None if when.same else self.days.ago(1, "year")
        self.found.periods.append((When(0, "period", period, same_day=same_day), self._led(at, at)))
        return at + 1

    def _from_to(self, at: int, last: int, span: Span, when: When, until: When) -> int:
        if when.period is None or until.period is None:
            return self._unknown(at, last)
        try:
            period = self.days.span(when.period.first, until.period.last)
        except PeriodError:
            return self._unknown(at, last)
        self.found.periods.append((When(0, "period", period), span))
        return last + 1

    def _from(self, at: int) -> int:
        nearest = self._next(at)
        when = self._when_at(nearest)
        if when is None:
            return at + 1 if self._kind(nearest) == "value" else self._unknown(at)
        if self._kind(nearest + 1) == "to" and (until := self._when_at(self._next(nearest + 1))):
            last = self._next(nearest + 1)
            return self._from_to(at, last, self.span(at, last), when, until)
        return self._unknown(at, nearest)

    def _reaching(self, period: Period, at: int) -> tuple[Period, int]:
        """The days from a period to another that follows."""
        if self._kind(at + 1) == "to" and (until := self._when_at(at + 2)) and until.period:
            try:
                return self.days.span(period.first, until.period.last), at + 2
            except PeriodError:
                pass
        return period, at

    # --- Ranges with an open end ---------------------------------------------------------------------

    def _since(self, at: int) -> int:
        return self._open_range(at)

    def _after(self, at: int) -> int:
        return self._open_range(at)

    def _before(self, at: int) -> int:
        return self._open_range(at)

    def _to(self, at: int) -> int:
        """A "to" that no range took: "until 15 June" is one; "to June" would change what is asked."""
        if self._word(at) != "to":
            return self._open_range(at)
        nearest = self._next(at)
        return self._unknown(at, nearest) if self._kind(nearest) == "when" else at + 1

    def _open_range(self, at: int) -> int:
        found = self._range(at)
        period = self._begun(found[0]) if found else None
        if found is None or period is None:
            return self._unknown(at, self._next(at))
        self.found.periods.append((When(0, "period", period, ranged=True), self.span(at, found[1])))
        return found[1] + 1

    def _begun(self, period: Period) -> Period | None:
        """The days of an open end up to today; None where it has not begun."""
        if period.last != END:
            return period
        return self.days.span(period.first, self.days.today) if period.first <= self.days.today else None

    def _range(self, at: int) -> tuple[Period, int] | None:
        """The days of "after 1 March", "before June", "since March until June" from an item on, and its last item.

        An end that is not said is the first, or the last, of all days. None where no days follow.
        """
        one = self._edge(at)
        if one is None:
            return None
        first, last, end = one
        following = end + 2 if self._kind(end + 1) == "and" else end + 1
        more = self._edge(following) if self._kind(following) in (_ENDS if first else _STARTS) else None
        if more is not None:
            first, last, end = first or more[0], last or more[1], more[2]
        elif self.items[at].meaning in _UNTIL:
            self._vague(at, end)
        try:
            return self.days.span(first or BEGIN, last or END), end
        except PeriodError:
            return None

    def _edge(self, at: int) -> tuple[date | None, date | None, int] | None:
        """One end of a range: its first day or its last one, and the item that names it."""
        kind, nearest = self._kind(at), self._next(at)
        when = self._when_at(nearest)
        if kind not in _STARTS | _ENDS or self._word(at) == "to" or when is None or when.period is None:
            return None
        try:
            if kind == "since":
                return when.period.first, None, nearest
            if kind == "after":
                return when.period.last + timedelta(days=1), None, nearest
            return None, when.period.last if kind == "to" else when.period.first - timedelta(days=1), nearest
        except OverflowError:
            return None

    def _vague(self, at: int, last: int) -> None:
        """Note an "until June", which may reach to the begin of June or to its end."""
        when = self._when_at(last)
        if when is not None and when.says != "day":
            named = self.span(last, last)
            self.found.vague.append((self.span(at, last), self.text[named[0] : named[1]]))

    # --- Dates of deals -----------------------------------------------------------------------------

    def _closing(self, at: int) -> int:
        nearest = self._next(at)
        if found := self._range(nearest):
            self.found.closing.append((found[0], self.span(at, found[1])))
            return found[1] + 1
        when = self._when_at(nearest)
        if when is None or when.period is None:
            return self._unknown(at)
        period, last = self._reaching(when.period, nearest)
        self.found.closing.append((period, self.span(at, last)))
        return last + 1

    def _created(self, at: int) -> int:
        nearest = self._next(at)
        if self._kind(nearest) in _STARTS | _ENDS:
            found = self._range(nearest)
            period = self._begun(found[0]) if found else None
            if found is None or period is None:
                return self._unknown(at, self._next(nearest))
            self.found.created.append((period, self.span(at, found[1])))
            return found[1] + 1
        if ago := self._ago(nearest):
            self.found.created.append((ago[0], self.span(at, ago[1])))
            self.found.agos.append(self.span(at, ago[1]))
            return ago[1] + 1
        when = self._when_at(nearest)
        if when is None or when.period is None:
            return self._unknown(at)
        period, last = self._reaching(when.period, nearest)
        self.found.created.append((period, self.span(at, last)))
        return last + 1

    def _closed(self, at: int) -> int:
        self.found.closed.append(self.span(at, at))
        dated = self._kind(self._next(at)) in ("when", *_STARTS, *_ENDS)
        return at + 1 if dated and self._word(self._next(at)) != "to" else self._unknown(at)

    # --- Ages ---------------------------------------------------------------------------------------

    def _age(self, at: int) -> int:
        """Days after "older than", "younger than"."""
        aged = self._aged(at, ())
        return self._unknown(at, self._next(at) + 1) if aged is None else aged

    def _aged(self, at: int, ending: tuple[str, ...]) -> int | None:
        """An age from a comparison on: "more than 90 days old"; None where it is none.

        Args:
            at: the comparison.
            ending: the word that has to follow the unit, such as "old"; none where the comparison says it all.
        """
        counted = self._counted(at, ending)
        if counted is None:
            return None
        day, last = counted
        self.found.ages.append((_AGED[self.items[at].meaning], day, self.span(at, last)))
        return last + 1

    def _ago(self, at: int) -> tuple[Period, int] | None:
        """The days that "more than 90 days ago" names, and its last item; None where it names none."""
        counted = self._counted(at, ("ago",)) if self._kind(at) == "compared" else None
        if counted is None:
            return None
        (day, last), side = counted, _AGED[self.items[at].meaning]
        near, one = self.days.today, timedelta(days=1)
        first, final = {
            "lt": (BEGIN, day - one), "le": (BEGIN, day), "gt": (day + one, near), "ge": (day, near),
        }[side]  # fmt: skip
        return self.days.span(first, final), last

    def _counted(self, at: int, ending: tuple[str, ...]) -> tuple[date, int] | None:
        """The day so long before today as the words after a comparison say, and their last item."""
        counted, place = self._next(at), self.items[at].last
        word = self.tokens[place].word if place < len(self.tokens) else ""
        count: Decimal | int | None = 1 if word in ("a", "an") else COUNTS.get(word)
        if count is not None:
            place += 1
        elif self._kind(counted) == "amount_given":
            place = self.items[counted].last
            count = amount_in(self.tokens[place - 1].text)
        if count is None or count != int(count) or not 1 <= count <= _MOST_AGE or place >= len(self.tokens):
            return None
        unit, after = self.tokens[place].stem, self.tokens[place + 1 :]
        if unit not in UNITS or (ending and [t.word for t in after[:1]] != [*ending]):
            return None
        last = self._item_ending(place + 1 + len(ending))
        day = self.days.ago(int(count), unit)
        return None if last is None or day is None else (day, last)

    def _stage_age(self, at: int) -> int | None:
        """Days in a stage from a comparison on: "more than 30 days in stage"; None where it is none."""
        counted = self._next(at)
        if self._kind(counted) != "amount_given" or self.items[counted].last >= len(self.tokens):
            return None
        place = self.items[counted].last
        if self.tokens[place].stem not in UNITS:
            return None
        length = _in_stage(self.tokens[place + 1 :])
        last = self._item_ending(place + 1 + length) if length else None
        if last is None:
            return None
        self.found.stage_ages.append(self.span(at, last))
        return last + 1

    def _in_stage(self, at: int) -> int:
        """Days after "in stage for"."""
        nearest = self._next(at)
        counted = self._next(nearest) if self._kind(nearest) == "compared" else nearest
        unit = self.items[counted].last if counted < len(self.items) else len(self.tokens)
        last = self._item_ending(unit + 1)
        told = self._kind(counted) == "amount_given" and unit < len(self.tokens)
        if not told or last is None or self.tokens[unit].stem not in UNITS:
            return self._unknown(at, counted)
        self.found.stage_ages.append(self.span(at, last))
        return last + 1

    def _item_ending(self, place: int) -> int | None:
        """The item that ends right before a token; None where that cuts one in two."""
        return next((n for n, item in enumerate(self.items) if item.last == place), None)

    # --- Comparisons, days of the state and of the knowledge ------------------------------------------

    def _against(self, at: int) -> int:
        nearest = self._next(at)
        when = self._when_at(nearest)
        if when is None or when.says == "ever":
            return self._unknown(at, nearest)
        if when.says == "earlier" and self._kind(nearest + 1) == "unknown":
            return self._unknown(at, nearest + 1)  # "the quarter before christmas"
        said = self.tokens[self.items[nearest].first : self.items[nearest].last]
        year = [t.word for t in said if t.word != "the"]
        last_year = len(year) == 2 and year[1] == "year" and year[0] in ("last", "previous", "prior")
        last = nearest
        if when.period is not None:
            period, last = self._reaching(when.period, nearest)
            when = replace(when, period=period, prior=when.prior if last == nearest else None)
        self.found.against.append((when, self.span(at, last), last_year and last == nearest))
        return last + 1

    def _as_of(self, at: int) -> int:
        nearest = self._next(at)
        when = self._when_at(nearest)
        if when is None or when.period is None:
            return self._unknown(at, nearest)
        self.found.as_of.append((when, self.span(at, nearest)))
        return nearest + 1

    def _known(self, at: int) -> int:
        """A day after "as known on": told from the day of the question, not from the data's own."""
        nearest = self._next(at)
        if self._when_at(nearest) is None:
            return self._unknown(at, nearest)
        item = self.items[nearest]
        when = self.days.on(self.lexicon.vocabulary.asked_on).at(self.tokens, item.first)
        if when is None or when.period is None or when.length != item.last - item.first:
            return self._unknown(at, nearest)
        self.found.known.append((when.period.last, self.span(at, nearest)))
        return nearest + 1

    def _trend(self, at: int) -> int:
        self.found.trend.append(self.span(at, at))
        return at + 1


def _in_stage(tokens: Sequence[Token]) -> int:
    """How many tokens from the first on say "in the same stage"; 0 where they don't."""
    at = 0
    for must, words in zip((True, False, False, True), _IN_STAGE, strict=True):
        if at < len(tokens) and (tokens[at].stem in words or tokens[at].word in words):
            at += 1
        elif must:
            return 0
    return at
