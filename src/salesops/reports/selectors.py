"""Subscriptions, deliveries, findings and alerts as far as a reader may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Max, Q, QuerySet

from salesops.org.known import PARAMETER
from salesops.platform import schedules
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.job_selectors import schedule_row, schedule_rows
from salesops.platform.schedules import Schedule
from salesops.reports.models import (
    Alert,
    AlertRecipient,
    Channel,
    Delivery,
    DeliveryRun,
    DeliveryState,
    Finding,
    FindingEventKind,
    FindingReader,
    Form,
    Recipient,
    Subscription,
)

MOST_RUNS = 20


# --- Subscriptions --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Timed:
    """What comes again and again, as its reader sees it.

    Attributes:
        cron, zone: when it comes, and the zone that is meant.
        next_run: its next turn in that zone, None where none comes.
        stopped: why none comes; "" where it does.
        may_change: whether the reader may pause, resume, run or remove it.
    """

    row: Any
    cron: str
    zone: str
    next_run: datetime | None
    stopped: str
    may_change: bool

    @property
    def id(self) -> int:
        """The row's id."""
        return int(self.row.pk)

    @property
    def tz(self) -> ZoneInfo:
        """The zone as a zone."""
        return ZoneInfo(self.zone)


def _turns(actor: Actor, schedule: Schedule | None) -> dict[str, Any]:
    """When something comes again, as :class:`Timed` says it."""
    if schedule is None:
        may_change = administers(actor)
        return {
            "cron": "", "zone": "UTC", "next_run": None, "stopped": "It has no schedule.", "may_change": may_change,
        }  # fmt: skip
    return {
        "cron": schedule.cron,
        "zone": schedule.zone,
        "next_run": schedule.next_run_at if schedule.active else None,
        "stopped": "" if schedule.active else schedule.why_stopped,
        "may_change": schedules.may_change(actor, schedule),
    }


@dataclass(frozen=True)
class SubscriptionView(Timed):
    """A subscription as its reader sees it.

    Attributes:
        recipients: user names of accounts that get it.
        left: user names of accounts that unsubscribed.
        last: when it last ran, and what came of it, in words.
    """

    row: Subscription
    form: str
    channel: str
    address: str
    recipients: tuple[str, ...]
    left: tuple[str, ...]
    last_at: datetime | None
    last: str
    last_tone: str


def administers(actor: Actor) -> bool:
    """Whether an actor looks after everybody's subscriptions."""
    return may(actor, "job.manage")


def _live() -> QuerySet[Subscription]:
    rows = Subscription.objects.filter(removed_at=None).select_related("owner", "finding")
    return rows.prefetch_related("recipients__user")


def subscription_rows(actor: Actor) -> QuerySet[Subscription]:
    """Those that an actor made; everybody's for administrators."""
    rows = _live().order_by("name", "id")
    if administers(actor):
        return rows
    return rows.filter(owner_id=actor.user_id) if actor.user_id is not None else rows.none()


def subscriptions_of(actor: Actor, path: str = "") -> list[SubscriptionView]:
    """Subscriptions that an actor made, by name; everybody's for administrators. Of one page where a path is given."""
    rows = subscription_rows(actor)
    return _views(actor, list(rows.filter(path=path) if path else rows))


def subscription_row(actor: Actor, pk: int) -> Subscription | None:
    """One that an actor may look after, or None."""
    return subscription_rows(actor).filter(pk=pk).first()


def subscription_of(actor: Actor, pk: int) -> SubscriptionView | None:
    """As :func:`subscription_row`, as its reader sees it."""
    row = subscription_row(actor, pk)
    return _views(actor, [row])[0] if row is not None else None


def subscription_by_id(pk: int) -> Subscription | None:
    """One that is not removed, for the job that sends it."""
    return _live().filter(pk=pk).first()


def _views(actor: Actor, rows: list[Subscription]) -> list[SubscriptionView]:
    """Subscriptions as their reader sees them, each with its last run: few queries, however many there are."""
    kept = schedule_rows(row.schedule_id for row in rows)
    last = DeliveryRun.objects.filter(subscription__in=rows).values("subscription").annotate(last=Max("id"))
    found = DeliveryRun.objects.filter(pk__in=[one["last"] for one in last]).prefetch_related("deliveries")
    runs = {run.subscription_id: run for run in found}
    return [_view(actor, row, kept.get(row.schedule_id or 0), runs.get(row.pk)) for row in rows]


def _view(
    actor: Actor, row: Subscription, schedule: Schedule | None, run: DeliveryRun | None
) -> SubscriptionView:
    people = list(row.recipients.all())
    last, tone = outcome(run) if run else ("", "neutral")
    return SubscriptionView(
        row=row,
        **_turns(actor, schedule),
        form=Form(row.form).label,
        channel=Channel(row.channel).label,
        address=f"{row.path}?{row.query}" if row.query else row.path,
        recipients=tuple(r.user.get_username() for r in people if r.left_at is None),
        left=tuple(r.user.get_username() for r in people if r.left_at is not None),
        last_at=run.started_at if run else None,
        last=last,
        last_tone=tone,
    )


def outcome(run: DeliveryRun) -> tuple[str, str]:
    """What came of a run, in words and as a tone."""
    found = list(run.deliveries.all())
    count = {state: sum(d.state == state for d in found) for state in DeliveryState.values}
    words = [f"{count['sent']} of {len(found)} sent"]
    words += [
        f"{count[state]} {DeliveryState(state).label.lower()}"
        for state in ("skipped", "refused", "waiting")
        if count[state]
    ]
    if run.note:
        words.append(run.note)
    tone = (
        "ok"
        if found and count["sent"] == len(found)
        else "info"
        if count["waiting"] and not run.finished_at
        else "warn"
    )
    return ", ".join(words), tone


def received_by(actor: Actor) -> list[SubscriptionView]:
    """Subscriptions of others and of one's own that an actor gets."""
    if actor.user_id is None:
        return []
    rows = _live().filter(recipients__user_id=actor.user_id, recipients__left_at=None).order_by("name", "id")
    return _views(actor, list(rows))


def left_by(actor: Actor) -> list[SubscriptionView]:
    """Subscriptions that an actor unsubscribed from."""
    if actor.user_id is None:
        return []
    rows = _live().filter(recipients__user_id=actor.user_id, recipients__left_at__isnull=False)
    return _views(actor, list(rows.order_by("name", "id")))


def recipient_row(actor: Actor, pk: int) -> Recipient | None:
    """An actor's own part in a subscription that is not removed, or None."""
    return Recipient.objects.filter(
        subscription_id=pk, user_id=actor.user_id or 0, subscription__removed_at=None
    ).first()


@dataclass(frozen=True)
class RunView:
    """One run with its deliveries."""

    row: DeliveryRun
    words: str
    tone: str
    deliveries: tuple[Delivery, ...]


def runs_of(row: Subscription, most: int = MOST_RUNS) -> list[RunView]:
    """The last runs of a subscription, newest first."""
    found = []
    for run in (
        DeliveryRun.objects.filter(subscription=row).order_by("-id").prefetch_related("deliveries")[:most]
    ):
        words, tone = outcome(run)
        found.append(RunView(run, words, tone, tuple(run.deliveries.all())))
    return found


def run_of_job(job_id: int) -> DeliveryRun | None:
    """The run that a job makes, or None."""
    return DeliveryRun.objects.filter(job_id=job_id).first()


def deliveries_of(run: DeliveryRun) -> list[Delivery]:
    """Deliveries of a run in order."""
    return list(Delivery.objects.filter(run=run).select_related("run__subscription").order_by("id"))


def still_meant(delivery: Delivery) -> bool:
    """Whether a subscription, as it is now, is still for the recipient of a delivery that waits."""
    row = Subscription.objects.filter(pk=delivery.run.subscription_id, removed_at=None).first()
    if row is None:
        return False
    if row.channel != Channel.MAIL:
        return delivery.user_id is None and delivery.to == Channel(row.channel).label
    if delivery.user_id is not None:
        return row.recipients.filter(user_id=delivery.user_id, left_at=None).exists()
    return delivery.to.lower() in {text[:320].lower() for text in row.addresses}


def deliveries_to(actor: Actor, most: int = 30) -> list[Delivery]:
    """What an account was sent, newest first."""
    rows = Delivery.objects.filter(user_id=actor.user_id or 0).exclude(state=DeliveryState.WAITING)
    return list(rows.select_related("run__subscription").order_by("-id")[:most])


def delivery_for(actor: Actor, token: str) -> Delivery | None:
    """The delivery of a link, if it is the actor's own; else None, whoever has the link."""
    rows = Delivery.objects.select_related("run__subscription__finding", "user")
    return rows.filter(token=token, user_id=actor.user_id or 0).first()


# --- Findings -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FindingView:
    """A finding as it stands.

    Attributes:
        state: ``open``, ``done`` or ``dropped``.
        due_on: as last moved.
        moved: how often the day was moved.
        result: said when it was settled.
        mine: whether the reader wrote or owns it, and may settle it.
    """

    row: Finding
    state: str
    due_on: date
    moved: int
    result: str
    settled_at: datetime | None
    readers: tuple[FindingReader, ...]
    mine: bool
    own_receipt: FindingReader | None

    @property
    def id(self) -> int:
        """The finding's id."""
        return int(self.row.pk)

    @property
    def address(self) -> str:
        """The page it rests on; "" for none."""
        return f"{self.row.path}?{self.row.query}" if self.row.query else self.row.path

    @property
    def address_then(self) -> str:
        """The same page over the facts version that its author saw."""
        if not self.row.facts_version or f"{PARAMETER}=" in self.row.query:
            return self.address
        pinned = f"{PARAMETER}=v{self.row.facts_version}"
        return f"{self.row.path}?{self.row.query}&{pinned}" if self.row.query else f"{self.row.path}?{pinned}"

    def late(self, today: date) -> bool:
        """Whether it is open past its day."""
        return self.state == "open" and self.due_on < today


def visible_findings(actor: Actor) -> Q:
    """Findings an actor may see: that he wrote, owns or was named for; all of them for administrators."""
    if administers(actor):
        return Q()
    if actor.user_id is None:
        return Q(pk__in=())
    return Q(created_by_id=actor.user_id) | Q(owner_id=actor.user_id) | Q(readers__user_id=actor.user_id)


def findings_of(actor: Actor, known_at: datetime | None = None) -> list[FindingView]:
    """Findings an actor may see, newest first, each as it stood at an instant; None for now."""
    rows = Finding.objects.filter(visible_findings(actor)).distinct().order_by("-id")
    if known_at is not None:
        rows = rows.filter(created_at__lte=known_at)
    return [_finding(actor, row, known_at) for row in rows.prefetch_related("events", "readers__user")]


def finding_of(actor: Actor, pk: int) -> FindingView | None:
    """One finding, None where there is none that the actor may see."""
    rows = Finding.objects.filter(visible_findings(actor), pk=pk).distinct()
    row = rows.prefetch_related("events", "readers__user").first()
    return _finding(actor, row) if row is not None else None


def _finding(actor: Actor, row: Finding, known_at: datetime | None = None) -> FindingView:
    state, due, moved, result, settled = "open", row.due_on, 0, "", None
    for event in row.events.all():
        if known_at is not None and event.at > known_at:
            continue
        if event.kind == FindingEventKind.MOVED:
            due, moved = event.due_on or due, moved + 1
        elif event.kind == FindingEventKind.REOPENED:
            state, settled, result = "open", None, ""
        else:
            state, settled, result = event.kind, event.at, event.result
    readers = tuple(row.readers.all())
    own = actor.user_id is not None and actor.user_id in (row.created_by_id, row.owner_id)
    receipt = next((r for r in readers if r.user_id == actor.user_id), None)
    return FindingView(row, state, due, moved, result, settled, readers, own or administers(actor), receipt)


def open_findings(views: Sequence[FindingView]) -> list[FindingView]:
    """Those that are open, the first due first."""
    return sorted((v for v in views if v.state == "open"), key=lambda v: (v.due_on, v.id))


# --- Alerts ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AlertView(Timed):
    """An alert as its owner sees it."""

    row: Alert
    accounts: tuple[int, ...] = ()


def alert_rows(actor: Actor) -> QuerySet[Alert]:
    """Alerts that an actor made; everybody's for administrators."""
    rows = Alert.objects.filter(removed_at=None).select_related("owner").order_by("name", "id")
    if administers(actor):
        return rows
    return rows.filter(owner_id=actor.user_id) if actor.user_id is not None else rows.none()


def alerts_of(actor: Actor) -> list[AlertView]:
    """As :func:`alert_rows`, as their reader sees them."""
    rows = list(alert_rows(actor))
    kept = schedule_rows(row.schedule_id for row in rows)
    others = accounts_of(rows)
    return [
        AlertView(
            row=row, accounts=tuple(others.get(row.pk, ())), **_turns(actor, kept.get(row.schedule_id or 0))
        )
        for row in rows
    ]


def alert_of(actor: Actor, pk: int) -> AlertView | None:
    """One alert that an actor may look after, or None."""
    row = alert_rows(actor).filter(pk=pk).first()
    if row is None:
        return None
    others = tuple(accounts_of([row]).get(row.pk, ()))
    return AlertView(row=row, accounts=others, **_turns(actor, schedule_row(row.schedule_id)))


def alert_by_id(pk: int) -> Alert | None:
    """One that is not removed, for the job that looks."""
    return Alert.objects.filter(removed_at=None, pk=pk).select_related("owner").first()


def waiting_alerts() -> list[Alert]:
    """Those of everybody that look when new data has come."""
    return list(Alert.objects.filter(removed_at=None, on_new_data=True).order_by("id"))


def alert_recipients(pk: int) -> list[AlertRecipient]:
    """Other accounts that an alert is for and that have not left it, for the job that looks."""
    found = AlertRecipient.objects.filter(alert_id=pk, left_at=None).select_related("user")
    return list(found.order_by("id"))


def alert_recipient(actor: Actor, pk: int) -> AlertRecipient | None:
    """An actor's own part in an alert of somebody else, or None."""
    return AlertRecipient.objects.filter(
        alert_id=pk, user_id=actor.user_id or 0, alert__removed_at=None
    ).first()


@dataclass(frozen=True)
class ComingAlert:
    """An alert of somebody else as the account that it comes to sees it.

    Attributes:
        row: where it stands over that account's rows.
        next_run: when it is looked at again; None where it is paused.
        paused: why nobody looks, without what only its owner may know; "" where somebody does.
    """

    row: AlertRecipient
    next_run: datetime | None
    paused: str


PAUSED = "by its owner or an administrator"
STOPPED = "it could not be looked at for its owner"


def alerts_for(actor: Actor) -> list[ComingAlert]:
    """Alerts of others that come to an actor, those he left included."""
    found = AlertRecipient.objects.filter(user_id=actor.user_id or 0, alert__removed_at=None)
    rows = list(found.select_related("alert").order_by("alert__name", "id"))
    kept = schedule_rows(row.alert.schedule_id for row in rows)
    return [_coming(row, kept.get(row.alert.schedule_id or 0)) for row in rows]


def _coming(row: AlertRecipient, schedule: Schedule | None) -> ComingAlert:
    if schedule is None:
        return ComingAlert(row, None, STOPPED)
    if schedule.active:
        return ComingAlert(row, schedule.next_run_at, "")
    return ComingAlert(row, None, PAUSED if schedule.why_stopped.startswith("Paused") else STOPPED)


def accounts_of(rows: Sequence[Alert]) -> dict[int, list[int]]:
    """Alert -> ids of the other accounts it is for."""
    found: dict[int, list[int]] = {}
    kept = AlertRecipient.objects.filter(alert_id__in=[row.pk for row in rows], left_at=None).order_by(
        "user_id"
    )
    for alert_id, user_id in kept.values_list("alert_id", "user_id"):
        found.setdefault(alert_id, []).append(user_id)
    return found
