"""The only writers of subscriptions and of what was delivered."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import date
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from salesops.platform import audit, posting, schedules
from salesops.platform.access import NotAllowedError, may, require
from salesops.platform.actors import Actor
from salesops.platform.job_selectors import schedule_row
from salesops.platform.jobs import Job
from salesops.platform.runs import digest_of
from salesops.platform.selectors import accounts
from salesops.reports import selectors, subjects
from salesops.reports.models import (
    Channel,
    Delivery,
    DeliveryRun,
    DeliveryState,
    Finding,
    FindingReader,
    Form,
    Recipient,
    Subscription,
)

WRITE, SHARE = "schedule.write", "report.share"
KIND = "report"
"""Kind of the job that sends a subscription."""

MOST_RECIPIENTS = 500
GIVEN_UP = "Given up: "
"""How the reason of a delivery begins that a run ended without."""
NOT_SHARED = "the owner's role may no longer send his rows to others (report.share)"
CLOSED = "Only whoever made a subscription, or an administrator, may change it."


def subscription_save(
    *,
    actor: Actor,
    page: str,
    name: str,
    form: str,
    channel: str,
    cron: str,
    zone: str,
    recipients: Sequence[int] = (),
    addresses: Sequence[str] = (),
    finding_id: int | None = None,
    row: Subscription | None = None,
) -> Subscription:
    """Subscribe to a page, or change a subscription.

    Args:
        actor: who makes it, an account; each turn runs with his rights of that day.
        page: address of the page with its filters: they are kept as they are now.
        name: shown in lists and in the mail's subject.
        form: of :class:`Form`.
        channel: of :class:`Channel`.
        cron, zone: when, see :mod:`salesops.platform.schedules`.
        recipients: ids of accounts; each gets its own rows.
        addresses: of people without an account; they get the actor's rows.
        finding_id: a finding of the actor that goes with it.
        row: the subscription to change, None for a new one.

    Raises:
        ValidationError: by field.
        NotAllowedError: the actor may not make schedules, not change this one, or not send his rows to others.
    """
    require(actor, WRITE)
    if actor.user_id is None:
        raise NotAllowedError("Only an account can subscribe.")
    if row is not None and row.owner_id != actor.user_id:
        raise NotAllowedError("Only whoever made a subscription may change what it sends.")
    if form not in Form.values or channel not in Channel.values:
        raise ValidationError({"form": "Choose what is sent, and where to."})
    name = " ".join(name.split())[:120]
    if not name:
        raise ValidationError({"name": "Give it a name."})
    subject = subjects.checked(actor.user_id, page)
    if form == Form.PDF and not subject.pdf:
        raise ValidationError({"form": "Of this page there is no PDF. A business review has one."})
    # Not around the check of the page: it is opened, which takes a while.
    with transaction.atomic():
        known = {user.pk for user in accounts() if user.is_active}
        people = list(dict.fromkeys(recipients))
        checked = schedules.addresses(addresses)
        _check_way(actor, channel, people, known, checked)
        finding = _own_finding(actor, finding_id)
        before = _told(row) if row is not None else None
        row = row or Subscription(created_at=timezone.now(), owner_id=actor.user_id, owner_name=actor.name)
        row.name, row.path, row.query, row.subject = name, subject.path, subject.query, subject.name
        row.form, row.channel, row.addresses, row.finding = form, channel, checked, finding
        row.save()
        for user_id in people:  # one who left stays away until he comes back himself: his row is kept
            Recipient.objects.get_or_create(subscription=row, user_id=user_id)
        row.recipients.filter(left_at=None).exclude(user_id__in=people).delete()
        title, params = f"Subscription {row.pk}: {name}", {"subscription_id": row.pk}
        schedules.schedule_keep(
            actor=actor, row=row, name=title, kind=KIND, params=params, cron=cron, zone=zone
        )
        audit.record(
            actor=actor,
            action="subscription.save",
            subject=f"subscription:{row.pk}",
            before=before,
            after=_told(row),
        )
    return row


def _check_way(
    actor: Actor, channel: str, people: Sequence[int], known: set[int], addresses: Sequence[str]
) -> None:
    """Refuse recipients that a channel has none of, and rows that are not the actor's to give away."""
    if channel == Channel.MAIL:
        if not people and not addresses:
            raise ValidationError({"recipients": "Say whom it is for."})
        if len(people) > MOST_RECIPIENTS:
            raise ValidationError({"recipients": f"At most {MOST_RECIPIENTS} accounts."})
        if unknown := [str(pk) for pk in people if pk not in known]:
            raise ValidationError(
                {"recipients": f"There is no account {', '.join(unknown)} that may sign in."}
            )
    else:
        if people or addresses:
            raise ValidationError({"recipients": "Recipients go with mail only."})
        if channel in (Channel.SLACK, Channel.TEAMS) and channel not in posting.channels():
            raise ValidationError({"channel": f"No {Channel(channel).label} channel is set up."})
    if channel != Channel.MAIL or addresses:
        require(actor, SHARE)


def _own_finding(actor: Actor, finding_id: int | None) -> Finding | None:
    if finding_id is None:
        return None
    seen = selectors.finding_of(actor, finding_id)
    if seen is None or not seen.mine:
        raise ValidationError({"finding": "There is no such finding of yours."})
    require(actor, SHARE)  # it goes to whoever gets the subscription
    return seen.row


def _told(row: Subscription) -> dict[str, Any]:
    schedule = schedule_row(row.schedule_id)
    return {
        # Filters may name what only who made it sees, and the ledger is read by others: their digest alone.
        "name": row.name, "page": row.path, "question": digest_of(row.query), "form": row.form, "channel": row.channel,
        "accounts": sorted(row.recipients.values_list("user_id", flat=True)), "addresses": row.addresses,
        "finding": row.finding_id, "cron": schedule.cron if schedule else "", "zone": schedule.zone if schedule else "",
    }  # fmt: skip


def _schedule(actor: Actor, row: Subscription) -> Any:
    schedule = schedule_row(row.schedule_id)
    if schedule is None:
        raise ValidationError("It has no schedule any more.")
    if not schedules.may_change(actor, schedule):
        raise NotAllowedError(CLOSED)
    return schedule


def subscription_pause(*, actor: Actor, row: Subscription) -> None:
    """Let no further turn come. Errors as :func:`salesops.platform.schedules.schedule_pause`."""
    schedules.schedule_pause(actor=actor, row=_schedule(actor, row))


def subscription_resume(*, actor: Actor, row: Subscription) -> None:
    """Let turns come again.

    Raises:
        ValidationError: its owner may not run it, or can't see its page any more.
    """
    if row.owner_id is not None:
        try:
            subjects.shown(row.owner_id, subjects.subject_at(f"{row.path}?{row.query}"))
        except subjects.NoRowsError:
            pass  # there is no data yet: that is no fault of the subscription
        except ValidationError as error:
            raise ValidationError(f"It can't run: {' '.join(error.messages)}") from error
    schedules.schedule_resume(actor=actor, row=_schedule(actor, row))


def subscription_run(*, actor: Actor, row: Subscription) -> Job:
    """Send it now, as its owner. Errors as :func:`salesops.platform.schedules.schedule_run`."""
    return schedules.schedule_run(actor=actor, row=_schedule(actor, row))


@transaction.atomic
def subscription_remove(*, actor: Actor, row: Subscription) -> None:
    """Remove a subscription; what it delivered stays on record."""
    schedule = schedule_row(row.schedule_id)
    if not (schedules.may_change(actor, schedule) if schedule else may(actor, "job.manage")):
        raise NotAllowedError(CLOSED)
    before = _told(row)
    schedules.schedule_drop(row.schedule_id)
    row.removed_at, row.schedule_id = timezone.now(), None
    row.save(update_fields=["removed_at", "schedule_id"])
    audit.record(actor=actor, action="subscription.remove", subject=f"subscription:{row.pk}", before=before)


@transaction.atomic
def subscription_leave(*, actor: Actor, pk: int, back: bool = False) -> None:
    """Unsubscribe, or come back: what a recipient decides alone.

    Raises:
        LookupError: the actor gets no such subscription.
    """
    row = selectors.recipient_row(actor, pk)
    if row is None:
        raise LookupError("You get no such subscription.")
    if (row.left_at is None) == back:
        return
    row.left_at = None if back else timezone.now()
    row.save(update_fields=["left_at"])
    audit.record(
        actor=actor,
        action="subscription.return" if back else "subscription.leave",
        subject=f"subscription:{pk}",
    )


# --- Deliveries -----------------------------------------------------------------------------------


@transaction.atomic
def run_begin(*, actor: Actor, row: Subscription, job_id: int) -> DeliveryRun:
    """The run of a job with a delivery for each recipient; a job that starts again finds what it made before."""
    run, made = DeliveryRun.objects.get_or_create(
        job_id=job_id, defaults={"subscription": row, "started_at": timezone.now()}
    )
    if not made:
        _revive(run)
        return run
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    for user_id, to in _targets(row):
        Delivery.objects.create(
            run=run,
            user_id=user_id,
            to=to[:320],
            token=secrets.token_urlsafe(24),
            message_id=f"<{uuid.uuid4().hex}@{domain}>",
        )
    audit.record(
        actor=actor, action="delivery.begin", subject=f"subscription:{row.pk}", after={"job": job_id}
    )
    return run


def _revive(run: DeliveryRun) -> None:
    """A run that was given up and is started again goes on with those it gave up."""
    if run.finished_at is None:
        return
    given_up = Delivery.objects.filter(run=run, state=DeliveryState.SKIPPED, reason__startswith=GIVEN_UP)
    given_up.update(state=DeliveryState.WAITING, reason="")
    run.finished_at, run.note = None, ""
    run.save(update_fields=["finished_at", "note"])


def _targets(row: Subscription) -> list[tuple[int | None, str]]:
    """(account or None, to) of everybody it is for now, each once."""
    if row.channel != Channel.MAIL:
        return [(None, Channel(row.channel).label)]
    people = [r.user for r in row.recipients.filter(left_at=None).select_related("user").order_by("id")]
    mails = {text.lower() for user in people for text in (user.email, user.get_username()) if text}
    found: list[tuple[int | None, str]] = [(user.pk, user.get_username()) for user in people]
    return found + [(None, text) for text in row.addresses if text.lower() not in mails]


def shares_finding(actor: Actor, row: Subscription, delivery: Delivery) -> bool:
    """Whether a subscription's finding may go to a recipient now: its owner's right, or he is the owner himself."""
    return delivery.user_id == actor.user_id or may(actor, SHARE)


@transaction.atomic
def delivery_settle(
    *,
    actor: Actor,
    row: Delivery,
    state: str,
    reason: str = "",
    rows: int | None = None,
    rows_of: int | None = None,
    file_name: str = "",
    sha256: str = "",
    data_on: date | None = None,
) -> None:
    """Note what became of one delivery, in the transaction in which the job keeps how far it came."""
    row.state, row.reason = state, reason[:500]
    if state == DeliveryState.SENT:
        row.sent_at = timezone.now()
        row.rows, row.rows_of, row.data_on = rows, rows_of, data_on
        row.file_name, row.sha256 = file_name[:200], sha256
    row.save()
    subscription = row.run.subscription
    finding_id = subscription.finding_id if shares_finding(actor, subscription, row) else None
    if state == DeliveryState.SENT and finding_id is not None and row.user_id is not None:
        FindingReader.objects.get_or_create(
            finding_id=finding_id, user_id=row.user_id, defaults={"told_at": timezone.now()}
        )
    audit.record(
        actor=actor,
        action=f"delivery.{state}",
        subject=f"delivery:{row.pk}",
        after={"to": row.to, "rows": rows, "rows_of": rows_of, "sha256": sha256},
        reason=reason[:500],
    )


def delivery_wait(*, row: Delivery, reason: str) -> None:
    """Note why a delivery must be tried again later."""
    Delivery.objects.filter(pk=row.pk, state=DeliveryState.WAITING).update(reason=reason[:500])


@transaction.atomic
def run_end(*, run: DeliveryRun, note: str = "", given_up: str = "") -> None:
    """Note that a run is over; what still waits then is given up, with the reason."""
    if given_up:
        for row in Delivery.objects.filter(run=run, state=DeliveryState.WAITING):
            row.state = DeliveryState.SKIPPED
            row.reason = f"{GIVEN_UP}{row.reason or given_up}"[:500]
            row.save(update_fields=["state", "reason"])
    run.finished_at, run.note = timezone.now(), (note or run.note)[:500]
    run.save(update_fields=["finished_at", "note"])


@transaction.atomic
def delivery_open(*, actor: Actor, row: Delivery) -> Delivery:
    """Its recipient opened it: the first time counts. Not by somebody else who has the link.

    Raises:
        NotAllowedError: it is not the actor's.
    """
    if actor.user_id is None or row.user_id != actor.user_id:
        raise NotAllowedError("This was sent to somebody else.")
    now = timezone.now()
    if Delivery.objects.filter(pk=row.pk, opened_at=None).update(opened_at=now):
        row.opened_at = now
        audit.record(actor=actor, action="delivery.open", subject=f"delivery:{row.pk}")
    finding_id = row.run.subscription.finding_id
    if finding_id is not None:
        FindingReader.objects.filter(finding_id=finding_id, user_id=actor.user_id, opened_at=None).update(
            opened_at=now
        )
    return row


@transaction.atomic
def delivery_acknowledge(*, actor: Actor, row: Delivery) -> None:
    """Its recipient says that he has taken note. Errors as :func:`delivery_open`."""
    delivery_open(actor=actor, row=row)
    now = timezone.now()
    if Delivery.objects.filter(pk=row.pk, acknowledged_at=None).update(acknowledged_at=now):
        audit.record(actor=actor, action="delivery.acknowledge", subject=f"delivery:{row.pk}")
    finding_id = row.run.subscription.finding_id
    if finding_id is not None:
        FindingReader.objects.filter(
            finding_id=finding_id, user_id=actor.user_id, acknowledged_at=None
        ).update(acknowledged_at=now)
