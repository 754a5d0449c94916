"""A home's jobs tried from outside: the process that the kill tests set up, ask and check by.

Run as ``python -m tests.doors.job_trial STEP``; prints one JSON document.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

ROWS = 5_000
SMALL = 200


def _deals(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("Opportunity ID,Opportunity Name,Owner,Stage,Amount,Created Date,Close Date\n")
        for n in range(rows):
            file.write(f"006{n:06},Deal {n},Owner {n % 40},Prospecting,{n}.50,2026-01-05,2026-06-30\n")


def tally(*, actor: Any, progress: Any, number: int) -> dict[str, Any]:
    """Leave one line that says who ran."""
    line = f"{number} {progress.attempt} {os.getpid()}\n".encode()
    handle = os.open(os.environ["TALLY"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, line)
    os.close(handle)
    return {"number": number}


def _django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.project.settings")
    import django

    django.setup()
    from salesops.platform import job_kinds
    from salesops.platform.home import home_prepare

    job_kinds.add(job_kinds.JobKind("tally", "Tally", tally))
    home_prepare()


def _pause(where: str) -> None:
    """Let a function stop for good before or after one of its calls, so that the process can be killed there.

    ``where`` is ``module:function:before`` or ``:after`` and the number of the call.
    """
    module_name, name, when, call = where.split(":")
    module = importlib.import_module(module_name)
    real, calls = getattr(module, name), 0

    def stands_still() -> None:
        Path(os.environ["MARK"]).touch()
        time.sleep(3600)

    def stopped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == int(call) and when == "before":
            stands_still()
        answer = real(*args, **kwargs)
        if calls == int(call) and when == "after":
            stands_still()
        return answer

    setattr(module, name, stopped)


def mail(_: str) -> dict[str, Any]:
    """A mail to five people."""
    from salesops.platform import mail as mails
    from salesops.platform.actors import LOCAL_ADMINISTRATOR

    to = [f"p{n}@example.com" for n in range(5)]
    sent = mails.mail(actor=LOCAL_ADMINISTRATOR, to=to, subject="Report", text="12 deals")
    return {"job": sent.pk, "message_id": sent.params["message_id"]}


def bring(folder: str) -> dict[str, Any]:
    """An account, and an import that waits for a worker."""
    from salesops.crm import services
    from salesops.platform import signin
    from salesops.platform.actors import LOCAL_ADMINISTRATOR, actor_of

    user = signin.account_save(actor=LOCAL_ADMINISTRATOR, username="ops", role="administrator")
    path = Path(folder) / "deals_2026-03-01.csv"
    _deals(path, ROWS)
    row = services.import_inspect(actor=actor_of(user), paths=[path])
    row = services.import_start(actor=actor_of(user), row=row)
    return {"job": row.job_id}


def export(_: str) -> dict[str, Any]:
    """All deals as a workbook."""
    from django.http import QueryDict

    from salesops.platform import page_files
    from salesops.platform.actors import actor_of
    from salesops.platform.models import User

    user = User.objects.get(username="ops")
    query = QueryDict("status=all&export=xlsx", mutable=True)
    return {"job": page_files.enqueue(actor_of(user), "/pipeline/", query, ROWS).pk}


def small(_: str) -> dict[str, Any]:
    """Many small jobs at once."""
    from django.db import transaction

    from salesops.platform import jobs
    from salesops.platform.actors import LOCAL_ADMINISTRATOR

    with transaction.atomic():
        made = [jobs.enqueue("tally", {"number": n}, actor=LOCAL_ADMINISTRATOR).pk for n in range(SMALL)]
    return {"jobs": made}


def work(_: str) -> dict[str, Any]:
    """Run jobs until none waits, or until the place where the test wants to kill."""
    from salesops.platform import jobs

    if where := os.environ.get("PAUSE"):
        _pause(where)
    return {"ran": jobs.run_waiting(), "pid": os.getpid()}


def check(_: str) -> dict[str, Any]:
    """What all of it came to."""
    import hashlib

    from salesops.crm.models import Import
    from salesops.facts.scope import Scope
    from salesops.platform import job_files
    from salesops.platform.manifests import DatabaseManifests
    from salesops.platform.models import Job
    from salesops.platform.store import fact_store

    with fact_store().at() as facts:
        deals = facts.read("opportunities", Scope.all())
        counted = facts.execute(deals.agg(n=deals.count(), ids=deals.id.nunique(), sum=deals.amount.sum()))
        changes = facts.changes(Scope.all())
        entries = facts.execute(changes.agg(n=changes.count(), most=changes.count() - changes.nunique()))
    files = []
    for job in Job.objects.filter(kind="export"):
        for file in job_files.files_of(job):
            path = job_files.path_of(job, file)
            assert path is not None
            whole = hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
            files.append({"path": str(path), "whole": whole, "beside": len(list(path.parent.iterdir())) - 1})
    assert DatabaseManifests().latest() is not None
    row = counted.to_pylist()[0]
    return {
        "deals": row["n"],
        "ids": row["ids"],
        "sum": str(row["sum"]),
        "doubled_changes": entries.to_pylist()[0]["most"],
        "imports": [
            [row.state, row.report["tables"]["opportunities"]["read"]] for row in Import.objects.all()
        ],
        "jobs": {
            job.pk: [job.kind, job.state, job.attempts, job.message]
            for job in Job.objects.exclude(kind="tally").order_by("pk")
        },
        "files": files,
    }


def main() -> None:
    """Run one step."""
    step, *rest = sys.argv[1:]
    _django()
    print(json.dumps(globals()[step](*(rest or [""]))))


if __name__ == "__main__":
    main()
