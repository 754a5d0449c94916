"""A firm as plain values, how it is loaded, and who sees what in it by plain loops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings
from django.test import override_settings

from salesops.facts.incoming import Incoming
from salesops.facts.merge import merge
from salesops.facts.tests.builders import arrow
from salesops.org.models import Position
from salesops.permissions import services
from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor
from salesops.platform.decisions import decision_record
from salesops.platform.roles import Role
from salesops.platform.store import fact_store

BEFORE, AFTER = date(2024, 3, 1), date(2024, 6, 30)
"""A day before everything that is decided from MOVED on, and the data's own date."""
MOVED = date(2024, 5, 1)


@dataclass(frozen=True)
class World:
    """A firm.

    Attributes:
        managers: person -> manager as the source says, "" for none; circles may occur.
        teams: person -> team.
        moves: person -> manager decided from MOVED on.
        accounts: account -> (owner, segment).
        deals: deal -> (owner, account, product, collaborators).
        members: (deal, person) of the team table.
        shares: (table, record, user or group, access).
        groups: (group, member): members may be groups.
        overlays: (person, dimension, value, from MOVED on or always).
        team_records: never, always or from MOVED on.
        deal_teams, sharing_tables, sharing_managers, operations_see_all: the rule.
    """

    managers: Mapping[str, str]
    teams: Mapping[str, str] = field(default_factory=dict)
    moves: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    deals: Mapping[str, tuple[str, str, str, tuple[str, ...]]] = field(default_factory=dict)
    members: Sequence[tuple[str, str]] = ()
    shares: Sequence[tuple[str, str, str, str]] = ()
    groups: Sequence[tuple[str, str]] = ()
    overlays: Sequence[tuple[str, str, str, bool]] = ()
    team_records: str = "never"
    deal_teams: bool = True
    sharing_tables: tuple[str, ...] = ()
    sharing_managers: bool = True
    operations_see_all: bool = False


# --- Loading -------------------------------------------------------------------------------------


@contextmanager
def loaded(world: World, folder: Any) -> Any:
    """The world in a store of its own and in the decisions' database; the caller's transaction undoes it."""
    with override_settings(FACTS_PATH=folder, HOME=settings.HOME):
        store = fact_store()
        try:
            load_facts(world)
            decide(world)
            yield store
        finally:
            store.close()


def load_facts(world: World) -> None:
    """One import of everything, as of AFTER."""
    day = {"created_on": date(2024, 1, 2)}
    products = sorted({deal[2] for deal in world.deals.values() if deal[2]})
    tables: dict[str, list[dict[str, Any]]] = {
        "users": [
            {"id": p, "name": f"Name {p}", "manager_id": m or None, "team": world.teams.get(p) or None} | day
            for p, m in world.managers.items()
        ],
        "accounts": [
            {"id": a, "name": a, "owner_id": o, "segment": s} | day for a, (o, s) in world.accounts.items()
        ],
        "products": [{"id": p, "name": p} for p in products],
        "opportunities": [
            {
                "id": d, "name": d, "owner_id": o, "account_id": a, "product_id": p or None,
                "collaborators": "; ".join(c) or None,
            } | day
            for d, (o, a, p, c) in world.deals.items()
        ],
        "opportunity_lines": [{"id": f"line {d}", "opportunity_id": d} for d in world.deals],
        "opportunity_team": [
            {"id": f"{d}|{u}", "opportunity_id": d, "user_id": u} for d, u in dict.fromkeys(world.members)
        ],
        "record_shares": [
            {
                "id": str(n), "access": access, "principal_id": who,
                **(
                    {"opportunity_id": record}
                    if table == "opportunities"
                    else {"object": "Account", "record_id": record}
                ),
            }
            for n, (table, record, who, access) in enumerate(world.shares)
        ],
        "group_members": [
            {"id": f"{g}|{m}", "group_id": g, "member_id": m} for g, m in dict.fromkeys(world.groups)
        ],
    }  # fmt: skip
    early = {"users", "accounts", "products", "opportunities"}
    for on in (date(2024, 1, 31), AFTER):
        incoming = [
            Incoming(name, arrow(name, rows), ("id",), on, "crm", f"import of {on}")
            for name, rows in tables.items()
            if rows and (on == date(2024, 1, 31) or name in early)
        ]
        merge(fact_store(), incoming, recorded_at=datetime(on.year, on.month, on.day, tzinfo=UTC))


def decide(world: World) -> None:
    """The decisions of the world."""
    for person, manager in world.moves.items():
        decision_record(
            Position,
            actor=LOCAL_ADMINISTRATOR,
            subject=person,
            values={"person_id": person, "manager_id": manager, "team": "", "region": "", "role": ""},
            starts_on=MOVED,
        )
    rule = {
        "deal_teams": world.deal_teams,
        "sharing_tables": world.sharing_tables,
        "sharing_managers": world.sharing_managers,
        "operations_see_all": world.operations_see_all,
    }
    services.visibility_decide(
        actor=LOCAL_ADMINISTRATOR, team_records=world.team_records == "always", reason="test", **rule
    )
    if world.team_records == "from":
        services.visibility_decide(
            actor=LOCAL_ADMINISTRATOR, team_records=True, reason="test", starts_on=MOVED, **rule
        )
    for person, dimension, value, later in world.overlays:
        services.overlay_decide(
            actor=LOCAL_ADMINISTRATOR,
            person=person,
            dimension=dimension,
            value=value,
            starts_on=MOVED if later else None,
            reason="test",
        )


def actor(person: str, role: str) -> Actor:
    """Somebody's account."""
    return Actor(name=person or "nobody", role=role, person_id=person)


# --- The oracle: plain loops ---------------------------------------------------------------------


def managers_on(world: World, on: date) -> dict[str, str]:
    """Who reports to whom as decided for a day."""
    return {**world.managers, **(world.moves if on >= MOVED else {})}


def is_below(managers: Mapping[str, str], person: str, boss: str) -> bool:
    """Whether somebody stands below another, by climbing from manager to manager."""
    seen: set[str] = set()
    current = person
    while person != boss and current and current not in seen:
        seen.add(current)
        current = managers.get(current, "")
        if current == boss:
            return True
    return False


def _line(world: World, who: Actor, on: date) -> set[str]:
    """The person and, for a manager, those below."""
    if not who.person_id:
        return set()
    own = {who.person_id}
    if who.role == Role.SALES_MANAGER:
        managers = managers_on(world, on)
        own |= {p for p in world.managers if is_below(managers, p, who.person_id)}
    return own


def _teams_on(world: World, on: date) -> bool:
    return world.team_records == "always" or (world.team_records == "from" and on >= MOVED)


def _owners(world: World, who: Actor, on: date, line: set[str]) -> set[str]:
    """Whose records are granted by ownership."""
    found = set(line)
    me = who.person_id
    if me and _teams_on(world, on) and world.teams.get(me):
        found |= {p for p in world.managers if world.teams.get(p) == world.teams[me]}
    for person, dimension, value, later in world.overlays:
        if person == me and (not later or on >= MOVED):
            if dimension == "team":
                found |= {p for p in world.managers if world.teams.get(p) == value}
            if dimension == "owner":
                found.add(value)
    return found


def _assigned(world: World, who: Actor, on: date, dimension: str) -> set[str]:
    return {
        value
        for person, name, value, later in world.overlays
        if person == who.person_id and name == dimension and (not later or on >= MOVED)
    }


def _shown_by_crm(world: World, who: Actor, table: str, record: str, owner: str) -> bool:
    """Whether the CRM's own sharing shows a record."""
    if table not in world.sharing_tables or who.role in (Role.ADMINISTRATOR, Role.AUDITOR):
        return True
    if world.operations_see_all and who.role == Role.OPS_REPRESENTATIVE:
        return True
    me = who.person_id
    people = {me} if me else set()
    if me and world.sharing_managers:
        people |= {p for p in world.managers if is_below(world.managers, p, me)}
    if owner in people:
        return True
    principals = set(people)
    while True:
        more = {group for group, member in world.groups if member in principals} - principals
        if not more:
            break
        principals |= more
    return any(
        (t, r) == (table, record) and p in principals and access.lower() not in ("none", "")
        for t, r, p, access in world.shares
    )


def sees_account(world: World, who: Actor, on: date, account: str) -> bool:
    """Whether somebody sees an account."""
    owner, _ = world.accounts[account]
    granted = (
        who.role == Role.OPS_REPRESENTATIVE
        or owner in _owners(world, who, on, _line(world, who, on))
        or _by_account(world, who, on, account)
    )
    return granted and _shown_by_crm(world, who, "accounts", account, owner)


def _by_account(world: World, who: Actor, on: date, account: str) -> bool:
    if account in _assigned(world, who, on, "account"):
        return True
    segment = world.accounts[account][1] if account in world.accounts else ""
    return segment in _assigned(world, who, on, "segment")


def sees_deal(world: World, who: Actor, on: date, deal: str) -> bool:
    """Whether somebody sees a deal."""
    return deal in deals_seen(world, who, on, [deal])


def deals_seen(world: World, who: Actor, on: date, deals: Iterable[str]) -> set[str]:
    """Which of some deals somebody sees."""
    line = _line(world, who, on)
    owners = _owners(world, who, on, line)
    teams: dict[str, set[str]] = {}
    for deal, user in world.members:
        teams.setdefault(deal, set()).add(user)
    return {d for d in deals if _sees_deal(world, who, on, d, line, owners, teams.get(d, set()))}


def _sees_deal(
    world: World, who: Actor, on: date, deal: str, line: set[str], owners: set[str], team: set[str]
) -> bool:
    owner, account, product, collaborators = world.deals[deal]
    working = team | set(collaborators)
    granted = (
        who.role == Role.OPS_REPRESENTATIVE
        or owner in owners
        or (world.deal_teams and bool(working & line))
        or _by_account(world, who, on, account)
        or (product != "" and product in _assigned(world, who, on, "product"))
    )
    return granted and _shown_by_crm(world, who, "opportunities", deal, owner)
