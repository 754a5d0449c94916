from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from salesops.core.business_time import BusinessCalendar, BusinessTimeError, monday_to_friday

FAST = settings(max_examples=80, deadline=None)
MINUTE = timedelta(minutes=1)
NIGHT_AND_DAY = dict.fromkeys(range(7), ((time(0), time(0)),))
SPLIT_DAY = dict.fromkeys(range(7), ((time(8), time(12)), (time(13), time(17, 30)), (time(20), time(0))))
ZONES = [
    *("UTC", "America/New_York", "Europe/Berlin", "Australia/Sydney", "America/Santiago"),
    *("Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"),
]
HOLIDAYS = frozenset({date(2026, 3, 30), date(2026, 10, 5), date(2026, 11, 2)})
CALENDARS = st.builds(
    BusinessCalendar,
    st.sampled_from(ZONES),
    st.sampled_from([monday_to_friday(), NIGHT_AND_DAY, SPLIT_DAY, {6: ((time(1, 30), time(3, 30)),)}]),
    st.sampled_from([frozenset[date](), HOLIDAYS]),
)
YEAR = datetime.fromisoformat("2026-01-01")  # hypothesis wants it without a zone
INSTANTS = st.datetimes(YEAR, YEAR + timedelta(days=364)).map(lambda naive: naive.replace(tzinfo=UTC))
BERLIN = BusinessCalendar("Europe/Berlin", monday_to_friday())


def case(folder: Path, name: str) -> dict[str, Any]:
    cases = yaml.safe_load((folder / "ops.yaml").read_text(encoding="utf-8"))["cases"]
    return next(found for found in cases if found["id"] == name)


def local(zone: str, text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def shown(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


# -- worked cases ---------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ZONES)
def test_sla_1_time_outside_hours_starts_at_the_next_opening(shared_cases: Path, zone: str) -> None:
    sla = case(shared_cases, "SLA-1")
    inputs = sla["inputs"]
    calendar = BusinessCalendar(
        zone, monday_to_friday(), frozenset(date.fromisoformat(str(day)) for day in inputs["holidays"])
    )
    due = [calendar.add_minutes(local(zone, str(at)), inputs["sla_minutes"]) for at in inputs["received"]]
    assert [shown(instant, zone) for instant in due] == [str(expected) for expected in sla["expected"]["due"]]
    # The case's second time came on Saturday 15:00; carrying that clock time over gives 16:00.
    assert shown(due[1], zone) != str(sla["trap"]["frappe_crm_loop_for_saturday"])


def test_sla_3_over_the_change_of_clocks(shared_cases: Path) -> None:
    sla = case(shared_cases, "SLA-3")
    inputs, expected = sla["inputs"], sla["expected"]
    calendar = BusinessCalendar(inputs["zone"], monday_to_friday())
    received = datetime.fromisoformat(str(inputs["received_utc"])).replace(tzinfo=UTC)
    due = calendar.add_minutes(received, inputs["sla_minutes"])
    assert shown(due, inputs["zone"]) == str(expected["due_local"])
    assert shown(due, "UTC") + "Z" == str(expected["due_utc"])


# -- examples -------------------------------------------------------------------------------------


def test_due_at_closing_time_is_due_that_day() -> None:
    assert shown(BERLIN.add_minutes(local("Europe/Berlin", "2026-11-13T16:30"), 30), "Europe/Berlin") == (
        "2026-11-13T17:00"
    )
    assert shown(BERLIN.add_minutes(local("Europe/Berlin", "2026-11-13T16:30"), 31), "Europe/Berlin") == (
        "2026-11-16T09:01"
    )


def test_holidays_are_closed_all_day() -> None:
    calendar = BusinessCalendar("Europe/Berlin", monday_to_friday(), frozenset({date(2026, 12, 25)}))
    eve = local("Europe/Berlin", "2026-12-24T16:45")
    assert shown(calendar.add_minutes(eve, 60), "Europe/Berlin") == "2026-12-28T09:45"
    assert calendar.minutes_between(eve, local("Europe/Berlin", "2026-12-28T09:45")) == 60
    assert not calendar.is_open(local("Europe/Berlin", "2026-12-25T10:00"))


def test_is_open_from_opening_to_just_before_closing() -> None:
    for clock, is_open in [("08:59", False), ("09:00", True), ("16:59", True), ("17:00", False)]:
        assert BERLIN.is_open(local("Europe/Berlin", f"2026-11-13T{clock}")) is is_open
    assert not BERLIN.is_open(local("Europe/Berlin", "2026-11-14T10:00"))
    assert BERLIN.is_open(datetime(2026, 7, 1, 7, 0, tzinfo=UTC))  # 09:00 in summer
    assert not BERLIN.is_open(datetime(2026, 12, 1, 7, 30, tzinfo=UTC))  # 08:30 in winter


def test_negative_minutes_count_back() -> None:
    monday = local("Europe/Berlin", "2026-11-16T09:20")
    assert shown(BERLIN.add_minutes(monday, -30), "Europe/Berlin") == "2026-11-13T16:50"
    assert shown(BERLIN.add_minutes(monday, -20), "Europe/Berlin") == "2026-11-16T09:00"


def test_zero_minutes_move_nothing() -> None:
    saturday = local("Europe/Berlin", "2026-11-14T15:00")
    assert BERLIN.add_minutes(saturday, 0) == saturday
    assert BERLIN.add_minutes(saturday, 0).tzinfo is UTC


@pytest.mark.parametrize(
    "zone, day, hours",
    [
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Australia/Sydney", "2026-04-05", 25),
        ("Australia/Sydney", "2026-10-04", 23),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("America/Santiago", "2026-09-06", 23),  # clocks skip midnight: the day starts at 01:00
        ("America/Santiago", "2026-04-04", 25),  # clocks go back at midnight: 23:00 comes twice
        ("Pacific/Apia", "2011-12-30", 0),  # the day Samoa left out
    ],
)
def test_days_on_which_clocks_change(zone: str, day: str, hours: float) -> None:
    calendar = BusinessCalendar(zone, NIGHT_AND_DAY)
    only_that_day = BusinessCalendar(
        zone,
        NIGHT_AND_DAY,
        frozenset(date.fromisoformat(day) + timedelta(days=n) for n in range(-3, 4) if n),
    )
    start = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC) - timedelta(days=2)
    assert only_that_day.minutes_between(start, start + timedelta(days=4)) == hours * 60
    assert calendar.minutes_between(start, start + timedelta(days=4)) == 4 * 24 * 60


def test_hours_beside_the_change_of_clocks_keep_their_length() -> None:
    zone = "Europe/Berlin"
    calendar = BusinessCalendar(zone, dict.fromkeys(range(7), ((time(9), time(17)),)))
    for day in ("2026-03-29", "2026-10-25"):
        assert calendar.minutes_between(local(zone, f"{day}T00:00"), local(zone, f"{day}T23:59")) == 480


def test_an_opening_inside_the_skipped_hour_waits_for_the_jump() -> None:
    zone = "America/New_York"
    sunday = {6: ((time(2, 15), time(2, 45)), (time(2, 45), time(4)))}
    calendar = BusinessCalendar(zone, sunday)
    jump = datetime(2026, 3, 8, 7, 0, tzinfo=UTC)  # 02:00 EST becomes 03:00 EDT
    assert not calendar.is_open(jump - MINUTE)
    assert calendar.is_open(jump)
    assert calendar.minutes_between(jump - 60 * MINUTE, jump + 120 * MINUTE) == 60


def test_the_hour_that_comes_twice_opens_and_closes_at_its_first_pass() -> None:
    calendar = BusinessCalendar("America/New_York", {6: ((time(0), time(1, 30)), (time(3), time(4)))})
    assert calendar.is_open(local("America/New_York", "2026-11-01T01:15"))
    assert not calendar.is_open(local("America/New_York", "2026-11-01T01:15", fold=1))


def test_a_day_that_began_before_the_wall_went_back_to_the_day_before() -> None:
    # St John's, 7 November 2010: at 00:01 clocks went back to 23:01 of the 6th, a Saturday.
    calendar = BusinessCalendar("America/St_Johns", {6: ((time(0), time(0)),)})
    midnight = datetime(2010, 11, 7, 2, 30, tzinfo=UTC)
    inside = midnight + 15 * MINUTE
    assert shown(inside, "America/St_Johns") == "2010-11-06T23:15"
    assert not calendar.is_open(midnight - MINUTE)
    assert calendar.is_open(midnight)
    assert calendar.is_open(inside)
    assert calendar.minutes_between(midnight - 60 * MINUTE, inside) == 15
    assert calendar.minutes_between(inside, midnight + 1440 * MINUTE) == 1425
    assert calendar.add_minutes(inside, -15) == midnight
    assert calendar.minutes_between(midnight, midnight + 2000 * MINUTE) == 25 * 60


def test_night_shift_over_midnight() -> None:
    nights = dict.fromkeys(range(7), ((time(0), time(6)), (time(22), time(0))))
    calendar = BusinessCalendar("UTC", nights)
    assert calendar.minutes_between(local("UTC", "2026-11-13T12:00"), local("UTC", "2026-11-14T12:00")) == 480
    assert calendar.is_open(local("UTC", "2026-11-14T00:00"))


def test_fractions_of_minutes_are_kept() -> None:
    start = local("Europe/Berlin", "2026-11-13T10:00")
    due = BERLIN.add_minutes(start, Fraction(1, 3))
    assert due - start == timedelta(seconds=20)
    assert BERLIN.minutes_between(start, due) == 20 / 60


@pytest.mark.parametrize(
    "zone, hours",
    [
        ("Mars/Olympus", monday_to_friday()),
        ("", monday_to_friday()),
        ("UTC", {}),
        ("UTC", {0: ()}),
        ("UTC", {7: ((time(9), time(17)),)}),
        ("UTC", {0: ((time(17), time(9)),)}),
        ("UTC", {0: ((time(9), time(9)),)}),
        ("UTC", {0: ((time(9), time(12)), (time(11), time(17)))}),
        ("UTC", {0: ((time(13), time(17)), (time(9), time(12)))}),
        ("UTC", {0: ((time(9), time(0)), (time(10), time(12)))}),
        ("UTC", {0: ((time(9, tzinfo=UTC), time(17, tzinfo=UTC)),)}),
    ],
)
def test_calendars_that_cannot_be(zone: str, hours: dict[int, tuple[tuple[time, time], ...]]) -> None:
    with pytest.raises(BusinessTimeError):
        BusinessCalendar(zone, hours)


def test_instants_need_a_zone_and_holidays_are_days() -> None:
    naive = datetime.fromisoformat("2026-11-13T10:00")
    for ask in (
        BERLIN.is_open,
        lambda at: BERLIN.add_minutes(at, 5),
        lambda at: BERLIN.minutes_between(at, at),
    ):
        with pytest.raises(BusinessTimeError):
            ask(naive)
    with pytest.raises(BusinessTimeError):
        BusinessCalendar("UTC", monday_to_friday(), frozenset({datetime(2026, 12, 25, tzinfo=UTC)}))


def test_a_promise_beyond_the_calendar_is_refused() -> None:
    one_minute_a_week = BusinessCalendar("UTC", {0: ((time(9), time(9, 1)),)})
    with pytest.raises(BusinessTimeError):
        one_minute_a_week.add_minutes(datetime(9990, 1, 1, tzinfo=UTC), 10_000)


def test_equality_hash_and_pickle() -> None:
    same = BusinessCalendar("Europe/Berlin", monday_to_friday())
    BERLIN.is_open(datetime(2026, 1, 1, tzinfo=UTC))
    assert same == BERLIN == pickle.loads(pickle.dumps(BERLIN))
    assert hash(same) == hash(BERLIN)
    assert same != BusinessCalendar("Europe/Berlin", monday_to_friday(closes=time(18)))


# -- properties -----------------------------------------------------------------------------------


@FAST
@given(CALENDARS, INSTANTS, st.integers(-20_000, 20_000))
def test_between_undoes_add(calendar: BusinessCalendar, instant: datetime, minutes: int) -> None:
    assert calendar.minutes_between(instant, calendar.add_minutes(instant, minutes)) == minutes


@FAST
@given(CALENDARS, INSTANTS, INSTANTS)
def test_add_undoes_between_inside_opening_hours(
    calendar: BusinessCalendar, start: datetime, end: datetime
) -> None:
    assume(calendar.is_open(end))
    assert calendar.add_minutes(start, calendar.minutes_between(start, end)) == end


@FAST
@given(CALENDARS, INSTANTS, INSTANTS, INSTANTS)
def test_spans_add_up(calendar: BusinessCalendar, a: datetime, b: datetime, c: datetime) -> None:
    whole = calendar.minutes_between(a, c)
    assert calendar.minutes_between(a, b) + calendar.minutes_between(b, c) == pytest.approx(whole, abs=1e-6)
    assert calendar.minutes_between(b, a) == -calendar.minutes_between(a, b)


@FAST
@given(CALENDARS, INSTANTS, st.integers(1, 5_000))
def test_the_due_instant_is_the_earliest(calendar: BusinessCalendar, instant: datetime, minutes: int) -> None:
    due = calendar.add_minutes(instant, minutes)
    assert calendar.minutes_between(instant, due - timedelta(seconds=1)) < minutes
    assert calendar.is_open(due - timedelta(microseconds=1))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from([monday_to_friday(), SPLIT_DAY]),
    st.sampled_from(
        ["2026-03-06", "2026-03-28", "2026-04-04", "2026-09-05", "2026-10-03", "2026-10-24", "2026-10-31"]
    ),
    st.integers(0, 2 * 1440),
    st.integers(0, 3 * 1440),
)
def test_minute_by_minute(
    zone: str, hours: dict[int, tuple[tuple[time, time], ...]], day: str, offset: int, length: int
) -> None:
    """The wall clock decides, since no opening here ends inside the hour that clocks repeat."""
    calendar = BusinessCalendar(zone, hours, HOLIDAYS)
    start = datetime.fromisoformat(day).replace(tzinfo=UTC) + offset * MINUTE
    counted = 0
    for minute in range(length):
        wall = (start + minute * MINUTE).astimezone(ZoneInfo(zone))
        clock = wall.time()
        is_open = wall.date() not in HOLIDAYS and any(
            opens <= clock and (clock < closes or closes == time(0))
            for opens, closes in hours.get(wall.weekday(), ())
        )
        assert calendar.is_open(wall) is is_open
        counted += is_open
    assert calendar.minutes_between(start, start + length * MINUTE) == counted
