"""Signing in with Chromium under the strict policy: authenticator app, passkey, identity provider."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from salesops.platform import signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.models import AuditEvent
from salesops.platform.tests import identity_provider
from salesops.platform.tests.roles import QUICK
from salesops.platform.tests.test_second_factor import code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "quiet-harbour-41"


@pytest.fixture
def page(browser: Browser, live_server: Any, settings: Any) -> Iterator[Page]:
    """A page whose console has to stay silent: whatever the policy refuses is told there."""
    settings.PASSWORD_HASHERS = [QUICK]
    user = signin.account_save(actor=ADMIN, username="ada", role="ops_analyst", email="ada@example.org")
    signin.password_set(user=user, password=PASSWORD)
    context = browser.new_context(base_url=live_server.url.replace("127.0.0.1", "localhost"))
    context.set_default_timeout(60_000)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert said == []


def sign_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label(re.compile("login|user|e-mail", re.IGNORECASE)).first.fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def prove(page: Page) -> None:
    """Enter the password again where a page asks for it."""
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()


def accessible(browser: Browser, page: Page) -> None:
    """No violation on the page as it stands."""
    state, address = page.context.storage_state(), page.url
    context = browser.new_context(storage_state=state, bypass_csp=True)
    looked = context.new_page()
    looked.goto(address)
    found = Axe().run(looked)
    context.close()
    assert found.violations_count == 0, found.generate_report()


def test_an_authenticator_app(page: Page, browser: Browser, facts_home: Any) -> None:
    sign_in(page)
    page.goto("/accounts/2fa/totp/activate/")
    prove(page)
    picture = page.locator("main img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 50  # the policy lets it be drawn
    accessible(browser, page)
    page.reload()  # each look at the page makes another secret
    secret = page.locator("input[disabled], input[readonly]").first.input_value()
    page.get_by_label(re.compile("code", re.IGNORECASE)).last.fill(code(secret))
    page.locator("main form button[type=submit]").first.click()
    expect(page).to_have_url(re.compile("recovery-codes"))
    expect(page.locator("textarea")).to_have_value(re.compile(r"\d{8}"))
    accessible(browser, page)
    page.context.clear_cookies()
    sign_in(page)
    expect(page).to_have_url(re.compile("/2fa/authenticate/"))
    page.locator("input[name=code]").fill(code(secret, 1))
    page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE)).first.click()
    expect(page).not_to_have_url(re.compile("/accounts/"))


def test_a_passkey(page: Page, browser: Browser, facts_home: Any) -> None:
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    sign_in(page)
    page.goto("/accounts/2fa/webauthn/add/")
    prove(page)
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label(re.compile("passwordless|passkey", re.IGNORECASE)).check()
    page.get_by_role("button", name="Add").click()
    expect(page).to_have_url(re.compile("recovery-codes|/2fa/webauthn/$"))
    page.goto("/accounts/2fa/webauthn/")
    expect(page.get_by_text("Laptop")).to_be_visible()
    accessible(browser, page)
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).not_to_have_url(re.compile("/accounts/"))
    page.goto("/settings/me/")
    expect(page.get_by_text("This one")).to_be_visible()
    event = AuditEvent.objects.filter(action="account.sign_in").order_by("id").last()
    assert event.after["by"] == ["mfa"]


def test_an_identity_provider(page: Page, settings: Any, facts_home: Any) -> None:
    with identity_provider.running() as provider:
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = provider.issuer, identity_provider.CLIENT
        settings.OIDC_CLIENT_SECRET, settings.OIDC_NAME = identity_provider.SECRET, "Example ID"
        page.goto("/settings/me/")
        page.get_by_role("button", name="Sign in with Example ID").click()
        expect(page).to_have_url(re.compile("/settings/me/$"))
        expect(page.get_by_text("This one")).to_be_visible()
