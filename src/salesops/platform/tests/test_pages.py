from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from salesops.platform import decisions, jobs
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.manifests import DatabaseManifests
from salesops.platform.models import AuditEvent, Job, JobState, User
from salesops.platform.registries import decision_kinds
from salesops.platform.tests.roles import ROLES, allowed_roles, client_of, holders, user_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("facts_home")]

PAGES = {
    "settings": "settings.view",
    "audit": "audit.view",
    "decisions": "decision.view",
    "decisions_export": "decision.view",
    "decisions_import": "decision.write",
    "accounts": "people.manage",
    "account_new": "people.manage",
}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_each_page_lets_in_the_roles_that_hold_its_permission(name):
    assert allowed_roles("get", reverse(name)) == holders(PAGES[name])


def test_pages_about_one_thing_do_too():
    stage = decide_stage()
    rep = user_of("rep", username="somebody")
    history = reverse("decision_history", args=["stage"]) + "?subject=" + stage.subject
    assert allowed_roles("get", history) == holders("decision.view")
    assert allowed_roles("get", reverse("decision_kind", args=["stage"])) == holders("decision.view")
    assert allowed_roles("get", reverse("account_change", args=[rep.pk])) == holders("people.manage")
    assert allowed_roles("post", reverse("account_link", args=[rep.pk])) == holders("people.manage")
    assert allowed_roles("post", reverse("account_new")) == holders("people.manage")
    assert allowed_roles("get", reverse("my_account")) == set(ROLES)


def test_nobody_signed_in_is_sent_to_the_login():
    for name in [*PAGES, "my_account", "password"]:
        answer = Client().get(reverse(name))
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("account_login")), name
    assert Client().get(reverse("job", args=[1])).status_code == 302


def test_a_refusal_says_why():
    answer = client_of("rep").get(reverse("settings"))
    assert answer.status_code == 403
    assert "Your role (Rep) does not allow this" in answer.content.decode()


def test_the_settings_index_lists_what_the_role_may_open():
    text = client_of("ops_analyst").get(reverse("settings")).content.decode()
    assert reverse("company") in text
    assert reverse("stages") in text
    assert reverse("accounts") not in text
    assert reverse("accounts") in client_of("administrator").get(reverse("settings")).content.decode()


def decide_stage(**more):
    return decisions.decision_record(
        decision_kinds.get("stage"),
        actor=ADMIN,
        subject="Sales/Won",
        values={"pipeline": "Sales", "stage": "Won", "stage_class": "won", **more.pop("values", {})},
        **more,
    )


def test_the_audit_page_filters_and_shows_before_and_after():
    decide_stage()
    decide_stage(values={"position": 7}, reason="new order")
    client = client_of("auditor")
    page = client.get(reverse("audit"), {"action": "decision.record"})
    assert [row["event"].reason for row in page.context["rows"]] == ["new order", ""]
    assert [(c.field, c.before, c.after) for c in page.context["rows"][0]["changes"]] == [("position", 0, 7)]
    assert "new order" in page.content.decode()
    today = timezone.now().date().isoformat()
    for query, count in [
        ({"subject": "sales/won"}, 2),
        ({"subject": "nothing"}, 0),
        ({"actor": ADMIN.name, "action": "decision.record"}, 2),
        ({"action": "decision.record", "first": today, "last": today}, 2),
        ({"first": "2999-01-01"}, 0),
        ({"last": "1999-01-01"}, 0),
        ({"last": "9999-12-31", "action": "decision.record"}, 2),
    ]:
        assert client.get(reverse("audit"), query).context["page"].paginator.count == count, query
    answer = client.get(reverse("audit"), {"first": "yesterday"})
    assert "first" in answer.context["form"].errors
    assert client.get(reverse("audit"), {"actor": "x' OR 1=1"}).status_code == 200


def test_the_audit_page_is_paged():
    AuditEvent.objects.bulk_create(
        AuditEvent(at=timezone.now(), actor_name="a", action="b", subject=str(n)) for n in range(120)
    )
    client = client_of("auditor")
    first = client.get(reverse("audit"), {"action": "b"}).context
    assert (len(first["rows"]), first["page"].paginator.num_pages) == (50, 3)
    last = client.get(reverse("audit"), {"action": "b", "page": "99"}).context
    assert (len(last["rows"]), last["rows"][-1]["event"].subject) == (20, "0")


def test_decision_pages_show_history_and_publish_drafts():
    decide_stage()
    draft = decide_stage(values={"position": 3}, draft=True)
    client = client_of("ops_analyst")
    page = client.get(reverse("decision_kind", args=["stage"]))
    assert ([r["row"].subject for r in page.context["rows"]], len(page.context["drafts"])) == (
        ["Sales/Won"],
        1,
    )
    publish = reverse("decision_publish", args=["stage", draft.pk])
    assert client_of("ops_representative").post(publish).status_code == 403
    assert client.post(publish).status_code == 302
    in_force = decisions.in_force(decision_kinds.get("stage"), timezone.now().date())["Sales/Won"]
    assert (in_force.position, in_force.author_name) == (3, "ops_analyst")
    assert not client.get(reverse("decision_kind", args=["stage"])).context["drafts"]
    history = client.get(reverse("decision_history", args=["stage"]), {"subject": "Sales/Won"})
    assert [v.current for v in history.context["versions"]] == [True, False, False]
    assert client.get(reverse("decision_history", args=["stage"]), {"subject": "none"}).status_code == 404
    assert client.get(reverse("decision_kind", args=["weather"])).status_code == 404


def test_yaml_goes_out_and_comes_back():
    decide_stage()
    client = client_of("ops_analyst")
    answer = client.get(reverse("decisions_export"), {"kind": "stage"})
    assert "attachment" in answer["Content-Disposition"]
    text = answer.content.decode()
    assert "stage_class: won" in text
    url = reverse("decisions_import")
    changed = text.replace("position: 0", "position: 4")
    file = SimpleUploadedFile("d.yaml", changed.encode("utf-8-sig"))
    assert client.post(url, {"file": file}).status_code == 302
    stage = decision_kinds.get("stage")
    assert decisions.in_force(stage, timezone.now().date())["Sales/Won"].position == 4
    bad = "- {kind: stage, values: {stage: A, stage_class: happy}}"
    answer = client.post(url, {"text": bad})
    assert "happy" in answer.context["form"].errors["text"][0]
    assert answer.context["form"]["text"].value() == bad
    assert client.post(url, {"reason": ""}).context["form"].non_field_errors()
    answer = client.post(url, {"file": SimpleUploadedFile("d.yaml", b"\xff\xfe\x00x")})
    assert "UTF-8" in answer.context["form"].errors["file"][0]
    quota = "- {kind: quota, reason: plan, values: {person_id: a, period: '2026', amount: 1}}"
    assert client.post(url, {"text": quota}).status_code == 403, (
        "an analyst decides no quotas, by YAML neither"
    )


@pytest.fixture
def job():
    rep = user_of("rep", username="owner")
    return Job.objects.create(kind="import", created_by=rep, created_at=timezone.now(), total=10, done=3)


def test_a_job_is_seen_by_its_maker_and_by_operations(job):
    url = reverse("job", args=[job.pk])
    seen = {role for role in ROLES if client_of(role).get(url).status_code == 200}
    assert seen == holders("import.run")
    maker = Client()
    maker.force_login(User.objects.get(username="owner"), backend="django.contrib.auth.backends.ModelBackend")
    assert maker.get(url).status_code == 200
    partial = maker.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in partial
    assert 'hx-trigger="every 1s"' in partial
    for role in ("rep", "auditor"):
        assert client_of(role).post(reverse("job_cancel", args=[job.pk])).status_code == 404
    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert maker.get(reverse("job_cancel", args=[job.pk])).status_code == 405
    answer = maker.post(reverse("job_cancel", args=[job.pk]), headers={"HX-Request": "true"})
    assert answer["HX-Trigger"] == "job-finished"
    assert "every 1s" not in answer.content.decode()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_a_running_job_is_asked_to_stop(job):
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
    answer = client_of("ops_analyst").post(
        reverse("job_cancel", args=[job.pk]), headers={"HX-Request": "true"}
    )
    assert "next safe point" in answer.content.decode()
    with pytest.raises(jobs.CancelledError):
        jobs.Progress(job.pk)(5, 10, "working")


def test_health_needs_no_login_and_names_the_facts_version(monkeypatch):
    assert json.loads(Client().get(reverse("health")).content)["facts_version"] is None
    manifest = DatabaseManifests().append(
        versions={}, recorded_at=timezone.now(), data_on=timezone.now().date(), note="secret customer"
    )
    answer = Client().get(reverse("health"))
    assert answer.status_code == 200
    state = answer.json()
    assert (state["ok"], state["facts_version"], state["data_on"]) == (
        True,
        manifest.id,
        manifest.data_on.isoformat(),
    )
    assert "secret" not in answer.content.decode()

    def away(self):
        raise DatabaseError("no disk at /private/path")

    monkeypatch.setattr(DatabaseManifests, "latest", away)
    answer = Client().get(reverse("health"))
    assert (answer.status_code, answer.json()["ok"]) == (503, False)
    assert "private" not in answer.content.decode()
