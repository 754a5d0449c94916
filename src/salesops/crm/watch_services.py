"""Writers of watches: which folders and mailboxes are looked at, how often, and for whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from salesops.crm import folders, mailboxes
from salesops.crm.models import Watch, WatchKind
from salesops.crm.plans import check_mapping
from salesops.facts.tables import TABLES
from salesops.platform import audit, schedules
from salesops.platform.access import require
from salesops.platform.actors import Actor
from salesops.platform.job_selectors import schedule_row
from salesops.platform.jobs import Job, enqueue

PASSWORDS = "SALESOPS_WATCH_PASSWORD_"
"""How the names of variables with mailbox passwords begin; no other variable can be read through a watch."""

EVERY = "*/5 * * * *"
"""How often a watch looks unless somebody says otherwise: every five minutes."""

_VARIABLE = re.compile(rf"^{PASSWORDS}[A-Z0-9_]{{1,60}}$")
_SENDER = re.compile(r"^[^@\s]*@[^@\s]+\.[^@\s]+$")
_SHOWN = (
    "kind", "path", "pattern", "host", "port", "tls", "user", "password_variable", "mailbox", "senders",
    "subject_pattern", "source", "complete_tables", "mapping", "mail_to", "active",
)  # fmt: skip


@transaction.atomic
def watch_save(
    *, actor: Actor, row: Watch | None = None, cron: str = "", zone: str = "", **values: Any
) -> Watch:
    """Make a watch, or change one. Whoever saves it last is whom its imports run as.

    Args:
        actor: who decides; must be allowed to manage watches and to import.
        row: the watch to change, None for a new one.
        cron, zone: how often it looks; empty leaves what was decided, or takes :data:`EVERY` in UTC.
        values: fields of :class:`Watch`.

    Raises:
        ValidationError: by field.
        NotAllowedError: the actor may not.
    """
    require(actor, "watch.manage")
    require(actor, "import.run")
    before = _told(row) if row is not None else None
    was = schedule_row(row.schedule_id) if row is not None else None
    row = row or Watch(created_at=timezone.now())
    for name, value in values.items():
        setattr(row, name, value)
    row.name, row.created_by_id = row.name.strip(), actor.user_id
    _check(row)
    row.trouble = ""
    row.save()
    schedules.schedule_keep(
        actor=actor,
        row=row,
        name=f"Watch: {row.name}",
        kind="watch.poll",
        params={"watch_id": row.pk},
        cron=cron or (was.cron if was else EVERY),
        zone=zone or (was.zone if was else "UTC"),
    )
    audit.record(
        actor=actor, action="watch.save", subject=f"watch:{row.name}", before=before, after=_told(row)
    )
    return row


def _told(row: Watch) -> dict[str, Any]:
    """A watch as the ledger keeps it: everything that decides what is read, how, and when."""
    schedule = schedule_row(row.schedule_id)
    turns = {"cron": schedule.cron, "zone": schedule.zone} if schedule else {"cron": None, "zone": None}
    return {name: getattr(row, name) for name in _SHOWN} | turns


def _check(row: Watch) -> None:
    errors: dict[str, str] = {}
    if not row.name:
        errors["name"] = "Give it a name."
    elif Watch.objects.filter(name=row.name).exclude(pk=row.pk).exists():
        errors["name"] = "There is a watch of this name already."
    if not row.source.strip():
        errors["source"] = "Name the system that the files come from."
    unknown = [name for name in row.complete_tables if name not in TABLES or name == "changes"]
    if unknown:
        errors["complete_tables"] = f"There is no table named {', '.join(unknown)}."
    if row.mapping is not None:
        try:
            check_mapping(row.mapping)
        except ValueError as error:
            errors["mapping"] = f"This is no mapping: {error}"
    row.mail_to = _addresses(row.mail_to, errors)
    (_check_folder if row.kind == WatchKind.FOLDER else _check_mailbox)(row, errors)
    if errors:
        raise ValidationError(errors)


def _addresses(given: Sequence[str], errors: dict[str, str]) -> list[str]:
    try:
        return schedules.addresses(given)
    except ValidationError as error:
        errors["mail_to"] = " ".join(error.messages)
        return []


def _check_folder(row: Watch, errors: dict[str, str]) -> None:
    try:
        folder = folders.inside(settings.WATCH_ROOT, row.path)
    except ValidationError as error:
        errors["path"] = " ".join(error.messages)
        return
    if not folder.is_dir():
        errors["path"] = "There is no such folder."
        return
    row.path = folder.relative_to(Path(settings.WATCH_ROOT).resolve()).as_posix()
    taken = Watch.objects.filter(kind=WatchKind.FOLDER, path=row.path, pattern=row.pattern).exclude(pk=row.pk)
    if taken.exists():
        errors["path"] = f"{taken[0].name} watches this folder already."


def _check_mailbox(row: Watch, errors: dict[str, str]) -> None:
    row.host = row.host.strip().lower()
    if row.host not in settings.WATCH_HOSTS:
        errors["host"] = (
            "This mail host may not be watched: whoever runs the server allows hosts by SALESOPS_WATCH_HOSTS."
        )
    if not row.tls and row.host not in mailboxes.LOOPBACK:
        errors["tls"] = "A mailbox on another machine is read over TLS only."
    if not 0 < row.port < 65536:
        errors["port"] = "A port is a number from 1 to 65535."
    if not _VARIABLE.match(row.password_variable):
        errors["password_variable"] = f"The name of an environment variable that begins with {PASSWORDS}."
    for name in ("user", "mailbox"):
        text = getattr(row, name)
        if not text.strip() or any(ord(ch) < 32 for ch in text):
            errors[name] = "Fill this in, without line breaks."
    row.senders = [one.strip().lower() for one in row.senders if one.strip()]
    if not row.senders:
        errors["senders"] = (
            "Name the senders whose mails are taken: addresses, or @domain for all of a domain."
        )
    elif wrong := [one for one in row.senders if not _SENDER.match(one)]:
        errors["senders"] = f"{wrong[0]} is no address and no @domain."


@transaction.atomic
def watch_switch(*, actor: Actor, row: Watch, active: bool) -> None:
    """Pause a watch, or let it look again."""
    require(actor, "watch.manage")
    Watch.objects.filter(pk=row.pk).update(active=active)
    audit.record(actor=actor, action="watch.resume" if active else "watch.pause", subject=f"watch:{row.name}")


@transaction.atomic
def watch_remove(*, actor: Actor, row: Watch) -> None:
    """Remove a watch and its record of what came; what it imported stays."""
    require(actor, "watch.manage")
    audit.record(actor=actor, action="watch.remove", subject=f"watch:{row.name}", before=_told(row))
    schedules.schedule_drop(row.schedule_id)
    row.delete()


def watch_look(*, actor: Actor, row: Watch) -> Job:
    """Look at once, with the actor's own rights; while a look is under way, that one is answered."""
    return enqueue("watch.poll", {"watch_id": row.pk}, actor=actor, dedupe_key=f"schedule:{row.schedule_id}")
