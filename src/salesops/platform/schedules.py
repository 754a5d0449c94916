"""Schedules: a job that comes again, by cron in a time zone, with the rights of whoever made it.

A turn that was missed because nothing ran is made up for once, however many there were. The turn
after a start is never computed from the start itself but from the clock, so daylight saving and
late starts do no harm: an hour that a change of clocks skips runs right after it, one that comes
twice runs once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from salesops.platform import audit, jobs
from salesops.platform.access import NotAllowedError, may, require
from salesops.platform.actors import Actor
from salesops.platform.job_kinds import kind_of
from salesops.platform.leases import database_now
from salesops.platform.models import Job, Schedule

SET_BACK = timedelta(days=1)
"""A last turn further ahead than this says that the clock was set back, and the next turn is taken anew."""

MOST_ADDRESSES = 20
_FIELDS = re.compile(r"^\S+( \S+){4}$")


def next_turn(cron: str, zone: str, after: datetime) -> datetime:
    """The first turn after an instant, as UTC.

    Raises:
        ValidationError: no cron expression of five fields, no such zone, or no turn ever comes.
    """
    if zone not in available_timezones():
        raise ValidationError({"zone": f"{zone!r} is no IANA time zone, such as Europe/Berlin."})
    if not _FIELDS.match(cron):
        raise ValidationError(
            {
                "cron": "Write five fields: minute, hour, day of month, month, day of week; such as 0 6 * * MON-FRI."
            }
        )
    try:
        found: datetime = next(CronSim(cron, after.astimezone(ZoneInfo(zone))))
    except CronSimError as error:
        raise ValidationError({"cron": f"{error}. Write for example 0 6 * * MON-FRI."}) from error
    except StopIteration:
        raise ValidationError({"cron": "That day never comes."}) from None
    return found.astimezone(UTC)


def addresses(given: Sequence[str]) -> list[str]:
    """Mail addresses, checked, each once whatever its case.

    Raises:
        ValidationError: one is no address, or there are too many.
    """
    each: dict[str, str] = {}
    for text in given:
        if text.strip():
            each.setdefault(text.strip().lower(), text.strip())
    found = list(each.values())
    if len(found) > MOST_ADDRESSES:
        raise ValidationError({"mail_to": f"At most {MOST_ADDRESSES} addresses."})
    for address in found:
        try:
            validate_email(address)
        except ValidationError as error:
            raise ValidationError({"mail_to": f"{address} is no mail address."}) from error
    return found


@transaction.atomic
def schedule_create(
    *,
    actor: Actor,
    name: str,
    kind: str,
    params: dict[str, Any],
    cron: str,
    zone: str = "UTC",
    mail_to: Sequence[str] = (),
) -> Schedule:
    """Let a job come again. It runs as the actor, with the rights the actor has at each turn.

    Raises:
        ValidationError: a value is wrong, or the name is taken.
        NotAllowedError: the actor may not make schedules, or not ask for this kind.
    """
    require(actor, "schedule.write")
    found = kind_of(kind)
    if found is None:
        raise ValidationError({"kind": f"There is no kind of job named {kind!r}."})
    if found.permission:
        require(actor, found.permission)
    if not name.strip():
        raise ValidationError({"name": "Give it a name."})
    if Schedule.objects.filter(name=name.strip()).exists():
        raise ValidationError({"name": "There is a schedule of this name already."})
    now = database_now()
    row = Schedule(
        name=name.strip(),
        kind=kind,
        params=params,
        cron=" ".join(cron.split()),
        zone=zone,
        mail_to=addresses(mail_to),
        created_by_id=actor.user_id,
        local=actor.user_id is None,
        created_at=now,
        next_run_at=next_turn(" ".join(cron.split()), zone, now),
    )
    row.full_clean(exclude=["params", "mail_to"])
    row.save()
    audit.record(actor=actor, action="schedule.create", subject=f"schedule:{row.name}", after=_told(row))
    return row


def _told(row: Schedule) -> dict[str, Any]:
    return {
        "kind": row.kind, "params": row.params, "cron": row.cron, "zone": row.zone, "mail_to": row.mail_to,
        "active": row.active,
    }  # fmt: skip


def may_change(actor: Actor, row: Schedule) -> bool:
    """Whether an actor may pause, remove or start a schedule: its own, or as an administrator."""
    own = row.created_by_id is not None and row.created_by_id == actor.user_id
    return (own and may(actor, "schedule.write")) or may(actor, "job.manage")


def _require(actor: Actor, row: Schedule) -> None:
    if not may_change(actor, row):
        raise NotAllowedError("Only whoever made a schedule, or an administrator, may change it.")


@transaction.atomic
def schedule_pause(*, actor: Actor, row: Schedule) -> None:
    """Let no further turn come; a job that runs is not touched."""
    _require(actor, row)
    row = Schedule.objects.select_for_update(of=("self",)).get(pk=row.pk)
    row.active, row.why_stopped = False, f"Paused by {actor.name}"
    row.save(update_fields=["active", "why_stopped"])
    audit.record(actor=actor, action="schedule.pause", subject=f"schedule:{row.name}")


@transaction.atomic
def schedule_resume(*, actor: Actor, row: Schedule) -> None:
    """Let turns come again, from now on: those missed meanwhile are not made up for.

    Raises:
        ValidationError: the account that it runs as may not do this any more.
    """
    _require(actor, row)
    row = Schedule.objects.select_for_update(of=("self",)).get(pk=row.pk)
    if reason := _why_not(row):
        raise ValidationError(f"It can't run: {reason}")
    row.active, row.why_stopped = True, ""
    row.next_run_at = next_turn(row.cron, row.zone, database_now())
    row.save(update_fields=["active", "why_stopped", "next_run_at"])
    audit.record(actor=actor, action="schedule.resume", subject=f"schedule:{row.name}")


@transaction.atomic
def schedule_remove(*, actor: Actor, row: Schedule) -> None:
    """Remove a schedule; the jobs it made stay on record."""
    _require(actor, row)
    audit.record(actor=actor, action="schedule.remove", subject=f"schedule:{row.name}", before=_told(row))
    row.delete()


@transaction.atomic
def schedule_keep(
    *, actor: Actor, row: Any, name: str, kind: str, params: dict[str, Any], cron: str, zone: str
) -> None:
    """Keep a schedule for a row of another room (its ``schedule_id``), in place of the one it has.

    Errors as :func:`schedule_create`.
    """
    schedule_drop(row.schedule_id)
    name = name[:120]
    row.schedule_id = schedule_create(
        actor=actor, name=name, kind=kind, params=params, cron=cron, zone=zone
    ).pk
    row.save(update_fields=["schedule_id"])


@transaction.atomic
def schedule_drop(schedule_id: int | None) -> None:
    """Remove the schedule that another room keeps for something of its own, which is on record there."""
    Schedule.objects.filter(pk=schedule_id).delete()


@transaction.atomic
def schedule_run(*, actor: Actor, row: Schedule) -> Job:
    """Start a schedule's job at once, as the account it runs as; its next turn stays.

    Raises:
        ValidationError: the account that it runs as may not do this any more.
    """
    _require(actor, row)
    if reason := _why_not(row):
        raise ValidationError(f"It can't run: {reason}")
    audit.record(actor=actor, action="schedule.run", subject=f"schedule:{row.name}")
    return _start(row)


def _why_not(row: Schedule) -> str:
    """Why a schedule's job may not run; "" where it may."""
    kind = kind_of(row.kind)
    if kind is None:
        return f"this version of salesops knows no job of the kind {row.kind!r}."
    try:
        actor = jobs.owner(row)
        require(actor, "schedule.write")
        if kind.permission:
            require(actor, kind.permission)
    except PermissionError as error:
        return f"{error} It ran as {row.created_by or 'an account that is gone'}."
    return ""


def _start(row: Schedule) -> Job:
    return jobs.enqueue(
        row.kind, row.params, actor=jobs.owner(row), dedupe_key=f"schedule:{row.pk}", schedule=row
    )


def tick() -> list[Job]:
    """Start every schedule whose turn has come. Any number of workers may do so at once: one wins each turn."""
    now = database_now()
    started = []
    for row in Schedule.objects.select_related("created_by").filter(active=True):
        if row.next_run_at is not None and row.next_run_at > now:
            if row.last_run_at is not None and row.last_run_at > now + SET_BACK:
                _move(row, now, last_run_at=now)  # the clock was set back by far
            continue
        job = _turn(row, now)
        if job is not None:
            started.append(job)
    return started


def _move(row: Schedule, now: datetime, **values: Any) -> bool:
    """Set the next turn, if no other worker has done so since the row was read."""
    seen = Schedule.objects.filter(pk=row.pk, active=True, next_run_at=row.next_run_at)
    try:
        following = next_turn(row.cron, row.zone, now)
    except ValidationError as error:  # the zone is gone from the machine's data, or no turn comes any more
        _stop(row, " ".join(error.messages))
        return False
    return bool(seen.update(next_run_at=following, **values))


@transaction.atomic
def schedule_stop(schedule_id: int | None, reason: str) -> None:
    """Let no further turn of the schedule that another room keeps come, and say why."""
    row = Schedule.objects.filter(pk=schedule_id, active=True).first()
    if row is not None:
        _stop(row, reason)


def _stop(row: Schedule, reason: str) -> None:
    Schedule.objects.filter(pk=row.pk).update(active=False, why_stopped=f"Stopped: {reason}"[:300])
    audit.record(
        actor=Actor(name="the worker", role=""),
        action="schedule.stop",
        subject=f"schedule:{row.name}",
        reason=reason,
    )


@transaction.atomic
def _turn(row: Schedule, now: datetime) -> Job | None:
    if reason := _why_not(row):
        _stop(row, reason)
        return None
    if not _move(row, now, last_run_at=now):
        return None
    return _start(row)
