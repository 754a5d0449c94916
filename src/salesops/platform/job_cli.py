"""Commands on jobs: a worker as a process of its own, and the jobs of a home."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from typing import Any

from django.core.exceptions import ValidationError

from salesops.platform import home, job_selectors, jobs
from salesops.platform.actors import Actor
from salesops.platform.cli import actor_from
from salesops.platform.documents import to_json
from salesops.platform.job_selectors import JobView
from salesops.platform.models import JobState

SHOWN = 50


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add this room's verbs."""
    worker = verbs.add_parser("worker", help="run background jobs and schedules in a process of its own")
    worker.add_argument("--once", action="store_true", help="run what is due, then end")
    worker.set_defaults(run=_worker)

    listed = verbs.add_parser("jobs", help="list jobs, cancel one, or start a failed one again")
    listed.add_argument(
        "action",
        nargs="?",
        choices=("list", "cancel", "retry"),
        default="list",
        help="what to do (default: list)",
    )
    listed.add_argument("job", nargs="?", type=int, help="the job's number (cancel, retry)")
    listed.add_argument("--state", choices=JobState.values, help="only jobs in this state (list)")
    listed.add_argument("--json", action="store_true", help="print JSON")
    listed.set_defaults(run=_jobs)


def _worker(args: argparse.Namespace) -> int:
    from salesops.platform import worker

    home.home_prepare()
    if args.once:
        print(f"{worker.run_once()} jobs ran")
        return 0
    running = worker.Worker()

    def stop(number: int, frame: Any) -> None:
        running.stopping.set()
        jobs.stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    running.start()
    print("Looking for jobs  (stop with Ctrl+C)", flush=True)
    while not running.stopping.is_set() and running.alive():
        time.sleep(0.2)
    wanted = running.stopping.is_set()
    running.stop()
    return 0 if wanted else 1


def _seen(actor: Actor, pk: int | None) -> JobView:
    if pk is None:
        raise ValueError("Say which job, by its number.")
    found = job_selectors.job_for(actor, pk)
    if found is None:
        message = f"There is no job {pk}."
        raise LookupError(message)
    return found


def _jobs(args: argparse.Namespace) -> int:
    actor = actor_from(args)
    if args.action == "list":
        rows = job_selectors.jobs_of(actor)
        if args.state:
            rows = rows.filter(state=args.state)
        _print(job_selectors.views_of(actor, list(rows[:SHOWN])), args.json)
        return 0
    seen = _seen(actor, args.job)
    if args.action == "cancel":
        if seen.finished:
            raise ValidationError("It has ended already.")
        jobs.cancel(seen.job, actor=actor)
    else:
        jobs.retry(seen.job, actor=actor)
    _print([_seen(actor, args.job)], args.json)
    return 0


def _print(seen: list[JobView], as_json: bool) -> None:
    if as_json:
        print(to_json([_told(one) for one in seen]))
        return
    for one in seen:
        job = one.job
        share = f"{job.done * 100 // job.total} %" if job.total and not one.finished else ""
        print(f"{job.pk:>7}  {one.title:<20.20} {job.state:<10} {share:>5}  {one.by:<20.20} {job.message}")
    if not seen:
        print("No job.", file=sys.stderr)


def _told(one: JobView) -> dict[str, Any]:
    job = one.job
    return {
        "id": job.pk, "kind": job.kind, "state": job.state, "by": one.by, "done": job.done, "total": job.total,
        "message": job.message, "attempts": job.attempts, "most_attempts": job.most_attempts,
        "created_at": job.created_at, "started_at": job.started_at, "finished_at": job.finished_at,
        "run_after": job.run_after, "result": job.result,
    }  # fmt: skip
