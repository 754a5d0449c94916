"""REST: runs, the kept results that can be asked again."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router, Schema

from salesops.platform import runs
from salesops.platform.models import Run
from salesops.platform.rest import PageNumber, PageSize, actor_of_request, page_of, reply, scoped

router = Router(tags=["runs"])

Reference = Annotated[str, Path(max_length=40)]


class RunOut(Schema):
    """A kept result and what it rests on."""

    reference: str
    kind: str
    params: dict[str, Any]
    facts_version: int | None
    known_at: datetime
    as_of: date | None
    code_version: str
    digest: str
    by: str
    created_at: datetime
    result: Any = None


class RunsOut(Schema):
    """One page of runs, without their results."""

    total: int
    rows: list[RunOut]


class ReplayOut(Schema):
    """What came of asking again."""

    same: bool
    sentence: str
    code_changed: bool
    differences: list[dict[str, Any]]


def _run(row: Run, *, result: bool) -> dict[str, Any]:
    shown = {
        "reference": row.ref,
        "kind": row.kind,
        "params": row.params,
        "facts_version": row.manifest_id,
        "known_at": row.known_at,
        "as_of": row.as_of,
        "code_version": row.code_version,
        "digest": row.digest,
        "by": row.actor_name,
        "created_at": row.created_at,
    }
    return {**shown, "result": row.result} if result else shown


@router.get("/runs", **scoped("numbers.read", RunsOut), summary="Runs, newest first")
def run_list(request: HttpRequest, page: PageNumber = 1, size: PageSize = 100) -> HttpResponse:
    """One's own; all of them for auditors and administrators."""
    total, rows = page_of(runs.runs_of(actor_of_request(request)), page, size)
    return reply({"total": total, "rows": [_run(row, result=False) for row in rows]})


@router.get("/runs/{run}", **scoped("numbers.read", RunOut), summary="One run")
def run_read(request: HttpRequest, run: Reference) -> HttpResponse:
    """By its reference, such as R-7KQ2M9XD; 404 where there is none that the account may see."""
    return reply(_run(runs.run_named(actor_of_request(request), run), result=True))


@router.get("/runs/{run}/replay", **scoped("numbers.read", ReplayOut), summary="Ask a run again")
def run_replay(request: HttpRequest, run: Reference) -> HttpResponse:
    """The same question of the same facts and decisions; says where the answer differs. Nothing is kept of it."""
    actor = actor_of_request(request)
    replayed = runs.run_replay(actor=actor, run=runs.run_named(actor, run))
    differences = [{"at": d.at, "kept": d.kept, "found": d.found} for d in replayed.differences]
    return reply(
        {
            "same": replayed.same,
            "sentence": replayed.sentence,
            "code_changed": replayed.code_changed,
            "differences": differences,
        }
    )
