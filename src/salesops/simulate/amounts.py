"""Amounts: what deals are worth, as product lines that sum to them to the cent.

A deal is one main product and up to one more. Every change of the amount is a change of the main
line (other units, then a discount), so that the lines sum to the amount at every moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.simulate.calendar_days import FAR, Bools, Ints, at_office
from salesops.simulate.endings import Ending
from salesops.simulate.parameters import FirmParameters
from salesops.simulate.tracks import NONE, Track, in_order

VERSIONS = 4
"""Creation, two changes of units, one discount."""


@dataclass(frozen=True)
class Lines:
    """Product lines of a chunk. ``units`` and ``price`` (cents a unit) are the main line's, per version.

    ``second_units`` is 0 where there is no second line. ``unknown`` marks deals whose amount was
    never entered and which have no lines.
    """

    product: Ints
    list_price: Ints
    units: Ints
    price: Ints
    second_product: Ints
    second_list: Ints
    second_units: Ints
    second_price: Ints
    unknown: Bools


def make_amounts(
    p: FirmParameters, rng: np.random.Generator, created: Ints, ending: Ending, target: Ints
) -> tuple[Lines, Track]:
    """Lines whose total comes close to the target, and the amount's track in cents."""
    n = len(created)
    prices = np.array([product.list_price * 100 for product in p.products], np.int64)
    product = _affordable(rng, prices, target)
    second = rng.integers(0, len(prices), n)
    has_second = (rng.random(n) < 0.35) & (second != product)
    discount = rng.choice([0, 0, 0, 50, 100, 150], n)
    list_price, second_list = prices[product], prices[second]
    second_price = second_list * (1_000 - rng.choice([0, 0, 50, 100], n)) // 1_000
    second_units = np.where(has_second, (target * 0.22 / second_price).astype(np.int64), 0)
    price = list_price * (1_000 - discount) // 1_000
    second_total = second_units * second_price
    first_units = np.maximum(np.rint((target - second_total) / price), 1).astype(np.int64)
    units = np.empty((n, VERSIONS), np.int64)
    units[:, 0] = first_units
    for k in (1, 2):
        factor = np.exp(rng.normal(0.02, 0.28, n))
        units[:, k] = np.maximum(np.rint(units[:, k - 1] * factor), 1).astype(np.int64)
    times = np.full((n, VERSIONS), FAR, np.int64)
    times[:, 0] = created
    end = np.where(ending.ghost, ending.quiet, ending.close)
    life = end - created
    where = np.sort(rng.uniform(0.1, 0.75, (n, 2)), axis=1)
    changes = rng.random((n, 2)) < np.array([p.amount_change_share, p.amount_change_share * 0.4])
    for k in (1, 2):
        times[:, k] = np.where(changes[:, k - 1], created + (where[:, k - 1] * life).astype(np.int64), FAR)
        units[:, k] = np.where(changes[:, k - 1], units[:, k], units[:, k - 1])
    units[:, 3] = units[:, 2]
    cut = (rng.random(n) < p.discount_share) & (rng.random(n) < np.where(ending.won, 1.0, 0.3))
    prices_over_time = np.repeat(price[:, None], VERSIONS, axis=1)
    prices_over_time[:, 3] = np.where(cut, price * (100 - rng.choice([3, 5, 8, 10], n)) // 100, price)
    times[:, 3] = np.where(cut, created + (rng.uniform(0.78, 0.97, n) * life).astype(np.int64), FAR)
    times[:, 1:] = at_office(rng, times[:, 1:])
    times = in_order(times)
    times[:, 1:] = np.where(times[:, 1:] >= end[:, None], FAR, times[:, 1:])
    unknown = rng.random(n) < p.faults.missing_amounts
    values = units * prices_over_time + second_total[:, None]
    values = np.where(unknown[:, None], NONE, values)
    lines = Lines(
        product=product,
        list_price=list_price,
        units=units,
        price=prices_over_time,
        second_product=second,
        second_list=second_list,
        second_units=np.where(unknown, 0, second_units),
        second_price=second_price,
        unknown=unknown,
    )
    return lines, Track.build(times, values)


def _affordable(rng: np.random.Generator, prices: Ints, target: Ints) -> Ints:
    """A product of which the target buys at least four units; the cheapest where none fits."""
    fits = prices[None, :] * 4 <= target[:, None]
    score = np.where(fits, rng.random(fits.shape), -prices[None, :].astype(np.float64))
    return np.argmax(score, axis=1).astype(np.int64)
