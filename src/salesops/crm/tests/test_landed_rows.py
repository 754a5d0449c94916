"""Change rows of a landed file are the same whether its rows are looked at together or in parts."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salesops.crm.landed_rows import history_file, stage_entries
from salesops.crm.plans import HISTORY, RECORDS, FilePlan, PlannedColumn
from salesops.facts.parting import parted

BEGAN = datetime(2026, 1, 1, 9, tzinfo=UTC)


def plan(**more: Any) -> FilePlan:
    given = {"name": "f.csv", "table": "opportunities", "kind": HISTORY} | more
    return FilePlan(**given)


def told(path: Path) -> list[tuple[Any, ...]]:
    return sorted((tuple(row.values()) for row in pq.read_table(path).to_pylist()), key=str)


def write(path: Path, rows: pa.Table) -> Path:
    pq.write_table(rows, path, row_group_size=50)
    return path


def snapshots(count: int) -> pa.Table:
    chance = random.Random(3)
    ids = [f"d{chance.randrange(count // 5)}" if chance.random() > 0.02 else None for _ in range(count)]
    return pa.table(
        {
            "object_id": ids,
            # Many stand at one instant: then their place in the file is their order.
            "valid_at": pa.array(
                [BEGAN + timedelta(days=chance.randrange(6)) for _ in ids], pa.timestamp("us", "UTC")
            ),
            "stage": [chance.choice(["New", "Proposal", "Won", None]) for _ in ids],
            "changed_by": [chance.choice(["u1", "u2"]) for _ in ids],
        }
    )


@pytest.mark.parametrize("folder", ["work", "Aufträge"])
def test_snapshots_in_parts_tell_the_same(tmp_path: Path, folder: str) -> None:
    work = tmp_path / folder
    work.mkdir()
    rows = snapshots(900)
    how = {"form": "snapshots", "fields": {"S": "stage"}}
    whole = told(history_file(write(work / "a.parquet", rows), plan(history=how)))
    parts = told(history_file(write(work / "b.parquet", rows), plan(history=how), rows=100))
    assert parts == whole
    # An independent walk: every record's snapshots in order, one change where the stage differs.
    walked: list[tuple[str, Any, Any]] = []
    by_id: dict[str, list[tuple[Any, int, Any]]] = {}
    for place, row in enumerate(rows.to_pylist()):
        if row["object_id"] is not None:
            by_id.setdefault(row["object_id"], []).append((row["valid_at"], place, row["stage"]))
    for key, found in by_id.items():
        before = None
        for _, _, stage in sorted(found, key=lambda one: one[:2]):
            if stage != before:
                walked.append((key, before, stage))
            before = stage
    assert sorted(((row[1], row[3], row[4]) for row in whole), key=str) == sorted(walked, key=str)
    assert {path.name for path in work.iterdir()} == {
        "a.parquet", "b.parquet", "a.changes.parquet", "b.changes.parquet",
    }  # fmt: skip


def test_a_log_in_parts_is_read_in_the_way_the_whole_shows(tmp_path: Path) -> None:
    """Days and months are told apart by one late row: the parts before it are read by it, too."""
    count = 400
    days = [f"{n % 12 + 1:02}/{n % 11 + 1:02}/2026" for n in range(count - 1)] + ["28/02/2026"]
    rows = pa.table(
        {
            "object_id": [f"d{n % 40}" for n in range(count)],
            "valid_at": pa.array([BEGAN + timedelta(hours=n) for n in range(count)], pa.timestamp("us", "UTC")),
            "field": ["CloseDate" if n % 3 or n == count - 1 else "Amount" for n in range(count)],
            "old": [None if n % 3 else "1.000,50" for n in range(count)],
            "new": [day if n % 3 or n == count - 1 else "2.000,5" for n, day in enumerate(days)],
        }
    )  # fmt: skip
    how = plan(history={"form": "field_changes"})
    whole = told(history_file(write(tmp_path / "a.parquet", rows), how))
    parts = told(history_file(write(tmp_path / "b.parquet", rows), how, rows=30))
    assert parts == whole
    assert len(whole) == count
    assert {row[3:5] for row in whole if row[2] == "amount"} == {("1000.5000", "2000.5000")}
    first = next(row for row in whole if row[2] == "close_on" and row[5] == BEGAN + timedelta(hours=1))
    assert first[4] == "2026-02-02"
    assert next(r for r in whole if r[5] == BEGAN + timedelta(hours=13))[4] == "2026-03-02"


def test_rows_that_tell_nothing_do_not_say_how_the_others_are_read(tmp_path: Path) -> None:
    """Without a record, an instant or a field a row is left out; a day in it tells no order of days."""
    at = [BEGAN, BEGAN, BEGAN, None]
    rows = pa.table(
        {
            "object_id": ["d1", "d2", None, "d4"],
            "valid_at": pa.array(at, pa.timestamp("us", "UTC")),
            "field": ["CloseDate"] * 4,
            "old": pa.nulls(4, pa.string()),
            "new": ["03/04/2026", "05/06/2026", "13/01/2026", "14/01/2026"],
        }
    )
    found = told(history_file(write(tmp_path / "a.parquet", rows), plan(history={"form": "field_changes"})))
    assert [row[4] for row in found] == ["2026-03-04", "2026-05-06"]


def test_stage_dates_in_parts_tell_the_same(tmp_path: Path) -> None:
    chance = random.Random(5)
    count = 300
    day = lambda: (BEGAN + timedelta(days=chance.randrange(40))).date() if chance.random() > 0.3 else None  # noqa: E731
    rows = pa.table(
        {
            "id": [f"d{n}" for n in range(count)],
            "x_a": pa.array([day() for _ in range(count)], pa.date32()),
            "x_b": pa.array([day() for _ in range(count)], pa.date32()),
            "x_c": ["not a day"] * count,
        }
    )
    columns = tuple(PlannedColumn(header=h, to=f"x_{h}", type="date") for h in "abc")
    dated = plan(
        kind=RECORDS, columns=columns, stage_dates={"a": "New", "b": "Won", "c": "Never", "d": "Gone"}
    )
    whole = told(stage_entries(write(tmp_path / "a.parquet", rows), dated))
    assert told(stage_entries(write(tmp_path / "b.parquet", rows), dated, rows=70)) == whole
    given = sum(v is not None for name in ("x_a", "x_b") for v in rows[name].to_pylist())
    assert 0 < len(whole) <= given
    assert {row[4] for row in whole} == {"New", "Won"}


def test_parts_hold_every_row_once_and_all_of_a_record(tmp_path: Path) -> None:
    rows = snapshots(700).append_column("n", pa.array(range(700)))
    path = write(tmp_path / "a.parquet", rows)
    parts = list(parted(path, "object_id", work=tmp_path, columns=["object_id", "n"], rows=120))
    assert len(parts) > 3
    assert sorted(n for part in parts for n in part["n"].to_pylist()) == list(range(700))
    for part in parts:
        assert part.column_names == ["object_id", "n"]
        assert part["n"].to_pylist() == sorted(part["n"].to_pylist())
    seen = [set(part["object_id"].to_pylist()) - {None} for part in parts]
    assert sum(map(len, seen)) == len(set().union(*seen))
    # Whoever stops before the end leaves nothing behind.
    some = parted(path, "object_id", work=tmp_path, rows=120)
    next(some)
    some.close()
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]
