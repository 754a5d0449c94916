"""What belongs to a deal, or to some: changes, lines, team, contacts and activities.

The reader may see the deals, so he may see what belongs to them: looking for all he may see would take long.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from salesops.facts.bound import bound
from salesops.platform.actors import Actor
from salesops.process.inputs import Frames, NoDataError, open_frames

CHILDREN = ("opportunity_lines", "opportunity_team", "opportunity_contacts", "activities")
MOST_CHILDREN = 50
MOST_CHANGES = 500
_NEWEST_FIRST = {"activities": ("happened_on", "starts_at")}
_OF_A_CHANGE = ("valid_at", "recorded_at", "field", "old", "new", "source", "changed_by")


def changes(frames: Frames, deal_id: str) -> list[dict[str, Any]]:
    """The newest changes of a deal, one more than :data:`MOST_CHANGES` where there are more."""

    def newest(rows: ir.Table) -> ir.Table:
        order = [ibis.desc("valid_at"), ibis.desc("recorded_at"), ibis.asc("field")]
        return rows.order_by(order).select(*_OF_A_CHANGE).limit(MOST_CHANGES + 1)

    return _belonging(frames, "changes", "object_id", [deal_id], "newest", newest).to_pylist()


def pushes(frames: Frames, deal_ids: Sequence[str]) -> dict[str, int]:
    """Deal -> how often its close date was moved later, of those that were; from the change log."""
    if not deal_ids or "changes" not in frames.facts.tables():
        return {}

    def later(rows: ir.Table) -> ir.Table:
        # ISO days compare as text.
        moved = rows.filter(rows.field.isin(["close_on", "expected_close_on"]), rows.new > rows.old)
        return moved.group_by("object_id").agg(n=moved.count())

    found = _belonging(frames, "changes", "object_id", deal_ids, "pushes", later).to_pylist()
    return {row["object_id"]: row["n"] for row in found}


def children(
    frames: Frames, table: str, deal_id: str, only: Sequence[str] = ()
) -> tuple[list[dict[str, Any]], int]:
    """Rows of a table that belong to a deal, with masked columns null, and their number.

    Args:
        frames: the reader's frames.
        table: a table of :data:`CHILDREN`.
        deal_id: the deal.
        only: columns that are wanted, all where it is empty; a file's rows are unpacked for these alone.
    """
    if table not in frames.facts.tables():
        return [], 0

    def first(rows: ir.Table) -> ir.Table:
        order: list[ir.Value] = [rows.id.asc()]
        if table in _NEWEST_FIRST:
            day, instant = (rows[name] for name in _NEWEST_FIRST[table])
            when = ibis.coalesce(day, instant.date())
            order = [when.desc(nulls_first=False), *order]
        # One more than is shown tells whether there are more. It also is past the number (50) up to which the
        # engine reads the files twice, first for the order and then for the rows: twice as long for one deal.
        found = rows.order_by(order).limit(MOST_CHILDREN + 1)
        return found.select(*only) if only else found

    def number(rows: ir.Table) -> ir.Table:
        return rows.agg(n=rows.count())

    column = "opportunity_id"
    kind = " ".join(["first", *only])
    found = _belonging(frames, table, column, [deal_id], kind, first).to_pylist()
    if len(found) <= MOST_CHILDREN:
        return found, len(found)
    counted = _belonging(frames, table, column, [deal_id], "number", number).to_pylist()
    return found[:MOST_CHILDREN], counted[0]["n"]


_AT_ONCE = 10
"""Queries are kept for one deal, and for each multiple of so many."""


def _belonging(
    frames: Frames,
    table: str,
    column: str,
    deal_ids: Sequence[str],
    kind: str,
    build: Callable[[ir.Table], ir.Table],
) -> pa.Table:
    """What ``build`` makes of a table's rows whose column names one of some deals; the query is kept for others."""
    facts, scope = frames.facts, frames.scope.through_parent()
    missing = -len(deal_ids) % _AT_ONCE if len(deal_ids) > 1 else 0
    values = {f"deal_{n}": each for n, each in enumerate([*deal_ids, *[deal_ids[-1]] * missing])}

    def expression() -> ir.Table:
        if table == "changes":
            rows = facts.changes(scope, object="opportunities")
        else:
            rows = facts.read(table, scope)
        asked = [bound(name, "string") for name in values]
        return build(rows.filter(rows[column].isin(asked) if len(asked) > 1 else rows[column] == asked[0]))

    same = the_same_to_many(frames, table)
    if not same:
        # Other tables decide with it what is there: each reading names and holds all of them.
        made = expression()
        return facts.execute_known((kind, made.op()), lambda: made, values=values)
    key = ("belonging", kind, len(values), *same)
    return facts.execute_known(key, expression, values=values, holding=(table, column, deal_ids))


def the_same_to_many(frames: Frames, table: str) -> tuple[Hashable, ...]:
    """What names a table's rows as all readers find them through deals that they may see, for kept queries; empty
    where other tables decide for each of them what is there.
    """
    facts, scope, manifest = frames.facts, frames.scope.through_parent(), frames.facts.manifest
    if facts.as_of is not None or not scope.everything or manifest is None:
        return ()
    facts.columns(table)  # holds the table's view: the query may have been compiled for another reader
    return (table, manifest.id, manifest.recorded_at, scope.masked)


def warm_up(actor: Actor) -> None:
    """Know which files hold what belongs to a deal, before the newest facts are shown."""
    try:
        with open_frames(actor) as frames:
            frames.facts.index_files("changes", "object_id")
            for table in CHILDREN:
                frames.facts.index_files(table, "opportunity_id")
    except NoDataError:
        return
