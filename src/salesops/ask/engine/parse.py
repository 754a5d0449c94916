"""A question in words -> a query of the catalogue, or the reason why there is none. Deterministic; no model, no clock.

What changes the meaning of a question is either understood or the reason why there is no answer: nothing is
guessed in silence. Words that change nothing and are not known are told beside the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from salesops.ask.engine import words
from salesops.ask.engine.dates import BEGIN, Days
from salesops.ask.engine.found import Ranked, Span
from salesops.ask.engine.items import Lexicon, cut
from salesops.ask.engine.judging import ALL, NoAnswer, is_open, merged, tidied
from salesops.ask.engine.listing import Listing
from salesops.ask.engine.nearest import nearest
from salesops.ask.engine.query import Choice, Number, Query, Ranking, Understood
from salesops.ask.engine.reading import Reading
from salesops.ask.engine.tokens import cleaned
from salesops.core.calendars import Period, PeriodError, PeriodKind

FEW = 5
"""How many groups a ranking shows that does not say how many."""
MOST_SPLITS = 2
FEW_WORDS = 2
MOST_NAMED = 8
"""Words that may be looked for as the name of a record."""
_OF_OPEN = frozenset(
    {"open_pipeline", "open_deals", "stage_age", "stage_age_total", "stalled_share", "stalled_pipeline"}
)
"""Numbers of open deals alone: how old a deal is has one meaning there."""
_CHOSEN_BY = frozenset({"closed_on", "created_on", "happened_on", "entered_on", "left_on", "moved_on"})
"""Dates by which a period chooses rows, whatever its first day is."""
TREND_STEPS: Mapping[str, int] = {"month": 12, "quarter": 4, "year": 3}
"""Periods of a trend that names none, by their kind: the whole ones before the one that is running."""
LONGEST_MONTH, LONGEST_BY_MONTH = 35, 800
"""Days of a month of a 4-4-5 calendar, and of a trend that is shown by months."""
_CREATED_OR_CLOSED = {
    "created_on": "created",
    "closed_on": "closed",
    "expected_close_on": "expected_close",
    "": "expected_close",
}


def understand(text: str, lexicon: Lexicon) -> Understood:
    """Read a question.

    Args:
        text: as it was typed.
        lexicon: what may be named in it, for one reader.

    Raises:
        QuestionError: it is no text that can be read.
    """
    text = cleaned(text)
    vocabulary = lexicon.vocabulary
    if not text:
        return Understood("", None, problem="Nothing was asked.")
    reading = _read(text, lexicon, vocabulary.today)
    days = [when.period for when, _ in reading.found.as_of if when.period]
    anchor = min(days[0].last, vocabulary.today) if len(days) == 1 else vocabulary.today
    if anchor != vocabulary.today:  # "last month as of 1 June" is May; "as of last month" is told from today
        told, reading = reading.found.as_of, _read(text, lexicon, anchor)
        reading.found.as_of = told
    return _Verdict(text, reading, lexicon, anchor).understood()


def _read(text: str, lexicon: Lexicon, today: date) -> Reading:
    tokens, items = cut(text, lexicon, today)
    return Reading(text, tokens, items, lexicon, Days(lexicon.vocabulary.calendar, today))


class _Verdict(Listing):
    """A number, a list, or a record: which of them, and what of it."""

    def understood(self) -> Understood:
        """The verdict."""
        try:
            query = self._query()
        except NoAnswer as no:
            return self._told(None, no.problem, no.choices)
        except (PeriodError, OverflowError) as error:
            return self._told(None, str(error) or "These days are outside the calendar.")
        return self._told(query, "", self.near)

    def _told(self, query: Query | None, problem: str = "", choices: tuple[Choice, ...] = ()) -> Understood:
        parts = tuple(sorted([*self.parts, *self.found.filters], key=lambda p: p.spans[0]))
        unknown = tuple(merged(self.text, [span for span, _ in self.found.unknown]))
        known = self.found.known[0][0] if len(self.found.known) == 1 else None
        return Understood(self.text, query, parts, unknown, problem, choices, known)

    def _query(self) -> Query:
        found = self.found
        self._refuse_vague()
        known = self._known_on()
        if self._is_list():
            query = self._list()
        elif found.numbers:
            query = self._number()
        else:
            query = self._neither()
        self._refuse_changing(query)
        return replace(query, known=known)

    # --- A number -----------------------------------------------------------------------------------

    def _number(self) -> Query:
        found = self.found
        self._created_then()
        name = self._one_number()
        number = self.vocabulary.named[name]
        filters = list(self._filters())
        if found.lines or found.flags or found.status:
            _, span = [*found.lines, *found.flags, *found.status][0]
            raise NoAnswer(
                f"{number.title} can't be narrowed to “{self.text[span[0] : span[1]]}”: "
                "ask for the number, or show these deals."
            )
        for due, span in found.closing:
            filters.append(self._ended("expected_close_on", due, span))
        for created, span in found.created:
            filters.append(self._ended("created_on", created, span))
        filters += self._aged(name in _OF_OPEN, number.title)
        period, ever = self._period()
        self._refuse_open(period, number)
        period = self._trended(number, period, ever)
        against = self._compared(period, ever, of_day=number.of_day)
        self._refuse_past_ages(period, against, number.of_day)
        by = self._splits(number.dated_by, number.title, number.placed)
        rank, by = self._rank(by, number.direction)
        return Query(
            "number", name, ALL if ever else period, by, tuple(filters), self._as_of(), against, rank
        )

    def _created_then(self) -> None:
        """Another number of "deals created in March": the day of creation is a condition on its deals."""
        found = self.found
        ours = [one for one in found.numbers if one[0] == ("deals_created",)]
        if len(found.numbers) < 2 or len(ours) != 1:
            return
        end = ours[0][1][1]
        for when, span in found.periods:
            if when.period is not None and 0 <= span[0] - end <= 1:
                found.numbers.remove(ours[0])
                found.periods.remove((when, span))
                found.created.append((when.period, (ours[0][1][0], span[1])))
                return

    def _one_number(self) -> str:
        found = self.found.numbers
        kept = self._wider(found)
        names = list(dict.fromkeys(name for names, _ in kept for name in names))
        for _, span in found:
            self._part("number", span)
        if len(names) == 1:
            return names[0]
        if len(kept) > 1:
            said = " and ".join(f"“{self.text[a:b]}”" for _, (a, b) in kept)
            choices = tuple(
                Choice(self.vocabulary.named[n].title, self._only(span, n, [s for _, s in kept]), n)
                for ns, span in kept
                for n in ns
            )
            raise NoAnswer(f"{said} are {len(kept)} numbers: ask for one at a time.", choices[:6])
        span = kept[0][1]
        choices = tuple(
            Choice(self.vocabulary.named[n].title, self._with(span, self.vocabulary.named[n].phrases[0]), n)
            for n in names
        )
        said = self.text[span[0] : span[1]]
        raise NoAnswer(f"“{said}” may mean {len(names)} numbers. Which one?", choices[:6])

    @staticmethod
    def _wider(found: list[tuple[tuple[str, ...], Span]]) -> list[tuple[tuple[str, ...], Span]]:
        """Numbers said twice count once."""
        kept: list[tuple[tuple[str, ...], Span]] = []
        for names, span in found:
            if not any(names == other for other, _ in kept):
                kept.append((names, span))
        return kept

    def _only(self, span: Span, name: str, spans: list[Span]) -> str:
        text = self.text
        for start, end in sorted(spans, reverse=True):
            said = self.vocabulary.named[name].phrases[0] if (start, end) == span else " "
            text = f"{text[:start]} {said} {text[end:]}"
        return tidied(text)

    def _refuse_open(self, period: Period | None, number: Number) -> None:
        """Refuse an open end to a number that a period does not choose rows of: one of a day, or of an opening."""
        if period is None:
            return
        when, span = self.found.periods[0]
        if number.of_day and when.same_day:
            raise self._of_day(when.same_day, span)
        if number.of_day and when.ranged and period.first != BEGIN:
            said = self.text[span[0] : span[1]]
            days = dict.fromkeys((period.last, period.first))
            raise NoAnswer(
                f"{number.title} is told of a day, not of “{said}”.",
                tuple(Choice(f"as of {day}", self._with(span, f"as of {day}")) for day in days),
            )
        if period.first != BEGIN or number.dated_by in _CHOSEN_BY:
            return
        raise NoAnswer(
            f"{number.title} is told of a day or of a period with a begin, not of “{self.text[span[0] : span[1]]}”.",
            (Choice("as it stood then", self._with(span, f"as of {period.last}")),),
        )

    def _trended(self, number: Number, period: Period | None, ever: bool) -> Period | None:
        """The period of a trend, which is a split by months, or by quarters where it is long."""
        found = self.found
        if not found.trend:
            return period
        said = self.text[found.trend[0][0] : found.trend[0][1]]
        if number.dated_by not in ("closed_on", "created_on") or not number.placed:
            raise NoAnswer(
                f"{number.title} can't be split by its own months, so there is no “{said}” of it: "
                "ask for one month, or as of one day, at a time."
            )
        if found.against:
            raise NoAnswer(f"A comparison has no “{said}”: ask for one of them.")
        if period is None and not ever:
            kind: PeriodKind = found.each[0][0] if found.each else "month"  # type: ignore[assignment]
            now = self.days.calendar.period(kind, self.today)
            far, near = (self.days.calendar.shift(now, -steps) for steps in (TREND_STEPS[kind], 1))
            period = self.days.span(far.first, near.last)
        if period and period.days <= LONGEST_MONTH and not found.each:
            raise NoAnswer(
                f"{period.title} is too short for a “{said}”: name a quarter, a year or the last months."
            )
        if not found.each:
            long = ever or period is None or is_open(period) or period.days > LONGEST_BY_MONTH
            found.each.append(("quarter" if long else "month", found.trend[0]))
        else:
            self._part(
                "split", *found.trend, said=f"{_CREATED_OR_CLOSED[number.dated_by]}_{found.each[0][0]}"
            )
        return period

    def _splits(self, dated_by: str, title: str, placed: bool) -> tuple[str, ...]:
        found = list(self.found.splits)
        for kind, span in self.found.each:
            if dated_by not in _CREATED_OR_CLOSED or not placed:
                raise NoAnswer(f"{title} can't be split by {kind}: ask for one {kind} at a time.")
            found.append((f"{_CREATED_OR_CLOSED[dated_by]}_{kind}", span))
        found.sort(key=lambda one: one[1])
        by = tuple(dict.fromkeys(column for column, _ in found))
        if len(by) > MOST_SPLITS:
            raise NoAnswer(f"A number is split by at most {MOST_SPLITS} columns; this asks for {len(by)}.")
        for column in by:
            self._part("split", *(span for name, span in found if name == column), said=column)
        return by

    def _rank(self, by: tuple[str, ...], direction: str) -> tuple[Ranking | None, tuple[str, ...]]:
        found = self.found
        self._once("rankings", [rank.span for rank in found.ranks])
        rank = found.ranks[0] if found.ranks else None
        loose = list(found.loose)
        if rank is None:
            found.unknown.extend((span, True) for _, span, _ in loose)
            return None, by
        plural = any(many for _, _, many in loose) or bool(by)
        if loose:
            column, span, _ = loose.pop(0)
            self._part("split", span, said=column)
            by = tuple(dict.fromkeys((column, *by)))
            found.unknown.extend((span, True) for _, span, _ in loose)
        if not by:
            raise NoAnswer(
                f"“{self.text[rank.span[0] : rank.span[1]]}” of what? Say for example: top 5 reps by won value."
            )
        if len(by) > 1:
            raise NoAnswer("A ranking is over one column.")
        self._part("ranking", rank.span)
        least = rank.order == "least" or (rank.order, direction == "down") in (
            ("best", True),
            ("worst", False),
        )
        many = rank.count or (FEW if plural or self._says_top(rank) else 1)
        return Ranking(many, "least" if least else "most"), by

    def _says_top(self, rank: Ranked) -> bool:
        return self.text[rank.span[0] : rank.span[1]].casefold() in (*words.TOP, *words.BOTTOM)

    # --- Neither ------------------------------------------------------------------------------------

    def _neither(self) -> Query:
        found = self.found
        named = [span for span, _ in found.unknown] + [span for part in found.filters for span in part.spans]
        named += [span for _, span, _ in found.several]
        if 0 < len(self.reading.items) <= FEW_WORDS and all(i.kind == "fill" for i in self.reading.items):
            named = [self.reading.span(0, len(self.reading.items) - 1)]  # "It" may be somebody's company
        more = found.periods or found.against or found.splits or found.ranks or found.closing or found.created
        odd = [span for span, _ in found.unknown if span not in found.words]
        if named and not more and not odd and not found.deals and len(named) <= MOST_NAMED:
            if found.filters and not found.unknown and not found.several and not self._named_records():
                return self._list()
            said = " ".join(self.text[a:b] for a, b in sorted(named))
            self.found.filters.clear()
            self.found.several.clear()
            self.near = nearest(self.text, self.vocabulary)
            return Query("record", words=tuple(said.split()))
        near = nearest(self.text, self.vocabulary)
        if odd and found.deals:
            said = " and ".join(f"“{self.text[a:b]}”" for a, b in sorted(odd))
            raise NoAnswer(f"I did not understand {said}, so there is no list and no number.", near)
        raise NoAnswer("No number could be told from this question.", near)


__all__ = ["ALL", "understand"]
