"""The chain of the audit ledger: what an event's digest is taken over. Pure; form 1, never to be changed.

A digest is taken over the event's number, its fields and the digest of the event before it, so that
a changed field, a missing, an added or a moved event shows at the next look. A new form would need
a new name here and a rule that says from which event on it holds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

FORM = "salesops audit 1"
FIELDS = ("at", "actor_name", "actor_user_id", "action", "subject", "before", "after", "reason")
"""What is recorded of an event, besides its number and the two digests."""


def digest(number: int, fields: Mapping[str, Any], previous: str) -> str:
    """SHA-256 of an event, in hexadecimal.

    Args:
        number: the event's id.
        fields: a value for each of ``FIELDS``.
        previous: digest of the event before it, "" for the first.
    """
    values = [_plain(fields[name]) for name in FIELDS]
    text = json.dumps([FORM, number, *values, previous], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _plain(value: Any) -> Any:
    """The one form of a value, whichever database it was read from."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    # A round trip first: keys become text and tuples lists, as the database gives them back.
    return _numbers(json.loads(json.dumps(value)))


def _numbers(value: Any) -> Any:
    """Whole numbers as integers: PostgreSQL's jsonb gives 1e22 back as an integer, SQLite as a float."""
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
