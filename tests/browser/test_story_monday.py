"""A manager's Monday: will we make it, which deals decide it, an action by keyboard, done by the rep a day later."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Person, Server, shoot

pytestmark = pytest.mark.browser


def test_a_managers_monday(firm_server: Server, someone: Callable[..., Person]) -> None:
    manager = someone(firm_server, "sales_manager")
    page = manager.open("/")
    page.get_by_role("link", name="Monday", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"^Monday, Q\d 20\d\d$"))
    expect(page.locator("#answer")).to_have_text(re.compile(r"quota|won"))
    deciding = page.locator(".decider")
    assert 1 <= deciding.count() <= 5
    for text in deciding.locator(".decider-question").all_inner_texts():
        assert "?" in text
    shoot(page, "monday")

    name = deciding.first.locator(".decider-name").inner_text()
    deciding.first.get_by_role("link", name="Note an action").click()
    expect(page.locator("#new-action")).to_contain_text(f"About {name}")
    page.locator("h1").click()
    page.keyboard.press("a")
    expect(page.get_by_label("What", exact=True)).to_be_focused()
    page.keyboard.type("Ask the buyer for a date")
    page.get_by_label("Who").select_option(firm_server.known["people"]["rep"])
    page.get_by_label("What", exact=True).press("Enter")
    noted = page.locator(".item").filter(has_text="Ask the buyer for a date")
    expect(noted).to_be_visible()
    expect(noted.get_by_role("link", name=name)).to_be_visible()
    shoot(page, "monday-action")

    rep = someone(firm_server, "rep", width=390)
    mine = rep.open("/monday/")
    expect(mine.get_by_role("heading", level=1)).to_have_text(re.compile("^Your week"))
    item = mine.locator(".item").filter(has_text="Ask the buyer for a date")
    expect(item).to_be_visible()
    assert mine.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shoot(mine, "monday-rep-phone")
    item.get_by_role("button", name="Done: Ask the buyer for a date").click()
    expect(mine.locator(".item").filter(has_text="Ask the buyer for a date")).to_contain_text("Done")

    page.reload()
    expect(page.locator(".item").filter(has_text="Ask the buyer for a date")).to_contain_text("Done")
    page.get_by_role("button", name="Meeting held").click()
    expect(page.get_by_text("The next meeting tells what changes")).to_be_visible()


def test_a_one_to_one_is_the_page_the_rep_sees(firm_server: Server, someone: Callable[..., Person]) -> None:
    person = firm_server.known["people"]["rep"]
    manager, rep = someone(firm_server, "sales_manager"), someone(firm_server, "rep")
    theirs, mine = manager.open(f"/monday/with/{person}/"), rep.open("/monday/")
    expect(theirs.get_by_role("heading", level=1)).to_have_text(re.compile("^One-to-one with "))
    assert theirs.locator("#answer").inner_text() == mine.locator("#answer").inner_text()
    assert (
        theirs.locator(".decider-name").all_inner_texts() == mine.locator(".decider-name").all_inner_texts()
    )
