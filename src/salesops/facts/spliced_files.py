"""A Parquet file in which some columns are those of another: the others' bytes are copied as they are.

Nothing is decoded. What is written is plain Parquet: the chunks of the columns one after another, and a
footer that says where each begins. Whatever is not as our own files are is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

from salesops.facts.thrift_fields import (
    BINARY,
    I64,
    LIST,
    STRUCT,
    Struct,
    read_struct,
    write_struct,
)

_MAGIC = b"PAR1"

# Field numbers of the Parquet format (parquet.thrift).
_SCHEMA, _ROWS, _GROUPS, _ENCRYPTION = 2, 3, 4, 8
_NAME, _CHILDREN = 4, 5
_CHUNKS, _GROUP_BYTES, _GROUP_ROWS, _SORTED, _GROUP_AT, _GROUP_STORED = 1, 2, 3, 4, 5, 6
_ELSEWHERE, _FILE_OFFSET, _META, _INDEXES, _CRYPTO = 1, 2, 3, (4, 5, 6, 7), (8, 9)
_PATH, _PLAIN_SIZE, _STORED_SIZE, _DATA_AT, _INDEX_AT, _DICTIONARY_AT = 3, 6, 7, 9, 10, 11
_BLOOM_AT, _BLOOM_SIZE = 14, 15


class UnfitError(Exception):
    """The file is not laid out as those are that can be spliced. Nothing is lost: it can be written anew."""


def splice(old: Path, new: Path, columns: Collection[str], target: Path) -> int:
    """Write ``target``: the rows of ``old``, with ``columns`` as they are in ``new``.

    Args:
        old: a file without nested columns.
        new: holds at least ``columns``, for the same rows in the same row groups.
        columns: which to take of ``new``.
        target: the file to write; half of it may be there when an error is raised.

    Returns:
        Bytes of the file written.

    Raises:
        UnfitError: the files do not fit each other, or hold what is not understood.
        OSError: reading or writing failed.
    """
    with old.open("rb") as base, new.open("rb") as fresh, target.open("xb") as out:
        try:
            return _splice(base, fresh, {name.encode() for name in columns}, out)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise UnfitError(f"{old.name} has an unknown layout: {error}") from error


def _splice(base: IO[bytes], fresh: IO[bytes], columns: set[bytes], out: IO[bytes]) -> int:
    footer, other = _footer(base), _footer(fresh)
    names, places = _leaves(footer), {name: n for n, name in enumerate(_leaves(other))}
    if not columns <= places.keys() or not columns <= set(names):
        raise UnfitError("A column is not in both files.")
    groups, theirs = _listed(footer, _GROUPS), _listed(other, _GROUPS)
    if [g[_GROUP_ROWS] for g in groups] != [g[_GROUP_ROWS] for g in theirs]:
        raise UnfitError("The row groups differ.")
    elements = _listed(footer, _SCHEMA)
    for number, name in enumerate(names, 1):
        if name in columns:  # another writer may store a decimal in fewer bytes
            elements[number] = _listed(other, _SCHEMA)[places[name] + 1]
    out.write(_MAGIC)
    for group, their in zip(groups, theirs, strict=True):
        own, taken = _listed(group, _CHUNKS), _listed(their, _CHUNKS)
        if len(own) != len(names) or len(taken) != len(places):
            raise UnfitError("A row group lacks a column.")
        began = out.tell()
        chunks = [
            _copied(fresh, taken[places[name]], name, out)
            if name in columns
            else _copied(base, own[number], name, out)
            for number, name in enumerate(names)
        ]
        group[_CHUNKS] = (LIST, (STRUCT, chunks))
        metas = [chunk[_META][1] for chunk in chunks]
        group[_GROUP_BYTES] = (I64, sum(meta[_PLAIN_SIZE][1] for meta in metas))
        if _GROUP_AT in group:
            group[_GROUP_AT] = (I64, began)
        if _GROUP_STORED in group:
            group[_GROUP_STORED] = (I64, sum(meta[_STORED_SIZE][1] for meta in metas))
        group.pop(_SORTED, None)
    end = write_struct(footer)
    out.write(end + len(end).to_bytes(4, "little") + _MAGIC)
    return out.tell()


def _footer(file: IO[bytes]) -> Struct:
    size = file.seek(0, 2)
    if size < 12:
        raise UnfitError("The file is too short.")
    file.seek(size - 8)
    tail = file.read(8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or length > size - 12:
        raise UnfitError("The file has no plain footer.")
    file.seek(size - 8 - length)
    footer = read_struct(file.read(length))
    if _ENCRYPTION in footer:
        raise UnfitError("The file is encrypted.")
    return footer


def _listed(fields: Struct, number: int) -> list[Any]:
    kind, (inner, elements) = fields[number]
    if kind != LIST or (inner != STRUCT and elements):
        raise UnfitError(f"Field {number} is no list of structures.")
    return elements


def _leaves(footer: Struct) -> list[bytes]:
    """Names of the columns; a file in which one lies in another is refused."""
    root, *leaves = _listed(footer, _SCHEMA)
    if root[_CHILDREN][1] != len(leaves) or any(leaf.get(_CHILDREN, (0, 0))[1] for leaf in leaves):
        raise UnfitError("The file has nested columns.")
    return [leaf[_NAME][1] for leaf in leaves]


def _copied(source: IO[bytes], chunk: Struct, name: bytes, out: IO[bytes]) -> Struct:
    """Copy a column's bytes of one row group; returns the description of the copy."""
    meta: Struct = dict(chunk[_META][1])
    if _ELSEWHERE in chunk or any(number in chunk for number in _CRYPTO) or _INDEX_AT in meta:
        raise UnfitError("A column is encrypted, or lies elsewhere.")
    if meta[_PATH][1] != (BINARY, [name]):
        raise UnfitError("The columns lie in another order than the schema says.")
    begin = meta[_DATA_AT][1]
    if meta.get(_DICTIONARY_AT, (I64, 0))[1] > 0:
        begin = min(begin, meta[_DICTIONARY_AT][1])
    else:
        meta.pop(_DICTIONARY_AT, None)
    moved = _copy(source, begin, meta[_STORED_SIZE][1], out) - begin
    for number in (_DATA_AT, _DICTIONARY_AT):
        if number in meta:
            meta[number] = (I64, meta[number][1] + moved)
    at, size = meta.pop(_BLOOM_AT, None), meta.get(_BLOOM_SIZE)
    if at is not None and size is not None:
        meta[_BLOOM_AT] = (I64, _copy(source, at[1], size[1], out))
    else:
        meta.pop(_BLOOM_SIZE, None)
    # Indexes of pages are left out: nothing here writes them, and readers do without.
    rest = {n: field for n, field in chunk.items() if n not in _INDEXES}
    return rest | {_FILE_OFFSET: (I64, 0), _META: (STRUCT, meta)}


def _copy(source: IO[bytes], begin: int, size: int, out: IO[bytes]) -> int:
    """Copy bytes; returns where they begin now."""
    place = out.tell()
    source.seek(begin)
    data = source.read(size)
    if begin < len(_MAGIC) or len(data) != size:
        raise UnfitError("A column goes beyond the end of its file.")
    out.write(data)
    return place
