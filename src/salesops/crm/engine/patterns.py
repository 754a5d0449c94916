"""What single cells look like: markers, months, booleans, currencies, numbers, dates."""

from __future__ import annotations

import re
from datetime import date

MISSING_ALWAYS = frozenset(
    {
        "",
        "-",
        "--",
        "---",
        "–",
        "—",
        "n/a",
        "#n/a",
        "null",
        "(null)",
        "<null>",
        "\\n",
        "#ref!",
        "#value!",
        "#name?",
        "#div/0!",
        "#num!",
        "#null!",
        "(blank)",
        "(empty)",
        "--none--",
        "-none-",
        "select",
        "--select--",
        "please select",
        "000000000000000aaa",
        "000000000000000",
        "(no value)",
        "no value",
        "[null]",
        "n/d",
        "k.a.",
        "(leer)",
        "(vide)",
    }
)
"""Cells that mean "nothing" in any column, compared in lower case."""

MISSING_IN_FIGURES = frozenset(
    {"na", "none", "nan", "nil", "inf", "-inf", "tbd", "tba", "?", ".", "nat", "unknown"}
)
"""Further cells that mean "nothing" where a figure or a date is expected; as text they may be values
(NA is also a region)."""

TRUE_WORDS = frozenset(
    {
        "true",
        "t",
        "yes",
        "y",
        "1",
        "ja",
        "j",
        "wahr",
        "oui",
        "o",
        "vrai",
        "sí",
        "si",
        "s",
        "verdadero",
        "sì",
        "vero",
        "sim",
        "waar",
        "tak",
        "ano",
        "да",
        "истина",
        "x",
        "✓",
        "✔",
        "on",
        "checked",
        "1.0",
        "是",
        "はい",
    }
)
FALSE_WORDS = frozenset(
    {
        "false",
        "f",
        "no",
        "n",
        "0",
        "nein",
        "falsch",
        "non",
        "faux",
        "falso",
        "não",
        "nao",
        "nee",
        "onwaar",
        "nie",
        "ne",
        "нет",
        "ложь",
        "✗",
        "✘",
        "off",
        "unchecked",
        "0.0",
        "否",
        "いいえ",
    }
)

SYMBOLS = {
    "$": "",
    "US$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "",
    "₹": "INR",
    "₩": "KRW",
    "₽": "RUB",
    "₺": "TRY",
    "R$": "BRL",
    "zł": "PLN",
    "Kč": "CZK",
    "kr": "",
    "CHF": "CHF",
    "Fr.": "CHF",
    "C$": "CAD",
    "CA$": "CAD",
    "A$": "AUD",
    "AU$": "AUD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "S$": "SGD",
    "₪": "ILS",
    "฿": "THB",
    "₫": "VND",
    "₴": "UAH",
}
"""Currency marks and the one ISO code they mean; "" where several currencies share the mark."""

ISO_CURRENCIES = frozenset(
    [
        "USD",
        "EUR",
        "GBP",
        "JPY",
        "CHF",
        "CAD",
        "AUD",
        "NZD",
        "CNY",
        "HKD",
        "SGD",
        "INR",
        "KRW",
        "TWD",
        "THB",
        "MYR",
        "IDR",
        "PHP",
        "VND",
        "BRL",
        "MXN",
        "ARS",
        "CLP",
        "COP",
        "PEN",
        "UYU",
        "ZAR",
        "NGN",
        "KES",
        "GHS",
        "EGP",
        "MAD",
        "TND",
        "AED",
        "SAR",
        "QAR",
        "KWD",
        "BHD",
        "OMR",
        "JOD",
        "ILS",
        "TRY",
        "RUB",
        "UAH",
        "PLN",
        "CZK",
        "HUF",
        "RON",
        "BGN",
        "RSD",
        "SEK",
        "NOK",
        "DKK",
        "ISK",
        "GEL",
        "KZT",
        "PKR",
        "BDT",
        "LKR",
        "NPR",
        "CRC",
        "DOP",
        "GTQ",
        "PAB",
        "BOB",
        "PYG",
        "XOF",
        "XAF",
    ]
)
_SPACES = "\u00a0\u202f"
_MARK = r"(?:[A-Z]{3}|US\$|R\$|CA?\$|AU?\$|NZ\$|HK\$|S\$|[$€£¥₹₩₽₺₪฿₫₴]|zł|Kč|kr\.?|Fr\.|EUR|euros?)"
NUMBER = (
    rf"^\(?\s*(?:{_MARK}\s*)?[-+−]?\s*\(?\s*(?:{_MARK}\s*)?(?:\d[\d.,'’\s{_SPACES}]*|[.,]\d+)"
    rf"(?:[eE][-+]?\d+)?\s*(?:{_MARK}|%)?\s*\)?\s*-?\s*(?:{_MARK})?$"
)
"""A figure with any marks (RE2 and re)."""

_number = re.compile(NUMBER)
_TIME = (
    r"(?:,?[T\s]+\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*(?:Z|"
    r"UTC|GMT|[-+]\d{2}:?(?:\d{2})?|[A-Z]{2,5})?)?"
)
DATE_TRIPLE = rf"^\d{{1,4}}[./\-]\s?\d{{1,2}}[./\-]\s?\d{{1,4}}{_TIME}$"
DATE_COMPACT = r"^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$"
_WORD = r"[^\W\d_]"
_date_named = re.compile(
    rf"^(?:{_WORD}{{2,9}}\.?,?\s+)?(?:\d{{1,2}}(?:\.|st|nd|rd|th|er|º)?[\s\-/]*(?:de\s+)?{_WORD}{{3,10}}\.?,?[\s\-/]*"
    rf"(?:de\s+)?\d{{2,4}}|{_WORD}{{3,10}}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}){_TIME}$"
)
_date_triple = re.compile(DATE_TRIPLE)
_date_compact = re.compile(DATE_COMPACT)

MONTH_WORDS: dict[str, int] = {}
for _number_of_month, _words in enumerate(
    (
        (
            "jan january januar jänner janvier janv enero ene gennaio gen janeiro januari styczeń "
            "stycznia янв января"
        ),
        (
            "feb february februar février févr fév fevrier febrero febbraio fevereiro fev februari "
            "luty lutego фев февраля"
        ),
        "mar march märz mär mrz mars marzo março marco maart mrt marzec marca мар марта",
        "apr april avril avr abril abr aprile kwiecień kwietnia апр апреля",
        "may mai mayo maggio mag maio mei maj maja мая май",
        "jun june juni juin junio giugno giu junho czerwiec czerwca июн июня",
        "jul july juli juillet juil julio luglio lug julho lipiec lipca июл июля",
        "aug august août aout agosto ago augustus sierpień sierpnia авг августа",
        "sep sept september septembre septiembre settembre set setembro wrzesień września сен сентября",
        (
            "oct okt october oktober octobre octubre ottobre ott outubro out październik "
            "października окт октября"
        ),
        "nov november novembre noviembre novembro listopad listopada ноя ноября",
        (
            "dec dez december dezember décembre déc decembre diciembre dic dicembre dezembro "
            "grudzień grudnia дек декабря"
        ),
    ),
    start=1,
):
    MONTH_WORDS.update(dict.fromkeys(_words.split(), _number_of_month))
"""Month words in lower case, without a trailing dot."""

MONTH_HINT = "(?i)(?:" + "|".join(sorted({re.escape(word[:3]) for word in MONTH_WORDS})) + ")"
"""The beginning of any month's name. RE2 pre-filter, cheap to compile; :func:`looks_dated` decides."""


def looks_numeric(text: str) -> bool:
    """Whether a cell is a figure, with or without currency, percent sign or grouping."""
    text = text.strip()
    return bool(text) and any(c.isdigit() for c in text) and bool(_number.match(text))


def looks_dated(text: str) -> bool:
    """Whether a cell is a date or a date with a time."""
    text = text.strip()
    if _date_triple.match(text):
        return True
    match = _date_named.match(text)
    return bool(match) and any(w.lower() in MONTH_WORDS for w in re.findall(r"[^\W\d_]+", text))


def looks_typed(text: str) -> bool:
    """Whether a cell is a value rather than a label: a figure, a date, a flag, an id, an address."""
    text = text.strip()
    if looks_numeric(text) or looks_dated(text) or _date_compact.match(text):
        return True
    if text.lower() in ("true", "false", "null", "n/a"):
        return True
    if re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", text, re.IGNORECASE):
        return True
    return bool(
        re.fullmatch(r"[a-zA-Z0-9]{15}(?:[A-Z0-9]{3})?", text) and sum(c.isdigit() for c in text) >= 4
    ) or bool(re.fullmatch(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{24,}", text))


def is_missing(text: str, *, figures: bool = False) -> bool:
    """Whether a cell means "nothing"."""
    low = text.strip().lower()
    return low in MISSING_ALWAYS or (figures and low in MISSING_IN_FIGURES)


def currency_in(text: str) -> str:
    """ISO code or symbol a cell carries, "" for none."""
    for code in re.findall(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])", text):
        if code in ISO_CURRENCIES:
            return str(code)
    for mark in sorted(SYMBOLS, key=len, reverse=True):
        if mark in text:
            return SYMBOLS[mark] or mark
    return ""


def find_days(text: str) -> list[date]:
    """Every day the first date in a text may mean: one, two where day and month could be swapped, or none."""
    match = re.search(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)", text)
    if match:
        return _days([(match[1], match[2], match[3])])
    match = re.search(r"(?<!\d)(\d{1,2})([-/.])\s?(\d{1,2})[-/.]\s?(\d{4}|\d{2})(?!\d)", text)
    if match:
        year = match[4] if len(match[4]) == 4 else str(full_year(int(match[4])))
        forms = [(year, match[3], match[1])]
        if match[2] != ".":
            forms.append((year, match[1], match[3]))
        return _days(forms)
    match = re.search(
        (
            r"(?<!\d)(\d{1,2})\.?(?:st|nd|rd|th|er|"
            r"º)?[\s-]+(?:de\s+)?([^\W\d_]{3,10})\.?,?[\s-]+(?:de\s+)?(\d{4})"
        ),
        text,
    )
    if match and match[2].lower() in MONTH_WORDS:
        return _days([(match[3], str(MONTH_WORDS[match[2].lower()]), match[1])])
    match = re.search(r"([^\W\d_]{3,10})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})", text)
    if match and match[1].lower() in MONTH_WORDS:
        return _days([(match[3], str(MONTH_WORDS[match[1].lower()]), match[2])])
    match = re.search(r"(?<!\d)((?:19|20)\d{2})(0[1-9]|1[0-2])([0-2]\d|3[01])(?!\d)", text)
    if match:
        return _days([(match[1], match[2], match[3])])
    return []


def _days(forms: list[tuple[str, str, str]]) -> list[date]:
    days: list[date] = []
    for year, month, day in forms:
        try:
            found = date(int(year), int(month), int(day))
        except ValueError:
            continue
        if found not in days:
            days.append(found)
    return days


def full_year(two_digits: int) -> int:
    """2-digit year to four digits: 00-68 is 2000-2068, 69-99 is 1969-1999 (POSIX)."""
    return two_digits + (2000 if two_digits < 69 else 1900)
