"""The inspection at every door: page, deals, files and REST say the same; rights; what the data can't answer."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from salesops.analytics.event_inputs import log_start
from salesops.analytics.inspections import TOGETHER, Sum, open_inspection
from salesops.analytics.selectors import Question, ask
from salesops.analytics.tests.waterfall_firm import bring
from salesops.org import selectors as org
from salesops.org.services import organisation_decide
from salesops.permissions import services as permissions
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.signin import account_save, token_create
from salesops.process.services import stages_decide

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
FILES = (date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30))
USERS = [
    {"id": "u1", "name": "Ada Ash", "manager_id": "m1", "team": "North", "is_active": True},
    {"id": "u2", "name": "Bo Beech", "manager_id": "m2", "team": "South", "is_active": False},
    {"id": "m1", "name": "Mia Moor", "manager_id": None, "team": "North", "is_active": True},
    {"id": "m2", "name": "Max Marsh", "manager_id": None, "team": "South", "is_active": True},
]
OPEN: Mapping[str, tuple[str, str, int | None, str, Sequence[str], Sequence[str], str | None]] = {
    "O1": ("Alder", "u1", 1000, "2026-01-20", ("Talks", "Offer", "Offer", "Offer"), ["2026-05-01"] * 4, "call"),
    "O2": ("Birch", "u1", 200, "2026-01-20", ("Talks", "Talks", "Talks", "Offer"), ["2026-03-15"] * 4, "call"),
    "O3": (
        "Cedar", "u1", 50, "2026-01-20", ("Talks", "Talks", "Talks", "Offer"),
        ("2026-03-20", "2026-05-20", "2026-08-20", "2026-08-20"), "call",
    ),
    "O4": ("Dogwood", "u1", 7, "2026-01-20", ("Talks", "Talks", "Talks", "Offer"), ["2026-05-20"] * 4, "call"),
    "O5": ("Elm", "u2", None, "2025-10-01", ["Talks"] * 4, ["2026-05-20"] * 4, None),
}  # fmt: skip
"""Open deal -> name, owner, amount, created, stage and close date in each file, next step."""

EXPECTED = {
    # The log says that won deals left Offer after 31 days. Alder has stood there for 61.
    "stalled": {"Alder"},
    "slipped": {"Birch", "Cedar"},
    "overdue": {"Birch"},
    "pushed": set(),
    "no_close_date": set(),
    "ghost": {"Elm"},  # 211 days; the longest won deal took 113
    "no_next_step": {"Elm"},
    "single_threaded": {"Birch"},
    "owner_left": {"Elm"},
    "all": {"Alder", "Birch", "Cedar", "Dogwood", "Elm"},
    "any": {"Alder", "Birch", "Cedar", "Elm"},
    "healthy": {"Dogwood"},
}  # fmt: skip
AMOUNTS = {name: amount for name, _, amount, *_ in OPEN.values()}


def deals(number: int) -> list[dict[str, Any]]:
    """The file of a day."""
    made = []
    for key, (name, owner, amount, created, stages, closes, step) in OPEN.items():
        made.append(
            {
                "id": key, "name": name, "owner_id": owner, "stage": stages[number], "next_step": step,
                "amount": None if amount is None else Decimal(amount), "currency": "USD",
                "created_on": date.fromisoformat(created), "close_on": date.fromisoformat(closes[number]),
            }
        )  # fmt: skip
    for n in range(1, 25):
        made.append(
            {
                "id": f"W{n:02}", "name": f"Secret {n}", "owner_id": "u2", "next_step": "call",
                "stage": ("Talks", "Offer", "Won", "Won")[number], "amount": Decimal(100), "currency": "USD",
                "created_on": date(2025, 12, 1),
                "close_on": FILES[1] + timedelta(days=n) if number > 1 else date(2026, 3, 31),
            }
        )  # fmt: skip
    return made


@pytest.fixture(scope="module", autouse=True)
def _firm(module_home: Path) -> Iterator[None]:
    org._people_in_facts.cache_clear()
    organisation_decide(actor=ADMIN, values={"currency": "USD"})
    roles = [
        {"id": f"{deal} {n}", "opportunity_id": deal, "contact_id": f"c{n}"}
        for deal in OPEN
        for n in range(1 if deal == "O2" else 2)
    ]
    for number, day in enumerate(FILES):
        bring(day, {"users": USERS, "opportunities": deals(number), "opportunity_contacts": roles})
    meant = (("Talks", "open", "1"), ("Offer", "open", "2"), ("Won", "won", "3"))
    stages_decide(actor=ADMIN, rows=[{"stage": s, "stage_class": c, "position": p} for s, c, p in meant])
    yield
    org._people_in_facts.cache_clear()


def account(role: str = "ops_analyst", person_id: str = "") -> Any:
    return account_save(actor=ADMIN, username=f"{role}-{person_id}", role=role, person_id=person_id)


def client(user: Any) -> Client:
    made = Client()
    made.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return made


def body(answer: Any) -> str:
    data = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(data.decode("utf-8-sig"))


def total(names: set[str]) -> Decimal | None:
    known = [Decimal(AMOUNTS[n] or 0) for n in names if AMOUNTS[n] is not None]
    return sum(known, Decimal(0)) if known else None


def test_page_files_and_rest_say_the_same() -> None:
    user = account()
    browser = client(user)
    _, secret = token_create(actor=actor_of(user), user=user, name="t", scopes=["numbers.read"])
    headers = {"Authorization": f"Bearer {secret}"}

    def rest(path: str) -> Any:
        return json.loads(
            Client().get(f"/api/v1/inspection{path}", headers=headers).content, parse_float=Decimal
        )

    told = rest("")
    figures = {line["name"]: line for line in told["lines"]} | {n: told[n] for n in ("all", "any", "healthy")}
    for name, names in EXPECTED.items():
        amount = figures[name]["amount"]
        assert (figures[name]["deals"], None if amount is None else Decimal(str(amount))) == (
            len(names),
            total(names),
        ), name
        assert figures[name]["without_amount"] == sum(AMOUNTS[n] is None for n in names), name
        if name not in ("slipped", "any", "healthy"):
            continue  # which deals the others hold, the next test says
        rows = rest(f"/{name}/deals")
        assert ({row["name"] for row in rows["rows"]}, rows["total"]) == (names, len(names)), name
        page = browser.get(f"/pipeline-inspection/{name}/")
        assert page.status_code == 200
        shown = {n for n in AMOUNTS if f">{n}</a>" in page.content.decode()}
        assert shown == names, name
        file = csv.DictReader(io.StringIO(body(browser.get(f"/pipeline-inspection/{name}/?freeze=csv"))))
        assert {row["Deal"] for row in file} == names, name
    for name in ("quiet_14", "quiet_30"):
        assert (figures[name]["deals"], figures[name]["judged"]) == (None, None)
        assert figures[name]["reason"].startswith("your data has no activities")
    for split in ("by_stage", "by_owner"):
        for name in EXPECTED:
            assert sum(g["lines"][name]["deals"] for g in told[split]) == figures[name]["deals"], (
                split,
                name,
            )
    paces = {row["stage"]: (row["days"], row["stays"], row["open"], row["stalled"]) for row in told["stages"]}
    # Nobody knows when a deal came into Talks: the log begins later. Elm alone stands there.
    assert paces == {"Offer": (31, 24, 4, 1), "Talks": (None, 0, 1, None)}
    offer = next(t for t in told["time_in_stage"] if t["stage"] == "Offer")
    assert [(b["first"], b["won"], b["lost"]) for b in offer["bands"] if b["won"]] == [(31, 24, 0)]
    stays = browser.get("/pipeline-inspection/time-in-stage/?place=/Offer&from=31&freeze=csv")
    assert len(list(csv.DictReader(io.StringIO(body(stays))))) == 24
    page = browser.get("/pipeline-inspection/").content.decode()
    assert "Your data has no activities on deals" in page
    file = csv.DictReader(io.StringIO(body(browser.get("/pipeline-inspection/?freeze=csv"))))
    assert [int(row["Deals"]) for row in file if row["Check"] == "Ghost pipeline"] == [1]
    for wrong in ("?split=x", "?place=/Nowhere", "time-in-stage/?from=4"):
        assert browser.get(f"/pipeline-inspection/{wrong}").status_code == 400
    assert browser.get("/pipeline-inspection/nothing/").status_code == 404
    assert Client().get("/api/v1/inspection/quiet_14/deals", headers=headers).status_code == 404


def test_the_evidence_names_the_values_and_stands_on_the_deal_s_page() -> None:
    with open_inspection(ADMIN, Question()) as opened:
        said = {row["name"]: dict(row["why"]) for row in opened.page("any", 1, 50)}
        titles = {check.name: check.title for check in opened.made}
    for name, title in titles.items():
        assert {deal for deal, flags in said.items() if title in flags} == EXPECTED[name], name
    assert said["Alder"] == {"Stalled": "In Offer for 61 days; 90% of won deals left it within 31 (n = 24)."}
    assert said["Cedar"] == {
        "Slipped": "Moved to a later quarter 2 times, from Mar 20, 2026; now expected on Aug 20, 2026."
    }
    assert said["Birch"]["Slipped"] == "Expected to close on Mar 15, 2026, 46 days ago."
    assert said["Birch"]["Single-threaded"] == "1 contact has a role on it."
    assert set(said["Elm"]) == {"Ghost pipeline", "No next step", "Owner left"}
    browser = client(account())
    for deal, flag in (("O1", "In Offer for 61 days"), ("O3", "Moved to a later quarter 2 times")):
        assert flag not in browser.get(f"/pipeline/{deal}/").content.decode()
        assert flag in browser.get(f"/pipeline/{deal}/?inspect=1").content.decode()
    # That its date is past, another flag says already.
    slip = "Close date past, or moved"
    assert slip not in browser.get("/pipeline/O2/?inspect=1").content.decode()


def lines(actor: Actor, **asked: Any) -> dict[str, tuple[int | None, Sum]]:
    with open_inspection(actor, Question(**asked)) as opened:
        return {line.check.name: (line.judged, line.found) for line in opened.lines()}


def test_a_manager_sees_his_deals_alone_and_the_pace_of_the_firm() -> None:
    user = account("sales_manager", "m1")
    found = lines(actor_of(user))
    assert found["stalled"] == (4, Sum(1, Decimal(1000), 1))
    assert found["owner_left"][1].deals == 0
    browser = client(user)
    page = browser.get("/pipeline-inspection/").content.decode()
    assert "Bo Beech" not in page
    names = [browser.get(f"/pipeline-inspection/{n}/").content.decode() for n in ("all", "stalled")]
    assert all("Secret" not in text and "Elm" not in text for text in names)
    # None of his own deals is decided: no share is told of the others'.
    with open_inspection(actor_of(user), Question()) as opened:
        assert opened.places() == []


def test_the_number_of_stalled_deals_is_the_inspection_s_whoever_asks() -> None:
    """The won deals are Bo's alone: Ada's deals are compared with them all the same."""
    kpis = ["stalled_share", "stalled_pipeline"]
    readers = {
        "admin": (ADMIN, {"Alder"}, 4),
        "rep": (actor_of(account("rep", "u1")), {"Alder"}, 4),
        "other rep": (actor_of(account("rep", "u2")), set(), 0),
    }
    for who, (actor, names, compared) in readers.items():
        with open_inspection(actor, Question()) as opened:
            line = next(line for line in opened.lines() if line.check.name == "stalled")
            listed = {row["name"] for row in opened.page("stalled", 1, 50)}
        assert (listed, line.judged) == (names, compared), who
        with ask(actor, Question()) as asked:
            share, pipeline = asked.values(kpis)
            rows = asked.execute(asked.rows("stalled_share", "stalled")).to_pylist()
        assert ({row["name"] for row in rows}, share.n) == (names, compared), who
        if compared:
            assert (share.sides["stalled"], pipeline.value) == (len(names), line.found.amount), who
        else:
            assert share.value is pipeline.value is None
            # Of his one open deal nothing tells since when it stands there.
            assert share.reason == pipeline.reason
            assert share.reason.startswith("your data does not say since when")


def test_how_far_back_the_log_reaches_is_the_firm_s_whoever_asks() -> None:
    for actor in (ADMIN, actor_of(account("rep", "nobody"))):
        with ask(actor, Question()) as asked:
            assert log_start(asked.frames) == FILES[1]


def test_without_a_deal_and_without_a_check_nothing_is_counted() -> None:
    with open_inspection(ADMIN, Question(period="2031-Q1")) as opened:
        none = replace(opened, checks=tuple((check, "hidden") for check, _ in opened.checks))
        assert {name: found.deals for name, found in none.together().sums.items()} == dict.fromkeys(
            TOGETHER, 0
        )
        assert none.by("stage") == none.by("owner") == []


def test_periods_and_days() -> None:
    assert lines(ADMIN, period="2026-Q2")["slipped"][1].deals == 0
    assert lines(ADMIN, period="2026-Q3")["slipped"][1] == Sum(1, Decimal(50), 1)
    # A month earlier nothing was won, and so nothing usual.
    with open_inspection(ADMIN, Question(as_of=FILES[1])) as opened:
        reasons = {line.check.name: line.reason for line in opened.lines()}
        assert reasons["stalled"].startswith("not enough data")
        assert reasons["ghost"].startswith("your data has no closed deal")
        assert {row["name"] for row in opened.page("slipped", 1, 50)} == {"Cedar"}


def test_a_hidden_column_makes_no_line() -> None:
    user = account("ops_representative")
    permissions.mask_decide(
        actor=ADMIN,
        name="plans",
        columns=["opportunities.next_step"],
        roles=["ops_representative"],
        reason="theirs alone",
    )
    with open_inspection(actor_of(user), Question()) as opened:
        found = {line.check.name: line for line in opened.lines()}
    assert found["no_next_step"].judged is None
    assert found["no_next_step"].reason == "masked for your role: next step"
    assert found["stalled"].found.deals == 1
