"""Sending a subscription, as a job: each recipient gets what he sees himself, once.

What became of each recipient is kept before the next one is begun, so that a worker that takes the job over
goes on with those who wait. Between a mail server's yes and that record a worker may die: that one recipient
gets the mail again, under the same Message-ID.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse

from salesops.platform import jobs, posting, schedules
from salesops.platform.access import may
from salesops.platform.actors import Actor, actor_of
from salesops.platform.file_runs import BEGINNING
from salesops.platform.job_files import safe_name
from salesops.platform.job_kinds import JobKind, Told, add
from salesops.platform.mail import UNSENT
from salesops.platform.posting import Line
from salesops.platform.selectors import account
from salesops.reports import letters, selectors, services
from salesops.reports.contents import Content, content_of
from salesops.reports.models import Channel, Delivery, DeliveryRun, DeliveryState, Form, Subscription
from salesops.reports.subjects import NoRowsError, Subject, file_of, shown, subject_at
from salesops.ui import formats
from salesops.ui.cells import cells_of

BROKEN = "The page could not be made for this recipient: an error, which stands in the server's log."
OF_THE_JOB = (jobs.RetryError, jobs.CancelledError, jobs.StoppedError, jobs.LostError)
"""What a job's own machinery raises: not about one recipient."""

_log = logging.getLogger(__name__)


def report_job(*, actor: Actor, progress: jobs.Progress, subscription_id: int) -> dict[str, Any]:
    """Send a subscription to everybody who waits for it in this run.

    Args:
        actor: the subscription's owner, with the rights of today.
        progress: keeps how far it came.
        subscription_id: which.
    """
    row = selectors.subscription_by_id(subscription_id)
    if row is None:
        raise ValidationError("The subscription was removed.")
    run = services.run_begin(actor=actor, row=row, job_id=progress.job_id)
    if actor.user_id is None or actor.user_id != row.owner_id:
        return _paused(row, run, "it has no owner that may sign in.")
    try:
        subject = subject_at(f"{row.path}?{row.query}")
        shown(actor.user_id, subject)
    except NoRowsError as error:
        services.run_end(run=run, given_up=" ".join(error.messages))
        return _result(run)
    except ValidationError as error:
        return _paused(row, run, f"{row.owner_name} can't see its page: {' '.join(error.messages)}")
    found = selectors.deliveries_of(run)
    waiting = [delivery for delivery in found if delivery.state == DeliveryState.WAITING]
    done = len(found) - len(waiting)
    later: list[str] = []
    for delivery in waiting:
        progress(done, done + len(waiting), f"To {delivery.to}")
        if reason := _deliver(actor, progress, row, delivery, subject):
            later.append(f"{delivery.to}: {reason}")
    if later:
        raise jobs.RetryError("; ".join(later))
    services.run_end(run=run)
    return _result(run)


def _paused(row: Subscription, run: DeliveryRun, reason: str) -> dict[str, Any]:
    """Nothing is sent, and no further turn comes until somebody resumes it."""
    services.run_end(run=run, note=f"Paused: {reason}", given_up=reason)
    schedules.schedule_stop(row.schedule_id, reason)
    return _result(run)


def _result(run: DeliveryRun) -> dict[str, Any]:
    found = selectors.deliveries_of(run)
    return {
        "run": run.pk,
        "subscription": run.subscription_id,
        "note": run.note,
        "sent": [d.to for d in found if d.state == DeliveryState.SENT],
        "not": {d.to: d.reason for d in found if d.state != DeliveryState.SENT},
    }


def _deliver(
    actor: Actor, progress: jobs.Progress, row: Subscription, delivery: Delivery, subject: Subject
) -> str:
    """Send to one recipient. Returns why it must be tried later, "" where it is settled.

    Raises:
        RetryError: the mail server is away: nobody else need be tried now.
    """
    try:
        if not selectors.still_meant(delivery):  # a retry comes days later, and a long run takes its time
            raise ValidationError("No longer subscribed.")
        if delivery.user_id is None and not may(actor, services.SHARE):
            raise ValidationError(services.NOT_SHARED)
        if row.channel == Channel.FOLDER:
            _to_folder(actor, progress, row, delivery, subject)
        elif row.channel in (Channel.SLACK, Channel.TEAMS):
            _to_channel(actor, progress, row, delivery, subject)
        else:
            _by_mail(actor, progress, row, delivery, subject)
    except letters.LaterError as error:
        services.delivery_wait(row=delivery, reason=str(error))
        return str(error)
    except letters.UnreachableError as error:
        services.delivery_wait(row=delivery, reason=str(error))
        raise jobs.RetryError(str(error)) from error
    except letters.RefusedError as error:
        _settle(actor, progress, delivery, DeliveryState.REFUSED, reason=str(error))
    except ValidationError as error:
        _settle(actor, progress, delivery, DeliveryState.SKIPPED, reason=" ".join(error.messages))
    except (*jobs.TRANSIENT, *OF_THE_JOB):
        raise
    except Exception:  # noqa: BLE001 - one recipient's view that fails is no reason to leave out those behind
        _log.exception("delivery %s of subscription %s failed", delivery.pk, row.pk)
        _settle(actor, progress, delivery, DeliveryState.SKIPPED, reason=BROKEN)
    return ""


def _settle(actor: Actor, progress: jobs.Progress, delivery: Delivery, state: str, **told: Any) -> None:
    """What became of a delivery and how far the job came, in one transaction: a job that was lost keeps neither."""
    with transaction.atomic():
        services.delivery_settle(actor=actor, row=delivery, state=state, **told)
        progress.save({"run": delivery.run_id, "settled": delivery.pk})


def _content_told(content: Content) -> dict[str, Any]:
    return {
        "rows": content.rows, "rows_of": content.rows_of, "file_name": content.file_name, "sha256": content.sha256,
        "data_on": content.data_on, "reason": content.left_out,
    }  # fmt: skip


def _by_mail(
    actor: Actor, progress: jobs.Progress, row: Subscription, delivery: Delivery, subject: Subject
) -> None:
    """To an account its own rows, to an address the owner's."""
    address, reads, whose = delivery.to, actor, f"the rows are those that {row.owner_name} sees"
    if delivery.user_id is not None:
        user = account(delivery.user_id)
        if user is None or not user.is_active:
            raise ValidationError("The account is switched off or gone.")
        if not user.email:
            raise ValidationError("The account has no mail address.")
        address, reads, whose = (
            user.email,
            actor_of(user),
            f"the rows are those that you see as {user.get_username()}",
        )
    if not settings.SMTP_SET:
        raise ValidationError(UNSENT)
    assert reads.user_id is not None
    content = content_of(reads.user_id, subject, row.form, made_by=reads.name)
    told = _told(actor, row, delivery, subject, whose)
    letters.send(address, delivery.message_id, told, content, row.form)
    _settle(actor, progress, delivery, DeliveryState.SENT, **_content_told(content))


def _told(actor: Actor, row: Subscription, delivery: Delivery, subject: Subject, whose: str) -> letters.Told:
    base = settings.BASE_URL
    opens = reverse("delivery", args=[delivery.token]) if delivery.user_id else subject.address
    return letters.Told(
        name=row.name,
        open_url=f"{base}{opens}" if base else "",
        manage_url=f"{base}{reverse('subscriptions')}" if base and delivery.user_id else "",
        whose=whose,
        finding=finding_lines(actor, row, delivery),
    )


def finding_lines(actor: Actor, row: Subscription, delivery: Delivery) -> list[tuple[str, str]]:
    """The finding that goes with a subscription, as (label, text); none while its owner may not give it to others."""
    finding = row.finding
    if finding is None or not services.shares_finding(actor, row, delivery):
        return []
    lines = [("Finding", finding.title), ("What it says", finding.text)]
    if finding.value_text:
        lines.append(("At that time", finding.value_text))
    return [
        *lines,
        ("Action", finding.action),
        ("Owner", finding.owner_name),
        ("Due", formats.day(finding.due_on)),
    ]


def _to_channel(
    actor: Actor, progress: jobs.Progress, row: Subscription, delivery: Delivery, subject: Subject
) -> None:
    """A message with the owner's first rows and a link: channels take no files."""
    assert actor.user_id is not None
    content = content_of(actor.user_id, subject, Form.HTML, made_by=actor.name)
    table = content.tables[0] if content.tables else None
    lines = [Line(f"{label}: {text}") for label, text in finding_lines(actor, row, delivery)]
    kept = 0
    if table is not None:
        heads = [column.heading for column in table.columns]
        for cells in cells_of(table.columns, table.rows[:BEGINNING]):
            texts = [text for text, _ in cells]
            pairs = [f"{h} {t}" for h, t in zip(heads[1:5], texts[1:5], strict=False)]
            lines.append(Line(texts[0], after=": " + ", ".join(pairs) if pairs else ""))
            kept += 1
        if kept < table.total:
            lines.append(Line(f"{kept:,} of {table.total:,} rows"))
    if settings.BASE_URL:
        lines.append(Line("Open it in salesops", href=f"{settings.BASE_URL}{subject.address}"))
    total = table.total if table else 0
    share = f" ({kept:,} of {total:,} rows)" if kept < total else ""
    with transaction.atomic():  # the message is sent only if this commits
        posting.post(
            actor=actor, channel=row.channel, title=f"{row.name}: {content.title}{share}", lines=lines
        )
        services.delivery_settle(
            actor=actor,
            row=delivery,
            state=DeliveryState.SENT,
            rows=kept,
            rows_of=total,
            data_on=content.data_on,
        )
        progress.save({"run": delivery.run_id, "settled": delivery.pk})


def _to_folder(
    actor: Actor, progress: jobs.Progress, row: Subscription, delivery: Delivery, subject: Subject
) -> None:
    """The owner's file into the folder of exports; one of the same name is replaced once the new one is whole."""
    assert actor.user_id is not None
    file = file_of(actor.user_id, subject, row.form)
    folder = Path(settings.EXPORTS_PATH) / f"{row.pk}-{safe_name(row.name)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
        digest = hashlib.sha256()
        try:
            with os.fdopen(handle, "wb") as target:
                for piece in file.pieces:
                    target.write(piece)
                    digest.update(piece)
            Path(part).chmod(0o640)
            Path(part).replace(folder / safe_name(file.name))
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as error:
        raise ValidationError(
            f"The folder of exports can't be written: {error.strerror or error}."
        ) from error
    total = sum(sheet.total for sheet in file.run.begun())
    _settle(
        actor, progress, delivery, DeliveryState.SENT, rows=total, rows_of=total, file_name=safe_name(file.name),
        sha256=digest.hexdigest(), data_on=file.frozen.data_on,
    )  # fmt: skip


def run_ended(job: jobs.Job) -> None:
    """A job that ended without having settled everybody: what waits is given up, and the run says why."""
    if job.kind != services.KIND or job.state == "done":
        return
    run = selectors.run_of_job(job.pk)
    if run is not None:
        services.run_end(run=run, note=job.message, given_up=job.message)


def told(result: Told) -> list[tuple[str, str]]:
    """What a delivery's result says."""
    lines = [("Sent to", ", ".join(result["sent"]) or "nobody")]
    lines += [(f"Not sent: {to}", reason) for to, reason in result["not"].items()]
    return [*lines, ("Note", result["note"])] if result.get("note") else lines


def opens(result: Told) -> str:
    """The subscription's own page."""
    return reverse("subscription", args=[result["subscription"]])


def register() -> None:
    """Make sending a subscription known as a kind of job."""
    add(
        JobKind(
            services.KIND,
            "Subscription",
            report_job,
            permission=services.WRITE,
            resumes=True,
            most_attempts=8,
            opens=opens,
            lines=told,
        )
    )
    jobs.ended.append(run_ended)
