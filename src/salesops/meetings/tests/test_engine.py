"""Pace, questions and the meeting's first sentence, by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.meetings.engine.answer import Figures, answer
from salesops.meetings.engine.pace import Pace, Whole, curve, pace
from salesops.meetings.engine.questions import QUESTIONS, Open, part_of_gap, question

TODAY = date(2026, 8, 15)


def whole(label: str, *so_far: int, total: int | None = None) -> Whole:
    values = tuple(Decimal(v) for v in so_far)
    return Whole(label, values, Decimal(total) if total is not None else values[-1])


PAST = [whole("A", 20, 50, 100), whole("B", 10, 40, 200), whole("C", 30, 60, 120)]
"""Shares on the first day .2, .05, .25 and on the second .5, .2, .5."""


def test_the_pace_is_won_over_the_median_share() -> None:
    found = pace(Decimal(50), PAST, 1)
    assert (found.share, found.lowest, found.highest) == (Fraction(1, 2), Fraction(1, 5), Fraction(1, 2))
    assert (found.expected, found.least, found.most) == (100, 100, 250)
    assert found.periods == ("A", "B", "C")
    assert pace(Decimal(10), PAST, 0).expected == 50  # the median of .05, .2 and .25 is .2


def test_two_periods_take_the_middle_between_them() -> None:
    assert pace(Decimal(7), PAST[:2], 1).expected == Fraction(7) / Fraction(7, 20)


@pytest.mark.parametrize(
    "won, past, at, why",
    [
        (Decimal(5), PAST[:1], 0, "a pace needs 2 past periods whole in the data; there is 1 past period"),
        (Decimal(5), [], 0, "there is 0 past periods"),
        (Decimal(5), [whole("A", 0, 0), PAST[0]], 0, "there is 1 past period"),
        (None, PAST, 0, "nothing is won yet"),
        (Decimal(0), PAST, 0, "nothing is won yet"),
        (Decimal(5), [whole("A", 0, 9), whole("B", 0, 9)], 0, "nothing was won by this day"),
    ],
)
def test_without_a_curve_there_is_a_reason(won: Decimal | None, past: list[Whole], at: int, why: str) -> None:
    found = pace(won, past, at)
    assert found.expected is None
    assert why in found.reason


def test_a_period_that_began_with_nothing_leaves_no_upper_end() -> None:
    found = pace(Decimal(5), [whole("A", 0, 10), whole("B", 5, 10), whole("C", 5, 10)], 0)
    assert (found.expected, found.least, found.most) == (10, 10, None)


rising = st.lists(st.integers(0, 1000), min_size=5, max_size=5).map(
    lambda steps: tuple(Decimal(sum(steps[: n + 1])) for n in range(5))
)


@given(st.lists(rising, min_size=2, max_size=8), st.integers(0, 4), st.integers(1, 10_000))
def test_the_curve_rises_to_one_and_the_expectation_lies_in_its_range(
    past: list[tuple[Decimal, ...]], at: int, won: int
) -> None:
    periods = [Whole(str(n), values, values[-1]) for n, values in enumerate(past)]
    shares = curve(periods)
    found = pace(Decimal(won), periods, at)
    if sum(one.total > 0 for one in periods) < 2:
        assert shares == [None] * 5
        assert found.expected is None
        return
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert shares[at] == found.share
    if found.expected is not None:
        assert won <= found.least <= found.expected
        assert found.most is None or found.expected <= found.most


def test_a_deal_is_asked_about_the_gravest_thing() -> None:
    late = Open(frozenset({"DQ27", "DQ07"}), 5, TODAY - timedelta(days=1))
    assert question(late, TODAY).startswith("It was to close 1 day ago.")
    assert "older than any deal" in question(Open(frozenset({"DQ27", "DQ07"}), 5, None), TODAY)
    assert "moved later 2 times" in question(Open(frozenset({"DQ07"}), 2, TODAY), TODAY)
    assert "next step" in question(Open(frozenset({"DQ07"}), 1, TODAY), TODAY)
    assert "for 15 days" in question(Open(frozenset(), 0, TODAY, "", TODAY - timedelta(days=15)), TODAY)
    assert question(Open(frozenset(), 0, date(2026, 9, 3), "commit"), TODAY) == (
        "It is committed. What could still stop it before Sep 3, 2026?"
    )
    assert question(Open(frozenset(), 0, date(2026, 9, 3)), TODAY).startswith(
        "What must happen for it to close"
    )
    assert question(Open(frozenset(), 0, None), TODAY) == "What must the buyer do next, and by which day?"


@pytest.mark.parametrize("code", [code for code, _ in QUESTIONS])
def test_every_rule_has_a_question_of_its_own(code: str) -> None:
    assert question(Open(frozenset({code}), 0, TODAY), TODAY) == dict(QUESTIONS)[code]


def test_parts_of_the_gap() -> None:
    assert part_of_gap(Decimal(50), Decimal(200)) == Fraction(1, 4)
    assert part_of_gap(None, Decimal(200)) is None
    assert part_of_gap(Decimal(50), Decimal(0)) is None
    assert part_of_gap(Decimal(50), None) is None


def said(won: int | None, quota: int | None, **more: object) -> str:
    values = {"commit": None, "due": None, "days_left": 40, "pace": Pace(reason="none")} | more
    figures = Figures(
        None if won is None else Decimal(won), None if quota is None else Decimal(quota), **values  # type: ignore[arg-type]
    )  # fmt: skip
    return answer(figures, lambda value: f"{value:,}")


def test_the_answer_says_where_it_stands() -> None:
    assert said(60, 100) == "40 to go with 40 days left: 60 is won of a quota of 100."
    assert said(60, 100, commit=Decimal(10)).endswith("and 10 is committed, which would leave 30.")
    assert said(60, 100, commit=Decimal(40), days_left=1) == (
        "40 to go with 1 day left: 60 is won of a quota of 100, and 40 is committed, which would close it."
    )
    assert said(60, 100, due=Decimal(30)).endswith(
        "All open deals due in the period, 30, would not be enough."
    )
    assert said(60, 100, days_left=0) == "Missed by 40: 60 was won of a quota of 100."
    assert said(100, 100) == "Made: 100 is won of a quota of 100."
    assert said(120, 100) == "Made: 120 is won of a quota of 100, 20 over."
    assert said(None, 100).startswith("100 to go with 40 days left: 0 is won")
    assert said(60, None).startswith("60 is won; no quota is decided")


def test_nothing_is_said_of_what_is_hidden() -> None:
    hidden = "masked for your role: amount"
    assert said(None, 100, hidden=hidden) == f"What is won can't be told: {hidden}."
    assert Figures(None, Decimal(100), None, None, 9, Pace(), hidden).gap is None


def test_the_answer_says_where_it_would_end() -> None:
    own = Pace(expected=Fraction(181, 2), least=Fraction(80), most=Fraction(110))
    assert said(60, 100, pace=own).endswith(
        "At our own pace of past periods it would end at 90 (between 80 and 110), 10 short."
    )
    assert said(60, 85, pace=own).endswith("(between 80 and 110), enough for the quota.")
    assert "it would end" not in said(60, 100, pace=own, days_left=0)
