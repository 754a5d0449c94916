"""An index of files changes how many are opened for one record, never what is read or by whom."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq
import pytest

from salesops.facts import Scope, file_index
from salesops.facts.bound import bound
from salesops.facts.store import Facts
from salesops.facts.tests.builders import EVERYTHING, Shop, day

TABLES = (("activities", "opportunity_id"), ("changes", "object_id"))


@pytest.fixture
def firm(shop: Shop) -> Shop:
    """Two months of activities, an extra column in the second alone; three states of three deals."""
    shop.store.keeps_copies = True
    for on, stage in ((1, "new"), (10, "proposal"), (40, "won")):
        shop.take(on, [{"id": f"d{n}", "owner_id": f"u{n}", "stage": f"{stage} {n}"} for n in (1, 2)])
    shop.take(41, [{"id": "d3", "owner_id": "u1", "stage": "new"}])
    first = [
        {
            "id": f"a{n}",
            "opportunity_id": f"d{n % 2 + 1}",
            "owner_id": f"u{n % 2 + 1}",
            "happened_on": day(n),
            "subject": f"Call {n}",
        }
        for n in range(1, 5)
    ]
    shop.take(45, first, table="activities")
    second = [
        {
            "id": f"b{n}",
            "opportunity_id": "d1",
            "owner_id": "u1",
            "happened_on": day(40 + n),
            "x_mood": f"mood {n}",
        }
        for n in range(3)
    ]
    shop.take(46, second, table="activities", extras={"x_mood": "text"})
    return shop


def of_record(facts: Facts, table: str, column: str, value: str, scope: Scope = EVERYTHING) -> list[Any]:
    """All rows of a record, every column, in a total order: as the page of a deal asks for them."""

    def build() -> Any:
        rows = facts.read(table, scope)
        order = ["valid_at", "recorded_at", "field"] if table == "changes" else ["id"]
        return rows.filter(rows[column] == bound("record", "string")).order_by(order)

    key = ("test", table, facts.version(table), scope)
    return facts.execute_known(
        key, build, values={"record": value}, holding=(table, column, [value])
    ).to_pylist()


def everything(shop: Shop, scope: Scope = EVERYTHING) -> dict[tuple[str, str], list[Any]]:
    with shop.store.at() as facts:
        return {
            (table, value): of_record(facts, table, column, value, scope)
            for table, column in TABLES
            for value in ("d1", "d2", "d3", "d'4", "")
        }


def index(shop: Shop) -> None:
    with shop.store.at() as facts:
        for table, column in TABLES:
            facts.index_files(table, column)


def holding(shop: Shop, table: str, column: str, value: str) -> file_index.Holding | None:
    with shop.store.at() as facts:
        snapshot = shop.store.snapshot(table, facts.version(table))
        return shop.store._index.holding(facts._session, table, column, [value], snapshot)


@pytest.mark.parametrize("scope", [EVERYTHING, Scope(owner_ids=frozenset({"u1"}))])
def test_rows_of_a_record_are_the_same_with_an_index_and_without(firm: Shop, scope: Scope) -> None:
    before = everything(firm, scope)
    assert [row["id"] for row in before["activities", "d1"]] == ["a2", "a4", "b0", "b1", "b2"]
    index(firm)
    assert everything(firm, scope) == before
    if not scope.everything:
        assert not before["activities", "d2"]
        assert not before["changes", "d2"]
    else:
        assert [row["id"] for row in before["activities", "d2"]] == ["a1", "a3"]


def test_the_files_found_are_those_that_hold_the_record(firm: Shop) -> None:
    index(firm)
    for table, column in TABLES:
        with firm.store.at() as facts:
            paths = firm.store.snapshot(table, facts.version(table)).paths
        for value in ("d1", "d2", "nobody"):
            truly = {p for p in paths if value in pq.read_table(p).column(column).to_pylist()}
            found = holding(firm, table, column, value)
            assert found is not None
            assert set(found.paths) == truly
            if (table, value) == ("activities", "d2"):
                assert len(truly) < len(paths)
            assert bool(truly) == (value != "nobody")


def test_a_version_with_a_file_that_is_not_indexed_is_read_whole(firm: Shop) -> None:
    index(firm)
    later = [{"id": "c1", "opportunity_id": "d1", "happened_on": day(80)}]
    firm.take(90, later, table="activities")
    assert holding(firm, "activities", "opportunity_id", "d1") is None
    assert "c1" in [row["id"] for row in everything(firm)["activities", "d1"]]
    index(firm)
    found = holding(firm, "activities", "opportunity_id", "d1")
    assert found is not None
    assert "c1" in [row["id"] for row in everything(firm)["activities", "d1"]]


def test_digests_that_coincide_cost_a_file_and_lose_no_row(
    firm: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(firm)
    monkeypatch.setattr(
        "salesops.facts.backends.duckdb._digest_sql", lambda text: f"CAST(length({text}) * 0 + 7 AS UINTEGER)"
    )
    index(firm)
    found = holding(firm, "activities", "opportunity_id", "d2")
    assert found is not None
    assert everything(firm) == before


def test_no_more_digests_are_kept_than_there_is_room_for(firm: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(firm)
    monkeypatch.setattr(file_index, "MOST", 1)
    index(firm)
    assert holding(firm, "activities", "opportunity_id", "d1") is None
    assert everything(firm) == before


def test_a_process_that_keeps_no_copies_indexes_nothing(firm: Shop) -> None:
    firm.store.keeps_copies = False
    index(firm)
    assert holding(firm, "activities", "opportunity_id", "d1") is None


def test_rows_of_a_record_lie_together_in_a_file(firm: Shop) -> None:
    mixed = [{"id": f"z{n:02}", "opportunity_id": f"d{n * 7 % 5}", "owner_id": "u1", "happened_on": day(3)}
             for n in range(40)]  # fmt: skip
    firm.take(47, mixed, table="activities")
    read = 0
    for table, column in TABLES:
        for path in firm.store.folder(table).rglob("*.parquet"):
            values = [v for v in pq.read_table(path, columns=[column]).column(column).to_pylist() if v]
            assert values == sorted(values), path
            read += len(values)
    assert read >= 40
