"""What every judgement of a question shares: what is refused, conditions, days."""

from __future__ import annotations

from datetime import date

from salesops.analytics.engine.filters import Filter
from salesops.ask.engine.dates import BEGIN, END, When
from salesops.ask.engine.found import Span
from salesops.ask.engine.items import Lexicon
from salesops.ask.engine.query import Choice, Part, Query, Role, Understood
from salesops.ask.engine.reading import Reading
from salesops.core.calendars import Period

ALL = Period("custom", "all", "All data", date(1, 1, 1), date(9999, 12, 31))
"""Stands for every day in a query: what "all time" asks for."""


class NoAnswer(Exception):
    """Why there is no answer, and what could be asked instead."""

    def __init__(self, problem: str, choices: tuple[Choice, ...] = ()) -> None:
        super().__init__(problem)
        self.problem, self.choices = problem, choices


class Judgement:
    """What was read, judged as a whole."""

    def __init__(self, text: str, reading: Reading, lexicon: Lexicon, today: date) -> None:
        self.text, self.reading, self.found = text, reading, reading.found
        self.lexicon, self.vocabulary = lexicon, lexicon.vocabulary
        self.today = today
        self.days = reading.days
        self.parts: list[Part] = []
        self.near: tuple[Choice, ...] = ()

    # --- What can't be passed by --------------------------------------------------------------------

    def _refuse_changing(self, query: Query) -> None:
        if query.kind == "record":
            return
        changing = merged(self.text, [span for span, changes in self.found.unknown if changes])
        if self.found.mine:
            raise NoAnswer(
                "This account stands for no person in the data, so nothing in it is its own: "
                "ask for our, or name somebody.",
                self._left_out(tuple(changing)),
            )
        if changing:
            said = " and ".join(f"“{self.text[a:b]}”" for a, b in sorted(changing))
            raise NoAnswer(
                f"I did not understand {said}, which may change what is asked, so there is no answer.",
                self._left_out(tuple(changing)),
            )

    def _left_out(self, spans: tuple[Span, ...]) -> tuple[Choice, ...]:
        rest = tidied(Understood(self.text, None).without(spans))
        return (Choice("The question without these words", rest),) if rest else ()

    def _of_day(self, day: date | None, span: Span) -> NoAnswer:
        """What a stock is told of instead of a range or a while ago: one day."""
        return NoAnswer(
            f"“{self.text[span[0] : span[1]]}” may mean a day or a quarter, and what is open is told as of a day.",
            (Choice(f"as it stood at the end of {day}", self._with(span, f"as of {day}")),),
        )

    def _once(self, what: str, places: list[Span]) -> None:
        if len(places) > 1:
            said = " and ".join(f"“{self.text[a:b]}”" for a, b in places)
            raise NoAnswer(f"{said} are {len(places)} {what}: ask for one at a time.")

    def _part(self, role: Role, *spans: Span, said: str = "") -> None:
        self.parts.append(Part(role, said, spans))

    # --- Filters ------------------------------------------------------------------------------------

    def _filters(self) -> tuple[Filter, ...]:
        for meant, span, negated in self.found.several:
            column_names = self.vocabulary.dimensions
            choices = []
            for column, value in meant:
                called = column_names.get(column, (column,))[0]
                written = value.replace('"', " ")
                choices.append(
                    Choice(f"{called} {value}", self._with(span, f'{negated}{called} "{written}"'))
                )
            raise NoAnswer(
                f"“{self.text[span[0] : span[1]]}” may be taken in several ways.", tuple(choices[:8])
            )
        for span, one_column in self.found.open_ended:
            ways = [("left out, too", " or " if one_column else " not ")]
            ways += [] if one_column else [("only these", " ")]
            raise NoAnswer(
                "What follows may be left out, too, or be the only one that counts. Which is meant?",
                tuple(Choice(f"What follows: {said}", self._with(span, joins)) for said, joins in ways),
            )
        filters = [part.filter for part in self.found.filters if part.filter is not None]
        for item in filters:
            if item.op in ("eq", "in") and any(
                other is not item and other.column == item.column and other.op in ("eq", "in")
                for other in filters
            ):
                raise NoAnswer(
                    "Two conditions on the same column can't both hold: join what may be either by “or”."
                )
        return tuple(dict.fromkeys(filters))

    def _with(self, span: Span, words_: str) -> str:
        """The question with other words in place of some."""
        return " ".join(f"{self.text[: span[0]]} {words_} {self.text[span[1] :]}".split())

    # --- Days ---------------------------------------------------------------------------------------

    def _refuse_vague(self) -> None:
        """Refuse what may be read in two ways, and what no column tells."""
        for span, named in self.found.vague:
            raise NoAnswer(
                f"“{self.text[span[0] : span[1]]}” may or may not hold {named} itself. Which is meant?",
                (
                    Choice(f"the days before {named}", self._with(span, f"before {named}")),
                    Choice(f"{named}, too", self._with(span, f"through {named}")),
                ),
            )
        for span in self.found.stage_ages:
            raise NoAnswer(
                f"I can't narrow to “{self.text[span[0] : span[1]]}”: no column of a deal holds its days in the stage. "
                "Ask for stalled deals, which stand longer than 90% of the won ones did, or for the number Stage age.",
                (Choice("deals that stand longer than 90% of the won ones did", "stalled deals"),
                 Choice("how long open deals stand in their stage", "stage age by stage")),
            )  # fmt: skip

    def _aged(self, of_open: bool, what: str) -> list[Filter]:
        """Conditions on the day of creation that ages ask for: of open deals alone, whose age is told from today."""
        found = []
        for op, day, span in self.found.ages:
            if not of_open:
                side = {"lt": "before", "le": "on or before", "gt": "after", "ge": "on or after"}[op]
                said = self.text[span[0] : span[1]]
                told = self._with(span, f"created {side} {day}")
                raise NoAnswer(
                    f"{what} holds deals that are closed, whose age may be counted until today or until they "
                    f"closed: “{said}” may mean either.",
                    (Choice(f"deals created {side} {day}", told),),
                )
            item = Filter("created_on", op, (day.isoformat(),))
            self.parts.append(Part("filter", "", (span,), item))
            found.append(item)
        return found

    def _refuse_past_ages(self, period: Period | None, against: Period | None, of_day: bool) -> None:
        """Refuse an age beside days that are over: it is told from one day, and the deals are read at another."""
        found = self.found
        over = period is not None and period.last < self.today
        aged = [span for _, _, span in found.ages] + (found.agos if of_day else [])
        if not aged or not (over or against):
            return
        days = [one.last for one in (period, against) if one and one.last < self.today]
        spans = [span for _, span in found.periods] + [span for _, span, _ in found.against]
        spans += [span for _, span in found.as_of]
        rest = tidied(Understood(self.text, None).without(tuple(spans)))
        said = self.text[aged[0][0] : aged[0][1]]
        days = sorted({*days, self.today} if against else days)
        raise NoAnswer(
            f"“{said}” is counted until one day, but these deals are read at another"
            f"{' and compared' if against else ''}: ask as of one day at a time.",
            tuple(Choice(f"as it stood at the end of {day}", f"{rest} as of {day}") for day in days),
        )

    def _ended(self, column: str, period: Period, span: Span) -> Filter:
        """A condition on a column of days: between two of them, or on one side of a day."""
        first, last = period.first.isoformat(), period.last.isoformat()
        if period.first == BEGIN:
            item = Filter(column, "le", (last,))
        elif period.last == END:
            item = Filter(column, "ge", (first,))
        else:
            item = Filter(column, "between", (first, last))
        self.parts.append(Part("filter", "" if is_open(period) else period.title, (span,), item))
        return item

    def _known_on(self) -> date | None:
        found = self.found.known
        self._once("days of knowledge", [span for _, span in found])
        if not found:
            return None
        day, span = found[0]
        self._part("known", span)
        if day > self.vocabulary.asked_on:
            raise NoAnswer(
                f"What will be known on {day} nobody knows yet: it is {self.vocabulary.asked_on} today."
            )
        return day

    def _period(self) -> tuple[Period | None, bool]:
        """The period asked for, and whether all days are."""
        found = self.found.periods
        self._once("periods", [span for _, span in found])
        if not found:
            return None, False
        when, span = found[0]
        self._part("period", span)
        if when.says == "ever":
            return None, True
        return when.period, False

    def _as_of(self) -> date | None:
        found = self.found.as_of
        self._once("days", [span for _, span in found])
        if not found or found[0][0].period is None:
            return None
        when, span = found[0]
        self._part("day", span)
        day = found[0][0].period.last
        if when.says == "day" and day > self.vocabulary.today:
            raise NoAnswer(f"The data ends on {self.vocabulary.today}: ask for that day or an earlier one.")
        return min(day, self.vocabulary.today)

    def _compared(self, period: Period | None, ever: bool, *, of_day: bool = False) -> Period | None:
        """The period it is compared with; a stock of today with that of the same day, not of a period's end."""
        found = self.found.against
        self._once("comparisons", [span for _, span, _ in found])
        if not found:
            return None
        when, span, last_year = found[0]
        self._part("comparison", span)
        said = self.text[span[0] : span[1]]
        if ever:
            raise NoAnswer("All data can't be compared with a part of it: name a period.")
        if period is not None and is_open(period):
            raise NoAnswer(f"“{said}” compares with a period that has no begin: name its first day, too.")
        base = period or self.days.calendar.period("quarter", self.today)
        if of_day and when.earlier and when.same is None and base.contains(self.today):
            base = self.days.calendar.to_date(base, self.today)
        against = self._other(base, when, last_year)
        if against is not None and (against.first, against.last) == (base.first, base.last):
            raise NoAnswer(f"“{said}” is the period asked for itself, {base.title}: name two that differ.")
        return against

    def _other(self, base: Period, when: When, last_year: bool) -> Period | None:
        """The period that ``base`` is compared with; "previous" counts from it, "last" from today."""
        if when.says == "earlier" and when.earlier:
            if when.same not in (None, "day", base.kind) and base.kind != "custom":
                raise NoAnswer(f"{base.title} is no {when.same}: name the period it is compared with.")
            return self.days.before(base, when.earlier)
        if last_year and base.kind != "year":
            return self.days.before(base, "year")
        if when.prior:
            return self.days.preceding(base, *when.prior)
        if when.back and when.period is not None and self._just_before(base, when.period):
            return self.days.before(base, when.period.kind)
        return when.period

    def _just_before(self, base: Period, other: Period) -> bool:
        """Whether ``base`` is a begun period up to today, and ``other`` the whole one before: "QTD vs last quarter"."""
        if base.kind != "custom" or base.last != self.today or other.kind not in ("year", "quarter", "month"):
            return False
        whole = self.days.calendar.period(other.kind, self.today)
        return base.first == whole.first and other == self.days.calendar.shift(whole, -1)


def is_open(period: Period) -> bool:
    """Whether a period has an end that is not said."""
    return (period.first == BEGIN) != (period.last == END)


def merged(text: str, spans: list[Span]) -> list[Span]:
    """Stretches of words, those that stand side by side as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and not text[found[-1][1] : start].strip():
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


_DANGLING = frozenset(
    {"and", "or", "for", "in", "of", "by", "to", "with", "from", "at", "on", "than", "vs", "&"}
)


def tidied(text: str) -> str:
    """A question from which words were taken, without the small words that they leave at its ends."""
    said = text.split()
    while said and said[-1].strip("?.!,").casefold() in _DANGLING:
        said.pop()
    while said and said[0].casefold() in ("and", "or"):
        said.pop(0)
    return " ".join(said)
