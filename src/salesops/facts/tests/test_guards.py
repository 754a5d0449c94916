"""A reader's rows as a relation of their own: what passes the guard, and values bound when a query runs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir
import pytest

from salesops.facts import Scope, guards
from salesops.facts.bound import bound, carried
from salesops.facts.tests.builders import EVERYTHING, Shop
from salesops.facts.tests.test_copies import U1, U2, deals, firm, seen

HOSTILE = ["'", "d1' OR '1'='1", '"any relation"', "$word", "%", "_", "\\", "d1\x00", "; DROP TABLE x; --"]


@pytest.fixture
def copying(shop: Shop) -> Shop:
    shop.store.keeps_copies = True
    return shop


def held(shop: Shop) -> dict[str, guards.Guard]:
    return shop.store._guards._guards


def test_few_rows_of_a_reader_are_copied_and_many_are_not(
    copying: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "FEW", 1)
    firm(copying, 1, "new")
    seen(copying)
    both = Scope(owner_ids=frozenset({"u1", "u2"}))
    for _ in range(2):
        assert seen(copying, U1) == [("d1", "NEW")]
        assert seen(copying, both) == [("d1", "NEW"), ("d2", "NEW")]
    assert sorted((guard.rows, guard.users) for guard in held(copying).values() if guard.rows) == [(1, 0)]
    assert [guard.users for guard in held(copying).values()] == [0, 0]


def test_a_guard_holds_in_every_version_and_for_every_scope(copying: Shop) -> None:
    for on, stage in ((1, "new"), (2, "won"), (3, "lost")):
        firm(copying, on, stage)
        for _ in range(2):
            assert seen(copying, U2) == [("d2", stage.upper())]
            assert seen(copying, U1) == [("d1", stage.upper())]
            assert seen(copying, Scope.nothing()) == []
    assert seen(copying, U1, manifest_id="1") == [("d1", "NEW")]


def test_guards_longest_unused_go(copying: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "ROWS_KEPT", 1)
    firm(copying, 1, "new")
    seen(copying)
    for scope, row in ((U1, "d1"), (U2, "d2"), (U1, "d1")):
        assert seen(copying, scope) == [(row, "NEW")]
        assert sum(guard.rows or 0 for guard in held(copying).values()) <= 1
    assert [guard.rows for guard in held(copying).values()] == [None, 1], "what a copy is of stays"
    assert seen(copying, U2) == [("d2", "NEW")]
    assert [guard.rows for guard in held(copying).values()] == [None, 1], "it was copied again"
    monkeypatch.setattr(guards, "KEPT", 1)
    assert seen(copying, U1) == [("d1", "NEW")]
    assert [guard.rows for guard in held(copying).values()] == [1]
    assert copying.store._guards._rows == 1


def test_long_lists_of_owners_are_read_again_after_they_were_let_go(copying: Shop) -> None:
    firm(copying, 1, "new")
    many = Scope(owner_ids=frozenset({"u2", *(f"x{n}" for n in range(50))}))
    copying.store.keeps_copies = False  # the view is read, and with it the list
    for _ in range(3):
        assert seen(copying, many) == [("d2", "NEW")]


def with_id(shop: Shop, scope: Scope, text: str) -> tuple[list[str], int]:
    """Ids of the rows that hold a text, by one kept query; and how often it was built."""
    built = 0
    with shop.store.at() as facts:
        rows = deals(facts, scope)

        def build() -> ir.Table:
            nonlocal built
            built += 1
            return rows.filter(rows.id.contains(bound("word", "string"))).select("id").order_by("id")

        found = facts.execute_known("holds", build, values={"word": text}, over=rows)
    return found["id"].to_pylist(), built


def test_one_query_serves_readers_and_versions_and_never_mixes_them(copying: Shop) -> None:
    firm(copying, 1, "new")
    seen(copying)
    assert with_id(copying, EVERYTHING, "d") == (["d1", "d2"], 1)
    assert with_id(copying, U1, "d") == (["d1"], 0)
    assert with_id(copying, U2, "d") == (["d2"], 0)
    assert with_id(copying, U2, "d1") == ([], 0)
    firm(copying, 2, "won")
    assert with_id(copying, U2, "d") == (["d2"], 0)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_bound_text_is_only_ever_a_text(shop: Shop, text: str) -> None:
    firm(shop, 1, "new")
    assert with_id(shop, EVERYTHING, text)[0] == []
    assert with_id(shop, EVERYTHING, "d")[0] == ["d1", "d2"]


def test_some_rows_of_an_order(shop: Shop) -> None:
    firm(shop, 1, "new")
    with shop.store.at() as facts:
        rows = deals(facts)
        for part, ids in (((1, 0), ["d2"]), ((1, 1), ["d1"]), ((5, 2), []), ((5, 0), ["d2", "d1"])):
            found = facts.execute_known(
                "sorted", lambda: rows.select("id").order_by(ibis.desc("id")), over=rows, rows=part
            )
            assert found["id"].to_pylist() == ids


def test_amounts_are_bound_exactly(shop: Shop) -> None:
    firm(shop, 1, "new")
    amount = Decimal("12345678901.0001")
    with shop.store.at() as facts:
        rows = deals(facts)
        given = {"amount": amount, "day": date(2026, 2, 28)}
        found = facts.execute_known(
            "values",
            lambda: rows.select(amount=bound("amount", "decimal(19, 4)"), day=bound("day", "date")).limit(1),
            values=given,
            over=rows,
        )
    assert found.to_pylist() == [given]
    with pytest.raises(TypeError):
        carried(0.1)
    with pytest.raises(ValueError, match="no name"):
        bound("a; b", "string")
