"""Derived relations: an expression over one table, compiled once, read by everybody under their own scope.

Compiling a long expression costs far more than running a view over it. A derived relation is
built over *all* rows of a table, defined as a view in the engine under a name that stands for
its whole content (manifest, instant and the caller's key), and guarded on the way out exactly
as the table itself would be; the guarded rows are a view of their own, one a scope (``facts.guards``).
"""

from __future__ import annotations

import ibis.expr.operations as ops
import ibis.expr.types as ir

from salesops.facts.backends.duckdb import COPIES
from salesops.facts.copies import Kind
from salesops.facts.derived_views import Build
from salesops.facts.scope import Scope
from salesops.facts.store import Facts
from salesops.facts.tables import TABLES
from salesops.facts.visibility import guarded, is_guarded, masked


def derived(
    facts: Facts, table: str, key: str, build: Build, scope: Scope, *, copied: bool = False, wait: float = 0.0
) -> ir.Table:
    """A derived relation of a table's records, narrowed to what a reader may see.

    Args:
        facts: the open facts.
        table: table whose records the rows are; its owner, account and masks decide who sees them.
        key: names everything beside the facts that the expression depends on (decisions, settings).
        build: called once per key with ``constant``, which makes a small Arrow table readable; gives
            the expression over all rows, one per record, with the table's guarded columns in it.
        scope: the reader.
        copied: worth a native copy, where the store keeps any: many will ask for it.
        wait: seconds, from when it was first asked for, that a reader waits for a copy before he reads the view.
    """
    manifest = facts.manifest.id if facts.manifest else "none"
    name = f"derived {table} {manifest} {facts.as_of.isoformat() if facts.as_of else 'now'} {key}"
    kind = Kind(f"derived {table}", order=TABLES[table].owner or "id")
    relation = facts.use_derived(name, build, copied=kind if copied else None, wait=wait)
    if not scope.masked and (scope.everything or not is_guarded(table)):
        return relation
    # What is guarded is named by content: the relation, whether it is read from its copy, and the whole scope.
    node = relation.op()
    from_copy = isinstance(node, ops.DatabaseTable) and node.namespace.catalog == COPIES
    return facts.use_guarded(
        f"{name} for {scope.digest()}{' from its copy' if from_copy else ''}",
        lambda: masked(table, guarded(facts, table, relation, scope), scope),
        copied=kind.order if from_copy and not scope.everything else "",
    )
