"""Results side by side: competitors, reasons, segments and motions, levers, the four outcomes of sales operations."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from salesops.analytics.engine.figure import Figure, Number, exact, quotient, to_decimal, undefined
from salesops.analytics.engine.statistics import Interval, wilson
from salesops.analytics.engine.unit_economics import cac, ltv
from salesops.analytics.engine.velocity import sales_velocity

MONTHS = 12


@dataclass(frozen=True)
class Rival:
    """Deals against one competitor: win rate over won and lost to him, with its interval and n."""

    name: str
    win_rate: Figure
    interval: Interval | None
    n: int


@dataclass(frozen=True)
class Rivals:
    """Win rates by competitor.

    Attributes:
        rivals: in the order given.
        ranking_allowed: whether no two intervals overlap; else the order may be chance.
        no_decision_share: of all deals not won, those nobody won.
    """

    rivals: tuple[Rival, ...]
    ranking_allowed: bool
    no_decision_share: Figure


def competitor_win_rates(deals: Sequence[tuple[str, int, int]], no_decision: int) -> Rivals:
    """Win rate against each competitor.

    Args:
        deals: (competitor, won, lost to him).
        no_decision: deals that ended without a decision; told apart, in nobody's rate.
    """
    nothing = "no deal against this competitor was decided"
    rivals = tuple(
        Rival(
            name,
            quotient(won, won + lost, unknown=nothing, zero=nothing),
            wilson(won, won + lost),
            won + lost,
        )
        for name, won, lost in deals
    )
    known = [rival.interval for rival in rivals if rival.interval is not None]
    apart = all(a.high < b.low or b.high < a.low for a, b in itertools.combinations(known, 2))
    losses = sum(lost for _, _, lost in deals) + no_decision
    return Rivals(rivals, apart, quotient(no_decision, losses, unknown="", zero="nothing was lost"))


@dataclass(frozen=True)
class Agreement:
    """How far two people's judgements agree.

    Attributes:
        agreement: share of cases judged alike.
        chance: share to be expected by chance.
        kappa: Cohen's kappa: agreement beyond chance / what chance leaves; 1 = full, 0 = as by chance.
    """

    agreement: Figure
    chance: Figure
    kappa: Figure


def reason_agreement(matrix: Sequence[Sequence[int]]) -> Agreement:
    """Cohen's kappa of two judgements.

    Args:
        matrix: counts; rows one judgement, columns the other, both in the same order of reasons.

    Raises:
        ValueError: where the matrix is not square.
    """
    size = len(matrix)
    if any(len(row) != size for row in matrix):
        raise ValueError("the matrix needs as many columns as rows")
    total = sum(sum(row) for row in matrix)
    if not total:
        nothing = undefined("nothing was judged twice")
        return Agreement(nothing, nothing, nothing)
    same = Fraction(sum(matrix[i][i] for i in range(size)), total)
    chance = sum(
        (Fraction(sum(matrix[i]) * sum(row[i] for row in matrix), total * total) for i in range(size)),
        Fraction(0),
    )
    return Agreement(
        Figure(to_decimal(same)),
        Figure(to_decimal(chance)),
        quotient(same - chance, 1 - chance, unknown="", zero="both always give the same one reason"),
    )


Verdict = Literal["invest", "fix or stop", "too few"]


@dataclass(frozen=True)
class Cell:
    """Unit economics of one segment and motion; see :func:`market_matrix`."""

    cac: Figure
    payback_months: Figure
    ltv_seed: Figure
    ltv_margin: Figure
    ltv_cac: Figure
    verdict: Verdict


@dataclass(frozen=True)
class MarketMatrix:
    """Cells by name, and the cost per customer over all of them, which hides the differences."""

    cells: Mapping[str, Cell]
    blended_cac: Figure


def market_matrix(
    cells: Mapping[str, Sequence[Number]], max_payback: Number, min_customers: int
) -> MarketMatrix:
    """Acquisition cost, payback and lifetime value per segment and motion.

    Args:
        cells: name -> spend, new customers, yearly revenue per customer, gross margin, yearly churn.
        max_payback: longest payback worth investing in, in months.
        min_customers: with fewer new customers there is no verdict.
    """
    found = {}
    for name, (spend, customers, revenue, margin, churn) in cells.items():
        cost = cac(spend, customers)
        earned = exact(revenue) * exact(margin)
        payback, worth = undefined("a customer earns no margin"), ltv(revenue, churn, margin)
        if cost.value is None:
            payback = cost
        elif earned > 0:
            payback = Figure(to_decimal(exact(spend) * MONTHS / (exact(customers) * earned)))
        multiple = worth if worth.value is None else cost
        if worth.value is not None and cost.value is not None:
            nothing = "the customers cost nothing"
            multiple = quotient(exact(worth.value) * exact(customers), spend, unknown=nothing, zero=nothing)
        verdict: Verdict = "fix or stop"
        if exact(customers) < min_customers:
            verdict = "too few"
        elif payback.value is not None and exact(payback.value) <= exact(max_payback):
            verdict = "invest"
        found[name] = Cell(cost, payback, ltv(revenue, churn), worth, multiple, verdict)
    spent = sum((exact(values[0]) for values in cells.values()), Fraction(0))
    won = sum((exact(values[1]) for values in cells.values()), Fraction(0))
    return MarketMatrix(found, cac(spent, won))


@dataclass(frozen=True)
class Levers:
    """What each factor of sales velocity would bring.

    Attributes:
        base: velocity per day now.
        gain: lever -> what it adds per day when it alone is better.
        best: the lever that adds most; "" where the velocity is undefined.
    """

    base: Figure
    gain: Mapping[str, Figure]
    best: str


def velocity_levers(
    opportunities: Number, win_rate: Number, average_deal: Number, cycle_days: Number, improve: Number
) -> Levers:
    """Each factor of sales velocity improved alone by the same share; the cycle is cut by it.

    Args:
        opportunities: open qualified deals.
        win_rate: fraction.
        average_deal: money per won deal.
        cycle_days: mean days from creation to close.
        improve: share, 0.1 = 10 %.
    """
    now = {
        "opportunities": opportunities,
        "win_rate": win_rate,
        "avg_deal": average_deal,
        "cycle": cycle_days,
    }
    base = sales_velocity(*now.values())
    gain: dict[str, Figure] = {}
    for name, value in now.items():
        factor = 1 - exact(improve) if name == "cycle" else 1 + exact(improve)
        better = sales_velocity(*(now | {name: exact(value) * factor}).values())
        if base.value is None or better.value is None:
            gain[name] = base if base.value is None else better
        else:
            gain[name] = Figure(to_decimal(exact(better.value) - exact(base.value)))
    known = [(exact(figure.value), name) for name, figure in gain.items() if figure.value is not None]
    best = max(known, key=lambda pair: pair[0])[1] if known else ""
    return Levers(base, gain, best)


LESS_IS_BETTER = frozenset({"forecast_wape", "cycle_days"})
"""Of the four outcomes, those that should fall; the others should rise."""


@dataclass(frozen=True)
class Outcome:
    """One outcome: how it changed, and whether that is better; equal is not better."""

    change: Figure
    improved: bool


def scorecard(before: Mapping[str, Number | None], after: Mapping[str, Number | None]) -> dict[str, Outcome]:
    """The outcomes of sales operations before and after: forecast error, cycle, bookings per rep, clean records.

    Args:
        before: outcome -> value.
        after: the same later; one that is absent or None is unknown and not improved.
    """
    result = {}
    for name, old in before.items():
        new = after.get(name)
        if old is None or new is None:
            result[name] = Outcome(undefined("one of the two values is not known"), improved=False)
            continue
        change = exact(new) - exact(old)
        better = change < 0 if name in LESS_IS_BETTER else change > 0
        result[name] = Outcome(Figure(to_decimal(change)), better)
    return result
