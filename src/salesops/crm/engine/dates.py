"""Columns of written dates to days and instants, by whole arrays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from salesops.crm.engine.formats import ColumnFormat
from salesops.crm.engine.patterns import MONTH_WORDS

_DAY_US = 86_400_000_000
_UTC = pa.timestamp("us", "UTC")
_ZONE_RULES_END = 2_114_380_800_000_000  # 2037-01-01
_EXCEL_EPOCH = -25_569  # 1899-12-30 as days since 1970-01-01

_CLOCK = (
    r"(?:(?:,?[T\s]+)(?P<h>\d{1,2})[:.](?P<mi>\d{2})(?:[:.](?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s*(?P<ap>[AaPp])?(?:\.?[Mm]\.?)?\s*(?P<z>Z|UTC|GMT|[-+]\d{2}:?(?:\d{2})?|[A-Z]{3,5})?)?$"
)
_TRIPLE = r"^(?P<a>\d{1,4})[./\-]\s?(?P<b>\d{1,2})[./\-]\s?(?P<c>\d{1,4})" + _CLOCK
_COMPACT = r"^(?P<a>\d{4})(?P<b>\d{2})(?P<c>\d{2})" + _CLOCK
_MONTH = r"^(?P<a>\d{4})[-/.](?P<b>\d{1,2})$"

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Read:
    """Typed values, and which cells are not in the column's form or name no real day.

    A missing cell is malformed too: the caller knows what is missing.
    """

    values: pa.Array
    malformed: pa.BooleanArray
    impossible: pa.BooleanArray


@dataclass
class _Parts:
    year: Ints
    month: Ints
    day: Ints
    micros: Ints  # since midnight
    offset: Ints  # minutes east of UTC
    zoned: Flags
    good: Flags


def read_days(text: pa.Array, fmt: ColumnFormat) -> Read:
    """Calendar days as written. A time of day is dropped, a written zone is not applied."""
    if fmt.date_form in ("serial", "epoch_ms", "epoch_s"):
        micros, good = _counted(text, fmt)
        return Read(_dates(micros // _DAY_US, good), pa.array(~good), pa.array(np.zeros(len(text), bool)))
    parts = _parts(text, fmt)
    number, real, open_end = _civil(parts, fmt)
    return Read(
        _dates(number, real & ~open_end), pa.array(~parts.good), pa.array(parts.good & ~real & ~open_end)
    )


def read_instants(text: pa.Array, fmt: ColumnFormat) -> Read:
    """Instants in UTC. One written without a zone is in ``fmt.zone``, or UTC where that is empty."""
    if fmt.date_form in ("serial", "epoch_ms", "epoch_s"):
        micros, good = _counted(text, fmt)
        zone = fmt.zone if fmt.date_form == "serial" else ""
        return Read(
            _instants(micros, good, np.zeros(len(text), bool), zone),
            pa.array(~good),
            pa.array(np.zeros(len(text), bool)),
        )
    parts = _parts(text, fmt)
    number, real, open_end = _civil(parts, fmt)
    micros = number * _DAY_US + parts.micros - parts.offset * 60_000_000
    values = _instants(micros, real & ~open_end, parts.zoned, fmt.zone)
    return Read(values, pa.array(~parts.good), pa.array(parts.good & ~real & ~open_end))


def _dates(days: Ints, good: Flags) -> pa.Array:
    return pa.array(np.where(good, days, 0).astype(np.int32), mask=~good).cast(pa.date32())


def _instants(micros: Ints, good: Flags, zoned: Flags, zone: str) -> pa.Array:
    utc = pa.array(np.where(good, micros, 0), mask=~good).cast(pa.timestamp("us"))
    if zone and zone.upper() not in ("UTC", "GMT", "ETC/UTC") and not zoned.all():
        late = good & ~zoned & (micros >= _ZONE_RULES_END)
        early = pc.if_else(pa.array(late), pa.scalar(None, utc.type), utc)
        local = pc.assume_timezone(early, zone, ambiguous="earliest", nonexistent="latest").cast(_UTC)
        if late.any():  # Arrow's zone tables stop at 2037
            local = pc.if_else(pa.array(late), _by_zoneinfo(utc, late, zone), local)
        return pc.if_else(pa.array(zoned), pc.assume_timezone(utc, "UTC"), local)
    return pc.assume_timezone(utc, "UTC")


def _by_zoneinfo(naive: pa.Array, wanted: Flags, zone: str) -> pa.Array:
    rules = ZoneInfo(zone)
    found = [
        v.replace(tzinfo=rules).astimezone(UTC) if w and v is not None else None
        for v, w in zip(naive.to_pylist(), wanted, strict=True)
    ]
    return pa.array(found, _UTC)


def _counted(text: pa.Array, fmt: ColumnFormat) -> tuple[Ints, Flags]:
    """Microseconds since 1970 from day serials or epoch counts."""
    plain = pc.replace_substring_regex(text, r"[, ]", "." if fmt.decimal == "," else "")
    good = pc.match_substring_regex(plain, r"^\d{1,14}(?:\.\d+)?$")
    cut = pc.replace_substring_regex(plain, r"(\.\d{10})\d+$", r"\1")
    parts = pc.extract_regex(pc.if_else(good, cut, pa.scalar("0")), r"^(?P<whole>\d+)(?:\.(?P<tail>\d*))?$")
    scale = {"serial": _DAY_US, "epoch_ms": 1_000, "epoch_s": 1_000_000}[fmt.date_form]
    units = np.asarray(parts.field("whole").cast(pa.int64())).astype(np.int64)
    tail = pc.utf8_slice_codeunits(pc.utf8_rpad(parts.field("tail").fill_null(""), 10, "0"), 0, 10)
    ticks = np.asarray(tail.cast(pa.int64())).astype(np.int64)  # the fraction of a day in units of 1e-10
    if fmt.date_form == "serial":
        fraction = (ticks * 864 + 50_000_000) // 100_000_000 * 1_000_000  # seconds of the day, rounded
        good_np = np.asarray(good) & (units > 0) & (units < 300_000)
        return (units + _EXCEL_EPOCH) * scale + fraction, good_np
    return units * scale, np.asarray(good)


def _parts(text: pa.Array, fmt: ColumnFormat) -> _Parts:
    if fmt.date_form == "compact":
        return _numbered(text, _COMPACT, "YMD")
    if fmt.date_form == "month":
        return _numbered(pc.replace_substring_regex(text, _MONTH, r"\1-\2-01"), _TRIPLE, "YMD")
    letters = pc.match_substring_regex(text, r"\pL{3,}")
    order = fmt.date_order
    if pc.any(letters).as_py():
        text = _months_to_numbers(text, letters, order)
    return _numbered(text, _TRIPLE, order)


def _months_to_numbers(text: pa.Array, letters: pa.Array, order: str) -> pa.Array:
    """Dates whose month is a word, rewritten as YYYY-MM-DD with their time kept."""
    encoded = text.dictionary_encode()
    named = {v: _named(v) for v in set(pc.filter(text, letters).to_pylist())}
    plain = [named.get(v, v) for v in encoded.dictionary.to_pylist()]
    return pc.take(pa.array(plain, pa.string()), encoded.indices)


_DAY_FIRST = re.compile(
    r"^(?:[^\W\d_]{2,9}\.?,?\s+)?(\d{1,2})(?:\.|st|nd|rd|th|er|º)?[\s\-/]*(?:de\s+)?([^\W\d_]{3,10})\.?,?[\s\-/]*(?:de\s+)?(\d{4}|\d{2})\b(.*)$"
)
_MONTH_FIRST = re.compile(
    r"^(?:[^\W\d_]{2,9}\.?,\s+)?([^\W\d_]{3,10})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b(.*)$"
)


def _named(text: str) -> str:
    match = _DAY_FIRST.match(text)
    day, word, year, rest = match.groups() if match else ("", "", "", "")
    if not match or word.lower() not in MONTH_WORDS:
        match = _MONTH_FIRST.match(text)
        if not match:
            return text
        word, day, year, rest = match.groups()
    month = MONTH_WORDS.get(word.lower())
    if month is None:
        return text
    if len(year) == 2:
        year = str(int(year) + (2000 if int(year) < 69 else 1900))
    return f"{year}-{month:02d}-{int(day):02d}{rest}"


def _numbered(text: pa.Array, pattern: str, order: str) -> _Parts:
    found = pc.extract_regex(text, pattern)
    good = np.asarray(found.is_valid())

    def number(name: str) -> Ints:
        column = found.field(name).fill_null("")
        column = pc.if_else(pc.equal(column, ""), pa.scalar("0"), column)
        return np.asarray(column.cast(pa.int64())).astype(np.int64)

    a, b, c = number("a"), number("b"), number("c")
    long_a = np.asarray(pc.utf8_length(found.field("a").fill_null(""))) >= 3
    c_length = np.asarray(pc.utf8_length(found.field("c").fill_null("")))
    year_first = long_a | (order == "YMD")
    two_digits = np.where(c < 69, c + 2000, c + 1900)
    last_year = np.where(c_length <= 2, two_digits, c)
    if order == "DMY":
        month, day = b, a
    else:
        month, day = a, b
    a_year = np.where(long_a, a, np.where(a < 69, a + 2000, a + 1900))
    year = np.where(year_first, a_year, last_year)
    month = np.where(year_first, b, month)
    day = np.where(year_first, c, day)
    # YYYY-MM-DD wins wherever the year stands first; a 4-digit end without it cannot be YMD
    good &= ~((order == "YMD") & ~long_a & (c_length > 2))
    good &= ~(long_a & (c_length > 2))
    h, mi, s = number("h"), number("mi"), number("s")
    half = found.field("ap").fill_null("")
    pm = np.asarray(pc.equal(pc.utf8_lower(half), "p"))
    am = np.asarray(pc.equal(pc.utf8_lower(half), "a"))
    good &= ~((pm | am) & ((h > 12) | (h == 0) & pm))
    h = np.where(pm & (h < 12), h + 12, np.where(am & (h == 12), 0, h))
    good &= (h < 24) & (mi < 60) & (s < 61)
    fraction = pc.utf8_slice_codeunits(pc.utf8_rpad(found.field("f").fill_null(""), 6, "0"), 0, 6)
    micros = np.asarray(fraction.cast(pa.int64())).astype(np.int64)
    zone = found.field("z").fill_null("")
    offset, known = _offsets(zone)
    good &= known | np.asarray(pc.equal(zone, ""))
    clock = (h * 3600 + mi * 60 + np.minimum(s, 59)) * 1_000_000 + micros
    return _Parts(year, month, day, clock, offset, known, good)


_NAMED_ZONES = {
    "Z": 0,
    "UTC": 0,
    "GMT": 0,
    "EST": -300,
    "EDT": -240,
    "CST": -360,
    "CDT": -300,
    "MST": -420,
    "MDT": -360,
    "PST": -480,
    "PDT": -420,
    "CET": 60,
    "CEST": 120,
    "BST": 60,
    "WET": 0,
    "WEST": 60,
    "EET": 120,
    "EEST": 180,
    "MEZ": 60,
    "MESZ": 120,
    "JST": 540,
    "AEST": 600,
    "AEDT": 660,
}


def _offsets(zone: pa.Array) -> tuple[Ints, Flags]:
    encoded = zone.dictionary_encode()
    minutes, known = [], []
    for name in encoded.dictionary.to_pylist():
        if name in _NAMED_ZONES:
            minutes.append(_NAMED_ZONES[name])
            known.append(True)
        elif name[:1] in ("+", "-"):
            digits = name[1:].replace(":", "").ljust(4, "0")
            minutes.append((int(digits[:2]) * 60 + int(digits[2:])) * (1 if name[0] == "+" else -1))
            known.append(int(digits[:2]) <= 15)
        else:
            minutes.append(0)
            known.append(False)
    index = np.asarray(encoded.indices)
    return np.array(minutes, np.int64)[index], np.array(known, bool)[index]


def _civil(parts: _Parts, fmt: ColumnFormat) -> tuple[Ints, Flags, Flags]:
    """Days since 1970-01-01; real days; and open ends."""
    y, m, d = parts.year, parts.month, parts.day
    leap = ((y % 4 == 0) & (y % 100 != 0)) | (y % 400 == 0)
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
    in_year = (m >= 1) & (m <= 12)
    last = lengths[np.where(in_year, m, 0)] + (leap & (m == 2))
    real = parts.good & in_year & (d >= 1) & (d <= last) & (y >= 1000) & (y <= 9999)
    open_end = parts.good & (y >= fmt.open_end_year)
    # days from civil (Hinnant)
    shifted = y - (m <= 2)
    era = shifted // 400
    yoe = shifted - era * 400
    doy = (153 * (m + np.where(m > 2, -3, 9)) + 2) // 5 + d - 1
    doe = yoe * 365 + yoe // 4 - yoe // 100 + doy
    return era * 146_097 + doe - 719_468, real, open_end
