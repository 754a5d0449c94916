"""A small firm with something behind every address of the REST API."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salesops.crm import services as crm
from salesops.platform import jobs, signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR, actor_of
from salesops.platform.roles import Role
from tests.doors.exports import write_firm
from tests.doors.left_behind import leave, parameters

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
        if path.endswith("/ask"):
            return {"q": "win rate by rep"}
        return {"subject": "crm/opportunities"} if path.endswith("/history") else {}


def seed(folder: Path) -> Seeded:
    """Import the firm, and leave behind what people leave behind."""
    crm.import_now(actor=LOCAL_ADMINISTRATOR, paths=[write_firm(folder).parent])
    user = signin.account_save(actor=LOCAL_ADMINISTRATOR, username="robot", role=Role.ADMINISTRATOR)
    _, secret = signin.token_create(actor=LOCAL_ADMINISTRATOR, user=user, name="test", can_write=True)
    other = signin.account_save(actor=LOCAL_ADMINISTRATOR, username="somebody", role=Role.REP)
    actor = actor_of(user)
    left = leave(actor=actor, user=other, rejected=BAD, waiting=WAITING, kpi="won_deals", figure=3)
    scan = jobs.enqueue("scan", {}, actor=actor)
    jobs.run_waiting()
    known = parameters(left) | {
        "name": "won_deals",
        "bar": "closing",
        "line": "any",
        "deal_id": "D000",
        "account_id": "A0",
        "table": "opportunities",
        "job_id": scan.pk,
        "user_id": other.pk,
    }
    return Seeded(secret, known)
