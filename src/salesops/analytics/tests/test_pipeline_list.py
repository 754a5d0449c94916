"""The list of deals: filters, order, pages, files, addresses."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from html import unescape

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from salesops.analytics import list_address, records
from salesops.analytics.addresses import AddressError
from salesops.analytics.engine.filters import Filter
from salesops.analytics.record_keys import RecordKey
from salesops.analytics.tests import pipeline_firm as firm
from salesops.org import selectors as org
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN


@pytest.fixture
def loaded(facts_home, db):
    firm.load()
    yield
    org._people_in_facts.cache_clear()


def ids(query: str) -> list[str]:
    """Ids of the list page by page, as the pages show them."""
    found, address = [], list_address.parse(query)
    while True:
        page = records.deal_list(ADMIN, address.list_query())
        found += [row["id"] for row in page.rows]
        if len(found) >= page.total or not page.rows:
            assert len(found) == page.total
            return found
        address = list_address.parse(address.query(page=page.page + 1))


def rows_of(answer) -> list[list[str]]:
    """A page's table as texts: estimates as their number, dashes as nothing."""
    text = answer.content.decode()
    table = re.search(r'id="deals">.*?</table>', text, re.DOTALL).group(0)
    rows = []
    for line in re.findall(r"<tr role=\"row\">(.*?)</tr>", table, re.DOTALL)[1:]:
        cells = re.findall(r"<t[hd] [^>]*role=\"(?:rowheader|cell)\"[^>]*>(.*?)</t[hd]>", line, re.DOTALL)
        rows.append([unescape(re.sub(r"<[^>]+>", " ", cell)).strip() for cell in cells])
    return rows


def test_pages_hold_every_row_once_in_any_order(loaded):
    everything = {deal["id"] for deal in firm.deals()}
    orders = {"-amount": 15, "x_office": 25, "-flags": 30, "stage": 500, "-close_on": 500, "name": 500}
    for sort, size in orders.items():
        found = ids(f"status=all&sort={sort}&size={size}")
        assert len(found) == len(everything)
        assert set(found) == everything, sort
    assert ids("status=all&sort=-amount&size=15") == ids("status=all&sort=-amount&size=500")


def test_pages_of_any_size_hold_the_same_rows_in_the_same_order(loaded):
    assert ids("status=all&sort=-flags&size=20") == ids("status=all&sort=-flags&size=500")


def test_totals_are_those_of_the_rows_themselves(loaded):
    mine = [d for d in firm.deals() if d["stage"] in ("Discovery", "Proposal")]
    page = records.deal_list(ADMIN, list_address.parse("").list_query())
    known = [d["amount"] for d in mine if d["amount"] is not None]
    without = len(mine) - len(known)
    wanted = records.Totals(len(mine), sum(known), len(known), Decimal(700) * without, without)
    assert page.totals == wanted


OPEN = ("Discovery", "Proposal")
KEPT = [
    ("status=won", lambda d: d["stage"] == "Closed Won"),
    ("status=all&stage=Proposal", lambda d: d["stage"] == "Proposal"),
    ("status=all&stage=Proposal&stage=Discovery", lambda d: d["stage"] in ("Proposal", "Discovery")),
    ("status=all&owner=Theo+Theirs", lambda d: d["owner_id"] == firm.THEIRS),
    ("status=all&team=North", lambda d: d["owner_id"] == firm.OURS),
    ("status=all&filter=x_office:eq:Office+2", lambda d: d["x_office"] == "Office 2"),
    ("status=all&filter=amount:is_null", lambda d: d["amount"] is None),
    ("status=all&filter=amount:between:1500|2500", lambda d: d["amount"] is not None and 1500 <= d["amount"] <= 2500),
    ("status=all&created=2026-02", lambda d: d["created_on"].month == 2),
    ("status=all&closed=2026-Q3", lambda d: 7 <= d["close_on"].month <= 9),
    ("q=secret", lambda d: firm.SECRET in d["name"]),
    ("q=shared+ours", lambda d: d["account_id"] == "A3" and d["owner_id"] == firm.OURS),
    ("flag=DQ01", lambda d: d["stage"] in OPEN and d["close_on"] < firm.DATA_DAY),
    ("flag=DQ07&flag=DQ12", lambda d: d["stage"] in OPEN and None in (d["amount"], d["next_step"])),
]  # fmt: skip
"""Address -> which rows of the firm it keeps, by a plain loop."""


def test_a_filter_keeps_the_rows_a_loop_keeps(loaded):
    for query, keep in KEPT:
        assert set(ids(query)) == {d["id"] for d in firm.deals() if keep(d)}, query


def test_files_hold_what_the_page_shows(loaded):
    columns = "name,x_office,stage,amount,created_on,flags"
    query = f"status=all&owner=Ann+Ours&stage=Proposal&sort=-x_office&columns={columns}&size=500"
    client = firm.client()
    shown = rows_of(client.get(f"/pipeline/?{query}"))
    assert len(shown) == 10 + len(firm.HOSTILE)
    text = firm.body(client.get(f"/pipeline/?{query}&export=csv")).decode("utf-8-sig")
    head, *lines = list(csv.reader(io.StringIO(text)))
    assert head == [
        "Deal",
        "Office",
        "Stage",
        "Amount (USD)",
        "Estimate, list price (USD)",
        "Created",
        "Flags",
    ]
    order = [d["name"] for d in firm.deals()]
    assert [line[0].lstrip("'") for line in lines] == [row[0] for row in shown]
    assert sorted(order.index(line[0].lstrip("'")) for line in lines) == sorted(
        i for i, d in enumerate(firm.deals()) if d["stage"] == "Proposal" and d["owner_id"] == firm.OURS
    )
    for line, row in zip(lines, shown, strict=True):
        assert line[1:3] == row[1:3]
        figure = row[3].split()[0].strip("$").replace(",", "")
        assert Decimal(line[3] or line[4]) == Decimal(figure)
        assert ("estimate" in row[3]) == (line[3] == "")
    book = CalamineWorkbook.from_filelike(
        io.BytesIO(firm.body(client.get(f"/pipeline/?{query}&export=xlsx")))
    )
    sheet = book.get_sheet_by_name("Deals").to_python()
    assert sheet[0] == head
    assert [row[:3] for row in sheet[1:]] == [[line[0].removeprefix("'"), *line[1:3]] for line in lines]
    about = dict(row[:2] for row in book.get_sheet_by_name("About").to_python() if row[0])
    assert about["Filter: Owner"] == "Ann Ours"
    assert about["Filter: Sorted by"] == "Office, descending"
    assert "2026" in about["Data of"]
    assert about["Made by"] == "ops_analyst-"
    assert "own column" in about["Office"]


def test_a_formula_in_a_name_never_runs(loaded):
    client = firm.client()
    text = firm.body(client.get("/pipeline/?status=all&export=csv")).decode("utf-8-sig")
    cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
    assert "'" + firm.FORMULA in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    book = CalamineWorkbook.from_filelike(
        io.BytesIO(firm.body(client.get("/pipeline/?status=all&export=xlsx")))
    )
    assert firm.FORMULA in [row[0] for row in book.get_sheet_by_name("Deals").to_python()]


BAD = [
    "page=x", "page=0", "page=-1", "size=1e9", "as_of=31.12.2026", "as_of=2999-01-01", "status=maybe", "closed=soon",
    "created=2026-Q9", "sort=nothing", "columns=nothing", "filter=amount",
    "filter=amount:like:x", "filter=amount:ge:abc",
    "filter=nothing:eq:1", "filter=created_on:contains:2026", "filter=amount:between:1", "flag=DQ99", "export=pdf",
    "q=%00", "f_column=amount&f_op=like&f_value=1", "view=x", "filter=amount:eq:99999999999999999999999",
    "filter=x_office:lt:1&filter=source_row:eq:99999999999999999999999", "created=9999-Q4",
    "closed=2026-01-02..2026-01-01",
]  # fmt: skip


def test_a_bad_address_is_a_page_that_says_why(loaded):
    client = firm.client()
    for query in BAD:
        answer = client.get(f"/pipeline/?{query}")
        assert answer.status_code == 400, query
        assert re.search(r'empty-title">[^<]{12,}', answer.content.decode()), query


def test_the_page_asks_the_database_little(loaded, django_assert_max_num_queries):
    client = firm.client()
    client.get("/pipeline/?status=all&size=250")
    with django_assert_max_num_queries(12):
        assert client.get("/pipeline/?status=all&size=250").status_code == 200


def test_the_facts_are_asked_for_one_page_and_one_total(loaded, monkeypatch):
    from salesops.facts.store import Facts

    client = firm.client()
    client.get("/pipeline/?status=won&size=25")
    asked = []

    def counting(execute):
        def counted(self, *args, **kwargs):
            table = execute(self, *args, **kwargs)
            asked.append(table.num_rows)
            return table

        return counted

    monkeypatch.setattr(Facts, "execute", counting(Facts.execute))
    monkeypatch.setattr(Facts, "execute_known", counting(Facts.execute_known))
    # One total, the ids of a page in order, and the rows of these ids.
    assert client.get("/pipeline/?status=all&size=25").status_code == 200
    assert sorted(asked) == [1, 25, 25]
    assert client.get("/pipeline/?status=all&size=25&page=2").status_code == 200
    assert sorted(asked) == [1, 25, 25, 25, 25]


def test_htmx_gets_the_part_and_the_address_to_show(loaded):
    client = firm.client()
    part = client.get(
        "/pipeline/?q=&stage=Proposal&owner=", headers={"HX-Request": "true", "HX-Target": "pipeline"}
    )
    assert b"<html" not in part.content
    assert part.content.lstrip().startswith(b'<div id="pipeline"')
    assert part["HX-Push-Url"] == "/pipeline/?status=all&stage=Proposal"
    assert "HX-Request" in part["Vary"]
    assert b"<html" in client.get("/pipeline/").content


def test_forms_without_scripts_lead_to_an_address(loaded):
    client = firm.client()
    added = client.get("/pipeline/?status=open&q=our&f_column=x_office&f_op=eq&f_value=Office+1")
    assert added["Location"] == "/pipeline/?q=our&status=open&filter=x_office%3Aeq%3AOffice+1"
    moved = client.get("/pipeline/?status=won&arranged=1&col=stage&col=amount&col=x_office&up=x_office")
    assert moved["Location"] == "/pipeline/?status=won&columns=name%2Cstage%2Cx_office%2Camount&panel=columns"
    page = client.get(moved["Location"]).content.decode()
    assert re.search(r'<dialog[^>]*id="columns"[^>]* open>', page)
    assert rows_of(client.get(moved["Location"]))[0][1] == "Closed Won"
    assert "x_office</" not in page


def test_without_data_the_first_page_asks_for_a_file(facts_home, db):
    answer = firm.client().get("/pipeline/")
    assert answer.status_code == 200
    assert b"Start with the file you have" in answer.content


texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=12)


@given(
    q=texts,
    stage=st.lists(texts, max_size=2),
    filters=st.lists(
        st.tuples(st.sampled_from(["amount", "x_y"]), st.sampled_from(["eq", "ge", "contains"]), texts), max_size=3
    ),
    page=st.integers(1, 900),
)  # fmt: skip
def test_an_address_survives_writing_and_reading(q, stage, filters, page):
    wanted = list_address.ListAddress(
        q=q.strip(),
        status="all",
        stage=tuple(dict.fromkeys(s.strip() for s in stage if s.strip())),
        filters=tuple(Filter(c, op, (v,)) for c, op, v in filters if v),
        page=page,
    )
    assert list_address.read(QueryDict(wanted.query())) == wanted


@given(texts)
def test_any_id_survives_an_address(key):
    converter = RecordKey()
    if key:
        part = converter.to_url(key)
        assert converter.to_python(part) == key
        assert not set(part) & set("/\\")
        assert part not in (".", "..")


def test_too_long_an_address_is_refused():
    with pytest.raises(AddressError, match="longer"):
        list_address.parse("q=" + "x" * 9000)
