"""Text columns to typed columns, batch by batch, with every cell that could not be read told.

Money and rates go from text to decimal without ever being a float. Dates stay the calendar day
that was written. A cell that cannot be read is null in the result and true in the fault mask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesops.crm.engine.dates import read_days, read_instants
from salesops.crm.engine.formats import ColumnFormat
from salesops.crm.engine.ids import SPOILT_ID, SPOILT_SUFFIX, completed
from salesops.crm.engine.patterns import FALSE_WORDS, MISSING_ALWAYS, MISSING_IN_FIGURES, TRUE_WORDS
from salesops.crm.engine.quickly import is_any, trimmed

ARROW_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "date": pa.date32(),
    "instant": pa.timestamp("us", "UTC"),
    "integer": pa.int64(),
    "money": pa.decimal128(19, 4),
    "rate": pa.decimal128(19, 6),
    "boolean": pa.bool_(),
}
"""Arrow type of each canonical column type."""

FAULTS: dict[str, tuple[str, str]] = {
    "not_a_number": ("not a number", "Correct the cell, or change the column's decimal and thousands marks."),
    "not_whole": ("not a whole number", "Correct the cell, or keep the column as a figure with decimals."),
    "too_large": (
        "larger than 999,999,999,999,999",
        "Check the figure: it may be an id or carry a wrong mark.",
    ),
    "not_a_date": (
        "not a date in this column's order",
        "Correct the cell, or change the column's date order.",
    ),
    "no_such_day": ("no such day in the calendar", "Correct the date."),
    "not_an_instant": ("not a date with a time", "Correct the cell, or change the column's date order."),
    "not_yes_no": ("neither yes nor no", "Write TRUE or FALSE, or map the column to a text."),
    "id_exponent": (
        "a spreadsheet turned the id into a number and lost its digits",
        (
            "Export again and open the file without letting the spreadsheet convert the id column to a number "
            "(import it as text); the lost digits cannot be recovered from this file."
        ),
    ),
    "id_decimal": (
        "the id carries a decimal tail (.0) a spreadsheet or program added",
        "Export again with the id column as text, or remove the tail.",
    ),
    "id_zeros": (
        "the id is shorter than the others: a spreadsheet dropped its leading zeros",
        "Export again with the id column as text, or put the zeros back.",
    ),
}
"""Reason and fix of each fault code."""


@dataclass(frozen=True)
class Typed:
    """One typed column.

    Attributes:
        values: the typed array; null where missing or faulty. Text of a dictionary-encoded column
            stays encoded.
        faults: true where a cell is filled and cannot be read.
        codes: fault code per row (keys of FAULTS), null where there is none.
        rounded: cells whose decimals went beyond the type's places (rounded half away from zero).
    """

    values: pa.Array
    faults: pa.BooleanArray
    codes: pa.StringArray
    rounded: int = 0

    @property
    def any_fault(self) -> bool:
        """Whether any cell could not be read."""
        return bool(pc.any(self.faults).as_py())


@dataclass(frozen=True)
class _Read:
    """One column as read: values, masks with the fault each stands for (first true wins), cells rounded."""

    values: pa.Array
    faults: list[tuple[pa.Array, str]] = field(default_factory=list)
    rounded: pa.Array | None = None


def type_batch(array: pa.Array | pa.ChunkedArray, fmt: ColumnFormat, target_type: str) -> Typed:
    """Read a text column as a canonical type.

    Args:
        array: texts; "" and null are missing. Where it is dictionary-encoded each text is read once.
        fmt: how the column is written.
        target_type: text, date, instant, integer, money, rate or boolean.

    Raises:
        KeyError: for an unknown target type.
    """
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type) and array.null_count:
        array = array.dictionary_decode()
    if not pa.types.is_dictionary(array.type):
        read = _READERS[target_type](trimmed(array), fmt)
        return _finish(read)
    read = _READERS[target_type](trimmed(array.dictionary), fmt)
    indices = array.indices
    faults = [
        (pc.take(mask, indices), code) for mask, code in read.faults if pc.any(mask, min_count=0).as_py()
    ]
    rounded = pc.take(read.rounded, indices) if read.rounded is not None else None
    if target_type == "text":
        values = _encoded(indices, read.values)
    else:
        values = pc.take(read.values, indices)
    return _finish(_Read(values, faults, rounded))


def _encoded(indices: pa.Array, texts: pa.Array) -> pa.Array:
    """A dictionary-encoded column whose missing cells are null themselves: Parquet wants no null among the texts."""
    if texts.null_count:
        gone = pc.take(texts.is_null(), indices)
        indices = pc.if_else(gone, pa.scalar(None, indices.type), indices)
        texts = texts.fill_null("")
    return pa.DictionaryArray.from_arrays(indices, texts)


def missing_mask(text: pa.Array, fmt: ColumnFormat, *, figures: bool) -> pa.BooleanArray:
    """True where a trimmed cell means "nothing"."""
    markers = MISSING_ALWAYS | MISSING_IN_FIGURES if figures else MISSING_ALWAYS
    return is_any(text, markers | {m.lower() for m in fmt.missing} if fmt.missing else markers)


def _finish(read: _Read) -> Typed:
    """Put the fault codes of several masks together; the first that is true wins."""
    n = len(read.values)
    joined: pa.Array = pa.nulls(n, pa.string())
    faulty = False
    for mask, code in reversed(read.faults):
        if pc.any(mask, min_count=0).as_py():
            joined = pc.if_else(mask, pa.scalar(code), joined)
            faulty = True
    none = pa.array(np.zeros(n, bool))
    rounded = int(pc.sum(read.rounded).as_py() or 0) if read.rounded is not None else 0
    return Typed(read.values, pc.is_valid(joined) if faulty else none, joined, rounded)


_Reader = Callable[[pa.Array, ColumnFormat], _Read]


def _by_form(
    text: pa.Array, fmt: ColumnFormat, missing: pa.Array, plain: str, kind: pa.DataType, slow: _Reader
) -> _Read:
    """Cells in a plain form are converted by the library at once; those in any other form are read by ``slow``.

    Args:
        text: trimmed cells.
        fmt: how the column is written.
        missing: which of them mean "nothing".
        plain: the form, as RE2, in which the library reads exactly what ``slow`` reads.
        kind: type to convert to.
        slow: reads cells in any form.
    """
    easy = pc.or_(missing, pc.match_substring_regex(text, plain))
    filled = pc.if_else(pc.and_(easy, pc.invert(missing)), text, pa.scalar(None, pa.string()))
    try:
        values = filled.cast(kind)
    except pa.ArrowInvalid:  # the form of a day that no calendar has
        return slow(text, fmt)
    if pc.all(easy, min_count=0).as_py():
        return _Read(values)
    hard = pc.invert(easy)
    rest = slow(pc.filter(text, hard), fmt)
    return _Read(
        pc.replace_with_mask(values, hard, rest.values),
        [(_spread(hard, mask), code) for mask, code in rest.faults],
        _spread(hard, rest.rounded) if rest.rounded is not None else None,
    )


def _spread(places: pa.Array, flags: pa.Array) -> pa.Array:
    """Flags of some rows as flags of all."""
    wide = np.zeros(len(places), bool)
    wide[np.flatnonzero(np.asarray(places))] = np.asarray(flags)
    return pa.array(wide)


def _text(text: pa.Array, fmt: ColumnFormat) -> _Read:
    missing = missing_mask(text, fmt, figures=False)
    values = text
    if pc.any(missing, min_count=0).as_py():
        values = pc.if_else(missing, pa.scalar(None, pa.string()), text)
    if not fmt.identifier:
        return _Read(values)
    if fmt.salesforce_id:
        values = completed(values)
    exponent = tail = pc.invert(pc.or_(pc.ascii_is_alnum(text), missing))
    if pc.any(tail, min_count=0).as_py():  # what a spreadsheet spoilt holds a mark
        exponent = pc.match_substring_regex(text, SPOILT_ID)
        tail = pc.match_substring_regex(text, SPOILT_SUFFIX)
    codes = [(exponent, "id_exponent"), (tail, "id_decimal")]
    if fmt.id_width:
        digits = pc.match_substring_regex(text, r"^\d+$")
        codes.append((pc.and_(digits, pc.less(pc.utf8_length(text), fmt.id_width)), "id_zeros"))
    bad = exponent
    for mask, _ in codes[1:]:
        bad = pc.or_(bad, mask)
    if pc.any(bad, min_count=0).as_py():
        values = pc.if_else(bad, pa.scalar(None, pa.string()), values)
    return _Read(values, codes)


def _boolean(text: pa.Array, fmt: ColumnFormat) -> _Read:
    low = pc.utf8_lower(text)
    yes = pc.is_in(low, value_set=pa.array(sorted(TRUE_WORDS | set(fmt.true_words) - set(fmt.false_words))))
    no = pc.is_in(low, value_set=pa.array(sorted(FALSE_WORDS | set(fmt.false_words) - set(fmt.true_words))))
    missing = pc.and_(missing_mask(text, fmt, figures=True), pc.invert(pc.or_(yes, no)))
    values = pc.if_else(yes, pa.scalar(True), pc.if_else(no, pa.scalar(False), pa.scalar(None, pa.bool_())))
    return _Read(values, [(pc.invert(pc.or_(pc.or_(yes, no), missing)), "not_yes_no")])


_MARKS = (
    r"(?:\b(?:[A-Z]{3}|EUR|euros?|kr\.?|Fr\.|zł|Kč)(?:\b|\s|$)|^[A-Z]{3}|[A-Z]{3}$|US\$|R\$|CA?\$|AU?\$|NZ\$|HK\$|S\$|"
    r"[$€£¥₹₩₽₺₪฿₫₴]|zł|Kč|kr\.?$|^kr\.?)"
)


def _plain_figures(text: pa.Array, fmt: ColumnFormat) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Figures as [-]digits[.digits]; and masks: well-formed, percent sign."""
    percent = pc.match_substring(text, "%")
    bare = pc.replace_substring_regex(text, _MARKS, "")
    bare = pc.replace_substring_regex(bare, r"[%\s\x{a0}\x{202f}]+$|^[\s\x{a0}\x{202f}]+", "")
    negative = pc.or_(
        pc.match_substring_regex(bare, r"^\(.*\)$|^[\s(]*[-−]"),
        pc.match_substring_regex(bare, r"\d\s*[-−]$"),
    )
    double = pc.match_substring_regex(bare, r"^\(\s*[-−]|[-−].*[-−]|^\(.*[-−]\)$")
    bare = pc.replace_substring_regex(bare, r"^[\s\x{a0}(+\-−]+|[\s\x{a0})\-−%]+$", "")
    point = "\\" + fmt.decimal
    group = {"": "", " ": r"[ \x{a0}\x{202f}]", "'": "['’]"}.get(fmt.thousands, "\\" + fmt.thousands)
    whole = r"\d+"
    if group and fmt.thousands != fmt.decimal:
        whole = rf"(?:\d+|\d{{1,3}}(?:{group}\d{{3}})+|\d{{1,2}}(?:{group}\d{{2}})+{group}\d{{3}})"
    good = pc.match_substring_regex(bare, rf"^(?:{whole}(?:{point}\d*)?|{point}\d+)$")
    if group and fmt.thousands != fmt.decimal:
        bare = pc.replace_substring_regex(bare, group, "")
    if fmt.decimal != ".":
        bare = pc.replace_substring(bare, fmt.decimal, ".")
    bare = pc.replace_substring_regex(bare, r"^0+(\d)", r"\1")
    bare = pc.replace_substring_regex(bare, r"^\.", "0.")
    bare = pc.replace_substring_regex(bare, r"\.$", "")
    signed = pc.if_else(negative, pc.binary_join_element_wise("-", bare, ""), bare)
    return signed, pc.and_(good, pc.invert(double)), percent


def _exponents(
    text: pa.Array, signed: pa.Array, good: pa.Array, fmt: ColumnFormat
) -> tuple[pa.Array, pa.Array]:
    """Figures in scientific notation (1.5E+06), written out exactly."""
    science = pc.match_substring_regex(text, rf"^[-+]?\d+(?:\{fmt.decimal}\d+)?[eE][-+]?\d{{1,2}}$")
    if not pc.any(science).as_py():
        return signed, good
    out = signed.to_pylist()
    ok = good.to_pylist()
    for i, hit in enumerate(science.to_pylist()):
        if hit:
            try:
                out[i] = f"{Decimal(text[i].as_py().replace(fmt.decimal, '.')):f}"
                ok[i] = True
            except InvalidOperation:
                ok[i] = False
    return pa.array(out, pa.string()), pa.array(ok, pa.bool_())


def _decimals(text: pa.Array, fmt: ColumnFormat, places: int, *, rate: bool) -> _Read:
    if fmt.decimal != "." or (rate and fmt.percent_points):
        return _marked_decimals(text, fmt, places, rate=rate)
    return _by_form(
        text,
        fmt,
        missing_mask(text, fmt, figures=True),
        rf"^-?\d{{1,{19 - places}}}(?:\.\d{{1,{places}}})?$",
        pa.decimal128(19, places),
        lambda texts, how: _marked_decimals(texts, how, places, rate=rate),
    )


def _marked_decimals(text: pa.Array, fmt: ColumnFormat, places: int, *, rate: bool) -> _Read:
    """Decimals with any marks, signs and currencies."""
    missing = missing_mask(text, fmt, figures=True)
    signed, good, percent = _plain_figures(text, fmt)
    signed, good = _exponents(text, signed, good, fmt)
    shift = percent
    if rate and fmt.percent_points:
        shift = pa.array([True]) if len(text) == 0 else pc.or_(percent, pc.invert(percent))
        shift = shift.slice(0, len(text))
    elif not rate:
        shift = pc.and_(percent, pc.invert(percent))  # a percent sign has no meaning on money
    digits = 19 - places
    fits = pc.match_substring_regex(signed, rf"^-?\d{{1,{digits}}}(?:\.|$)")
    usable = pc.and_(pc.and_(good, fits), pc.invert(missing))
    cut = pc.replace_substring_regex(signed, r"(\.\d{12})\d+$", r"\1")
    long_tail = pc.and_(usable, pc.not_equal(pc.utf8_length(cut), pc.utf8_length(signed)))
    wide = pc.if_else(usable, cut, pa.scalar(None, pa.string())).cast(pa.decimal128(36, 12))
    if pc.any(shift).as_py():
        hundredth = pc.multiply(
            wide.cast(pa.decimal256(50, 12)), pa.scalar(Decimal("0.01"), pa.decimal128(3, 2))
        )
        wide = pc.if_else(shift, hundredth.cast(pa.decimal256(76, 14)), wide.cast(pa.decimal256(76, 14)))
    final = pc.round(wide, places, round_mode="half_towards_infinity")
    changed = pc.or_(pc.fill_null(pc.not_equal(final, wide), False), long_tail)
    limit = Decimal(10) ** digits
    over = pc.fill_null(
        pc.or_(
            pc.greater_equal(final, pa.scalar(limit, final.type)),
            pc.less_equal(final, pa.scalar(-limit, final.type)),
        ),
        False,
    )
    values = pc.if_else(over, pa.scalar(None, final.type), final).cast(pa.decimal128(19, places))
    filled = pc.invert(missing)
    return _Read(
        values,
        [
            (pc.and_(filled, pc.invert(good)), "not_a_number"),
            (pc.or_(over, pc.and_(pc.and_(filled, good), pc.invert(fits))), "too_large"),
        ],
        changed,
    )


def _money(text: pa.Array, fmt: ColumnFormat) -> _Read:
    return _decimals(text, fmt, 4, rate=False)


def _rate(text: pa.Array, fmt: ColumnFormat) -> _Read:
    return _decimals(text, fmt, 6, rate=True)


def _integer(text: pa.Array, fmt: ColumnFormat) -> _Read:
    missing = missing_mask(text, fmt, figures=True)
    return _by_form(text, fmt, missing, r"^-?\d{1,18}$", pa.int64(), _marked_integer)


def _marked_integer(text: pa.Array, fmt: ColumnFormat) -> _Read:
    """Whole numbers with any marks."""
    missing = missing_mask(text, fmt, figures=True)
    signed, good, _ = _plain_figures(text, fmt)
    signed, good = _exponents(text, signed, good, fmt)
    signed = pc.replace_substring_regex(signed, r"\.0+$", "")
    whole = pc.match_substring_regex(signed, r"^-?\d+$")
    fits = pc.match_substring_regex(signed, r"^-?\d{1,18}$")
    filled = pc.invert(missing)
    usable = pc.and_(pc.and_(good, fits), filled)
    values = pc.if_else(usable, signed, pa.scalar(None, pa.string())).cast(pa.int64())
    return _Read(
        values,
        [
            (pc.and_(filled, pc.invert(good)), "not_a_number"),
            (pc.and_(pc.and_(filled, good), pc.invert(whole)), "not_whole"),
            (pc.and_(pc.and_(filled, whole), pc.invert(fits)), "too_large"),
        ],
    )


_CENTURIES = 3000
"""Years below this one are read by the library; an open end is never below."""

_ISO_DAY = r"^[12]\d{3}-\d{2}-\d{2}$"
_ISO_INSTANT = r"^[12]\d{3}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-4]):?[0-5]\d)$"


def _date(text: pa.Array, fmt: ColumnFormat) -> _Read:
    if fmt.date_form != "text" or fmt.open_end_year < _CENTURIES:
        return _written_date(text, fmt)
    missing = missing_mask(text, fmt, figures=True)
    return _by_form(text, fmt, missing, _ISO_DAY, pa.date32(), _written_date)


def _written_date(text: pa.Array, fmt: ColumnFormat) -> _Read:
    """Days in any form."""
    missing = missing_mask(text, fmt, figures=True)
    days = read_days(text, fmt)
    filled = pc.invert(missing)
    return _Read(
        days.values,
        [
            (pc.and_(filled, days.malformed), "not_a_date"),
            (pc.and_(filled, days.impossible), "no_such_day"),
        ],
    )


def _instant(text: pa.Array, fmt: ColumnFormat) -> _Read:
    if fmt.date_form != "text" or fmt.open_end_year < _CENTURIES:
        return _written_instant(text, fmt)
    missing = missing_mask(text, fmt, figures=True)
    return _by_form(text, fmt, missing, _ISO_INSTANT, pa.timestamp("us", "UTC"), _written_instant)


def _written_instant(text: pa.Array, fmt: ColumnFormat) -> _Read:
    """Instants in any form."""
    missing = missing_mask(text, fmt, figures=True)
    instants = read_instants(text, fmt)
    filled = pc.invert(missing)
    return _Read(
        instants.values,
        [
            (pc.and_(filled, instants.malformed), "not_an_instant"),
            (pc.and_(filled, instants.impossible), "no_such_day"),
        ],
    )


_READERS: dict[str, _Reader] = {
    "text": _text,
    "date": _date,
    "instant": _instant,
    "integer": _integer,
    "money": _money,
    "rate": _rate,
    "boolean": _boolean,
}


def round_half_up(value: Decimal, places: int) -> Decimal:
    """What the typing of decimals does, for one value: half away from zero."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
