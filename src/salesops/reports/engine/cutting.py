"""A CSV file cut to a size, at the end of a record, with how many records it had in all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_QUOTE, _END = b'"', b"\n"


@dataclass(frozen=True)
class Cut:
    """A file as far as it was kept.

    Attributes:
        content: whole records, the header included.
        kept: records kept, without the header.
        total: records that the file has, without the header.
    """

    content: bytes
    kept: int
    total: int


def cut_csv(pieces: Iterable[bytes], most: int | None = None) -> Cut:
    """A CSV file as it comes, kept up to a number of bytes and counted to its end.

    A line break inside quotes ends no record (RFC 4180), and a piece may end anywhere.

    Args:
        pieces: the file, in order.
        most: bytes that may be kept; None for all. The header is always kept.
    """
    kept = bytearray()
    records = kept_records = 0
    good = 0
    """Bytes of ``kept`` that end with a record."""
    full, inside, seen = False, False, False
    for piece in pieces:
        start, before = 0, len(kept)
        if not full:
            kept += piece
        while start < len(piece):
            quote = piece.find(_QUOTE, start)
            stop = len(piece) if quote < 0 else quote
            if not inside:
                place = start
                while (end := piece.find(_END, place, stop)) >= 0:
                    records += 1
                    seen = False
                    if not full:
                        size = before + end + 1
                        if most is None or size <= most or records == 1:
                            good, kept_records = size, records
                        else:
                            full = True
                    place = end + 1
                seen = seen or place < stop
            else:
                seen = True
            if quote >= 0:
                inside, seen = not inside, True
            start = stop + 1 if quote >= 0 else stop
        if most is not None and records > 0 and len(kept) > most:
            full = True  # no later record ends in time
    if seen:  # the last record has no line end
        records += 1
        if not full and (most is None or len(kept) <= most or records == 1):
            good, kept_records = len(kept), records
    return Cut(bytes(kept[:good]), max(kept_records - 1, 0), max(records - 1, 0))
