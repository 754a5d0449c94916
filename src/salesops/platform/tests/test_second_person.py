"""Decisions that take two people: recorded by one, put in force by another, and by nobody alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from salesops.platform import decisions, second_person, selectors, signin
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.models import AuditEvent, User
from salesops.platform.registries import decision_kinds
from salesops.platform.roles import Role

pytestmark = pytest.mark.django_db
DAY = date(2026, 6, 1)
QUOTA = {"person_id": "U1", "period": "2026-Q3", "amount": "1000", "currency": "USD"}


@pytest.fixture(autouse=True)
def two_people(settings: Any) -> None:
    settings.SECOND_PERSON = frozenset({"all"})


def account(name: str, role: str = Role.OPS_MANAGER) -> User:
    return signin.account_save(actor=ADMIN, username=name, role=role)


def actor(name: str, role: str = Role.OPS_MANAGER) -> Actor:
    return actor_of(account(name, role))


def quota() -> Any:
    return decision_kinds.get("quota")


def record(who: Actor, amount: str = "1000") -> Any:
    values = quota().parse(QUOTA | {"amount": amount})
    return decisions.decision_record(quota(), actor=who, subject="U1/2026-Q3", values=values, reason="plan")


def in_force() -> list[str]:
    return [str(row.amount) for row in decisions.in_force(quota(), DAY).values()]


def test_what_one_records_another_puts_in_force() -> None:
    ann, bob = actor("ann"), actor("bob")
    row = record(ann)
    assert row.draft
    assert in_force() == []
    with pytest.raises(ValidationError, match="a second person"):
        decisions.decision_publish(row, actor=ann)
    with pytest.raises(ValidationError, match="account of their own"):
        decisions.decision_publish(row, actor=ADMIN)
    with pytest.raises(NotAllowedError):
        decisions.decision_publish(row, actor=actor("ana", Role.OPS_ANALYST))
    made = decisions.decision_publish(row, actor=bob)
    assert (made.draft, made.author_name, in_force()) == (False, "bob", ["1000.0000"])
    told = AuditEvent.objects.get(action="decision.record")
    assert (told.actor_name, told.after["drafted_by"], told.reason) == ("bob", "ann", "plan")


def test_the_command_line_is_no_second_person_and_needs_one() -> None:
    row = record(ADMIN)
    assert row.draft
    with pytest.raises(ValidationError):
        decisions.decision_publish(row, actor=ADMIN)
    decisions.decision_publish(row, actor=actor("bob"))
    assert in_force() == ["1000.0000"]


def test_an_end_waits_too() -> None:
    ann, bob = actor("ann"), actor("bob")
    decisions.decision_publish(record(ann), actor=bob)
    ending = decisions.decision_end(quota(), actor=bob, subject="U1/2026-Q3", starts_on=None, reason="left")
    assert ending is not None
    assert ending.draft
    assert in_force() == ["1000.0000"]
    with pytest.raises(ValidationError):
        decisions.decision_publish(ending, actor=bob)
    decisions.decision_publish(ending, actor=ann)
    assert in_force() == []
    with pytest.raises(ValidationError, match="already, or overtaken"):
        decisions.decision_publish(ending, actor=ann)


def test_an_approval_is_given_once_and_not_to_what_was_overtaken() -> None:
    ann, bob, carl = actor("ann"), actor("bob"), actor("carl")
    first = record(ann)
    decisions.decision_publish(first, actor=bob)
    second, third = record(ann, "2000"), record(carl, "3000")
    decisions.decision_publish(third, actor=bob)
    assert in_force() == ["3000.0000"]
    for old in (first, second):
        with pytest.raises(ValidationError, match="already, or overtaken"):
            decisions.decision_publish(old, actor=bob)
    assert in_force() == ["3000.0000"]
    assert selectors.open_drafts(quota()) == []


def test_a_draft_of_one_day_does_not_overtake_that_of_another(settings: Any) -> None:
    settings.SECOND_PERSON = frozenset({"position"})
    ann, bob = actor("ann"), actor("bob")
    position = decision_kinds.get("position")

    def team(name: str, day: date | None) -> Any:
        values = {"person_id": "U1", "team": name}
        return decisions.decision_record(position, actor=ann, subject="U1", values=values, starts_on=day)

    always, january, july = (
        team("North", None),
        team("South", date(2026, 1, 1)),
        team("East", date(2026, 7, 1)),
    )
    decisions.decision_publish(january, actor=bob)
    assert selectors.open_drafts(position) == [july, always]
    decisions.decision_publish(july, actor=bob)
    assert selectors.open_drafts(position) == [always]
    decisions.decision_publish(always, actor=bob)
    assert selectors.open_drafts(position) == []


def test_pages_of_settings_do_not_say_that_what_waits_is_recorded(client: Client) -> None:
    client.force_login(
        account("ada", Role.ADMINISTRATOR), backend="django.contrib.auth.backends.ModelBackend"
    )
    sent = {"name": "No amounts", "groups": "amounts", "roles": "rep", "reason": "test"}
    page = client.post("/settings/masks/", sent, follow=True).content.decode()
    assert "waits for a second person" in page
    assert "Recorded." not in page


def test_the_same_again_is_one_draft_and_another_amount_a_second() -> None:
    ann = actor("ann")
    assert record(ann).pk == record(ann).pk
    assert record(ann, "2000").pk != record(ann).pk  # back to the first amount: recorded after the second
    assert len(selectors.open_drafts(quota())) == 3
    assert quota().objects.filter(draft=False).count() == 0


def test_kinds_that_ask_for_no_reason_stay_as_they_are(settings: Any) -> None:
    link = decision_kinds.get("record_link")
    values = {"source": "crm", "table": "accounts", "pattern": "https://crm.example/{id}"}
    made = decisions.decision_record(link, actor=actor("ann"), subject="crm/accounts", values=values)
    assert not made.draft
    settings.SECOND_PERSON = frozenset({"record_link"})
    values |= {"pattern": "https://other.example/{id}"}
    assert decisions.decision_record(link, actor=actor("ann"), subject="crm/accounts", values=values).draft
    assert not record(actor("ann")).draft


def test_the_page_says_what_waits_and_lets_only_the_other_publish() -> None:
    ann, bob = Client(), Client()
    ann.force_login(account("ann"), backend="django.contrib.auth.backends.ModelBackend")
    bob.force_login(account("bob"), backend="django.contrib.auth.backends.ModelBackend")
    record(actor("ann"))
    own, theirs = (c.get("/settings/decisions/quota/").content.decode() for c in (ann, bob))
    assert "waits for somebody else" in own
    assert "Publish U1/2026-Q3" not in own
    assert "Publish U1/2026-Q3" in theirs
    (row,) = selectors.open_drafts(quota())
    refused = ann.post(f"/settings/decisions/quota/{row.pk}/publish/", follow=True).content.decode()
    assert "a second person has to put it in force" in refused
    assert in_force() == []
    assert (
        "is in force"
        in bob.post(f"/settings/decisions/quota/{row.pk}/publish/", follow=True).content.decode()
    )
    assert in_force() == ["1000.0000"]


def test_rest_says_how_many_wait() -> None:
    secrets = {}
    for name in ("ann", "bob"):
        user = account(name)
        secrets[name] = signin.token_create(actor=ADMIN, user=user, name="t", can_write=True)[1]

    def send(name: str, path: str, body: dict[str, Any]) -> Any:
        return Client().post(
            f"/api/v1/{path}", json.dumps(body), content_type="application/json",
            headers={"Authorization": f"Bearer {secrets[name]}"},
        )  # fmt: skip

    answer = send("ann", "decisions/quota", {"values": QUOTA, "reason": "plan"})
    assert (answer.status_code, answer["X-Salesops-Waiting"], answer.json()["draft"]) == (201, "1", True)
    path = f"decisions/quota/drafts/{answer.json()['id']}/publish"
    assert send("ann", path, {}).status_code == 400
    published = send("bob", path, {})
    assert published.status_code == 200
    assert "X-Salesops-Waiting" not in published
    assert in_force() == ["1000.0000"]


def test_a_kind_that_there_is_not_stops_the_start(tmp_path: Path) -> None:
    env = os.environ | {"SALESOPS_HOME": str(tmp_path), "SALESOPS_SECOND_PERSON": "quotas"}
    done = subprocess.run(
        [sys.executable, "-m", "salesops", "kpis"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "SALESOPS_SECOND_PERSON names no kind of decision: quotas" in done.stderr


def test_words() -> None:
    assert second_person.words(1).startswith("The decision waits")
    assert second_person.words(7).startswith("7 decisions wait")
