"""Mail as jobs: sent at least once, each time under the same Message-ID, and never lost in silence.

Who was sent to is kept after each recipient, so a repeat sends to the others only. Between a mail
server's yes and that record a worker may die: that one recipient gets the mail again, under the
same Message-ID, by which mail systems recognise it. Without a mail server the job's result shows
the mail and says that nobody got it.
"""

from __future__ import annotations

import smtplib
import uuid
from collections.abc import Sequence
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection

from salesops.platform import jobs
from salesops.platform.actors import Actor
from salesops.platform.job_kinds import JobKind, Told, add
from salesops.platform.models import Job
from salesops.platform.schedules import addresses

MOST_TEXT = 200_000
UNSENT = "No mail server is set (SALESOPS_SMTP), so nobody got this mail."


def mail(*, actor: Actor, to: Sequence[str], subject: str, text: str) -> Job:
    """Send a mail by a job. Inside a transaction it is sent only if that commits.

    Raises:
        ValidationError: no address, or one that is none.
    """
    checked = addresses(to)
    if not checked:
        raise ValidationError({"mail_to": "Say whom to send it to."})
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition("@")[2] or "localhost"
    params = {
        "to": checked,
        "subject": " ".join(subject.split())[:200],
        "text": text[:MOST_TEXT],
        "message_id": f"<{uuid.uuid4().hex}@{domain}>",
    }
    return jobs.enqueue("mail", params, actor=actor)


def mail_job(
    *, actor: Actor, progress: jobs.Progress, to: list[str], subject: str, text: str, message_id: str
) -> dict[str, Any]:
    """Send to each recipient who has not been sent to yet."""
    letter = {"message_id": message_id, "subject": subject, "to": to, "text": text}
    if not settings.SMTP_SET:
        return {"sent": [], "refused": {}, "why": UNSENT, "letter": letter}
    state = progress.checkpoint or {"sent": [], "refused": {}}
    sent, refused = list(state["sent"]), dict(state["refused"])
    waiting: dict[str, str] = {}
    for done, address in enumerate(to):
        if address in sent or address in refused:
            continue
        progress(done, len(to), f"Sending to {address}")
        try:
            _send(letter, address)
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            _sort_out(code, said, address, refused, waiting)
        except smtplib.SMTPAuthenticationError as error:
            raise ValidationError(
                f"The mail server refuses the account: {_words(error.smtp_error)}"
            ) from error
        except smtplib.SMTPResponseException as error:
            _sort_out(error.smtp_code, error.smtp_error, address, refused, waiting)
        except (smtplib.SMTPException, OSError) as error:
            raise jobs.RetryError(f"The mail server can't be reached: {error}") from error
        else:
            sent.append(address)
        progress.save({"sent": sent, "refused": refused})
    if waiting:
        raise jobs.RetryError("; ".join(f"{address}: {said}" for address, said in waiting.items()))
    if not sent:
        raise ValidationError(
            "The mail server refused every recipient: " + "; ".join(f"{a}: {s}" for a, s in refused.items())
        )
    return {"sent": sent, "refused": refused, "letter": letter}


def _sort_out(
    code: int, said: bytes | str, address: str, refused: dict[str, str], waiting: dict[str, str]
) -> None:
    """4xx means later, 5xx means never."""
    (refused if code >= 500 else waiting)[address] = f"{code} {_words(said)}"


def _words(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def _send(letter: dict[str, Any], address: str) -> None:
    """One transaction with the mail server; the letter names all recipients, this one gets it."""
    headers = {
        "Message-ID": letter["message_id"],
        "To": ", ".join(letter["to"]),
        "Auto-Submitted": "auto-generated",
    }
    with get_connection(settings.SMTP_BACKEND, timeout=30) as server:
        EmailMessage(
            subject=letter["subject"], body=letter["text"], to=[address], headers=headers, connection=server
        ).send()


def told(result: Told) -> list[tuple[str, str]]:
    """What a mail's result says."""
    letter = result.get("letter", {})
    lines = [("Subject", letter.get("subject", "")), ("To", ", ".join(letter.get("to", ())))]
    if result.get("why"):
        lines.append(("Not sent", result["why"]))
    if result.get("sent"):
        lines.append(("Sent to", ", ".join(result["sent"])))
    lines += [(f"Refused: {address}", said) for address, said in result.get("refused", {}).items()]
    return [*lines, ("Text", letter.get("text", ""))]


def scheduled_job_ended(job: Job) -> None:
    """Tell whoever a schedule names what came of its job."""
    schedule = job.schedule
    if schedule is None or not schedule.mail_to or job.kind == "mail":
        return
    name = schedule.name
    address = f"{settings.BASE_URL}/jobs/{job.pk}/" if settings.BASE_URL else f"job {job.pk} in salesops"
    lines = [f"{name}: {job.get_state_display().lower()}.", ""]
    if job.state != "done":
        lines += [job.message, ""]
    from salesops.platform.job_kinds import kind_of

    kind = kind_of(job.kind)
    if job.state == "done" and kind is not None and kind.lines is not None and job.result:
        lines += [f"{label}: {text}" for label, text in kind.lines(job.result)] + [""]
    lines.append(f"Open it: {address}")
    try:
        actor = jobs.owner(job)
    except PermissionError:
        return  # the schedule stops by itself, and says so
    mail(
        actor=actor,
        to=schedule.mail_to,
        subject=f"{name}: {job.get_state_display().lower()}",
        text="\n".join(lines),
    )


def register() -> None:
    """Make mail known as a kind of job."""
    add(JobKind("mail", "Mail", mail_job, resumes=True, quick=True, most_attempts=8, lines=told))
    jobs.ended.append(scheduled_job_ended)
