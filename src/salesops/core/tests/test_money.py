from __future__ import annotations

import copy
import decimal
import pickle
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.core.money import (
    CurrencyMismatch,
    Money,
    MoneyError,
    Rounding,
    allocate,
    currency_places,
    round_decimal,
)

FAST = settings(max_examples=120, deadline=None)
CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KWD", "CLF"])
AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, places=6)
WEIGHTS = st.lists(
    st.one_of(st.integers(0, 10**6), st.decimals(min_value=0, max_value=1000, places=5)),
    min_size=1,
    max_size=12,
).filter(any)


def usd(amount: Decimal | int | str) -> Money:
    return Money(amount, "USD")


@pytest.mark.parametrize("amount", [1.5, True, None, Fraction(1, 3)])
def test_only_exact_numbers_enter(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(amount, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", ["1,000", "1_000", "", "12 34", "NaN", "Infinity", "١٢", "$5"])
def test_text_must_be_a_plain_number(amount: str) -> None:
    with pytest.raises(MoneyError):
        usd(amount)


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity"), Decimal("1E+500"), 10**250])
def test_amounts_are_finite_and_of_sane_length(amount: Decimal | int) -> None:
    with pytest.raises(MoneyError):
        usd(amount)


@pytest.mark.parametrize("code", ["US", "DOLLAR", "U$D", ""])
def test_a_currency_is_three_letters(code: str) -> None:
    with pytest.raises(MoneyError):
        Money(1, code)


def test_equality_ignores_how_the_amount_was_written() -> None:
    assert usd("1.0") == usd("1.00") == Money(1, "usd")
    assert hash(usd("1.0")) == hash(usd("1.00"))
    assert usd(1) != Money(1, "EUR")
    assert str(usd("-0.00")) == "0.00 USD"
    assert str(usd("1E+3")) == "1000 USD"


def test_arithmetic_is_exact_whatever_the_decimal_context() -> None:
    with decimal.localcontext() as context:
        context.prec = 3
        assert usd("123456789.01") + usd("0.01") == usd("123456789.02")
        assert usd("123456789.01") - usd("0.02") == usd("123456788.99")
        assert usd("123456789.01") * Decimal("1.0001") == usd("123469134.688901")
        assert usd("123456789.015").round() == usd("123456789.02")
    assert usd(10**25) + usd("0.00001") - usd(10**25) == usd("0.00001")
    assert 3 * usd("0.10") == usd("0.30")
    assert -usd(2) == usd(-2)
    assert abs(usd(-2)) == usd(2)
    assert sum([usd("0.1")] * 3, usd(0)) == usd("0.3")


def test_products_stay_unrounded_until_asked() -> None:
    fee = usd("9.99") * Decimal("0.075")
    assert fee.amount == Decimal("0.74925")
    assert fee.round() == usd("0.75")
    assert fee.round(Rounding.DOWN) == usd("0.74")


def test_currencies_do_not_mix() -> None:
    for operation in ("__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"):
        with pytest.raises(CurrencyMismatch):
            getattr(usd(1), operation)(Money(1, "EUR"))


@pytest.mark.parametrize("other", [1, 1.0, Decimal(1), "1"])
def test_a_bare_number_is_not_money(other: object) -> None:
    with pytest.raises(TypeError):
        usd(1) + other  # type: ignore[operator]
    with pytest.raises(TypeError):
        usd(1) < other  # type: ignore[operator]  # noqa: B015
    assert usd(1) != other


@pytest.mark.parametrize("factor", [0.5, True, usd(2), "2"])
def test_factors_are_int_or_decimal(factor: object) -> None:
    with pytest.raises(TypeError):
        usd(1) * factor  # type: ignore[operator]
    with pytest.raises(TypeError):
        factor * usd(1)  # type: ignore[arg-type]


def test_ordering() -> None:
    assert usd("1.99") < usd(2) <= usd("2.00")
    assert usd(3) > usd(2) >= usd(2)
    assert max(usd(1), usd(3), usd(2)) == usd(3)


@pytest.mark.parametrize(
    "text, money",
    [
        ("1234.50 USD", usd("1234.50")),
        ("usd -3", usd(-3)),
        ("+7JPY", Money(7, "JPY")),
        ("  0.001 KWD ", Money("0.001", "KWD")),
    ],
)
def test_parse(text: str, money: Money) -> None:
    assert Money.parse(text) == money


@pytest.mark.parametrize("text", ["1,234.50 USD", "1.234,50 EUR", "$5", "5", "USD", "5 USD EUR", "1e3 USD"])
def test_parse_refuses_what_is_ambiguous(text: str) -> None:
    with pytest.raises(MoneyError):
        Money.parse(text)


def test_frozen_and_copyable() -> None:
    money = usd("1.10")
    with pytest.raises(AttributeError):
        money.amount = Decimal(2)  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(money)) == copy.deepcopy(money) == money


@FAST
@given(AMOUNTS, CURRENCIES)
def test_parse_reads_what_str_wrote(amount: Decimal, currency: str) -> None:
    assert Money.parse(str(Money(amount, currency))) == Money(amount, currency)


@FAST
@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_addition_and_multiplication_follow_the_laws_of_rational_numbers(
    a: Decimal, b: Decimal, c: Decimal
) -> None:
    assert (usd(a) + usd(b)) * c == usd(a) * c + usd(b) * c
    assert Fraction(((usd(a) - usd(b)) * c).amount) == (Fraction(a) - Fraction(b)) * Fraction(c)


@pytest.mark.parametrize(
    "code, places",
    [
        ("USD", 2),
        ("eur", 2),
        ("JPY", 0),
        ("KRW", 0),
        ("ISK", 0),
        ("BHD", 3),
        ("TND", 3),
        ("CLF", 4),
        ("UYW", 4),
    ],
)
def test_places_of_currencies(code: str, places: int) -> None:
    assert currency_places(code) == places


def test_minor_units() -> None:
    assert usd("12.34").to_minor() == 1234
    assert Money(1234, "JPY").to_minor() == 1234
    assert Money.from_minor(1234, "KWD") == Money("1.234", "KWD")
    assert str(Money.from_minor(-5, "USD")) == "-0.05 USD"
    with pytest.raises(MoneyError):
        usd("0.001").to_minor()
    with pytest.raises(TypeError):
        Money.from_minor(1.0, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "rounding, results",
    [
        (Rounding.HALF_UP, ["3", "-3", "4", "2", "-2"]),
        (Rounding.HALF_EVEN, ["2", "-2", "4", "2", "-2"]),
        (Rounding.DOWN, ["2", "-2", "3", "2", "-2"]),
        (Rounding.UP, ["3", "-3", "4", "3", "-3"]),
        (Rounding.CEILING, ["3", "-2", "4", "3", "-2"]),
        (Rounding.FLOOR, ["2", "-3", "3", "2", "-3"]),
    ],
)
def test_rounding_rules(rounding: Rounding, results: list[str]) -> None:
    values = [Decimal(text) for text in ("2.5", "-2.5", "3.5", "2.4", "-2.4")]
    assert [str(round_decimal(value, 0, rounding)) for value in values] == results
    assert [str(round_decimal(Fraction(value), 0, rounding)) for value in values] == results
    assert Rounding(rounding.value) is rounding


def test_rounding_places() -> None:
    assert str(round_decimal(Decimal("1.005"), 2, Rounding.HALF_UP)) == "1.01"
    assert str(round_decimal(Decimal("2.675"), 2, Rounding.HALF_EVEN)) == "2.68"
    assert str(round_decimal(7, 2, Rounding.HALF_UP)) == "7.00"
    assert str(round_decimal(Decimal(123500), -3, Rounding.HALF_EVEN)) == "124000"
    assert str(round_decimal(Decimal("-0.001"), 2, Rounding.HALF_UP)) == "0.00"
    assert str(round_decimal(Fraction(2, 3), 4, Rounding.HALF_UP)) == "0.6667"
    assert str(round_decimal(Fraction(123500), -3, Rounding.HALF_UP)) == "124000"
    with pytest.raises(TypeError):
        round_decimal(0.5, 0, Rounding.HALF_UP)  # type: ignore[arg-type]
    with pytest.raises(MoneyError):
        round_decimal(Decimal("NaN"), 2, Rounding.HALF_UP)
    with pytest.raises(MoneyError):
        round_decimal(Decimal(1), 500, Rounding.HALF_UP)


def test_a_mean_is_rounded_once() -> None:
    # Just under the tie: 28 digits of the quotient would already have been rounded up to it.
    mean = Fraction(10**40 // 2 - 1, 10**40)
    assert round_decimal(mean, 0, Rounding.HALF_UP) == 0


@FAST
@given(AMOUNTS, st.integers(-4, 7), st.sampled_from(Rounding))
def test_fractions_round_as_decimals_do(value: Decimal, places: int, rounding: Rounding) -> None:
    by_decimal = round_decimal(value, places, rounding)
    assert str(round_decimal(Fraction(value), places, rounding)) == str(by_decimal)
    unit = Fraction(10) ** -places
    assert abs(Fraction(by_decimal) - Fraction(value)) < unit
    assert (Fraction(by_decimal) / unit).denominator == 1


@pytest.mark.parametrize(
    "total, weights, parts",
    [
        ("100.00", [1, 1, 1], ["33.34", "33.33", "33.33"]),
        ("-100.00", [1, 1, 1], ["-33.34", "-33.33", "-33.33"]),
        ("0.05", [3, 7], ["0.02", "0.03"]),  # remainders tie at one half: the earlier gets the cent
        ("10.00", [Decimal("0.5"), 0, Decimal("0.25"), Decimal("0.25")], ["5.00", "0.00", "2.50", "2.50"]),
        ("0.01", [0, 1, 1], ["0.00", "0.01", "0.00"]),
        ("0.00", [1, 2], ["0.00", "0.00"]),
    ],
)
def test_allocation(total: str, weights: list[Decimal | int], parts: list[str]) -> None:
    assert [str(part.amount) for part in allocate(usd(total), weights)] == parts


def test_allocation_in_other_minor_units() -> None:
    assert [part.amount for part in allocate(Money(100, "JPY"), [1, 1, 1])] == [34, 33, 33]
    assert allocate(Money("0.001", "KWD"), [1, 1])[0] == Money("0.001", "KWD")


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [Decimal("NaN")]])
def test_allocation_refuses_weights_that_share_nothing(weights: list[Decimal | int]) -> None:
    with pytest.raises(MoneyError):
        allocate(usd(1), weights)


def test_allocation_refuses_floats_and_unrounded_totals() -> None:
    with pytest.raises(TypeError):
        allocate(usd(1), [0.5, 0.5])  # type: ignore[list-item]
    with pytest.raises(MoneyError):
        allocate(usd("0.005"), [1, 1])


@FAST
@given(st.integers(-(10**12), 10**12), CURRENCIES, WEIGHTS)
def test_allocation_sums_exactly_and_each_part_is_within_one_unit(
    units: int, currency: str, weights: list[Decimal | int]
) -> None:
    total = Money.from_minor(units, currency)
    parts = allocate(total, weights)
    assert sum(parts, Money(0, currency)) == total
    whole = sum(Fraction(weight) for weight in weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.to_minor() - units * Fraction(weight) / whole) < 1
        assert weight or part == Money(0, currency)
    assert allocate(-total, weights) == [-part for part in parts]


@FAST
@given(st.integers(0, 10**9), WEIGHTS, st.integers(1, 1000))
def test_allocation_depends_on_proportions_only(
    units: int, weights: list[Decimal | int], factor: int
) -> None:
    total = Money.from_minor(units, "USD")
    assert allocate(total, weights) == allocate(total, [weight * factor for weight in weights])
