"""What a merge is given and what it reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa

from salesops.facts.manifests import Manifest


@dataclass(frozen=True)
class Incoming:
    """Typed rows of one file for one table.

    Attributes:
        table: canonical table name (not ``changes``: that is what ``history`` is for).
        rows: an Arrow table or a Parquet file with the mapped columns only: canonical names, ``x_``
            extras, and optionally ``source_row`` and ``implied``. A column that is not there keeps its
            stored value. None when the file holds history only.
        key_columns: columns of ``rows`` that identify a record. Where ``rows`` has no ``id`` it is
            composed of them, joined by ``|``.
        data_on: the day whose state the file shows.
        source: system the file came from.
        import_id: id of the import run.
        complete: every record of the scope is in the file, so an absent one was deleted.
        complete_where: the scope, as column -> values; everything when empty.
        held_elsewhere: tables with an ``id`` column: records of the scope that other files of the same day
            hold, or whose rows could not be taken. They are not absent.
        history: the source's own log of changes: ``object_id, field, new, valid_at`` and, where known,
            ``old`` (else taken from the value before), ``changed_by``, ``source_row``. Values are text;
            those of typed fields are brought to canonical text.
    """

    table: str
    rows: pa.Table | Path | None
    key_columns: tuple[str, ...]
    data_on: date
    source: str
    import_id: str
    complete: bool = False
    complete_where: Mapping[str, list[str]] = field(default_factory=dict)
    history: pa.Table | Path | None = None
    held_elsewhere: tuple[pa.Table | Path, ...] = ()


@dataclass
class Outcome:
    """What one file did to one table.

    Attributes:
        table: canonical table name.
        read: rows of the file.
        added: records the store did not hold.
        changed: records whose stored values changed.
        changed_by_field: field -> records in which it changed.
        unchanged: records of the file that said nothing new about today's values.
        not_in_file: stored, not deleted records that the file does not hold.
        deleted: records marked deleted because a complete file does not hold them.
        undeleted: records that came back after having been marked deleted.
        duplicates: ``source_row`` of rows whose key comes again further down (the last row won).
        keyless: ``source_row`` of rows without a key, left out.
        history: rows added to the change log.
    """

    table: str
    read: int = 0
    added: int = 0
    changed: int = 0
    changed_by_field: dict[str, int] = field(default_factory=dict)
    unchanged: int = 0
    not_in_file: int = 0
    deleted: int = 0
    undeleted: int = 0
    duplicates: list[int] = field(default_factory=list)
    keyless: list[int] = field(default_factory=list)
    history: int = 0


@dataclass(frozen=True)
class MergeReport:
    """The manifest in force after the merge (the former one when nothing was new), one outcome per file."""

    manifest: Manifest | None
    outcomes: list[Outcome]
    changed_anything: bool
