"""Arrow columns from the simulator's integers: days, moments, cents, flags."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from salesops.simulate.calendar_days import FAR, Bools, FirmCalendar, Ints


def days(numbers: Ints, missing: Bools | None = None) -> pa.Array:
    """Calendar days; null where ``missing`` or never."""
    mask = _mask(numbers, missing)
    return pa.array(np.where(mask, 0, numbers).astype(np.int32), mask=mask).cast(pa.date32())


def instants(calendar: FirmCalendar, moments: Ints, missing: Bools | None = None) -> pa.Array:
    """Local moments as UTC timestamps, written ``YYYY-MM-DD HH:MM:SS``."""
    mask = _mask(moments, missing)
    return pa.array(np.where(mask, 0, calendar.utc(moments)), mask=mask).cast(pa.timestamp("s"))


def money(cents: Ints, missing: Bools | None = None) -> pa.Array:
    """Integer cents as exact DECIMAL(19, 2); null where ``missing``."""
    words = np.empty((len(cents), 2), np.int64)
    words[:, 0] = cents
    words[:, 1] = cents >> 63
    validity = None
    if missing is not None and missing.any():
        validity = pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
    return pa.Array.from_buffers(pa.decimal128(19, 2), len(cents), [validity, pa.py_buffer(words)])


def money_text(cents: Ints, missing: Bools) -> pa.Array:
    """Cents as text (``1234.50``); null where ``missing``."""
    return money(cents, missing).cast(pa.string())


def flags(values: Bools) -> pa.Array:
    """Booleans as the export writes them: 0 and 1."""
    return pa.array(values.astype(np.int8))


def integers(values: Ints, missing: Bools | None = None) -> pa.Array:
    """Whole numbers; null where ``missing``."""
    return pa.array(values, mask=missing) if missing is not None else pa.array(values)


def words(choices: list[str] | tuple[str, ...], index: Ints, missing: Bools | None = None) -> pa.Array:
    """The chosen words; null where ``missing`` or the index is negative."""
    gone = (index < 0) if missing is None else (index < 0) | missing
    return pa.array(choices, pa.string()).take(pa.array(np.where(gone, 0, index), mask=gone))


def constant(value: str | int, length: int) -> pa.Array:
    """The same value in every row."""
    return pa.repeat(pa.scalar(value), length)


def blank(length: int) -> pa.Array:
    """A column the firm leaves empty."""
    return pa.nulls(length, pa.string())


def decimal_text(cents: int) -> str:
    """One amount of cents as text with two decimals."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _mask(numbers: Ints, missing: Bools | None) -> npt.NDArray[np.bool_]:
    gone = numbers >= FAR
    return gone if missing is None else gone | missing
