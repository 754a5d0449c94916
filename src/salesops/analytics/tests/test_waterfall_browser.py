"""The waterfall in a real browser: from Pipeline to the deals of a bar, as a table, at phone width, accessible."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from salesops.analytics.tests import pipeline_firm, waterfall_firm
from salesops.org import selectors as org

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOTS = os.environ.get("SALESOPS_SCREENSHOTS", "")
"""Folder that pictures of the pages go to, for people to look at; none where it is not set."""


def signed_in(browser: Browser, live_server: Any, **options: Any) -> BrowserContext:
    context = browser.new_context(base_url=live_server.url, **options)
    session = pipeline_firm.client().cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return context


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


def test_from_the_pipeline_to_the_deals_of_a_bar(live_server: Any, browser: Browser) -> None:
    waterfall_firm.load()
    try:
        said: list[str] = []
        page = signed_in(browser, live_server, viewport={"width": 1440, "height": 900}).new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto("/pipeline/")
        page.get_by_role("link", name="Waterfall", exact=True).first.click()
        expect(page).to_have_url(re.compile(r"/waterfall/$"))
        figure = page.locator("#waterfall")
        expect(figure.locator(".chart-reading")).to_contain_text(
            "went from $5,820 at the end of Mar 31, 2026"
        )
        shot(page, "waterfall-desktop")
        figure.get_by_role("button", name=re.compile("as a table")).click()
        expect(figure.get_by_role("cell", name="-$1,990")).to_be_visible()
        page.select_option("#wf-close", "2026-Q2")
        page.get_by_role("button", name="Show", exact=True).click()
        expect(page).to_have_url(re.compile(r"close=2026-Q2"))
        figure.get_by_role("link", name="Pulled in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Waterfall: pulled in")
        expect(page.get_by_role("link", name="Kapok")).to_be_visible()
        shot(page, "waterfall-deals-desktop")
        page.get_by_role("link", name="Kapok").click()
        expect(page).to_have_url(re.compile(r"/pipeline/D11/"))
        assert said == []
        for width, theme in ((390, "light"), (1440, "dark")):
            context = signed_in(
                browser, live_server, viewport={"width": width, "height": 900}, bypass_csp=True
            )
            context.add_init_script(f"localStorage.setItem('salesops-theme', '{theme}')")
            phone = context.new_page()
            for address in ("/waterfall/?close=2026-Q2", "/waterfall/opening/", "/waterfall/?from=x"):
                phone.goto(address)
                wide = phone.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                assert wide <= 0, (address, width)
                found = Axe().run(phone).response["violations"]
                assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], (address, width, theme)
                shot(phone, f"waterfall-{width}-{theme}-{address.partition('?')[2] or 'deals'}")
    finally:
        org._people_in_facts.cache_clear()
