"""How far it carries: change rows on DuckDB with bounded memory, and a large company on Spark.

    python benchmarks/scale.py changes [--sizes 1000000 10000000 100000000] [--memory 4GB] [--seed 7]
    python benchmarks/scale.py spark [--deals 10000000] [--master "local[2]"] [--memory 4g] [--seed 7]

``changes`` computes the pipeline waterfall of ``waterfall.py`` over logs of growing size, by the engine and by
hand-written SQL, each in a process of its own with the same memory limit. It compares every figure and prints wall
and processor time, the peak of memory, the most that lay spilled on disk, and what each size took more than the one
before it. 100,000,000 change rows take about 4 GB of disk, and what is spilled; ``salesops bench`` stops at ten
million.

``spark`` writes the deals of ``kpis.py`` for a company of that size through the loader that ``salesops facts load``
uses, computes numbers of the catalogue over them on Spark and on DuckDB, and compares every one: decimals and
integers equal, floats to one part in 10^9. It needs PySpark (``python3 run.py install --spark``) and Java.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import kpis
import pyarrow.parquet as pq
import waterfall

from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.compute import evaluate
from salesops.analytics.engine.frames import DEALS
from salesops.facts.backends.loading import Copy, target

KINDS = {
    "string": "text", "int64": "integer", "boolean": "boolean", "date": "date", "decimal(19,4)": "money",
}  # fmt: skip
"""Type of a frame's column -> type of a stored column."""


@contextmanager
def spilled(folder: Path) -> Iterator[Callable[[], int]]:
    """The most bytes that lay in a folder within the block."""
    most, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            size = 0
            for path in folder.rglob("*"):
                try:
                    size += path.stat().st_size
                except OSError:  # removed a moment ago
                    continue
            most[0] = max(most[0], size)

    watching = threading.Thread(target=look, daemon=True)
    watching.start()
    try:
        yield lambda: most[0]
    finally:
        ended.set()
        watching.join()


def side(name: str, folder: Path, memory: str) -> dict[str, Any]:
    """One side's figures, seconds, peak of memory and spill, in this process."""
    spill = folder / f"spill-{name}"
    spill.mkdir(exist_ok=True)
    con = ibis.duckdb.connect(memory_limit=memory, temp_directory=str(spill))
    con.raw_sql("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    con.execute(ibis.memtable({"a": [1]}).group_by("a").agg(n=ibis._.count()))  # what a process pays once
    with spilled(spill) as most:
        wall, cpu = time.perf_counter(), time.process_time()
        rows = waterfall.by_hand(con, folder) if name == "sql" else waterfall.engine(con, folder)
        took = time.perf_counter() - wall, time.process_time() - cpu
    found = waterfall.result(rows)
    return {
        "wall": took[0],
        "cpu": took[1],
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "spill": most() / 2**20,
        "residual": str(found.residual),
        "bars": {n: [str(b.value), b.deals, b.unknown] for n, b in found.bars.items()},
    }


def of_changes(args: argparse.Namespace) -> None:
    """Every size, one after the other; each is removed before the next is written."""
    before: dict[str, tuple[int, float]] = {}
    for count in args.sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            waterfall.write(folder, count, args.seed)
            told = {}
            for one in ("engine", "sql"):
                command = [sys.executable, __file__, "side", one, str(folder), args.memory]
                told[one] = json.loads(
                    subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
                )
        if told["engine"]["bars"] != told["sql"]["bars"] or Decimal(told["engine"]["residual"]) != 0:
            raise SystemExit("the engine does not agree with the SQL, or something is left over")
        print(f"{count:,} change rows, memory limit {args.memory}")
        for one, title in (("engine", "engine"), ("sql", "SQL by hand")):
            run, sql = told[one], told["sql"]
            line = (
                f"  {title:<12}{run['wall']:>9.2f} s wall ({run['wall'] / sql['wall']:.2f})"
                f"{run['cpu']:>9.2f} s processor ({run['cpu'] / sql['cpu']:.2f})"
                f"{run['peak']:>8,.0f} MB peak{run['spill']:>8,.0f} MB spilled"
            )
            if one in before:
                rows, cpu = before[one]
                line += f"; {count / rows:.0f} times the rows, {run['cpu'] / cpu:.1f} times the time"
            print(line, flush=True)
            before[one] = count, run["cpu"]


def children() -> tuple[float, float]:
    """Processor seconds and peak of memory in MB of this process's children: Spark's Java, while it runs."""
    seconds = peak = 0.0
    own = str(os.getpid())
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            if fields[1] == own:
                seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                high = next(x for x in (status.parent / "status").read_text().splitlines() if "VmHWM" in x)
                peak += int(high.split()[1]) / 1024
        except (OSError, StopIteration):  # it ended meanwhile
            continue
    return seconds, peak


def same(one: Any, two: Any) -> bool:
    """Equal; of floats, equal to one part in 10^9."""
    if isinstance(one, float) and isinstance(two, float):
        return math.isclose(one, two, rel_tol=1e-9)
    return bool(one == two)


def on_spark(args: argparse.Namespace) -> None:
    """The numbers on both engines over the same files."""
    names = list(kpis.SQL)
    wanted = [catalogue()[name] for name in names]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kpis.write_deals(folder / "made.parquet", args.deals, args.seed)
        address = f"spark://{folder / 'spark'}?master={args.master}&spark.driver.memory={args.memory}"
        address += f"&spark.local.dir={folder / 'spill'}"
        spark = target(address)
        copy = Copy("benchmark", "1", "", {"deals": {column: KINDS[kind] for column, kind in DEALS.items()}})
        start = time.perf_counter()
        with pq.ParquetFile(folder / "made.parquet") as made:
            spark.load(copy, {"deals": made.iter_batches(250_000)})
        (folder / "made.parquet").unlink()
        print(f"{args.deals:,} deals loaded in {time.perf_counter() - start:.0f} s", flush=True)

        con = ibis.duckdb.connect(memory_limit=f"{args.memory}b", temp_directory=str(folder / "spill-duckdb"))
        deals = con.read_parquet(f"{folder}/spark/{copy.place}/deals/*.parquet", table_name="deals")
        wall, cpu = time.perf_counter(), time.process_time()
        here = evaluate(wanted, {"deals": deals}, kpis.CONTEXT, con.to_pyarrow)
        print(
            f"DuckDB {time.perf_counter() - wall:>8.1f} s wall{time.process_time() - cpu:>8.1f} s processor, "
            f"memory limit {args.memory}b",
            flush=True,
        )
        con.disconnect()

        session = spark.session(copy)
        relation = session.view("deals", copy.columns["deals"])
        session.execute(relation.count())  # what a process pays once
        wall, cpu = time.perf_counter(), children()[0]
        there = evaluate(wanted, {"deals": relation}, kpis.CONTEXT, session.execute)
        used, peak = children()
        print(
            f"Spark  {time.perf_counter() - wall:>8.1f} s wall{used - cpu:>8.1f} s processor, {peak:,.0f} MB peak, "
            f"{args.master}, heap {args.memory}"
        )
        differ = []
        for one, two in zip(here, there, strict=True):
            print(f"  {one.name:<44}{two.value!s:>24}{two.n:>14,}")
            if not (same(one.value, two.value) and one.n == two.n and one.reason == two.reason):
                differ.append(f"{one.name}: {one.value} on DuckDB, {two.value} on Spark")
        session.close()
    if differ:
        raise SystemExit("\n".join(differ))
    print(f"{len(here)} numbers, all equal")


def main() -> None:
    """Run one part; where none is named, the change rows up to ten million."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part")
    changes = parts.add_parser("changes")
    changes.add_argument("--sizes", type=int, nargs="+", default=[1_000_000, 10_000_000, 100_000_000])
    changes.add_argument("--memory", default="4GB")
    spark = parts.add_parser("spark")
    spark.add_argument("--deals", type=int, default=10_000_000)
    spark.add_argument("--master", default="local[2]")
    spark.add_argument("--memory", default="4g")
    for part in (changes, spark):
        part.add_argument("--seed", type=int, default=7)
    one = parts.add_parser("side")
    for argument in ("name", "folder", "memory"):
        one.add_argument(argument)
    args = parser.parse_args()
    if args.part == "side":
        print(json.dumps(side(args.name, Path(args.folder), args.memory)))
        return
    if args.part == "spark":
        on_spark(args)
    else:
        of_changes(args if args.part else parser.parse_args(["changes", "--sizes", "1000000", "10000000"]))


if __name__ == "__main__":
    main()
