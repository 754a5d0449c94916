"""Watched folders and mailboxes: taken once, when whole, as was decided; the rest waits for a person."""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from salesops.crm import watch_services, watching
from salesops.crm.models import Arrival, Import, ImportState, Watch
from salesops.crm.tests.pages import sent
from salesops.crm.tests.watches import (
    HEADER,
    MAILBOX,
    DiedError,
    amounts,
    deal,
    look,
    mails,
    states,
    watch_folder,
)
from salesops.platform import jobs, schedules
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.models import AuditEvent, Job, JobState, Schedule, User
from salesops.platform.tests.roles import actor, allowed_roles, client_of, holders

pytestmark = pytest.mark.django_db


def test_a_file_is_taken_when_two_looks_saw_it_whole_and_once(known: None, root: Path, now: Any) -> None:
    watch = watch_folder()
    file = root / "deals_2026-03-01.csv"
    file.write_text(HEADER + deal("006A", "11.00"))
    look(watch, now)
    assert states(watch) == [(file.name, "settling")]
    with file.open("a") as more:
        more.write(deal("006C"))
    look(watch, now)
    assert states(watch) == [(file.name, "settling")], "it has grown: it may grow further"
    look(watch, now)
    assert states(watch) == [(file.name, "done")]
    assert amounts() == {"006A": "11.00", "006B": "10.00", "006C": "10.00"}
    assert [p.name for p in root.iterdir()] == ["taken"]
    assert mails() == [f"{file.name} is imported"]
    said = Job.objects.get(kind="mail").params["text"]
    assert "Opportunities: 2 read, 1 added, 1 changed, 0 unchanged, 1 not in this file, 0 deleted" in said
    look(watch, now, 3)
    (root / "the same again.csv").write_text(HEADER + deal("006A", "11.00") + deal("006C"))
    look(watch, now, 3)
    assert states(watch)[1:] == [("the same again.csv", "again")]
    assert Import.objects.count() == 2
    assert mails()[1:] == ["the same again.csv: nothing new"]


def test_what_is_still_being_written_hidden_linked_or_elsewhere_is_left(
    known: None, root: Path, now: Any
) -> None:
    content = HEADER + deal("006Z")
    for name in ("a.csv.part", "b.csv.tmp", ".c.csv", "d.txt", "e.csv"):
        (root / name).write_text(content)
    (root / "e.csv.lock").write_text("")
    outside = root.parent.parent / "secret.csv"
    outside.write_text(content)
    (root / "f.csv").symlink_to(outside)
    (root / "g.csv").mkdir()
    watch = watch_folder(pattern="*.csv*")
    look(watch, now, 3)
    assert states(watch) == []
    (root / "e.csv.lock").unlink()
    (root / "a.csv.part").rename(root / "a.csv")
    look(watch, now, 2)
    assert {name for name, _ in states(watch)} == {"a.csv", "e.csv"}
    assert sorted(state for _, state in states(watch)) == ["again", "done"]


def test_columns_that_nobody_confirmed_wait_for_a_person_and_then_go_by_themselves(
    known: None, root: Path, now: Any
) -> None:
    watch = watch_folder()
    other = "Deal ID,Deal Name,Deal Stage,Deal Value,Opened On\n"
    (root / "crm2_2026-03-01.csv").write_text(other + "77,Pump,Negotiation,5.00,2026-01-01\n")
    look(watch, now, 2)
    assert states(watch) == [("crm2_2026-03-01.csv", "asking")]
    row = Import.objects.latest("id")
    assert row.state == ImportState.INSPECTED
    assert mails() == ["crm2_2026-03-01.csv waits for you"]
    assert reverse("import_confirm", args=[row.pk]) in Job.objects.get(kind="mail").params["text"]
    client = client_of("ops_analyst")
    page = client.get(reverse("watch", args=[watch.pk])).content.decode()
    assert "nobody has confirmed yet" in page
    assert reverse("import_confirm", args=[row.pk]) in page
    look(watch, now, 3)
    assert mails() == ["crm2_2026-03-01.csv waits for you"], "it is asked once"
    assert sent(client, row).status_code == 302
    jobs.run_waiting()
    assert states(watch) == [("crm2_2026-03-01.csv", "done")]
    (root / "crm2_2026-03-02.csv").write_text(other + "77,Pump,Negotiation,6.00,2026-01-01\n")
    look(watch, now, 2)
    assert states(watch)[1] == ("crm2_2026-03-02.csv", "done")
    assert amounts()["77"] == "6.00"


def test_a_file_that_took_another_s_place_is_left_for_the_next_look(
    known: None, root: Path, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watch_folder()
    file = root / "deals_2026-03-01.csv"
    newer = [HEADER + deal("006A", "13.00"), HEADER + deal("006A", "14.00")]

    def replace() -> None:
        fresh = root / ".fresh"
        fresh.write_text(newer.pop(0))
        fresh.rename(file)

    real = watching.uploads.keep

    def replaced(*args: Any, **kwargs: Any) -> Any:
        kept = real(*args, **kwargs)  # it was read, and is to be put away
        replace()
        return kept

    file.write_text(HEADER + deal("006A", "12.00"))
    look(watch, now)
    with monkeypatch.context() as patched:
        patched.setattr(watching.uploads, "keep", replaced)
        look(watch, now)
    assert amounts()["006A"] == "12.00"
    assert "13.00" in file.read_text(), "nobody has read it yet"
    (seen,) = watching.folders.look(root, "*")
    move = Path.rename

    def late(path: Path, target: Path) -> Path:
        if path == file and newer:
            replace()  # after the check
        return move(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", late)
        assert watching.folders.put_away(seen) is False
    assert [p.name for p in (root / "taken").iterdir()] == []
    look(watch, now, 2)
    assert amounts()["006A"] == "14.00"
    assert [p.name for p in (root / "taken").iterdir()] == [file.name]


def test_a_file_of_the_same_content_leaves_the_kept_one_as_it_is(known: None, root: Path, now: Any) -> None:
    watch = watch_folder()
    content = HEADER + deal("006A", "12.00")
    (root / "deals.csv").write_text(content)
    os.utime(root / "deals.csv", (1_770_000_000, 1_770_000_000))
    look(watch, now, 2)
    kept = Path(Arrival.objects.get().kept_at)
    assert kept.stat().st_mtime == 1_770_000_000, "the data is of the day the file was written"
    (root / "deals.csv").write_text(content)
    os.utime(root / "deals.csv", (1_780_000_000, 1_780_000_000))
    look(watch, now, 2)
    assert [state for _, state in states(watch)] == ["done", "again"]
    assert kept.stat().st_mtime == 1_770_000_000, "an import may be reading it"


def test_a_file_that_can_t_be_read_is_told_once_and_the_others_are_taken(
    known: None, root: Path, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watch_folder()
    real = watching.folders.pieces

    def pieces(found: Any) -> Any:
        if found.name.startswith("a"):
            raise PermissionError(errno.EACCES, "Permission denied", str(found.path))
        return real(found)

    (root / "a_2026-03-01.csv").write_text(HEADER + deal("006A", "15.00"))
    (root / "b_2026-03-02.csv").write_text(HEADER + deal("006B", "16.00"))
    with monkeypatch.context() as patched:
        patched.setattr(watching.folders, "pieces", pieces)
        look(watch, now, 3)
    assert sorted(states(watch)) == [("a_2026-03-01.csv", "settling"), ("b_2026-03-02.csv", "done")]
    assert amounts() == {"006A": "10.00", "006B": "16.00"}
    watch.refresh_from_db()
    assert watch.trouble == "a_2026-03-01.csv: Permission denied."
    assert sorted(mails()) == ["Some of Nightly can't be read", "b_2026-03-02.csv is imported"]
    told = Job.objects.filter(kind="watch.poll").latest("id").result
    assert told["could_not_be_read"] == ["a_2026-03-01.csv: Permission denied."]
    look(watch, now)
    watch.refresh_from_db()
    assert (watch.trouble, amounts()["006A"]) == ("", "15.00")


@pytest.mark.parametrize(
    "content", [b"", b"<html><body>Sign in</body></html>", b"PK\x03\x04 broken", b"\x00" * 300]
)
def test_what_is_no_table_waits_with_a_reason(known: None, root: Path, now: Any, content: bytes) -> None:
    watch = watch_folder()
    (root / "deals.csv").write_bytes(content)
    look(watch, now, 3)
    ((_, state),) = states(watch)
    assert state in ("asking", "failed")
    assert Arrival.objects.get().reason
    assert len(mails()) == 1
    assert amounts() == {"006A": "10.00", "006B": "10.00"}


def test_a_file_that_comes_while_another_import_runs_waits_for_it(known: None, root: Path, now: Any) -> None:
    watch = watch_folder()
    (root / "deals_2026-03-02.csv").write_text(HEADER + deal("006A", "12.00"))
    os.utime(root / "deals_2026-03-02.csv", (1, 1))
    (root / "deals_2026-03-03.csv").write_text(HEADER + deal("006A", "13.00"))
    other = Import.objects.create(name="by hand", created_at=timezone.now(), actor_name="x", folder="")
    other.job = Job.objects.create(
        kind="import", state=JobState.RUNNING, created_at=timezone.now(), worker="a|b|1|1|c"
    )
    other.save()
    look(watch, now, 3)
    assert [state for _, state in states(watch)] == ["waiting", "waiting"]
    Job.objects.filter(pk=other.job.pk).update(state=JobState.DONE)
    look(watch, now)
    assert sorted(state for _, state in states(watch)) == ["done", "waiting"], (
        "one at a time, the older first"
    )
    assert amounts()["006A"] == "12.00"
    look(watch, now)
    assert amounts()["006A"] == "13.00"


def test_only_tables_declared_complete_delete_what_is_absent(known: None, root: Path, now: Any) -> None:
    watch = watch_folder(complete_tables=["opportunities"])
    (root / "deals_2026-03-01.csv").write_text(HEADER + deal("006B"))
    look(watch, now, 2)
    assert set(amounts()) == {"006B"}


def test_a_look_that_died_at_any_step_is_taken_up_and_nothing_comes_twice(
    known: None, root: Path, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = watch_folder()
    steps = [
        (watching.folders, "put_away"),
        (watching.services, "import_inspect"),
        (watching.services, "plans_of"),
        (watching.services, "import_confirm"),
        (watching.services, "import_start"),
    ]
    for number, (module, name) in enumerate(steps):
        (root / f"deals_2026-03-0{number + 1}.csv").write_text(HEADER + deal("006A", f"{20 + number}.00"))
        look(watch, now)
        with monkeypatch.context() as patched:

            def dies(*args: Any, **kwargs: Any) -> None:
                raise DiedError

            patched.setattr(module, name, dies)
            watch_services.watch_look(actor=actor("ops_manager"), row=watch)
            held = jobs.claim()
            assert held is not None
            with pytest.raises(DiedError):
                jobs.run(held)
        Job.objects.filter(pk=held.pk).update(state=JobState.FAILED)
        now.ahead += timedelta(seconds=6)
        look(watch, now, 2)
        assert amounts()["006A"] == f"{20 + number}.00", name
    assert {state for _, state in states(watch)} == {"done"}
    assert Import.objects.filter(state=ImportState.DONE).count() == 1 + len(steps)
    assert len(mails()) == len(steps)


def test_an_import_that_fails_is_told_and_one_put_right_later_too(known: None, root: Path, now: Any) -> None:
    watch = watch_folder()
    (root / "deals_2026-03-01.csv").write_text(HEADER + deal("006C"))
    look(watch, now)
    watch_services.watch_look(actor=actor("ops_manager"), row=watch)
    held = jobs.claim()
    assert held is not None
    jobs.run(held)
    arrival = Arrival.objects.get()
    kept = Path(arrival.kept_at)
    content = kept.read_bytes()
    kept.unlink()
    jobs.run_waiting()
    look(watch, now)
    assert states(watch) == [("deals_2026-03-01.csv", "failed")]
    assert mails() == ["deals_2026-03-01.csv could not be imported"]
    kept.write_bytes(content)
    jobs.retry(Job.objects.filter(kind="import").latest("id"), actor=LOCAL_ADMINISTRATOR)
    jobs.run_waiting()
    assert states(watch) == [("deals_2026-03-01.csv", "done")]
    assert "006C" in amounts()


# --- Who may watch what ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["..", "/etc", "crm/../../..", "crm/link", "nothing", "\x00"])
def test_folders_outside_the_allowed_root_are_refused(root: Path, path: str) -> None:
    (root / "link").symlink_to("/etc")
    with pytest.raises(ValidationError) as refused:
        watch_folder(path=path)
    assert "path" in refused.value.message_dict
    assert not Watch.objects.exists()


def test_a_folder_that_became_a_link_to_elsewhere_is_not_read(known: None, root: Path, now: Any) -> None:
    watch = watch_folder()
    elsewhere = root.parent.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "deals.csv").write_text(HEADER + deal("006X"))
    root.rmdir()
    root.symlink_to(elsewhere)
    look(watch, now, 3)
    assert states(watch) == []
    watch.refresh_from_db()
    assert "not below" in watch.trouble
    assert mails() == ["Nightly can't be read"], "told once, though it failed three times"


def test_without_an_allowed_root_no_folder_is_watched(settings: Any) -> None:
    settings.WATCH_ROOT = ""
    with pytest.raises(ValidationError):
        watch_folder()


@pytest.mark.parametrize(
    "change, field",
    [
        ({"password_variable": "SALESOPS_SECRET_KEY"}, "password_variable"),
        ({"password_variable": "DATABASE_URL"}, "password_variable"),
        ({"host": "mail.elsewhere.example"}, "host"),
        ({"host": "imap.example.com", "tls": False}, "tls"),
        ({"senders": []}, "senders"),
        ({"senders": ["anybody"]}, "senders"),
        ({"user": "ops\r\nA1 DELETE INBOX"}, "user"),
        ({"port": 0}, "port"),
    ],
)
def test_a_mailbox_that_may_not_be_watched_is_refused(
    settings: Any, change: dict[str, Any], field: str
) -> None:
    settings.WATCH_HOSTS = ["imap.example.com"]
    given = MAILBOX | {"host": "imap.example.com", "tls": True} | change
    with pytest.raises(ValidationError) as refused:
        watch_services.watch_save(actor=actor("ops_manager"), **given)
    assert field in refused.value.message_dict


def test_watches_are_for_those_who_manage_them_and_stop_when_their_owner_leaves(root: Path) -> None:
    assert allowed_roles("get", reverse("watches")) == holders("import.view")
    assert allowed_roles("get", reverse("watch_new", args=["folder"])) == holders("watch.manage")
    with pytest.raises(NotAllowedError):
        watch_services.watch_save(actor=actor("ops_representative"), name="x", kind="folder", path="crm")
    watch = watch_folder()
    assert allowed_roles("post", reverse("watch_change", args=[watch.pk]), {"do": "pause"}) == holders(
        "watch.manage"
    )
    Watch.objects.update(active=True)
    User.objects.filter(username="ops_manager").update(is_active=False)
    Schedule.objects.update(next_run_at=timezone.now() - timedelta(minutes=1))
    assert schedules.tick() == []
    page = client_of("administrator").get(reverse("watch", args=[watch.pk])).content.decode()
    assert "switched off" in page
    watch_services.watch_save(actor=actor("administrator"), row=watch, path="crm")
    assert jobs.owner(Schedule.objects.get()).name == "administrator", "who saves it takes it over"
    assert AuditEvent.objects.filter(action="watch.save").count() == 2


def test_a_watch_is_made_and_changed_by_its_pages(root: Path) -> None:
    client = client_of("ops_manager")
    values = {
        "name": "Weekly",
        "path": "crm",
        "pattern": "*.csv",
        "source": "crm",
        "cron": "0 6 * * *",
        "zone": "UTC",
    }
    wrong = client.post(reverse("watch_new", args=["folder"]), values | {"path": "../.."})
    assert (wrong.status_code, "not below" in wrong.content.decode()) == (400, True)
    assert client.post(reverse("watch_new", args=["folder"]), values).status_code == 302
    watch = Watch.objects.get()
    change = values | {
        "pattern": "deals*.csv",
        "complete_tables": ["opportunities"],
        "mail_to": "a@example.com",
    }
    assert client.post(reverse("watch", args=[watch.pk]), change).status_code == 302
    watch.refresh_from_db()
    assert (watch.pattern, watch.complete_tables, watch.mail_to) == (
        "deals*.csv", ["opportunities"], ["a@example.com"],
    )  # fmt: skip
    assert Schedule.objects.count() == 1
    answer = client.post(reverse("watch_change", args=[watch.pk]), {"do": "look"})
    assert answer["Location"] == reverse("job", args=[Job.objects.get().pk])
    client.post(reverse("watch_change", args=[watch.pk]), {"do": "remove"})
    assert not Watch.objects.exists()
    assert not Schedule.objects.exists()


def test_the_ledger_says_how_what_comes_is_read_and_when(root: Path) -> None:
    mapping = {"object": "opportunities", "columns": {"Nr": {"to": "id"}}}
    watch = watch_folder(cron="0 6 * * *", zone="Europe/Berlin", mapping=mapping)
    watch_services.watch_save(actor=actor("ops_manager"), row=watch, pattern="*.csv", mapping=None)
    watch_services.watch_save(actor=actor("ops_manager"), row=watch, cron="0 * * * *")
    watch_services.watch_remove(actor=actor("ops_manager"), row=watch)
    told = AuditEvent.objects.filter(action__startswith="watch.").order_by("id")
    kept = [
        [(one["mapping"], one["cron"], one["zone"]) if one else None for one in (e.before, e.after)]
        for e in told
    ]
    first = (mapping, "0 6 * * *", "Europe/Berlin")
    second, third = (None, *first[1:]), (None, "0 * * * *", "Europe/Berlin")
    assert kept == [[None, first], [first, second], [second, third], [third, None]]
