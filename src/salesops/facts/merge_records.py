# ruff: noqa: S608 - statements are composed of quoted names, typed literals and numbers of our own
"""One file's rows merged into one table of records.

The rows of a file are compared with the stored ones in the engine. Only data files that hold
a record whose values change are written again, and of large ones only the columns that change
(``merge_rewrite.py``); everything else stays as it is. What changed goes to the change log, as
canonical text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from salesops.facts import lake, merge_late, merge_rewrite
from salesops.facts.backends import Workbench, quoted, text_literal
from salesops.facts.backends.duckdb import relation_sql
from salesops.facts.changelog import ChangeLog
from salesops.facts.columntypes import SQL, text_sql
from salesops.facts.difference_dates import modified_sql
from salesops.facts.errors import InvalidIncoming
from salesops.facts.incoming import Incoming, Outcome
from salesops.facts.incoming_rows import open_rows, prepare
from salesops.facts.lake import MONTH_PART, DataFile, looked_up_by
from salesops.facts.sightings import SEEN, Seen
from salesops.facts.tables import EXTRA_PREFIX, SYSTEM_COLUMNS, TABLES, ColumnType

Step = Callable[[str], None]

_DERIVED = {"first_seen_on", "last_seen_on"}
_SMALL = 20_000
"""Rows below which one thread writes one file rather than several."""


@dataclass
class Working:
    """A table during a merge: files and columns as they will be committed."""

    table: str
    folder: Path
    files: list[DataFile]
    columns: dict[str, ColumnType]
    seen: Seen
    partitioned: bool
    rewritten: bool = False
    sightings_changed: bool = False

    @property
    def paths(self) -> list[str]:
        """Absolute paths of the files."""
        return [str(self.folder / f.path) for f in self.files]


def physical_columns(table: str, extras: dict[str, ColumnType]) -> dict[str, ColumnType]:
    """Columns as they lie in the files of a table of records."""
    columns = {c.name: c.type for c in (*TABLES[table].columns, *SYSTEM_COLUMNS) if c.name not in _DERIVED}
    return columns | extras | {SEEN: "integer"}


class RecordMerge:
    """Merges one file; one object per file."""

    def __init__(
        self,
        bench: Workbench,
        working: Working,
        incoming: Incoming,
        log: ChangeLog,
        step: Step,
        created: list[Path],
    ) -> None:
        self.bench = bench
        self.working = working
        self.incoming = incoming
        self.log = log
        self.step = step
        self.created = created
        self.day = f"DATE '{incoming.data_on.isoformat()}'"
        self.outcome = Outcome(working.table)

    def run(self) -> Outcome:
        """Do it; the result is in ``working`` and the change log."""
        out, bench = self.outcome, self.bench
        self.step("check keys")
        extras = {n: k for n, k in self.working.columns.items() if n.startswith(EXTRA_PREFIX)}
        self.file = prepare(bench, self.incoming, extras)
        out.read, out.duplicates, out.keyless = self.file.rows, self.file.duplicates, self.file.keyless
        new_extras = {n: k for n, k in self.file.columns.items() if n.startswith(EXTRA_PREFIX)}
        self.target = physical_columns(self.working.table, extras | new_extras)
        self._open_stored()
        if not self.working.files:
            self._first()
        else:
            self._compare()
            self._write()
        return out

    def _open_stored(self) -> None:
        """Relation ``cur``: the stored rows in the target's columns, with the file each lies in."""
        old = self.working.columns
        derived = {n: text_sql(quoted(n), old[n]) for n, k in self.file.widened.items() if k == "text"}
        stored = relation_sql(
            self.working.paths,
            old,
            self.target,
            partitioned=self.working.partitioned,
            derived=derived,
            with_file=True,
        )
        self.bench.run(f"CREATE OR REPLACE TEMP VIEW cur AS {stored}")

    def _first(self) -> None:
        """Nothing is stored yet: every row is new and no value has changed."""
        self.step("write")
        seen = self.working.seen
        number = seen.set_of(frozenset({seen.sighting(self.incoming.data_on, self.file.columns)}))
        written = self._store(f"SELECT {self._new_row(number)} FROM inc i", self.file.distinct)
        self.outcome.added = sum(f.rows for f in written)
        if written:
            self._take(written, replaced=set())

    def _compare(self) -> None:
        """Temp tables ``chg`` (changed values, old and new), ``del``, and the plan of set changes."""
        bench, incoming = self.bench, self.incoming
        self.step("compare")
        if bench.rows(
            "SELECT 1 FROM inc WHERE implied LIMIT 1"
        ):  # a mere mention says nothing new of a known record
            bench.run(
                f"CREATE OR REPLACE TEMP TABLE inc_kept AS SELECT i.* FROM ({self.file.select}) i "
                "WHERE NOT i.implied OR i.id NOT IN (SELECT id FROM cur)"
            )
            bench.run("CREATE OR REPLACE TEMP VIEW inc AS SELECT * FROM inc_kept")
        tally = bench.rows(
            f"""SELECT s.{SEEN}, count(*), count(i.id),
                       count(*) FILTER (i.id IS NULL AND s.deleted_on IS NULL)
            FROM cur s LEFT JOIN inc i ON s.id = i.id GROUP BY 1"""
        )
        totals = {number: total for number, total, _, _ in tally}
        matched = {number: hits for number, _, hits, _ in tally}
        seen = self.working.seen
        columns = self.file.columns
        self.hood = {
            (number, column): seen.neighbours(number, column, incoming.data_on)
            for number in totals
            for column in columns
        }
        self._find_changed(columns)
        out = self.outcome
        out.not_in_file = sum(absent for _, _, _, absent in tally)
        out.added = bench.count("inc") - sum(matched.values())
        self._find_deleted(seen, totals)
        self._plan_sets(totals, matched)
        out.unchanged = self.file.distinct - out.added - out.changed

    def _find_changed(self, columns: dict[str, ColumnType]) -> None:
        bench = self.bench
        pairs, differs = [], []
        for column in columns:
            c = quoted(column)
            later = sorted(n for (n, name), hood in self.hood.items() if name == column and hood.after)
            new = f"CASE WHEN s.{SEEN} IN ({_list(later)}) THEN s.{c} ELSE i.{c} END" if later else f"i.{c}"
            pairs.append(f"{new} AS {quoted('n_' + column)}, s.{c} AS {quoted('o_' + column)}")
            differs.append(f"{new} IS DISTINCT FROM s.{c}")
        back = f"(s.deleted_on IS NOT NULL AND s.deleted_on <= {self.day})"
        differs += [back, "(coalesce(s.implied, false) AND NOT i.implied)"]
        modified = "i.last_modified_at" if "last_modified_at" in columns else "CAST(NULL AS TIMESTAMPTZ)"
        bench.run(
            f"""CREATE OR REPLACE TEMP TABLE chg AS
            SELECT s.id, s.{SEEN} AS seen, s.filename, coalesce(s.implied, false) AS was_implied,
                   s.deleted_on AS was_deleted, {back} AS back, {modified} AS modified_at,
                   i.source_row AS new_row, i.implied AS new_implied{"".join(", " + p for p in pairs)}
            FROM {self._suspects(columns)} i JOIN cur s ON i.id = s.id WHERE {" OR ".join(differs)}"""
        )
        counts = [
            f"count(*) FILTER ({quoted('n_' + c)} IS DISTINCT FROM {quoted('o_' + c)})" for c in columns
        ]
        row = bench.rows(f"SELECT {', '.join(['count(*)', 'count(*) FILTER (back)', *counts])} FROM chg")[0]
        self.outcome.changed, self.outcome.undeleted = int(row[0]), int(row[1])
        self.outcome.changed_by_field = {c: int(n) for c, n in zip(columns, row[2:], strict=True) if n}

    def _suspects(self, columns: dict[str, ColumnType]) -> str:
        """The file's rows that may differ from the stored ones: few, as a rule, and only they are compared in full.

        A row whose id and values have the digests of a stored row says nothing new. Both digests have
        64 bits, so a change goes unnoticed once in some 10^19 changed rows. Where a later file is known
        already, values alone do not settle it.
        """
        if not columns or any(hood.after for hood in self.hood.values()):
            return "inc"
        listed = ", ".join(map(quoted, columns))
        digests = f"hash(id) AS of_id, hash({listed}) AS of_values"
        self.bench.run(
            f"""CREATE OR REPLACE TEMP TABLE suspect AS
            SELECT i.id FROM (SELECT id, {digests} FROM inc) i
            ANTI JOIN (SELECT {digests} FROM cur WHERE deleted_on IS NULL AND NOT coalesce(implied, false)) s
            ON i.of_id = s.of_id AND i.of_values = s.of_values"""
        )
        return "(SELECT * FROM inc SEMI JOIN suspect USING (id))"

    def _find_deleted(self, seen: Seen, totals: dict[int, int]) -> None:
        """Temp table ``del``: records in the declared scope that a complete file does not hold.

        A file older than a record's latest sighting says nothing about its end.
        """
        bench, incoming = self.bench, self.incoming
        if not incoming.complete:
            bench.run("CREATE OR REPLACE TEMP TABLE del (id VARCHAR, filename VARCHAR, last_on DATE)")
            return
        tests = []
        for column, values in incoming.complete_where.items():
            if column not in self.target or column.startswith("_"):
                raise InvalidIncoming(
                    f"The complete scope names {column!r}, which {incoming.table!r} does not have."
                )
            listed = ", ".join(text_literal(v) for v in values) or "NULL"
            tests.append(f"{text_sql('s.' + quoted(column), self.target[column])} IN ({listed})")
        due = [n for n in totals if (last := seen.last_on(n)) is None or last <= incoming.data_on]
        tests.append(f"s.{SEEN} IN ({_list(due)})")
        # another system's records are not in this one's files, complete or not
        tests.append(f"s.source = {text_literal(incoming.source)}")
        tests.append("s.deleted_on IS NULL AND NOT coalesce(s.implied, false)")
        bench.run("CREATE OR REPLACE TEMP TABLE held AS SELECT id FROM inc")
        for number, ids in enumerate(incoming.held_elsewhere):
            open_rows(bench, f"held_{number}", ids)
            bench.run(f"INSERT INTO held SELECT CAST(id AS VARCHAR) FROM held_{number}")
        bench.run(
            f"""CREATE OR REPLACE TEMP TABLE del AS
            SELECT s.id, s.filename, {self._last_on(due, f"s.{SEEN}")} AS last_on
            FROM cur s ANTI JOIN held h ON s.id = h.id WHERE {" AND ".join(tests)}"""
        )
        self.outcome.deleted = bench.count("del")

    def _last_on(self, numbers: list[int], expression: str) -> str:
        cases = [
            f"WHEN {n} THEN DATE '{last.isoformat()}'"
            for n in numbers
            if (last := self.working.seen.last_on(n)) is not None
        ]
        return f"CASE {expression} {' '.join(cases)} END" if cases else "CAST(NULL AS DATE)"

    def _plan_sets(self, totals: dict[int, int], matched: dict[int, int]) -> None:
        """Decide how sets of sightings change; temp table ``moved`` (id, filename, seen) for rows that move.

        Where a file held most rows of a set, the set itself grows and the others move; so a full
        re-import moves nothing.
        """
        seen = self.working.seen
        before = seen.copy()
        mine = seen.sighting(self.incoming.data_on, self.file.columns)
        grown: list[int] = []
        movers: list[tuple[int, frozenset[int], bool]] = []  # (set, members wanted, rows in the file?)
        for number, total in totals.items():
            members = before.sets.get(number, frozenset())
            hits = matched.get(number, 0)
            if not hits or mine in members:
                continue
            if hits * 2 > total:
                grown.append(number)
                if hits < total:
                    movers.append((number, members, False))
            else:
                movers.append((number, members | {mine}, True))
        for number in grown:
            seen.sets[number] = before.sets.get(number, frozenset()) | {mine}
        parts, used = [], set(totals)
        for number, members, inside in movers:
            goal = seen.set_of(members, taken=totals)
            used.add(goal)
            join = "SEMI" if inside else "ANTI"
            parts.append(
                f"SELECT s.id, s.filename, {goal} AS seen FROM (SELECT * FROM cur WHERE {SEEN} = {number}) s "
                f"{join} JOIN inc i ON s.id = i.id"
            )
        empty = "SELECT CAST(NULL AS VARCHAR) AS id, CAST(NULL AS VARCHAR) AS filename, 0 AS seen WHERE false"
        self.bench.run(f"CREATE OR REPLACE TEMP TABLE moved AS {' UNION ALL '.join(parts) or empty}")
        self.number_of_new = 0
        if self.outcome.added:
            self.number_of_new = seen.set_of(frozenset({mine}), taken=totals)
            used.add(self.number_of_new)
        emptied = {n for n, _, inside in movers if inside and matched[n] == totals[n]}
        seen.forget_unused(used - emptied)
        self.working.sightings_changed |= (seen.sets, seen.sightings) != (before.sets, before.sightings)

    def _write(self) -> None:
        """Log the differences, then write new rows and the files that hold changed ones."""
        bench, out = self.bench, self.outcome
        self.step("log changes")
        if out.changed or out.deleted:
            out.history += self._log_differences()
        repeated = out.changed > 0 and any(h.same for h in self.hood.values())
        if repeated or any(h.after for h in self.hood.values()):
            out.history += merge_late.log_late(self)
        held = "SELECT filename FROM chg UNION SELECT filename FROM del UNION SELECT filename FROM moved"
        touched = {row[0] for row in bench.rows(held)}
        if self.file.widened:
            touched = set(self.working.paths)
        if not touched and not out.added:
            return
        self.step("write")
        by_path = {str(self.working.folder / f.path): f for f in self.working.files}
        replaced = {by_path[_native(path)] for path in touched}
        patched = merge_rewrite.patched_files(self, replaced)
        anew = replaced - patched.keys()
        written = list(patched.values())
        parts = []
        if out.added:
            parts.append(
                f"SELECT {self._new_row(self.number_of_new)} FROM inc i ANTI JOIN cur s ON i.id = s.id"
            )
        if anew:
            parts.append(merge_rewrite.rewritten_rows(self, anew))
        if parts:
            written += self._store(" UNION ALL ".join(parts), out.added + sum(f.rows for f in anew))
        self._take(written, replaced={f.path for f in replaced})

    def _new_row(self, number: int) -> str:
        """Select list that makes a stored row of a file's row ``i``."""
        fixed = {
            "id": "i.id",
            "source": text_literal(self.incoming.source),
            "import_id": text_literal(self.incoming.import_id),
            "source_row": "i.source_row",
            "implied": "i.implied",
            SEEN: str(number),
        }
        parts = []
        for name, kind in self.target.items():
            value = fixed.get(name) or (f"i.{quoted(name)}" if name in self.file.columns else "NULL")
            parts.append(f"CAST({value} AS {SQL[kind]}) AS {quoted(name)}")
        return ", ".join(parts)

    def _store(self, select: str, size: int) -> list[DataFile]:
        """Write rows as new files of the table; they count once they are committed."""
        working = self.working
        if working.partitioned:
            month = TABLES[working.table].month
            if TABLES[working.table].by_name[month].type == "instant":
                part = f"strftime(timezone('UTC', {quoted(month)}), '%Y-%m')"
            else:
                part = f"strftime({quoted(month)}, '%Y-%m')"
            select = f"SELECT *, coalesce({part}, '0000-00') AS {MONTH_PART} FROM ({select})"
        written = self.bench.write_parquet(
            select,
            working.folder,
            partition_by=MONTH_PART if working.partitioned else "",
            one_thread=size < _SMALL,
            order_by=looked_up_by(self.target),
        )
        self.created += [path for path, _, _ in written]
        return lake.staged(working.folder, written)

    def _take(self, written: list[DataFile], replaced: set[str]) -> None:
        working = self.working
        working.files = [f for f in working.files if f.path not in replaced] + written
        working.columns = dict(self.target)
        working.rewritten = True
        working.sightings_changed = True

    def _log_differences(self) -> int:
        """Change rows of values that are newer than any sighting before."""
        bench, table = self.bench, self.working.table
        bench.run(
            "CREATE OR REPLACE TEMP TABLE cell (object_id VARCHAR, field VARCHAR, old VARCHAR, new VARCHAR, "
            "valid_at TIMESTAMPTZ, before_on DATE)"
        )
        start = f"CAST({self.day} AS TIMESTAMPTZ)"
        for column, kind in self.file.columns.items():
            if column not in self.outcome.changed_by_field:
                continue
            before = {
                n: h.before
                for (n, name), h in self.hood.items()
                if name == column and h.before and not h.same and not h.after
            }
            if not before:
                continue
            cases = " ".join(f"WHEN {n} THEN DATE '{d.isoformat()}'" for n, d in before.items())
            old, new = quoted("o_" + column), quoted("n_" + column)
            bench.run(
                f"""INSERT INTO cell
                SELECT id, {text_literal(column)}, {text_sql(old, kind)}, {text_sql(new, kind)},
                       {modified_sql("modified_at", "before_on", self.day)}, before_on
                FROM (SELECT *, CASE seen {cases} END AS before_on FROM chg)
                WHERE before_on IS NOT NULL AND NOT was_implied AND {old} IS DISTINCT FROM {new}"""
            )
        bench.run(
            f"""INSERT INTO cell SELECT id, 'deleted_on', NULL, CAST({self.day} AS VARCHAR), {start},
            coalesce(last_on, {self.day}) FROM del"""
        )
        bench.run(
            f"""INSERT INTO cell
                SELECT id, 'deleted_on', CAST(was_deleted AS VARCHAR), NULL, {start}, was_deleted
            FROM chg WHERE back AND was_deleted < {self.day}"""
        )
        added = self.log.add_differences(table, self.incoming.import_id, self.incoming.data_on)
        if self.outcome.undeleted:
            self.log.remove(
                f"""SELECT {text_literal(table)} AS object, l.object_id, l.field, l.valid_at
                FROM ({self.log.current(table)}) l JOIN chg c ON l.object_id = c.id
                WHERE c.back AND c.was_deleted = {self.day} AND l.field = 'deleted_on'
                      AND l._data_on = {self.day}"""
            )
        return added


def _list(numbers: list[int]) -> str:
    return ", ".join(str(n) for n in numbers) or "NULL"


def _native(path: str) -> str:
    """The engine gives file names as they were asked for; on Windows with either slash."""
    return str(Path(path))
