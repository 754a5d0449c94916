"""REST: KPIs, the rows behind them, and records."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from salesops.analytics import records, selectors
from salesops.analytics.documents import definition
from salesops.analytics.engine.filters import Filter
from salesops.platform.rest import ERRORS, actor_of_request, reply

router = Router(tags=["numbers"])
MOST = 500


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
    n: int
    sides: dict[str, Any]
    notes: list[str]
    rows: list[dict[str, Any]]


class RowsOut(Schema):
    """One page of rows."""

    total: int
    rows: list[dict[str, Any]]


Filters = Annotated[list[str], Query(default_factory=list, alias="filter", description="column:operator:value[|value]")]


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
            message = f"Write a filter as column:operator:value, for example stage_class:eq:won, not {text!r}."
            raise ValueError(message)
        found.append(Filter(column, op, tuple(value.split("|")) if colon else ()))
    return tuple(found)


@router.get("/kpis", response={200: list[KpiOut], **ERRORS}, summary="Every KPI with its definition")
def kpi_list(request: HttpRequest) -> HttpResponse:
    """Definitions need no row security: they are the same for everybody who signs in."""
    actor_of_request(request)
    return reply([definition(kpi) for kpi in selectors.catalogue()])


@router.get("/kpis/{name}", response={200: NumberOut, **ERRORS}, summary="One number")
def kpi_read(
    request: HttpRequest,
    name: str,
    period: str = "",
    by: Annotated[list[str], Query(default_factory=list)] = None,  # type: ignore[assignment]
    filters: Filters = None,  # type: ignore[assignment]
    as_of: date | None = None,
) -> HttpResponse:
    """A number over the rows the token's account may see, split and filtered as asked."""
    question = selectors.Question(period=period, by=tuple(by or ()), filters=parse_filters(filters or []), as_of=as_of)
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
            "n": total.n,
            "sides": total.sides,
            "notes": [*total.notes, *answer.notes],
            "rows": [
                {"group": v.group, "value": v.value, "reason": v.reason, "n": v.n, "sides": v.sides}
                for v in answer.values
            ],
        }
    )


@router.get("/kpis/{name}/rows", response={200: RowsOut, **ERRORS}, summary="The rows behind one side of a number")
def kpi_rows(
    request: HttpRequest,
    name: str,
    side: str,
    period: str = "",
    filters: Filters = None,  # type: ignore[assignment]
    as_of: date | None = None,
    page: int = 1,
    size: int = 100,
) -> HttpResponse:
    """Rows with what each contributes; their sum is the side."""
    question = selectors.Question(period=period, filters=parse_filters(filters or []), as_of=as_of)
    rows, total = selectors.rows_behind(
        actor_of_request(request), name, side, question, page=max(page, 1), size=min(max(size, 1), MOST)
    )
    return reply({"total": total, "rows": rows})


@router.get("/opportunities", response={200: RowsOut, **ERRORS}, summary="Opportunities", tags=["records"])
def opportunity_list(
    request: HttpRequest,
    search: str = "",
    filters: Filters = None,  # type: ignore[assignment]
    sort: str = "-amount",
    columns: str = "",
    page: int = 1,
    size: int = 100,
    as_of: date | None = None,
) -> HttpResponse:
    """The opportunities the token's account may see."""
    query = records.ListQuery(
        search=search,
        filters=parse_filters(filters or []),
        sort=sort,
        columns=tuple(c for c in columns.split(",") if c),
        page=page,
        size=size,
        as_of=as_of,
    )
    found = records.deal_list(actor_of_request(request), query)
    return reply({"total": found.total, "rows": found.rows})


@router.get("/opportunities/{deal_id}", response={200: dict[str, Any], **ERRORS}, summary="One opportunity", tags=["records"])
def opportunity_read(request: HttpRequest, deal_id: str, as_of: date | None = None) -> HttpResponse:
    """One opportunity with its timeline; 404 where there is none that the account may see."""
    return reply(records.deal(actor_of_request(request), deal_id, as_of=as_of))
