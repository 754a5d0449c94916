"""Row security: a Scope compiled into the expression every reader gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

from salesops.facts import rewind
from salesops.facts.columntypes import IBIS
from salesops.facts.scope import Scope
from salesops.facts.tables import TABLES

if TYPE_CHECKING:
    from salesops.facts.store import Facts


def is_guarded(table: str) -> bool:
    """Whether rows of the table are hidden from some readers (it has an owner or a parent)."""
    declared = TABLES[table]
    return bool(declared.owner or declared.parent)


def visible(facts: Facts, table: str, scope: Scope, *, deleted: bool, later: bool = False) -> ir.Table:
    """The rows a reader may see, unmasked."""
    rows = facts.state(table, later=later)
    if not deleted:
        rows = rows.filter(rows.deleted_on.isnull())
    if scope.everything or not is_guarded(table):
        return rows
    return guarded(facts, table, rows, scope)


def visible_ids(facts: Facts, table: str, scope: Scope) -> ir.Table:
    """One column ``visible_id``: keys of the table's records a reader may see, deleted ones included.

    Ownership is that of ``as_of`` where the facts have one.
    """
    declared = TABLES[table]
    guards = {declared.owner, "account_id"} | ({declared.parent[1]} if declared.parent else set())
    rows = facts.state(table, guards)
    if not scope.everything and is_guarded(table):
        rows = guarded(facts, table, rows, scope)
    return rows.select(visible_id=rows.id)


def guarded(facts: Facts, table: str, rows: ir.Table, scope: Scope) -> ir.Table:
    """Rows of a table narrowed to those a reader may see; ``rows`` may carry more columns than the table."""
    if scope.everything or not is_guarded(table):
        return rows
    declared = TABLES[table]
    if declared.owner:
        allowed: ir.BooleanValue = ibis.literal(False)
        if scope.owner_ids:
            allowed = _one_of(rows[declared.owner], scope.owner_ids)
        key = "id" if table == "accounts" else "account_id"
        if scope.account_ids and key in rows.columns:
            allowed = allowed | _one_of(rows[key], scope.account_ids)
        return rows.filter(allowed)
    assert declared.parent is not None
    parent, column = declared.parent
    ids = visible_ids(facts, parent, scope)
    return rows.semi_join(ids, rows[column] == ids.visible_id)


def _one_of(column: ir.Value, ids: frozenset[str]) -> ir.BooleanValue:
    return (column.isin(sorted(ids))).fill_null(False)


def masked(table: str, rows: ir.Table, scope: Scope) -> ir.Table:
    """The same rows with the scope's masked columns null."""
    schema = rows.schema()
    hidden = {c: ibis.null(schema[c]) for c in rows.columns if scope.masks(table, c)}
    return rows.mutate(**hidden) if hidden else rows


def visible_changes(facts: Facts, scope: Scope, only: str | None) -> ir.Table:
    """The change log of visible records; old and new of masked columns come back null."""
    log = facts.relation("changes", hidden=facts.as_of is not None)
    if only is not None:
        log = log.filter(log.object == only)
    if facts.as_of is not None:
        log = log.filter(~rewind.after(log, facts.as_of)).select(*facts.columns("changes"))
    if not scope.everything:
        log = _visible_log(facts, log, scope, only)
    hidden = [m.split(".", 1) for m in sorted(scope.masked) if "." in m]
    if hidden:
        secret: ir.BooleanValue = ibis.literal(False)
        for table, column in hidden:
            secret = secret | ((log.object == table) & (log.field == column))
        nothing = ibis.null(IBIS["text"])
        log = log.mutate(old=ibis.ifelse(secret, nothing, log.old), new=ibis.ifelse(secret, nothing, log.new))
    return masked("changes", log, scope)


def _visible_log(facts: Facts, log: ir.Table, scope: Scope, only: str | None) -> ir.Table:
    objects = [o for o in facts.changed_objects() if o in TABLES and (only is None or o == only)]
    parts = []
    for name in objects:
        rows = log.filter(log.object == name)
        if is_guarded(name):
            ids = visible_ids(facts, name, scope)
            rows = rows.semi_join(ids, rows.object_id == ids.visible_id)
        parts.append(rows)
    if not parts:
        return log.filter(ibis.literal(False))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]
