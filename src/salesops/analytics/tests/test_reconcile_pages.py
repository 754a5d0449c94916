"""Compare with my CRM: a report given, its columns confirmed, the difference explained and kept."""

from __future__ import annotations

from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from salesops.analytics.models import Reconciliation
from salesops.analytics.reconciling import ReportError, read_figure
from salesops.analytics.tests.firm import import_deals, signed_in
from salesops.platform.roles import Role
from salesops.platform.selectors import AuditFilter, audit_events

REPORT = """\
Closed Won this quarter
"Filtered by: Close Date = current FQ"

Opportunity ID,Opportunity Name,Opportunity Owner,Stage,Amount,Close Date
006A00000000001,Alder,Ada North,Closed Won,1000.00,2026-07-01
006A00000000002,Birch,Ada North,Closed Won,2600.50,2026-09-05
006A00000000009,Ivy,Ada North,Closed Won,300.00,2026-07-01
006A00000000099,Kapok,Ada North,Closed Won,50.00,2026-08-01
"""
"""Cedar (4,000) is missing, Birch is 100 more, Ivy is dated a day later into the quarter, Kapok is new."""

ADDRESS = "/numbers/won_value/reconcile/?period=2026-Q3"
COLUMNS = {
    "column_id": "Opportunity ID",
    "column_name": "Opportunity Name",
    "column_owner": "Opportunity Owner",
    "column_stage": "Stage",
    "column_amount": "Amount",
    "column_day": "Close Date",
}


@pytest.fixture
def firm(tmp_path: Path, db: None) -> None:
    import_deals(tmp_path)


def given(client: Client, text: str = REPORT, address: str = ADDRESS) -> str:
    """Upload a report; the token of its next step."""
    file = SimpleUploadedFile("closed won.csv", text.encode())
    answer = client.post(address, {"do": "read", "side": "won_amount", "file": file})
    page = unescape(answer.content.decode())
    assert answer.status_code == 200, page
    assert "What the report's columns are" in page
    for field, header in COLUMNS.items():
        select = page[page.index(f'name="{field}"') :]
        assert f'<option value="{header}" selected>' in select[: select.index("</select>")]
    return page.split('name="report" value="')[1].split('"')[0]


def test_a_report_is_explained_deal_by_deal_and_kept(firm: None) -> None:
    client = signed_in()
    token = given(client)
    answer = client.post(ADDRESS, {"do": "compare", "side": "won_amount", "report": token, **COLUMNS})
    assert answer.status_code == 302
    row = Reconciliation.objects.get()
    assert (row.ours, row.theirs) == ("7500.5", "3950.5")
    assert row.period == "2026-Q3"
    assert row.author_name
    assert row.manifest_id
    by_cause = {cause: Decimal(found["amount"]) for cause, found in row.result["by_cause"].items()}
    assert by_cause == {"scope": Decimal(-3950), "time_zone": Decimal(300), "amount": Decimal(100)}
    assert sum(by_cause.values()) == Decimal(row.theirs) - Decimal(row.ours)
    lines = {line["name"]: line for line in row.result["lines"]}
    assert set(lines) == {"Cedar", "Birch", "Ivy", "Kapok"}
    assert sum(Decimal(x["theirs"]) - Decimal(x["ours"]) for x in lines.values()) == Decimal(-3550)
    assert row.result["agreed"] == 1
    assert audit_events(AuditFilter(action="reconciliation.record")).count() == 1

    page = unescape(client.get(answer["Location"]).content.decode())
    for said in ("7,500.50", "3,950.50", "-3,550", "Cedar", "Not in both", "Time zone", "Together"):
        assert said in page
    narrowed = unescape(client.get(answer["Location"] + "?cause=amount").content.decode())
    assert "Birch" in narrowed
    assert "Kapok" not in narrowed
    frozen = client.get(answer["Location"] + "?freeze=html")
    assert b"Cedar" in frozen.content
    assert b"<script" not in frozen.content
    number = unescape(client.get("/numbers/won_value/?period=2026-Q3").content.decode())
    assert "explained" in number[number.index("Compared with the CRM") :]


def test_a_pasted_report_serves_as_well(firm: None) -> None:
    client = signed_in()
    rows = ("Opportunity Name\tAmount\tClose Date", "Alder\t1000\t2026-07-01", "Birch\t2500.50\t2026-09-05")
    pasted = "\n".join((*rows, "Cedar\t4000\t2026-08-11"))
    answer = client.post(ADDRESS, {"do": "read", "side": "won_amount", "pasted": pasted})
    token = answer.content.decode().split('name="report" value="')[1].split('"')[0]
    columns = {"column_name": "Opportunity Name", "column_amount": "Amount", "column_day": "Close Date"}
    client.post(ADDRESS, {"do": "compare", "side": "won_amount", "report": token, **columns})
    row = Reconciliation.objects.get()
    assert row.ours == row.theirs == "7500.5"
    assert row.result["agreed"] == 3
    assert row.result["lines"] == []


def test_a_typed_figure_stays_unexplained_and_names_candidates(firm: None) -> None:
    client = signed_in()
    answer = client.post(ADDRESS, {"do": "figure", "side": "won_amount", "figure": "7,800.50"})
    assert answer.status_code == 302
    row = Reconciliation.objects.get()
    assert {c: found["amount"] for c, found in row.result["by_cause"].items()} == {"unexplained": "300"}
    exact = [c for c in row.result["candidates"] if c["exact"]]
    assert [c["cause"] for c in exact] == ["time_zone"]  # Ivy, dated the day before the quarter
    assert "exactly the difference" in client.get(answer["Location"]).content.decode()


def test_the_total_a_report_prints_is_compared_too(firm: None) -> None:
    client = signed_in()
    token = given(client)
    client.post(
        ADDRESS, {"do": "compare", "side": "won_amount", "report": token, "figure": "4000", **COLUMNS}
    )
    row = Reconciliation.objects.get()
    assert row.theirs == "4000"
    total = sum(Decimal(found["amount"]) for found in row.result["by_cause"].values())
    assert total == Decimal(4000) - Decimal("7500.5")
    assert row.result["by_cause"]["unexplained"]["amount"] == "49.5"


def test_filters_on_people_become_owners(firm: None) -> None:
    client = signed_in()
    address = ADDRESS + "&filter=owner_name:eq:Bo South"
    token = given(client, address=address)
    client.post(address, {"do": "compare", "side": "won_amount", "report": token, **COLUMNS})
    row = Reconciliation.objects.get()
    assert row.ours == "4000"
    causes = {line["name"]: line["cause"] for line in row.result["lines"]}
    assert causes["Alder"] == causes["Birch"] == "owner"
    assert row.filters == ["owner_name:eq:Bo South"]


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"do": "read"}, "Choose the report's file"),
        ({"do": "read", "pasted": "nothing"}, ""),
        ({"do": "figure", "figure": "a lot"}, "is no figure"),
        ({"do": "compare", "report": "forged"}, "no longer at hand"),
    ],
)
def test_what_cannot_be_compared_says_so(firm: None, fields: dict[str, str], said: str) -> None:
    answer = signed_in().post(ADDRESS, fields)
    assert answer.status_code == 400
    assert said in unescape(answer.content.decode())
    assert not Reconciliation.objects.exists()


def test_a_column_that_cannot_be_read_says_where(firm: None) -> None:
    client = signed_in()
    token = given(client)
    wrong = {**COLUMNS, "column_amount": "Opportunity Owner"}
    answer = client.post(ADDRESS, {"do": "compare", "side": "won_amount", "report": token, **wrong})
    assert answer.status_code == 400
    assert "can't be read as an amount" in unescape(answer.content.decode())


def test_only_operations_may_compare_and_nobody_uses_anothers_report(firm: None) -> None:
    token = given(signed_in())
    other = signed_in(Role.OPS_MANAGER)
    answer = other.post(ADDRESS, {"do": "compare", "side": "won_amount", "report": token, **COLUMNS})
    assert answer.status_code == 400
    rep = signed_in(Role.REP, "Ada North")
    assert rep.get(ADDRESS).status_code == 403
    assert rep.post(ADDRESS, {"do": "figure", "figure": "1"}).status_code == 403
    client = signed_in(name="analyst2")
    made = client.post(ADDRESS, {"do": "figure", "side": "won_amount", "figure": "1"})
    assert rep.get(made["Location"]).status_code == 403
    page = rep.get("/numbers/won_value/?period=2026-Q3").content.decode()
    assert "There is no comparison that you may see" in page
    assert "7,500.50" not in page


@pytest.mark.parametrize(
    "text, figure",
    [
        ("2,982,255", "2982255"),
        ("$1,234.50", "1234.50"),
        ("1.234,50 €", "1234.50"),
        ("1 234 567.8", "1234567.8"),
        ("12,5", "12.5"),
        ("-700", "-700"),
        ("1.234.567", "1234567"),
    ],
)
def test_typed_figures_are_read_as_people_write_them(text: str, figure: str) -> None:
    assert read_figure(text) == Decimal(figure)


@pytest.mark.parametrize("text", ["", "much", "1.234"])
def test_a_figure_of_two_meanings_is_refused(text: str) -> None:
    with pytest.raises(ReportError):
        read_figure(text)


def test_a_rate_is_compared_by_its_parts_and_a_median_not_at_all(firm: None) -> None:
    client = signed_in()
    page = client.get("/numbers/win_rate_count/reconcile/").content.decode()
    assert "Won and lost deals: how many" in page
    assert client.get("/numbers/median_deal_size/reconcile/").status_code == 404
