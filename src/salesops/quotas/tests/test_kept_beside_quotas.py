"""What is kept while decisions are written that shape no records: everything but what reads those decisions."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from django.db import connection, transaction

from salesops.analytics import kept
from salesops.analytics.engine.filters import Filter, FilterError
from salesops.analytics.selectors import Question, numbers
from salesops.analytics.tests import pipeline_firm as firm
from salesops.core.lately import Lately
from salesops.platform import decisions
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.reading import one_state
from salesops.platform.registries import decision_kinds
from salesops.platform.roles import Role
from salesops.platform.store import fact_store
from salesops.process.inputs import deals_of, open_frames
from salesops.process.services import stages_decide
from salesops.quotas.services import quotas_decide

pytestmark = pytest.mark.django_db


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> None:
    firm.serve(monkeypatch)


def quota(amount: int) -> None:
    row = {"person": firm.OURS, "period": "2026-Q3", "amount": str(amount)}
    quotas_decide(actor=ADMIN, rows=[row], reason="A test")


def no_more_won() -> None:
    stages_decide(actor=ADMIN, rows=[{"stage": "Closed Won", "stage_class": "ignored"}], reason="A test")


def told() -> dict[str, object]:
    found = numbers(ADMIN, ["won_value", "quota", "quota_attainment"], Question(period="2026-Q3"))
    return {value.name: value.value for value in found.values}


def test_a_quota_makes_old_what_reads_quotas_and_nothing_else(
    serving: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = firm.client(Role.OPS_MANAGER)
    made: list[object] = []
    keep = kept._known.keep

    def noted(key: tuple[object, ...], value: object) -> object:
        made.append(key[:2] if key[0] == "values" else key[0])
        return keep(key, value)

    def asked() -> list[object]:
        made.clear()
        assert browser.get("/").status_code == 200
        return list(made)

    monkeypatch.setattr(kept._known, "keep", noted)
    records = {"extent", "stocks", "matter", "faults", "changes"}
    assert records <= set(asked())
    assert asked() == []
    copied, first = fact_store().copied(), told()
    assert first["quota"] is None
    assert first["quota_attainment"] is None
    assert first["won_value"]

    quota(50_000)
    anew = asked()
    assert anew, "what reads quotas is asked again"
    assert not records & set(anew)
    assert not [
        key for key in anew if isinstance(key, tuple) and "won_value" in key[1] and "quota" not in key[1]
    ]
    assert fact_store().copied() == copied, "no deal looks another way"
    second = told()
    assert second == first | {"quota": 50_000, "quota_attainment": second["quota_attainment"]}
    assert second["quota_attainment"] is not None

    no_more_won()
    assert records <= set(asked())
    assert told()["quota"] == 50_000
    assert not told()["won_value"]


@pytest.mark.parametrize("kind", [kind for kind, model in decision_kinds.items() if not model.SHAPES_RECORDS])
def test_the_deals_are_made_without_decisions_that_shape_no_records(serving: None, kind: str) -> None:
    """Where they were made of such a decision, they would be kept after the next one."""
    table = decision_kinds.get(kind)._meta.db_table
    read: list[str] = []

    def note(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
        read.append(sql)
        return execute(sql, params, many, context)

    with open_frames(ADMIN) as frames:
        reader = replace(frames.scope, everything=False, owner_ids=frozenset({firm.OURS}))
        with connection.execute_wrapper(note):
            found = frames.facts.execute(deals_of(replace(frames, records_mark="unseen"), reader).count())
    assert found[0][0].as_py() > 0
    assert any(decision_kinds.get("stage")._meta.db_table in sql for sql in read), "what shapes them was read"
    assert not [sql for sql in read if table in sql]


def test_the_mark_of_records_moves_with_what_shapes_them() -> None:
    firm.load()
    marks = [(decisions.high_water_mark(), decisions.mark_of_records())]

    def moved() -> tuple[bool, bool]:
        marks.append((decisions.high_water_mark(), decisions.mark_of_records()))
        (whole, records), (whole_now, records_now) = marks[-2:]
        return whole_now != whole, records_now != records

    quota(50_000)
    assert moved() == (True, False)
    no_more_won()
    assert moved() == (True, True)
    quota(60_000)
    assert moved() == (True, False)
    with transaction.atomic():
        stages_decide(actor=ADMIN, rows=[{"stage": "Proposal", "stage_class": "ignored"}], reason="A test")
        assert moved() == (True, True)
        transaction.set_rollback(True)
    assert (decisions.high_water_mark(), decisions.mark_of_records()) == marks[-2]


def test_what_was_read_before_a_decision_is_not_kept_under_the_mark_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    firm.load()
    quota(50_000)
    monkeypatch.setattr(decisions, "connection", SimpleNamespace(in_atomic_block=False))
    monkeypatch.setattr(decisions, "_marks", Lately(16))
    with one_state():
        whole = decisions.high_water_mark()  # from here on this state reads decisions
        no_more_won()
        assert decisions.high_water_mark() == whole
        late = decisions.mark_of_records()
    with one_state():
        after = decisions.mark_of_records()
    assert late != after
    with one_state():
        assert decisions.mark_of_records() == after
        quota(60_000)
    with one_state():
        assert decisions.mark_of_records() == after


def test_a_filter_that_quotas_lack_leaves_the_numbers_beside_them(serving: None) -> None:
    quota(50_000)
    question = Question(period="2026-Q3", filters=(Filter("next_step", "eq", ("call",)),))
    found = {v.name: v for v in numbers(ADMIN, ["won_value", "quota"], question).values}
    assert found["won_value"].value is not None
    assert found["quota"].value is None
    assert "cannot be cut this way" in found["quota"].reason
    with pytest.raises(FilterError):
        numbers(ADMIN, ["quota"], question)
