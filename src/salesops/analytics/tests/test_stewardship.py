"""Owner, target and review of a number: dated, audited, shown on its page, at REST, as known then."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from salesops.analytics import stewardship
from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.models import KpiDecision
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.decisions import export_documents, import_documents
from salesops.platform.models import AuditEvent, Role
from salesops.platform.signin import account_save, token_create
from salesops.platform.tests.roles import allowed_roles, client_of, holders, load_facts

pytestmark = pytest.mark.django_db


@pytest.fixture
def facts(facts_home):
    won = {"stage": "Closed Won", "created_on": date(2026, 1, 1), "amount": Decimal(10)}
    lost = {**won, "stage": "Closed Lost"}
    rows = [{"id": str(i), **(won if i < 3 else lost), "close_on": date(2026, 5, 1 + i)} for i in range(10)]
    load_facts({"opportunities": rows})


def decide(**values):
    return stewardship.kpi_decide(actor=ADMIN, kpi="win_rate_count", **values)


def test_a_decision_holds_from_its_day_and_the_one_before_until_then():
    decide(owner="Vera", target=Decimal("0.25"))
    decide(
        owner="Omar",
        target=Decimal("0.3"),
        review_on=date(2026, 12, 1),
        starts_on=date(2026, 7, 1),
        reason="new year",
    )
    before = stewardship.stewardship("win_rate_count", date(2026, 6, 30))
    after = stewardship.stewardship("win_rate_count", date(2026, 7, 1))
    assert (before.owner, before.target, before.review_on) == ("Vera", Decimal("0.25"), None)
    assert (after.owner, after.target) == ("Omar", Decimal("0.3"))
    assert not after.overdue(date(2026, 12, 1))
    assert after.overdue(date(2026, 12, 2))
    assert set(stewardship.stewardships(date(2026, 7, 1))) == {"win_rate_count"}
    event = AuditEvent.objects.filter(subject="kpi:win_rate_count").latest("id")
    assert (event.action, event.reason, event.after["owner"]) == ("decision.record", "new year", "Omar")


def test_deciding_nothing_ends_it_and_the_past_stays():
    decide(owner="Vera")
    decide(starts_on=date(2026, 7, 1))
    assert not stewardship.stewardship("win_rate_count", date(2026, 7, 1)).decided
    assert stewardship.stewardship("win_rate_count", date(2026, 6, 1)).owner == "Vera"
    assert [row.ended for row in stewardship.past_decisions("win_rate_count")] == [True, False]
    early = datetime(2000, 1, 1, tzinfo=UTC)
    assert not stewardship.stewardship("win_rate_count", date(2026, 6, 1), early).decided
    assert stewardship.past_decisions("win_rate_count", early) == []


@pytest.mark.parametrize(
    "values",
    [
        {"target": Decimal("1e30")},
        {"owner": "x" * 201},
        {"starts_on": date(2026, 2, 1), "review_on": date(2026, 1, 1)},
    ],
    ids=["too large", "too long", "review before it starts"],
)
def test_what_will_not_do_is_refused(values):
    with pytest.raises(ValidationError):
        decide(**values)
    assert not KpiDecision.objects.exists()


def test_only_a_number_there_is_can_be_decided_and_only_by_who_may():
    with pytest.raises(ValidationError, match="no number"):
        stewardship.kpi_decide(actor=ADMIN, kpi="shoe", owner="x")
    with pytest.raises(NotAllowedError):
        stewardship.kpi_decide(actor=Actor(name="r", role="rep"), kpi="won_value", owner="x")


def test_targets_as_people_write_them():
    rate, money = catalogue()["win_rate_count"], catalogue()["won_value"]
    assert stewardship.read_target(" 25 % ", rate) == Decimal("0.25")
    assert stewardship.read_target("0.25", rate) == Decimal("0.25")
    assert stewardship.read_target("1,200.50", money) == Decimal("1200.50")
    assert stewardship.read_target("", money) is None
    for text, kpi in (("25%", money), ("many", rate), ("NaN", rate), ("inf", money)):
        with pytest.raises(ValidationError):
            stewardship.read_target(text, kpi)


@pytest.mark.parametrize("name", ["win_rate_count", "sales_cycle", "coverage_needed"])
def test_a_value_stands_to_its_target_as_its_direction_says(name):
    kpi, two, three = catalogue()[name], Decimal(2), Decimal(3)
    above, below = {"up": ("reached", "missed"), "down": ("missed", "reached"), "none": ("", "")}[
        kpi.direction
    ]
    assert stewardship.standing(kpi, three, two) == above
    assert stewardship.standing(kpi, two, three) == below
    assert stewardship.standing(kpi, two, two) == ("" if kpi.direction == "none" else "reached")
    assert stewardship.standing(kpi, None, two) == ("" if kpi.direction == "none" else "unknown")
    assert stewardship.standing(kpi, two, None) == ""


def test_decisions_survive_yaml():
    decide(owner="Vera", target=Decimal("0.25"), review_on=date(2026, 9, 1))
    documents = export_documents(["kpi"])
    assert documents[0]["values"]["review_on"] == "2026-09-01"
    assert import_documents(documents, actor=ADMIN) == 0


def test_the_page_shows_and_takes_the_decision(facts):
    url = reverse("number_decide", args=["win_rate_count"])
    assert allowed_roles("post", url, {"owner": "Vera"}) == holders("decision.write")
    client = client_of(Role.OPS_MANAGER)
    sent = {"owner": "Vera", "target": "25 %", "review_on": "2026-01-05", "note": "board"}
    page = client.post(f"{url}?period=all", sent, follow=True).content.decode()
    told = page[page.index('id="steward"') : page.index("As reported before")]
    for words in ("Vera", "25.00%", "target reached", "overdue", "board"):
        assert words in told, words
    refused = client.post(url, {"target": "lots"}, follow=True).content.decode()
    assert "is no number" in refused.replace("&#x27;", "'")
    reader = client_of(Role.REP).get(reverse("number", args=["win_rate_count"])).content.decode()
    assert "Vera" in reader
    assert 'name="target"' not in reader


def test_rest_lists_it_and_takes_it_as_any_decision(facts):
    account = account_save(actor=ADMIN, username="programme", role=Role.OPS_ANALYST)
    scopes = ["numbers.read", "decisions.write"]
    _, secret = token_create(actor=actor_of(account), user=account, name="t", scopes=scopes, can_write=True)
    headers = {"Authorization": f"Bearer {secret}"}
    sent = {"kpi": "win_rate_count", "owner": "Vera", "target": "0.25"}
    body = {"documents": [{"kind": "kpi", "subject": "win_rate_count", "values": sent}]}
    made = Client().post("/api/v1/decision-documents", body, "application/json", headers=headers)
    assert made.json() == {"changed": 1, "same": 0}
    answer = Client().get("/api/v1/kpis", headers=headers)
    listed = {row["name"]: row for row in json.loads(answer.content, parse_float=Decimal)}
    assert listed["win_rate_count"]["steward"] == "Vera"
    assert Decimal(str(listed["win_rate_count"]["target"])) == Decimal("0.25")
    assert listed["won_value"]["steward"] == ""
    assert listed["won_value"]["target"] is None
