"""What a look at a watched folder or mailbox does: takes what is whole, imports it, asks, and reports.

Every file or mail is an :class:`Arrival`. It settles (a file must look the same twice), is copied
into the home and from then on waits for its turn; one import of a watch runs at a time, and none
while another import is under way. What everything is known of is imported as was decided. What is
not waits for a person, on the page and by mail. Each step is kept before the next one begins, so a
look that dies is taken up by the next, and nothing is imported twice.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from salesops.crm import folders, mailboxes, services, uploads
from salesops.crm.models import Arrival, ArrivalState, Import, ImportState, Watch, WatchKind
from salesops.crm.plans import RECORDS, FilePlan
from salesops.facts.errors import is_full
from salesops.platform import audit, mail
from salesops.platform.access import require
from salesops.platform.actors import Actor
from salesops.platform.job_states import JobState
from salesops.platform.jobs import Progress

SETTLES = timedelta(seconds=5)
"""Two looks this far apart must see the same file before it counts as whole."""

OPEN = (ArrivalState.TAKEN, ArrivalState.ASKING)


def poll(*, actor: Actor, progress: Progress, watch_id: int) -> dict[str, Any]:
    """Look once: take what has come, start what can be imported, report what has ended.

    What can't be read among what came is told by mail the first time and tried again by every look; the
    rest is taken.

    Raises:
        ValidationError: the folder or mailbox itself can't be read; it is told by mail the first time.
    """
    watch = Watch.objects.get(pk=watch_id)
    if not watch.active:
        return {"watch": watch.name, "note": "This watch is paused."}
    require(actor, "watch.manage")
    require(actor, "import.run")
    for arrival in watch.arrivals.filter(_unsettled(), row__isnull=False):
        settle(arrival, actor=actor)
    progress(0, 0, "Looking")
    try:
        if watch.kind == WatchKind.FOLDER:
            unread = _look_at_folder(actor, watch)
        else:
            unread = _look_at_mailbox(actor, watch, progress)
    except (OSError, ValidationError) as error:
        text = _text(error)
        _trouble(actor, watch, f"{watch.name} can't be read", text)
        raise ValidationError(f"{watch.name}: {text}") from error
    if unread:
        _trouble(actor, watch, f"Some of {watch.name} can't be read", " ".join(unread))
    Watch.objects.filter(pk=watch.pk).update(looked_at=timezone.now(), **({} if unread else {"trouble": ""}))
    _begin(actor, watch, progress)
    counts = {state: watch.arrivals.filter(state=state).count() for state in ArrivalState.values}
    found: dict[str, Any] = {"watch": watch.name, "arrivals": {k: v for k, v in counts.items() if v}}
    return found | ({"could_not_be_read": unread} if unread else {})


def _text(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _trouble(actor: Actor, watch: Watch, subject: str, text: str) -> None:
    with transaction.atomic():
        changed = Watch.objects.filter(pk=watch.pk).exclude(trouble=text[:300])
        if changed.update(trouble=text[:300], looked_at=timezone.now()):
            _tell(actor, watch, subject, [text, "", "It is tried again by its schedule."])


def _tell(actor: Actor, watch: Watch, subject: str, lines: Iterable[str]) -> None:
    """Mail to whom the watch names; sent only if the surrounding transaction commits."""
    if watch.mail_to:
        mail.mail(actor=actor, to=watch.mail_to, subject=subject, text="\n".join(lines))


# --- Seeing ---------------------------------------------------------------------------------------


def _look_at_folder(actor: Actor, watch: Watch) -> list[str]:
    """Take what is whole; returns what could not be read, each with its reason."""
    unread = []
    folder = folders.inside(settings.WATCH_ROOT, watch.path)
    found = folders.look(folder, watch.pattern)
    watch.arrivals.filter(state=ArrivalState.SETTLING).exclude(
        name__in=[one.name[:300] for one in found]
    ).delete()
    for one in found:
        known = watch.arrivals.exclude(state=ArrivalState.SETTLING).filter(
            name=one.name[:300], size=one.size, changed_ns=one.changed_ns
        )
        if known.exists():  # taken, but the worker died before it could be put away, or that was not allowed
            folders.put_away(one)
            continue
        arrival = watch.arrivals.filter(state=ArrivalState.SETTLING, name=one.name[:300]).first()
        now = timezone.now()
        if arrival is None or (arrival.size, arrival.changed_ns) != (one.size, one.changed_ns):
            arrival = arrival or Arrival(watch=watch, name=one.name[:300])
            arrival.size, arrival.changed_ns, arrival.seen_at = one.size, one.changed_ns, now
            arrival.save()
        elif now < arrival.seen_at:  # the clock was set back: this look is the first one again
            Arrival.objects.filter(pk=arrival.pk).update(seen_at=now)
        elif now - arrival.seen_at >= SETTLES:
            try:
                _take_file(actor, watch, arrival, one)
            except OSError as error:
                if is_full(error):  # nothing more can be kept, of any file
                    raise
                unread.append(f"{one.name}: {_text(error)}.")
    return unread


class _Digested:
    """Pieces of a content and, once they were read, its digest."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._digest.update(piece)
            yield piece

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _take_file(actor: Actor, watch: Watch, arrival: Arrival, found: folders.Found) -> None:
    content = _Digested(folders.pieces(found))
    try:
        # A file without a day of its own is of the day it was written.
        kept = uploads.keep(found.name, content, changed_ns=found.changed_ns)
    except (folders.ChangedError, FileNotFoundError):
        arrival.delete()  # it is seen anew with the next look
        return
    except ValidationError as error:
        _refuse(actor, watch, arrival, " ".join(error.messages))
        folders.put_away(found)
        return
    _keep(actor, watch, arrival, kept, content.hexdigest())
    folders.put_away(found)


def _look_at_mailbox(actor: Actor, watch: Watch, progress: Progress) -> list[str]:
    """Take the mails that are wanted; returns what could not be read, each with its reason."""
    host = watch.host.lower()
    if host not in settings.WATCH_HOSTS:
        raise ValidationError(
            f"The mail host {host} is not among those that may be watched (SALESOPS_WATCH_HOSTS)."
        )
    password = os.environ.get(watch.password_variable, "")
    if not password:
        raise ValidationError(f"The environment variable {watch.password_variable} holds no password.")
    box = mailboxes.Mailbox(
        host, watch.port, tls=watch.tls, user=watch.user, password=password, folder=watch.mailbox
    )
    unread = []
    with box:
        numbers = box.unseen(watch.senders)
        for done, number in enumerate(numbers):
            progress(done, len(numbers), "Reading mails")
            try:
                _read_mail(actor, watch, box, number)
            except mailboxes.LetterError as error:
                unread.append(f"Mail {number}: {error}")
    return unread


def _read_mail(actor: Actor, watch: Watch, box: mailboxes.Mailbox, number: str) -> None:
    head, size = box.head(number)
    if not mailboxes.wanted(head, watch.senders, watch.subject_pattern):
        return
    if not watch.arrivals.filter(message_id=mailboxes.id_of(head)).exists():
        _take_mail(actor, watch, box, number, head, size)
    box.mark_seen(number)


def _take_mail(actor: Actor, watch: Watch, box: mailboxes.Mailbox, number: str, head: Any, size: int) -> None:
    arrival = Arrival(
        watch=watch,
        name=(mailboxes.subject_of(head) or "a mail without a subject")[:300],
        message_id=mailboxes.id_of(head),
        size=size,
        seen_at=timezone.now(),
    )
    if size > settings.MAX_UPLOAD_BYTES:
        _refuse(actor, watch, arrival, "The mail is larger than an import may be.")
        return
    letter = box.letter(number)
    files = mailboxes.attachments(letter)
    if not files:
        kinds = ", ".join(mailboxes.KINDS)
        _refuse(actor, watch, arrival, f"It has no attachment that may hold a report ({kinds}).")
        return
    try:
        kept = uploads.keep_all(
            [(name, [content]) for name, content in files], changed_ns=mailboxes.sent_ns(head)
        )
    except ValidationError as error:
        _refuse(actor, watch, arrival, " ".join(error.messages))
        return
    together = sorted(hashlib.sha256(content).hexdigest() for _, content in files)
    digest = together[0] if len(together) == 1 else hashlib.sha256("".join(together).encode()).hexdigest()
    _keep(actor, watch, arrival, kept, digest)


def _keep(actor: Actor, watch: Watch, arrival: Arrival, kept: Path, digest: str) -> None:
    """Put on record what was copied; content that came before is not imported again."""
    before = (
        watch.arrivals.filter(digest=digest).exclude(state=ArrivalState.AGAIN).exclude(pk=arrival.pk).first()
    )
    arrival.kept_at, arrival.digest, arrival.seen_at = str(kept), digest, timezone.now()
    if before is None:
        arrival.state = ArrivalState.WAITING
        try:
            with transaction.atomic():
                arrival.save()
        except IntegrityError:  # another look took the same content at this moment
            before = watch.arrivals.filter(digest=digest).exclude(state=ArrivalState.AGAIN).first()
        else:
            return
    same = f"The same content came as {before.name}" if before else "The same content came before"
    arrival.state, arrival.reason, arrival.ended_at = (
        ArrivalState.AGAIN,
        f"{same}; nothing was imported.",
        timezone.now(),
    )
    with transaction.atomic():
        arrival.save()
        _tell(actor, watch, f"{arrival.name}: nothing new", [arrival.reason])


def _refuse(actor: Actor, watch: Watch, arrival: Arrival, reason: str) -> None:
    arrival.state, arrival.reason, arrival.ended_at = ArrivalState.FAILED, reason[:500], timezone.now()
    with transaction.atomic():
        arrival.save()
        _tell(actor, watch, f"{arrival.name} could not be imported", [reason, "", _link("watch", watch.pk)])


# --- Importing ------------------------------------------------------------------------------------


def import_under_way() -> bool:
    """Whether any import waits for a worker or is landing."""
    waiting = Q(job__state__in=(JobState.QUEUED, JobState.RUNNING))
    if Import.objects.filter(waiting).exclude(state=ImportState.DONE).exists():
        return True
    alone = Import.objects.filter(state=ImportState.RUNNING, job__isnull=True)
    return any(services.is_landing(row) for row in alone)


def _begin(actor: Actor, watch: Watch, progress: Progress) -> None:
    """Look at what waits, oldest first, until an import begins; the rest waits until that has ended."""
    for arrival in watch.arrivals.filter(state=ArrivalState.WAITING).order_by("id"):
        if import_under_way():
            return
        progress(0, 0, f"Looking at {arrival.name}")
        try:
            _decide(actor, watch, arrival)
        except (ValidationError, ValueError, LookupError, FileNotFoundError) as error:
            _refuse(actor, watch, arrival, _text(error))


def _decide(actor: Actor, watch: Watch, arrival: Arrival) -> None:
    row = arrival.row
    if row is None:  # else a look died after the files were inspected

        def linked(made: Import) -> None:
            Arrival.objects.filter(pk=arrival.pk).update(row=made)

        row = services.import_inspect(
            actor=actor,
            paths=[Path(arrival.kept_at)],
            name=arrival.name,
            source=watch.source,
            mapping=watch.mapping,
            created=linked,
        )
        arrival.row = row
    plans = [
        replace(p, complete=p.kind == RECORDS and p.table in watch.complete_tables) if p.taken else p
        for p in services.plans_of(row)
    ]
    asked = questions(plans)
    if asked:
        _ask(actor, watch, arrival, row, asked)
        return
    with transaction.atomic():
        row = services.import_confirm(actor=actor, row=row, plans=plans)
        services.import_start(actor=actor, row=row)
        Arrival.objects.filter(pk=arrival.pk).update(state=ArrivalState.TAKEN, row=row)


def questions(plans: list[FilePlan]) -> list[str]:
    """What a person must say before these files can be imported; empty where everything was decided."""
    asked = []
    if not any(plan.taken for plan in plans):
        asked.append("Nothing in it is recognised as records of a CRM.")
    for plan in plans:
        if not plan.taken:
            if plan.columns and plan.rows:
                asked.append(f"{plan.name}: {plan.ignored_reason or 'nobody has said what its rows are'}.")
            continue
        if not plan.mapping_from:
            asked.append(f"{plan.name}: nobody has confirmed yet what columns of these names mean.")
        asked += services.plan_problems(plan)
    return asked


def _ask(actor: Actor, watch: Watch, arrival: Arrival, row: Import, asked: list[str]) -> None:
    with transaction.atomic():
        Arrival.objects.filter(pk=arrival.pk).update(
            state=ArrivalState.ASKING, reason=" ".join(asked)[:500], row=row
        )
        lines = [*asked, "", f"Confirm it once: {_link('import_confirm', row.pk)}"]
        lines += ["", "Files with the same columns are then imported without a question."]
        _tell(actor, watch, f"{arrival.name} waits for you", lines)


def _link(name: str, pk: int) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=[pk])}"


# --- Reporting ------------------------------------------------------------------------------------


def import_ended(row: Import, *, actor: Actor) -> None:
    """Report on an import that a watch brought; called by the import's job, and by every later look."""
    for arrival in row.arrivals.select_related("watch").filter(_unsettled()):
        settle(arrival, actor=actor)


def _unsettled() -> Q:
    """Arrivals whose import may have ended since: one that failed may have been put right by a person."""
    return Q(state__in=OPEN) | Q(state=ArrivalState.FAILED, row__state=ImportState.DONE)


def settle(arrival: Arrival, *, actor: Actor) -> None:
    """End an arrival whose import has ended, and report by mail; once, whoever calls."""
    row = Import.objects.select_related("job").get(pk=arrival.row_id)
    if row.state == ImportState.DONE:
        state, reason = ArrivalState.DONE, ""
        subject, lines = f"{arrival.name} is imported", [*_report(row)]
    elif _ended_badly(row):
        state = ArrivalState.FAILED
        reason = str(row.report.get("error") or (row.job.message if row.job else "") or "It was cancelled.")
        subject, lines = f"{arrival.name} could not be imported", [reason, "What had landed before stays."]
    else:
        return
    with transaction.atomic():
        still_open = Arrival.objects.filter(pk=arrival.pk).exclude(state=state)
        if still_open.update(state=state, reason=reason[:500], ended_at=datetime.now(UTC)):
            audit.record(
                actor=actor,
                action=f"watch.{state}",
                subject=f"watch:{arrival.watch.name}",
                after={"name": arrival.name, "import": row.pk},
            )
            _tell(actor, arrival.watch, subject, [*lines, "", _link("import_detail", row.pk)])


def _ended_badly(row: Import) -> bool:
    if row.job is not None and row.job.state in (JobState.QUEUED, JobState.RUNNING):
        return False  # it may be tried again
    given_up = row.job is not None and row.job.state in (JobState.FAILED, JobState.CANCELLED)
    return row.state in (ImportState.FAILED, ImportState.CANCELLED) or given_up


def _report(row: Import) -> Iterator[str]:
    for table, found in row.report.get("tables", {}).items():
        yield (
            f"{table.replace('_', ' ').capitalize()}: {found['read']:,} read, {found['added']:,} added, "
            f"{found['changed']:,} changed, {found['unchanged']:,} unchanged, "
            f"{found['not_in_file']:,} not in this file, {found['deleted']:,} deleted"
        )
    if row.report.get("quarantined"):
        yield f"{row.report['quarantined']:,} rows could not be taken and wait in quarantine."
    for file in row.report.get("files", ()):
        if file.get("incomplete_because"):
            yield f"{file['file']}: {file['incomplete_because']}"
    if row.report.get("data_date"):
        yield f"The data is now of {row.report['data_date']}."
