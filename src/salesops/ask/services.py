"""The one thing that asking writes: that an assistant asked, in the audit ledger."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from salesops.platform import audit
from salesops.platform.actors import Actor

ACTION = "mcp.call"
_MOST_CHARACTERS = 500
_MOST_ITEMS = 30
_SECRET = re.compile(r"\bso_[A-Za-z0-9_-]{8,}")
"""What a token looks like: whoever writes one into a question does not find it in the ledger."""


def call_record(
    *,
    actor: Actor,
    tool: str,
    arguments: Mapping[str, Any],
    rows: int | None,
    refusal: str = "",
    door: str,
    token: str = "",
) -> None:
    """Record one call of an assistant: who, by which door and token, what was asked, how much was given. No figures.

    Args:
        actor: whose rights it had.
        tool: name of the tool.
        arguments: as they were sent; long ones are shortened.
        rows: rows that were given; None where it gives no rows.
        refusal: why nothing was given.
        door: stdio or http.
        token: number and name of the token that asked; "" where an account asked itself.
    """
    after: dict[str, Any] = {
        "arguments": {k: _short(v) for k, v in arguments.items() if v not in (None, "", [])},
        "door": door,
    }
    if token:
        after["token"] = _short(token)
    if rows is not None:
        after["rows"] = rows
    if refusal:
        after["refused"] = _short(refusal)
    with transaction.atomic():
        audit.record(actor=actor, action=ACTION, subject=f"mcp:{tool}", after=after)


def _short(value: Any) -> Any:
    if isinstance(value, str):
        text = _SECRET.sub("so_…", value)
        text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")
        return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"
    if isinstance(value, list | tuple):
        return [_short(one) for one in value[:_MOST_ITEMS]]
    return value if isinstance(value, int | float | bool) else _short(str(value))
