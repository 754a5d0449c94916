"""Compare with my CRM: a report uploaded, pasted or typed, explained deal by deal and kept."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from salesops.analytics import reconciling
from salesops.analytics.addresses import (
    Address,
    NotThereError,
    deal_href,
    filter_from,
    read,
    reads_address,
    text_of,
)
from salesops.analytics.engine.kpi import Kpi, Side
from salesops.analytics.freezing import Frozen, freezable, page
from salesops.analytics.number_runs import reconciliation_run
from salesops.analytics.page_parts import kpi_named, scope_line, selects
from salesops.analytics.reconciling import FIELDS, Report, ReportError, sides_to_compare
from salesops.analytics.selectors import OpenQuestion, ask
from salesops.analytics.services import reconciliation_record
from salesops.analytics.shown import definition_of, side_unit
from salesops.crm import uploads
from salesops.platform.access import NotAllowedError, require
from salesops.platform.actors import Actor
from salesops.process.inputs import masked_columns, open_frames
from salesops.ui import exports
from salesops.ui.components import Empty
from salesops.ui.tables import Column, Table

CAUSES: Mapping[str, tuple[str, str]] = {
    "scope": ("Not in both", "One side does not hold the deal at all."),
    "date": ("Date", "The deal is dated into another period."),
    "time_zone": ("Time zone", "The same moment falls on another day."),
    "currency": ("Currency", "One side converts the amount, the other does not."),
    "stage": ("Stage", "The sides disagree whether the deal is open, won or lost."),
    "owner": ("Owner", "The deal belongs to somebody the figure does not count."),
    "type": ("Type", "The figure counts another type of deal."),
    "amount": ("Amount", "Both count the deal, with different amounts."),
    "duplicate": ("Listed twice", "The report lists the deal more than once."),
    "unexplained": ("Unexplained", "Nothing that this comparison knows explains it."),
}
"""Cause -> its heading and what it means."""

_SALT = "salesops.analytics.reconcile"
_LIFE = 24 * 3600


@require_http_methods(["GET", "HEAD", "POST"])
@reads_address
def reconcile(request: HttpRequest, actor: Actor, name: str) -> HttpResponseBase:
    """Give the report, say what its columns are, and be told where the difference comes from."""
    _require_everything(actor)
    kpi, address = kpi_named(name), read(request.GET)
    sides = sides_to_compare(kpi)
    if not sides:
        raise NotThereError(f"{kpi.title} is not a sum or a number of deals that a report could show.")
    side = _side(sides, request.POST.get("side") or address.side)
    error, report, token = "", None, ""
    if request.method == "POST":
        try:
            token, report = _given(request, actor, kpi)
            compare = request.POST.get("do") == "compare" or report is None
            if compare:
                row = _compare(request, actor, kpi, side, address, report)
                return redirect("reconciled", name, row.pk)
        except (ReportError, ValidationError) as refused:
            error = " ".join(refused.messages) if isinstance(refused, ValidationError) else str(refused)
    with ask(actor, address.question()) as asked:
        context = {
            "title": f"Compare {kpi.title.lower()} with my CRM",
            "scope": scope_line(actor, asked, address),
            "kpi": kpi,
            "sides": [{"name": s.name, "title": _side_title(s), "chosen": s is side} for s in sides],
            "side": side,
            "ours": _ours(asked, kpi, side),
            "error": error,
            "report": report,
            "token": token,
            "fields": _fields(request, report) if report else [],
            "figure": request.POST.get("figure", ""),
            "pasted": request.POST.get("pasted", ""),
            "back": address.to("number", name, side=""),
            **selects(asked, address),
        }
    return render(request, "analytics/reconcile.html", context, status=400 if error else 200)


def _require_everything(actor: Actor) -> None:
    """Comparisons are made over every row and amount: whoever does not see them all does not compare."""
    require(actor, "reconcile")
    with open_frames(actor) as frames:
        if not frames.scope.everything or masked_columns(frames):
            raise NotAllowedError("A comparison shows every deal and amount, and not all are yours to see.")


def _side(sides: list[Side], wanted: str) -> Side:
    if not wanted:
        return sides[0]
    for side in sides:
        if side.name == wanted:
            return side
    raise NotThereError(
        f"There is no side {wanted!r} to compare; there are {', '.join(s.name for s in sides)}."
    )


def _side_title(side: Side) -> str:
    return f"{side.title}: {'how many' if side.measure.kind == 'count' else 'their amounts'}"


def _ours(asked: OpenQuestion, kpi: Kpi, side: Side) -> str:
    value = asked.values([kpi.name])[0].sides.get(side.name)
    unit = side_unit(side, asked.frames.currency)
    return unit.exact(value) if value is not None else "no amount is known"


def _given(request: HttpRequest, actor: Actor, kpi: Kpi) -> tuple[str, Report | None]:
    """The report of a form, kept, with a token that only its sender can use; None for a typed figure.

    Raises:
        ReportError: nothing was given, or it holds no table.
    """
    token = request.POST.get("report", "")
    file, pasted = request.FILES.get("file"), request.POST.get("pasted", "").strip()
    if token:
        path = _path_of(token, actor)
    elif file is not None:
        path = uploads.keep(file.name or "report", file.chunks())
    elif pasted:
        path = uploads.keep("pasted table.txt", [pasted.encode()])
    elif request.POST.get("figure", "").strip():
        return "", None
    else:
        raise ReportError("Choose the report's file, paste its rows, or type its figure.")
    report = reconciling.open_report(path, path.name, kpi.dated_by)
    if not token:
        inside = path.relative_to(settings.UPLOADS_PATH).as_posix()
        token = signing.dumps({"path": inside, "user": actor.user_id}, salt=_SALT)
    return token, report


def _path_of(token: str, actor: Actor) -> Path:
    try:
        given = signing.loads(token, salt=_SALT, max_age=_LIFE)
    except signing.BadSignature as error:
        raise ReportError("The report is no longer at hand. Give it again.") from error
    path = Path(settings.UPLOADS_PATH) / str(given["path"])
    if given["user"] != actor.user_id or not path.is_file():
        raise ReportError("The report is no longer at hand. Give it again.")
    return path


def _fields(request: HttpRequest, report: Report) -> list[dict[str, Any]]:
    chosen = _columns(request) if request.POST.get("do") == "compare" else report.columns
    return [
        {
            "name": f"column_{field}",
            "title": FIELDS[field][0],
            "options": [{"header": h, "chosen": h == chosen.get(field, "")} for h in report.headers],
        }
        for field in FIELDS
    ]


def _columns(request: HttpRequest) -> dict[str, str]:
    return {field: request.POST.get(f"column_{field}", "") for field in FIELDS}


def _compare(
    request: HttpRequest, actor: Actor, kpi: Kpi, side: Side, address: Address, report: Report | None
) -> Any:
    figure = request.POST.get("figure", "").strip()
    stated = reconciling.read_figure(figure) if figure else None
    with ask(actor, address.question()) as asked:
        theirs = None
        if report is not None:
            columns = _columns(request)
            if side.measure.kind != "count" and not columns["amount"]:
                raise ReportError("Say which column holds the amount.")
            theirs = reconciling.their_rows(report, columns, asked.frames.stages)
        result = reconciling.compare(asked, kpi, side, theirs, stated)
        manifest = asked.frames.facts.manifest
        row = reconciliation_record(
            actor=actor,
            kpi=kpi.name,
            side=side.name,
            result=result,
            period=asked.period.label if asked.period else "",
            filters=[text_of(f) for f in asked.question.filters],
            as_of=asked.frames.as_of,
            manifest_id=manifest.id if manifest else "",
            report_name=report.table.name if report else "",
        )
    reconciliation_run(actor=actor, row=row, side=side.name, question=address.question())
    return row


@require_safe
@freezable
@reads_address
def reconciled(request: HttpRequest, actor: Actor, name: str, pk: int) -> HttpResponseBase:
    """One comparison as it was found: our figure, theirs, the difference by cause, and its deals."""
    _require_everything(actor)
    kpi = kpi_named(name)
    row = reconciling.kept_comparison(name, pk)
    if row is None:
        raise NotThereError("There is no such comparison.")
    with open_frames(actor) as frames:
        currency, zone = frames.currency, frames.firm.zone
    side = next((s for s in kpi.sides if s.name == row.result["side"]), kpi.sides[0])
    unit = side_unit(side, currency)
    cause = request.GET.get("cause", "")
    lines = [_line(line) for line in row.result["lines"] if cause in ("", line["cause"])]
    paging = Paginator(lines, 50).get_page(request.GET.get("page"))
    ours, theirs = Decimal(row.ours), Decimal(row.theirs)
    causes = _causes(row, unit, cause)
    money = currency if unit.kind == "money" else ""
    kind: Any = "money" if unit.kind == "money" else "number"
    table = Table(
        "Deals that differ",
        [
            Column("label", "Deal", "lead"),
            Column("cause_title", "Cause"),
            Column("ours", "Here", kind, currency=money),
            Column("theirs", "CRM", kind, currency=money),
            Column("difference", "Difference", kind, currency=money),
            Column("sentence", "Why"),
        ],
        list(paging),
        id="lines",
        page=paging,
        row_href=lambda line: deal_href(line["id"]) if line["id"] else None,
        noun="deals",
        empty=Empty(
            "No deal differs",
            "Every deal of the figure is in the report with the same amount.",
            "circle-check",
        ),
    )
    title = f"{kpi.title} compared with the CRM"
    frozen = Frozen(
        title=f"{title}, {row.period or 'all data'}",
        name=f"reconciliation {name} {row.pk}",
        data_on=row.as_of,
        filters=[
            ("Figure", _side_title(side)),
            ("Period", row.period or "all data"),
            *[("Filter", text) for text in row.filters],
            ("Report", row.report_name or "a typed figure"),
            ("Compared by", row.author_name),
        ],
        definitions=[definition_of(kpi)],
        sheets=lambda: _sheets(row, kind, money),
        zone=zone,
    )
    context = {
        "title": title,
        "kpi": kpi,
        "row": row,
        "side": _side_title(side),
        "ours": unit.exact(ours),
        "theirs": unit.exact(theirs),
        "difference": unit.exact(theirs - ours),
        "equal": ours == theirs,
        "agreed": row.result["agreed"],
        "causes": causes,
        "sum": unit.exact(sum((Decimal(c["amount"]) for c in row.result["by_cause"].values()), Decimal(0))),
        "candidates": [
            {**c, "text": unit.exact(Decimal(c["contribution"])), "title": CAUSES[c["cause"]][0]}
            for c in row.result["candidates"]
        ],
        "table": table,
        "kept": len(row.result["lines"]),
        "in_all": row.result["lines_in_all"],
        "back": Address(
            period=row.period or "all", filters=tuple(filter_from(text) for text in row.filters)
        ).to("number", name),
    }
    return page(request, "analytics/reconciled.html", context, frozen)


def _line(line: Mapping[str, str]) -> dict[str, Any]:
    ours, theirs = Decimal(line["ours"]), Decimal(line["theirs"])
    return {
        **line,
        "label": line["name"] or line["id"] or "The report as a whole",
        "cause_title": CAUSES[line["cause"]][0],
        "ours": ours,
        "theirs": theirs,
        "difference": theirs - ours,
    }


def _causes(row: Any, unit: Any, chosen: str) -> list[dict[str, Any]]:
    return [
        {
            "key": cause,
            "title": CAUSES[cause][0],
            "text": CAUSES[cause][1],
            "amount": unit.exact(Decimal(found["amount"])),
            "deals": found["deals"],
            "current": cause == chosen,
        }
        for cause, found in row.result["by_cause"].items()
    ]


def _sheets(row: Any, kind: Any, money: str) -> list[exports.Sheet]:
    return [
        exports.Sheet(
            "Deals that differ",
            [
                exports.Column("id", "Id"),
                exports.Column("name", "Deal"),
                exports.Column("cause_title", "Cause"),
                exports.Column("ours", "Here", kind, money),
                exports.Column("theirs", "CRM", kind, money),
                exports.Column("difference", "Difference", kind, money),
                exports.Column("sentence", "Why", width=60),
            ],
            [_line(line) for line in row.result["lines"]],
        ),
        exports.Sheet(
            "By cause",
            [
                exports.Column(lambda r: CAUSES[r["cause"]][0], "Cause"),
                exports.Column(lambda r: Decimal(r["amount"]), "Difference", kind, money),
                exports.Column("deals", "Deals", "integer"),
            ],
            [{"cause": c, **found} for c, found in row.result["by_cause"].items()],
        ),
    ]
