"""Tags, tables, navigation, error and account pages, drawn through Django."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import Client, RequestFactory

from salesops.ui import icons, navigation, shell
from salesops.ui.components import Tile
from salesops.ui.formats import Unit
from salesops.ui.tables import Column, Table, sort_key

pytestmark = pytest.mark.urls("salesops.ui.tests.urls")
USER = SimpleNamespace(is_authenticated=True, name="rep")


def draw(source: str, path: str = "/list/", **context: object) -> str:
    request = RequestFactory().get(path)
    return Template("{% load ui %}" + source).render(Context({"request": request, **context}))


@pytest.fixture
def menu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(navigation, "_pages", {})
    monkeypatch.setattr(navigation, "_hidden", [])
    return


def test_undefined_says_why_to_screen_readers() -> None:
    drawn = draw('{% money None "USD" reason=why %}', why="no amount <given>")
    assert "—" in drawn
    assert "Undefined: no amount &lt;given&gt;" in drawn
    assert "0" not in re.sub(r"<[^>]*>", "", drawn)


def test_compact_money_carries_the_exact_value() -> None:
    drawn = draw('{% money value "USD" "compact" %}', value=Decimal("8420113.50"))
    assert 'title="$8,420,113.50"' in drawn
    assert ">$8.42M<" in drawn


def test_query_string_keeps_filters() -> None:
    drawn = draw('{% query_string "page" sort="-amount" %}', path="/list/?stage=a&stage=b&page=3&q=x%26y")
    assert drawn == "?stage=a&amp;stage=b&amp;q=x%26y&amp;sort=-amount"
    assert draw('{% query_string q="" %}', path="/list/?q=1") == "?"


def test_a_tile_without_a_value_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        Tile("Win rate", None)
    drawn = draw("{% kpi_tile tile %}", tile=Tile("Win rate", None, Unit("ratio"), reason="No deal closed."))
    assert "No deal closed." in drawn
    assert "%" not in re.sub(r"<[^>]*>", "", drawn)


def make_table(amounts: list[Decimal | None], **options: object) -> Table:
    rows = [
        {"name": f"<Deal {n}>", "amount": amount, "on": date(2017, 3, n + 1)}
        for n, amount in enumerate(amounts)
    ]
    columns = [
        Column("name", "Deal", "lead", sort="name"),
        Column("amount", "Amount", "money", sort="amount", currency="USD", reason="open deal"),
        Column("on", "Close", "day"),
    ]
    return Table("Deals", columns, rows, **options)  # type: ignore[arg-type]


def test_table_cells_links_sort_and_reasons() -> None:
    table = make_table([Decimal("10.50"), None], sort="-amount", row_href=lambda row: "/deal/")
    drawn = draw("{% data_table table %}", path="/list/?stage=won&page=2", table=table)
    assert "&lt;Deal 0&gt;" in drawn
    assert 'href="/deal/"' in drawn
    assert "$10.50" in drawn
    assert "Undefined: open deal" in drawn
    assert 'aria-sort="descending"' in drawn
    assert 'href="/list/?stage=won&amp;sort=name"' in drawn  # filters kept, page dropped
    assert 'href="/list/?stage=won&amp;sort=amount"' in drawn  # turned round
    assert '<time datetime="2017-03-01">Mar 1, 2017</time>' in drawn


def test_a_money_column_decides_about_cents_once() -> None:
    drawn = draw("{% data_table table %}", table=make_table([Decimal("10.50"), Decimal("1240000.00")]))
    assert ">$11<" in drawn
    assert 'title="$10.50"' in drawn
    assert "$1,240,000<" in drawn


def test_pages_keep_filters_and_empty_tables_say_so() -> None:
    page = Paginator(range(100), 10).get_page(3)
    drawn = draw(
        "{% data_table table %}", path="/list/?q=x&page=3", table=make_table([Decimal(1)], page=page)
    )
    assert 'href="/list/?q=x&amp;page=4"' in drawn
    assert '<span aria-current="page">3</span>' in drawn
    assert "21–30 of 100" in drawn
    assert "Nothing to show" in draw("{% data_table table %}", table=make_table([]))


def test_sort_key_allows_only_known_columns() -> None:
    assert sort_key("-amount", ["amount"], "name") == "-amount"
    assert sort_key("password", ["amount"], "name") == "name"


def test_chart_card_carries_its_table(client: Client, db: None) -> None:
    page = client.get("/gallery/").content.decode()
    figure = page[page.index('id="by-team"') : page.index("</figure>", page.index('id="by-team"'))]
    button = re.search(r"<button[^>]*data-view-toggle[^>]*>", figure)
    assert button is not None
    assert 'aria-controls="by-team-table"' in button.group()
    assert 'aria-pressed="false"' in button.group()
    table = figure[figure.index('id="by-team-table"') :]
    assert "hidden" in table[:80]
    cells = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", table)
    assert cells[:10] == ["Team", "Closed", "Commit", "Best case", "Quota",
                          "Enterprise", "$3,100,000", "$1,800,000", "$700,000", "$6,000,000"]  # fmt: skip
    assert len(cells) == 25


def test_the_shell_has_no_inline_script_or_style(client: Client, db: None) -> None:
    page = client.get("/gallery/?toast=1").content.decode()
    # Data for a script is no script: no browser runs it, and the content security policy lets it pass.
    assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", page)
    assert "<style" not in page
    assert not re.findall(r"\s(style|on\w+)=\"", page)
    assert '"allowEval":false' in page
    assert "Row 14 of deals.csv was not read" in page


def test_icons_used_are_listed() -> None:
    used = set()
    for path in icons.ROOM.rglob("*.html"):
        used |= set(re.findall(r'{% icon "([a-z0-9-]+)"', path.read_text(encoding="utf-8")))
    assert used
    assert used <= icons.listed()
    with pytest.raises(icons.UnknownIcon):
        icons.draw("no-such-icon")


def test_sections_show_only_what_a_user_may_open(menu: None) -> None:
    navigation.register("home", "home", "Home", "one", "house")
    navigation.register("pay", "pay", "Pay", "two", "wallet", permission=lambda user: user.name == "admin")
    assert [group.key for group in navigation.build(USER).groups] == ["home"]
    admin = SimpleNamespace(is_authenticated=True, name="admin")
    assert [group.key for group in navigation.build(admin).groups] == ["home", "pay"]
    navigation.hide_sections(lambda user: ["pay"])
    assert [group.key for group in navigation.build(admin).groups] == ["home"]


def test_a_page_moves_to_its_fallback_while_its_section_is_empty(menu: None) -> None:
    navigation.register("home", "home", "Home", "one", "house", order=5)
    navigation.register("operations", "data", "Data", "two", "database", order=1, fallback="home")
    (home,) = navigation.build(USER).groups
    assert [entry.key for entry in home.entries] == ["home", "data"]
    navigation.register("operations", "jobs", "Jobs", "three", "activity")
    assert [group.key for group in navigation.build(USER).groups] == ["home", "operations"]


def test_tabs_and_current_page(menu: None) -> None:
    navigation.register("pipeline", "deals", "Deals", "one", "funnel", also=["deal"])
    navigation.register("pipeline", "numbers", "Numbers", "two", "chart-column", tab_of="deals")
    built = navigation.build(USER, "two")
    assert [(tab.key, tab.current) for tab in built.tabs] == [("deals", False), ("numbers", True)]
    assert [entry.key for entry in built.groups[0].entries] == ["deals"]
    assert built.groups[0].entries[0].current
    assert navigation.build(USER, "deal").groups[0].entries[0].current


def test_registering_twice_is_harmless_and_clashes_are_errors(menu: None) -> None:
    navigation.register("home", "home", "Home", "one", "house")
    navigation.register("home", "home", "Home", "one", "house")
    with pytest.raises(navigation.NavigationError):
        navigation.register("home", "home", "Other", "two", "house")
    with pytest.raises(navigation.NavigationError):  # what the first one said would be lost
        navigation.register("home", "home", "Home", "one", "house", also=["detail"])
    with pytest.raises(navigation.NavigationError):
        navigation.register("nowhere", "x", "X", "one", "house")


def test_data_age_in_words() -> None:
    assert shell.DataAge(date(2017, 12, 31), date(2017, 12, 31)).words == "today"
    old = shell.DataAge(date(2017, 12, 31), date(2026, 11, 21))
    assert old.stale
    assert old.words == "8.9 years old"
    assert not shell.DataAge(date(2017, 12, 31), date(2018, 1, 2)).stale


@pytest.mark.parametrize(
    "code, text",
    [(400, "cannot be read"), (403, "may not see"), (404, "nothing here"), (500, "went wrong")],
)
def test_error_pages(code: int, text: str, settings, db: None) -> None:  # type: ignore[no-untyped-def]
    settings.DEBUG = False
    answer = Client(raise_request_exception=False).get(f"/fail/{code}/")
    assert answer.status_code == code
    assert text in answer.content.decode()


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/"])
def test_account_pages_wear_the_house_look(path: str, client: Client, db: None) -> None:
    page = client.get(path).content.decode()
    assert 'class="entrance"' in page
    assert "csrfmiddlewaretoken" in page
    # Data for a script is no script: no browser runs it, and the content security policy lets it pass.
    assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", page)
