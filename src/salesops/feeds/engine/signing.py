"""Signatures of webhooks: ``t=<seconds>,v1=<HMAC-SHA256 of "t.body">``, as hex.

The time is signed together with the body, so that a copy of an old message can be told from a new one.
"""

from __future__ import annotations

import hashlib
import hmac

TOLERANCE = 300
"""Seconds that a message may be old, or ahead, for who receives it."""


def signature(secret: str, at: int, body: bytes) -> str:
    """The header's value.

    Args:
        secret: shared by sender and receiver.
        at: seconds since 1970, UTC, when the message is sent.
        body: exactly the bytes that are sent.
    """
    return f"t={at},v1={_digest(secret, at, body)}"


def verified(secret: str, header: str, body: bytes, now: int, tolerance: int = TOLERANCE) -> bool:
    """Whether a header is the signature of these bytes, made at most ``tolerance`` seconds from ``now``."""
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    at, given = parts.get("t", ""), parts.get("v1", "")
    if not (at.isascii() and at.isdecimal()) or abs(now - int(at)) > tolerance:
        return False
    return hmac.compare_digest(_digest(secret, int(at), body).encode(), given.encode())


def _digest(secret: str, at: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
