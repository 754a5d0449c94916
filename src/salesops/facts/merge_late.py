# ruff: noqa: S608 - statements are composed of quoted names, typed literals and numbers of our own
"""Files that arrive out of order: what an older file says becomes history.

A field's differences form a chain over the sightings of its record. A late (or repeated) day
is put between its neighbours: the difference of the file after it is replaced by one to the
late value and one from it. Fields that the source's own history covers are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from salesops.facts.backends import quoted, text_literal
from salesops.facts.columntypes import text_sql
from salesops.facts.difference_dates import modified_sql
from salesops.facts.sightings import SEEN

if TYPE_CHECKING:
    from salesops.facts.merge_records import RecordMerge


def log_late(merge: RecordMerge) -> int:
    """Change the log for fields whose record was seen at this day or later; returns rows added."""
    if not _collect(merge):
        return 0
    bench, log, table, day = merge.bench, merge.log, merge.working.table, merge.day
    bench.run(
        f"""CREATE OR REPLACE TEMP TABLE around AS
        SELECT c.object_id, c.field, any_value(c.value) AS value, any_value(c.before_on) AS before_on,
               any_value(c.after_on) AS after_on, any_value(c.modified_at) AS modified_at,
               count(*) FILTER (l.source = 'history') AS histories,
               count(*) FILTER (l._data_on = {day}) AS own,
               first(l.old ORDER BY l.valid_at) FILTER (l._data_on = {day}) AS own_old,
               count(*) FILTER (l._data_on = c.after_on) AS next,
               first(l.new ORDER BY l.valid_at DESC) FILTER (l._data_on = c.after_on) AS next_new,
               max(l.valid_at) FILTER (l._data_on = c.after_on) AS next_at,
               max(l.valid_at) FILTER (l._data_on < {day}) AS latest_before,
               CASE WHEN count(*) FILTER (l._data_on > {day}) = 0 THEN any_value(c.stored)
                    ELSE first(l.old ORDER BY l._data_on, l.valid_at) FILTER (l._data_on > {day}) END AS known
        FROM late c LEFT JOIN ({log.current(table)}) l ON c.object_id = l.object_id AND c.field = l.field
        GROUP BY c.object_id, c.field"""
    )
    # known: the value at this day by all evidence so far; value_before, value_after: at the neighbours
    # a next difference dated into this day moves, though the value be known: the file shows it was later
    bench.run(
        f"""CREATE OR REPLACE TEMP TABLE placed AS
        SELECT *, CASE WHEN own > 0 THEN own_old ELSE known END AS value_before,
               CASE WHEN next > 0 THEN next_new ELSE known END AS value_after
        FROM around WHERE histories = 0
          AND (value IS DISTINCT FROM known OR next_at < CAST({day} + 1 AS TIMESTAMPTZ))"""
    )
    log.remove(
        f"""SELECT l.object, l.object_id, l.field, l.valid_at
        FROM ({log.current(table)}) l JOIN placed p ON l.object_id = p.object_id AND l.field = p.field
        WHERE l._data_on = {day} OR l._data_on = p.after_on"""
    )
    edited = modified_sql("modified_at", "before_on", day)
    own = log.row_sql(table, merge.incoming.import_id, source="difference", data_on=day)
    added = log.add(
        f"""SELECT object_id, field, value_before AS old, value AS new, {own},
        CASE WHEN latest_before >= {edited} THEN CAST({day} AS TIMESTAMPTZ) ELSE {edited} END AS valid_at
        FROM placed WHERE before_on IS NOT NULL AND value IS DISTINCT FROM value_before"""
    )
    following = log.row_sql(table, merge.incoming.import_id, source="difference", data_on="after_on")
    added += log.add(
        f"""SELECT object_id, field, value AS old, value_after AS new, {following},
        CASE WHEN next_at >= CAST({day} AS TIMESTAMPTZ) THEN greatest(next_at, CAST({day} + 1 AS TIMESTAMPTZ))
             ELSE CAST(after_on AS TIMESTAMPTZ) END AS valid_at
        FROM placed WHERE after_on IS NOT NULL AND value IS DISTINCT FROM value_after"""
    )
    return added


def _collect(merge: RecordMerge) -> bool:
    """Temp table ``late``: cells of this file that stand at or before a known sighting.

    A cell that equals the stored value matters only where the log knows another value for its day.
    """
    bench, columns = merge.bench, merge.file.columns
    slow = {
        c: {n: h for (n, name), h in merge.hood.items() if name == c and (h.after or h.same)} for c in columns
    }
    slow = {c: hoods for c, hoods in slow.items() if hoods}
    if not slow:
        return False
    numbers = sorted({n for hoods in slow.values() for n in hoods})
    listed = ", ".join(map(str, numbers))
    differs = " OR ".join(f"i.{quoted(c)} IS DISTINCT FROM s.{quoted(c)}" for c in slow)
    modified = "i.last_modified_at" if "last_modified_at" in columns else "CAST(NULL AS TIMESTAMPTZ)"
    pairs = "".join(
        f", i.{quoted(c)} AS {quoted('n_' + c)}, s.{quoted(c)} AS {quoted('o_' + c)}" for c in slow
    )
    bench.run(
        f"""CREATE OR REPLACE TEMP TABLE logged AS
        SELECT DISTINCT object_id, field FROM ({merge.log.current(merge.working.table)})
        WHERE _data_on >= {merge.day}"""
    )
    bench.run(
        f"""CREATE OR REPLACE TEMP TABLE pair AS
        SELECT s.id, s.{SEEN} AS seen, {modified} AS modified_at{pairs}
        FROM inc i JOIN cur s ON i.id = s.id
        WHERE s.{SEEN} IN ({listed}) AND NOT coalesce(s.implied, false)
          AND ({differs} OR s.id IN (SELECT object_id FROM logged))"""
    )
    bench.run(
        "CREATE OR REPLACE TEMP TABLE late (object_id VARCHAR, field VARCHAR, value VARCHAR, stored VARCHAR, "
        "modified_at TIMESTAMPTZ, before_on DATE, after_on DATE)"
    )
    for column, hoods in slow.items():
        before = " ".join(f"WHEN {n} THEN DATE '{h.before}'" for n, h in hoods.items() if h.before)
        after = " ".join(f"WHEN {n} THEN DATE '{h.after}'" for n, h in hoods.items() if h.after)
        before = f"CASE seen {before} END" if before else "CAST(NULL AS DATE)"
        after = f"CASE seen {after} END" if after else "CAST(NULL AS DATE)"
        new, old = quoted("n_" + column), quoted("o_" + column)
        kind, name = columns[column], text_literal(column)
        bench.run(
            f"""INSERT INTO late
            SELECT id, {name}, {text_sql(new, kind)}, {text_sql(old, kind)}, modified_at, {before}, {after}
            FROM pair p WHERE seen IN ({", ".join(map(str, sorted(hoods)))})
              AND ({new} IS DISTINCT FROM {old}
                   OR EXISTS (SELECT 1 FROM logged l WHERE l.object_id = p.id AND l.field = {name}))"""
        )
    return bench.count("late") > 0
