"""Pipeline in a real browser under the shell's own policy: filters without a new page, phone width, axe."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, expect

from salesops.analytics.tests import pipeline_firm as firm
from salesops.org import selectors as org

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESSES = ("/pipeline/?flag=any", "/pipeline/D000/", "/accounts/", "/account/A3/", "/pipeline/?page=x")


def signed_in(browser: Browser, live_server: Any, **options: Any) -> BrowserContext:
    context = browser.new_context(base_url=live_server.url, **options)
    session = firm.client().cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    return context


def test_the_list_filters_in_place_fits_a_phone_and_is_accessible(live_server: Any, browser: Browser) -> None:
    firm.load()
    try:
        said: list[str] = []
        page = signed_in(browser, live_server, viewport={"width": 1440, "height": 900}).new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto("/pipeline/")
        page.evaluate("document.documentElement.dataset.kept = '1'")
        page.select_option("select[name=stage]", "Proposal")
        expect(page).to_have_url(re.compile(r"\?status=open&stage=Proposal$"))
        page.get_by_role("link", name="Owner", exact=True).click()
        expect(page).to_have_url(re.compile(r"stage=Proposal&sort=owner_name"))
        page.get_by_role("link", name=re.compile("Take away: Stage")).click()
        expect(page).to_have_url(re.compile(r"\?status=open&sort=owner_name$"))
        assert page.evaluate("document.documentElement.dataset.kept") == "1"
        page.get_by_role("link", name="Columns").click()
        dialog = page.get_by_role("dialog", name="Columns")
        expect(dialog).to_be_visible()
        dialog.get_by_role("button", name="Move Owner up").click()
        dialog.get_by_role("button", name="Show these columns").click()
        expect(page).to_have_url(re.compile(r"columns=name%2Cowner_name%2Caccount_name"))
        assert said == []
        for width, theme in ((390, "light"), (1440, "dark")):
            context = signed_in(
                browser, live_server, viewport={"width": width, "height": 900}, bypass_csp=True
            )
            context.add_init_script(f"localStorage.setItem('salesops-theme', '{theme}')")
            phone = context.new_page()
            for address in ADDRESSES:
                phone.goto(address)
                wide = phone.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                assert wide <= 0, (address, width)
                found = Axe().run(phone).response["violations"]
                assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], (address, width, theme)
        quiet = signed_in(browser, live_server, java_script_enabled=False).new_page()
        quiet.goto("/pipeline/")
        quiet.get_by_role("link", name="Columns").click()
        quiet.get_by_role("button", name="Move Owner up").click()
        expect(quiet).to_have_url(re.compile(r"columns=name%2Cowner_name%2Caccount_name.*panel=columns"))
    finally:
        org._people_in_facts.cache_clear()
