"""The business review: a page, a workbook, and a PDF."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from salesops.analytics.addresses import read, reads_address
from salesops.analytics.choices import extent, period_groups, team_groups
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.selectors import ask
from salesops.analytics.shown import definition_of
from salesops.platform import file_runs, page_files
from salesops.platform.access import may
from salesops.platform.actors import Actor, actor_of
from salesops.reports import printing, quarter
from salesops.ui.cells import NUMERIC, cells_of

PDF = "pdf"
WIDE = 6
"""A table of more columns is scrolled, also on a phone, instead of told as cards."""


@require_safe
@freezable
@reads_address
def _review(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    address = read(request.GET)
    found = quarter.review(actor, address)
    with ask(actor, address.question()) as asked:
        span = extent(asked.frames)
        heads = {
            "period_groups": period_groups(asked.frames.firm.calendar, span, asked.frames.today, address),
            "team_groups": team_groups(span, address),
        }
    frozen = Frozen(
        title=f"{found.title}, {found.scope}",
        name=f"business review {found.period.label}",
        data_on=found.today,
        filters=found.filters,
        definitions=[definition_of(one.kpi) for section in found.sections for one in section.figures],
        notes=[*(words for section in found.sections for words in section.said), *found.notes],
        sheets=lambda: quarter.sheets(found),
        zone=found.zone,
    )
    context: dict[str, Any] = {
        "title": found.title,
        "scope": found.scope,
        "sections": [_drawn(section) for section in found.sections],
        "notes": found.notes,
        "address": address,
        "pdf": _pdf_link(request),
        "may_write": may(actor, "finding.write"),
        **heads,
    }
    answer = page(request, "reports/qbr.html", context, frozen)
    answer.review = found
    return answer


def _pdf_link(request: HttpRequest) -> str:
    query = request.GET.copy()
    query["freeze"] = PDF
    return f"?{query.urlencode()}"


def _drawn(section: quarter.Section) -> dict[str, Any]:
    return {
        "key": section.key,
        "title": section.title,
        "said": section.said,
        "reason": section.reason,
        "href": section.href,
        "figures": section.figures,
        "tables": [_table(one, f"{section.key}-{place}") for place, one in enumerate(section.tables)],
    }


def _table(one: quarter.Rows, ident: str) -> dict[str, Any]:
    (title, rows), columns = one.shown(), one.sheet.columns
    lines = cells_of(columns, rows) if columns else []
    return {
        "id": ident,
        "title": title,
        "wide": len(columns) > WIDE,
        "heads": [(c.heading, c.kind in NUMERIC) for c in columns],
        "rows": [
            (
                one.link(row) if one.link else "",
                [(c.heading, *cell) for c, cell in zip(columns, line, strict=True)],
            )
            for row, line in zip(rows, lines, strict=bool(columns))
        ],
        "empty": one.empty or "Nothing.",
    }


@page_files.makes_files
def qbr(request: HttpRequest) -> HttpResponseBase:
    """The review of a period: attainment, forecast, wins and losses, pipeline, what moved, actions and findings."""
    if request.GET.get("freeze") != PDF:
        return _review(request)
    query = request.GET.copy()
    query.pop("freeze")
    begun = file_runs.started()
    request.GET = query
    answer = _review(request)
    found = getattr(answer, "review", None)
    if found is None:
        return answer
    query["freeze"] = PDF
    run = file_runs.FileRun(request, begun, form=PDF, data_on=found.today)
    run.read(quarter.sheets(found))
    name = answer.frozen.file_name(PDF)
    made_by = actor_of(request.user).name
    file: Any = HttpResponse(
        printing.pdf(found, made_by=made_by, made_at=timezone.now()), content_type="application/pdf"
    )
    file["Content-Disposition"] = f'attachment; filename="{name}"'
    file["Cache-Control"] = "no-store"
    file.frozen, file.run = answer.frozen, run
    run.record()
    return file
