"""Watched mailboxes: reports of known senders are taken once, the rest is left unread; what fails is told."""

from __future__ import annotations

import imaplib
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from salesops.crm import watch_services, watching
from salesops.crm.models import Arrival, Import, ImportState, Watch
from salesops.crm.tests import imap_server
from salesops.crm.tests.watches import (
    HEADER,
    MAILBOX,
    DiedError,
    amounts,
    deal,
    look,
    mails,
    states,
)
from salesops.platform import jobs
from salesops.platform.models import Job, JobState
from salesops.platform.tests.roles import actor

pytestmark = pytest.mark.django_db


# --- Mail -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def imap() -> Iterator[imap_server.Server]:
    with imap_server.running() as server:
        yield server


@pytest.fixture
def inbox(imap: imap_server.Server, settings: Any, monkeypatch: pytest.MonkeyPatch) -> imap_server.Server:
    """The server with an empty inbox, allowed to be watched."""
    settings.WATCH_HOSTS = ["127.0.0.1"]
    monkeypatch.setenv("SALESOPS_WATCH_PASSWORD_REPORTS", imap_server.PASSWORD)
    box = imap.connect()
    box.select("INBOX")
    box.store("1:*", "+FLAGS", r"(\Deleted)")
    box.expunge()
    box.logout()
    return imap


def letter(number: int, *files: tuple[str, bytes], **headers: str) -> EmailMessage:
    made = EmailMessage()
    given = {
        "From": "CRM <Reports@crm.example>", "Subject": "Daily Pipeline report", "To": "ops@example.com",
        "Date": datetime(2026, 3, number, 6, tzinfo=UTC).strftime("%a, %d %b %Y %H:%M:%S +0000"),
        "Message-ID": f"<{number}@crm>",
    }  # fmt: skip
    for name, value in (given | headers).items():
        made[name] = value
    made.set_content("The report is attached.")
    for name, content in files:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made


def zipped(name: str, text: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, text)
    return target.getvalue()


def watch_mailbox(port: int, **values: Any) -> Watch:
    return watch_services.watch_save(actor=actor("ops_manager"), **MAILBOX | {"port": port} | values)


def test_reports_of_known_senders_are_imported_once_and_the_rest_is_left_unread(
    known: None, inbox: imap_server.Server, now: Any
) -> None:
    watch = watch_mailbox(inbox.port)
    csv = (HEADER + deal("006A", "31.00")).encode()
    inbox.put(letter(1, ("deals_2026-03-01.csv", csv)))
    inbox.put(
        letter(2, ("deals_2026-03-02.zip", zipped("deals_2026-03-02.csv", HEADER + deal("006A", "32.00"))))
    )
    inbox.put(letter(3, ("deals.csv", csv), From="someone@elsewhere.example"))
    inbox.put(letter(4, ("deals.csv", csv), Subject="Lunch"))
    inbox.put(letter(5, From="x@trusted.example"))
    look(watch, now, 3)
    assert [state for _, state in states(watch)] == ["done", "done", "failed"]
    assert "no attachment" in Arrival.objects.latest("id").reason
    assert amounts()["006A"] == "32.00"
    assert inbox.unseen() == 2, "a stranger's mail and another subject are nobody's business"
    inbox.put(letter(1, ("deals_2026-03-01.csv", csv)))  # delivered a second time
    inbox.put(letter(6, ("deals_2026-03-06.csv", csv)))  # the same content under another id
    look(watch, now, 2)
    assert [state for _, state in states(watch)[3:]] == ["again"]
    assert inbox.unseen() == 2
    assert Import.objects.filter(state=ImportState.DONE).count() == 3
    assert sorted(mails()) == [
        "Daily Pipeline report could not be imported",
        "Daily Pipeline report is imported",
        "Daily Pipeline report is imported",
        "Daily Pipeline report: nothing new",
    ]


@pytest.mark.parametrize(
    "senders, read",
    [
        (["reports@crm.example"], [2]),
        (["reports@crm.example", "@trusted.example", "nobody@nowhere.example"], [2, 4]),
        ([f"nobody{n}@nowhere.example" for n in range(45)] + ["@crm.example"], [2, 5]),
        (["réports@crm.example"], [1, 2, 3, 4, 5]),
    ],
)
def test_the_server_looks_for_the_senders(
    inbox: imap_server.Server, now: Any, monkeypatch: pytest.MonkeyPatch, senders: list[str], read: list[int]
) -> None:
    watch = watch_mailbox(inbox.port, senders=senders, subject_pattern="nothing like this")
    for number, sender in enumerate(
        (
            "a@elsewhere.example",
            "CRM <Reports@crm.example>",
            "b@x.example",
            "x@trusted.example",
            "y@CRM.example",
        ),
        1,
    ):
        inbox.put(letter(number, From=sender))
    real, heads = watching.mailboxes.Mailbox.head, []

    def head(self: Any, number: str) -> Any:
        found = real(self, number)
        heads.append(watching.mailboxes.id_of(found[0]))
        return found

    monkeypatch.setattr(watching.mailboxes.Mailbox, "head", head)
    look(watch, now)
    assert heads == [f"<{number}@crm>" for number in read], "no other mail is fetched"


def test_a_mail_that_the_server_refuses_is_told_and_the_others_are_taken(
    known: None, inbox: imap_server.Server, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watch_mailbox(inbox.port)
    inbox.put(letter(1, ("deals_2026-03-01.csv", (HEADER + deal("006A", "31.00")).encode())))
    inbox.put(letter(2, ("deals_2026-03-02.csv", (HEADER + deal("006B", "32.00")).encode())))
    real, asked = imaplib.IMAP4.uid, []

    def uid(self: Any, command: str, *arguments: str) -> Any:
        if command == "FETCH":
            asked.append(arguments[0])
            if arguments[0] == asked[0]:
                return "NO", [b"this message is damaged"]
        return real(self, command, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(imaplib.IMAP4, "uid", uid)
        look(watch, now, 2)
    assert amounts() == {"006A": "10.00", "006B": "32.00"}
    watch.refresh_from_db()
    assert watch.trouble == f"Mail {asked[0]}: The mail server answered: this message is damaged"
    assert sorted(mails()) == ["Daily Pipeline report is imported", "Some of Reports can't be read"]
    look(watch, now, 2)
    assert amounts()["006A"] == "31.00"


def test_a_mail_that_was_taken_but_not_marked_is_not_taken_again(
    known: None, inbox: imap_server.Server, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watch_mailbox(inbox.port)
    inbox.put(letter(1, ("deals_2026-03-01.csv", (HEADER + deal("006A", "41.00")).encode())))
    with monkeypatch.context() as patched:

        def dies(self: Any, number: str) -> None:
            raise DiedError

        patched.setattr(watching.mailboxes.Mailbox, "mark_seen", dies)
        watch_services.watch_look(actor=actor("ops_manager"), row=watch)
        held = jobs.claim()
        assert held is not None
        with pytest.raises(DiedError):
            jobs.run(held)
    Job.objects.filter(pk=held.pk).update(state=JobState.FAILED)
    assert inbox.unseen() == 1
    look(watch, now, 2)
    assert (states(watch), inbox.unseen()) == ([("Daily Pipeline report", "done")], 0)
    assert amounts()["006A"] == "41.00"


def test_malformed_mails_harm_nothing(known: None, inbox: imap_server.Server, now: Any) -> None:
    watch = watch_mailbox(inbox.port)
    inbox.put(
        b"From: reports@crm.example\r\nSubject: =?utf-8?q?pipeline?=\r\nMessage-ID: <[bad]\r\nDate: soon\r\n\r\nx"
    )
    inbox.put(b"\r\n\r\nno header at all")
    inbox.put(b"From: \xff\xfe\r\nSubject: pipeline\r\n\r\n")
    named = letter(9, ("../../etc/deals_2026-03-09.csv", (HEADER + deal("006A", "49.00")).encode()))
    inbox.put(named)
    look(watch, now, 2)
    assert sorted(state for _, state in states(watch)) == ["done", "failed"]
    assert amounts()["006A"] == "49.00"


@pytest.mark.parametrize("case", ["password", "variable", "host", "away"])
def test_a_mailbox_that_can_t_be_read_is_told_once(
    inbox: imap_server.Server, now: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    watch = watch_mailbox(inbox.port)
    if case == "password":
        monkeypatch.setenv("SALESOPS_WATCH_PASSWORD_REPORTS", "wrong")
    elif case == "variable":
        monkeypatch.delenv("SALESOPS_WATCH_PASSWORD_REPORTS")
    elif case == "host":
        settings.WATCH_HOSTS = []
    else:
        Watch.objects.update(port=imap_server.free_port())
    look(watch, now, 2)
    watch.refresh_from_db()
    assert watch.trouble
    assert imap_server.PASSWORD not in watch.trouble
    assert mails() == ["Reports can't be read"]
    assert {job.state for job in Job.objects.filter(kind="watch.poll")} == {JobState.FAILED}


def test_over_tls_the_certificate_must_be_one_that_is_trusted(
    known: None, inbox: imap_server.Server, now: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = imap_server.certificate(tmp_path)
    with imap_server.tls_door(inbox, pem) as port:
        watch = watch_mailbox(port, tls=True)
        inbox.put(letter(1, ("deals_2026-03-01.csv", (HEADER + deal("006A", "51.00")).encode())))
        look(watch, now)
        watch.refresh_from_db()
        assert "certificate" in watch.trouble.lower()
        assert states(watch) == []
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        look(watch, now, 2)
        assert [state for _, state in states(watch)] == ["done"]
    assert amounts()["006A"] == "51.00"
