"""The fact store of this home, and the engine that numbers are computed on."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from salesops.facts.loaded import LoadedStore, open_loaded
from salesops.facts.store import FactStore
from salesops.platform.manifests import DatabaseManifests


@lru_cache(maxsize=4)
def _store(address: str, memory_limit: str) -> FactStore:
    return FactStore(address, DatabaseManifests(), memory_limit=memory_limit)


def fact_store() -> FactStore:
    """The store at ``SALESOPS_FACTS``, one per process; sessions on it are per request or thread."""
    return _store(str(settings.FACTS_PATH), settings.MEMORY_LIMIT)


def loaded_store() -> LoadedStore | None:
    """The facts on the engine that ``FACTS_URL`` names, None where it names none."""
    return open_loaded(fact_store(), settings.FACTS_URL) if settings.FACTS_URL else None
