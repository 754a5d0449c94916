"""What the pages can do, done over REST from end to end by the roles that may."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from pytest_django.plugin import DjangoDbBlocker

from salesops.crm.models import Watch
from salesops.platform import jobs, lockout, signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.models import AuditEvent, User
from salesops.platform.roles import Role
from tests.doors.conftest import shared_home
from tests.doors.seeded import Seeded, seed

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True


class Caller:
    """A client with one account's token."""

    def __init__(self, secret: str) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def __call__(self, method: str, path: str, status: int = 200, body: Any = None, **query: Any) -> Any:
        address = f"/api/v1/{path}"
        if method == "get":
            answer = self.client.get(address, query)
        else:
            text = json.dumps({} if body is None else body)
            answer = self.client.generic(method.upper(), address, text, content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json()

    def upload(self, path: str, content: bytes, status: int, name: str = "deals.csv", **fields: str) -> Any:
        answer = self.client.post(f"/api/v1/{path}", {"file": SimpleUploadedFile(name, content), **fields})
        assert answer.status_code == status, answer.content
        return answer.json()


@pytest.fixture(scope="module")
def firm(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[SimpleNamespace]:
    """The small firm, and a caller for each role."""
    with (
        shared_home(tmp_path_factory.mktemp("home"), django_db_blocker),
        override_settings(API_REQUESTS_PER_MINUTE=0),
    ):
        seeded: Seeded = seed(tmp_path_factory.mktemp("exports"))
        callers: dict[str, Any] = {"admin": Caller(seeded.token), "known": seeded.known}
        for role in Role:
            user = signin.account_save(
                actor=LOCAL_ADMINISTRATOR,
                username=f"the-{role}",
                role=role,
                person_id={"rep": "U1", "sales_manager": "U4"}.get(role, ""),
            )
            _, secret = signin.token_create(actor=LOCAL_ADMINISTRATOR, user=user, name="t", can_write=True)
            callers[str(role)] = Caller(secret)
        yield SimpleNamespace(**callers)


def test_an_import_is_looked_at_changed_and_confirmed(firm: SimpleNamespace) -> None:
    content = b"Opportunity ID,Stage,Amount,Close Date,Shade\nD970,Closed Won,10,2026-09-30,dark\n"
    firm.rep.upload("imports/inspect", content, 403)
    made = firm.ops_analyst.upload("imports/inspect", content, 202)["import"]
    assert (made["state"], made["job_id"]) == ("inspected", None)
    edit = {"files": [{"file": 0, "columns": {"Shade": {"to": "x_shade"}}, "data_date": "2026-10-08"}]}
    changed = firm.ops_analyst("patch", f"imports/{made['id']}/plan", body=edit)
    assert changed["files"][0]["columns"]["Shade"] == "x_shade"
    firm.ops_analyst("patch", f"imports/{made['id']}/plan", 400, {"files": [{"file": 7}]})
    bad = {"files": [{"file": 0, "columns": {"Amount": {"to": "nosuch"}}}]}
    firm.ops_analyst("patch", f"imports/{made['id']}/plan", 400, bad)
    mapping = firm.auditor("get", f"imports/{made['id']}/files/0/mapping")["yaml"]
    assert "x_shade" in mapping
    firm.ops_analyst("post", f"imports/{made['id']}/mapping", body={"yaml": mapping})
    firm.ops_analyst("post", f"imports/{made['id']}/mapping", 400, {"yaml": "&a [*a]"})
    firm.auditor("post", f"imports/{made['id']}/confirm", 403)
    begun = firm.ops_analyst("post", f"imports/{made['id']}/confirm", 202)
    assert jobs.run_waiting() >= 1
    assert firm.ops_analyst("get", f"jobs/{begun['job_id']}")["state"] == "done"
    assert firm.ops_analyst("get", f"imports/{made['id']}")["state"] == "done"
    assert firm.ops_analyst("get", "opportunities", filter="x_shade:eq:dark")["total"] == 1
    firm.ops_analyst("post", f"imports/{made['id']}/confirm", 400)
    firm.ops_analyst("post", f"imports/{made['id']}/reopen", 400)
    assert firm.auditor("get", "data")["data_on"] >= "2026-10-05"


def test_a_quarantined_row_is_mended_and_another_dismissed(firm: SimpleNamespace) -> None:
    waiting = firm.ops_analyst("get", "quarantine")
    row = waiting["rows"][0]
    assert (row["column"], row["cells"]["Close Date"]) == ("Close Date", "2026-13-45")
    assert firm.ops_analyst("get", "quarantine/reasons")[0]["rows"] == 1
    one = firm.auditor("get", f"quarantine/{row['id']}")
    assert one["cells"]["Opportunity ID"] == "QX1"
    firm.rep("get", "quarantine", 403)
    firm.auditor("post", f"quarantine/{row['id']}/replay", 403, {"cells": {}})
    firm.ops_analyst("post", f"quarantine/{row['id']}/replay", 400, {"cells": {"Nosuch": "1"}})
    firm.ops_analyst("post", f"quarantine/{row['id']}/replay", 400, {"cells": {"Close Date": "never"}})
    done = firm.ops_analyst(
        "post", f"quarantine/{row['id']}/replay", body={"cells": {"Close Date": "2026-03-30"}}
    )
    assert done["state"] == "replayed"
    assert firm.ops_analyst("get", "opportunities/QX1")["values"]["amount"] == 1200
    firm.ops_analyst("post", "quarantine/dismiss", 404, {"rows": [row["id"]]})
    assert firm.ops_analyst("get", "quarantine", state="replayed")["total"] == 1


def test_decisions_are_recorded_read_on_a_day_and_ended(firm: SimpleNamespace) -> None:
    kinds = {kind["kind"]: kind for kind in firm.auditor("get", "decisions")}
    assert kinds["quota"]["needs_reason"]
    link = {"source": "crm", "table": "users", "pattern": "https://crm.example.org/u/{id}"}
    decide = {"subject": "crm/users", "values": link, "starts_on": "2026-05-01"}
    firm.auditor("post", "decisions/record_link", 403, decide)
    made = firm.ops_analyst("post", "decisions/record_link", 201, decide)
    assert (made["by"], made["starts_on"]) == ("the-ops_analyst", "2026-05-01")
    firm.ops_analyst("post", "decisions/record_link", 400, decide | {"values": {"nosuch": 1}})
    firm.ops_analyst("post", "decisions/nosuch", 404, decide)

    def on(day: str) -> list[str]:
        return [
            r["subject"] for r in firm.auditor("get", "decisions/record_link", on=day, search="users")["rows"]
        ]

    assert (on("2026-04-30"), on("2026-05-01")) == ([], ["crm/users"])
    end = {"subject": "crm/users", "starts_on": "2026-06-01"}
    assert firm.ops_analyst("post", "decisions/record_link/end", body=end)["ended"]
    assert (on("2026-05-31"), on("2026-06-01")) == (["crm/users"], [])
    firm.ops_analyst("post", "decisions/record_link/end", 404, end)
    told = firm.auditor("get", "decisions/record_link/history", subject="crm/users")
    assert [version["ended"] for version in told] == [True, False]
    firm.rep("get", "decisions/record_link", 403)
    drafts = firm.ops_analyst("get", "decisions/record_link/drafts")
    published = firm.ops_analyst("post", f"decisions/record_link/drafts/{drafts[0]['id']}/publish")
    assert not published["draft"]


def test_decisions_go_out_and_come_in_as_documents(firm: SimpleNamespace) -> None:
    documents = firm.auditor("get", "decision-documents", kind="record_link")
    text = firm.auditor("get", "decision-documents/yaml", kind="record_link")["yaml"]
    assert "crm/opportunities" in text
    again = firm.ops_analyst("post", "decision-documents", body={"documents": documents})
    assert again == {"changed": 0, "same": len(documents)}
    assert firm.ops_analyst("post", "decision-documents", body={"yaml": text})["changed"] == 0
    firm.auditor("post", "decision-documents", 403, {"yaml": text})
    firm.ops_analyst("post", "decision-documents", 400, {"yaml": text, "documents": documents})
    firm.ops_analyst("post", "decision-documents", 400, {"documents": [{"kind": "nosuch"}]})
    firm.ops_analyst("post", "decision-documents", 422, {"documents": "x"})


def test_the_company_its_people_and_quotas(firm: SimpleNamespace) -> None:
    body = {"currency": "EUR", "fiscal_start_month": 4, "starts_on": "2026-01-01"}
    assert firm.ops_manager("post", "organisation", body=body)["fiscal_start_month"] == 4
    assert firm.auditor("get", "organisation")["currency"] == "EUR"
    firm.ops_manager("post", "organisation", 400, {"currency": "EURO"} | {"currency": "E1"})
    people = firm.auditor("get", "people", size=500)["rows"]
    assert "U1" in {p["id"] for p in people}
    rows = [{"person": "U1", "team": "North"}]
    planned = firm.ops_manager("post", "people/positions", body={"rows": rows, "preview": True})
    assert (planned["changed"], planned["rows"][0]["changes"]) == (0, True)
    assert firm.ops_manager("post", "people/positions", body={"rows": rows})["changed"] == 1
    assert next(p for p in firm.auditor("get", "people")["rows"] if p["id"] == "U1")["team"] == "North"
    firm.ops_manager("post", "people/positions", 400, {"rows": [{"person": "Nobody"}]})
    firm.rep("post", "people/positions", 403, {"rows": rows})
    quota = [{"person": "U1", "period": "2026-Q3", "amount": "1000.13"}]
    firm.ops_analyst("post", "quotas", 403, {"rows": quota, "reason": "plan"})
    firm.ops_manager("post", "quotas", 400, {"rows": quota})
    assert firm.ops_manager("post", "quotas", body={"rows": quota, "reason": "plan"})["changed"] == 1
    shown = firm.auditor("get", "quotas", person="U1")
    assert (shown["total"], shown["rows"][0]["amount"]) == (1, 1000.13)
    assert b"1000.13" in firm.auditor.client.get("/api/v1/quotas").content  # no digit is lost


def test_faults_and_repairs(firm: SimpleNamespace) -> None:
    everything, own = firm.ops_analyst("get", "faults"), firm.rep("get", "faults")
    assert len(everything["rows"]) > 10
    assert sum(r["faulty"] for r in own["rows"]) <= sum(r["faulty"] for r in everything["rows"])
    code = next(r["code"] for r in everything["rows"] if r["faulty"] and r["table"] == "deals")
    rows = firm.ops_analyst("get", f"faults/{code}/rows", size=1)
    assert len(rows["rows"]) == 1
    assert firm.ops_analyst("get", f"faults/{code}/rows", page=99)["rows"] == []
    mine = {r["id"] for r in firm.rep("get", f"faults/{code}/rows")["rows"]}
    assert mine <= {"D000", "D001", "D002", "D970"}
    firm.ops_analyst("get", "faults/NOSUCH/rows", 404)
    firm.ops_analyst("get", f"faults/{code}/rows", 400, sort="nosuch")
    repair = {
        "table": "opportunities",
        "column": "stage",
        "value": "Closed Won",
        "replacement": "Closed Won!",
    }
    firm.rep("post", "repairs", 403, repair)
    made = firm.ops_analyst("post", "repairs", body=repair)
    subject = next(r["subject"] for r in made if r["value"] == "Closed Won")
    assert firm.ops_analyst("post", "repairs/undo", body={"subject": subject}) == []
    firm.ops_analyst("post", "repairs/undo", 404, {"subject": subject})
    job = firm.rep("post", "faults/scan", 202)["job_id"]
    jobs.run_waiting()
    seen = firm.rep("get", f"jobs/{job}")
    assert (seen["state"], len(seen["files"])) == ("done", 1)
    answer = firm.rep.client.get(f"/api/v1/jobs/{job}/files/0")
    assert b"".join(answer.streaming_content)
    firm.rep("get", f"jobs/{job}/files/7", 404)
    firm.ops_analyst("get", f"jobs/{job}/files/0", 404)  # somebody else's
    firm.sales_manager("get", f"jobs/{job}", 404)


def test_jobs_and_schedules(firm: SimpleNamespace) -> None:
    body = {"name": "Every morning", "kind": "scan", "cron": "0 7 * * 1-5", "zone": "Europe/Berlin"}
    firm.auditor("post", "schedules", 403, body)
    firm.ops_analyst("post", "schedules", 400, body | {"cron": "never"})
    made = firm.ops_analyst("post", "schedules", 201, body)
    assert made["next_run_at"]
    assert firm.ops_vp("get", "schedules") == []
    firm.ops_vp("post", f"schedules/{made['id']}/pause", 404)
    assert not firm.ops_analyst("post", f"schedules/{made['id']}/pause")["active"]
    assert firm.ops_analyst("post", f"schedules/{made['id']}/resume")["active"]
    job = firm.ops_analyst("post", f"schedules/{made['id']}/run", 202)
    assert firm.ops_analyst("post", f"jobs/{job['id']}/cancel")["state"] == "cancelled"
    assert firm.ops_analyst("post", f"jobs/{job['id']}/retry")["state"] == "queued"
    firm.ops_analyst("post", f"jobs/{job['id']}/retry", 400)
    assert firm.ops_analyst("get", "jobs", size=1)["rows"][0]["id"] == job["id"]
    assert firm.ops_analyst("delete", f"schedules/{made['id']}") == {"removed": made["id"]}
    firm.ops_analyst("delete", f"schedules/{made['id']}", 404)


def test_accounts_of_the_crm_views_and_comparisons(firm: SimpleNamespace) -> None:
    mine = {r["id"] for r in firm.rep("get", "accounts")["rows"]}
    everything = {r["id"] for r in firm.admin("get", "accounts")["rows"]}
    assert mine < everything
    assert firm.rep("get", f"accounts/{min(mine)}")["values"]["id"] == min(mine)
    firm.rep("get", f"accounts/{min(everything - mine)}", 404)
    view = firm.rep("post", "views", 201, {"name": "Won", "query": "status=won"})
    assert {r["id"] for r in firm.rep("get", f"views/{view['id']}/rows")["rows"]} <= {
        "D000",
        "D001",
        "D002",
        "D970",
    }
    firm.ops_analyst("get", f"views/{view['id']}/rows", 404)
    shared = firm.rep("patch", f"views/{view['id']}", body={"name": "All won", "shared": True})
    assert shared["shared"]
    assert len(firm.ops_analyst("get", f"views/{view['id']}/rows")["rows"]) >= 2
    firm.ops_analyst("delete", f"views/{view['id']}", 403)
    firm.rep("delete", f"views/{view['id']}")
    firm.rep("get", f"views/{view['id']}/rows", 404)
    firm.rep("get", "kpis/won_value/reconciliations", 403)
    answer = firm.ops_analyst.client.post("/api/v1/kpis/won_value/reconciliations", {"figure": "10"})
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert firm.ops_analyst("get", f"kpis/won_value/reconciliations/{made['id']}")["theirs"] == "10"
    assert firm.ops_analyst("get", "kpis/won_value/reconciliations")[0]["id"] == made["id"]
    report = b"Opportunity ID,Amount\nD000,1.00\n"
    compared = firm.ops_analyst.upload("kpis/won_value/reconciliations", report, 201, name="report.csv")
    assert compared["result"]["by_cause"]
    for fields in (
        {},
        {"figure": "many"},
        {"side": "nosuch", "figure": "1"},
        {"figure": "1", "columns": "[]"},
    ):
        answer = firm.ops_analyst.client.post("/api/v1/kpis/won_value/reconciliations", fields)
        assert answer.status_code in ({201} if fields.get("columns") else {400, 404}), fields


def test_folders_and_mailboxes_are_watched(firm: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "nightly").mkdir()
    body = {"name": "Over REST", "kind": "folder", "path": "nightly", "pattern": "deals*.csv"}
    with override_settings(WATCH_ROOT=str(tmp_path), WATCH_HOSTS=["imap.example.com"]):
        firm.ops_representative("post", "watches", 403, body)
        firm.auditor("post", "watches", 403, body)
        for wrong in (
            {"path": ".."},
            {"host": "imap.example.com"},
            {"cron": "never"},
            {"mapping": {"no": 1}},
        ):
            firm.ops_analyst("post", "watches", 400, body | wrong)
        firm.ops_analyst("post", "watches", 422, body | {"password": "secret"})
        made = firm.ops_analyst("post", "watches", 201, body)
        assert (made["path"], made["cron"], made["looks"]) == ("nightly", "*/5 * * * *", True)
        firm.ops_analyst("post", "watches", 400, body)  # the name is taken
        watch = f"watches/{made['id']}"
        assert firm.auditor("get", watch) == made
        assert made in firm.auditor("get", "watches")
        firm.rep("get", "watches", 403)
        firm.rep("get", f"{watch}/arrivals", 403)
        changed = firm.ops_manager("patch", watch, body={"cron": "0 6 * * *", "mail_to": ["a@example.com"]})
        assert changed == made | {
            "cron": "0 6 * * *",
            "mail_to": ["a@example.com"],
        }  # what was left out stays
        assert firm.ops_manager("patch", watch, body={"pattern": "*"})["cron"] == "0 6 * * *"
        firm.ops_manager("patch", watch, 400, {"senders": ["@example.com"]})
        firm.ops_manager("patch", watch, 422, {"kind": "mailbox"})
        assert Watch.objects.get(pk=made["id"]).created_by.username == "the-ops_manager"
        stopped = firm.ops_analyst("post", f"{watch}/pause")
        assert (stopped["looks"], stopped["why_not"]) == (False, "Paused")
        assert firm.ops_analyst("post", f"{watch}/resume")["looks"]
        (tmp_path / "nightly" / "deals.csv").write_bytes(b"Opportunity ID,Stage\nD980,Open\n")
        job = firm.ops_manager("post", f"{watch}/look", 202)["job_id"]
        jobs.run_waiting()
        assert firm.ops_manager("get", f"jobs/{job}")["state"] == "done"
        came = firm.auditor("get", f"{watch}/arrivals")
        assert [(row["name"], row["state"]) for row in came["rows"]] == [("deals.csv", "settling")]
        mailbox = {
            "name": "Mail", "kind": "mailbox", "host": "imap.example.com", "user": "ops",
            "password_variable": "SALESOPS_WATCH_PASSWORD_OPS", "senders": ["@crm.example.com"],
        }  # fmt: skip
        firm.ops_analyst("post", "watches", 400, mailbox | {"password_variable": "DATABASE_URL"})
        assert firm.ops_analyst("post", "watches", 201, mailbox)["port"] == 993
        firm.ops_representative("delete", watch, 403)
        assert firm.ops_analyst("delete", watch) == {"removed": made["id"]}
        firm.ops_analyst("get", watch, 404)
        firm.ops_analyst("post", f"{watch}/look", 404)
    told = (
        AuditEvent.objects.filter(subject="watch:Over REST").order_by("id").values_list("action", flat=True)
    )
    assert list(told) == ["watch.save"] * 3 + ["watch.pause", "watch.resume", "watch.remove"]


def test_accounts_that_sign_in(firm: SimpleNamespace) -> None:
    body = {"username": "nina", "role": "rep", "email": "nina@example.org"}
    firm.ops_vp("post", "user-accounts", 403, body)
    made = firm.admin("post", "user-accounts", 201, body)
    firm.admin("post", "user-accounts", 400, body)
    firm.admin("post", "user-accounts", 400, body | {"username": "other", "role": "king"})
    nina = f"user-accounts/{made['id']}"
    assert firm.admin("patch", nina, body={"role": "ops_analyst"})["role"] == "ops_analyst"
    assert User.objects.get(username="nina").email == "nina@example.org"  # what was left out stays
    link = firm.admin("post", f"{nina}/link", 201)
    assert Client().post(link["path"]).status_code == 302
    entry = lockout.account_key("nina")
    for _ in range(entry.limit):
        lockout.attempt_begin(entry)
    assert firm.admin("get", nina)["locked"]
    assert firm.admin("post", f"{nina}/unlock") == {"done": True}
    assert firm.admin("post", f"{nina}/sign-out") == {"done": True}
    assert firm.admin("delete", f"{nina}/second-factor") == {"done": False}
    assert not firm.admin("patch", nina, body={"active": False})["active"]
    firm.admin("post", f"{nina}/link", 400)
    firm.auditor("get", "user-accounts", 403)
    assert firm.admin("get", "user-accounts", size=1)["total"] > 5
    assert AuditEvent.objects.filter(subject="account:nina").count() >= 5


def test_a_number_is_kept_and_asked_again(firm: SimpleNamespace) -> None:
    kept = firm.rep("post", "kpis/won_value/runs?period=2026-Q3", 201)
    assert firm.rep("get", "runs")["rows"][0]["reference"] == kept["reference"]
    run = firm.auditor("get", f"runs/{kept['reference']}")
    assert (run["kind"], run["digest"], run["by"]) == ("number", kept["digest"], "the-rep")
    assert firm.rep("get", f"runs/{kept['reference']}/replay")["same"]
    firm.ops_analyst("get", f"runs/{kept['reference']}", 404)
    firm.ops_analyst("get", f"runs/{kept['reference']}/replay", 404)
    firm.rep("post", "kpis/nosuch/runs", 404)


def test_the_ledger_is_read_by_who_may(firm: SimpleNamespace) -> None:
    firm.ops_analyst("get", "audit", 403)
    found = firm.auditor("get", "audit", action="token.create", size=2)
    assert (len(found["rows"]), found["rows"][0]["action"]) == (2, "token.create")
    assert firm.auditor("get", "audit", first="2199-01-01") == {"total": 0, "rows": []}
    me = firm.auditor("get", "me")
    assert (me["role"], "audit.view" in me["permissions"], "import.run" in me["permissions"]) == (
        "auditor",
        True,
        False,
    )


def test_a_meeting_and_what_was_agreed_in_it(firm: SimpleNamespace) -> None:
    team, own = firm.sales_manager("get", "monday"), firm.rep("get", "monday")
    assert team["period"] == own["period"] == "2026-Q3"
    assert team["closed"] == own["closed"] == 0 or team["closed"] >= own["closed"]
    assert {d["owner_id"] for d in own["deals"]} <= {"U1"}
    firm.rep("get", "monday", 404, person_id="U2")
    firm.rep("get", "monday", 400, period="2026-Q9")
    one = firm.sales_manager("get", "monday", person_id="U2")
    assert {d["owner_id"] for d in one["deals"]} <= {"U2"}
    asked = {"text": "Call back", "due_on": "2026-10-05", "owner_id": "U2"}
    firm.rep("post", "actions", 403, asked)
    firm.auditor("post", "actions", 403, asked)
    firm.sales_manager("post", "actions", 422, asked | {"owner_id": "nobody"})
    firm.sales_manager("post", "actions", 422, asked | {"deal_id": "D000"})  # the other team's
    made = firm.sales_manager("post", "actions", 201, asked | {"deal_id": "D004"})
    assert (made["state"], made["owner_name"], made["due_on"]) == ("open", "Ben South", "2026-10-05")
    event = f"actions/{made['id']}/events"
    firm.rep("post", event, 404, {"kind": "done"})
    assert made["id"] not in {r["id"] for r in firm.rep("get", "actions", state="all")["rows"]}
    firm.sales_manager("post", event, 400, {"kind": "reopened"})
    firm.sales_manager("post", event, 400, {"kind": "moved"})
    assert firm.sales_manager("post", event, body={"kind": "moved", "due_on": "2026-10-09"})["moved"] == 1
    done = firm.sales_manager("post", event, body={"kind": "done", "note": "they signed"})
    assert (done["state"], done["note"], done["first_due_on"]) == ("done", "they signed", "2026-10-05")
    assert made["id"] in {r["id"] for r in firm.ops_vp("get", "actions", state="done")["rows"]}
    assert firm.rep("post", "actions", 201, {"text": "My own", "due_on": "2026-10-05"})["owner_id"] == "U1"
    firm.rep("post", "meetings", 403, {})
    held = firm.sales_manager("post", "meetings", 201, {"person_id": "U2"})
    assert (held["subject"], held["data_on"]) == ("person/U2", "2026-09-30")


def test_a_dashboard_and_its_figures(firm: SimpleNamespace) -> None:
    tiles = [
        {"key": "won", "kind": "kpi", "kpis": ["won_deals"]},
        {
            "kind": "table",
            "kpis": ["won_deals", "open_deals"],
            "by": "owner_name",
            "filters": ["amount:ge:0"],
        },
    ]
    asked = {"name": "Weekly", "question": "period=all", "tiles": tiles, "roles": ["rep", "sales_manager"]}
    firm.rep("post", "dashboards", 403, asked)
    firm.auditor("post", "dashboards", 403, asked | {"roles": []})
    firm.ops_vp("post", "dashboards", 400, asked | {"tiles": [{"kind": "kpi", "kpis": ["nonsense"]}]})
    firm.ops_vp("post", "dashboards", 422, asked | {"colour": "red"})
    made = firm.ops_vp("post", "dashboards", 201, asked)
    assert (made["version"], made["tiles"][1]["key"], made["mine"]) == (1, "t1", True)
    address = f"dashboards/{made['id']}"
    firm.auditor("get", address, 404)
    own, all_of_it = firm.rep("get", address), firm.ops_vp("get", address)
    assert {row[0]["value"] for row in own["tiles"][1]["rows"]} <= {"Ada North"}
    assert own["tiles"][0]["rows"][0][1]["value"] <= all_of_it["tiles"][0]["rows"][0][1]["value"]
    same = firm.ops_vp("get", "kpis/won_deals", period="all")
    assert all_of_it["tiles"][0]["rows"][0][1]["value"] == same["value"]
    narrowed = firm.ops_vp("get", address, filter="owner_name:eq:Ada North")
    assert narrowed["tiles"][0]["rows"][0][1]["value"] == own["tiles"][0]["rows"][0][1]["value"]
    firm.ops_vp("get", address, 400, period="nonsense")
    firm.rep("patch", address, 403, {"name": "Mine"})
    assert firm.ops_vp("patch", address, body={"version": 1, "name": "Daily"})["version"] == 2
    firm.ops_vp("patch", address, 400, {"version": 1, "name": "Late"})
    assert made["id"] in {row["id"] for row in firm.rep("get", "dashboards")["rows"]}
    ready = firm.rep("get", "dashboards", ready=True)["rows"]
    assert [row["ready"] for row in ready] == ["leader", "effectiveness"]
    assert len(firm.rep("get", "dashboards/ready/leader", question="period=all")["tiles"]) == 12
    firm.rep("delete", address, 403)
    firm.ops_vp("delete", address)
    firm.ops_vp("get", address, 404)
