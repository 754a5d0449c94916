"""What one merge does to the store and what it reports."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salesops.facts import FactsError, Incoming, InvalidIncoming, MergeCancelled, Scope
from salesops.facts.merge import merge
from salesops.facts.tests.builders import EPOCH, EVERYTHING, Shop, arrow, day, end_of, midnight

DEAL = {"id": "a", "stage": "New", "amount": Decimal(10), "owner_id": "u1"}


def test_first_import_adds_rows_and_logs_no_change(shop: Shop) -> None:
    report = shop.take(1, [DEAL, {**DEAL, "id": "b"}])
    out = report.outcomes[0]
    assert (out.read, out.added, out.changed, out.unchanged, out.history) == (2, 2, 0, 0, 0)
    assert shop.log() == []
    assert shop.rows(["id", "amount", "first_seen_on", "last_seen_on", "import_id"]) == [
        ("a", Decimal("10.0000"), day(1), day(1), "import-1"),
        ("b", Decimal("10.0000"), day(1), day(1), "import-1"),
    ]


def test_same_rows_again_make_no_manifest_and_no_file(shop: Shop) -> None:
    first = shop.take(1, [DEAL])
    files = sorted(shop.store.address.rglob("*.parquet"))
    again = shop.take(1, [DEAL])
    assert not again.changed_anything
    assert again.manifest == first.manifest
    assert again.outcomes[0].unchanged == 1
    assert sorted(shop.store.address.rglob("*.parquet")) == files


def test_same_rows_on_a_later_day_move_last_seen_without_rewriting_the_table(shop: Shop) -> None:
    first = shop.take(1, [DEAL])
    later = shop.take(5, [DEAL])
    assert first.manifest is not None
    assert later.manifest is not None
    assert later.manifest.versions["opportunities"] == first.manifest.versions["opportunities"]
    assert shop.rows(["first_seen_on", "last_seen_on"]) == [(day(1), day(5))]
    assert shop.rows(["last_seen_on"], manifest_id=first.manifest.id) == [(day(1),)]


def test_a_later_file_logs_each_changed_field_and_an_unmapped_column_keeps_its_value(shop: Shop) -> None:
    shop.take(1, [DEAL])
    out = shop.take(9, [{"id": "a", "stage": "Won", "amount": Decimal("12.5")}]).outcomes[0]
    assert out.changed_by_field == {"stage": 1, "amount": 1}
    assert shop.log() == [
        ("a", "amount", "10.0000", "12.5000", midnight(9)),
        ("a", "stage", "New", "Won", midnight(9)),
    ]
    assert shop.rows(["stage", "amount", "owner_id", "import_id"]) == [
        ("Won", Decimal("12.5000"), "u1", "import-2")
    ]
    assert shop.rows(["stage", "amount"], as_of=end_of(8)) == [("New", Decimal("10.0000"))]


def test_a_cleared_value_is_a_change_and_a_newly_mapped_column_is_none(shop: Shop) -> None:
    shop.take(1, [{"id": "a", "stage": "New"}])
    out = shop.take(2, [{"id": "a", "stage": None, "x_tier": "gold"}], extras={"x_tier": "text"}).outcomes[0]
    assert out.changed_by_field == {"stage": 1, "x_tier": 1}
    assert shop.log() == [("a", "stage", "New", None, midnight(2))]


def test_a_difference_is_dated_by_the_record_s_own_last_edit_between_the_files(shop: Shop) -> None:
    edited = midnight(4).replace(hour=15)
    shop.take(1, [{**DEAL, "last_modified_at": midnight(1)}])
    shop.take(9, [{**DEAL, "stage": "Won", "last_modified_at": edited}])
    assert [row[4] for row in shop.log() if row[1] == "stage"] == [edited]
    assert shop.rows(["stage"], as_of=edited) == [("Won",)]
    assert shop.rows(["stage"], as_of=midnight(4)) == [("New",)]


def test_an_edit_on_the_former_file_s_own_day_counts_from_the_end_of_that_day(shop: Shop) -> None:
    shop.take(5, [DEAL])
    shop.take(9, [{**DEAL, "stage": "Won", "last_modified_at": midnight(5).replace(hour=18)}])
    assert [row[4] for row in shop.log() if row[1] == "stage"] == [midnight(6)]
    assert shop.rows(["stage"], as_of=end_of(5)) == [("New",)]


def test_an_edit_from_before_the_former_file_does_not_date_a_difference(shop: Shop) -> None:
    shop.take(5, [DEAL])
    shop.take(9, [{**DEAL, "stage": "Won", "last_modified_at": midnight(2)}])
    assert [row[4] for row in shop.log() if row[1] == "stage"] == [midnight(9)]


def test_the_last_of_rows_with_one_key_wins_and_the_others_are_named(shop: Shop) -> None:
    rows = [
        {"id": "a", "stage": "one", "source_row": 2},
        {"id": "b", "stage": "x", "source_row": 3},
        {"id": "a", "stage": "two", "source_row": 4},
        {"id": "a", "stage": "three", "source_row": 5},
        {"id": None, "stage": "y", "source_row": 6},
    ]
    out = shop.take(1, rows).outcomes[0]
    assert (out.read, out.added, out.duplicates, out.keyless) == (5, 2, [2, 4], [6])
    assert shop.rows(["id", "stage", "source_row"]) == [("a", "three", 5), ("b", "x", 3)]


def test_a_record_absent_from_a_file_is_not_deleted_unless_its_scope_was_complete(shop: Shop) -> None:
    shop.take(1, [DEAL, {**DEAL, "id": "b", "owner_id": "u2"}, {**DEAL, "id": "c", "owner_id": "u2"}])
    out = shop.take(2, [DEAL]).outcomes[0]
    assert (out.not_in_file, out.deleted) == (2, 0)
    only_u2 = {"complete": True, "complete_where": {"owner_id": ["u2"]}}
    out = shop.take(3, [{**DEAL, "id": "b", "owner_id": "u2"}], **only_u2).outcomes[0]
    assert (out.not_in_file, out.deleted) == (2, 1)
    assert shop.rows(["id"]) == [("a",), ("b",)]
    assert shop.rows(["id"], as_of=end_of(2)) == [("a",), ("b",), ("c",)]
    with shop.store.at() as facts:
        everything = facts.read("opportunities", EVERYTHING, deleted=True)
        assert facts.execute(everything.filter(everything.deleted_on == day(3)).id).to_pylist() == [
            {"id": "c"}
        ]
    assert shop.log() == [("c", "deleted_on", None, day(3).isoformat(), midnight(3))]


def test_a_later_sighting_undeletes_and_says_so(shop: Shop) -> None:
    shop.take(1, [DEAL, {**DEAL, "id": "b"}])
    shop.take(3, [DEAL], complete=True)
    out = shop.take(6, [{**DEAL, "id": "b"}]).outcomes[0]
    assert out.undeleted == 1
    assert shop.rows(["id"]) == [("a",), ("b",)]
    assert shop.rows(["id"], as_of=end_of(4)) == [("a",)]
    assert [row[1:4] for row in shop.log()] == [
        ("deleted_on", None, day(3).isoformat()),
        ("deleted_on", day(3).isoformat(), None),
    ]


def test_an_older_complete_file_deletes_nothing(shop: Shop) -> None:
    shop.take(5, [DEAL, {**DEAL, "id": "b"}])
    assert shop.take(3, [DEAL], complete=True).outcomes[0].deleted == 0


def test_an_older_file_becomes_history_and_overwrites_nothing(shop: Shop) -> None:
    shop.take(9, [{**DEAL, "stage": "Won"}])
    out = shop.take(3, [DEAL]).outcomes[0]
    assert (out.changed, out.history) == (0, 1)
    assert shop.rows(["stage", "first_seen_on", "last_seen_on"]) == [("Won", day(3), day(9))]
    assert shop.rows(["stage"], as_of=end_of(5)) == [("New",)]


def test_a_mere_mention_does_not_touch_a_known_record_and_a_real_row_fills_it(shop: Shop) -> None:
    shop.take(1, [{"id": "x", "name": "x", "implied": True}], table="accounts")
    out = shop.take(2, [{"id": "x", "name": "X Inc", "owner_id": "u1"}], table="accounts").outcomes[0]
    assert out.changed == 1
    shop.take(3, [{"id": "x", "name": "x", "implied": True}], table="accounts")
    assert shop.rows(["name", "implied"], table="accounts") == [("X Inc", False)]
    assert shop.log() == []


def test_an_extra_column_widens_to_text_when_a_later_file_needs_it(shop: Shop) -> None:
    shop.take(1, [{"id": "a", "x_code": 7}, {"id": "b", "x_code": 8}], extras={"x_code": "integer"})
    shop.take(2, [{"id": "a", "x_code": "7-B"}], extras={"x_code": "text"})
    assert shop.rows(["id", "x_code"]) == [("a", "7-B"), ("b", "8")]
    with shop.store.at() as facts:
        assert facts.columns("opportunities")["x_code"] == "text"


def test_several_tables_and_a_folder_of_dated_files_land_in_one_manifest(shop: Shop) -> None:
    def deals(on: int, stage: str) -> Incoming:
        rows = arrow("opportunities", [{"id": "a", "stage": stage}])
        return Incoming("opportunities", rows, ("id",), day(on), "crm", f"i{on}")

    users = Incoming("users", arrow("users", [{"id": "u1", "name": "Una"}]), ("id",), day(1), "crm", "i0")
    report = shop.merge([deals(9, "Won"), users, deals(1, "New"), deals(5, "Offer")])
    assert [o.table for o in report.outcomes] == ["opportunities", "users", "opportunities", "opportunities"]
    assert report.manifest is not None
    assert report.manifest.id == "1"
    assert report.manifest.data_on == day(9)
    assert [row[2:4] for row in shop.log()] == [("New", "Offer"), ("Offer", "Won")]
    assert shop.rows(["stage"], as_of=end_of(6)) == [("Offer",)]


def test_rows_may_come_as_a_parquet_file_and_keys_may_be_composed(shop: Shop, tmp_path: Path) -> None:
    rows = pa.table({"name": ["A", "A", None], "close_on": pa.array([day(1), day(2), day(3)], pa.date32())})
    pq.write_table(rows, tmp_path / "rows.parquet")
    incoming = Incoming("opportunities", tmp_path / "rows.parquet", ("name", "close_on"), day(3), "crm", "i")
    out = shop.merge([incoming]).outcomes[0]
    assert out.keyless == [3]
    assert shop.rows(["id"]) == [("A|2017-01-01",), ("A|2017-01-02",)]


def test_month_tables_are_partitioned_and_only_the_touched_month_is_written(shop: Shop) -> None:
    calls = [
        {"id": str(n), "type": "call", "starts_at": midnight(n * 20), "owner_id": "u1"} for n in range(1, 7)
    ]
    shop.take(1, [*calls, {"id": "no date", "starts_at": None}], table="activities")
    folder = shop.store.folder("activities")
    months = {p.parent.name for p in folder.rglob("part-*.parquet")}
    assert "month_part=0000-00" in months
    assert "month_part=2017-03" in months
    before = set(folder.rglob("part-*.parquet"))
    shop.take(2, [{"id": "3", "type": "meeting"}], table="activities")
    new = set(folder.rglob("part-*.parquet")) - before
    assert {p.parent.name for p in new} == {"month_part=2017-03"}
    assert len(shop.rows(["id"], table="activities")) == 7
    with shop.store.at() as facts:
        assert "month_part" not in facts.read("activities", EVERYTHING).columns


@pytest.mark.parametrize(
    "rows",
    [
        pa.table({"id": ["a"], "colour": ["red"]}),
        pa.table({"id": ["a"], "amount": [1.5]}),
        pa.table({"name": ["a"]}),
        pa.table({"id": ["a"], "close_on": ["soon"]}),
        None,
    ],
)
def test_rows_that_do_not_fit_are_refused_and_nothing_is_published(shop: Shop, rows: pa.Table | None) -> None:
    incoming = Incoming("opportunities", rows, ("id",), day(1), "crm", "i")
    if rows is None:
        incoming = Incoming("changes", pa.table({"id": ["a"]}), ("id",), day(1), "crm", "i")
    with pytest.raises(FactsError):
        shop.merge([incoming])
    assert shop.store.manifests.latest() is None
    assert list(shop.store.address.rglob("*.parquet")) == []


def test_an_unknown_complete_scope_is_refused(shop: Shop) -> None:
    shop.take(1, [DEAL])
    with pytest.raises(InvalidIncoming, match="colour"):
        shop.take(2, [DEAL], complete=True, complete_where={"colour": ["red"]})


def test_progress_is_told_and_cancel_publishes_nothing(shop: Shop) -> None:
    told: list[tuple[str, int, int]] = []
    incoming = [Incoming("opportunities", arrow("opportunities", [DEAL]), ("id",), day(1), "crm", "i")]
    with pytest.raises(MergeCancelled):
        merge(
            shop.store,
            incoming,
            recorded_at=EPOCH,
            progress=lambda *step: told.append(step),
            cancelled=lambda: len(told) >= 2,
        )
    assert [done for _, done, _ in told] == [0, 1]
    assert shop.store.manifests.latest() is None
    assert list(shop.store.address.rglob("*.parquet")) == []
    shop.merge(incoming)
    assert shop.rows(["id"]) == [("a",)]


def test_an_empty_file_is_no_news_but_a_complete_empty_one_deletes(shop: Shop) -> None:
    empty = arrow("opportunities", [DEAL]).slice(0, 0)
    assert not shop.merge([Incoming("opportunities", empty, ("id",), day(1), "crm", "i")]).changed_anything
    shop.take(1, [DEAL])
    gone = Incoming("opportunities", empty, ("id",), date(2017, 1, 5), "crm", "i", complete=True)
    assert shop.merge([gone]).outcomes[0].deleted == 1
    assert shop.rows(["id"], scope=Scope.all()) == []
