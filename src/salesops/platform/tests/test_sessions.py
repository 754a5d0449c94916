"""Sessions: their limits, their list, and everything that ends them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from salesops.platform import sessions, signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.models import AuditEvent, User
from salesops.platform.tests.roles import QUICK, client_of, user_of

pytestmark = pytest.mark.django_db
PASSWORD = "quiet-harbour-41"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"


@pytest.fixture
def robin(settings: Any) -> User:
    settings.PASSWORD_HASHERS = [QUICK]
    user = user_of("ops_analyst", username="robin")
    signin.password_set(user=user, password=PASSWORD)
    return user


def signed_in_by(agent: str = FIREFOX, address: str = "192.0.2.1") -> Client:
    client = Client(headers={"User-Agent": agent}, REMOTE_ADDR=address)
    assert client.post(reverse("account_login"), {"login": "robin", "password": PASSWORD}).status_code == 302
    assert alive(client)
    return client


def alive(client: Client) -> bool:
    return client.get(reverse("my_account")).status_code == 200


def pretend(client: Client, **ago: timedelta) -> None:
    """Shift a session's marks into the past (or, negative, the future)."""
    session = client.session
    for mark, span in ago.items():
        session[f"session_{mark}"] = (timezone.now() - span).timestamp()
    session.save()


def test_a_session_ends_after_idling_and_after_its_whole_time(robin, settings):
    settings.SESSION_IDLE_MINUTES, settings.SESSION_HOURS = 30, 10
    client = signed_in_by()
    pretend(client, seen=timedelta(minutes=29))
    assert alive(client)
    assert client.session["session_seen"] > (timezone.now() - timedelta(minutes=1)).timestamp()
    pretend(client, seen=timedelta(minutes=31))
    answer = client.get("/pipeline/")
    assert answer.url == "/accounts/login/?next=/pipeline/"
    assert not alive(client)
    client = signed_in_by()
    pretend(client, started=timedelta(hours=9, minutes=59))
    assert alive(client)
    pretend(client, started=timedelta(hours=10, minutes=1))
    assert client.get("/", headers={"HX-Request": "true"})["HX-Redirect"].startswith("/accounts/login/")
    assert not alive(client)


def test_a_clock_set_back_neither_ends_nor_prolongs_for_ever(robin, settings):
    client = signed_in_by()
    pretend(client, started=timedelta(days=-30), seen=timedelta(days=-30))
    assert alive(client)
    assert client.session["session_started"] <= timezone.now().timestamp()


def test_a_busy_session_is_not_written_at_every_request(robin):
    client = signed_in_by()
    before = client.session["session_seen"]
    alive(client)
    assert client.session["session_seen"] == before


def test_own_sessions_are_listed_and_ended(robin):
    laptop, phone = signed_in_by(), signed_in_by(PHONE, "192.0.2.2")
    page = laptop.get(reverse("my_account"))
    held = page.context["sessions"]
    assert {(h.device, h.address) for h in held} == {
        ("Firefox on Linux", "192.0.2.1"),
        ("Safari on iPhone", "192.0.2.2"),
    }
    assert [h.address for h in held if h.current] == ["192.0.2.1"]
    other = next(h.id for h in held if not h.current)
    stranger = client_of("administrator")
    assert stranger.post(reverse("session_end", args=[other])).status_code == 404
    assert laptop.get(reverse("session_end", args=[other])).status_code == 405
    assert laptop.post(reverse("session_end", args=[other])).status_code == 302
    assert (alive(phone), alive(laptop)) == (False, True)
    assert AuditEvent.objects.get(action="session.end").after == {"address": "192.0.2.2"}
    phone = signed_in_by(PHONE)
    assert laptop.post(reverse("sessions_end")).url == reverse("account_login")
    assert (alive(phone), alive(laptop)) == (False, False)


@pytest.mark.parametrize("change", [{"role": "rep"}, {"active": False}])
def test_all_end_when_the_account_changes_and_stay_ended(robin, change):
    clients = [signed_in_by(), signed_in_by(PHONE)]
    signin.account_save(actor=ADMIN, **({"username": "robin", "role": "ops_analyst"} | change))
    assert [alive(c) for c in clients] == [False, False]
    signin.account_save(actor=ADMIN, username="robin", role="ops_analyst")
    assert [alive(c) for c in clients] == [False, False]
    assert AuditEvent.objects.filter(action="session.end_all", subject="account:robin").exists()
    signed_in_by()


def test_other_changes_end_nothing(robin):
    client = signed_in_by()
    signin.account_save(actor=ADMIN, username="robin", role="ops_analyst", email="r@example.org")
    assert alive(client)


def test_a_new_password_ends_the_others(robin):
    mine, other = signed_in_by(), signed_in_by(PHONE)
    values = {"current": PASSWORD, "password": "another-harbour-42"}
    assert mine.post(reverse("password"), values).status_code == 302
    assert (alive(mine), alive(other)) == (True, False)


def test_an_administrator_ends_them_all(robin):
    client = signed_in_by()
    assert client_of("ops_vp").post(reverse("account_sessions", args=[robin.pk])).status_code == 403
    assert client_of("administrator").post(reverse("account_sessions", args=[robin.pk])).status_code == 302
    assert not alive(client)


def test_devices_in_words():
    assert sessions.device("") == "Unknown browser"
    assert (
        sessions.device("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0")
        == "Edge on Windows"
    )
