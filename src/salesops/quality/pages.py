"""Faults in the data: what is wrong, the rows behind, and repairs by one click."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from salesops.crm.decision_services import repair_decide, repair_end
from salesops.crm.pages import first_run
from salesops.org import known as known_at
from salesops.org.known import PARAMETER, Known, KnownError
from salesops.platform import file_runs, jobs, page_files
from salesops.platform.access import may, require
from salesops.platform.actors import Actor, actor_of
from salesops.platform.selectors import data_day
from salesops.process.inputs import NoDataError, NotKeptError
from salesops.quality import selectors
from salesops.quality.engine.catalogue import RULES
from salesops.quality.engine.rules import Finding, Rule
from salesops.ui import exports
from salesops.ui.about import About
from salesops.ui.components import Empty
from salesops.ui.tables import Column, Table, sort_key

_ROWS = 50
SEVERITIES = {
    "critical": ("Critical", "bad"),
    "high": ("High", "warn"),
    "medium": ("Medium", "info"),
    "low": ("Low", "neutral"),
}
_FRAMES = {"deals": "deals", "accounts": "accounts", "users": "people", "products": "products"}


def _actor(request: HttpRequest) -> Actor:
    actor = actor_of(request.user)
    # Who may not open Data finds the page under Home; see apps.py.
    request.nav_key = "faults" if may(actor, "import.view") else "own_faults"
    return actor


@never_cache
@require_GET
def faults(request: HttpRequest) -> HttpResponse:
    """Every rule over the reader's own rows, gravest first; ``?top=5`` for the worst only."""
    actor = _actor(request)
    try:
        known = _known(request)
        with selectors.open_faults(actor, manifest_id=known.manifest_id, known_at=known.known_at) as opened:
            found = opened.findings()
            proposals = opened.repairs() if may(actor, "repair.view") and known.now else []
            currency, today = opened.frames.currency, opened.frames.as_of
            everything, notes = opened.frames.scope.everything, opened.frames.notes
    except NoDataError as error:
        return _without_data(request, error)
    except NotKeptError as error:
        return _unknown(request, error, 410)
    except KnownError as error:
        return _unknown(request, error)
    faulty = [f for f in found if f.faulty]
    top = request.GET.get("top", "")
    context = {
        "title": "Faults in the data",
        "findings": [_line(f) for f in (faulty[: int(top)] if top.isdecimal() and len(top) < 4 else faulty)],
        "clean": [f for f in found if f.applicable is not None and not f.faulty],
        "unjudged": [f for f in found if f.applicable is None],
        "more": max(0, len(faulty) - int(top)) if top.isdecimal() and len(top) < 4 else 0,
        "proposals": proposals,
        "repairs": selectors.repairs_in_force(today, known) if may(actor, "repair.view") else [],
        "may_repair": may(actor, "repair.write") and known.now,
        "again": f"?{urlencode({PARAMETER: known.text})}" if known.text else "",
        "currency": currency,
        "today": today,
        "everything": everything,
        "notes": notes,
    }
    return render(request, "quality/faults.html", context)


def _known(request: HttpRequest) -> Known:
    """What the address asks to be known, told to the frame of the page too.

    Raises:
        KnownError: it can't be read, or there is no such facts version.
    """
    request.as_known = None
    found = known_at.read(request.GET.get(PARAMETER, ""))
    request.as_known = known_at.shown(found)
    return found


def _without_data(request: HttpRequest, error: NoDataError) -> HttpResponse:
    """Nothing imported yet, or not by then."""
    if request.as_known is None:
        return first_run(request)
    context = {"title": "Faults in the data", "nothing": str(error), "today": request.as_known.day}
    return render(request, "quality/faults.html", context)


def _unknown(request: HttpRequest, error: Exception, status: int = 400) -> HttpResponse:
    context = {"title": "Faults in the data", "wrong": str(error), "today": data_day()}
    return render(request, "quality/faults.html", context, status=status)


def _line(finding: Finding) -> dict[str, Any]:
    word, tone = SEVERITIES[finding.rule.severity]
    share = Decimal(finding.faulty) / Decimal(finding.applicable) if finding.applicable else None
    return {
        "finding": finding,
        "rule": finding.rule,
        "severity": word,
        "tone": tone,
        "share": share,
        "what": _FRAMES[finding.rule.frame],
    }


@require_POST
def scan(request: HttpRequest) -> HttpResponse:
    """Judge every row by a job, and keep the list as a file; one such job at a time for each account."""
    actor = _actor(request)
    return redirect("job", pk=jobs.enqueue("scan", {}, actor=actor, dedupe_key=f"scan:{actor.user_id}").pk)


@never_cache
@page_files.makes_files
@require_GET
def fault_rows(request: HttpRequest, code: str) -> HttpResponseBase:
    """The rows at fault by one rule, as a page or a file."""
    actor = _actor(request)
    rule = RULES.get(code)
    if rule is None:
        raise Http404
    columns = selectors.columns_of(rule)
    sort = sort_key(request.GET.get("sort", ""), columns, selectors.default_sort(rule))
    wanted = request.GET.get("format", "")
    if wanted not in ("", "csv", "xlsx"):
        return render(
            request, "quality/fault_rows.html", _refused(rule, f"There is no format {wanted!r}."), status=400
        )
    try:
        known = _known(request)
        if wanted:
            return _export(request, actor, rule, columns, sort, wanted, known)
        asked = request.GET.get("page", "1")
        number = int(asked) if asked.isdecimal() and len(asked) < 7 else 1
        found = selectors.fault_page(actor, rule, sort=sort, page=number, size=_ROWS, known=known)
    except NoDataError as error:
        return _without_data(request, error)
    except (KnownError, NotKeptError) as error:
        return render(request, "quality/fault_rows.html", _refused(rule, str(error)), status=400)
    paginator = Paginator(range(found.finding.faulty), _ROWS)
    again = f"?{urlencode({PARAMETER: known.text})}" if known.text else ""
    table = Table(
        caption=rule.title,
        columns=[_column(name, rule, found.currency) for name in columns],
        rows=found.rows,
        id="fault-rows",
        page=paginator.get_page(number),
        sort=sort,
        row_href=(lambda row: _deal_url(row) + again) if rule.frame == "deals" else None,
        noun=_FRAMES[rule.frame],
        empty=Empty(
            "No row is at fault",
            found.finding.reason.capitalize() or "Every row this rule speaks of is sound.",
            "circle-check",
        ),
    )
    line = _line(found.finding)
    context = {
        "title": rule.title,
        "rule": rule,
        "line": line,
        "table": table,
        "currency": found.currency,
        "today": found.today,
        "error": "",
        "again": again,
    }
    return render(request, "quality/fault_rows.html", context)


def _refused(rule: Rule, why: str) -> dict[str, Any]:
    return {"title": rule.title, "rule": rule, "error": why}


def _column(name: str, rule: Rule, currency: str) -> Column:
    title = selectors.title_of(name)
    kind: Any = "text"
    if name in ("name", "id") and name == selectors.lead_of(rule):
        kind = "lead"
    elif name in ("amount", "amount_estimate", "annual_revenue"):
        return Column(name, title, "money", sort=name, currency=currency, reason="no amount in the data")
    elif name.endswith("_on"):
        kind = "day"
    return Column(name, title, kind, sort=name)


def _deal_url(row: dict[str, Any]) -> str:
    """The deal's own page, where there is one."""
    for name in ("deal", "opportunity"):
        try:
            return reverse(name, args=[row["id"]])
        except NoReverseMatch:
            continue
    return ""


def _export(
    request: HttpRequest,
    actor: Actor,
    rule: Rule,
    columns: Sequence[str],
    sort: str,
    wanted: str,
    known: Known,
) -> HttpResponseBase:
    begun = file_runs.started()
    first = selectors.fault_page(actor, rule, sort=sort, page=1, size=1, known=known)
    if (later := page_files.instead(request, first.finding.faulty)) is not None:
        return later
    run = file_runs.FileRun(request, begun, form=wanted, data_on=first.today)
    shown = [_file_column(name, first.currency) for name in dict.fromkeys(["id", *columns])]
    rows: Iterator[dict[str, Any]] = selectors.fault_stream(actor, rule, sort=sort, known=known)
    name = f"faults-{rule.code}.{wanted}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Salesops-Run": run.reference}
    sheet = run.sheets([exports.Sheet(rule.code, shown, rows)])[0]
    if wanted == "csv":
        return StreamingHttpResponse(
            run.stream(exports.write_csv(shown, sheet.rows)),
            content_type="text/csv; charset=utf-8",
            headers=headers,
        )
    about = About(
        title=f"{rule.code}: {rule.title}",
        made_by=actor.name,
        made_at=timezone.now(),
        data_on=first.today,
        filters=[("As known", f"{known.known_at:%Y-%m-%d %H:%M %Z}")] if known.known_at else [],
        notes=[rule.fix],
        run=run.reference,
    )
    content = exports.write_xlsx([sheet], about)
    run.record()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return HttpResponse(content, content_type=kind, headers=headers)


def _file_column(name: str, currency: str) -> exports.Column:
    title = selectors.title_of(name)
    if name in ("amount", "amount_estimate", "annual_revenue"):
        return exports.Column(name, title, "money", currency=currency)
    return exports.Column(name, title, "day" if name.endswith("_on") else "text")


@require_POST
def repair(request: HttpRequest) -> HttpResponse:
    """Read a misspelt value as another one, and say what that did to the faults."""
    actor = _actor(request)
    require(actor, "repair.write")
    values = {name: request.POST.get(name, "") for name in ("table", "column", "value", "replacement")}
    before = _counts(actor)
    try:
        repair_decide(actor=actor, reason=request.POST.get("reason", ""), **values)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        told = _effect(before, _counts(actor))
        messages.success(request, f"{values['value']} is now read as {values['replacement']}.{told}")
    return redirect("faults")


@require_POST
def repair_undo(request: HttpRequest) -> HttpResponse:
    """Read a value as it came again."""
    actor = _actor(request)
    require(actor, "repair.write")
    subject = request.POST.get("subject", "")
    row = next((r for r in selectors.repairs_in_force(data_day()) if r.subject == subject), None)
    if row is None:
        messages.info(request, "That repair was not in force any more.")
        return redirect("faults")
    before = _counts(actor)
    repair_end(actor=actor, subject=subject, starts_on=row.starts_on)
    told = _effect(before, _counts(actor))
    messages.success(request, f"{row.value} is read as it came again.{told}")
    return redirect("faults")


def _counts(actor: Actor) -> dict[str, tuple[str, int]]:
    with selectors.open_faults(actor) as opened:
        return {f.rule.code: (f.rule.title, f.faulty) for f in opened.findings()}


def _effect(before: dict[str, tuple[str, int]], after: dict[str, tuple[str, int]]) -> str:
    """What changed among the faults, in words."""
    changed = [
        f" {title}: {was:,} → {after[code][1]:,}."
        for code, (title, was) in before.items()
        if code in after and after[code][1] != was
    ]
    return "".join(changed)
