"""A small firm with something behind every address of the REST API."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from salesops.analytics import number_runs, reconciling, selectors, services, views_services
from salesops.crm import confirming
from salesops.crm import services as crm
from salesops.crm.models import Import, QuarantinedRow, RecordLink
from salesops.platform import jobs, schedules, signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR, actor_of
from salesops.platform.decisions import decision_record
from salesops.platform.roles import Role
from tests.doors.exports import write_firm

BAD = b"""Opportunity ID,Opportunity Name,Account Name,Stage,Amount,Created Date,Close Date
QX1,Northern depot,Depots,Prospecting,1200.00,2026-01-05,2026-13-45
QX2,Southern depot,Depots,Prospecting,900.00,2026-01-05,2026-03-31
QX3,Eastern depot,Depots,Prospecting,800.00,2026-02-05,2026-03-30
"""
WAITING = b"Deal name,Deal owner,Phase,Value,Expected close\nHarbour,Ada North,Proposal,1200.00,2026-03-31\n"


@dataclass(frozen=True)
class Seeded:
    """A token of an administrator, and the real name behind each path parameter."""

    token: str
    known: dict[str, Any]

    def parameters(self, path: str) -> dict[str, Any]:
        """Real values for an address's parameters."""
        found = {name: value for name, value in self.known.items() if f"{{{name}}}" in path}
        if path.startswith("/api/v1/imports/"):
            found["number"] = 0
        return found

    def query(self, path: str) -> dict[str, Any]:
        """Parameters that an address asks for."""
        if path.endswith("/kpis/{name}/rows"):
            return {"side": "won"}
        return {"subject": "crm/opportunities"} if path.endswith("/history") else {}


def seed(folder: Path) -> Seeded:
    """Import the firm, and leave behind what people leave behind."""
    crm.import_now(actor=LOCAL_ADMINISTRATOR, paths=[write_firm(folder).parent])
    user = signin.account_save(actor=LOCAL_ADMINISTRATOR, username="robot", role=Role.ADMINISTRATOR)
    _, secret = signin.token_create(actor=LOCAL_ADMINISTRATOR, user=user, name="test", can_write=True)
    other = signin.account_save(actor=LOCAL_ADMINISTRATOR, username="somebody", role=Role.REP)
    spare, _ = signin.token_create(actor=LOCAL_ADMINISTRATOR, user=other, name="spare")
    actor = actor_of(user)
    bad = confirming.import_upload(actor=actor, files=[("bad.csv", [BAD])])
    crm.import_start(actor=actor, row=bad)
    scan = jobs.enqueue("scan", {}, actor=actor)
    jobs.run_waiting()
    waiting = confirming.import_upload(actor=actor, files=[("waiting.csv", [WAITING])])
    kpi = selectors.kpis(["won_deals"])[0]
    side = reconciling.sides_to_compare(kpi)[0]
    with selectors.ask(actor, selectors.Question()) as asked:
        result = reconciling.compare(asked, kpi, side, None, Decimal(3))
        compared = services.reconciliation_record(
            actor=actor, kpi=kpi.name, side=side.name, result=result, as_of=asked.frames.as_of
        )
    link = {"source": "crm", "table": "opportunities", "pattern": "https://crm.example.org/{id}"}
    decision_record(RecordLink, actor=actor, subject="crm/opportunities", values=link)
    draft = decision_record(
        RecordLink, actor=actor, subject="crm/accounts", values=link | {"table": "accounts"}, draft=True
    )
    view = views_services.save(actor=actor, name="All of it", query="status=all", shared=True)
    schedule = schedules.schedule_create(
        actor=actor, name="Nightly", kind="scan", params={}, cron="0 6 * * *"
    )
    known = {
        "name": "won_deals",
        "deal_id": "D000",
        "account_id": "A0",
        "table": "opportunities",
        "import_id": waiting.pk,
        "row_id": QuarantinedRow.objects.order_by("id").values_list("id", flat=True)[0],
        "code": "DQ12",
        "kind": "record_link",
        "draft_id": draft.pk,
        "job_id": scan.pk,
        "number": 0,
        "schedule_id": schedule.pk,
        "view_id": view.id,
        "comparison_id": compared.pk,
        "run": number_runs.number_keep(actor=actor, name="won_deals", question=selectors.Question()).ref,
        "token_id": spare.pk,
        "user_id": other.pk,
    }
    assert Import.objects.filter(pk=waiting.pk).exists()
    return Seeded(secret, known)
