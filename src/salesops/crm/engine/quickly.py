"""Whole columns of text by vectorised steps that are cheap and exact, so that slow ones meet few cells."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

BLANKS = "\t\n\f\r \u00a0\u202f\ufeff"
"""White space at the ends of a cell that means nothing: what \\s is to RE2, and what programs pad with."""


def trimmed(texts: pa.Array) -> pa.Array:
    """Texts without blanks at their ends; null becomes the empty text."""
    if not pa.types.is_string(texts.type):
        texts = texts.cast(pa.string())
    if texts.null_count:
        texts = texts.fill_null("")
    return pc.utf8_trim(texts, characters=BLANKS)


def is_any(texts: pa.Array, words: frozenset[str]) -> pa.BooleanArray:
    """Whether each text is one of some lower-case words, whatever its own case."""
    plain = pc.all(pc.string_is_ascii(texts), min_count=0).as_py()
    low = pc.ascii_lower(texts) if plain else pc.utf8_lower(texts)
    return pc.is_in(low, value_set=_set_of(words))


@lru_cache(maxsize=64)
def _set_of(words: frozenset[str]) -> pa.Array:
    """Made when first asked for: pyarrow loads pandas with its first array."""
    return pa.array(sorted(words))


def sized(texts: pa.Array, length: int) -> tuple[Flags, Bytes]:
    """Which texts have so many bytes, and the bytes of those, one row each."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32, len(texts) + 1, texts.offset * 4).astype(np.int64)
    held = texts.buffers()[2]
    data = np.frombuffer(held, np.uint8) if held is not None else np.zeros(0, np.uint8)
    fits = offsets[1:] - offsets[:-1] == length
    if texts.null_count:
        fits &= np.asarray(texts.is_valid())
    if len(texts) and fits.all():
        return fits, data[offsets[0] : offsets[-1]].reshape(-1, length)
    return fits, data[offsets[:-1][fits][:, None] + np.arange(length)]


def plain_texts(rows: Bytes) -> pa.Array:
    """Texts from their bytes, one row each."""
    count, length = rows.shape
    offsets = np.arange(count + 1, dtype=np.int32) * length
    data = np.ascontiguousarray(rows)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data))
