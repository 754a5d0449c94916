"""A question that asks for deals, judged as a whole: which list, under which conditions."""

from __future__ import annotations

from datetime import timedelta

from salesops.analytics.engine.filters import Filter
from salesops.ask.engine import words
from salesops.ask.engine.dates import COUNTS
from salesops.ask.engine.found import Span
from salesops.ask.engine.judging import Judgement, NoAnswer, is_open
from salesops.ask.engine.query import Choice, Query, Ranking
from salesops.core.calendars import Period

MANY = 10
"""How many deals a ranking shows that does not say how many."""
_RECORDS = frozenset({"account_name", "owner_name", "manager_name"})
"""Columns whose values are names of records: said alone, the record is looked for."""


class Listing(Judgement):
    """Whether deals are asked for, and which."""

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
        if found.splits or found.each or found.against or found.trend or (found.loose and found.ranks):
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
            or found.ages
        )  # fmt: skip
        return ranked or (found.deals and not found.numbers and bool(narrowed or found.several))

    def _list(self) -> Query:
        found = self.found
        if found.splits or found.each or found.against or found.trend:
            span = [
                *[s for _, s in found.splits],
                *[s for _, s in found.each],
                *[s for _, s, _ in found.against],
                *found.trend,
            ][0]
            raise NoAnswer(f"A list of deals takes no “{self.text[span[0] : span[1]]}”: ask for a number.")
        found.unknown.extend((span, True) for _, span, _ in found.loose)
        filters = self._filters()
        status = self._status()
        period, _ = self._period()
        dated = found.closed or any("deals_created" in names for names, _ in found.numbers)
        if period and (
            found.lines or found.ages or (found.flags and status not in ("won", "lost") and not dated)
        ):
            raise self._of_which_date(period)
        self._refuse_years_ago(status, bool(dated))
        filters += tuple(self._aged(status in ("", "open") and not dated, "This list"))
        period, created, status = self._dates(period, status)
        period, created, ranges = self._ranges(period, created, status)
        filters += ranges
        if found.closed and not status:
            filters = (*filters, Filter("stage_class", "in", ("won", "lost")))
            self._part("list", *found.closed, said="won or lost")
            status = "all"
        line, flags = self._standing()
        if line and (created or status not in ("", "open") or found.flags):
            raise NoAnswer("These conditions stand on two lists, which can't be joined: ask for one of them.")
        if (flags or line or found.closing or found.ages) and not status:
            status = "open"
        sort, rank = self._sorted()
        status = status or ("all" if filters or period or created else "open")
        as_of = self._as_of()
        return Query(
            "list", "", period, (), filters, as_of, None, rank, status, line, flags, created, sort
        )  # fmt: skip

    def _dates(self, period: Period | None, status: str) -> tuple[Period | None, Period | None, str]:
        """The days of the close date and those of creation, and the status that they say."""
        found = self.found
        self._once("dates", [*(s for _, s in found.closing), *(s for _, s in found.periods)])
        for one, span in found.closing:
            period = one
            if not is_open(one):
                self._part("list", span, said=f"closing in {one.title}")
        self._once("dates of creation", [span for _, span in found.created])
        created = found.created[0][0] if found.created else None
        if any("deals_created" in names for names, _ in found.numbers) and created is None:
            if period is None:
                raise NoAnswer("Say when these deals were created: show deals created last month.")
            created, period, status = period, None, status or "all"
            said = "created" if is_open(created) else f"created in {created.title}"
            self._part("list", *(s for _, s in found.numbers), said=said)
        for one, span in found.created:
            if not is_open(one):
                self._part("list", span, said=f"created in {one.title}")
        return period, created, status

    def _ranges(
        self, period: Period | None, created: Period | None, status: str
    ) -> tuple[Period | None, Period | None, tuple[Filter, ...]]:
        """The same, where an end is not said as conditions on the columns of days."""
        found, filters = self.found, []
        if period and is_open(period) and found.closing:
            if status not in ("", "open"):
                raise NoAnswer(
                    f"Deals that are {status} close no more: say closed before a day, or after it."
                )
            filters.append(self._ended("expected_close_on", period, found.closing[0][1]))
            period = None
        elif period and is_open(period):
            if self._undated(status):
                raise self._of_which_date(period)
            filters.append(self._ended("closed_on", period, found.periods[0][1]))
            period = None
        elif period and found.periods and found.periods[0][0].ranged and self._undated(status):
            raise self._of_which_date(period)
        if created and is_open(created):
            span = found.created[0][1] if found.created else found.periods[0][1]
            filters.append(self._ended("created_on", created, span))
            created = None
        return period, created, tuple(filters)

    def _undated(self, status: str) -> bool:
        """Whether a range may be about another date than the close: of deals that are not said to be closed."""
        return status not in ("won", "lost") and not self.found.closed

    def _refuse_years_ago(self, status: str, dated: bool) -> None:
        """Refuse "open deals a year ago", which means a day, not the close dates of a quarter."""
        found = self.found
        days = [(when.same_day, span) for when, span in found.periods if when.same_day]
        if days and status in ("", "open") and not dated and not found.created:
            raise self._of_day(days[0][0], days[0][1])

    def _standing(self) -> tuple[str, tuple[str, ...]]:
        """The line of the inspection and the flags of the list that are asked for."""
        found = self.found
        self._once("ways in which a deal stands still: a list takes one", [s for _, s in self._distinct()])
        line = found.lines[0][0] if found.lines else ""
        flags = tuple(dict.fromkeys(code for code, _ in found.flags))
        for _, span in [*found.lines, *found.flags]:
            self._part("list", span)
        if line == "no_next_step":  # a flag of the list, too
            line, flags = "", ("DQ07", *flags)
        return line, tuple(sorted(flags))

    def _of_which_date(self, period: Period) -> NoAnswer:
        """A period beside what deals lack or how they stand still may date that, or the deals."""
        when, span = self.found.periods[0]
        onward = when.ranged and period.last == self.today and not self.found.lines
        if is_open(period) or onward:
            said = f"since {period.first}" if onward else f"before {period.last + timedelta(days=1)}"
            return NoAnswer(
                f"Which date of these deals is “{self.text[span[0] : span[1]]}” about?",
                tuple(
                    Choice(f"{way} {said}", self._with(span, f"{way} {said}"))
                    for way in ("closing", "created")
                ),
            )
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
