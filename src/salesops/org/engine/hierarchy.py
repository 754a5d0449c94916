"""Who reports to whom: subtrees, chains and cycles of a reporting line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """One person as of a day.

    Attributes:
        id: key in the ``users`` facts.
        name: full name; the id where the source has none.
        manager_id: who they report to, or "".
        team, region, role: as decided, else as the source says, or "".
        is_active: False once the login is off or the last day has passed.
        decided: True where a position decision is in force, False where only the source speaks.
    """

    id: str
    name: str
    manager_id: str = ""
    team: str = ""
    region: str = ""
    role: str = ""
    email: str = ""
    is_active: bool = True
    decided: bool = False


def reports_of(people: Mapping[str, Person]) -> dict[str, list[str]]:
    """Direct reports by manager id, each list in id order."""
    reports: dict[str, list[str]] = defaultdict(list)
    for person in sorted(people.values(), key=lambda p: p.id):
        if person.manager_id:
            reports[person.manager_id].append(person.id)
    return dict(reports)


def subtree(people: Mapping[str, Person], person_id: str) -> frozenset[str]:
    """Everyone below a person at any depth, the person left out. A cycle is walked once."""
    return below(reports_of(people), person_id)


def below(reports: Mapping[str, Sequence[str]], person_id: str) -> frozenset[str]:
    """Everyone below a person, by direct reports; for many people's subtrees of one hierarchy."""
    seen: set[str] = set()
    waiting = list(reports.get(person_id, ()))
    while waiting:
        current = waiting.pop()
        if current == person_id or current in seen:
            continue
        seen.add(current)
        waiting.extend(reports.get(current, ()))
    return frozenset(seen)


def chain(people: Mapping[str, Person], person_id: str) -> list[str]:
    """Managers above a person, nearest first; stops where a cycle would begin."""
    above: list[str] = []
    current = people.get(person_id)
    while current is not None and current.manager_id and current.manager_id not in (person_id, *above):
        above.append(current.manager_id)
        current = people.get(current.manager_id)
    return above


def cycles(people: Mapping[str, Person]) -> list[list[str]]:
    """Reporting lines that bite their own tail, each once, starting at its smallest id."""
    found: set[tuple[str, ...]] = set()
    for start in people:
        path: list[str] = []
        current = start
        while current and current in people and current not in path:
            path.append(current)
            current = people[current].manager_id
        if current in path:
            loop = path[path.index(current) :]
            lowest = loop.index(min(loop))
            found.add(tuple(loop[lowest:] + loop[:lowest]))
    return [list(loop) for loop in sorted(found)]
