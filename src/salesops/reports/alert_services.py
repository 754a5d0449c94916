"""The only writers of alerts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import QueryDict
from django.utils import timezone

from salesops.analytics.addresses import Address, AddressError, read
from salesops.analytics.engine.selection import KpiError
from salesops.analytics.selectors import ask, kpis
from salesops.platform import audit, posting, schedules
from salesops.platform.access import NotAllowedError, may, require
from salesops.platform.actors import Actor
from salesops.platform.job_selectors import schedule_row
from salesops.platform.selectors import accounts
from salesops.process.inputs import NoDataError
from salesops.reports import selectors
from salesops.reports.models import Alert, AlertRecipient, Channel, Condition
from salesops.reports.services import CLOSED, MOST_RECIPIENTS, SHARE, WRITE
from salesops.reports.subjects import MOST_QUERY

KIND = "alert"
"""Kind of the job that looks."""


def address_of(query: str) -> Address:
    """The question of an alert, read by the parser of the number's own page.

    Raises:
        ValidationError: at ``query``: a part of it can't be read.
    """
    try:
        return read(QueryDict(query.lstrip("?")))
    except ValueError as error:
        raise ValidationError({"query": str(error)}) from error


def alert_save(
    *,
    actor: Actor,
    name: str,
    kpi: str,
    query: str,
    condition: str,
    threshold: Decimal | None,
    channel: str,
    cron: str,
    zone: str,
    on_new_data: bool = True,
    recipients: Sequence[int] = (),
) -> Alert:
    """Watch a number. It is asked with the actor's rights of each turn, and he is told.

    For each further account it is asked once more with that account's own rights, and told to that account alone.

    Args:
        actor: who makes it, an account.
        name: shown in lists and in the message.
        kpi: name of the number.
        query: its period, team and filters as in its address.
        condition: of :class:`Condition`.
        threshold: in the number's own unit, or in percent; none for ``noise``.
        channel: mail to the actor, or a channel.
        cron, zone: when it is looked at.
        on_new_data: whether a turn without a new facts version looks at nothing.
        recipients: ids of other accounts, told by mail.

    Raises:
        ValidationError: by field.
        NotAllowedError: the actor may not make schedules, or not send his rows to a channel.
    """
    require(actor, WRITE)
    if actor.user_id is None:
        raise NotAllowedError("Only an account can have an alert.")
    name, text, threshold = _checked(actor, name, kpi, query, condition, threshold, channel)
    people = _people(actor, channel, recipients)
    # Not around the check: it asks the number, which takes a while.
    with transaction.atomic():
        row = Alert.objects.create(
            name=name,
            owner_id=actor.user_id,
            owner_name=actor.name,
            kpi=kpi,
            query=text,
            condition=condition,
            threshold=threshold,
            channel=channel,
            on_new_data=on_new_data,
            created_at=timezone.now(),
        )
        for user_id in people:
            AlertRecipient.objects.create(alert=row, user_id=user_id)
        title, params = f"Alert {row.pk}: {name}", {"alert_id": row.pk}
        schedules.schedule_keep(
            actor=actor, row=row, name=title, kind=KIND, params=params, cron=cron, zone=zone
        )
        audit.record(
            actor=actor,
            action="alert.save",
            subject=f"alert:{row.pk}",
            after=_told(row, cron, zone) | {"accounts": people},
        )
    return row


def _people(actor: Actor, channel: str, recipients: Sequence[int]) -> list[int]:
    """Other accounts to tell, each once."""
    people = [pk for pk in dict.fromkeys(recipients) if pk != actor.user_id]
    if people and channel != Channel.MAIL:
        raise ValidationError({"recipients": "Other accounts are told by mail only."})
    if len(people) > MOST_RECIPIENTS:
        raise ValidationError({"recipients": f"At most {MOST_RECIPIENTS} accounts."})
    known = {user.pk for user in accounts() if user.is_active}
    if unknown := [str(pk) for pk in people if pk not in known]:
        raise ValidationError({"recipients": f"There is no account {', '.join(unknown)} that may sign in."})
    return people


def _checked(
    actor: Actor, name: str, kpi: str, query: str, condition: str, threshold: Decimal | None, channel: str
) -> tuple[str, str, Decimal | None]:
    """Name, question and threshold as they are kept."""
    if channel != Channel.MAIL:
        require(actor, SHARE)
        if channel not in posting.channels():
            raise ValidationError({"channel": "No such channel is set up."})
    name = " ".join(name.split())[:120]
    if not name:
        raise ValidationError({"name": "Give it a name."})
    if condition not in Condition.values:
        raise ValidationError({"condition": "Choose when to tell."})
    if condition == Condition.NOISE:
        threshold = None
    elif threshold is None:
        raise ValidationError({"threshold": "Say from which value on."})
    if condition == Condition.CHANGED and threshold is not None and threshold <= 0:
        raise ValidationError({"threshold": "A change is told from more than 0 percent on."})
    return name, _question(actor, kpi, query), threshold


def _question(actor: Actor, kpi: str, query: str) -> str:
    """The question as it is kept, once it was asked."""
    address = address_of(query)
    text = address.query().removeprefix("?")
    if len(text) > MOST_QUERY:
        raise ValidationError({"query": "The filters are too long to be kept."})
    if address.known.text:
        raise ValidationError({"query": "What was known then does not change: leave out known_at."})
    try:
        kpis([kpi])
        with ask(actor, address.question()) as asked:
            asked.values([kpi])
    except NoDataError:
        pass  # the first import may come later
    except KeyError as error:
        raise ValidationError({"kpi": f"There is no number named {kpi!r:.80}."}) from error
    except (AddressError, KpiError, ValueError) as error:
        raise ValidationError({"query": str(error)}) from error
    return text


def _told(row: Alert, cron: str, zone: str) -> dict[str, Any]:
    return {
        "name": row.name, "kpi": row.kpi, "condition": row.condition,
        "threshold": None if row.threshold is None else str(row.threshold), "channel": row.channel, "cron": cron,
        "zone": zone, "on_new_data": row.on_new_data,
    }  # fmt: skip


def alert_do(*, actor: Actor, row: Alert, do: str) -> Any:
    """Pause, resume, remove an alert, or look now.

    Raises:
        NotAllowedError: it is not the actor's.
        ValidationError: there is nothing of that name to do, or its owner may not run it.
    """
    schedule = schedule_row(row.schedule_id)
    if not (schedules.may_change(actor, schedule) if schedule else may(actor, "job.manage")):
        raise NotAllowedError(CLOSED.replace("a subscription", "an alert"))
    if do == "remove":
        with transaction.atomic():
            schedules.schedule_drop(row.schedule_id)
            row.removed_at, row.schedule_id = timezone.now(), None
            row.save(update_fields=["removed_at", "schedule_id"])
            audit.record(actor=actor, action="alert.remove", subject=f"alert:{row.pk}")
        return None
    if schedule is None:
        raise ValidationError("It has no schedule any more.")
    known = {
        "pause": schedules.schedule_pause,
        "resume": schedules.schedule_resume,
        "run": schedules.schedule_run,
    }
    if do not in known:
        raise ValidationError("There is nothing of that name to do.")
    return known[do](actor=actor, row=schedule)


@transaction.atomic
def alert_looked(
    *,
    actor: Actor,
    alert: Alert,
    row: Alert | AlertRecipient,
    state: str,
    reason: str,
    value: str,
    text: str,
    facts_version: str,
    told: bool,
    moved: bool,
    period: str,
) -> None:
    """Keep what a look came to. In the transaction in which the message is asked for, so that it is told once.

    Args:
        actor: who looked: the alert's owner or a recipient.
        alert: the alert.
        row: what is kept for him, locked by the caller: the alert itself for its owner.
        state, reason: of the look.
        value: exact, "" where undefined; ``text`` is it as people read it.
        facts_version: that was read.
        told: whether it is told of.
        moved: whether ``value`` is to become the value that the next look compares with.
        period: label of the period that was judged, "" for none.
    """
    if moved:
        row.previous = row.value or row.previous
        row.value, row.value_text, row.period = value, text[:200], period
    elif alert.condition == Condition.NOISE:
        row.period = period
    if state != row.state or told:
        audit.record(
            actor=actor,
            action="alert.crossed" if told else "alert.state",
            subject=f"alert:{alert.pk}",
            before={"state": row.state},
            after={
                "state": state,
                "facts_version": facts_version,
            },  # without the value: not every auditor may see it
            reason=reason[:500],
        )
    row.state, row.reason, row.facts_version = state, reason[:500], facts_version
    row.looked_at = timezone.now()
    row.told_at = row.looked_at if told else row.told_at
    row.save()


def alert_locked(pk: int) -> Alert | None:
    """The alert for one look: a second one waits until the first is kept."""
    return Alert.objects.select_for_update(of=("self",)).filter(pk=pk, removed_at=None).first()


def recipient_locked(pk: int) -> AlertRecipient | None:
    """What is kept for one recipient, for one look; None where he left or the alert is gone."""
    found = AlertRecipient.objects.select_for_update(of=("self",)).filter(
        pk=pk, left_at=None, alert__removed_at=None
    )
    return found.first()


def recipient_untold(*, row: AlertRecipient, reason: str) -> None:
    """Keep why a recipient could not be looked for."""
    AlertRecipient.objects.filter(pk=row.pk).update(reason=reason[:500], looked_at=timezone.now())


@transaction.atomic
def alert_leave(*, actor: Actor, pk: int, back: bool = False) -> None:
    """Be told no more, or again: what a recipient decides alone.

    Raises:
        LookupError: the actor gets no such alert.
    """
    row = selectors.alert_recipient(actor, pk)
    if row is None:
        raise LookupError("No such alert comes to you.")
    if (row.left_at is None) == back:
        return
    row.left_at = None if back else timezone.now()
    row.state, row.reason, row.facts_version = "new", "", ""
    row.save(update_fields=["left_at", "state", "reason", "facts_version"])
    action = "alert.return" if back else "alert.leave"
    audit.record(actor=actor, action=action, subject=f"alert:{row.alert_id}")
