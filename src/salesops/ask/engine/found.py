"""What was read in a question, thing by thing, before it is judged as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from salesops.ask.engine.dates import When
from salesops.ask.engine.items import Valued
from salesops.ask.engine.query import Order, Part
from salesops.core.calendars import Period

Span = tuple[int, int]


@dataclass
class Ranked:
    """A ranking as it was said: how many, in which order, and where."""

    order: Order | str
    count: int | None
    span: Span


@dataclass
class Found:
    """Everything that was read, before it is judged as a whole."""

    numbers: list[tuple[tuple[str, ...], Span]] = field(default_factory=list)
    periods: list[tuple[When, Span]] = field(default_factory=list)
    against: list[tuple[When, Span, bool]] = field(default_factory=list)
    as_of: list[tuple[When, Span]] = field(default_factory=list)
    closing: list[tuple[Period, Span]] = field(default_factory=list)
    created: list[tuple[Period, Span]] = field(default_factory=list)
    splits: list[tuple[str, Span]] = field(default_factory=list)
    each: list[tuple[str, Span]] = field(default_factory=list)
    loose: list[tuple[str, Span, bool]] = field(default_factory=list)
    filters: list[Part] = field(default_factory=list)
    several: list[tuple[tuple[Valued, ...], Span, str]] = field(default_factory=list)
    ranks: list[Ranked] = field(default_factory=list)
    lines: list[tuple[str, Span]] = field(default_factory=list)
    flags: list[tuple[str, Span]] = field(default_factory=list)
    status: list[tuple[str, Span]] = field(default_factory=list)
    open_ended: list[tuple[Span, bool]] = field(default_factory=list)
    """What joins a value to one that is left out; whether both are of one column."""
    unknown: list[tuple[Span, bool]] = field(default_factory=list)
    """Words not understood; whether they change what is asked."""
    words: list[Span] = field(default_factory=list)
    """Those of them that are no words of ours: what a record may be called."""
    vague: list[tuple[Span, str]] = field(default_factory=list)
    """An "until" that may or may not hold the period it names, and the words of that period."""
    ages: list[tuple[str, date, Span]] = field(default_factory=list)
    """How the day of creation compares with a day: operator, day."""
    agos: list[Span] = field(default_factory=list)
    """Days of creation that are told from today: "created more than 90 days ago"."""
    stage_ages: list[Span] = field(default_factory=list)
    known: list[tuple[date, Span]] = field(default_factory=list)
    trend: list[Span] = field(default_factory=list)
    deals: bool = False
    shown: bool = False
    closed: list[Span] = field(default_factory=list)
    mine: Span | None = None
