"""Mail as jobs, against a mail server on this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from salesops.platform import jobs, mail, schedules
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.job_kinds import JobKind
from salesops.platform.models import Job, JobState
from salesops.platform.registries import job_kinds
from salesops.platform.tests.roles import client_of

pytestmark = pytest.mark.django_db


class Inbox:
    """What arrived; ``answers`` are given to recipients instead of a yes, first come first served."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, str, str]] = []
        self.answers: dict[str, list[str]] = {}

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - its name
        if self.answers.get(address):
            return self.answers[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - its name
        from email import message_from_bytes, policy

        letter = message_from_bytes(envelope.content, policy=policy.default)
        for address in envelope.rcpt_tos:
            self.letters.append((address, str(letter["Message-ID"]), str(letter["Subject"])))
        return "250 OK"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def inbox(settings: Any) -> Iterator[Inbox]:
    made = Inbox()
    server = Controller(made, hostname="127.0.0.1", port=free_port())
    server.start()
    settings.SMTP_SET, settings.EMAIL_HOST, settings.EMAIL_PORT = True, "127.0.0.1", server.port
    settings.DEFAULT_FROM_EMAIL = "salesops <reports@example.com>"
    yield made
    server.stop()


def ended(job: Job) -> Job:
    for _ in range(10):
        jobs.run_waiting()
        Job.objects.update(run_after=None)
    job.refresh_from_db()
    return job


def send(*to: str) -> Job:
    return mail.mail(actor=LOCAL_ADMINISTRATOR, to=to, subject="Daily\nreport", text="12 deals changed.")


def test_a_mail_reaches_everybody_once_under_one_id(inbox: Inbox) -> None:
    job = ended(send("ada@example.com", "bo@example.com"))
    assert job.state == JobState.DONE
    assert [(to, subject) for to, _, subject in inbox.letters] == [
        ("ada@example.com", "Daily report"),
        ("bo@example.com", "Daily report"),
    ]
    assert {key for _, key, _ in inbox.letters} == {job.params["message_id"]}
    assert job.params["message_id"].endswith("@example.com>")


def test_a_recipient_refused_for_now_gets_it_later_and_the_others_not_again(inbox: Inbox) -> None:
    inbox.answers = {"bo@example.com": ["451 try later", "451 try later"], "no@example.com": ["550 unknown"]}
    job = ended(send("ada@example.com", "bo@example.com", "no@example.com"))
    assert job.state == JobState.DONE
    assert sorted(to for to, _, _ in inbox.letters) == ["ada@example.com", "bo@example.com"]
    assert job.result is not None
    assert job.result["refused"] == {"no@example.com": "550 unknown"}


def test_a_mail_that_everybody_refuses_fails_in_words(inbox: Inbox) -> None:
    inbox.answers = {"no@example.com": ["550 unknown"]}
    job = ended(send("no@example.com"))
    assert (job.state, job.message) == (
        JobState.FAILED,
        "The mail server refused every recipient: no@example.com: 550 unknown",
    )


def test_a_mail_server_that_is_away_is_tried_again_and_then_given_up(settings: Any) -> None:
    settings.SMTP_SET, settings.EMAIL_HOST, settings.EMAIL_PORT = True, "127.0.0.1", free_port()
    job = ended(send("ada@example.com"))
    assert (job.state, job.attempts) == (JobState.FAILED, 8)
    assert "can't be reached" in job.message


def test_a_worker_that_died_after_sending_sends_under_the_same_id_to_the_others_only(inbox: Inbox) -> None:
    job = send("ada@example.com", "bo@example.com")
    held = jobs.claim()
    assert held is not None
    jobs.Progress(held.pk, held.attempts).save({"sent": ["ada@example.com"], "refused": {}})
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED)
    assert ended(job).state == JobState.DONE
    assert [to for to, _, _ in inbox.letters] == ["bo@example.com"]


def test_without_a_mail_server_the_job_shows_the_mail_and_says_that_nobody_got_it() -> None:
    job = ended(send("ada@example.com"))
    page = client_of("administrator").get(f"/jobs/{job.pk}/").content.decode()
    assert "nobody got this mail" in page
    assert "12 deals changed." in page


def test_a_scheduled_job_tells_by_mail_how_it_ended(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = JobKind(
        "trial", "Trial", lambda actor, progress: {"n": 3}, lines=lambda r: [("Rows", str(r["n"]))]
    )
    monkeypatch.setitem(job_kinds._entries, "trial", trial)
    row = schedules.schedule_create(
        actor=LOCAL_ADMINISTRATOR, name="Weekly trial", kind="trial", params={}, cron="0 6 * * MON",
        mail_to=["ada@example.com"],
    )  # fmt: skip
    schedules.schedule_run(actor=LOCAL_ADMINISTRATOR, row=row)
    jobs.run_waiting()
    assert [(to, subject) for to, _, subject in inbox.letters] == [("ada@example.com", "Weekly trial: done")]
    assert "Rows: 3" in Job.objects.get(kind="mail").params["text"]
