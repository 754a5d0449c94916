"""Home, Numbers and the rows behind them, at the door: what a browser is answered."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from pytest_django.plugin import DjangoDbBlocker
from tests.doors.conftest import shared_home

from salesops.analytics import selectors
from salesops.analytics.selectors import Question
from salesops.analytics.tests.firm import PAGES, exported, import_deals, signed_in, sums, text
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.roles import Role

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folders() -> None:
    """The tests of this module share one home: see :func:`firm`."""


@pytest.fixture(scope="module")
def firm(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The deals, brought in once; what a test writes is undone after it."""
    home = tmp_path_factory.mktemp("home")
    with shared_home(home, django_db_blocker):
        import_deals(home)
        yield


def test_home_stands_at_the_quarter_of_the_data(firm: None) -> None:
    page = text(signed_in(), "/")
    assert "Q3 2026" in page
    assert "day 82 of 92" in page
    assert "7,500.50" in page  # 1000 + 2500.50 + 4000, in full in the tile's title
    assert "60.0%" in page  # 3 of 5
    assert "No quota is in force for this period" in page
    assert "the first 82 days of Q2 2026" in page
    whole = text(signed_in(name="other"), "/?period=all")
    assert "8,600.50" in whole


def test_home_says_what_a_number_waits_for_and_only_to_who_may_decide(firm: None) -> None:
    analyst = text(signed_in(), "/")
    assert "Name the currency" in analyst
    assert "Paste quotas" not in analyst  # entering quotas is not an analyst's
    assert "Paste quotas" in text(signed_in(Role.OPS_MANAGER), "/")
    assert "Name the currency" not in text(signed_in(Role.REP, "Ada North"), "/")


def test_home_begins_with_what_the_persona_does(firm: None) -> None:
    rep = text(signed_in(Role.REP, "Ada North"), "/")
    assert rep.index("Your open deals") < rep.index("Open deals by stage")
    firmwide = text(signed_in(Role.OPS_VP), "/")
    assert (
        firmwide.index("What changed")
        < firmwide.index("Open deals by stage")
        < firmwide.index("Deals that matter")
    )
    assert "The data behind this page" in firmwide
    assert "The data behind this page" not in rep


def test_deals_carry_why_they_matter(firm: None) -> None:
    page = text(signed_in(), "/")
    assert "Closes in 5 days" in page  # Spruce, Sep 25
    assert "Close date past" in page  # Ginkgo, Aug 30


def test_nobody_sees_the_other_teams_rows(firm: None) -> None:
    ada, bo = signed_in(Role.REP, "Ada North"), signed_in(Role.REP, "Bo South")
    hers, his = ("Alder", "Birch", "Elm", "Spruce", "Ivy"), ("Cedar", "Dogwood", "Ginkgo", "Hazel", "Juniper")
    addresses = [
        *PAGES,
        "/?period=all",
        "/?period=all&team=owner_name:Bo South",
        "/changes/?kind=created",
        "/numbers/?period=all",
        "/numbers/won_value/?period=all&by=owner_name&reported=1",
        "/numbers/won_deals/rows/?period=all",
        "/numbers/won_deals/rows/?period=all&by=owner_name&group=Bo South",
        "/numbers/won_deals/rows/?period=all&filter=owner_name:eq:Bo South",
        "/numbers/lost_deals/rows/?period=all",
    ]
    for address in addresses:
        for form in ("", "html", "xlsx") if address in PAGES else ("", "csv") if "rows" in address else ("",):
            mark = "&" if "?" in address else "?"
            where = f"{address}{mark}freeze={form}" if form else address
            for client, foreign in ((ada, his), (bo, hers)):
                answer = client.get(where)
                body = b"".join(answer.streaming_content) if answer.streaming else answer.content
                assert answer.status_code == 200, where
                if form == "xlsx":
                    book = zipfile.ZipFile(io.BytesIO(body))
                    body = b"".join(book.read(name) for name in book.namelist())
                # Whole words: a random token of a form may hold the letters of a short name.
                assert not [name for name in foreign if re.search(rb"\b%b\b" % name.encode(), body)], where
    assert "3,800.50" in text(ada, "/numbers/won_value/?period=all")
    assert "4,800" in text(bo, "/numbers/won_value/?period=all")
    kept = ["3,800.50" in text(bo, "/numbers/won_value/?period=all"), "8,600.50" in text(ada, "/?period=all")]
    assert kept == [False, False]


def test_an_account_that_stands_for_nobody_sees_nothing(firm: None) -> None:
    page = text(signed_in(Role.REP), "/?period=all")
    assert "Alder" not in page
    assert "no deals: this account stands for no person" in page


@pytest.mark.parametrize(
    "address, said",
    [
        ("/?period=soon", "is not a period"),
        ("/?as_of=yesterday", "Write the day as"),
        ("/?team=shoe:9", "no team"),
        ("/numbers/won_value/?by=shoe", "no dimension"),
        ("/numbers/won_value/?filter=stage", "is no filter"),
        ("/numbers/won_value/?filter=shoe:eq:9", "no column"),
        ("/numbers/won_value/?filter=amount:gt:many", "is not a"),
        ("/numbers/won_value/?filter=amount:between:1", "values expected"),
        ("/numbers/won_value/rows/?by=shoe&group=x", "no dimension"),
        ("/numbers/won_value/?f_column=stage&f_op=like&f_value=x", "no operator"),
        ("/?period=2026-Q3&freeze=pdf", "frozen as html, xlsx, csv"),
    ],
)
def test_an_address_that_cannot_be_met_says_so(firm: None, address: str, said: str) -> None:
    assert said in text(signed_in(), address, 400)


def test_what_there_is_not_is_not_found(firm: None) -> None:
    client = signed_in()
    for address in ("/numbers/shoe/", "/numbers/won_value/rows/?side=shoe", "/changes/?kind=shoe"):
        text(client, address, 404)


@pytest.mark.parametrize("part", range(4))
def test_every_number_has_its_page_and_its_rows(firm: None, part: int) -> None:
    client = signed_in()
    for kpi in selectors.catalogue()[part::4]:
        page = text(client, f"/numbers/{kpi.name}/?period=2026-Q3")
        assert kpi.sentence in page
        assert kpi.formula in page
        for side in kpi.sides:
            if side.rows:
                text(client, f"/numbers/{kpi.name}/rows/?period=2026-Q3&side={side.name}")


def test_rows_add_up_to_the_side_for_the_total_and_for_every_group(firm: None) -> None:
    client = signed_in()
    for name in (
        "won_value",
        "win_rate_count",
        "win_rate_value",
        "open_pipeline",
        "deals_created",
        "sales_cycle",
    ):
        for period in ("all", "2026-Q3"):
            answer = selectors.numbers(LOCAL_ADMINISTRATOR, [name], Question(period=period))
            for side, value in answer.values[0].sides.items():
                rows = exported(client, f"/numbers/{name}/rows/?period={period}&side={side}&freeze=csv")
                assert (sums(rows) if rows else 0) == (value or 0), (name, side)
            if period == "all" or name not in ("won_value", "win_rate_count", "open_pipeline"):
                continue
            for by in ("owner_name", "closed_quarter", "x_partner_tier"):
                split = selectors.numbers(LOCAL_ADMINISTRATOR, [name], Question(period=period, by=(by,)))
                for value in split.values:
                    group = value.group[by]
                    where = quote("∅" if group is None else group)
                    side = next(iter(value.sides))
                    rows = exported(
                        client,
                        f"/numbers/{name}/rows/?period={period}&side={side}&by={by}&group={where}&freeze=csv",
                    )
                    assert (sums(rows) if rows else 0) == (value.sides[side] or 0), (name, by, group)


def test_filters_hold_on_the_number_its_rows_and_its_files(firm: None) -> None:
    client = signed_in()
    where = "period=all&filter=owner_name:eq:Ada North&filter=amount:ge:1000"
    assert "3,500.50" in text(client, f"/numbers/won_value/?{where}")
    page = text(client, f"/numbers/won_value/rows/?{where}")
    assert "Alder" in page
    assert "Ivy" not in page
    assert "Cedar" not in page
    rows = exported(client, f"/numbers/won_value/rows/?{where}&freeze=csv")
    assert [row["Deal"] for row in rows] == ["Birch", "Alder"]
    added = client.get("/numbers/won_value/?period=all&f_column=owner_name&f_op=eq&f_value=Bo South")
    assert added.status_code == 302
    assert "4,800" in text(client, added["Location"])


def test_the_catalogue_finds_numbers_by_word(firm: None) -> None:
    client = signed_in()
    page = text(client, "/numbers/?q=win rate")
    assert "Win rate by value" in page
    assert "/numbers/lost_deals/" not in page
    assert "No number matches" in text(client, "/numbers/?q=zebra")


def test_a_frozen_page_needs_nothing_else_and_says_what_it_is(firm: None) -> None:
    client = signed_in()
    for address in ("/", "/numbers/", "/numbers/win_rate_count/", "/numbers/won_value/rows/"):
        answer = client.get(f"{address}?period=2026-Q3&freeze=html")
        assert "attachment" in answer["Content-Disposition"]
        page = answer.content.decode()
        assert not re.search(r"<(script|link|img|iframe|form|input|button)\b", page)
        assert not re.search(r"""(?:href|src|action)\s*=|url\((?!["']?data:)""", page)
        assert "default-src 'none'" in page
        assert "Sep 20, 2026" in page
        assert "Q3 2026" in page
        assert "Definitions" in page
        book = client.get(f"{address}?period=2026-Q3&freeze=xlsx")
        names = zipfile.ZipFile(io.BytesIO(b"".join(book.streaming_content))).read("xl/workbook.xml").decode()
        assert 'name="About"' in names
