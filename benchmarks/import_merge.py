"""Merge of N opportunities x 25 columns, as ratios to what DuckDB needs for CSV -> Parquet in the same run.

    python benchmarks/import_merge.py --rows 1000000

Data are generated from a seed at run time; nothing is kept. Each measured step runs in a process
of its own, so that its peak memory is its own. Typing the CSV into Arrow is not part of the merge
and is not measured here (the importer's benchmark measures the whole way).
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
from pathlib import Path

COLUMNS = (
    "id",
    "name",
    "account_id",
    "account_name",
    "owner_id",
    "owner_name",
    "stage",
    "type",
    "forecast_category",
    "amount",
    "currency",
    "probability",
    "created_on",
    "close_on",
    "last_activity_on",
    "last_modified_at",
    "next_step",
    "product_id",
    "product_name",
    "lead_source",
    "loss_reason",
    "competitor",
    "region",
    "x_partner",
    "x_score",
)


def generate(folder: Path, rows: int, seed: int) -> None:
    """``first.csv`` and ``second.csv`` (1 % of the rows changed, at random), and both as typed Parquet."""
    import duckdb

    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET memory_limit = '4GB'")

    def pick(salt: str, of: int) -> str:
        return f"(hash(i, '{salt}', {seed}) % {of})::BIGINT"

    con.execute(
        f"""CREATE VIEW made AS SELECT
        '006' || lpad((i * 7919 % 1000000007)::VARCHAR, 12, '0') || 'AAA' AS id,
        'Deal ' || {pick("n1", 50000)} || ' of ' || {pick("n2", 90000)} AS name,
        '001' || lpad({pick("acc", 90000)}::VARCHAR, 12, '0') AS account_id,
        'Account ' || {pick("acc", 90000)} AS account_name,
        '005' || lpad({pick("own", 500)}::VARCHAR, 12, '0') AS owner_id,
        'Person ' || {pick("own", 500)} AS owner_name,
        ['Prospecting', 'Engaging', 'Proposal', 'Won', 'Lost'][1 + {pick("stage", 5)}] AS stage,
        ['New', 'Renewal', 'Expansion'][1 + {pick("type", 3)}] AS type,
        ['pipeline', 'commit', 'closed'][1 + {pick("fc", 3)}] AS forecast_category,
        ({pick("amount", 100000000)} / 100)::DECIMAL(19,4) AS amount,
        'EUR' AS currency,
        ({pick("prob", 100)} / 100)::DECIMAL(19,6) AS probability,
        DATE '2015-01-01' + {pick("created", 2500)}::INT AS created_on,
        DATE '2015-03-01' + {pick("close", 2600)}::INT AS close_on,
        CASE WHEN {pick("hasact", 3)} > 0 THEN DATE '2015-02-01' + {pick("act", 2600)}::INT END
            AS last_activity_on,
        to_timestamp(1420070400 + {pick("mod", 220000000)}) AS last_modified_at,
        CASE WHEN {pick("hasnext", 2)} = 0 THEN 'Call about ' || {pick("next", 3000)} END AS next_step,
        'P' || {pick("prod", 60)} AS product_id, 'Product ' || {pick("prod", 60)} AS product_name,
        ['Web', 'Event', 'Partner', 'Outbound', NULL][1 + {pick("lead", 5)}] AS lead_source,
        CASE WHEN {pick("loss", 4)} = 0 THEN 'Reason ' || {pick("why", 12)} END AS loss_reason,
        CASE WHEN {pick("comp", 3)} = 0 THEN 'Rival ' || {pick("who", 20)} END AS competitor,
        ['Central', 'East', 'West'][1 + {pick("reg", 3)}] AS region,
        CASE WHEN {pick("part", 5)} = 0 THEN 'Partner ' || {pick("pw", 200)} END AS x_partner,
        {pick("score", 1000)} AS x_score, i
        FROM range({rows}) t(i)"""
    )
    changed = f"{pick('changed', 100)} = 0"
    replaced = (
        f"CASE WHEN {changed} THEN 'Changed' ELSE stage END AS stage, "
        f"(amount + CASE WHEN {changed} THEN 1 ELSE 0 END)::DECIMAL(19,4) AS amount"
    )
    for name, select in (
        ("first", "SELECT * FROM made"),
        ("second", f"SELECT * REPLACE ({replaced}) FROM made"),
    ):
        con.execute(f"COPY (SELECT * EXCLUDE (i) FROM ({select})) TO '{folder / name}.csv' (HEADER)")
        con.execute(
            f"COPY (SELECT * EXCLUDE (i), i + 2 AS source_row FROM ({select})) "
            f"TO '{folder / name}.parquet' (FORMAT parquet)"
        )


def floor(folder: Path) -> dict[str, float]:
    """What DuckDB needs to read the CSV and write Parquet."""
    import duckdb

    con = duckdb.connect()
    start = time.perf_counter()
    con.execute(
        f"COPY (SELECT * FROM read_csv('{folder}/first.csv')) TO '{folder}/floor.parquet' (FORMAT parquet)"
    )
    return {"seconds": time.perf_counter() - start}


def step(folder: Path, name: str, day: int) -> dict[str, float]:
    """Merge one file into the store beside it."""
    import pyarrow.parquet as pq

    from salesops.facts import FactStore, FolderManifests, Incoming
    from salesops.facts.merge import merge

    store = FactStore(folder / "facts", FolderManifests(folder / "manifests"))
    schema = pq.read_schema(folder / f"{name}.parquet")
    assert set(COLUMNS) < set(schema.names), "the generator and the list of columns differ"
    start = time.perf_counter()
    incoming = Incoming(
        "opportunities", folder / f"{name}.parquet", ("id",), date(2022, 1, day), "bench", f"day-{day}"
    )
    report = merge(store, [incoming], recorded_at=datetime(2022, 1, day, tzinfo=UTC))
    seconds = time.perf_counter() - start
    out = report.outcomes[0]
    return {"seconds": seconds, "added": out.added, "changed": out.changed, "history": out.history}


def main() -> None:
    """Run all steps and print their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        folder = Path(given.folder)
        name, _, day = given.step.partition("@")
        result = floor(folder) if name == "floor" else step(folder, name, int(day))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result["cpu_seconds"] = time.process_time()
        result["peak_mib"] = peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
        print(json.dumps(result))
        return
    with tempfile.TemporaryDirectory(prefix="salesops-bench-") as name:
        folder = Path(name)
        generate(folder, given.rows, given.seed)
        plan = {
            "floor: DuckDB CSV to Parquet": "floor",
            "first import": "first@1",
            "same file, same day": "first@1",
            "same rows, next day": "first@2",
            "1 % changed": "second@3",
            "older file": "first@1",
        }
        results = {}
        for title, what in plan.items():
            command = [sys.executable, __file__, "--step", what, "--folder", name]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            results[title] = json.loads(done.stdout)
    base = results["floor: DuckDB CSV to Parquet"]
    for result in results.values():
        result["ratio"] = result["seconds"] / base["seconds"]
        result["cpu_ratio"] = result["cpu_seconds"] / base["cpu_seconds"]
    if given.json:
        print(json.dumps({"rows": given.rows, "seed": given.seed, "steps": results}))
        return
    print(f"{given.rows} opportunities x {len(COLUMNS)} columns, seed {given.seed}")
    for title, r in results.items():
        print(
            f"{title:30} wall {r['ratio']:5.2f} x  cpu {r['cpu_ratio']:5.2f} x  {r['seconds']:7.2f} s  "
            f"peak {r['peak_mib']:6.0f} MiB"
        )


if __name__ == "__main__":
    main()
