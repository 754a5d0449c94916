"""The second factor: who has to have one, who has one, and how its secrets are kept."""

from __future__ import annotations

import base64
import hashlib
import secrets

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction

from salesops.platform import audit, lockout
from salesops.platform.access import require_over
from salesops.platform.actors import Actor, actor_of
from salesops.platform.models import User
from salesops.platform.sealing import SealError, seal, unseal

_PURPOSE = "second factor"
_CODE_LIFE = 180
"""Seconds that a used code is remembered: longer than it is accepted, a step early and late included."""

BY_PROVIDER = "oidc"
"""The method that a session records when an identity provider signed it in."""


def required(user: User) -> bool:
    """Whether an account's role must have a second factor (setting ``SALESOPS_REQUIRE_MFA``)."""
    return "all" in settings.REQUIRE_MFA or user.role in settings.REQUIRE_MFA


def has_one(user: User) -> bool:
    """Whether an account has an authenticator app or a passkey; recovery codes alone are none."""
    kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    return Authenticator.objects.filter(user_id=user.pk, type__in=kinds).exists()


def missing(user: User) -> bool:
    """Whether an account still has to set up its second factor.

    Where the identity provider asks for it (``SALESOPS_OIDC_SECOND_FACTOR``), an account that is tied to
    the provider needs none here.
    """
    if not required(user) or has_one(user):
        return False
    return not (settings.OIDC_SECOND_FACTOR and user.external_identities.exists())


@transaction.atomic
def factors_reset(*, actor: Actor, user: User) -> bool:
    """Remove an account's second factors, for somebody who lost the device. Returns whether it had any.

    Raises:
        NotAllowedError: the actor may not manage accounts.
    """
    require_over(actor, role=user.role, areas=user.areas, user_id=user.pk)
    removed, _ = Authenticator.objects.filter(user_id=user.pk).delete()
    if removed:
        audit.record(actor=actor, action="account.factors_reset", subject=f"account:{user.username}")
    return bool(removed)


def record_change(*, user: User, action: str, kind: str) -> None:
    """Note in the ledger that somebody added or removed a factor of their own."""
    with transaction.atomic():
        audit.record(
            actor=actor_of(user), action=action, subject=f"account:{user.username}", after={"kind": kind}
        )


class MFAAdapter(DefaultMFAAdapter):
    """allauth's hooks: secrets are encrypted with the signing key, a required factor can't be removed."""

    def get_totp_issuer(self) -> str:
        """The name that the authenticator app shows."""
        return "salesops"

    def encrypt(self, text: str) -> str:
        """A secret as it is stored."""
        return seal(text, _PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        """A stored secret; one that another signing key wrote becomes a random one, which no code fits."""
        try:
            return unseal(encrypted_text, _PURPOSE)
        except SealError:
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Not the last one of an account that has to have one."""
        user = authenticator.user
        if authenticator.type == Authenticator.Type.RECOVERY_CODES or not required(user):
            return True
        kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
        others = Authenticator.objects.filter(user_id=user.pk, type__in=kinds).exclude(pk=authenticator.pk)
        return others.exists()


CHANGES = {
    "mfa/email/totp_activated": ("account.factor_add", "authenticator app"),
    "mfa/email/totp_deactivated": ("account.factor_remove", "authenticator app"),
    "mfa/email/webauthn_added": ("account.factor_add", "passkey"),
    "mfa/email/webauthn_removed": ("account.factor_remove", "passkey"),
    "mfa/email/recovery_codes_generated": ("account.recovery_codes", "recovery codes"),
}
"""What allauth tells its users by mail -> the action and kind that the ledger records."""


class _CountedCode:
    """A code that is guessed wrongly counts against the account as a wrong password does."""

    user: User

    def clean_code(self) -> str:
        entry = lockout.code_key(self.user)
        try:
            lockout.attempt_begin(entry)
        except lockout.LockedError as error:
            raise ValidationError(str(error)) from error
        code: str = super().clean_code()  # type: ignore[misc]
        mark = hashlib.sha256(f"{self.user.pk}:{code}".encode()).hexdigest()
        if not cache.add(f"code-used:{mark}", "y", timeout=_CODE_LIFE):
            raise ValidationError("This code has been used. Wait for the next one.")
        lockout.attempt_succeeded(entry)
        return code


class CodeForm(_CountedCode, AuthenticateForm):
    """The second step of signing in."""


class CodeAgainForm(_CountedCode, ReauthenticateForm):
    """A code before something sensitive."""
