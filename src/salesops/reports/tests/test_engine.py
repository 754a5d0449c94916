"""Cutting a file to a size, and crossing a threshold, without a database."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.reports.engine.crossing import Look, look
from salesops.reports.engine.cutting import cut_csv

CELLS = st.text(st.sampled_from('ab",\n\r ü'), max_size=6)
TABLES = st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8)


def written(rows: list[list[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@given(rows=TABLES, most=st.integers(0, 90), size=st.integers(1, 40))
def test_a_cut_file_is_the_longest_beginning_of_whole_records_that_fits(
    rows: list[list[str]], most: int, size: int
) -> None:
    data = written(rows)
    cut = cut_csv(pieces(data, size), most)
    # By hand: as many whole rows as fit, the header in any case.
    fitting = max(n for n in range(1, len(rows) + 1) if n == 1 or len(written(rows[:n])) <= most)
    assert cut.content == written(rows[:fitting])
    assert (cut.kept, cut.total) == (fitting - 1, len(rows) - 1)


@given(rows=TABLES, size=st.integers(1, 40))
def test_without_a_limit_nothing_is_left_out(rows: list[list[str]], size: int) -> None:
    data = written(rows)
    cut = cut_csv(pieces(data, size))
    assert cut.content == data
    assert cut.total == len(rows) - 1


@pytest.mark.parametrize(
    "data, total", [(b"", 0), (b"a,b", 0), (b"a,b\r\n1,2", 1), (b"\xef\xbb\xbfa\r\n", 0)]
)
def test_files_without_a_last_line_end(data: bytes, total: int) -> None:
    cut = cut_csv([data])
    assert (cut.content, cut.kept, cut.total) == (data, total, total)


def test_told_on_crossing_and_again_after_recovery() -> None:
    state, told = "new", []
    for value in (5, 11, 12, 9, 11, None, 12, 8, None, 11):
        found = look("above", Decimal(10), state, None if value is None else Decimal(value))
        told.append(found.crossed)
        state = found.state
    # 11 crosses, 12 stays; 9 recovers, 11 crosses again; undefined keeps that; 8 recovers, and 11 crosses again.
    assert told == [False, True, False, False, True, False, False, False, False, True]


def test_each_change_is_told_and_one_within_the_threshold_is_not() -> None:
    state, previous, told = "new", None, []
    for value in (100, 120, 150, 200, 205, 300, 300):
        found = look("changed", Decimal(10), state, Decimal(value), previous=previous)
        told.append(found.crossed)
        state, previous = found.state, Decimal(value)
    assert told == [False, True, True, True, False, True, False]


@pytest.mark.parametrize(
    "condition, threshold, value, previous, wanted",
    [
        ("above", "10", "10", None, "calm"),
        ("below", "10", "9.99", None, "crossed"),
        ("changed", "10", "110", "100", "calm"),
        ("changed", "10", "110.01", "100", "crossed"),
        ("changed", "10", "80", "100", "crossed"),
        ("changed", "10", "-80", "-100", "crossed"),
        ("changed", "10", "5", "0", "undefined"),
        ("changed", "10", "5", None, "undefined"),
    ],
)
def test_conditions(condition: str, threshold: str, value: str, previous: str | None, wanted: str) -> None:
    before = None if previous is None else Decimal(previous)
    found = look(condition, Decimal(threshold), "calm", Decimal(value), previous=before)  # type: ignore[arg-type]
    assert found.state == wanted
    assert found.crossed is (wanted == "crossed")
    assert bool(found.reason) is (wanted == "undefined")


def test_noise_follows_the_verdict_and_says_why_it_can_t_tell() -> None:
    for verdict, state in (
        ("up", "crossed"),
        ("down", "crossed"),
        ("noise", "calm"),
        ("unknown", "undefined"),
    ):
        assert look("noise", None, "calm", Decimal(1), verdict=verdict).state == state
    assert look("noise", None, "crossed", None, verdict="unknown", reason="too few") == Look(
        "crossed", reason="too few"
    )
    assert look("noise", None, "crossed", None, verdict="noise").state == "calm"
