"""What the outcomes read of one day: numbers, owners with a quota, faults; and how the numbers moved before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from salesops.analytics.engine.compute import KpiError
from salesops.analytics.engine.filters import FilterError, apply_filters
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.engine.noise import Movement, judge_numbers, judge_shares
from salesops.analytics.selectors import OpenQuestion
from salesops.core.calendars import Period
from salesops.quality.engine.rules import Finding, Rule
from salesops.quality.selectors import OpenFaults, faults_over

LOOKED_AT = 9
"""Whole periods that noise is judged by, the judged one included."""
CLEAN = "clean_records"
PARTICIPATION = "quota_participation"
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
    Goal("", "Reps at or over quota", PARTICIPATION, ("quota_attainment",)),
)
"""The four outcomes, and the purpose they serve."""

OF_FINISHED = frozenset({"commit_accuracy", "commit_win_rate", "slip_rate"})
"""Numbers that a running period has none of: they are read of the one before it."""


@dataclass(frozen=True)
class Side:
    """One side.

    Attributes:
        values: numbers by name; ``refused`` says why one can't be asked so.
        kpis: their declarations.
        reps: owner with a quota -> name, won, quota.
        reps_known: whether those are all with a quota whose rows the reader may see; False where it can't be told.
        beyond: owners with a quota whom the filters leave out.
        reps_reason: why there is no owner.
        findings: faults by rule.
        reason: why nothing of this side can be told.
        currency, notes: as of the frames.
    """

    values: Mapping[str, KpiValue] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    kpis: Mapping[str, Kpi] = field(default_factory=dict)
    reps: Mapping[str, tuple[str, Decimal, Decimal]] = field(default_factory=dict)
    reps_known: bool = False
    beyond: frozenset[str] = frozenset()
    reps_reason: str = ""
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    currency: str = ""
    notes: tuple[str, ...] = ()


def names_of(goal: Goal) -> tuple[str, ...]:
    """Numbers of an outcome, its lead first."""
    return (goal.lead, *goal.beside)


def read_side(asked: OpenQuestion, finished: Period, faults: OpenFaults) -> Side:
    """One side's numbers, owners and faults."""
    values: dict[str, KpiValue] = {}
    refused: dict[str, str] = {}
    names = [name for goal in GOALS for name in names_of(goal) if name != CLEAN]
    for part, over in (
        ([n for n in names if n not in OF_FINISHED], asked),
        ([n for n in names if n in OF_FINISHED], asked if asked.period == finished else asked.over(finished)),
    ):
        found, why = _values(over, part)
        values |= found
        refused |= why
    owners = _owners(asked)
    return Side(
        values=values,
        refused=refused,
        kpis={kpi.name: kpi for kpi in asked.kpis(names)},
        reps=owners.found,
        reps_known=owners.known,
        beyond=owners.beyond,
        reps_reason=owners.reason,
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


def faults_of(asked: OpenQuestion) -> OpenFaults:
    """Faults of the rows asked for."""
    return faults_over(asked.frames).narrowed(lambda deals: apply_filters(deals, asked.filters))


def applicable(read: Side) -> list[Rule]:
    """Rules that could be judged."""
    return [finding.rule for finding in read.findings if finding.applicable is not None]


def clean_of(faults: OpenFaults, rules: Sequence[Rule]) -> tuple[int, int]:
    """Deals without a fault by some rules, and all of them; (0, 0) without a rule."""
    return faults.clean_deals(rules) if rules else (0, 0)


@dataclass(frozen=True)
class _Owners:
    """Owners with a quota, as :class:`Side` holds them."""

    found: Mapping[str, tuple[str, Decimal, Decimal]] = field(default_factory=dict)
    known: bool = False
    beyond: frozenset[str] = frozenset()
    reason: str = ""


def _owners(asked: OpenQuestion) -> _Owners:
    """Owners with a quota, whether those are all, and why nobody is told of."""
    kpi = asked.kpis([PARTICIPATION])[0]
    value = _values(asked, [kpi.name])[0].get(kpi.name)
    side = kpi.side("carriers")
    if value is None:
        return _Owners(reason="quotas can't be cut this way")
    # Whose quota is in another currency carries one all the same.
    known = not any(note.startswith("Quotas in ") for note in asked.frames.notes)
    if side.frame not in asked.named:
        return _Owners(known=known, reason=value.reason)
    if asked.hidden_rows(kpi, side):
        return _Owners(reason=value.reason)
    try:
        found = _carriers(asked)
        beyond = _carriers(replace(asked, filters=())).keys() - found.keys() if asked.filters else ()
    except (KpiError, FilterError) as error:
        return _Owners(reason=str(error))
    known = known and len(found) + len(beyond) < MOST_PEOPLE
    return _Owners(found, known, frozenset(beyond), "" if found else value.reason)


def _carriers(asked: OpenQuestion) -> dict[str, tuple[str, Decimal, Decimal]]:
    rows = asked.rows(PARTICIPATION, "carriers").select("owner_id", "owner_name", "won", "quota")
    listed = asked.execute(rows.order_by("owner_id").limit(MOST_PEOPLE)).to_pylist()
    return {r["owner_id"]: (r["owner_name"] or r["owner_id"], r["won"], r["quota"]) for r in listed}


def movements_of(
    asked: OpenQuestion, judged: Period, first: date | None
) -> tuple[dict[str, Movement], Period | None]:
    """Each lead number's latest whole period against those before it, judged as what moved is."""
    calendar = asked.frames.firm.calendar
    leads = [goal.lead for goal in GOALS if goal.lead != CLEAN]
    if first is None or judged.first < first or judged.last > asked.frames.as_of:
        return {}, None
    periods = [*calendar.whole_before(judged, first, LOOKED_AT - 1), judged]
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
