from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse

from salesops.platform import signin
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.models import AuditEvent, SignInLink, User
from salesops.platform.tests.roles import actor, client_of, user_of

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "quiet-harbour-41"


@pytest.fixture
def link():
    user = user_of("rep", username="robin")
    return reverse("sign_in", args=[signin.link_create(actor=ADMIN, user=user)])


def signed_in(client: Client) -> bool:
    return client.get(reverse("my_account")).status_code == 200


def test_opening_a_link_spends_nothing_and_its_button_signs_in_once(link):
    for _ in range(3):  # as previews of the link do
        answer = Client().get(link)
        assert answer.status_code == 200
        assert b"robin" in answer.content
    client = Client()
    assert client.post(link).status_code == 302
    assert signed_in(client)
    for method in ("get", "post"):
        other = Client()
        answer = getattr(other, method)(link)
        assert answer.status_code == 410
        assert b"no longer works" in answer.content
        assert not signed_in(other)
    assert AuditEvent.objects.filter(action="account.sign_in", subject="account:robin").count() == 1


def test_the_address_of_a_link_stays_here_and_its_button_passes_the_forgery_check(link):
    client = Client(enforce_csrf_checks=True)
    page = client.get(link)
    # "no-referrer" would make browsers send "Origin: null" with the form, which the check refuses.
    assert page["Referrer-Policy"] == "same-origin"
    assert "no-store" in page["Cache-Control"]
    origin = {"Origin": "http://testserver"}
    assert client.post(link, headers=origin).status_code == 403
    token = page.context["csrf_token"]
    assert client.post(link, {"csrfmiddlewaretoken": str(token)}, headers=origin).status_code == 302


def test_of_two_simultaneous_uses_one_signs_in(link, monkeypatch):
    token = link.split("/")[2]
    inside = {}
    first = QuerySet.first

    def interrupted(self):
        row = first(self)
        if self.model is SignInLink and "user" not in inside:
            inside["user"] = None
            inside["user"] = signin.link_use(token)  # another request, after this one found the link unspent
        return row

    monkeypatch.setattr(QuerySet, "first", interrupted)
    assert signin.link_use(token) is None
    assert inside["user"].username == "robin"


def test_an_expired_unknown_or_switched_off_link_signs_nobody_in(link):
    assert Client().post(reverse("sign_in", args=["never-made"])).status_code == 410
    User.objects.filter(username="robin").update(is_active=False)
    assert Client().post(link).status_code == 410
    User.objects.filter(username="robin").update(is_active=True)
    old = signin.link_create(actor=ADMIN, user=User.objects.get(username="robin"), life=timedelta(seconds=-1))
    assert Client().get(reverse("sign_in", args=[old])).status_code == 410
    assert Client().post(link).status_code == 302


def test_the_link_leads_to_a_password_page_that_keeps_the_session(link):
    client = Client()
    assert client.post(link).url == reverse("password")
    answer = client.post(reverse("password"), {"password": "short"})
    assert b"too short" in answer.content
    assert client.post(reverse("password"), {"password": NEW_PASSWORD}).status_code == 302
    assert signed_in(client)
    assert User.objects.get(username="robin").check_password(NEW_PASSWORD)
    event = AuditEvent.objects.get(action="account.password")
    assert event.actor_name == "robin"
    assert NEW_PASSWORD not in str(event.before) + str(event.after)
    # From now on the present password is asked for.
    answer = client.post(reverse("password"), {"password": "another-harbour-42"})
    assert "current" in answer.context["form"].errors
    answer = client.post(reverse("password"), {"current": "wrong", "password": "another-harbour-42"})
    assert "current" in answer.context["form"].errors
    ok = {"current": NEW_PASSWORD, "password": "another-harbour-42"}
    assert client.post(reverse("password"), ok).status_code == 302


def test_a_link_needs_an_administrator():
    user = user_of("rep")
    for role in ("rep", "ops_manager", "auditor"):
        with pytest.raises(NotAllowedError):
            signin.link_create(actor=actor(role), user=user)


def test_the_last_administrator_stays():
    user_of("administrator", username="only")
    with pytest.raises(ValidationError, match="last administrator"):
        signin.account_save(actor=ADMIN, username="only", role="rep")
    with pytest.raises(ValidationError, match="last administrator"):
        signin.account_save(actor=ADMIN, username="only", role="administrator", active=False)
    user_of("administrator", username="second")
    assert signin.account_save(actor=ADMIN, username="only", role="rep").role == "rep"


def test_accounts_pages_make_change_switch_off_and_link(facts_home):
    client = client_of("administrator")
    answer = client.post(reverse("account_new"), {"username": "sam", "role": "ops_analyst", "email": "no"})
    assert set(answer.context["form"].errors) == {"email"}
    assert answer.context["form"]["username"].value() == "sam"
    answer = client.post(
        reverse("account_new"), {"username": "sam", "role": "ops_analyst", "name": "Sam Poe"}
    )
    sam = User.objects.get(username="sam")
    assert (sam.role, sam.get_full_name(), sam.has_usable_password()) == ("ops_analyst", "Sam Poe", False)
    assert answer.context["link"].startswith("http://testserver/sign-in/")
    assert Client().get(answer.context["link"]).status_code == 200
    answer = client.post(reverse("account_new"), {"username": "SAM", "role": "administrator"})
    assert "username" in answer.context["form"].errors
    sam.refresh_from_db()
    assert sam.role == "ops_analyst"
    change = reverse("account_change", args=[sam.pk])
    assert client.post(change, {"role": "rep", "person_id": "u1"}).status_code == 302
    sam.refresh_from_db()
    assert (sam.role, sam.person_id, sam.is_active) == ("rep", "u1", False)
    assert client.post(reverse("account_link", args=[sam.pk])).status_code == 302
    assert b"sam" in client.get(reverse("accounts")).content
    assert client.get(reverse("account_change", args=[99999])).status_code == 404


def test_a_switched_off_account_loses_its_session(facts_home):
    client = client_of("rep")
    assert signed_in(client)
    signin.account_save(actor=ADMIN, username="rep", role="rep", active=False)
    assert not signed_in(client)


def test_a_token_is_shown_once_works_and_can_be_revoked():
    client = client_of("rep")
    answer = client.post(reverse("my_account"), {"name": "sheet", "expires_on": "2031-01-31"})
    secret = answer.context["secret"]
    assert secret.encode() in answer.content
    assert secret.encode() not in client.get(reverse("my_account")).content
    token = signin.token_find(secret)
    assert (token.user.username, token.can_write, token.expires_at.date().isoformat()) == (
        "rep",
        False,
        "2031-02-01",
    )
    other = client_of("ops_analyst")
    assert other.post(reverse("token_revoke", args=[token.pk])).status_code == 404
    assert signin.token_find(secret) is not None
    assert client.get(reverse("token_revoke", args=[token.pk])).status_code == 405
    assert client.post(reverse("token_revoke", args=[token.pk])).status_code == 302
    assert signin.token_find(secret) is None
    answer = client.post(reverse("my_account"), {"name": "", "expires_on": "soon"})
    assert set(answer.context["form"].errors) == {"name", "expires_on"}


def test_a_token_is_made_for_chosen_scopes_on_the_page():
    client = client_of("ops_analyst")
    chosen = {"name": "loads", "can_write": "on", "scopes": ["jobs.read", "imports.write"]}
    answer = client.post(reverse("my_account"), chosen)
    token = signin.token_find(answer.context["secret"])
    assert (token.can_write, token.scopes) == (True, ["imports.write", "jobs.read"])
    assert b"imports.write, jobs.read" in client.get(reverse("my_account")).content
    answer = client.post(reverse("my_account"), {"name": "loads", "scopes": ["imports.write"]})
    assert "only read" in str(answer.context["form"].errors["scopes"])
    assert not answer.context["secret"]
    answer = client.post(reverse("my_account"), {"name": "old", "expires_on": "2020-01-31"})
    assert "ended already" in str(answer.context["form"].errors["expires_on"])
    answer = client.post(reverse("my_account"), {"name": "x", "scopes": ["everything"]})
    assert "scopes" in answer.context["form"].errors


def test_an_administrator_revokes_a_token_of_somebody():
    user = user_of("ops_analyst")
    token, secret = signin.token_create(actor=ADMIN, user=user, name="theirs")
    address = reverse("account_token_revoke", args=[user.pk, token.pk])
    assert client_of("ops_vp").post(address).status_code == 403
    client = client_of("administrator")
    assert b"theirs" in client.get(reverse("account_change", args=[user.pk])).content
    assert client.post(address).status_code == 302
    assert signin.token_find(secret) is None
    assert (
        client.post(
            reverse("account_token_revoke", args=[client.get("/").wsgi_request.user.pk, token.pk])
        ).status_code
        == 404
    )
