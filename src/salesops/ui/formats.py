"""Text forms of numbers, money, ratios and days: the one place that pages, charts and readings format with.

Every function takes exact values (int, Decimal, Fraction) and rounds half away from zero for display only.
A float raises TypeError where money is meant. None raises: the caller says why a value is undefined.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_precision,
)

Exact = int | Decimal | Fraction
DEFAULT_LOCALE = "en_US"
MILLION = Decimal(1_000_000)
_PRECISION = 80


def exact(value: Exact, places: int | None = None) -> Decimal:
    """`value` as Decimal; with `places` rounded half away from zero. A Fraction needs `places`."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | Fraction):
        raise TypeError(f"an exact number is needed, not {type(value).__name__}")
    with localcontext() as context:
        context.prec = _PRECISION
        if isinstance(value, Fraction):
            if places is None:
                raise TypeError("a Fraction needs a number of places")
            number = Decimal(value.numerator) / Decimal(value.denominator)
        else:
            number = Decimal(value)
        if places is None:
            return number
        rounded = number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
        return Decimal(0).quantize(rounded) if rounded == 0 else rounded  # no "-0.0"


@lru_cache(maxsize=64)
def _locale(locale: str | None) -> Locale:
    return Locale.parse(locale or DEFAULT_LOCALE, sep="-" if locale and "-" in locale else "_")


def money(
    value: Exact,
    currency: str,
    *,
    places: int | None = None,
    locale: str | None = None,
) -> str:
    """Money in full: `$1,234.50`. `places` overrides the currency's own number of decimals."""
    return _money(value, currency, places, locale)


@lru_cache(maxsize=4096, typed=True)  # a list shows the same amounts and days again and again
def _money(value: Exact, currency: str, places: int | None, locale: str | None) -> str:
    decimals = get_currency_precision(currency) if places is None else places
    number = exact(value, decimals)
    pattern = _locale(locale).currency_formats["standard"].pattern
    with localcontext() as context:
        context.prec = _PRECISION
        return str(
            format_currency(
                number,
                currency,
                format=_with_decimals(pattern, decimals),
                locale=_locale(locale),
                currency_digits=False,
            )
        )


def _with_decimals(pattern: str, decimals: int) -> str:
    """The locale's pattern with the wanted number of decimals (`¤#,##0.00` -> `¤#,##0`)."""
    wanted = "0" + ("." + "0" * decimals if decimals else "")
    return pattern.replace("0.00", wanted)


def money_auto(value: Exact, currency: str, *, locale: str | None = None) -> str:
    """Money as a single figure in running text: no cents from one million up, nor when there are none."""
    number = exact(value, get_currency_precision(currency))
    whole = abs(number) >= MILLION or number == number.to_integral_value()
    return money(number, currency, places=0 if whole else None, locale=locale)


def _scaled(number: Decimal) -> tuple[Decimal, int]:
    """A number rounded to what its compact form shows, and that form's decimals (999,950 becomes 1M)."""
    size = abs(number)
    if size >= Decimal(999950):
        step = Decimal(10_000) if size < Decimal(999995000) else Decimal(10_000_000)
        if size >= Decimal(999995000000):
            step = Decimal(10_000_000_000)
        digits = 2
    else:
        step, digits = Decimal(100), 1
    return (number / step).quantize(Decimal(1), rounding=ROUND_HALF_UP) * step, digits


def money_compact(value: Exact, currency: str, *, locale: str | None = None) -> str:
    """Money for a tile: `$8.42M`, `$486.5K`, `$2,361`, `$86.50`; the exact value belongs in the title."""
    return _money_compact(value, currency, locale)


@lru_cache(maxsize=4096, typed=True)
def _money_compact(value: Exact, currency: str, locale: str | None) -> str:
    number = exact(value, get_currency_precision(currency))
    if abs(number) < 10_000:
        whole = abs(number) >= 1_000 or number == number.to_integral_value()
        return money(number, currency, places=0 if whole else None, locale=locale)
    with localcontext() as context:
        context.prec = _PRECISION
        scaled, digits = _scaled(number)
        short = str(format_compact_currency(scaled, currency, locale=_locale(locale), fraction_digits=digits))
    if re.search(r"\d{5}", short):  # the locale has no short form for thousands
        return money(number, currency, places=0, locale=locale)
    return short


def number(value: Exact, *, places: int | None = None, locale: str | None = None) -> str:
    """A grouped number: `1,640`, `12.5`. Without `places` a Decimal keeps its own decimals, trimmed."""
    return _number(value or 0, places, locale)  # a zero with a sign is kept as one without


@lru_cache(maxsize=4096, typed=True)
def _number(value: Exact, places: int | None, locale: str | None) -> str:
    given = exact(value, places if places is not None else (6 if isinstance(value, Fraction) else None))
    if places is None:
        given = given.normalize() if given != given.to_integral_value() else given.to_integral_value()
        places = max(0, -int(given.as_tuple().exponent))
    pattern = "#,##0" + ("." + "0" * places if places else "")
    with localcontext() as context:
        context.prec = _PRECISION
        return str(format_decimal(given, format=pattern, locale=_locale(locale)))


def number_compact(value: Exact, *, locale: str | None = None) -> str:
    """A number for a tile or an axis: `8.42M`, `12.5K`, `9,412`."""
    given = exact(value, 6) if isinstance(value, Fraction) else exact(value)
    if abs(given) < 10_000:
        return number(given, places=0 if abs(given) >= 1_000 else None, locale=locale)
    with localcontext() as context:
        context.prec = _PRECISION
        scaled, digits = _scaled(given)
        short = str(format_compact_decimal(scaled, locale=_locale(locale), fraction_digits=digits))
    return number(given, places=0, locale=locale) if re.search(r"\d{5}", short) else short


def ratio(value: Exact, *, places: int = 1, locale: str | None = None) -> str:
    """A share as percent: 0.6315 is `63.2%`. Exact fractions are rounded once, after multiplying by 100."""
    return _ratio(value, places, locale)


@lru_cache(maxsize=4096, typed=True)
def _ratio(value: Exact, places: int, locale: str | None) -> str:
    with localcontext() as context:
        context.prec = _PRECISION
        shown = exact(value, places + 2)
        pattern = "#,##0" + ("." + "0" * places if places else "") + _percent_tail(_locale(locale))
        return str(format_percent(shown, format=pattern, locale=_locale(locale)))


def _percent_tail(locale: Locale) -> str:
    pattern = str(locale.percent_formats[None].pattern)
    return pattern[pattern.rindex("0") + 1 :] or "%"


def points(value: Exact, *, places: int = 1, locale: str | None = None) -> str:
    """A difference of two shares in percentage points: 0.042 is `4.2 pts`."""
    with localcontext() as context:
        context.prec = _PRECISION
        hundred = value * 100
    return f"{number(exact(hundred, places), places=places, locale=locale)} pts"


def times(value: Exact, *, places: int = 1, locale: str | None = None) -> str:
    """A multiple such as coverage: `2.7×`."""
    return f"{number(value, places=places, locale=locale)}×"


def days(value: Exact, *, places: int | None = None, locale: str | None = None) -> str:
    """A length in days: `1 day`, `47.9 days`."""
    words = number(value, places=places, locale=locale)
    return f"{words} day" if words == "1" else f"{words} days"


def day(
    value: date, *, style: Literal["medium", "short", "long"] = "medium", locale: str | None = None
) -> str:
    """A calendar day. `medium` is `Nov 30, 2026`, `short` leaves out the year (`Nov 30`)."""
    if isinstance(value, datetime):
        raise TypeError("a day is needed, not an instant: use instant() with a time zone")
    return _day(value, style, locale)


@lru_cache(maxsize=4096)
def _day(value: date, style: Literal["medium", "short", "long"], locale: str | None) -> str:
    if style == "short":
        return str(
            format_date(
                value, format=_locale(locale).datetime_skeletons["MMMd"].pattern, locale=_locale(locale)
            )
        )
    return str(format_date(value, format=style, locale=_locale(locale)))


def instant(value: datetime, zone: tzinfo = UTC, *, locale: str | None = None) -> str:
    """An instant in the organisation's zone, the zone named: `Nov 30, 2026, 2:05 PM UTC`."""
    if value.tzinfo is None:
        raise TypeError("an instant needs a time zone")
    local = value.astimezone(zone)
    text = format_datetime(local, format="medium", locale=_locale(locale))
    with_seconds, short = f":{local.second:02d}", str(text)
    shown = short.replace(with_seconds, "", 1) if short.count(":") >= 2 else short
    return f"{shown} {local.tzname()}"


@dataclass(frozen=True)
class Unit:
    """How the values of a chart or a table column read: used for labels, axes, readings and exports alike.

    kind: money (needs `currency`), number, ratio (share, shown as percent), times, days.
    adds: whether values of parts add up to that of the whole, as far as the kind allows it: no median does.
    """

    kind: Literal["money", "number", "ratio", "times", "days"] = "number"
    currency: str = ""
    noun: str = ""
    places: int | None = None
    locale: str | None = None
    adds: bool = True

    def full(self, value: Exact) -> str:
        """The value in full, as a table cell shows it."""
        return self._text(value, compact=False)

    def exact(self, value: Exact) -> str:
        """The value as figures are compared: money to the cent however large, a share to two places of a percent."""
        if self.kind == "ratio" and self.places is None:
            return ratio(value, places=2, locale=self.locale)
        if self.kind != "money" or self.places is not None:
            return self.full(value)
        figure = exact(value, get_currency_precision(self.currency))
        places = 0 if figure == figure.to_integral_value() else None
        return money(figure, self.currency, places=places, locale=self.locale)

    def short(self, value: Exact) -> str:
        """The value as a tile, an axis or a label beside a bar shows it."""
        return self._text(value, compact=True)

    def spoken(self, value: Exact) -> str:
        """The short form with its noun, for a sentence: `412 deals`."""
        words = self.short(value)
        return f"{words} {self.noun}" if self.noun and self.kind == "number" else words

    def _text(self, value: Exact, *, compact: bool) -> str:
        named: dict[str, Any] = {"locale": self.locale}
        if self.kind == "money":
            if compact:
                return money_compact(value, self.currency, **named)
            if self.places is not None:
                return money(value, self.currency, places=self.places, **named)
            return money_auto(value, self.currency, **named)
        if self.kind == "ratio":
            return ratio(value, places=1 if self.places is None else self.places, **named)
        if self.kind == "times":
            return times(value, places=1 if self.places is None else self.places, **named)
        if self.kind == "days":
            return days(value, places=self.places, **named)
        if compact and self.places is None:
            return number_compact(value, **named)
        return number(value, places=self.places, **named)
