"""Signing in at an identity provider, against one that runs here: the right way, and every bent answer."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client
from django.urls import reverse

from salesops.platform import signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.models import AuditEvent, ExternalIdentity, User
from salesops.platform.tests import identity_provider
from salesops.platform.tests.roles import user_of

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def running():
    with identity_provider.running() as provider:
        yield provider


@pytest.fixture
def provider(running, settings):
    running.straighten()
    settings.OIDC_ISSUER = running.issuer
    settings.OIDC_CLIENT_ID = identity_provider.CLIENT
    settings.OIDC_CLIENT_SECRET = identity_provider.SECRET
    settings.OIDC_NAME = "Example ID"
    return running


@pytest.fixture
def ada():
    return signin.account_save(actor=ADMIN, username="ada", role="ops_analyst", email="Ada@example.org")


def begin(client: Client, next_path: str = "") -> str:
    """Where the browser is sent."""
    answer = client.post(reverse("oidc_begin"), {"next": next_path})
    assert answer.status_code == 200
    address = answer.context["address"]
    assert f"url={address.replace('&', '&amp;')}".encode() in answer.content
    return address


def authorize(address: str) -> str:
    """What the provider sends the browser back with: path and query."""
    answer = requests.get(address, allow_redirects=False, timeout=10)
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def come_back(client: Client, next_path: str = ""):
    return client.get(authorize(begin(client, next_path)))


def who(client: Client) -> str | None:
    answer = client.get(reverse("my_account"))
    return answer.wsgi_request.user.username if answer.status_code == 200 else None


def test_an_account_with_the_verified_address_signs_in_and_keeps_its_subject(provider, ada):
    client = Client()
    assert b"Example ID" in client.get(reverse("account_login")).content
    answer = come_back(client, "/numbers/?period=all")
    assert (answer.status_code, answer.url) == (302, "/numbers/?period=all")
    assert who(client) == "ada"
    assert ExternalIdentity.objects.get().subject == "p-1"
    event = AuditEvent.objects.get(action="account.sign_in", subject="account:ada")
    assert event.after["by"] == ["oidc"]
    # From now on the subject decides, whatever the address has become.
    provider.person = {"sub": "p-1", "email": "ada.new@elsewhere.example", "email_verified": False}
    again = Client()
    assert come_back(again).status_code == 302
    assert who(again) == "ada"
    assert ExternalIdentity.objects.count() == 1


@pytest.mark.parametrize(
    "bend",
    [
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"claims": {"aud": "another-client"}},
        {"claims": {"aud": ["salesops", "another-client"]}},
        {"claims": {"azp": "another-client"}},
        {"claims": {"iss": "https://elsewhere.example"}},
        {"claims": {"exp": int(time.time()) - 3600}},
        {"claims": {"exp": None}},
        {"claims": {"iat": int(time.time()) + 3600}},
        {"claims": {"sub": None}},
        {"claims": {"sub": ""}},
        {"claims": {"email_verified": False}, "userinfo": {"email_verified": False}},
        {"claims": {"email_verified": "true"}},
        {"claims": {"email_verified": None}, "userinfo": {"email_verified": None}},
        {"claims": {"email": "nobody@example.org"}},
        {"userinfo": {"sub": "p-2"}},
        {"sign": "wrong"},
        {"sign": "none"},
        {"sign": "client secret"},
        {"sign": "unknown key"},
        {"about": {"issuer": "https://elsewhere.example"}},
        {"about": {"jwks_uri": "http://keys.example/keys"}},
    ],
)
def test_a_bent_answer_signs_nobody_in(provider, ada, bend):
    client = Client()
    address = begin(client) if "about" not in bend else ""
    for name, value in bend.items():
        setattr(provider, name, value)
    if address:
        answer = client.get(authorize(address))
        assert answer.status_code == 403
    else:
        answer = client.post(reverse("oidc_begin"))
        if answer.status_code == 200:
            answer = client.get(authorize(answer.context["address"]))
        assert answer.status_code in {403, 502}
    assert b"Not signed in" in answer.content
    assert who(client) is None
    assert not ExternalIdentity.objects.exists()


def test_state_belongs_to_the_browser_and_counts_once(provider, ada):
    client, other = Client(), Client()
    back = authorize(begin(client))
    assert other.get(back).status_code == 403  # somebody else's browser
    assert client.get(back.replace("state=", "state=x")).status_code == 403
    assert client.get(back).status_code == 302
    client.logout()
    assert client.get(back).status_code == 403  # a replay of the whole answer
    assert who(client) is None
    assert client.get(reverse("oidc_return")).status_code == 403
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    assert client.get(reverse("oidc_return"), {"state": state, "code": "made-up"}).status_code == 403
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    assert client.get(reverse("oidc_return"), {"state": state, "error": "access_denied"}).status_code == 403


def test_a_sign_in_that_takes_too_long_is_begun_again(provider, ada):
    client = Client()
    back = authorize(begin(client))
    session = client.session
    for waiting in session["oidc_pending"].values():
        waiting["at"] -= 3600
    session["oidc_pending"] = session["oidc_pending"]
    session.save()
    assert client.get(back).status_code == 403


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "http:///evil"],
)
def test_nobody_is_led_elsewhere_afterwards(provider, ada, wanted):
    client = Client()
    assert come_back(client, wanted).url == "/"


def test_only_a_form_of_ours_begins_a_sign_in(provider):
    assert Client().get(reverse("oidc_begin")).status_code == 405
    assert Client(enforce_csrf_checks=True).post(reverse("oidc_begin")).status_code == 403


def test_domains_roles_and_accounts(provider, ada, settings):
    settings.OIDC_DOMAINS = ["example.com"]
    assert come_back(Client()).status_code == 403
    settings.OIDC_DOMAINS = ["example.org"]
    provider.person = {
        "sub": "p-7",
        "email": "new@example.org",
        "email_verified": True,
        "groups": ["sales-ops"],
    }
    assert come_back(Client()).status_code == 403  # no open sign-up
    settings.OIDC_ROLE_CLAIM, settings.OIDC_ROLES = "groups", {"bosses": "ops_vp", "sales-ops": "ops_analyst"}
    client = Client()
    assert come_back(client).status_code == 302
    made = User.objects.get(email="new@example.org")
    assert (made.role, made.has_usable_password()) == ("ops_analyst", False)
    provider.person["groups"] = ["sales-ops", "bosses"]
    assert come_back(Client()).status_code == 302
    made.refresh_from_db()
    assert made.role == "ops_vp"
    assert who(client) is None  # the role changed, so the earlier session ended
    provider.person["groups"] = []
    other = Client()
    assert come_back(other).status_code == 302
    made.refresh_from_db()
    assert made.role == "ops_vp"  # no group says nothing
    signin.account_save(actor=ADMIN, username=made.username, role="ops_vp", email=made.email, active=False)
    assert come_back(Client()).status_code == 403


def test_an_address_that_passed_to_somebody_else_opens_no_account(provider, ada):
    assert come_back(Client()).status_code == 302
    provider.person = {"sub": "p-2", "email": "ada@example.org", "email_verified": True}
    assert come_back(Client()).status_code == 403
    user_of("rep", username="twin-1", email="twin@example.org")
    user_of("rep", username="twin-2", email="twin@example.org")
    provider.person = {"sub": "p-3", "email": "twin@example.org", "email_verified": True}
    assert come_back(Client()).status_code == 403


def test_where_the_provider_alone_signs_in_passwords_do_not(provider, ada, settings):
    signin.password_set(user=ada, password="quiet-harbour-41")
    settings.SSO_ONLY = True
    client = Client()
    page = client.get(reverse("account_login")).content
    assert b"Example ID" in page
    assert b"password" not in page
    answer = client.post(reverse("account_login"), {"login": "ada", "password": "quiet-harbour-41"})
    assert answer.status_code == 200
    assert who(client) is None
    assert come_back(client).status_code == 302
    assert who(client) == "ada"
    for name in ("account_reset_password", "account_change_password", "password"):
        assert client.get(reverse(name)).status_code == 404


def test_a_provider_that_is_down_or_not_set_up(provider, settings):
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    assert Client().post(reverse("oidc_begin")).status_code == 502
    settings.OIDC_ISSUER = "http://id.example.org"
    assert Client().post(reverse("oidc_begin")).status_code == 502  # not encrypted
    settings.OIDC_ISSUER = ""
    assert Client().post(reverse("oidc_begin")).status_code == 404
    assert Client().get(reverse("oidc_return")).status_code == 404


def test_the_providers_second_factor_may_count(provider, ada, settings):
    settings.REQUIRE_MFA = ["all"]
    client = Client()
    come_back(client)
    assert client.get(reverse("my_account")).url == reverse("mfa_index")
    settings.OIDC_SECOND_FACTOR = True
    assert client.get(reverse("my_account")).status_code == 200
