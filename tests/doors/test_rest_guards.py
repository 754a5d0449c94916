"""What stands before every REST operation: scopes, keys of writes, rates, sizes, and parameters nobody declared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from salesops.analytics import views_services
from salesops.crm.models import Import, Watch
from salesops.platform import idempotency, rate, signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.models import ApiToken, AuditEvent, IdempotencyKey, SavedView, User
from salesops.platform.token_scopes import TOKEN_SCOPES, covers, writes
from salesops.project import api
from tests.doors.conftest import shared_home
from tests.doors.seeded import Seeded, seed

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True

OPERATIONS = [
    (path, method, operation)
    for path, methods in api.schema()["paths"].items()
    for method, operation in methods.items()
]
FILE = b"Opportunity ID,Stage,Amount,Close Date\nD960,Closed Won,10,2026-09-30\n"


@pytest.fixture(scope="module")
def seeded(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Seeded]:
    """The small firm, and an administrator's token."""
    with shared_home(tmp_path_factory.mktemp("home"), django_db_blocker):
        yield seed(tmp_path_factory.mktemp("exports"))


@pytest.fixture(autouse=True)
def full_buckets() -> None:
    rate.api.clear()


def robot() -> User:
    return User.objects.get(username="robot")


def token(**values: Any) -> str:
    """A token of the administrator."""
    return signin.token_create(actor=LOCAL_ADMINISTRATOR, user=robot(), name="t", **values)[1]


def caller(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


def send(client: Client, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """The answer to a JSON request."""
    return client.generic(
        method.upper(),
        f"/api/v1/{path}",
        "" if body is None else json.dumps(body),
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


# --- Scopes ---------------------------------------------------------------------------------------


def test_every_operation_names_the_scope_it_needs_and_every_scope_is_used() -> None:
    named = {(path, method): operation.get("x-token-scope") for path, method, operation in OPERATIONS}
    assert {key: scope for key, scope in named.items() if scope not in TOKEN_SCOPES} == {}
    assert set(named.values()) == set(TOKEN_SCOPES)
    for (path, method), scope in named.items():
        assert writes(scope) == (method != "get"), (path, method, scope)
    for path, method, operation in OPERATIONS:
        declared = {p["name"] for p in operation.get("parameters", ())}
        assert ("Idempotency-Key" in declared) == (method != "get"), (path, method)
        assert {400, 401, 403, 404, 409, 413, 422, 429, 503} <= set(operation["responses"]), (path, method)


def filled(path: str, seeded: Seeded) -> str:
    values = seeded.parameters(path)
    return re.sub(r"\{(\w+)\}", lambda m: str(values[m[1]]), path.removeprefix("/api/v1/"))


def test_each_scope_opens_its_operations_and_no_others(seeded: Seeded) -> None:
    with override_settings(API_REQUESTS_PER_MINUTE=0):
        for scope in TOKEN_SCOPES:
            client = caller(token(can_write=True, scopes=[scope]))
            for path, method, operation in OPERATIONS:
                if covers([scope], operation["x-token-scope"]):
                    continue
                answer = send(client, method, filled(path, seeded), {} if method != "get" else None)
                assert answer.status_code == 403, (scope, path, method, answer.status_code)
                assert operation["x-token-scope"] in answer.json()["detail"]
    assert send(caller(token(scopes=["jobs.read"])), "get", "jobs").status_code == 200
    assert send(caller(token(scopes=["jobs.write"], can_write=True)), "get", "jobs").status_code == 200


def test_a_reading_token_changes_nothing(seeded: Seeded) -> None:
    client = caller(token())
    before = AuditEvent.objects.count()
    with override_settings(API_REQUESTS_PER_MINUTE=0):
        for path, method, _ in OPERATIONS:
            if method != "get":
                answer = send(client, method, filled(path, seeded), {})
                assert answer.status_code == 403, (path, method)
                assert "only read" in answer.json()["detail"]
    assert AuditEvent.objects.count() == before


def test_a_token_makes_no_token_stronger_than_itself(seeded: Seeded) -> None:
    end = timezone.now() + timedelta(days=1)
    client = caller(token(can_write=True, scopes=["accounts.write", "jobs.read"], expires_at=end))
    soon, late = end - timedelta(hours=1), end + timedelta(days=1)
    for scopes, ends, status in (
        (["jobs.read"], soon, 201),
        (["accounts.read", "jobs.read"], soon, 201),
        ([], soon, 403),
        (["jobs.read", "audit.read"], soon, 403),
        (["jobs.read"], late, 403),
        (["jobs.read"], None, 403),
    ):
        body = {"name": "child", "scopes": scopes, "expires_at": ends.isoformat() if ends else None}
        assert send(client, "post", "tokens", body).status_code == status, (scopes, ends)
    free = caller(token(can_write=True))
    for body in ({"scopes": ["nosuch"]}, {"scopes": ["jobs.write"]}, {"expires_at": "2020-01-01T00:00:00Z"}):
        assert send(free, "post", "tokens", {"name": "child", **body}).status_code == 400, body
    assert (
        send(free, "post", "tokens", {"name": "child", "expires_at": "2031-01-01T00:00:00"}).status_code
        == 422
    )


def test_a_token_revoked_over_rest_is_dead_at_once_and_its_use_is_dated(seeded: Seeded) -> None:
    client = caller(token(can_write=True))
    made = send(client, "post", "tokens", {"name": "short"}).json()
    other = caller(made["secret"])
    assert send(other, "get", "me").json()["token"] == {
        "name": "short", "can_write": False, "scopes": [], "expires_at": None,
    }  # fmt: skip
    listed = {t["id"]: t for t in send(client, "get", "tokens").json()}
    assert listed[made["id"]]["last_used_at"]
    assert "secret" not in listed[made["id"]]
    assert send(client, "delete", f"tokens/{made['id']}").json()["revoked_at"]
    assert send(other, "get", "me").status_code == 401
    rep = User.objects.get(username="somebody")
    _, weak = signin.token_create(actor=LOCAL_ADMINISTRATOR, user=rep, name="w", can_write=True)
    robots = ApiToken.objects.filter(user=robot()).first()
    assert send(caller(weak), "delete", f"tokens/{robots.pk}").status_code == 404
    assert send(caller(weak), "get", f"tokens?account={robot().pk}").status_code == 403


# --- Keys of writes -------------------------------------------------------------------------------


def test_the_same_key_does_the_work_once(seeded: Seeded) -> None:
    client = caller(token(can_write=True))
    body = {"name": "Mine", "query": "status=won"}
    first = send(client, "post", "views", body, Idempotency_Key="k-1")
    assert first.status_code == 201
    SavedView.objects.filter(pk=first.json()["id"]).delete()
    again = send(client, "post", "views", body, Idempotency_Key="k-1")
    assert (again.status_code, again.json(), again["Idempotent-Replayed"]) == (201, first.json(), "true")
    assert not SavedView.objects.filter(name="Mine").exists()  # not done a second time
    other = send(client, "post", "views", body | {"shared": True}, Idempotency_Key="k-1")
    assert other.status_code == 422
    assert send(client, "delete", "views/1", Idempotency_Key="k-1").status_code == 422
    assert send(client, "post", "views", body, Idempotency_Key="k-2").status_code == 201
    assert SavedView.objects.filter(name="Mine").exists()


def test_a_weaker_token_gets_no_kept_answer_and_a_kept_answer_counts_as_a_request(seeded: Seeded) -> None:
    body = {"name": "Kept", "query": "status=won"}
    strong, weak = caller(token(can_write=True)), caller(token())
    assert send(strong, "post", "views", body, Idempotency_Key="kept").status_code == 201
    assert send(weak, "post", "views", body, Idempotency_Key="kept").status_code == 422
    rate.api.clear()
    with override_settings(API_REQUESTS_PER_MINUTE=2):
        codes = [send(strong, "post", "views", body, Idempotency_Key="kept").status_code for _ in range(3)]
    assert codes == [201, 201, 429]


def test_a_watch_with_a_key_is_made_once(seeded: Seeded, tmp_path: Path) -> None:
    client = caller(token(can_write=True))
    body = {"name": "Once", "kind": "folder", "path": "."}
    with override_settings(WATCH_ROOT=str(tmp_path)):
        first = send(client, "post", "watches", body, Idempotency_Key="w-1")
        assert first.status_code == 201, first.content
        again = send(client, "post", "watches", body, Idempotency_Key="w-1")
        assert (again.json(), again["Idempotent-Replayed"]) == (first.json(), "true")
        assert send(client, "post", "watches", body, Idempotency_Key="w-2").status_code == 400
    assert Watch.objects.filter(name="Once").count() == 1


def test_an_upload_with_a_key_is_imported_once(seeded: Seeded) -> None:
    client = caller(token(can_write=True))

    def upload(content: bytes, **fields: str) -> Any:
        file = SimpleUploadedFile("deals.csv", content)
        return client.post("/api/v1/imports", {"file": file, **fields}, headers={"Idempotency-Key": "file-1"})

    before = Import.objects.count()
    first = upload(FILE, data_date="2026-10-06")
    assert first.status_code == 202, first.content
    again = upload(FILE, data_date="2026-10-06")
    assert (again.status_code, again.json()) == (202, first.json())
    assert Import.objects.count() == before + 1
    assert upload(FILE, data_date="2026-10-07").status_code == 422
    assert upload(FILE + b"D961,Open,1,2026-09-30\n", data_date="2026-10-06").status_code == 422


def test_keys_belong_to_an_account_and_are_forgotten(seeded: Seeded) -> None:
    body = {"name": "Both", "query": "status=won"}
    _, other = signin.token_create(
        actor=LOCAL_ADMINISTRATOR, user=User.objects.get(username="somebody"), name="o", can_write=True
    )
    assert (
        send(caller(token(can_write=True)), "post", "views", body, Idempotency_Key="same").status_code == 201
    )
    assert send(caller(other), "post", "views", body, Idempotency_Key="same").status_code == 201
    assert SavedView.objects.filter(name="Both").count() == 2
    IdempotencyKey.objects.update(created_at=timezone.now() - idempotency.KEPT - timedelta(seconds=1))
    answer = send(caller(other), "post", "views", body | {"shared": True}, Idempotency_Key="same")
    assert answer.status_code == 201
    assert IdempotencyKey.objects.count() == 1


def test_what_is_answered_under_a_key(seeded: Seeded) -> None:
    client, reader = caller(token(can_write=True)), caller(token())
    body = {"name": "Refused", "query": "filter=nonsense"}
    first = send(client, "post", "views", body, Idempotency_Key="r-1")
    assert first.status_code == 400
    assert send(client, "post", "views", body, Idempotency_Key="r-1").json() == first.json()
    good = {"name": "Good", "query": "status=won"}
    assert send(reader, "post", "views", good, Idempotency_Key="r-2").status_code == 403
    assert (
        send(client, "post", "views", good, Idempotency_Key="r-2").status_code == 201
    )  # the refusal took no key
    for key in ("x" * 201, "é"):
        assert send(client, "post", "views", good, Idempotency_Key=key).status_code == 400
    assert send(Client(), "post", "views", good, Idempotency_Key="r-3").status_code == 401
    secret = {"name": "secret"}
    assert send(client, "post", "tokens", secret, Idempotency_Key="t-1").status_code == 201
    again = send(client, "post", "tokens", secret, Idempotency_Key="t-1")
    assert again.status_code == 409
    assert "so_" not in again.content.decode()
    assert not IdempotencyKey.objects.filter(body__contains="so_").exists()


def test_a_key_at_work_is_refused_and_an_error_of_ours_frees_it(
    seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = caller(token(can_write=True))
    body = {"name": "Slow", "query": "status=won"}
    seen: list[Any] = []
    real = views_services.save

    def slow(**values: Any) -> Any:  # asks again while it is at work
        if not seen:
            seen.append(None)
            seen.append(send(client, "post", "views", body, Idempotency_Key="slow"))
        return real(**values)

    monkeypatch.setattr(views_services, "save", slow)
    assert send(client, "post", "views", body, Idempotency_Key="slow").status_code == 201
    assert seen[1].status_code == 409
    assert seen[1]["Retry-After"] == "1"

    def broken(**values: Any) -> Any:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(views_services, "save", broken)
    with pytest.raises(RuntimeError):
        send(client, "post", "views", body, Idempotency_Key="broken")
    monkeypatch.setattr(views_services, "save", real)
    assert send(client, "post", "views", body, Idempotency_Key="broken").status_code == 201


# --- Rates, sizes, parameters ---------------------------------------------------------------------


def test_a_token_that_asks_too_often_waits_and_others_do_not(seeded: Seeded) -> None:
    first, second = caller(token()), caller(token())
    with override_settings(API_REQUESTS_PER_MINUTE=3):
        assert [send(first, "get", "me").status_code for _ in range(4)] == [200, 200, 200, 429]
        answer = send(first, "get", "me")
        assert 0 < int(answer["Retry-After"]) <= 20
        assert "too often" in answer.json()["detail"]
        assert send(second, "get", "me").status_code == 200


def test_buckets_fill_evenly_by_a_clock_that_is_never_set() -> None:
    buckets = rate.Buckets()
    assert [buckets.take(1, 60, now=0.0) for _ in range(60)] == [0] * 60
    assert buckets.take(1, 60, now=0.0) == 1
    assert buckets.take(1, 60, now=1.0) == 0
    assert buckets.take(1, 60, now=1.5) == 1
    assert buckets.take(1, 60, now=1e9) == 0
    assert [buckets.take(1, 60, now=1e9) for _ in range(60)].count(
        0
    ) == 59  # never more than a minute's worth
    assert buckets.take(1, 0) == 0


def test_made_up_tokens_are_refused_and_then_told_to_wait(seeded: Seeded) -> None:
    with override_settings(LOCK_ADDRESS_AFTER=3):
        codes = [send(caller(f"so_{n}"), "get", "me").status_code for n in range(5)]
        assert codes == [401, 401, 401, 429, 429]
        assert send(caller(token()), "get", "me").status_code == 200  # a right one is not kept out


@pytest.mark.parametrize(
    "query",
    [
        "page=1&page=2",
        "nosuch=1",
        "sort=-amount&sort=id",
        "as_of=2026-01-01&as_of=2026-01-02",
        "search=%00",
        "page=1%00",
        "page=9999999999999999999999",
        "size=-1",
        "page=1;size=2",
        "%ff=1",
        "search[]=1",
        "filter=" + "&filter=".join(["amount:gt:1"] * 101),
        "filter=amount:gt:1e999999999",
        "filter=amount:in:" + "|".join(["9" * 400] * 50),
        "as_of=9999-12-31T00:00:01",
    ],
)
def test_hostile_parameters_are_refused_and_never_fail(seeded: Seeded, query: str) -> None:
    answer = caller(seeded.token).get(f"/api/v1/opportunities?{query}")
    assert 400 <= answer.status_code < 500, answer.content
    assert answer.json()["detail"]


@pytest.mark.parametrize("query", ["search=%FF%FE", "filter=name:contains:%27%3B--", "search=" + "x" * 4000])
def test_odd_parameters_are_read_as_text(seeded: Seeded, query: str) -> None:
    assert caller(seeded.token).get(f"/api/v1/opportunities?{query}").status_code in {200, 400}


@pytest.mark.parametrize(
    "body, status",
    [
        (b"", 422),
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b'{"name": "a\\u0000b", "query": ""}', 422),
        (b'{"name": "\xff", "query": ""}', 400),
        (b'{"name": "a", "query": "", "more": 1}', 422),
        (b'{"name": ["a"], "query": ""}', 422),
        (b'{"name": "a", "query": "' + b"x" * 9000 + b'"}', 422),
        (b'{"name": "' + b"x" * 6_000_000 + b'", "query": ""}', 413),
    ],
)
def test_bodies_that_are_none(seeded: Seeded, body: bytes, status: int) -> None:
    for headers in ({}, {"Idempotency-Key": f"b-{len(body)}-{status}"}):
        answer = caller(seeded.token).post(
            "/api/v1/views", body, content_type="application/json", headers=headers
        )
        assert answer.status_code == status, answer.content[:300]
        assert answer.json()["detail"]
    assert not SavedView.objects.filter(name="a").exists()


def test_a_broken_form_is_refused(seeded: Seeded) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x", "text/plain", ""):
        for headers in ({}, {"Idempotency-Key": f"m-{kind}"}):
            answer = caller(seeded.token).generic(
                "POST", "/api/v1/imports", b"--y\r\nno form", content_type=kind, headers=headers
            )
            assert 400 <= answer.status_code < 500, (kind, answer.content)
