"""Defining a number in a real browser: the check answers while one types, then the number stands with the others."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, expect

from salesops.analytics.tests import firm
from salesops.org import selectors as org

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def signed_in(browser: Browser, live_server: Any, session: str, **options: Any) -> BrowserContext:
    context = browser.new_context(base_url=live_server.url, **options)
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return context


def test_an_analyst_defines_a_number_and_finds_it_with_the_others(
    live_server: Any, browser: Browser, tmp_path: Path
) -> None:
    firm.import_deals(tmp_path)
    shots = Path(os.environ.get("SALESOPS_SHOTS") or tmp_path)
    try:
        session = firm.signed_in().cookies["sessionid"].value
        said: list[str] = []
        page = signed_in(browser, live_server, session, viewport={"width": 1440, "height": 900}).new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto("/numbers/")
        page.get_by_role("link", name="Your own").click()
        page.get_by_role("link", name="Define a number").first.click()
        page.get_by_label("Title").fill("Gold won")
        page.get_by_label("Name", exact=True).fill("gold_won")
        page.get_by_label("Measure").select_option("sum")
        page.locator("[name=of]").fill("amuont")
        trial = page.locator("#trial")
        expect(trial).to_contain_text("There is no field 'amuont'. Did you mean amount?")
        page.locator("[name=of]").fill("amount")
        page.locator("[name=rule]").fill("x_partner_tier <> 'Silver' and stage_class = 'won'")
        expect(trial).to_contain_text("3,500.50")
        expect(trial).to_contain_text("2 deals")
        expect(trial).to_contain_text("where partner tier is not")
        expect(trial).to_contain_text("To keep them, add: or x_partner_tier is null")
        page.screenshot(path=shots / "own_number.png", full_page=True)
        page.get_by_role("button", name="Record").click()
        expect(page).to_have_url(re.compile(r"/numbers/gold_won/"))
        expect(page.locator("main")).to_contain_text("3,500.50")
        page.goto("/numbers/gold_won/rows/?period=2026-Q3")
        expect(page.locator("main")).to_contain_text("Alder")
        expect(page.locator("main")).not_to_contain_text("Cedar")
        page.goto("/numbers/?period=2026-Q3")
        expect(page.get_by_role("region", name="Your own numbers")).to_contain_text("3,500.50")
        page.screenshot(path=shots / "numbers.png", full_page=True)
        assert said == []
        for width, theme in ((390, "light"), (1440, "dark")):
            context = signed_in(
                browser, live_server, session, viewport={"width": width, "height": 900}, bypass_csp=True
            )
            context.add_init_script(f"localStorage.setItem('salesops-theme', '{theme}')")
            other = context.new_page()
            for address in ("/own-numbers/", "/own-numbers/gold_won/"):
                other.goto(address)
                wide = other.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                assert wide <= 0, f"{address} is {wide} px too wide at {width}"
                found = Axe().run(other)
                assert found.violations_count == 0, found.generate_report()
                other.screenshot(
                    path=shots / f"{address.strip('/').replace('/', '_')}_{width}.png", full_page=True
                )
            context.close()
    finally:
        org._people_in_facts.cache_clear()
