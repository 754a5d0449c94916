"""Queries are compiled once for relations that differ in their names alone, and each reads its own."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest

from salesops.facts.backends.compiled import MARK
from salesops.facts.backends.duckdb import Engine, Session, _SessionBackend
from salesops.facts.tests.builders import Shop

NAMES = ('first "1"', "second; --", "third\\")


@pytest.fixture
def engine(shop: Shop) -> Engine:
    made = shop.store._open_engine()
    for number, name in enumerate(NAMES):
        made.store(name, pa.table({"id": ["a", "b", "c"], "worth": [number, 10 + number, 100 + number]}))
    return made


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for every expression that is compiled."""
    calls: list[str] = []
    own = _SessionBackend.compile

    def counted(self: _SessionBackend, *args: object, **more: object) -> str:
        calls.append(own(self, *args, **more))
        return calls[-1]

    monkeypatch.setattr(_SessionBackend, "compile", counted)
    return calls


def rows(session: Session, name: str) -> ir.Table:
    return session.relation(name, ibis.schema({"id": "string", "worth": "int64"}))


def test_one_query_for_every_name_and_each_reads_its_own(engine: Engine, compiled: list[str]) -> None:
    for number, name in enumerate(NAMES):
        session = engine.session()
        wanted = rows(session, name)
        found = session.execute(wanted.filter(wanted.worth > 5, wanted.id != "own test").order_by("id"))
        assert found.to_pydict() == {"id": ["b", "c"], "worth": [10 + number, 100 + number]}
        session.close()
    assert len(compiled) == 1


def test_relations_keep_their_places(engine: Engine, compiled: list[str]) -> None:
    session = engine.session()
    for left, right, wanted in ((0, 1, [1, 21, 201]), (1, 0, [1, 21, 201]), (1, 2, [3, 23, 203])):
        one, two = rows(session, NAMES[left]), rows(session, NAMES[right])
        both = one.join(two, "id").select("id", left=one.worth, right=two.worth).order_by("id")
        found = session.execute(both).to_pydict()
        assert found["left"] == [left, 10 + left, 100 + left]
        assert [a + b for a, b in zip(found["left"], found["right"], strict=True)] == wanted
    assert len(compiled) == 1
    same = rows(session, NAMES[2])
    alone = session.execute(same.join(same.view(), "id").select("id").order_by("id"))
    assert alone.num_rows == 3
    session.close()


def test_other_values_and_other_columns_are_other_queries(engine: Engine, compiled: list[str]) -> None:
    session = engine.session()
    one, two = rows(session, NAMES[0]), session.relation(NAMES[1], ibis.schema({"id": "string"}))
    assert session.execute(one.filter(one.worth > 5)).num_rows == 2
    assert session.execute(one.filter(one.worth > 50)).num_rows == 1
    assert session.execute(two.filter(two.id == "a")).column_names == ["id"]
    assert len(compiled) == 3
    session.close()


def test_the_text_is_what_the_compiler_says(engine: Engine) -> None:
    session = engine.session()
    for name in NAMES:
        every = rows(session, name)
        wanted = every.filter(every.id == f"{name} 1 ").select("worth")
        assert session.compile(wanted) == str(session.ibis.compile(wanted))
    session.close()


def test_rows_in_memory_are_told_apart_by_what_they_hold(engine: Engine, compiled: list[str]) -> None:
    session = engine.session()

    def asked(*given: tuple[str, int]) -> ir.Table:
        held = ibis.memtable({"id": [i for i, _ in given], "more": [n for _, n in given]})
        deals = rows(session, NAMES[1])
        return deals.join(held, "id").select("id", total=deals.worth + held.more).order_by("id")

    assert session.execute(asked(("a", 1), ("b", 2))).to_pydict() == {"id": ["a", "b"], "total": [2, 13]}
    assert session.execute(asked(("c", 5))).to_pydict() == {"id": ["c"], "total": [106]}
    assert len(compiled) == 1
    # Two at once, and one by one.
    one, two = asked(("a", 10)), asked(("b", 20), ("c", 30))
    coming = session.batches(ibis.union(one, two).order_by("id"), 1)
    first = next(coming).to_pylist()
    assert [*first, *(row for batch in coming for row in batch.to_pylist())] == [
        {"id": "a", "total": 11}, {"id": "b", "total": 31}, {"id": "c", "total": 131},
    ]  # fmt: skip
    assert session.execute(ibis.memtable({"n": [1, 2]}).count())[0][0].as_py() == 2
    held = session.execute(rows(session, NAMES[0]).count())
    assert held[0][0].as_py() == 3
    names = session._cursor.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    assert not [name for (name,) in names if name.startswith("rows ")], "what was given is taken away again"
    session.close()


def test_batches_read_the_kept_query_and_have_its_types(engine: Engine, compiled: list[str]) -> None:
    session = engine.session()
    wanted = (
        rows(session, NAMES[0])
        .select(number=ibis._.worth.cast("decimal(19, 4)"), id=ibis._.id)
        .order_by("id")
    )
    whole = session.execute(wanted)
    batches = list(session.batches(wanted, 2))
    assert len(compiled) == 1
    assert pa.Table.from_batches(batches).equals(whole)
    session.close()


def test_a_guard_is_compiled_once_whatever_ids_stand_in_it(engine: Engine, compiled: list[str]) -> None:
    session = engine.session()
    texts = ["a", "'", "b' OR '1'='1", '"third"', "\\", "$a", "; DROP TABLE x; --", "", f"{MARK} 0 ", "ü"]
    for name in NAMES:
        for text in texts:
            own = rows(session, name)
            engine.drop("guard")
            engine.define("guard", session.compile_guard(own.filter(own.id.isin([text, "c"]))))
            seen = session.execute(rows(session, "guard").order_by("id"))["id"].to_pylist()
            assert seen == sorted({text, "c"} & {"a", "b", "c"}), (name, text)
    asked_for_guards = [query for query in compiled if "text 0" in query]
    assert len(asked_for_guards) == 1
    one = rows(session, NAMES[0])
    assert session.compile_guard(one.filter(one.id == "c")) != session.compile_guard(
        one.filter(one.id != "c")
    )
    session.close()


def test_rows_in_memory_are_kept_with_the_query_and_read_in_every_session(
    engine: Engine, compiled: list[str]
) -> None:
    words = ibis.memtable(pa.table({"key": ["a", "b"], "word": ["first", "second"]}))
    for number, name in enumerate(NAMES):
        session = engine.session()
        over = rows(session, name)

        def build(over: ir.Table = over) -> ir.Table:
            return over.join(words, over.id == words.key).select("worth", "word").order_by("worth")

        found = session.execute_known("test", build, over=over)
        assert found.to_pydict() == {"worth": [number, 10 + number], "word": ["first", "second"]}
        assert session._cursor.execute(
            "SELECT count(*) FROM duckdb_views() WHERE view_name LIKE 'rows %'"
        ).fetchone() == (0,)
        session.close()
    assert len(compiled) == 1
