"""The four outcomes of sales operations, and the share of reps at quota: now and on the same day earlier.

Each side is read from the facts as they stood on its own day, so what was closed or mended since does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from salesops.analytics.addresses import Address, AddressError
from salesops.analytics.choices import extent
from salesops.analytics.engine.compute import KpiError
from salesops.analytics.engine.figure import Figure, exact, quotient, undefined
from salesops.analytics.engine.filters import FilterError, apply_filters
from salesops.analytics.engine.formulas import FORMULAS
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.engine.noise import Movement, judge_numbers, judge_shares
from salesops.analytics.kept import remembered, state_key
from salesops.analytics.selectors import OpenQuestion, ask
from salesops.core.calendars import FiscalCalendar, Period, PeriodError
from salesops.platform.actors import Actor
from salesops.process.inputs import NoDataError
from salesops.quality.engine.rules import Finding, Rule
from salesops.quality.selectors import OpenFaults, faults_over

Against = Literal["year", "period"]
Better = Literal["better", "worse", "same", "unknown"]
A_YEAR: Mapping[str, int] = {"month": 12, "quarter": 4, "half": 2, "year": 1}
"""Kind of period -> how many of them are a year."""
LOOKED_AT = 9
"""Whole periods that noise is judged by, the judged one included."""
CLEAN = "clean_records"
MOST_PEOPLE = 2_000


@dataclass(frozen=True)
class Goal:
    """One outcome.

    Attributes:
        key: name in the scorecard of the calculators; "" for what is no part of it.
        title: what is wanted.
        lead: the number that it is judged by.
        beside: further numbers of it.
    """

    key: str
    title: str
    lead: str
    beside: tuple[str, ...] = ()


GOALS: tuple[Goal, ...] = (
    Goal("forecast_wape", "Forecast accuracy up", "commit_accuracy", ("commit_win_rate", "slip_rate")),
    Goal("cycle_days", "Sales cycle down", "sales_cycle_median", ("sales_cycle",)),
    Goal("bookings_per_rep", "Productivity up", "rep_productivity", ("won_value",)),
    Goal("clean_record_share", "Cleaner data", CLEAN),
    Goal("", "Reps at or over quota", "quota_participation", ("quota_attainment",)),
)
"""The four outcomes, and the purpose they serve."""

OF_FINISHED = frozenset({"commit_accuracy", "commit_win_rate", "slip_rate"})
"""Numbers that a running period has none of: they are read of the one before it."""


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


@dataclass(frozen=True)
class RepLine:
    """One owner with a quota, now and then: won and quota of the period, None where he carried none."""

    owner_id: str
    name: str
    now: tuple[Decimal, Decimal] | None
    then: tuple[Decimal, Decimal] | None

    @property
    def change(self) -> str:
        """What changed of him, as a key: reached, lost, still_at, still_below, joined_at, joined_below, gone."""
        if self.now is None:
            return "gone"
        reached = self.now[0] >= self.now[1]
        if self.then is None:
            return "joined_at" if reached else "joined_below"
        before = self.then[0] >= self.then[1]
        return {(True, True): "still_at", (True, False): "lost", (False, True): "reached"}.get(
            (before, reached), "still_below"
        )


@dataclass(frozen=True)
class RuleLine:
    """One rule of data quality: rows at fault, of those judged, now and then."""

    rule: Rule
    now: tuple[int, int]
    then: tuple[int, int]


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
        rules: rules of data quality judged on both days.
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


@dataclass(frozen=True)
class _Read:
    """One side."""

    values: Mapping[str, KpiValue] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    kpis: Mapping[str, Kpi] = field(default_factory=dict)
    reps: Mapping[str, tuple[str, Decimal, Decimal]] = field(default_factory=dict)
    reps_reason: str = ""
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    currency: str = ""
    notes: tuple[str, ...] = ()


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
    then, shared, clean_then = _Read(), list[Rule](), None
    with ask(actor, replace(question, period=period.label, as_of=day)) as here:
        first = extent(here.frames).first
        faults = _faults(here)
        now = _read(here, finished[0], faults)
        if first is None or earlier.first < first:
            begins = f"the data begins on {first}" if first else "there is no deal"
            then = _Read(reason=f"{begins}: {earlier.title} is not whole in it")
        else:
            try:
                with ask(actor, replace(question, period=earlier.label, as_of=day_then)) as before:
                    past = _faults(before)
                    then = _read(before, finished[1], past)
                    known = {rule.code for rule in _applicable(then)}
                    shared = [rule for rule in _applicable(now) if rule.code in known]
                    clean_then = _clean(past, shared)
            except NoDataError:
                then = _Read(reason=f"nothing was known on {day_then}")
        clean = _clean(faults, shared or _applicable(now))
    movements, judged = _movements(asked, finished[0], first)
    periods = {
        name: finished if name in OF_FINISHED else (period, earlier)
        for goal in GOALS
        for name in _names(goal)
    }
    lines = [
        _clean_line(goal, clean, clean_then, then.reason, periods[CLEAN])
        if name == CLEAN
        else _line(goal, name, now, then, periods[name], movements)
        for goal in GOALS
        for name in _names(goal)
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
        rules=_rules(now, then, shared),
        currency=now.currency,
        notes=now.notes,
    )


def _names(goal: Goal) -> tuple[str, ...]:
    return (goal.lead, *goal.beside)


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


def _read(asked: OpenQuestion, finished: Period, faults: OpenFaults) -> _Read:
    """One side's numbers, owners and faults."""
    values: dict[str, KpiValue] = {}
    refused: dict[str, str] = {}
    names = [name for goal in GOALS for name in _names(goal) if name != CLEAN]
    for part, over in (
        ([n for n in names if n not in OF_FINISHED], asked),
        ([n for n in names if n in OF_FINISHED], asked if asked.period == finished else asked.over(finished)),
    ):
        found, why = _values(over, part)
        values |= found
        refused |= why
    reps, reason = _owners(asked)
    return _Read(
        values=values,
        refused=refused,
        kpis={kpi.name: kpi for kpi in asked.kpis(names)},
        reps=reps,
        reps_reason=reason,
        findings=tuple(faults.deal_findings()),
        currency=asked.frames.currency,
        notes=tuple(dict.fromkeys(asked.frames.notes)),
    )


def _values(asked: OpenQuestion, names: Sequence[str]) -> tuple[dict[str, KpiValue], dict[str, str]]:
    """Values by name, and why a number can't be asked so: one that refuses does not take the others along."""
    try:
        return {value.name: value for value in asked.values(names)}, {}
    except (KpiError, FilterError):
        found: dict[str, KpiValue] = {}
        refused: dict[str, str] = {}
        for name in names:
            try:
                found[name] = asked.values([name])[0]
            except (KpiError, FilterError) as error:
                refused[name] = str(error)
        return found, refused


def _faults(asked: OpenQuestion) -> OpenFaults:
    return faults_over(asked.frames).narrowed(lambda deals: apply_filters(deals, asked.filters))


def _applicable(read: _Read) -> list[Rule]:
    """Rules that could be judged."""
    return [finding.rule for finding in read.findings if finding.applicable is not None]


def _clean(faults: OpenFaults, rules: Sequence[Rule]) -> tuple[int, int]:
    return faults.clean_deals(rules) if rules else (0, 0)


def _owners(asked: OpenQuestion) -> tuple[dict[str, tuple[str, Decimal, Decimal]], str]:
    """Owner -> name, won, quota of those who carry one; and why nobody is told of."""
    kpi = asked.kpis(["quota_participation"])[0]
    value = _values(asked, [kpi.name])[0].get(kpi.name)
    side = kpi.side("carriers")
    if side.frame not in asked.named or value is None:
        return {}, value.reason if value is not None else "quotas can't be cut this way"
    if asked.hidden_rows(kpi, side):
        return {}, value.reason
    try:
        rows = asked.rows(kpi.name, side.name)
    except (KpiError, FilterError) as error:
        return {}, str(error)
    listed = asked.execute(
        rows.select("owner_id", "owner_name", "won", "quota").limit(MOST_PEOPLE)
    ).to_pylist()
    found = {r["owner_id"]: (r["owner_name"] or r["owner_id"], r["won"], r["quota"]) for r in listed}
    return found, "" if found else value.reason


def _movements(
    asked: OpenQuestion, judged: Period, first: date | None
) -> tuple[dict[str, Movement], Period | None]:
    """Each lead number's latest whole period against those before it, judged as what moved is."""
    calendar = asked.frames.firm.calendar
    leads = [goal.lead for goal in GOALS if goal.lead != CLEAN]
    if first is None or judged.first < first or judged.last > asked.frames.as_of:
        return {}, None
    periods = [judged]
    while len(periods) < LOOKED_AT:
        try:
            before = calendar.shift(periods[0], -1)
        except (PeriodError, OverflowError):
            break
        if before.first < first:
            break
        periods.insert(0, before)
    series: dict[str, list[KpiValue | None]] = {name: [] for name in leads}
    for period in periods:
        found, _ = _values(asked if period == asked.period else asked.over(period), leads)
        for name in leads:
            series[name].append(found.get(name))
    kpis = {kpi.name: kpi for kpi in asked.kpis(leads)}
    return {name: _judged(kpis[name], values) for name, values in series.items()}, judged


def _judged(kpi: Kpi, values: Sequence[KpiValue | None]) -> Movement:
    if kpi.wilson:
        hits, rows = kpi.wilson
        counts = [
            (int(v.sides[hits] or 0), int(v.sides[rows] or 0))
            if v is not None and v.value is not None
            else (0, 0)
            for v in values
        ]
        return judge_shares(counts)
    return judge_numbers([None if v is None else v.value for v in values])


def _line(
    goal: Goal,
    name: str,
    now: _Read,
    then: _Read,
    periods: tuple[Period, Period],
    movements: Mapping[str, Movement],
) -> Line:
    kpi = now.kpis[name]
    one, other = _figure(now, name), _figure(then, name)
    change, better = _change(one, other, kpi.direction)
    rows = tuple(read.values[name].n if name in read.values else 0 for read in (now, then))
    lead = name == goal.lead
    movement = movements.get(name) if lead else None
    return Line(goal, lead, kpi, one, other, *periods, change, better, movement, (rows[0], rows[1]))


def _figure(read: _Read, name: str) -> Figure:
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


def _reps(now: _Read, then: _Read) -> tuple[RepLine, ...]:
    found = []
    for owner_id in {**now.reps, **then.reps}:
        here, there = now.reps.get(owner_id), then.reps.get(owner_id)
        name = (here or there or ("",))[0]
        found.append(RepLine(owner_id, name, here[1:] if here else None, there[1:] if there else None))
    return tuple(sorted(found, key=lambda rep: (rep.now is None, rep.name.casefold(), rep.owner_id)))


def _rules(now: _Read, then: _Read, shared: Sequence[Rule]) -> tuple[RuleLine, ...]:
    codes = {rule.code for rule in shared}

    def of(read: _Read) -> dict[str, tuple[int, int]]:
        return {f.rule.code: (f.faulty, f.applicable or 0) for f in read.findings if f.rule.code in codes}

    here, there = of(now), of(then)
    lines = [RuleLine(rule, here[rule.code], there[rule.code]) for rule in shared]
    lines = [line for line in lines if line.now[0] or line.then[0]]
    return tuple(sorted(lines, key=lambda line: (-abs(line.now[0] - line.then[0]), line.rule.code)))


def said_of(line: Line) -> str:
    """Whether a lead's movement bears its change out, as a key: confirmed, noise, unknown; "" where it has none."""
    if line.better in ("same", "unknown") or not line.lead:
        return ""
    movement: Any = line.movement
    if movement is None or movement.verdict == "unknown":
        return "unknown"
    up = movement.verdict == "up"
    if movement.verdict == "noise" or line.change.value is None:
        return "noise"
    return "confirmed" if up == (exact(line.change.value) > 0) else "noise"
