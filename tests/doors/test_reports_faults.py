"""Subscriptions when something goes wrong: lost rights, dead workers, hanging servers, addresses made up by hand."""

from __future__ import annotations

import smtplib
import socket
import threading
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.exceptions import ValidationError

from salesops.analytics.custom_services import custom_kpi_decide, custom_kpi_end
from salesops.analytics.tests import pipeline_firm as firm
from salesops.platform import jobs, schedules
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.models import AuditEvent, Job, JobState, Schedule, User
from salesops.reports import delivering, finding_services, services
from salesops.reports import letters as post
from salesops.reports.models import Delivery, Subscription
from tests.doors import reports_world as world
from tests.doors.reports_world import World, letters, states

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
PAGE = "/pipeline/?status=all&columns=name"


@pytest.fixture(autouse=True)
def mailbox(settings: Any) -> None:
    settings.SMTP_SET, settings.SMTP_BACKEND = True, world.LOCMEM


def schedule_of(row: Subscription) -> Schedule:
    return Schedule.objects.get(pk=row.schedule_id)


def test_a_recipient_who_left_gets_nothing_and_the_run_says_so(made: World) -> None:
    row = made.subscribe("ana", PAGE, "ann", "theo", "max")
    User.objects.filter(username="theo").update(is_active=False)
    User.objects.filter(username="max").update(email="")
    job = made.send(row)
    assert set(letters()) == {"ann@firm.example"}
    assert states(row) == {
        "ann": ("sent", ""),
        "theo": ("skipped", "The account is switched off or gone."),
        "max": ("skipped", "The account has no mail address."),
    }
    assert job.state == JobState.DONE
    assert job.result["not"]["theo"] == "The account is switched off or gone."
    page = made.client("ana").get(f"/subscriptions/{row.pk}/").content.decode()
    assert "1 of 3 sent, 2 not sent" in page
    assert "The account is switched off or gone." in page


def test_a_recipient_who_lost_the_page_gets_nothing(made: World) -> None:
    row = made.subscribe("ana", f"/monday/with/{firm.THEIRS}/", "ann", "ana")
    made.send(row)
    assert states(row)["ana"] == ("sent", "")
    state, reason = states(row)["ann"]
    assert state == "skipped"
    assert reason
    assert set(letters()) == {"ana@firm.example"}


@pytest.mark.parametrize(
    "change, why",
    [
        ({"role": "rep"}, "Your role (Rep) does not allow this (schedule.write)"),
        ({"is_active": False}, "The account ana is switched off."),
    ],
)
def test_an_owner_who_lost_the_right_pauses_it_with_a_reason(
    made: World, change: dict[str, Any], why: str
) -> None:
    row = made.subscribe("ana", PAGE, "ann")
    Schedule.objects.filter(pk=row.schedule_id).update(next_run_at=datetime(2026, 1, 5, 6, tzinfo=UTC))
    User.objects.filter(username="ana").update(**change)
    schedules.tick()
    jobs.run_waiting()
    assert not mail.outbox
    assert schedule_of(row).active is False
    seen = made.client("boss").get(f"/subscriptions/{row.pk}/").content.decode()
    assert "It is paused." in seen
    assert why in seen
    if "role" in change:
        assert made.client("ann").get("/subscriptions/").content.decode().count("Paused") == 1


def test_an_owner_whose_job_was_asked_for_before_he_lost_the_right_sends_nothing(made: World) -> None:
    row = made.subscribe("ana", PAGE, "ann")
    job = services.subscription_run(actor=made.actor("ana"), row=row)
    User.objects.filter(username="ana").update(role="auditor")
    jobs.run_waiting()
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "schedule.write" in job.message
    assert not mail.outbox


def test_a_retired_number_is_said_and_pauses_it(made: World) -> None:
    custom_kpi_decide(
        actor=ADMIN, name="large", values={"title": "Large", "measure": "count", "rule": "amount > 1500"}
    )
    row = made.subscribe("ana", "/numbers/large/?period=all", "ann")
    made.send(row)
    assert states(row) == {"ann": ("sent", "")}
    mail.outbox.clear()
    custom_kpi_end(actor=ADMIN, subject="large", reason="not used")
    made.send(row)
    assert not mail.outbox
    state, reason = states(row)["ann"]
    assert state == "skipped"
    assert "large" in reason
    assert schedule_of(row).active is False
    assert "large" in schedule_of(row).why_stopped
    with pytest.raises(ValidationError, match="It can't run"):
        services.subscription_resume(actor=made.actor("ana"), row=row)


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example/pipeline/",
        "//evil.example/pipeline/",
        "pipeline/",
        "/settings/accounts/",
        "/jobs/",
        "/api/v1/opportunities",
        "/no/such/page/",
        "/pipeline/?filter=amount:gt:1;drop table",
        "/pipeline/?filter=nothing:eq:1",
        "/pipeline/?filter=amount",
        "/numbers/no_such_number/",
        "/numbers/won_value/?period=2026-Q9",
        "/numbers/won_value/?filter=owner_id):eq:1",
        "/pipeline/no-such-deal/",
        f"/pipeline/?q={'x' * 9000}",
    ],
)
def test_an_address_made_up_by_hand_is_refused_where_it_is_saved(made: World, page: str) -> None:
    with pytest.raises(ValidationError) as refused:
        made.subscribe("ana", page, "ann")
    assert refused.value.message_dict["page"][0]
    assert not Subscription.objects.exists()


def test_what_says_how_a_page_is_looked_at_is_not_kept(made: World) -> None:
    row = made.subscribe("ana", f"{PAGE}&page=7&export=xlsx&freeze=html&later=1", "ann")
    assert (row.path, row.query) == ("/pipeline/", "status=all&columns=name")


def test_rows_go_to_others_only_by_who_may_share_them(made: World) -> None:
    for more in ({"addresses": ["board@out.example"]}, {"channel": "folder"}):
        with pytest.raises(NotAllowedError, match=r"report\.share"):
            made.subscribe("ria", PAGE, **more)
    assert made.subscribe("ria", PAGE, "ann").pk
    with pytest.raises(NotAllowedError, match=r"schedule\.write"):
        made.subscribe("ann", PAGE, "ann")
    row = made.subscribe("ana", PAGE, "ann", addresses=["board@out.example"])
    User.objects.filter(username="ana").update(role="ops_representative")
    made.send(row)
    assert set(letters()) == {"ann@firm.example"}
    assert states(row)["board@out.example"][0] == "skipped"
    assert "report.share" in states(row)["board@out.example"][1]


def test_a_worker_killed_between_recipients_sends_nobody_twice(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = made.subscribe("ana", PAGE, "ann", "theo", "max")
    begun, send = [], post.send

    class KilledError(BaseException):
        """As if the process were gone: nothing catches it."""

    def dying(address: str, *rest: Any) -> None:
        begun.append(address)
        if len(begun) == 2:
            raise KilledError
        send(address, *rest)

    monkeypatch.setattr(post, "send", dying)
    job = services.subscription_run(actor=made.actor("ana"), row=row)
    with pytest.raises(KilledError):
        jobs.run_waiting()
    assert [d.state for d in Delivery.objects.filter(run__job_id=job.pk).order_by("id")] == [
        "sent",
        "waiting",
        "waiting",
    ]
    # Its lease ran out: the next worker takes it.
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, lease_until=None)
    jobs.run_waiting()
    job.refresh_from_db()
    assert job.state == JobState.DONE
    sent = [letter.to[0] for letter in mail.outbox]
    assert sorted(sent) == ["ann@firm.example", "max@firm.example", "theo@firm.example"]
    assert row.runs.count() == 1
    assert set(states(row).values()) == {("sent", "")}


def test_a_mail_server_that_hangs_is_given_up_for_now(
    made: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = made.subscribe("ana", PAGE, "ann", "theo")
    stop = threading.Event()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(10)
        kept: list[socket.socket] = []

        def silent() -> None:
            kept.append(listening.accept()[0])
            stop.wait(10)

        thread = threading.Thread(target=silent, daemon=True)
        thread.start()
        settings.SMTP_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", listening.getsockname()[1]
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        monkeypatch.setattr(post, "TIMEOUT", 0.2)
        job = made.send(row)
        stop.set()
        thread.join()
        for one in kept:
            one.close()
    assert job.state == JobState.QUEUED
    assert "can't be reached" in job.message
    assert [state for state, _ in states(row).values()] == ["waiting", "waiting"]
    assert "can't be reached" in states(row)["ann"][1]
    settings.SMTP_BACKEND = world.LOCMEM
    Job.objects.filter(pk=job.pk).update(run_after=None)
    jobs.run_waiting()
    assert sorted(letters()) == ["ann@firm.example", "theo@firm.example"]
    assert len(mail.outbox) == 2


def test_a_server_that_never_comes_back_is_given_up_with_the_reason(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise post.UnreachableError("The mail server can't be reached: no route")

    monkeypatch.setattr(post, "send", away)
    row = made.subscribe("ana", PAGE, "ann")
    job = made.send(row)
    for _ in range(10):
        Job.objects.filter(pk=job.pk).update(run_after=None)
        jobs.run_waiting()
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    state, reason = states(row)["ann"]
    assert state == "skipped"
    assert reason == "Given up: The mail server can't be reached: no route"
    monkeypatch.undo()
    jobs.retry(job, actor=made.actor("ana"))
    jobs.run_waiting()
    assert states(row) == {"ann": ("sent", "")}, "started again by hand, it goes on"
    assert len(mail.outbox) == 1


def test_one_refused_recipient_does_not_hold_up_the_others(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = post.send

    def choosy(address: str, *rest: Any) -> None:
        if address.startswith("ann"):
            raise post.RefusedError("550 no such user")
        send(address, *rest)

    monkeypatch.setattr(post, "send", choosy)
    row = made.subscribe("ana", PAGE, "ann", "theo")
    made.send(row)
    assert states(row) == {"ann": ("refused", "550 no such user"), "theo": ("sent", "")}


def later(*_: Any) -> None:
    raise post.LaterError("451 not now")


def again(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(run_after=None)
    jobs.run_waiting()


def test_a_retry_sends_to_nobody_whom_it_is_not_for_any_more(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = {"addresses": ["board@out.example", "Bank@out.example"]}
    row = made.subscribe("ana", PAGE, "ann", "theo", "max", **board)
    monkeypatch.setattr(post, "send", later)
    job = made.send(row)
    assert {state for state, _ in states(row).values()} == {"waiting"}, "each was tried"
    services.subscription_leave(actor=made.actor("ann"), pk=row.pk)
    made.subscribe("ana", PAGE, "ann", "max", addresses=["bank@out.example"], row=row)
    monkeypatch.undo()
    again(job)
    assert sorted(letters()) == ["Bank@out.example", "max@firm.example"]
    gone = ("skipped", "No longer subscribed.")
    assert [states(row)[to] for to in ("ann", "theo", "board@out.example")] == [gone] * 3


@pytest.mark.parametrize("how", ["cancelled", "killed", "edited"])
def test_however_a_job_ends_nothing_of_its_run_waits_for_ever(
    made: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(post, "send", later)
    row = made.subscribe("ana", PAGE, "ann")
    job = made.send(row)
    assert states(row)["ann"] == ("waiting", "451 not now")
    if how == "cancelled":
        jobs.cancel(job)
    elif how == "killed":
        Job.objects.filter(pk=job.pk).update(most_attempts=job.attempts)
        again(job)
    else:
        made.subscribe("ana", PAGE, "ann", row=row)
        Job.objects.filter(pk=job.pk).update(most_attempts=job.attempts + 1)
        again(job)
    assert states(row)["ann"] == ("skipped", "Given up: 451 not now")
    assert row.runs.get().finished_at is not None


def test_one_recipient_whose_view_fails_does_not_hold_up_the_others(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    content_of = delivering.content_of

    def broken(user_id: int, *rest: Any, **more: Any) -> Any:
        if user_id == made.users["ann"].pk:
            raise ZeroDivisionError
        return content_of(user_id, *rest, **more)

    monkeypatch.setattr(delivering, "content_of", broken)
    row = made.subscribe("ana", PAGE, "ann", "theo")
    job = made.send(row)
    assert job.state == JobState.DONE
    assert states(row) == {"ann": ("skipped", delivering.BROKEN), "theo": ("sent", "")}


def test_a_server_that_breaks_off_with_one_is_tried_with_the_others(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = post.EmailMultiAlternatives.send

    def breaking(letter: Any, *rest: Any) -> int:
        if letter.to[0].startswith("ann"):
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        return send(letter, *rest)

    monkeypatch.setattr(post.EmailMultiAlternatives, "send", breaking)
    row = made.subscribe("ana", PAGE, "ann", "theo")
    job = made.send(row)
    assert job.state == JobState.QUEUED
    assert states(row)["theo"] == ("sent", "")
    assert states(row)["ann"] == ("waiting", "The mail server broke off: Connection unexpectedly closed")


def test_one_person_in_two_spellings_is_one_recipient(made: World) -> None:
    User.objects.filter(username="ann").update(username="Ann@Out.example", email="")
    row = made.subscribe(
        "ana", PAGE, "ann", addresses=["Ann@Out.example", "Bank@out.example", "bank@OUT.example"]
    )
    assert row.addresses == ["Ann@Out.example", "Bank@out.example"]
    made.send(row)
    assert sorted(states(row)) == ["Ann@Out.example", "Bank@out.example"]


def test_who_left_stays_away_though_the_owner_takes_him_out_and_in(made: World) -> None:
    row = made.subscribe("ana", PAGE, "ann", "theo")
    services.subscription_leave(actor=made.actor("ann"), pk=row.pk)
    made.subscribe("ana", PAGE, "theo", row=row)
    made.subscribe("ana", PAGE, "ann", "theo", row=row)
    made.send(row)
    assert sorted(states(row)) == ["theo"]
    services.subscription_leave(actor=made.actor("ann"), pk=row.pk, back=True)
    made.send(row)
    assert sorted(states(row)) == ["ann", "theo"]


def test_a_finding_goes_along_only_while_its_owner_may_share_it(made: World) -> None:
    owner = made.users["ana"]
    finding = finding_services.finding_add(
        actor=made.actor("ana"), title="Kept for us", text="t", action="a", owner_id=owner.pk, due_on=date(2026, 9, 1)
    )  # fmt: skip
    kept = AuditEvent.objects.get(action="finding.add", subject=f"finding:{finding.pk}")
    assert not {"value", "query"} & set(kept.after)
    row = made.subscribe("ana", PAGE, "ann", "ana", finding_id=finding.pk)
    User.objects.filter(pk=owner.pk).update(role="ops_representative")
    made.send(row)
    said = {to: "Kept for us" in str(letter.body) for to, letter in letters().items()}
    assert said == {"ann@firm.example": False, "ana@firm.example": True}
    assert not finding.readers.filter(user=made.users["ann"]).exists()
    User.objects.filter(pk=owner.pk).update(role="ops_analyst")
    made.send(row)
    assert "Kept for us" in str(letters()["ann@firm.example"].body)
    assert finding.readers.filter(user=made.users["ann"]).exists()


def test_the_turn_is_told_in_its_zone_across_a_change_of_clocks(made: World) -> None:
    row = made.subscribe("ana", PAGE, "ann", cron="30 2 * * *", zone="Europe/Berlin")
    berlin = ZoneInfo("Europe/Berlin")
    saturday = datetime(2026, 3, 28, 12, tzinfo=berlin)
    turn = schedules.next_turn("30 2 * * *", "Europe/Berlin", saturday).astimezone(berlin)
    assert (turn.day, turn.hour) == (29, 3), "2:30 is skipped that night"
    Schedule.objects.filter(pk=row.schedule_id).update(next_run_at=turn)
    page = made.client("ana").get(f"/subscriptions/{row.pk}/").content.decode()
    assert "Mar 29, 2026" in page
    assert "CEST" in page
    for bad in ({"zone": "Mars/Base"}, {"cron": "61 * * * *"}, {"cron": "every day"}):
        with pytest.raises(ValidationError):
            made.subscribe("ana", PAGE, "ann", **bad)


def test_a_file_for_the_folder_of_exports_is_the_owners_and_whole(
    made: World, settings: Any, tmp_path: Path
) -> None:
    settings.EXPORTS_PATH, settings.MAIL_BYTES = tmp_path, 100
    row = made.subscribe("max", PAGE, channel="folder", name="../Deals of/ours")
    made.send(row)
    (folder,) = tmp_path.iterdir()
    (file,) = folder.iterdir()
    assert file.read_bytes() == firm.body(made.client("max").get(f"{PAGE}&export=csv"))
    made.send(row)
    assert [path.name for path in folder.iterdir()] == [file.name]
    ours = sum(d["owner_id"] == firm.OURS for d in firm.deals())
    assert {d.rows for d in Delivery.objects.filter(run__subscription=row)} == {ours}


def test_a_channel_gets_the_owners_first_rows_and_says_of_how_many(made: World, settings: Any) -> None:
    settings.SLACK_WEBHOOK, settings.BASE_URL = "http://127.0.0.1:9/hook", "https://sales.example"
    row = made.subscribe("max", f"{PAGE},amount", channel="slack")
    services.subscription_run(actor=made.actor("max"), row=row)
    jobs.run_waiting({services.KIND})
    (posted,) = Job.objects.filter(kind="post")
    ours = sum(d["owner_id"] == firm.OURS for d in firm.deals())
    assert posted.params["title"].endswith(f"(20 of {ours} rows)")
    assert posted.params["lines"][-2]["text"] == f"20 of {ours} rows"
    assert posted.params["lines"][-1]["href"].startswith("https://sales.example/pipeline/?status=all")
    assert firm.SECRET not in str(posted.params)
    with pytest.raises(ValidationError, match="No Teams channel"):
        made.subscribe("max", PAGE, channel="teams")


def test_without_a_mail_server_nobody_is_said_to_have_got_it(made: World, settings: Any) -> None:
    settings.SMTP_SET = False
    row = made.subscribe("ana", PAGE, "ann")
    made.send(row)
    assert states(row)["ann"][0] == "skipped"
    assert "SALESOPS_SMTP" in states(row)["ann"][1]


def test_everything_is_on_the_ledger(made: World) -> None:
    row = made.subscribe("ana", f"{PAGE}&filter=account_name:eq:Hidden Corp", "ann", name="Ours")
    made.send(row)
    services.subscription_leave(actor=made.actor("ann"), pk=row.pk)
    services.subscription_remove(actor=made.actor("ana"), row=row)
    found = AuditEvent.objects.order_by("id").values_list("action", flat=True)
    wanted = (
        "subscription.save",
        "delivery.begin",
        "delivery.sent",
        "subscription.leave",
        "subscription.remove",
    )
    assert [action for action in found if action in wanted] == list(wanted)
    kept = AuditEvent.objects.filter(action__startswith="subscription.", subject=f"subscription:{row.pk}")
    assert "Hidden" not in str([(event.before, event.after) for event in kept]), (
        "filters may name what is masked"
    )
