"""Alerts: told once on crossing and again after recovery; subscriptions, findings and alerts over REST."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client

from salesops.analytics.tests import pipeline_firm as firm
from salesops.platform import jobs, signin
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.models import AuditEvent, Job, Schedule, User
from salesops.platform.registries import after_imports
from salesops.platform.tests.roles import load_facts
from salesops.reports import alert_services, alerting
from salesops.reports.models import Alert
from tests.doors.reports_world import World, attached, letters, states

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mailbox")]
SHARES_A_HOME = True


def alert(made: World, owner: str = "ana", **more: Any) -> Alert:
    values: dict[str, Any] = {
        "name": "Open deals", "kpi": "open_deals", "query": "period=all&filter=owner_name:eq:Ann Ours",
        "condition": "above", "threshold": Decimal(1), "channel": "mail", "cron": "0 6 * * *", "zone": "UTC",
        "on_new_data": False,
    }  # fmt: skip
    return alert_services.alert_save(actor=made.actor(owner), **values | more)


def look(made: World, row: Alert) -> Job:
    job = alert_services.alert_do(actor=made.actor(row.owner_name), row=row, do="run")
    jobs.run_waiting()
    row.refresh_from_db()
    job.refresh_from_db()
    return job


def opened(owner: str) -> int:
    """Open deals of an owner, counted by hand."""
    return sum(d["owner_id"] == owner and d["stage"] in ("Discovery", "Proposal") for d in firm.deals())


def test_crossing_is_told_once_and_again_after_recovery(made: World) -> None:
    row = alert(made)
    look(made, row)
    count = opened(firm.OURS)
    assert (row.state, row.value) == ("crossed", str(count))
    (letter,) = mail.outbox
    text = str(letter.body)
    assert letter.subject == "Alert: Open deals"
    assert f"Open deals is {count}, above 1; at the last look it was none." in text
    assert "https://sales.example/numbers/open_deals/rows/?" in text
    assert "filter=owner_name%3Aeq%3AAnn+Ours" in text
    look(made, row)
    assert len(mail.outbox) == 1, "not each time"
    Alert.objects.filter(pk=row.pk).update(threshold=count)
    look(made, row)
    assert row.state == "calm"
    assert len(mail.outbox) == 1
    Alert.objects.filter(pk=row.pk).update(threshold=count - 1)
    look(made, row)
    assert row.state == "crossed"
    assert len(mail.outbox) == 2


def test_what_is_undefined_crosses_nothing_and_says_so(made: World) -> None:
    row = alert(
        made, kpi="quota_attainment", query="period=2026-Q3", condition="below", threshold=Decimal("0.5")
    )
    look(made, row)
    assert row.state == "undefined"
    assert row.reason
    assert row.value == ""
    assert not mail.outbox
    page = made.client("ana").get("/alerts/").content.decode()
    assert "Undefined" in page
    assert row.reason[:40].replace("'", "&#x27;") in page


def test_an_alert_sees_its_owners_rows(made: World) -> None:
    mine = alert(made, "max", query="period=all", threshold=Decimal(0))
    everything = alert(made, "ana", query="period=all", threshold=Decimal(0))
    look(made, mine)
    look(made, everything)
    assert mine.value == str(opened(firm.OURS))
    assert everything.value == str(opened(firm.OURS) + opened(firm.THEIRS))


def test_new_data_is_looked_at_and_old_data_only_once(made: World) -> None:
    row = alert(made, condition="changed", threshold=Decimal(1), on_new_data=True)
    look(made, row)
    assert row.state == "undefined"
    assert "no earlier value" in row.reason
    job = look(made, row)
    assert job.result["said"] == "No new data since the last look."
    fresh = [
        d | {"id": f"N{d['id']}", "name": f"New {d['name']}"}
        for d in firm.deals()[:8]
        if d["stage"] == "Proposal"
    ]
    load_facts({"opportunities": fresh})
    for ask in after_imports.entries():
        ask()
    assert Job.objects.filter(kind="alert", state="queued").count() == 1
    jobs.run_waiting()
    row.refresh_from_db()
    before, now = opened(firm.OURS), opened(firm.OURS) + len(fresh)
    assert (row.previous, row.value, row.state) == (str(before), str(now), "crossed")
    (letter,) = mail.outbox
    assert f"Open deals rose by {Decimal(100 * len(fresh)) / before:.1f}%, more than 1%" in str(letter.body)


def test_an_owner_who_lost_the_right_is_not_told(made: World) -> None:
    row = alert(made)
    job = alert_services.alert_do(actor=made.actor("ana"), row=row, do="run")
    User.objects.filter(username="ana").update(role="rep")
    jobs.run_waiting()
    job.refresh_from_db()
    assert job.state == "failed"
    assert not mail.outbox


def test_the_value_of_another_period_is_nothing_to_compare_with(made: World) -> None:
    row = alert(made, kpi="won_deals", query="period=2026-Q2", condition="changed", threshold=Decimal(1))
    look(made, row)
    assert row.period == "2026-Q2"
    Alert.objects.filter(pk=row.pk).update(value="1000000", period="2026-Q1")
    look(made, row)
    assert (row.state, row.period) == ("undefined", "2026-Q2")
    assert "no earlier value" in row.reason
    Alert.objects.filter(pk=row.pk).update(value="1000000")
    look(made, row)
    assert row.state == "crossed"
    (letter,) = mail.outbox
    assert "fell by" in str(letter.body)


def test_a_movement_beyond_noise_is_told_once_a_period(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    row = alert(made, condition="noise", threshold=None)
    told = []
    for verdict, month in (("up", "M05"), ("up", "M05"), ("up", "M06"), ("unknown", "M07"), ("down", "M07")):
        monkeypatch.setattr(alerting, "_movement", lambda *_, now=(verdict, "", f"2026-{month}"): now)
        look(made, row)
        told.append(len(mail.outbox))
    assert told == [1, 1, 2, 2, 3]
    assert row.period == "2026-M07"


@pytest.mark.parametrize("lost", ["mail address", "right", "mail server"])
def test_who_can_not_be_told_is_not_said_to_have_been_told(made: World, settings: Any, lost: str) -> None:
    settings.SLACK_WEBHOOK = "http://127.0.0.1:9/hook"
    row = alert(made, channel="slack" if lost == "right" else "mail")
    if lost == "mail address":
        User.objects.filter(username="ana").update(email="")
    elif lost == "right":
        User.objects.filter(username="ana").update(role="ops_representative")
    else:
        settings.SMTP_SET = False
    job = look(made, row)
    assert (row.state, row.told_at, job.result["told"]) == ("crossed", None, False)
    assert row.reason.startswith("Not told: ")
    assert not mail.outbox
    assert not Job.objects.filter(kind__in=("mail", "post")).exists()
    (kept,) = AuditEvent.objects.filter(subject=f"alert:{row.pk}").exclude(action="alert.save")
    assert kept.action == "alert.state"
    assert "value" not in str(kept.after), "the ledger is read by people who may not see it"
    User.objects.filter(username="ana").update(email="ana@firm.example", role="ops_analyst")
    settings.SMTP_SET = True
    look(made, row)
    assert row.told_at is not None
    assert row.reason == ""


def test_a_change_that_could_not_be_told_is_told_at_the_next_look(made: World, settings: Any) -> None:
    row = alert(made, condition="changed", threshold=Decimal(1), on_new_data=True)
    look(made, row)
    Alert.objects.filter(pk=row.pk).update(value="1", facts_version="")
    settings.SMTP_SET = False
    look(made, row)
    assert (row.value, row.told_at) == ("1", None)
    settings.SMTP_SET = True
    look(made, row)
    assert (row.value, len(mail.outbox)) == (str(opened(firm.OURS)), 1)
    look(made, row)
    assert len(mail.outbox) == 1


def test_a_threshold_reads_as_its_number(made: World) -> None:
    row = alert(made, kpi="win_rate_count", query="period=all", condition="below", threshold=Decimal("0.995"))
    look(made, row)
    assert ", below 99.50%; at the last look it was none." in str(mail.outbox[0].body)
    assert "99.50%" in made.client("ana").get("/alerts/").content.decode()


def test_what_is_refused(made: World) -> None:
    for bad, field in (
        ({"kpi": "no_such_number"}, "kpi"),
        ({"query": "filter=nonsense"}, "query"),
        ({"query": "period=2026-Q9"}, "query"),
        ({"query": "known_at=v1"}, "query"),
        ({"threshold": None}, "threshold"),
        ({"condition": "changed", "threshold": Decimal(0)}, "threshold"),
        ({"condition": "odd"}, "condition"),
        ({"name": " "}, "name"),
        ({"channel": "slack"}, "channel"),
        ({"cron": "now"}, "cron"),
    ):
        with pytest.raises(ValidationError) as refused:
            alert(made, **bad)
        assert field in refused.value.message_dict, bad
    with pytest.raises(NotAllowedError):
        alert(made, "ann")
    assert not Alert.objects.exists()
    assert not Schedule.objects.exists()


def test_setting_one_by_the_form(made: World) -> None:
    client = made.client("ana")
    form = client.get("/alerts/?page=/numbers/open_deals/%3Fperiod%3Dall").content.decode()
    assert 'value="period=all"' in form
    sent = {
        "kpi": "open_deals", "query": "period=all", "name": "Many", "condition": "above", "threshold": "3",
        "channel": "mail", "times": "*/15 * * * *", "zone": "UTC", "on_new_data": "on",
    }  # fmt: skip
    assert client.post("/alerts/", sent | {"threshold": ""}).status_code == 400
    assert client.post("/alerts/", sent).status_code == 302
    row = Alert.objects.get()
    assert client.post(f"/alerts/{row.pk}/", {"do": "pause"}).status_code == 302
    assert made.client("max").post(f"/alerts/{row.pk}/", {"do": "resume"}).status_code == 404
    assert made.client("ann").post("/alerts/", {"name": "x"}).status_code == 403
    assert "Paused" in client.get("/alerts/").content.decode()
    client.post(f"/alerts/{row.pk}/", {"do": "remove"})
    assert "Many" not in client.get("/alerts/").content.decode()


# --- REST -----------------------------------------------------------------------------------------


class Caller:
    """One account's token."""

    def __init__(self, made: World, name: str) -> None:
        _, secret = signin.token_create(actor=ADMIN, user=made.users[name], name=name, can_write=True)
        self.headers = {"Authorization": f"Bearer {secret}"}

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        send = getattr(Client(), method)
        more = {"data": body, "content_type": "application/json"} if body is not None else {}
        answer = send(f"/api/v1/{path}", headers=self.headers, **more)
        assert answer.status_code == status, answer.content
        return answer.json()


def test_a_subscription_by_rest(made: World) -> None:
    ana, ann, theo = (Caller(made, name) for name in ("ana", "ann", "theo"))
    wanted = {
        "page": "/pipeline/?status=all&columns=name", "name": "All of it", "cron": "0 6 * * MON",
        "zone": "Europe/Berlin", "recipients": [made.users["ann"].pk],
    }  # fmt: skip
    row = ana("post", "subscriptions", wanted, 201)
    assert (row["recipients"], row["zone"], row["paused"]) == (["ann"], "Europe/Berlin", "")
    assert row["next_run_at"]
    assert (
        "is no filter"
        in ana("post", "subscriptions", wanted | {"page": "/pipeline/?filter=x"}, 400)["detail"]
    )
    ann("post", "subscriptions", wanted, 403)
    assert ana("get", "subscriptions")["total"] == 1
    assert theo("get", "subscriptions?of=received")["total"] == 0
    assert ann("get", "subscriptions?of=received")["rows"][0]["name"] == "All of it"
    ana("post", f"subscriptions/{row['id']}/run", {}, 202)
    jobs.run_waiting()
    (run,) = ana("get", f"subscriptions/{row['id']}/runs")["rows"]
    (sent,) = run["deliveries"]
    assert (sent["to"], sent["state"], sent["opened_at"]) == ("ann", "sent", None)
    assert sent["rows"] == sent["rows_of"] == sum(d["owner_id"] == firm.OURS for d in firm.deals())
    assert "token" not in sent
    for caller in (ann, theo):
        caller("get", f"subscriptions/{row['id']}/runs", status=404)
        caller("delete", f"subscriptions/{row['id']}", status=404)
    theo("post", f"subscriptions/{row['id']}/leave", {}, 404)
    ann("post", f"subscriptions/{row['id']}/leave", {})
    assert ana("get", "subscriptions")["rows"][0]["unsubscribed"] == ["ann"]
    ana("delete", f"subscriptions/{row['id']}")
    assert ana("get", "subscriptions")["total"] == 0


def test_a_finding_by_rest(made: World) -> None:
    ana, ann, ria = (Caller(made, name) for name in ("ana", "ann", "ria"))
    wanted = {
        "title": "T", "text": "t", "action": "a", "due_on": "2026-01-01", "owner_id": made.users["ana"].pk,
        "page": "/numbers/won_deals/?period=all", "readers": [made.users["ann"].pk],
    }  # fmt: skip
    row = ana("post", "findings", wanted, 201)
    won = sum(d["stage"] == "Closed Won" for d in firm.deals())
    assert (row["value"], row["overdue"], row["state"]) == (str(won), True, "open")
    ann("post", "findings", wanted, 403)
    assert ria("get", "findings")["total"] == 0
    ria("post", f"findings/{row['id']}/events", {"kind": "dropped"}, 404)
    ann("post", f"findings/{row['id']}/events", {"kind": "dropped"}, 403)
    ann("post", f"findings/{row['id']}/acknowledge", {})
    after = ana("post", f"findings/{row['id']}/events", {"kind": "done", "result": "asked"})
    assert (after["state"], after["result"], after["overdue"]) == ("done", "asked", False)
    assert after["readers"][0]["acknowledged_at"]
    ana("post", f"findings/{row['id']}/events", {"kind": "moved", "due_on": "2027-01-01"}, 400)
    assert ana("get", "findings")["total"] == 0
    assert ana("get", "findings?state=all")["total"] == 1


def test_an_alert_by_rest(made: World) -> None:
    ana, ann = Caller(made, "ana"), Caller(made, "ann")
    wanted = {
        "name": "Open",
        "kpi": "open_deals",
        "query": "period=all",
        "condition": "above",
        "threshold": "1",
    }
    row = ana("post", "alerts", wanted | {"recipients": [made.users["ann"].pk]}, 201)
    assert row["accounts"] == [made.users["ann"].pk]
    ann("post", "alerts", wanted, 403)
    ana("post", "alerts", wanted | {"kpi": "nothing"}, 400)
    ana("post", f"alerts/{row['id']}/look", {}, 202)
    jobs.run_waiting()
    (seen,) = ana("get", "alerts")["rows"]
    assert (seen["state"], seen["value"]) == (
        "crossed",
        str(sum(d["stage"] in ("Discovery", "Proposal") for d in firm.deals())),
    )
    assert ann("get", "alerts")["total"] == 0
    ann("delete", f"alerts/{row['id']}", status=404)
    ana("delete", f"alerts/{row['id']}")
    assert ana("get", "alerts")["total"] == 0


def test_a_dashboard_is_sent_like_any_page(made: World) -> None:
    page = "/dashboards/ready/leader/?period=2026-Q2"
    row = made.subscribe("ana", page, "ann", "theo")
    made.send(row)
    assert {state for state, _ in states(row).values()} == {"sent"}
    for name in ("ann", "theo"):
        screen = firm.body(made.client(name).get(f"{page}&freeze=csv"))
        assert attached(letters()[f"{name}@firm.example"]) == screen
