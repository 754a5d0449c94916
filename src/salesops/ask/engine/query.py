"""What a question asks for, in the catalogue's terms, and how each of its words was taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from salesops.analytics.engine.filters import Filter
from salesops.core.calendars import FiscalCalendar, Period

Kind = Literal["number", "list", "record"]
Order = Literal["most", "least"]


@dataclass(frozen=True)
class Ranking:
    """Which groups of a split are asked for.

    Attributes:
        count: how many.
        order: the largest values first, or the smallest.
    """

    count: int
    order: Order = "most"


@dataclass(frozen=True)
class Query:
    """A question in the catalogue's terms.

    Attributes:
        kind: a number, a list of deals, or a record by its name.
        kpi: name of the number; "" in a list.
        period: of a number the days it is asked for, of a list those of its close date; None for the
            usual one of a number (the quarter of the day) and for any day of a list.
        by: columns to split by.
        filters: conditions on the rows.
        as_of: state as of the end of that day.
        against: the period it is compared with.
        known: with the facts and decisions recorded by the end of that day; None for all of them.
        rank: which groups of the split, or how many deals of a list.
        status: of a list: open, won, lost, all, "" where none was named.
        line: of a list: the line of the pipeline inspection whose deals are asked for.
        flags: of a list: codes of why-flags.
        created: of a list: days of creation.
        sort: of a list: column, with a minus for descending.
        words: of a record: what it may be called.
    """

    kind: Kind = "number"
    kpi: str = ""
    period: Period | None = None
    by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    as_of: date | None = None
    against: Period | None = None
    rank: Ranking | None = None
    status: str = ""
    line: str = ""
    flags: tuple[str, ...] = ()
    created: Period | None = None
    sort: str = ""
    words: tuple[str, ...] = ()
    known: date | None = None


Role = Literal[
    "number", "period", "split", "filter", "comparison", "day", "known", "ranking", "list", "record"
]


@dataclass(frozen=True)
class Part:
    """Words that were understood as one thing.

    Attributes:
        role: what they say of the question.
        said: what they were taken for, in a few words; the surfaces may say it better.
        spans: where they stand in the question: (start, end excluded) of each stretch.
        filter: the condition they make.
    """

    role: Role
    said: str
    spans: tuple[tuple[int, int], ...]
    filter: Filter | None = None


@dataclass(frozen=True)
class Choice:
    """One way to take words that may be taken in several.

    Attributes:
        said: what they would mean.
        question: the whole question, said so that it means that.
        kpi: name of the number that it is about; "" where it is about something else.
    """

    said: str
    question: str
    kpi: str = ""


@dataclass(frozen=True)
class Understood:
    """A question as it was read.

    Attributes:
        text: the question, cleaned.
        query: what it asks for; None where that can't be told.
        parts: words that were understood.
        unknown: (start, end) of words that were not.
        problem: why there is no answer, in a sentence; "" where there is one.
        choices: ways to ask it, where there are several or only near ones.
        known: the day whose knowledge is asked for, also where there is no answer; None for now.
    """

    text: str
    query: Query | None
    parts: tuple[Part, ...] = ()
    unknown: tuple[tuple[int, int], ...] = ()
    problem: str = ""
    choices: tuple[Choice, ...] = ()
    known: date | None = None

    @property
    def unknown_words(self) -> list[str]:
        """The words that were not understood, as they were written."""
        return [self.text[start:end] for start, end in self.unknown]

    def without(self, spans: tuple[tuple[int, int], ...]) -> str:
        """The question without some of its words."""
        kept, at = [], 0
        for start, end in sorted(spans):
            kept.append(self.text[at:start])
            at = max(at, end)
        kept.append(self.text[at:])
        return " ".join(" ".join(kept).split())


@dataclass(frozen=True)
class Number:
    """A number that may be asked for.

    Attributes:
        name: its name in the catalogue.
        title: its label.
        phrases: what people call it; the first one always means this number and no other.
        direction: whether more is better.
        dated_by: column that a period acts on.
        sentence: what it says.
        of_day: whether it is a stock, read at the end of one day, so that no range chooses its rows.
        placed: whether all that it counts holds its date of creation or close, so that these split it.
    """

    name: str
    title: str
    phrases: tuple[str, ...]
    direction: str = "up"
    dated_by: str = "closed_on"
    sentence: str = ""
    of_day: bool = False
    placed: bool = True


@dataclass(frozen=True)
class Vocabulary:
    """Everything a question may name: what the catalogue knows and what the reader may see.

    Attributes:
        numbers: numbers, in the catalogue's order.
        dimensions: column -> what people call it; the first phrase always means this column.
        values: column -> the values that the reader's own rows hold.
        calendar: the firm's.
        today: the data's own date.
        me: name of the person that the reader stands for; "" for none.
        now: the day on which it is asked, which days of knowledge are told from; the data's own where None.
    """

    numbers: tuple[Number, ...]
    dimensions: Mapping[str, tuple[str, ...]]
    values: Mapping[str, tuple[str, ...]]
    calendar: FiscalCalendar
    today: date
    me: str = ""
    now: date | None = None
    named: Mapping[str, Number] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "named", {number.name: number for number in self.numbers})

    @property
    def asked_on(self) -> date:
        """The day on which it is asked."""
        return self.now or self.today
