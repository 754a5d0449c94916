"""Data files of which only the changing columns are written: as if all of them had been."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salesops.facts import merge_rewrite, patched_files, spliced_files
from salesops.facts.backends import Workbench
from salesops.facts.columntypes import ARROW, SQL
from salesops.facts.errors import QueryFailed
from salesops.facts.patched_files import PLACE, patched
from salesops.facts.spliced_files import UnfitError, splice
from salesops.facts.tables import ColumnType
from salesops.facts.tests.builders import Shop, day, end_of, midnight
from salesops.facts.thrift_fields import Unreadable, read_struct, write_struct

ROWS = 9_000
GROUP = 2_048
"""The smallest row group the engine writes."""

COLUMNS: dict[str, ColumnType] = {
    "id": "text",
    "stage": "text",
    "note": "text",
    "amount": "money",
    "share": "rate",
    "score": "integer",
    "close_on": "date",
    "edited_at": "instant",
    "is_won": "boolean",
    "nothing": "text",
}
VALUES = {
    "id": "'deal ' || i",
    "stage": "['New', 'Open', 'Won', NULL][1 + i % 4]",
    "note": "CASE WHEN i % 3 > 0 THEN 'note ' || (i * 7919) END",
    "amount": "i / 100",
    "share": "CASE WHEN i % 5 > 0 THEN i % 100 / 100 END",
    "score": "i % 10",
    "close_on": "DATE '2026-01-01' + (i % 50)::INT",
    "edited_at": "TIMESTAMPTZ '2026-01-01 00:00:00.5Z' + INTERVAL (i) SECOND",
    "is_won": "i % 4 = 2",
    "nothing": "NULL",
}
TYPED = ", ".join(f"CAST({VALUES[name]} AS {SQL[kind]}) AS {name}" for name, kind in COLUMNS.items())


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A file as a merge writes it, with several row groups."""
    path = tmp_path / "stored.parquet"
    with Workbench(tmp_path / "bench", memory_limit="200MB") as bench:
        bench.run("SET preserve_insertion_order = true")
        bench.run(
            f"COPY (SELECT {TYPED} FROM range({ROWS}) t(i)) TO '{path}' "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {GROUP})"
        )
    assert pq.read_metadata(path).num_row_groups > 3
    return path


def patch_of(places: list[int], **values: list[Any]) -> pa.Table:
    return pa.table(
        {PLACE: pa.array(places, pa.int64())}
        | {name: pa.array(found, ARROW[COLUMNS[name]]) for name, found in values.items()}
    )


def by_engine(tmp_path: Path, path: Path) -> list[tuple[Any, ...]]:
    """The rows as the engine reads them, which has a reader of its own."""
    with Workbench(tmp_path / "reading", memory_limit="200MB") as bench:
        return bench.arrow(
            f"SELECT * FROM read_parquet('{path}', file_row_number = true) ORDER BY {PLACE}"
        ).to_pylist()


def test_rows_of_several_row_groups_get_new_values_of_every_type(tmp_path: Path, stored: Path) -> None:
    places = [ROWS - 1, 0, 2047, 2048, 5000]  # in no order
    values: dict[str, list[Any]] = {
        "stage": ["Lost", None, "New", "Ünï", "Won"],
        "note": [None, "a", "b", None, "é" * 300],
        "amount": [Decimal("-1.5"), None, Decimal("999999999999999.9999"), Decimal(0), Decimal("0.0001")],
        "share": [Decimal("0.000001"), Decimal(1), None, Decimal(-2), Decimal("0.5")],
        "score": [-(2**63), 2**63 - 1, None, 0, 1],
        "close_on": [date(1, 1, 1), None, date(9999, 12, 31), day(1), day(2)],
        "edited_at": [midnight(1), None, end_of(3), midnight(4), midnight(5)],
        "is_won": [True, False, None, True, False],
        "nothing": ["now", None, None, "and", "then"],
    }
    target = tmp_path / "target.parquet"
    size = patched(stored, patch_of(places, **values), COLUMNS, target, work=tmp_path / "work")
    wanted = pq.read_table(stored).to_pylist()
    for number, place in enumerate(places):
        for name, found in values.items():
            wanted[place][name] = found[number]
    assert pq.read_table(target).to_pylist() == wanted
    assert by_engine(tmp_path, target) == [{**row, PLACE: n} for n, row in enumerate(wanted)]
    assert size == target.stat().st_size
    assert not list((tmp_path / "work").iterdir()), "what lay between is gone"


def test_a_patched_file_can_be_patched_again_and_texts_without_rows_do_not_stay(
    tmp_path: Path, stored: Path
) -> None:
    before = stored
    for turn in range(3):
        target = tmp_path / f"{turn}.parquet"
        patched(
            before,
            patch_of([7], stage=[f"turn {turn}"], score=[turn]),
            COLUMNS,
            target,
            work=tmp_path / "work",
        )
        before = target
    wanted = pq.read_table(stored).to_pylist()
    wanted[7] |= {"stage": "turn 2", "score": 2}
    assert pq.read_table(before).to_pylist() == wanted
    assert by_engine(tmp_path, before) == [{**row, PLACE: n} for n, row in enumerate(wanted)]
    raw = pq.ParquetFile(before, read_dictionary=["stage"]).read_row_group(0, columns=["stage"])
    assert set(raw["stage"].chunk(0).dictionary.to_pylist()) == {"New", "Open", "Won", "turn 2"}


def test_columns_that_do_not_change_are_copied_byte_by_byte(tmp_path: Path, stored: Path) -> None:
    target = tmp_path / "target.parquet"
    patched(stored, patch_of([7], stage=["x"]), COLUMNS, target, work=tmp_path / "work")

    def chunks(path: Path, name: str) -> list[bytes]:
        found, data = [], path.read_bytes()
        meta = pq.read_metadata(path)
        for group in range(meta.num_row_groups):
            chunk = meta.row_group(group).column(list(COLUMNS).index(name))
            begin = chunk.dictionary_page_offset or chunk.data_page_offset
            found.append(data[begin : begin + chunk.total_compressed_size])
        return found

    for name in COLUMNS:
        assert (chunks(stored, name) == chunks(target, name)) == (name != "stage"), name
    old, new = pq.read_metadata(stored), pq.read_metadata(target)
    assert [old.row_group(g).column(0).statistics for g in range(old.num_row_groups)] == [
        new.row_group(g).column(0).statistics for g in range(new.num_row_groups)
    ]
    found = pq.read_table(target, filters=[("stage", "=", "x")])
    assert found["id"].to_pylist() == ["deal 7"], "what the file says of its columns rules no row out"


@pytest.mark.parametrize(
    "columns, places",
    [
        pytest.param(COLUMNS | {"x_new": "text"}, [1], id="a column more is known by now"),
        pytest.param(COLUMNS | {"score": "text"}, [1], id="a column has another type by now"),
        pytest.param({n: k for n, k in COLUMNS.items() if n != "score"}, [1], id="a column is unknown"),
        pytest.param(COLUMNS, [ROWS], id="a row behind the last one"),
    ],
)
def test_a_file_of_another_age_is_refused_and_nothing_is_left(
    tmp_path: Path, stored: Path, columns: dict[str, ColumnType], places: list[int]
) -> None:
    with pytest.raises(UnfitError):
        patched(
            stored, patch_of(places, stage=["x"]), columns, tmp_path / "t.parquet", work=tmp_path / "work"
        )
    assert not (tmp_path / "t.parquet").exists()
    assert not list(tmp_path.glob("work/*"))


def test_files_that_do_not_fit_each_other_are_refused(tmp_path: Path, stored: Path) -> None:
    rows = pq.read_table(stored)
    other = tmp_path / "other.parquet"
    pq.write_table(rows, other, row_group_size=1000)
    with pytest.raises(UnfitError, match="row groups"):
        splice(stored, other, ["stage"], tmp_path / "1")
    with pytest.raises(UnfitError, match="not in both"):
        splice(stored, other, ["stages"], tmp_path / "2")
    nested = tmp_path / "nested.parquet"
    pq.write_table(pa.table({"stage": [[1], [2]]}), nested)
    with pytest.raises(UnfitError, match="nested"):
        splice(nested, stored, ["stage"], tmp_path / "3")
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(stored.read_bytes()[:-1])
    with pytest.raises(UnfitError, match="footer"):
        splice(cut, stored, ["stage"], tmp_path / "4")


def test_a_footer_is_written_as_it_was_read(stored: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.parquet"
    pq.write_table(pq.read_table(stored), other, write_page_index=True)
    for path in (stored, other):
        data = path.read_bytes()
        footer = data[-8 - int.from_bytes(data[-8:-4], "little") : -8]
        assert write_struct(read_struct(footer)) == footer
        with pytest.raises(Unreadable):
            read_struct(footer[:-1])
        with pytest.raises(Unreadable):
            read_struct(footer + b"\0")


def deals(changed: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"deal {n}",
            "stage": "Won" if n % 10 == changed else "New",
            "amount": Decimal(n) + (changed if n % 7 == 0 else 0),
            "close_on": day(n % 90 + 1),
            "last_modified_at": midnight(changed + 1),
        }
        for n in range(120)
    ]


def story(shop: Shop) -> tuple[Any, ...]:
    """Imports of every sort, and all that the store says afterwards."""
    shop.take(1, deals(0))
    shop.take(3, deals(1))  # changes
    shop.take(5, [*deals(2), {"id": "new", "stage": "New"}])  # changes and a new record
    shop.take(7, deals(3)[:100], complete=True)  # changes and ends
    shop.take(9, deals(3), complete=True)  # some come back
    shop.take(9, deals(4))  # the same day again
    shop.take(4, deals(5))  # a late file
    shop.take(11, [{"id": "deal 5", "stage": "Lost"}])  # few records of many
    shop.take(12, [{"id": "deal 6", "x_tier": "gold"}], extras={"x_tier": "text"})
    shop.take(13, [{"id": "deal 6", "x_tier": "lead", "stage": None}], extras={"x_tier": "text"})
    activities = [
        {"id": f"a{n}", "opportunity_id": f"deal {n % 9}", "subject": "x", "starts_at": midnight(n + 1)}
        for n in range(80)
    ]
    shop.take(3, activities, table="activities")
    for row in activities[::8]:
        row["subject"] = "y"
    shop.take(4, activities, table="activities")
    for row in activities[::9]:  # to another month, of another deal
        row |= {"starts_at": midnight(70), "opportunity_id": "deal 1"}
    shop.take(5, activities, table="activities")
    columns = [
        "id",
        "stage",
        "amount",
        "close_on",
        "first_seen_on",
        "last_seen_on",
        "deleted_on",
        "import_id",
    ]
    columns += ["source_row", "x_tier"]
    of_activities = ["id", "opportunity_id", "subject", "starts_at", "last_seen_on", "import_id"]
    return (
        shop.rows(columns),
        [shop.rows(["id", "stage", "amount"], as_of=end_of(number)) for number in (1, 4, 6, 8, 10)],
        shop.rows(of_activities, table="activities"),
        shop.log(),
    )


def test_a_store_says_the_same_whether_its_files_are_patched_or_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, other = Shop(tmp_path / "plain"), Shop(tmp_path / "patched")
    times = []

    def counted(path: Path, *args: Any, **more: Any) -> int:
        size = patched(path, *args, **more)
        times.append(path.parent.name)
        return size

    try:
        wanted = story(plain)
        monkeypatch.setattr(merge_rewrite, "PATCHED_FROM", 1)
        monkeypatch.setattr(merge_rewrite, "patched", counted)
        assert story(other) == wanted
    finally:
        plain.store.close()
        other.store.close()
    assert times.count("opportunities") > 5
    assert any(name.startswith("month_part=") for name in times)


def test_a_full_disk_leaves_the_store_as_it_was(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shop.take(1, deals(0))
    files = sorted(shop.store.address.rglob("*.parquet"))
    before = shop.rows(["id", "stage"])
    monkeypatch.setattr(merge_rewrite, "PATCHED_FROM", 1)

    def full(*args: Any) -> int:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(spliced_files, "_copy", full)
    with pytest.raises(OSError, match="No space left"):
        shop.take(2, deals(1))
    assert sorted(shop.store.address.rglob("*.parquet")) == files
    assert shop.store.manifests.latest() == first.manifest
    assert shop.rows(["id", "stage"]) == before


def test_a_file_that_can_not_be_patched_is_written_anew(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.take(1, deals(0))
    monkeypatch.setattr(merge_rewrite, "PATCHED_FROM", 1)

    def odd(*args: Any) -> int:
        raise UnfitError("The row groups differ.")

    monkeypatch.setattr(patched_files, "splice", odd)
    assert shop.take(2, deals(1)).changed_anything
    assert shop.rows(["id", "stage", "amount"]) == sorted(
        (row["id"], row["stage"], row["amount"]) for row in deals(1)
    )


def _too_much(*_: Any) -> pa.Table:
    raise QueryFailed("Out of memory.")


def _misnamed(merge: Any, files: Any, columns: Any) -> pa.Table:
    rows = _patch(merge, files, columns)
    return rows.set_column(0, "path", pa.array(["elsewhere"] * rows.num_rows))


_patch = merge_rewrite._patch


@pytest.mark.parametrize(
    "name, value",
    [("MOST_CHANGED", 3), ("MOST_BYTES", 10), ("_patch", _too_much), ("_patch", _misnamed)],
    ids=["rows", "bytes", "out of memory", "another name"],
)
def test_changes_that_are_too_many_or_not_understood_are_written_anew(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str, value: Any
) -> None:
    shop.take(1, deals(0))
    monkeypatch.setattr(merge_rewrite, "PATCHED_FROM", 1)
    monkeypatch.setattr(merge_rewrite, name, value)

    def never(*args: Any, **more: Any) -> int:
        raise AssertionError

    monkeypatch.setattr(merge_rewrite, "patched", never)
    assert shop.take(2, deals(1)).changed_anything
    assert shop.rows(["id", "stage", "amount"]) == sorted(
        (row["id"], row["stage"], row["amount"]) for row in deals(1)
    )
