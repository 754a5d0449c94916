"""One expression, one answer: every KPI over DuckDB and over PostgreSQL loaded from the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_django.plugin import DjangoDbBlocker

from tests.doors.conftest import shared_home

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True

QUESTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"period": "year"},
    {"period": "quarter", "by": ("owner",)},
    {"period": "year", "by": ("manager",)},
    {"by": ("product", "region")},
    {"by": ("created_quarter",)},
    {"as_of": date(2025, 6, 30), "period": "quarter"},
    {"as_of": date(2025, 6, 30), "by": ("stage",)},
)


@pytest.fixture(scope="module")
def firm(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Path]:
    """A small simulated firm with its decisions."""
    from salesops.crm import services
    from salesops.platform import decisions
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.simulate.parameters import FirmParameters
    from salesops.simulate.simulator import DECISIONS, EXPORTS, simulate

    home = tmp_path_factory.mktemp("home")
    with shared_home(home, django_db_blocker):
        written = home / "written"
        simulate(FirmParameters().scaled(12, 500), written, seed=9)
        services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[written / EXPORTS])
        for file in sorted((written / DECISIONS).glob("*.yaml")):
            documents = yaml.safe_load(file.read_text(encoding="utf-8"))
            decisions.import_documents(documents, actor=LOCAL_ADMINISTRATOR, reason="Decisions of the firm")
        yield home


@pytest.fixture(scope="module")
def loaded(firm: Path, postgres_cluster: Any, django_db_blocker: DjangoDbBlocker) -> Any:
    """The firm's newest manifest in a PostgreSQL schema."""
    from salesops.facts.loaded import load_manifest
    from salesops.platform.store import fact_store

    with django_db_blocker.unblock():
        return load_manifest(fact_store(), postgres_cluster.address + "/postgres", "facts")


def answers(question: dict[str, Any], names: list[str]) -> list[tuple[Any, ...]]:
    from salesops.analytics.selectors import Question, numbers
    from salesops.platform.actors import LOCAL_ADMINISTRATOR

    found = numbers(LOCAL_ADMINISTRATOR, names, Question(**question))
    rows = [
        (
            v.name,
            tuple(map(str, v.group.values())),
            v.value,
            v.reason,
            v.n,
            dict(v.sides),
            v.notes,
            v.estimate,
        )
        for v in found.values
    ]
    return sorted(rows, key=lambda row: (row[0], row[1]))


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_every_kpi_is_the_same_on_postgresql(
    question: dict[str, Any], firm: Path, loaded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from salesops.analytics.selectors import catalogue

    names = [kpi.name for kpi in catalogue()]
    here = answers(question, names)
    monkeypatch.setattr("salesops.platform.store._store", lambda address, memory: loaded)
    there = answers(question, names)
    assert len(here) >= len(names)
    assert any(isinstance(row[2], Decimal) for row in here)
    assert [row[:2] for row in here] == [row[:2] for row in there]
    assert [(a, b) for a, b in zip(here, there, strict=True) if a != b] == []


@pytest.mark.parametrize("as_of", [None, date(2025, 6, 30)], ids=["now", "as of a day"])
@pytest.mark.parametrize("role", ["administrator", "sales_manager"])
def test_every_reader_gets_the_same_deals_on_postgresql(
    role: str, as_of: date | None, firm: Path, loaded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from salesops.platform.actors import Actor
    from salesops.process.inputs import open_frames

    person = manager() if role == "sales_manager" else ""
    reader = Actor("a reader", role, person_id=person)

    def deals() -> list[dict[str, Any]]:
        with open_frames(reader, as_of=as_of) as frames:
            rows: list[dict[str, Any]] = frames.facts.execute(frames.deals.order_by("id")).to_pylist()
            return rows

    here = deals()
    monkeypatch.setattr("salesops.platform.store._store", lambda address, memory: loaded)
    assert here
    assert deals() == here


def manager() -> str:
    """Somebody whom others report to."""
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.process.inputs import open_frames

    with open_frames(LOCAL_ADMINISTRATOR) as frames:
        owners = frames.facts.execute(frames.deals.select("owner_id").distinct()).to_pylist()
        sellers = {row["owner_id"] for row in owners}
        return min(p.manager_id for key, p in frames.people.items() if key in sellers and p.manager_id)


def test_the_faults_are_the_same_on_postgresql(
    firm: Path, loaded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.quality.selectors import open_faults

    def findings() -> list[Any]:
        with open_faults(LOCAL_ADMINISTRATOR) as opened:
            return opened.findings()

    here = findings()
    monkeypatch.setattr("salesops.platform.store._store", lambda address, memory: loaded)
    assert any(found.faulty for found in here)
    assert findings() == here
