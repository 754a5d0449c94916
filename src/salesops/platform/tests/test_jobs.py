"""Jobs that lose their worker, workers that lose their job, clocks that jump, and upgrades in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError
from django.utils import timezone

from salesops.platform import job_files, jobs, leases
from salesops.platform.actors import LOCAL_ADMINISTRATOR, actor_of
from salesops.platform.decisions import high_water_mark
from salesops.platform.job_kinds import JobKind
from salesops.platform.models import AuditEvent, Job, JobState
from salesops.platform.registries import job_kinds
from salesops.platform.tests.roles import user_of

pytestmark = pytest.mark.django_db
ELSEWHERE = "other-host|other-machine|1|1|abc"


class Clock:
    """A monotonic clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What this process's watch over leases reads."""
    made = Clock()
    monkeypatch.setattr(jobs, "_watch", leases.Watch(made))
    return made


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A job kind whose function the test gives."""
    told: dict[str, Any] = {}
    monkeypatch.setitem(job_kinds._entries, "trial", lambda **given: told["run"](**given))
    return told


def ask(**given: Any) -> Job:
    return jobs.enqueue("trial", {}, actor=LOCAL_ADMINISTRATOR, **given)


def lose(clock: Clock) -> Job | None:
    """Let a lease stand still for longer than a living worker would, and claim."""
    assert jobs.claim() is None, "a single look must not be enough"
    clock.now += leases.LEASE.total_seconds() + 1
    return jobs.claim()


def test_a_worker_that_slept_does_not_end_the_job_of_the_one_that_took_over(
    kind: dict[str, Any], clock: Clock
) -> None:
    ask()
    first = jobs.claim()
    assert first is not None

    def slept(actor: object, progress: jobs.Progress) -> None:
        second = lose(clock)
        assert second is not None
        assert second.attempts == 2

    kind["run"] = slept
    jobs.run(first)
    first.refresh_from_db()
    assert first.state == JobState.RUNNING, "it is the second worker's now"
    with pytest.raises(jobs.LostError):
        jobs.Progress(first.pk, 1)(1, 1, "late news")
    with pytest.raises(jobs.LostError):
        jobs.Progress(first.pk, 1).save({"late": True})
    with pytest.raises(jobs.LostError), jobs.Progress(first.pk, 1).file("late.txt", "text/plain") as file:
        file.write(b"late")
    assert not list(job_files.folder_of(first.pk).iterdir())


def test_a_job_that_kills_its_workers_is_given_up(kind: dict[str, Any], clock: Clock) -> None:
    job = ask()
    assert jobs.claim() is not None
    for _ in range(jobs.MOST_ATTEMPTS - 1):
        assert lose(clock) is not None
    assert lose(clock) is None
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "ended without a word" in job.message


def test_an_attempt_that_got_further_earns_patience(kind: dict[str, Any], clock: Clock) -> None:
    job = ask()
    assert jobs.claim() is not None
    for number in range(8):
        jobs.Progress(job.pk, number + 1).save({"step": number})
        assert lose(clock) is not None
    job.refresh_from_db()
    assert (job.attempts, job.checkpoint) == (9, {"step": 7})


@pytest.mark.parametrize("shift", [timedelta(hours=-3), timedelta(hours=3)])
def test_a_wall_clock_that_jumps_neither_strands_nor_doubles(
    kind: dict[str, Any], clock: Clock, monkeypatch: pytest.MonkeyPatch, shift: timedelta
) -> None:
    job = ask()
    held = jobs.claim()
    assert held is not None
    Job.objects.filter(pk=job.pk).update(worker=ELSEWHERE)
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + shift)
    for _ in range(20):  # a worker on a host with another clock goes on working for a long time
        clock.now += 10
        jobs.Progress(job.pk, 1)(1, 1, "at work")
        assert jobs.claim() is None, "it lives: its lease changes"
    assert lose(clock) is not None, "it is dead: its lease stands still, whatever the clock says"


def test_a_pause_that_a_clock_set_back_made_endless_is_ended(kind: dict[str, Any]) -> None:
    soon = ask(run_after=timezone.now() + timedelta(seconds=60))
    assert jobs.claim() is None
    Job.objects.filter(pk=soon.pk).update(run_after=timezone.now() + timedelta(hours=3))
    assert jobs.claim() is not None


def test_a_progress_report_survives_a_clock_set_back(
    kind: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ask()
    held = jobs.claim()
    assert held is not None
    progress = jobs.Progress(job.pk, held.attempts)
    progress(1, 10, "one")
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() - timedelta(days=1))
    progress._last -= 1
    Job.objects.filter(pk=job.pk).update(cancel_requested=True)
    with pytest.raises(jobs.CancelledError):
        progress(2, 10, "two")


def test_a_dead_process_of_this_machine_is_noticed_at_once(kind: dict[str, Any]) -> None:
    job = ask()
    held = jobs.claim()
    assert held is not None
    host, machine, *_ = held.worker.split("|")
    Job.objects.filter(pk=job.pk).update(worker=f"{host}|{machine}|{2**22 + 1}|77|dead")
    again = jobs.claim()
    assert again is not None
    assert again.attempts == 2
    assert leases.surely_dead(leases.holder()) is False
    assert leases.surely_dead(ELSEWHERE) is False, "of another machine nothing is known"


def test_two_workers_with_different_names_hold_one_job_once(kind: dict[str, Any]) -> None:
    ask()
    assert jobs.claim() is not None
    assert jobs.claim() is None


def test_one_job_a_key_is_under_way(kind: dict[str, Any]) -> None:
    first = ask(dedupe_key="k")
    assert ask(dedupe_key="k").pk == first.pk
    held = jobs.claim()
    assert held is not None
    assert ask(dedupe_key="k").pk == first.pk
    kind["run"] = lambda **_: {"ok": True}
    jobs.run(held)
    assert ask(dedupe_key="k").pk != first.pk
    assert ask().pk != ask().pk, "without a key there is no limit"


def test_what_may_be_over_in_a_moment_is_tried_again_after_a_pause(kind: dict[str, Any]) -> None:
    job = ask()

    def away(**_: Any) -> None:
        raise OperationalError("the server closed the connection")

    kind["run"] = away
    for attempt in range(1, jobs.MOST_ATTEMPTS):
        assert jobs.run_waiting() == 1
        job.refresh_from_db()
        assert (job.state, job.attempts) == (JobState.QUEUED, attempt)
        assert job.run_after is not None
        assert jobs.run_waiting() == 0, "not before the pause is over"
        Job.objects.update(run_after=None)
    assert jobs.run_waiting() == 1
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "3 times" in job.message
    assert [jobs.pause_after(n).total_seconds() for n in (1, 2, 3, 9)] == [5, 20, 80, 600]


def test_a_refusal_is_final_until_somebody_starts_it_again(kind: dict[str, Any]) -> None:
    job = ask()
    seen: list[int | None] = []

    def refused(actor: object, progress: jobs.Progress) -> dict[str, Any]:
        seen.append(progress.attempt)
        if len(seen) == 1:
            raise ValidationError("Name the day.")
        return {"ok": True}

    kind["run"] = refused
    jobs.run_waiting()
    job.refresh_from_db()
    assert (job.state, job.message) == (JobState.FAILED, "Name the day.")
    jobs.retry(job, actor=LOCAL_ADMINISTRATOR)
    jobs.run_waiting()
    job.refresh_from_db()
    assert (job.state, seen) == (JobState.DONE, [1, 2])
    with pytest.raises(ValidationError):
        jobs.retry(job, actor=LOCAL_ADMINISTRATOR)
    assert AuditEvent.objects.filter(action="job.retry").count() == 1


def test_a_stopped_worker_gives_its_job_back_and_no_attempt_is_counted(
    kind: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ask()

    def works(actor: object, progress: jobs.Progress) -> None:
        jobs.stopping.set()
        progress(1, 2, "half")

    kind["run"] = works
    held = jobs.claim()
    assert held is not None
    try:
        jobs.run(held)
        assert jobs.run_waiting() == 0
    finally:
        jobs.stopping.clear()
    job.refresh_from_db()
    assert (job.state, job.most_attempts - job.attempts) == (JobState.QUEUED, jobs.MOST_ATTEMPTS)


@pytest.mark.parametrize("resumes", [True, False])
def test_an_upgrade_in_mid_job(
    kind: dict[str, Any], clock: Clock, monkeypatch: pytest.MonkeyPatch, resumes: bool
) -> None:
    found: list[Any] = []

    def works(actor: object, progress: jobs.Progress) -> None:
        found.append(progress.checkpoint)

    monkeypatch.setitem(job_kinds._entries, "trial", JobKind("trial", "Trial", works, resumes=resumes))
    job = ask()
    assert jobs.claim() is not None
    jobs.Progress(job.pk, 1).save({"step": 3})
    Job.objects.filter(pk=job.pk).update(code_version="0.0.9", worker=ELSEWHERE)
    again = lose(clock)
    assert again is not None
    jobs.run(again)
    job.refresh_from_db()
    assert (job.state, found) == (JobState.DONE, [{"step": 3} if resumes else None])
    assert job.code_version != "0.0.9"


def test_a_kind_that_this_version_does_not_know_fails_in_words(kind: dict[str, Any]) -> None:
    job = ask()
    Job.objects.filter(pk=job.pk).update(kind="of the future")
    jobs.run_waiting()
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "knows no job of the kind 'of the future'" in job.message


def test_a_job_runs_with_the_rights_of_the_moment(
    kind: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    trial = JobKind("trial", "Trial", lambda actor, progress: ran.append(actor.role), permission="import.run")
    monkeypatch.setitem(job_kinds._entries, "trial", trial)
    user = user_of("ops_analyst")
    waiting = [jobs.enqueue("trial", {}, actor=actor_of(user)) for _ in range(4)]

    def run_one() -> Job:
        job = jobs.claim()
        assert job is not None
        jobs.run(job)
        job.refresh_from_db()
        return job

    assert run_one().state == JobState.DONE
    type(user).objects.filter(pk=user.pk).update(role="rep")
    assert "does not allow" in run_one().message
    type(user).objects.filter(pk=user.pk).update(role="ops_analyst", is_active=False)
    assert "switched off" in run_one().message
    type(user).objects.filter(pk=user.pk).delete()
    assert "no longer exists" in run_one().message, "never as the local administrator"
    assert ran == ["ops_analyst"]
    assert len(waiting) == 4


def test_a_cancelled_job_whose_worker_died_is_not_started_again(kind: dict[str, Any], clock: Clock) -> None:
    job = ask()
    assert jobs.claim() is not None
    jobs.cancel(job)
    assert lose(clock) is None
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_result_files_are_whole_or_absent_and_expire(kind: dict[str, Any], settings: Any) -> None:
    def half(actor: object, progress: jobs.Progress) -> None:
        with progress.file("list.csv", "text/csv") as file:
            file.write(b"half")
            raise ValidationError("no more")

    job = ask()
    kind["run"] = half
    jobs.run_waiting()
    assert not any(job_files.folder_of(job.pk).glob("*"))

    def whole(actor: object, progress: jobs.Progress) -> dict[str, Any]:
        with progress.file("../../list.csv", "text/csv") as file:
            file.write(b"a,b\r\n")
        return {"rows": 1}

    kind["run"] = whole
    jobs.retry(job, actor=LOCAL_ADMINISTRATOR)
    jobs.run_waiting()
    job.refresh_from_db()
    (file,) = job_files.files_of(job)
    path = job_files.path_of(job, file)
    assert path is not None
    assert (file.name, file.size, path.parent) == ("list.csv", 5, job_files.folder_of(job.pk))
    assert job_files.expire() == 0
    Job.objects.filter(pk=job.pk).update(
        finished_at=timezone.now() - timedelta(days=settings.RESULT_DAYS + 1)
    )
    assert job_files.expire() == 1
    assert job_files.path_of(job, file) is None


def test_the_mark_moves_when_an_earlier_event_becomes_visible_later() -> None:
    def event(key: int) -> None:
        AuditEvent.objects.create(
            pk=key, at=timezone.now(), actor_name="a", action="decision.record", subject="s"
        )

    event(500_002)
    before = high_water_mark()
    event(500_001)  # its transaction began first and committed last
    assert high_water_mark() != before
