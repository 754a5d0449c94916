"""The panel in a frame of the CRM: its viewer's own rights, and only where a setting lets it be framed."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from salesops.analytics.engine.filters import FilterError
from salesops.analytics.tests import pipeline_firm as firm
from salesops.facts.scope import Scope
from salesops.feeds import panels
from salesops.feeds.panels import names_of
from salesops.meetings.services import action_add
from salesops.org.services import organisation_decide
from salesops.permissions.services import mask_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import actor_of
from salesops.platform.models import User
from salesops.platform.signin import account_save
from salesops.project import settings as project_settings
from tests.doors.conftest import shared_home

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
ORIGINS = ["https://firm.lightning.force.com", "https://crm.example.com"]
OPEN, THEIRS, WON = "D005", "D045", "D002"


@pytest.fixture(scope="module", autouse=True)
def home(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Path]:
    """The small firm, once."""
    folder = tmp_path_factory.mktemp("home")
    with shared_home(folder, django_db_blocker):
        firm.load()
        for name, person in (("panel-ours", firm.OURS), ("panel-theirs", firm.THEIRS)):
            account_save(actor=ADMIN, username=name, role="rep", person_id=person)
        for deal, text in ((OPEN, "Call the buyer"), (THEIRS, "Ask for the budget")):
            action_add(
                actor=ADMIN, scope=Scope.all(), subject="firm", text=text, deal_id=deal,
                owner_id=firm.OURS if deal == OPEN else firm.THEIRS, owner_name="Somebody",
                due_on=date(2026, 1, 5),
            )  # fmt: skip
        yield folder


def get(name: str, record: str) -> HttpResponse:
    """The panel as an account sees it; "" for nobody."""
    client = Client()
    if name:
        client.force_login(
            User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend"
        )
    return client.get("/panel/", {"record": record})  # type: ignore[return-value]


def text(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_a_deals_panel_says_what_its_page_says() -> None:
    answer = get("panel-ours", OPEN)
    said = text(answer)
    assert answer.status_code == 200
    deal = next(d for d in firm.deals() if d["id"] == OPEN)
    assert deal["name"] in said
    assert "Proposal" in said
    assert "Call the buyer" in said
    assert "No next step" in said or "call" in said
    page = Client()
    page.force_login(
        User.objects.get(username="panel-ours"), backend="django.contrib.auth.backends.ModelBackend"
    )
    full = page.get(f"/pipeline/{OPEN}/").content.decode()
    pills = set(re.findall(r'class="pill[^"]*"[^>]*>([^<]+)<', answer.content.decode())) - {"Late"}
    assert pills
    assert all(pill in full for pill in pills), "the same flags"


def test_each_viewer_gets_his_own() -> None:
    assert get("panel-theirs", THEIRS).status_code == 200
    for name, record in (("panel-ours", THEIRS), ("panel-theirs", OPEN), ("panel-ours", "D999")):
        answer = get(name, record)
        assert answer.status_code == 404
        assert "that you may see" in text(answer)
        assert firm.SECRET not in text(answer)
    shared = {name: text(get(name, "A3")) for name in ("panel-ours", "panel-theirs")}
    assert firm.SECRET not in shared["panel-ours"]
    assert firm.SECRET in shared["panel-theirs"]
    assert "Ours" not in shared["panel-theirs"]


def test_an_accounts_panel_counts_the_viewers_deals() -> None:
    mine = [d for d in firm.deals() if d["account_id"] == "A3" and d["owner_id"] == firm.OURS]
    is_open = [d for d in mine if d["stage"] in ("Discovery", "Proposal")]
    said = text(get("panel-ours", "A3"))
    assert f"Open deals {len(is_open)} " in said
    amount = sum(d["amount"] for d in is_open if d["amount"] is not None)
    assert f"{amount:,.0f}" in said


def test_hidden_fields_are_hidden() -> None:
    deal = next(d for d in firm.deals() if d["id"] == WON and d["amount"] is not None)
    shown = f"{deal['amount']:,.0f}"
    assert shown in text(get("panel-ours", WON))
    mask_decide(actor=ADMIN, name="No amounts", columns=["amounts"], roles=["rep"], reason="test")
    said = text(get("panel-ours", WON))
    assert shown not in said
    assert "Amount masked for your role: amount" in said
    account = text(get("panel-ours", "A3"))
    assert "Open amount masked for your role: amount" in account
    assert "Won amount masked for your role: amount" in account
    mask_decide(
        actor=ADMIN, name="No steps", columns=["opportunities.next_step"], roles=["rep"], reason="test"
    )
    assert "Next step masked for your role: next step" in text(get("panel-ours", WON))


def test_a_field_that_is_narrowed_by_and_hidden_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(*_: Any) -> None:
        raise FilterError("account_id is masked for your role.")

    monkeypatch.setattr(panels.records, "deal_list", hidden)
    answer = get("panel-ours", "A3")
    assert answer.status_code == 403
    assert "account_id is masked for your role." in text(answer)


def test_an_accounts_panel_has_the_actions_of_all_its_deals() -> None:
    mine = [d for d in firm.deals() if d["account_id"] == "A1" and d["owner_id"] == firm.OURS]
    is_open = [d for d in mine if d["stage"] in ("Discovery", "Proposal")]
    smallest = min(is_open, key=lambda d: (d["amount"] is not None, d["amount"] or 0, d["id"]))
    ended = next(d for d in mine if d["stage"] == "Closed Lost")
    assert len(is_open) > panels.MOST_DEALS
    assert "about a deal of this account" in text(get("panel-theirs", "A3"))
    for deal, words in ((smallest["id"], "Ask the smallest"), (ended["id"], "Ask why it was lost")):
        action_add(
            actor=ADMIN, scope=Scope.all(), subject="firm", text=words, deal_id=deal,
            owner_id=firm.OURS, owner_name="Somebody", due_on=date(2026, 1, 5),
        )  # fmt: skip
    said = text(get("panel-ours", "A1"))
    assert "Ask the smallest" in said
    assert "Ask why it was lost" in said
    assert "Ask the" not in text(get("panel-ours", "A3"))


def test_only_the_panel_is_framed_and_only_where_named(settings: Any) -> None:
    settings.PANEL_ORIGINS = ORIGINS
    for name, record, status in (("panel-ours", OPEN, 200), ("panel-ours", "D999", 404), ("", OPEN, 401)):
        answer = get(name, record)
        assert answer.status_code == status
        policy = dict(
            part.strip().split(" ", 1)
            for part in answer["Content-Security-Policy"].split(";")
            if part.strip()
        )
        assert policy["frame-ancestors"] == " ".join(ORIGINS)
        assert policy["script-src"] == "'self'"
        assert "X-Frame-Options" not in answer
        assert "no-store" in answer["Cache-Control"]
    client = Client()
    client.force_login(
        User.objects.get(username="panel-ours"), backend="django.contrib.auth.backends.ModelBackend"
    )
    for other in ("/pipeline/", f"/pipeline/{OPEN}/", "/feeds/", "/accounts/login/"):
        answer = client.get(other)
        assert answer["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    settings.PANEL_ORIGINS = []
    answer = get("panel-ours", OPEN)
    assert answer["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_nobody_signs_in_inside_a_frame(settings: Any) -> None:
    settings.PANEL_ORIGINS = ORIGINS
    answer = get("", OPEN)
    link = re.search(r'<a [^>]*href="(/accounts/login/[^"]+)"[^>]*>', answer.content.decode())
    assert link
    assert 'target="_blank"' in link[0]
    assert f"record%3D{OPEN}" in link[1] or f"record%253D{OPEN}" in link[1]
    assert "<form" not in get("panel-ours", OPEN).content.decode(), "nothing to be tricked into pressing"


@pytest.mark.parametrize(
    "given, wanted",
    [
        ({}, "Lax"),
        ({"SALESOPS_PANEL_COOKIE": "1"}, "Lax"),
        ({"SALESOPS_PANEL_COOKIE": "1", "SALESOPS_PANEL_ORIGINS": ORIGINS[0]}, "Lax"),
        ({"SALESOPS_PANEL_ORIGINS": ORIGINS[0], "SALESOPS_URL": "https://x.example.com"}, "Lax"),
        (
            {
                "SALESOPS_PANEL_COOKIE": "1",
                "SALESOPS_PANEL_ORIGINS": ",".join(ORIGINS),
                "SALESOPS_URL": "https://x.example.com",
            },
            "None",
        ),
    ],
)
def test_the_cookie_goes_to_frames_only_where_all_of_it_is_set(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], wanted: str
) -> None:
    for name in ("SALESOPS_PANEL_COOKIE", "SALESOPS_PANEL_ORIGINS", "SALESOPS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    made = runpy.run_path(str(project_settings.__file__))
    assert made["SESSION_COOKIE_SAMESITE"] == wanted
    assert made.get("CSRF_COOKIE_SAMESITE", "Lax") == "Lax"
    if wanted == "None":
        assert made["SESSION_COOKIE_SECURE"]
        assert made["PANEL_ORIGINS"] == ORIGINS


def test_what_names_no_record_says_so() -> None:
    assert get("panel-ours", "").status_code == 400
    assert get("panel-ours", "x" * 301).status_code == 400
    for hostile in ("<script>alert(1)</script>", "a'b\"c"):
        answer = get("panel-ours", hostile)
        assert answer.status_code == 404
        assert "<script>alert" not in answer.content.decode()
    for key in ("../../etc/passwd", "名前 ü ß"):
        assert key in firm.HOSTILE
        assert get("panel-ours", key).status_code == 200, key


def test_ids_of_salesforce_are_known_by_both_lengths() -> None:
    # Pairs that public descriptions of the two forms work out by hand.
    pairs = {"001A0000006Vm9r": "IAC", "a0D30000001n7Pi": "EAI", "0019000000B98de": "AAB"}
    assert {short: names_of(short)[1] for short in pairs} == {
        short: short + end for short, end in pairs.items()
    }
    assert names_of("001A0000006Vm9r") == ["001A0000006Vm9r", "001A0000006Vm9rIAC"]
    assert names_of("001A0000006Vm9rIAC") == ["001A0000006Vm9rIAC", "001A0000006Vm9r"]
    assert names_of("001A0000006Vm9rAAA") == ["001A0000006Vm9rAAA"], "no such pair"
    assert names_of("D001") == ["D001"]


def test_late_is_told_against_the_day_of_people() -> None:
    assert timezone.now().date() > date(2026, 1, 5) + timedelta(days=1)
    assert "Late" in text(get("panel-ours", OPEN))
    reader = actor_of(User.objects.get(username="panel-ours"))
    late_in_the_day = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)
    assert panels.panel(reader, OPEN, late_in_the_day).clock == date(2026, 1, 5)
    organisation_decide(actor=ADMIN, values={"zone": "Asia/Tokyo"})
    assert panels.panel(reader, OPEN, late_in_the_day).clock == date(2026, 1, 6), "the firm's own day"
