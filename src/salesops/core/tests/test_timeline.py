from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.core.timeline import ENDED, Ended, Entry, NothingInForce, Segment, Timeline

FAST = settings(max_examples=150, deadline=None)


def on(day: int) -> date:
    return date(2026, 1, 1) + timedelta(days=day)


def known(hour: int) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)


ENTRIES = st.lists(
    st.builds(
        Entry[int],
        st.one_of(st.none(), st.integers(0, 8).map(on)),
        st.integers(0, 5).map(known),
        st.one_of(st.just(ENDED), st.integers(0, 99)),
    ),
    max_size=9,
)
KNOWN_AT = st.one_of(st.none(), st.integers(-1, 6).map(known))


def by_definition(entries: list[Entry[int]], day: date, known_at: datetime | None) -> int | Ended | None:
    """The value on a day, found by comparing every entry with every other; None = none started."""
    seen = [entry for entry in entries if known_at is None or entry.recorded_at <= known_at]
    started = [entry for entry in seen if entry.starts_on is None or entry.starts_on <= day]
    best: Entry[int] | None = None
    for entry in started:
        if best is None:
            best = entry
            continue
        newer = (entry.starts_on is not None, entry.starts_on or date.min, entry.recorded_at)
        if newer >= (best.starts_on is not None, best.starts_on or date.min, best.recorded_at):
            best = entry
    return None if best is None else best.value


QUOTAS = Timeline[int](
    [
        Entry(on(0), known(1), 100),
        Entry(on(31), known(2), 120),
        Entry(on(31), known(9), 130),  # a correction of the same start, recorded later
        Entry(on(10), known(10), 110),  # recorded last, in between
        Entry(on(59), known(11), ENDED),
    ]
)


def test_the_newest_start_holds() -> None:
    assert [QUOTAS.at(on(day)) for day in (0, 9, 10, 30, 31, 58)] == [100, 100, 110, 110, 130, 130]


def test_as_known_at_an_instant() -> None:
    assert QUOTAS.at(on(40), known(2)) == 120
    assert QUOTAS.at(on(40), known(8)) == 120
    assert QUOTAS.at(on(40), known(9)) == 130
    assert QUOTAS.at(on(20), known(9)) == 100
    assert QUOTAS.at(on(70), known(10)) == 130
    east = timezone(timedelta(hours=9))
    assert QUOTAS.at(on(40), known(9).astimezone(east)) == 130


def test_nothing_in_force() -> None:
    for day, known_at in [(-1, None), (59, None), (99, None), (5, known(0))]:
        with pytest.raises(NothingInForce):
            QUOTAS.at(on(day), known_at)
    with pytest.raises(NothingInForce):
        Timeline[int]().at(on(0))


def test_segments() -> None:
    assert QUOTAS.segments() == [
        Segment(on(0), on(10), 100, known(1)),
        Segment(on(10), on(31), 110, known(10)),
        Segment(on(31), on(59), 130, known(9)),
    ]
    assert QUOTAS.segments(known(8)) == [
        Segment(on(0), on(31), 100, known(1)),
        Segment(on(31), None, 120, known(2)),
    ]
    assert QUOTAS.segments(known(0)) == []


def test_from_the_beginning_of_time() -> None:
    stages = Timeline[str]([Entry(None, known(0), "old"), Entry(date.min, known(0), "new")])
    assert stages.at(date.min) == "new"
    assert stages.segments() == [
        Segment(None, date.min, "old", known(0)),
        Segment(date.min, None, "new", known(0)),
    ]


def test_none_is_a_value_like_any_other() -> None:
    assert Timeline[None]([Entry(on(0), known(0), None)]).at(on(1)) is None


def test_of_equals_the_one_given_last_holds() -> None:
    first, second = Entry[int](on(0), known(0), 1), Entry[int](on(0), known(0), 2)
    assert Timeline[int]([first, second]).at(on(0)) == 2
    assert Timeline[int]([second, first]).at(on(0)) == 1


def test_equality_length_and_entries() -> None:
    entries: list[Entry[int]] = [Entry(on(1), known(0), 1), Entry(on(0), known(0), 2)]
    timeline = Timeline[int](entries)
    assert timeline.entries == (entries[1], entries[0])
    assert len(timeline) == 2
    assert timeline == Timeline[int](reversed(entries))
    assert hash(timeline) == hash(Timeline[int](reversed(entries)))
    assert timeline != Timeline[int](entries[:1])


def test_days_are_days_and_instants_have_a_zone() -> None:
    naive = datetime.fromisoformat("2026-01-01T00:00")
    with pytest.raises(TypeError):
        Entry(known(0), known(0), 1)
    with pytest.raises(ValueError, match="time zone"):
        Entry(on(0), naive, 1)
    with pytest.raises(TypeError):
        QUOTAS.at(known(0))
    with pytest.raises(ValueError, match="time zone"):
        QUOTAS.at(on(0), naive)
    with pytest.raises(ValueError, match="time zone"):
        QUOTAS.segments(naive)


@FAST
@given(ENTRIES, KNOWN_AT)
def test_equals_the_definition(entries: list[Entry[int]], known_at: datetime | None) -> None:
    timeline = Timeline(entries)
    segments = timeline.segments(known_at)
    for day in map(on, range(-2, 11)):
        expected = by_definition(entries, day, known_at)
        holding = [
            segment.value
            for segment in segments
            if (segment.starts_on is None or segment.starts_on <= day)
            and (segment.until is None or day < segment.until)
        ]
        if expected is None or expected is ENDED:
            assert holding == []
            with pytest.raises(NothingInForce):
                timeline.at(day, known_at)
        else:
            assert holding == [expected]
            assert timeline.at(day, known_at) == expected


@FAST
@given(ENTRIES, ENTRIES)
def test_what_is_recorded_later_never_changes_what_was_known(
    before: list[Entry[int]], after: list[Entry[int]]
) -> None:
    later = [Entry(entry.starts_on, entry.recorded_at + timedelta(days=1), entry.value) for entry in after]
    assert Timeline(before + later).segments(known(6)) == Timeline(before).segments()
