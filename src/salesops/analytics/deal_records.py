"""One deal with its history, what belongs to it, and its flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote

import ibis.expr.types as ir

from salesops.analytics import belongings, flags, inspecting
from salesops.analytics.belongings import CHILDREN, MOST_CHANGES
from salesops.analytics.records import deal_columns, judge_of
from salesops.crm import selectors as crm
from salesops.facts.bound import bound
from salesops.org.known import NOW, Known
from salesops.platform.actors import Actor
from salesops.process.inputs import Frames, open_frames


@dataclass(frozen=True)
class Change:
    """One line of a deal's timeline."""

    valid_at: Any
    recorded_at: Any
    field: str
    old: str | None
    new: str | None
    source: str
    changed_by: str | None


@dataclass(frozen=True)
class Deal:
    """One deal as a reader sees it.

    Attributes:
        values: every column.
        kinds: column -> kind.
        changes: newest first.
        link: address of the original in its CRM, "" where no pattern is decided.
        lines, team, contacts, activities: rows of the tables that belong to it.
        today, as_of, currency: as of an answer.
        flags: what is at fault, with the evidence.
        people: id -> name of everybody its changes, team and activities name.
        zone: IANA zone of the firm.
        counts: rows of each table that belongs to it, shown or not.
        more_changes: whether the timeline goes on past the changes here.
    """

    values: dict[str, Any]
    kinds: dict[str, str]
    changes: list[Change]
    link: str
    lines: list[dict[str, Any]]
    team: list[dict[str, Any]]
    contacts: list[dict[str, Any]]
    activities: list[dict[str, Any]]
    today: date
    currency: str
    notes: list[str]
    as_of: date | None = None
    flags: list[flags.Flag] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    counts: dict[str, int] = field(default_factory=dict)
    more_changes: bool = False


ALL_PARTS: Mapping[str, Sequence[str]] = dict.fromkeys(CHILDREN, ())
"""Everything that belongs to a deal, whole."""


def deal(
    actor: Actor,
    deal_id: str,
    *,
    as_of: date | None = None,
    known: Known = NOW,
    inspect: bool = False,
    parts: Mapping[str, Sequence[str]] = ALL_PARTS,
) -> Deal:
    """One deal with its timeline, both as they were known then.

    Args:
        actor: the reader.
        deal_id: its id.
        as_of: state as of the end of that day.
        known: facts and decisions as they were known then.
        inspect: also the flags that history, contacts and activities tell, which take longer to read.
        parts: tables of :data:`CHILDREN` that are wanted -> their columns that are, all where none is named.

    Raises:
        LookupError: there is none of that id among the rows the actor may see; a deal of somebody
            else and a deal that does not exist are the same answer.
    """
    with open_frames(actor, as_of=as_of, manifest_id=known.manifest_id, known_at=known.known_at) as frames:
        # A null character is in no id, and no text of a query may hold it.
        if "\x00" in deal_id:
            raise LookupError(f"There is no opportunity {deal_id!r} that you may see.")
        judge = judge_of(frames)

        def judged_deal() -> ir.Table:
            mine = frames.deals.filter(frames.deals.id == bound("deal", "string"))
            return mine.select(*mine.columns, **judge.columns(mine)).limit(1)

        rows = frames.facts.execute_known(
            ("deal", judge.key), judged_deal, values={"deal": deal_id}, over=frames.deals
        ).to_pylist()
        if not rows:
            message = f"There is no opportunity {deal_id!r} that you may see."
            raise LookupError(message)
        judged = rows[0]
        values = {name: judged[name] for name in frames.deals.columns}
        log = belongings.changes(frames, deal_id)
        links = crm.record_links(frames.as_of, frames.known_at)
        pattern = links.get((values.get("source") or "", "opportunities"), "")
        children = {
            name: belongings.children(frames, name, deal_id, parts[name]) if name in parts else ([], 0)
            for name in CHILDREN
        }
        return Deal(
            values=values,
            kinds=deal_columns(frames),
            changes=[Change(**row) for row in log[:MOST_CHANGES]],
            link=pattern.replace("{id}", quote(deal_id, safe="")) if pattern else "",
            lines=children["opportunity_lines"][0],
            team=children["opportunity_team"][0],
            contacts=_named_contacts(frames, children["opportunity_contacts"][0]),
            activities=children["activities"][0],
            today=frames.today,
            currency=frames.currency,
            notes=frames.notes,
            as_of=frames.as_of,
            flags=[
                *judge.of(judged, evidence=True),
                *(inspecting.deal_flags(frames, values, judge.context) if inspect else ()),
            ],
            people={person.id: person.name for person in frames.people.values()},
            zone=frames.firm.zone,
            counts={name: count for name, (_, count) in children.items()},
            more_changes=len(log) > MOST_CHANGES,
        )


def _named_contacts(frames: Frames, roles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Contact roles of a deal with the contacts' names."""
    ids = sorted({row["contact_id"] for row in roles if row["contact_id"]})
    if not ids or "contacts" not in frames.facts.tables():
        return roles
    contacts = frames.facts.read("contacts", frames.scope.through_parent())
    found = frames.facts.execute(
        contacts.filter(contacts.id.isin(ids)).select("id", "name", "title")
    ).to_pylist()
    by_id = {row["id"]: row for row in found}
    named = []
    for row in roles:
        contact = by_id.get(row["contact_id"], {})
        named.append({**row, "name": contact.get("name"), "title": contact.get("title")})
    return named
