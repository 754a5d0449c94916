"""Exact money: amounts with a currency, named rounding, allocation that always sums.

An amount is a :class:`~decimal.Decimal` in whole units of its currency (``Decimal("12.50")``
is twelve and a half dollars, not cents). A float never enters: it raises ``TypeError``.
Adding and multiplying are exact, whatever the decimal context of the caller; only
:meth:`Money.round` and :func:`round_decimal` round, by a :class:`Rounding` with a name.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from enum import Enum
from fractions import Fraction

_DIGITS = 200
# Python's default context rounds to 28 digits in silence. This one is wide enough for any sum or
# product of two amounts of 200 digits, and raises should that ever be untrue.
_WIDE = Context(prec=1000, Emax=10_000, Emin=-10_000, traps=[decimal.InvalidOperation, decimal.Overflow])
_EXACT = Context(
    prec=1000,
    Emax=10_000,
    Emin=-10_000,
    traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow],
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_AMOUNT_THEN_CODE = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]{3})")
_CODE_THEN_AMOUNT = re.compile(r"([A-Za-z]{3})\s*([+-]?[0-9]+(?:\.[0-9]+)?)")

# ISO 4217 (list one): the codes whose minor unit is not two digits.
_PLACES = {
    **dict.fromkeys(
        (
            *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
            *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


class MoneyError(ValueError):
    """An amount, currency or weight that cannot be used, with what to do about it."""


class CurrencyMismatch(MoneyError):
    """Two amounts in different currencies were added, subtracted or compared."""


class Rounding(str, Enum):
    """How a value between two representable ones is rounded.

    Attributes:
        HALF_UP: to the nearest; ties away from zero (2.5 -> 3, -2.5 -> -3).
        HALF_EVEN: to the nearest; ties to the even neighbour (2.5 -> 2, 3.5 -> 4).
        DOWN: towards zero.
        UP: away from zero.
        CEILING: towards plus infinity.
        FLOOR: towards minus infinity.
    """

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"
    CEILING = "ceiling"
    FLOOR = "floor"


_DECIMAL_MODES = {
    Rounding.HALF_UP: decimal.ROUND_HALF_UP,
    Rounding.HALF_EVEN: decimal.ROUND_HALF_EVEN,
    Rounding.DOWN: decimal.ROUND_DOWN,
    Rounding.UP: decimal.ROUND_UP,
    Rounding.CEILING: decimal.ROUND_CEILING,
    Rounding.FLOOR: decimal.ROUND_FLOOR,
}


def currency_places(code: str) -> int:
    """Digits after the decimal point of a currency, by ISO 4217.

    Args:
        code: three-letter currency code; case does not matter.

    Returns:
        0 for JPY and its like, 3 for KWD and its like, 4 for CLF and UYW, else 2. Codes
        without a minor unit in ISO 4217 (XAU, XDR) and codes newer than the table give 2.

    Raises:
        MoneyError: ``code`` is not three letters.
    """
    return _PLACES.get(_currency(code), 2)


def round_decimal(value: Decimal | Fraction | int, places: int, rounding: Rounding) -> Decimal:
    """Round an exact number to a number of decimal places, once.

    A mean is best passed as ``Fraction(total, count)``: dividing decimals first would round
    twice.

    Args:
        value: the exact number.
        places: digits kept after the decimal point; negative rounds to tens, hundreds, ...
            (-3: to thousands).
        rounding: the rule.

    Returns:
        A Decimal with ``max(places, 0)`` digits after the point; zero carries no sign.

    Raises:
        TypeError: ``value`` is a float, a bool or no number.
        MoneyError: ``value`` is NaN or infinite, or ``places`` is beyond 200.
    """
    if abs(places) > _DIGITS:
        raise MoneyError(f"rounding to {places} places needs more than {_DIGITS} digits")
    if isinstance(value, Fraction):
        scaled = value * Fraction(10) ** places
        return _power_of_ten(_round_to_integer(scaled, rounding), places)
    exact = _finite(value)
    rounded = exact.quantize(Decimal(1).scaleb(-places), _DECIMAL_MODES[rounding], _WIDE)
    if places < 0:
        rounded = rounded.quantize(Decimal(1), None, _WIDE)
    return _unsigned_zero(rounded)


@dataclass(frozen=True, init=False, slots=True)
class Money:
    """An exact amount in one currency.

    Equal amounts are equal however they were written: ``Money("1.0", "USD") ==
    Money("1.00", "USD")``. Different currencies are never equal, and adding or ordering them
    raises :class:`CurrencyMismatch`. ``sum(amounts, Money(0, "USD"))`` adds up a list.

    Attributes:
        amount: units of the currency (dollars, not cents); may carry more digits than the
            currency has, until :meth:`round`.
        currency: three capital letters, ISO 4217.
    """

    amount: Decimal
    currency: str

    def __init__(self, amount: Decimal | int | str, currency: str) -> None:
        """Make an amount.

        Args:
            amount: Decimal, int, or a plain number in text (``"-1234.50"``; point as decimal
                mark, no thousands marks).
            currency: ISO 4217 code; case does not matter.

        Raises:
            TypeError: ``amount`` is a float or a bool, or no number at all.
            MoneyError: the text is no plain number, the amount is NaN, infinite or longer
                than 200 digits, or the currency is not three letters.
        """
        if isinstance(amount, str):
            if not _NUMBER.fullmatch(amount.strip()):
                raise MoneyError(f"{amount!r} is not a plain number such as -1234.50")
            amount = Decimal(amount.strip())
        object.__setattr__(self, "amount", _unsigned_zero(_finite(amount)))
        object.__setattr__(self, "currency", _currency(currency))

    @classmethod
    def parse(cls, text: str) -> Money:
        """Read ``"1234.50 USD"`` or ``"USD 1234.50"``: the inverse of ``str(money)``.

        Thousands marks, symbols and decimal commas are refused because they are ambiguous;
        files that carry them are read by the import, which detects the format of a column.

        Raises:
            MoneyError: the text has another form.
        """
        stripped = text.strip()
        if match := _AMOUNT_THEN_CODE.fullmatch(stripped):
            return cls(match[1], match[2])
        if match := _CODE_THEN_AMOUNT.fullmatch(stripped):
            return cls(match[2], match[1])
        raise MoneyError(f"{text!r} is not an amount with a currency such as '1234.50 USD'")

    @classmethod
    def from_minor(cls, units: int, currency: str) -> Money:
        """Amount from an integer count of the currency's minor unit (cents for USD, yen for JPY).

        Raises:
            TypeError: ``units`` is not an int.
            MoneyError: the currency is not three letters.
        """
        if isinstance(units, bool) or not isinstance(units, int):
            raise TypeError(f"minor units are counted in int, not {type(units).__name__}")
        return cls(_power_of_ten(units, currency_places(currency)), currency)

    def to_minor(self) -> int:
        """Integer count of minor units (cents for USD).

        Raises:
            MoneyError: the amount has more digits than the currency; round it first.
        """
        scaled = self.amount.scaleb(currency_places(self.currency), _EXACT)
        units = int(scaled)
        if units != scaled:
            raise MoneyError(f"{self} is not a whole number of minor units; round it first")
        return units

    def round(self, rounding: Rounding = Rounding.HALF_UP) -> Money:
        """The amount rounded to the currency's own number of places (2 for USD, 0 for JPY)."""
        return Money(round_decimal(self.amount, currency_places(self.currency), rounding), self.currency)

    def __add__(self, other: Money) -> Money:
        return Money(_EXACT.add(self.amount, self._same(other, "add")), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(_EXACT.subtract(self.amount, self._same(other, "subtract")), self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        """The exact, unrounded product; a float or bool factor raises ``TypeError``."""
        if isinstance(factor, Money):
            raise TypeError("money times money has no meaning")
        return Money(_EXACT.multiply(self.amount, _finite(factor)), self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(self.amount.copy_negate(), self.currency)

    def __abs__(self) -> Money:
        return Money(self.amount.copy_abs(), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other, "compare")

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other, "compare")

    def __gt__(self, other: Money) -> bool:
        return self.amount > self._same(other, "compare")

    def __ge__(self, other: Money) -> bool:
        return self.amount >= self._same(other, "compare")

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"

    def _same(self, other: Money, verb: str) -> Decimal:
        if not isinstance(other, Money):
            raise TypeError(f"cannot {verb} money and {type(other).__name__}: a bare number has no currency")
        if self.currency != other.currency:
            raise CurrencyMismatch(f"cannot {verb} {self.currency} and {other.currency}; convert one first")
        return other.amount


def allocate(total: Money, weights: Sequence[Decimal | int]) -> list[Money]:
    """Split an amount by weights into parts that sum to it exactly (largest remainder).

    Each part is its exact share rounded down or up to the currency's minor unit; the minor
    units left over go to the largest remainders, ties to the earlier position. A weight of
    zero gets zero. A negative total is the mirror image of the positive one.

    Args:
        total: the amount, in whole minor units.
        weights: one per part, not negative, at least one above zero.

    Returns:
        The parts, in the order of the weights.

    Raises:
        TypeError: a weight is a float or a bool, or no number.
        MoneyError: no weights, a negative weight, only zeros, or a total finer than the
            currency's minor unit (round it first).
    """
    units = total.to_minor()
    exact = [_finite(weight) for weight in weights]
    if any(weight < 0 for weight in exact):
        raise MoneyError("a weight is negative; weights are shares of the total")
    if not any(exact):
        raise MoneyError("nothing to share by: no weight is above zero")
    shift = max(0, *(-_exponent(weight) for weight in exact))
    whole = [int(weight.scaleb(shift, _EXACT)) for weight in exact]
    divisor = sum(whole)
    shares = [divmod(abs(units) * weight, divisor) for weight in whole]
    left = abs(units) - sum(quotient for quotient, _ in shares)
    by_remainder = sorted(range(len(shares)), key=lambda position: (-shares[position][1], position))
    lucky = set(by_remainder[:left])
    sign = -1 if units < 0 else 1
    return [
        Money.from_minor(sign * (quotient + (position in lucky)), total.currency)
        for position, (quotient, _) in enumerate(shares)
    ]


def _currency(code: str) -> str:
    if not isinstance(code, str):
        raise TypeError(f"a currency is a three-letter code, not {type(code).__name__}")
    upper = code.strip().upper()
    if not _CURRENCY.fullmatch(upper):
        raise MoneyError(f"{code!r} is not a three-letter currency code such as USD")
    return upper


def _finite(value: object) -> Decimal:
    """An int or finite Decimal of at most 200 digits as a Decimal; a float raises TypeError."""
    if isinstance(value, bool) or not isinstance(value, (Decimal, int)):
        kind = type(value).__name__
        raise TypeError(f"money is exact: give Decimal or int, not {kind}")
    exact = Decimal(value)
    if len(exact.as_tuple().digits) > _DIGITS or abs(_exponent(exact)) > _DIGITS:
        raise MoneyError(f"an amount of more than {_DIGITS} digits cannot be kept exactly")
    return exact


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):  # NaN and infinity spell theirs with a letter
        raise MoneyError(f"{value} is not an amount; undefined is None, with a reason")
    return exponent


def _power_of_ten(units: int, places: int) -> Decimal:
    """``units`` x 10^-places, with ``max(places, 0)`` digits after the point."""
    if places <= 0:
        return Decimal(units * 10**-places)
    return Decimal(units).scaleb(-places, _EXACT)


def _unsigned_zero(value: Decimal) -> Decimal:
    return value.copy_abs() if value.is_zero() else value


def _round_to_integer(value: Fraction, rounding: Rounding) -> int:
    floor, remainder = divmod(value.numerator, value.denominator)
    if remainder == 0:
        return floor
    negative = value < 0
    twice = 2 * remainder - value.denominator
    if rounding in (Rounding.HALF_UP, Rounding.HALF_EVEN) and twice != 0:
        up = twice > 0
    elif rounding is Rounding.HALF_EVEN:
        up = floor % 2 == 1
    elif rounding in (Rounding.HALF_UP, Rounding.UP):
        up = not negative
    elif rounding is Rounding.DOWN:
        up = negative
    else:
        up = rounding is Rounding.CEILING
    return floor + up
