"""The source's own change log: merged, ordered, and preferred to differences of files."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from salesops.facts import Incoming
from salesops.facts.columntypes import ARROW
from salesops.facts.tests.builders import Shop, arrow, day, end_of, midnight


def history(*rows: tuple[str, str, str | None, str | None, datetime], with_old: bool = True) -> pa.Table:
    names = ["object_id", "field", "old", "new", "valid_at"]
    columns: dict[str, Any] = {n: [row[i] for row in rows] for i, n in enumerate(names)}
    columns["valid_at"] = pa.array(columns["valid_at"], ARROW["instant"])
    for side in ("old", "new"):
        columns[side] = pa.array(columns[side], pa.string())
    columns["source_row"] = list(range(2, 2 + len(rows)))
    if not with_old:
        del columns["old"]
    return pa.table(columns)


def take(shop: Shop, on: int, rows: list[dict[str, Any]] | None, log: pa.Table) -> int:
    data = arrow("opportunities", rows) if rows is not None else None
    incoming = Incoming("opportunities", data, ("id",), day(on), "crm", f"i{on}", history=log)
    return shop.merge([incoming]).outcomes[0].history


NOON = timedelta(hours=12)


def test_history_gives_the_state_between_files_and_is_merged_once(shop: Shop) -> None:
    log = history(
        ("a", "stage", "New", "Offer", midnight(3) + NOON), ("a", "stage", "Offer", "Won", midnight(6) + NOON)
    )
    assert take(shop, 9, [{"id": "a", "stage": "Won", "created_on": day(1)}], log) == 2
    assert shop.rows(["stage"], as_of=end_of(2)) == [("New",)]
    assert shop.rows(["stage"], as_of=end_of(4)) == [("Offer",)]
    assert shop.rows(["stage"], as_of=end_of(7)) == [("Won",)]
    incoming = Incoming("opportunities", None, ("id",), day(9), "crm", "again", history=log)
    assert not shop.merge([incoming]).changed_anything


def test_a_difference_that_history_tells_is_not_logged(shop: Shop) -> None:
    shop.take(1, [{"id": "a", "stage": "New"}])
    log = history(("a", "stage", "New", "Won", midnight(4) + NOON))
    assert take(shop, 9, [{"id": "a", "stage": "Won"}], log) == 1
    assert shop.log() == [("a", "stage", "New", "Won", midnight(4) + NOON)]


def test_history_that_comes_after_a_difference_replaces_it(shop: Shop) -> None:
    shop.take(1, [{"id": "a", "stage": "New", "owner_id": "u1"}])
    shop.take(9, [{"id": "a", "stage": "Won", "owner_id": "u2"}])
    log = history(("a", "stage", "New", "Offer", midnight(3)), ("a", "stage", "Offer", "Won", midnight(5)))
    take(shop, 9, None, log)
    assert [row[1:] for row in shop.log()] == [
        ("owner_id", "u1", "u2", midnight(9)),
        ("stage", "New", "Offer", midnight(3)),
        ("stage", "Offer", "Won", midnight(5)),
    ]
    assert shop.rows(["stage"], as_of=end_of(6)) == [("Won",)]


def test_a_difference_that_history_does_not_know_stays(shop: Shop) -> None:
    shop.take(1, [{"id": "a", "stage": "New"}])
    shop.take(9, [{"id": "a", "stage": "Won"}])
    take(shop, 9, None, history(("a", "stage", "New", "Offer", midnight(3))))
    assert [row[2:] for row in shop.log()] == [
        ("New", "Offer", midnight(3)),
        ("New", "Won", midnight(9)),
    ]


@pytest.mark.parametrize("turned", [False, True])
def test_changes_of_one_day_keep_their_order_whatever_the_file_s(shop: Shop, turned: bool) -> None:
    rows = [
        ("a", "stage", "New", "Offer", midnight(3)),
        ("a", "stage", "Offer", "Won", midnight(3)),
        ("b", "stage", "New", "Lost", midnight(5)),
    ]
    log = history(*(reversed(rows) if turned else rows))
    take(shop, 9, [{"id": "a", "stage": "Won", "created_on": day(1)}], log)
    assert [row[2:4] for row in shop.log() if row[0] == "a"] == [("New", "Offer"), ("Offer", "Won")]
    assert shop.rows(["stage"], as_of=end_of(2)) == [("New",)]
    assert shop.rows(["stage"], as_of=end_of(3)) == [("Won",)]
    instants = [row[4] for row in shop.log() if row[0] == "a"]
    assert len(set(instants)) == 2


def test_history_without_old_values_takes_them_from_the_row_before(shop: Shop) -> None:
    log = history(
        ("a", "stage", None, "New", midnight(1)),
        ("a", "stage", None, "New", midnight(2)),
        ("a", "stage", None, "Won", midnight(5)),
        with_old=False,
    )
    assert take(shop, 9, [{"id": "a", "stage": "Won", "created_on": day(1)}], log) == 2
    assert [row[2:4] for row in shop.log()] == [(None, "New"), ("New", "Won")]


def test_typed_values_become_canonical_text_and_values_again(shop: Shop) -> None:
    from decimal import Decimal

    log = history(
        ("a", "amount", "10", "12.5", midnight(3)),
        ("a", "close_on", "2017-01-05", "no date", midnight(3)),
        ("a", "is_won", "False", "true", midnight(3)),
    )
    row = {"id": "a", "amount": Decimal("12.5"), "close_on": day(9), "is_won": True, "created_on": day(1)}
    take(shop, 9, [row], log)
    assert {r[1]: r[2:4] for r in shop.log()} == {
        "amount": ("10.0000", "12.5000"),
        "close_on": ("2017-01-05", "no date"),
        "is_won": ("false", "true"),
    }
    state = shop.rows(["amount", "close_on", "is_won"], as_of=end_of(2))
    assert state == [(Decimal("10.0000"), day(5), False)]


def test_a_record_created_before_its_first_file_is_known_from_its_creation(shop: Shop) -> None:
    shop.take(9, [{"id": "a", "created_on": day(4)}, {"id": "b", "created_at": midnight(6)}, {"id": "c"}])
    assert shop.rows(["id"], as_of=end_of(3)) == []
    assert shop.rows(["id"], as_of=end_of(5)) == [("a",)]
    assert shop.rows(["id"], as_of=end_of(8)) == [("a",), ("b",)]
    assert shop.rows(["id"], as_of=end_of(9)) == [("a",), ("b",), ("c",)]
