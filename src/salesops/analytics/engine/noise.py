"""Movement or noise: whether the latest period lies outside what the periods before it lead one to expect.

Two methods, each with a stated rate of false alarms where nothing changed:

* numbers: a prediction interval for the next period from the mean and the standard deviation of the
  periods before it (Student's t). Exact where periods vary independently and about normally. The limits
  of a process-behaviour chart (2.66 times the mean moving range) give 2 to 4 false alarms in 100 with so
  few periods; these give the rate asked for.
* shares of rows: Fisher's exact test of the latest period's rows against all rows before it. At most the
  rate asked for, whatever the share is.

Neither knows of seasons: a firm that sells most in December sees December as movement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import exp, lgamma, log
from typing import Literal

from salesops.analytics.engine.figure import Number, exact

ALPHA = 0.01
"""False alarms: one look in a hundred where nothing changed."""
FEWEST = 6
"""Periods needed before the latest one."""

Verdict = Literal["up", "down", "noise", "unknown"]


@dataclass(frozen=True)
class Movement:
    """The latest period against those before it.

    Attributes:
        verdict: up or down beyond noise; noise; unknown where it cannot be told.
        reason: why it is unknown; empty otherwise.
        latest: the latest value.
        expected: what the periods before lead one to expect: their mean, or their pooled share.
        low, high: ends of the range that is noise; None for shares, which are tested instead.
        p_value: probability of so uneven rows where nothing changed; None for numbers.
        periods: periods before the latest one that it was compared with.
        method: name of the method.
    """

    verdict: Verdict
    reason: str = ""
    latest: Fraction | None = None
    expected: Fraction | None = None
    low: Fraction | None = None
    high: Fraction | None = None
    p_value: float | None = None
    periods: int = 0
    method: str = ""


def judge_numbers(values: Sequence[Number | None], alpha: float = ALPHA) -> Movement:
    """The last of some values against the others.

    Args:
        values: one per period, oldest first; None where undefined, which is left out.
        alpha: rate of false alarms.
    """
    method = "prediction interval (Student's t)"
    if not values or values[-1] is None:
        return Movement("unknown", "the latest period has no value", method=method)
    before = [exact(v) for v in values[:-1] if v is not None]
    latest = exact(values[-1])
    if len(before) < FEWEST:
        reason = f"only {len(before)} earlier periods have a value: {FEWEST} are needed"
        return Movement("unknown", reason, latest, periods=len(before), method=method)
    mean = sum(before, Fraction(0)) / len(before)
    variance = sum(((v - mean) ** 2 for v in before), Fraction(0)) / (len(before) - 1)
    if variance == 0:
        reason = "the earlier periods are all the same: nothing says how far it usually moves"
        return Movement("unknown", reason, latest, mean, periods=len(before), method=method)
    # Values and their mean are exact, money among them; only the reach of the noise is an approximation.
    quantile = Fraction(t_quantile(1 - alpha / 2, len(before) - 1))
    reach = quantile * _root(variance * (1 + Fraction(1, len(before))))
    low, high = mean - reach, mean + reach
    verdict: Verdict = "up" if latest > high else "down" if latest < low else "noise"
    return Movement(verdict, "", latest, mean, low, high, None, len(before), method)


def judge_shares(counts: Sequence[tuple[int, int]], alpha: float = ALPHA) -> Movement:
    """The last of some shares of rows against all rows of the others.

    Args:
        counts: (successes, rows) per period, oldest first.
        alpha: highest rate of false alarms.
    """
    method = "Fisher's exact test"
    if not counts or not counts[-1][1]:
        return Movement("unknown", "the latest period has no rows", method=method)
    before = [(k, n) for k, n in counts[:-1] if n]
    successes, rows = counts[-1]
    latest = Fraction(successes, rows)
    if len(before) < FEWEST:
        reason = f"only {len(before)} earlier periods have rows: {FEWEST} are needed"
        return Movement("unknown", reason, latest, periods=len(before), method=method)
    hits, total = sum(k for k, _ in before), sum(n for _, n in before)
    p = fisher(successes, rows, hits, total)
    verdict: Verdict = "noise"
    if p < alpha:
        verdict = "up" if latest > Fraction(hits, total) else "down"
    return Movement(verdict, "", latest, Fraction(hits, total), None, None, p, len(before), method)


def _root(value: Fraction) -> Fraction:
    """The square root of a fraction, to 28 digits."""
    return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


def fisher(k1: int, n1: int, k2: int, n2: int) -> float:
    """Two-sided p-value that two shares of rows are the same: ``k1`` of ``n1`` and ``k2`` of ``n2``.

    The sum of the probabilities of all tables with the same margins that are no likelier than this one.

    Raises:
        ValueError: where successes are negative or more than the rows.
    """
    if not (0 <= k1 <= n1 and 0 <= k2 <= n2):
        raise ValueError("successes lie between 0 and the rows")
    hits, total = k1 + k2, n1 + n2

    def log_probability(k: int) -> float:
        return _log_choose(n1, k) + _log_choose(n2, hits - k) - _log_choose(total, hits)

    mine = log_probability(k1)
    tables = (log_probability(k) for k in range(max(0, hits - n2), min(n1, hits) + 1))
    # A little room, so that rounding does not leave out a table that is exactly as likely.
    return min(1.0, sum(exp(one) for one in tables if one <= mine + 1e-7))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


@cache
def t_quantile(p: float, freedom: int) -> float:
    """The value that a Student t variable of so many degrees of freedom stays below with probability ``p``.

    Raises:
        ValueError: where ``p`` is not between 0.5 and 1, or there is no degree of freedom.
    """
    if not 0.5 <= p < 1 or freedom < 1:
        raise ValueError("p lies from 0.5 to below 1, with at least one degree of freedom")
    low, high = 0.0, 1.0
    while t_below(high, freedom) < p:
        low, high = high, high * 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_below(middle, freedom) < p else (low, middle)
    return (low + high) / 2


def t_below(x: float, freedom: int) -> float:
    """Probability that a Student t variable stays below ``x`` (``x`` not negative)."""
    if x == 0:
        return 0.5
    return 1 - _incomplete_beta(freedom / (freedom + x * x), freedom / 2, 0.5) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function, by Lentz's continued fraction (Numerical Recipes 6.4)."""
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    tiny = 1e-300
    c, d = 1.0, 1 / max(1 - (a + b) * x / (a + 1), tiny)
    fraction = d
    for m in range(1, 300):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1 / (1 + even * d or tiny), 1 + even / c or tiny
        fraction *= c * d
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / (1 + odd * d or tiny), 1 + odd / c or tiny
        fraction *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return front * fraction
