"""Formatting: exact, rounded half away from zero once, and refusing floats."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.ui import formats
from salesops.ui.formats import Unit


@pytest.mark.parametrize(
    "value, full, auto, compact",
    [
        ("0", "$0.00", "$0", "$0"),
        ("86.5", "$86.50", "$86.50", "$86.50"),
        ("0.005", "$0.01", "$0.01", "$0.01"),
        ("-0.005", "-$0.01", "-$0.01", "-$0.01"),
        ("1234.5", "$1,234.50", "$1,234.50", "$1,235"),
        ("486500", "$486,500.00", "$486,500", "$486.5K"),
        ("999949.99", "$999,949.99", "$999,949.99", "$999.9K"),
        ("999950", "$999,950.00", "$999,950", "$1M"),
        ("8420113.50", "$8,420,113.50", "$8,420,114", "$8.42M"),
        ("10005534", "$10,005,534.00", "$10,005,534", "$10.01M"),
        ("999995000", "$999,995,000.00", "$999,995,000", "$1B"),
        ("-2500.25", "-$2,500.25", "-$2,500.25", "-$2,500"),
    ],
)
def test_money_in_three_lengths(value: str, full: str, auto: str, compact: str) -> None:
    amount = Decimal(value)
    assert formats.money(amount, "USD") == full
    assert formats.money_auto(amount, "USD") == auto
    assert formats.money_compact(amount, "USD") == compact


def test_money_follows_currency_and_locale() -> None:
    assert formats.money(Decimal("1234.5"), "JPY") == "¥1,235"
    assert formats.money(Decimal("1234.5"), "EUR", locale="de_DE") == "1.234,50\u00a0€"
    assert formats.money_compact(Decimal(486_500), "EUR", locale="de_DE") == "486.500\u00a0€"


def test_a_zero_has_no_sign_whoever_asked_first() -> None:
    assert [formats.number(Decimal("-0.0")), formats.number(Decimal(0)), formats.number(0)] == ["0", "0", "0"]


def test_money_is_exact_beyond_a_float() -> None:
    assert formats.money(Decimal("123456789012345678901234567890.12"), "USD").endswith("234,567,890.12")


@pytest.mark.parametrize(
    "call", [lambda: formats.money(1.5, "USD"), lambda: formats.number(0.1), lambda: formats.ratio(True)]
)  # type: ignore[arg-type]
def test_a_float_or_bool_is_refused(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError):
        call()


def test_ratio_rounds_the_fraction_once() -> None:
    assert formats.ratio(Fraction(4238, 6711), places=2) == "63.15%"
    assert formats.ratio(Decimal("0.6305")) == "63.1%"
    assert formats.ratio(Fraction(1, 3)) == "33.3%"
    assert formats.ratio(0) == "0.0%"
    assert formats.ratio(Decimal("-0.0001")) == "0.0%"


def test_other_units() -> None:
    assert formats.times(Decimal("2.65")) == "2.7×"
    assert formats.days(1) == "1 day"
    assert formats.days(Fraction(479, 10)) == "47.9 days"
    assert formats.points(Decimal("0.042")) == "4.2 pts"
    assert formats.number(1640) == "1,640"
    assert formats.number(Decimal("12.500")) == "12.5"
    assert Unit(noun="deals").spoken(412) == "412 deals"
    assert Unit("money", "USD").short(Decimal(8_420_000)) == "$8.42M"


def test_days_and_instants() -> None:
    assert formats.day(date(2026, 11, 30)) == "Nov 30, 2026"
    assert formats.day(date(2026, 11, 3), style="short") == "Nov 3"
    moment = datetime(2026, 11, 30, 23, 5, 9, tzinfo=UTC)
    assert formats.instant(moment).replace("\u202f", " ") == "Nov 30, 2026, 11:05 PM UTC"
    assert formats.instant(moment, ZoneInfo("Europe/Berlin")).startswith("Dec 1, 2026, 12:05")
    with pytest.raises(TypeError):
        formats.instant(datetime(2026, 11, 30))  # noqa: DTZ001 - that is the point
    with pytest.raises(TypeError):
        formats.day(moment)


@settings(max_examples=60, deadline=None)
@given(st.decimals(min_value=-(10**15), max_value=10**15, places=4))
def test_full_money_reads_back_within_half_a_cent(value: Decimal) -> None:
    text = formats.money(value, "USD").replace("$", "").replace(",", "")
    assert abs(Decimal(text) - value) <= Decimal("0.005")


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_compact_money_is_within_one_step_of_the_value(value: int) -> None:
    text = formats.money_compact(value, "USD")
    scale = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}.get(text[-1], 1)
    read = Decimal(text.rstrip("KMBT").replace("$", "").replace(",", "")) * scale
    assert abs(read - value) <= max(abs(value) * Decimal("0.0055"), Decimal("0.5"))
