"""Queries are compiled once for relations that differ in their names alone, and each reads its own."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest

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
