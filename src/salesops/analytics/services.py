"""What this room writes: comparisons with the CRM, kept and dated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from salesops.analytics.engine.reconcile import Reconciliation as Result
from salesops.analytics.models import Reconciliation
from salesops.platform import audit
from salesops.platform.access import require
from salesops.platform.actors import Actor

MOST_LINES = 20_000
"""Lines kept of one comparison; the sums by cause are always over all of them."""


def reconciliation_record(
    *,
    actor: Actor,
    kpi: str,
    side: str,
    result: Result,
    period: str = "",
    filters: Sequence[str] = (),
    as_of: date | None = None,
    manifest_id: str = "",
    report_name: str = "",
) -> Reconciliation:
    """Keep one comparison. It is never changed afterwards; the next one stands beside it.

    Args:
        actor: who compared.
        kpi: name of the number.
        side: the part of it that was compared.
        result: what the engine found.
        period: label of the period, "" for all the data.
        filters: conditions in force, as they stand in an address.
        as_of: the day the state was read at.
        manifest_id: facts version that our figure rests on.
        report_name: file name of the report; "" for a typed figure.

    Raises:
        NotAllowedError: the actor may not reconcile.
    """
    require(actor, "reconcile")
    now = timezone.now()
    with transaction.atomic():
        row = Reconciliation.objects.create(
            kpi=kpi,
            period=period,
            filters=list(filters),
            as_of=as_of,
            manifest_id=int(manifest_id) if manifest_id else None,
            ours=_plain(result.ours),
            theirs=_plain(result.theirs),
            result=_document(side, result),
            report_name=report_name[:300],
            created_at=now,
            created_by_id=actor.user_id,
            author_name=actor.name,
        )
        audit.record(
            actor=actor,
            action="reconciliation.record",
            subject=f"{kpi}/{side} {period}".strip(),
            after={"id": row.pk, "ours": row.ours, "theirs": row.theirs, "report": row.report_name},
        )
    return row


def _document(side: str, result: Result) -> dict[str, Any]:
    by_cause = {
        cause: {
            "amount": _plain(amount),
            "deals": sum(line.cause == cause for line in result.lines),
        }
        for cause, amount in result.by_cause().items()
    }
    largest = sorted(result.lines, key=lambda line: (-abs(line.contribution), line.id, line.name))[
        :MOST_LINES
    ]
    return {
        "side": side,
        "agreed": result.agreed,
        "by_cause": by_cause,
        "lines": [
            {
                "cause": line.cause,
                "id": line.id,
                "name": line.name,
                "ours": _plain(line.ours),
                "theirs": _plain(line.theirs),
                "sentence": line.sentence,
            }
            for line in largest
        ],
        "lines_in_all": len(result.lines),
        "candidates": [
            {
                "cause": c.cause,
                "contribution": _plain(c.contribution),
                "deals": c.deals,
                "exact": c.exact,
                "sentence": c.sentence,
            }
            for c in result.candidates
        ],
    }


def _plain(value: Decimal) -> str:
    """An exact amount as text without an exponent or idle zeros."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
