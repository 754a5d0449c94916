"""Webhooks against a server on this machine: told once it is done, until it arrives, to nobody inside."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from salesops.crm import services as crm
from salesops.facts.scope import Scope
from salesops.feeds import jobs as feed_jobs
from salesops.feeds import kinds, outbound, sending
from salesops.feeds import webhook_services as webhooks
from salesops.feeds.engine.addresses import networks
from salesops.feeds.engine.retries import MOST_TRIES
from salesops.feeds.models import WebhookDelivery, WebhookTarget
from salesops.feeds.tests.receiver import Receiver, receiving, sample
from salesops.meetings.services import action_add, action_change, meeting_hold
from salesops.org.services import organisation_decide
from salesops.platform import jobs
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.job_kinds import quick_kinds
from salesops.platform.models import AuditEvent, Job
from salesops.platform.signin import account_save
from salesops.platform.tests.roles import load_facts
from salesops.platform.worker import Worker
from salesops.quotas.services import quotas_decide

pytestmark = pytest.mark.django_db
DAY = date(2026, 9, 30)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    settings.WEBHOOK_SECONDS = 5.0
    with receiving() as made:
        yield made


def owner(name: str = "hooks", role: str = "ops_manager") -> Actor:
    return actor_of(account_save(actor=ADMIN, username=name, role=role))


def target(receiver: Receiver, *kinds: str, name: str = "Warehouse") -> tuple[WebhookTarget, str]:
    return webhooks.target_create(
        actor=owner(), name=name, url=f"{receiver.url}/hook?k=1", kinds_wanted=kinds
    )


def work() -> None:
    """What a worker does: look, then run what waits."""
    feed_jobs.look()
    jobs.run_waiting()
    failed = Job.objects.filter(kind="webhooks", state="failed").first()
    assert failed is None, failed.error


def decide(currency: str = "USD") -> str:
    """Something that happens, and its event id."""
    organisation_decide(actor=ADMIN, values={"currency": currency})
    return f"evt_{AuditEvent.objects.get(action='decision.record', id=_last()).pk}"


def _last() -> int:
    return AuditEvent.objects.order_by("-id").values_list("pk", flat=True)[0]


def later(row: WebhookDelivery) -> None:
    """Let the pause of a delivery, and of its target, be over."""
    WebhookDelivery.objects.filter(pk=row.pk).update(next_at=timezone.now())
    WebhookTarget.objects.filter(pk=row.target_id).update(not_before=None)


# --- What is told ---------------------------------------------------------------------------------


def test_what_happens_is_told_signed_and_without_amounts(receiver: Receiver, tmp_path: Path) -> None:
    organisation_decide(actor=ADMIN, values={"currency": "EUR"})
    row, secret = target(receiver)
    decide()
    load_facts({"users": [{"id": "u1", "name": "Ann"}]})
    quotas_decide(
        actor=ADMIN, rows=[{"person": "u1", "period": "2026-Q4", "amount": "987654"}], reason="plan 987654"
    )
    meeting_hold(actor=owner("mara"), subject="firm", data_on=DAY)
    item = action_add(
        actor=ADMIN, scope=Scope.all(), subject="firm", text="Offer 45678 less", owner_id="u1", owner_name="Ann",
        due_on=DAY, deal_id="D1",
    )  # fmt: skip
    action_change(actor=ADMIN, scope=Scope.all(), item_id=item.pk, kind="done", note="for 45678")
    file = tmp_path / "deals.csv"
    file.write_text(
        "Opportunity ID,Opportunity Name,Account Name,Stage,Amount,Created Date,Close Date\n"
        "Q1,Depot,Depots,Prospecting,1234567.00,2026-01-05,2026-03-31\n"
    )
    crm.import_now(actor=ADMIN, paths=[file])
    work()
    found = {}
    verified = sample()
    for path, headers, body in receiver.got:
        assert path == "/hook?k=1"
        assert verified(secret, headers["Salesops-Signature"], body)
        assert not verified(secret, headers["Salesops-Signature"], body + b" ")
        assert headers["Salesops-Attempt"] == "1"
        told = json.loads(body)
        assert told["id"] == headers["Salesops-Event-Id"]
        found.setdefault(told["type"], []).append(told["data"])
        assert not re.search(rb"987654|45678|1234567|Offer|Depot\b", body)
    assert {"decision.published", "meeting.held", "action.noted", "action.changed", "import.landed"} == set(
        found
    )
    assert {"quota", "organisation"} <= {d["decision"] for d in found["decision.published"]}
    assert found["action.noted"][0]["deal"] == "D1"
    assert found["action.changed"][0] == {
        "action": str(item.pk), "became": "done", "by": ADMIN.name, "due_on": str(DAY)
    }  # fmt: skip
    assert "opportunities" in found["import.landed"][0]["tables"]
    assert len(receiver.ids) == len(set(receiver.ids)), "each event once"
    row.refresh_from_db()
    assert secret not in str(WebhookTarget.objects.filter(pk=row.pk).values().get())
    assert secret not in str(list(AuditEvent.objects.values()))


def test_only_what_was_chosen_is_told_and_only_from_then_on(receiver: Receiver) -> None:
    decide("EUR")
    target(receiver, "meeting.held")
    decide("USD")
    work()
    assert receiver.got == []
    assert Job.objects.filter(kind="webhooks").count() == 0, "nothing to do, no job"
    meeting_hold(actor=ADMIN, subject="firm", data_on=DAY)
    work()
    assert [json.loads(body)["type"] for _, _, body in receiver.got] == ["meeting.held"]


def test_what_was_undone_is_not_told(receiver: Receiver) -> None:
    from django.db import transaction

    target(receiver)
    try:
        with transaction.atomic():
            decide()
            raise RuntimeError
    except RuntimeError:
        pass
    work()
    assert receiver.got == []


# --- Until it arrives -----------------------------------------------------------------------------


def test_a_failure_is_tried_again_and_given_up_and_replayed(receiver: Receiver) -> None:
    row, _ = target(receiver)
    receiver.answers = [500]
    event = decide()
    work()
    one = WebhookDelivery.objects.get()
    assert (one.state, one.tries, one.last_status) == ("waiting", 1, 500)
    assert timedelta(seconds=50) < one.next_at - timezone.now() <= timedelta(minutes=1)
    work()
    assert len(receiver.got) == 1, "not before its pause is over"
    for _ in range(MOST_TRIES - 1):
        later(one)
        work()
    one.refresh_from_db()
    assert (one.state, one.tries, one.last_error) == ("dead", MOST_TRIES, "It answered 500.")
    row.refresh_from_db()
    assert row.failing_since is None, "nothing waits any more: the next failure is a first one"
    later(one)
    work()
    assert receiver.ids == [event] * MOST_TRIES
    assert [h["Salesops-Attempt"] for _, h, _ in receiver.got] == [str(n + 1) for n in range(MOST_TRIES)]
    receiver.answers = [204]
    webhooks.delivery_replay(actor=owner(), row=one)
    work()
    one.refresh_from_db()
    assert (one.state, one.last_status, one.last_error) == ("done", 204, "")
    assert receiver.ids[-1] == event
    assert len({body for _, _, body in receiver.got}) == 1, "the same body every time"
    row.refresh_from_db()
    assert row.failing_since is None


def test_a_sender_that_dies_after_sending_sends_again_under_the_same_id(receiver: Receiver) -> None:
    target(receiver)
    event = decide()
    webhooks.plan()
    (claimed,) = sending.claim((), 5)
    assert sending.send(claimed).ok
    # Here the process is killed: nothing is recorded.
    work()
    assert receiver.ids == [event], "as long as it may still be on its way it is not sent again"
    later(WebhookDelivery.objects.get())
    work()
    assert receiver.ids == [event, event]
    assert [h["Salesops-Attempt"] for _, h, _ in receiver.got] == ["1", "2"]
    assert WebhookDelivery.objects.get().state == "done"
    assert sending.record(claimed, outbound.Outcome(500, "late", True, 1)) is False, (
        "what is late is not taken"
    )
    assert WebhookDelivery.objects.get().state == "done"


def test_a_planner_that_dies_loses_and_doubles_nothing(receiver: Receiver, monkeypatch: Any) -> None:
    target(receiver)
    events = [decide(currency) for currency in ("EUR", "USD", "CHF")]
    real = webhooks._deliver

    def dies(*given: Any) -> int:
        real(*given)
        raise MemoryError

    monkeypatch.setattr(webhooks, "_deliver", dies)
    with pytest.raises(MemoryError):
        webhooks.plan()
    assert WebhookDelivery.objects.count() == 0
    monkeypatch.setattr(webhooks, "_deliver", real)
    monkeypatch.setattr(webhooks, "AT_ONCE", 2)
    assert webhooks.plan() == 3
    assert webhooks.plan() == 0
    work()
    assert receiver.ids == events


@pytest.mark.parametrize("way", ["hang", "drip"])
def test_a_target_that_hangs_holds_up_no_other(receiver: Receiver, settings: Any, way: str) -> None:
    settings.WEBHOOK_SECONDS = 0.4
    with receiving() as slow:
        slow.answers = [way]
        target(slow, name="Slow")
        target(receiver, name="Quick")
        events = [decide(currency) for currency in ("EUR", "USD", "CHF")]
        work()
        assert receiver.ids == events
        assert slow.ids == events[:1], "it is left alone after the first one"
        held = WebhookTarget.objects.get(name="Slow")
        assert held.not_before is not None
        assert held.failing_since is not None
        one = held.deliveries.get(event_id=events[0])
        assert one.last_error == "No answer within 0.4 seconds."
        assert one.last_status is None
        work()
        assert slow.ids == events[:1]


def after_the_first(monkeypatch: Any, happens: Any) -> None:
    """Let something happen while the job goes on: when the first outcome was kept."""
    real, waiting = sending.record, [happens]

    def record(*given: Any) -> bool:
        kept = real(*given)
        while waiting:
            waiting.pop()()
        return kept

    monkeypatch.setattr(sending, "record", record)


def run() -> dict[str, Any]:
    return feed_jobs.webhooks_job(actor=ADMIN, progress=lambda *_: None)


def test_what_happens_while_the_job_goes_on_is_told_by_it(receiver: Receiver, monkeypatch: Any) -> None:
    target(receiver, "decision.published", name="Long")
    decide()
    with receiving() as other:
        target(other, "meeting.held", name="Other")
        monkeypatch.setattr(feed_jobs, "PLAN_EVERY", 0.0)
        after_the_first(monkeypatch, lambda: meeting_hold(actor=ADMIN, subject="firm", data_on=DAY))
        assert run() == {"planned": 2, "delivered": 2, "failed": 0}
        assert [json.loads(body)["type"] for _, _, body in other.got] == ["meeting.held"]


def test_targets_take_turns(receiver: Receiver) -> None:
    rows = [target(receiver, name=name)[0] for name in ("One", "Two", "Three")]
    keys = sorted(row.pk for row in rows)
    decide("EUR")
    decide("USD")
    webhooks.plan()
    found = [[one.target_id for one in sending.claim((), most)] for most in (2, 2, 5)]
    assert found == [keys[:2], [keys[2], keys[0]], [keys[1], keys[2]]]


def test_slow_targets_with_old_deliveries_keep_no_later_one_waiting(receiver: Receiver) -> None:
    """The first targets never catch up with what is due; the last one has the newest delivery."""
    slow = [target(receiver, name=f"Slow {n}")[0].pk for n in range(4)]
    for currency in ("EUR", "USD", "GBP"):
        decide(currency)
    webhooks.plan()
    WebhookDelivery.objects.update(next_at=timezone.now() - timedelta(hours=1))
    quick = target(receiver, "meeting.held", name="Quick")[0]
    order: list[int] = []
    for _ in range(3):  # three jobs that know nothing of each other, each with two at once
        order += [one.target_id for one in sending.claim((), 2)]
        if len(order) == 2:
            webhooks.target_ping(actor=owner(), row=quick)
    assert order == [*slow, quick.pk, slow[0]], (
        "each once before any comes again, however long that has been due"
    )


def test_of_targets_served_alike_the_longest_due_is_first(receiver: Receiver) -> None:
    first, second = (target(receiver, name=name)[0] for name in ("One", "Two"))
    decide("EUR")
    webhooks.plan()
    WebhookDelivery.objects.filter(target=second).update(next_at=timezone.now() - timedelta(minutes=5))
    assert [one.target_id for one in sending.claim((), 9)] == [second.pk, first.pk]


def test_batches_leave_few_jobs(receiver: Receiver, monkeypatch: Any) -> None:
    monkeypatch.setattr(feed_jobs, "KEPT", 2)
    target(receiver)
    for n in range(5):
        decide("EUR" if n % 2 else "USD")
        work()
    assert len(receiver.got) == 5
    left = Job.objects.filter(kind="webhooks")
    assert [job.result["delivered"] for job in left] == [1, 1, 1], "two that were kept, and the last"
    assert WebhookDelivery.objects.filter(state="done").count() == 5
    Job.objects.filter(pk__in=[job.pk for job in left]).update(state="failed")
    decide("GBP")
    work_again = jobs.forget_done("webhooks", 1)
    assert (work_again, Job.objects.filter(kind="webhooks").count()) == (0, 3), "what failed stays"


def test_a_few_slow_targets_keep_no_other_waiting(receiver: Receiver, monkeypatch: Any) -> None:
    monkeypatch.setattr(feed_jobs, "AT_ONCE", 1)
    for name in ("One", "Two", "Three"):
        target(receiver, name=name)
    decide("EUR")
    decide("USD")
    real, order = sending.send, []

    def send(claimed: sending.Claimed) -> outbound.Outcome:
        order.append(claimed.target_id)
        return real(claimed)

    monkeypatch.setattr(sending, "send", send)
    run()
    assert order == sorted(set(order)) * 2, "one of each before the second of any"


def test_an_owner_who_is_switched_off_is_sent_no_more(receiver: Receiver, monkeypatch: Any) -> None:
    row, _ = target(receiver)
    events = [decide(currency) for currency in ("EUR", "USD", "CHF")]
    after_the_first(monkeypatch, lambda: owner(role="rep"))
    run()
    assert receiver.ids == events[:1]
    row.refresh_from_db()
    assert "manages no webhooks" in row.why_paused


def test_a_fault_of_the_sender_is_a_failed_try(receiver: Receiver, monkeypatch: Any) -> None:
    def broken(*_: Any, **__: Any) -> outbound.Outcome:
        raise RuntimeError

    target(receiver)
    decide()
    monkeypatch.setattr(outbound, "post", broken)
    work()
    one = WebhookDelivery.objects.get()
    assert (one.state, one.tries) == ("waiting", 1)
    assert one.last_error == "It could not be sent (RuntimeError)."


def test_an_outcome_that_can_not_be_kept_loses_no_other(receiver: Receiver, monkeypatch: Any) -> None:
    for name in ("One", "Two", "Three"):
        target(receiver, name=name)
    decide()
    real, faults = sending.record, [OSError("one"), OSError("two")]

    def record(*given: Any) -> bool:
        if faults:
            raise faults.pop()
        return real(*given)

    monkeypatch.setattr(sending, "record", record)
    with pytest.raises(OSError, match="two"):
        run()
    assert sorted(WebhookDelivery.objects.values_list("state", flat=True)) == ["done", "waiting", "waiting"]


def test_a_target_is_locked_before_its_deliveries(receiver: Receiver) -> None:
    row, _ = target(receiver)
    decide()
    webhooks.plan()
    (claimed,) = sending.claim((), 5)
    one = WebhookDelivery.objects.get()
    for act in (
        lambda: sending.record(claimed, outbound.Outcome(500, "It answered 500.", True, 1)),
        lambda: webhooks.delivery_replay(actor=ADMIN, row=one),
        lambda: webhooks.target_replay(actor=ADMIN, row=row, since=one.occurred_at),
        lambda: webhooks.target_remove(actor=ADMIN, row=row),
    ):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            act()
        tables = re.findall(
            r'(?:UPDATE|DELETE FROM|INSERT INTO|INSERT OR IGNORE INTO|SELECT .* FROM) "feeds_(webhook\w+)"',
            "\n".join(query["sql"] for query in asked.captured_queries),
        )
        assert tables[0] == "webhooktarget"
        assert "webhookdelivery" in tables


def test_an_event_that_can_not_be_told_holds_up_no_other(receiver: Receiver, monkeypatch: Any) -> None:
    row, _ = target(receiver)
    since = timezone.now()
    bad, good = decide("EUR"), decide("USD")
    real = kinds.told

    def told(act: Any, names: list[str]) -> Any:
        if act.event_id == bad:
            raise KeyError("amount")
        return real(act, names)

    monkeypatch.setattr(kinds, "told", told)
    work()
    assert receiver.ids == [good]
    skipped = AuditEvent.objects.get(action="webhook.skip")
    assert bad in skipped.reason
    assert skipped.subject == f"webhook:{row.pk}"
    monkeypatch.setattr(kinds, "told", real)
    assert webhooks.target_replay(actor=owner(), row=row, since=since) == 2, "made once it can be told"


def test_webhooks_have_a_lane_of_their_own(receiver: Receiver) -> None:
    target(receiver)
    decide()
    feed_jobs.look()
    feed_jobs.look()
    assert Job.objects.filter(kind="webhooks", state="queued").count() == 1
    lanes = {lane.name: lane for lane in Worker().lanes}
    for name in ("salesops-worker", "salesops-worker-quick"):
        assert jobs.claim(lanes[name].kinds, lanes[name].but_not) is None
    assert "webhooks" not in quick_kinds()
    own = lanes["salesops-worker-webhooks"]
    assert jobs.claim(own.kinds, own.but_not) is not None


# --- Targets --------------------------------------------------------------------------------------


def test_a_target_that_fails_for_days_is_paused_and_resumed_without_loss(receiver: Receiver) -> None:
    row, _ = target(receiver)
    receiver.answers = [503]
    first = decide("EUR")
    work()
    WebhookTarget.objects.filter(pk=row.pk).update(failing_since=timezone.now() - timedelta(days=3))
    later(WebhookDelivery.objects.get())
    work()
    row.refresh_from_db()
    assert row.paused_at is not None
    assert "failed for 3 days" in row.why_paused
    assert AuditEvent.objects.filter(action="webhook.pause").count() == 1
    receiver.answers, receiver.got[:] = [200], []
    second = decide("USD")
    later(WebhookDelivery.objects.get())
    work()
    assert receiver.got == []
    webhooks.target_resume(actor=owner(), row=row)
    work()
    assert receiver.ids == [first, second]


def test_a_target_ends_with_its_owners_right(receiver: Receiver) -> None:
    row, _ = target(receiver)
    owner(role="rep")
    decide()
    work()
    row.refresh_from_db()
    assert receiver.got == []
    assert "manages no webhooks" in row.why_paused
    with pytest.raises(ValidationError, match="manages no webhooks"):
        webhooks.target_resume(actor=ADMIN, row=row)
    owner()
    row = WebhookTarget.objects.get(pk=row.pk)
    webhooks.target_resume(actor=ADMIN, row=row)
    work()
    assert len(receiver.got) == 1
    webhooks.target_remove(actor=owner(), row=row)
    decide("CHF")
    work()
    assert len(receiver.got) == 1
    assert WebhookTarget.objects.get(pk=row.pk).secret_sealed == ""


def test_everything_since_an_instant_is_replayed(receiver: Receiver) -> None:
    since = timezone.now()
    before = decide("EUR")
    row, _ = target(receiver)
    after = decide("USD")
    work()
    assert receiver.ids == [after]
    assert webhooks.target_replay(actor=owner(), row=row, since=since) == 2
    work()
    assert receiver.ids == [after, before, after]
    with pytest.raises(ValidationError, match="ahead"):
        webhooks.target_replay(actor=owner(), row=row, since=timezone.now() + timedelta(hours=1))
    WebhookDelivery.objects.update(last_at=timezone.now() - timedelta(days=31))
    assert webhooks.forget_old(timezone.now()) == 2
    assert webhooks.target_replay(actor=owner(), row=row, since=since) == 2, "made anew from the ledger"


def test_only_who_manages_webhooks_makes_targets(receiver: Receiver) -> None:
    for role in ("rep", "sales_manager", "ops_representative", "ops_analyst", "auditor"):
        with pytest.raises(NotAllowedError):
            webhooks.target_create(actor=owner(f"one-{role}", role), name="x", url=receiver.url)
    with pytest.raises(ValidationError, match="Unknown kind"):
        target(receiver, "no.such")


def test_a_changed_key_pauses_and_an_old_key_reads(receiver: Receiver, settings: Any) -> None:
    row, _ = target(receiver)
    decide("EUR")
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another" * 10
    settings.SECRET_KEY_FALLBACKS = [old]
    work()
    assert len(receiver.got) == 1
    settings.SECRET_KEY_FALLBACKS = []
    decide("USD")
    work()
    row.refresh_from_db()
    assert "SALESOPS_SECRET_KEY was changed" in row.why_paused
    assert len(receiver.got) == 1


# --- Nobody inside --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "https://", "https://127.0.0.1/", "https://localhost/",
        "https://10.0.0.8/x", "https://[::1]/", "https://[::ffff:192.168.0.1]/", "https://169.254.169.254/latest",
        "https://0x7f.1/", "https://2130706433/", "https://u:p@8.8.8.8/", "https://8.8.8.8/#x", "https://8.8.8.8:0/",
        "https://8.8.8.8/ x", "http://127.0.0.1:9/", "https://8.8.8.8/\nHost: x", "https://8.8.8.8:99999/",
        f"https://{'a' * 64}.example/", "https://a..b/",
    ],
)  # fmt: skip
def test_inner_and_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        webhooks.target_create(actor=owner(), name="x", url=url)
    assert WebhookTarget.objects.count() == 0


def test_a_name_that_leads_inside_later_is_not_followed(monkeypatch: Any, receiver: Receiver) -> None:
    def leads_to(*addresses: str) -> Any:
        return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 443)) for a in addresses]

    def connected(*_: Any, **__: Any) -> socket.socket:
        raise AssertionError("it must not even connect")

    monkeypatch.setattr(socket, "getaddrinfo", leads_to("93.184.216.34"))
    row, _ = webhooks.target_create(actor=owner(), name="Rebinding", url="https://hooks.example.org/")
    monkeypatch.setattr(socket, "create_connection", connected)
    for inside in (["10.9.9.9"], ["93.184.216.34", "192.168.0.7"]):
        monkeypatch.setattr(socket, "getaddrinfo", leads_to(*inside))
        found = outbound.post(row.url, b"{}", {}, seconds=1, allowed=networks(["127.0.0.0/8"]))
        assert not found.ok
        assert "private network" in found.error
        assert "SALESOPS_WEBHOOK_NETWORKS" in found.error


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    target(receiver)
    receiver.answers = [307]
    decide()
    work()
    assert [path for path, _, _ in receiver.got] == ["/hook?k=1"]
    assert "redirects are not followed" in WebhookDelivery.objects.get().last_error
