"""Files as people have them: what lands, what waits and why, and that no row is lost on the way.

For every file: rows read = rows landed + rows that wait + rows that are no records.
"""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from salesops.analytics import deal_records, records, selectors
from salesops.crm import services
from salesops.crm.models import Import, QuarantinedRow
from salesops.platform import jobs, signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.roles import Role
from salesops.project.cli import main

pytestmark = pytest.mark.django_db

HEADER = "Opportunity ID,Opportunity Name,Account Name,Stage,Amount,Created Date,Close Date\n"


@dataclass(frozen=True)
class Expected:
    """What a file gives.

    Attributes:
        landed: opportunities known after it.
        amounts: amount by id, of the ids named.
        days: close date by id, of the ids named.
        waiting: (row, word of the reason) of every row in quarantine.
        no_records: rows left out because they are no records.
    """

    landed: int
    amounts: dict[str, str] = field(default_factory=dict)
    days: dict[str, str] = field(default_factory=dict)
    waiting: Sequence[tuple[int, str]] = ()
    no_records: int = 0


def rows(*lines: str) -> str:
    """A file of the usual columns."""
    return HEADER + "".join(f"{line}\n" for line in lines)


PLAIN = rows(
    "P1,First,Acme,Closed Won,100.00,2026-01-05,2026-02-01",
    "P2,Second,Bolt,Closed Lost,200.00,2026-01-06,2026-02-02",
    "P3,Third,Cone,Proposal,300.00,2026-01-07,2026-03-03",
)

FILES: dict[str, tuple[bytes, Expected]] = {
    "windows-1252": (
        PLAIN.replace("Acme", "Müller & Söhne – Straße").encode("cp1252"),
        Expected(3, {"P1": "100"}),
    ),
    "utf-16": (PLAIN.encode("utf-16"), Expected(3, {"P2": "200"})),
    "mixed delimiters": (
        # semicolons, with commas inside unquoted names and in figures
        PLAIN.replace(",", ";")
        .replace("Acme", "Acme, Inc.")
        .replace("100.00", "1.100,00")
        .replace("200.00", "200,00")
        .replace("300.00", "300,00")
        .encode(),
        Expected(3, {"P1": "1100", "P3": "300"}),
    ),
    "whole rows quoted": (
        "".join(f'"{line}"\n' for line in PLAIN.splitlines()).encode(),
        Expected(3, {"P1": "100", "P3": "300"}),
    ),
    "ragged rows": (
        (
            PLAIN + "P4,Short,Dale,Proposal\nP5,Long,Elm,Proposal,500.00,2026-01-08,2026-04-04,what,is,this\n"
        ).encode(),
        Expected(3, {"P1": "100"}, waiting=[(5, "cell"), (6, "cell")]),
    ),
    "duplicate ids": (
        (PLAIN + "P1,First again,Acme,Closed Won,111.00,2026-01-05,2026-02-01\n").encode(),
        Expected(3, {"P1": "111"}, waiting=[(2, "same key")]),
    ),
    "ids spoilt by Excel": (
        rows(
            "1.00E+15,First,Acme,Closed Won,100.00,2026-01-05,2026-02-01",
            "000123,Second,Bolt,Closed Lost,200.00,2026-01-06,2026-02-02",
            "000124,Third,Cone,Proposal,300.00,2026-01-07,2026-03-03",
        ).encode(),
        Expected(2, {"000123": "200"}, waiting=[(2, "spreadsheet")]),
    ),
    "dollars": (
        rows(
            'P1,First,Acme,Closed Won,"$1,234.50",01/15/2026,02/28/2026',
            'P2,Second,Bolt,Closed Lost,"($200.00)",01/16/2026,02/02/2026',
            "P3,Third,Cone,Proposal,$300,01/17/2026,03/03/2026",
        ).encode(),
        Expected(3, {"P1": "1234.50", "P2": "-200", "P3": "300"}, {"P1": "2026-02-28", "P3": "2026-03-03"}),
    ),
    "euros": (
        rows(
            '"P1","First","Acme","Closed Won","1.234,50 €","15.01.2026","28.02.2026"',
            '"P2","Second","Bolt","Closed Lost","200,00 €","16.01.2026","02.02.2026"',
            '"P3","Third","Cone","Proposal","1.300.000,25 €","17.01.2026","03.03.2026"',
        ).encode(),
        Expected(
            3, {"P1": "1234.50", "P2": "200", "P3": "1300000.25"}, {"P1": "2026-02-28", "P2": "2026-02-02"}
        ),
    ),
    "dates in the day's order": (
        rows(
            "P1,First,Acme,Closed Won,100.00,5/1/2026,28/2/2026",
            "P2,Second,Bolt,Closed Lost,200.00,6/1/2026,2/2/2026",
            "P3,Third,Cone,Proposal,300.00,7/1/2026,3/4/2026",
        ).encode(),
        Expected(3, days={"P1": "2026-02-28", "P2": "2026-02-02", "P3": "2026-04-03"}),
    ),
    "one date that is none": (
        PLAIN.replace("2026-02-02", "next week").encode(),
        Expected(2, {"P1": "100"}, waiting=[(3, "")]),
    ),
    "no key in a row": (
        PLAIN.replace("P2,", ",").encode(),
        Expected(2, {"P1": "100"}, waiting=[(3, "")]),
    ),
    "a total below": (
        (PLAIN + "Total,,,,600.00,,\n").encode(),
        Expected(3, {"P3": "300"}, no_records=1),
    ),
    "gzip": (gzip.compress(PLAIN.encode()), Expected(3, {"P1": "100"})),
}


def by_command(path: Path) -> Import:
    """The file through the command line."""
    assert main(["import", str(path), "--json"]) == 0
    return Import.objects.latest("id")


def by_rest(path: Path) -> Import:
    """The file as an upload to the REST API, landed by the worker."""
    user = signin.account_save(actor=LOCAL_ADMINISTRATOR, username="ops", role=Role.OPS_ANALYST)
    _, secret = signin.token_create(actor=LOCAL_ADMINISTRATOR, user=user, name="test", can_write=True)
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    upload = SimpleUploadedFile(path.name, path.read_bytes())
    answer = client.post("/api/v1/imports", {"file": upload})
    assert answer.status_code == 202, answer.content
    jobs.run_waiting()
    return Import.objects.get(pk=answer.json()["id"])


UPLOADED = ("mixed delimiters", "ragged rows", "ids spoilt by Excel", "euros")
"""Files that are tried through both doors; behind them is one path."""


@pytest.mark.parametrize(
    "name, bring", [*((name, by_command) for name in FILES), *((name, by_rest) for name in UPLOADED)]
)
def test_a_file_as_people_have_it(name: str, bring: Callable[[Path], Import], tmp_path: Path) -> None:
    content, expected = FILES[name]
    path = tmp_path / f"opportunities.csv{'.gz' if name == 'gzip' else ''}"
    path.write_bytes(content)
    row = bring(path)
    found = {
        r["id"]: r
        for r in records.deal_list(
            LOCAL_ADMINISTRATOR, records.ListQuery(columns=("id", "amount", "close_on"), sort="amount")
        ).rows
    }
    assert len(found) == expected.landed
    assert {k: found[k]["amount"] for k in expected.amounts} == {
        k: Decimal(v) for k, v in expected.amounts.items()
    }
    assert {k: found[k]["close_on"].isoformat() for k in expected.days} == expected.days
    waiting = list(QuarantinedRow.objects.order_by("row"))
    assert [
        (w.row, word) for w, (_, word) in zip(waiting, expected.waiting, strict=True) if word in w.reason
    ] == list(expected.waiting), [(w.row, w.column, w.reason, w.cells) for w in waiting]
    assert all(w.reason and w.fix and w.cells for w in waiting)
    file = row.report["files"][0]
    assert file["rows_that_are_no_records"] == expected.no_records
    nothing_is_lost(row)


def test_a_figure_without_a_key_waits(tmp_path: Path) -> None:
    path = tmp_path / "opportunities.csv"
    path.write_text(PLAIN + ",,,,600.00,,\n", encoding="utf-8")
    row = services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[path])
    assert [(w.row, w.cells["Amount"]) for w in QuarantinedRow.objects.all()] == [(5, "600.00")]
    nothing_is_lost(row)


def nothing_is_lost(row: Import) -> None:
    """Every row that was read has landed or waits."""
    for file in row.report["files"]:
        waiting = QuarantinedRow.objects.filter(file=file["file"]).count()
        landed = sum(row.report["tables"][file["table"]][n] for n in ("added", "changed", "unchanged"))
        unread = QuarantinedRow.objects.filter(file=file["file"], reason__contains="cell").count()
        assert file["rows"] + unread == landed + waiting, file


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("empty.csv", b"", "empty"),
        ("header.csv", HEADER.encode(), "no rows"),
        ("blank.csv", b"\n\n   \n", ""),
        ("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "not text"),
        ("torn.xlsx", b"PK\x03\x04 torn", ""),
        ("torn.parquet", b"PAR1 torn", ""),
    ],
)
def test_a_file_with_nothing_in_it_says_so(
    name: str, content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["import", str(path), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["files"] == []
    assert [f["file"] for f in report["ignored"]] == [name]
    assert words in report["ignored"][0]["reason"]
    assert main(["kpi", "won_deals"]) == 3
    assert "Traceback" not in capsys.readouterr().err


def test_a_zip_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "exports.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("opportunities.csv", b"0" * (64 * 1024**2))
        archive.writestr("more/deals.csv", PLAIN)
    assert main(["import", str(path), "--json"]) in (0, 1)
    report = json.loads(capsys.readouterr().out)
    refused = {f["file"].split("/")[-1]: f["reason"] for f in report["ignored"]}
    assert "opportunities.csv" in refused
    assert refused["opportunities.csv"]


def test_two_amount_columns_ask_and_keep_both(tmp_path: Path) -> None:
    path = tmp_path / "opportunities.csv"
    path.write_text(
        "Opportunity ID,Stage,Amount,ARR Amount,Close Date\n"
        "P1,Closed Won,100.00,80.00,2026-02-01\nP2,Closed Won,200.00,150.50,2026-02-02\n",
        encoding="utf-8",
    )
    row = services.import_inspect(actor=LOCAL_ADMINISTRATOR, paths=[path])
    plan = services.plans_of(row)[0]
    assert {header for header, _ in plan.amounts} == {"Amount", "ARR Amount"}
    assert any("could be the amount that counts" in question for question in plan.questions)
    services.import_run(actor=LOCAL_ADMINISTRATOR, row=row)
    won = selectors.numbers(LOCAL_ADMINISTRATOR, ["won_value"], selectors.Question()).values[0]
    assert won.value == 300
    page = records.deal_list(
        LOCAL_ADMINISTRATOR, records.ListQuery(columns=("x_arr_amount",), sort="-x_arr_amount")
    )
    assert [r["x_arr_amount"] for r in page.rows] == [Decimal("150.50"), Decimal("80.00")]


def test_a_filtered_second_export_deletes_nothing(tmp_path: Path) -> None:
    first, second = tmp_path / "opportunities 2026-03-01.csv", tmp_path / "opportunities 2026-04-01.csv"
    first.write_text(PLAIN, encoding="utf-8")
    services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[first])
    second.write_text(rows("P3,Third,Cone,Closed Won,350.00,2026-01-07,2026-03-20"), encoding="utf-8")
    row = services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[second])
    outcome = row.report["tables"]["opportunities"]
    assert (outcome["changed"], outcome["not_in_file"], outcome["deleted"]) == (1, 2, 0)
    assert outcome["changed_by_field"] == {"stage": 1, "amount": 1, "close_on": 1}
    assert records.deal_list(LOCAL_ADMINISTRATOR, records.ListQuery()).total == 3
    timeline = deal_records.deal(LOCAL_ADMINISTRATOR, "P3").changes
    assert {(c.field, c.old, c.new) for c in timeline} >= {("stage", "Proposal", "Closed Won")}
    whole = services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[second], complete=True)
    assert whole.report["tables"]["opportunities"]["deleted"] == 2
    assert records.deal_list(LOCAL_ADMINISTRATOR, records.ListQuery()).total == 1


def report_workbook(path: Path) -> Path:
    """What a user without rights saves: title, filters, groups with subtotals, a grand total, no ids."""
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("Opportunities by owner")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    lines: list[list[Any]] = [
        ["Opportunities by owner"],
        ["As of 2026-04-01 09:30:00 • Generated by A. Person"],
        ["Filtered By"],
        ["   Show: All opportunities"],
        [],
        [
            "Opportunity Owner",
            "Opportunity Name",
            "Account Name",
            "Stage",
            "Amount",
            "Created Date",
            "Close Date",
        ],
        ["Ada North", "First", "Acme", "Closed Won", 100.5, "2026-01-05", "2026-02-01"],
        [None, "Second", "Bolt", "Closed Lost", 200, "2026-01-06", "2026-02-02"],
        ["Subtotal", None, None, None, 300.5, None, None],
        ["Ben South", "Third", "Cone", "Proposal", 300, "2026-01-07", "2026-05-03"],
        ["Subtotal", None, None, None, 300, None, None],
        ["Grand Total", None, None, None, 600.5, None, None],
        [],
        ["Confidential Information - Do Not Distribute"],
    ]
    for at, line in enumerate(lines):
        for column, value in enumerate(line):
            if at > 5 and column > 4 and value:
                sheet.write_datetime(at, column, datetime.fromisoformat(value), day)
            elif value is not None:
                sheet.write(at, column, value)
    book.close()
    return path


def test_a_crm_report_saved_as_excel_without_ids(tmp_path: Path) -> None:
    path = report_workbook(tmp_path / "report.xlsx")
    row = services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[path])
    file = row.report["files"][0]
    assert (file["rows"], file["refused"], file["data_date"]) == (3, 0, "2026-04-01")
    assert file["rows_that_are_no_records"] >= 3
    assert len(file["key"]) > 1
    answer = selectors.numbers(LOCAL_ADMINISTRATOR, ["won_value"], selectors.Question(by=("owner",)))
    assert {v.group["owner_name"]: v.value for v in answer.values if v.value} == {
        "Ada North": Decimal("100.5")
    }
    again = services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[path])
    assert again.report["tables"]["opportunities"]["unchanged"] == 3


def test_history_files_tell_the_past(tmp_path: Path) -> None:
    folder = tmp_path / "2026-04-01"
    folder.mkdir()
    (folder / "opportunities.csv").write_text(PLAIN, encoding="utf-8")
    (folder / "OpportunityHistory.csv").write_text(
        "OpportunityId,StageName,Amount,CloseDate,CreatedDate\n"
        "P1,Proposal,90.00,2026-02-15,2026-01-05 09:00:00\n"
        "P1,Closed Won,100.00,2026-02-01,2026-02-01 12:00:00\n",
        encoding="utf-8",
    )
    row = services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[tmp_path])
    assert {f["kind"] for f in row.report["files"]} == {"records", "history"}
    then = deal_records.deal(LOCAL_ADMINISTRATOR, "P1", as_of=date(2026, 1, 20)).values
    assert (then["stage"], then["amount"], then["stage_class"]) == ("Proposal", Decimal(90), "open")


def test_a_spreadsheet_formula_stays_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "opportunities.csv"
    path.write_text(PLAIN.replace("First", "=HYPERLINK(1)"), encoding="utf-8")
    assert main(["import", str(path)]) == 0
    capsys.readouterr()
    found = deal_records.deal(LOCAL_ADMINISTRATOR, "P1").values
    assert found["name"] == "=HYPERLINK(1)"


def test_bytes_in_memory_are_the_same_as_a_file(tmp_path: Path) -> None:
    """A zip inside a folder, and the same file twice in it: read once each, nothing doubled."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("opportunities.csv", PLAIN)
    (tmp_path / "a.zip").write_bytes(packed.getvalue())
    (tmp_path / "opportunities.csv").write_text(PLAIN, encoding="utf-8")
    row = services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[tmp_path])
    outcome = row.report["tables"]["opportunities"]
    assert (outcome["read"], outcome["added"], outcome["unchanged"]) == (6, 3, 3)


def test_a_row_that_waits_is_told_again_and_not_doubled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "opportunities.csv"
    path.write_text(PLAIN.replace("2026-02-02", "next week"), encoding="utf-8")
    for _ in range(2):
        assert main(["import", str(path), "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["tables"]["opportunities"]["quarantined"] == 1
        assert [(q["file"], q["row"], q["column"]) for q in report["quarantined"]] == [
            ("opportunities.csv", 3, "Close Date")
        ]
    assert QuarantinedRow.objects.count() == 1
