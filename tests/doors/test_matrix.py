"""Every route, every role, every door: nobody gets a mark of a record or field that is not theirs.

``python -m pytest tests/doors/test_matrix.py -s`` prints what was looked at.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponseBase
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from salesops.analytics.api import READABLE
from salesops.analytics.selectors import catalogue
from salesops.ask import mcp
from salesops.permissions.inputs import explain
from salesops.platform import jobs, page_files
from salesops.platform.actors import actor_of
from salesops.platform.models import AuditEvent, Job
from salesops.project import api
from salesops.project.cli import main
from tests.browser.pages import ALL, named
from tests.doors import left_behind
from tests.doors import matrix_routes as routes
from tests.doors import matrix_world as world
from tests.doors.conftest import shared_home
from tests.doors.matrix_world import ANONYMOUS, OWNERS, PERSONAS, Count, Persona

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]
SHARES_A_HOME = True
EVERYBODY = [*PERSONAS.values(), ANONYMOUS]
BOUND = [p for p in PERSONAS.values() if p.sees != frozenset(OWNERS) or not (p.amounts and p.details)]
"""Personas from whom something is hidden."""
FILES = [PERSONAS[name] for name in ("rep", "sdr", "sales_manager", "ops_analyst")]
"""Whose files are looked into, one by one: each kind of bound once."""
KEY_FILES = frozenset({"home", "number", "number_rows", "pipeline", "deal", "pipeline_account", "search"})
"""Pages whose files everybody's are looked into; of the others, one rep's."""


def sees_the_same(persona: Persona, roles: frozenset[str]) -> bool:
    """Whether an answer is left to somebody who gets the same.

    To the administrator, where nothing is hidden from either of them; to the other rep, for what is no
    record's own address.
    """
    if persona is PERSONAS["other_rep"]:
        return True
    return persona not in (*BOUND, ANONYMOUS, PERSONAS["administrator"]) and roles == ALL


class Firm:
    """The home, its addresses, and what was counted."""

    def __init__(self) -> None:
        world.load()
        self.known = world.settle()
        self.users = self.known["users"]
        self.tokens = world.tokens(self.users)
        self.count: dict[str, Count] = {p.name: Count() for p in EVERYBODY}

    def client(self, persona: Persona) -> Client:
        client = Client()
        if persona is not ANONYMOUS:
            client.force_login(self.users[persona.name], backend="django.contrib.auth.backends.ModelBackend")
        return client

    def look(
        self, persona: Persona, door: str, route: str, body: bytes, asked: str, *, opens: bool = True
    ) -> None:
        """Count an answer and fail on a mark that must not be in it; a refusal must hold none either."""
        count = self.count[persona.name]
        count.answers += 1
        count.routes.add(route)
        count.doors[door] = count.doors.get(door, 0) + 1
        count.opened += opens
        count.checks += len(world.forbidden(persona)) if opens else 0
        found = world.leaks(persona, body, asked)
        count.leaks += [f"{door} {asked}: {mark}" for mark in found]
        assert not found, f"{persona.name} got {found} by {door} {asked}"


@pytest.fixture(scope="module")
def firm(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Firm]:
    """The firm, made once."""
    with shared_home(tmp_path_factory.mktemp("home"), django_db_blocker):
        made = Firm()
        yield made
        _print(made)


def _print(firm: Firm) -> None:
    doors = sorted({door for c in firm.count.values() for door in c.doors})
    print(
        f"\n{'persona':<20}{'routes':>7}{'answers':>9}{'opened':>8}{'checks':>9}{'leaks':>7}  "
        + " ".join(doors)
    )
    for name, count in firm.count.items():
        cells = " ".join(f"{count.doors.get(door, 0):>{len(door)}}" for door in doors)
        print(
            f"{name:<20}{len(count.routes):>7}{count.answers:>9}{count.opened:>8}{count.checks:>9}"
            f"{len(count.leaks):>7}  {cells}"
        )
    every = firm.count.values()
    all_routes = set().union(*(c.routes for c in every))
    print(
        f"{len(all_routes)} routes x {len(EVERYBODY)} roles x {len(doors)} doors: "
        f"{sum(c.answers for c in every)} answers, {sum(c.opened for c in every)} opened, "
        f"{sum(c.checks for c in every)} checks, "
        f"leaks = {sum(len(c.leaks) for c in every)}"
    )


def body_of(response: HttpResponseBase) -> bytes:
    """The whole answer, streamed or not."""
    if getattr(response, "streaming", False):
        return b"".join(response.streaming_content)  # type: ignore[attr-defined]
    return bytes(response.content)  # type: ignore[attr-defined]


def refused(response: HttpResponseBase) -> bool:
    """Whether an answer shuts the door: no page, no permission, or the way to signing in."""
    if response.status_code in (301, 302):
        return "/accounts/login/" in response["Location"]
    return response.status_code in (401, 403, 404, 405)


def role_opens(persona: Persona, name: str, roles: frozenset[str]) -> bool:
    """Whether a page is the persona's to open."""
    if persona is ANONYMOUS:
        return False
    if name in routes.FILES_AS_THEY_CAME and not (persona.amounts and persona.details):
        return False
    return persona.role in roles or any(name in routes.OF_AREAS.get(area, ()) for area in persona.areas)


# --- Nothing is left out -------------------------------------------------------------------------


def test_every_route_is_classified() -> None:
    classified = {*routes.gets(), *routes.SENDS, *routes.OWN_ACCOUNT, *routes.ELSEWHERE}
    pages = [name for name in named() if not name.startswith("api:")]
    assert sorted(set(pages) - classified) == [], "say in matrix_routes.py who may get and send what there"
    assert sorted(classified - {*named()}) == [], "no such route any more"
    operations = {
        (method.upper(), path) for path, methods in api.schema()["paths"].items() for method in methods
    }
    gets = {path for method, path in operations if method == "GET"} - {routes.API_JOB_FILES}
    sends = {f"{method} {path}" for method, path in operations if method != "GET"}
    assert sorted(gets ^ set(routes.API_GETS)) == []
    assert sorted(sends ^ set(routes.API_SENDS)) == []


# --- Pages and their files -----------------------------------------------------------------------

_FILE_LINK = re.compile(r"[?&](freeze|export|format)=(html|xlsx|csv)\b")
_SEARCHES = (
    f"/pipeline/?status=all&q={world.COMMON}",
    f"/accounts/?q={world.COMMON}",
    "/pipeline/?status=all&sort=amount&columns=amount,list_price,next_step,description,owner_name",
    "/pipeline/?status=all&filter=created_on:ge:2026-01-01",
    "/numbers/won_value/?by=account_name",
    "/numbers/won_value/rows/",
    "/numbers/open_pipeline/rows/",
    "/?period=all&split=owner_name",
    "/pipeline/?status=all&as_of=2026-09-01",
    f"/ask/?q={world.COMMON}",
    "/ask/?q=won+value+by+account+and+rep+of+all+time",
    "/ask/?q=show+deals+closed+in+August+2026",
)


@pytest.mark.parametrize("persona", EVERYBODY, ids=lambda p: p.name)
def test_pages(firm: Firm, persona: Persona) -> None:
    client = firm.client(persona)
    for name, page in routes.gets().items():
        if name in routes.OWN_ACCOUNT:
            continue
        if name in routes.OF_OWNERS:
            for key, owner in OWNERS.items():
                address = page.path.format(
                    deal=f"{owner.ident}0", account=f"{owner.ident}A", person=owner.person
                )
                _page(
                    firm,
                    client,
                    persona,
                    name,
                    address,
                    opens=persona is not ANONYMOUS and key in persona.sees,
                )
            continue
        if sees_the_same(persona, page.roles):
            continue
        address = page.path.format(**firm.known)
        opens = role_opens(persona, name, page.roles) or name == "health"
        _page(firm, client, persona, name, address, opens=opens)
    for address in _SEARCHES if persona in BOUND else ():
        _page(firm, client, persona, "search", address, opens=persona is not ANONYMOUS)
    if not persona.amounts and persona is not ANONYMOUS:
        for address in ("/pipeline/?status=all&filter=amount:gt:1", "/numbers/won_deals/?filter=amount:gt:1"):
            answer = client.get(address)
            assert answer.status_code == 400, f"{persona.name}: {address} gave {answer.status_code}"
            firm.look(persona, "search", "search", body_of(answer), address)


def _page(firm: Firm, client: Client, persona: Persona, name: str, address: str, *, opens: bool) -> None:
    answer = client.get(address)
    body = body_of(answer)
    if opens:
        assert answer.status_code == 200, f"{persona.name}: {name} {address} gave {answer.status_code}"
    else:
        assert refused(answer), f"{persona.name}: {name} {address} gave {answer.status_code}"
    door = "search" if name == "search" else "page"
    firm.look(persona, door, name, body, address, opens=opens)
    if not opens or persona not in FILES or (persona.name != "rep" and name not in KEY_FILES):
        return
    path = address.split("?")[0]
    for field, kind in sorted(set(_FILE_LINK.findall(body.decode(errors="replace")))):
        joint = "&" if "?" in address else "?"
        file = client.get(f"{address}{joint}{field}={kind}")
        content = body_of(file)
        assert file.status_code == 200, f"{address}{joint}{field}={kind} gave {file.status_code}"
        if kind == "csv":
            list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
        firm.look(persona, "frozen" if kind == "html" else kind, name, content, path)


@pytest.mark.parametrize("persona", EVERYBODY, ids=lambda p: p.name)
def test_what_is_sent_without_permission_writes_nothing(firm: Firm, persona: Persona) -> None:
    client = firm.client(persona)
    for name, (path, roles) in routes.SENDS.items():
        opens = persona is not ANONYMOUS and (
            persona.role in roles or any(name in routes.OF_AREAS.get(area, ()) for area in persona.areas)
        )
        if opens:
            continue
        address, before = path.format(**firm.known), AuditEvent.objects.count()
        answer = client.post(address, {"reason": "matrix", "name": "matrix", "confirm": "yes"})
        body = body_of(answer)
        assert refused(answer), f"{persona.name}: POST {address} gave {answer.status_code}"
        assert AuditEvent.objects.count() == before, f"{persona.name}: POST {address} wrote something"
        firm.look(persona, "form", name, body, address, opens=False)


def test_a_sub_administrator_of_people_does_not_reach_above(firm: Firm) -> None:
    client = firm.client(PERSONAS["sub_administrator"])
    admin = firm.users["administrator"]
    for path in ("", "link/", "factors/", "sessions/", "unlock/"):
        before = AuditEvent.objects.count()
        answer = client.post(f"/settings/accounts/{admin.pk}/{path}", {"role": "rep", "active": "on"})
        assert answer.status_code == 403, path
        assert AuditEvent.objects.count() == before
    for role, wanted in (("ops_vp", 403), ("administrator", 403), ("rep", 200)):
        made = client.post(
            "/settings/accounts/new/", {"username": f"new-{role}", "role": role, "areas": "people"}
        )
        assert made.status_code == wanted, role
    assert firm.users["rep"].__class__.objects.get(username="new-rep").areas == []


# --- Jobs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("persona", FILES, ids=lambda p: p.name)
def test_files_that_jobs_make(firm: Firm, persona: Persona) -> None:
    client, user = firm.client(persona), firm.users[persona.name]
    from django.http import QueryDict

    made: list[Job] = []
    for path, query in (
        ("/pipeline/", "status=all&export=csv"),
        ("/pipeline/", "status=all&export=xlsx"),
        ("/numbers/", "freeze=html"),
        ("/", "period=all&freeze=xlsx"),
    ):
        made.append(page_files.enqueue(actor_of(user), path, QueryDict(query, mutable=True)))
    jobs.run_waiting()
    for job in made:
        job.refresh_from_db()
        assert job.state == "done", job.error
        file = client.get(f"/jobs/{job.pk}/files/0/")
        assert file.status_code == 200
        firm.look(persona, "job", "job_file", body_of(file), f"/jobs/{job.pk}/files/0/")
        firm.look(persona, "job", "job", body_of(client.get(f"/jobs/{job.pk}/")), f"/jobs/{job.pk}/")
        for other in EVERYBODY if job is made[0] else ():
            if other is persona or other.role == "administrator":
                continue
            answer = firm.client(other).get(f"/jobs/{job.pk}/files/0/")
            assert refused(answer), f"{other.name} got the file of {persona.name}'s job"
            firm.look(other, "job", "job_file", body_of(answer), f"/jobs/{job.pk}/files/0/", opens=False)


# --- REST ----------------------------------------------------------------------------------------


def _parameters(firm: Firm) -> dict[str, Any]:
    own = {"name": "won_value", "bar": "opening", "job_id": firm.known["job"], "user_id": firm.known["user"]}
    own["line"] = "any"
    return left_behind.parameters(firm.known) | own


def _rest_addresses(firm: Firm, path: str) -> Iterator[tuple[str, str]]:
    """(address, owner whose record it is, or "")."""
    known = _parameters(firm)
    if "{deal_id}" in path or "{account_id}" in path:
        for key, owner in OWNERS.items():
            yield path.format(deal_id=f"{owner.ident}0", account_id=f"{owner.ident}A"), key
    elif "{table}" in path:
        for table in READABLE:
            yield path.format(table=table), ""
    elif path == "/api/v1/kpis/{name}":
        for kpi in catalogue():
            yield path.format(name=kpi.name), ""
        yield path.format(name="won_value") + "?by=account_name", ""
    elif path == "/api/v1/kpis/{name}/rows":
        yield path.format(name="won_value") + "?side=won_amount", ""
    elif path == "/api/v1/ask":
        for words in (world.COMMON, "open pipeline by rep and account", "show open deals"):
            yield f"{path}?{urlencode({'q': words})}", ""
    elif path.endswith("/history"):
        yield path.format(**known) + "?subject=crm/opportunities", ""
    else:
        yield path.format(**known), ""


@pytest.mark.parametrize("persona", EVERYBODY, ids=lambda p: p.name)
def test_rest(firm: Firm, persona: Persona) -> None:
    client = Client()
    headers = {} if persona is ANONYMOUS else {"Authorization": f"Bearer {firm.tokens[persona.name]}"}
    for path, roles in routes.API_GETS.items():
        if sees_the_same(persona, roles) and "{deal_id}" not in path and "{table}" not in path:
            continue
        for address, owner in _rest_addresses(firm, path):
            if path == "/api/v1/kpis/{name}" and persona not in FILES and "won_value" not in address:
                continue
            opens = persona is not ANONYMOUS and (
                persona.role in roles or any(path in routes.API_AREAS.get(a, ()) for a in persona.areas)
            )
            opens = opens and (not owner or owner in persona.sees)
            opens = opens and not (path in routes.API_RAW and not (persona.amounts and persona.details))
            answer = client.get(address, headers=headers)
            body = body_of(answer)
            if opens:
                assert answer.status_code == 200, (
                    f"{persona.name}: {address} gave {answer.status_code} {body[:200]!r}"
                )
            else:
                assert refused(answer), f"{persona.name}: {address} gave {answer.status_code}"
            firm.look(persona, "REST", path, body, address, opens=opens)


@pytest.mark.parametrize("persona", EVERYBODY, ids=lambda p: p.name)
def test_rest_writes_nothing_without_permission(firm: Firm, persona: Persona) -> None:
    client = Client()
    headers = {} if persona is ANONYMOUS else {"Authorization": f"Bearer {firm.tokens[persona.name]}"}
    known = _parameters(firm) | {"account_id": "A", "deal_id": "D", "table": "accounts"}
    for operation, roles in routes.API_SENDS.items():
        method, path = operation.split(" ")
        area = any(path.startswith(p) for a in persona.areas for p in routes.API_AREAS.get(a, ()))
        if persona is not ANONYMOUS and (persona.role in roles or area):
            continue
        before = AuditEvent.objects.count()
        address = path.format(**known)
        answer = client.generic(
            method, address, json.dumps({}), content_type="application/json", headers=headers
        )
        assert answer.status_code in (400, 401, 403, 404, 415, 422), (
            f"{persona.name}: {operation} {answer.status_code}"
        )
        assert AuditEvent.objects.count() == before, f"{persona.name}: {operation} wrote something"
        firm.look(persona, "REST", path, body_of(answer), address, opens=False)


# --- The command line ----------------------------------------------------------------------------

_COMMANDS: tuple[list[str], ...] = (
    ["kpi", "won_value", "--by", "account", "--json"],
    ["kpi", "open_pipeline", "--by", "owner"],
    ["kpi", "average_deal_size", "--json"],
    ["kpis"],
    ["ask", "won value by account of all time", "--json"],
    ["access", "counts"],
    ["access", "explain", "opportunities", f"{OWNERS['R2'].ident}0"],
    ["jobs", "list"],
    ["runs", "list"],
    ["dashboards", "list", "--json"],
)


@pytest.mark.parametrize("persona", list(PERSONAS.values()), ids=lambda p: p.name)
def test_command_line(firm: Firm, persona: Persona, capsys: pytest.CaptureFixture[str]) -> None:
    # From whom nothing is hidden, there is nothing to look for: that each verb answers is enough, once.
    alike = persona not in (*BOUND, PERSONAS["administrator"])
    for command in _COMMANDS[:1] if alike else _COMMANDS:
        capsys.readouterr()
        code = main(["--as", persona.name, *command])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        assert code in (0, 1, 2), command
        firm.look(
            persona, "CLI", " ".join(command[:2]), (printed.out + printed.err).encode(), " ".join(command)
        )


# --- Assistants ----------------------------------------------------------------------------------

_CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("describe_schema", {}),
    ("describe_schema", {"about": "deals"}),
    ("metric", {"name": "won_value", "period": "all", "by": ["account_name"], "rows": 100}),
    ("explain", {"name": "open_pipeline", "period": "all"}),
    ("ask", {"question": "show open deals"}),
    ("ask", {"question": world.COMMON}),
    *(("query", {"table": table, "limit": 100}) for table in ("deals", *READABLE)),
)


@pytest.mark.parametrize("persona", [*BOUND, PERSONAS["administrator"]], ids=lambda p: p.name)
def test_assistants(firm: Firm, persona: Persona) -> None:
    door = mcp.Door(argparse.Namespace(as_user=None), firm.tokens[persona.name])
    for tool, arguments in _CALLS:
        try:
            said = json.dumps(mcp.call(door, tool, arguments))
        except (ValueError, LookupError, PermissionError) as error:
            said = mcp.words(error)
        firm.look(persona, "MCP", tool, said.encode(), json.dumps(arguments))


# --- What is there for those who may -------------------------------------------------------------


def test_the_marks_are_there_to_be_found(firm: Firm) -> None:
    everything = body_of(firm.client(PERSONAS["ops_vp"]).get("/pipeline/?status=all&export=csv")).decode()
    said = world.text_of(everything.encode())
    for owner in OWNERS.values():
        assert owner.tag in said
        assert all(str(amount) in said for amount in owner.amounts)
    assert world.leaks(PERSONAS["rep"], everything.encode()), "the oracle finds what it is given"
    own = world.text_of(body_of(firm.client(PERSONAS["rep"]).get("/pipeline/?status=all&export=csv")))
    assert OWNERS["R1"].tag in own
    assert str(OWNERS["R1"].amounts[0]) in own
    sdr = world.text_of(body_of(firm.client(PERSONAS["sdr"]).get("/numbers/won_value/")))
    assert "masked for your role: amount" in sdr
    told = explain(
        actor_of(firm.users["administrator"]), actor_of(firm.users["rep"]), "opportunities", "KQ7R2X0"
    )
    assert not told.visible
    assert told.against
