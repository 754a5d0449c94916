"""Tokens and sign-in at the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from salesops.platform import lockout, signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.models import User
from salesops.platform.roles import Role
from salesops.project.cli import main

pytestmark = pytest.mark.django_db


@pytest.fixture
def robin() -> User:
    return signin.account_save(actor=LOCAL_ADMINISTRATOR, username="robin", role=Role.OPS_ANALYST)


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """What a command prints: its answer, or why it refused."""
    assert main(list(arguments)) == code
    told = capsys.readouterr()
    return told.err if code else told.out


def test_tokens_are_made_listed_and_revoked(robin: User, capsys: pytest.CaptureFixture[str]) -> None:
    made = (
        "token",
        "robin",
        "--name",
        "Nightly",
        "--write",
        "--scope",
        "imports.write",
        "--scope",
        "jobs.read",
    )
    secret = run(capsys, *made, "--until", "2099-12-31").strip()
    token = signin.token_find(secret)
    assert token is not None
    assert (token.scopes, token.can_write) == (["imports.write", "jobs.read"], True)
    assert token.expires_at.isoformat() == "2100-01-01T00:00:00+00:00"
    listed = run(capsys, "tokens", "robin")
    assert "Nightly: read and change (imports.write, jobs.read); until 2100-01-01" in listed
    assert secret not in listed
    told: list[dict[str, Any]] = json.loads(
        run(capsys, "tokens", "robin", "--json", "--revoke", str(token.pk))
    )
    assert told[0]["revoked_at"]
    assert signin.token_find(secret) is None
    assert "no token" in run(capsys, "tokens", "robin", "--revoke", "99999999", code=2)
    assert "only read" in run(capsys, "token", "robin", "--scope", "imports.write", code=2)
    assert "ended already" in run(capsys, "token", "robin", "--until", "2001-01-01", code=2)


def test_nobody_lists_tokens_of_others(robin: User, capsys: pytest.CaptureFixture[str]) -> None:
    signin.account_save(actor=LOCAL_ADMINISTRATOR, username="vera", role=Role.OPS_VP)
    assert run(capsys, "--as", "robin", "tokens", "robin") == ""
    run(capsys, "--as", "vera", "tokens", "robin", code=1)
    run(capsys, "--as", "vera", "unlock", "robin", code=1)


def test_unlocking(robin: User, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "unlock", "robin") == "robin was not locked.\n"
    entry = lockout.account_key("robin")
    for _ in range(entry.limit):
        lockout.attempt_begin(entry)
    assert run(capsys, "unlock", "robin") == "robin may sign in again.\n"
    assert lockout.locked_for(entry) == 0
    Authenticator.objects.create(user=robin, type="totp", data={"secret": "x"})
    told = run(capsys, "unlock", "robin", "--remove-second-factor", "--sign-out")
    assert "signed out on every device" in told
    assert "second factor of robin is removed" in told
    assert not Authenticator.objects.exists()
    robin.refresh_from_db()
    assert robin.session_epoch == 1
    run(capsys, "unlock", "nobody", code=2)


def test_a_role_that_needs_a_second_factor_gets_no_token_here_either(
    robin: User, capsys: pytest.CaptureFixture[str], settings: Any
) -> None:
    settings.REQUIRE_MFA = ["ops_analyst"]
    assert "second factor" in run(capsys, "token", "robin", code=1)
