"""A VP's business review: a dashboard to share, a question in words, the review as page and files, a finding that
somebody else settles; and a rep who sees the same dashboard over his own rows."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person, Server, shoot

pytestmark = pytest.mark.browser


def money(text: str) -> Decimal:
    """A figure as a title tells it in full."""
    return Decimal(re.sub(r"[^\d.\-]", "", text.replace("−", "-")))


def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_a_vps_business_review(firm_server: Server, someone: Callable[..., Person]) -> None:
    vp = someone(firm_server, "ops_vp")
    page = vp.open("/dashboards/")
    page.get_by_role("row").filter(has_text="Leader").get_by_role("button", name="Copy").click()
    page.get_by_label("Name", exact=True).fill("Review board")
    page.get_by_label("Rep", exact=True).check()
    page.get_by_role("button", name="Record", exact=True).click()
    page.goto(page.url.split("edit/")[0])
    expect(page.get_by_role("heading", level=1)).to_contain_text("Review board")
    tiles = page.locator(".board-tile")
    assert tiles.count() == 12
    assert all(text.endswith(".") for text in page.locator(".chart-reading").all_inner_texts())
    won = tiles.locator("a.tile-value").first
    shoot(page, "review-dashboard")
    board, whole, rows = page.url, won.get_attribute("title") or won.inner_text(), won.get_attribute("href")

    page.locator("h1").click()
    page.keyboard.press("/")
    page.keyboard.type("win rate by team last quarter vs the quarter before")
    page.keyboard.press("Enter")
    understood = page.get_by_label("What was understood")
    expect(understood).to_contain_text("Win rate")
    expect(understood).to_contain_text("Against Q")
    answered = page.locator("#value-title").locator("xpath=ancestor::section").locator(".tile-value")
    said, exactly = answered.inner_text(), answered.get_attribute("title")
    before = page.locator("p").filter(has=page.locator(".pill")).get_by_role("link").last
    earlier, earlier_page = before.inner_text(), before.get_attribute("href")
    teams = page.locator("#split-title").locator("xpath=ancestor::section").locator("tbody tr")
    groups = teams.evaluate_all("rows => rows.map(row => [row.cells[0].innerText, row.cells[1].innerText])")
    assert len(groups) > 1
    shoot(page, "review-ask")
    page.get_by_role("link", name="Open the number").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Win rate")
    expect(page.locator(".tile-value").first).to_have_text(said)
    assert page.locator(".tile-value").first.get_attribute("title") == exactly
    for name, value in groups:
        row = page.get_by_role("row").filter(has=page.get_by_text(name, exact=True)).first
        expect(row).to_contain_text(value)
    assert earlier_page is not None
    page.goto(f"{firm_server.url}{earlier_page}")
    assert page.locator(".tile-value").first.get_attribute("title") == earlier

    page.goto(f"{firm_server.url}/business-review/", timeout=120_000)  # patience with a slow machine
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"^Business review, Q\d 20\d\d$"))
    sections = page.locator("section.card h2").all_inner_texts()
    assert {"Attainment", "Wins and losses", "Actions", "Findings"} <= set(sections)
    shoot(page, "review-page")
    pdf = vp.get(f"/business-review/{page.get_by_role('link', name='PDF').get_attribute('href')}")
    assert pdf.status == 200
    assert pdf.body().startswith(b"%PDF")
    book = vp.get("/business-review/?freeze=xlsx")
    assert book.status == 200
    assert book.body().startswith(b"PK")

    page.goto(f"{firm_server.url}/numbers/win_rate_count/?period=quarter")
    page.locator("summary").filter(has_text="Freeze").click()
    page.get_by_role("link", name="Write a finding").click()
    page.get_by_label("Title").fill("Late discounts lose deals")
    page.get_by_label("What it says").fill("Deals discounted after the proposal are lost more often.")
    page.get_by_label("What will be done").fill("Try fixed offers in one team")
    owner = page.get_by_label("Who does it")
    owner.select_option(label=re.search(r"the-sales-manager \([^)]*\)", owner.inner_text()).group(0))  # type: ignore[union-attr]
    page.get_by_label("By", exact=True).fill("2030-01-31")
    page.get_by_label("Readers").select_option(
        label=re.search(r"the-rep \([^)]*\)", page.get_by_label("Readers").inner_text()).group(0)  # type: ignore[union-attr]
    )
    page.get_by_role("button", name="Write it down").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Late discounts")
    finding = page.url

    manager = someone(firm_server, "sales_manager").open("/findings/")
    manager.get_by_role("link", name="Late discounts lose deals").click()
    manager.get_by_label("Result").fill("Two teams follow")
    manager.get_by_role("button", name="Done").click()
    expect(manager.locator("body")).to_contain_text("Two teams follow")

    rep = someone(firm_server, "rep", width=390)
    mine = rep.open(board.replace(firm_server.url, ""))
    expect(mine.get_by_role("heading", level=1)).to_contain_text("Review board")
    assert fits(mine)
    own = mine.locator(".board-tile a.tile-value").first
    if own.count():
        assert money(own.get_attribute("title") or own.inner_text()) < money(whole)
    shoot(mine, "review-dashboard-rep-phone")
    assert rows is not None
    assert rep.get(board.replace(firm_server.url, "") + "edit/").status in (403, 404)

    told = rep.open(finding.replace(firm_server.url, ""))
    expect(told.locator("body")).to_contain_text("Late discounts lose deals")
    told.get_by_role("button", name="I have taken note").click()
    page.goto(finding)
    expect(page.locator("body")).to_contain_text("Took note")
    assert someone(firm_server, "ops_analyst").get(board.replace(firm_server.url, "")).status == 404


def test_an_assistant_asks_over_http(firm_server: Server) -> None:
    """The package's own client against the running server: what REST tells the same token."""
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    bearer = {"Authorization": f"Bearer {firm_server.known['tokens']['rep']}"}

    async def talk(mode: str) -> tuple[list[str], object, str]:
        async with (
            httpx2.AsyncClient(headers=bearer, timeout=120, trust_env=False) as http,
            Client(
                streamable_http_client(f"{firm_server.url}/mcp", http_client=http), mode=mode
            ) as assistant,
        ):
            tools = [tool.name for tool in (await assistant.list_tools()).tools]
            told = await assistant.call_tool("metric", {"name": "won_value", "period": "all"})
            refused = await assistant.call_tool("query", {"table": "nothing"})
            return tools, told.structured_content["value"], refused.content[0].text

    asked = urllib.request.Request(f"{firm_server.url}/api/v1/kpis/won_value?period=all", headers=bearer)
    with urllib.request.urlopen(asked, timeout=120) as answer:
        value = json.load(answer)["value"]
    for mode in ("legacy", "auto"):  # both generations of the protocol
        with ThreadPoolExecutor(1) as own:  # playwright has a loop in this thread
            tools, told, refusal = own.submit(lambda mode=mode: asyncio.run(talk(mode))).result()
        assert {"describe_schema", "query", "metric", "explain", "ask"} == set(tools)
        assert told == value
        assert "There is no table 'nothing'" in refusal
