"""Questions in words at every door: the same figures as the numbers' own, the reader's own rows, nothing hidden."""

from __future__ import annotations

import argparse
import asyncio
import json
import queue
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from salesops.analytics import records, selectors
from salesops.analytics.engine.filters import Filter
from salesops.analytics.selectors import Question
from salesops.analytics.shown import value_text
from salesops.analytics.tests import pipeline_firm
from salesops.ask import mcp
from salesops.ask.answers import NumberAnswer, answer
from salesops.ask.services import ACTION
from salesops.ask.tools import MOST_ROWS, TOOLS, Reader, Told, ToolRefused, sized
from salesops.permissions.services import mask_decide
from salesops.platform import rate
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.models import ApiToken, AuditEvent, User
from salesops.platform.signin import account_save, token_create, token_revoke
from salesops.platform.tests.roles import DATA_DAY
from salesops.project.cli import main
from salesops.quotas.services import quotas_decide
from tests.doors.conftest import shared_home

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
DEALS = pipeline_firm.deals()
"""Made anew for each call: the same rows every time."""
STAGE_CLASS = {"Closed Won": "won", "Closed Lost": "lost"}
NAMES = {pipeline_firm.OURS: "Ann Ours", pipeline_firm.THEIRS: "Theo Theirs"}


@pytest.fixture(scope="module", autouse=True)
def firm(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    with shared_home(tmp_path_factory.mktemp("home"), django_db_blocker):
        pipeline_firm.load()
        yield


def account(role: str = "ops_analyst", person: str = "") -> User:
    return account_save(actor=ADMIN, username=f"ask-{role}-{person}", role=role, person_id=person)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def token(user: User, *scopes: str) -> str:
    return token_create(actor=ADMIN, user=user, name="ask", scopes=scopes)[1]


def rest(secret: str, status: int = 200, **query: Any) -> Any:
    response = Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/ask", query)
    assert response.status_code == status, response.content
    return response.json()


def won(rows: list[dict[str, Any]], first: date = date.min, last: date = date.max) -> list[dict[str, Any]]:
    return [d for d in rows if d["stage"] == "Closed Won" and first <= d["close_on"] <= last]


def total(rows: list[dict[str, Any]]) -> Decimal | None:
    known = [d["amount"] for d in rows if d["amount"] is not None]
    return sum(known, Decimal(0)) if known or not rows else None


# --- The figures ----------------------------------------------------------------------------------


def test_numbers_are_those_of_a_plain_count() -> None:
    third = (date(2026, 7, 1), date(2026, 9, 30))
    found = answer(ADMIN, "won value in Q3 2026").number
    assert found is not None
    assert found.total.value == total(won(DEALS, *third))
    split = answer(ADMIN, "number of won deals by rep of all time").number
    assert split is not None
    counted = {g.group["owner_name"]: g.value for g in split.groups}
    assert counted == {
        name: len([d for d in won(DEALS) if d["owner_id"] == key]) for key, name in NAMES.items()
    }
    top = answer(ADMIN, "top 1 rep by number of won deals of all time").number
    assert top is not None
    assert [g.group["owner_name"] for g in top.groups] == ["Ann Ours"]
    assert top.left == 1
    some = answer(ADMIN, "number of won deals over 1,500 except Theo Theirs of all time").number
    assert some is not None
    assert some.total.value == len(
        [d for d in won(DEALS) if (d["amount"] or 0) > 1500 and d["owner_id"] == pipeline_firm.OURS]
    )
    then = answer(ADMIN, "won value in Q3 2026 compared with Q2 2026").number
    assert then is not None
    assert then.before is not None
    assert then.before.value == total(won(DEALS, date(2026, 4, 1), date(2026, 6, 30)))


def test_lists_are_those_of_a_plain_count() -> None:
    wanted = [d for d in DEALS if d["stage"] not in STAGE_CLASS and (d["amount"] or 0) >= 2000]
    found = answer(ADMIN, "show open deals worth at least 2k").deals
    assert found is not None
    assert (found.total, found.sums.amount) == (len(wanted), total(wanted))
    missing = answer(ADMIN, "deals without next step").deals
    assert missing is not None
    assert missing.total == len([d for d in DEALS if d["stage"] not in STAGE_CLASS and not d["next_step"]])
    created = answer(ADMIN, "show deals created in January 2026").deals
    assert created is not None
    assert created.total == len([d for d in DEALS if d["created_on"].month == 1])
    unjudged = answer(ADMIN, "stalled deals").deals
    assert unjudged is not None
    assert (unjudged.total, bool(unjudged.reason)) == (0, True), "nobody exported the history of stages"


EQUAL = (
    ("win rate", "win_rate_count", Question(period="quarter")),
    ("won value by region last quarter", "won_value", Question(period="2026-Q2", by=("region",))),
    ("win rate by rep in 2026", "win_rate_count", Question(period="2026", by=("owner_name",))),
    ("pipeline by stage and owner", "open_pipeline", Question(period="quarter", by=("stage", "owner_name"))),
    ("open pipeline as of 1 June", "open_pipeline", Question(period="quarter", as_of=date(2026, 6, 1))),
    (
        "median sales cycle for Ann Ours of all time",
        "sales_cycle_median",
        Question(period="all", filters=(Filter("owner_name", "eq", ("Ann Ours",)),)),
    ),
    (
        "win rate for Office 1 or Office 2 in Q3",
        "win_rate_count",
        Question(period="2026-Q3", filters=(Filter("x_office", "in", ("Office 1", "Office 2")),)),
    ),
    (
        "won deals not in stage Proposal in August",
        "won_deals",
        Question(period="2026-08", filters=(Filter("stage", "ne", ("Proposal",)),)),
    ),
)


@pytest.mark.parametrize("place", range(len(EQUAL)), ids=[text for text, _, _ in EQUAL])
def test_an_answer_is_the_selectors_own(place: int) -> None:
    text, name, question = EQUAL[place]
    # Every other question is a rep's, over his own rows.
    reader = actor_of(account("rep", pipeline_firm.OURS) if place % 2 else account())
    found = answer(reader, text).number
    assert found is not None
    theirs, whole = selectors.number_with_total(reader, name, question)
    assert found.kpi.name == name
    assert (found.total.value, found.total.n, found.total.reason) == (whole.value, whole.n, whole.reason)
    if question.by:
        assert {tuple(g.group.values()): g.value for g in found.groups} == {
            tuple(g.group.values()): g.value for g in theirs.values
        }


@pytest.mark.parametrize("text", [EQUAL[place][0] for place in (1, 6)])
def test_the_page_of_the_number_says_the_same(text: str) -> None:
    client = browser(account())
    shown = unescape(client.get("/ask/", {"q": text}).content.decode())
    found = answer(actor_of(account()), text).number
    assert found is not None
    own = unescape(client.get(found.href).content.decode())
    exact = value_text(found.kpi, found.total.value, found.currency, to_the_cent=True)
    assert exact
    assert f'title="{exact}"' in shown
    assert exact in own
    assert found.href in shown


def test_the_list_opens_with_the_same_deals() -> None:
    reader = account()
    found = answer(actor_of(reader), "show open deals over 1500 for Office 1").deals
    assert found is not None
    page = unescape(browser(reader).get(found.href).content.decode())
    assert f"{found.total:,}" in page
    assert all(str(row["name"]) in page for row in found.rows)


def number_of(text: str, actor: Actor = ADMIN, **values: Any) -> NumberAnswer:
    found = answer(actor, text, **values)
    assert found.number is not None, found.problem
    return found.number


def test_ranges_with_one_end_are_a_plain_count() -> None:
    """Each against a loop over the rows; the day between the two halves falls into one of them."""
    before = number_of("number of won deals before 15 July 2026")
    after = number_of("number of won deals after 14 July 2026")
    assert before.total.value == len(won(DEALS, last=date(2026, 7, 14))) > 0
    assert after.total.value == len(won(DEALS, date(2026, 7, 15), DATA_DAY)) > 0
    assert before.total.value + after.total.value == len(won(DEALS, last=DATA_DAY))
    until = number_of("won value until 15 July 2026 by rep")
    assert until.period is not None
    first = min([d["created_on"] for d in DEALS] + [d["close_on"] for d in DEALS])
    assert (until.period.first, until.period.last) == (first, date(2026, 7, 15))
    assert {g.group["owner_name"]: g.value for g in until.groups} == {
        name: total([d for d in won(DEALS, last=date(2026, 7, 15)) if d["owner_id"] == key])
        for key, name in NAMES.items()
    }
    assert number_of("number of won deals before 2001").total.value == 0
    open_deals = [d for d in DEALS if d["stage"] not in STAGE_CLASS]
    for text, chosen in (
        ("show open deals created before 1 March 2026", [d for d in open_deals if d["created_on"] < date(2026, 3, 1)]),
        ("show deals closing after 2026-10-15", [d for d in open_deals if d["close_on"] > date(2026, 10, 15)]),
        ("show won deals before 15 July 2026", won(DEALS, last=date(2026, 7, 14))),
    ):  # fmt: skip
        listed = answer(ADMIN, text).deals
        assert listed is not None
        assert (listed.total, listed.sums.amount) == (len(chosen), total(chosen)), text


def test_ages_are_counted_from_the_day_of_the_data() -> None:
    today = DATA_DAY
    open_deals = [d for d in DEALS if d["stage"] not in STAGE_CLASS]
    ages = sorted((today - d["created_on"]).days for d in open_deals)
    middle = ages[len(ages) // 2]
    older = [d for d in open_deals if (today - d["created_on"]).days > middle]
    # A number of a day counts as open what was closed after it.
    then = [d for d in DEALS if d["stage"] not in STAGE_CLASS or d["close_on"] > today]
    younger = [d for d in then if (today - d["created_on"]).days < middle]
    assert 0 < len(older) < len(open_deals)
    listed = answer(ADMIN, f"show deals older than {middle} days").deals
    assert listed is not None
    assert (listed.total, listed.sums.amount) == (len(older), total(older))
    assert number_of(f"number of open deals less than {middle} days old").total.value == len(younger)


def test_a_trend_adds_up_to_its_period() -> None:
    found = number_of("number of won deals trend in 2026")
    months = {
        key: len([d for d in won(DEALS) if f"{d['close_on']:%Y-%m}" == key])
        for key in {f"{d['close_on']:%Y-%m}" for d in won(DEALS) if d["close_on"].year == 2026}
    }
    said = {str(g.group["closed_month"]): g.value for g in found.groups if g.value}
    assert {str(g.group["closed_month"])[:4] for g in found.groups} == {"2026"}, "no month of another year"
    assert sorted(said.values()) == sorted(months.values())
    assert len(said) == len(months) > 1
    assert sum(said.values()) == found.total.value
    earlier = number_of("won value in Q3 2026 vs the quarter before")
    assert earlier.before is not None
    assert earlier.before.value == total(won(DEALS, date(2026, 4, 1), date(2026, 6, 30)))


def test_groups_that_are_cut_and_periods_of_other_lengths_are_told() -> None:
    cut = number_of("number of won deals by month from 15 July 2026 to 20 August 2026")
    assert "July 2026 and August 2026: only their days from 2026-07-15 to 2026-08-20 count." in cut.notes
    assert cut.total.value == len(won(DEALS, date(2026, 7, 15), date(2026, 8, 20)))
    whole = number_of("number of won deals by month in Q2 2026")
    assert not [note for note in whole.notes if "count." in note or "is not over" in note]
    weeks = number_of("trend of won value over the last 6 weeks")
    assert [note for note in weeks.notes if "only" in note and "count." in note]
    running = number_of("number of won deals by year of all time")
    assert f"{DATA_DAY.year} is not over: the data stands at {DATA_DAY}." in running.notes
    unequal = number_of("won value this year to date vs 2025")
    assert [n for n in unequal.notes if "has 273 days" in n and n.endswith("2025 365.")]
    alike = number_of("won value this year to date vs last year")
    assert alike.against is not None
    assert (alike.against.first, alike.against.last) == (date(2025, 1, 1), date(2025, 9, 30))
    assert not [note for note in alike.notes if " days, " in note]


def test_what_is_made_for_a_period_alone_has_no_range_without_a_begin() -> None:
    quotas_decide(
        actor=ADMIN,
        rows=[{"person": pipeline_firm.OURS, "period": "2026-Q2", "amount": "9100"}],
        reason="test",
    )
    assert number_of("quota in Q2 2026").total.value == 9100
    for text in (
        "quota before July", "quota attainment before June", "quota participation before June 2026",
        "mean rep attainment until 15 June", "rep productivity before June", "quota attainment through Q2 2026",
    ):  # fmt: skip
        found = answer(ADMIN, text)
        assert found.number is None, text
        assert "holds no first day" in found.problem


def test_an_age_is_counted_until_the_day_that_is_read() -> None:
    assert (
        "one day at a time" in answer(ADMIN, "number of open deals older than 30 days last quarter").problem
    )
    day = date(2026, 6, 30)
    then = [d for d in DEALS if d["stage"] not in STAGE_CLASS or d["close_on"] > day]
    older = [d for d in then if d["created_on"] <= day and (day - d["created_on"]).days > 130]
    found = number_of("number of open deals older than 130 days as of 2026-06-30")
    assert found.total.value == len(older) > 0


# --- Who asks -------------------------------------------------------------------------------------


def test_two_readers_get_their_own_rows() -> None:
    for person, name in NAMES.items():
        reader = actor_of(account("rep", person))
        found = answer(reader, "number of won deals by rep of all time").number
        assert found is not None
        assert [g.group["owner_name"] for g in found.groups] == [name]
        assert found.total.value == len([d for d in won(DEALS) if d["owner_id"] == person])
    # A name of somebody else's rows is nobody's name, and reads like one that does not exist.
    reader = actor_of(account("rep", pipeline_firm.OURS))
    theirs, nobodys = answer(reader, "win rate for Theo Theirs"), answer(reader, "win rate for Nemo Nobody")
    assert theirs.number is None
    assert theirs.problem.replace("Theo Theirs", "X") == nobodys.problem.replace("Nemo Nobody", "X")
    client = browser(account("rep", pipeline_firm.OURS))
    for text in ("Theirs secret", "show deals", "won value for Theirs"):
        shown = unescape(client.get("/ask/", {"q": text}).content.decode())
        body = shown.split('id="ask-title"')[1].replace(text, "")
        assert "Theirs secret" not in body
        assert "Theo Theirs" not in body


def test_my_deals_are_those_of_the_person() -> None:
    mine = answer(actor_of(account("rep", pipeline_firm.OURS)), "my won deals of all time").number
    assert mine is not None
    assert mine.total.value == len([d for d in won(DEALS) if d["owner_id"] == pipeline_firm.OURS])
    assert answer(ADMIN, "my win rate").problem.startswith("This account stands for no person")


def test_hidden_fields_stay_hidden() -> None:
    reader = actor_of(account())
    assert answer(reader, "won deals for Office 1").number is not None
    mask_decide(actor=ADMIN, name="no amounts", columns=["amounts"], roles=["ops_analyst"], reason="test")
    mask_decide(
        actor=ADMIN, name="no offices", columns=["opportunities.x_office"], roles=["ops_analyst"], reason="t"
    )
    hidden = answer(reader, "won value of all time").number
    assert hidden is not None
    assert hidden.total.value is None
    assert hidden.total.reason == "masked for your role: amount"
    assert "masked for your role" in answer(reader, "won deals over 1500 of all time").problem
    assert answer(reader, "won deals for Office 1").problem.startswith("I did not understand “Office 1”")
    assert answer(reader, "won deals by x_office").number is None
    shown = answer(reader, "show open deals").deals
    assert shown is not None
    assert {row["amount"] for row in shown.rows} == {None}
    assert shown.sums.amount is None
    for tool, arguments in (
        ("query", {"table": "deals", "filters": ["amount:gt:1"]}),
        ("query", {"table": "opportunities", "filters": ["amount:gt:1"]}),
        ("query", {"table": "opportunities", "filters": ["x_office:eq:Office 1"]}),
        ("metric", {"name": "won_deals", "filters": ["amount:gt:1"]}),
        ("metric", {"name": "won_deals", "by": ["x_office"]}),
    ):
        with pytest.raises(ValueError, match="masked for your role"):
            TOOLS[tool](Reader(reader), **arguments)
    told = sized(TOOLS["describe_schema"](Reader(reader), about="deals"))
    assert not {"amount", "x_office", "source_amount"} & told["columns"].keys()
    rows = sized(TOOLS["query"](Reader(reader), table="opportunities", limit=100))["rows"]
    assert all("amount" not in row and "x_office" not in row for row in rows)
    named = sized(
        TOOLS["query"](Reader(reader), table="deals", columns=["name", "amount", "x_office"], limit=100)
    )
    assert {(row["amount"], row["x_office"]) for row in named["rows"]} == {(None, None)}
    assert sized(TOOLS["metric"](Reader(reader), name="won_value", period="all", rows=5))["value"] is None


# --- The page -------------------------------------------------------------------------------------


def test_the_page_shows_what_it_understood() -> None:
    client = browser(account())
    shown = unescape(
        client.get("/ask/", {"q": "fantastic win rate for Ann Ours last quarter"}).content.decode()
    )
    assert "<mark>fantastic</mark>" in shown
    assert "This answer leaves out “fantastic”" in shown
    assert "Rep is Ann Ours" in shown
    assert "/ask/?q=fantastic+win+rate+last+quarter" in shown
    assert "Period: Q2 2026" in shown
    unsaid = unescape(client.get("/ask/", {"q": "win rate"}).content.decode())
    assert "none was named" in unsaid
    refused = unescape(client.get("/ask/", {"q": "win rate except Narnia"}).content.decode())
    assert "I did not understand “except Narnia”" in refused
    assert 'class="tile-value"' not in refused
    cycle = unescape(client.get("/ask/", {"q": "sales cycle"}).content.decode())
    assert "/ask/?q=mean+sales+cycle" in cycle
    assert "/ask/?q=median+sales+cycle" in cycle
    nothing = unescape(client.get("/ask/", {"q": "utter nonsense"}).content.decode())
    assert "/ask/?q=win+rate" in nothing
    assert "/ask/?q=won+value+by+region+last+quarter" in unescape(client.get("/ask/").content.decode())


def test_the_search_box_of_every_page_asks() -> None:
    shown = browser(account()).get("/numbers/").content.decode()
    assert 'action="/ask/"' in shown
    found = unescape(browser(account()).get("/ask/", {"q": "Our account"}).content.decode())
    assert 'href="/account/A1/"' in found
    assert "/pipeline/?q=Our+account&status=all" in found


HOSTILE = (
    ("<script>alert(1)</script> <img src=x onerror=alert(1)>", 200),
    ("win rate'; DROP TABLE opportunities; --", 200),
    (pipeline_firm.FORMULA, 200),
    ("win\x00rate", 400),
    ("win\u202erate", 400),
    ("x" * 5000, 400),
)


@pytest.mark.parametrize("text, status", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_questions_are_refused_or_harmless(text: str, status: int) -> None:
    response = browser(account()).get("/ask/", {"q": text})
    assert response.status_code == status
    body = response.content.decode()
    assert "<script>alert" not in body
    assert "<img src=x" not in body
    assert records.deal_list(ADMIN, records.ListQuery()).total == len(DEALS)


def test_nobody_asks_without_an_account() -> None:
    assert Client().get("/ask/", {"q": "win rate"}).status_code == 302
    assert Client().get("/api/v1/ask", {"q": "win rate"}).status_code == 401


# --- REST and the command line --------------------------------------------------------------------


def test_rest_answers_and_says_what_it_left_out() -> None:
    secret = token(account())
    found = rest(secret, q="glorious number of won deals by rep in Q3 2026")
    assert found["answered"]
    assert found["not_understood"] == ["glorious"]
    assert found["number"]["value"] == len(won(DEALS, date(2026, 7, 1), date(2026, 9, 30)))
    assert found["number"]["period"]["label"] == "2026-Q3"
    assert {p["role"] for p in found["understood"]} == {"number", "split", "period"}
    refused = rest(secret, q="win rate except Narnia")
    assert (refused["answered"], refused["number"], refused["not_understood"]) == (
        False,
        None,
        ["except Narnia"],
    )
    rest(secret, 422, q="x" * 301)
    rest(secret, 422, q="win\x00rate")
    rest(secret, 422, q="win rate", as_of="2026-06-01")
    rest(secret, 422)
    rest(secret, 400, q="win\u202erate")


def test_every_door_says_that_a_compared_period_is_not_over(capsys: pytest.CaptureFixture[str]) -> None:
    text = "won value this year vs previous year"
    found = answer(ADMIN, text).number
    assert found is not None
    assert found.period is not None
    assert found.period.first <= found.as_of < found.period.last
    day = (found.as_of - found.period.first).days + 1
    said = f"the data stands at day {day} of {found.period.days}, the other period is whole."
    user = account()
    assert sum(said in note for note in rest(token(user), q=text)["number"]["notes"]) == 1
    assert main(["ask", text]) == 0
    assert said in " ".join(capsys.readouterr().out.split())
    assert unescape(browser(user).get("/ask/", {"q": text}).content.decode()).count(said) == 1
    whole = rest(token(user), q="won value in Q3 2026 compared with Q2 2026")["number"]["notes"]
    assert not any("is not over" in note for note in whole)


def test_a_token_reads_no_further_than_its_scopes() -> None:
    numbers = token(account(), "numbers.read")
    assert rest(numbers, q="win rate")["answered"]
    for text in ("show open deals", "Our account"):
        assert "records.read" in rest(numbers, 403, q=text)["detail"]
    rest(token(account(), "records.read"), 403, q="win rate")
    both = token(account(), "numbers.read", "records.read")
    assert rest(both, q="show open deals")["deals"]["total"]


def test_the_command_asks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "won", "value", "in", "Q3", "2026", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert Decimal(str(told["number"]["value"])) == total(won(DEALS, date(2026, 7, 1), date(2026, 9, 30)))
    assert main(["ask", "win rate except Narnia"]) == 1
    assert "except Narnia" in capsys.readouterr().out
    assert main(["ask", "show open deals"]) == 0
    assert "Open deals" in capsys.readouterr().out
    assert main(["ask", "win\x07rate"]) == 2
    reader = account("rep", pipeline_firm.THEIRS)
    assert main(["--as", reader.username, "ask", "number of won deals by rep of all time"]) == 0
    printed = capsys.readouterr().out
    assert "Theo Theirs" in printed
    assert "Ann Ours" not in printed


# --- Assistants -----------------------------------------------------------------------------------


def door(secret: str = "", as_user: str | None = None) -> mcp.Door:
    return mcp.Door(argparse.Namespace(as_user=as_user), secret)


def calls() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=ACTION).order_by("id"))


def test_an_assistant_lists_and_measures() -> None:
    listed = mcp.call(door(), "query", {"table": "deals", "filters": ["stage_class:eq:open"], "limit": 5})
    assert listed["total"] == len([d for d in DEALS if d["stage"] not in STAGE_CLASS])
    assert len(listed["rows"]) == 5
    raw = mcp.call(door(), "query", {"table": "accounts", "columns": ["name"], "sort": "-name"})
    assert [row["name"] for row in raw["rows"]] == sorted((row["name"] for row in raw["rows"]), reverse=True)
    assert raw["columns"] == ["id", "name"]
    number = mcp.call(
        door(), "metric", {"name": "won_deals", "period": "all", "by": ["owner_name"], "rows": MOST_ROWS}
    )
    assert number["value"] == len(won(DEALS)) == number["rows"]["total"] == len(number["rows"]["rows"])
    assert {g["group"]["owner_name"]: g["value"] for g in number["groups"]} == {
        name: len([d for d in won(DEALS) if d["owner_id"] == key]) for key, name in NAMES.items()
    }
    assert {row["id"] for row in number["rows"]["rows"]} == {d["id"] for d in won(DEALS)}
    none = mcp.call(door(), "metric", {"name": "quota_attainment"})
    assert none["value"] is None
    assert none["reason"]
    told = mcp.call(door(), "explain", {"name": "win_rate_count", "period": "all"})
    sides = {side["side"]: side["rows"] for side in told["made_of"]}
    decided = [d for d in DEALS if d["stage"] in STAGE_CLASS]
    assert sides == {"won": len(won(DEALS)), "decided": len(decided)}
    assert "SELECT" in told["queries"][0]["sql"]
    assert told["facts_version"]
    assert {s["stage"]: s["means"] for s in told["rests_on"]["stages"]}["Closed Won"] == "won"
    asked = mcp.call(door(), "ask", {"question": "number of won deals in Q3 2026"})
    assert asked["number"]["value"] == len(won(DEALS, date(2026, 7, 1), date(2026, 9, 30)))
    whole = mcp.call(door(), "describe_schema", {})
    assert {"won_value", "win_rate_count"} <= {n["name"] for n in whole["numbers"]}
    assert "amount" in whole["tables"]["deals"]


@pytest.mark.parametrize("person", list(NAMES))
def test_an_assistant_reads_what_its_account_reads(person: str) -> None:
    user = account("rep", person)
    for one in (door(token(user)), door(as_user=user.username)):
        listed = mcp.call(one, "query", {"table": "deals", "limit": 100, "columns": ["owner_name"]})
        assert {row["owner_name"] for row in listed["rows"]} == {NAMES[person]}
        assert listed["total"] == len([d for d in DEALS if d["owner_id"] == person])
        raw = mcp.call(one, "query", {"table": "opportunities", "limit": 100})
        assert {row["owner_id"] for row in raw["rows"]} == {person}
        number = mcp.call(one, "metric", {"name": "won_deals", "period": "all", "rows": 100})
        assert number["value"] == len([d for d in won(DEALS) if d["owner_id"] == person])
        assert {row["owner_name"] for row in number["rows"]["rows"]} == {NAMES[person]}
        told = mcp.call(one, "explain", {"name": "won_deals", "period": "all"})
        assert told["made_of"][0]["rows"] == number["value"]
        assert "stages" not in told["rests_on"]
        assert "decisions_in_force" not in told["rests_on"]


REFUSED = (
    ("query", {"table": "nothing"}),
    ("query", {"table": "changes"}),
    ("query", {"table": "deals", "limit": 0}),
    ("query", {"table": "deals", "limit": MOST_ROWS + 1}),
    ("query", {"table": "deals", "offset": -1}),
    ("query", {"table": "deals", "columns": ["no such"]}),
    ("query", {"table": "deals", "columns": ["flags"]}),
    ("query", {"table": "deals", "sort": "1; drop table x"}),
    ("query", {"table": "accounts", "sort": "owner_id; --"}),
    ("query", {"table": "accounts", "columns": ["'; select 1"]}),
    ("query", {"table": "deals", "filters": ["amount:gt:1 or 1=1"]}),
    ("query", {"table": "deals", "filters": ["owner_id) or (1=1:eq:x"]}),
    ("query", {"table": "deals", "filters": ["name:like:x"]}),
    ("query", {"table": "deals", "filters": ["name:eq:a\x00b"]}),
    ("query", {"table": "deals", "filters": ["name:eq:a"] * 21}),
    ("query", {"table": "deals", "filters": ["name:eq:" + "a" * 1001]}),
    ("query", {"table": "deals", "as_of": "2030-01-01"}),
    ("query", {"table": "deals", "as_of": "yesterday"}),
    ("metric", {"name": "no_such"}),
    ("metric", {"name": "won_value", "period": "next moon"}),
    ("metric", {"name": "won_value", "by": ["region", "team", "stage"]}),
    ("metric", {"name": "won_value", "by": ["no such"]}),
    ("metric", {"name": "won_value", "rows": MOST_ROWS + 1}),
    ("metric", {"name": "won_value", "rows": 1, "side": "no such"}),
    ("metric", {"name": "won_value", "as_of": "2030-01-01"}),
    ("explain", {"name": "won_value'; --"}),
    ("ask", {"question": "x" * 301}),
    ("ask", {"question": "win\x00rate"}),
    ("describe_schema", {"about": "no such"}),
)


@pytest.mark.parametrize("tool, arguments", REFUSED, ids=[f"{t}-{n}" for n, (t, _) in enumerate(REFUSED)])
def test_what_can_t_be_asked_is_refused_with_a_sentence_and_recorded(
    tool: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises((ValueError, LookupError)) as refused:
        mcp.call(door(), tool, arguments)
    assert len(mcp.words(refused.value)) > 10
    event = calls()[-1]
    assert event.subject == f"mcp:{tool}"
    assert event.after["refused"]
    assert records.deal_list(ADMIN, records.ListQuery()).total == len(DEALS)


def test_a_filter_never_widens_what_an_assistant_reads() -> None:
    one = door(as_user=account("rep", pipeline_firm.OURS).username)
    for text in (
        "owner_id:eq:u2", "owner_id:in:u1|u2", "owner_name:ne:Ann Ours", "id:starts_with:D05", "name:contains:secret",
        "owner_id:not_null", "team:eq:South",
    ):  # fmt: skip
        for table in ("deals", "opportunities") if text.startswith("owner_id") else ("deals",):
            arguments = {"table": table, "filters": [text], "limit": 100}
            try:
                rows = mcp.call(one, "query", arguments)["rows"]
            except ValueError:
                continue  # the table has no such column
            assert {row.get("owner_id", pipeline_firm.OURS) for row in rows} <= {pipeline_firm.OURS}
            assert not [row for row in rows if "secret" in str(row)]


def test_every_call_is_recorded_with_its_account() -> None:
    user = account("rep", pipeline_firm.OURS)
    before = len(calls())
    mcp.call(door(token(user)), "query", {"table": "deals", "limit": 3, "filters": ["amount:ge:1000"]})
    mcp.call(door(), "ask", {"question": "win rate"})
    one, two = calls()[before:]
    assert (one.actor_name, one.actor_user_id, one.subject) == (user.username, user.pk, "mcp:query")
    assert one.after == {
        "arguments": {"table": "deals", "limit": 3, "filters": ["amount:ge:1000"]},
        "rows": 3,
        "door": "stdio",
        "token": f"{ApiToken.objects.get(user=user).pk} ask",
    }
    assert (two.actor_name, two.subject) == (ADMIN.name, "mcp:ask")
    assert two.after == {"arguments": {"question": "win rate"}, "door": "stdio"}


def test_a_question_that_was_not_understood_is_recorded_as_refused() -> None:
    user = account("rep", pipeline_firm.OURS)
    secret = token(user)
    told = mcp.call(door(secret), "ask", {"question": f"colour of the moon {secret}"})
    assert not told["answered"]
    event = calls()[-1]
    assert (event.actor_user_id, event.subject) == (user.pk, "mcp:ask")
    assert event.after["refused"] == told["problem"]
    assert secret not in str(event.after), "a secret that somebody pastes is not kept"
    assert "colour of the moon" in event.after["arguments"]["question"]


def test_a_call_that_breaks_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(reader: Any, name: str) -> Told:
        raise RuntimeError("the disk at /srv/secret is gone")

    monkeypatch.setitem(TOOLS, "metric", broken)
    with pytest.raises(RuntimeError):
        mcp.call(door(), "metric", {"name": "won_deals"})
    assert calls()[-1].after["refused"] == mcp.FAILED


def test_the_schema_is_told_as_far_as_the_token_goes() -> None:
    user = account("rep", pipeline_firm.OURS)
    with pytest.raises(NotAllowedError, match=r"lacks the scope numbers\.read"):
        mcp.call(door(token(user, "records.read")), "describe_schema", {})
    numbers = door(token(user, "numbers.read"))
    told = mcp.call(numbers, "describe_schema", {})
    assert told["tables"] == {}
    assert told["numbers"]
    assert mcp.call(numbers, "describe_schema", {"about": "won_value"})["number"]
    for table in ("deals", "opportunities", "accounts"):
        with pytest.raises(NotAllowedError, match=r"lacks the scope records\.read"):
            mcp.call(numbers, "describe_schema", {"about": table})
    both = door(token(user, "numbers.read", "records.read"))
    assert "deals" in mcp.call(both, "describe_schema", {})["tables"]


def test_a_token_opens_the_door_while_it_lives(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    user = account("rep", pipeline_firm.OURS)
    row, secret = token_create(actor=ADMIN, user=user, name="one", scopes=["numbers.read"])
    one = door(secret)
    assert mcp.call(one, "metric", {"name": "won_deals"})
    with pytest.raises(NotAllowedError, match="lacks the scope"):
        mcp.call(one, "query", {"table": "deals"})
    with pytest.raises(NotAllowedError, match="lacks the scope"):
        mcp.call(one, "ask", {"question": "show open deals"})
    assert calls()[-1].after["refused"]
    with pytest.raises(NotAllowedError, match="not by both"):
        door(secret, user.username).reader()
    with pytest.raises(NotAllowedError, match="unknown"):
        door("so_nothing").reader()
    with pytest.raises(LookupError, match="no account"):
        door(as_user="nobody-of-that-name").reader()
    settings.API_REQUESTS_PER_MINUTE = 1
    rate.api.clear()
    assert mcp.call(one, "metric", {"name": "won_deals"})
    with pytest.raises(NotAllowedError, match="too often"):
        mcp.call(one, "metric", {"name": "won_deals"})
    rate.api.clear()
    settings.API_REQUESTS_PER_MINUTE = 0
    token_revoke(actor=ADMIN, token=row)
    with pytest.raises(NotAllowedError, match="revoked"):
        mcp.call(one, "metric", {"name": "won_deals"})
    monkeypatch.setenv(mcp.TOKEN, "so_nothing")
    assert main(["mcp"]) == 1


def test_an_answer_has_an_end() -> None:
    with pytest.raises(ToolRefused, match="fewer rows or columns"):
        sized(Told({"text": "x" * 300_000}))


def test_without_the_package_the_command_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mcp.server", None)
    assert main(["mcp"]) == 1
    assert "pip install" in capsys.readouterr().err


def test_the_protocol_offers_tools_that_only_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from mcp import Client as Assistant

    reader: Actor = actor_of(account("rep", pipeline_firm.OURS))
    made = mcp.server(door(as_user=reader.name))

    async def talk() -> tuple[Any, Any, Any]:
        async with Assistant(made) as assistant:
            offered = await assistant.list_tools()
            told = await assistant.call_tool("metric", {"name": "won_deals", "period": "all"})
            refused = await assistant.call_tool("query", {"table": "nothing"})
            return offered, told, refused

    # The protocol runs in a thread of its own, the tools in this one, which holds the test's transaction.
    calls: queue.Queue[tuple[Future[Any], Any, tuple[Any, ...]]] = queue.Queue()

    def here(function: Any, **_: Any) -> Any:
        async def called(*args: Any) -> Any:
            waiting: Future[Any] = Future()
            calls.put((waiting, function, args))
            return await asyncio.wrap_future(waiting)

        return called

    monkeypatch.setattr(mcp, "sync_to_async", here)
    with ThreadPoolExecutor(1) as pool:
        talking = pool.submit(lambda: asyncio.run(talk()))
        while not talking.done():
            try:
                waiting, function, args = calls.get(timeout=0.05)
            except queue.Empty:
                continue
            try:
                waiting.set_result(function(*args))
            except Exception as error:
                waiting.set_exception(error)
        offered, told, refused = talking.result()
    assert {tool.name for tool in offered.tools} == set(TOOLS)
    assert all(
        tool.annotations.read_only_hint and not tool.annotations.destructive_hint for tool in offered.tools
    )
    assert all(tool.description and tool.input_schema for tool in offered.tools)
    assert told.structured_content["value"] == len(
        [d for d in won(DEALS) if d["owner_id"] == pipeline_firm.OURS]
    )
    assert refused.is_error
    assert "There is no table 'nothing'" in refused.content[0].text
