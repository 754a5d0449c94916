"""Who a person id stands for: names known before ids lead to the records that were described later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from salesops.core.lately import lately
from salesops.facts.implied import stand_ins
from salesops.facts.manifests import Manifest
from salesops.platform.store import fact_store


def real_ids(table: str, manifest: Manifest | None = None) -> Mapping[str, str]:
    """Implied id -> real id of a reference table's records, see :func:`salesops.facts.implied.stand_ins`.

    Args:
        table: users, accounts or products.
        manifest: facts version; the newest where None.
    """
    store = fact_store()
    manifest = manifest or store.manifests.latest()
    if manifest is None:
        return {}
    return _real_ids(str(store.address), manifest.id, manifest.recorded_at, table)


@lately(24)
def _real_ids(address: str, manifest_id: str, recorded_at: datetime, table: str) -> Mapping[str, str]:
    with fact_store().at(manifest_id=manifest_id) as facts:
        return stand_ins(facts, table)
