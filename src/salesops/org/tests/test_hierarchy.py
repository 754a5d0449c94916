"""Subtrees, chains and cycles, against a brute-force walk."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from salesops.org.engine.hierarchy import Person, chain, cycles, subtree

IDS = [f"p{n}" for n in range(8)]
firms = st.lists(st.sampled_from(["", *IDS]), min_size=8, max_size=8).map(
    lambda managers: {i: Person(id=i, name=i, manager_id=m) for i, m in zip(IDS, managers, strict=True)}
)


def reaches(people: dict[str, Person], start: str, goal: str) -> bool:
    """Whether going up from ``start`` meets ``goal``, in at most as many steps as there are people."""
    current = people[start].manager_id
    for _ in people:
        if current == goal:
            return True
        if not current:
            return False
        current = people[current].manager_id
    return False


@given(firms)
def test_subtree_is_everyone_who_reaches_the_top(people: dict[str, Person]) -> None:
    for top in people:
        expected = {i for i in people if i != top and reaches(people, i, top)}
        assert subtree(people, top) == expected


@given(firms)
def test_cycles_are_the_people_who_reach_themselves(people: dict[str, Person]) -> None:
    assert {i for loop in cycles(people) for i in loop} == {i for i in people if reaches(people, i, i)}
    assert all(
        people[a].manager_id == b
        for loop in cycles(people)
        for a, b in zip(loop, [*loop[1:], loop[0]], strict=True)
    )


@given(firms)
def test_chain_goes_up_and_ends(people: dict[str, Person]) -> None:
    for start in people:
        above = chain(people, start)
        assert start not in above
        assert len(set(above)) == len(above)
        for lower, upper in zip([start, *above], above, strict=False):
            assert people[lower].manager_id == upper
