from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.core.calendars import (
    FiscalCalendar,
    Period,
    PeriodError,
    PeriodKind,
    YearNamedBy,
    YearPattern,
)

FAST = settings(max_examples=150, deadline=None)
KINDS: tuple[PeriodKind, ...] = ("year", "half", "quarter", "month", "week")
CALENDARS = st.builds(
    FiscalCalendar,
    start_month=st.integers(1, 12),
    pattern=st.sampled_from(get_args(YearPattern)),
    week_start=st.integers(0, 6),
    year_named_by=st.sampled_from(get_args(YearNamedBy)),
)
DAYS = st.dates(date(1950, 1, 1), date(2150, 12, 31))
ONE_DAY = timedelta(days=1)

CALENDAR_YEAR = FiscalCalendar()
JULY = FiscalCalendar(start_month=7)
WEEKS_454 = FiscalCalendar(start_month=2, pattern="4-5-4", week_start=6, year_named_by="start")


def span(period: Period) -> tuple[str, str]:
    return str(period.first), str(period.last)


# -- worked examples ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "calendar, label, title, first, last",
    [
        (CALENDAR_YEAR, "2017", "2017", "2017-01-01", "2017-12-31"),
        (CALENDAR_YEAR, "2017-H1", "H1 2017", "2017-01-01", "2017-06-30"),
        (CALENDAR_YEAR, "2017-Q3", "Q3 2017", "2017-07-01", "2017-09-30"),
        (CALENDAR_YEAR, "2016-02", "February 2016", "2016-02-01", "2016-02-29"),
        (CALENDAR_YEAR, "2017-W05", "Week 5, 2017", "2017-01-30", "2017-02-05"),
        (CALENDAR_YEAR, "2020-W53", "Week 53, 2020", "2020-12-28", "2021-01-03"),
        (CALENDAR_YEAR, "2017-01-15..2017-03-31", "15 Jan 2017 to 31 Mar 2017", "2017-01-15", "2017-03-31"),
        (JULY, "2018", "FY2018", "2017-07-01", "2018-06-30"),
        (JULY, "2018-H2", "H2 FY2018", "2018-01-01", "2018-06-30"),
        (JULY, "2018-Q3", "Q3 FY2018", "2018-01-01", "2018-03-31"),
        (JULY, "2018-W01", "Week 1, FY2018", "2017-07-03", "2017-07-09"),
        (JULY, "2017-08", "August 2017", "2017-08-01", "2017-08-31"),
        (WEEKS_454, "2017", "FY2017", "2017-01-29", "2018-01-27"),
        (WEEKS_454, "2017-Q1", "Q1 FY2017", "2017-01-29", "2017-04-29"),
        (WEEKS_454, "2017-M02", "Month 2 FY2017", "2017-02-26", "2017-04-01"),
        (WEEKS_454, "2017-W52", "Week 52, FY2017", "2018-01-21", "2018-01-27"),
    ],
)
def test_labels_and_titles(calendar: FiscalCalendar, label: str, title: str, first: str, last: str) -> None:
    period = calendar.parse(label)
    assert (period.label, period.title, *span(period)) == (label, title, first, last)


@pytest.mark.parametrize(
    "calendar, text, label",
    [
        (CALENDAR_YEAR, " fy2017-q3 ", "2017-Q3"),
        (CALENDAR_YEAR, "fy2017", "2017"),
        (CALENDAR_YEAR, "2017-m05", "2017-05"),
        (CALENDAR_YEAR, "2017-M5", "2017-05"),
        (CALENDAR_YEAR, "2017-w5", "2017-W05"),
        (JULY, "2018-M01", "2017-07"),
        (JULY, "FY2018-M12", "2018-06"),
        (FiscalCalendar(start_month=7, year_named_by="start"), "2017-M12", "2018-06"),
    ],
)
def test_other_spellings(calendar: FiscalCalendar, text: str, label: str) -> None:
    assert calendar.parse(text).label == label


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "17",
            "2017-Q5",
            "2017-Q0",
            "2017-H3",
            "2017-13",
            "2017-00",
            "2017-M13",
            "2017-W53",
            "2017-W00",
        ),
        *("FY2017-08", "2017-8", "Q3 2017", "2017-02-30..2017-03-01", "2017-03-02..2017-03-01", "2017-01-01"),
        *("0000", "0001-Q1", "9999-Q1", "0000-01", "2017-W99", "2017-Q3-"),
    ],
)
def test_labels_that_name_nothing(text: str) -> None:
    with pytest.raises(PeriodError):
        CALENDAR_YEAR.parse(text)


def test_a_calendar_month_beside_a_week_pattern_is_custom_and_moves_by_months() -> None:
    august = WEEKS_454.parse("2017-08")
    assert (august.kind, *span(august)) == ("custom", "2017-08-01", "2017-08-31")
    assert span(WEEKS_454.shift(august, -6)) == ("2017-02-01", "2017-02-28")


@pytest.mark.parametrize(
    "start_month, year, first, last, weeks",
    [
        # Apple's annual reports: 52 or 53 weeks, ending the last Saturday of September.
        (10, "2016", "2015-09-27", "2016-09-24", 52),
        (10, "2017", "2016-09-25", "2017-09-30", 53),
        (10, "2018", "2017-10-01", "2018-09-29", 52),
        # Cisco's: 52 or 53 weeks, ending the last Saturday of July.
        (8, "2015", "2014-07-27", "2015-07-25", 52),
        (8, "2016", "2015-07-26", "2016-07-30", 53),
        (8, "2017", "2016-07-31", "2017-07-29", 52),
    ],
)
def test_published_years_of_weeks(start_month: int, year: str, first: str, last: str, weeks: int) -> None:
    calendar = FiscalCalendar(start_month=start_month, pattern="4-4-5", week_start=6)
    assert (*span(calendar.parse(year)), calendar.parse(year).days // 7) == (first, last, weeks)


def test_weeks_are_iso_weeks_by_default() -> None:
    day = date(2000, 1, 1)
    while day < date(2030, 1, 1):
        year, week, _ = day.isocalendar()
        assert CALENDAR_YEAR.period("week", day).label == f"{year}-W{week:02}"
        day += ONE_DAY


def test_years_are_named_by_their_end_unless_told() -> None:
    day = date(2017, 8, 15)
    assert JULY.period("year", day).label == "2018"
    assert FiscalCalendar(start_month=7, year_named_by="start").period("year", day).label == "2017"
    assert FiscalCalendar(year_named_by="start").period("year", day).label == "2017"


def test_contains_and_days() -> None:
    quarter = CALENDAR_YEAR.parse("2017-Q3")
    assert quarter.days == 92
    assert quarter.contains(date(2017, 7, 1))
    assert quarter.contains(date(2017, 9, 30))
    assert not quarter.contains(date(2017, 6, 30))
    assert not quarter.contains(date(2017, 10, 1))


def test_periods_are_whole_and_in_order() -> None:
    months = CALENDAR_YEAR.periods("month", date(2017, 1, 31), date(2017, 4, 1))
    assert [month.label for month in months] == ["2017-01", "2017-02", "2017-03", "2017-04"]
    assert len(CALENDAR_YEAR.periods("year", date(2017, 5, 5), date(2017, 5, 5))) == 1
    with pytest.raises(PeriodError):
        CALENDAR_YEAR.periods("month", date(2017, 2, 1), date(2017, 1, 1))


def test_shift_examples() -> None:
    assert CALENDAR_YEAR.shift(CALENDAR_YEAR.parse("2017-Q1"), -1).label == "2016-Q4"
    assert JULY.shift(JULY.parse("2018-Q4"), 1).label == "2019-Q1"
    assert CALENDAR_YEAR.shift(CALENDAR_YEAR.parse("2017-01"), -13).label == "2015-12"
    assert CALENDAR_YEAR.shift(CALENDAR_YEAR.parse("2020-W53"), 1).label == "2021-W01"
    tenth = CALENDAR_YEAR.parse("2017-01-11..2017-01-20")
    assert span(CALENDAR_YEAR.shift(tenth, -1)) == ("2017-01-01", "2017-01-10")


def test_whole_periods_before() -> None:
    third = CALENDAR_YEAR.parse("2017-Q3")

    def before(since: date, most: int) -> list[str]:
        return [period.label for period in CALENDAR_YEAR.whole_before(third, since, most)]

    assert before(date(2016, 10, 1), 12) == ["2016-Q4", "2017-Q1", "2017-Q2"]
    assert before(date(2016, 10, 2), 12) == ["2017-Q1", "2017-Q2"], (
        "a period the data begins within is not whole"
    )
    assert before(date(2016, 10, 1), 2) == ["2017-Q1", "2017-Q2"]
    assert before(date(2017, 4, 2), 12) == []
    assert before(date(2016, 1, 1), 0) == []
    first = CALENDAR_YEAR.period("year", date(3, 5, 5))
    assert len(CALENDAR_YEAR.whole_before(first, date.min, 12)) < 3, "there is no day before the first"


def test_shift_refuses_periods_of_another_calendar() -> None:
    with pytest.raises(PeriodError):
        JULY.shift(CALENDAR_YEAR.parse("2017"), 1)
    with pytest.raises(PeriodError):
        CALENDAR_YEAR.shift(CALENDAR_YEAR.parse("2017-Q1"), 10**6)


def test_to_date() -> None:
    quarter = CALENDAR_YEAR.parse("2017-Q3")
    so_far = CALENDAR_YEAR.to_date(quarter, date(2017, 8, 15))
    assert (so_far.kind, so_far.title) == ("custom", "Q3 2017 to 15 Aug 2017")
    assert span(so_far) == ("2017-07-01", "2017-08-15")
    assert CALENDAR_YEAR.parse(so_far.label) == so_far
    assert CALENDAR_YEAR.to_date(quarter, date(2017, 9, 30)) is quarter
    assert CALENDAR_YEAR.to_date(quarter, date(2018, 9, 30)) is quarter
    with pytest.raises(PeriodError):
        CALENDAR_YEAR.to_date(quarter, date(2017, 6, 30))


@pytest.mark.parametrize(
    "calendar, period, other, day, same",
    [
        (CALENDAR_YEAR, "2017", "2016", "2017-08-15", "2016-08-15"),  # day 227, but the same date
        (CALENDAR_YEAR, "2016", "2015", "2016-02-29", "2015-02-28"),
        (CALENDAR_YEAR, "2017-Q3", "2017-Q2", "2017-08-15", "2017-05-16"),  # day 46 of each
        (CALENDAR_YEAR, "2017-Q3", "2017-Q2", "2017-09-30", "2017-06-30"),
        (CALENDAR_YEAR, "2017-Q2", "2017-Q1", "2017-06-30", "2017-03-31"),
        (CALENDAR_YEAR, "2017-Q1", "2017-Q2", "2017-03-31", "2017-06-30"),  # finished: the whole other
        (CALENDAR_YEAR, "2017-03", "2017-02", "2017-03-30", "2017-02-28"),
        (CALENDAR_YEAR, "2017-Q3", "2017-Q2", "2018-01-01", "2017-06-30"),
        (CALENDAR_YEAR, "2018-W09", "2024-W09", "2018-03-01", "2024-02-29"),  # Thursday of both
        (JULY, "2017", "2016", "2017-02-28", "2016-02-28"),
        (WEEKS_454, "2017-Q1", "2016-Q1", "2017-02-01", "2016-02-03"),  # both the fourth day, a Wednesday
    ],
)
def test_same_day_of(calendar: FiscalCalendar, period: str, other: str, day: str, same: str) -> None:
    found = calendar.same_day_of(calendar.parse(period), calendar.parse(other), date.fromisoformat(day))
    assert str(found) == same


def test_same_day_of_a_period_that_has_not_started() -> None:
    with pytest.raises(PeriodError):
        CALENDAR_YEAR.same_day_of(
            CALENDAR_YEAR.parse("2017-Q3"), CALENDAR_YEAR.parse("2017-Q2"), date(2017, 6, 30)
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"start_month": 0},
        {"start_month": 13},
        {"week_start": 7},
        {"pattern": "4-4-4"},
        {"year_named_by": "x"},
    ],
)
def test_calendars_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(PeriodError):
        FiscalCalendar(**wrong)  # type: ignore[arg-type]


def test_days_are_not_instants() -> None:
    noon = datetime(2017, 1, 1, 12, tzinfo=UTC)
    with pytest.raises(TypeError):
        CALENDAR_YEAR.period("month", noon)
    with pytest.raises(TypeError):
        CALENDAR_YEAR.parse("2017").contains(noon)


@pytest.mark.parametrize("kind", ["custom", "decade"])
def test_there_is_no_such_kind_to_look_up(kind: PeriodKind) -> None:
    with pytest.raises(PeriodError):
        CALENDAR_YEAR.period(kind, date(2017, 1, 1))


@pytest.mark.parametrize("day", [date.min, date.max])
def test_days_at_the_ends_of_the_calendar_are_refused(day: date) -> None:
    for pattern in get_args(YearPattern):
        for kind in KINDS:
            with pytest.raises(PeriodError):
                FiscalCalendar(pattern=pattern).period(kind, day)


# -- properties -----------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", get_args(YearPattern))
@pytest.mark.parametrize("start_month", range(1, 13))
def test_periods_tile_the_time_axis(start_month: int, pattern: YearPattern) -> None:
    calendar = FiscalCalendar(start_month=start_month, pattern=pattern, week_start=start_month % 7)
    first, last = date(1997, 5, 9), date(2027, 3, 3)
    for kind in KINDS:
        periods = calendar.periods(kind, first, last)
        assert periods[0].first <= first
        assert periods[-1].last >= last
        for earlier, later in pairwise(periods):
            assert later.first == earlier.last + ONE_DAY
        assert len({period.label for period in periods}) == len(periods)


@pytest.mark.parametrize("pattern", ["4-4-5", "4-5-4", "5-4-4"])
@pytest.mark.parametrize("start_month", range(1, 13))
def test_week_patterns(start_month: int, pattern: YearPattern) -> None:
    calendar = FiscalCalendar(start_month=start_month, pattern=pattern, week_start=start_month % 7)
    lengths = [int(weeks) for weeks in pattern.split("-")] * 4
    counts = set()
    for year in calendar.periods("year", date(1990, 6, 1), date(2030, 6, 1)):
        weeks = [period.days // 7 for period in calendar.periods("month", year.first, year.last)]
        counts.add(sum(weeks))
        assert weeks == (lengths if sum(weeks) == 52 else [*lengths[:-1], lengths[-1] + 1])
        assert year.first.weekday() == calendar.week_start
        # The year ends on the last such weekday of the month before the start month.
        assert year.last.month == (start_month - 2) % 12 + 1
        assert (year.last + timedelta(days=7)).month == start_month
        week_labels = [week.label for week in calendar.periods("week", year.first, year.last)]
        assert week_labels == [f"{year.label}-W{number + 1:02}" for number in range(sum(weeks))]
    assert counts == {52, 53}


@FAST
@given(CALENDARS, DAYS, st.sampled_from(KINDS))
def test_a_period_holds_its_day_and_its_label_reads_back(
    calendar: FiscalCalendar, day: date, kind: PeriodKind
) -> None:
    period = calendar.period(kind, day)
    assert period.contains(day)
    assert period.kind == kind
    again = calendar.parse(period.label)
    assert (again, again.title) == (period, period.title)
    assert calendar.period(kind, period.first) == calendar.period(kind, period.last) == period


@FAST
@given(CALENDARS, DAYS, st.sampled_from(KINDS), st.integers(-300, 300), st.integers(-300, 300))
def test_shift_is_invertible_and_adds_up(
    calendar: FiscalCalendar, day: date, kind: PeriodKind, n: int, m: int
) -> None:
    period = calendar.period(kind, day)
    moved = calendar.shift(period, n)
    assert calendar.shift(moved, -n) == period
    assert calendar.shift(moved, m) == calendar.shift(period, n + m)
    assert calendar.shift(period, 1) == calendar.period(kind, period.last + ONE_DAY)


@FAST
@given(CALENDARS, DAYS, st.integers(0, 800), st.integers(-50, 50))
def test_custom_spans_shift_back_too(calendar: FiscalCalendar, first: date, more: int, n: int) -> None:
    period = calendar.parse(f"{first}..{first + timedelta(days=more)}")
    assert calendar.shift(calendar.shift(period, n), -n) == period
    assert calendar.shift(period, 1).first == period.last + ONE_DAY


@FAST
@given(CALENDARS, DAYS)
def test_smaller_periods_nest(calendar: FiscalCalendar, day: date) -> None:
    nested: list[PeriodKind] = ["year", "half", "quarter", "month"]
    if calendar.pattern != "months":
        nested.append("week")
    outer = calendar.period("year", day)
    for kind in nested[1:]:
        inner = calendar.period(kind, day)
        assert outer.first <= inner.first <= inner.last <= outer.last
        outer = inner


@FAST
@given(CALENDARS, DAYS, st.sampled_from(KINDS), st.integers(-8, 8), st.integers(0, 400))
def test_the_same_day_lies_in_the_other_period(
    calendar: FiscalCalendar, day: date, kind: PeriodKind, n: int, later: int
) -> None:
    period = calendar.period(kind, day)
    other = calendar.shift(period, n)
    same = calendar.same_day_of(period, other, day + timedelta(days=later))
    assert other.contains(same)
    if n == 0:
        assert same == min(period.last, day + timedelta(days=later))
