"""Files of a table's rows: parted by month, in the order they are looked up by."""

from __future__ import annotations

from errno import ENOSPC
from pathlib import Path
from typing import Any

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
    folder = tmp_path / "facts"
    with Workbench(tmp_path / "work", memory_limit="200MB") as bench:
        first = bench.write_parquet(SELECT, folder, partition_by="month_part", order_by="object_id")
        copy, months = bench._copy, []

        def full(select: str, to: Path, options: str) -> list[Any]:
            months.append(to.name)
            if len(months) == 4:  # the rows parted, two months in order, and then
                raise OSError(ENOSPC, "No space left on device")
            return copy(select, to, options)

        monkeypatch.setattr(bench, "_copy", full)
        with pytest.raises(OSError, match="No space left"):
            bench.write_parquet(SELECT, folder, partition_by="month_part", order_by="object_id")
    assert months[2:] == ["month_part=2026-02", "month_part=2026-03"]
    assert set(folder.rglob("*.parquet")) == {path for path, _, _ in first}
    assert not list((tmp_path / "work").iterdir())
