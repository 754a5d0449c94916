"""A proposal for an opened table: its profiles, rows and report date put before the engine."""

from __future__ import annotations

import pyarrow as pa

from salesops.crm.engine.mapping import propose
from salesops.crm.engine.proposals import Proposal
from salesops.crm.files.tables import RawTable

KEY_ROWS = 500_000


def survey(raw: RawTable, *, key_rows: int = KEY_ROWS) -> Proposal:
    """What a table is and where its columns go.

    Args:
        raw: an opened table.
        key_rows: rows on which keys are checked for uniqueness.
    """
    layout = raw.layout
    return propose(
        raw.name,
        raw.columns,
        raw.profiles if raw.ok else {},
        data=_head(raw, key_rows) if raw.ok else None,
        as_of=layout.as_of if layout else None,
        as_of_text=layout.as_of_text if layout else "",
        modified_at=raw.modified_at,
    )


def _head(raw: RawTable, rows: int) -> pa.Table:
    return raw.sample(rows)
