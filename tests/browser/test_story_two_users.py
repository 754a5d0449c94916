"""Rows belong to people: no page, address, filter, file or search shows a rep or a manager somebody else's."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Person, Server, shoot
from tests.browser.test_story_excel_report import value_card

pytestmark = pytest.mark.browser
DENIED = (403, 404)
REP, MANAGER = "Anna Snelling", "Dustin Brinkmann"


@dataclass(frozen=True)
class Rows:
    """The deals of the export: of the rep, of the manager's team, of all others."""

    own: list[dict[str, str]]
    team: list[dict[str, str]]
    others: list[dict[str, str]]


@pytest.fixture(scope="module")
def rows(maven_server: Server) -> Rows:
    """What everybody with all rows sees, read from the file he may export."""
    person = maven_server.person("administrator")
    found = exported(
        person, "/pipeline/?status=all&export=csv&columns=name,owner_name,manager_name,account_name,stage"
    )
    person.context.close()
    assert len(found) == 8_800
    own = [row for row in found if row["Owner"] == REP]
    team = [row for row in found if row["Manager"] == MANAGER]
    others = [row for row in found if row["Manager"] != MANAGER]
    assert own
    assert len(team) > len(own)
    assert others
    return Rows(own, team, others)


def exported(person: Person, path: str) -> list[dict[str, str]]:
    answer = person.get(path)
    assert answer.status == 200, answer.text()[:300]
    return list(csv.DictReader(io.StringIO(answer.body().decode("utf-8-sig"))))


def key(row: dict[str, str]) -> str:
    """The deal's id."""
    return row[next(name for name in row if name.lower() in ("id", "deal id", "opportunity id", "deal"))]


@pytest.mark.parametrize("role", ["rep", "sales_manager"])
def test_lists_and_files_hold_own_rows_only(
    role: str, rows: Rows, maven_server: Server, someone: Any
) -> None:
    person = someone(maven_server, role)
    mine = {"rep": rows.own, "sales_manager": rows.team}[role]
    strange = next(row for row in rows.others if row["Stage"] == "Won")
    stranger = strange["Owner"]
    page = person.open("/pipeline/?status=all")
    expect(page.locator("main")).to_contain_text(f"{len(mine):,}")
    expect(page.locator("main")).not_to_contain_text(stranger)
    shoot(page, f"story-two-{role}-pipeline")
    full = exported(
        person, "/pipeline/?status=all&export=csv&columns=name,owner_name,manager_name,account_name,stage"
    )
    assert {key(row) for row in full} == {key(row) for row in mine}
    for narrowed in (
        f"owner={quote(stranger)}", f"filter={quote('owner_name:eq:' + stranger)}", f"q={quote(stranger)}",
        f"q={quote(key(strange))}", f"filter={quote('manager_name:ne:' + MANAGER)}", "team=all",
    ):  # fmt: skip
        got = person.get(f"/pipeline/?status=all&export=csv&{narrowed}")
        if got.status == 200:
            found = list(csv.DictReader(io.StringIO(got.body().decode("utf-8-sig"))))
            assert {key(row) for row in found} <= {key(row) for row in mine}, narrowed
        else:
            assert got.status == 400, narrowed


@pytest.mark.parametrize("role", ["rep", "sales_manager"])
def test_another_s_deal_is_not_there_by_any_address(
    role: str, rows: Rows, maven_server: Server, someone: Any
) -> None:
    person = someone(maven_server, role)
    strange, own = rows.others[0], {"rep": rows.own, "sales_manager": rows.team}[role][0]
    assert person.get(f"/pipeline/{quote(key(own))}/").status == 200
    for path in (
        f"/pipeline/{quote(key(strange))}/",
        f"/pipeline/{quote(key(strange))}/?freeze=html",
        f"/pipeline/{quote(key(strange))}/?freeze=xlsx",
        f"/pipeline/{quote(key(strange))}/?as_of=2017-06-30",
    ):
        answer = person.get(path)
        assert answer.status in DENIED, path
        assert strange["Owner"] not in answer.text()
    # The list that a deal was opened from tells no neighbours of other people.
    answer = person.get(f"/pipeline/{quote(key(own))}/?from=status%3Dall&at=0")
    assert key(strange) not in answer.text()


@pytest.mark.parametrize("role", ["rep", "sales_manager"])
def test_numbers_rows_and_frozen_files_count_own_rows_only(
    role: str, rows: Rows, maven_server: Server, someone: Any
) -> None:
    person = someone(maven_server, role)
    mine = {"rep": rows.own, "sales_manager": rows.team}[role]
    stranger, won = rows.others[0]["Owner"], [row for row in mine if row["Stage"] == "Won"]
    listed = exported(person, "/numbers/won_deals/rows/?period=all&freeze=csv")
    assert {key(row) for row in listed} == {key(row) for row in won}
    page = person.open("/numbers/won_deals/?period=all&by=owner_name")
    value = value_card(page).locator(".tile-value")
    expect(value).to_have_text(f"{len(won):,}")
    for path in (
        "/?period=all", "/?period=all&freeze=html", "/numbers/won_deals/?period=all&by=owner_name&freeze=html",
        "/numbers/?period=all&freeze=html", "/data/faults/DQ12/", "/changes/?period=all", "/accounts/?freeze=csv",
        f"/?period=all&team={quote('owner_name:' + stranger)}",
    ):  # fmt: skip
        answer = person.get(path)
        assert answer.status in (200, 400), path
        text = answer.text()
        if "team=" in path:  # the page repeats what was asked; it must not know it
            assert f">{len([r for r in rows.others if r['Owner'] == stranger]):,}<" not in text
        else:
            assert stranger not in text, path
    got = person.get(f"/numbers/won_deals/rows/?period=all&by=owner_name&group={quote(stranger)}&freeze=csv")
    if got.status == 200:
        assert list(csv.DictReader(io.StringIO(got.body().decode("utf-8-sig")))) == []


@pytest.mark.parametrize("role", ["rep", "sales_manager"])
def test_the_api_answers_under_the_same_rows(
    role: str, rows: Rows, maven_server: Server, someone: Any
) -> None:
    person = someone(maven_server, role)
    mine = {"rep": rows.own, "sales_manager": rows.team}[role]
    strange = rows.others[0]
    assert person.ask(f"opportunities/{quote(key(mine[0]))}").status == 200
    assert person.ask(f"opportunities/{quote(key(strange))}").status in DENIED
    won = person.ask("kpis/won_deals?period=all")
    assert won.status == 200
    assert won.json()["value"] == sum(row["Stage"] == "Won" for row in mine)
    assert person.get(f"/api/v1/opportunities/{quote(key(mine[0]))}").status == 401  # cookies open no API


def test_a_rep_sees_no_page_of_operations(maven_server: Server, someone: Any) -> None:
    person = someone(maven_server, "rep")
    page = person.open("/")
    for word in ("Data", "Quotas", "Audit", "Settings"):
        expect(page.get_by_role("link", name=word, exact=True)).to_have_count(0)
    assert person.get("/numbers/won_value/reconcile/").status in DENIED
