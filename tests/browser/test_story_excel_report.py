"""An analyst without rights in the CRM: from a saved Excel report to a number that can be sent on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from python_calamine import CalamineWorkbook

from tests.browser import report
from tests.browser.conftest import Person, Server, shoot

pytestmark = pytest.mark.browser
FIRST, SECOND = date(2026, 6, 30), date(2026, 7, 31)
PATIENT = 60_000
"""Milliseconds that a job may take on a slow machine."""


@pytest.fixture(scope="module")
def analyst(empty_server: Server) -> Iterator[Person]:
    """One person through the whole story: each test goes on where the one before stopped."""
    person = empty_server.person("ops_analyst", accept_downloads=True)
    person.page()
    yield person
    person.context.close()
    person.check()


def import_report(analyst: Person, path: Path) -> Page:
    """Drop a report, confirm the proposal, wait for the import to end."""
    page = analyst.context.pages[0]
    page.goto(f"{analyst.server.url}/data/import/")
    page.locator("input[type=file]").set_input_files(path)  # the drop zone sends the form
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm what the files mean", timeout=PATIENT)
    page.locator("#confirm").get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="What this import did")).to_be_visible(timeout=PATIENT)
    return page


def figures(page: Page, label: str) -> str:
    """The figure of a tile."""
    head = page.locator(".tile-head > span:first-child", has_text=re.compile(rf"^\s*{re.escape(label)}\s*$"))
    return page.locator(".tile").filter(has=head).locator(".tile-value").inner_text().split("\n")[0].strip()


def value_card(page: Page) -> Locator:
    """The card of a number's page that shows its value and what it is made of."""
    return page.locator("section", has=page.locator("#value-title"))


def test_1_an_empty_home_asks_for_a_file_first(analyst: Person) -> None:
    page = analyst.context.pages[0]
    page.goto(f"{analyst.server.url}/")
    expect(page.locator("main")).to_contain_text(re.compile("file", re.IGNORECASE))
    shoot(page, "story-excel-1-empty")
    if not page.locator("input[type=file]").count():
        page.locator("main").get_by_role("link", name=re.compile("file", re.IGNORECASE)).first.click()
    expect(page.locator("input[type=file]")).to_be_visible()


def test_2_the_report_is_read_as_it_was_saved(analyst: Person, tmp_path: Path) -> None:
    path = report.write(tmp_path / "Opportunity report.xlsx", report.deals(), FIRST)
    page = analyst.context.pages[0]
    page.goto(f"{analyst.server.url}/data/import/")
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm what the files mean", timeout=PATIENT)
    main = page.locator("main")
    expect(main).to_contain_text("36 rows")  # no title, subtotal, total or footer among them
    expect(main).to_contain_text("As of 2026-06-30")
    expect(page.get_by_label("The file shows the state of")).to_have_value("2026-06-30")
    expect(main).to_contain_text("Tells all 36 rows apart")  # a key was put together: the report has no id
    expect(main).to_contain_text("Which amount counts?")
    shoot(page, "story-excel-2-confirm")
    page.locator("summary", has_text="columns:").click()
    expect(page.get_by_role("combobox", name=re.compile("^Partner Tier"))).to_have_count(2)
    shoot(page, "story-excel-2-mapping")
    page.locator("#confirm").get_by_role("button", name="Import", exact=True).click()
    expect(page).to_have_url(re.compile(r"/data/imports/\d+/$"), timeout=PATIENT)
    expect(page.get_by_role("heading", name="What this import did")).to_be_visible(timeout=PATIENT)


def test_3_the_import_says_what_it_did_and_what_it_supports(analyst: Person) -> None:
    page = analyst.context.pages[0]
    rows = report.deals()
    won = [row for row in rows if row.stage == "Closed Won"]
    assert figures(page, "Won") == str(len(won))
    assert figures(page, "Lost") == str(sum(row.stage == "Closed Lost" for row in rows))
    assert figures(page, "Open") == str(sum(not row.stage.startswith("Closed") for row in rows))
    expect(page.locator("main")).to_contain_text(f"{sum(row.amount for row in won):,.2f}")
    # The next step stands where the reader is when the import ends, without loading the page anew.
    expect(page.get_by_role("link", name="Open the numbers")).to_be_visible()
    supports = page.locator("section", has=page.get_by_role("heading", name="What this data supports"))
    expect(supports).to_contain_text("Win rate", timeout=PATIENT)
    faults = page.locator("section", has=page.get_by_role("heading", name="Faults found in the data"))
    expect(faults.locator("table")).to_be_visible(timeout=PATIENT)
    shoot(page, "story-excel-3-report")


def test_4_the_numbers_equal_an_independent_calculation(analyst: Person) -> None:
    page = analyst.context.pages[0]
    rows = report.deals()
    won = [row for row in rows if row.stage == "Closed Won"]
    lost = [row for row in rows if row.stage == "Closed Lost"]
    open_ones = [row for row in rows if not row.stage.startswith("Closed")]
    page.goto(f"{analyst.server.url}/?period=all")
    assert figures(page, "Win rate") == f"{100 * len(won) / (len(won) + len(lost)):.1f}%"
    assert figures(page, "Open deals") == str(len(open_ones))
    assert figures(page, "Sales cycle (won, median)") == f"{median(row.cycle for row in won):.1f} days"
    shoot(page, "story-excel-4-home")
    for name, wanted in (
        ("won_value", f"{sum(row.amount for row in won):,.2f}"),
        ("open_pipeline", f"{sum(row.amount for row in open_ones):,.2f}".removesuffix(".00")),
        ("won_deals", str(len(won))),
    ):
        page.goto(f"{analyst.server.url}/numbers/{name}/?period=all")
        expect(value_card(page)).to_contain_text(wanted)


def test_5_a_number_opens_down_to_its_rows(analyst: Person) -> None:
    page = analyst.context.pages[0]
    won = [row for row in report.deals() if row.stage == "Closed Won"]
    page.goto(f"{analyst.server.url}/?period=all")
    page.locator(".tile a.tile-value", has_text="Won: open the rows").click()
    page.wait_for_load_state()
    if "/rows/" not in page.url:  # through the number's own page: two clicks at most
        page.get_by_role("region", name="What the number is made of").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/rows/"))
    head = page.locator("main .card-head").first
    expect(head).to_contain_text(f"{len(won)} rows")
    expect(head).to_contain_text(f"{sum(row.amount for row in won):,.2f}")
    expect(page.locator("main tbody tr")).to_have_count(len(won))
    largest = max(won, key=lambda row: row.amount)
    expect(page.locator("main tbody tr").first).to_contain_text(largest.name)
    shoot(page, "story-excel-5-rows")
    page.get_by_role("link", name=largest.name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(largest.name)
    shoot(page, "story-excel-5-deal")


def test_6_the_own_column_filters(analyst: Person) -> None:
    page = analyst.context.pages[0]
    page.goto(f"{analyst.server.url}/numbers/won_deals/?period=all&filter=x_partner_tier:eq:Gold")
    gold = sum(row.stage == "Closed Won" and row.tier == "Gold" for row in report.deals())
    expect(value_card(page).locator(".tile-value")).to_have_text(str(gold))


def test_7_the_crm_s_own_report_is_compared_deal_by_deal(analyst: Person, tmp_path: Path) -> None:
    """The CRM's report of won deals differs from ours in one planted deal."""
    page = analyst.context.pages[0]
    won = [row for row in report.deals() if row.stage == "Closed Won"]
    planted = won[3]
    lines = ["Opportunity Name,Stage,Amount,Close Date"]
    for row in won:
        amount = row.amount + 1_250 if row is planted else row.amount
        lines.append(f'"{row.name}",{row.stage},{amount},{row.close.isoformat()}')
    (tmp_path / "Won deals.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    page.goto(f"{analyst.server.url}/numbers/won_value/?period=all")
    page.get_by_role("link", name="Compare with my CRM").first.click()
    page.locator("input[type=file]").set_input_files(tmp_path / "Won deals.csv")
    page.get_by_role("button", name="Read the report").click()
    shoot(page, "story-excel-7-columns")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page).to_have_url(re.compile(r"/reconcile/\d+/$"))
    assert figures(page, "Deals that agree") == str(len(won) - 1)
    assert re.sub(r"[^\d.]", "", figures(page, "Difference, theirs less ours")) in ("1250", "1250.00")
    lines_shown = page.locator("#lines tbody tr")
    expect(lines_shown).to_have_count(1)
    expect(lines_shown).to_contain_text(planted.name)
    expect(lines_shown).to_contain_text("Amount")
    shoot(page, "story-excel-7-compared")
    page.goto(f"{analyst.server.url}/numbers/won_value/?period=all")
    expect(page.get_by_role("region", name="Comparisons")).to_contain_text("explained")


def test_8_the_page_is_frozen_and_opens_without_a_network(
    analyst: Person, tmp_path: Path, browser: Browser
) -> None:
    page = analyst.context.pages[0]
    won = sum(row.amount for row in report.deals() if row.stage == "Closed Won")
    page.goto(f"{analyst.server.url}/numbers/won_value/?period=all")
    shown = value_card(page).locator(".tile-value").inner_text()
    frozen: dict[str, Path] = {}
    for form, item in (("html", "One HTML file"), ("xlsx", "Excel workbook")):
        page.locator("summary", has_text="Freeze").click()
        with page.expect_download() as download:
            page.get_by_role("link", name=item).click()
        frozen[form] = tmp_path / download.value.suggested_filename
        download.value.save_as(frozen[form])
        page.reload()
    assert "2026-06-30" in frozen["html"].name

    manager = browser.new_context(offline=True)
    asked: list[str] = []
    manager.on("request", lambda request: asked.append(request.url))
    said: list[str] = []
    sheet = manager.new_page()
    sheet.on("console", lambda message: said.append(message.text))
    sheet.goto(frozen["html"].as_uri())
    expect(value_card(sheet).locator(".tile-value")).to_have_text(shown)
    expect(sheet.locator("body")).to_contain_text(f"{won:,.2f}")
    expect(sheet.locator("body")).to_contain_text("Jun 30, 2026")
    expect(sheet.locator("body")).to_contain_text("the-ops-analyst")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert said == []
    assert sheet.get_by_role("link", name="Import a newer file").count() == 0
    shoot(sheet, "story-excel-8-frozen")
    manager.close()

    book = CalamineWorkbook.from_path(frozen["xlsx"])
    cells = {
        cell for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python() for cell in row
    }
    assert float(won) in {c for c in cells if isinstance(c, float)}
    assert any("2026" in str(c) for c in cells)


def test_9_a_later_export_brings_changes_and_the_deal_s_timeline(analyst: Person, tmp_path: Path) -> None:
    before, after = report.deals(), report.later(report.deals())
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    page = import_report(analyst, report.write(tmp_path / "Opportunity report.xlsx", after, SECOND))
    did = page.locator("section", has=page.get_by_role("heading", name="What this import did"))
    row = did.locator("tbody tr").first
    expect(row.locator("[data-label=Changed]")).to_have_text(str(len(changed)))
    expect(row.locator("[data-label=Unchanged]")).to_have_text(str(len(before) - len(changed)))
    expect(row.locator("[data-label=Added]")).to_have_text("0")
    shoot(page, "story-excel-9-second")
    (old, new), (_, grown), _ = changed
    page.goto(f"{analyst.server.url}/pipeline/?status=all&q={old.name.replace(' ', '+')}")
    page.get_by_role("link", name=old.name, exact=True).click()
    timeline = page.locator(".timeline")
    expect(timeline).to_contain_text(old.stage)
    expect(timeline).to_contain_text(new.stage)
    shoot(page, "story-excel-9-timeline")
    page.goto(f"{analyst.server.url}/pipeline/?status=all&q={grown.name.replace(' ', '+')}")
    page.get_by_role("link", name=grown.name, exact=True).click()
    expect(page.locator(".timeline")).to_contain_text(f"{grown.amount:,.2f}".removesuffix(".00"))
    # What was asked before the second export is still answered as it was known then.
    page.goto(f"{analyst.server.url}/numbers/won_deals/?period=all")
    won = [sum(r.stage == "Closed Won" for r in rows) for rows in (after, before)]
    said = page.get_by_role("region", name="The number at each facts version").locator("tbody td.num")
    expect(said).to_have_text([str(n) for n in won])


def test_a_the_other_amount_can_be_made_the_one_that_counts(analyst: Person) -> None:
    """The proposal took the wrong of two amounts: a decision says which counts, and every number follows."""
    rows = report.later(report.deals())
    page = analyst.context.pages[0]
    page.goto(f"{analyst.server.url}/settings/amounts/")
    form = page.locator("section", has=page.get_by_role("heading", name="New rule")).locator("form")
    form.get_by_label(re.compile("^Amount")).select_option("x_total_contract_value")
    form.get_by_label(re.compile("^Reason")).fill("Bookings are the whole contract")
    shoot(page, "story-excel-a-amount")
    form.get_by_role("button", name="Record").click()
    page.goto(f"{analyst.server.url}/numbers/won_value/?period=all")
    wanted = sum((row.contract for row in rows if row.stage == "Closed Won"), Decimal(0))
    expect(value_card(page)).to_contain_text(f"{wanted:,.2f}".removesuffix(".00"))
