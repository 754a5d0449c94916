"""Copying a version of the facts to another engine, for computing there."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from salesops.facts.loaded import LoadedStore, load_manifest, shown
from salesops.platform import audit
from salesops.platform.access import require
from salesops.platform.actors import Actor
from salesops.platform.store import fact_store

PERMISSION = "area.grant"
"""Every row goes to an address of the caller's choice, where nothing is hidden: for administrators alone, whatever
area an account holds."""


def facts_load(*, actor: Actor, address: str = "", manifest_id: str | None = None) -> LoadedStore:
    """Copy a version of the facts, every row of it, to an engine.

    Args:
        actor: who asks; recorded in the audit ledger when the copy is whole.
        address: of the engine; that of ``FACTS_URL`` where empty.
        manifest_id: the version; the newest where None.

    Raises:
        NotAllowedError: the actor is no administrator.
        ValueError: no address is given and ``FACTS_URL`` is not set.
        FactsError: nothing was imported, there is no such version, or the engine can't take it.
    """
    require(actor, PERMISSION)
    where = address or settings.FACTS_URL
    if not where:
        raise ValueError("Where to? Give --to, or set FACTS_URL.")
    loaded = load_manifest(fact_store(), where, manifest_id=manifest_id)
    with transaction.atomic():
        after = {"engine": loaded.engine, "address": shown(where)}
        audit.record(actor=actor, action="facts.load", subject=f"facts:{loaded.manifest.id}", after=after)
    return loaded
