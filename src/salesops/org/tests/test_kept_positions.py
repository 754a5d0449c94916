"""Decided positions outlast new facts, and never a decision."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from salesops.org import selectors
from salesops.org.models import Position
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.decisions import decision_record
from salesops.platform.reading import one_state
from salesops.platform.tests.roles import DATA_DAY, load_facts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def facts(facts_home: Path) -> Iterator[None]:
    load_facts({"users": [{"id": "u1", "name": "Ann"}, {"id": "u2", "name": "Ben"}]})
    yield
    selectors._people_in_facts.cache_clear()


def decide(person: str, team: str) -> None:
    decision_record(
        Position,
        actor=LOCAL_ADMINISTRATOR,
        subject=person,
        values={"person_id": person, "manager_id": "", "team": team, "region": "", "role": ""},
    )


def request() -> tuple[dict[str, tuple[str, str]], int]:
    """Name and team of everybody as a request that only reads sees them, and how often it asked for positions."""
    with one_state(), CaptureQueriesContext(connection) as asked:
        found = selectors.people(DATA_DAY)
    tables = sum(Position._meta.db_table in query["sql"] for query in asked.captured_queries)
    return {key: (person.name, person.team) for key, person in found.items()}, tables


def test_new_facts_show_at_once_without_reading_positions_anew() -> None:
    decide("u1", "North")
    assert request() == ({"u1": ("Ann", "North"), "u2": ("Ben", "")}, 1)
    assert request()[1] == 0
    load_facts({"users": [{"id": "u1", "name": "Anna"}, {"id": "u3", "name": "Cid"}]})
    assert request() == ({"u1": ("Anna", "North"), "u2": ("Ben", ""), "u3": ("Cid", "")}, 0)


def test_a_decision_shows_at_once() -> None:
    decide("u1", "North")
    request()
    decide("u1", "South")
    decide("u3", "West")
    load_facts({"users": [{"id": "u3", "name": "Cid"}]})
    assert request() == ({"u1": ("Ann", "South"), "u2": ("Ben", ""), "u3": ("Cid", "West")}, 1)
