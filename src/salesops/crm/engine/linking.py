"""References by name: which record a label such as "Acme Corporation" means.

A file without ids names its owners, accounts and products. Where exactly one record has the
name, the row gets its id. Where none has, the name itself becomes the id of an *implied*
record. Where several have it, the reference stays empty: a guess would move money.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesops.core.names import folded
from salesops.crm.engine.canonical import as_one

LIVE, GONE, IMPLIED = range(3)
"""How well a record is known: described, described and since deleted, only named. The best ones count."""


@dataclass
class Names:
    """Names of one reference table's records, gathered from the store and from the files at hand."""

    ids: tuple[dict[str, set[str]], ...] = field(default_factory=lambda: ({}, {}, {}))
    known: set[str] = field(default_factory=set)
    found: dict[str, str | None] = field(default_factory=dict)
    """What :meth:`id_of` said before, by the name as it was spelled."""

    def add(self, pairs: Iterable[tuple[str | None, str | None]], rank: int = LIVE) -> None:
        """Add (id, name) pairs of records known that well."""
        self.found.clear()
        for key, name in pairs:
            if key is None:
                continue
            self.known.add(key)
            if name and name.strip():
                self.ids[rank].setdefault(folded(name), set()).add(key)

    def id_of(self, name: str) -> str | None:
        """The one id behind a name; the name itself where nobody has it; None where it is ambiguous."""
        if name not in self.found:
            key = folded(name)
            ids = next((ids[key] for ids in self.ids if key in ids), None)
            self.found[name] = name.strip() if not ids else next(iter(ids)) if len(ids) == 1 else None
        return self.found[name]


@dataclass
class Linked:
    """What linking one column gave: the ids, names implied, and names that several records share.

    Only rows without a given id count: where the source says the id, its label decides nothing.
    """

    ids: pa.Array
    implied: dict[str, str]
    ambiguous: dict[str, int]


def link(
    labels: pa.Array | pa.ChunkedArray, given: pa.Array | pa.ChunkedArray | None, names: Names
) -> Linked:
    """Ids for a label column; a given id always stands.

    Args:
        labels: names as the source spells them; may be dictionary-encoded.
        given: ids the file has, or None.
        names: the reference table's names.
    """
    array = as_one(labels)
    if given is None:
        return _resolved(array, names)
    kept = as_one(given)
    if not kept.null_count:
        return Linked(kept, {}, {})
    kept = pc.cast(kept, pa.string())
    open_ = pc.is_null(kept)
    rest = _resolved(array.filter(open_), names)
    return Linked(pc.replace_with_mask(kept, open_, rest.ids), rest.implied, rest.ambiguous)


def _resolved(labels: pa.Array, names: Names) -> Linked:
    """Ids of labels by name alone."""
    encoded = labels if pa.types.is_dictionary(labels.type) else pc.dictionary_encode(labels)
    implied: dict[str, str] = {}
    ambiguous: dict[str, int] = {}
    filled = np.asarray(encoded.indices.drop_null())
    counts = np.bincount(filled, minlength=len(encoded.dictionary))
    resolved: list[str | None] = []
    for name, count in zip(encoded.dictionary.to_pylist(), counts.tolist(), strict=True):
        if name is None or not count or not name.strip():
            resolved.append(None)
            continue
        key = names.id_of(name)
        resolved.append(key)
        if key is None:
            ambiguous[name] = count
        elif key not in names.known:
            implied[key] = name.strip()
    return Linked(pc.take(pa.array(resolved, pa.string()), encoded.indices), implied, ambiguous)


def merged(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    """Counts by name added up."""
    total = dict(first)
    for name, count in second.items():
        total[name] = total.get(name, 0) + count
    return total
