"""The only writers of meetings and action items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from salesops.facts.scope import Scope
from salesops.meetings import selectors
from salesops.meetings.models import MOST_NOTE, ActionEvent, ActionItem, CoachingNote, EventKind, Meeting
from salesops.org.engine.hierarchy import Person
from salesops.platform import audit, posting
from salesops.platform.access import NotAllowedError, require
from salesops.platform.actors import Actor
from salesops.platform.mail import mail

HOLD = "meeting.hold"
WRITE = "action.write"
NEXT = {
    "open": frozenset({EventKind.DONE, EventKind.DROPPED, EventKind.MOVED}),
    "done": frozenset({EventKind.REOPENED}),
    "dropped": frozenset({EventKind.REOPENED}),
}
"""State -> what may become of an item in it."""


def meeting_hold(*, actor: Actor, subject: str, data_on: date, manifest_id: str = "") -> Meeting:
    """Note that a meeting was held: the next one tells what changed since.

    Args:
        actor: who says so.
        subject: whose meeting, see :class:`Meeting`; the caller has checked that it is the actor's to hold.
        data_on: the data's own date in the meeting.
        manifest_id: facts version that was shown.

    Raises:
        NotAllowedError: the actor's role holds no meetings.
    """
    require(actor, HOLD)
    with transaction.atomic():
        row = Meeting.objects.create(
            subject=subject,
            held_at=timezone.now(),
            data_on=data_on,
            manifest_id=int(manifest_id) if manifest_id else None,
            created_by_id=actor.user_id,
            author_name=actor.name,
        )
        audit.record(
            actor=actor, action="meeting.hold", subject=subject, after={"id": row.pk, "data_on": str(data_on)}
        )
    return row


def note_add(
    *, actor: Actor, people: Mapping[str, Person], person_id: str, text: str, shared: bool
) -> CoachingNote:
    """Note something about a person. The audit log says that it was done, never what was written.

    Args:
        actor: who writes: the person, or a manager of theirs.
        people: the hierarchy of today.
        person_id: whom it is about.
        text: the note, at most 2,000 characters.
        shared: whether the person and their managers read it, or the actor alone.

    Raises:
        NotAllowedError: the actor neither is the person nor manages them.
        ValidationError: nothing was written, or too much.
    """
    require(actor, selectors.NOTE)
    if not selectors.coaches(actor, people, person_id):
        raise NotAllowedError("Notes about somebody are written by their managers and by themselves.")
    text = text.strip()
    if not text or len(text) > MOST_NOTE:
        raise ValidationError({"text": f"Write a note of 1 to {MOST_NOTE:,} characters."})
    with transaction.atomic():
        row = CoachingNote.objects.create(
            person_id=person_id,
            text=text,
            shared=shared,
            created_at=timezone.now(),
            created_by_id=actor.user_id,
            author_name=actor.name,
        )
        audit.record(
            actor=actor, action="note.add", subject=person_id, after={"id": row.pk, "shared": shared}
        )
    return row


def action_add(
    *,
    actor: Actor,
    scope: Scope,
    subject: str,
    text: str,
    owner_id: str,
    owner_name: str,
    due_on: date,
    deal_id: str = "",
) -> ActionItem:
    """Add an action item.

    Args:
        actor: who adds it.
        scope: the actor's rows: the owner must be among their owners, or the actor himself ("" for an
            account that stands for no person).
        subject: whose meeting it is agreed in.
        text: what will be done.
        owner_id, owner_name: who does it.
        due_on: by which day.
        deal_id: the deal it is about; the caller has checked that the actor may see it.

    Raises:
        NotAllowedError: the actor's role writes none, or the owner's records are not his to see.
        ValidationError: there is no text, or no owner.
    """
    require(actor, WRITE)
    text = " ".join(text.split())
    if not text:
        raise ValidationError({"text": "Say what will be done."})
    if not owner_name.strip():
        raise ValidationError({"owner": "Say who does it."})
    if owner_id and not scope.sees_owner(owner_id) and owner_id != actor.person_id:
        raise NotAllowedError("You may give actions only to people whose records you may see.")
    with transaction.atomic():
        row = ActionItem.objects.create(
            subject=subject,
            text=text[:500],
            owner_id=owner_id,
            owner_name=owner_name[:200],
            deal_id=deal_id[:200],
            due_on=due_on,
            created_at=timezone.now(),
            created_by_id=actor.user_id,
            author_name=actor.name,
        )
        audit.record(
            actor=actor,
            action="action.add",
            subject=f"action:{row.pk}",
            after={"text": row.text, "owner": owner_id or owner_name, "due_on": str(due_on), "deal": deal_id},
        )
    return row


def action_change(
    *, actor: Actor, scope: Scope, item_id: int, kind: str, due_on: date | None = None, note: str = ""
) -> selectors.Item:
    """Say what became of an action item: done, dropped, opened again, or moved to another day.

    Raises:
        NotAllowedError: the actor's role writes none.
        LookupError: there is no such item that the actor may see.
        ValidationError: it does not follow from where the item stands, or the new day is missing.
    """
    require(actor, WRITE)
    with transaction.atomic():
        # The row is locked so that two people who settle it at once are told of one another.
        list(ActionItem.objects.select_for_update().filter(pk=item_id).values_list("pk"))
        before = selectors.item(actor, scope, item_id)
        if before is None:
            raise LookupError(f"There is no action {item_id} that you may see.")
        if kind not in NEXT[before.state]:
            said = EventKind(kind).label.lower() if kind in EventKind.values else repr(kind)
            raise ValidationError(f"The action is {before.state}; it can't become {said}.")
        if kind == EventKind.MOVED and due_on is None:
            raise ValidationError({"due_on": "Say to which day."})
        ActionEvent.objects.create(
            item_id=item_id,
            kind=kind,
            due_on=due_on if kind == EventKind.MOVED else None,
            note=" ".join(note.split())[:500],
            at=timezone.now(),
            created_by_id=actor.user_id,
            author_name=actor.name,
        )
        after = selectors.item(actor, scope, item_id)
        if after is None:
            raise LookupError(f"There is no action {item_id} that you may see.")
        audit.record(
            actor=actor,
            action=f"action.{kind}",
            subject=f"action:{item_id}",
            before={"state": before.state, "due_on": str(before.due_on)},
            after={"state": after.state, "due_on": str(after.due_on)},
            reason=note[:500],
        )
    return after


@dataclass(frozen=True)
class Sent:
    """What was asked to be sent: mails by person, channels, and who could not be reached by mail."""

    mailed: tuple[str, ...]
    channels: tuple[str, ...]
    unreached: tuple[str, ...]

    @property
    def words(self) -> str:
        """For the page."""
        parts = []
        if self.mailed:
            parts.append(f"Mail to {', '.join(self.mailed)} is on its way.")
        if self.channels:
            parts.append(f"The message to {' and '.join(self.channels)} is on its way.")
        if self.unreached:
            why = (
                "No mail address is known of"
                if settings.SMTP_SET
                else "No mail server is set up, so none goes to"
            )
            parts.append(f"{why} {', '.join(self.unreached)}.")
        return " ".join(parts)


def actions_send(
    *,
    actor: Actor,
    items: Sequence[selectors.Item],
    deals: Mapping[str, str],
    links: Mapping[str, str],
    mails: Mapping[str, str],
) -> Sent:
    """Send open actions: to each owner his own by mail, and all of them to every channel that is set up.

    Args:
        actor: who sends; the jobs run with his rights.
        items: open action items that the actor may see.
        deals: deal -> name, of those that the actor may see.
        links: deal -> address of its record in the CRM.
        mails: person -> mail address.

    Raises:
        NotAllowedError: the actor's role holds no meetings.
        ValidationError: nothing is open, or nobody can be reached.
    """
    require(actor, HOLD)
    if not items:
        raise ValidationError("No action is open: there is nothing to send.")
    by_owner: dict[str, list[selectors.Item]] = {}
    for one in sorted(items, key=lambda item: -item.id):  # the newest first: it names the owner
        by_owner.setdefault(one.owner_id or one.owner_name, []).append(one)
    reached = {key: mails[key] for key in by_owner if settings.SMTP_SET and _is_address(mails.get(key, ""))}
    channels = posting.channels()
    if not reached and not channels:
        raise ValidationError(
            "Nobody can be reached: "
            + (
                "the data has no mail address of the owners"
                if settings.SMTP_SET
                else "no mail server is set up"
            )
            + ", and no channel is set up."
        )
    with transaction.atomic():
        for key, address in reached.items():
            own = by_owner[key]
            subject = f"{len(own)} open action{'' if len(own) == 1 else 's'} of yours"
            text = "\n\n".join(_in_mail(one, deals, links) for one in own)
            mail(actor=actor, to=[address], subject=subject, text=f"{text}\n\n{_all_of_them()}".rstrip())
        for channel in channels:
            lines = [_in_channel(one, deals, links) for one in items]
            posting.post(actor=actor, channel=channel, title="Open actions", lines=lines)
        audit.record(
            actor=actor,
            action="action.send",
            subject=f"{len(items)} actions",
            after={
                "items": [one.id for one in items],
                "mails": sorted(reached.values()),
                "channels": channels,
            },
        )
    names = {key: own[0].owner_name for key, own in by_owner.items()}
    return Sent(
        tuple(sorted(names[key] for key in reached)),
        tuple(posting.title_of(name) for name in channels),
        tuple(sorted(name for key, name in names.items() if key not in reached)),
    )


def _is_address(text: str) -> bool:
    """Whether a mail could be sent there: what the CRM holds may be anything."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def link_of(deal_id: str, links: Mapping[str, str]) -> str:
    """Where a deal is opened from outside: its record in the CRM, else its page here; "" where both lack an address."""
    if not deal_id:
        return ""
    if deal_id in links:
        return links[deal_id]
    return f"{settings.BASE_URL}/pipeline/{quote(deal_id, safe='')}/" if settings.BASE_URL else ""


def _all_of_them() -> str:
    return f"All actions: {settings.BASE_URL}/actions/" if settings.BASE_URL else ""


def _in_mail(one: selectors.Item, deals: Mapping[str, str], links: Mapping[str, str]) -> str:
    lines = [f"- {one.text}, by {one.due_on.isoformat()}"]
    if one.deal_id in deals:
        lines.append(f"  {deals[one.deal_id]}")
        if link := link_of(one.deal_id, links):
            lines.append(f"  {link}")
    return "\n".join(lines)


def _in_channel(one: selectors.Item, deals: Mapping[str, str], links: Mapping[str, str]) -> posting.Line:
    after = f", {one.owner_name}, by {one.due_on.isoformat()}"
    if one.deal_id not in deals:
        return posting.Line(f"{one.text}{after}")
    link = link_of(one.deal_id, links)
    return posting.Line(deals[one.deal_id], link, f": {one.text}{after}")
