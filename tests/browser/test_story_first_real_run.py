"""The first real run, as people see it: the public export's known figures on every page and in every file."""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, shoot
from tests.browser.test_story_excel_report import figures, value_card

pytestmark = pytest.mark.browser


def test_home_and_numbers_say_what_is_known(maven_server: Server, someone: Any) -> None:
    page = someone(maven_server, "ops_analyst").open("/?period=all")
    assert figures(page, "Won") in ("10M", "$10M", "10.0M", "10.01M", "$10.01M")
    assert page.locator(".tile-value[title*='10,005,534']").count() == 1
    assert figures(page, "Win rate") == "63.2%"  # 63.15 %, to the page's one place
    assert figures(page, "Open deals") == "2,089"
    tile = page.locator(".tile", has=page.locator(".tile-head", has_text="Open pipeline"))
    expect(tile.locator(".tile-head > span").first).to_have_text("Open pipeline, at list price")
    expect(tile).to_contain_text("estimate")
    shoot(page, "story-maven-home")
    for name, wanted in (
        ("deals_created", "8,800"), ("won_deals", "4,238"), ("lost_deals", "2,473"), ("won_value", "10,005,534"),
        ("open_deals", "2,089"), ("win_rate_count", "63.15"),
    ):  # fmt: skip
        page.goto(f"{maven_server.url}/numbers/{name}/?period=all")
        value = value_card(page)
        if name == "win_rate_count":
            expect(value).to_contain_text("4,238")
            expect(value).to_contain_text("6,711")
        expect(value).to_contain_text(wanted)
    shoot(page, "story-maven-win-rate")
    page.goto(f"{maven_server.url}/numbers/open_pipeline/?period=all")
    value = value_card(page)
    expect(value).to_contain_text(re.compile("no open deal has an amount", re.IGNORECASE))
    expect(value).to_contain_text("estimate")
    shoot(page, "story-maven-open-pipeline")


def test_pipeline_and_its_file_hold_every_deal(maven_server: Server, someone: Any) -> None:
    person = someone(maven_server, "ops_analyst")
    page = person.open("/pipeline/?status=all")
    expect(page.locator("main")).to_contain_text("8,800")
    shoot(page, "story-maven-pipeline")
    with page.expect_download() as download:
        page.locator("summary", has_text="Export").click()
        page.get_by_role("link", name=re.compile("^CSV")).click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 8_800
    by_stage: dict[str, int] = {}
    for row in rows:
        by_stage[row["Stage"]] = by_stage.get(row["Stage"], 0) + 1
    assert by_stage == {"Won": 4_238, "Lost": 2_473, "Engaging": 1_589, "Prospecting": 500}
    won = [row for row in rows if row["Stage"] == "Won"]
    amount = next(name for name in won[0] if name.startswith("Amount"))
    assert sum(Decimal(row[amount]) for row in won) == 10_005_534
    assert sum(not row["Account"] for row in rows) == 1_425


def test_a_misspelt_product_is_repaired_by_one_click_and_undone(maven_server: Server, someone: Any) -> None:
    page = someone(maven_server, "ops_analyst").open("/data/faults/")
    unknown = page.locator("#faults-list tr", has_text="DQ20")
    expect(unknown.locator("[data-label='At fault']")).to_have_text("1,480")
    expect(page.locator("#faults-list tr", has_text="DQ40").locator("[data-label='At fault']")).to_have_text(
        "1,425"
    )
    shoot(page, "story-maven-faults")
    page.get_by_role("button", name="Repair GTXPro: read it as GTX Pro").click()
    expect(page.locator("#toasts")).to_contain_text("1,480 → 0")
    expect(unknown).to_have_count(0)
    shoot(page, "story-maven-repaired")
    page.goto(f"{maven_server.url}/numbers/won_deals/?period=all&by=product_name")
    table = page.locator("#groups")
    expect(table).to_contain_text("GTX Pro")
    expect(table).not_to_contain_text("GTXPro")
    page.goto(f"{maven_server.url}/data/faults/")
    page.get_by_role("button", name=re.compile("^Undo: read GTXPro")).click()
    expect(unknown.locator("[data-label='At fault']")).to_have_text("1,480")


def test_the_hierarchy_splits_the_firm(maven_server: Server, someone: Any) -> None:
    page = someone(maven_server, "ops_vp").open("/numbers/won_value/?period=all&by=region")
    expect(page.locator("#groups tbody tr")).to_have_count(3)
    page.goto(f"{maven_server.url}/numbers/won_value/?period=all&by=manager_name")
    expect(page.locator("#groups tbody tr")).to_have_count(6)
    said = page.locator("#groups tbody td:nth-child(2)").all_inner_texts()
    assert sum(Decimal(re.sub(r"[^\d.]", "", cell)) for cell in said) == 10_005_534


# --- Undefined and bad input ----------------------------------------------------------------------


def test_an_empty_period_gives_a_reason_and_no_zero(maven_server: Server, someone: Any) -> None:
    page = someone(maven_server, "ops_analyst").open("/numbers/win_rate_count/?period=2019-Q1")
    value = value_card(page)
    expect(value.locator(".undefined")).to_be_visible()
    expect(value).to_contain_text(re.compile("no deal was won or lost", re.IGNORECASE))
    assert "0%" not in value.inner_text()
    shoot(page, "story-undefined-number")
    page.goto(f"{maven_server.url}/?period=2019-Q1")
    head = page.locator(".tile-head > span:first-child", has_text="Win rate")
    expect(page.locator(".tile", has=head)).to_contain_text(re.compile("no deal", re.IGNORECASE))
    shoot(page, "story-undefined-home")


@pytest.mark.parametrize(
    "path, status, said",
    [
        ("/?period=soon", 400, "soon"),
        ("/numbers/won_value/?period=2017-Q9", 400, "2017-Q9"),
        ("/numbers/won_value/?filter=no_such_column:eq:1", 400, "no_such_column"),
        ("/numbers/won_value/?filter=amount:eq:much", 400, "much"),
        ("/numbers/won_value/?by=no_such_column", 400, "no_such_column"),
        ("/numbers/won_value/?as_of=yesterday", 400, "yesterday"),
        ("/numbers/no_such_number/", 404, "no_such_number"),
        ("/numbers/won_value/rows/?side=none_such", 404, "none_such"),
        ("/pipeline/?sort=no_such_column", 400, "no_such_column"),
        ("/pipeline/?page=minus", 400, "minus"),
        ("/pipeline/?filter=amount:eq:much", 400, "much"),
        ("/pipeline/?export=docx", 400, "docx"),
        ("/pipeline/NO-SUCH-DEAL/", 404, ""),
        ("/data/imports/999999/", 404, ""),
        ("/data/faults/NO99/", 404, ""),
    ],
)
def test_a_bad_address_says_what_is_wrong(
    path: str, status: int, said: str, maven_server: Server, someone: Any
) -> None:
    person = someone(maven_server, "administrator")
    page = person.page()
    answer = page.goto(maven_server.url + path)
    assert answer is not None
    assert answer.status == status
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator("main")).to_contain_text(said or re.compile(r"\w{4}"))
    assert "Traceback" not in page.content()
