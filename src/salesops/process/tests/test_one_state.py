"""One request reads one state of versions and decisions, and nothing older is kept under a newer mark."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client

from salesops.org.selectors import Firm, firm
from salesops.org.services import organisation_decide
from salesops.platform import decisions
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.manifests import DatabaseManifests
from salesops.platform.reading import one_state
from salesops.platform.roles import Role
from salesops.platform.signin import account_save
from salesops.platform.tests.roles import load_facts
from salesops.process import inputs
from salesops.process.inputs import open_frames

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 31)


@pytest.fixture
def imported() -> None:
    load_facts({"opportunities": [{"id": "006A", "name": "Alpha", "stage": "Won", "currency": "EUR"}]}, DAY)


def decide(currency: str) -> None:
    organisation_decide(actor=LOCAL_ADMINISTRATOR, values={"currency": currency})


def test_a_decision_that_lands_while_a_page_opens_shows_on_the_next(
    imported: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide("EUR")
    read = firm
    late = ["USD"]

    def overtaken(on: date, known_at: Any = None) -> Firm:
        found = read(on, known_at)
        if late:
            decide(late.pop())
        return found

    monkeypatch.setattr(inputs.org, "firm", overtaken)
    with open_frames(LOCAL_ADMINISTRATOR) as frames:
        assert frames.currency == "EUR"
    with open_frames(LOCAL_ADMINISTRATOR) as frames:
        assert frames.currency == "USD"


@pytest.mark.parametrize("first", ["firm", "mark"])
def test_in_one_state_the_mark_is_never_newer_than_the_firm(first: str) -> None:
    decide("EUR")
    old = decisions.high_water_mark()
    with one_state():
        if first == "firm":
            assert firm(DAY).currency == "EUR"
        else:
            assert decisions.high_water_mark() == old
        decide("USD")
        assert firm(DAY).currency == ("EUR" if first == "firm" else "USD")
        assert decisions.high_water_mark() == old
    assert decisions.high_water_mark() != old
    assert firm(DAY).currency == "USD"


def test_one_state_ends_with_its_block_and_asks_once(imported: None, django_assert_num_queries: Any) -> None:
    log = DatabaseManifests()
    with one_state(), django_assert_num_queries(1):
        newest = log.latest()
        assert newest is not None
        assert log.latest() is newest
        assert log.get(newest.id) is newest
    load_facts({"opportunities": [{"id": "006B", "name": "Beta"}]}, DAY)
    later = log.latest()
    assert later is not None
    assert later.id != newest.id


def test_each_request_sees_what_was_decided_before_it(client: Client, imported: None) -> None:
    client.force_login(account_save(actor=LOCAL_ADMINISTRATOR, username="vp", role=Role.OPS_VP))
    for currency in ("EUR", "GBP"):
        decide(currency)
        assert f'value="{currency}"' in client.get("/settings/company/").content.decode()
