"""Jobs of this room: sending webhooks."""

from __future__ import annotations

import logging
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from django.utils import timezone

from salesops.feeds import sending, webhook_services
from salesops.feeds.outbound import Outcome
from salesops.platform import jobs
from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor
from salesops.platform.job_kinds import JobKind, Told, add
from salesops.platform.registries import chores

_log = logging.getLogger(__name__)

KIND = "webhooks"
AT_ONCE = 16
"""Targets that are sent to at the same time; each gets one delivery after the other."""

KEPT = 20
"""Jobs of this kind that went well and stay listed: each delivery has a row of its own."""

PLAN_EVERY = 5.0
"""Seconds between two plans while the job goes on: a long replay to one target keeps no other waiting."""


def webhooks_job(*, actor: Actor, progress: jobs.Progress) -> dict[str, Any]:
    """Plan what happened, and send what is due. A target that hangs holds up no other."""
    webhook_services.forget_old(timezone.now())
    jobs.forget_done(KIND, KEPT)
    tally = {"planned": webhook_services.plan(), "delivered": 0, "failed": 0}
    planned_at = time.monotonic()
    under_way: dict[Future[Outcome], sending.Claimed] = {}

    def settle(future: Future[Outcome]) -> None:
        claimed, outcome = under_way.pop(future), future.result()
        sending.record(claimed, outcome)
        tally["delivered" if outcome.ok else "failed"] += 1

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="salesops-webhook") as pool:
        try:
            while True:
                done = tally["delivered"] + tally["failed"]
                progress(done, done + len(under_way) + 1, f"{tally['delivered']:,} delivered")
                if time.monotonic() - planned_at >= PLAN_EVERY:
                    tally["planned"] += webhook_services.plan()
                    planned_at = time.monotonic()
                busy = {claimed.target_id for claimed in under_way.values()}
                for claimed in sending.claim(busy, AT_ONCE - len(under_way)):
                    under_way[pool.submit(sending.send, claimed)] = claimed
                if not under_way:
                    return tally
                for future in wait(under_way, timeout=1, return_when=FIRST_COMPLETED).done:
                    settle(future)
        finally:
            # Stopped in the middle: what is on its way arrives, so what comes of it is kept.
            for future in list(under_way):
                try:
                    settle(future)
                except Exception:  # noqa: BLE001 - the others' outcomes are kept all the same; this one is sent again
                    _log.exception("What came of a delivery could not be kept")


def look() -> None:
    """Ask for the job where an event waits to be told of, or a delivery is due."""
    if webhook_services.work_waits(timezone.now()):
        jobs.enqueue(KIND, {}, actor=LOCAL_ADMINISTRATOR, dedupe_key=KIND)


def told(result: Told) -> list[tuple[str, str]]:
    """What the job's result says."""
    return [(word.capitalize(), f"{result[word]:,}") for word in ("planned", "delivered", "failed")]


def register() -> None:
    """Make the job known; a worker looks every few seconds whether there is anything to send."""
    add(JobKind(KIND, "Webhooks", webhooks_job, resumes=True, lane=KIND, most_attempts=8, lines=told))
    chores.register(KIND, look)
