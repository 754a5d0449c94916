"""What the tests of watched folders and mailboxes share."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from salesops.crm import watch_services
from salesops.crm.models import Watch
from salesops.crm.tests import imap_server
from salesops.facts.scope import Scope
from salesops.platform import jobs
from salesops.platform.models import Job, Schedule
from salesops.platform.store import fact_store
from salesops.platform.tests.roles import actor

HEADER = "Opportunity ID,Opportunity Name,Stage,Amount,Created Date,Close Date\n"
DAY = date(2026, 3, 1)
MAILBOX = {
    "name": "Reports", "kind": "mailbox", "host": "127.0.0.1", "tls": False, "user": imap_server.USER,
    "password_variable": "SALESOPS_WATCH_PASSWORD_REPORTS", "senders": ["reports@crm.example", "@Trusted.example"],
    "subject_pattern": "*pipeline*", "mail_to": ["ada@example.com"],
}  # fmt: skip


class DiedError(BaseException):
    """What stops a worker in the middle of a step, as a kill would."""


def deal(key: str, amount: str = "10.00") -> str:
    return f"{key},Deal {key},Prospecting,{amount},2026-01-05,2026-06-30\n"


def amounts() -> dict[str, str]:
    with fact_store().at() as facts:
        rows = facts.execute(facts.read("opportunities", Scope.all()).select("id", "amount")).to_pylist()
    return {row["id"]: f"{row['amount']:.2f}" for row in rows}


def watch_folder(**values: Any) -> Watch:
    given = {"name": "Nightly", "kind": "folder", "path": "crm", "mail_to": ["ada@example.com"]}
    return watch_services.watch_save(actor=actor("ops_manager"), **given | values)


def look(watch: Watch, now: Any, times: int = 1) -> None:
    """Looks five seconds apart, and whatever they start."""
    who = jobs.owner(Schedule.objects.get(pk=watch.schedule_id))
    for _ in range(times):
        watch_services.watch_look(actor=who, row=watch)
        jobs.run_waiting()
        now.ahead += timedelta(seconds=6)


def states(watch: Watch) -> list[tuple[str, str]]:
    return list(watch.arrivals.order_by("id").values_list("name", "state"))


def mails() -> list[str]:
    return [job.params["subject"] for job in Job.objects.filter(kind="mail").order_by("id")]
