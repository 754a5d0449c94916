"""Stage classes, amounts and currencies of deals, on small tables worked by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest

from salesops.process.engine import deals as engine
from salesops.process.engine.deals import AmountRule, Rate, StageRule

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("pipeline", pa.string()),
        ("stage", pa.string()),
        ("status", pa.string()),
        ("is_closed", pa.bool_()),
        ("is_won", pa.bool_()),
        ("type", pa.string()),
        ("forecast_category", pa.string()),
        ("amount", pa.decimal128(19, 4)),
        ("x_renewal_amount", pa.decimal128(19, 4)),
        ("currency", pa.string()),
        ("close_on", pa.date32()),
        ("expected_close_on", pa.date32()),
    ]
)


def table(*rows: dict[str, Any]) -> ibis.Table:
    return ibis.memtable(
        pa.Table.from_pylist([{"id": str(n), **row} for n, row in enumerate(rows)], schema=SCHEMA)
    )


def column(expr: ibis.Table, name: str) -> list[Any]:
    return expr.order_by("id").to_pyarrow()[name].to_pylist()


RULES = [
    StageRule("", "Negotiate", "open", 1, decided=False),
    StageRule("", "Won", "won", 2, decided=True),
    StageRule("", "Parked", "ignored", 3, decided=True),
    StageRule("", "Signed", "won", 4, decided=False, pitched=True, forecast_category="closed"),
]


@pytest.mark.parametrize(
    "row, expected",
    [
        ({"stage": "Won"}, "won"),
        ({"stage": "Won", "is_closed": False}, "won"),  # a decision stands before the source's flags
        ({"stage": "Signed"}, "won"),  # a proposal from the name
        ({"stage": "Signed", "status": "Lost"}, "lost"),  # the source's status stands before a proposal
        ({"stage": "Negotiate", "is_closed": True, "is_won": True}, "won"),
        ({"stage": "Negotiate", "is_closed": True, "is_won": False}, "lost"),
        ({"stage": "Negotiate", "is_closed": False}, "open"),
        ({"stage": "Parked", "is_closed": True, "is_won": True}, "ignored"),
        ({"stage": "Somewhere"}, "unmapped"),
        ({"stage": None}, "unmapped"),
    ],
)
def test_precedence_of_stage_classes(row: dict[str, Any], expected: str) -> None:
    assert column(engine.classed(table(row), RULES, as_of=None), "stage_class") == [expected]


def test_the_same_stage_means_different_things_in_two_pipelines() -> None:
    rules = [StageRule("New", "Done", "won", decided=True), StageRule("Churn", "Done", "lost", decided=True)]
    rows = table(
        {"pipeline": "New", "stage": "Done"}, {"pipeline": "Churn", "stage": "Done"}, {"stage": "Done"}
    )
    assert column(engine.classed(rows, rules, as_of=None), "stage_class") == ["won", "lost", "unmapped"]


def test_closed_later_than_as_of_is_open() -> None:
    rows = table(
        {"stage": "Won", "close_on": date(2026, 3, 1)}, {"stage": "Won", "close_on": date(2026, 1, 1)}
    )
    found = engine.classed(rows, RULES, as_of=date(2026, 2, 1))
    assert column(found, "stage_class") == ["open", "won"]
    assert column(found, "closed_on") == [None, date(2026, 1, 1)]
    assert column(found, "expected_close_on") == [date(2026, 3, 1), None]
    assert column(found, "stage") == [None, "Won"]


def test_amount_by_kind_of_deal() -> None:
    rows = table(
        {"type": "Renewal", "amount": Decimal(10), "x_renewal_amount": Decimal(7)},
        {"type": "New Business", "amount": Decimal(10), "x_renewal_amount": None},
    )
    rules = [AmountRule("renewal", "x_renewal_amount", ("Renewal",))]
    found = engine.amounted(rows, rules)
    assert column(found, "source_amount") == [Decimal(7), Decimal(10)]
    assert column(found, "deal_kind") == ["renewal", "new"]


def test_each_deal_at_the_rate_of_its_own_day() -> None:
    rates = [
        Rate("EUR", "USD", date(2026, 1, 1), Decimal("1.10")),
        Rate("EUR", "USD", date(2026, 2, 1), Decimal("1.20")),
    ]
    rows = table(
        {"stage": "Won", "currency": "EUR", "amount": Decimal(100), "close_on": date(2026, 1, 31)},
        {"stage": "Won", "currency": "EUR", "amount": Decimal(100), "close_on": date(2026, 2, 1)},
        {"stage": "Negotiate", "currency": "EUR", "amount": Decimal(100)},
        {"stage": "Won", "currency": "USD", "amount": Decimal(100), "close_on": date(2026, 2, 1)},
        {"stage": "Won", "currency": "GBP", "amount": Decimal(100), "close_on": date(2026, 2, 1)},
    )
    classed = engine.amounted(engine.classed(rows, RULES, as_of=None), [])
    currencies = ["EUR", "USD", "GBP"]
    found = engine.converted(classed, currencies, "USD", rates, date(2026, 3, 1))
    assert column(found, "amount") == [Decimal(110), Decimal(120), Decimal(120), Decimal(100), None]
    assert engine.without_rate(currencies, "USD", rates) == ["GBP"]


def test_one_currency_needs_no_rate_and_no_decision() -> None:
    rows = engine.amounted(table({"currency": "EUR", "amount": Decimal(5)}), []).mutate(
        closed_on=ibis.null("date")
    )
    assert column(engine.converted(rows, ["EUR"], "", [], date(2026, 1, 1)), "amount") == [Decimal(5)]
    assert engine.without_rate(["EUR"], "", []) == []
    assert engine.without_rate(["EUR", "USD"], "", []) == ["EUR", "USD"]


def test_the_inverse_rate_serves_where_only_it_is_given() -> None:
    rates = [Rate("USD", "EUR", date(2026, 1, 1), Decimal("0.5"))]
    rows = engine.amounted(table({"currency": "EUR", "amount": Decimal(5)}), []).mutate(
        closed_on=ibis.null("date")
    )
    assert column(engine.converted(rows, ["EUR"], "USD", rates, date(2026, 1, 1)), "amount") == [Decimal(10)]


def test_a_repaired_label_takes_its_reference_along() -> None:
    rows = ibis.memtable(
        pa.table({"id": ["1", "2"], "product_name": ["GTXPro", "MG"], "product_id": ["GTXPro", "P2"]})
    )
    found = engine.relinked(
        engine.repaired(rows, {"product_name": {"GTXPro": "GTX Pro"}}), "product_id", {"GTXPro": "P1"}
    )
    assert column(found, "product_name") == ["GTX Pro", "MG"]
    assert column(found, "product_id") == ["P1", "P2"]
