"""Files: numbers stay numbers, text never becomes a formula, the About sheet says what the file is."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from salesops.ui import exports
from salesops.ui.about import About
from salesops.ui.components import Definition
from salesops.ui.exports import Column, ExportError, Sheet, write_csv, write_xlsx

ABOUT = About(
    title="Open deals",
    made_by="Ana Analyst",
    made_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
    data_on=date(2017, 12, 31),
    filters=[("Stage", "Engaging"), ("Owner", "=cmd|' /C calc'!A0")],
    definitions=[Definition("Win rate", "Won of closed.", "won / (won + lost)")],
)
COLUMNS = [
    Column("name", "Name"),
    Column("amount", "Amount", "money", currency="USD"),
    Column("share", "Share", "ratio"),
    Column("closed", "Closed", "day"),
    Column("seen", "Seen", "instant", zone=ZoneInfo("Europe/Berlin")),
]
ROWS = [
    {
        "name": '=HYPERLINK("http://example.com")',
        "amount": Decimal("-1234.50"),
        "share": Fraction(1, 4),
        "closed": date(2017, 3, 1),
        "seen": datetime(2017, 3, 1, 23, 30, tzinfo=UTC),
    },
    {"name": "Plain", "amount": None, "share": None, "closed": None, "seen": None},
]


def text_of(chunks) -> str:  # type: ignore[no-untyped-def]
    return b"".join(chunks).decode("utf-8-sig")


def test_csv_holds_plain_numbers_dates_and_neutral_text() -> None:
    lines = list(csv.reader(io.StringIO(text_of(write_csv(COLUMNS, ROWS)))))
    assert lines[0] == ["Name", "Amount (USD)", "Share", "Closed", "Seen"]
    assert lines[1] == [
        '\'=HYPERLINK("http://example.com")',
        "-1234.50",
        "0.250000",
        "2017-03-01",
        "2017-03-02T00:30:00+01:00",
    ]
    assert lines[2] == ["Plain", "", "", "", ""]


def test_csv_streams_in_chunks() -> None:
    seen = []

    def rows():  # type: ignore[no-untyped-def]
        for number in range(20_000):
            seen.append(number)
            yield {"name": f"Row {number}"}

    chunks = write_csv([Column("name", "Name")], rows(), bom=False)
    first = next(chunks)
    assert first.startswith(b"Name\r\nRow 0\r\n")
    assert len(seen) < 20_000
    assert (first + b"".join(chunks)).count(b"\r\n") == 20_001


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "  =", "＝"])
def test_every_dangerous_start_is_neutralised(start: str) -> None:
    assert exports.neutral(f"{start}1+1") == f"'{start}1+1"


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=30))
def test_neutral_text_never_starts_a_formula_and_keeps_its_content(text: str) -> None:
    done = exports.neutral(text)
    assert not done.lstrip(" \u00a0").startswith(exports.DANGEROUS)
    assert done in (text, "'" + text)


def test_xlsx_has_real_numbers_dates_and_text_cells() -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(write_xlsx([Sheet("Deals", COLUMNS, ROWS)], ABOUT)))
    assert book.sheet_names == ["Deals", "About"]
    head, first, *_ = book.get_sheet_by_name("Deals").to_python()
    assert head == ["Name", "Amount (USD)", "Share", "Closed", "Seen"]
    assert first == [ROWS[0]["name"], -1234.5, 0.25, date(2017, 3, 1), datetime(2017, 3, 2, 0, 30)]  # noqa: DTZ001 - a sheet has no zones


def test_xlsx_contains_no_formula_and_no_link() -> None:
    content = write_xlsx([Sheet("Deals", COLUMNS, ROWS * 3)], ABOUT)
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        for name in parts.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                body = parts.read(name).decode()
                assert "<f>" not in body
                assert "<hyperlink" not in body
        assert not [
            name for name in parts.namelist() if "externalLink" in name or name.endswith("vbaProject.bin")
        ]


def test_about_sheet_names_title_filters_definitions_date_and_maker() -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(write_xlsx([Sheet("Deals", COLUMNS, ROWS)], ABOUT)))
    pairs = {row[0]: row[1] for row in book.get_sheet_by_name("About").to_python() if row[0]}
    assert pairs["Title"] == "Open deals"
    assert pairs["Data of"] == "Dec 31, 2017"
    assert pairs["Filter: Owner"] == "=cmd|' /C calc'!A0"
    assert pairs["Made by"] == "Ana Analyst"
    assert "Nov 21, 2026" in pairs["Made at"]
    assert pairs["Win rate"].startswith("Won of closed.")


def test_numbers_that_excel_would_change_are_kept_as_text() -> None:
    rows = [{"amount": Decimal("12345678901234567.89")}]
    content = write_xlsx([Sheet("S", [Column("amount", "Amount", "number")], rows)], ABOUT)
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert book.get_sheet_by_name("S").to_python()[1] == ["12345678901234567.89"]
    assert any("15 digits" in str(row[1]) for row in book.get_sheet_by_name("About").to_python())


def test_rows_beyond_the_limit_continue_on_another_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MAX_ROWS", 4)
    rows = [{"n": n} for n in range(7)]
    content = write_xlsx([Sheet("Deals", [Column("n", "N", "integer")], rows)], ABOUT)
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert book.sheet_names == ["Deals", "Deals (2)", "Deals (3)", "About"]
    found = [row[0] for name in book.sheet_names[:3] for row in book.get_sheet_by_name(name).to_python()[1:]]
    assert found == [float(n) for n in range(7)]


def test_sheet_names_are_made_legal_and_unique() -> None:
    column = [Column("n", "N", "integer")]
    sheets = [Sheet("a/b:c" + "x" * 40, column, []), Sheet("About", column, []), Sheet("about", column, [])]
    book = CalamineWorkbook.from_filelike(io.BytesIO(write_xlsx(sheets, ABOUT)))
    assert len({name.lower() for name in book.sheet_names}) == 4
    assert all(len(name) <= 31 and "/" not in name for name in book.sheet_names)


@pytest.mark.parametrize(
    "kind, value",
    [("money", 1.5), ("money", "12"), ("money", Decimal("NaN")), ("day", datetime(2017, 1, 1, tzinfo=UTC)),
     ("instant", datetime(2017, 1, 1)),  # noqa: DTZ001 - that is the point
     ("day", "2017-01-01")],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_refused(kind: str, value: object) -> None:
    column = [Column("v", "V", kind)]  # type: ignore[arg-type]
    with pytest.raises(ExportError):
        b"".join(write_csv(column, [{"v": value}]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.decimals(min_value=-(10**10), max_value=10**10, places=2), max_size=20))
def test_csv_money_reads_back_to_the_cent(amounts: list[Decimal]) -> None:
    rows = [{"a": amount} for amount in amounts]
    text = text_of(write_csv([Column("a", "A", "money")], rows))
    assert [Decimal(line[0]) for line in list(csv.reader(io.StringIO(text)))[1:]] == amounts
