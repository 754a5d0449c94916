"""Jobs that lose their worker, and workers that lose their job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from salesops.platform import jobs
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.decisions import high_water_mark
from salesops.platform.models import AuditEvent, Job, JobState
from salesops.platform.registries import job_kinds

pytestmark = pytest.mark.django_db


def expire(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A job kind whose function the test gives."""
    told: dict[str, Any] = {}
    monkeypatch.setitem(job_kinds._entries, "trial", lambda **given: told["run"](**given))
    return told


def test_a_worker_that_slept_does_not_end_the_job_of_the_one_that_took_over(kind: dict[str, Any]) -> None:
    jobs.enqueue("trial", {}, actor=LOCAL_ADMINISTRATOR)
    first = jobs.claim()
    assert first is not None

    def slept(actor: object, progress: jobs.Progress) -> None:
        expire(first)
        second = jobs.claim()
        assert second is not None
        assert second.attempts == 2

    kind["run"] = slept
    jobs.run(first)
    first.refresh_from_db()
    assert first.state == JobState.RUNNING, "it is the second worker's now"
    with pytest.raises(jobs.LostError):
        jobs.Progress(first.pk, 1)(1, 1, "late news")


def test_a_job_that_kills_its_workers_is_given_up(kind: dict[str, Any]) -> None:
    job = jobs.enqueue("trial", {}, actor=LOCAL_ADMINISTRATOR)
    for _ in range(jobs.MOST_ATTEMPTS):
        assert jobs.claim() is not None
        expire(job)
    assert jobs.claim() is None
    job.refresh_from_db()
    assert job.state == JobState.FAILED


def test_the_mark_moves_when_an_earlier_event_becomes_visible_later() -> None:
    def event(key: int) -> None:
        AuditEvent.objects.create(pk=key, at=timezone.now(), actor_name="a", action="x", subject="s")

    event(500_002)
    before = high_water_mark()
    event(500_001)  # its transaction began first and committed last
    assert high_water_mark() != before
