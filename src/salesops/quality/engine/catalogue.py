"""The rules, one declaration each. Codes and severities are those of the rule catalogue."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from salesops.quality.engine.rules import MONEY, Rule, RuleContext


def _all(t: ir.Table, c: RuleContext) -> ir.BooleanValue:
    return t.id.notnull()


def _open(t: ir.Table, c: RuleContext) -> ir.BooleanValue:
    return t.stage_class == "open"


def _won(t: ir.Table, c: RuleContext) -> ir.BooleanValue:
    return t.stage_class == "won"


def _lost(t: ir.Table, c: RuleContext) -> ir.BooleanValue:
    return t.stage_class == "lost"


def _blank(column: ir.StringValue) -> ir.BooleanValue:
    return column.isnull() | (column.strip() == "")


def _ghost(t: ir.Table, c: RuleContext) -> ir.BooleanValue:
    if c.longest_cycle is None:
        return ibis.literal(False)
    return t.created_on < c.oldest


ZERO = ibis.literal(0).cast(MONEY)

DEALS: tuple[Rule, ...] = (
    Rule(
        "DQ01",
        "Open deal with a close date in the past",
        "deals",
        "critical",
        "expected_close_on",
        _open,
        lambda t, c: t.expected_close_on < ibis.literal(c.as_of),
        "Ask the owner for a new date, or close the deal.",
        ("expected_close_on",),
    ),
    Rule(
        "DQ02",
        "Open deal without a close date",
        "deals",
        "critical",
        "expected_close_on",
        _open,
        lambda t, c: t.expected_close_on.isnull(),
        "Enter the date the buyer expects to sign.",
    ),
    Rule(
        "DQ03",
        "Open deal closing more than 18 months ahead",
        "deals",
        "medium",
        "expected_close_on",
        _open,
        lambda t, c: t.expected_close_on > ibis.literal(c.as_of + timedelta(days=548)),
        "Confirm the date or move the deal to nurture.",
        ("expected_close_on",),
    ),
    Rule(
        "DQ06",
        "Close date before creation date",
        "deals",
        "high",
        "closed_on",
        lambda t, c: t.closed_on.notnull() & t.created_on.notnull(),
        lambda t, c: t.closed_on < t.created_on,
        "Correct one of the two dates.",
        ("created_on", "closed_on"),
    ),
    Rule(
        "DQ07",
        "Open deal without a next step",
        "deals",
        "high",
        "next_step",
        _open,
        lambda t, c: _blank(t.next_step),
        "Enter what happens next, with a date.",
        ("next_step",),
    ),
    Rule(
        "DQ12",
        "Open deal without an amount",
        "deals",
        "high",
        "amount",
        _open,
        lambda t, c: t.amount.isnull() | (t.amount == ZERO),
        "Enter an amount; until then the list price is shown as a labelled estimate.",
    ),
    Rule(
        "DQ13",
        "Negative amount",
        "deals",
        "high",
        "amount",
        lambda t, c: t.amount.notnull(),
        lambda t, c: t.amount < ZERO,
        "Correct the amount, or record the return as an order.",
        ("amount",),
    ),
    Rule(
        "DQ12W",
        "Won deal without an amount",
        "deals",
        "critical",
        "amount",
        _won,
        lambda t, c: t.amount.isnull() | (t.amount == ZERO),
        "Enter what was sold.",
    ),
    Rule(
        "DQ20",
        "Product that is not in the catalogue",
        "deals",
        "high",
        "product_name",
        lambda t, c: t.product_id.notnull(),
        lambda t, c: t.product_implied.fill_null(True),
        "Repair the spelling once for all rows, or add the product to the catalogue.",
        ("product_id",),
    ),
    Rule(
        "DQ27",
        "Open longer than any closed deal ever took",
        "deals",
        "high",
        "created_on",
        lambda t, c: _open(t, c) & t.created_on.notnull(),
        _ghost,
        "Close it as lost, or write down why it is still alive.",
        ("created_on",),
    ),
    Rule(
        "DQ27U",
        "Stage nobody has given a meaning",
        "deals",
        "critical",
        "stage",
        _all,
        lambda t, c: t.stage_class == "unmapped",
        "Say whether the stage is open, won, lost or left out.",
    ),
    Rule(
        "DQ30",
        "Created and won on the same day",
        "deals",
        "medium",
        "created_on",
        lambda t, c: _won(t, c) & t.created_on.notnull(),
        lambda t, c: t.created_on == t.closed_on,
        "Was it entered after the fact? The cycle and the pipeline then miss it.",
        ("created_on",),
    ),
    Rule(
        "DQ33",
        "Lost deal without a reason",
        "deals",
        "medium",
        "loss_reason",
        _lost,
        lambda t, c: _blank(t.loss_reason),
        "Ask the owner for the reason.",
        ("loss_reason",),
    ),
    Rule(
        "DQ37",
        "Open deal of somebody who left",
        "deals",
        "critical",
        "owner_name",
        lambda t, c: _open(t, c) & t.owner_id.notnull(),
        lambda t, c: t.owner_active == ibis.literal(False),
        "Give the deal to somebody who works it.",
    ),
    Rule(
        "DQ37N",
        "Deal without an owner",
        "deals",
        "high",
        "owner_name",
        _all,
        lambda t, c: t.owner_id.isnull(),
        "Assign an owner.",
    ),
    Rule(
        "DQ40",
        "Open deal without an account",
        "deals",
        "high",
        "account_name",
        _open,
        lambda t, c: t.account_id.isnull(),
        "Link the deal to the company that buys.",
    ),
    Rule(
        "DQ40C",
        "Closed deal without an account",
        "deals",
        "high",
        "account_name",
        lambda t, c: t.stage_class.isin(["won", "lost"]),
        lambda t, c: t.account_id.isnull(),
        "Link the deal to the company that bought or refused.",
    ),
)
"""Rules on deals."""

ACCOUNTS: tuple[Rule, ...] = (
    Rule(
        "DQ46",
        "Account without an industry",
        "accounts",
        "medium",
        "industry",
        lambda t, c: ~t.implied.fill_null(False),
        lambda t, c: _blank(t.industry),
        "Fill the industry.",
        ("industry",),
    ),
    Rule(
        "DQ45N",
        "Account that only deals name",
        "accounts",
        "medium",
        "name",
        _all,
        lambda t, c: t.implied.fill_null(False),
        "Import the accounts file, or repair the spelling.",
    ),
)
"""Rules on accounts."""

USERS: tuple[Rule, ...] = (
    Rule(
        "DQ39N",
        "Owner that only records name",
        "users",
        "medium",
        "name",
        _all,
        lambda t, c: t.implied.fill_null(False),
        "Import the users file, or repair the spelling.",
    ),
)
"""Rules on people."""

RULES: dict[str, Rule] = {rule.code: rule for rule in (*DEALS, *ACCOUNTS, *USERS)}
"""Every rule by code."""
