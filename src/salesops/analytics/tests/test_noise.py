"""Movement against noise: known tables, the stated rate of false alarms by simulation, and power."""

from __future__ import annotations

import itertools
import random
from decimal import Decimal
from fractions import Fraction
from math import comb

import pytest

from salesops.analytics.engine.noise import FEWEST, fisher, judge_numbers, judge_shares, t_below, t_quantile

T_TABLE = {
    (0.975, 1): 12.7062,
    (0.975, 5): 2.5706,
    (0.995, 5): 4.0321,
    (0.995, 7): 3.4995,
    (0.995, 30): 2.7500,
}
"""Printed tables of Student's t."""


@pytest.mark.parametrize("point", T_TABLE, ids=str)
def test_quantiles_are_those_of_the_printed_table(point: tuple[float, int]) -> None:
    assert t_quantile(*point) == pytest.approx(T_TABLE[point], abs=6e-5)
    assert t_below(t_quantile(*point), point[1]) == pytest.approx(point[0], abs=1e-12)


def test_fisher_is_the_sum_over_all_tables_in_exact_fractions() -> None:
    for k1, n1, k2, n2 in itertools.product(range(5), range(1, 5), range(7), range(1, 7)):
        if k1 > n1 or k2 > n2:
            continue
        ways = {
            k: Fraction(comb(n1, k) * comb(n2, k1 + k2 - k), comb(n1 + n2, k1 + k2))
            for k in range(n1 + 1)
            if 0 <= k1 + k2 - k <= n2
        }
        wanted = sum(p for p in ways.values() if p <= ways[k1])
        assert fisher(k1, n1, k2, n2) == pytest.approx(float(wanted), abs=1e-12), (k1, n1, k2, n2)


def test_numbers_raise_the_stated_rate_of_false_alarms() -> None:
    """20,000 firms in which nothing changes: 1 % alarms, within four standard errors."""
    dice, alarms, firms = random.Random(20), 0, 20_000
    for _ in range(firms):
        values = [Fraction(round(dice.gauss(500, 60) * 1000), 1000) for _ in range(9)]
        alarms += judge_numbers(values).verdict != "noise"
    assert abs(alarms / firms - 0.01) < 4 * (0.01 * 0.99 / firms) ** 0.5


def test_shares_raise_no_more_false_alarms_than_stated() -> None:
    dice, alarms, firms = random.Random(21), 0, 2_000
    for _ in range(firms):
        counts = []
        for _ in range(9):
            rows = dice.randrange(5, 60)
            counts.append((sum(dice.random() < 0.3 for _ in range(rows)), rows))
        alarms += judge_shares(counts).verdict != "noise"
    assert alarms / firms < 0.01 + 4 * (0.01 * 0.99 / firms) ** 0.5


def test_what_really_moved_is_found() -> None:
    dice = random.Random(22)
    found = {"up": 0, "down": 0}
    for _ in range(200):
        before = [Fraction(round(dice.gauss(500, 30) * 100), 100) for _ in range(10)]
        found["up"] += judge_numbers([*before, 750]).verdict == "up"
        counts = [(sum(dice.random() < 0.5 for _ in range(80)), 80) for _ in range(10)]
        found["down"] += judge_shares([*counts, (18, 80)]).verdict == "down"
    assert found["up"] > 190
    assert found["down"] > 190


def test_too_little_is_said_to_be_too_little() -> None:
    assert judge_numbers([]).verdict == "unknown"
    assert judge_numbers([1, 2, 3, 4, 5, 6, None]).reason == "the latest period has no value"
    assert (
        judge_numbers([1, 2, None, 9]).reason == f"only 2 earlier periods have a value: {FEWEST} are needed"
    )
    assert "all the same" in judge_numbers([5] * 8 + [9]).reason
    assert judge_shares([(1, 2)] * 8 + [(0, 0)]).reason == "the latest period has no rows"
    assert judge_shares([(1, 2)] * 3).verdict == "unknown"
    with pytest.raises(ValueError, match="between 0"):
        fisher(3, 2, 0, 1)


def test_values_and_what_is_expected_are_exact() -> None:
    cents = [Decimal("90071992547409.93") + n for n in range(6)]  # past what a float can tell apart
    found = judge_numbers([*cents, Decimal("90071992547409.94")])
    assert found.latest == Fraction("90071992547409.94")
    assert found.expected == Fraction("90071992547409.93") + Fraction(5, 2)
    assert found.low is not None
    assert found.high is not None
    assert found.low + found.high == 2 * found.expected
    by_hand = 4.032142983557536 * (3.5 * (1 + 1 / 6)) ** 0.5  # t(0.995, 5), variance of 0..5 is 3.5
    assert float(found.high - found.expected) == pytest.approx(by_hand, abs=1e-9)
    assert judge_shares([(1, 3)] * 8 + [(1, 3)]).expected == Fraction(1, 3)
