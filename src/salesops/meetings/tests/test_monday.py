"""The Monday page and the one-to-one, at the door: figures, deals, changes, and who sees what."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone

from salesops.analytics.selectors import Question, ask
from salesops.meetings import inputs
from salesops.meetings.models import Meeting
from salesops.meetings.tests import firm
from salesops.permissions.services import mask_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.roles import Role
from salesops.platform.signin import account_save
from salesops.platform.store import fact_store

pytestmark = pytest.mark.django_db


def actor(role: str, person: str = "") -> Actor:
    return actor_of(account_save(actor=ADMIN, username=f"{role}-{person}", role=role, person_id=person))


def browser(role: str, person: str = "") -> Client:
    user = account_save(actor=ADMIN, username=f"{role}-{person}", role=role, person_id=person)
    made = Client()
    made.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return made


def text(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.content[:2000]
    return unescape(answer.content.decode())


def sentence(page: str) -> str:
    found = re.search(r'id="answer">(.*?)</p>', page, re.DOTALL)
    assert found
    return found.group(1)


def standing(who: Actor) -> tuple[inputs.Standing, list[inputs.Deciding], inputs.Ghosts]:
    with ask(who, Question(period="quarter")) as asked:
        found = inputs.standing(asked)
        return found, inputs.deciding(asked, found), inputs.ghosts(asked, found)


@pytest.fixture
def loaded() -> None:
    firm.load()
    firm.decide()


def test_figures_are_those_of_a_plain_count(loaded: None) -> None:
    found, deals, ghosts = standing(actor(Role.SALES_MANAGER, firm.NORTH))
    figures = found.figures
    assert figures.won == Decimal(50_000)
    assert figures.quota == Decimal(200_000)
    assert figures.gap == Decimal(150_000)
    assert figures.commit == Decimal(60_000)
    # Due in the quarter: O1, O2, O3, O4 (no amount), O6; O5 is due later, O8 is omitted, O7 is the other team's.
    assert found.deals_due == 5
    assert figures.due == Decimal(60_000 + 40_000 + 30_000 + 90_000)
    assert figures.days_left == 53
    # By the day that stands where August 8 stands (39 days into the quarter): 10 of 100, 30 of 100, 40 of 200.
    assert figures.pace.share == Decimal("0.2").as_integer_ratio()[0] / Decimal(5)
    assert figures.pace.expected == 250_000
    assert [d.row["id"] for d in deals] == ["O1", "O2", "O3", "O4"]
    assert (ghosts.deals, ghosts.worth) == (1, Decimal(90_000))
    assert [str(d.part) for d in deals] == ["2/5", "4/15", "1/5", "None"]
    assert deals[1].question.startswith("It was to close 7 days ago.")
    assert "next step" in deals[2].question
    assert "no amount" in deals[3].question


def test_the_curve_ends_at_the_quota_and_stands_at_today(loaded: None) -> None:
    found, _, _ = standing(actor(Role.SALES_MANAGER, firm.NORTH))
    assert found.days[found.at] == firm.FIRST
    assert found.so_far[found.at] == Decimal(50_000)
    assert all(value is None for value in found.so_far[found.at + 1 :])
    assert found.towards == "quota"
    assert found.on_the_way[-1] == Decimal(200_000)
    assert found.on_the_way[found.at] == Decimal(40_000)  # a fifth of the quota


def test_the_page_says_it_in_a_sentence(loaded: None) -> None:
    page = text(browser(Role.SALES_MANAGER, firm.NORTH), "/monday/")
    assert sentence(page) == (
        "$150K to go with 53 days left: $50K is won of a quota of $200K, and $60K is committed, which would leave "
        "$90K. At our own pace of past periods it would end at $250K (between $166.7K and $500K), enough for the "
        "quota."
    )
    assert "1 more is due, $90K together" in page
    assert "from 3 past periods, 2025-Q4 to 2026-Q2" in page.replace("From", "from")


def test_without_quotas_there_is_no_gap_and_the_page_says_why() -> None:
    firm.load()
    page = text(browser(Role.OPS_ANALYST), "/monday/")
    assert "no quota is decided for this period" in sentence(page)


def test_the_other_teams_deals_are_nowhere(loaded: None) -> None:
    firm.next_week()
    north, south = browser(Role.SALES_MANAGER, firm.NORTH), browser(Role.SALES_MANAGER, firm.SOUTH)
    for address in (
        "/monday/",
        f"/monday/with/{firm.NORA}/",
        "/monday/?freeze=csv",
        "/monday/?freeze=html",
        "/actions/",
    ):
        answer = north.get(address)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == 200
        assert firm.SECRET not in body.decode("utf-8", "replace")
    assert firm.SECRET in text(south, "/monday/")
    assert "There is no person" in text(north, f"/monday/with/{firm.SUE}/", 404)
    assert "There is no person" in text(browser(Role.REP, firm.NORA), f"/monday/with/{firm.NICK}/", 404)
    assert "There is no person" in text(north, "/monday/with/nobody/", 404)


def test_the_rep_sees_the_page_his_manager_prepares(loaded: None) -> None:
    rep, manager = browser(Role.REP, firm.NORA), browser(Role.SALES_MANAGER, firm.NORTH)
    own, theirs = text(rep, "/monday/"), text(manager, f"/monday/with/{firm.NORA}/")
    assert sentence(own) == sentence(theirs)
    assert "$50K to go with 53 days left: $50K is won of a quota of $100K" in sentence(own)
    assert "One-to-one with Nora Ash" in theirs
    names = re.compile(r'class="decider-name"[^>]*>([^<]*)<')
    assert names.findall(own) == names.findall(theirs) == ["Open O1", "Open O2"]


def kinds(page: str) -> dict[str, str]:
    """Deal -> kinds of change told of it."""
    rows = re.findall(r"<tr[^>]*>.*?</tr>", page.partition('id="changed"')[2], re.DOTALL)
    cells = [re.sub(r"<[^>]+>", "|", row) for row in rows]
    found: dict[str, str] = {}
    for row in cells:
        parts = [p.strip() for p in row.split("|") if p.strip()]
        if parts and parts[0].startswith("Open"):
            found[parts[0]] = " ".join(filter(None, (found.get(parts[0]), parts[2])))
    return found


def test_changes_are_told_since_the_last_meeting(loaded: None) -> None:
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    assert manager.post("/monday/held/", {"back": "/monday/"}).status_code == 302
    firm.next_week()
    page = text(manager, "/monday/")
    assert "since the last meeting, at the data of Aug 8" in page
    told = kinds(page)
    assert set(told) == {"Open O1", "Open O3", "Open O5", "Open O9"}
    assert told["Open O1"] == "Won"
    assert "Close date moved later" in told["Open O3"]
    assert "Amount changed" in told["Open O3"]
    assert told["Open O5"] == "Close date moved earlier"
    assert told["Open O9"] == "Created"
    assert "$30,000" in page
    assert "$35,000" in page
    # A meeting at this data's date does not hide what the next reader still has to hear.
    manager.post("/monday/held/", {"back": "/monday/"})
    assert set(kinds(text(manager, "/monday/"))) == set(told)


def test_an_earlier_monday_is_shown_as_it_was(loaded: None) -> None:
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    before = sentence(text(manager, "/monday/"))
    shown = fact_store().manifests.latest()
    assert shown is not None
    then = f"/monday/?known_at=v{shown.id}@{quote(timezone.now().isoformat())}"
    firm.next_week()
    assert sentence(text(manager, "/monday/")) != before
    assert sentence(text(manager, then)) == before
    assert "Meeting held" not in text(manager, then)


def test_files_hold_the_page(loaded: None) -> None:
    answer = browser(Role.SALES_MANAGER, firm.NORTH).get("/monday/?freeze=csv")
    body = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = {row[0]: row[1] for row in csv.reader(io.StringIO(body)) if len(row) > 1}
    assert Decimal(rows["Closed"]) == 50_000
    assert Decimal(rows["Gap"]) == 150_000
    assert Decimal(rows["At our own pace"]) == 250_000


def test_before_the_first_import_and_with_a_bad_address() -> None:
    analyst = browser(Role.OPS_ANALYST)
    assert "Welcome" in text(analyst, "/monday/")
    firm.load()
    assert "can't be read" in text(analyst, "/monday/?period=2026-Q9", 400)
    assert text(analyst, "/monday/?period=2030-Q1")


def test_deals_without_dates_are_asked_about_by_size() -> None:
    people: list[dict[str, Any]] = [{"id": "U1", "name": "Nora Ash"}]
    deals = [
        {
            "id": f"D{n}",
            "name": f"Deal {n}",
            "owner_id": "U1",
            "stage": "Prospecting",
            "amount": Decimal(n * 100),
        }
        for n in range(1, 9)
    ]
    firm.load_facts({"users": people, "opportunities": deals}, firm.FIRST)
    page = text(browser(Role.OPS_ANALYST), "/monday/")
    assert "No open deal in the data says when it is expected to close: these are the largest" in page
    assert re.findall(r'class="decider-name"[^>]*>([^<]*)<', page) == [f"Deal {n}" for n in (8, 7, 6, 5, 4)]


# --- Teams, masks, other currencies, versions -----------------------------------------------------


def test_what_is_hidden_is_said_to_be_hidden_and_never_counted_as_nothing(loaded: None) -> None:
    mask_decide(
        actor=ADMIN, name="h", columns=["opportunities.amount"], roles=["sales_manager"], reason="test"
    )
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    page = text(manager, "/monday/")
    assert sentence(page).startswith("What is won can't be told: masked for your role")
    assert "$0" not in page
    assert "$50" not in page
    found, _, _ = standing(actor(Role.SALES_MANAGER, firm.NORTH))
    assert found.figures.won is None
    assert found.figures.gap is None
    assert set(found.so_far) == {None}
    assert found.reasons["pace"] == found.reasons["won"] == found.figures.hidden
    assert found.reasons["due"] == "amounts are hidden from your role"


def test_a_meeting_of_one_team_is_its_own(loaded: None) -> None:
    manager = browser(Role.OPS_MANAGER)
    team = "owner_name:Nora Ash"
    answer = manager.post("/monday/held/", {"team": team, "back": f"/monday/?team={quote(team)}"})
    assert answer["Location"] == f"/monday/?team={quote(team)}"
    assert Meeting.objects.get().subject == f"firm|{team}"
    firm.next_week()
    assert "since the last meeting" in text(manager, f"/monday/?team={quote(team)}")
    assert "since the last meeting" not in text(manager, "/monday/")


@pytest.mark.parametrize(
    "team", ["region:" + "x" * 300, "owner_name:Nobody", "owner_name:a\x00b", "amount:5"]
)
def test_a_team_that_there_is_not_holds_no_meeting(loaded: None, team: str) -> None:
    manager = browser(Role.OPS_MANAGER)
    assert manager.post("/monday/held/", {"team": team}).status_code == 302
    assert not Meeting.objects.exists()


def test_the_meeting_notes_the_facts_that_it_saw(loaded: None) -> None:
    manager = browser(Role.SALES_MANAGER, firm.NORTH)
    version = re.search(r'name="version" value="(\d+)"', text(manager, "/monday/"))
    assert version
    firm.next_week()  # somebody imports while they talk
    manager.post("/monday/held/", {"version": version[1]})
    noted = Meeting.objects.get()
    assert (str(noted.manifest_id), noted.data_on) == (version[1], firm.FIRST)
    for wrong in ("999999", "x", ""):
        manager.post("/monday/held/", {"version": wrong})
        assert Meeting.objects.order_by("-id")[0].data_on == firm.LATER


def test_amounts_of_the_log_are_told_in_the_currency_of_their_deal() -> None:
    people = [{"id": "U1", "name": "Nora Ash"}]
    rate = {
        "id": "r",
        "from_currency": "EUR",
        "to_currency": "USD",
        "valid_on": date(2026, 1, 1),
        "rate": Decimal("1.5"),
    }
    deal = {
        "id": "D1",
        "name": "Abroad",
        "owner_id": "U1",
        "stage": "Proposal",
        "currency": "EUR",
        "amount": Decimal(100),
    }
    firm.load_facts({"users": people, "exchange_rates": [rate], "opportunities": [deal]}, firm.FIRST)
    firm.load_facts({"opportunities": [deal | {"amount": Decimal(120)}]}, firm.LATER)
    firm.organisation_decide(actor=ADMIN, values={"currency": "USD"})
    for address in ("/monday/", "/changes/"):
        page = re.sub(r"<[^>]+>", " ", text(browser(Role.OPS_MANAGER), address))
        assert "€100" in page
        assert "€120" in page
        assert re.search(r"\$180\b", page)
