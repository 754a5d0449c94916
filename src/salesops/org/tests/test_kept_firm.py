"""The firm is kept across requests, and never beyond a decision."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from salesops.org import selectors
from salesops.org.models import Organisation
from salesops.org.services import organisation_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.reading import one_state

DAY = date(2026, 9, 30)

pytestmark = pytest.mark.django_db(transaction=True)


def decide(currency: str) -> None:
    organisation_decide(actor=LOCAL_ADMINISTRATOR, values={"currency": currency})


def request() -> tuple[str, int]:
    """The firm's currency as a request that only reads sees it, and how often it asked for the decision."""
    with one_state(), CaptureQueriesContext(connection) as asked:
        found = selectors.firm(DAY).currency
    return found, sum(Organisation._meta.db_table in query["sql"] for query in asked.captured_queries)


def test_it_is_read_once_and_a_decision_shows_at_once() -> None:
    assert request() == ("", 1)
    assert request() == ("", 1), "nothing was decided: there is no mark to keep it under"
    decide("EUR")
    assert request() == ("EUR", 1)
    assert request() == ("EUR", 0)
    decide("USD")
    assert request() == ("USD", 1)
    assert request() == ("USD", 0)


def test_what_is_not_committed_is_never_kept() -> None:
    decide("EUR")
    assert request() == ("EUR", 1)
    with transaction.atomic():
        decide("USD")
        assert request() == ("USD", 1)
        transaction.set_rollback(True)
    assert request() == ("EUR", 0)


def test_outside_a_reading_request_it_is_asked_anew() -> None:
    decide("EUR")
    with CaptureQueriesContext(connection) as asked:
        assert selectors.firm(DAY).currency == selectors.firm(DAY).currency == "EUR"
    assert sum(Organisation._meta.db_table in query["sql"] for query in asked.captured_queries) == 2
