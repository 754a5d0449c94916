"""Signatures of webhooks: ``t=<seconds>,v1=<HMAC-SHA256 of "t.body">``, as hex.

The time is signed together with the body, so that a copy of an old message can be told from a new one.
docs/how-to/webhooks.md has the check that receivers make; the tests run it.
"""

from __future__ import annotations

import hashlib
import hmac


def signature(secret: str, at: int, body: bytes) -> str:
    """The header's value.

    Args:
        secret: shared by sender and receiver.
        at: seconds since 1970, UTC, when the message is sent.
        body: exactly the bytes that are sent.
    """
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
