"""The faults scan as a job: every rule over the owner's rows, kept as a file and told by mail."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.urls import reverse

from salesops.platform.actors import Actor
from salesops.platform.job_kinds import JobKind, Offer, Told, add, schedule_offers
from salesops.platform.jobs import Progress
from salesops.process.inputs import NoDataError
from salesops.quality import selectors
from salesops.ui import exports

MOST_TOLD = 10


def scan_job(*, actor: Actor, progress: Progress) -> dict[str, Any]:
    """Count every rule's faults; the file lists all rules, the result the gravest."""
    progress(0, 2, "Judging every row")
    try:
        with selectors.open_faults(actor) as opened:
            found = opened.findings()
            currency, as_of = opened.frames.currency, opened.frames.as_of
    except NoDataError as error:
        return {"faults": [], "as_of": None, "note": str(error)}
    progress(1, 2, "Writing the list")
    columns = [
        exports.Column("code", "Rule"),
        exports.Column("title", "Fault"),
        exports.Column("severity", "Severity"),
        exports.Column("faulty", "At fault", "integer"),
        exports.Column("applicable", "Of", "integer"),
        exports.Column("amount", "Amount on these rows", "money", currency=currency),
        exports.Column("fix", "What to do"),
    ]
    rows = [
        {
            "code": f.rule.code, "title": f.rule.title, "severity": f.rule.severity, "faulty": f.faulty,
            "applicable": f.applicable, "amount": f.amount, "fix": f.rule.fix,
        }
        for f in found
    ]  # fmt: skip
    with progress.file(f"faults-{as_of.isoformat()}.csv", "text/csv; charset=utf-8") as file:
        for piece in exports.write_csv(columns, rows):
            file.write(piece)
    faulty = [f for f in found if f.faulty]
    return {
        "as_of": as_of,
        "rules": len(found),
        "rules_at_fault": len(faulty),
        "currency": currency,
        "faults": [
            {"title": f.rule.title, "faulty": f.faulty, "applicable": f.applicable, "amount": f.amount}
            for f in faulty[:MOST_TOLD]
        ],
        "note": "",
    }


def _lines(result: Told) -> list[tuple[str, str]]:
    if result["note"]:
        return [("Nothing scanned", result["note"])]
    lines = [
        ("As of", result["as_of"]),
        ("Rules at fault", f"{result['rules_at_fault']} of {result['rules']}"),
    ]
    for fault in result["faults"]:
        amount = (
            f", {Decimal(str(fault['amount'])):,} {result['currency']}" if fault["amount"] is not None else ""
        )
        lines.append((fault["title"], f"{fault['faulty']:,} of {fault['applicable']:,} rows{amount}"))
    return lines


def register() -> None:
    """Make the scan known, and let it be scheduled."""
    add(JobKind("scan", "Scan for faults", scan_job, opens=lambda result: reverse("faults"), lines=_lines))
    schedule_offers.register("scan", lambda actor: [Offer("scan", "Scan the data for faults", "scan", {})])
