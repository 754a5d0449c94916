"""A reader sees the rows of their scope, through every table and the change log."""

from __future__ import annotations

from decimal import Decimal

import pytest

from salesops.facts import Scope
from salesops.facts.tables import TABLES
from salesops.facts.tests.builders import Shop, end_of

U1 = Scope(owner_ids=frozenset({"u1"}))
ACME = Scope(account_ids=frozenset({"acme"}))
NOTHING = Scope.nothing()


@pytest.fixture
def firm(shop: Shop) -> Shop:
    """Two owners, two accounts; deal d1 was u2's until day 5."""

    def deal(key: str, owner: str | None, account: str, stage: str) -> dict[str, object]:
        return {"id": key, "owner_id": owner, "account_id": account, "stage": stage, "amount": Decimal(5)}

    shop.take(1, [{"id": "acme", "owner_id": "u2"}, {"id": "bolt", "owner_id": "u1"}], table="accounts")
    shop.take(
        1, [deal("d1", "u2", "acme", "New"), deal("d2", "u2", "bolt", "New"), deal("d3", None, "acme", "New")]
    )
    shop.take(
        5, [deal("d1", "u1", "acme", "Won"), deal("d2", "u2", "bolt", "Won"), deal("d3", None, "acme", "Won")]
    )
    lines = [{"id": f"l{n}", "opportunity_id": f"d{n}"} for n in (1, 2, 3)]
    shop.take(1, lines, table="opportunity_lines")
    shop.take(
        5, [{**row, "unit_price": Decimal(n)} for n, row in enumerate(lines)], table="opportunity_lines"
    )
    shop.take(
        9, [{**row, "unit_price": Decimal(n + 1)} for n, row in enumerate(lines)], table="opportunity_lines"
    )
    bills = [{"id": "i1", "account_id": "acme"}, {"id": "i2", "account_id": "bolt"}]
    shop.take(1, bills, table="invoices")
    shop.take(1, [{"id": "u1", "name": "Una"}, {"id": "u2", "name": "Udo"}], table="users")
    return shop


def ids(shop: Shop, table: str, scope: Scope, **at: object) -> str:
    return " ".join(row[0] for row in shop.rows(["id"], table=table, scope=scope, **at))


@pytest.mark.parametrize(
    "table,by_owner,by_account",
    [
        ("accounts", "bolt", "acme"),
        ("opportunities", "d1", "d1 d3"),
        ("opportunity_lines", "l1", "l1 l3"),
        ("invoices", "i2", "i1"),
        ("users", "u1 u2", "u1 u2"),
    ],
)
def test_rows_follow_owner_account_and_parent(firm: Shop, table: str, by_owner: str, by_account: str) -> None:
    assert ids(firm, table, U1) == by_owner
    assert ids(firm, table, ACME) == by_account
    assert ids(firm, table, Scope(owner_ids=U1.owner_ids, account_ids=ACME.account_ids)) == " ".join(
        sorted(set(f"{by_owner} {by_account}".split()))
    )


def test_nothing_sees_no_row_of_any_guarded_table(firm: Shop) -> None:
    for name, table in TABLES.items():
        if table.owner or table.parent:
            assert firm.rows(["id"], table=name, scope=NOTHING) == [], name
    assert ids(firm, "users", NOTHING) == "u1 u2"
    assert firm.log(scope=NOTHING) == []


def test_the_change_log_shows_visible_records_only(firm: Shop) -> None:
    assert {row[0] for row in firm.log(scope=U1)} == {"d1", "l1"}
    assert {row[0] for row in firm.log(scope=ACME)} == {"d1", "d3", "l1", "l3"}
    assert {row[0] for row in firm.log()} == {"d1", "d2", "d3", "l1", "l2", "l3"}
    with firm.store.at() as facts:
        own = facts.execute(facts.changes(U1, "opportunities").object).to_pylist()
        assert {row["object"] for row in own} == {"opportunities"}
        assert facts.execute(facts.read("changes", U1).count()).to_pylist()[0].popitem()[1] == len(
            firm.log(scope=U1)
        )


def test_ownership_is_that_of_the_instant_read(firm: Shop) -> None:
    assert ids(firm, "opportunities", U1, as_of=end_of(3)) == ""
    assert ids(firm, "opportunity_lines", U1, as_of=end_of(3)) == ""
    u2 = Scope(owner_ids=frozenset({"u2"}))
    assert ids(firm, "opportunities", u2, as_of=end_of(3)) == "d1 d2"
    assert ids(firm, "opportunity_lines", u2, as_of=end_of(3)) == "l1 l2"


def test_masked_columns_come_back_null_in_rows_and_not_at_all_in_the_log(firm: Shop) -> None:
    scope = Scope(everything=True, masked=frozenset({"opportunities.stage", "changes.changed_by"}))
    assert firm.rows(["id", "stage", "amount"], scope=scope)[0] == ("d1", None, Decimal("5.0000"))
    stages = [row[2:4] for row in firm.log(scope=scope) if row[1] == "stage"]
    assert stages == [], "that a masked value changed says something of it"
    owners = [row[2:4] for row in firm.log(scope=scope) if row[1] == "owner_id"]
    assert owners == [("u2", "u1")]


def test_ids_are_values_never_sql(firm: Shop) -> None:
    assert ids(firm, "opportunities", Scope(owner_ids=frozenset({"u1' OR '1'='1", 'x" --'}))) == ""
