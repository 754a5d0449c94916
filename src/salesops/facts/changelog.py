# ruff: noqa: S608 - statements are composed of quoted names, typed literals and numbers of our own
"""The change log during a merge: rows to add and rows to replace, and the log as it stands.

Every row is one change of one field. A *difference* (two files compared) remembers the data
date of the file that showed it; a *history* row comes from the source's own log. The source's
log wins: a difference that repeats what history says is dropped.
"""

from __future__ import annotations

from datetime import date, datetime

from salesops.facts.backends import Workbench, quoted, text_literal
from salesops.facts.backends.duckdb import relation_sql
from salesops.facts.columntypes import SQL, text_sql, value_sql
from salesops.facts.lake import MONTH_PART, Snapshot
from salesops.facts.tables import TABLES, ColumnType

COLUMNS: dict[str, ColumnType] = {c.name: c.type for c in TABLES["changes"].columns} | {"_data_on": "date"}
KEY = "object, object_id, field, valid_at"
MONTH_SQL = f"coalesce(strftime(timezone('UTC', valid_at), '%Y-%m'), '0000-00') AS {MONTH_PART}"


class ChangeLog:
    """The log of a merge in progress: published rows, minus ``ch_removed``, plus ``ch_added``."""

    def __init__(self, bench: Workbench, base: Snapshot, recorded_at: datetime) -> None:
        self.bench = bench
        self.base = base
        self.recorded = f"TIMESTAMPTZ {text_literal(recorded_at.isoformat())}"
        typed = ", ".join(f"{quoted(n)} {SQL[k]}" for n, k in COLUMNS.items())
        bench.run(f"CREATE TEMP TABLE ch_added ({typed})")
        bench.run(
            "CREATE TEMP TABLE ch_removed (object VARCHAR, object_id VARCHAR, field VARCHAR, "
            "valid_at TIMESTAMPTZ)"
        )

    def current(self, table: str, since: str = "") -> str:
        """SQL of the log of one table as it stands, from a month 'YYYY-MM' on when given."""
        files = [str(self.base.folder / f.path) for f in self.base.files if f.month >= since]
        stored = relation_sql(
            files, dict(self.base.columns) | {MONTH_PART: "text"}, COLUMNS, partitioned=True
        )
        rows = f"SELECT * FROM ({stored}) WHERE object = {text_literal(table)}"
        if self.bench.count("ch_removed"):
            rows = f"SELECT b.* FROM ({rows}) b ANTI JOIN ch_removed USING ({KEY})"
        return f"{rows} UNION ALL SELECT * FROM ch_added WHERE object = {text_literal(table)}"

    def is_empty(self, table: str) -> bool:
        """Whether the table has no change rows at all."""
        return not self.bench.rows(f"SELECT 1 FROM ({self.current(table)}) LIMIT 1")

    def add(self, select: str) -> int:
        """Add rows given by a query of :data:`COLUMNS`; returns how many."""
        before = self.bench.count("ch_added")
        self.bench.run(f"INSERT INTO ch_added SELECT {', '.join(map(quoted, COLUMNS))} FROM ({select})")
        return self.bench.count("ch_added") - before

    def remove(self, select: str) -> None:
        """Take rows out, by a query of the key columns."""
        self.bench.run(f"CREATE OR REPLACE TEMP TABLE taking AS SELECT DISTINCT {KEY} FROM ({select})")
        self.bench.run("INSERT INTO ch_removed SELECT * FROM taking")
        self.bench.run(
            "CREATE OR REPLACE TEMP TABLE ch_kept AS "
            f"SELECT a.* FROM ch_added a ANTI JOIN taking USING ({KEY})"
        )
        self.bench.run("DELETE FROM ch_added")
        self.bench.run("INSERT INTO ch_added SELECT * FROM ch_kept")
        self.bench.run("DROP TABLE ch_kept")
        self.bench.run("DROP TABLE taking")

    def row_sql(self, table: str, import_id: str, *, source: str, by: str = "NULL", data_on: str) -> str:
        """The constant columns of new rows, as a select list."""
        return (
            f"{text_literal(table)} AS object, {self.recorded} AS recorded_at, "
            f"{text_literal(source)} AS source, CAST({by} AS VARCHAR) AS changed_by, "
            f"{text_literal(import_id)} AS import_id, CAST({data_on} AS DATE) AS _data_on"
        )

    def add_differences(self, table: str, import_id: str, data_on: date) -> int:
        """Log the cells of temp table ``cell`` (object_id, field, old, new, valid_at, before_on).

        Drops those the source's own history tells already; moves an instant that is taken.
        """
        bench = self.bench
        if not bench.count("cell"):
            return 0
        oldest = bench.rows("SELECT min(least(before_on, CAST(valid_at AS DATE))) FROM cell")[0][0]
        since = oldest.strftime("%Y-%m") if oldest else ""
        day = f"DATE '{data_on.isoformat()}'"
        bench.run(
            f"""CREATE OR REPLACE TEMP TABLE told AS
            SELECT object_id, field,
                   first(new ORDER BY valid_at DESC) FILTER (source = 'history') AS last_new,
                   count(*) FILTER (source = 'history') AS histories,
                   max(valid_at) AS latest
            FROM ({self.current(table, since)}) l SEMI JOIN cell USING (object_id, field)
            WHERE valid_at < CAST({day} + 1 AS TIMESTAMPTZ)
            GROUP BY object_id, field"""
        )
        constant = self.row_sql(table, import_id, source="difference", data_on=day)
        return self.add(
            f"""SELECT c.object_id, c.field, c.old, c.new, {constant},
                CASE WHEN t.latest >= c.valid_at
                     THEN greatest(CAST({day} AS TIMESTAMPTZ), t.latest + INTERVAL 1 MICROSECOND)
                     ELSE c.valid_at END AS valid_at
            FROM cell c LEFT JOIN told t USING (object_id, field)
            WHERE coalesce(t.histories, 0) = 0 OR t.last_new IS DISTINCT FROM c.new"""
        )

    def add_history(
        self, table: str, relation: str, kinds: dict[str, ColumnType], import_id: str, data_on: date
    ) -> int:
        """Merge the source's own log; rows known already are dropped. Returns rows added."""
        self._normalise(table, relation, kinds)
        bench = self.bench
        if not bench.count("hist"):
            return 0
        since = bench.rows("SELECT min(strftime(timezone('UTC', valid_at), '%Y-%m')) FROM hist")[0][0]
        bench.run(
            f"""CREATE OR REPLACE TEMP TABLE known AS
            SELECT object_id, field, date_trunc('millisecond', valid_at) AS tick, old, new, valid_at
            FROM ({self.current(table, since)}) l
            WHERE source = 'history' AND strftime(timezone('UTC', valid_at), '%Y-%m') IN
                  (SELECT DISTINCT strftime(timezone('UTC', valid_at), '%Y-%m') FROM hist)"""
        )
        bench.run(
            """CREATE OR REPLACE TEMP TABLE fresh AS
            SELECT h.* FROM hist h ANTI JOIN known k
            ON h.object_id = k.object_id AND h.field = k.field AND h.tick = k.tick
               AND h.old IS NOT DISTINCT FROM k.old AND h.new IS NOT DISTINCT FROM k.new"""
        )
        # Before the rows are added: a difference stands at the record's last edit, which is often the
        # very instant of the history row that tells the same.
        self._drop_retold(table, since)
        by = "f.changed_by"
        constant = self.row_sql(
            table, import_id, source="history", by=by, data_on=f"DATE '{data_on.isoformat()}'"
        )
        return self.add(
            f"""WITH taken AS (
                SELECT object_id, field, tick, max(valid_at) AS latest FROM known GROUP BY ALL)
            SELECT f.object_id, f.field, f.old, f.new, {constant},
                   coalesce(t.latest + INTERVAL 1 MICROSECOND, f.tick) + to_microseconds(f.rank) AS valid_at
            FROM fresh f LEFT JOIN taken t USING (object_id, field, tick)"""
        )

    def _normalise(self, table: str, relation: str, kinds: dict[str, ColumnType]) -> None:
        """Temp table ``hist``: canonical text, real changes only, ties in their order.

        Two changes of a field at one instant (a source that keeps days only) are ordered by their
        values: the one whose old value is no other's new value comes first, then by place in the file.
        """
        bench = self.bench
        has = bench.columns(relation)
        cases = {
            side: "CASE field "
            + " ".join(
                f"WHEN {text_literal(f)} THEN coalesce({text_sql(value_sql(side, k), k)}, {side})"
                for f, k in kinds.items()
                if k != "text"
            )
            + f" ELSE {side} END"
            for side in ("old", "new")
        }
        order = "source_row" if "source_row" in has else "0"
        by = "CAST(changed_by AS VARCHAR)" if "changed_by" in has else "CAST(NULL AS VARCHAR)"
        old = "CAST(old AS VARCHAR)" if "old" in has else "CAST(NULL AS VARCHAR)"
        bench.run(
            f"""CREATE OR REPLACE TEMP TABLE hist_in AS
            WITH typed AS (
                SELECT CAST(object_id AS VARCHAR) AS object_id, CAST(field AS VARCHAR) AS field,
                       {old} AS old, CAST(new AS VARCHAR) AS new, CAST(valid_at AS TIMESTAMPTZ) AS valid_at,
                       {by} AS changed_by, CAST({order} AS BIGINT) AS place
                FROM {relation})
            SELECT object_id, field, {cases["old"]} AS old, {cases["new"]} AS new,
                   date_trunc('millisecond', valid_at) AS tick, valid_at, changed_by, place
            FROM typed WHERE object_id IS NOT NULL AND field IS NOT NULL AND valid_at IS NOT NULL"""
        )
        backwards = bench.rows("SELECT coalesce(corr(epoch(valid_at), place), 0) < 0 FROM hist_in")[0][0]
        place = "-place" if backwards else "place"
        if "old" not in has:
            bench.run(
                f"""CREATE OR REPLACE TEMP TABLE hist_in AS SELECT * REPLACE (
                    lag(new) OVER (PARTITION BY object_id, field ORDER BY valid_at, {place}, new) AS old)
                FROM hist_in"""
            )
        # Of millions of rows few are told twice, or at one instant: only these are gathered and ranked, since what
        # gathers texts can't be spilled to disk.
        same = " AND ".join(
            f"h.{c} IS NOT DISTINCT FROM d.{c}" if c in ("old", "new") else f"h.{c} = d.{c}"
            for c in ("object_id", "field", "tick", "old", "new")
        )
        bench.run(
            """CREATE OR REPLACE TEMP TABLE doubled AS SELECT object_id, field, old, new, tick
            FROM hist_in WHERE old IS DISTINCT FROM new GROUP BY ALL HAVING count(*) > 1"""
        )
        bench.run(
            f"""CREATE OR REPLACE TEMP TABLE real AS
            SELECT object_id, field, old, new, tick, valid_at, changed_by, {place} AS place
            FROM hist_in h ANTI JOIN doubled d ON {same} WHERE old IS DISTINCT FROM new
            UNION ALL
            SELECT h.object_id, h.field, h.old, h.new, h.tick, min(h.valid_at), max(h.changed_by), min({place})
            FROM hist_in h JOIN doubled d ON {same} GROUP BY h.object_id, h.field, h.old, h.new, h.tick"""
        )
        bench.run("DROP TABLE hist_in")
        bench.run(
            """CREATE OR REPLACE TEMP TABLE tied AS SELECT object_id, field, tick
            FROM real GROUP BY ALL HAVING count(*) > 1"""
        )
        bench.run(
            """CREATE OR REPLACE TEMP TABLE hist AS
            WITH ties AS (
                SELECT object_id, field, tick, list(coalesce(new, '')) AS news
                FROM real SEMI JOIN tied USING (object_id, field, tick) GROUP BY ALL)
            SELECT r.* EXCLUDE (place), 0 AS rank FROM real r ANTI JOIN tied USING (object_id, field, tick)
            UNION ALL
            SELECT r.* EXCLUDE (place), row_number() OVER (
                   PARTITION BY r.object_id, r.field, r.tick
                   ORDER BY list_contains(t.news, coalesce(r.old, '')), r.place, r.new) - 1
            FROM real r JOIN ties t USING (object_id, field, tick)"""
        )
        for done in ("doubled", "real", "tied"):
            bench.run(f"DROP TABLE {done}")

    def _drop_retold(self, table: str, since: str) -> None:
        """Take out differences that the history known so far, with what is about to be added, tells more exactly."""
        columns = "object, object_id, field, new, valid_at, source, _data_on"
        log = (
            f"SELECT {columns} FROM ({self.current(table, since)}) l SEMI JOIN fresh USING (object_id, field) "
            f"UNION ALL SELECT {text_literal(table)}, object_id, field, new, "
            "tick + to_microseconds(rank), 'history', NULL FROM fresh"
        )
        self.remove(
            f"""WITH log AS ({log}),
            told AS (
                SELECT d.object, d.object_id, d.field, d.valid_at, any_value(d.new) AS claimed,
                       first(h.new ORDER BY h.valid_at DESC) AS last_new
                FROM log d JOIN log h ON d.object_id = h.object_id AND d.field = h.field
                     AND h.source = 'history' AND h.valid_at < CAST(d._data_on + 1 AS TIMESTAMPTZ)
                WHERE d.source = 'difference' GROUP BY ALL)
            SELECT * FROM told WHERE claimed IS NOT DISTINCT FROM last_new"""
        )
