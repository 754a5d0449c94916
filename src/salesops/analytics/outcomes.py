"""The four outcomes of sales operations, and the share of reps at quota: now and on the same day earlier.

Each side is read from the facts as they stood on its own day, so what was closed or mended since does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from salesops.analytics.addresses import Address, AddressError
from salesops.analytics.choices import extent
from salesops.analytics.engine.figure import Figure, exact, quotient, undefined
from salesops.analytics.engine.formulas import FORMULAS
from salesops.analytics.engine.kpi import Kpi
from salesops.analytics.engine.noise import Movement
from salesops.analytics.kept import remembered, state_key
from salesops.analytics.outcome_sides import (
    CLEAN,
    GOALS,
    OF_FINISHED,
    Goal,
    Side,
    applicable,
    clean_of,
    faults_of,
    movements_of,
    names_of,
    read_side,
)
from salesops.analytics.selectors import OpenQuestion, ask
from salesops.core.calendars import FiscalCalendar, Period, PeriodError
from salesops.platform.actors import Actor
from salesops.process.inputs import NoDataError
from salesops.quality.engine.rules import Rule

Against = Literal["year", "period"]
Better = Literal["better", "worse", "same", "unknown"]
A_YEAR: Mapping[str, int] = {"month": 12, "quarter": 4, "half": 2, "year": 1}
"""Kind of period -> how many of them are a year."""


@dataclass(frozen=True)
class Line:
    """One number, now and then.

    Attributes:
        goal: the outcome it belongs to.
        lead: whether the outcome is judged by it.
        kpi: its declaration; None for the share of clean records.
        now, then: values with the reason where there is none.
        period: of ``now``; ``period_then`` of ``then``.
        change: now - then.
        better: whether that is an improvement.
        movement: its latest whole period against those before it; None beside the lead, and where no series is.
        rows: rows that ``now`` and ``then`` rest on.
        judged: the period that ``movement`` is of.
    """

    goal: Goal
    lead: bool
    kpi: Kpi | None
    now: Figure
    then: Figure
    period: Period
    period_then: Period
    change: Figure
    better: Better
    movement: Movement | None = None
    rows: tuple[int, int] = (0, 0)
    judged: Period | None = None


@dataclass(frozen=True)
class RepLine:
    """One owner with a quota, now and then.

    Attributes:
        now, then: won and quota of the period; None where he carried none, or where it can't be told.
        now_known, then_known: whether None means that he carried none.
    """

    owner_id: str
    name: str
    now: tuple[Decimal, Decimal] | None
    then: tuple[Decimal, Decimal] | None
    now_known: bool = True
    then_known: bool = True

    @property
    def change(self) -> str:
        """What changed of him, as a key.

        reached, lost, still_at, still_below; joined_at, joined_below, gone: with a quota on one side alone; at,
        below, unseen: of the other side it can't be told.
        """
        if self.now is None:
            return "gone" if self.now_known else "unseen"
        reached = self.now[0] >= self.now[1]
        if self.then is None and not self.then_known:
            return "at" if reached else "below"
        if self.then is None:
            return "joined_at" if reached else "joined_below"
        before = self.then[0] >= self.then[1]
        return {(True, True): "still_at", (True, False): "lost", (False, True): "reached"}.get(
            (before, reached), "still_below"
        )


@dataclass(frozen=True)
class RuleLine:
    """One rule of data quality: rows at fault, of those judged, now and then; None without a comparison."""

    rule: Rule
    now: tuple[int, int]
    then: tuple[int, int] | None


@dataclass(frozen=True)
class Outcomes:
    """The scorecard.

    Attributes:
        period, day: what is asked for and the day it is read at.
        earlier, day_then: what it is compared with.
        judged: the latest whole period, which noise is judged of; None where the data holds none.
        lines: numbers in the order of the goals.
        improved, of: how many of the four outcomes are better.
        reps: owners with a quota; ``reps_reason`` says why there are none.
        rules: rules of data quality judged on both days; without a comparison those judged now.
        then_reason: why there is no earlier side; "" where there is one.
        currency: of money.
        notes: sentences that belong beside the numbers.
    """

    period: Period
    day: date
    earlier: Period
    day_then: date
    judged: Period | None
    lines: tuple[Line, ...]
    improved: int
    of: int
    reps: tuple[RepLine, ...]
    reps_reason: str
    rules: tuple[RuleLine, ...]
    currency: str
    notes: tuple[str, ...] = ()
    then_reason: str = ""


def outcomes(actor: Actor, address: Address, against: Against) -> Outcomes:
    """The scorecard of a period for a reader; kept while what it rests on stays the same.

    Args:
        actor: whose rows.
        address: period, team and filters; a running period is read to the data's day.
        against: the same days a year before, or of the period before.

    Raises:
        AddressError: the period has not begun, or has none to be compared with.
        NoDataError: nothing was imported yet.
    """
    with ask(actor, address.question()) as asked:
        key = ("outcomes", against, address.query(), *state_key(asked.frames))
        return remembered(key, lambda: _outcomes(actor, address, against, asked))


def _outcomes(actor: Actor, address: Address, against: Against, asked: OpenQuestion) -> Outcomes:
    period, calendar = asked.period, asked.frames.firm.calendar
    earlier = _earlier(calendar, period, against)
    assert period is not None  # else there is none before it
    if period.first > asked.frames.as_of:
        raise AddressError(f"{period.title} has not begun on {asked.frames.as_of}, the day asked for.")
    day = min(asked.frames.as_of, period.last)
    day_then = calendar.same_day_of(period, earlier, day)
    finished = (period, earlier)
    if day != period.last:
        finished = calendar.shift(period, -1), calendar.shift(earlier, -1)
    question = address.question()
    then, shared, clean_then = Side(), list[Rule](), None
    with ask(actor, replace(question, period=period.label, as_of=day)) as here:
        first = extent(here.frames).first
        faults = faults_of(here)
        now = read_side(here, finished[0], faults)
        if first is None or earlier.first < first:
            begins = f"the data begins on {first}" if first else "there is no deal"
            then = Side(reason=f"{begins}: {earlier.title} is not whole in it")
        else:
            try:
                with ask(actor, replace(question, period=earlier.label, as_of=day_then)) as before:
                    past = faults_of(before)
                    then = read_side(before, finished[1], past)
                    known = {rule.code for rule in applicable(then)}
                    shared = [rule for rule in applicable(now) if rule.code in known]
                    clean_then = clean_of(past, shared)
            except NoDataError:
                then = Side(reason=f"nothing was known on {day_then}")
        clean = clean_of(faults, shared or applicable(now))
    movements, judged = movements_of(asked, finished[0], first)
    periods = {
        name: finished if name in OF_FINISHED else (period, earlier)
        for goal in GOALS
        for name in names_of(goal)
    }
    lines = [
        _clean_line(goal, clean, clean_then, then.reason, periods[CLEAN])
        if name == CLEAN
        else _line(goal, name, now, then, periods[name], movements.get(name), judged)
        for goal in GOALS
        for name in names_of(goal)
    ]
    card = FORMULAS["scorecard"].call(
        {line.goal.key: _scored(line.goal, line.then) for line in lines if line.lead and line.goal.key},
        {line.goal.key: _scored(line.goal, line.now) for line in lines if line.lead and line.goal.key},
    )
    return Outcomes(
        period=period,
        day=day,
        earlier=earlier,
        day_then=day_then,
        judged=judged,
        lines=tuple(lines),
        improved=sum(one.improved for one in card.values()),
        of=len(card),
        reps=_reps(now, then),
        reps_reason=now.reps_reason,
        rules=_rules(now, then, shared or applicable(now)),
        currency=now.currency,
        notes=now.notes,
        then_reason=then.reason,
    )


def _earlier(calendar: FiscalCalendar, period: Period | None, against: Against) -> Period:
    """The period that a period is compared with.

    Raises:
        AddressError: there is none.
    """
    if period is None:
        raise AddressError("Choose a period: all the data has none before it.")
    steps = A_YEAR.get(period.kind, 0) if against == "year" else 1
    if not steps:
        raise AddressError(f"{period.title} can't be put a year back: choose a month, quarter, half or year.")
    try:
        return calendar.shift(period, -steps)
    except (PeriodError, OverflowError) as error:
        raise AddressError(f"There is no period before {period.title} to compare with.") from error


def _line(
    goal: Goal,
    name: str,
    now: Side,
    then: Side,
    periods: tuple[Period, Period],
    movement: Movement | None,
    judged: Period | None,
) -> Line:
    kpi = now.kpis[name]
    one, other = _figure(now, name), _figure(then, name)
    change, better = _change(one, other, kpi.direction)
    rows = tuple(read.values[name].n if name in read.values else 0 for read in (now, then))
    lead = name == goal.lead
    seen = (rows[0], rows[1])
    return Line(
        goal, lead, kpi, one, other, *periods, change, better, movement if lead else None, seen, judged
    )


def _figure(read: Side, name: str) -> Figure:
    value = read.values.get(name)
    if value is None:
        return undefined(read.refused.get(name) or read.reason or "it can't be asked this way")
    return Figure(value.value) if value.value is not None else undefined(value.reason)


def _clean_line(
    goal: Goal,
    now: tuple[int, int],
    then: tuple[int, int] | None,
    reason: str,
    periods: tuple[Period, Period],
) -> Line:
    nothing = "no deal can be judged"
    one = quotient(*now, unknown=nothing, zero=nothing)
    other = undefined(reason) if then is None else quotient(*then, unknown=nothing, zero=nothing)
    change, better = _change(one, other, "up")
    return Line(
        goal,
        True,
        None,
        one,
        other,
        *periods,
        change,
        better,
        None,
        (now[1], then[1] if then is not None else 0),
    )


def _change(now: Figure, then: Figure, direction: str) -> tuple[Figure, Better]:
    if now.value is None or then.value is None:
        return undefined(now.reason or then.reason), "unknown"
    difference = exact(now.value) - exact(then.value)
    change = quotient(difference, 1, unknown="", zero="")
    if difference == 0:
        return change, "same"
    return change, "better" if (difference > 0) == (direction != "down") else "worse"


def _scored(goal: Goal, figure: Figure) -> Fraction | None:
    """A lead's value as the scorecard takes it: it asks for the error of the forecast, not for its accuracy."""
    if figure.value is None:
        return None
    return 1 - exact(figure.value) if goal.key == "forecast_wape" else exact(figure.value)


def _reps(now: Side, then: Side) -> tuple[RepLine, ...]:
    found = []
    for owner_id in {**now.reps, **then.reps}:
        here, there = now.reps.get(owner_id), then.reps.get(owner_id)
        name = (here or there or ("",))[0]
        sides = (here[1:] if here else None, there[1:] if there else None)
        known = (side.reps_known and owner_id not in side.beyond for side in (now, then))
        found.append(RepLine(owner_id, name, *sides, *known))
    return tuple(sorted(found, key=lambda rep: (rep.now is None, rep.name.casefold(), rep.owner_id)))


def _rules(now: Side, then: Side, rules: Sequence[Rule]) -> tuple[RuleLine, ...]:
    """Those that find a fault, the greatest difference first; without a comparison the most faults first."""

    def of(read: Side) -> dict[str, tuple[int, int]]:
        return {f.rule.code: (f.faulty, f.applicable) for f in read.findings if f.applicable is not None}

    here, there = of(now), of(then)
    lines = [RuleLine(rule, here[rule.code], there.get(rule.code)) for rule in rules]
    lines = [line for line in lines if line.now[0] or (line.then and line.then[0])]
    return tuple(
        sorted(
            lines, key=lambda line: (-abs(line.now[0] - (line.then[0] if line.then else 0)), line.rule.code)
        )
    )


def said_of(line: Line) -> str:
    """Whether a lead's movement bears its change out, as a key: confirmed, noise, unknown; "" where it has none.

    Only of the very period that was judged: how the one before a running period moved says nothing of this one.
    """
    if line.better in ("same", "unknown") or not line.lead:
        return ""
    movement = line.movement
    if movement is None or movement.verdict == "unknown" or line.period != line.judged:
        return "unknown"
    if movement.verdict == "noise" or line.change.value is None:
        return "noise"
    return "confirmed" if (movement.verdict == "up") == (exact(line.change.value) > 0) else "noise"
