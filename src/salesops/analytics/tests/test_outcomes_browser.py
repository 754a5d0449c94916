"""The outcomes in a real browser: from Numbers to the page, compared another way, at phone width."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from salesops.analytics.tests import test_outcomes
from salesops.analytics.tests.test_waterfall_browser import shot, signed_in
from salesops.org import selectors as org

SLOW = 120_000
"""Milliseconds that a page may take which compiles its queries for the first time on a busy machine."""
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_outcomes_are_compared_two_ways_and_fit_a_phone(live_server: Any, browser: Browser) -> None:
    test_outcomes.load()
    try:
        said: list[str] = []
        page = signed_in(browser, live_server, viewport={"width": 1440, "height": 900}).new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto("/outcomes/", timeout=SLOW)
        expect(page.get_by_role("link", name="Numbers", exact=True).last).to_be_visible()
        expect(page.locator("#reading")).to_contain_text("better than in Q3 2025, read on Aug 20, 2025")
        shot(page, "outcomes-desktop")
        page.select_option("#against", "period")
        expect(page).to_have_url(re.compile(r"against=period"), timeout=SLOW)
        expect(page.locator("#reading")).to_contain_text("better than in Q2 2026")
        page.get_by_role("link", name="Sales cycle (won, median)").click()
        expect(page).to_have_url(re.compile(r"/numbers/sales_cycle_median/\?.*period=2026-Q3"), timeout=SLOW)
        assert not said
        phone = signed_in(browser, live_server, viewport={"width": 390, "height": 844}).new_page()
        phone.goto("/outcomes/", timeout=SLOW)
        expect(phone.locator("#reading")).to_be_visible()
        assert phone.evaluate("document.documentElement.scrollWidth") == 390
        shot(phone, "outcomes-phone")
    finally:
        org._people_in_facts.cache_clear()
