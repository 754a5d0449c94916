"""KPIs on the change log against hand-written DuckDB SQL on the same Parquet files.

    python benchmarks/kpis_of_changes.py [--deals 1000000] [--changes 10000000] [--seed 7] [--rounds 3]

As ``kpis.py``: both sides take turns, the best of each counts, values are compared before they are timed, and
the engine's time includes building, compiling, running and finishing. The change log holds moves of stages and
of close dates. The run fails where the engine takes more than 1.5 times the processor time of SQL that takes
over 0.2 s.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.compute import evaluate
from salesops.analytics.engine.frames import DEALS
from salesops.analytics.engine.journeys import Journeys, StageMap, StageStep
from salesops.analytics.engine.kpi import Context
from salesops.core.calendars import FiscalCalendar

TODAY = date(2025, 12, 31)
CALENDAR = FiscalCalendar()
PERIOD = CALENDAR.parse("2025-Q3")
CONTEXT = Context(PERIOD, TODAY, TODAY)
STAGES = ("Qualify", "Demo", "Offer", "Contract", "Sign")
FIRST, LAST = "DATE '2025-07-01'", "DATE '2025-09-30'"
SLOW, MOST = 0.2, 1.5

RANKS = (
    "CASE step " + " ".join(f"WHEN '{s}' THEN {i}" for i, s in enumerate(STAGES)) + " WHEN 'Won' THEN 99 END"
)
STEPS = """
WITH moves AS (
    SELECT object_id AS id, valid_at AS moment, valid_at::DATE AS on_, old, new FROM changes WHERE field = 'stage'
), first AS (
    SELECT id, arg_min(coalesce(old, ''), moment) AS old, min(on_) AS on_ FROM moves GROUP BY id
), steps AS (
    SELECT id, moment, on_, new AS step FROM moves
    UNION ALL
    SELECT d.id, NULL, CASE WHEN d.created_on >= (SELECT min(on_) FROM moves)
               AND (f.id IS NULL OR d.created_on <= f.on_) THEN d.created_on END,
           CASE WHEN f.id IS NOT NULL THEN f.old ELSE d.stage END
    FROM deals d LEFT JOIN first f USING (id)
    WHERE (f.id IS NOT NULL AND f.old <> '') OR (f.id IS NULL AND d.stage_class = 'open')
)"""
STAYS = (
    STEPS
    + f""", laid AS (
    SELECT id, step, on_, lead(on_) OVER w AS next_on, lead(step) OVER w AS next_step,
           lead(id) OVER w IS NULL AS is_last
    FROM steps WINDOW w AS (PARTITION BY id ORDER BY moment NULLS FIRST)
), stays AS (
    SELECT on_ AS entered, CASE WHEN is_last AND stage_class <> 'open' THEN closed_on ELSE next_on END AS left_on
    FROM laid JOIN deals USING (id) WHERE step IN {STAGES}
)"""
)
REACHED = ", ".join(
    f"min(coalesce(on_, DATE '0001-01-01')) FILTER (rank >= {k}) AS r{k}" for k in range(len(STAGES) + 1)
)
ENTERED = " + ".join(f"count(*) FILTER (r{k} BETWEEN {FIRST} AND {LAST})" for k in range(len(STAGES)))
PASSED = " + ".join(
    f"count(*) FILTER (r{k} BETWEEN {FIRST} AND {LAST} AND r{k + 1} IS NOT NULL)" for k in range(len(STAGES))
)
DUE = f"close_then BETWEEN {FIRST} AND {LAST}"

SQL = {
    "time_in_stage": STAYS
    + f"""
SELECT sum(left_on - entered) / count(*) FROM stays
WHERE left_on BETWEEN {FIRST} AND {LAST} AND entered IS NOT NULL""",
    "stage_conversion": STEPS
    + f""", ranked AS (
    SELECT id, on_, {RANKS} AS rank FROM steps
    UNION ALL
    SELECT id, closed_on, 99 FROM deals WHERE stage_class = 'won' AND id IN (SELECT id FROM steps)
), reached AS (SELECT id, {REACHED} FROM ranked GROUP BY id)
SELECT ({PASSED}) / ({ENTERED}) FROM reached""",
    "pushes": f"""
SELECT count(*) FROM changes c JOIN deals d ON c.object_id = d.id
WHERE field = 'close_on' AND valid_at::DATE BETWEEN {FIRST} AND {LAST}
  AND (d.closed_on IS NULL OR valid_at::DATE < d.closed_on)
  AND date_trunc('quarter', new::DATE) > date_trunc('quarter', old::DATE)""",
    "slip_rate": f"""
WITH later AS (
    SELECT object_id AS id, arg_min(old, valid_at) AS old FROM changes
    WHERE field = 'close_on' AND valid_at::DATE >= {FIRST} GROUP BY object_id
), opening AS (
    SELECT d.*, coalesce(l.old::DATE, d.expected_close_on, d.closed_on) AS close_then
    FROM deals d LEFT JOIN later l USING (id)
    WHERE created_on < {FIRST} AND (stage_class = 'open' OR closed_on >= {FIRST})
)
SELECT count(*) FILTER ({DUE} AND NOT coalesce(closed_on <= {LAST}, false)) / count(*) FILTER ({DUE}) FROM opening""",
}
"""The same numbers as an analyst would write them."""


def write(folder: Path, deals: int, changes: int, seed: int) -> None:
    """Deals over four years, and a log in which about two of three changes move a stage, the rest a close date."""
    rng = np.random.default_rng(seed)
    first = (date(2022, 1, 1) - date(1970, 1, 1)).days
    created = first + rng.integers(0, 1400, deals)
    length = 10 + rng.geometric(1 / 60, deals)
    state = rng.choice(np.array(["won", "lost", "open"]), deals, p=[0.35, 0.3, 0.35])
    closed = created + length
    ids = np.arange(deals)
    is_open = state == "open"
    of = np.sort(rng.integers(0, deals, changes * 2 // 3))
    # Offsets in seconds from creation, in order within each deal: the n-th change of a deal goes to stage n, or back.
    offset = (rng.random(len(of)) * length[of] * 86_400).astype("int64")
    order = np.lexsort((offset, of))
    of, offset = of[order], offset[order]
    starts = np.r_[True, of[1:] != of[:-1]]
    nth = np.arange(len(of)) - np.maximum.accumulate(np.where(starts, np.arange(len(of)), 0))
    place = (nth + 1 + rng.integers(-1, 2, len(of))) % len(STAGES)
    names = np.array(STAGES)
    new = names[place]
    old = np.where(starts, STAGES[0], np.concatenate([[STAGES[0]], new[:-1]]))
    last = np.r_[of[1:] != of[:-1], True]
    stage = np.full(deals, STAGES[0], dtype=object)
    stage[of[last]] = new[last]
    pushed = rng.integers(0, deals, changes - len(of))
    push_at = (rng.random(len(pushed)) * length[pushed] * 86_400).astype("int64")
    was = created[pushed] + rng.integers(10, 200, len(pushed))
    then = was + rng.choice([-95, -10, 10, 40, 100], len(pushed))

    def instants(who: Any, seconds: Any) -> pa.Array:
        return pa.array(
            (created[who] * 86_400 + seconds) * 1_000_000 + np.arange(len(who)) % 997, pa.timestamp("us")
        )

    def days(values: Any) -> pa.Array:
        return pa.array(values.astype("int32"), pa.date32())

    def joined(parts: list[Any]) -> pa.ChunkedArray:
        return pa.chunked_array(
            [c for part in parts for c in (part.chunks if isinstance(part, pa.ChunkedArray) else [part])]
        )

    log = pa.table(
        {
            "object_id": joined([pa.array(of), pa.array(pushed)]).cast(pa.string()),
            "field": pa.array(["stage"] * len(of) + ["close_on"] * len(pushed)),
            "old": joined([pa.array(old.astype(str)), days(was).cast(pa.string())]),
            "new": joined([pa.array(new), days(then).cast(pa.string())]),
            "valid_at": joined([instants(of, offset), instants(pushed, push_at)]),
        }
    )
    pq.write_table(log, folder / "changes.parquet", compression="zstd")
    filled: dict[str, Any] = {
        "id": pa.array(ids).cast(pa.string()),
        "stage": pa.array(
            np.where(state == "won", "Won", np.where(state == "lost", "Lost", stage)).astype(str)
        ),
        "stage_class": pa.array(state),
        "created_on": days(created),
        "closed_on": pa.array(closed.astype("int32"), pa.date32(), mask=is_open),
        "expected_close_on": pa.array((closed + 30).astype("int32"), pa.date32(), mask=~is_open),
    }
    types = {"string": pa.string(), "int64": pa.int64(), "boolean": pa.bool_(), "date": pa.date32()}
    columns = {
        name: filled.get(name, pa.nulls(deals, types.get(kind, pa.decimal128(19, 4))))
        for name, kind in DEALS.items()
    }
    pq.write_table(pa.table(columns), folder / "deals.parquet", compression="zstd")


def timed(rounds: int, *calls: Callable[[], Any]) -> list[tuple[float, float]]:
    """Best wall and processor seconds of each call; the calls take turns."""
    taken: list[list[tuple[float, float]]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, times in zip(calls, taken, strict=True):
            start, cpu = time.perf_counter(), time.process_time()
            call()
            times.append((time.perf_counter() - start, time.process_time() - cpu))
    return [(min(wall for wall, _ in times), min(cpu for _, cpu in times)) for times in taken]


def main() -> None:
    """Compare values, then print one line per KPI."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deals", type=int, default=1_000_000)
    parser.add_argument("--changes", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, args.deals, args.changes, args.seed)
        con = ibis.duckdb.connect()
        con.con.execute("SET memory_limit = '6GB'")
        con.con.execute(f"SET temp_directory = '{folder.as_posix()}'")
        for table in ("deals", "changes"):
            con.con.execute(
                f"CREATE VIEW {table} AS FROM read_parquet('{(folder / table).as_posix()}.parquet')"
            )
        steps = StageMap.of(
            [
                *(StageStep("", stage, "open", i) for i, stage in enumerate(STAGES)),
                StageStep("", "Won", "won", 90),
                StageStep("", "Lost", "lost", 91),
            ]
        )
        deals, changes = con.table("deals"), con.table("changes")
        log_start = con.con.execute(
            "SELECT min(valid_at)::DATE FROM changes WHERE field = 'stage'"
        ).fetchone()[0]
        over = Journeys(deals, changes, steps, lambda instant: instant.date(), TODAY, log_start)
        frames = {
            "time_in_stage": lambda: {"stage_visits": over.visits()},
            "stage_conversion": lambda: {"stage_entries": over.entries()},
            "pushes": lambda: {"close_moves": over.close_moves(CALENDAR)},
            "slip_rate": lambda: {"opening": over.opening(PERIOD.first, None)},
        }

        def engine(kpi: str) -> Any:
            given = {"deals": deals, **frames[kpi]()}
            return evaluate([catalogue()[kpi]], given, CONTEXT, con.to_pyarrow)[0].value

        def sql(kpi: str) -> Any:
            return con.con.execute(SQL[kpi]).fetchall()[0][0]

        print(f"{args.deals:,} deals, {args.changes:,} changes, seed {args.seed}, best of {args.rounds}")
        print(f"{'':<20}{'wall ms':>17}{'':>7}{'processor ms':>18}")
        print(f"{'KPI':<20}{'engine':>9}{'SQL':>8}{'ratio':>7}{'engine':>10}{'SQL':>8}{'ratio':>7}")
        failed = []
        for kpi in SQL:
            got, wanted = engine(kpi), sql(kpi)
            if abs(float(got) - float(wanted)) > 1e-9 * max(1.0, abs(float(wanted))):
                raise SystemExit(f"{kpi}: engine {got}, SQL {wanted}")
            (wall, cpu), (sql_wall, sql_cpu) = timed(
                args.rounds, lambda k=kpi: engine(k), lambda k=kpi: sql(k)
            )
            print(
                f"{kpi:<20}{wall * 1e3:>9.0f}{sql_wall * 1e3:>8.0f}{wall / sql_wall:>7.2f}"
                f"{cpu * 1e3:>10.0f}{sql_cpu * 1e3:>8.0f}{cpu / sql_cpu:>7.2f}"
            )
            if sql_cpu > SLOW and cpu / sql_cpu > MOST:
                failed.append(kpi)
        if failed:
            raise SystemExit(f"slower than {MOST} times the SQL: {', '.join(failed)}")


if __name__ == "__main__":
    main()
