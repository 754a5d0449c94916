"""Typing rows, composing keys, linking names and reading change histories, worked by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa

from salesops.crm.engine.assemble import ColumnPlan, assemble, compose_key, joined_text
from salesops.crm.engine.changelog import from_snapshots, from_stage_dates, history_of
from salesops.crm.engine.formats import ColumnFormat
from salesops.crm.engine.linking import Names, link


def batch(**columns: list[str]) -> pa.RecordBatch:
    rows = len(next(iter(columns.values())))
    arrays = {k: pa.array(v, pa.string()) for k, v in columns.items()}
    return pa.RecordBatch.from_pydict({**arrays, "source_row": pa.array(range(2, rows + 2), pa.int64())})


def test_a_cell_that_cannot_be_read_refuses_its_row_alone() -> None:
    rows = batch(Id=["a", "b", ""], Amount=["1,234.50", "lots", "3"])
    plan = [ColumnPlan("Id", "id", "text"), ColumnPlan("Amount", "amount", "money", ColumnFormat())]
    found = assemble(rows, plan, ())
    assert found.records.to_pylist() == [{"id": "a", "amount": Decimal("1234.5000"), "source_row": 2}]
    assert [(r.row, r.column) for r in found.refused] == [(3, "Amount"), (4, "Id")]
    assert found.refused[0].cells == {"Id": "b", "Amount": "lots"}
    assert "lots" in found.refused[0].reason


def test_a_company_column_never_refuses_a_row() -> None:
    plan = [ColumnPlan("Id", "id", "text"), ColumnPlan("Score", "x_score", "integer")]
    found = assemble(batch(Id=["a"], Score=["n/k"]), plan, ())
    assert found.records.to_pylist() == [{"id": "a", "x_score": None, "source_row": 2}]
    assert found.refused == []


def test_composed_keys_and_joined_names() -> None:
    one, two = pa.array([" Ann ", "", ""]), pa.array(["Lee", "Lee", ""])
    assert compose_key([one, two]).to_pylist() == ["Ann · Lee", " · Lee", None]
    assert joined_text([one, two]).to_pylist() == ["Ann Lee", "Lee", None]


def test_names_link_to_one_record_imply_one_or_stay_open() -> None:
    names = Names()
    names.add([("1", "Acme  Corp"), ("2", "Twin"), ("3", "twin")])
    found = link(pa.array(["ACME corp", "Twin", "New Ltd", None, "New Ltd"]), None, names)
    assert found.ids.to_pylist() == ["1", None, "New Ltd", None, "New Ltd"]
    assert found.implied == {"New Ltd": "New Ltd"}
    assert found.ambiguous == {"Twin": 1}
    given = link(pa.array(["Twin", "Acme Corp"]), pa.array(["3", None]), names)
    assert given.ids.to_pylist() == ["3", "1"]
    unheard = link(pa.array(["Twin", "Unheard"]), pa.array(["3", "9"]), names)
    assert (unheard.ids.to_pylist(), unheard.implied, unheard.ambiguous) == (["3", "9"], {}, {})


def at(day: int) -> datetime:
    return datetime(2026, 1, day, 9, tzinfo=UTC)


def test_snapshots_give_one_change_per_field_that_differs() -> None:
    rows = pa.table(
        {
            "object_id": ["d", "d", "d", "e"],
            "valid_at": pa.array([at(3), at(1), at(2), at(1)], pa.timestamp("us", "UTC")),
            "stage": ["Won", "New", "New", "New"],
            "amount": pa.array([Decimal(5), Decimal(4), None, None], pa.decimal128(19, 4)),
        }
    )
    how = {"form": "snapshots", "fields": {"S": "stage", "A": "amount"}}
    found = history_of(rows, how=how, table="opportunities").to_pylist()
    told = [(r["object_id"], r["field"], r["old"], r["new"], r["valid_at"].day) for r in found]
    assert sorted(told, key=str) == sorted(
        [
            ("d", "stage", None, "New", 1),
            ("d", "stage", "New", "Won", 3),
            ("e", "stage", None, "New", 1),
            ("d", "amount", None, "4.0000", 1),
            ("d", "amount", "4.0000", None, 2),
            ("d", "amount", None, "5.0000", 3),
        ],
        key=str,
    )


def test_field_history_is_read_field_by_field() -> None:
    rows = pa.table(
        {
            "object_id": ["d", "d", "d"],
            "valid_at": pa.array([at(1), at(2), at(3)], pa.timestamp("us", "UTC")),
            "field": ["Amount", "CloseDate", "Health__c"],
            "old": ["1000.5", "2026-03-31", "x"],
            "new": ["2000", "2026-06-30", "y"],
        }
    )
    found = history_of(rows, how={"form": "field_changes"}, table="opportunities").to_pylist()
    assert sorted((r["field"], r["old"], r["new"]) for r in found) == [
        ("amount", "1000.5000", "2000.0000"),
        ("close_on", "2026-03-31", "2026-06-30"),
        ("x_health", "x", "y"),
    ]


def test_the_first_snapshot_starts_from_what_it_says_stood_before() -> None:
    rows = pa.table(
        {
            "object_id": ["d"],
            "valid_at": pa.array([at(2)], pa.timestamp("us", "UTC")),
            "stage": ["Won"],
            "was_stage": ["New"],
        }
    )
    how = {"form": "snapshots", "fields": {"To": "stage"}}
    found = history_of(rows, how=how, table="opportunities").to_pylist()
    assert [(r["old"], r["new"]) for r in found] == [("New", "Won")]


def test_a_key_of_a_date_is_the_same_however_the_date_is_written() -> None:
    keys = set()
    for text, order in (("2026-03-01", "YMD"), ("01.03.2026", "DMY"), ("3/1/2026", "MDY")):
        plan = [
            ColumnPlan("Name", "name", "text"),
            ColumnPlan("Created", "created_on", "date", ColumnFormat(date_order=order)),
        ]
        found = assemble(batch(Name=["Alpha"], Created=[text]), plan, ("Name", "Created"))
        keys.add(found.records["id"][0].as_py())
    assert keys == {"Alpha · 2026-03-01"}


def test_stage_date_columns_are_stage_entries_at_noon() -> None:
    rows = pa.table(
        {"id": ["d"], "x_new": pa.array([date(2026, 1, 5)]), "x_won": pa.array([date(2026, 2, 6)])}
    )
    found = from_stage_dates(
        rows, object_name="opportunities", id_column="id", stages={"x_new": "New", "x_won": "Won"}
    )
    assert [(r["old"], r["new"], r["valid_at"].hour) for r in found.to_pylist()] == [
        (None, "New", 12),
        ("New", "Won", 12),
    ]


def test_nothing_gives_nothing() -> None:
    rows = pa.table(
        {
            "i": pa.array([], pa.string()),
            "t": pa.array([], pa.timestamp("us", "UTC")),
            "s": pa.array([], pa.string()),
        }
    )
    assert (
        from_snapshots(rows, object_name="opportunities", fields=["s"], id_column="i", at_column="t").num_rows
        == 0
    )
