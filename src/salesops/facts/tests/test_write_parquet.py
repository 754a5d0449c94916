"""Files of a table's rows: parted by month, in the order they are looked up by, within the memory allowed."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from salesops.facts.backends import Workbench

ROWS = 60_000
SELECT = f"""
    SELECT 'deal ' || (i * 7919 % {ROWS})::VARCHAR AS object_id, i AS number,
           '2026-' || lpad((i % 5 + 1)::VARCHAR, 2, '0') AS month_part
    FROM range({ROWS}) t(i)
"""


@pytest.mark.parametrize("one_thread", [True, False])
@pytest.mark.parametrize("name", ["facts", "Fakten für alle"])
def test_months_in_order_hold_every_row_once(tmp_path: Path, name: str, *, one_thread: bool) -> None:
    folder = tmp_path / name
    with Workbench(tmp_path / "work", memory_limit="200MB") as bench:
        written = bench.write_parquet(
            SELECT, folder, partition_by="month_part", one_thread=one_thread, order_by="object_id"
        )
    found = []
    for path, rows, size in written:
        table = pq.ParquetFile(path).read()
        values = table.column("object_id").to_pylist()
        assert values == sorted(values), path
        assert (len(values), path.stat().st_size) == (rows, size)
        month = path.parent.name.removeprefix("month_part=")
        found += [
            (number, f"2026-{number % 5 + 1:02}" == month) for number in table.column("number").to_pylist()
        ]
    assert sorted(found) == [(number, True) for number in range(ROWS)]
    assert {path for path, _, _ in written} == set(folder.rglob("*.parquet"))
    assert not list((tmp_path / "work").iterdir()), "what lay between is gone"


def test_what_fails_between_leaves_nothing_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workbench(tmp_path / "work", memory_limit="200MB") as bench:
        copy = bench._copy
        monkeypatch.setattr(
            bench, "_copy", lambda select, folder, options: copy(select, folder, options + ", NO_SUCH_OPTION 1")
            if "ORDER BY" in select
            else copy(select, folder, options),
        )  # fmt: skip
        with pytest.raises(Exception, match=r"(?i)no_such_option"):
            bench.write_parquet(SELECT, tmp_path / "facts", partition_by="month_part", order_by="object_id")
    assert not list((tmp_path / "work").iterdir())
