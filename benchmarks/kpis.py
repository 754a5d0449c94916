"""KPIs over synthetic deals against hand-written DuckDB SQL on the same Parquet file.

    python benchmarks/kpis.py [--rows 1000000] [--seed 7] [--rounds 9]

Both sides take turns in one run, and the best of each counts: what else a machine does can only slow a
call down. Ratios are told of wall time and of processor time (all threads). The engine's time includes
building, compiling, running and finishing, as for a question that nobody asked before: the application
keeps answers. Every value is compared before it is timed. All numbers at once are 63 measures to the
SQL's 23: how many rows each rests on and what the data lacks come with them.
The run fails where the engine takes more than 1.5 times the processor time of SQL that takes over 0.2 s.
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
from salesops.analytics.engine.kpi import Context, Kpi
from salesops.core.calendars import FiscalCalendar

TODAY = date(2025, 12, 31)
PERIOD = FiscalCalendar().parse("2025-Q3")
CONTEXT = Context(PERIOD, TODAY, TODAY)
IN_PERIOD = "closed_on BETWEEN DATE '2025-07-01' AND DATE '2025-09-30'"
CREATED = "created_on BETWEEN DATE '2025-07-01' AND DATE '2025-09-30'"
OPEN_THEN = """forecast_category <> 'omitted' AND (
    (stage_class = 'open' AND (created_on <= DATE '2025-09-30' OR created_on IS NULL))
    OR (stage_class IN ('won', 'lost') AND created_on <= DATE '2025-09-30'
        AND closed_on > DATE '2025-09-30'))"""
AT_START = """((stage_class = 'open' AND (created_on < DATE '2025-07-01' OR created_on IS NULL))
    OR (stage_class IN ('won', 'lost') AND created_on < DATE '2025-07-01'
        AND closed_on >= DATE '2025-07-01'))"""
WON, LOST = f"stage_class = 'won' AND {IN_PERIOD}", f"stage_class = 'lost' AND {IN_PERIOD}"
DECIDED = f"stage_class IN ('won', 'lost') AND {IN_PERIOD}"
DAYS = "date_diff('day', created_on, closed_on)"
FIRST_DAYS = "date_diff('day', first_interaction_on, closed_on)"

SQL = {
    "win_rate_count": f"count(*) FILTER ({WON}) / count(*) FILTER ({DECIDED})",
    "win_rate_value": f"sum(amount) FILTER ({WON}) / sum(amount) FILTER ({DECIDED})",
    "coverage_needed": f"sum(amount) FILTER ({DECIDED}) / sum(amount) FILTER ({WON})",
    "close_rate": f"count(*) FILTER (stage_class = 'won' AND {CREATED}) / count(*) FILTER ({CREATED})",
    "close_rate_pitched": f"count(*) FILTER (stage_class = 'won' AND is_pitched AND {CREATED})"
    f" / count(*) FILTER (is_pitched AND {CREATED})",
    "average_deal_size": f"avg(amount) FILTER ({WON})",
    "median_deal_size": f"median(amount) FILTER ({WON})",
    "sales_cycle": f"avg({DAYS}) FILTER ({WON})",
    "sales_cycle_median": f"median({DAYS}) FILTER ({WON})",
    "sales_cycle_lost": f"avg({DAYS}) FILTER ({LOST})",
    "sales_cycle_lost_median": f"median({DAYS}) FILTER ({LOST})",
    "sales_cycle_from_first_interaction": f"avg({FIRST_DAYS}) FILTER ({WON})",
    "sales_cycle_from_first_interaction_median": f"median({FIRST_DAYS}) FILTER ({WON})",
    "sales_cycle_from_first_interaction_lost": f"avg({FIRST_DAYS}) FILTER ({LOST})",
    "sales_cycle_from_first_interaction_lost_median": f"median({FIRST_DAYS}) FILTER ({LOST})",
    "open_pipeline": f"sum(amount) FILTER ({OPEN_THEN})",
    "open_deals": f"count(*) FILTER ({OPEN_THEN})",
    "pipeline_generation": f"sum(amount) FILTER ({CREATED})",
    "sales_velocity": f"count(*) FILTER ({AT_START}) * count(*) FILTER ({WON}) / count(*) FILTER ({DECIDED})"
    f" * avg(amount) FILTER ({WON}) / avg({DAYS}) FILTER ({WON})",
    "won_value": f"sum(amount) FILTER ({WON})",
    "won_deals": f"count(*) FILTER ({WON})",
    "lost_deals": f"count(*) FILTER ({LOST})",
    "deals_created": f"count(*) FILTER ({CREATED})",
}
"""The same numbers as an analyst would write them; coverage needs quotas and is left out."""


def write_deals(path: Path, count: int, seed: int) -> None:
    """Deals over four years: 45 % won, 30 % lost, the rest open; a month or so from creation to close."""
    rng = np.random.default_rng(seed)
    first = (date(2022, 1, 1) - date(1970, 1, 1)).days
    created = first + rng.integers(0, 1400, count)
    closed = created + rng.geometric(1 / 50, count)
    state = rng.choice(np.array(["won", "lost", "open"]), count, p=[0.45, 0.3, 0.25])
    is_open = state == "open"
    cents = np.exp(rng.normal(9, 1, count)).astype("int64") * 100 + rng.integers(0, 100, count)
    days = {
        "created_on": pa.array(created.astype("int32"), pa.date32()),
        "first_interaction_on": pa.array((created - rng.integers(0, 20, count)).astype("int32"), pa.date32()),
        "closed_on": pa.array(closed.astype("int32"), pa.date32(), mask=is_open),
        "expected_close_on": pa.array(closed.astype("int32"), pa.date32(), mask=~is_open),
    }
    # Decimals are 128-bit integers of the last place: cents x 100 = 1/10,000.
    places = np.stack([cents * 100, np.zeros(count, "int64")], axis=1)
    amount = pa.Array.from_buffers(pa.decimal128(19, 4), count, [None, pa.py_buffer(places.tobytes())])
    filled: dict[str, Any] = {
        "id": pa.array(np.arange(count)).cast(pa.string()),
        "owner_name": pa.array(np.char.add("rep ", rng.integers(0, 500, count).astype(str))),
        "stage_class": pa.array(state),
        "forecast_category": pa.array(rng.choice(np.array(["commit", "pipeline", "omitted"]), count)),
        "is_pitched": pa.array(rng.random(count) < 0.6),
        "amount": amount,
        **days,
    }
    types = {"string": pa.string(), "int64": pa.int64(), "boolean": pa.bool_(), "date": pa.date32()}
    columns = {
        name: filled.get(name, pa.nulls(count, types.get(kind, pa.decimal128(19, 4))))
        for name, kind in DEALS.items()
    }
    pq.write_table(pa.table(columns), path, compression="zstd")


Took = tuple[float, float]
"""Wall and processor seconds."""

SLOW = 0.2
MOST = 1.5
"""Above so many processor seconds of SQL, the engine may take so many times as long."""


def timed(rounds: int, *calls: Callable[[], Any]) -> list[Took]:
    """Best wall and processor seconds of each call; the calls take turns."""
    taken: list[list[Took]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, times in zip(calls, taken, strict=True):
            start, cpu = time.perf_counter(), time.process_time()
            call()
            times.append((time.perf_counter() - start, time.process_time() - cpu))
    return [(min(wall for wall, _ in times), min(cpu for _, cpu in times)) for times in taken]


def main() -> None:
    """Compare values, then print one line per KPI and one for all of them together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", "--deals", dest="deals", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deals.parquet"
        write_deals(path, args.deals, args.seed)
        con = ibis.duckdb.connect()
        deals = con.read_parquet(path)
        source = f"FROM read_parquet('{path.as_posix()}')"
        kpis = {name: kpi for name, kpi in catalogue().items() if name in SQL}

        def engine(chosen: list[Kpi], by: tuple[str, ...] = ()) -> Any:
            return evaluate(chosen, deals, CONTEXT, con.to_pyarrow, by)

        def sql(columns: str, tail: str = "") -> Any:
            return con.con.execute(f"SELECT {columns} {source} {tail}").fetchall()

        print(f"{args.deals:,} deals, seed {args.seed}, best of {args.rounds}")
        print(f"{'':<48}{'wall ms':>17}{'':>7}{'processor ms':>18}")
        print(f"{'KPI':<48}{'engine':>9}{'SQL':>8}{'ratio':>7}{'engine':>10}{'SQL':>8}{'ratio':>7}")
        failed: list[str] = []

        def line(name: str, ours: Took, theirs: Took) -> None:
            (wall, cpu), (sql_wall, sql_cpu) = ours, theirs
            print(
                f"{name:<48}{wall * 1e3:>9.1f}{sql_wall * 1e3:>8.1f}{wall / sql_wall:>7.2f}"
                f"{cpu * 1e3:>10.1f}{sql_cpu * 1e3:>8.1f}{cpu / sql_cpu:>7.2f}"
            )
            if name in kpis and sql_cpu > SLOW and cpu / sql_cpu > MOST:
                failed.append(name)

        for name, kpi in kpis.items():
            got, wanted = engine([kpi])[0].value, sql(SQL[name])[0][0]
            if abs(float(got) - float(wanted)) > 1e-9 * max(1.0, abs(float(wanted))):
                raise SystemExit(f"{name}: engine {got}, SQL {wanted}")
            ours, theirs = timed(args.rounds, lambda k=kpi: engine([k]), lambda n=name: sql(SQL[n]))
            line(name, ours, theirs)
        every = ", ".join(SQL[name] for name in kpis)
        listed = list(kpis.values())
        ours, theirs, apart = timed(
            args.rounds,
            lambda: engine(listed),
            lambda: sql(every),
            lambda: [sql(SQL[name]) for name in kpis],
        )
        line("all at once, one query", ours, theirs)
        line("all at once against one SQL query each", ours, apart)
        rate = [kpis["win_rate_count"]]
        ours, theirs = timed(
            args.rounds,
            lambda: engine(rate, ("owner_name",)),
            lambda: sql(f"owner_name, {SQL['win_rate_count']}", "GROUP BY owner_name"),
        )
        line("win_rate_count by 500 owners", ours, theirs)
        if failed:
            raise SystemExit(f"slower than {MOST} times the SQL: {', '.join(failed)}")


if __name__ == "__main__":
    main()
