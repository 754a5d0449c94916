"""Opening, reading and refusing."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from salesops.facts import (
    DataMissing,
    FactsError,
    FactStore,
    FolderManifests,
    Incoming,
    ManifestMissing,
    MemoryManifests,
    QueryFailed,
    UnknownTable,
    UnsupportedTable,
)
from salesops.facts.backends import local_date
from salesops.facts.merge import merge
from salesops.facts.tables import TABLES
from salesops.facts.tests.builders import EPOCH, EVERYTHING, Shop, arrow, day


def test_a_store_that_was_never_written_reads_as_empty_typed_tables(shop: Shop) -> None:
    with shop.store.at() as facts:
        assert facts.manifest is None
        assert facts.tables() == []
        for name in TABLES:
            table = facts.execute(facts.read(name, EVERYTHING))
            assert table.num_rows == 0
            assert table.column_names == list(facts.columns(name))
        assert facts.execute(facts.read("opportunities", EVERYTHING)).schema.field(
            "amount"
        ).type == pa.decimal128(19, 4)


def test_every_declared_column_is_there_whatever_the_file_carried(shop: Shop) -> None:
    shop.take(1, [{"id": "a", "x_tier": "gold"}], extras={"x_tier": "text"})
    with shop.store.at() as facts:
        assert facts.tables() == ["opportunities"]
        columns = facts.columns("opportunities")
        assert columns["x_tier"] == "text"
        row = facts.execute(facts.read("opportunities", EVERYTHING)).to_pylist()[0]
        assert list(row) == list(columns)
        assert row["source"] == "crm"
        assert row["first_seen_on"] == day(1)
        batches = list(facts.batches(facts.read("opportunities", EVERYTHING).select("id")))
        assert [b.to_pylist() for b in batches] == [[{"id": "a"}]]


def test_versions_and_instants_can_be_named(shop: Shop) -> None:
    first = shop.take(1, [{"id": "a", "stage": "New"}]).manifest
    shop.take(2, [{"id": "a", "stage": "Won"}])
    assert first is not None
    assert shop.rows(["stage"], manifest_id=first.id) == [("New",)]
    assert shop.rows(["stage"], known_at=first.recorded_at) == [("New",)]
    assert shop.rows(["stage"], known_at=EPOCH) == []
    assert shop.rows(["stage"]) == [("Won",)]
    with pytest.raises(ManifestMissing, match="nine"), shop.store.at(manifest_id="nine"):
        pass
    with pytest.raises(FactsError, match="time zone"), shop.store.at(as_of=datetime(2017, 1, 1)):  # noqa: DTZ001
        pass
    with shop.store.at() as facts, pytest.raises(UnknownTable, match="deals"):
        facts.read("deals", EVERYTHING)


def test_missing_data_is_named_with_what_to_do(shop: Shop) -> None:
    shop.take(1, [{"id": "a"}])
    other = FactStore(shop.store.address, shop.store.manifests)
    next(shop.store.folder("opportunities").glob("part-*.parquet")).unlink()
    with other.at() as facts, pytest.raises(DataMissing, match="backup"):
        facts.read("opportunities", EVERYTHING)
    shutil.rmtree(shop.store.folder("opportunities"))
    with other.at() as facts, pytest.raises(DataMissing, match="version 1"):
        facts.read("opportunities", EVERYTHING)
    other.close()


def test_a_version_no_manifest_lists_is_never_read_and_superseded(shop: Shop) -> None:
    from salesops.facts import lake

    shop.take(1, [{"id": "a", "stage": "New"}])
    store = shop.store
    snapshot = store.snapshot("opportunities", 1)
    lake.commit(
        snapshot.folder, [], snapshot.columns, partitioned=False
    )  # a writer that died before its manifest
    half = store.folder("opportunities") / "_delta_log" / f"{3:020d}.json.tmp"
    half.write_text('{"add": {"path": "part-', encoding="utf-8")
    assert shop.rows(["stage"]) == [("New",)]
    shop.take(2, [{"id": "b", "stage": "New"}])
    assert shop.rows(["id"]) == [("a",), ("b",)]


@pytest.mark.parametrize("feature", ["deletionVectors", "columnMapping"])
def test_tables_with_features_readers_would_misread_are_refused(shop: Shop, feature: str) -> None:
    shop.take(1, [{"id": "a"}])
    log = shop.store.folder("opportunities") / "_delta_log"
    protocol = {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": [feature],
        "writerFeatures": [feature],
    }
    newest = log / f"{2:020d}.json"
    newest.write_text(json.dumps({"protocol": protocol}), encoding="utf-8")
    manifests = MemoryManifests()
    manifests.append(versions={"opportunities": 2}, recorded_at=EPOCH, data_on=None, note="")
    other = FactStore(shop.store.address, manifests)
    with other.at() as facts, pytest.raises(UnsupportedTable, match=feature):
        facts.read("opportunities", EVERYTHING)
    other.close()


def test_queries_can_open_no_file_outside_the_store(shop: Shop, tmp_path: Path) -> None:
    shop.take(1, [{"id": "a"}])
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    with shop.store.at() as facts:
        backend = facts._session.ibis
        with pytest.raises(Exception, match="Permission"):
            backend.raw_sql(f"SELECT * FROM read_csv('{secret.as_posix()}')")
        with pytest.raises(Exception, match="locked"):
            backend.raw_sql("SET enable_external_access = true")
        assert facts.execute(facts.read("opportunities", EVERYTHING).count()).num_rows == 1


def test_a_query_the_engine_refuses_is_a_facts_error(shop: Shop) -> None:
    with shop.store.at() as facts, pytest.raises(QueryFailed):
        facts.execute(ibis.memtable({"a": ["x"]}).a.cast("int64").sum())


@pytest.mark.parametrize(
    "zone,expected",
    [
        ("UTC", date(2017, 3, 26)),
        ("America/New_York", date(2017, 3, 25)),
        ("Pacific/Auckland", date(2017, 3, 26)),
    ],
)
def test_the_day_of_an_instant_is_that_of_the_organisation_s_zone(
    shop: Shop, zone: str, expected: date
) -> None:
    shop.take(1, [{"id": "a", "last_modified_at": datetime(2017, 3, 26, 0, 30, tzinfo=UTC)}])
    with shop.store.at() as facts:
        deals = facts.read("opportunities", EVERYTHING)
        found = facts.execute(deals.select(on=local_date(deals.last_modified_at, zone))).to_pylist()
    assert found == [{"on": expected}]
    table = ibis.table({"at": "timestamp('UTC')"}, name="t")
    assert (
        "TIMEZONE" in ibis.to_sql(table.select(on=local_date(table["at"], zone)), dialect="postgres").upper()
    )


def test_a_folder_with_letters_of_any_language_works(tmp_path: Path) -> None:
    store = FactStore(tmp_path / "Müller é 数", FolderManifests(tmp_path / "Müller é 数" / "manifests"))
    calls = [{"id": "c", "starts_at": EPOCH}]
    rows = [
        Incoming("activities", arrow("activities", calls), ("id",), day(1), "crm", "i"),
        Incoming(
            "opportunities",
            arrow("opportunities", [{"id": "a", "amount": Decimal(1)}]),
            ("id",),
            day(1),
            "crm",
            "i",
        ),
    ]
    merge(store, rows, recorded_at=EPOCH)
    merge(
        store,
        [
            Incoming(
                "opportunities",
                arrow("opportunities", [{"id": "a", "amount": Decimal(2)}]),
                ("id",),
                day(2),
                "crm",
                "j",
            )
        ],
        recorded_at=EPOCH,
    )
    with store.at() as facts:
        assert facts.execute(facts.read("activities", EVERYTHING).id).to_pylist() == [{"id": "c"}]
        assert facts.execute(facts.changes(EVERYTHING).new).to_pylist() == [{"new": "2.0000"}]
    store.close()


def test_many_versions_in_one_process_keep_few_views(shop: Shop) -> None:
    from salesops.facts import store as module

    shop.take(1, [{"id": "a", "stage": "0"}])
    with shop.store.at() as held:
        table = held.read("opportunities", EVERYTHING)
        for number in range(module._KEPT_VIEWS + 3):
            shop.store._views[f"idle {number}"] = 0
        for number in range(2, 5):
            shop.take(number, [{"id": "a", "stage": str(number)}])
            assert shop.rows(["stage"]) == [(str(number),)]
        assert held.execute(table.stage).to_pylist() == [{"stage": "0"}]
    assert len(shop.store._views) <= module._KEPT_VIEWS
