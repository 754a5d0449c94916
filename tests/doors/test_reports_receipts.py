"""Who opened what: receipts of deliveries and findings, by signing in and by nothing else."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from salesops.analytics.tests import pipeline_firm as firm
from salesops.platform import jobs
from salesops.platform.access import NotAllowedError
from salesops.reports import finding_services, selectors, services
from salesops.reports.models import Delivery, Finding, FindingEvent, FindingReader
from tests.doors.reports_world import World, html, letters

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mailbox")]
SHARES_A_HOME = True
PAGE = "/pipeline/?status=all&columns=name"
DUE = "2026-12-01"
NUMBER = "/numbers/won_value/?period=2026-Q2"


def write(made: World, author: str = "ana", **more: Any) -> Finding:
    values: dict[str, Any] = {
        "title": "Wins come late", "text": "Most of the quarter was won in its last weeks.", "page": NUMBER,
        "action": "Ask for dates in week 6", "owner_id": made.users[author].pk, "due_on": date(2026, 12, 1),
    }  # fmt: skip
    return finding_services.finding_add(actor=made.actor(author), **values | more)


def test_opening_signed_in_is_the_receipt_and_nothing_else_is(made: World) -> None:
    row = made.subscribe("ana", PAGE, "ann", "theo")
    made.send(row)
    link = re.search(r"https://sales\.example(/deliveries/[^\"]+/)", html(letters()["ann@firm.example"]))
    assert link
    path = link.group(1)
    other = re.search(r"https://sales\.example(/deliveries/[^\"]+/)", html(letters()["theo@firm.example"]))
    assert other
    assert other.group(1) != path
    anonymous = Client().get(path)
    assert anonymous.status_code == 302
    assert "/accounts/login/" in anonymous["Location"]
    for name in ("theo", "ana", "boss"):
        assert made.client(name).get(path).status_code == 404
        assert made.client(name).post(path).status_code == 404
    delivery = Delivery.objects.get(run__subscription=row, to="ann")
    assert delivery.opened_at is None
    page = made.client("ann").get(path)
    assert page.status_code == 200
    assert 'href="/pipeline/?status=all&amp;columns=name"' in page.content.decode()
    delivery.refresh_from_db()
    first = delivery.opened_at
    assert first is not None
    made.client("ann").get(path)
    made.client("ann").post(path)
    delivery.refresh_from_db()
    assert delivery.opened_at == first, "the first time counts"
    assert delivery.acknowledged_at is not None
    seen = made.client("ana").get(f"/subscriptions/{row.pk}/").content.decode()
    assert seen.count("not opened") >= 1
    assert Delivery.objects.get(run__subscription=row, to="theo").opened_at is None


def test_a_recipient_ends_it_alone_and_comes_back_alone(made: World) -> None:
    row = made.subscribe("ana", PAGE, "ann", "theo")
    assert "Unsubscribe" in made.client("ann").get("/subscriptions/").content.decode()
    assert made.client("ria").post(f"/subscriptions/{row.pk}/leave/", {"do": "leave"}).status_code == 404
    assert made.client("ann").post(f"/subscriptions/{row.pk}/leave/", {"do": "leave"}).status_code == 302
    made.send(row)
    assert set(letters()) == {"theo@firm.example"}
    people = [made.users[name].pk for name in ("ann", "theo")]
    services.subscription_save(
        actor=made.actor("ana"), row=row, page=PAGE, name="Again", form="csv", channel="mail", cron="0 6 * * *",
        zone="UTC", recipients=people,
    )  # fmt: skip
    mail.outbox.clear()
    made.send(row)
    assert set(letters()) == {"theo@firm.example"}, "its owner can't bring ann back"
    made.client("ann").post(f"/subscriptions/{row.pk}/leave/", {"do": "return"})
    mail.outbox.clear()
    made.send(row)
    assert set(letters()) == {"theo@firm.example", "ann@firm.example"}


def test_who_sees_whose_subscriptions(made: World) -> None:
    mine = made.subscribe("ana", PAGE, "ann", name="Of the analyst")
    lead = made.subscribe("max", "/waterfall/", "max", name="Of the lead")
    for name, shown, hidden in (
        ("ana", "Of the analyst", "Of the lead"),
        ("max", "Of the lead", "Of the analyst"),
    ):
        page = made.client(name).get("/subscriptions/").content.decode()
        assert shown in page
        assert hidden not in page
    everything = made.client("boss").get("/subscriptions/").content.decode()
    assert "Of the lead" in everything
    assert "Of the analyst" in everything
    one = made.client("boss").get("/subscriptions/?page=/waterfall/").content.decode()
    assert "Of the lead" in one
    assert "Of the analyst" not in one
    for name in ("max", "ann", "ria"):
        assert made.client(name).get(f"/subscriptions/{mine.pk}/").status_code == 404
        assert made.client(name).post(f"/subscriptions/{mine.pk}/", {"do": "run"}).status_code == 404
    assert made.client("boss").get(f"/subscriptions/{lead.pk}/change/").status_code == 404
    assert made.client("boss").post(f"/subscriptions/{lead.pk}/", {"do": "pause"}).status_code == 302
    assert "Paused by boss" in made.client("max").get(f"/subscriptions/{lead.pk}/").content.decode()


def test_subscribing_by_the_form(made: World) -> None:
    client = made.client("ana")
    form = client.get("/subscriptions/new/?page=/pipeline/%3Fstatus%3Dopen")
    assert 'value="/pipeline/?status=open"' in form.content.decode()
    sent = {
        "page": "/pipeline/?status=open", "name": "Mondays", "form": "xlsx", "channel": "mail",
        "recipients": [made.users["ann"].pk], "times": "0 7 * * MON", "zone": "Europe/Berlin",
    }  # fmt: skip
    bad = client.post("/subscriptions/new/", sent | {"page": "/pipeline/?filter=x"})
    assert bad.status_code == 400
    assert "is no filter" in bad.content.decode()
    answer = client.post("/subscriptions/new/", sent)
    assert answer.status_code == 302
    (seen,) = selectors.subscriptions_of(made.actor("ana"))
    assert (seen.cron, seen.zone, seen.recipients) == ("0 7 * * MON", "Europe/Berlin", ("ann",))
    changed = client.post(
        f"/subscriptions/{seen.id}/change/", sent | {"name": "Tuesdays", "cron": "0 7 * * TUE"}
    )
    assert changed.status_code == 302
    (seen,) = selectors.subscriptions_of(made.actor("ana"))
    assert (seen.row.name, seen.cron) == ("Tuesdays", "0 7 * * TUE")
    assert made.client("ann").get("/subscriptions/new/").status_code == 403
    assert 'name="addresses"' not in made.client("ria").get("/subscriptions/new/").content.decode()


# --- Findings -------------------------------------------------------------------------------------


def test_a_finding_keeps_the_value_its_author_saw(made: World) -> None:
    row = write(made, readers=[made.users["ann"].pk])
    won = [
        d["amount"]
        for d in firm.deals()
        if d["stage"] == "Closed Won"
        and d["amount"] is not None
        and date(2026, 4, 1) <= d["close_on"] <= date(2026, 6, 30)
    ]
    assert row.value.rstrip("0").rstrip(".") == str(sum(won))
    assert row.value_text == f"${sum(won):,}"
    assert row.facts_version
    page = made.client("ann").get(f"/findings/{row.pk}/").content.decode()
    assert row.value_text in page
    assert f"known_at=v{row.facts_version}" in page
    # The number itself is the reader's own.
    assert row.value_text not in made.client("theo").get(NUMBER).content.decode()


def test_an_undefined_number_is_kept_as_undefined_with_its_reason(made: World) -> None:
    row = write(made, page="/numbers/quota_attainment/?period=2019-Q1")
    assert row.value == ""
    assert row.value_text.startswith("undefined: ")


def test_named_readers_have_receipts(made: World) -> None:
    row = write(made, owner_id=made.users["max"].pk, readers=[made.users[n].pk for n in ("ann", "theo")])
    jobs.run_waiting()
    assert sorted(letters()) == ["ann@firm.example", "max@firm.example", "theo@firm.example"]
    assert "https://sales.example/findings/" in str(letters()["ann@firm.example"].body)
    assert made.client("ria").get(f"/findings/{row.pk}/").status_code == 404
    made.client("max").get(f"/findings/{row.pk}/")
    made.client("ann").get(f"/findings/{row.pk}/")
    made.client("ann").post(f"/findings/{row.pk}/", {"do": "acknowledge"})
    found = {
        r.user.username: (r.opened_at is not None, r.acknowledged_at is not None)
        for r in FindingReader.objects.all()
    }
    assert found == {"ann": (True, True), "theo": (False, False)}
    page = made.client("ana").get(f"/findings/{row.pk}/").content.decode()
    assert page.count("Took note") == 1
    assert page.count("Not opened") == 1
    assert made.client("ria").post(f"/findings/{row.pk}/", {"do": "acknowledge"}).status_code == 404


def test_a_finding_goes_with_a_delivery_and_its_receipts_are_one(made: World) -> None:
    row = write(made)
    sent = made.subscribe("ana", PAGE, "ann", finding_id=row.pk)
    made.send(sent)
    text = html(letters()["ann@firm.example"])
    for part in ("Wins come late", "Ask for dates in week 6", row.value_text, "Dec 1, 2026"):
        assert part in text
    token = Delivery.objects.get(run__subscription=sent).token
    made.client("ann").post(f"/deliveries/{token}/")
    reader = FindingReader.objects.get(finding=row)
    assert reader.user.username == "ann"
    assert reader.opened_at is not None
    assert reader.acknowledged_at is not None
    assert made.client("ann").get(f"/findings/{row.pk}/").status_code == 200
    with pytest.raises(ValidationError, match="no such finding of yours"):
        made.subscribe("max", PAGE, "max", finding_id=row.pk)


def test_what_becomes_of_a_finding(made: World) -> None:
    row = write(made, owner_id=made.users["ann"].pk, due_on=timezone.now().date() - timedelta(days=3))
    owner, client = made.actor("ann"), made.client("ann")
    late = client.get("/findings/?state=late").content.decode()
    assert ">Overdue</span>" in late
    with pytest.raises(ValidationError, match="what came of it"):
        finding_services.finding_change(actor=owner, pk=row.pk, kind="done")
    with pytest.raises(ValidationError, match="to which day"):
        finding_services.finding_change(actor=owner, pk=row.pk, kind="moved")
    client.post(f"/findings/{row.pk}/", {"do": "moved", "due_on": "2027-01-15"})
    assert ">Overdue</span>" not in client.get("/findings/").content.decode()
    client.post(f"/findings/{row.pk}/", {"do": "done", "result": "Dates are asked for"})
    seen = selectors.finding_of(owner, row.pk)
    assert seen is not None
    assert (seen.state, seen.result, seen.due_on, seen.moved) == (
        "done",
        "Dates are asked for",
        date(2027, 1, 15),
        1,
    )
    with pytest.raises(ValidationError, match="can't become"):
        finding_services.finding_change(actor=owner, pk=row.pk, kind="dropped")
    assert finding_services.finding_change(actor=owner, pk=row.pk, kind="reopened").state == "open"
    with pytest.raises(LookupError):
        finding_services.finding_change(actor=made.actor("theo"), pk=row.pk, kind="dropped")
    for table in (Finding, FindingEvent):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            table.objects.all().delete() if table is FindingEvent else table.objects.update(title="x")


def test_who_may_give_findings_to_others(made: World) -> None:
    with pytest.raises(NotAllowedError, match=r"finding\.write"):
        write(made, "ann")
    assert write(made, "ria").pk
    with pytest.raises(NotAllowedError, match=r"report\.share"):
        write(made, "ria", readers=[made.users["ann"].pk])
    with pytest.raises(ValidationError, match="no filter"):
        write(made, page="/numbers/won_value/?filter=x")
    assert made.client("ann").get("/findings/new/").status_code == 403
    form = made.client("max").get(f"/findings/new/?page={NUMBER}")
    assert form.status_code == 200
    answer = made.client("max").post(
        "/findings/new/",
        {
            "title": "T",
            "text": "t",
            "page": NUMBER,
            "action": "a",
            "owner": made.users["ann"].pk,
            "due_on": "2026-12-01",
        },
    )
    assert answer.status_code == 302
