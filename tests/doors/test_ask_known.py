"""Questions as known then, at every door: what was brought in later is not counted, and nobody sees more by it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pyarrow as pa
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from salesops.analytics.tests import pipeline_firm
from salesops.ask import mcp
from salesops.ask.answers import answer
from salesops.ask.tools import TOOLS
from salesops.facts.merge import Incoming, merge
from salesops.org import known as known_at
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import actor_of
from salesops.platform.models import User
from salesops.platform.signin import account_save, token_create
from salesops.platform.store import fact_store
from salesops.platform.tests.roles import DATA_DAY
from salesops.project.cli import main
from tests.doors.conftest import shared_home

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
DEALS = pipeline_firm.deals()
WON = [d for d in DEALS if d["stage"] == "Closed Won"]
LATER = {**WON[0], "id": "D0999", "name": "Came later", "owner_id": pipeline_firm.OURS}
ALL_WON = "number of won deals of all time"


@pytest.fixture(scope="module", autouse=True)
def between(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[datetime]:
    """A firm that learned of one more won deal in its second import; the instant between the two."""
    with shared_home(tmp_path_factory.mktemp("home"), django_db_blocker):
        pipeline_firm.load()
        instant = timezone.now()
        rows = pa.Table.from_pylist([{"source_row": 0, **LATER}])
        incoming = Incoming(
            table="opportunities",
            rows=rows,
            key_columns=["id"],
            data_on=DATA_DAY,
            source="crm",
            import_id="2",
        )
        merge(fact_store(), [incoming], recorded_at=instant + timedelta(milliseconds=5), note="test")
        yield instant


def account(role: str = "ops_analyst", person: str = "") -> User:
    return account_save(actor=ADMIN, username=f"known-{role}-{person}", role=role, person_id=person)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def rest(user: User, status: int = 200, **query: Any) -> Any:
    secret = token_create(actor=ADMIN, user=user, name="ask", scopes=())[1]
    response = Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/ask", query)
    assert response.status_code == status, response.content
    return response.json()


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return mcp.call(mcp.Door(argparse.Namespace(as_user=None), ""), tool, arguments)


def value(text: str, user: User, **values: Any) -> Any:
    found = answer(actor_of(user), text, **values)
    assert found.number is not None, found.problem
    return found.number.total.value


def test_every_door_answers_from_what_was_known(between: datetime) -> None:
    then, reader = known_at.at(between), account()
    assert value(ALL_WON, reader) == len(WON) + 1
    assert value(ALL_WON, reader, known=then) == len(WON)
    page = browser(reader).get("/ask/", {"q": "show won deals", "known_at": then.text})
    listed = unescape(page.content.decode()).split('id="deals-title"')[1]
    assert f"{len(WON)} deals" in listed
    assert "known_at=" in listed, "its links look back, too"
    told = rest(reader, q=ALL_WON, known_at=then.text)
    assert told["number"]["value"] == len(WON)
    assert datetime.fromisoformat(told["known_at"]) == between
    assert rest(reader, q=ALL_WON)["known_at"] is None
    assert call("ask", question=ALL_WON, known_at=then.text)["number"]["value"] == len(WON)
    for tool, arguments in (
        ("metric", {"name": "won_deals", "period": "all", "rows": 100}),
        ("explain", {"name": "won_deals", "period": "all"}),
        ("query", {"table": "deals", "filters": ["stage_class:eq:won"], "limit": 100}),
        ("query", {"table": "opportunities", "limit": 100}),
    ):
        was, now = call(tool, **arguments, known_at=then.text), call(tool, **arguments)
        counted = [one["value"] if "value" in one else one["total"] for one in (was, now)]
        assert counted[0] + 1 == counted[1], tool
        assert "Came later" not in str(was), tool
    assert call("describe_schema", known_at=then.text)["data_date"] == DATA_DAY.isoformat()


def test_looking_back_shows_nobody_more_than_his_own(between: datetime) -> None:
    then = known_at.at(between)
    for person in (pipeline_firm.OURS, pipeline_firm.THEIRS):
        reader = account("rep", person)
        own = len([d for d in WON if d["owner_id"] == person])
        assert value(ALL_WON, reader, known=then) == own
        assert value(ALL_WON, reader) == own + (person == pipeline_firm.OURS)
        found = answer(actor_of(reader), "won value for Theo Theirs", known=then)
        assert (found.number is None) == (person == pipeline_firm.OURS)
    hidden = answer(actor_of(account("rep", pipeline_firm.THEIRS)), "Came later", known=then)
    assert hidden.records is not None
    assert not hidden.records.found


def test_the_day_is_said_in_words(between: datetime, capsys: pytest.CaptureFixture[str]) -> None:
    today = between.astimezone(UTC).date()
    yesterday = today - timedelta(days=1)
    found = answer(ADMIN, f"{ALL_WON} as known on {yesterday}")
    assert found.number is not None, found.problem
    assert (found.number.total.value, found.known) == (len(WON), known_at.at(known_at.day_end(yesterday)))
    assert "known_at=" in found.number.href
    assert value(f"{ALL_WON} as known on {today}", account()) == len(WON) + 1
    shown = browser(account()).get("/ask/", {"q": f"{ALL_WON} as known on {yesterday}"})
    assert "As known on" in unescape(shown.content.decode())
    assert main(["ask", f"{ALL_WON} as known on {yesterday}"]) == 0
    assert "As known at" in capsys.readouterr().out
    assert main(["ask", ALL_WON, "--known-at", between.isoformat()]) == 0
    assert f" {len(WON)}" in capsys.readouterr().out


def test_what_can_not_be_known_is_refused(between: datetime) -> None:
    today = between.astimezone(UTC).date()
    long_ago = f"{ALL_WON} as known on 2024-05-31"
    assert answer(ADMIN, long_ago).problem.startswith("Nothing had been imported by 2024-05-31")
    both = answer(ADMIN, long_ago, known=known_at.at(between))
    assert "another day of knowledge" in both.problem
    assert "nobody knows yet" in answer(ADMIN, f"{ALL_WON} as known on {today + timedelta(days=30)}").problem
    client = browser(account())
    page = client.get("/ask/", {"q": ALL_WON, "known_at": "2024-05-31"})
    assert "Nothing was known yet" in page.content.decode()
    assert client.get("/ask/", {"q": ALL_WON, "known_at": "some day"}).status_code == 400
    rest(account(), 400, q=ALL_WON, known_at="some day")
    assert main(["ask", ALL_WON, "--known-at", "some day"]) == 2
    for tool in TOOLS:
        arguments = {"name": "won_deals"} if tool in ("metric", "explain") else {}
        arguments |= {"table": "deals"} if tool == "query" else {"question": ALL_WON} if tool == "ask" else {}
        with pytest.raises(ValueError, match="says no time"):
            call(tool, **arguments, known_at="some day")
