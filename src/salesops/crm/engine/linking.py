"""References by name: which record a label such as "Acme Corporation" means.

A file without ids names its owners, accounts and products. Where exactly one record has the
name, the row gets its id. Where none has, the name itself becomes the id of an *implied*
record. Where several have it, the reference stays empty: a guess would move money.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from salesops.core.names import folded

LIVE, GONE, IMPLIED = range(3)
"""How well a record is known: described, described and since deleted, only named. The best ones count."""


@dataclass
class Names:
    """Names of one reference table's records, gathered from the store and from the files at hand."""

    ids: tuple[dict[str, set[str]], ...] = field(default_factory=lambda: ({}, {}, {}))
    known: set[str] = field(default_factory=set)

    def add(self, pairs: Iterable[tuple[str | None, str | None]], rank: int = LIVE) -> None:
        """Add (id, name) pairs of records known that well."""
        for key, name in pairs:
            if key is None:
                continue
            self.known.add(key)
            if name and name.strip():
                self.ids[rank].setdefault(folded(name), set()).add(key)

    def id_of(self, name: str) -> str | None:
        """The one id behind a name; the name itself where nobody has it; None where it is ambiguous."""
        key = folded(name)
        found = next((ids[key] for ids in self.ids if key in ids), None)
        if not found:
            return name.strip()
        return next(iter(found)) if len(found) == 1 else None


@dataclass
class Linked:
    """What linking one column gave: the ids, names implied, and names that several records share."""

    ids: pa.Array
    implied: dict[str, str]
    ambiguous: dict[str, int]


def link(
    labels: pa.Array | pa.ChunkedArray, given: pa.Array | pa.ChunkedArray | None, names: Names
) -> Linked:
    """Ids for a label column; a given id always stands.

    Args:
        labels: names as the source spells them.
        given: ids the file has, or None.
        names: the reference table's names.
    """
    array = labels.combine_chunks() if isinstance(labels, pa.ChunkedArray) else labels
    encoded = pc.dictionary_encode(pc.cast(array, pa.string()))
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    implied: dict[str, str] = {}
    ambiguous: dict[str, int] = {}
    counts = {v["values"]: v["counts"] for v in pc.value_counts(array).to_pylist()}
    resolved: list[str | None] = []
    for name in encoded.dictionary.to_pylist():
        if name is None or not name.strip():
            resolved.append(None)
            continue
        key = names.id_of(name)
        resolved.append(key)
        if key is None:
            ambiguous[name] = counts.get(name, 0)
        elif key not in names.known:
            implied[key] = name.strip()
    ids = pc.take(pa.array(resolved, pa.string()), encoded.indices)
    if given is not None:
        kept = given.combine_chunks() if isinstance(given, pa.ChunkedArray) else given
        ids = pc.coalesce(kept, ids)
    return Linked(ids, implied, ambiguous)


def merged(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    """Counts by name added up."""
    total = dict(first)
    for name, count in second.items():
        total[name] = total.get(name, 0) + count
    return total
