"""Copies on engines: whose they are, which stay, what is said of an address, and who may load."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from salesops.facts.backends.loading import Copy, shown, target
from salesops.facts.errors import EngineError, FactsError, ManifestMissing
from salesops.facts.loaded import LoadedStore, load_manifest, open_loaded
from salesops.facts.scope import Scope
from salesops.facts.store import Facts
from salesops.facts.tests.builders import Shop
from tests import postgres

ENGINES = ("PostgreSQL", "Spark")
SECRET = "s3cr3t"


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[tuple[Shop, Shop]]:
    """Two stores that number and date their versions alike, each with facts of its own."""
    both = Shop(tmp_path / "one"), Shop(tmp_path / "two")
    for name, shop in zip(("first", "second"), both, strict=True):
        shop.take(1, [{"id": name, "stage": "New"}])
    yield both
    for shop in both:
        shop.store.close()


@pytest.fixture(params=ENGINES)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place for copies. Copies are written for Spark without starting it."""
    if request.param == "PostgreSQL":
        return _database(request, tmp_path)
    pytest.importorskip("pyspark", reason="PySpark is not installed: python3 run.py install --spark")
    return f"spark://{tmp_path / 'copies'}?master=local[2]"


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    return _database(request, tmp_path)


def _database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    cluster = request.getfixturevalue("postgres_cluster").address
    return postgres.database_make(cluster, f"loading_{abs(hash(str(tmp_path)))}")


def statement(address: str, text: str) -> list[tuple[Any, ...]]:
    """One statement in a database."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(text)  # type: ignore[arg-type]
        return list(cursor.fetchall()) if cursor.description else []


def ids(loaded: LoadedStore) -> list[str]:
    with loaded.at() as facts:
        found = facts.execute(facts.read("opportunities", Scope.all()).select("id").order_by("id"))
    return list(found["id"].to_pylist())


def places(address: str) -> set[str]:
    """Schemas or folders of copies that are there."""
    if address.startswith("spark"):
        folder = Path(address.removeprefix("spark://").partition("?")[0])
        return {path.name for path in folder.glob("v*")}
    return {
        str(row[0])
        for row in statement(address, "SELECT nspname FROM pg_namespace WHERE nspname ~ '^v[0-9a-f]+$'")
    }


def test_copies_of_one_store_are_not_anothers(shops: tuple[Shop, Shop], address: str) -> None:
    one, two = shops
    assert one.store.manifests.latest() == replace(
        two.store.manifests.latest(),
        versions=one.store.manifests.latest().versions,  # type: ignore[type-var,union-attr]
    )
    mine = load_manifest(one.store, address)
    theirs = open_loaded(two.store, address)
    for ask in (lambda: theirs.manifest, lambda: theirs.at().__enter__()):
        with pytest.raises(ManifestMissing, match="salesops facts load"):
            ask()
    assert not theirs.holds(mine.manifest)
    for day in (2, 3, 4):  # two copies a home stay, whatever another home loads
        two.take(day, [{"id": f"second {day}"}])
        load_manifest(two.store, address)
    copy = mine.newest()[1]
    assert mine.holds(mine.manifest)
    assert len(places(address)) == 3
    assert copy.place in places(address)
    if address.startswith("postgresql"):
        assert ids(mine) == ["first"]
        assert ids(theirs) == ["second", "second 2", "second 3", "second 4"]


def test_a_number_that_begins_anew_is_another_version(shops: tuple[Shop, Shop], address: str) -> None:
    shop = shops[0]
    loaded = load_manifest(shop.store, address)
    log: Any = shop.store.manifests
    kept = log.manifests[-1]
    assert loaded.holds(kept)
    log.manifests[-1] = replace(kept, recorded_at=kept.recorded_at + timedelta(microseconds=1))
    assert not loaded.holds(log.manifests[-1])
    with pytest.raises(ManifestMissing, match="salesops facts load"):
        loaded.manifest  # noqa: B018 - it asks the engine


def test_a_copy_that_lacks_a_column_is_of_an_earlier_program(shops: tuple[Shop, Shop], address: str) -> None:
    store = shops[0].store
    copy = load_manifest(store, address).newest()[1]
    columns = {t: dict(c) for t, c in copy.columns.items()}
    del columns["opportunities"]["stage"]
    target(address).load(replace(copy, columns=columns), {table: [] for table in columns})
    with pytest.raises(ManifestMissing, match="earlier program: run `salesops facts load`"):
        open_loaded(store, address).newest()


def test_columns_that_no_file_carried_are_told_apart(
    shops: tuple[Shop, Shop], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops[0].take(2, [{"id": "first", "stage": "Won"}])
    # As in tables that were written before the column was declared.
    stores = Facts.stores
    monkeypatch.setattr(Facts, "stores", lambda *a: a[2] != "owner_name" and stores(*a))
    loaded = load_manifest(shops[0].store, database)
    with loaded.at() as there, shops[0].store.at() as here:
        assert there.stores("opportunities", "stage")
        assert not there.stores("opportunities", "owner_name")
        assert not there.stores("activities", "id")
        assert there.changed_fields("opportunities") == here.changed_fields("opportunities") == ["stage"]
        assert there.where
        assert not here.where


def test_the_loaded_log_is_kept_under_no_delta_version(
    shops: tuple[Shop, Shop], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops[0].take(2, [{"id": "first", "stage": "Won"}])
    store = shops[0].store
    loaded = load_manifest(store, database)
    store._changed.clear()
    with loaded.at() as facts:
        assert facts.changed_objects()
    assert not store._changed


def test_readers_end_in_the_copy_that_they_began_with(shops: tuple[Shop, Shop], database: str) -> None:
    shop = shops[0]
    loaded = load_manifest(shop.store, database)
    found = loaded.newest()
    shop.take(2, [{"id": "later"}])
    load_manifest(shop.store, database)
    with loaded.at(found=found) as facts:
        assert facts.manifest == found[0]
        rows = facts.read("opportunities", Scope.all()).select("id")
        assert facts.execute(rows)["id"].to_pylist() == ["first"]


def test_loading_a_copy_again_does_nothing(shops: tuple[Shop, Shop], address: str) -> None:
    shop = shops[0]
    load_manifest(shop.store, address)
    shop.take(2, [{"id": "later"}])
    engine, copy = target(address), load_manifest(shop.store, address).newest()[1]
    both = places(address)
    assert len(both) == 2

    def read(table: str) -> Any:
        raise AssertionError(f"{table} was read again")
        yield

    engine.load(copy, {table: read(table) for table in copy.columns})
    assert places(address) == both
    assert engine.loaded(copy.home) == copy


def test_an_older_copy_that_is_there_is_named_again_and_not_written(
    shops: tuple[Shop, Shop], address: str
) -> None:
    shop = shops[0]
    loaded = load_manifest(shop.store, address)
    first = loaded.newest()
    shop.take(2, [{"id": "later"}])
    load_manifest(shop.store, address)
    both = places(address)

    def read(table: str) -> Any:
        raise AssertionError(f"{table} was read again")
        yield

    target(address).load(first[1], {table: read(table) for table in first[1].columns})
    assert loaded.newest() == first
    assert places(address) == both


# --- Spark's folder ------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("pyspark", reason="PySpark is not installed: python3 run.py install --spark")
    return tmp_path / "copies"


def test_two_loads_take_turns(folder: Path) -> None:
    engine = target(f"spark://{folder}")
    slow_copy, quick_copy = Copy("a", "1", "2025", {"users": {"id": "text"}}), Copy("b", "1", "2025", {})
    begun, go_on = threading.Event(), threading.Event()

    def rows() -> Iterator[Any]:
        begun.set()
        assert go_on.wait(30)
        yield from ()

    first = threading.Thread(target=engine.load, args=(slow_copy, {"users": rows()}))
    first.start()
    assert begun.wait(30)
    second = threading.Thread(target=engine.load, args=(quick_copy, {}))
    second.start()
    second.join(0.3)
    waited = second.is_alive() and engine.loaded("b") is None
    go_on.set()
    first.join(30)
    second.join(30)
    assert waited
    assert (engine.loaded("a"), engine.loaded("b")) == (slow_copy, quick_copy)


@pytest.mark.skipif(not hasattr(stat, "S_IROTH"), reason="no modes")
def test_nobody_else_may_read_the_files(shops: tuple[Shop, Shop], folder: Path) -> None:
    copy = load_manifest(shops[0].store, f"spark://{folder}").newest()[1]
    for path in (folder, folder / copy.place):
        assert stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO == 0


@pytest.mark.timeout(600)
def test_a_spark_that_ended_is_started_anew(
    shops: tuple[Shop, Shop], spark_address: str, folder: Path
) -> None:
    from pyspark.sql import SparkSession

    loaded = load_manifest(shops[0].store, f"spark://{folder}?{spark_address.partition('?')[2]}")
    with loaded.at() as facts:
        rows = facts.read("opportunities", Scope.all()).select("id")
        started = SparkSession.getActiveSession()
        assert started is not None
        started.stop()
        with pytest.raises(EngineError, match="ended"):
            facts.execute(rows)
        with pytest.raises(EngineError, match="ended"):
            facts.id_list(frozenset({"first"}))
    assert ids(loaded) == ["first"]


# --- Addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address, said",
    [
        (f"postgresql://ann:{SECRET}@db:5433/sales", "postgresql://ann@db:5433/sales"),
        (f"postgresql://db/sales?user=ann&password={SECRET}", "postgresql://ann@db/sales"),
        (f"postgresql://ann:a#{SECRET}?x@db/sales", "postgresql://ann@db/sales"),
        (f"postgresql://ann:%{SECRET}@db/sales", "postgresql://..."),
        (f"postgresql://ann:x@{SECRET}@db/sales", "postgresql://..."),
        (f"postgresql://ann:{SECRET}/x@db/sales", "postgresql://..."),
        (f"postgresql://ann:12/{SECRET}@db/sales", "postgresql://..."),
        (f"postgresql://ann:[{SECRET}@db/sales", "postgresql://ann@db/sales"),
        ("postgres://ann@[::1]:5432/sales", "postgres://ann@[::1]:5432/sales"),
        (f"spark:///srv/x?master=local[2]&spark.hadoop.fs.s3a.secret.key={SECRET}", "spark:///srv/x?master=local[2]"),
        (f"spark://ann:{SECRET}@host/srv", "spark://..."),
        (f"mysql://ann:{SECRET}@db/sales", "mysql://..."),
        (f"host=db password={SECRET}", "..."),
        (f"{SECRET}", "..."),
    ],
)  # fmt: skip
def test_an_address_is_shown_by_its_safe_parts(address: str, said: str) -> None:
    assert shown(address) == said


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://ann:%{SECRET}@127.0.0.1:1/sales",
        f"postgresql://ann:x@{SECRET}@127.0.0.1:1/sales",
        f"postgresql://ann:{SECRET}@127.0.0.1:1/sales",
        f"postgresql://ann@127.0.0.1:1/sales?password={SECRET}",
        f"postgresql://ann@127.0.0.1:1/sales?nothing={SECRET}",
        f"mysql://ann:{SECRET}@db/sales",
        f"spark://ann:{SECRET}@db/sales",
        f"spark:///sales?secret={SECRET}",
    ],
)
def test_no_error_shows_a_password(shops: tuple[Shop, Shop], address: str) -> None:
    if address.startswith("spark"):
        pytest.importorskip("pyspark", reason="PySpark is not installed: python3 run.py install --spark")
    store = shops[0].store
    with pytest.raises(FactsError) as refused:
        load_manifest(store, address)
    error: BaseException | None = refused.value
    while error is not None:  # as a traceback in a log shows it
        assert SECRET not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_an_account_without_rights_is_told_so(shops: tuple[Shop, Shop], database: str) -> None:
    load_manifest(shops[0].store, database)
    statement(
        database, "DO $$ BEGIN CREATE ROLE loading_guest LOGIN; EXCEPTION WHEN duplicate_object THEN END $$"
    )
    guest = database.replace("postgres@", "loading_guest@")
    opened = open_loaded(shops[0].store, guest)
    with pytest.raises(EngineError, match=r"refuses the account: permission denied.*salesops facts load"):
        opened.newest()
    with pytest.raises(EngineError, match="refuses the account: permission denied"):
        load_manifest(shops[1].store, guest)


def test_a_lost_connection_is_told_apart_from_a_failed_query(shops: tuple[Shop, Shop], database: str) -> None:
    loaded = load_manifest(shops[0].store, database)
    name = database.rpartition("/")[2]
    with loaded.at() as facts:
        statement(
            database.rpartition("/")[0] + "/postgres",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )
        with pytest.raises(EngineError, match="was lost"):
            facts.execute(facts.read("opportunities", Scope.all()))
