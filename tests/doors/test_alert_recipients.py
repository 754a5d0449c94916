"""Alerts to other accounts: each is asked with its own rights, told alone, and kept apart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client

from salesops.analytics.tests import pipeline_firm as firm
from salesops.permissions.services import mask_decide
from salesops.platform import jobs, schedules, signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.models import AuditEvent, Job, User
from salesops.reports import alert_services, selectors
from salesops.reports.api import _alert as api_alert
from salesops.reports.models import Alert, AlertRecipient
from tests.doors.reports_world import World, letters

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mailbox")]
SHARES_A_HOME = True


def alert(made: World, *to: str, **more: Any) -> Alert:
    values: dict[str, Any] = {
        "name": "Open deals", "kpi": "open_deals", "query": "period=all", "condition": "above",
        "threshold": Decimal(0), "channel": "mail", "cron": "0 6 * * *", "zone": "UTC", "on_new_data": False,
        "recipients": [made.users[name].pk for name in to],
    }  # fmt: skip
    return alert_services.alert_save(actor=made.actor("ana"), **values | more)


def look(made: World, row: Alert) -> Job:
    job = alert_services.alert_do(actor=made.actor("ana"), row=row, do="run")
    jobs.run_waiting()
    row.refresh_from_db()
    job.refresh_from_db()
    return job


def kept(made: World, row: Alert, name: str) -> AlertRecipient:
    return AlertRecipient.objects.get(alert=row, user=made.users[name])


def opened(*owners: str) -> int:
    """Open deals of owners, counted by hand."""
    return sum(d["owner_id"] in owners and d["stage"] in ("Discovery", "Proposal") for d in firm.deals())


def test_each_gets_the_value_of_its_own_rows_and_nobody_elses(made: World) -> None:
    row = alert(made, "ann", "theo")
    job = look(made, row)
    ours, theirs = opened(firm.OURS), opened(firm.THEIRS)
    assert len({ours, theirs, ours + theirs}) == 3
    assert row.value == str(ours + theirs)
    assert (kept(made, row, "ann").value, kept(made, row, "theo").value) == (str(ours), str(theirs))
    sent = {to: str(letter.body) for to, letter in letters().items()}  # type: ignore[attr-defined]
    for name, own in (("ana", ours + theirs), ("ann", ours), ("theo", theirs)):
        body = sent[f"{name}@firm.example"]
        assert f"Open deals is {own}, above 0" in body
        assert not [n for n in (ours, theirs, ours + theirs) if n != own and f" {n}," in body]
    assert len(mail.outbox) == 3
    assert {to for letter in mail.outbox for to in letter.recipients()} == set(sent)
    told = str(job.result)
    assert job.result["others"] == 2
    assert f"'{ours}'" not in told
    look(made, row)
    assert len(mail.outbox) == 3, "each is told once"


def test_one_crosses_and_the_other_does_not(made: World) -> None:
    low, high = sorted([(opened(firm.OURS), "ann"), (opened(firm.THEIRS), "theo")])
    row = alert(made, "ann", "theo", threshold=Decimal(low[0]))
    look(made, row)
    assert (kept(made, row, high[1]).state, kept(made, row, low[1]).state) == ("crossed", "calm")
    assert f"{low[1]}@firm.example" not in letters()
    assert kept(made, row, low[1]).told_at is None
    AlertRecipient.objects.filter(alert=row, user=made.users[high[1]]).update(state="calm")
    look(made, row)
    assert [letter.to for letter in mail.outbox].count([f"{high[1]}@firm.example"]) == 2


def test_whoever_made_it_is_not_told_how_it_stands_for_others(made: World) -> None:
    row = alert(made, "ann", "theo", name="Over their own rows", query="period=all&filter=amount:gt:1")
    look(made, row)
    page = made.client("ana").get("/alerts/").content.decode()
    assert "for 2 other accounts too, each over its own rows" in page
    listed = [api_alert(seen) for seen in selectors.alerts_of(made.actor("ana"))]
    (one,) = [entry for entry in listed if entry["id"] == row.pk]
    assert one["accounts"] == sorted(made.users[name].pk for name in ("ann", "theo"))
    own = kept(made, row, "theo").value
    assert own
    assert own not in [str(value) for value in one.values()]
    written = str(list(AuditEvent.objects.filter(subject=f"alert:{row.pk}").values_list("before", "after")))
    assert "'value'" not in written
    assert selectors.alerts_of(made.actor("theo")) == []
    theirs = made.client("theo").get("/alerts/").content.decode()
    assert "Over their own rows" in theirs
    assert f">{own}<" in theirs
    assert "New alert" not in theirs
    assert made.client("theo").post("/alerts/", {"name": "x"}).status_code == 403


def test_a_recipient_leaves_and_comes_back(made: World) -> None:
    row = alert(made, "ann", "theo")
    assert made.client("theo").post(f"/alerts/{row.pk}/", {"do": "leave"}).status_code == 302
    look(made, row)
    assert "theo@firm.example" not in letters()
    assert kept(made, row, "theo").looked_at is None
    assert made.client("theo").post(f"/alerts/{row.pk}/", {"do": "back"}).status_code == 302
    look(made, row)
    assert "theo@firm.example" in letters()
    for do in ("leave", "back"):
        assert made.client("max").post(f"/alerts/{row.pk}/", {"do": do}).status_code == 404
    for do in ("run", "pause", "remove"):
        assert made.client("theo").post(f"/alerts/{row.pk}/", {"do": do}).status_code == 403


def test_what_hinders_one_hinders_nobody_else(made: World) -> None:
    """One whose fields are hidden, one who may not sign in any more, and one for whom all is well."""
    mask_decide(actor=ADMIN, name="no amounts", columns=("amounts",), roles=("rep",), reason="test")
    row = alert(made, "ann", "max", "ria", kpi="won_value")
    User.objects.filter(pk=made.users["ria"].pk).update(is_active=False)
    look(made, row)
    assert "max@firm.example" in letters()
    assert not {"ann@firm.example", "ria@firm.example"} & set(letters())
    hidden = kept(made, row, "ann")
    assert (hidden.state, hidden.value) == ("undefined", "")
    assert "masked for your role" in hidden.reason
    assert kept(made, row, "ria").reason == "Not looked at: the account may not sign in"
    User.objects.filter(pk=made.users["ria"].pk).update(is_active=True)
    look(made, row)
    assert "ria@firm.example" in letters(), "told once she may again"


def test_who_was_told_once_is_not_told_again_for_a_look_without_him(made: World) -> None:
    row = alert(made, "ann", "theo")

    def letters_to(name: str) -> int:
        return [letter.to for letter in mail.outbox].count([f"{name}@firm.example"])

    look(made, row)
    assert letters_to("theo") == 1
    people = User.objects.filter(pk=made.users["theo"].pk)
    people.update(is_active=False)
    look(made, row)
    assert kept(made, row, "theo").state == "crossed"
    people.update(is_active=True)
    look(made, row)
    assert letters_to("theo") == 1, "he knows"
    # What crossed without anybody being told is still told, though a look without him came between.
    AlertRecipient.objects.filter(alert=row, user=made.users["theo"]).update(
        reason="Not told: no mail server is set", told_at=None
    )
    people.update(is_active=False)
    look(made, row)
    people.update(is_active=True)
    look(made, row)
    assert letters_to("theo") == 2


def test_a_recipient_sees_that_an_alert_is_paused_and_when_it_looked(made: World) -> None:
    row = alert(made, "theo", name="Paused for all")
    look(made, row)

    def shown() -> str:
        page = made.client("theo").get("/alerts/").content.decode()
        start = page.index("Paused for all</a>")
        return page[start : page.index("</tr>", start)]

    def received() -> dict[str, Any]:
        answer = rest(made, "theo").get("/api/v1/alerts/received")
        (one,) = [one for one in answer.json()["rows"] if one["id"] == row.pk]
        return dict(one)

    assert "Paused by" not in shown()
    assert ">Paused<" not in shown()
    assert 'data-label="Last look"' in shown()
    assert "not yet" not in shown()
    assert (received()["paused"], received()["looked_at"] is not None) == ("", True)
    alert_services.alert_do(actor=made.actor("ana"), row=row, do="pause")
    assert ">Paused<" in shown()
    assert selectors.PAUSED in shown()
    assert (received()["paused"], received()["next_run_at"]) == (selectors.PAUSED, None)
    alert_services.alert_do(actor=made.actor("ana"), row=row, do="resume")
    schedules.schedule_stop(row.schedule_id, "what only its owner may know")
    assert selectors.STOPPED in shown()
    assert "only its owner" not in shown()
    assert "only its owner" not in str(received())


def rest(made: World, name: str, *scopes: str) -> Client:
    """A program that holds a token of an account."""
    _, secret = signin.token_create(
        actor=ADMIN, user=made.users[name], name="x", can_write=True, scopes=list(scopes)
    )
    return Client(headers={"Authorization": f"Bearer {secret}"})


def test_a_recipient_sees_and_leaves_an_alert_by_rest(made: World) -> None:
    row = alert(made, "ann", "theo", name="By REST")
    look(made, row)
    theo = rest(made, "theo")
    (one,) = [one for one in theo.get("/api/v1/alerts/received").json()["rows"] if one["id"] == row.pk]
    assert one["value"] == str(opened(firm.THEIRS)), "his own rows"
    assert (one["name"], one["owner"], one["state"], one["left_at"]) == ("By REST", "ana", "crossed", None)
    assert theo.post(f"/api/v1/alerts/{row.pk}/leave").status_code == 200
    assert kept(made, row, "theo").left_at is not None
    (one,) = [one for one in theo.get("/api/v1/alerts/received").json()["rows"] if one["id"] == row.pk]
    assert one["left_at"]
    before = AuditEvent.objects.filter(subject=f"alert:{row.pk}").count()
    for name in ("max", "ana"):
        assert rest(made, name).post(f"/api/v1/alerts/{row.pk}/leave").status_code == 404
    assert row.pk not in [
        one["id"] for one in rest(made, "max").get("/api/v1/alerts/received").json()["rows"]
    ]
    assert AuditEvent.objects.filter(subject=f"alert:{row.pk}").count() == before
    assert kept(made, row, "ann").left_at is None


def test_a_question_that_one_may_not_ask_is_told_to_him_alone(made: World) -> None:
    mask_decide(actor=ADMIN, name="reps see no amounts", columns=("amounts",), roles=("rep",), reason="test")
    row = alert(made, "ann", "max", query="period=all&filter=amount:gt:1")
    look(made, row)
    assert row.state == "crossed"
    assert "max@firm.example" in letters()
    assert "ann@firm.example" not in letters()
    assert "masked for your role" in kept(made, row, "ann").reason


def test_recipients_are_accounts_told_by_mail(made: World) -> None:
    with pytest.raises(ValidationError, match="no account 999999999 that may sign in"):
        alert(made, recipients=[999_999_999])
    twice = alert(made, recipients=[made.users["ann"].pk, made.users["ann"].pk, made.users["ana"].pk])
    assert list(twice.recipients.values_list("user_id", flat=True)) == [made.users["ann"].pk]
    form = {
        "kpi": "open_deals", "query": "period=all", "name": "By form", "condition": "above", "threshold": "0",
        "channel": "mail", "recipients": [str(made.users["theo"].pk)], "times": "*/15 * * * *", "zone": "UTC",
    }  # fmt: skip
    assert made.client("ana").post("/alerts/", form).status_code == 302
    assert list(Alert.objects.get(name="By form").recipients.values_list("user_id", flat=True)) == [
        made.users["theo"].pk
    ]
