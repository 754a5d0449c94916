"""Secrets that must be read again: encrypted with the installation's key, each purpose with its own."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SealError(ValueError):
    """A secret can't be read: the installation's key was changed without keeping the old one."""


def _cipher() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet(
        Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"webhook secret" + key.encode()).digest()))
        for key in keys
    )


def seal(secret: str) -> str:
    """A secret, encrypted."""
    return _cipher().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret again.

    Raises:
        SealError: it was encrypted with a key that is not known any more.
    """
    try:
        return _cipher().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SealError(
            "The secret can't be read: SALESOPS_SECRET_KEY was changed and the old key is not among "
            "SALESOPS_OLD_SECRET_KEYS."
        ) from error
