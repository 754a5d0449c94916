"""One expression, one answer: every KPI over DuckDB, and over each other engine loaded from the manifest.

Integers, decimals and dates are equal; floats to one part in 10^9. What an engine can't do is an expected failure,
and a strict one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_django.plugin import DjangoDbBlocker

from salesops.facts.errors import FactsError
from tests import postgres
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
ENGINES = ("PostgreSQL", "Spark")
ASKED = [("PostgreSQL", question) for question in QUESTIONS]
ASKED += [("Spark", QUESTIONS[0]), ("Spark", QUESTIONS[7])]
"""On Spark a pass takes minutes of processor time whatever the firm's size: one of now, one of a day, grouped."""

FAULTS_THERE = ("PostgreSQL",)


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
def addresses(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[[str], str]:
    """Name of an engine -> its address; what it needs is started when it is first asked for."""

    def address(engine: str) -> str:
        if engine == "PostgreSQL":
            return str(request.getfixturevalue("postgres_cluster").address) + "/postgres"
        return str(request.getfixturevalue("spark_address"))

    return address


@pytest.fixture(scope="module")
def loaded(
    firm: Path, addresses: Callable[[str], str], django_db_blocker: DjangoDbBlocker
) -> Callable[[str], Any]:
    """Name of an engine -> the firm's newest manifest there."""
    from salesops.facts.loaded import load_manifest
    from salesops.platform.store import fact_store

    known: dict[str, Any] = {}

    def load(engine: str) -> Any:
        if engine not in known:
            with django_db_blocker.unblock():
                known[engine] = load_manifest(fact_store(), addresses(engine))
        return known[engine]

    return load


def same(one: Any, two: Any) -> bool:
    """Equal; of floats, equal to one part in 10^9."""
    if isinstance(one, float) and isinstance(two, float):
        return math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(two, list | tuple):
        return len(one) == len(two) and all(same(a, b) for a, b in zip(one, two, strict=True))
    return bool(type(one) is type(two) and one == two)


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


@pytest.mark.timeout(1200)  # Spark's own planning, where other tests share the cores
@pytest.mark.parametrize("engine, question", ASKED, ids=lambda value: str(value))
def test_every_kpi_is_the_same(
    engine: str,
    question: dict[str, Any],
    firm: Path,
    loaded: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from salesops.analytics import kept
    from salesops.analytics.selectors import catalogue

    names = [kpi.name for kpi in catalogue()]
    here = answers(question, names)
    store = loaded(engine)
    monkeypatch.setattr("salesops.platform.store._store", lambda address, memory: store)
    kept.forget()  # no answer of the other engine may stand for this one's
    there = answers(question, names)
    assert len(here) >= len(names)
    assert any(isinstance(row[2], Decimal) for row in here)
    assert [row[:2] for row in here] == [row[:2] for row in there]
    assert [(a, b) for a, b in zip(here, there, strict=True) if not same(a, b)] == []


@pytest.mark.parametrize("as_of", [None, date(2025, 6, 30)], ids=["now", "as of a day"])
@pytest.mark.parametrize("role", ["administrator", "sales_manager"])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_reader_gets_the_same_deals(
    engine: str,
    role: str,
    as_of: date | None,
    firm: Path,
    loaded: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
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
    store = loaded(engine)
    monkeypatch.setattr("salesops.platform.store._store", lambda address, memory: store)
    assert here
    there = deals()
    assert [row for row, other in zip(here, there, strict=True) if not same(row, other)] == []


def manager() -> str:
    """Somebody whom others report to."""
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.process.inputs import open_frames

    with open_frames(LOCAL_ADMINISTRATOR) as frames:
        owners = frames.facts.execute(frames.deals.select("owner_id").distinct()).to_pylist()
        sellers = {row["owner_id"] for row in owners}
        return min(p.manager_id for key, p in frames.people.items() if key in sellers and p.manager_id)


@pytest.mark.parametrize("engine", FAULTS_THERE)
def test_the_faults_are_the_same(
    engine: str, firm: Path, loaded: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.quality.selectors import open_faults

    def findings() -> list[Any]:
        with open_faults(LOCAL_ADMINISTRATOR) as opened:
            return opened.findings()

    here = findings()
    store = loaded(engine)
    monkeypatch.setattr("salesops.platform.store._store", lambda address, memory: store)
    assert any(found.faulty for found in here)
    assert findings() == here


@pytest.mark.parametrize("engine", ENGINES)
def test_a_command_computes_where_the_facts_were_loaded(
    engine: str,
    firm: Path,
    addresses: Callable[[str], str],
    settings: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from salesops.analytics import kept
    from salesops.facts.loaded import LoadedStore
    from salesops.project.cli import main

    def said(*arguments: str) -> Any:
        kept.forget()
        capsys.readouterr()
        assert main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    command = ("kpi", "won_value", "--period", "2025-Q2")
    here = said(*command)
    settings.FACTS_URL = addresses(engine)
    told = said("facts", "load")
    assert told["engine"] == engine
    opened: list[str] = []
    at = LoadedStore.at
    monkeypatch.setattr(
        LoadedStore, "at", lambda self, *a, **k: opened.append(self.engine) or at(self, *a, **k)
    )
    assert said(*command) == here
    assert opened == [engine]


def test_a_number_says_that_newer_facts_are_not_loaded(
    firm: Path, addresses: Callable[[str], str], settings: Any
) -> None:
    from django.utils import timezone

    from salesops.facts.loaded import load_manifest
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.platform.store import fact_store
    from salesops.process.inputs import open_frames

    store = fact_store()
    former = store.manifests.latest()
    assert former is not None
    settings.FACTS_URL = addresses("PostgreSQL")
    load_manifest(store, settings.FACTS_URL)
    newest = store.manifests.append(
        versions=former.versions, recorded_at=timezone.now(), data_on=former.data_on, note="As an import does"
    )
    try:
        with open_frames(LOCAL_ADMINISTRATOR, elsewhere=True) as frames:
            assert frames.facts.manifest == former
            assert any("not loaded yet: salesops facts load" in note for note in frames.notes)
        # A version that is asked for by name is read where it is promised: from the Delta files.
        with open_frames(LOCAL_ADMINISTRATOR, manifest_id=newest.id, elsewhere=True) as frames:
            assert frames.facts.manifest == newest
        load_manifest(store, settings.FACTS_URL)
        with open_frames(LOCAL_ADMINISTRATOR, elsewhere=True) as frames:
            assert frames.facts.manifest == newest
            assert not any("not loaded yet" in note for note in frames.notes)
    finally:
        load_manifest(store, settings.FACTS_URL, manifest_id=former.id)


def test_rights_are_those_of_now_over_an_older_copy(
    firm: Path, addresses: Callable[[str], str], settings: Any
) -> None:
    """A manager whose rep left his team after the copy's day no longer sees that rep's deals."""
    from django.utils import timezone

    from salesops.facts.loaded import load_manifest
    from salesops.org.services import positions_decide
    from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor
    from salesops.platform.store import fact_store
    from salesops.process.inputs import open_frames

    store = fact_store()
    former = store.manifests.latest()
    assert former is not None
    assert former.data_on is not None
    reader = Actor("a reader", "sales_manager", person_id=manager())

    def owners(**asked: Any) -> set[str]:
        with open_frames(reader, elsewhere=True, **asked) as frames:
            rows = frames.facts.execute(frames.deals.select("owner_id").distinct())
            return set(rows["owner_id"].to_pylist())

    settings.FACTS_URL = addresses("PostgreSQL")
    load_manifest(store, settings.FACTS_URL)
    before = owners()
    with open_frames(LOCAL_ADMINISTRATOR) as frames:
        leaders = {person.manager_id for person in frames.people.values()}
    lost = min(before - leaders)
    positions_decide(
        actor=LOCAL_ADMINISTRATOR,
        rows=[{"person": lost, "manager": "-"}],
        starts_on=former.data_on + timedelta(days=1),
    )
    assert owners() == before, "it has not begun on the newest facts' day"
    newest = store.manifests.append(
        versions=former.versions,
        recorded_at=timezone.now(),
        data_on=former.data_on + timedelta(days=2),
        note="As an import does",
    )
    assert owners() == owners(manifest_id=newest.id) == owners(manifest_id=former.id) == before - {lost}


def test_a_load_while_a_question_is_opened_is_the_next_ones(
    firm: Path, addresses: Callable[[str], str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.utils import timezone

    from salesops.facts.backends.postgresql import PostgresTarget
    from salesops.facts.loaded import load_manifest
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.platform.store import fact_store
    from salesops.process import inputs

    store = fact_store()
    former = store.manifests.latest()
    assert former is not None
    settings.FACTS_URL = addresses("PostgreSQL")
    load_manifest(store, settings.FACTS_URL)
    mark, asked = inputs.high_water_mark, PostgresTarget.loaded
    times: list[str] = []

    def load_now() -> str:
        monkeypatch.setattr(inputs, "high_water_mark", mark)
        newer = {"recorded_at": timezone.now(), "data_on": former.data_on, "note": "As an import does"}
        store.manifests.append(versions=former.versions, **newer)
        load_manifest(store, settings.FACTS_URL)
        return mark()

    monkeypatch.setattr(inputs, "high_water_mark", load_now)
    monkeypatch.setattr(PostgresTarget, "loaded", lambda *a: times.append("") or asked(*a))
    try:
        with inputs.open_frames(LOCAL_ADMINISTRATOR, elsewhere=True) as frames:
            assert len(times) == 1
            assert frames.facts.manifest == former
            assert frames.facts.execute(frames.deals.count())[0][0].as_py() > 0
        with inputs.open_frames(LOCAL_ADMINISTRATOR, elsewhere=True) as frames:
            assert frames.facts.manifest == store.manifests.latest() != former
    finally:
        load_manifest(store, settings.FACTS_URL, manifest_id=former.id)


def test_an_answer_of_one_engine_is_not_anothers(
    firm: Path, addresses: Callable[[str], str], settings: Any
) -> None:
    from salesops.analytics.kept import state_key
    from salesops.facts.loaded import load_manifest
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.platform.store import fact_store
    from salesops.process.inputs import _settings, open_frames

    settings.FACTS_URL = addresses("PostgreSQL")
    load_manifest(fact_store(), settings.FACTS_URL)
    _settings.clear()
    keys = []
    for elsewhere in (False, True):
        with open_frames(LOCAL_ADMINISTRATOR, elsewhere=elsewhere) as frames:
            keys.append(state_key(frames))
    assert keys[0] != keys[1]
    assert len(_settings) == 2


def test_pages_and_rest_say_what_is_wrong_with_the_engine(
    firm: Path, addresses: Callable[[str], str], settings: Any
) -> None:
    from django.http import HttpResponse
    from django.test import Client, RequestFactory

    from salesops.facts.errors import EngineError
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.platform.signin import account_save, token_create
    from salesops.platform.web import RefusalMiddleware

    user = account_save(actor=LOCAL_ADMINISTRATOR, username="engine_reader", role="administrator")
    page = Client()
    page.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    _, token = token_create(actor=LOCAL_ADMINISTRATOR, user=user, name="engine")
    empty = postgres.database_make(addresses("PostgreSQL").rpartition("/")[0], "nothing_loaded")
    away = "postgresql://nobody:secret@127.0.0.1:1/none"
    for settings.FACTS_URL, said in ((empty, "run `salesops facts load`"), (away, "reached")):
        for answer in (
            page.get("/numbers/won_value/"),
            page.get("/api/v1/kpis/won_value", headers={"Authorization": f"Bearer {token}"}),
        ):
            assert answer.status_code == 503
            assert said in answer.content.decode()
            assert "secret" not in answer.content.decode()
    # A view that does not read an address.
    told = RefusalMiddleware(lambda request: HttpResponse()).process_exception(
        RequestFactory().get("/"), EngineError("It is away.")
    )
    assert told is not None
    assert (told.status_code, "It is away." in told.content.decode()) == (503, True)


def test_only_administrators_copy_everything(tmp_path: Path) -> None:
    """The area of people's accounts, which a rep may hold, is no right to every row of the firm."""
    from salesops.platform.access import NotAllowedError
    from salesops.platform.actors import Actor
    from salesops.platform.safekeeping.backup import backup_write
    from salesops.platform.safekeeping.facts_loading import facts_load

    for actor in (Actor("sub", "rep", areas=frozenset({"people"})), Actor("vp", "ops_vp")):
        with pytest.raises(NotAllowedError):
            facts_load(actor=actor, address=f"spark://{tmp_path}/copies")
        with pytest.raises(NotAllowedError):
            backup_write(actor=actor, path=tmp_path / "backup.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address, said",
    [
        ("mysql://host/base", "names no engine"),
        ("spark://host:7077/folder", "is no address of Spark"),
        ("spark:///folder?memory=4g", "is no address of Spark"),
        (
            "postgresql://nobody:secret@127.0.0.1:1/none",
            "postgresql://nobody@127.0.0.1:1/none can't be reached",
        ),
    ],
)
def test_an_address_that_is_none_is_refused_by_name(address: str, said: str, firm: Path) -> None:
    from salesops.facts.loaded import load_manifest
    from salesops.platform.store import fact_store

    if address.startswith("spark"):
        pytest.importorskip("pyspark", reason="PySpark is not installed: python3 run.py install --spark")
    with pytest.raises(FactsError) as refused:
        load_manifest(fact_store(), address)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)
