"""The REST API: tokens, row security, errors, filters, paging, imports, and its published schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from salesops.crm import services
from salesops.platform import jobs, signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.models import ApiToken
from salesops.platform.roles import Role
from salesops.project import api
from tests.doors.conftest import shared_home
from tests.doors.exports import DAY, write_firm

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
SNAPSHOT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi.json"


class Caller:
    """A client with one account's token."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        """The JSON of an answer with the status expected."""
        response = self.client.get(f"/api/v1/{path}", query)
        assert response.status_code == status, response.content
        assert response["Content-Type"].startswith("application/json")
        return response.json()

    def upload(self, name: str, content: bytes, status: int = 202, **fields: str) -> Any:
        """The JSON of the answer to an uploaded file."""
        response = self.client.post("/api/v1/imports", {"file": SimpleUploadedFile(name, content), **fields})
        assert response.status_code == status, response.content
        return response.json()


@pytest.fixture(scope="module")
def firm(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[SimpleNamespace]:
    """The small firm, imported, and a caller for each role."""
    with shared_home(tmp_path_factory.mktemp("home"), django_db_blocker):
        services.import_now(
            actor=LOCAL_ADMINISTRATOR, paths=[write_firm(tmp_path_factory.mktemp("exports")).parent]
        )

        def caller(username: str, role: str, person: str = "", *, write: bool = True) -> Caller:
            user = signin.account_save(
                actor=LOCAL_ADMINISTRATOR, username=username, role=role, person_id=person
            )
            _, secret = signin.token_create(
                actor=LOCAL_ADMINISTRATOR, user=user, name="test", can_write=write
            )
            return Caller(secret)

        yield SimpleNamespace(
            rep=caller("rep", Role.REP, "U1"),
            manager=caller("manager", Role.SALES_MANAGER, "U4"),
            analyst=caller("analyst", Role.OPS_ANALYST),
            reader=caller("reader", Role.OPS_ANALYST, write=False),
            auditor=caller("auditor", Role.AUDITOR),
        )


def test_without_a_live_token_nothing_is_told(firm: SimpleNamespace) -> None:
    for headers in ({}, {"Authorization": "Bearer so_nobody"}, {"Authorization": "Basic YTpi"}):
        response = Client(headers=headers).get("/api/v1/kpis")
        assert response.status_code == 401
        assert list(response.json()) == ["detail"]
    token = ApiToken.objects.get(user__username="rep")
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    firm.rep.get("kpis", 401)
    ApiToken.objects.filter(pk=token.pk).update(expires_at=None)
    firm.rep.get("kpis")
    token.user.is_active = False
    token.user.save(update_fields=["is_active"])
    firm.rep.get("kpis", 401)
    token.user.is_active = True
    token.user.save(update_fields=["is_active"])
    signin.token_revoke(actor=LOCAL_ADMINISTRATOR, token=token)
    firm.rep.get("kpis", 401)


def test_a_page_session_is_no_token(firm: SimpleNamespace) -> None:
    client = Client()
    client.force_login(ApiToken.objects.get(user__username="analyst").user)
    assert client.get("/api/v1/kpis").status_code == 401


def test_each_reader_sees_his_rows_and_no_others(firm: SimpleNamespace) -> None:
    def ids(caller: Caller) -> list[str]:
        found = caller.get("opportunities", sort="id")
        assert found["total"] == len(found["rows"])
        return [row["id"] for row in found["rows"]]

    assert ids(firm.rep) == ["D000", "D001", "D002"]
    assert ids(firm.manager) == ["D003", "D004", "D005"]
    assert ids(firm.analyst) == [f"D{n:03}" for n in range(6)]
    assert [r["id"] for r in firm.rep.get("records/opportunities")["rows"]] == ["D000", "D001", "D002"]
    assert {r["owner_id"] for r in firm.manager.get("records/accounts")["rows"]} == {"U2"}
    assert firm.rep.get("kpis/won_value")["value"] == 1200.5
    assert firm.manager.get("kpis/won_value")["value"] == 9000
    assert firm.analyst.get("kpis/won_value")["value"] == 10200.5
    assert [r["id"] for r in firm.rep.get("kpis/won_value/rows", side="won_amount")["rows"]] == ["D000"]


def test_a_deal_of_another_team_and_no_deal_are_the_same_answer(firm: SimpleNamespace) -> None:
    other, none = firm.rep.get("opportunities/D003", 404), firm.rep.get("opportunities/D999", 404)
    assert other["detail"].replace("D003", "D999") == none["detail"]
    assert firm.rep.get("opportunities/D000")["values"]["name"] == "Deal 0"
    assert firm.rep.get("records/opportunities", filter="id:eq:D003") == {"total": 0, "rows": []}
    hidden = firm.rep.get("opportunities", search="Deal 3")
    assert hidden == {"total": 0, "rows": []}


def test_filters_sorting_and_paging(firm: SimpleNamespace) -> None:
    found = firm.analyst.get("opportunities", filter=["stage_class:eq:won", "amount:gt:2000"])
    assert [row["id"] for row in found["rows"]] == ["D003"]
    own = firm.analyst.get("opportunities", filter="x_colour:in:red|green", sort="id", columns="x_colour")
    assert [row["x_colour"] for row in own["rows"]] == ["red", "red", "green", "red"]
    assert [r["id"] for r in firm.analyst.get("opportunities", filter="amount:is_null")["rows"]] == ["D004"]
    pages = [firm.analyst.get("opportunities", sort="-amount", size=2, page=n)["rows"] for n in (1, 2, 3)]
    assert [row["id"] for page in pages for row in page] == ["D003", "D000", "D002", "D001", "D005", "D004"]
    assert firm.analyst.get("opportunities", size=2, page=4) == {"total": 6, "rows": []}
    users = firm.analyst.get("records/users", filter="manager_id:eq:U3")
    assert [(u["id"], u["name"]) for u in users["rows"]] == [("U1", "Ada North")]
    assert firm.analyst.get("records/users", size=1, page=2, sort="-id")["rows"][0]["id"] == "U3"
    tables = {t["name"]: t for t in firm.analyst.get("records")}
    assert tables["opportunities"]["columns"]["x_colour"] == "text"
    assert "changes" not in tables


def test_a_number_split_and_as_of(firm: SimpleNamespace) -> None:
    found = firm.analyst.get("kpis/won_deals", by="owner", period="2026-Q3")
    assert (found["value"], found["period"], found["data_date"]) == (2, "2026-Q3", DAY)
    assert {row["group"]["owner_name"]: row["value"] for row in found["rows"]} == {
        "Ada North": 1,
        "Ben South": 1,
    }
    assert firm.analyst.get("kpis/won_deals", as_of="2026-08-31")["value"] == 1
    nothing = firm.analyst.get("kpis/win_rate_count", period="2020-Q1")
    assert nothing["value"] is None
    assert nothing["reason"]


@pytest.mark.parametrize(
    "path, query, status",
    [
        ("kpis/nosuch", {}, 404),
        ("kpis/won_deals", {"period": "2026-Q7"}, 400),
        ("kpis/won_deals", {"by": "nosuch"}, 400),
        ("kpis/won_deals", {"as_of": "yesterday"}, 422),
        ("kpis/won_deals", {"as_of": "0001-01-01"}, 200),
        ("kpis/won_deals/rows", {}, 422),
        ("kpis/won_deals/rows", {"side": "nosuch"}, 404),
        ("opportunities", {"filter": "amount"}, 400),
        ("opportunities", {"filter": "amount:gt:many"}, 400),
        ("opportunities", {"filter": "nosuch:eq:1"}, 400),
        ("opportunities", {"filter": "stage:like:a"}, 400),
        ("opportunities", {"sort": "nosuch"}, 400),
        ("opportunities", {"columns": "nosuch"}, 400),
        ("opportunities", {"size": "501"}, 422),
        ("opportunities", {"size": "0"}, 422),
        ("opportunities", {"page": "0"}, 422),
        ("records/nosuch", {}, 404),
        ("records/changes", {}, 404),
        ("records/users", {"sort": "nosuch"}, 400),
        ("imports/999999", {}, 404),
        ("nosuch", {}, 404),
    ],
)
def test_refusals_are_declared_and_readable(
    firm: SimpleNamespace, path: str, query: dict[str, str], status: int
) -> None:
    answer = firm.analyst.get(path, status, **query)
    if status != 200:
        assert list(answer) == ["detail"]
        assert answer["detail"]


def test_who_may_import(firm: SimpleNamespace) -> None:
    content = b"Opportunity ID,Stage,Amount,Close Date\nD900,Closed Won,10,2026-09-30\n"
    assert "only read" in firm.reader.upload("deals.csv", content, 403)["detail"]
    firm.rep.upload("deals.csv", content, 403)
    firm.auditor.upload("deals.csv", content, 403)
    firm.rep.get("imports", 403)
    firm.auditor.get("imports")


def test_an_upload_becomes_a_job_and_then_a_report(firm: SimpleNamespace) -> None:
    content = (
        b"Opportunity ID,Opportunity Name,Stage,Amount,Close Date,Owner ID\n"
        b"D901,New,Closed Won,10.00,2026-10-02,U1\n"
        b"D902,Bad,Closed Won,10.00,soon,U1\n"
        b",Nameless,Closed Won,10.00,2026-10-02,U1\n"
    )
    made = firm.analyst.upload("opportunities.csv", content, data_date="2026-10-05")
    assert (made["state"], made["files"][0]["table"]) == ("inspected", "opportunities")
    assert jobs.run_waiting() >= 1
    done = firm.analyst.get(f"imports/{made['id']}")
    assert done["state"] == "done"
    outcome = done["report"]["tables"]["opportunities"]
    assert outcome["added"] + done["report"]["quarantined"] == 3
    assert outcome["not_in_file"] >= 6
    assert firm.analyst.get("imports")[0]["id"] == made["id"]
    assert firm.analyst.get("opportunities/D901")["values"]["amount"] == 10
    assert firm.analyst.get("opportunities", filter="id:eq:D000")["total"] == 1


@pytest.mark.parametrize(
    "name, content",
    [
        ("empty.csv", b""),
        ("header.csv", b"Opportunity ID,Stage,Amount\n"),
        ("noise.csv", bytes(range(256)) * 40),
    ],
)
def test_an_upload_that_holds_nothing_says_so(firm: SimpleNamespace, name: str, content: bytes) -> None:
    answer = firm.analyst.upload(name, content, 400)
    assert list(answer) == ["detail"]
    assert "Traceback" not in answer["detail"]


def schema() -> dict[str, Any]:
    """The schema as it is served."""
    return json.loads(json.dumps(api.schema()))


def test_the_published_schema_is_the_one_served(firm: SimpleNamespace) -> None:
    served = firm.analyst.get("openapi.json")
    assert served["openapi"].startswith("3.1")
    assert served == schema()
    told = "It changed: `salesops openapi > docs/reference/openapi.json`, and say so in the changelog."
    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == served, told


def test_today_is_the_datas_own(firm: SimpleNamespace) -> None:
    found = firm.analyst.get("kpis/open_deals")
    assert date.fromisoformat(found["as_of"]) <= date(2026, 10, 5)
