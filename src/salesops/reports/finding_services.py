"""The only writers of findings: what a number says, what follows from it, and who took note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from salesops.platform import audit, reading
from salesops.platform.access import NotAllowedError, require
from salesops.platform.actors import Actor
from salesops.platform.mail import mail
from salesops.platform.manifests import DatabaseManifests
from salesops.platform.selectors import accounts
from salesops.reports import selectors, subjects
from salesops.reports.models import Finding, FindingEvent, FindingEventKind, FindingReader
from salesops.reports.services import SHARE

WRITE = "finding.write"
NEXT = {
    "open": frozenset({FindingEventKind.DONE, FindingEventKind.DROPPED, FindingEventKind.MOVED}),
    "done": frozenset({FindingEventKind.REOPENED}),
    "dropped": frozenset({FindingEventKind.REOPENED}),
}
"""State -> what may become of a finding in it."""


@dataclass(frozen=True)
class Basis:
    """What a finding rests on, as its author saw it.

    Attributes:
        value: exact, "" for a page without one number or an undefined one.
        text: the value as people read it, or why there is none.
        facts_version: that was read.
    """

    path: str = ""
    query: str = ""
    subject: str = ""
    value: str = ""
    text: str = ""
    facts_version: str = ""
    data_on: date | None = None


def basis_of(user_id: int, address: str) -> Basis:
    """The page of an address with its value now.

    Raises:
        ValidationError: at ``page``: it can't be read, or is not the account's to see.
    """
    if not address.strip():
        return Basis()
    with reading.one_state():
        subject = subjects.subject_at(address)
        try:
            frozen, answer = subjects.shown(user_id, subject)
        except ValidationError as error:
            raise ValidationError({"page": error.messages}) from error
        context = getattr(answer, "context_data", None) or {}
        manifest = DatabaseManifests().latest()
        kpi = context.get("kpi")
        value = text = ""
        if kpi is not None and "exact" in context:  # the page of one number
            row = next(iter(frozen.sheets()[0].rows))
            value = "" if row["value"] is None else str(row["value"])
            text = context["exact"] or f"undefined: {row['reason']}"
        return Basis(
            subject.path,
            subject.query,
            str(context.get("title") or subject.name)[:200],
            value[:200],
            text[:300],
            str(manifest.id) if manifest else "",
            frozen.data_on,
        )


def finding_add(
    *,
    actor: Actor,
    title: str,
    text: str,
    action: str,
    owner_id: int,
    due_on: date,
    page: str = "",
    readers: Sequence[int] = (),
) -> Finding:
    """Write a finding down.

    Args:
        actor: who writes it, an account.
        title, text: what it says.
        action: what will be done.
        owner_id: account that does it.
        due_on: by which day.
        page: address of the number or page that it rests on; its value is kept as it is now.
        readers: accounts that are told.

    Raises:
        ValidationError: by field.
        NotAllowedError: the actor writes no findings, or may not give what he sees to others.
    """
    require(actor, WRITE)
    if actor.user_id is None:
        raise NotAllowedError("Only an account can write a finding.")
    people = list(dict.fromkeys(readers))
    if {owner_id, *people} - {actor.user_id}:
        require(actor, SHARE)
    title, text, action = " ".join(title.split())[:200], text.strip()[:10_000], " ".join(action.split())[:500]
    for name, said in (("title", title), ("text", text), ("action", action)):
        if not said:
            raise ValidationError({name: "This is needed."})
    known = {user.pk: user for user in accounts() if user.is_active}
    if owner_id not in known:
        raise ValidationError({"owner": "There is no such account that may sign in."})
    if unknown := [pk for pk in people if pk not in known]:
        raise ValidationError({"readers": f"There is no account {unknown[0]} that may sign in."})
    basis = basis_of(actor.user_id, page)
    now = timezone.now()
    with transaction.atomic():
        row = Finding.objects.create(
            title=title,
            text=text,
            path=basis.path,
            query=basis.query,
            subject=basis.subject,
            value=basis.value,
            value_text=basis.text,
            facts_version=basis.facts_version,
            data_on=basis.data_on,
            owner_id=owner_id,
            owner_name=known[owner_id].get_username()[:200],
            action=action,
            due_on=due_on,
            created_at=now,
            created_by_id=actor.user_id,
            author_name=actor.name,
        )
        audit.record(
            actor=actor,
            action="finding.add",
            subject=f"finding:{row.pk}",
            after={
                # Without value and filters: not everybody who reads the ledger may see them.
                "title": title, "page": basis.path, "facts_version": basis.facts_version, "owner": row.owner_name,
                "due_on": str(due_on), "readers": people,
            },
        )  # fmt: skip
        _name(actor, row, people, [owner_id, *people], {pk: known[pk].email for pk in known})
    return row


def _name(
    actor: Actor, row: Finding, readers: Sequence[int], told: Sequence[int], mails: dict[int, str]
) -> None:
    """Name readers and tell people by mail, each by a mail of his own."""
    now = timezone.now()
    for user_id in readers:
        FindingReader.objects.get_or_create(finding=row, user_id=user_id, defaults={"told_at": now})
    if not settings.SMTP_SET:
        return
    link = f"{settings.BASE_URL}{reverse('finding', args=[row.pk])}" if settings.BASE_URL else ""
    lines = [
        row.title,
        "",
        row.text,
        "",
        f"Action: {row.action}",
        f"Owner: {row.owner_name}",
        f"Due: {row.due_on}",
    ]
    lines += [f"At that time: {row.value_text}"] if row.value_text else []
    lines += ["", f"Open it and take note: {link}"] if link else []
    for user_id in dict.fromkeys(told):
        if user_id != actor.user_id and mails.get(user_id):
            mail(actor=actor, to=[mails[user_id]], subject=f"Finding: {row.title}", text="\n".join(lines))


@transaction.atomic
def finding_tell(*, actor: Actor, pk: int, readers: Sequence[int]) -> None:
    """Name more readers of a finding.

    Raises:
        LookupError: there is no such finding that the actor may see.
        NotAllowedError: it is not the actor's, or he may not give it to others.
        ValidationError: there is no such account.
    """
    seen = _own(actor, pk)
    require(actor, SHARE)
    known = {user.pk: user.email for user in accounts() if user.is_active}
    if unknown := [one for one in readers if one not in known]:
        raise ValidationError({"readers": f"There is no account {unknown[0]} that may sign in."})
    fresh = [one for one in dict.fromkeys(readers) if one not in {r.user_id for r in seen.readers}]
    _name(actor, seen.row, fresh, fresh, known)
    audit.record(actor=actor, action="finding.tell", subject=f"finding:{pk}", after={"readers": fresh})


def _own(actor: Actor, pk: int) -> selectors.FindingView:
    seen = selectors.finding_of(actor, pk)
    if seen is None:
        raise LookupError(f"There is no finding {pk} that you may see.")
    if not seen.mine:
        raise NotAllowedError("Only whoever wrote or owns a finding may change what becomes of it.")
    return seen


@transaction.atomic
def finding_change(
    *, actor: Actor, pk: int, kind: str, due_on: date | None = None, result: str = ""
) -> selectors.FindingView:
    """Say what became of a finding. Its owner may do so whatever his role: it was given to him.

    Raises:
        LookupError: there is no such finding that the actor may see.
        NotAllowedError: the actor neither wrote nor owns it.
        ValidationError: it does not follow from where it stands, or the day or the result is missing.
    """
    list(
        Finding.objects.select_for_update().filter(pk=pk).values_list("pk")
    )  # two settle one after the other
    seen = _own(actor, pk)
    if kind not in NEXT[seen.state]:
        said = FindingEventKind(kind).label.lower() if kind in FindingEventKind.values else repr(kind)[:40]
        raise ValidationError(f"The finding is {seen.state}; it can't become {said}.")
    if kind == FindingEventKind.MOVED and due_on is None:
        raise ValidationError({"due_on": "Say to which day."})
    result = " ".join(result.split())[:500]
    if kind == FindingEventKind.DONE and not result:
        raise ValidationError({"result": "Say what came of it."})
    FindingEvent.objects.create(
        finding_id=pk,
        kind=kind,
        due_on=due_on if kind == FindingEventKind.MOVED else None,
        result=result,
        at=timezone.now(),
        created_by_id=actor.user_id,
        author_name=actor.name,
    )
    after = selectors.finding_of(actor, pk)
    assert after is not None
    audit.record(
        actor=actor,
        action=f"finding.{kind}",
        subject=f"finding:{pk}",
        before={"state": seen.state, "due_on": str(seen.due_on)},
        after={"state": after.state, "due_on": str(after.due_on)},
        reason=result,
    )
    return after


@transaction.atomic
def finding_open(*, actor: Actor, seen: selectors.FindingView) -> None:
    """A named reader opened it, signed in: the first time counts."""
    receipt = seen.own_receipt
    if receipt is None:
        return
    if FindingReader.objects.filter(pk=receipt.pk, opened_at=None).update(opened_at=timezone.now()):
        audit.record(actor=actor, action="finding.open", subject=f"finding:{seen.id}")


@transaction.atomic
def finding_acknowledge(*, actor: Actor, pk: int) -> None:
    """A named reader says that he has taken note.

    Raises:
        LookupError: the actor is no named reader of such a finding.
    """
    seen = selectors.finding_of(actor, pk)
    if seen is None or seen.own_receipt is None:
        raise LookupError("You are no named reader of such a finding.")
    finding_open(actor=actor, seen=seen)
    mine = FindingReader.objects.filter(pk=seen.own_receipt.pk, acknowledged_at=None)
    if mine.update(acknowledged_at=timezone.now()):
        audit.record(actor=actor, action="finding.acknowledge", subject=f"finding:{pk}")
