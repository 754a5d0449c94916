"""Make a home for the browser tests in a process of its own, as an installation would be made.

``python -m tests.browser.homes KIND HOME [DATA]`` fills HOME and prints JSON: one-time sign-in links by
role, and what the tests have to know about the records in it.

- ``empty``: accounts, no data.
- ``maven``: the public export in DATA.
- ``firm``: a small simulated firm with its decisions, rows in quarantine, an import that waits to be
  confirmed, a comparison, a saved view and a token: something to see on every page.
"""

from __future__ import annotations

import json
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

ROLES = (
    "rep", "sales_manager", "ops_representative", "ops_analyst", "ops_manager", "ops_vp", "administrator", "auditor",
)  # fmt: skip


def main(kind: str, home: Path, data: Path | None) -> dict[str, Any]:
    """Fill the home and say what is in it."""
    os.environ["SALESOPS_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "salesops.project.settings"
    import django

    django.setup()
    from salesops.crm import services
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.platform.home import home_prepare

    home_prepare()
    known: dict[str, Any] = {}
    if kind == "maven":
        assert data is not None
        services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[data])
    elif kind == "firm":
        known = firm(home)
    known["links"] = accounts(known.get("people") or people(kind))
    known["tokens"] = tokens("rep", "sales_manager", "administrator")
    if kind == "firm":
        known |= extras(home)
    return known


def people(kind: str) -> dict[str, str]:
    """Which person of the data the rep and the manager stand for."""
    if kind == "maven":
        return {"rep": "Anna Snelling", "sales_manager": "Dustin Brinkmann"}
    return {}


def accounts(stands_for: dict[str, str]) -> dict[str, str]:
    """An account for each role, and its sign-in path."""
    from salesops.platform import signin
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.platform.roles import Role

    assert set(ROLES) == set(Role.values)
    links = {}
    for role in ROLES:
        user = signin.account_save(
            actor=LOCAL_ADMINISTRATOR,
            username=f"the-{role.replace('_', '-')}",
            role=role,
            person_id=stands_for.get(role, ""),
            email=f"{role}@example.org",
        )
        links[role] = f"/sign-in/{signin.link_create(actor=LOCAL_ADMINISTRATOR, user=user)}/"
    return links


def tokens(*roles: str) -> dict[str, str]:
    """An API token of the account of each role."""
    from salesops.platform import signin
    from salesops.platform.actors import actor_of
    from salesops.platform.models import User

    made = {}
    for role in roles:
        user = User.objects.get(role=role)
        made[role] = signin.token_create(actor=actor_of(user), user=user, name="Tests")[1]
    return made


def firm(home: Path) -> dict[str, Any]:
    """Simulate a firm, import an earlier and the last export, record its decisions."""
    import yaml

    from salesops.crm import services
    from salesops.platform import decisions
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.process.inputs import open_frames
    from salesops.simulate.parameters import FirmParameters
    from salesops.simulate.simulator import DECISIONS, EXPORTS, simulate

    written = home / "written"
    truth = simulate(FirmParameters().scaled(16, 700), written, seed=5)
    services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[written / EXPORTS])
    for file in sorted((written / DECISIONS).glob("*.yaml")):
        documents = yaml.safe_load(file.read_text(encoding="utf-8"))
        decisions.import_documents(documents, actor=LOCAL_ADMINISTRATOR, reason="Decisions of the firm")
    with open_frames(LOCAL_ADMINISTRATOR) as frames:
        deals = frames.facts.execute(
            frames.deals.select("id", "name", "owner_id", "account_id", "stage_class", "closed_on")
        ).to_pylist()
        reports = {key: person.manager_id for key, person in frames.people.items()}
    by_owner: dict[str, int] = {}
    for deal in deals:
        if deal["owner_id"] in reports and reports[deal["owner_id"]]:
            by_owner[deal["owner_id"]] = by_owner.get(deal["owner_id"], 0) + 1
    rep = max(by_owner, key=lambda key: (by_owner[key], key))
    own = [d for d in deals if d["owner_id"] == rep and d["account_id"]]
    return {
        "people": {"rep": rep, "sales_manager": reports[rep]},
        "truth": {"total": truth["opportunities"]["total"], "won": truth["opportunities"]["won"]},
        "deal": own[0]["id"],
        "person": rep,
        "account": own[0]["account_id"],
    }


REJECTED = """Opportunity ID,Opportunity Name,Account Name,Stage,Amount,Created Date,Close Date
QX1,Northern depot,Depots,Prospecting,1200.00,2026-01-05,2026-13-45
QX2,Southern depot,Depots,Prospecting,900.00,2026-01-05,2026-03-31
QX3,Eastern depot,Depots,Prospecting,800.00,2026-02-05,2026-03-30
,Nameless,Depots,Prospecting,100.00,2026-01-05,2026-03-31
"""
WAITING = """Deal name,Deal owner,Phase,Value,Weighted value,Opened,Expected close
Harbour lights,Ada North,Proposal,"1,200.00","600.00",05/01/2026,31/03/2026
Mill race,Ben South,Negotiation,"8,000.00","6,000.00",13/01/2026,30/04/2026
"""


def extras(home: Path) -> dict[str, Any]:
    """What people leave behind and pages show: quarantine, a waiting import, a comparison, a draft, a token."""
    from salesops.analytics import number_runs, reconciling, selectors, services, views_services
    from salesops.analytics.custom_services import custom_kpi_decide
    from salesops.crm import confirming
    from salesops.crm import services as crm
    from salesops.crm.models import Import, QuarantinedRow, RecordLink
    from salesops.dashboards.services import dashboard_make
    from salesops.feeds import webhook_services
    from salesops.feeds.inputs import FeedQuestion
    from salesops.feeds.services import feed_create
    from salesops.platform import jobs, signin
    from salesops.platform.actors import actor_of
    from salesops.platform.decisions import decision_record
    from salesops.platform.models import User
    from tests.doors.reports_left import leave_reports

    admin = User.objects.get(username="the-administrator")
    actor = actor_of(admin)
    (home / "rejected.csv").write_text(REJECTED, encoding="utf-8")
    bad = confirming.import_upload(actor=actor, files=[("rejected.csv", [REJECTED.encode()])])
    crm.import_start(actor=actor, row=bad)
    jobs.run_waiting()
    waiting = confirming.import_upload(actor=actor, files=[("waiting.csv", [WAITING.encode()])])
    kpi = selectors.kpis(["won_value"])[0]
    side = reconciling.sides_to_compare(kpi)[0]
    with selectors.ask(actor, selectors.Question(period="2026-Q3")) as asked:
        result = reconciling.compare(asked, kpi, side, None, Decimal(1_000_000))
        compared = services.reconciliation_record(
            actor=actor,
            kpi=kpi.name,
            side=side.name,
            result=result,
            period="2026-Q3",
            as_of=asked.frames.as_of,
        )
    kept = number_runs.number_keep(
        actor=actor, name="won_value", question=selectors.Question(period="2026-Q3", by=("owner_name",))
    )
    pattern = {"source": "crm", "table": "opportunities", "pattern": "https://crm.example.org/{id}"}
    decision_record(RecordLink, actor=actor, subject="crm/opportunities", values=pattern)
    draft = decision_record(
        RecordLink, actor=actor, subject="crm/accounts", values=pattern | {"table": "accounts"}, draft=True
    )
    view = views_services.save(actor=actor, name="Large and open", query="sort=-amount", shared=True)
    custom_kpi_decide(
        actor=actor,
        name="large_wins",
        values={"title": "Large wins", "measure": "count", "rule": "stage_class = 'won' and amount > 1000"},
    )
    dashboard = dashboard_make(
        actor=actor,
        name="Every kind of tile",
        description="Numbers, charts, tables and a text",
        roles=ROLES,
        question="period=2026-Q3",
        tiles=[
            {"kind": "kpi", "kpis": ["won_value"], "spark": True},
            {"kind": "kpi", "kpis": ["win_rate_count"]},
            {"kind": "kpi", "kpis": ["cac"]},
            {"kind": "kpi", "kpis": ["coverage"]},
            {"kind": "chart", "kpis": ["won_value"], "by": "owner_name"},
            {"kind": "chart", "kpis": ["win_rate_count"], "over": 6, "form": "line"},
            {"kind": "table", "kpis": ["won_value", "win_rate_count", "open_deals"], "by": "industry"},
            {"kind": "table", "view": view.id, "rows": 5},
            {
                "kind": "text",
                "title": "How to read it",
                "text": "**Shares** rest on\n- won deals\n- lost deals",
            },
        ],
    )
    token, _ = signin.token_create(actor=actor, user=admin, name="Reports")
    bad.refresh_from_db()
    watch = _watched(home, actor)
    # Paused, so that nothing is sent anywhere.
    target, _ = webhook_services.target_create(actor=actor, name="Warehouse", url="https://hooks.invalid/in")
    webhook_services.target_pause(actor=actor, row=target)
    webhook_services.target_ping(actor=actor, row=target)
    feed_create(actor=actor, name="Board sheet", question=FeedQuestion("list", view.query))
    return leave_reports(actor) | {
        "import": Import.objects.order_by("id").values_list("id", flat=True)[0],
        "waiting": waiting.pk,
        "job": bad.job_id,
        "quarantined": list(QuarantinedRow.objects.values_list("id", flat=True)),
        "reconciliation": compared.pk,
        "run": kept.ref,
        "draft": draft.pk,
        "view": view.id,
        "dashboard": dashboard.id,
        "token": token.pk,
        "user": admin.pk,
        "watch": watch,
        "webhook": target.pk,
        "own_name": "large_wins",
    }


def _watched(home: Path, actor: Any) -> int:
    """A watch with something done and something that waits, and a schedule that was paused."""
    from django.conf import settings
    from django.utils import timezone

    from salesops.crm.models import Arrival
    from salesops.crm.watch_services import watch_save
    from salesops.platform import jobs, schedules

    (home / "watched" / "crm").mkdir(parents=True)
    settings.WATCH_ROOT = str(home / "watched")
    watch = watch_save(
        actor=actor, name="Nightly deals", kind="folder", path="crm", mail_to=["ops@example.com"]
    )
    for name, state, reason in (
        ("deals_1.csv", "done", ""),
        ("leads.csv", "failed", "Nothing in it is recognised as records of a CRM."),
    ):
        Arrival.objects.create(
            watch=watch, name=name, state=state, reason=reason, digest=name, seen_at=timezone.now()
        )
    paused = schedules.schedule_create(
        actor=actor, name="Weekly scan", kind="scan", params={}, cron="0 6 * * MON"
    )
    schedules.schedule_pause(actor=actor, row=paused)
    jobs.enqueue("scan", {}, actor=actor)
    jobs.run_waiting()
    return watch.pk


if __name__ == "__main__":
    result = main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
    print(json.dumps(result))
