"""What is kept lately, against a plain list in order of use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.core.lately import Lately

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
