"""Every rule on small tables worked by hand: what is faulty, what is sound, what can't be judged."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest

from salesops.quality.engine import catalogue
from salesops.quality.engine.rules import RuleContext, counted, faulty_rows, findings

TODAY = date(2026, 6, 30)
CONTEXT = RuleContext(as_of=TODAY, longest_cycle=100)
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("stage_class", pa.string()),
        ("amount", pa.decimal128(19, 4)),
        ("created_on", pa.date32()),
        ("closed_on", pa.date32()),
        ("expected_close_on", pa.date32()),
        ("next_step", pa.string()),
        ("loss_reason", pa.string()),
        ("owner_id", pa.string()),
        ("owner_active", pa.bool_()),
        ("account_id", pa.string()),
        ("product_id", pa.string()),
        ("product_implied", pa.bool_()),
    ]
)
SOUND: dict[str, Any] = {
    "stage_class": "open",
    "amount": Decimal(10),
    "created_on": date(2026, 5, 1),
    "closed_on": None,
    "expected_close_on": date(2026, 8, 1),
    "next_step": "Call",
    "loss_reason": None,
    "owner_id": "u",
    "owner_active": True,
    "account_id": "a",
    "product_id": "p",
    "product_implied": False,
}
WON = {"stage_class": "won", "closed_on": date(2026, 6, 1), "expected_close_on": None}
LOST = {**WON, "stage_class": "lost", "loss_reason": "Price"}


def deals(*rows: dict[str, Any]) -> ibis.Table:
    filled = [{"id": str(n), **SOUND, **row} for n, row in enumerate(rows)]
    return ibis.memtable(pa.Table.from_pylist(filled, schema=SCHEMA))


@pytest.mark.parametrize(
    "code, faulty, sound",
    [
        ("DQ01", {"expected_close_on": date(2026, 6, 29)}, {"expected_close_on": TODAY}),
        ("DQ02", {"expected_close_on": None}, {}),
        ("DQ03", {"expected_close_on": date(2027, 12, 31)}, {"expected_close_on": date(2027, 12, 30)}),
        ("DQ06", {**WON, "created_on": date(2026, 6, 2)}, {**WON, "created_on": date(2026, 6, 1)}),
        ("DQ07", {"next_step": "  "}, {}),
        ("DQ12", {"amount": None}, {"amount": Decimal("0.01")}),
        ("DQ13", {"amount": Decimal(-1)}, {"amount": Decimal(0)}),
        ("DQ12W", {**WON, "amount": Decimal(0)}, WON),
        ("DQ20", {"product_implied": True}, {"product_id": None, "product_implied": None}),
        ("DQ27", {"created_on": date(2026, 3, 21)}, {"created_on": date(2026, 3, 22)}),
        ("DQ27U", {"stage_class": "unmapped"}, {}),
        ("DQ30", {**WON, "created_on": date(2026, 6, 1)}, WON),
        ("DQ33", {**LOST, "loss_reason": None}, LOST),
        ("DQ37", {"owner_active": False}, {"owner_active": None}),
        ("DQ37N", {"owner_id": None}, {}),
        ("DQ40", {"account_id": None}, {**WON, "account_id": None}),
        ("DQ40C", {**WON, "account_id": None}, {"account_id": None}),
    ],
)
def test_each_rule_names_the_faulty_row_alone(
    code: str, faulty: dict[str, Any], sound: dict[str, Any]
) -> None:
    table = deals(faulty, sound)
    rule = catalogue.RULES[code]
    assert faulty_rows(table, rule, CONTEXT).to_pyarrow()["id"].to_pylist() == ["0"]
    row = counted(table, [rule], CONTEXT).to_pyarrow().to_pylist()[0]
    if row[f"{code}_known"]:
        assert findings([rule], row)[0].faulty == 1


def test_every_rule_on_deals_is_tried_above() -> None:
    tried = {
        mark.args[1][n][0] for mark in test_each_rule_names_the_faulty_row_alone.pytestmark for n in range(17)
    }
    assert tried == {rule.code for rule in catalogue.DEALS}


def test_a_column_nobody_filled_is_not_applicable_rather_than_clean() -> None:
    table = deals({"next_step": None}, {"next_step": None})
    row = counted(table, [catalogue.RULES["DQ07"]], CONTEXT).to_pyarrow().to_pylist()[0]
    finding = findings([catalogue.RULES["DQ07"]], row)[0]
    assert finding.applicable is None
    assert finding.clean_share is None
    assert "next_step" in finding.reason


def test_money_at_risk_and_clean_share() -> None:
    table = deals({"expected_close_on": date(2026, 1, 1), "amount": Decimal(7)}, {}, {}, {})
    row = counted(table, [catalogue.RULES["DQ01"]], CONTEXT).to_pyarrow().to_pylist()[0]
    finding = findings([catalogue.RULES["DQ01"]], row)[0]
    assert (finding.applicable, finding.faulty, finding.amount) == (4, 1, Decimal(7))
    assert finding.clean_share == Decimal("0.75")
