"""A second factor: set up, asked for, required by role, recovered, and never guessed at leisure."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from django.urls import reverse

from salesops.platform import factors, signin
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import actor_of
from salesops.platform.models import AuditEvent, User
from salesops.platform.tests.roles import QUICK, client_of, user_of

pytestmark = pytest.mark.django_db
PASSWORD = "quiet-harbour-41"


@pytest.fixture
def robin(settings: Any) -> User:
    settings.PASSWORD_HASHERS = [QUICK]
    user = user_of("ops_analyst", username="robin")
    signin.password_set(user=user, password=PASSWORD)
    return user


def code(secret: str, step: int = 0) -> str:
    """What the authenticator app shows."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step))


def sign_in(client: Client, login: str = "robin", password: str = PASSWORD) -> Any:
    return client.post(reverse("account_login"), {"login": login, "password": password})


def prove(client: Client, password: str = PASSWORD) -> None:
    """Enter the password again, which changes of factors ask for."""
    assert client.post(reverse("account_reauthenticate"), {"password": password}).status_code == 302


def set_up(client: Client, capture: Any) -> str:
    """Set up an authenticator app through the pages; returns its secret."""
    page = client.get(reverse("mfa_activate_totp"))
    text = page.content.decode()
    assert 'src="data:image/svg+xml;base64,' in text  # the picture is in the page: nothing is fetched
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text)
    secret = page.context["form"].secret
    with capture(execute=True):
        answer = client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    assert answer.status_code == 302
    return secret


@pytest.fixture
def with_app(robin, django_capture_on_commit_callbacks) -> str:
    client = Client()
    sign_in(client)
    prove(client)
    return set_up(client, django_capture_on_commit_callbacks)


def signed_in(client: Client) -> bool:
    return client.get(reverse("my_account")).status_code == 200


def test_setting_up_is_noted_and_the_secret_is_not_stored_in_the_clear(robin, with_app):
    stored = Authenticator.objects.get(type="totp").data["secret"]
    assert with_app not in stored
    assert factors.MFAAdapter().decrypt(stored) == with_app
    assert AuditEvent.objects.filter(action="account.factor_add", subject="account:robin").count() == 1
    assert Authenticator.objects.filter(type="recovery_codes").count() == 1


def test_a_secret_of_another_signing_key_fits_no_code(with_app, settings):
    stored = Authenticator.objects.get(type="totp").data["secret"]
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another"
    assert factors.MFAAdapter().decrypt(stored) not in {with_app, ""}
    settings.SECRET_KEY_FALLBACKS = [old]
    assert factors.MFAAdapter().decrypt(stored) == with_app


def test_the_password_alone_no_longer_signs_in(robin, with_app):
    client = Client()
    assert sign_in(client).url == reverse("mfa_authenticate")
    assert not signed_in(client)
    assert client.get(reverse("mfa_authenticate")).status_code == 200
    assert client.post(reverse("mfa_authenticate"), {"code": "000000"}).status_code == 200
    assert not signed_in(client)
    used = code(with_app, 1)
    assert client.post(reverse("mfa_authenticate"), {"code": used}).status_code == 302
    assert signed_in(client)
    event = AuditEvent.objects.filter(action="account.sign_in").first()
    assert event.after["by"] == ["password", "mfa"]
    other = Client()
    sign_in(other)
    assert other.post(reverse("mfa_authenticate"), {"code": used}).status_code == 200  # a code counts once
    assert not signed_in(other)


def test_a_used_code_stays_used_as_long_as_it_would_be_accepted(robin, with_app, monkeypatch):
    client = Client()
    sign_in(client)
    used = code(with_app, 1)
    assert client.post(reverse("mfa_authenticate"), {"code": used}).status_code == 302
    # allauth remembers it for one step of 30 seconds only; a step early and late count as well.
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.TOTP._mark_code_used", lambda *_: True)
    other = Client()
    sign_in(other)
    assert other.post(reverse("mfa_authenticate"), {"code": used}).status_code == 200
    assert not signed_in(other)


def test_nobody_changes_the_address_he_is_found_by(robin):
    client = Client()
    sign_in(client)
    for answer in (
        client.get(reverse("account_email")),
        client.post(reverse("account_email"), {"email": "boss@example.org", "action_add": ""}),
    ):
        assert answer.status_code == 404


def test_a_one_time_link_asks_for_it_as_well(robin, with_app):
    client = Client()
    link = reverse("sign_in", args=[signin.link_create(actor=ADMIN, user=robin)])
    assert client.post(link).url == reverse("mfa_authenticate")
    assert not signed_in(client)
    assert client.post(reverse("mfa_authenticate"), {"code": code(with_app, 1)}).status_code == 302
    assert signed_in(client)


def test_guessing_codes_locks_and_the_right_password_does_not_open(robin, with_app, settings):
    settings.LOCK_AFTER = 3
    for _ in range(3):
        client = Client()
        assert sign_in(client).url == reverse("mfa_authenticate")
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    client = Client()
    sign_in(client)
    answer = client.post(reverse("mfa_authenticate"), {"code": code(with_app, 1)})
    assert answer.status_code == 200
    assert not signed_in(client)
    assert AuditEvent.objects.get(action="account.lock").subject == "code:robin"


def test_a_recovery_code_works_once(robin, with_app):
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    client = Client()
    sign_in(client)
    assert client.post(reverse("mfa_authenticate"), {"code": codes[0]}).status_code == 302
    assert signed_in(client)
    other = Client()
    sign_in(other)
    assert other.post(reverse("mfa_authenticate"), {"code": codes[0]}).status_code == 200
    assert not signed_in(other)


@pytest.mark.parametrize(
    "rule, led", [(["all"], True), (["ops_analyst"], True), (["administrator"], False), ([], False)]
)
def test_a_role_that_needs_one_is_led_to_it_before_anything_else(
    robin, settings, rule, led, django_capture_on_commit_callbacks, facts_home
):
    client = Client()
    sign_in(client)
    settings.REQUIRE_MFA = rule
    for path in ("/", reverse("my_account"), reverse("decisions"), "/pipeline/"):
        answer = client.get(path)
        assert (answer.status_code, answer.get("Location")) == (
            (302, reverse("mfa_index")) if led else (200, None)
        )
    part = client.get("/pipeline/", headers={"HX-Request": "true"})
    assert part.get("HX-Redirect") == (reverse("mfa_index") if led else None)
    made = client.post(reverse("my_account"), {"name": "sheet"})
    assert (made.status_code == 302) == led
    if not led:
        return
    with pytest.raises(NotAllowedError, match="second factor"):
        signin.token_create(actor=actor_of(robin), user=robin, name="sheet")
    with pytest.raises(NotAllowedError, match="second factor"):
        signin.token_create(actor=ADMIN, user=robin, name="sheet")
    assert client.get(reverse("mfa_index")).status_code == 200
    prove(client)
    set_up(client, django_capture_on_commit_callbacks)
    assert client.get("/").status_code == 200
    assert signin.token_create(actor=actor_of(robin), user=robin, name="sheet")
    page = client.get(reverse("mfa_deactivate_totp"))
    assert page.context["form"].errors  # and it can't be taken off again
    client.post(reverse("mfa_deactivate_totp"))
    assert factors.has_one(robin)


def test_an_administrator_removes_a_lost_one(robin, with_app):
    client = client_of("administrator")
    assert (
        "Remove the second factor" in client.get(reverse("account_change", args=[robin.pk])).content.decode()
    )
    assert client_of("ops_vp").post(reverse("account_factors", args=[robin.pk])).status_code == 403
    assert client.post(reverse("account_factors", args=[robin.pk])).status_code == 302
    assert AuditEvent.objects.get(action="account.factors_reset").subject == "account:robin"
    other = Client()
    assert sign_in(other).url == "/"
    assert signed_in(other)


def test_pages_of_the_second_factor_are_in_the_house_look(robin, with_app):
    client = Client()
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code(with_app, 1)})
    prove(client)
    for name in ("mfa_index", "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_deactivate_totp",
                 "mfa_list_webauthn", "mfa_add_webauthn"):  # fmt: skip
        answer = client.get(reverse(name))
        assert answer.status_code == 200, name
        assert b'id="main"' in answer.content, name
    assert client.get(reverse("mfa_download_recovery_codes"))["Content-Type"].startswith("text/plain")
