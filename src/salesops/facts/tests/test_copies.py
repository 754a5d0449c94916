"""Native copies change how fast a relation is read, never what is read or by whom."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pytest

from salesops.facts import FactStore, MemoryManifests, QueryFailed, Scope, copies, newest
from salesops.facts.backends import Engine, Session
from salesops.facts.backends import duckdb as backend
from salesops.facts.copies import KEPT
from salesops.facts.derived import derived
from salesops.facts.errors import MemorySpent
from salesops.facts.manifests import Manifest
from salesops.facts.newest import Newest
from salesops.facts.store import Facts
from salesops.facts.tests.builders import EPOCH, EVERYTHING, Shop, day

U1, U2 = (Scope(owner_ids=frozenset({who})) for who in ("u1", "u2"))


@pytest.fixture
def copying(shop: Shop) -> Shop:
    shop.store.keeps_copies = True
    return shop


def deals(facts: Facts, scope: Scope = EVERYTHING, key: str = "key", wait: float = 30.0) -> ir.Table:
    def build(constant: Callable[[str, pa.Table], ir.Table]) -> ir.Table:
        rows = facts.read("opportunities", EVERYTHING)
        return rows.mutate(loud=rows.stage.upper())

    return derived(facts, "opportunities", key, build, scope, copied=True, wait=wait)


def seen(shop: Shop, scope: Scope = EVERYTHING, **at: Any) -> list[tuple[str, str]]:
    with shop.store.at(**at) as facts:
        rows = deals(facts, scope).order_by("id").select("id", "loud")
        return [tuple(row.values()) for row in facts.execute(rows).to_pylist()]


def firm(shop: Shop, on: int, stage: str) -> Manifest:
    rows = [{"id": f"d{n}", "owner_id": f"u{n}", "stage": stage} for n in (1, 2)]
    manifest = shop.take(on, rows).manifest
    assert manifest is not None
    return manifest


def test_a_copy_is_read_under_each_reader_s_own_guard(copying: Shop) -> None:
    firm(copying, 1, "new")
    assert seen(copying) == [("d1", "NEW"), ("d2", "NEW")]
    assert len(copying.store.copied()) == 1
    assert seen(copying, U1) == [("d1", "NEW")]
    assert seen(copying, U2) == [("d2", "NEW")]
    assert seen(copying, Scope.nothing()) == []
    with copying.store.at() as facts:
        assert "copies" in facts.sql(deals(facts, U1))


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own here")
def test_who_makes_copies_gives_way_and_nobody_else(copying: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def niceness(thread: int) -> int:
        return os.getpriority(os.PRIO_PROCESS, thread)

    own, seen_at = niceness(0), []
    copy = Engine.copy

    def noted(engine: Engine, name: str, **more: Any) -> None:
        seen_at.append(niceness(threading.get_native_id()))
        copy(engine, name, **more)

    monkeypatch.setattr(Engine, "copy", noted)
    firm(copying, 1, "new")
    assert seen(copying) == [("d1", "NEW"), ("d2", "NEW")]
    assert seen_at == [min(own + 10, 19)]
    others = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # it ended meanwhile
            others.append(niceness(int(task.name)))
    assert sum(found > own for found in others) <= 1, "the engine's threads answer readers, too"


def test_a_record_is_looked_up_in_a_copy_by_its_id(copying: Shop) -> None:
    firm(copying, 1, "new")
    seen(copying)
    with copying.store.at() as facts:
        rows = deals(facts)
        for _ in range(2):
            one, some = (
                rows.filter(rows.id == "d2"),
                rows.filter(rows.id.isin(facts.chosen(["d1", "gone"]).chosen)),
            )
            assert facts.execute(one.select("id", "loud")).to_pylist() == [{"id": "d2", "loud": "NEW"}]
            assert facts.execute(some)["id"].to_pylist() == ["d1"]
    engine = copying.store._open_engine()
    assert engine._root.execute("SELECT expressions FROM duckdb_indexes()").fetchall() == [("[id]",)]
    firm(copying, 2, "won")
    assert seen(copying) == [("d1", "WON"), ("d2", "WON")]
    firm(copying, 3, "lost")
    assert seen(copying) == [("d1", "LOST"), ("d2", "LOST")]
    assert (
        len(engine._root.execute("SELECT * FROM duckdb_indexes()").fetchall())
        == len(copying.store.copied())
        == 2
    )


def test_a_copy_shows_columns_a_reader_may_not_see_as_empty(copying: Shop) -> None:
    firm(copying, 1, "new")
    seen(copying)
    with copying.store.at() as facts:
        rows = deals(facts, Scope(everything=True, masked=frozenset({"opportunities.stage"})))
        assert facts.execute(rows)["stage"].to_pylist() == [None, None]


def test_a_new_version_is_not_read_from_the_copy_of_an_old_one(copying: Shop) -> None:
    first = firm(copying, 1, "new")
    assert seen(copying) == [("d1", "NEW"), ("d2", "NEW")]
    firm(copying, 2, "won")
    assert seen(copying) == [("d1", "WON"), ("d2", "WON")]
    assert seen(copying, manifest_id=first.id) == [("d1", "NEW"), ("d2", "NEW")]


def test_old_copies_go_when_nobody_reads_them(copying: Shop) -> None:
    for number in range(1, KEPT + 4):
        firm(copying, number, f"stage {number}")
        seen(copying)
    seen(copying)
    copied = copying.store.copied()
    assert 1 <= len(copied) <= KEPT
    assert seen(copying) == [("d1", f"STAGE {KEPT + 3}"), ("d2", f"STAGE {KEPT + 3}")]


def test_a_copy_in_use_outlives_newer_ones(copying: Shop) -> None:
    firm(copying, 1, "new")
    seen(copying)
    with copying.store.at() as facts:
        held = deals(facts)
        for number in range(2, KEPT + 5):
            firm(copying, number, "won")
            seen(copying)
        assert facts.execute(held)["loud"].to_pylist() == ["NEW", "NEW"]


def test_where_no_copy_can_be_made_the_view_answers(copying: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Engine, name: str, **_: Any) -> None:
        raise QueryFailed("no room")

    monkeypatch.setattr(Engine, "copy", refuse)
    firm(copying, 1, "new")
    assert seen(copying, U1) == [("d1", "NEW")]
    assert copying.store.copied() == []


def held_up(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Copies that are not made before they may: set when one has begun, and to be set for it to go on."""
    begun, go_on = threading.Event(), threading.Event()
    make = Engine.copy

    def slowly(self: Engine, name: str, **more: Any) -> None:
        begun.set()
        go_on.wait(30)
        make(self, name, **more)

    monkeypatch.setattr(Engine, "copy", slowly)
    return begun, go_on


def test_readers_go_on_while_a_copy_is_made_and_the_store_can_be_closed(
    copying: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = held_up(monkeypatch)
    firm(copying, 1, "new")
    with copying.store.at() as facts:
        rows = deals(facts, wait=0)
        assert begun.wait(30)
        assert facts.execute(rows).num_rows == 2
    assert copying.store.copied() == []
    go_on.set()
    copying.store.close()
    assert seen(copying) == [("d1", "NEW"), ("d2", "NEW")]


def test_whoever_asks_waits_for_the_copy_but_not_for_ever(
    copying: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = held_up(monkeypatch)

    def from_copy() -> bool:
        with copying.store.at() as facts:
            return "copies" in facts.sql(deals(facts, wait=30))

    firm(copying, 1, "new")
    with ThreadPoolExecutor(3) as readers:
        answers = [readers.submit(from_copy) for _ in range(3)]
        assert begun.wait(30)
        with copying.store.at() as facts:  # a patience that is over since the copy was first asked for
            assert "copies" not in facts.sql(deals(facts, wait=0.001))
        assert not any(answer.done() for answer in answers)
        go_on.set()
        assert [answer.result(30) for answer in answers] == [True, True, True]


def asked(shop: Shop, key: str, wait: float = 0) -> list[str]:
    """What a relation of that key holds."""
    with shop.store.at() as facts:
        return sorted(facts.execute(deals(facts, key=key, wait=wait))["loud"].to_pylist())


def test_of_several_copies_that_are_wanted_the_newest_is_made_and_no_older_one(
    copying: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    made: list[str] = []
    interrupted: list[Session] = []
    make = Engine.copy

    def slowly(self: Engine, name: str, *, running: Any, **more: Any) -> None:
        def noted(session: Session) -> None:
            running(session)
            begun.set()
            go_on.wait(30)
            if session in interrupted:
                raise QueryFailed("The query was interrupted.")

        make(self, name, running=noted, **more)
        made.append(name.rpartition(" ")[2])

    monkeypatch.setattr(Engine, "copy", slowly)
    monkeypatch.setattr(Session, "interrupt", lambda self: interrupted.append(self))
    firm(copying, 1, "new")
    asked(copying, "first")
    assert begun.wait(30)
    for key in ("second", "third", "fourth"):
        assert asked(copying, key) == ["NEW", "NEW"]
    assert interrupted, "the one that was being made is given up"
    go_on.set()
    assert asked(copying, "fourth", wait=30) == ["NEW", "NEW"]
    assert made == ["fourth"]
    assert asked(copying, "first", wait=30) == ["NEW", "NEW"], "whoever asks for it again gets it"
    assert made == ["fourth", "first"]


def test_a_session_that_was_closed_can_be_interrupted(copying: Shop) -> None:
    session = copying.store._open_engine().session()
    session.close()
    session.interrupt()


def test_a_copy_that_failed_is_tried_again_after_a_while(
    copying: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []
    make = Engine.copy

    def at_first_not(self: Engine, name: str, **more: Any) -> None:
        tries.append(name)
        if len(tries) == 1:
            raise MemorySpent("too little")
        make(self, name, **more)

    monkeypatch.setattr(Engine, "copy", at_first_not)
    firm(copying, 1, "new")
    for _ in range(3):
        assert asked(copying, "key", wait=30) == ["NEW", "NEW"]
    assert (len(tries), copying.store.copied()) == (1, [])
    monkeypatch.setattr(copies, "AGAIN", 0.0)
    assert asked(copying, "key", wait=30) == ["NEW", "NEW"]
    assert (len(tries), len(copying.store.copied())) == (2, 1)


def test_a_reader_s_few_rows_are_all_copied_wherever_their_owners_stand(
    copying: Shop, tmp_path: Path
) -> None:
    owners = ["a", "b", None, "o'neil", "z", ""]
    copying.take(
        1,
        [
            {"id": f"d{n}", "owner_id": owners[n % 6], "account_id": f"c{n % 5}", "stage": "new"}
            for n in range(60)
        ],
    )
    hidden = frozenset({"opportunities.owner_id"})
    for scope in (
        Scope(owner_ids=frozenset({"a", "z"})),
        Scope(owner_ids=frozenset({"o'neil"})),
        Scope(account_ids=frozenset({"c1"})),
        Scope(owner_ids=frozenset({"b"}), account_ids=frozenset({"c1", "c4"})),
        Scope(owner_ids=frozenset({"b"}), masked=hidden),
        Scope(owner_ids=frozenset({"nobody"})),
    ):
        with copying.store.at() as facts:
            plain = sorted(facts.execute(facts.read("opportunities", scope).select("id"))["id"].to_pylist())
        assert seen(copying, scope) == seen(copying, scope) == [(deal, "NEW") for deal in plain]
    kept = [guard.rows for guard in copying.store._guards._guards.values() if guard.rows is not None]
    assert sorted(kept) == [0, 10, 10, 12, 20, 30], "each was read from a copy of its own"


def test_a_copy_stands_in_the_order_of_its_owners(copying: Shop) -> None:
    copying.take(1, [{"id": f"d{n}", "owner_id": f"u{n % 7}", "stage": "new"} for n in range(70)])
    seen(copying)
    root, name = copying.store._open_engine()._root, copying.store.copied()[0]
    rows = root.execute(f'SELECT owner_id FROM {backend.COPIES}.main."{name}" ORDER BY rowid').fetchall()
    assert [row[0] for row in rows] == sorted(f"u{n % 7}" for n in range(70))


def test_the_engine_keeps_to_the_memory_it_is_given(tmp_path: Path) -> None:
    store = FactStore(tmp_path / "facts", MemoryManifests(), memory_limit="200MB")
    try:
        engine = store._open_engine()
        found = engine._root.execute("SELECT current_setting('memory_limit')").fetchone()
        with pytest.raises(MemorySpent, match="SALESOPS_MEMORY_LIMIT"):
            engine.session().run("SELECT list(repeat(i::VARCHAR, 50)) FROM range(20_000_000) t(i)")
    finally:
        store.close()
    assert found == ("190.7 MiB",)


def test_a_store_without_copies_makes_none(shop: Shop) -> None:
    firm(shop, 1, "new")
    assert seen(shop) == [("d1", "NEW"), ("d2", "NEW")]
    assert shop.store.copied() == []


def test_a_query_is_compiled_once_for_one_key_and_reader(copying: Shop) -> None:
    firm(copying, 1, "new")
    built: list[str] = []

    def ask(scope: Scope, chosen: list[str]) -> list[str]:
        with copying.store.at() as facts:
            rows, ids = deals(facts, scope), facts.chosen(chosen)

            def build() -> ir.Table:
                built.append("once")
                return rows.semi_join(ids, rows.id == ids.chosen).select("id").order_by("id")

            return list(facts.execute_known(("test", rows.op(), ids.op()), build)["id"].to_pylist())

    assert ask(EVERYTHING, ["d1"]) == ["d1"]
    assert ask(EVERYTHING, ["d2", "d1", "d1"]) == ["d1", "d2"]
    assert len(built) == 1
    assert ask(U1, ["d1", "d2"]) == ["d1"]
    assert ask(U2, ["d1", "d2"]) == ["d2"]
    assert len(built) == 3


def test_copies_leave_the_sandbox_shut(copying: Shop, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    firm(copying, 1, "new")
    seen(copying)
    with copying.store.at() as facts:
        session = facts._session
        for statement in (
            f"SELECT * FROM read_csv('{secret}')",
            f"ATTACH '{tmp_path / 'own.duckdb'}' AS own",
            "SET enable_external_access = true",
        ):
            with pytest.raises(QueryFailed):
                session.run(statement)


def test_what_a_killed_process_left_behind_is_removed() -> None:
    gone = Path(tempfile.mkdtemp(prefix=f"{backend.SPILL}999999999-"))
    before = Path(tempfile.mkdtemp(prefix=f"{backend.SPILL}{os.getpid()}-"))
    other = Path(tempfile.mkdtemp(prefix=f"{backend.SPILL}{os.getppid()}-"))
    engine = Engine(gone.parent, copies=True)
    try:
        assert not gone.exists()  # its process is gone
        assert not before.exists()  # this process's id, but an earlier process's folder
        assert other.exists()
        own = Path(engine._spill.name)
        backend.clear_left()
        assert own.exists()
    finally:
        engine.close()
        other.rmdir()


def version(number: int) -> Manifest:
    return Manifest(str(number), {}, EPOCH, day(number), "")


def test_readers_keep_the_version_before_until_the_newest_is_prepared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(newest, "FIRST_WAITS", 0.0)
    waiting: list[Callable[[], None]] = []
    prepared: list[str] = []
    chooser = Newest(start=waiting.append)

    def prepare(manifest: Manifest) -> None:
        prepared.append(manifest.id)

    one, two = version(1), version(2)
    assert chooser.choose(one, prepare) == one  # there is none before it
    waiting.pop()()
    assert chooser.choose(two, prepare) == one
    assert chooser.choose(two, prepare) == one
    assert len(waiting) == 1, "asked for once"
    waiting.pop()()
    assert chooser.choose(two, prepare) == two
    assert prepared == ["1", "2"]
    monkeypatch.setattr(newest, "MOST", 0.0)
    assert chooser.choose(version(3), prepare) == version(3), "nobody waits for ever"


def test_a_version_that_can_not_be_prepared_is_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    chooser = Newest(start=lambda work: work())

    def prepare(manifest: Manifest) -> None:
        raise QueryFailed("too little memory")

    assert chooser.choose(version(1), prepare) == version(1)
    assert chooser.choose(version(2), prepare) == version(2)
