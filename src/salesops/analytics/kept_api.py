"""REST: accounts of the CRM, saved views, and comparisons with figures from elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import File, Form, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from salesops.analytics import (
    account_records,
    list_address,
    number_runs,
    reconciling,
    records,
    selectors,
    services,
    views_services,
)
from salesops.analytics.api import Filters, RowsOut, parse_filters
from salesops.analytics.engine.kpi import Kpi, Side
from salesops.analytics.list_address import text_of
from salesops.crm import uploads
from salesops.org import known as known_at_text
from salesops.platform.access import require
from salesops.platform.api import Body
from salesops.platform.rest import (
    Number,
    PageNumber,
    PageSize,
    actor_of_request,
    found,
    page_of,
    reply,
    scoped,
)

router = Router(tags=["records"])

KnownAt = Annotated[
    str, Query("", alias="known_at", max_length=100, description="as known then; empty for now")
]
Name = Annotated[str, Field(min_length=1, max_length=120)]


@router.get("/accounts", **scoped("records.read", RowsOut), summary="Accounts")
def account_list(
    request: HttpRequest,
    search: Annotated[str, Query(max_length=300)] = "",
    sort: str = "-open_amount",
    known: KnownAt = "",
    page: PageNumber = 1,
    size: PageSize = 100,
) -> HttpResponse:
    """With what the deals there add up to that the token's account may see."""
    shown = account_records.account_list(
        actor_of_request(request),
        search=search,
        sort=sort,
        page=page,
        size=size,
        known=known_at_text.read(known),
    )
    return reply({"total": shown.total, "rows": shown.rows if shown.page == page else []})


@router.get("/accounts/{account_id}", **scoped("records.read", dict[str, Any]), summary="One account")
def account_read(request: HttpRequest, account_id: str, known: KnownAt = "") -> HttpResponse:
    """404 where there is none that the account may see."""
    then = known_at_text.read(known)
    return reply(account_records.account(actor_of_request(request), account_id, known=then))


class ViewOut(Schema):
    """A saved view of the list of deals."""

    id: int
    name: str
    query: str
    shared: bool
    mine: bool
    by: str


class ViewIn(Body):
    """A view to save."""

    name: Name
    query: Annotated[str, Field(max_length=8_000)] = Field(
        description="the query string of the list's address"
    )
    shared: bool = False


class ViewChange(Body):
    """Another name for a view, and whether others may pick it."""

    name: Name
    shared: bool


@router.get("/views", **scoped("records.read", list[ViewOut]), summary="Saved views", tags=["views"])
def view_list(request: HttpRequest) -> HttpResponse:
    """One's own, then those shared with everybody."""
    return reply(views_services.views(actor_of_request(request)))


def _view(request: HttpRequest, view_id: int) -> Any:
    views = views_services.views(actor_of_request(request))
    return found(next((view for view in views if view.id == view_id), None), "view")


@router.get(
    "/views/{view_id}/rows", **scoped("records.read", RowsOut), summary="Rows of a view", tags=["views"]
)
def view_rows(
    request: HttpRequest, view_id: Number, page: PageNumber = 1, size: PageSize = 100
) -> HttpResponse:
    """The deals that the token's account may see, filtered and sorted as the view says."""
    kept = list_address.parse(_view(request, view_id).query)
    query = replace(kept.list_query(), page=page, size=size)
    seen = records.deal_list(actor_of_request(request), query)
    return reply({"total": seen.total, "rows": seen.rows if seen.page == page else []})


@router.post("/views", **scoped("views.write", ViewOut, 201), summary="Save a view", tags=["views"])
def view_save(request: HttpRequest, body: ViewIn) -> HttpResponse:
    """One's own view of that name is replaced."""
    return reply(views_services.save(actor=actor_of_request(request), **body.dict()), 201)


@router.patch(
    "/views/{view_id}", **scoped("views.write", ViewOut), summary="Rename or share a view", tags=["views"]
)
def view_change(request: HttpRequest, view_id: Number, body: ViewChange) -> HttpResponse:
    """One's own; an administrator's any shared one."""
    return reply(views_services.rename(actor=actor_of_request(request), pk=view_id, **body.dict()))


@router.delete("/views/{view_id}", **scoped("views.write", ViewOut), summary="Remove a view", tags=["views"])
def view_remove(request: HttpRequest, view_id: Number) -> HttpResponse:
    """Answers the view that is gone."""
    return reply(views_services.delete(actor=actor_of_request(request), pk=view_id))


class KeptOut(Schema):
    """The reference of the run that keeps a number."""

    reference: str
    digest: str


@router.post(
    "/kpis/{name}/runs", **scoped("runs.write", KeptOut, 201), summary="Keep a number as a run", tags=["runs"]
)
def number_keep(
    request: HttpRequest,
    name: str,
    period: str = "",
    by: Annotated[list[str] | None, Query()] = None,
    filters: Filters = None,
    as_of: date | None = None,
    known: KnownAt = "",
) -> HttpResponse:
    """With the facts version and decisions it rests on, so that it can be asked again."""
    then = known_at_text.read(known)
    question = selectors.Question(
        period=period,
        by=tuple(by or ()),
        filters=parse_filters(filters or []),
        as_of=as_of,
        manifest_id=then.manifest_id,
        known_at=then.known_at,
    )
    run = number_runs.number_keep(actor=actor_of_request(request), name=name, question=question)
    return reply({"reference": run.ref, "digest": run.digest}, 201)


class ComparisonOut(Schema):
    """One comparison as it was found."""

    id: int
    kpi: str
    side: str
    period: str
    filters: list[str]
    as_of: date | None
    ours: Any
    theirs: Any
    report_name: str
    by: str
    created_at: datetime
    result: dict[str, Any]


def _comparison(row: Any, *, lines: bool) -> dict[str, Any]:
    result = row.result if lines else {k: v for k, v in row.result.items() if k != "lines"}
    return {
        "id": row.pk,
        "kpi": row.kpi,
        "side": row.result["side"],
        "period": row.period,
        "filters": row.filters,
        "as_of": row.as_of,
        "ours": row.ours,
        "theirs": row.theirs,
        "report_name": row.report_name,
        "by": row.author_name,
        "created_at": row.created_at,
        "result": result,
    }


@router.get(
    "/kpis/{name}/reconciliations",
    **scoped("numbers.read", list[ComparisonOut]),
    summary="Comparisons of a number",
    tags=["reconciliations"],
)
def comparison_list(
    request: HttpRequest, name: str, page: PageNumber = 1, size: PageSize = 100
) -> HttpResponse:
    """Newest first, without their lines."""
    require(actor_of_request(request), "reconcile")
    kpi = selectors.kpis([name])[0]
    _, rows = page_of(reconciling.kept_comparisons(kpi.name, page * size), page, size)
    return reply([_comparison(row, lines=False) for row in rows])


@router.get(
    "/kpis/{name}/reconciliations/{comparison_id}",
    **scoped("numbers.read", ComparisonOut),
    summary="One comparison",
    tags=["reconciliations"],
)
def comparison_read(request: HttpRequest, name: str, comparison_id: Number) -> HttpResponse:
    """Our figure, theirs, the difference by cause, and its deals."""
    require(actor_of_request(request), "reconcile")
    row = found(reconciling.kept_comparison(name, comparison_id), "comparison")
    return reply(_comparison(row, lines=True))


@router.post(
    "/kpis/{name}/reconciliations",
    **scoped("reconciliations.write", ComparisonOut, 201),
    summary="Compare a number with a report or a figure",
    tags=["reconciliations"],
)
def comparison_create(
    request: HttpRequest,
    name: str,
    period: str = "",
    filters: Filters = None,
    as_of: date | None = None,
    side: Form[str] = "",
    figure: Form[str] = "",
    columns: Form[str] = "",
    file: File[UploadedFile | None] = None,
) -> HttpResponse:
    """Send the report's file, or the figure it shows; ``columns`` is JSON of field to header where the proposal
    of the file is wrong.
    """
    actor = actor_of_request(request)
    require(actor, "reconcile")
    kpi = selectors.kpis([name])[0]
    chosen = _side(kpi, side)
    report, mapped = None, {}
    if file is not None:
        path = uploads.keep(file.name or "report", file.chunks())
        report = reconciling.open_report(path, path.name, kpi.dated_by)
        mapped = report.columns | _columns(columns)
    elif not figure.strip():
        raise reconciling.ReportError("Send the report's file, or its figure.")
    stated = reconciling.read_figure(figure) if figure.strip() else None
    question = selectors.Question(period=period, filters=parse_filters(filters or []), as_of=as_of)
    with selectors.ask(actor, question) as asked:
        theirs = reconciling.their_rows(report, mapped, asked.frames.stages) if report else None
        result = reconciling.compare(asked, kpi, chosen, theirs, stated)
        manifest = asked.frames.facts.manifest
        row = services.reconciliation_record(
            actor=actor,
            kpi=kpi.name,
            side=chosen.name,
            result=result,
            period=asked.period.label if asked.period else "",
            filters=[text_of(f) for f in asked.question.filters],
            as_of=asked.frames.as_of,
            manifest_id=manifest.id if manifest else "",
            report_name=report.table.name if report else "",
        )
    number_runs.reconciliation_run(actor=actor, row=row, side=chosen.name, question=question)
    return reply(_comparison(row, lines=True), 201)


def _side(kpi: Kpi, wanted: str) -> Side:
    sides = reconciling.sides_to_compare(kpi)
    if not sides:
        message = f"{kpi.title} is not a sum or a number of deals that a report could show."
        raise reconciling.ReportError(message)
    if not wanted:
        return sides[0]
    return found(
        next((side for side in sides if side.name == wanted), None), "side of this number to compare"
    )


def _columns(text: str) -> dict[str, str]:
    if not text.strip():
        return {}
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise reconciling.ReportError("The columns are no JSON.") from error
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        raise reconciling.ReportError("The columns are JSON of field to header.")
    unknown = [field for field in given if field not in reconciling.FIELDS]
    if unknown:
        message = f"There is no field {unknown[0]!r}; there are {', '.join(reconciling.FIELDS)}."
        raise reconciling.ReportError(message)
    return given
