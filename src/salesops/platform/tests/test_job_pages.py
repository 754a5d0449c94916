"""Pages of jobs: who sees which, cancel, retry, files and their expiry."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from salesops.platform import job_files, jobs
from salesops.platform.actors import actor_of
from salesops.platform.job_kinds import JobKind
from salesops.platform.models import Job, JobState, User
from salesops.platform.registries import job_kinds
from salesops.platform.tests.roles import ROLES, client_of, user_of

pytestmark = pytest.mark.django_db


def writes(actor: Any, progress: jobs.Progress) -> dict[str, Any]:
    progress(1, 2, "Writing")
    with progress.file("list.csv", "text/csv") as file:
        file.write(b"secret of " + actor.name.encode())
    return {"rows": 1}


@pytest.fixture(autouse=True)
def kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(job_kinds._entries, "trial", JobKind("trial", "Trial", writes))


def made_by(username: str, role: str = "rep") -> tuple[Job, Client]:
    user = user_of(role, username=username)
    job = jobs.enqueue("trial", {}, actor=actor_of(user))
    jobs.run_waiting()
    job.refresh_from_db()
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return job, client


def test_a_result_file_is_for_its_owner_and_for_administrators() -> None:
    job, owner = made_by("ada")
    url = reverse("job_file", args=[job.pk, 0])
    answer = owner.get(url)
    assert b"".join(answer.streaming_content) == b"secret of ada"
    assert answer["Content-Disposition"] == 'attachment; filename="list.csv"'
    assert "no-store" in answer["Cache-Control"]
    assert {role for role in ROLES if client_of(role).get(url).status_code == 200} == {"administrator"}
    assert owner.get(reverse("job_file", args=[job.pk, 1])).status_code == 404
    assert Client().get(url).status_code == 302


def test_a_file_made_with_other_rights_is_refused_to_its_owner() -> None:
    job, owner = made_by("ada", "ops_manager")
    User.objects.filter(username="ada").update(role="rep", person_id="p1")
    answer = owner.get(reverse("job_file", args=[job.pk, 0]))
    assert answer.status_code == 403
    assert "other rights" in answer.content.decode()


def test_a_file_that_is_gone_says_so_on_its_page_and_at_its_address() -> None:
    job, owner = made_by("ada")
    assert "list.csv" in owner.get(reverse("job", args=[job.pk])).content.decode()
    shutil.rmtree(job_files.folder_of(job.pk))
    assert owner.get(reverse("job_file", args=[job.pk, 0])).status_code == 410
    assert "no longer kept" in owner.get(reverse("job", args=[job.pk])).content.decode()


def test_everybody_lists_their_own_jobs_and_administrators_all() -> None:
    job, owner = made_by("ada")
    url = reverse("jobs")
    assert f"Trial {job.pk}" in owner.get(url).content.decode()
    sees = {role for role in ROLES if f"Trial {job.pk}" in client_of(role).get(url).content.decode()}
    assert sees == {"administrator"}


def test_a_job_under_way_is_cancelled_and_started_again_from_its_page() -> None:
    user = user_of("rep", username="ada")
    job = jobs.enqueue("trial", {}, actor=actor_of(user))
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert 'hx-trigger="every 2s"' in client.get(reverse("jobs")).content.decode()
    client.post(reverse("job_cancel", args=[job.pk]))
    assert 'hx-trigger="every 2s"' not in client.get(reverse("jobs")).content.decode()
    for role in ("rep", "ops_manager", "auditor"):
        assert client_of(role).post(reverse("job_retry", args=[job.pk])).status_code == 404
    assert client.post(reverse("job_retry", args=[job.pk])).status_code == 302
    jobs.run_waiting()
    job.refresh_from_db()
    assert job.state == JobState.DONE
    again = client.post(reverse("job_retry", args=[job.pk]), follow=True).content.decode()
    assert "Only a job that failed or was cancelled" in again
