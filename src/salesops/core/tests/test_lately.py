"""What is kept lately, against a plain list in order of use."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.core.lately import Lately, lately

STEPS = st.lists(st.tuples(st.sampled_from(["get", "keep"]), st.integers(0, 5)), max_size=40)


@given(STEPS, st.integers(1, 4))
def test_the_least_used_goes_first(steps: list[tuple[str, int]], most: int) -> None:
    kept: Lately[int, int] = Lately(most)
    by_use: list[tuple[int, int]] = []
    for turn, (step, key) in enumerate(steps):
        there = next((value for one, value in by_use if one == key), None)
        if step == "get":
            assert kept.get(key, None) == there
        if step == "keep" or there is not None:
            value = kept.keep(key, turn) if step == "keep" else there
            by_use = [*(pair for pair in by_use if pair[0] != key), (key, value or 0)][-most:]
    assert len(kept) == len(by_use)
    assert {key: kept.get(key, None) for key in range(6)} == {key: dict(by_use).get(key) for key in range(6)}


def test_nothing_is_a_value_too_and_all_can_be_forgotten() -> None:
    kept: Lately[str, None] = Lately(2)
    kept.keep("a", None)
    assert kept.get("a", "nothing") is None
    kept.clear()
    assert kept.get("a", "nothing") == "nothing"
    with pytest.raises(ValueError, match="At least one"):
        Lately(0)


def test_threads_keep_no_more_than_is_allowed() -> None:
    kept: Lately[int, int] = Lately(8)

    def work(start: int) -> None:
        for key in range(start, start + 2_000):
            assert kept.get(kept.keep(key, key), key) == key

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(kept) == 8


def together(kept: Lately[str, int], make: Callable[[], int], many: int = 6) -> list[int | Exception]:
    """What each of many gets who ask while the first one makes it: it waits until the others have come."""

    def patient() -> int:
        until = time.monotonic() + 20
        while kept._making["key"].waiting < many and time.monotonic() < until:
            time.sleep(0.001)
        return make()

    def ask() -> int | Exception:
        try:
            return kept.made("key", patient)
        except OSError as error:
            return error

    with ThreadPoolExecutor(many) as pool:
        return [one.result() for one in [pool.submit(ask) for _ in range(many)]]


def test_of_many_who_ask_at_once_one_makes_the_value() -> None:
    kept: Lately[str, int] = Lately(3)
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return kept.made("inner", lambda: 40) + 2  # what it is made of may be kept among them

    assert together(kept, make) == [42] * 6
    assert made == [1]
    assert [key for key, _ in kept.newest()] == ["key", "inner"]
    assert not kept._making


def test_who_fails_fails_for_those_who_wait_and_the_next_tries_anew() -> None:
    kept: Lately[str, int] = Lately(3)
    tried: list[int] = []

    def fail() -> int:
        tried.append(1)
        raise OSError("gone")

    assert [str(error) for error in together(kept, fail)] == ["gone"] * 6
    assert tried == [1]
    assert not kept._making
    assert kept.made("key", lambda: 1) == 1
    assert kept.made("key", fail) == 1


def test_a_functions_answers_are_kept_by_its_arguments() -> None:
    asked: list[tuple[int, int]] = []

    @lately(2)
    def total(one: int, two: int = 0) -> int:
        """Sums up."""
        asked.append((one, two))
        return one + two

    assert (total(1), total(1), total(1, two=2), total(1, two=2)) == (1, 1, 3, 3)
    assert asked == [(1, 0), (1, 2)]
    assert total(5) == 5
    assert total(1) == 1
    assert asked == [(1, 0), (1, 2), (5, 0), (1, 0)], "two are kept"
    total.cache_clear()
    total(1)
    assert len(asked) == 5
    assert total.__doc__ == "Sums up."
