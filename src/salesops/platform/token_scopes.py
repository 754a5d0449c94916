"""What an API token may be used for: the scopes, and the one rule that decides."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError

TOKEN_SCOPES: dict[str, str] = {
    "numbers.read": "Read KPIs, their rows and comparisons",
    "records.read": "Read opportunities, accounts and every table of records",
    "views.write": "Save and change saved views",
    "imports.read": "Read imports and quarantine",
    "imports.write": "Import files, repair and replay quarantined rows",
    "decisions.read": "Read decisions, quotas and people",
    "decisions.write": "Record and end decisions, set quotas",
    "faults.read": "Read data faults",
    "actions.read": "Read action items",
    "actions.write": "Add and settle action items, note that a meeting was held",
    "dashboards.read": "Read dashboards and their figures",
    "dashboards.write": "Make, change and remove dashboards",
    "reports.read": "Read subscriptions, deliveries, findings and alerts",
    "reports.write": "Make and end subscriptions and alerts, write and settle findings",
    "reconciliations.write": "Compare a number with one from elsewhere",
    "runs.write": "Keep numbers as runs",
    "jobs.read": "Read jobs and their results",
    "jobs.write": "Cancel and repeat jobs",
    "accounts.read": "Read accounts and tokens",
    "accounts.write": "Make and change accounts, make and revoke tokens",
    "feeds.read": "Read which feeds there are",
    "feeds.write": "Make and revoke feeds",
    "webhooks.read": "Read targets of webhooks and their deliveries",
    "webhooks.write": "Make, pause and remove targets of webhooks, replay deliveries",
    "audit.read": "Read the audit ledger",
}
"""Scope -> what it allows, in words. A scope never widens what the account itself may do."""


def writes(scope: str) -> bool:
    """Whether a scope changes anything."""
    return scope.endswith(".write")


def covers(held: Iterable[str], scope: str) -> bool:
    """Whether a token's scopes allow an operation. None held allows all; writing an area includes reading it."""
    held = set(held)
    if not held or scope in held:
        return True
    area, _, kind = scope.rpartition(".")
    return kind == "read" and f"{area}.write" in held


def checked(scopes: Iterable[str]) -> list[str]:
    """Scopes in the order of the list above, each once.

    Raises:
        ValidationError: one is unknown.
    """
    wanted = set(scopes)
    unknown = sorted(wanted - TOKEN_SCOPES.keys())
    if unknown:
        raise ValidationError(
            {"scopes": f"Unknown scope {unknown[0]!r}. There are: {', '.join(TOKEN_SCOPES)}."}
        )
    return [scope for scope in TOKEN_SCOPES if scope in wanted]
