"""What reports leave behind in a home: a finding, a subscription that ran once, an alert that looked."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from salesops.platform import jobs
from salesops.platform.actors import Actor
from salesops.reports import alert_services, finding_services, services
from salesops.reports.models import Delivery


def leave_reports(actor: Actor, kpi: str = "won_value") -> dict[str, Any]:
    """Of an account that may make schedules: name -> key."""
    assert actor.user_id is not None
    finding = finding_services.finding_add(
        actor=actor, title="Wins come late", text="Most of a quarter is won in its last weeks.",
        page=f"/numbers/{kpi}/?period=all", action="Ask for dates in week 6", owner_id=actor.user_id,
        due_on=date(2026, 6, 1), readers=[actor.user_id],
    )  # fmt: skip
    subscription = services.subscription_save(
        actor=actor, page="/pipeline/?status=open", name="Open deals", form="csv", channel="mail", cron="0 6 * * MON",
        zone="Europe/Berlin", recipients=[actor.user_id], finding_id=finding.pk,
    )  # fmt: skip
    alert = alert_services.alert_save(
        actor=actor, name="Wins", kpi=kpi, query="period=all", condition="above", threshold=Decimal(1), channel="mail",
        cron="*/15 * * * *", zone="UTC",
    )  # fmt: skip
    services.subscription_run(actor=actor, row=subscription)
    alert_services.alert_do(actor=actor, row=alert, do="run")
    jobs.run_waiting()
    return {
        "finding": finding.pk,
        "subscription": subscription.pk,
        "alert": alert.pk,
        "sent": Delivery.objects.get(run__subscription=subscription).token,
    }
