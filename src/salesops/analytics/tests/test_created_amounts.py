"""Pipeline generation from the change log: in the firm's currency, of the amount that counts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from salesops.analytics import home
from salesops.analytics.selectors import Question, ask, numbers
from salesops.crm import services
from salesops.crm.decision_services import amount_rule_decide
from salesops.org.services import organisation_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR

pytestmark = pytest.mark.django_db

DEALS = """Id,Name,StageName,Amount,CurrencyIsoCode,CreatedDate,CloseDate,ACV__c
006000000000001AAA,Alpha,Proposal,150.00,USD,2026-01-05T10:00:00.000Z,2026-06-30,1500.00
006000000000002AAA,Beta,Proposal,300.00,EUR,2026-01-10T10:00:00.000Z,2026-06-30,3000.00
"""
HISTORY = """Id,OpportunityId,CreatedById,CreatedDate,Field,OldValue,NewValue
017000000000001AAA,006000000000001AAA,005000000000001AAA,2026-02-01T10:00:00.000Z,Amount,100.00,150.00
017000000000002AAA,006000000000002AAA,005000000000001AAA,2026-01-10T10:00:00.000Z,StageName,,Proposal
"""
RATES = """from_currency,to_currency,valid_on,rate
USD,EUR,2026-01-01,0.5
"""
RATE_MAPPING = {
    "object": "exchange_rates",
    "columns": {
        "from_currency": "from_currency",
        "to_currency": "to_currency",
        "valid_on": "valid_on",
        "rate": "rate",
    },
    "key": ["from_currency", "to_currency", "valid_on"],
}


@pytest.fixture(autouse=True)
def _imported(tmp_path: Path) -> None:
    organisation_decide(actor=LOCAL_ADMINISTRATOR, values={"currency": "EUR"})
    folder = tmp_path / "crm"
    folder.mkdir()
    (folder / "Opportunity.csv").write_text(DEALS, encoding="utf-8")
    (folder / "OpportunityFieldHistory.csv").write_text(HISTORY, encoding="utf-8")
    services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[folder], data_on=date(2026, 3, 1))
    rates = tmp_path / "rates.csv"
    rates.write_text(RATES, encoding="utf-8")
    services.import_now(
        actor=LOCAL_ADMINISTRATOR, paths=[rates], data_on=date(2026, 3, 1), mapping=RATE_MAPPING
    )


def generated() -> Decimal:
    answer = numbers(LOCAL_ADMINISTRATOR, ["pipeline_generation"], Question(period="2026-Q1"))
    return Decimal(str(answer.values[0].value))


def test_what_was_created_is_told_in_the_firm_s_currency() -> None:
    # 100 USD, before it became 150, at 0.5, and 300 EUR.
    assert generated() == Decimal(350)


def test_the_history_of_another_amount_says_nothing_of_the_one_that_counts() -> None:
    amount_rule_decide(
        actor=LOCAL_ADMINISTRATOR, deal_kind="all", column="x_acv", reason="contracts count by the year"
    )
    assert generated() == Decimal(3750)


@pytest.mark.parametrize("first", ["then", "now"])
def test_what_counted_then_and_what_counts_now_do_not_answer_for_each_other(first: str) -> None:
    """Alpha's Amount changed in February; its ACV, which counts by a later decision, never did."""
    before = datetime.now(UTC)
    amount_rule_decide(
        actor=LOCAL_ADMINISTRATOR, deal_kind="all", column="x_acv", reason="contracts count by the year"
    )
    february = home.Window(date(2026, 1, 31), date(2026, 3, 1), "since January")

    def changed(known_at: datetime | None) -> int:
        with ask(LOCAL_ADMINISTRATOR, Question(known_at=known_at)) as asked:
            return home.change_counts(asked, february)["amount"]

    wanted = {"then": (before, 1), "now": (None, 0)}
    for when in (first, *(wanted.keys() - {first}), first):
        known_at, amounts = wanted[when]
        assert changed(known_at) == amounts, when
