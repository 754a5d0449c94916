"""Implied records that a later file describes under an id of its own.

A file without ids names its owners, accounts and products; each name nobody knew became an
*implied* record whose id is the name. When a file with real ids arrives later, the same person
has two records. Facts are never edited, so the references keep what they say; readers take the
one real record of the same name for the implied one.
"""

from __future__ import annotations

from collections.abc import Iterable

import ibis

from salesops.core.names import folded
from salesops.facts.scope import Scope
from salesops.facts.store import Facts


def stand_ins(facts: Facts, table: str) -> dict[str, str]:
    """Implied id -> the id of the one described record with the same name.

    A name that several described records share leads nowhere: a guess would move money. Among
    described records one that was not deleted goes before those that were.

    Args:
        facts: the open facts.
        table: a table with a name.
    """
    if table not in facts.tables():
        return {}
    rows = facts.read(table, Scope.all(), deleted=True)
    mentioned = rows.implied.fill_null(ibis.literal(False))
    names: dict[str, list[str]] = {}
    for row in facts.execute(rows.filter(mentioned).select("id", "name")).to_pylist():
        names.setdefault(folded(row["name"] or row["id"]), []).append(row["id"])
    if not names:
        return {}
    live: dict[str, list[str]] = {}
    gone: dict[str, list[str]] = {}
    described = rows.filter(~mentioned).select("id", "name", "deleted_on")
    for row in facts.execute(described).to_pylist():
        if row["name"] and (name := folded(row["name"])) in names:
            (live if row["deleted_on"] is None else gone).setdefault(name, []).append(row["id"])
    return {
        implied: real
        for name, ids in names.items()
        if (real := only(live.get(name) or gone.get(name) or ()))
        for implied in ids
    }


def only(ids: Iterable[str]) -> str:
    """The one id there is, "" where there are none or several."""
    found = list(ids)
    return found[0] if len(found) == 1 else ""
