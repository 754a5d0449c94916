"""Failed sign-ins lock accounts and addresses: in every process, for a while, and not by the clock's whims."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from allauth.core.internal import ratelimit
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from salesops.platform import lockout, signin
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.models import AttemptCounter, AuditEvent, User
from salesops.platform.tests.roles import QUICK, actor, client_of, user_of

pytestmark = pytest.mark.django_db
PASSWORD = "quiet-harbour-41"


@pytest.fixture(autouse=True)
def limits(settings: Any) -> None:
    settings.PASSWORD_HASHERS = [QUICK]
    settings.LOCK_AFTER, settings.LOCK_ADDRESS_AFTER, settings.LOCK_MINUTES = 3, 6, 15


@pytest.fixture
def robin() -> User:
    user = user_of("rep", username="robin", email="robin@example.org")
    signin.password_set(user=user, password=PASSWORD)
    return user


def try_password(password: str, login: str = "robin", client: Client | None = None, **extra: Any) -> bool:
    """Whether a password signs in."""
    client = client or Client()
    answer = client.post(reverse("account_login"), {"login": login, "password": password}, **extra)
    return answer.status_code == 302


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Set the clock of the guard."""
    monkeypatch.setattr(lockout.timezone, "now", lambda: moment)


def test_a_right_password_signs_in_however_many_sign_in_from_its_address(robin, monkeypatch):
    """A whole office behind one address comes at nine: a lock that all of them want must refuse nobody."""

    @contextmanager
    def held_by_somebody_else(_: str) -> Iterator[bool]:
        yield False

    monkeypatch.setattr(ratelimit, "cache_lock", held_by_somebody_else)
    assert not try_password("wrong")
    assert all(try_password(PASSWORD) for _ in range(3))
    assert AttemptCounter.objects.get(key__startswith="sign-in:").failures == 1


def test_failures_lock_the_account_under_every_name_until_the_time_is_over(robin, monkeypatch):
    for login in ("robin", "ROBIN", "robin@example.org"):
        assert not try_password("wrong", login)
    answer = Client().post(reverse("account_login"), {"login": "robin", "password": PASSWORD})
    assert answer.status_code == 200
    assert "Too many failed attempts" in answer.content.decode()
    assert not try_password(PASSWORD, "Robin@Example.org")
    event = AuditEvent.objects.get(action="account.lock")
    assert (event.subject, event.after["failures"]) == ("account:robin", 3)
    at(monkeypatch, timezone.now() + timedelta(minutes=14))
    assert not try_password(PASSWORD)
    at(monkeypatch, timezone.now() + timedelta(minutes=2))
    assert try_password(PASSWORD)


def test_a_success_starts_the_count_again(robin):
    for number in range(4):
        where = {"REMOTE_ADDR": f"192.0.2.{number + 1}"}
        assert not try_password("wrong", **where)
        assert not try_password("wrong", **where)
        assert try_password(PASSWORD, **where)


def test_names_without_an_account_lock_alike(robin):
    told = set()
    for name in ("robin", "nobody"):
        for _ in range(3):
            try_password("wrong", name)
        answer = Client().post(reverse("account_login"), {"login": name, "password": "wrong"})
        told.add(tuple(answer.context["form"].non_field_errors()))
    assert len(told) == 1


def test_an_address_is_locked_for_all_accounts_and_others_are_not(robin):
    for number in range(6):
        assert not try_password("wrong", f"guess-{number}", REMOTE_ADDR="192.0.2.7")
    assert not try_password(PASSWORD, REMOTE_ADDR="192.0.2.7")
    assert try_password(PASSWORD, REMOTE_ADDR="192.0.2.8")
    assert AuditEvent.objects.get(action="address.lock").subject == "sign-in:192.0.2.7"


def test_a_header_counts_only_where_a_proxy_is_set_up(robin, settings):
    for number in range(6):
        try_password("wrong", f"g-{number}", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")
    assert not try_password(PASSWORD)  # made-up headers hide nobody
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert try_password(PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.77")
    row = AttemptCounter.objects.get(key="sign-in:198.51.100.77")  # what the proxy itself saw
    assert row.failures == 0


def test_an_administrator_unlocks_and_it_is_noted(robin):
    for _ in range(3):
        try_password("wrong")
    client = client_of("administrator")
    page = client.get(reverse("account_change", args=[robin.pk])).content.decode()
    assert "have locked this account" in page
    assert "Locked" in client.get(reverse("accounts")).content.decode()
    assert client_of("ops_vp").post(reverse("account_unlock", args=[robin.pk])).status_code == 403
    with pytest.raises(NotAllowedError):
        lockout.account_unlock(actor=actor("ops_manager"), user=robin)
    assert client.post(reverse("account_unlock", args=[robin.pk])).status_code == 302
    assert AuditEvent.objects.get(action="account.unlock").subject == "account:robin"
    assert try_password(PASSWORD)
    assert not lockout.account_unlock(actor=ADMIN, user=robin)  # nothing to open: nothing noted
    assert AuditEvent.objects.filter(action="account.unlock").count() == 1


def test_a_clock_that_jumps_neither_locks_for_ever_nor_opens(robin, monkeypatch):
    now = timezone.now()
    at(monkeypatch, now + timedelta(days=400))  # wrong by a year while somebody fails
    for _ in range(3):
        try_password("wrong")
    at(monkeypatch, now)  # set right
    assert lockout.locked_for(lockout.account_key("robin")) <= 15 * 60
    at(monkeypatch, now + timedelta(minutes=1))
    try_password("wrong")  # refused while locked: does not count anew
    row = AttemptCounter.objects.get(key="account:robin")
    assert row.failures == 3
    lockout.attempt_begin(lockout.Counted("account:other", 3))
    at(monkeypatch, now - timedelta(days=1))
    lockout.attempt_begin(lockout.Counted("account:other", 3))  # counts from the new time
    assert AttemptCounter.objects.get(key="account:other").failures == 1


def test_one_time_links_and_resets_have_limits_too(robin, settings):
    for number in range(6):
        assert Client().post(reverse("sign_in", args=[f"made-up-{number}"])).status_code == 410
    answer = Client().post(reverse("sign_in", args=["made-up"]))
    assert answer.status_code == 429
    link = signin.link_create(actor=ADMIN, user=robin)
    assert Client().post(reverse("sign_in", args=[link])).status_code == 302  # a right one still works
    answers = [
        Client().post(reverse("account_reset_password"), {"email": "robin@example.org"}).status_code
        for _ in range(7)
    ]
    assert answers == [302] * 5 + [429] * 2


def test_old_counters_are_cleared(robin, monkeypatch):
    try_password("wrong", "somebody")
    at(monkeypatch, timezone.now() + timedelta(days=2))
    try_password("wrong", "another")
    assert set(AttemptCounter.objects.values_list("key", flat=True)) == {
        "account:another",
        "sign-in:127.0.0.1",
    }


def test_an_office_behind_one_address_signs_in_at_nine(robin):
    answers = {
        Client().post(reverse("account_login"), {"login": "robin", "password": PASSWORD}).status_code
        for _ in range(60)
    }
    assert answers == {302}
