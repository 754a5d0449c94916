"""What people see against plain loops: random firms with hierarchies, teams, overlays, shares and dates."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesops.facts.scope import Scope
from salesops.permissions import inputs
from salesops.permissions.tests import world as w
from salesops.permissions.tests.world import AFTER, BEFORE, World
from salesops.platform.access import scope
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.roles import Role

PEOPLE = [f"u{n}" for n in range(7)]
TEAMS, SEGMENTS, PRODUCTS = ["", "north", "south"], ["big", "small"], ["", "p1", "p2"]
ACCOUNTS, GROUPS = [f"a{n}" for n in range(4)], ["g1", "g2", "g3"]
ROLES = [Role.REP, Role.SALES_MANAGER, Role.OPS_REPRESENTATIVE]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    def one(choices: list[str]) -> st.SearchStrategy[str]:
        return st.sampled_from(choices)

    deals = [f"d{n}" for n in range(draw(st.integers(1, 8)))]
    people, principals = one(PEOPLE), one([*PEOPLE, *GROUPS])
    working = st.lists(people, max_size=2, unique=True)
    return World(
        managers=draw(st.fixed_dictionaries({p: one(["", *(q for q in PEOPLE if q != p)]) for p in PEOPLE})),
        teams=draw(st.fixed_dictionaries({p: one(TEAMS) for p in PEOPLE})),
        moves={
            p: m for p, m in draw(st.dictionaries(people, people, max_size=3)).items() if p != m
        },
        accounts={a: (draw(people), draw(one(SEGMENTS))) for a in ACCOUNTS},
        deals={
            d: (draw(people), draw(one(ACCOUNTS)), draw(one(PRODUCTS)), tuple(draw(working)))
            for d in deals
        },
        members=draw(st.lists(st.tuples(one(deals), people), max_size=4)),
        shares=draw(
            st.lists(
                st.one_of(
                    st.tuples(st.just("opportunities"), one(deals), principals, one(["Read", "Edit", "None"])),
                    st.tuples(st.just("accounts"), one(ACCOUNTS), principals, one(["Read", "All"])),
                ),
                max_size=8,
            )
        ),
        groups=draw(st.lists(st.tuples(one(GROUPS), principals), max_size=5)),
        overlays=draw(
            st.lists(
                st.one_of(
                    st.tuples(people, st.just("team"), one(TEAMS[1:]), st.booleans()),
                    st.tuples(people, st.just("owner"), people, st.booleans()),
                    st.tuples(people, st.just("segment"), one(SEGMENTS), st.booleans()),
                    st.tuples(people, st.just("account"), one(ACCOUNTS), st.booleans()),
                    st.tuples(people, st.just("product"), one(PRODUCTS[1:]), st.booleans()),
                ),
                max_size=3,
                unique_by=lambda o: o[:3],
            )
        ),
        team_records=draw(one(["never", "always", "from"])),
        deal_teams=draw(st.booleans()),
        sharing_tables=draw(st.sampled_from([(), ("opportunities",), ("accounts", "opportunities")])),
        sharing_managers=draw(st.booleans()),
        operations_see_all=draw(st.booleans()),
    )  # fmt: skip


@pytest.mark.django_db
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds(), seed=st.integers(0, 10**6))
def test_everybody_sees_what_plain_loops_say(
    tmp_path_factory: pytest.TempPathFactory, world: World, seed: int
) -> None:
    chance = random.Random(seed)
    asked = [w.actor(p, chance.choice(ROLES)) for p in chance.sample(PEOPLE, 3)]
    asked.append(w.actor("", chance.choice([Role.REP, Role.OPS_REPRESENTATIVE])))
    with transaction.atomic(), w.loaded(world, tmp_path_factory.mktemp("facts")) as store:
        for on in (BEFORE, AFTER):
            with store.at() as facts:
                for who in asked:
                    seen = scope(who, on)

                    def ids(table: str, seen: Scope = seen, facts=facts) -> set[str]:
                        return set(facts.execute(facts.read(table, seen).select("id")).column(0).to_pylist())

                    deals = {d for d in world.deals if w.sees_deal(world, who, on, d)}
                    assert ids("opportunities") == deals
                    assert ids("opportunity_lines") == {f"line {d}" for d in deals}
                    assert ids("accounts") == {a for a in world.accounts if w.sees_account(world, who, on, a)}
                    assert ids("record_shares") == (
                        {str(n) for n in range(len(world.shares))} if seen.everything else set()
                    )
        for who in asked[:2]:
            deal = chance.choice(list(world.deals))
            told = inputs.explain(LOCAL_ADMINISTRATOR, who, "opportunities", deal)
            assert told.visible == w.sees_deal(world, who, AFTER, deal)
            assert bool(told.because if told.visible else told.against)
        transaction.set_rollback(True)


def big_world(people: int = 1000, deals: int = 3000) -> World:
    """Six levels below one head: 1, 3, 12, 60, 224, the rest."""
    chance = random.Random(7)
    names = [f"u{n}" for n in range(people)]
    levels, start = [], 0
    for size in (1, 3, 12, 60, 224, people - 300):
        levels.append(names[start : start + size])
        start += size
    managers = {levels[0][0]: ""}
    for above, below in pairwise(levels):
        managers |= {p: above[n % len(above)] for n, p in enumerate(below)}
    accounts = {f"a{n}": (chance.choice(names), chance.choice(SEGMENTS)) for n in range(300)}
    return World(
        managers=managers,
        teams={p: f"team {managers[p]}" for p in names},
        moves={levels[3][0]: levels[2][5], levels[4][1]: levels[3][9]},
        accounts=accounts,
        deals={
            f"d{n}": (chance.choice(names), f"a{chance.randrange(300)}", chance.choice(PRODUCTS), ())
            for n in range(deals)
        },
        members=[(f"d{chance.randrange(deals)}", chance.choice(names)) for _ in range(600)],
        overlays=[(levels[5][0], "segment", "big", False), (levels[2][1], "product", "p1", True)],
        team_records="from",
    )


@pytest.mark.django_db
def test_a_thousand_people_on_six_levels(tmp_path: Path) -> None:
    world = big_world()
    people = list(world.managers)
    with w.loaded(world, tmp_path / "facts") as store:
        for on in (BEFORE, AFTER):
            managers = w.managers_on(world, on)
            below: dict[str, set[str]] = {p: set() for p in people}
            for person in people:
                current = managers[person]
                while current:
                    below[current].add(person)
                    current = managers[current]
            # Some of every level, those whose manager moved, and those who are specialists.
            for person in {*people[:16], *people[16:76:10], *people[76::60], *world.moves, "u300", "u2"}:
                seen = scope(w.actor(person, Role.SALES_MANAGER), on)
                mates = {p for p in people if world.teams[p] == world.teams[person]} if on == AFTER else set()
                assert seen.owner_ids == {person} | below[person] | mates
        assert max(len(b) for b in below.values()) == len(people) - 1
        with store.at() as facts:
            for person in [*people[:6], *people[50:1000:190]]:
                who = w.actor(person, Role.SALES_MANAGER)
                found = facts.execute(facts.read("opportunities", scope(who, AFTER)).select("id"))
                assert set(found.column(0).to_pylist()) == w.deals_seen(world, who, AFTER, world.deals)
