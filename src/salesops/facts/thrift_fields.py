"""Thrift's compact protocol, as far as the footer of a Parquet file goes: fields are kept whether we know them or not.

A structure is a dict of field number -> (kind, value). Kinds are those of the protocol; the value of a
list is (kind of its elements, elements).
"""

from __future__ import annotations

from typing import Any

Struct = dict[int, tuple[int, Any]]

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
_WHOLE = frozenset({I16, I32, I64})


class Unreadable(ValueError):
    """Bytes that are not what this protocol writes, or a kind that no Parquet footer holds."""


def read_struct(data: bytes) -> Struct:
    """The structure that ``data`` is, from its first byte to its last; raises :class:`Unreadable`."""
    reader = _Reader(data)
    try:
        found = reader.struct()
    except IndexError:
        raise Unreadable("The structure ends in the middle of a field.") from None
    if reader.at != len(data):
        raise Unreadable("There are bytes behind the structure.")
    return found


def write_struct(fields: Struct) -> bytes:
    """The bytes of a structure, its fields in the order of their numbers."""
    out = bytearray()
    _put_struct(out, fields)
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def struct(self) -> Struct:
        found: Struct = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._signed()
            found[number] = (kind, self._value(kind))
        return found

    def _value(self, kind: int) -> Any:
        if kind in (TRUE, FALSE):
            return None  # a field's kind says which
        if kind in _WHOLE:
            return self._signed()
        if kind == STRUCT:
            return self.struct()
        if kind == BINARY:
            return self._bytes(self._plain())
        if kind in (LIST, SET):
            head = self._byte()
            inner, count = head & 15, head >> 4
            count = self._plain() if count == 15 else count
            if inner in (TRUE, FALSE):  # in a list the truth has a byte of its own
                return inner, [self._byte() for _ in range(count)]
            return inner, [self._value(inner) for _ in range(count)]
        if kind == BYTE:
            return self._byte()
        if kind == DOUBLE:
            return self._bytes(8)
        raise Unreadable(f"A field has kind {kind}.")

    def _byte(self) -> int:
        value = self.data[self.at]
        self.at += 1
        return value

    def _bytes(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise Unreadable("A text goes beyond the end.")
        value, self.at = self.data[self.at : end], end
        return value

    def _plain(self) -> int:
        value = shift = 0
        while True:
            part = self._byte()
            value |= (part & 127) << shift
            if part < 128:
                return value
            shift += 7

    def _signed(self) -> int:
        value = self._plain()
        return (value >> 1) ^ -(value & 1)


def _put_struct(out: bytearray, fields: Struct) -> None:
    before = 0
    for number, (kind, value) in sorted(fields.items()):
        step = number - before
        if 0 < step < 16:
            out.append(step << 4 | kind)
        else:
            out.append(kind)
            _put_signed(out, number)
        before = number
        _put_value(out, kind, value)
    out.append(0)


def _put_value(out: bytearray, kind: int, value: Any) -> None:
    if kind in (TRUE, FALSE):
        return
    if kind in _WHOLE:
        _put_signed(out, value)
    elif kind == STRUCT:
        _put_struct(out, value)
    elif kind == BINARY:
        _put_plain(out, len(value))
        out += value
    elif kind in (LIST, SET):
        inner, elements = value
        out.append(min(len(elements), 15) << 4 | inner)
        if len(elements) > 14:
            _put_plain(out, len(elements))
        for element in elements:
            _put_value(out, BYTE if inner in (TRUE, FALSE) else inner, element)
    elif kind == BYTE:
        out.append(value)
    elif kind == DOUBLE:
        out += value
    else:
        raise Unreadable(f"A field has kind {kind}.")


def _put_plain(out: bytearray, value: int) -> None:
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def _put_signed(out: bytearray, value: int) -> None:
    _put_plain(out, value << 1 if value >= 0 else (-value << 1) - 1)
