"""Secrets that are kept: sealed to be read again, or as a digest where they only have to be known again."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class SealError(ValueError):
    """A secret can't be read: the installation's key was changed without keeping the old one."""


def digest_of(secret: str) -> str:
    """What is kept of a secret that was drawn at random: its SHA-256, as hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _cipher(purpose: str) -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet(
        Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"{purpose}{key}".encode()).digest())) for key in keys
    )


def seal(secret: str, purpose: str) -> str:
    """A secret, encrypted with a key that is made of the installation's and of what the secret is for."""
    return _cipher(purpose).encrypt(secret.encode()).decode()


def unseal(sealed: str, purpose: str) -> str:
    """The secret again.

    Raises:
        SealError: it was encrypted with a key that is not known any more, or for another purpose.
    """
    try:
        return _cipher(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SealError(
            "The secret can't be read: SALESOPS_SECRET_KEY was changed and the old key is not among "
            "SALESOPS_OLD_SECRET_KEYS."
        ) from error
