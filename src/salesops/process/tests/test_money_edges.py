"""Amounts at the edges: weak currencies, large figures, masked columns, repairs of typed columns."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from salesops.crm import services
from salesops.crm.decision_services import repair_decide
from salesops.facts.scope import Scope
from salesops.org.selectors import firm
from salesops.org.services import organisation_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.process import inputs
from salesops.process.engine import deals as engine
from salesops.process.engine.deals import Rate
from salesops.process.inputs import open_frames
from salesops.process.tests.test_deals_engine import table

DAY = date(2026, 3, 1)
EXPORT = """Opportunity ID,Opportunity Name,Account Name,Stage,Amount,Currency,Created Date,Close Date,Seats
006A,Alpha,Acme,Closed Won,100.00,EUR,2026-01-05,2026-02-04,5
006B,Beta,Acme,Closed Won,300.00,,2026-01-10,2026-03-01,7
006C,Gamma,Acme,Closed Won,500.00,GBP,2026-01-10,2026-03-01,9
"""


def converted(amount: str, rates: list[Rate]) -> Decimal | None:
    rows = table({"amount": Decimal(amount), "currency": "IDR", "close_on": None})
    rows = engine.classed(rows, [], as_of=None)
    rows = engine.amounted(rows, [])
    found: Any = engine.converted(rows, ["IDR"], "USD", rates, DAY).to_pyarrow()
    return found["amount"][0].as_py()  # type: ignore[no-any-return]


def test_the_inverse_of_a_large_rate_keeps_its_digits() -> None:
    assert converted("1600000000", [Rate("USD", "IDR", DAY, Decimal(16000))]) == Decimal("100000.0000")


def test_amounts_as_large_as_the_store_keeps_are_converted() -> None:
    rate = Rate("IDR", "USD", DAY, Decimal("0.5"))
    assert converted("99999999999999.0000", [rate]) == Decimal("49999999999999.5000")


@pytest.fixture
def imported(tmp_path: Path, db: None) -> None:
    path = tmp_path / "deals.csv"
    path.write_text(EXPORT, encoding="utf-8")
    services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[path], data_on=date(2026, 3, 31))


def amounts() -> tuple[dict[str, Decimal | None], list[str], str]:
    with open_frames(LOCAL_ADMINISTRATOR) as frames:
        rows = frames.facts.execute(frames.deals.select("id", "amount")).to_pylist()
        return {r["id"]: r["amount"] for r in rows}, frames.notes, frames.currency


def test_rows_without_a_currency_are_in_the_decided_one(imported: None) -> None:
    organisation_decide(actor=LOCAL_ADMINISTRATOR, values={"currency": "EUR"})
    found, notes, currency = amounts()
    assert found == {"006A": Decimal(100), "006B": Decimal(300), "006C": None}
    assert currency == "EUR"
    assert any("GBP" in note for note in notes)


def test_a_repair_of_a_column_that_is_no_text_changes_nothing(imported: None) -> None:
    repair_decide(
        actor=LOCAL_ADMINISTRATOR, table="opportunities", column="x_seats", value="5", replacement="6"
    )
    assert set(amounts()[0]) == {"006A", "006B", "006C"}


def test_a_masked_amount_shows_in_no_other_column(imported: None, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = Scope(everything=True, masked=frozenset({"opportunities.amount", "accounts.name"}))
    monkeypatch.setattr(inputs, "scope_of", lambda actor, day: hidden)
    with open_frames(LOCAL_ADMINISTRATOR) as frames:
        rows = frames.facts.execute(frames.deals).to_pylist()
    for column in ("amount", "source_amount", "amount_estimate", "account_name"):
        assert {r[column] for r in rows} == {None}


@pytest.mark.django_db
def test_a_field_decided_for_always_keeps_what_was_in_force_always() -> None:
    organisation_decide(actor=LOCAL_ADMINISTRATOR, values={"currency": "EUR", "fiscal_start_month": 1})
    organisation_decide(
        actor=LOCAL_ADMINISTRATOR,
        values={"currency": "USD", "fiscal_start_month": 7},
        starts_on=date(2026, 1, 1),
        reason="moved",
    )
    organisation_decide(actor=LOCAL_ADMINISTRATOR, values={"name": "Acme"})
    before, after = firm(date(2025, 6, 1)), firm(date(2026, 6, 1))
    assert (before.currency, before.calendar.start_month) == ("EUR", 1)
    assert (after.currency, after.calendar.start_month) == ("USD", 7)
