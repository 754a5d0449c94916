"""Folders, archives, and the limits that keep an archive from taking the machine."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from salesops.crm.files import Limits, open_source
from salesops.crm.tests.test_files_delimited import cells

CSV = b"Id,Name\n1,Acme\n2,Beta\n"


def zipped(members: dict[str, bytes]) -> bytes:
    """A ZIP of some members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_folder_is_read_recursively_in_name_order(tmp_path: Path) -> None:
    (tmp_path / "2024").mkdir()
    (tmp_path / "b.csv").write_bytes(CSV)
    (tmp_path / "a.tsv").write_bytes(CSV.replace(b",", b"\t"))
    (tmp_path / "2024" / "c.csv.gz").write_bytes(gzip.compress(CSV))
    (tmp_path / ".hidden.csv").write_bytes(CSV)
    (tmp_path / "~$lock.xlsx").write_bytes(b"x")
    tables = open_source(tmp_path)
    assert [t.name for t in tables] == ["2024/c.csv", "a.tsv", "b.csv"]
    assert all(cells(t) == [("1", "Acme"), ("2", "Beta")] for t in tables)


def test_zip_with_a_zip_inside_and_junk_ignored() -> None:
    inner = zipped({"deep.csv": CSV})
    data = zipped({"deals.csv": CSV, "inner.zip": inner, "__MACOSX/._deals.csv": b"junk", "more/x.csv": CSV})
    tables = open_source(data, "export.zip")
    assert [t.name for t in tables] == [
        "export.zip/deals.csv",
        "export.zip/inner.zip/deep.csv",
        "export.zip/more/x.csv",
    ]


def test_a_zip_three_levels_deep_is_refused() -> None:
    data = zipped({"b.zip": zipped({"c.zip": zipped({"d.csv": CSV})})})
    (table,) = open_source(data, "a.zip")
    assert not table.ok
    assert "archive inside" in table.problems[0].reason


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "C:/evil.csv", "..\\evil.csv"]
)
def test_names_that_point_outside_are_left_out(name: str) -> None:
    tables = open_source(zipped({name: CSV, "good.csv": CSV}), "x.zip")
    assert [t.name for t in tables if t.ok] == ["x.zip/good.csv"]
    assert [t.problems[0].reason for t in tables if not t.ok] == ["the name points outside the archive"]


def test_zip_bomb_is_stopped_while_unpacking() -> None:
    data = zipped({"bomb.csv": b"0" * (30 * 1024**2), "good.csv": CSV})
    tables = open_source(data, "x.zip")
    assert [t.name for t in tables if t.ok] == ["x.zip/good.csv"]
    assert any("zip bomb" in t.problems[0].reason for t in tables if not t.ok)


def test_size_and_member_limits() -> None:
    data = zipped({f"{i}.csv": CSV for i in range(5)})
    tables = open_source(data, "x.zip", Limits(members=3))
    assert sum(t.ok for t in tables) < 5
    assert any("more than 3 files" in t.problems[0].reason for t in tables if not t.ok)
    (table,) = open_source(CSV, "x.csv", Limits(file_bytes=5))
    assert "larger than" in table.problems[0].reason
    tables = open_source(
        zipped({"a.csv": CSV * 100, "b.csv": CSV * 100}), "x.zip", Limits(total_bytes=len(CSV) * 120)
    )
    assert [t.ok for t in tables] == [True, False]


def test_gzip_bomb_and_damaged_archives_are_told() -> None:
    (table,) = open_source(gzip.compress(b"0" * (30 * 1024**2)), "x.csv.gz")
    assert "zip bomb" in table.problems[0].reason
    damaged = zipped({"a.csv": CSV * 50})[:-40]
    (table,) = open_source(damaged, "x.zip")
    assert "damaged" in table.problems[0].reason
    (table,) = open_source(gzip.compress(CSV * 50)[:-20], "x.csv.gz")
    assert "damaged" in table.problems[0].reason


def test_json_lines_and_lists() -> None:
    lines = b'{"Id": 1, "Amount": 12.50, "Won": true, "Owner": {"Name": "Anna"}}\n\nnot json\n'
    lines += b'{"Id": 2, "Extra": null}\n'
    (table,) = open_source(lines, "deals.jsonl")
    assert table.columns == ("Id", "Amount", "Won", "Owner.Name", "Extra")
    assert cells(table) == [("1", "12.50", "TRUE", "Anna", ""), ("2", "", "", "", "")]
    assert [(p.row, p.severity) for p in table.problems] == [(3, "error")]
    assert table.read().column("source_row").to_pylist() == [1, 4]
    (table,) = open_source(b'[{"a": 1}, {"a": 2}]', "x.json")
    assert cells(table) == [("1",), ("2",)]
    (table,) = open_source(
        b'{"results": [{"id": "7", "properties": {"dealname": "x"}}], "paging": {}}', "hubspot.json"
    )
    assert table.columns == ("id", "properties.dealname")
    (table,) = open_source(b"[]", "x.json")
    assert not table.ok
    assert table.problems


def test_parquet_types_become_texts(tmp_path: Path) -> None:
    from datetime import UTC, date, datetime
    from decimal import Decimal

    path = tmp_path / "deals.parquet"
    data = pa.table(
        {
            "id": ["a", "b"],
            "n": pa.array([1, None], pa.int64()),
            "d": pa.array([date(2024, 1, 31), None]),
            "m": pa.array([Decimal("12.50"), None], pa.decimal128(10, 2)),
            "f": pa.array([1.5, None]),
            "t": pa.array([datetime(2024, 1, 1, 10, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
            "b": [True, None],
        }
    )
    pq.write_table(data, path)
    (table,) = open_source(path)
    assert cells(table) == [
        ("a", "1", "2024-01-31", "12.50", "1.5", "2024-01-01 10:00:00+00:00", "TRUE"),
        ("b", "", "", "", "", "", ""),
    ]
    (table,) = open_source(b"PAR1garbage", "x.parquet")
    assert "cannot be read" in table.problems[0].reason


def test_a_folder_of_prose_is_told(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# hello", encoding="utf-8")
    (table,) = open_source(tmp_path)
    assert not table.ok
    assert table.problems[0].severity == "note"
    with pytest.raises(FileNotFoundError):
        open_source(tmp_path / "nothing.csv")


def test_every_sheet_of_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    for title in ("Deals", "Empty", "Accounts"):
        sheet = book.add_worksheet(title)
        if title != "Empty":
            sheet.write_row(0, 0, ["Id", "Name"])
            sheet.write_row(1, 0, [1, title])
    book.close()
    tables = open_source(path)
    assert [t.name for t in tables] == ["book.xlsx!Deals", "book.xlsx!Accounts"]
    assert cells(tables[0]) == [("1", "Deals")]


def test_a_web_page_named_xls_and_a_broken_workbook_are_told() -> None:
    (table,) = open_source(b"<html><table><tr><td>1</td></tr></table></html>", "report.xls")
    assert "web page" in table.problems[0].reason
    (table,) = open_source(b"PK\x03\x04" + b"x" * 100, "report.xlsx")
    assert not table.ok
    assert table.problems
