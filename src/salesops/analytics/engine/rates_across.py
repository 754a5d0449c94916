"""Exchange rates to a currency that the firm does not keep its books in, by way of the one it does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from salesops.process.engine.deals import Rate

_STEP = Decimal("0.000000000001")


def across(rates: Sequence[Rate], firm: str, target: str) -> list[Rate]:
    """The rates given, and for every currency without one to ``target`` a rate by way of the firm's.

    A rate that is given is never replaced. One made of two holds from each day on which either of them
    starts, rounded to 12 places; before the first day of a rate its first value stands, as everywhere.

    Args:
        rates: as the facts hold them.
        firm: the firm's currency.
        target: the currency wanted.
    """
    given = list(rates)
    if not firm or target == firm:
        return given
    outward = _steps(given, firm, target)
    if not outward:
        return given
    codes = sorted({code for r in given for code in (r.from_currency, r.to_currency)} - {firm, target})
    for code in codes:
        inward = _steps(given, code, firm)
        if not inward or _steps(given, code, target):
            continue
        for day in sorted({day for day, _ in (*inward, *outward)}):
            product = _at(inward, day) * _at(outward, day)
            given.append(Rate(code, target, day, product.quantize(_STEP, ROUND_HALF_UP)))
    return given


def _steps(rates: Sequence[Rate], source: str, target: str) -> list[tuple[date, Decimal]]:
    """Days and rates from one currency to another, earliest first; the inverse only where none is given."""
    found = [(r.valid_on, r.rate) for r in rates if (r.from_currency, r.to_currency) == (source, target)]
    if not found:
        found = [
            (r.valid_on, (1 / r.rate).quantize(_STEP))
            for r in rates
            if (r.from_currency, r.to_currency) == (target, source) and r.rate
        ]
    return sorted(found)


def _at(steps: Sequence[tuple[date, Decimal]], day: date) -> Decimal:
    return next((rate for start, rate in reversed(steps) if start <= day), steps[0][1])
