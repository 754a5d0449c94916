"""The facts: what happened, versioned, readable as of any instant, under row security.

``with store.at(as_of=instant) as facts: facts.execute(facts.read("opportunities", scope))``
"""

from __future__ import annotations

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
from salesops.facts.merge import merge
from salesops.facts.scope import Scope
from salesops.facts.store import Facts, FactStore
from salesops.facts.tables import EXTRA_PREFIX, SYSTEM_COLUMNS, TABLES, Column, ColumnType, Table

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
    "merge",
]
