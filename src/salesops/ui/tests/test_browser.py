"""The shell in a real browser, under its own policy: keyboard, theme, drawer, table toggle, axe."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.urls("salesops.ui.tests.urls"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def said() -> list[str]:
    """What the browser wrote to its console."""
    return []


def open_page(browser: Browser, said: list[str], **options: Any) -> Page:
    page = browser.new_context(**options).new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("requestfailed", lambda request: said.append(request.url))
    page.on("response", lambda answer: said.append(answer.url) if answer.status >= 400 else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return page


def test_table_toggle_swaps_chart_and_table(live_server: Any, browser: Browser, said: list[str]) -> None:
    page = open_page(browser, said)
    page.goto(f"{live_server.url}/gallery/")
    button, table = page.locator("#by-team [data-view-toggle]"), page.locator("#by-team-table")
    drawing = page.locator("#by-team [data-view=chart]")
    expect(table).to_be_hidden()
    button.press("Enter")
    expect(table).to_be_visible()
    expect(drawing).to_be_hidden()
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(table).to_be_hidden()
    expect(drawing).to_be_visible()
    assert said == []


def test_keyboard_theme_and_sorting(live_server: Any, browser: Browser, said: list[str]) -> None:
    page = open_page(browser, said, color_scheme="light")
    page.goto(f"{live_server.url}/gallery/")
    page.locator("body").press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.locator("[data-theme-toggle]").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator("#deals").get_by_role("link", name="Amount").click()
    expect(page).to_have_url(re.compile("sort=amount"))
    expect(page.locator("#deals th[aria-sort=ascending]")).to_have_count(1)
    assert said == []


def test_phone_menu_opens_holds_focus_and_closes(live_server: Any, browser: Browser, said: list[str]) -> None:
    page = open_page(browser, said, viewport={"width": 390, "height": 844})
    page.goto(f"{live_server.url}/gallery/")
    page.locator("[data-nav-toggle]").click()
    expect(page.locator("[data-nav-close]")).to_be_focused()
    expect(page.locator("[data-behind-nav]")).to_have_attribute("inert", "")
    page.keyboard.press("Escape")
    expect(page.locator("[data-nav-toggle]")).to_be_focused()
    assert said == []


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_overflows(
    live_server, browser: Browser, width: int, scheme: str
) -> None:
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    page = browser.new_context(**options).new_page()
    for path in ("/gallery/?toast=1", "/accounts/login/", "/fail/404/"):
        page.goto(f"{live_server.url}{path}")
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
