"""What belongs to one deal: its changes, lines, team, contacts and activities.

The reader may see the deal, so he may see what belongs to it: looking for all he may see would take long.
"""

from __future__ import annotations

from collections.abc import Callable
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

    return _belonging(frames, "changes", "object_id", deal_id, "newest", newest).to_pylist()


def children(frames: Frames, table: str, deal_id: str) -> tuple[list[dict[str, Any]], int]:
    """Rows of a table that belong to a deal, with masked columns null, and their number."""
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
        return rows.order_by(order).limit(MOST_CHILDREN + 1)

    def number(rows: ir.Table) -> ir.Table:
        return rows.agg(n=rows.count())

    column = "opportunity_id"
    found = _belonging(frames, table, column, deal_id, "first", first).to_pylist()
    if len(found) <= MOST_CHILDREN:
        return found, len(found)
    return found[:MOST_CHILDREN], _belonging(frames, table, column, deal_id, "number", number).to_pylist()[0][
        "n"
    ]


def _belonging(
    frames: Frames, table: str, column: str, deal_id: str, kind: str, build: Callable[[ir.Table], ir.Table]
) -> pa.Table:
    """What ``build`` makes of a table's rows whose column names a deal; the query is kept for every deal."""
    facts, scope = frames.facts, frames.scope.through_parent()

    def expression() -> ir.Table:
        if table == "changes":
            rows = facts.changes(scope, object="opportunities")
        else:
            rows = facts.read(table, scope)
        return build(rows.filter(rows[column] == bound("deal", "string")))

    manifest = facts.manifest
    if facts.as_of is not None or not scope.everything or manifest is None:
        # Other tables decide with it what is there: each reading names and holds all of them.
        made = expression()
        return facts.execute_known((kind, made.op()), lambda: made, values={"deal": deal_id})
    facts.columns(table)  # holds the table's view: the query may have been compiled for another reader
    key = ("belonging", kind, table, manifest.id, manifest.recorded_at, scope.masked)
    return facts.execute_known(key, expression, values={"deal": deal_id}, holding=(table, column, deal_id))


def warm_up(actor: Actor) -> None:
    """Know which files hold what belongs to a deal, before the newest facts are shown."""
    try:
        with open_frames(actor) as frames:
            frames.facts.index_files("changes", "object_id")
            for table in CHILDREN:
                frames.facts.index_files(table, "opportunity_id")
    except NoDataError:
        return
