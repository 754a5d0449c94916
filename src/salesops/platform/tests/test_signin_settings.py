"""Settings that contradict themselves stop the start."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from salesops.platform import signin_settings


@pytest.mark.parametrize(
    "values, names",
    [
        ({"REQUIRE_MFA": ["admin"]}, "SALESOPS_REQUIRE_MFA"),
        ({"OIDC_ROLE_CLAIM": "groups", "OIDC_ROLES": {"a": "king"}}, "SALESOPS_OIDC_ROLES"),
        ({"OIDC_ROLES": {"a": "rep"}}, "SALESOPS_OIDC_ROLE_CLAIM"),
        ({"OIDC_ROLE_CLAIM": "groups"}, "SALESOPS_OIDC_ROLES"),
        ({"OIDC_ISSUER": "https://id.example.com"}, "SALESOPS_OIDC_CLIENT_ID"),
        ({"SSO_ONLY": True}, "SALESOPS_SSO_ONLY"),
        ({"LOCK_AFTER": 0}, "SALESOPS_LOCK_AFTER"),
    ],
)
def test_what_can_not_be_meant_is_named(settings: Any, values: dict[str, Any], names: str) -> None:
    signin_settings.check()
    for name, value in values.items():
        setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=names):
        signin_settings.check()


def test_what_can_be_meant_passes(settings: Any) -> None:
    settings.REQUIRE_MFA = ["all", "administrator"]
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.SSO_ONLY = "https://id.example.com", "c", True
    settings.OIDC_ROLE_CLAIM, settings.OIDC_ROLES = "groups", {"a": "rep"}
    signin_settings.check()
