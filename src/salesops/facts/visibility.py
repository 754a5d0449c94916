"""Row security: a Scope compiled into the expression every reader gets."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

from salesops.facts import rewind
from salesops.facts.scope import Scope, Sharing
from salesops.facts.tables import SHARED_BY, TABLES

if TYPE_CHECKING:
    from salesops.facts.store import Facts

FEW = 16
"""Ids up to here are compared as literals; longer lists are joined to, since literals compile slowly."""

NO_ACCESS = ("", "none", "no access", "private")
"""Access levels of a share that show nothing."""


def is_guarded(table: str) -> bool:
    """Whether rows of the table are hidden from some readers (it has an owner or a parent, or is restricted)."""
    declared = TABLES[table]
    return bool(declared.owner or declared.parent or declared.restricted)


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
    if declared.restricted:
        return rows.filter(ibis.literal(False))
    if not declared.owner:
        assert declared.parent is not None
        parent, column = declared.parent
        ids = visible_ids(facts, parent, scope)
        return rows.semi_join(ids, rows[column] == ids.visible_id)
    if not scope.any_owner:
        rows = _granted(facts, table, rows, scope)
    if scope.sharing is not None and table in scope.sharing.tables:
        rows = _shared(facts, table, rows, scope.sharing)
    return rows


def _granted(facts: Facts, table: str, rows: ir.Table, scope: Scope) -> ir.Table:
    """Rows that any one grant lets a reader see."""
    owner = rows[TABLES[table].owner]
    grants: list[ir.BooleanValue] = []
    key = "id" if table == "accounts" else "account_id"
    if scope.account_ids and key in rows.columns:
        grants.append(one_of(facts, rows[key], scope.account_ids))
    if scope.matching:
        grants += [rows.id.isin(ids.visible_id) for ids in _matching(facts, table, scope)]
        if table != "accounts" and "account_id" in rows.columns:
            grants += [rows.account_id.isin(ids.visible_id) for ids in _matching(facts, "accounts", scope)]
    if scope.member_ids and table == "opportunities":
        grants += [rows.id.isin(ids.visible_id) for ids in deal_teams(facts, scope.member_ids)]
    if not grants and len(scope.owner_ids) > FEW:
        listed = facts.id_list(scope.owner_ids)
        return rows.semi_join(listed, owner == listed.listed)
    if scope.owner_ids:
        grants.insert(0, one_of(facts, owner, scope.owner_ids))
    no: ir.BooleanValue = ibis.literal(False)
    return rows.filter(reduce(or_, [grant.fill_null(False) for grant in grants], no))


def _shared(facts: Facts, table: str, rows: ir.Table, sharing: Sharing) -> ir.Table:
    """Rows that the source shows: of owners it shows, or shared with one of the principals."""
    shown: ir.BooleanValue = ibis.literal(False)
    if sharing.owner_ids:
        shown = one_of(facts, rows[TABLES[table].owner], sharing.owner_ids)
    if sharing.principals:
        shares = _present(facts, "record_shares")
        level = shares.access.fill_null("").lower().strip()
        shares = shares.filter(one_of(facts, shares.principal_id, sharing.principals), ~level.isin(NO_ACCESS))
        column, words = SHARED_BY[table]
        named = ibis.ifelse(shares.object.lower().strip().isin(words), shares.record_id, ibis.null("string"))
        ids = shares.select(shared_id=ibis.coalesce(shares[column], named))
        ids = ids.filter(ids.shared_id.notnull())
        shown = shown | rows.id.isin(ids.shared_id).fill_null(False)
    return rows.filter(shown)


def deal_teams(facts: Facts, people: frozenset[str]) -> list[ir.Table]:
    """Ids (``visible_id``) of opportunities that people work on beside the owner, one relation a source of it."""
    found = []
    if facts.version("opportunity_team") is not None:
        team = _present(facts, "opportunity_team")
        team = team.filter(one_of(facts, team.user_id, people))
        found.append(team.select(visible_id=team.opportunity_id).filter(lambda t: t.visible_id.notnull()))
    if facts.stores("opportunities", "collaborators"):
        deals = facts.state("opportunities", {"collaborators"})
        named = deals.filter(deals.collaborators.notnull()).select(
            visible_id=deals.id, listed=deals.collaborators.split(";").unnest()
        )
        named = named.mutate(listed=named.listed.strip())
        found.append(named.filter(one_of(facts, named.listed, people)).select("visible_id"))
    return found


def _matching(facts: Facts, table: str, scope: Scope) -> list[ir.Table]:
    """Ids (``visible_id``) of records of a table that carry a value the reader is assigned to."""
    tables = {table, "opportunity_lines"} if table == "opportunities" else {table}
    wanted: dict[tuple[str, str], set[str]] = {}
    for name, column, value in scope.matching:
        if name in tables:
            wanted.setdefault((name, column), set()).add(value)
    found = []
    for (name, column), values in sorted(wanted.items()):
        key = "id" if name == table else "opportunity_id"
        rows = facts.state(name, {column, key}) if name == table else _present(facts, name)
        if column in rows.columns:
            rows = rows.filter(one_of(facts, rows[column], frozenset(values)))
            found.append(rows.select(visible_id=rows[key]).filter(lambda t: t.visible_id.notnull()))
    return found


def _present(facts: Facts, table: str) -> ir.Table:
    """A table's rows that were not deleted, all of them: for guards, never for readers."""
    rows = facts.state(table)
    return rows.filter(rows.deleted_on.isnull())


def one_of(facts: Facts, column: ir.Value, ids: frozenset[str]) -> ir.BooleanValue:
    """Whether a column holds one of some ids; null counts as no."""
    if len(ids) <= FEW:
        return column.isin(sorted(ids)).fill_null(False)
    return column.isin(facts.id_list(ids).listed).fill_null(False)


def masked(table: str, rows: ir.Table, scope: Scope) -> ir.Table:
    """The same rows with the scope's masked columns null."""
    schema = rows.schema()
    hidden = {c: ibis.null(schema[c]) for c in rows.columns if scope.masks(table, c)}
    return rows.mutate(**hidden) if hidden else rows


def visible_changes(facts: Facts, scope: Scope, only: str | None) -> ir.Table:
    """The change log of visible records; changes of masked columns are left out: that one happened says something."""
    log = facts.relation("changes", hidden=facts.as_of is not None)
    if only is not None:
        log = log.filter(log.object == only)
    if facts.as_of is not None:
        log = log.filter(~rewind.after(log, facts.as_of)).select(*facts.columns("changes"))
    if not scope.everything:
        log = _visible_log(facts, log, scope, only)
    hidden: dict[str, list[str]] = {}
    for mask in sorted(scope.masked):
        table, _, column = mask.partition(".")
        hidden.setdefault(table, []).append(column)
    for table, columns in hidden.items():
        if table != "changes":
            log = log.filter(~((log.object == table) & log.field.isin(columns)))
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
