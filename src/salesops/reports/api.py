"""REST: subscriptions and what they delivered, findings, alerts."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from salesops.platform.api import Body
from salesops.platform.rest import (
    Number,
    PageNumber,
    PageSize,
    actor_of_request,
    found,
    page_of,
    reply,
    scoped,
)
from salesops.reports import alert_services, finding_services, selectors, services

router = Router(tags=["reports"])
Name = Annotated[str, Field(min_length=1, max_length=120)]
Page = Annotated[
    str, Field(min_length=1, max_length=9_000, description="address of the page: /pipeline/?status=open")
]
Cron = Annotated[str, Field(min_length=1, max_length=120, description="five fields: 0 6 * * MON-FRI")]
Zone = Annotated[str, Field(max_length=64, description="IANA time zone, such as Europe/Berlin")]
Ids = Annotated[list[Annotated[int, Field(ge=1, le=2**63 - 1)]], Field(max_length=services.MOST_RECIPIENTS)]


class SubscriptionOut(Schema):
    """A subscription with its next turn and what came of its last run."""

    id: int
    name: str
    owner: str
    page: str
    form: str
    channel: str
    recipients: list[str]
    unsubscribed: list[str]
    addresses: list[str]
    finding_id: int | None
    cron: str
    zone: str
    next_run_at: datetime | None
    paused: str
    last_run_at: datetime | None
    last_run: str


class SubscriptionsOut(Schema):
    """One page of subscriptions."""

    total: int
    rows: list[SubscriptionOut]


class SubscriptionIn(Body):
    """A page to send again and again."""

    page: Page
    name: Name
    form: Literal["csv", "xlsx", "html", "pdf"] = "csv"
    channel: Literal["mail", "slack", "teams", "folder"] = "mail"
    cron: Cron
    zone: Zone = "UTC"
    recipients: Ids = Field([], description="ids of accounts; each gets its own rows")
    addresses: Annotated[list[Annotated[str, Field(max_length=320)]], Field(max_length=20)] = Field(
        [], description="mail addresses of people without an account; they get the caller's rows"
    )
    finding_id: int | None = None


class DeliveryOut(Schema):
    """What became of one recipient of a run."""

    to: str
    state: str
    reason: str
    rows: int | None
    rows_of: int | None
    file_name: str
    sha256: str
    sent_at: datetime | None
    opened_at: datetime | None
    acknowledged_at: datetime | None


class DeliveryRunOut(Schema):
    """One run with its deliveries."""

    id: int
    job_id: int
    started_at: datetime
    finished_at: datetime | None
    note: str
    deliveries: list[DeliveryOut]


class DeliveryRunsOut(Schema):
    """The last runs, newest first."""

    rows: list[DeliveryRunOut]


class ReportJobOut(Schema):
    """The job that was asked for."""

    job_id: int


class ReportDoneOut(Schema):
    """What was done."""

    id: int
    done: str


def _subscription(one: selectors.SubscriptionView) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.row.name,
        "owner": one.row.owner_name,
        "page": one.address,
        "form": one.row.form,
        "channel": one.row.channel,
        "recipients": list(one.recipients),
        "unsubscribed": list(one.left),
        "addresses": one.row.addresses,
        "finding_id": one.row.finding_id,
        "cron": one.cron,
        "zone": one.zone,
        "next_run_at": one.next_run,
        "paused": one.stopped,
        "last_run_at": one.last_at,
        "last_run": one.last,
    }


@router.get("/subscriptions", **scoped("reports.read", SubscriptionsOut), summary="Subscriptions")
def subscription_list(
    request: HttpRequest, of: Literal["made", "received"] = "made", page: PageNumber = 1, size: PageSize = 100
) -> HttpResponse:
    """Those the caller made (everybody's for administrators), or those the caller receives."""
    actor = actor_of_request(request)
    rows = selectors.subscriptions_of(actor) if of == "made" else selectors.received_by(actor)
    total, rows = page_of(rows, page, size)
    return reply({"total": total, "rows": [_subscription(one) for one in rows]})


@router.post("/subscriptions", **scoped("reports.write", SubscriptionOut, 201), summary="Subscribe to a page")
def subscription_add(request: HttpRequest, body: SubscriptionIn) -> HttpResponse:
    """The page's filters are kept as they stand in its address."""
    actor = actor_of_request(request)
    row = services.subscription_save(actor=actor, **body.dict())
    return reply(_subscription(found(selectors.subscription_of(actor, row.pk), "subscription")), 201)


@router.get(
    "/subscriptions/{subscription_id}/runs",
    **scoped("reports.read", DeliveryRunsOut),
    summary="Runs and deliveries",
)
def subscription_runs(request: HttpRequest, subscription_id: Number) -> HttpResponse:
    """The last runs with each recipient's receipt."""
    row = found(selectors.subscription_row(actor_of_request(request), subscription_id), "subscription")
    fields = DeliveryOut.model_fields
    rows = [
        {
            "id": run.row.pk,
            "job_id": run.row.job_id,
            "started_at": run.row.started_at,
            "finished_at": run.row.finished_at,
            "note": run.row.note,
            "deliveries": [{name: getattr(one, name) for name in fields} for one in run.deliveries],
        }
        for run in selectors.runs_of(row)
    ]
    return reply({"rows": rows})


@router.post(
    "/subscriptions/{subscription_id}/run",
    **scoped("reports.write", ReportJobOut, 202),
    summary="Send it now",
)
def subscription_run(request: HttpRequest, subscription_id: Number) -> HttpResponse:
    """As its owner, by a job."""
    actor = actor_of_request(request)
    row = found(selectors.subscription_row(actor, subscription_id), "subscription")
    return reply({"job_id": services.subscription_run(actor=actor, row=row).pk}, 202)


@router.post(
    "/subscriptions/{subscription_id}/leave",
    **scoped("reports.write", ReportDoneOut),
    summary="Unsubscribe oneself",
)
def subscription_leave(request: HttpRequest, subscription_id: Number) -> HttpResponse:
    """Of a subscription that the caller receives."""
    services.subscription_leave(actor=actor_of_request(request), pk=subscription_id)
    return reply({"id": subscription_id, "done": "unsubscribed"})


@router.delete(
    "/subscriptions/{subscription_id}", **scoped("reports.write", ReportDoneOut), summary="Remove one"
)
def subscription_remove(request: HttpRequest, subscription_id: Number) -> HttpResponse:
    """What it delivered stays on record."""
    actor = actor_of_request(request)
    row = found(selectors.subscription_row(actor, subscription_id), "subscription")
    services.subscription_remove(actor=actor, row=row)
    return reply({"id": subscription_id, "done": "removed"})


# --- Findings -------------------------------------------------------------------------------------


class ReaderOut(Schema):
    """A named reader with the receipts."""

    account: str
    opened_at: datetime | None
    acknowledged_at: datetime | None


class FindingOut(Schema):
    """A finding as it stands; ``value`` is exact and as its author saw it."""

    id: int
    title: str
    text: str
    page: str
    value: str
    value_text: str
    facts_version: str
    data_on: date | None
    author: str
    owner: str
    action: str
    due_on: date
    overdue: bool
    state: str
    result: str
    readers: list[ReaderOut]


class FindingsOut(Schema):
    """One page of findings."""

    total: int
    rows: list[FindingOut]


class FindingIn(Body):
    """A finding to write down."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(min_length=1, max_length=10_000)]
    action: Annotated[str, Field(min_length=1, max_length=500)]
    due_on: date
    owner_id: Annotated[int, Field(ge=1, le=2**63 - 1, description="account that acts")]
    page: Annotated[str, Field(max_length=9_000, description="address of what it rests on")] = ""
    readers: Ids = []


class FindingEventIn(Body):
    """What became of a finding."""

    kind: Literal["done", "dropped", "reopened", "moved"]
    due_on: date | None = None
    result: Annotated[str, Field(max_length=500)] = ""


def _finding(one: selectors.FindingView) -> dict[str, Any]:
    row = one.row
    return {
        "id": one.id,
        "title": row.title,
        "text": row.text,
        "page": one.address,
        "value": row.value,
        "value_text": row.value_text,
        "facts_version": row.facts_version,
        "data_on": row.data_on,
        "author": row.author_name,
        "owner": row.owner_name,
        "action": row.action,
        "due_on": one.due_on,
        "overdue": one.late(timezone.now().date()),
        "state": one.state,
        "result": one.result,
        "readers": [
            {"account": r.user.get_username(), "opened_at": r.opened_at, "acknowledged_at": r.acknowledged_at}
            for r in one.readers
        ],
    }


@router.get("/findings", **scoped("reports.read", FindingsOut), summary="Findings")
def finding_list(
    request: HttpRequest,
    state: Literal["open", "done", "dropped", "all"] = "open",
    page: PageNumber = 1,
    size: PageSize = 100,
) -> HttpResponse:
    """Findings that the caller wrote, owns or was named for."""
    rows = [f for f in selectors.findings_of(actor_of_request(request)) if state in ("all", f.state)]
    total, rows = page_of(rows, page, size)
    return reply({"total": total, "rows": [_finding(one) for one in rows]})


@router.post("/findings", **scoped("reports.write", FindingOut, 201), summary="Write a finding down")
def finding_add(request: HttpRequest, body: FindingIn) -> HttpResponse:
    """The value of its page is kept as the caller sees it now."""
    actor = actor_of_request(request)
    row = finding_services.finding_add(actor=actor, **body.dict())
    return reply(_finding(found(selectors.finding_of(actor, row.pk), "finding")), 201)


@router.post(
    "/findings/{finding_id}/events", **scoped("reports.write", FindingOut), summary="What became of it"
)
def finding_change(request: HttpRequest, finding_id: Number, body: FindingEventIn) -> HttpResponse:
    """Done with a result, dropped, opened again, or moved to another day."""
    after = finding_services.finding_change(
        actor=actor_of_request(request), pk=finding_id, kind=body.kind, due_on=body.due_on, result=body.result
    )
    return reply(_finding(after))


@router.post(
    "/findings/{finding_id}/acknowledge",
    **scoped("reports.write", ReportDoneOut),
    summary="Take note of a finding",
)
def finding_acknowledge(request: HttpRequest, finding_id: Number) -> HttpResponse:
    """By a named reader."""
    finding_services.finding_acknowledge(actor=actor_of_request(request), pk=finding_id)
    return reply({"id": finding_id, "done": "acknowledged"})


# --- Alerts ---------------------------------------------------------------------------------------


class AlertOut(Schema):
    """An alert with where it stands; values exact, empty where undefined."""

    id: int
    name: str
    owner: str
    kpi: str
    query: str
    condition: str
    threshold: Any
    channel: str
    on_new_data: bool
    cron: str
    zone: str
    next_run_at: datetime | None
    paused: str
    state: str
    reason: str
    value: str
    previous: str
    looked_at: datetime | None
    told_at: datetime | None
    accounts: list[int]


class AlertsOut(Schema):
    """One page of alerts."""

    total: int
    rows: list[AlertOut]


class AlertReceivedOut(Schema):
    """An alert of somebody else as it stands over the caller's rows; values exact, empty where undefined."""

    id: int
    name: str
    owner: str
    kpi: str
    query: str
    condition: str
    threshold: Any
    next_run_at: datetime | None
    paused: str
    state: str
    reason: str
    value: str
    previous: str
    looked_at: datetime | None
    told_at: datetime | None
    left_at: datetime | None


class AlertsReceivedOut(Schema):
    """One page of alerts that others set for the caller."""

    total: int
    rows: list[AlertReceivedOut]


class AlertIn(Body):
    """A number and when to tell."""

    name: Name
    kpi: Name
    query: Annotated[str, Field(max_length=8_000, description="period=quarter&filter=amount:gt:1000")] = ""
    condition: Literal["above", "below", "changed", "noise"]
    threshold: Annotated[Decimal, Field(max_digits=24, decimal_places=6)] | None = None
    channel: Literal["mail", "slack", "teams"] = "mail"
    cron: Cron = "*/15 * * * *"
    zone: Zone = "UTC"
    on_new_data: bool = True
    recipients: Ids = []


def _alert(one: selectors.AlertView) -> dict[str, Any]:
    row = one.row
    same = (
        "name", "kpi", "query", "condition", "threshold", "channel", "on_new_data", "state", "reason", "value",
        "previous", "looked_at", "told_at",
    )  # fmt: skip
    turns = {"cron": one.cron, "zone": one.zone, "next_run_at": one.next_run, "paused": one.stopped}
    told = {name: getattr(row, name) for name in same}
    return {"id": one.id, "owner": row.owner_name, **told, **turns, "accounts": list(one.accounts)}


@router.get("/alerts", **scoped("reports.read", AlertsOut), summary="Alerts")
def alert_list(request: HttpRequest, page: PageNumber = 1, size: PageSize = 100) -> HttpResponse:
    """Those the caller made; everybody's for administrators."""
    total, rows = page_of(selectors.alerts_of(actor_of_request(request)), page, size)
    return reply({"total": total, "rows": [_alert(one) for one in rows]})


def _received(one: selectors.ComingAlert) -> dict[str, Any]:
    row, alert = one.row, one.row.alert
    of_alert = {name: getattr(alert, name) for name in ("name", "kpi", "query", "condition", "threshold")}
    own = ("state", "reason", "value", "previous", "looked_at", "told_at", "left_at")
    turns = {"next_run_at": one.next_run, "paused": one.paused}
    return {
        "id": alert.pk, "owner": alert.owner_name, **of_alert, **turns, **{name: getattr(row, name) for name in own},
    }  # fmt: skip


@router.get(
    "/alerts/received", **scoped("reports.read", AlertsReceivedOut), summary="Alerts that others set for one"
)
def alert_received(request: HttpRequest, page: PageNumber = 1, size: PageSize = 100) -> HttpResponse:
    """Each over the caller's own rows, those that the caller left included."""
    total, rows = page_of(selectors.alerts_for(actor_of_request(request)), page, size)
    return reply({"total": total, "rows": [_received(one) for one in rows]})


@router.post(
    "/alerts/{alert_id}/leave",
    **scoped("reports.write", ReportDoneOut),
    summary="Be told no more of an alert",
)
def alert_leave(request: HttpRequest, alert_id: Number) -> HttpResponse:
    """Of one that somebody else set for the caller."""
    alert_services.alert_leave(actor=actor_of_request(request), pk=alert_id)
    return reply({"id": alert_id, "done": "left"})


@router.post("/alerts", **scoped("reports.write", AlertOut, 201), summary="Watch a number")
def alert_add(request: HttpRequest, body: AlertIn) -> HttpResponse:
    """Told once when it crosses, and again after it has recovered."""
    actor = actor_of_request(request)
    row = alert_services.alert_save(actor=actor, **body.dict())
    return reply(_alert(found(selectors.alert_of(actor, row.pk), "alert")), 201)


@router.post("/alerts/{alert_id}/look", **scoped("reports.write", ReportJobOut, 202), summary="Look now")
def alert_look(request: HttpRequest, alert_id: Number) -> HttpResponse:
    """As its owner, by a job."""
    actor = actor_of_request(request)
    seen = found(selectors.alert_of(actor, alert_id), "alert")
    return reply({"job_id": alert_services.alert_do(actor=actor, row=seen.row, do="run").pk}, 202)


@router.delete("/alerts/{alert_id}", **scoped("reports.write", ReportDoneOut), summary="Remove an alert")
def alert_remove(request: HttpRequest, alert_id: Number) -> HttpResponse:
    """It looks no more."""
    actor = actor_of_request(request)
    seen = found(selectors.alert_of(actor, alert_id), "alert")
    alert_services.alert_do(actor=actor, row=seen.row, do="remove")
    return reply({"id": alert_id, "done": "removed"})
