"""REST: KPIs, the rows behind them, and records."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from salesops.analytics import deal_records, records, selectors
from salesops.analytics.documents import definition
from salesops.analytics.engine.filters import Filter, FilterError, apply_filters
from salesops.analytics.engine.masking import refuse_masked
from salesops.analytics.stewardship import Stewardship, stewardships
from salesops.facts.tables import TABLES
from salesops.org import known as known_at_text
from salesops.platform.rest import PageNumber, PageSize, actor_of_request, reply, scoped
from salesops.platform.selectors import data_day
from salesops.process.inputs import open_frames

router = Router(tags=["numbers"])
READABLE = tuple(name for name in TABLES if name != "changes")
"""Tables whose records can be read as they came; an opportunity's changes come with the opportunity."""


class KpiOut(Schema):
    """A KPI's declaration."""

    name: str
    title: str
    definition: str
    formula: str
    unit: str
    grain: str
    dimensions: Any
    direction: str
    owner: str
    convention: str
    sides: dict[str, str]
    steward: str
    target: Any
    review_on: date | None


class NumberOut(Schema):
    """A number with everything it rests on; money as an exact JSON number."""

    name: str
    value: Any
    reason: str
    unit: str
    currency: str | None
    period: str
    as_of: date
    data_date: date
    facts_version: str
    known_at: datetime | None
    n: int
    sides: dict[str, Any]
    notes: list[str]
    rows: list[dict[str, Any]]


class TableOut(Schema):
    """A table of records and its columns."""

    name: str
    grain: str
    columns: dict[str, str]


class RowsOut(Schema):
    """One page of rows."""

    total: int
    rows: list[dict[str, Any]]


Filters = Annotated[
    list[str] | None, Query(alias="filter", description="column:operator:value[|value]; may be repeated")
]


TeamName = Annotated[
    str, Field(max_length=200, description="column:value, for example region:West; empty for all")
]

KnownAt = Annotated[
    str,
    Query(
        "",
        alias="known_at",
        description="as known at the end of a day (2026-03-31), at an instant, or at a facts version (v12); "
        "empty for now",
    ),
]


def parse_filters(texts: list[str]) -> tuple[Filter, ...]:
    """``column:operator:value|value`` texts as filters.

    Raises:
        ValueError: a text has no operator.
    """
    found = []
    for text in texts:
        column, _, rest = text.partition(":")
        op, colon, value = rest.partition(":")
        if not op:
            message = (
                f"Write a filter as column:operator:value, for example stage_class:eq:won, not {text!r}."
            )
            raise ValueError(message)
        found.append(Filter(column, op, tuple(value.split("|")) if colon else ()))
    return tuple(found)


@router.get("/kpis", **scoped("numbers.read", list[KpiOut]), summary="Every KPI with its definition")
def kpi_list(request: HttpRequest) -> HttpResponse:
    """Definitions need no row security: they are the same for everybody who signs in.

    ``owner`` is the role that answers for the definition; ``steward``, ``target`` (in the number's own
    unit) and ``review_on`` are what was decided, as in force on the data's own date. They are decided at
    ``/decisions/kpi``.
    """
    actor_of_request(request)
    decided = stewardships(data_day())

    def told(name: str) -> dict[str, Any]:
        found = decided.get(name, Stewardship(name))
        return {"steward": found.owner, "target": found.target, "review_on": found.review_on}

    return reply([definition(kpi) | told(kpi.name) for kpi in selectors.catalogue()])


@router.get("/kpis/{name}", **scoped("numbers.read", NumberOut), summary="One number")
def kpi_read(
    request: HttpRequest,
    name: str,
    period: str = "",
    by: Annotated[list[str] | None, Query(description="dimension; may be repeated")] = None,
    filters: Filters = None,
    as_of: date | None = None,
    known: KnownAt = "",
) -> HttpResponse:
    """A number over the rows the token's account may see, split and filtered as asked, as known then."""
    then = known_at_text.read(known)
    question = selectors.Question(
        period=period,
        by=tuple(by or ()),
        filters=parse_filters(filters or []),
        as_of=as_of,
        manifest_id=then.manifest_id,
        known_at=then.known_at,
    )
    answer, total = selectors.number_with_total(actor_of_request(request), name, question)
    kpi = selectors.kpis([name])[0]
    return reply(
        {
            "name": name,
            "value": total.value,
            "reason": total.reason,
            "unit": kpi.unit,
            "currency": answer.currency if kpi.unit.startswith("money") else None,
            "period": answer.period.label if answer.period else "all",
            "as_of": answer.as_of,
            "data_date": answer.today,
            "facts_version": answer.manifest_id,
            "known_at": then.known_at,
            "n": total.n,
            "sides": total.sides,
            "notes": [*total.notes, *answer.notes],
            "rows": [
                {"group": v.group, "value": v.value, "reason": v.reason, "n": v.n, "sides": v.sides}
                for v in answer.values
            ],
        }
    )


@router.get(
    "/kpis/{name}/rows", **scoped("numbers.read", RowsOut), summary="The rows behind one side of a number"
)
def kpi_rows(
    request: HttpRequest,
    name: str,
    side: str,
    period: str = "",
    filters: Filters = None,
    as_of: date | None = None,
    page: PageNumber = 1,
    size: PageSize = 100,
    known: KnownAt = "",
) -> HttpResponse:
    """Rows with what each contributes; their sum is the side."""
    then = known_at_text.read(known)
    question = selectors.Question(
        period=period,
        filters=parse_filters(filters or []),
        as_of=as_of,
        manifest_id=then.manifest_id,
        known_at=then.known_at,
    )
    rows, total = selectors.rows_behind(actor_of_request(request), name, side, question, page=page, size=size)
    return reply({"total": total, "rows": rows})


@router.get("/opportunities", **scoped("records.read", RowsOut), summary="Opportunities", tags=["records"])
def opportunity_list(
    request: HttpRequest,
    search: str = "",
    filters: Filters = None,
    sort: str = "-amount",
    columns: str = "",
    page: PageNumber = 1,
    size: PageSize = 100,
    as_of: date | None = None,
    known: KnownAt = "",
) -> HttpResponse:
    """The opportunities the token's account may see.

    Every word of `search` must occur in the id, name, account, owner or product; fewer than four letters
    from a to z are not looked for in ids.
    """
    query = records.ListQuery(
        search=search,
        filters=parse_filters(filters or []),
        sort=sort,
        columns=tuple(c for c in columns.split(",") if c),
        page=page,
        size=size,
        as_of=as_of,
        known=known_at_text.read(known),
    )
    found = records.deal_list(actor_of_request(request), query)
    # Past the end a page of the application shows the last one; a program that reads on must come to an end.
    return reply({"total": found.total, "rows": found.rows if found.page == page else []})


@router.get(
    "/opportunities/{deal_id}",
    **scoped("records.read", dict[str, Any]),
    summary="One opportunity",
    tags=["records"],
)
def opportunity_read(
    request: HttpRequest, deal_id: str, as_of: date | None = None, known: KnownAt = ""
) -> HttpResponse:
    """One opportunity with its timeline; 404 where there is none that the account may see."""
    then = known_at_text.read(known)
    return reply(deal_records.deal(actor_of_request(request), deal_id, as_of=as_of, known=then))


@router.get(
    "/records", **scoped("records.read", list[TableOut]), summary="Tables of records", tags=["records"]
)
def table_list(request: HttpRequest) -> HttpResponse:
    """Every table that can be read, with its columns: the canonical ones, then the company's own (``x_...``)."""
    with open_frames(actor_of_request(request)) as frames:
        known = [
            {"name": name, "grain": TABLES[name].grain, "columns": dict(frames.facts.columns(name))}
            for name in READABLE
        ]
    return reply(known)


@router.get(
    "/records/{table}", **scoped("records.read", RowsOut), summary="Records of one table", tags=["records"]
)
def record_list(
    request: HttpRequest,
    table: str,
    filters: Filters = None,
    sort: str = "id",
    page: PageNumber = 1,
    size: PageSize = 100,
    as_of: date | None = None,
    known: KnownAt = "",
) -> HttpResponse:
    """Records as they were imported, those the token's account may see; no decision is applied to them."""
    if table not in READABLE:
        message = f"There is no table {table!r}. There are: {', '.join(READABLE)}."
        raise LookupError(message)
    column = sort.removeprefix("-")
    then = known_at_text.read(known)
    with open_frames(
        actor_of_request(request), as_of=as_of, manifest_id=then.manifest_id, known_at=then.known_at
    ) as frames:
        wanted = parse_filters(filters or [])
        refuse_masked(frames.scope.masked_columns(table), wanted)
        rows = apply_filters(frames.facts.read(table, frames.scope), wanted)
        if column not in rows.columns:
            message = f"There is no column {column!r} to sort by."
            raise FilterError(message)
        key = (
            rows[column].desc(nulls_first=False)
            if sort.startswith("-")
            else rows[column].asc(nulls_first=False)
        )
        total = frames.facts.execute(rows.agg(n=rows.count())).to_pylist()[0]["n"]
        ordered = rows.order_by([key] if column == "id" else [key, rows.id.asc()]).limit(
            size, offset=(page - 1) * size
        )
        return reply({"total": total, "rows": frames.facts.execute(ordered).to_pylist()})
