"""Who sees what: what the firm decided, laid on what the role gives, and why one record is seen or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import chain as joined
from typing import Any

from django.utils import timezone

from salesops.core.lately import lately
from salesops.facts.scope import Scope, Sharing
from salesops.org import selectors as org
from salesops.org.engine.hierarchy import Person, chain, subtree
from salesops.permissions.engine import masks, sharing
from salesops.permissions.models import FieldMask, Overlay, Visibility
from salesops.platform import decisions
from salesops.platform.access import SEES_ALL_ROWS, real_id, role_scope, with_names
from salesops.platform.actors import Actor
from salesops.platform.identities import real_ids
from salesops.platform.roles import Role
from salesops.platform.selectors import data_day
from salesops.platform.store import fact_store

NEVER_BOUND = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})
"""Roles that the CRM's sharing never bounds: one decides it, the other checks it."""


@dataclass(frozen=True)
class Grant:
    """One reason why somebody sees records.

    Attributes:
        kind: role, own, hierarchy, team, deal_team or overlay.
        words: as a sentence about the person's records.
        scope: the rows it gives.
    """

    kind: str
    words: str
    scope: Scope


def present_day() -> date:
    """The day that masks and the CRM's sharing hold as of, whatever day is asked about.

    The later of the calendar's and the data's own: asking for an earlier day must not show what is
    hidden today.
    """
    return max(data_day(), timezone.now().date())


def rule(on: date) -> Visibility:
    """The visibility rule in force; the defaults where nothing is decided."""
    return decisions.in_force(Visibility, on).get("visibility") or Visibility()


def overlays(on: date) -> list[Overlay]:
    """Overlay assignments in force, by person."""
    return sorted(decisions.in_force(Overlay, on).values(), key=lambda row: row.subject.casefold())


def field_masks(on: date) -> list[FieldMask]:
    """Masks in force, by name."""
    return sorted(decisions.in_force(FieldMask, on).values(), key=lambda row: row.subject.casefold())


def decided_scope(actor: Actor, as_of: date, base: Scope) -> Scope:
    """Scope rule: what the firm decided, laid on what the role gives.

    Remembered per person: it rests on the facts version, the decisions, whose every writing moves the
    mark, and the two days.
    """
    return _scope(*_state(), actor.role, actor.person_id, as_of, base)


_State = tuple[str, str, datetime | None, str, date]


def _state() -> _State:
    store = fact_store()
    manifest = store.manifests.latest()
    return (
        str(store.address),
        manifest.id if manifest else "",
        manifest.recorded_at if manifest else None,
        decisions.high_water_mark(),
        present_day(),
    )


@lately(4096)
def _scope(
    address: str,
    manifest_id: str,
    recorded_at: datetime | None,
    mark: str,
    today: date,
    role: str,
    person_id: str,
    as_of: date,
    base: Scope,
) -> Scope:
    actor = Actor(name="", role=role, person_id=person_id)
    found = base
    for grant in _decided_grants(actor, as_of, base):
        found = _union(found, grant.scope)
    bound = _sharing(actor, today)
    if bound is not None:
        found = replace(found, everything=False, any_owner=found.everything or found.any_owner, sharing=bound)
    hidden = hidden_columns(actor, today)
    return replace(found, masked=found.masked | hidden) if hidden else found


def _union(one: Scope, other: Scope) -> Scope:
    return replace(
        one,
        owner_ids=one.owner_ids | other.owner_ids,
        account_ids=one.account_ids | other.account_ids,
        member_ids=one.member_ids | other.member_ids,
        matching=one.matching | other.matching,
    )


def grants(actor: Actor, as_of: date) -> list[Grant]:
    """Every reason why somebody sees records, as of a day; together they are the rows before the CRM's bound."""
    base = role_scope(actor, as_of)
    if base.everything:
        return [Grant("role", f"The role {Role(actor.role).label} sees every record.", base)]
    if not actor.person_id:
        return []
    person = real_id(actor.person_id)
    own = with_names({person})
    found = [Grant("own", "Records the person owns.", Scope(owner_ids=own))]
    below = base.owner_ids - own
    if below:
        found.append(
            Grant("hierarchy", "Records of those below in the hierarchy of now.", Scope(owner_ids=below))
        )
    return found + _decided_grants(actor, as_of, base)


def _decided_grants(actor: Actor, as_of: date, base: Scope) -> list[Grant]:
    if base.everything or not actor.person_id:
        return []
    person = real_id(actor.person_id)
    decided = rule(as_of)
    found: list[Grant] = []
    people = org.people(as_of)
    if decided.team_records and person in people and (team := people[person].team):
        mates = with_names(p.id for p in people.values() if p.team == team and p.id != person)
        found.append(Grant("team", f"Records of the members of the team {team}.", Scope(owner_ids=mates)))
    if decided.deal_teams:
        words = "Deals the person, or somebody below, works on beside the owner."
        found.append(Grant("deal_team", words, Scope(member_ids=_called(people, base.owner_ids))))
    titles = dict(Overlay.DIMENSIONS)
    for row in overlays(as_of):
        if real_id(row.person_id) == person:
            words = f"Assigned to {titles[row.dimension].lower()} {row.value}."
            found.append(Grant("overlay", words, _overlay_scope(row.dimension, row.value, people)))
    return found


def _called(people: Mapping[str, Person], ids: frozenset[str]) -> frozenset[str]:
    """Ids with the names and addresses that deal teams are written with, as far as they name one person only."""
    named: dict[str, set[str]] = {}
    for person in people.values():
        for text in {person.name, person.email} - {""}:
            named.setdefault(text, set()).add(person.id)
    return ids | {text for text, who in named.items() if len(who) == 1 and who <= ids}


def _overlay_scope(dimension: str, value: str, people: Mapping[str, Person]) -> Scope:
    """The rows of an overlay assignment."""
    if dimension in ("team", "region"):
        return Scope(owner_ids=with_names(p.id for p in people.values() if getattr(p, dimension) == value))
    if dimension == "owner":
        return Scope(owner_ids=with_names({real_id(value)}))
    if dimension == "account":
        return Scope(account_ids=_ids_called("accounts", "name", value))
    if dimension in ("product", "product_family"):
        ids = _ids_called("products", "name" if dimension == "product" else "family", value)
        tables = ("opportunities", "opportunity_lines")
        return Scope(matching=frozenset((table, "product_id", key) for table in tables for key in ids))
    return Scope(matching=frozenset({("accounts", dimension, value)}))


def _ids_called(table: str, column: str, value: str) -> frozenset[str]:
    """Ids of records with a value, the id itself, and the names that stood for them."""
    with fact_store().at() as facts:
        rows = facts.read(table, Scope.all(), deleted=True)
        wanted = rows.filter((rows[column] == value) | (rows.id == value)).select("id")
        ids = {row["id"] for row in facts.execute(wanted).to_pylist()}
    return frozenset(ids | {name for name, key in real_ids(table).items() if key in ids} | {value})


def bounded(actor: Actor, on: date) -> bool:
    """Whether the CRM's sharing bounds what somebody sees."""
    decided = rule(on)
    if not decided.sharing_tables or actor.role in NEVER_BOUND:
        return False
    return not (decided.operations_see_all and actor.role in SEES_ALL_ROWS)


def _sharing(actor: Actor, on: date) -> Sharing | None:
    if not bounded(actor, on):
        return None
    decided = rule(on)
    tables = frozenset(decided.sharing_tables)
    if not actor.person_id:
        return Sharing(tables=tables)
    person = real_id(actor.person_id)
    members, line = _crm_groups_and_line()
    people = {person} | (subtree(line, person) if decided.sharing_managers else frozenset())
    named = with_names(people)
    return Sharing(tables=tables, principals=sharing.principals(named, members), owner_ids=named)


def _crm_groups_and_line() -> tuple[dict[str, list[str]], dict[str, Person]]:
    """Member -> groups, and the reporting line, both as the newest import of the source says."""
    with fact_store().at() as facts:
        rows = facts.read("group_members", Scope.all())
        found = facts.execute(
            rows.select("group_id", "group_name", "member_id").filter(rows.member_id.notnull())
        ).to_pylist()
        users = facts.read("users", Scope.all(), deleted=True)
        named = facts.execute(users.select("id", "manager_id")).to_pylist()
    members: dict[str, list[str]] = {}
    for row in found:
        members.setdefault(row["member_id"], []).extend(
            name for name in (row["group_id"], row["group_name"]) if name
        )
    line = {
        real_id(u["id"]): Person(id=real_id(u["id"]), name="", manager_id=real_id(u["manager_id"] or ""))
        for u in sorted(named, key=lambda u: u["id"] in real_ids("users"), reverse=True)
    }
    return members, line


def hidden_columns(actor: Actor, on: date) -> frozenset[str]:
    """``table.column`` names hidden from somebody: by the account's role, or the person's sales role."""
    if actor.role == Role.ADMINISTRATOR:
        return frozenset()
    rows = field_masks(on)
    if not rows:
        return frozenset()
    names = {actor.role.casefold()}
    if actor.person_id and (person := org.people(on).get(real_id(actor.person_id))) and person.role:
        names.add(person.role.casefold())
    items = list(joined.from_iterable(r.columns for r in rows if names & {n.casefold() for n in r.roles}))
    return masks.expanded(items, known_columns()) if items else frozenset()


def known_columns() -> dict[str, dict[str, Any]]:
    """Table -> column -> type, own columns included."""
    store = fact_store()
    with store.at() as facts:
        return {table: facts.columns(table) for table in facts.tables()}


def sales_roles(on: date) -> list[str]:
    """Sales roles that people have, in alphabetical order."""
    return sorted({p.role for p in org.people(on).values() if p.role}, key=str.casefold)


def person_names(on: date) -> dict[str, str]:
    """Person id -> name."""
    return {person.id: person.name for person in org.people(on).values()}


def reporting_chain(person_id: str, on: date) -> list[str]:
    """Names of the managers above a person, nearest first."""
    people = org.people(on)
    return [people[i].name if i in people else i for i in chain(people, person_id)]


def overlay_dimensions() -> list[tuple[str, str]]:
    """What a part of the business can be named by, as (name, title)."""
    return list(Overlay.DIMENSIONS)
