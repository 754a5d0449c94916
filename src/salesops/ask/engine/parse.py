"""A question in words -> a query of the catalogue, or the reason why there is none. Deterministic; no model, no clock.

What changes the meaning of a question is either understood or the reason why there is no answer: nothing is
guessed in silence. Words that change nothing and are not known are told beside the answer.
"""

from __future__ import annotations

from datetime import date

from salesops.analytics.engine.filters import Filter
from salesops.ask.engine import words
from salesops.ask.engine.dates import COUNTS, Days
from salesops.ask.engine.found import Ranked, Span
from salesops.ask.engine.items import Lexicon, cut
from salesops.ask.engine.judging import ALL, Judgement, NoAnswer, merged, tidied
from salesops.ask.engine.nearest import nearest
from salesops.ask.engine.query import Choice, Part, Query, Ranking, Understood
from salesops.ask.engine.reading import Reading
from salesops.ask.engine.tokens import cleaned
from salesops.core.calendars import Period, PeriodError

FEW, MANY = 5, 10
"""How many groups, and deals, a ranking shows that does not say how many."""
MOST_SPLITS = 2
FEW_WORDS = 2
MOST_NAMED = 8
"""Words that may be looked for as the name of a record."""
_RECORDS = frozenset({"account_name", "owner_name", "manager_name"})
"""Columns whose values are names of records: said alone, the record is looked for."""
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


class _Verdict(Judgement):
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
        return Understood(self.text, query, parts, unknown, problem, choices)

    def _query(self) -> Query:
        found = self.found
        if self._is_list():
            query = self._list()
        elif found.numbers:
            query = self._number()
        else:
            query = self._neither()
        self._refuse_changing(query)
        return query

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
            filters.append(self._dated("expected_close_on", due, span))
        for created, span in found.created:
            filters.append(self._dated("created_on", created, span))
        period, ever = self._period()
        against = self._compared(period, ever)
        by = self._splits(number.dated_by, number.title)
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

    def _dated(self, column: str, period: Period, span: Span) -> Filter:
        item = Filter(column, "between", (period.first.isoformat(), period.last.isoformat()))
        self.parts.append(Part("filter", period.title, (span,), item))
        return item

    def _splits(self, dated_by: str, title: str) -> tuple[str, ...]:
        found = list(self.found.splits)
        for kind, span in self.found.each:
            if dated_by not in _CREATED_OR_CLOSED:
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

    # --- A list -------------------------------------------------------------------------------------

    def _is_list(self) -> bool:
        found = self.found
        names = {name for names, _ in found.numbers for name in names}
        deals = found.deals or bool(names & {"open_deals", "won_deals", "lost_deals"})
        created = found.shown and "deals_created" in names
        deals = deals or created
        only_deals = all(set(ns) & {*words.AS_STATUS, "deals_created"} for ns, _ in found.numbers)
        if not only_deals:
            return False
        if found.lines or found.flags:
            return True
        if found.shown and found.deals and not found.numbers:
            return True
        if found.splits or found.each or found.against or (found.loose and found.ranks):
            return False
        if found.shown and deals:
            return True
        if found.ranks and deals and not found.numbers:
            return True
        ranked = bool(found.ranks) and any(
            set(ns) & {"open_deals", "won_deals", "lost_deals"} for ns, _ in found.numbers
        )
        narrowed = (
            found.filters or found.closing or found.created or found.status or found.periods or found.closed
        )
        return ranked or (found.deals and not found.numbers and bool(narrowed or found.several))

    def _list(self) -> Query:
        found = self.found
        if found.splits or found.each or found.against:
            span = [
                *[s for _, s in found.splits],
                *[s for _, s in found.each],
                *[s for _, s, _ in found.against],
            ][0]
            raise NoAnswer(f"A list of deals takes no “{self.text[span[0] : span[1]]}”: ask for a number.")
        found.unknown.extend((span, True) for _, span, _ in found.loose)
        filters = self._filters()
        status = self._status()
        period, _ = self._period()
        dated = found.closed or any("deals_created" in names for names, _ in found.numbers)
        if period and (found.lines or (found.flags and status not in ("won", "lost") and not dated)):
            raise self._of_which_date(period)
        self._once("dates", [*(s for _, s in found.closing), *(s for _, s in found.periods)])
        for one, span in found.closing:
            period = one
            self._part("list", span, said=f"closing in {one.title}")
        self._once("dates of creation", [span for _, span in found.created])
        created = found.created[0][0] if found.created else None
        if any("deals_created" in names for names, _ in found.numbers) and created is None:
            if period is None:
                raise NoAnswer("Say when these deals were created: show deals created last month.")
            created, period, status = period, None, status or "all"
            self._part("list", *(s for _, s in found.numbers), said=f"created in {created.title}")
        for one, span in found.created:
            self._part("list", span, said=f"created in {one.title}")
        if found.closed and not status:
            filters = (*filters, Filter("stage_class", "in", ("won", "lost")))
            self._part("list", *found.closed, said="won or lost")
            status = "all"
        self._once("ways in which a deal stands still: a list takes one", [s for _, s in self._distinct()])
        line = found.lines[0][0] if found.lines else ""
        flags = tuple(dict.fromkeys(code for code, _ in found.flags))
        for _, span in [*found.lines, *found.flags]:
            self._part("list", span)
        if line == "no_next_step":  # a flag of the list, too
            line, flags = "", ("DQ07", *flags)
        if line and (created or status not in ("", "open") or found.flags):
            raise NoAnswer("These conditions stand on two lists, which can't be joined: ask for one of them.")
        flags = tuple(sorted(flags))
        if (flags or line or found.closing) and not status:
            status = "open"
        sort, rank = self._sorted()
        status = status or ("all" if filters or period or created else "open")
        return Query(
            "list",
            "",
            period,
            (),
            filters,
            self._as_of(),
            None,
            rank,
            status,
            line,
            flags,
            created,
            sort,
        )

    def _of_which_date(self, period: Period) -> NoAnswer:
        """A period beside what deals lack or how they stand still may date that, or the deals."""
        span = self.found.periods[0][1]
        label = f"fiscal {period.label}" if period.kind == "year" else period.label.replace("..", " to ")
        ways = [] if self.found.closed else ["closing"] if self.found.lines else ["closing", "created"]
        return NoAnswer(
            f"Which date of these deals is “{self.text[span[0] : span[1]]}” about?",
            tuple(Choice(f"{way} in {period.title}", self._with(span, f"{way} {label}")) for way in ways),
        )

    def _distinct(self) -> list[tuple[str, Span]]:
        return list({line: (line, span) for line, span in self.found.lines}.values())

    def _status(self) -> str:
        found = self.found
        said = [(words.AS_STATUS[n], span) for ns, span in found.numbers for n in ns if n in words.AS_STATUS]
        said += found.status
        kinds = dict(said)
        if len(kinds) > 1:
            raise NoAnswer("A list shows open, won or lost deals: ask for one of them.")
        for kind, span in said:
            self._part("list", span, said=f"{kind} deals")
        return next(iter(kinds), "")

    def _sorted(self) -> tuple[str, Ranking | None]:
        self._once("rankings", [rank.span for rank in self.found.ranks])
        if not self.found.ranks:
            return "", None
        rank = self.found.ranks[0]
        said = self.text[rank.span[0] : rank.span[1]]
        if rank.order in ("best", "worst") or not words.BY_AMOUNT.issuperset(
            word.casefold() for word in said.split() if word.isalpha() and word.casefold() not in COUNTS
        ):
            raise NoAnswer(f"A list of deals is sorted by amount, not by “{said}”: ask for the largest ones.")
        self._part("ranking", rank.span)
        least = rank.order == "least"
        return ("amount" if least else "-amount"), Ranking(rank.count or MANY, "least" if least else "most")

    def _named_records(self) -> bool:
        return any(part.filter and part.filter.column in _RECORDS for part in self.found.filters)

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
