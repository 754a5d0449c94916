"""The assistants' door over HTTP: the same tools, rows, scopes, limits and records as on standard input."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from salesops.analytics.tests import pipeline_firm
from salesops.ask import mcp, mcp_http
from salesops.ask.services import ACTION
from salesops.ask.tools import TOOLS
from salesops.platform import rate
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.models import ApiToken, AuditEvent, User
from salesops.platform.signin import account_save, token_create, token_revoke
from tests.doors.conftest import shared_home

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
DEALS = pipeline_firm.deals()
MODERN = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "a test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}


@pytest.fixture(scope="module", autouse=True)
def firm(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    with shared_home(tmp_path_factory.mktemp("home"), django_db_blocker):
        pipeline_firm.load()
        yield


@pytest.fixture(autouse=True)
def full_buckets() -> None:
    rate.api.clear()


def account(role: str = "ops_analyst", person: str = "") -> User:
    return account_save(actor=ADMIN, username=f"http-{role}-{person}", role=role, person_id=person)


def token(user: User, *scopes: str, **values: Any) -> tuple[ApiToken, str]:
    return token_create(actor=ADMIN, user=user, name="assistant", scopes=scopes, **values)


def post(secret: str, body: Any, **headers: str) -> HttpResponse:
    given = {"Accept": "application/json, text/event-stream", **headers}
    if secret:
        given["Authorization"] = f"Bearer {secret}"
    text = body if isinstance(body, str) else json.dumps(body)
    return Client(headers=given).post("/mcp", text, content_type="application/json")  # type: ignore[return-value]


def message(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}


def call(secret: str, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers, as the protocol carries it."""
    answer = post(secret, message("tools/call", name=tool, arguments=arguments))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json"), answer.content
    return answer.json()["result"]


def calls() -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=ACTION).order_by("id"))


def test_a_conversation_without_a_session() -> None:
    _, secret = token(account())
    hello = message(
        "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "t", "version": "1"}
    )
    begun = post(secret, hello)
    assert begun.status_code == 200
    assert begun.json()["result"]["serverInfo"]["name"] == "salesops"
    assert begun.json()["id"] == 7
    assert "Mcp-Session-Id" not in begun.headers
    assert begun["Cache-Control"] == "no-store"
    told = post(secret, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (told.status_code, told.content) == (202, b"")
    assert post(secret, message("ping")).json()["result"] == {}
    tools = post(secret, message("tools/list")).json()["result"]["tools"]
    assert {tool["name"] for tool in tools} == set(TOOLS)
    assert all(tool["annotations"]["readOnlyHint"] for tool in tools)
    assert post(secret, message("no/such")).json()["error"]["code"] == -32601


def test_the_later_protocol_is_answered_as_well() -> None:
    _, secret = token(account())
    asked = message("tools/call", name="metric", arguments={"name": "won_deals", "period": "all"}, **MODERN)
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "metric"}
    answer = post(secret, asked, **headers)
    assert answer.status_code == 200, answer.content
    won = len([d for d in DEALS if d["stage"] == "Closed Won"])
    assert answer.json()["result"]["structuredContent"]["value"] == won
    listen = message("subscriptions/listen", **MODERN)
    refused = post(secret, listen, **{**headers, "Mcp-Method": "subscriptions/listen"})
    assert refused.status_code == 406, "a stream would hold a thread of the server"


@pytest.mark.parametrize("person", [pipeline_firm.OURS, pipeline_firm.THEIRS])
def test_rows_are_those_of_the_tokens_account(person: str) -> None:
    user = account("rep", person)
    row, secret = token(user)
    own = [d for d in DEALS if d["owner_id"] == person]
    listed = call(secret, "query", table="deals", limit=100, columns=["owner_name", "name"])
    assert listed["structuredContent"]["total"] == len(own)
    assert {row["name"] for row in listed["structuredContent"]["rows"]} == {d["name"] for d in own}
    asked = call(secret, "ask", question="number of won deals of all time")["structuredContent"]
    assert asked["number"]["value"] == len([d for d in own if d["stage"] == "Closed Won"])
    event = calls()[-1]
    assert (event.actor_user_id, event.subject) == (user.pk, "mcp:ask")
    assert event.after == {
        "arguments": {"question": "number of won deals of all time"},
        "door": "http",
        "token": f"{row.pk} assistant",
    }


def test_two_tokens_at_the_same_time_each_get_their_own_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both requests are inside before either reads. They share the test's connection, so each reads in its turn."""
    people = (pipeline_firm.OURS, pipeline_firm.THEIRS)
    users = {person: account("rep", person) for person in people}
    secrets = {person: token(user)[1] for person, user in users.items()}
    gate, turn = threading.Barrier(len(people)), threading.Lock()
    read, looked_up = mcp.call, mcp_http.token_of

    def together(*arguments: Any) -> dict[str, Any]:
        gate.wait(60)
        with turn:
            return read(*arguments)

    def in_turn(request: Any) -> Any:
        with turn:
            return looked_up(request)

    monkeypatch.setattr(mcp, "call", together)
    monkeypatch.setattr(mcp_http, "token_of", in_turn)
    own = connections["default"]

    def ask(person: str) -> list[dict[str, Any]]:
        connections["default"] = own
        arguments = {"table": "deals", "limit": 100, "columns": ["owner_name", "name"]}
        body = json.dumps(message("tools/call", name="query", arguments=arguments))
        request = RequestFactory().post(
            "/mcp", body, "application/json", headers={"Authorization": f"Bearer {secrets[person]}"}
        )
        answers = [mcp_http.door(request) for _ in range(3)]
        return [json.loads(answer.content)["result"]["structuredContent"] for answer in answers]

    own.inc_thread_sharing()
    try:
        with ThreadPoolExecutor(len(people)) as pool:
            told = dict(zip(people, pool.map(ask, people), strict=True))
    finally:
        own.dec_thread_sharing()
    for person in people:
        wanted = sorted(d["name"] for d in DEALS if d["owner_id"] == person)
        for one in told[person]:
            assert sorted(row["name"] for row in one["rows"]) == wanted
    actors = [event.actor_user_id for event in calls()]
    assert sorted(actors) == sorted(user.pk for user in users.values() for _ in range(3))


def test_a_token_opens_it_while_it_lives_and_as_far_as_it_goes(settings: Any) -> None:
    user = account("rep", pipeline_firm.OURS)
    row, secret = token(user, "numbers.read")
    assert not call(secret, "metric", name="won_deals").get("isError")
    refused = call(secret, "query", table="deals")
    assert refused["isError"]
    assert "lacks the scope records.read" in refused["content"][0]["text"]
    assert "lacks the scope" in calls()[-1].after["refused"]
    assert "There is no table" in call(token(user)[1], "query", table="nothing")["content"][0]["text"]
    before = len(calls())
    settings.API_REQUESTS_PER_MINUTE = 2
    rate.api.clear()
    answers = [post(secret, message("ping")) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 0
    settings.API_REQUESTS_PER_MINUTE = 0
    token_revoke(actor=ADMIN, token=row)
    assert post(secret, message("tools/list")).status_code == 401
    late, expired = token(user, expires_at=timezone.now() + timedelta(days=1))
    ApiToken.objects.filter(pk=late.pk).update(expires_at=timezone.now())
    assert post(expired, message("tools/list")).status_code == 401
    _, off = token(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert post(off, message("tools/list")).status_code == 401
    assert len(calls()) == before


def test_only_a_token_opens_it() -> None:
    user = account("administrator")
    browser = Client(headers={"Accept": "application/json"})
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    listed = browser.post("/mcp", json.dumps(message("tools/list")), content_type="application/json")
    assert listed.status_code == 401, "a session of the pages is none here"
    assert listed["WWW-Authenticate"].startswith("Bearer")
    assert post("", message("tools/list")).status_code == 401
    assert post("so_made_up", message("tools/list")).status_code == 401


def test_pages_of_other_sites_may_not_ask(settings: Any) -> None:
    _, secret = token(account())
    asked = message("ping")
    assert post(secret, asked, Origin="https://evil.example").status_code == 403
    assert post(secret, asked, Origin="null").status_code == 403
    assert post(secret, asked, Origin="http://testserver.evil.example").status_code == 403
    assert post(secret, asked, Origin="http://testserver").status_code == 200
    settings.BASE_URL = "https://sales.example.com/x"
    assert post(secret, asked, Origin="https://sales.example.com").status_code == 200
    assert Client(headers={"Origin": "https://evil.example"}).options("/mcp").status_code == 403


def test_there_is_no_stream_and_no_session_to_end() -> None:
    _, secret = token(account())
    client = Client(headers={"Authorization": f"Bearer {secret}", "Accept": "text/event-stream"})
    for answer in (client.get("/mcp"), client.delete("/mcp"), client.put("/mcp"), client.options("/mcp")):
        assert (answer.status_code, answer["Allow"]) == (405, "POST")


BAD = (
    "", "{", "[]", "null", "7", '"x"', "[" * 50_000, '{"jsonrpc": "1.0", "id": 1, "method": "ping"}',
    json.dumps([message("ping")] * 3), '{"id": 1, "method": 5}',
    '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}', "\ud800".encode("utf-8", "replace").decode(),
)  # fmt: skip


@pytest.mark.parametrize("place", range(len(BAD)))
def test_what_is_no_message_is_refused(place: int) -> None:
    _, secret = token(account())
    assert post(secret, BAD[place]).status_code == 400


def test_hostile_arguments_are_refused(settings: Any) -> None:
    _, secret = token(account("rep", pipeline_firm.OURS))
    for tool, arguments in (
        ("query", {"table": "deals", "filters": ["owner_id) or (1=1:eq:x"]}),
        ("query", {"table": "deals", "limit": 10**9}),
        ("metric", {"name": "won_value'; --"}),
        ("ask", {"question": "win\x00rate"}),
        ("no_such_tool", {}),
        ("metric", {}),
        ("metric", {"name": {"a": 1}}),
    ):
        answer = post(secret, message("tools/call", name=tool, arguments=arguments))
        told = answer.json()
        assert answer.status_code in (200, 400)
        assert "error" in told or told["result"]["isError"], tool
        assert "Traceback" not in str(told)
    settings.API_MAX_BODY_BYTES = 200
    assert post(secret, message("ping", x="y" * 300)).status_code == 413


def test_calls_that_fit_no_tool_are_recorded() -> None:
    user = account("rep", pipeline_firm.OURS)
    row, secret = token(user)
    before = len(calls())
    for tool, arguments, said in (
        ("no_such_tool", {"password": "hunter2"}, "There is no tool 'no_such_tool'."),
        ("metric", {"period": "all"}, "These arguments do not fit the tool: name."),
        ("query", {"table": "deals", "limit": "many", "password": "hunter2"}, "do not fit the tool: limit."),
    ):
        assert call(secret, tool, **arguments)["isError"]
        event = calls()[-1]
        assert said in event.after["refused"]
        assert (event.actor_user_id, event.after["token"]) == (user.pk, f"{row.pk} assistant")
        assert event.after["door"] == "http"
        assert "hunter2" not in str(event.after)
    found = calls()[before:]
    assert [event.subject for event in found] == ["mcp:no such tool", "mcp:metric", "mcp:query"]
    assert found[1].after["arguments"] == {"period": "all"}
    call(secret, "metric", name="no_such")
    assert len(calls()) == before + 4, "a call that reached its tool is recorded once"


def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = token(account())
    monkeypatch.setitem(__import__("sys").modules, "mcp.server", None)
    answer = post(secret, message("ping"))
    assert answer.status_code == 501
    assert "pip install" in answer.json()["detail"]
