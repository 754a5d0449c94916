"""Signatures of webhooks: ``t=<seconds>,v1=<HMAC-SHA256 of "t.body">``, as hex.

The time is signed together with the body, so that a copy of an old message can be told from a new one.
"""

from __future__ import annotations

import hashlib
import hmac

TOLERANCE = 300
"""Seconds that a message may be old, or ahead, for who receives it."""

MOST_DIGITS = 12
"""Digits of a time in seconds: enough until the year 33658, and few enough to be read at once."""


def signature(secret: str, at: int, body: bytes) -> str:
    """The header's value.

    Args:
        secret: shared by sender and receiver.
        at: seconds since 1970, UTC, when the message is sent.
        body: exactly the bytes that are sent.
    """
    return f"t={at},v1={_digest(secret, at, body)}"


def verified(secret: str, header: str, body: bytes, now: int, tolerance: int = TOLERANCE) -> bool:
    """Whether a header is the signature of these bytes, made at most ``tolerance`` seconds from ``now``.

    A header that says one thing twice is none: two readers could each believe another half of it.
    """
    pairs = [part.split("=", 1) for part in header.split(",") if "=" in part]
    parts = dict(pairs)
    at, given = parts.get("t", ""), parts.get("v1", "")
    if len(parts) != len(pairs) or not 0 < len(at) <= MOST_DIGITS or not given.isascii():
        return False
    if not (at.isascii() and at.isdecimal()) or abs(now - int(at)) > tolerance:
        return False
    return hmac.compare_digest(_digest(secret, int(at), body).encode(), given.encode())


def _digest(secret: str, at: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
