"""The pipeline waterfall over a change log, against hand-written DuckDB SQL on the same Parquet files.

    python benchmarks/waterfall.py [--changes 1000000 10000000] [--seed 7] [--rounds 3] [--memory 24GB]

Records and log are written as the store holds them: opportunities as last known, changes of single fields
with the value before as text, in one folder a month. Both sides read every deal at two instants, tell its
way through the bars in a reporting currency, and add the ways up; they take turns in one run, each in a
process of its own, so that the peak of memory is its own too. Every figure of both is compared first. The
engine's time includes building and compiling the expression. 100,000,000 changes take about 4 GB of disk.
The run fails where the engine takes more than 1.5 times the processor time of the SQL.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import ibis

from salesops.analytics.engine.two_states import two_states
from salesops.analytics.engine.waterfall import Window, moves, summed
from salesops.analytics.engine.waterfall_bars import result
from salesops.process.engine.deals import Rate, converted

OPENING, CLOSING = date(2025, 6, 30), date(2025, 9, 30)
OPENED = datetime(2025, 6, 30, 23, 59, 59, 999999, tzinfo=UTC)
CLOSED = datetime(2025, 9, 30, 23, 59, 59, 999999, tzinfo=UTC)
PERIOD = (date(2025, 7, 1), date(2025, 9, 30))
OURS = [f"u{n}" for n in range(120)]
FIELDS = {
    "stage": "string", "owner_id": "string", "close_on": "date", "amount": "decimal(19,4)",
    "currency": "string", "deleted_on": "date",
}  # fmt: skip
RATES = [
    Rate("EUR", "USD", date(2024, 1, 1), Decimal("1.0837")),
    Rate("EUR", "USD", date(2025, 8, 1), Decimal("1.1422")),
    Rate("GBP", "USD", date(2024, 1, 1), Decimal("1.2690")),
    Rate("GBP", "USD", date(2025, 8, 1), Decimal("1.3050")),
]
MOST = 1.5

VALUE = {
    "stage": "(['Talks', 'Offer', 'Won', 'Lost'])[1 + (hash({i}, {k}) % 20 // 6)::INT]",
    "owner_id": "'u' || (hash({i}, {k}) % 400)",
    "close_on": "(DATE '2025-01-01' + (hash({i}, {k}) % 500)::INT)::VARCHAR",
    "amount": "CASE WHEN hash({i}, {k}) % 40 > 0 THEN "
    "((hash({i}, {k}) % 9000000)::DECIMAL(19,4) / 100)::DECIMAL(19,4)::VARCHAR END",
    "currency": "(['USD', 'USD', 'EUR', 'GBP'])[1 + (hash({i}, {k}) % 4)::INT]",
    "deleted_on": "CASE WHEN hash({i}, {k}) % 60 = 0 THEN '2025-08-15' END",
    "next_step": "'step ' || (hash({i}, {k}) % 50)",
    "last_activity_on": "(DATE '2025-01-01' + (hash({i}, {k}) % 300)::INT)::VARCHAR",
}
OFTEN = ["amount"] * 3 + ["close_on"] * 4 + ["stage"] * 5 + ["next_step"] * 4 + ["last_activity_on"] * 3
OFTEN += ["owner_id", "currency", "deleted_on"]


def write(folder: Path, count: int, seed: int) -> None:
    """Records and log: ten changes a deal over two years, of all fields."""
    con = duckdb.connect()
    con.execute("SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
    con.execute(f"SET temp_directory = '{folder.as_posix()}/spill'")
    deals = max(count // 10, 1)
    now = {name: VALUE[name].format(i="i", k=f"{seed}{place}") for place, name in enumerate(FIELDS)}
    columns = ", ".join(f"CAST({value} AS {_sql(FIELDS[name])}) AS {name}" for name, value in now.items())
    con.execute(
        f"""COPY (SELECT 'D' || lpad(i::VARCHAR, 9, '0') AS id,
            TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_hours((hash(i, {seed}) % 15000)::INT) AS created_at, {columns}
        FROM range({deals}) r(i)) TO '{folder.as_posix()}/opportunities.parquet' (COMPRESSION zstd)"""
    )
    cases = " ".join(f"WHEN '{n}' THEN {VALUE[n].format(i='i', k=seed + 77)}" for n in VALUE)
    listed = ", ".join(f"'{name}'" for name in OFTEN)
    micros = 730 * 86_400 * 1_000_000 // count
    con.execute(
        f"""COPY (
        SELECT *, CASE field {cases} END AS old, strftime(valid_at, '%Y-%m') AS month_part FROM (
            SELECT i, 'opportunities' AS object,
                'D' || lpad((hash(i, {seed}, 1) % {deals})::VARCHAR, 9, '0') AS object_id,
                ([{listed}])[1 + (hash(i, {seed}, 2) % {len(OFTEN)})::INT] AS field,
                TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_microseconds(i::BIGINT * {micros}) AS valid_at
            FROM range({count}) r(i))
        ) TO '{folder.as_posix()}/changes' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (month_part))"""
    )
    con.close()


def _sql(kind: str) -> str:
    return {"string": "VARCHAR", "date": "DATE"}.get(kind, kind.upper())


def _log(folder: Path) -> str:
    files = f"{folder.as_posix()}/changes/*/*.parquet"
    return f"read_parquet('{files}', hive_partitioning = true, hive_types = {{'month_part': VARCHAR}})"


def engine(con: Any, folder: Path) -> list[dict[str, Any]]:
    """The waterfall by the engine."""
    current = con.read_parquet(f"{folder}/opportunities.parquet")
    log = con.sql(f"SELECT * FROM {_log(folder)}")
    log = log.filter(log.month_part >= OPENED.strftime("%Y-%m"), log.object == "opportunities")

    t = two_states(current, log, FIELDS, OPENED, CLOSED)
    start, end = ibis.literal(OPENED, "timestamp('UTC')"), ibis.literal(CLOSED, "timestamp('UTC')")
    there, ended = (t.created_at <= start) & t.first_deleted_on.isnull(), t.last_deleted_on.notnull()
    known = (t.created_at <= end) & ~(ended & (t.created_at <= start) & t.first_deleted_on.notnull())

    def classed(stage: Any) -> Any:
        return ibis.cases((stage == "Won", "won"), (stage == "Lost", "lost"), else_="open")

    t = t.select(
        first_class=there.ifelse(classed(t.first_stage), ibis.null("string")),
        first_mine=t.first_owner_id.isin(OURS),
        first_close_on="first_close_on",
        last_class=known.ifelse(classed(t.last_stage), ibis.null("string")),
        last_mine=known & t.last_owner_id.isin(OURS),
        last_removed=known & ended,
        last_close_on="last_close_on",
        then_amount="first_amount",
        then_currency="first_currency",
        now_amount="last_amount",
        now_currency="last_currency",
    )
    closed = t.last_class.isin(["won", "lost"]) & ~t.last_removed
    t = t.mutate(day_closed=closed.ifelse(t.last_close_on, ibis.null("date")))
    for name, side, on, day in (
        ("first_amount", "then", None, OPENING),
        ("last_amount", "now", "day_closed", CLOSING),
        ("unmoved_amount", "now", None, OPENING),
    ):
        t = t.mutate(
            source_amount=t[f"{side}_amount"],
            currency=t[f"{side}_currency"],
            closed_on=t[on] if on else ibis.null("date"),
        )
        t = converted(t, ("EUR", "GBP", "USD"), "USD", RATES, day).rename({name: "amount"})
        t = t.drop("source_amount", "currency", "closed_on")
    expr = summed(moves(t, Window(OPENING, *PERIOD)))
    query = con.compile(expr)
    return con.con.execute(query).to_arrow_table().to_pylist()


def by_hand(con: Any, folder: Path) -> list[dict[str, Any]]:
    """The same as an analyst would write it."""
    o, c = f"TIMESTAMPTZ '{OPENED.isoformat()}'", f"TIMESTAMPTZ '{CLOSED.isoformat()}'"
    picks = ", ".join(
        f"arg_min(coalesce(old, ''), valid_at) FILTER (field = '{f}') AS o_{f}, "
        f"arg_min(coalesce(old, ''), valid_at) FILTER (field = '{f}' AND valid_at > {c}) AS c_{f}"
        for f in FIELDS
    )
    values = ", ".join(
        f"CASE WHEN {w}_{f} IS NULL THEN d.{f} ELSE CAST(nullif({w}_{f}, '') AS {_sql(k)}) END AS {p}_{f}"
        for f, k in FIELDS.items()
        for w, p in (("o", "a"), ("c", "z"))
    )
    ours = ", ".join(f"'{u}'" for u in OURS)
    fields = ", ".join(f"'{f}'" for f in FIELDS)
    inside = f"BETWEEN DATE '{PERIOD[0]}' AND DATE '{PERIOD[1]}'"

    def worth(amount: str, currency: str, day: str) -> str:
        late = f"{day} >= DATE '2025-08-01'"
        return (
            f"CASE WHEN {currency} = 'USD' THEN {amount} "
            f"WHEN {currency} = 'EUR' THEN CAST(round({amount} * CASE WHEN {late} THEN 1.142200000000::DECIMAL(19,12) "
            f"ELSE 1.083700000000::DECIMAL(19,12) END, 4) AS DECIMAL(19,4)) "
            f"WHEN {currency} = 'GBP' THEN CAST(round({amount} * CASE WHEN {late} THEN 1.305000000000::DECIMAL(19,12) "
            f"ELSE 1.269000000000::DECIMAL(19,12) END, 4) AS DECIMAL(19,4)) END"
        )

    def stage_class(column: str) -> str:
        return f"CASE {column} WHEN 'Won' THEN 'won' WHEN 'Lost' THEN 'lost' ELSE 'open' END"

    closed_on = f"coalesce(CASE WHEN zc IN ('won', 'lost') AND NOT del THEN z_close_on END, DATE '{CLOSING}')"
    old_day = f"DATE '{OPENING}'"
    query = f"""
    WITH overlay AS (
        SELECT object_id, {picks} FROM {_log(folder)}
        WHERE month_part >= '{OPENED:%Y-%m}' AND object = 'opportunities' AND valid_at > {o} AND field IN ({fields})
        GROUP BY object_id),
    states AS (
        SELECT d.created_at, {values}
        FROM read_parquet('{folder.as_posix()}/opportunities.parquet') d LEFT JOIN overlay ON d.id = overlay.object_id),
    classed AS (
        SELECT *,
            CASE WHEN created_at <= {o} AND a_deleted_on IS NULL THEN {stage_class("a_stage")} END AS ac,
            CASE WHEN created_at <= {c} AND NOT (z_deleted_on IS NOT NULL AND created_at <= {o}
                AND a_deleted_on IS NOT NULL) THEN {stage_class("z_stage")} END AS zc,
            z_deleted_on IS NOT NULL AS del, a_owner_id IN ({ours}) AS am, z_owner_id IN ({ours}) AS zm
        FROM states),
    valued AS (
        SELECT *, coalesce(ac = 'open', false) AS ao,
            {worth("a_amount", "a_currency", old_day)} AS v0,
            {worth("z_amount", "z_currency", old_day)} AS v01,
            {worth("z_amount", "z_currency", closed_on)} AS v1
        FROM classed WHERE ac IS NOT NULL OR zc IS NOT NULL),
    placed AS (
        SELECT *, ao AND am AND coalesce(a_close_on {inside}, false) AS opening,
            coalesce(zc = 'open', false) AND NOT del AS zo, coalesce(zc = 'won', false) AND NOT del AS zw,
            coalesce(CASE WHEN ao AND (del OR zc = 'lost') THEN coalesce(a_close_on, z_close_on) ELSE z_close_on END
                {inside}, false) AS zin
        FROM valued),
    ways AS (
        SELECT *, CASE
            WHEN opening THEN 'opening'
            WHEN zc IS NULL OR NOT zm OR NOT zin THEN NULL
            WHEN del AND NOT (ao OR zc = 'open') THEN NULL
            WHEN NOT del AND zc <> 'open' AND NOT ao AND NOT coalesce(z_close_on > {old_day}, ac IS NULL) THEN NULL
            WHEN ac IS NULL THEN 'new' WHEN NOT ao THEN 'reopened' WHEN NOT am THEN 'transferred_in'
            ELSE 'pulled_in' END AS way_in,
            CASE WHEN zo AND zm AND zin THEN 'closing' WHEN NOT zm OR zc IS NULL THEN 'transferred_out'
                WHEN NOT zin THEN 'pushed_out' WHEN del THEN 'removed' WHEN zw THEN 'won' ELSE 'lost' END AS way_out
        FROM placed),
    steps AS (
        SELECT *, CASE WHEN way_in = 'new' THEN v1 ELSE v0 END AS entered,
            CASE WHEN way_in <> 'new' AND way_out IN ('closing', 'won')
                THEN coalesce(v01, 0) - coalesce(v0, 0) ELSE 0 END AS changed,
            CASE WHEN way_in <> 'new' AND way_out IN ('closing', 'won')
                THEN coalesce(v1, 0) - coalesce(v01, 0) ELSE 0 END AS moved
        FROM ways WHERE way_in IS NOT NULL)
    SELECT way_in, way_out, count(*) AS deals, sum(entered) AS entered, count(entered) AS entered_known,
        sum(CASE WHEN way_out IN ('closing', 'won') THEN v1 ELSE entered END) AS "left",
        count(CASE WHEN way_out IN ('closing', 'won') THEN v1 ELSE entered END) AS left_known,
        sum(changed) FILTER (changed > 0) AS increased, count(*) FILTER (changed > 0) AS increased_deals,
        count(*) FILTER (changed > 0 AND v0 IS NULL) AS increased_unknown,
        sum(changed) FILTER (changed < 0) AS decreased, count(*) FILTER (changed < 0) AS decreased_deals,
        count(*) FILTER (changed < 0 AND v1 IS NULL) AS decreased_unknown,
        sum(moved) FILTER (moved <> 0) AS currency, count(*) FILTER (moved <> 0) AS currency_deals,
        sum(v0) FILTER (opening) AS opening, sum(v1) FILTER (way_out = 'closing') AS closing
    FROM steps GROUP BY ALL"""
    return con.con.execute(query).to_arrow_table().to_pylist()


def side(name: str, folder: Path, memory: str) -> dict[str, Any]:
    """One side's figures, seconds and peak memory, in this process."""
    con = ibis.duckdb.connect(memory_limit=memory, temp_directory=f"{folder}/spill-{name}")
    con.raw_sql("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    con.execute(ibis.memtable({"a": [1]}).group_by("a").agg(n=ibis._.count()))  # what a process pays once
    wall, cpu = time.perf_counter(), time.process_time()
    rows = by_hand(con, folder) if name == "sql" else engine(con, folder)
    took = time.perf_counter() - wall, time.process_time() - cpu
    waterfall = result(rows)
    return {
        "wall": took[0],
        "cpu": took[1],
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "residual": str(waterfall.residual),
        "bars": {n: [str(b.value), b.deals, b.unknown] for n, b in waterfall.bars.items()},
    }


def asked(name: str, folder: Path, memory: str) -> dict[str, Any]:
    """One side in a process of its own."""
    command = [sys.executable, __file__, "--side", name, "--folder", str(folder), "--memory", memory]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(found.stdout)
    return answer


def compare(count: int, seed: int, rounds: int, memory: str) -> bool:
    """Write, compare, time and print one size; whether the engine is fast enough."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, count, seed)
        runs: dict[str, list[dict[str, Any]]] = {"engine": [], "sql": []}
        for _ in range(rounds):
            for one, told in runs.items():
                told.append(asked(one, folder, memory))
        bars = runs["sql"][0]["bars"]
        for one, told in runs.items():
            if any(run["bars"] != bars or Decimal(run["residual"]) != 0 for run in told):
                raise SystemExit(f"{one} does not agree with the SQL, or something is left over")
        best = {
            one: (min(r["wall"] for r in told), min(r["cpu"] for r in told), max(r["peak"] for r in told))
            for one, told in runs.items()
        }
        deals = sum(way[1] for bar, way in bars.items() if bar in ("opening", "new", "reopened"))
        print(f"{count:,} changes of {max(count // 10, 1):,} deals, {deals:,} of them in the pipeline")
        sql = best["sql"]
        for one, title in (
            ("engine", "engine"),
            ("sql", "SQL by hand"),
        ):
            wall, cpu, peak = best[one]
            print(
                f"  {title:<14}{wall:>9.2f} s wall ({wall / sql[0]:.2f}){cpu:>9.2f} s processor ({cpu / sql[1]:.2f})"
                f"{peak:>9,.0f} MB peak"
            )
        return best["engine"][1] <= MOST * sql[1] or sql[1] < 1


def main() -> None:
    """Print wall and processor seconds, ratios and peaks for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", default="24GB", help="memory limit of either side's engine")
    parser.add_argument("--side", default="", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        print(json.dumps(side(args.side, args.folder, args.memory)))
        return
    fast = {count: compare(count, args.seed, args.rounds, args.memory) for count in args.changes}
    if not all(fast.values()):
        raise SystemExit(f"slower than {MOST} times the SQL")


if __name__ == "__main__":
    main()
