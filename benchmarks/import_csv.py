"""Import of N opportunities x 25 columns, the whole way, as ratios to DuckDB's CSV -> Parquet in the same run.

    python benchmarks/import_csv.py --rows 1000000 [--seed 7] [--json]

or ``salesops bench import_csv --rows 1000000``. The whole way is that of a person: the files are
inspected (layout, profiles, mapping, key), confirmed as proposed, typed, linked, compared with what
is stored, written to partitioned Delta tables with their manifest, and reported. It goes through the
product's own services, in a home of its own that is removed afterwards.

Steps, each in a process of its own so that its peak memory is its own:

- floor: DuckDB reads the first file (types detected by itself) and writes Parquet, with all cores;
- first import: into an empty store;
- same file again: the same rows as of the next day;
- 1 % changed: a file of the day after, in which a random 1 % of the rows have another stage and amount.

The floor is measured before and after the imports and the mean of both is taken. Figures are seconds
of CPU (user and system, all threads) inside the calls, without the start of the interpreter; ``x`` is
their ratio to the floor's. ``peak`` is the largest resident memory of the whole process. Data come
from the seed; nothing is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

LABELS = {
    "Opportunity ID": "id",
    "Opportunity Name": "name",
    "Account ID": "account_id",
    "Account Name": "account_name",
    "Owner ID": "owner_id",
    "Opportunity Owner": "owner_name",
    "Stage": "stage",
    "Type": "type",
    "Forecast Category": "forecast_category",
    "Amount": "amount",
    "Currency": "currency",
    "Probability": "probability",
    "Created Date": "created_on",
    "Close Date": "close_on",
    "Last Activity": "last_activity_on",
    "Last Modified Date": "last_modified_at",
    "Next Step": "next_step",
    "Product ID": "product_id",
    "Product Name": "product_name",
    "Lead Source": "lead_source",
    "Loss Reason": "loss_reason",
    "Competitor": "competitor",
    "Region": "region",
    "Partner": "partner",
    "Score": "score",
}
"""Header printed in the file -> column of the generator."""


def generate(folder: Path, rows: int, seed: int) -> None:
    """``first.csv``, and ``second.csv`` in which a random 1 % of the rows is changed."""
    import duckdb

    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")

    def pick(salt: str, of: int) -> str:
        return f"(hash(i, '{salt}', {seed}) % {of})::BIGINT"

    # Ids as Salesforce makes them: a prefix, figures to the base of 62, and which letters are capitals.
    con.execute(
        """CREATE MACRO figure(n, k) AS
        substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', 1 + (n // k % 62)::INT, 1)"""
    )
    bits = " + ".join(f"{1 << j} * (substr(s, a + {j}, 1) BETWEEN 'A' AND 'Z')::INT" for j in range(5))
    con.execute(f"CREATE MACRO capitals(s, a) AS substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + {bits}, 1)")
    con.execute("CREATE MACRO whole(s) AS s || capitals(s, 1) || capitals(s, 6) || capitals(s, 11)")
    con.execute(
        """CREATE MACRO crm_id(prefix, n) AS prefix || 'Hs00001' ||
        figure(n, 14776336) || figure(n, 238328) || figure(n, 3844) || figure(n, 62) || figure(n, 1)"""
    )
    con.execute(
        f"""CREATE VIEW plain AS SELECT
        crm_id('006', i * 7919 % 900000011) AS id,
        'Deal ' || {pick("n1", 50000)} || ' of ' || {pick("n2", 90000)} AS name,
        crm_id('001', {pick("acc", 90000)} * 1009) AS account_id,
        'Account ' || {pick("acc", 90000)} AS account_name,
        crm_id('005', {pick("own", 500)} * 1009) AS owner_id,
        'Person ' || {pick("own", 500)} AS owner_name,
        ['Prospecting', 'Engaging', 'Proposal', 'Closed Won', 'Closed Lost'][1 + {pick("stage", 5)}] AS stage,
        ['New', 'Renewal', 'Expansion'][1 + {pick("type", 3)}] AS type,
        ['Pipeline', 'Commit', 'Closed'][1 + {pick("fc", 3)}] AS forecast_category,
        ({pick("amount", 100000000)} / 100)::DECIMAL(19,2) AS amount,
        'EUR' AS currency,
        {pick("prob", 101)} AS probability,
        DATE '2015-01-01' + {pick("created", 2500)}::INT AS created_on,
        DATE '2015-03-01' + {pick("close", 2600)}::INT AS close_on,
        CASE WHEN {pick("hasact", 3)} > 0 THEN DATE '2015-02-01' + {pick("act", 2600)}::INT END
            AS last_activity_on,
        strftime(to_timestamp(1420070400 + {pick("mod", 220000000)}), '%Y-%m-%dT%H:%M:%S.000Z')
            AS last_modified_at,
        CASE WHEN {pick("hasnext", 2)} = 0
             THEN 'Call about ' || {pick("next", 3000)} || ', then "send" the offer' END AS next_step,
        crm_id('01t', {pick("prod", 60)} * 1009) AS product_id,
        'Product ' || {pick("prod", 60)} AS product_name,
        ['Web', 'Event', 'Partner', 'Outbound', NULL][1 + {pick("lead", 5)}] AS lead_source,
        CASE WHEN {pick("loss", 4)} = 0 THEN 'Reason ' || {pick("why", 12)} END AS loss_reason,
        CASE WHEN {pick("comp", 3)} = 0 THEN 'Rival ' || {pick("who", 20)} END AS competitor,
        ['Central', 'East', 'West'][1 + {pick("reg", 3)}] AS region,
        CASE WHEN {pick("part", 5)} = 0 THEN 'Partner ' || {pick("pw", 200)} END AS partner,
        {pick("score", 1000)} AS score, i
        FROM range({rows}) t(i)"""
    )
    con.execute(
        """CREATE VIEW made AS SELECT * REPLACE (whole(id) AS id, whole(account_id) AS account_id,
        whole(owner_id) AS owner_id, whole(product_id) AS product_id) FROM plain"""
    )
    changed = f"{pick('changed', 100)} = 0"
    replaced = (
        f"CASE WHEN {changed} THEN 'Changed' ELSE stage END AS stage, "
        f"(amount + CASE WHEN {changed} THEN 1 ELSE 0 END)::DECIMAL(19,2) AS amount"
    )
    listed = ", ".join(f'{column} AS "{label}"' for label, column in LABELS.items())
    for name, select in (
        ("first", "SELECT * FROM made"),
        ("second", f"SELECT * REPLACE ({replaced}) FROM made"),
    ):
        con.execute(f"COPY (SELECT {listed} FROM ({select})) TO '{folder / name}.csv' (HEADER)")


def floor(folder: Path) -> dict[str, float]:
    """What DuckDB needs to read the CSV and write Parquet."""
    import duckdb

    con = duckdb.connect()
    start = time.process_time()
    con.execute(
        f"COPY (SELECT * FROM read_csv('{folder}/first.csv')) TO '{folder}/floor.parquet' (FORMAT parquet)"
    )
    cpu = time.process_time() - start
    (folder / "floor.parquet").unlink()
    return {"cpu": cpu}


def prepare(folder: Path) -> dict[str, float]:
    """Make the home."""
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return {}


def bring(folder: Path, name: str, day: int) -> dict[str, float]:
    """Import one file through the services."""
    from salesops.crm import services
    from salesops.platform.actors import LOCAL_ADMINISTRATOR

    start = time.process_time()
    row = services.import_inspect(
        actor=LOCAL_ADMINISTRATOR, paths=[folder / f"{name}.csv"], data_on=date(2022, 1, day)
    )
    inspected = time.process_time()
    row = services.import_run(actor=LOCAL_ADMINISTRATOR, row=row)
    landed = time.process_time()
    out = row.report["tables"]["opportunities"]
    mapped = row.report["files"][0]
    return {
        "cpu": landed - start,
        "inspect": inspected - start,
        "land": landed - inspected,
        "columns": len(mapped["mapped"]) + len(mapped["kept"]),
        "quarantined": row.report["quarantined"],
        "added": out["added"],
        "changed": out["changed"],
        "unchanged": out["unchanged"],
        "history": out["history"],
    }


PLAN = {
    "DuckDB CSV to Parquet": "floor",
    "empty home": "prepare",
    "first import": "first@1",
    "same file again": "first@2",
    "1 % changed": "second@3",
    "DuckDB once more": "floor",
}


def run_step(step: str, folder: Path) -> None:
    """One step in this process; prints its result as JSON."""
    if step == "floor":
        result = floor(folder)
    else:
        import django

        django.setup()
        name, _, day = step.partition("@")
        result = bring(folder, name, int(day)) if day else prepare(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result["peak_mib"] = peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
    print(json.dumps(result))


def main() -> None:
    """Run all steps and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        run_step(given.step, Path(given.folder))
        return
    with tempfile.TemporaryDirectory(prefix="salesops-bench-") as name:
        folder = Path(name)
        generate(folder, given.rows, given.seed)
        size = (folder / "first.csv").stat().st_size
        home = {"SALESOPS_HOME": str(folder / "home"), "DJANGO_SETTINGS_MODULE": "salesops.project.settings"}
        surroundings = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | home
        results: dict[str, dict[str, float]] = {}
        for title, step in PLAN.items():
            command = [sys.executable, __file__, "--step", step, "--folder", name]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=surroundings)
            results[title] = json.loads(done.stdout)
    results.pop("empty home")
    first, last = results["DuckDB CSV to Parquet"], results.pop("DuckDB once more")
    base = (first["cpu"] + last["cpu"]) / 2
    first["cpu"] = base
    for result in results.values():
        result["ratio"] = result["cpu"] / base
    if given.json:
        print(json.dumps({"rows": given.rows, "bytes": size, "seed": given.seed, "steps": results}))
        return
    print(f"{given.rows:,} opportunities x {len(LABELS)} columns, {size / 1e6:.0f} MB, seed {given.seed}")
    print(f"{'step':24}{'x':>7}{'cpu s':>9}{'inspect':>9}{'land':>9}{'peak MiB':>10}{'changed':>9}{'log':>9}")
    for title, r in results.items():
        parts = "".join(f"{r[k]:9.2f}" if k in r else f"{'':9}" for k in ("cpu", "inspect", "land"))
        counts = "".join(f"{r[k]:9,.0f}" if k in r else f"{'':9}" for k in ("changed", "history"))
        print(f"{title:24}{r['ratio']:7.2f}{parts}{r['peak_mib']:10.0f}{counts}")


if __name__ == "__main__":
    main()
