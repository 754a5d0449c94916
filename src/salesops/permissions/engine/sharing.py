"""The CRM's own sharing: whose shares count for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def principals(people: Iterable[str], groups_of: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """People, the groups they are in, and the groups those are in, at any depth.

    Args:
        people: users.
        groups_of: member (user or group) -> groups that hold it. A circle of groups is walked once.
    """
    found: set[str] = set()
    waiting = list(people)
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(groups_of.get(current, ()))
    return frozenset(found)
