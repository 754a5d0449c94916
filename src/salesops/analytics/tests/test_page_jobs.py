"""Large exports, frozen pages and the faults scan by jobs: the same file as at once, under the owner's rights."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from salesops.platform import job_files, jobs
from salesops.platform.models import Job, JobState, User
from salesops.platform.tests.roles import client_of, load_facts, user_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def deals() -> None:
    people = [{"id": "p1", "name": "Ada"}, {"id": "p2", "name": "Bo"}]
    rows = [
        {"id": f"o{n:02}", "name": f"=Deal {n}", "owner_id": f"p{n % 2 + 1}", "stage": "Prospecting"}
        for n in range(30)
    ]
    load_facts({"users": people, "opportunities": rows})


def rep() -> Client:
    user = user_of("rep", username="ada", person_id="p1")
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def ids(content: bytes) -> list[str]:
    return [next(iter(row.values())) for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))]


def content_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_a_list_with_too_many_rows_becomes_a_job_with_the_same_file(settings: Any) -> None:
    client = rep()
    url = f"{reverse('pipeline')}?status=all&export=csv"
    at_once = client.get(url)
    assert at_once.status_code == 200
    expected = content_of(at_once)
    settings.EXPORT_ROWS = 10
    asked = client.get(url)
    job = Job.objects.get()
    assert (asked.status_code, asked["Location"]) == (302, reverse("job", args=[job.pk]))
    assert client.get(url)["Location"] == asked["Location"], "asked twice, made once"
    jobs.run_waiting()
    job.refresh_from_db()
    assert (job.state, job.done, job.total) == (JobState.DONE, 15, 15), job.error
    (file,) = job_files.files_of(job)
    made = content_of(client.get(reverse("job_file", args=[job.pk, 0])))
    assert made == expected
    assert len(ids(made)) == 15, "the rep's own deals, not the firm's"
    assert file.name.endswith(".csv")


@pytest.mark.parametrize(
    "query", ["status=all&export=xlsx", "status=all&freeze=xlsx", "status=all&freeze=html&later=1"]
)
def test_workbooks_and_frozen_pages_are_made_by_jobs_too(settings: Any, query: str) -> None:
    settings.EXPORT_ROWS = 10
    client = client_of("ops_analyst")
    client.get(f"{reverse('pipeline')}?{query}")
    jobs.run_waiting()
    job = Job.objects.get()
    assert job.state == JobState.DONE, job.error
    assert job.kind == ("freeze" if "html" in query else "export")
    content = content_of(client.get(reverse("job_file", args=[job.pk, 0])))
    assert content[:2] == b"PK" if "xlsx" in query else b"Deal 0" in content


def test_a_file_is_made_with_the_rights_of_the_moment_it_is_made(settings: Any) -> None:
    settings.EXPORT_ROWS = 10
    client = client_of("ops_analyst")
    client.get(f"{reverse('pipeline')}?status=all&export=csv")
    User.objects.filter(username="ops_analyst").update(role="rep", person_id="p2")
    jobs.run_waiting()
    made = content_of(client.get(reverse("job_file", args=[Job.objects.get().pk, 0])))
    assert len(ids(made)) == 15


@pytest.mark.parametrize(
    "path, query, said",
    [
        ("/pipeline/", "", "not with a file"),
        ("/settings/accounts/", "", "can't be made as a file"),
        ("/nowhere/", "", "no page"),
        ("/pipeline/", "export=pdf", "can be exported as csv or xlsx"),
        ("/pipeline/no-such-deal/", "freeze=html", "no such deal"),
        ("/data/faults/DQ99/", "format=csv", "no page"),
    ],
)
def test_what_is_no_file_fails_in_words(path: str, query: str, said: str) -> None:
    from salesops.platform.actors import actor_of

    params = {"path": path, "query": query, "rows": 0}
    job = jobs.enqueue("export", params, actor=actor_of(user_of("ops_analyst")))
    jobs.run_waiting()
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert said in job.message


def test_an_export_is_cancelled_between_rows(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from salesops.ui import exports

    monkeypatch.setattr(exports, "COUNT_EVERY", 5)
    settings.EXPORT_ROWS = 10
    client = rep()
    client.get(f"{reverse('pipeline')}?status=all&export=csv")
    real = jobs.Progress.__call__

    def cancelled_at_five(self: jobs.Progress, done: int, total: int, message: str) -> None:
        self._last = 0
        if done == 5:
            Job.objects.update(cancel_requested=True)
        real(self, done, total, message)

    monkeypatch.setattr(jobs.Progress, "__call__", cancelled_at_five)
    jobs.run_waiting()
    job = Job.objects.get()
    assert (job.state, job.done) == (JobState.CANCELLED, 5)
    assert not any(job_files.folder_of(job.pk).glob("*"))


def test_faults_are_scanned_by_a_job_over_the_reader_s_own_rows() -> None:
    client = rep()
    assert client.post(reverse("fault_scan")).status_code == 302
    jobs.run_waiting()
    job = Job.objects.get()
    assert job.state == JobState.DONE, job.error
    page = client.get(reverse("job", args=[job.pk])).content.decode()
    assert "Rules at fault" in page
    content = content_of(client.get(reverse("job_file", args=[job.pk, 0]))).decode("utf-8-sig")
    rows = {row["Rule"]: row for row in csv.DictReader(io.StringIO(content))}
    assert rows
    assert {int(row["Of"]) for row in rows.values() if row["Of"]} <= set(range(16)), (
        "fifteen deals are the rep's"
    )
    assert job.result is not None
    assert job.result["rules"] == len(rows)


def test_a_saved_view_and_a_page_come_by_a_schedule() -> None:
    from salesops.platform.models import Schedule

    client = rep()
    client.post(reverse("pipeline_view_save"), {"query": "status=all&sort=name", "name": "All of mine"})
    url = reverse("schedules")
    manager = client_of("sales_manager")
    assert "All of mine" not in manager.get(url).content.decode(), "it is not shared"
    User.objects.filter(username="ada").update(role="sales_manager")
    page = client.get(url)
    offered = {offer.title: offer.key for offer in page.context["offers"]}
    assert {"Home as a frozen page", "The view All of mine as CSV"} <= set(offered)
    for number, title in enumerate(("Home as a frozen page", "The view All of mine as CSV")):
        values = {"offer": offered[title], "name": title, "times": "0 7 * * MON", "zone": "UTC"}
        assert client.post(url, values).status_code == 302
        row = Schedule.objects.get(name=title)
        client.post(reverse("schedule_change", args=[row.pk]), {"do": "run"})
        jobs.run_waiting()
        job = Job.objects.latest("id")
        assert job.state == JobState.DONE, job.error
        content = content_of(client.get(reverse("job_file", args=[job.pk, 0])))
        assert len(ids(content)) == 15 if number else b"<!doctype html>" in content[:100].lower()
