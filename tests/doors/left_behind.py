"""What people leave behind in a home: something behind every address that names one thing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import override_settings

from salesops.analytics import number_runs, reconciling, selectors, services, views_services
from salesops.analytics.custom_services import custom_kpi_decide
from salesops.crm import confirming
from salesops.crm import services as crm
from salesops.crm.models import QuarantinedRow, RecordLink
from salesops.crm.watch_services import watch_save
from salesops.dashboards.services import dashboard_make
from salesops.feeds import webhook_services
from salesops.feeds.inputs import FeedQuestion
from salesops.feeds.services import feed_create
from salesops.meetings.services import action_add
from salesops.platform import jobs, schedules, signin
from salesops.platform.actors import Actor
from salesops.platform.decisions import decision_record
from salesops.platform.models import User
from salesops.platform.roles import Role
from tests.doors.reports_left import leave_reports


def leave(
    *,
    actor: Actor,
    user: User,
    rejected: bytes,
    waiting: bytes,
    kpi: str,
    figure: int,
    by: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Imports, comparisons, runs, decisions, a view, a token of ``user``, a schedule, a watch: name -> its key.

    Args:
        actor: whose they are.
        user: whose token is made.
        rejected: a file with a row that can't be taken; it is imported.
        waiting: a file that waits to be confirmed.
        kpi: the KPI that is compared with ``figure``, and kept as a run, split ``by``.
    """
    bad = confirming.import_upload(actor=actor, files=[("rejected.csv", [rejected])])
    crm.import_start(actor=actor, row=bad)
    jobs.run_waiting()
    bad.refresh_from_db()
    open_import = confirming.import_upload(actor=actor, files=[("waiting.csv", [waiting])])
    compared_kpi = selectors.kpis([kpi])[0]
    side = reconciling.sides_to_compare(compared_kpi)[0]
    with selectors.ask(actor, selectors.Question()) as asked:
        result = reconciling.compare(asked, compared_kpi, side, None, Decimal(figure))
        compared = services.reconciliation_record(
            actor=actor, kpi=kpi, side=side.name, result=result, as_of=asked.frames.as_of
        )
    link = {"source": "crm", "table": "opportunities", "pattern": "https://crm.example.org/{id}"}
    decision_record(RecordLink, actor=actor, subject="crm/opportunities", values=link)
    draft = decision_record(
        RecordLink, actor=actor, subject="crm/accounts", values=link | {"table": "accounts"}, draft=True
    )
    custom_kpi_decide(
        actor=actor,
        name="large_wins",
        values={"title": "Large wins", "measure": "count", "rule": "stage_class = 'won' and amount > 1000"},
    )
    watched = Path(settings.HOME) / "watched"
    (watched / "crm").mkdir(parents=True, exist_ok=True)
    with override_settings(WATCH_ROOT=str(watched)):
        watch = watch_save(actor=actor, name="Nightly deals", kind="folder", path="crm")
    view = views_services.save(actor=actor, name="All of it", query="status=all", shared=True)
    dashboard = dashboard_make(
        actor=actor,
        name="Everything",
        roles=Role.values,
        question="period=all",
        tiles=[
            {"key": "won", "kind": "kpi", "kpis": ["won_value"], "spark": True},
            {"kind": "chart", "kpis": ["won_value"], "by": "account_name"},
            {"kind": "table", "kpis": ["won_value", "open_deals"], "by": "owner_name"},
            {"kind": "table", "view": view.id, "rows": 100},
        ],
    )
    schedule = schedules.schedule_create(
        actor=actor, name="Nightly", kind="scan", params={}, cron="0 6 * * *"
    )
    with selectors.ask(actor, selectors.Question()) as asked:
        action = action_add(
            actor=actor, scope=asked.frames.scope, subject="firm", text="Call back", owner_id="",
            owner_name=actor.name, due_on=asked.frames.as_of,
        )  # fmt: skip
    feed, _ = feed_create(actor=actor, name="Sheet", question=FeedQuestion("list", "status=all"))
    # Paused, so that nothing is sent anywhere.
    target, _ = webhook_services.target_create(actor=actor, name="Warehouse", url="https://hooks.invalid/in")
    webhook_services.target_pause(actor=actor, row=target)
    return leave_reports(actor, kpi) | {
        "feed": feed.pk,
        "webhook": target.pk,
        "delivery": webhook_services.target_ping(actor=actor, row=target).pk,
        "action": action.pk,
        "dashboard": dashboard.id,
        "own_name": "large_wins",
        "import": bad.pk,
        "import_job": bad.job_id,
        "waiting": open_import.pk,
        "quarantined": QuarantinedRow.objects.order_by("id").values_list("id", flat=True)[0],
        "reconciliation": compared.pk,
        "run": number_runs.number_keep(actor=actor, name=kpi, question=selectors.Question(by=by)).ref,
        "draft": draft.pk,
        "view": view.id,
        "token": signin.token_create(actor=actor, user=user, name="Reports")[0].pk,
        "schedule": schedule.pk,
        "watch": watch.pk,
    }


def parameters(known: dict[str, Any]) -> dict[str, Any]:
    """The same keys under the names that the REST API's addresses give them."""
    return {
        "import_id": known["waiting"], "row_id": known["quarantined"], "code": "DQ12", "kind": "record_link",
        "draft_id": known["draft"], "number": 0, "run": known["run"], "schedule_id": known["schedule"],
        "view_id": known["view"], "comparison_id": known["reconciliation"], "token_id": known["token"],
        "watch_id": known["watch"], "item_id": known["action"], "subscription_id": known["subscription"],
        "finding_id": known["finding"], "alert_id": known["alert"], "feed_id": known["feed"],
        "target_id": known["webhook"], "delivery_id": known["delivery"], "own_name": "large_wins",
        "dashboard_id": known["dashboard"], "ready_name": "leader",
    }  # fmt: skip
