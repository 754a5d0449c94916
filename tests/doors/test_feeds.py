"""Feeds: the secret address a spreadsheet reads, its owner's rights of now, and what must not come through."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from salesops.analytics.tests import pipeline_firm as firm
from salesops.feeds import feed_door, selectors, services
from salesops.feeds.inputs import FeedQuestion
from salesops.feeds.models import Feed
from salesops.permissions.services import mask_decide
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.models import AuditEvent, IdempotencyKey, User
from salesops.platform.signin import account_save, token_create, token_revoke
from salesops.ui import exports
from tests.doors.conftest import shared_home

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
NAMES = ("sheet-rep", "sheet-other", "sheet-analyst", "sheet-admin")


@pytest.fixture(scope="module", autouse=True)
def home(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Path]:
    """The small firm, once."""
    folder = tmp_path_factory.mktemp("home")
    with shared_home(folder, django_db_blocker):
        firm.load()
        roles = [("rep", firm.OURS), ("rep", firm.THEIRS), ("ops_analyst", ""), ("administrator", "")]
        for name, (role, person) in zip(NAMES, roles, strict=True):
            account_save(actor=ADMIN, username=name, role=role, person_id=person)
        yield folder


@pytest.fixture(autouse=True)
def full_buckets() -> None:
    """Every test may ask as often as if it were the first."""
    feed_door.buckets.clear()


def actor(name: str) -> Actor:
    return actor_of(User.objects.get(username=name))


REP, OTHER, ANALYST, ADMINISTRATOR = NAMES


def make(name: str, query: str = "status=all", number: str = "", **values: Any) -> tuple[Feed, str]:
    """A feed of the list, or of a number, and its secret."""
    question = FeedQuestion("number" if number else "list", query, number)
    return services.feed_create(actor=actor(name), name="Sheet", question=question, **values)


def get(secret: str, form: str = "csv", query: str = "", **headers: str) -> HttpResponse:
    """What the address answers to a program that is not signed in."""
    return Client().get(f"/feed/{secret}.{form}{query}", headers=headers)  # type: ignore[return-value]


def rows(answer: HttpResponse, delimiter: str = ",") -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.content
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline=""), delimiter=delimiter))


def signed_in(name: str) -> Client:
    made = Client()
    made.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return made


# --- Rows -----------------------------------------------------------------------------------------


def test_each_feed_gives_its_own_owners_rows() -> None:
    found = {name: {r["Deal"] for r in rows(get(make(name)[1]))} for name in (REP, OTHER, ANALYST)}
    ours = {d["name"] for d in firm.deals() if d["owner_id"] == firm.OURS}
    theirs = {d["name"] for d in firm.deals() if d["owner_id"] == firm.THEIRS}
    guarded = {"'" + name if name.startswith("=") else name for name in ours}
    assert found == {REP: guarded, OTHER: theirs, ANALYST: guarded | theirs}


def test_a_feed_of_a_list_is_its_csv_file_to_the_byte() -> None:
    query = "status=all&sort=-amount&filter=amount:ge:1500&columns=name,amount,created_on,owner_name,flags"
    file = signed_in(ANALYST).get(f"/pipeline/?{query}&export=csv")
    exported = firm.body(file).removeprefix(b"\xef\xbb\xbf")
    answer = get(make(ANALYST, query)[1])
    assert answer.content == exported
    assert int(answer["X-Salesops-Rows"]) == len(rows(answer)) > 10


def test_numbers_are_numbers_and_text_never_runs() -> None:
    query = "status=all&columns=name,amount,created_on"
    plain = rows(get(make(REP, query)[1]))
    amounts = {d["name"]: d["amount"] for d in firm.deals() if d["owner_id"] == firm.OURS}
    said = {r["Deal"]: r["Amount (USD)"] for r in plain}
    assert all(re.fullmatch(r"-?\d+\.\d\d", text) for text in said.values() if text)
    assert said["'" + firm.FORMULA] == format(amounts[firm.FORMULA], ".2f")
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", r["Created"]) for r in plain)
    _, secret = make(REP, query, separator="semicolon")
    answer = get(secret)
    local = {r["Deal"]: r["Amount (USD)"] for r in rows(answer, ";")}
    assert local == {name: text.replace(".", ",") for name, text in said.items()}
    document = json.loads(get(secret, "json").content)
    assert document["columns"] == ["Deal", "Amount (USD)", "Estimate, list price (USD)", "Created"]
    got = {r["Deal"]: r["Amount (USD)"] for r in document["rows"]}
    assert got == {name: None if amount is None else int(amount) for name, amount in amounts.items()}
    workbook = get(secret, "xlsx")
    with zipfile.ZipFile(io.BytesIO(workbook.content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet, "no formula stands in the workbook"
    assert int(workbook["X-Salesops-Rows"]) == len(plain)


def test_a_negative_number_stays_one() -> None:
    columns = [exports.Column("n", "N", "money"), exports.Column("t", "T")]
    row = {"n": Decimal("-1234.50"), "t": "-1234.50"}
    assert b"".join(exports.write_csv(columns, [row], bom=False)) == b"N,T\r\n-1234.50,'-1234.50\r\n"
    local = b"".join(exports.write_csv(columns, [row], bom=False, separator=";", decimal=","))
    assert local == b"N;T\r\n-1234,50;'-1234.50\r\n"


def test_a_number_by_a_dimension_is_what_a_loop_counts() -> None:
    _, secret = make(ANALYST, "period=all&by=owner_name", "won_value")
    got = dict(list(r.values())[:2] for r in rows(get(secret)))
    names = {firm.OURS: "Ann Ours", firm.THEIRS: "Theo Theirs"}
    wanted = {name: Decimal(0) for name in names.values()}
    for deal in firm.deals():
        if deal["stage"] == "Closed Won" and deal["amount"] is not None:
            wanted[names[deal["owner_id"]]] += deal["amount"]
    assert {name: Decimal(text) for name, text in got.items()} == wanted
    one = rows(get(make(ANALYST, "period=all", "won_value")[1]))
    assert [Decimal(list(r.values())[1]) for r in one] == [sum(wanted.values())]


def test_a_feed_is_refused_rather_than_cut(settings: Any) -> None:
    _, secret = make(ANALYST)
    settings.FEED_ROWS = len(firm.deals()) - 1
    answer = get(secret)
    assert answer.status_code == 422
    assert f"{len(firm.deals())} rows" in answer.content.decode()
    settings.FEED_ROWS = len(firm.deals())
    assert len(rows(get(secret))) == len(firm.deals())


# --- Rights ---------------------------------------------------------------------------------------


def test_rights_are_those_of_now() -> None:
    _, secret = make(REP)
    before = len(rows(get(secret)))
    account_save(actor=ADMIN, username=REP, role="rep", person_id=firm.THEIRS)
    assert all(r["Deal"].startswith(firm.SECRET) for r in rows(get(secret)))
    account_save(actor=ADMIN, username=REP, role="auditor")
    answer = get(secret)
    assert (answer.status_code, b"," in answer.content) == (403, False)
    assert b"gives no rows" in answer.content
    account_save(actor=ADMIN, username=REP, role="rep", person_id=firm.OURS, active=False)
    answer = get(secret)
    assert answer.status_code == 403
    assert b"switched off" in answer.content
    account_save(actor=ADMIN, username=REP, role="rep", person_id=firm.OURS)
    assert len(rows(get(secret))) == before


def test_hidden_fields_are_hidden_and_not_to_be_guessed() -> None:
    query = "status=all&columns=name,amount"
    _, secret = make(REP, query)
    _, narrowed = make(REP, "status=all&filter=amount:gt:2000")
    _, summed = make(REP, "period=all", "won_value")
    assert any(r["Amount (USD)"] for r in rows(get(secret)))
    tag = get(secret)["ETag"]
    mask_decide(actor=ADMIN, name="No amounts", columns=["amounts"], roles=["rep"], reason="test")
    answer = get(secret, **{"If-None-Match": tag})
    assert answer.status_code == 200, "the old answer held amounts"
    assert [r for r in rows(answer) if r.get("Amount (USD)") or r.get("Amount")] == []
    refused = get(narrowed)
    assert refused.status_code == 403
    assert b"masked for your role" in refused.content
    (number,) = rows(get(summed))
    assert "masked for your role" in number["Why there is no value"]
    assert list(number.values())[1] == ""
    with pytest.raises(ValidationError, match="masked"):
        make(REP, "status=all&filter=amount:gt:2000")


def test_the_question_is_fixed() -> None:
    _, secret = make(ANALYST, "status=won")
    usual = get(secret).content
    for query in (
        "?status=all",
        "?filter=amount:gt:0",
        "?q=x",
        "?owner=Ann+Ours",
        "?as_of=2026-01-01",
        "?x=1",
    ):
        answer = get(secret, query=query)
        assert answer.status_code == 400, query
        assert b"Deal" not in answer.content
    assert get(secret, query="?refresh=17").content == usual
    view = signed_in(ANALYST).post("/pipeline-views/", {"name": "Mine", "query": "status=won"})
    assert view.status_code in (200, 302)
    posted = Client().post(f"/feed/{secret}.csv")
    assert posted.status_code == 405


# --- The address ----------------------------------------------------------------------------------


def test_only_a_digest_is_kept_and_the_secret_is_long() -> None:
    row, secret = make(ANALYST)
    assert len(secret.removeprefix("sf_")) * 6 >= 192
    stored = str(Feed.objects.filter(pk=row.pk).values().get())
    events = str(list(AuditEvent.objects.order_by("-id").values()[:5]))
    assert secret not in stored + events
    assert secret.removeprefix("sf_")[:12] not in stored + events
    api = Client().get("/api/v1/kpis", headers={"Authorization": f"Bearer {secret}"})
    assert api.status_code == 401, "it opens nothing else"
    named = "filter=account_name:eq:Our%20account"
    kept, _ = make(ANALYST, named)
    made = AuditEvent.objects.get(action="feed.create", subject=f"feed:{kept.pk}")
    assert "account_name" in kept.query
    assert "account" not in str(made.after["question"]), "others read the ledger: it holds no question"
    assert set(made.after) == {"name", "account", "kind", "question", "expires_at"}
    assert Client().get(f"/sign-in/{secret}/").status_code != 302


def test_an_address_ends() -> None:
    row, secret = make(ANALYST, days=30)
    assert row.expires_at - row.created_at == timedelta(days=30)
    Feed.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    assert (get(secret).status_code, get(secret, "pdf").status_code) == (404, 404)
    row, secret = make(ANALYST)
    assert get(secret).status_code == 200
    with pytest.raises(NotAllowedError):
        services.feed_revoke(actor=actor(REP), row=row)
    services.feed_revoke(actor=actor(ADMINISTRATOR), row=row)
    services.feed_revoke(actor=actor(ADMINISTRATOR), row=row)
    assert get(secret).status_code == 404
    assert AuditEvent.objects.filter(action="feed.revoke", subject=f"feed:{row.pk}").count() == 1
    for days in (0, 366):
        with pytest.raises(ValidationError, match="from 1 to 365"):
            make(ANALYST, days=days)


def test_uses_are_counted_and_limited(settings: Any) -> None:
    settings.FEED_REQUESTS_PER_MINUTE = 3
    row, secret = make(ANALYST)
    assert [get(secret).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert int(get(secret)["Retry-After"]) > 0
    row.refresh_from_db()
    assert row.uses == 3
    assert row.last_used_at is not None
    _, another = make(ANALYST)
    assert get(another).status_code == 200, "one feed's limit is not another's"


def test_guessing_is_counted_against_the_address(settings: Any) -> None:
    settings.LOCK_ADDRESS_AFTER = 3
    _, secret = make(ANALYST)
    assert [get(f"sf_guess{n}").status_code for n in range(4)] == [404, 404, 404, 429]
    assert get(secret).status_code == 200, "who knows a secret is not locked out by who guesses"


def test_nothing_of_the_address_is_logged_or_cached(
    caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    _, secret = make(ANALYST)
    caplog.set_level(logging.DEBUG)
    answers = [
        get(secret),
        get(secret, "pdf"),
        get(secret, query="?q=1"),
        get(secret + "x"),
        get(secret[:-1]),
    ]
    for client in (Client(), Client(enforce_csrf_checks=True)):
        answers.append(client.post(f"/feed/{secret}.csv"))  # type: ignore[arg-type]
    monkeypatch.setattr(feed_door, "_body", lambda *_: 1 / 0)
    answers.append(get(secret))
    assert [a.status_code for a in answers] == [200, 404, 400, 404, 404, 405, 405, 500]
    for answer in answers:
        assert "no-store" in answer["Cache-Control"]
        assert "noindex" in answer["X-Robots-Tag"]
        assert answer["Referrer-Policy"] == "no-referrer"
    said = "\n".join(
        f"{r.getMessage()} {r.exc_text} {r.args}" for r in caplog.records if r.name != "django.db.backends"
    )
    assert secret[:12] not in said


def test_an_unchanged_answer_is_not_read_again() -> None:
    _, secret = make(ANALYST)
    first = get(secret)
    with CaptureQueriesContext(connection) as asked:
        again = get(secret, **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert len(asked) <= 25
    assert get(secret, "json")["ETag"] != first["ETag"]
    _, other = make(OTHER)
    assert get(other, **{"If-None-Match": first["ETag"]}).status_code == 200


# --- The pages ------------------------------------------------------------------------------------


def test_the_page_shows_the_address_once() -> None:
    client = signed_in(REP)
    sent = {
        "name": "Board",
        "what": "number-won_value",
        "by": "stage",
        "period": "all",
        "separator": "comma",
        "days": "90",
    }
    made = client.post("/feeds/", sent).content.decode()
    (secret,) = set(re.findall(r"sf_[A-Za-z0-9_-]{43}", made))
    assert f"=IMPORTDATA(&quot;http://testserver/feed/{secret}.csv&quot;)" in made
    assert secret not in client.get("/feeds/").content.decode()
    assert len(rows(get(secret))) >= 1
    by_address = sent | {"what": "", "address": "http://testserver/pipeline/?status=won"}
    again = client.post("/feeds/", by_address).content.decode()
    (other,) = set(re.findall(r"sf_[A-Za-z0-9_-]{43}", again))
    won = [d for d in firm.deals() if d["owner_id"] == firm.OURS and d["stage"] == "Closed Won"]
    assert len(rows(get(other))) == len(won)
    for wrong in (
        {"what": ""},
        {"address": "http://testserver/pipeline/"},
        {"what": "", "address": "/settings/"},
    ):
        answer = client.post("/feeds/", sent | wrong)
        assert answer.status_code == 200
        assert "sf_" not in answer.content.decode()


def test_pages_lead_to_a_feed_of_what_they_show() -> None:
    client = signed_in(REP)
    for path in ("/pipeline/?status=won&sort=name", "/numbers/won_value/?period=all&by=stage"):
        link = re.search(r'href="(/feeds/\?page=[^"]+)"', client.get(path).content.decode())
        assert link, path
        form = client.get(unescape(link[1])).content.decode()
        assert f'value="{escape(path)}"' in form
    assert "/feeds/?page=" not in client.get("/numbers/").content.decode()


def test_owners_see_their_own_and_administrators_all() -> None:
    row, secret = make(REP, "status=all&q=Ours")
    assert row.name in signed_in(REP).get("/feeds/").content.decode()
    assert "sheet-rep" not in signed_in(OTHER).get("/feeds/").content.decode()
    assert signed_in(OTHER).get("/feeds/all/").status_code == 403
    assert signed_in(OTHER).post(f"/feeds/{row.pk}/revoke/").status_code == 404
    everybody = signed_in(ADMINISTRATOR).get("/feeds/all/").content.decode()
    assert REP in everybody
    assert signed_in(ADMINISTRATOR).post(f"/feeds/{row.pk}/revoke/").status_code == 302
    assert get(secret).status_code == 404


# --- REST -----------------------------------------------------------------------------------------


class Caller:
    """A program with a token of an account."""

    def __init__(self, name: str) -> None:
        user = User.objects.get(username=name)
        _, secret = token_create(actor=actor_of(user), user=user, name="program", can_write=True)
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def __call__(self, method: str, path: str, status: int, body: Any = None) -> Any:
        text = json.dumps({} if body is None else body)
        answer = self.client.generic(method, f"/api/v1/{path}", text, content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json()


def test_feeds_over_rest() -> None:
    rep, other = Caller(REP), Caller(OTHER)
    number = {"name": "Won", "number": "won_value", "query": "period=all&by=stage", "days": 10}
    made = rep("POST", "feeds", 201, number)
    assert [Client().get(made["addresses"][form]).status_code for form in ("csv", "json", "xlsx")] == [
        200,
        200,
        200,
    ]
    secret = made["addresses"]["csv"].rpartition("/")[2].removesuffix(".csv")
    (listed,) = [row for row in rep("GET", "feeds", 200) if row["id"] == made["id"]]
    assert (listed["state"], listed["uses"]) == ("live", 3)
    assert "by stage" in listed["gives"]
    assert secret not in json.dumps(rep("GET", "feeds", 200))
    assert made["id"] not in [row["id"] for row in other("GET", "feeds", 200)]
    other("DELETE", f"feeds/{made['id']}", 404)
    assert rep("DELETE", f"feeds/{made['id']}", 200)["state"] == "revoked"
    assert Client().get(made["addresses"]["csv"]).status_code == 404
    view = Caller(ANALYST)("POST", "views", 201, {"name": "Theirs", "query": "status=won", "shared": False})
    rep("POST", "feeds", 404, {"name": "x", "view_id": view["id"]})
    for wrong in ({"number": "no_such"}, {"query": "status=odd"}, {"days": 0}, {"query": "filter=nope:eq:1"}):
        rep("POST", "feeds", 400, {"name": "x"} | wrong)


def test_a_token_makes_no_feed_that_reads_more_or_lasts_longer_than_itself() -> None:
    user = User.objects.get(username=ANALYST)

    def asked(body: dict[str, Any], **token: Any) -> int:
        _, secret = token_create(actor=actor_of(user), user=user, name="narrow", can_write=True, **token)
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": secret[-20:]}
        sent = [
            Client(headers=headers).post("/api/v1/feeds", body, content_type="application/json") for _ in "12"
        ]
        if sent[0].status_code == 201:
            assert sent[1].status_code == 409, "the secret is not told again"
            assert "sf_" not in str(list(IdempotencyKey.objects.values()))
        return sent[0].status_code

    of_list, of_number = {"name": "x"}, {"name": "x", "number": "won_value"}
    assert asked(of_list, scopes=["feeds.write", "numbers.read"]) == 403
    assert asked(of_number, scopes=["feeds.write", "records.read"]) == 403
    assert asked(of_number, scopes=["feeds.write", "numbers.read"]) == 201
    assert asked(of_list, scopes=["records.read"]) == 403
    soon = timezone.now() + timedelta(days=5)
    assert asked(of_list, expires_at=soon) == 403
    assert asked(of_list | {"days": 4}, expires_at=soon) == 201


def test_a_feed_that_a_token_made_ends_with_the_token() -> None:
    user = User.objects.get(username=ANALYST)

    def made(**token: Any) -> tuple[Any, dict[str, Any]]:
        row, secret = token_create(actor=actor_of(user), user=user, name="maker", can_write=True, **token)
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": secret[-20:]}
        body = {"name": "By a token", "query": "status=won", "days": 3}
        answer = Client(headers=headers).post("/api/v1/feeds", body, content_type="application/json")
        assert answer.status_code == 201, answer.content
        return row, answer.json()

    def read(feed: dict[str, Any]) -> int:
        return Client().get(feed["addresses"]["csv"]).status_code

    def state(feed: dict[str, Any]) -> str:
        return next(row["state"] for row in Caller(ANALYST)("GET", "feeds", 200) if row["id"] == feed["id"])

    (one, first), (_, second) = made(), made()
    on_the_page, secret = make(ANALYST)
    assert (read(first), read(second), get(secret).status_code) == (200, 200, 200)
    token_revoke(actor=actor_of(user), token=one)
    assert (read(first), read(second), get(secret).status_code) == (404, 200, 200)
    assert (state(first), state(second)) == ("revoked", "live")
    assert on_the_page.token_id is None, "made on the page: no token ends it"
    page = signed_in(ANALYST).get("/feeds/").content.decode()
    assert f"/feeds/{first['id']}/revoke" not in page
    assert f"/feeds/{second['id']}/revoke" in page
    assert first["id"] not in [row.pk for row in selectors.live_feeds()]
    event = AuditEvent.objects.get(action="feed.create", subject=f"feed:{first['id']}")
    assert event.after["token"] == one.pk
    # A token that is shortened later, or has run out, ends its feed as well.
    other, third = made(expires_at=timezone.now() + timedelta(days=5))
    assert read(third) == 200
    type(other).objects.filter(pk=other.pk).update(expires_at=timezone.now())
    assert (read(third), state(third)) == (404, "expired")


def test_webhooks_over_rest() -> None:
    admin = Caller(ADMINISTRATOR)
    Caller(ANALYST)("GET", "webhooks", 403)
    assert {"import.landed", "meeting.held"} <= {kind["name"] for kind in admin("GET", "webhook-kinds", 200)}
    sent = {"name": "Warehouse", "url": "https://hooks.invalid/in", "kinds": ["meeting.held"]}
    made = admin("POST", "webhooks", 201, sent)
    assert made["secret"].startswith("whsec_")
    assert made["secret"] not in json.dumps(admin("GET", "webhooks", 200))
    path = f"webhooks/{made['id']}"
    ping = admin("POST", f"{path}/ping", 201)
    assert json.loads(ping["body"])["type"] == "ping"
    assert [row["id"] for row in admin("GET", f"{path}/deliveries?state=waiting", 200)["rows"]] == [
        ping["id"]
    ]
    assert admin("POST", f"{path}/deliveries/{ping['id']}/replay", 200)["event_id"] == ping["event_id"]
    assert admin("POST", f"{path}/replay", 200, {"since": "2026-01-01T00:00:00"})["replayed"] == 1
    assert admin("POST", f"{path}/pause", 200)["why_paused"] == f"Paused by {ADMINISTRATOR}"
    assert admin("POST", f"{path}/resume", 200)["paused_at"] is None
    admin("POST", "webhooks", 400, sent | {"url": "https://10.0.0.1/"})
    admin("DELETE", path, 200)
    admin("GET", f"{path}/deliveries", 404)


def test_a_target_is_looked_after_on_its_page() -> None:
    client = signed_in(ADMINISTRATOR)
    sent = {"name": "Lake", "url": "https://hooks.invalid/in"}
    page = client.post("/settings/webhooks/", sent).content.decode()
    assert len(set(re.findall(r"whsec_[A-Za-z0-9_-]{43}", page))) == 1
    path = re.search(r'href="(/settings/webhooks/\d+/)"', page)
    assert path
    since = {"do": "replay_since", "since": "2026-01-01T00:00"}
    acts = [{"do": "ping"}, {"do": "pause"}, {"do": "resume"}, since, since | {"since": "x"}]
    acts += [{"do": "replay", "delivery": "x"}, {"do": "remove"}]
    assert [client.post(path[1], act).status_code for act in acts] == [302, 302, 302, 302, 302, 404, 302]
    assert client.get(path[1]).status_code == 404
    found = AuditEvent.objects.filter(action__startswith="webhook.").order_by("id")
    wanted = [f"webhook.{act}" for act in ("create", "ping", "pause", "resume", "replay", "remove")]
    assert list(found.values_list("action", flat=True)) == wanted
