"""The facts: what happened, versioned, readable as of any instant, under row security.

``with store.at(as_of=instant) as facts: facts.execute(facts.read("opportunities", scope))``

The names below are loaded when they are first used: an engine that only needs the table
declarations must not load a store, an engine's driver or a file format with them.
``merge`` lives in :mod:`salesops.facts.merge`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from salesops.facts.errors import (
        DataMissing,
        FactsError,
        InvalidIncoming,
        LockLost,
        LockTimeout,
        ManifestMissing,
        MergeCancelled,
        QueryFailed,
        UnknownTable,
        UnsupportedTable,
    )
    from salesops.facts.incoming import Incoming, MergeReport, Outcome
    from salesops.facts.manifests import FolderManifests, Manifest, ManifestLog, MemoryManifests
    from salesops.facts.scope import Scope
    from salesops.facts.store import Facts, FactStore
    from salesops.facts.tables import EXTRA_PREFIX, SYSTEM_COLUMNS, TABLES, Column, ColumnType, Table

_ROOMS = {
    "errors": (
        "DataMissing FactsError InvalidIncoming LockLost LockTimeout ManifestMissing MergeCancelled QueryFailed "
        "UnknownTable UnsupportedTable"
    ),
    "incoming": "Incoming MergeReport Outcome",
    "manifests": "FolderManifests Manifest ManifestLog MemoryManifests",
    "scope": "Scope",
    "store": "Facts FactStore",
    "tables": "EXTRA_PREFIX SYSTEM_COLUMNS TABLES Column ColumnType Table",
}
_HOMES = {name: f"salesops.facts.{room}" for room, names in _ROOMS.items() for name in names.split()}

__all__ = [
    "EXTRA_PREFIX",
    "SYSTEM_COLUMNS",
    "TABLES",
    "Column",
    "ColumnType",
    "DataMissing",
    "FactStore",
    "Facts",
    "FactsError",
    "FolderManifests",
    "Incoming",
    "InvalidIncoming",
    "LockLost",
    "LockTimeout",
    "Manifest",
    "ManifestLog",
    "ManifestMissing",
    "MemoryManifests",
    "MergeCancelled",
    "MergeReport",
    "Outcome",
    "QueryFailed",
    "Scope",
    "Table",
    "UnknownTable",
    "UnsupportedTable",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'salesops.facts' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value
