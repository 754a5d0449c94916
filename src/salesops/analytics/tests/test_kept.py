"""Answers that are kept: found again only for the same question, state and rows."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from salesops.analytics import home, home_ahead, kept, list_address, records, selectors
from salesops.analytics.engine.filters import Filter
from salesops.analytics.selectors import OpenQuestion, Question, ask, numbers
from salesops.analytics.tests import pipeline_firm as firm
from salesops.core.lately import Lately
from salesops.facts.backends import Session
from salesops.facts.errors import MemorySpent
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.roles import Role
from salesops.platform.signin import account_save
from salesops.platform.store import fact_store
from salesops.platform.tests.roles import DATA_DAY, load_facts
from salesops.process.inputs import open_frames
from salesops.process.services import stages_decide

pytestmark = pytest.mark.django_db


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> None:
    firm.serve(monkeypatch)


def reader(person: str, role: str = Role.REP) -> Actor:
    return actor_of(account_save(actor=ADMIN, username=f"r-{person}", role=role, person_id=person))


def deals_of(actor: Actor, **more: object) -> int:
    return int(numbers(actor, ["deals_created"], Question(**more)).values[0].value or 0)  # type: ignore[arg-type]


def names(actor: Actor) -> set[str]:
    page = records.deal_list(actor, list_address.parse("status=all&size=250").list_query())
    return {row["name"] for row in page.rows}


def test_readers_of_different_rows_never_share(serving: None) -> None:
    mine, theirs = reader(firm.OURS), reader(firm.THEIRS)
    everything = len(firm.deals())
    for _ in range(2):  # the second time from what was kept
        assert deals_of(ADMIN) == everything
        assert deals_of(mine) == everything - 20
        assert deals_of(theirs) == 20
        assert not any(name.startswith(firm.SECRET) for name in names(mine))
        assert all(name.startswith(firm.SECRET) for name in names(theirs))
        assert len(names(ADMIN)) == len(names(mine)) + len(names(theirs))
    assert fact_store().copied(), "they were read from a copy"


def test_home_of_two_readers(serving: None) -> None:
    mine, theirs = firm.client(Role.REP, firm.OURS, "ours"), firm.client(Role.REP, firm.THEIRS, "theirs")
    everybody = firm.client(Role.OPS_MANAGER, username="everybody")
    for _ in range(2):
        assert firm.SECRET in everybody.get("/?period=all").content.decode()
        assert firm.SECRET not in mine.get("/?period=all").content.decode()
        assert firm.SECRET in theirs.get("/?period=all").content.decode()


def test_a_decision_shows_at_once(serving: None) -> None:
    def lost() -> int:
        return int(numbers(ADMIN, ["lost_deals"], Question()).values[0].value or 0)

    before = lost()
    assert before == lost() > 0
    stages_decide(actor=ADMIN, rows=[{"stage": "Closed Lost", "stage_class": "ignored"}], reason="A test")
    assert lost() == 0
    assert records.deal_list(ADMIN, list_address.parse("status=lost").list_query()).total == 0


def test_an_import_shows_at_once_and_what_was_known_before_can_be_replayed(serving: None) -> None:
    with open_frames(ADMIN) as frames:
        first = frames.facts.manifest
    assert first is not None
    before = deals_of(ADMIN)
    load_facts({"opportunities": [{"id": "new one", "name": "New one", "created_on": date(2026, 3, 1)}]})
    assert deals_of(ADMIN) == before + 1
    assert "New one" in names(ADMIN)
    assert deals_of(ADMIN, manifest_id=first.id) == before
    early = [deal for deal in firm.deals() if deal["created_on"] <= date(2026, 1, 10)]
    assert deals_of(ADMIN, as_of=date(2026, 1, 10)) == len(early)
    assert deals_of(ADMIN) == before + 1


def test_a_question_that_differs_in_anything_is_another(serving: None) -> None:
    def won(*filters: Filter, **more: object) -> object:
        return numbers(ADMIN, ["won_value"], Question(filters=filters, **more)).values[0].value  # type: ignore[arg-type]

    whole = won()
    assert won(Filter("owner_name", "eq", ("Ann Ours",))) != whole
    assert won(Filter("amount", "ge", ("2000",))) != won(Filter("amount", "lt", ("2000",)))
    assert won(period="2026-Q3") != won(period="2026-Q2")
    assert won() == whole


def test_splits_of_one_name_over_other_days_are_others(serving: None) -> None:
    def won(period: str) -> dict[object, object]:
        found = numbers(ADMIN, ["won_deals"], Question(by=("closed_month",), period=period)).values
        return {value.group["closed_month"]: value.value for value in found}

    whole, part = won(""), won("2026-Q3")
    assert whole["2026-06"]
    assert not part["2026-06"]
    assert whole["2026-07"] == part["2026-07"] > 0  # type: ignore[operator]
    assert won("") == whole


def test_a_question_that_takes_too_much_memory_is_told_so(
    serving: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise MemorySpent("It is too much. Narrow the question.")

    browser = firm.client(Role.OPS_MANAGER)
    kept.forget()
    monkeypatch.setattr(Session, "execute", refuse)
    for path in ("/", "/numbers/win_rate_count/"):
        answer = browser.get(path)
        assert (answer.status_code, "It is too much." in answer.content.decode()) == (503, True), path


def test_the_setting_of_memory_is_the_engine_s(settings: Any) -> None:
    settings.MEMORY_LIMIT = "300MB"
    assert fact_store().memory_limit == "300MB"


def asked_by(browser: Client, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What Home had to ask anew."""
    asked: list[object] = []
    keep = kept._known.keep
    with monkeypatch.context() as patched:
        patched.setattr(kept._known, "keep", lambda key, value: asked.append(key[0]) or keep(key, value))
        assert browser.get("/").status_code == 200
    return asked


def test_what_is_asked_ahead_is_what_home_asks(serving: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_ahead, "_came", Lately(5))
    browser = firm.client(Role.OPS_MANAGER)
    fact_store().newest.choose(fact_store().manifests.latest(), lambda _: None)  # type: ignore[arg-type]
    home_ahead.warm_up(ADMIN)
    assert asked_by(browser, monkeypatch) == [], "Home found everything answered"


@pytest.mark.parametrize(
    "role, person",
    [(Role.REP, firm.OURS), (Role.SALES_MANAGER, firm.LEAD), (Role.OPS_VP, ""), (Role.AUDITOR, "")],
)
def test_it_is_asked_ahead_for_those_who_came_lately(
    serving: None, monkeypatch: pytest.MonkeyPatch, role: str, person: str
) -> None:
    monkeypatch.setattr(home_ahead, "_came", Lately(5))
    browser, other = firm.client(role, person, "one"), firm.client(Role.REP, firm.THEIRS, "two")
    assert asked_by(browser, monkeypatch)
    kept.forget()
    home_ahead.warm_up(ADMIN)
    assert asked_by(browser, monkeypatch) == [], "whoever came before finds everything answered"
    assert asked_by(other, monkeypatch), "nobody else's rows were asked for"


def test_who_stays_away_or_fails_keeps_nobody_waiting(serving: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_ahead, "_came", Lately(5))
    fact_store().newest.choose(fact_store().manifests.latest(), lambda _: None)  # type: ignore[arg-type]
    home_ahead.reader_came(reader(firm.OURS))
    home_ahead.reader_came(Actor(name="of no role", role="none"))
    asked: list[str] = []
    whole = home_ahead._ask_all
    monkeypatch.setattr(home_ahead, "_ask_all", lambda actor: (asked.append(actor.name), whole(actor)))
    home_ahead.warm_up(ADMIN)
    assert asked == [ADMIN.name, "of no role", f"r-{firm.OURS}"]
    asked.clear()
    monkeypatch.setattr(home_ahead, "AHEAD", -1.0)
    home_ahead.warm_up(ADMIN)
    assert asked == [ADMIN.name], "no further reader is begun"
    asked.clear()
    monkeypatch.setattr(home_ahead, "AHEAD", 30.0)
    monkeypatch.setattr(home_ahead, "AWAY", -1.0)
    home_ahead.warm_up(ADMIN)
    assert asked == [ADMIN.name]


def test_the_answers_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_known", Lately(3))
    made: list[int] = []

    def ask(number: int) -> None:
        assert kept.remembered(("bounded", number), lambda: made.append(number) or number) == number

    for number in (*range(10), 7, 10, 7, 8):
        ask(number)
    assert made == [*range(10), 10, 8], "what was used last stays, what was used least is asked again"


def test_of_many_who_ask_at_once_one_makes_the_answer() -> None:
    made: list[int] = []
    gate = threading.Barrier(4)
    found: list[Decimal] = []

    def make() -> Decimal:
        made.append(1)
        return Decimal(len(made))

    def ask() -> None:
        gate.wait()
        found.append(kept.remembered(("once", id(made)), make))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Decimal(1)] * 4
    assert len(made) == 1


def test_an_answer_that_fails_is_not_kept() -> None:
    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept.remembered("fails", fail)
    assert kept.remembered("fails", lambda: 5) == 5


def test_readers_share_the_query_of_deals_that_matter_and_each_has_his_own_past(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A deal is stale that is open for longer than any closed one took: 237 days of ours, 297 of theirs."""
    made = firm.deals()
    old = {"created_on": DATA_DAY - timedelta(days=250), "stage": "Proposal", "amount": Decimal(10**6)}
    made += [made[n] | {"id": f"old {n}", "name": f"Old {n}"} | old for n in (2, 42)]
    monkeypatch.setattr(firm, "deals", lambda: made)
    firm.serve(monkeypatch)
    assert deals_of(ADMIN) == len(made)  # and Home was asked ahead
    built: list[bool] = []
    listed = OpenQuestion.rows

    def counted(self: OpenQuestion, *args: Any, **more: Any) -> Any:
        built.append(True)
        return listed(self, *args, **more)

    monkeypatch.setattr(OpenQuestion, "rows", counted)

    def seen(actor: Actor) -> tuple[list[dict[str, Any]], dict[str, int]]:
        with ask(actor, Question()) as asked:
            # the flags that all shown deals have are told once above them
            found, common = home.deals_that_matter(asked, own=False, most=3)
            assert not common
            changes = home.change_counts(asked, home.window(asked))
        return found, changes

    readers = {person: reader(person) for person in (firm.OURS, firm.THEIRS)}
    found = {person: seen(actor) for person, actor in readers.items()}
    assert len(built) == 1, "one query for both"
    for person, longest in ((firm.OURS, 237), (firm.THEIRS, 297)):
        rows = found[person][0]
        assert rows[0]["id"] == ("old 2" if person == firm.OURS else "old 42")
        for row in rows:
            stale = row["created_on"] < DATA_DAY - timedelta(days=longest)
            assert ("Stale" in [flag[0] for flag in row["flags"]]) is stale, row["id"]
            assert row["owner_id"] == person
    assert DATA_DAY - timedelta(days=250) == found[firm.THEIRS][0][0]["created_on"]
    monkeypatch.setattr(OpenQuestion, "shared_key", lambda self, *asked: ())
    kept.forget()
    assert {person: seen(readers[person]) for person in found} == found


def test_a_query_with_many_days_to_look_up_is_not_kept(
    serving: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A date of the year 2999 that stands for none makes half a million of them."""
    for most, shared in ((5_000, True), (10, False)):
        monkeypatch.setattr(selectors, "MOST_KEPT", most)
        kept.forget()
        with ask(reader(firm.OURS, Role.REP), Question(by=("created_month",))) as asked:
            declared = asked.kpis(["deals_created"])
            assert bool(asked._shared_key(declared)) is shared
            values = asked.values(["deals_created"])
        wanted = Counter(f"{d['created_on']:%Y-%m}" for d in firm.deals() if d["owner_id"] == firm.OURS)
        assert {v.group["created_month"]: v.value for v in values} == wanted
