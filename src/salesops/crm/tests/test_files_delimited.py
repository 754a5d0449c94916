"""Delimited text as people have it: encodings, marks, broken rows, both reading paths."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.crm.files import Limits, RawTable, open_pasted, open_source
from salesops.crm.files.delimited import open_delimited
from salesops.crm.files.sources import Source

CLEAN = "Id,Name,Amount\n1,Müller GmbH,10\n2,Émile & fils,20\n3,O'Hara,30\n"


def one(data: bytes | str, name: str = "deals.csv", limits: Limits | None = None) -> RawTable:
    """The single table of some bytes."""
    raw = data.encode("utf-8") if isinstance(data, str) else data
    tables = open_source(raw, name, limits)
    assert len(tables) == 1
    return tables[0]


def cells(table: RawTable) -> list[tuple[str, ...]]:
    """Rows without row numbers."""
    read = table.read()
    return [tuple(row[c] for c in table.columns) for row in read.to_pylist()]


def numbers(table: RawTable) -> list[int]:
    """Row numbers."""
    return table.read().column("source_row").to_pylist()


@pytest.mark.parametrize(
    "encoding, shown",
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
        ("mac_roman", "mac_roman"),
    ],
)
def test_encodings_give_the_same_cells(encoding: str, shown: str) -> None:
    table = one(CLEAN.encode(encoding))
    assert table.structure.encoding == shown
    assert table.columns == ("Id", "Name", "Amount")
    assert cells(table)[0] == ("1", "Müller GmbH", "10")
    assert cells(table)[1][1] == "Émile & fils"
    assert numbers(table) == [2, 3, 4]


def test_cyrillic_and_polish_pages() -> None:
    cyrillic = "Название,Стадия\nСделка первая,Закрыто\nСделка вторая,Переговоры\n"
    assert cells(one(cyrillic.encode("cp1251")))[1] == ("Сделка вторая", "Переговоры")
    polish = "Nazwa,Etap\nŁódź Świat,Zamknięte\nGdańsk żółć,Wygrana\n"
    assert cells(one(polish.encode("cp1250")))[0] == ("Łódź Świat", "Zamknięte")


def test_stray_bytes_in_utf8_are_read_and_told() -> None:
    lines = ["Id,Name"] + [f"{i},Zoë {i}" for i in range(50)]
    data = "\n".join(lines).encode() + b"\n99,Caf\xe9\n"
    table = one(data)
    assert cells(table)[-1] == ("99", "Café")
    assert any("not UTF-8" in note for note in table.structure.notes)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(delimiter: str) -> None:
    text = delimiter.join(["Name", "Amount", "Close Date"]) + "\r\n"
    text += delimiter.join(["Acme", '"1.234,50"', "31.12.2024"]) + "\r\n"
    text += delimiter.join(["Beta", '"5,00"', "01.11.2024"]) + "\r\n"
    table = one(text)
    assert table.structure.delimiter == delimiter
    assert cells(table) == [("Acme", "1.234,50", "31.12.2024"), ("Beta", "5,00", "01.11.2024")]
    assert table.dialect.decimal == ","
    assert table.dialect.date_order == "DMY"


def test_semicolons_with_decimal_commas_win_over_commas() -> None:
    table = one("Name;Amount\nAcme;1,5\nBeta;2,5\n")
    assert table.structure.delimiter == ";"
    assert cells(table) == [("Acme", "1,5"), ("Beta", "2,5")]


def test_excel_separator_line_is_obeyed_and_is_no_record() -> None:
    table = one("sep=;\nName;Amount\nAcme, Inc;1\n")
    assert cells(table) == [("Acme, Inc", "1")]
    assert numbers(table) == [3]


def test_rows_with_another_delimiter_are_mended_and_told() -> None:
    table = one("Id,Name,Stage\n1,Acme,Won\n2;Beta;Lost\n3\tGamma\tWon\n4,Delta,Won\n")
    assert cells(table) == [
        ("1", "Acme", "Won"),
        ("2", "Beta", "Lost"),
        ("3", "Gamma", "Won"),
        ("4", "Delta", "Won"),
    ]
    assert [(p.row, p.severity) for p in table.problems] == [(3, "repaired"), (4, "repaired")]


def wrap(line: str) -> str:
    """A whole record inside quotes, as a spreadsheet leaves it that took it for one cell."""
    return '"' + line.replace('"', '""') + '"'


def test_whole_rows_in_quotes() -> None:
    lines = ["Id,Name,Note", "1,Acme,plain", '2,Beta,"a, b"', '3,"Say ""hi""",x', "4,Delta,y"]
    wrapped = [lines[0], lines[1], wrap(lines[2]), wrap(lines[3]), lines[4]]
    clean, broken = one("\n".join(lines)), one("\n".join(wrapped))
    assert cells(broken) == cells(clean)
    assert [p.row for p in broken.problems] == [3, 4]
    assert all(p.severity == "repaired" for p in broken.problems)


def test_a_file_whose_every_row_stands_in_quotes() -> None:
    lines = ["Id,Name,Note", "1,Acme,plain", '2,Beta,"a, b"', "3,Gamma,z"]
    table = one("\n".join(wrap(x) for x in lines))
    assert table.columns == ("Id", "Name", "Note")
    assert cells(table) == [("1", "Acme", "plain"), ("2", "Beta", "a, b"), ("3", "Gamma", "z")]


@pytest.mark.parametrize("grid_bytes", [0, 1 << 30])
def test_338_wrapped_records_of_the_leads_file_read_like_the_clean_file(
    shared_data: Path, grid_bytes: int
) -> None:
    source = shared_data / "x_education_leads" / "Leads.csv"
    text = source.read_text(encoding="utf-8")
    records = list(csv.reader(io.StringIO(text)))
    lines = text.splitlines()
    assert len(lines) == len(records) == 9241  # no line breaks inside cells: lines are records
    chosen = set(random.Random(338).sample(range(1, len(lines)), 338))
    malformed = "\n".join(wrap(x) if i in chosen else x for i, x in enumerate(lines)) + "\n"
    limits = Limits(grid_bytes=grid_bytes)
    clean, broken = one(text, limits=limits), one(malformed, limits=limits)
    assert broken.row_count == 9240
    assert broken.read().equals(clean.read())
    assert len(broken.problems) == 338
    assert {p.row for p in broken.problems} == {i + 1 for i in chosen}


def test_ragged_rows_go_to_the_problems_with_row_and_text() -> None:
    rows = [f"{i},n{i},{i}.5" for i in range(1, 20)]
    table = one("\n".join(["Id,Name,Amount", *rows, "20,short", "21,a,b,c,d", "22,ok,1"]))
    assert table.row_count == 20
    found = [(p.row, p.text, p.severity) for p in table.problems]
    assert found == [(21, "20,short", "error"), (22, "21,a,b,c,d", "error")]
    assert "2 cells where the header has 3" in table.problems[0].reason
    assert table.problems[0].fix


def test_trailing_delimiters_are_no_problem() -> None:
    table = one("Id,Name\n1,a,,\n2,b\n")
    assert cells(table) == [("1", "a"), ("2", "b")]
    assert table.problems == []


def test_rows_cut_short_throughout_are_padded() -> None:
    table = one("Id,Name,Note\n1,a\n2,b\n3,c,x\n")
    assert cells(table) == [("1", "a", ""), ("2", "b", ""), ("3", "c", "x")]
    assert table.structure.pad_short_rows


def test_line_breaks_inside_cells_count_as_one_row() -> None:
    table = one('Id,Note,Stage\n1,"two\nlines",Won\n2,"x\r\ny",Lost\n3,z,Won\n')
    assert cells(table) == [("1", "two\nlines", "Won"), ("2", "x\r\ny", "Lost"), ("3", "z", "Won")]
    assert numbers(table) == [2, 3, 4]


def test_a_quote_never_closed_costs_one_row_its_quote_and_no_other_row() -> None:
    table = one('Id,Name,Stage\n1,"Acme,Won\n2,Beta,Lost\n3,Gamma,Won\n')
    assert cells(table) == [("1", '"Acme', "Won"), ("2", "Beta", "Lost"), ("3", "Gamma", "Won")]
    assert [(p.row, p.severity) for p in table.problems] == [(2, "repaired")]


def test_nul_bytes_are_removed_and_told() -> None:
    table = one(b"Id,Name\n1,Ac\x00me\n2,Beta\n")
    assert cells(table) == [("1", "Acme"), ("2", "Beta")]
    assert [(p.row, p.severity) for p in table.problems] == [(2, "repaired")]


@pytest.mark.parametrize("data", [b"", b"\n\n  \n", b"\xef\xbb\xbf"])
def test_empty_files_are_told(data: bytes) -> None:
    table = one(data)
    assert not table.ok
    assert table.row_count == 0
    assert table.problems[0].reason
    assert table.problems[0].fix


def test_header_only() -> None:
    table = one("Id,Name,Stage\n")
    assert table.columns == ("Id", "Name", "Stage")
    assert table.row_count == 0
    assert [p.severity for p in table.problems] == ["note"]
    assert "no records" in table.problems[0].reason


def test_no_header_row() -> None:
    table = one("1|272|20101229|2010|4|28000.0000\n2|281|20101229|2010|4|367000.0000\n")
    assert table.structure.header_row == 0
    assert table.columns[0] == "Column 1"
    assert table.row_count == 2
    assert numbers(table) == [1, 2]


def test_duplicate_and_reserved_labels_are_named_apart() -> None:
    table = one("Id,Amount,Amount,source_row\n1,2,3,4\n")
    assert table.columns == ("Id", "Amount", "Amount (2)", "source_row (2)")
    assert cells(table) == [("1", "2", "3", "4")]
    assert any("printed twice" in p.reason for p in table.problems)


def test_pasted_table() -> None:
    (table,) = open_pasted("Rep\tManager\nAnna\tDustin\nCecily\tDustin")
    assert cells(table) == [("Anna", "Dustin"), ("Cecily", "Dustin")]


def test_binary_rubbish_is_told() -> None:
    data = bytes(random.Random(1).randrange(256) for _ in range(4000))
    for table in open_source(data, "deals.csv"):
        assert table.problems or table.ok


def test_backslash_escapes() -> None:
    table = one('Id,Name\n1,"Acme \\"West\\" Inc"\n2,"Beta, Co"\n')
    assert cells(table) == [("1", 'Acme "West" Inc'), ("2", "Beta, Co")]


simple = st.text(
    alphabet=st.characters(
        codec="utf-8", exclude_characters="\x00\x1a\ufeff", exclude_categories=("Cs", "Cc")
    ),
    max_size=8,
)
cell = st.one_of(simple, st.sampled_from(['a"b', "a,b", "x\ny", "", " pad ", "3.5", "Total", "2024-01-01"]))


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.lists(cell, min_size=3, max_size=3), min_size=1, max_size=30),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_fast_and_careful_paths_agree_on_clean_files(rows: list[list[str]], line_end: str) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=line_end, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["Record ID", "Deal Name", "Deal Stage"])
    for i, row in enumerate(rows):
        writer.writerow([f"id{i}", *row[1:]])
    source = Source.of("clean.csv", out.getvalue().encode("utf-8"))
    fast = open_delimited(source, Limits(), path="fast")
    careful = open_delimited(source, Limits(grid_bytes=0), path="careful")
    assert fast.structure.path == "fast"
    assert careful.structure.path == "careful"
    assert fast.read().equals(careful.read())
    assert fast.row_count == len(rows)
    assert fast.problems == careful.problems == []


def test_fast_and_careful_paths_agree_on_broken_rows() -> None:
    rows = [f"{i},name {i},{i % 7}" for i in range(500)]
    rows[100] = wrap(rows[100])
    rows[200] = "200,too,many,cells"
    rows[300] = "short"
    rows[301] = ""
    rows[302] = ",,"
    rows[450] = rows[450].replace(",", ";")
    text = "\n".join(["Id,Name,Score", *rows, "Grand Total,,1500"]) + "\n"
    source = Source.of("big.csv", text.encode())
    fast = open_delimited(source, Limits(), path="fast")
    careful = open_delimited(source, Limits(grid_bytes=0), path="careful")
    assert fast.read().equals(careful.read())
    assert fast.row_count == 496
    assert fast.problems == careful.problems
    assert fast.dropped == careful.dropped
    assert [d.reason for d in fast.dropped] == ["blank row", "blank row", "subtotal or total"]


def test_large_clean_files_take_the_fast_path() -> None:
    text = "Id,Name\n" + "".join(f"{i},name {i}\n" for i in range(50_000))
    table = one(text, limits=Limits(grid_bytes=1000))
    assert table.structure.path == "fast"
    assert table.row_count == 50_000
    assert numbers(table) == list(range(2, 50_002))
    assert table.sample(3).num_rows == 3
