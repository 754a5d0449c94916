"""Settings of signing in that contradict themselves stop the start: a misspelt role must not open a door."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from salesops.platform.roles import Role


def check() -> None:
    """Look at the settings of second factors and of the identity provider.

    Raises:
        ImproperlyConfigured: one can't be meant; the message names the variable.
    """
    roles = ", ".join(Role.values)
    for word in settings.REQUIRE_MFA:
        if word != "all" and word not in Role.values:
            message = f"SALESOPS_REQUIRE_MFA names {word!r}, which is no role. There are: all, {roles}."
            raise ImproperlyConfigured(message)
    for group, role in settings.OIDC_ROLES.items():
        if role not in Role.values:
            message = f"SALESOPS_OIDC_ROLES gives {group!r} the role {role!r}. There are: {roles}."
            raise ImproperlyConfigured(message)
    if bool(settings.OIDC_ISSUER) != bool(settings.OIDC_CLIENT_ID):
        raise ImproperlyConfigured(
            "SALESOPS_OIDC_ISSUER and SALESOPS_OIDC_CLIENT_ID are set together or not at all."
        )
    if bool(settings.OIDC_ROLES) != bool(settings.OIDC_ROLE_CLAIM):
        raise ImproperlyConfigured(
            "SALESOPS_OIDC_ROLES and SALESOPS_OIDC_ROLE_CLAIM are set together or not at all."
        )
    if settings.SSO_ONLY and not settings.OIDC_ISSUER:
        raise ImproperlyConfigured("SALESOPS_SSO_ONLY needs an identity provider: set SALESOPS_OIDC_ISSUER.")
    if min(settings.LOCK_AFTER, settings.LOCK_ADDRESS_AFTER, settings.LOCK_MINUTES) < 1:
        raise ImproperlyConfigured("SALESOPS_LOCK_AFTER, _ADDRESS_AFTER and _MINUTES are 1 at least.")
