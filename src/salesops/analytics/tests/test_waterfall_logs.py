"""A thousand random event logs through the engine, against a plain walk over their events: every bar, every log."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest

from salesops.analytics.engine.rates_across import across
from salesops.analytics.engine.two_states import two_states
from salesops.analytics.engine.waterfall import Window, moves, of_bar, summed
from salesops.analytics.engine.waterfall_bars import BARS, result
from salesops.analytics.tests import waterfall_logs as logs
from salesops.process.engine.deals import Rate, converted

LOGS, SEED = 1_000, 20260331
TYPES = dict.fromkeys(logs.FIELDS, "string") | {
    "close_on": "date", "amount": "decimal(19,4)", "deleted_on": "date",
}  # fmt: skip
QUARTER = (date(2026, 4, 1), date(2026, 6, 30))


@pytest.fixture(scope="module")
def world() -> dict[str, Any]:
    """All logs, and their records and change log as the store would hold them."""
    made = [logs.make_log(number, SEED) for number in range(LOGS)]
    records, changes = [], []
    for number, deals in enumerate(made):
        for deal in deals:
            records.append({"log": number, "id": deal.id, "created_at": deal.created_at, **deal.state()})
            changes += logs.changes_of(deal)
    con = ibis.duckdb.connect()
    con.raw_sql("SET TimeZone = 'UTC'")
    instant, text = pa.timestamp("us", "UTC"), pa.string()
    kinds = dict.fromkeys(logs.FIELDS, text) | {
        "close_on": pa.date32(), "deleted_on": pa.date32(), "amount": pa.decimal128(19, 4),
    }  # fmt: skip
    record_schema = pa.schema([("log", pa.int64()), ("id", text), ("created_at", instant), *kinds.items()])
    change_schema = pa.schema(
        [("object_id", text), ("field", text), ("old", text), ("new", text), ("valid_at", instant)]
    )
    return {
        "logs": made,
        "con": con,
        "records": con.create_table("records", pa.Table.from_pylist(records, record_schema)),
        "changes": con.create_table("changes", pa.Table.from_pylist(changes, change_schema)),
        "n": len(changes),
    }


def pairs(world: dict[str, Any], target: str) -> ir.Table:
    """The engine's input, from the change log."""
    opening, closing = logs.end_of(logs.OPENING), logs.end_of(logs.CLOSING)
    t = two_states(world["records"], world["changes"], TYPES, opening, closing)
    classes = {
        side: ibis.cases(
            *((t[f"{side}_stage"] == s, c) for s, c in logs.CLASS_OF.items()), else_=ibis.null("string")
        )
        for side in ("first", "last")
    }
    first_there = (t.created_at <= opening) & t.first_deleted_on.isnull()
    last_there = t.created_at <= closing
    deleted = t.last_deleted_on.notnull()
    last_there = last_there & ~(deleted & (t.created_at <= opening) & t.first_deleted_on.notnull())
    t = t.mutate(
        first_class=first_there.ifelse(classes["first"], ibis.null("string")),
        first_mine=t.first_owner.isin(logs.OURS) & (t.first_pipeline == "Main"),
        last_class=last_there.ifelse(classes["last"], ibis.null("string")),
        last_mine=last_there & t.last_owner.isin(logs.OURS) & (t.last_pipeline == "Main"),
        last_removed=last_there & deleted,
    )
    closed = t.last_class.isin(["won", "lost"]) & ~t.last_removed
    t = t.mutate(last_closed_on=closed.ifelse(t.last_close_on, ibis.null("date")))
    rates = across([Rate(*row) for row in logs.RATES], "USD", target)

    # The states' own amounts give way to those in the reporting currency.
    t = t.rename(
        before_amount="first_amount",
        after_amount="last_amount",
        before_currency="first_currency",
        after_currency="last_currency",
    )
    t = t.drop("amount", "currency")
    for name, side, on, day in (
        ("first_amount", "before", None, logs.OPENING),
        ("last_amount", "after", "last_closed_on", logs.CLOSING),
        ("unmoved_amount", "after", None, logs.OPENING),
    ):
        t = t.mutate(
            source_amount=t[f"{side}_amount"],
            currency=t[f"{side}_currency"].fill_null("USD"),
            closed_on=t[on] if on else ibis.null("date"),
        )
        t = converted(t, ("EUR", "GBP", "USD"), target, rates, day)
        t = t.rename({name: "amount"}).drop("source_amount", "currency", "closed_on")
    return t


@pytest.mark.parametrize("period,target", [(None, "USD"), (QUARTER, "EUR")], ids=["all", "quarter"])
def test_every_bar_of_every_log_is_the_walks_and_nothing_is_left_over(
    world: dict[str, Any], period: tuple[date, date] | None, target: str
) -> None:
    first, last = period or (None, None)
    rows = moves(pairs(world, target), Window(logs.OPENING, first, last))
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in world["con"].to_pyarrow(summed(rows, ["log"])).to_pylist():
        found[row["log"]].append(row)
    seen: dict[str, int] = defaultdict(int)
    for number, deals in enumerate(world["logs"]):
        waterfall = result(found.get(number, []))
        assert waterfall.residual == 0
        walked = logs.walk(deals, first, last, target)
        for kind in BARS:
            bar, (amount, count, unknown) = waterfall.bars[kind.name], walked[kind.name]
            told = (int((bar.value or Decimal(0)) * 10_000), bar.deals, bar.unknown)
            assert told == (amount, count, unknown), (number, kind.name)
            seen[kind.name] += count
    in_scope = [kind.name for kind in BARS if first or kind.name not in ("pulled_in", "pushed_out")]
    assert min(seen[name] for name in in_scope) > 40, dict(seen)


def test_the_deals_of_a_bar_add_up_to_it(world: dict[str, Any]) -> None:
    rows = moves(pairs(world, "EUR"), Window(logs.OPENING, *QUARTER))
    con = world["con"]
    waterfall = result(con.to_pyarrow(summed(rows)).to_pylist())
    for kind in BARS:
        listed = of_bar(rows, kind.name)
        added = con.to_pyarrow(listed.agg(n=listed.count(), value=listed.contribution.sum())).to_pylist()[0]
        bar = waterfall.bars[kind.name]
        assert (added["n"], added["value"]) == (bar.deals, bar.value), kind.name
