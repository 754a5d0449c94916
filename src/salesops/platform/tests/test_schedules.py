"""Schedules: turns by the clock of a zone, once each, with the rights of their owner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from salesops.platform import jobs, schedules
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import Actor, actor_of
from salesops.platform.job_kinds import JobKind, Offer, schedule_offers
from salesops.platform.models import AuditEvent, Job, Schedule, User
from salesops.platform.registries import job_kinds
from salesops.platform.tests.roles import actor, allowed_roles, client_of, holders, user_of

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Now:
    at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture(autouse=True)
def kind(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = JobKind("trial", "Trial", lambda actor, progress: {"by": actor.name}, permission="import.run")
    monkeypatch.setitem(job_kinds._entries, "trial", trial)
    monkeypatch.setitem(
        schedule_offers._entries, "trial", lambda actor: [Offer("trial", "A trial", "trial", {})]
    )


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    made = Now()
    monkeypatch.setattr(schedules, "database_now", made)
    return made


def make(who: Actor, **values: Any) -> Schedule:
    given = {"name": "Daily", "kind": "trial", "params": {}, "cron": "0 6 * * *", "zone": "Europe/Berlin"}
    return schedules.schedule_create(actor=who, **given | values)


def finish() -> None:
    jobs.run_waiting()


@pytest.mark.parametrize(
    "cron, after, turns",
    [
        # The night that has no 2:30 runs right after it, the night that has two of them runs once.
        ("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), ["2026-03-29T01:00", "2026-03-30T00:30"]),
        ("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("0 6 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), ["2026-03-29T04:00", "2026-03-30T04:00"]),
        ("0 * * * *", datetime(2026, 10, 24, 23, 30, tzinfo=UTC), ["2026-10-25T00:00", "2026-10-25T01:00"]),
    ],
)
def test_turns_follow_the_zone_through_changes_of_its_clocks(
    cron: str, after: datetime, turns: list[str]
) -> None:
    found, at = [], after
    for _ in turns:
        at = schedules.next_turn(cron, "Europe/Berlin", at)
        found.append(at.strftime("%Y-%m-%dT%H:%M"))
    assert found == turns


@pytest.mark.parametrize(
    "change, field",
    [
        ({"cron": "every day"}, "cron"),
        ({"cron": "0 6 30 2 *"}, "cron"),
        ({"cron": "*/5 * * * * *"}, "cron"),
        ({"zone": "Europe/Atlantis"}, "zone"),
        ({"name": " "}, "name"),
        ({"kind": "nothing"}, "kind"),
        ({"mail_to": ["not an address"]}, "mail_to"),
    ],
)
def test_what_can_t_be_scheduled_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        make(actor("ops_analyst"), **change)
    assert field in refused.value.message_dict
    assert not Schedule.objects.exists()


def test_a_turn_comes_once_and_missed_turns_are_made_up_for_once(now: Now) -> None:
    row = make(actor("ops_analyst"))
    assert row.next_run_at == datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
    assert schedules.tick() == []
    now.at = datetime(2026, 3, 2, 5, 0, 1, tzinfo=UTC)
    (job,) = schedules.tick()
    assert schedules.tick() == []
    finish()
    job.refresh_from_db()
    assert (job.result, job.schedule_id) == ({"by": "ops_analyst"}, row.pk)
    now.at += timedelta(days=9)
    assert len(schedules.tick()) == 1
    assert schedules.tick() == []
    row.refresh_from_db()
    assert row.next_run_at == datetime(2026, 3, 12, 5, 0, tzinfo=UTC)


def test_two_workers_that_see_the_same_turn_start_it_once(now: Now) -> None:
    make(actor("ops_analyst"))
    now.at += timedelta(days=1)
    seen = list(Schedule.objects.select_related("created_by"))
    first = [schedules._turn(row, now.at) for row in seen]
    finish()
    second = [schedules._turn(row, now.at) for row in seen]  # read before the first one's turn
    assert (first[0] is not None, second) == (True, [None])
    assert Job.objects.count() == 1


def test_a_turn_that_finds_the_last_one_still_at_work_adds_none(now: Now) -> None:
    make(actor("ops_analyst"), cron="0 * * * *")
    now.at += timedelta(hours=1)
    (first,) = schedules.tick()
    now.at += timedelta(hours=1)
    assert [job.pk for job in schedules.tick()] == [first.pk]
    assert Job.objects.count() == 1


def test_a_clock_set_back_repeats_nothing_and_strands_nothing(now: Now) -> None:
    row = make(actor("ops_analyst"))
    now.at = datetime(2026, 3, 2, 5, 0, 1, tzinfo=UTC)
    assert len(schedules.tick()) == 1
    finish()
    now.at -= timedelta(hours=2)
    assert schedules.tick() == []
    now.at += timedelta(hours=2)
    assert schedules.tick() == [], "the turn has been taken"
    now.at -= timedelta(days=400)
    assert schedules.tick() == []
    row.refresh_from_db()
    assert row.next_run_at is not None
    assert now.at < row.next_run_at < now.at + timedelta(days=1)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"is_active": False}, "switched off"),
        ({"role": "rep"}, "does not allow"),
        ({"role": "auditor"}, "not allow"),
    ],
)
def test_a_schedule_stops_with_a_reason_when_its_owner_left_or_lost_rights(
    now: Now, change: dict[str, Any], said: str
) -> None:
    row = make(actor("ops_analyst"))
    User.objects.filter(username="ops_analyst").update(**change)
    now.at += timedelta(days=1)
    assert schedules.tick() == []
    row.refresh_from_db()
    assert not row.active
    assert said in row.why_stopped
    assert AuditEvent.objects.filter(action="schedule.stop").count() == 1
    page = client_of("administrator").get(reverse("schedules")).content.decode()
    assert said in page
    with pytest.raises(ValidationError):
        schedules.schedule_resume(actor=actor("administrator"), row=row)


def test_a_schedule_of_an_account_that_was_deleted_does_not_become_the_machine_s(now: Now) -> None:
    row = make(actor("ops_analyst"))
    User.objects.filter(username="ops_analyst").delete()
    now.at += timedelta(days=1)
    assert schedules.tick() == []
    row.refresh_from_db()
    assert "no longer exists" in row.why_stopped


def test_only_owner_and_administrator_change_a_schedule() -> None:
    row = make(actor("ops_analyst"))
    stranger = actor("ops_manager")
    for change in (schedules.schedule_pause, schedules.schedule_remove, schedules.schedule_run):
        with pytest.raises(NotAllowedError):
            change(actor=stranger, row=row)
    with pytest.raises(NotAllowedError):
        make(actor("auditor"), name="Other")
    with pytest.raises(NotAllowedError):
        make(actor("sales_manager"), name="Other")  # may have schedules, but none of this kind
    schedules.schedule_pause(actor=actor("administrator"), row=row)
    schedules.schedule_remove(actor=actor_of(User.objects.get(username="ops_analyst")), row=row)
    assert not Schedule.objects.exists()


def test_the_page_lets_in_makes_runs_pauses_and_removes() -> None:
    url = reverse("schedules")
    assert allowed_roles("get", url) == holders("schedule.write")
    client = client_of("ops_analyst")
    values = {
        "offer": "trial",
        "name": "Weekly",
        "times": "0 7 * * MON",
        "zone": "Europe/Berlin",
        "mail_to": "",
    }
    wrong = client.post(url, values | {"zone": "Nowhere"})
    assert wrong.status_code == 400
    assert "IANA" in wrong.content.decode()
    assert client.post(url, values).status_code == 302
    row = Schedule.objects.get()
    change = reverse("schedule_change", args=[row.pk])
    assert client_of("ops_manager").post(change, {"do": "pause"}).status_code == 404
    assert client.post(change, {"do": "run"})["Location"] == reverse("job", args=[Job.objects.get().pk])
    client.post(change, {"do": "pause"})
    row.refresh_from_db()
    assert (row.active, row.why_stopped) == (False, "Paused by ops_analyst")
    client.post(change, {"do": "resume"})
    row.refresh_from_db()
    assert row.active
    client.post(change, {"do": "remove"})
    assert not Schedule.objects.exists()
    assert Job.objects.exists(), "what it did stays on record"
    assert user_of("ops_analyst").is_active
