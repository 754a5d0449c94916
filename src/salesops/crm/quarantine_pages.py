"""Rows that could not be taken: why, mending them one by one or in a spreadsheet, and dismissing them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from salesops.crm import import_selectors as selectors
from salesops.crm.forms import cells_sent
from salesops.crm.models import QuarantinedRow, QuarantineState
from salesops.crm.plans import QUARANTINE_PREFIX
from salesops.crm.quarantine import quarantine_dismiss, quarantine_replay
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.web import allowed
from salesops.ui.exports import neutral

_ROWS = 25
_FIGURE = re.compile(r"^[+-][\d.,\s\u00a0\u202f]+%?$")
"""A signed figure: no spreadsheet takes it for a formula, and it must come back as it went."""

_TOLD = (("row", "_row"), ("column", "_column"), ("reason", "_reason"), ("fix", "_fix"))


@require_GET
@allowed("file.read")
def quarantine(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Rows by file and reason."""
    state = request.GET.get("state", QuarantineState.WAITING)
    if state not in QuarantineState.values:
        state = QuarantineState.WAITING
    chosen = {name: request.GET[name] for name in ("file", "column", "fix") if name in request.GET}
    rows = selectors.quarantine_rows(state=state, **chosen)
    page = Paginator(rows, _ROWS).get_page(request.GET.get("page"))
    reasons = selectors.quarantine_reasons(state)
    context = {
        "title": "Quarantine",
        "state": state,
        "states": QuarantineState.choices,
        "reasons": [{"reason": r, "href": _href(state, r), "chosen": _is(r, chosen)} for r in reasons],
        "files": list(dict.fromkeys(r.file for r in reasons)),
        "chosen": chosen,
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "rows": [_shown(row) for row in page],
        "waiting": state == QuarantineState.WAITING,
        "may_run": may(actor, "import.run"),
    }
    return render(request, "crm/quarantine.html", context)


def _href(state: str, reason: selectors.Reason) -> str:
    values = {"state": state, "file": reason.file, "column": reason.column, "fix": reason.fix}
    return "?" + urlencode(values)


def _is(reason: selectors.Reason, chosen: dict[str, str]) -> bool:
    return bool(chosen) and all(getattr(reason, name) == value for name, value in chosen.items())


def _shown(row: QuarantinedRow) -> dict[str, object]:
    cells = [
        (header, value, _at_fault(row, header)) for header, value in row.cells.items() if header and value
    ]
    return {"row": row, "cells": cells, "text": row.cells.get("", "")}


def _at_fault(row: QuarantinedRow, header: str) -> bool:
    return header == row.column or header in row.column.split(", ")


@never_cache
@require_http_methods(["GET", "POST"])
@allowed("file.read", post="import.run")
def quarantine_row(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """One row as a form of its cells; sending it imports the row."""
    row = selectors.quarantined(pk)
    if row is None:
        raise Http404
    cells = selectors.cells_of(row)
    error = ""
    if request.method == "POST":
        sent = cells_sent(request.POST, list(cells))
        cells |= sent
        try:
            quarantine_replay(actor=actor, row=row, cells=sent)
        except ValidationError as refused:
            error = " ".join(refused.messages)
        else:
            messages.success(request, f"Row {row.row} of {row.file} is imported.")
            if request.htmx:
                return HttpResponse(headers={"HX-Redirect": reverse("quarantine")})
            return redirect("quarantine")
    context = {
        "title": f"Row {row.row} of {row.file}",
        "row": row,
        "what": selectors.what_is_wrong(row.reason),
        "cells": [(n, h, v, _at_fault(row, h)) for n, (h, v) in enumerate(cells.items())],
        "text": row.cells.get("", ""),
        "error": error,
        "waiting": row.state == QuarantineState.WAITING,
        "may_run": may(actor, "import.run"),
    }
    request.nav_key = "quarantine"
    return render(
        request, "crm/quarantine_row.html", context, status=400 if error and not request.htmx else 200
    )


@require_POST
@allowed("import.run")
def quarantine_drop(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Dismiss one row, those ticked, or all that wait for one reason."""
    data = request.POST
    if data.get("all") == "1":
        rows = selectors.quarantine_rows(
            file=data.get("file", ""), column=data.get("column", ""), fix=data.get("fix", "")
        )
    else:
        ids = [int(text) for text in data.getlist("row") if text.isdecimal() and len(text) < 19]
        rows = selectors.quarantine_rows().filter(pk__in=ids)
    found = list(rows)
    if not found:
        messages.info(request, "No row was chosen.")
    else:
        count = quarantine_dismiss(actor=actor, rows=found)
        messages.success(request, f"{count:,} row{'' if count == 1 else 's'} dismissed. They stay on record.")
    return redirect("quarantine")


@require_GET
@allowed("file.read")
def quarantine_download(request: HttpRequest, actor: Actor) -> StreamingHttpResponse:
    """Waiting rows of one file as CSV, the reason in front: mend them in a spreadsheet and import the file."""
    file = request.GET.get("file", "")
    headers, rows = selectors.quarantine_table(file)
    if not file or not headers:
        raise Http404
    name = "".join(ch if ch.isalnum() and ch.isascii() else "-" for ch in file)[:80]
    return StreamingHttpResponse(
        _csv(headers, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="quarantine-{name}.csv"'},
    )


def _csv(headers: list[str], rows: Iterable[dict[str, str]]) -> Iterator[bytes]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    yield b"\xef\xbb\xbf"
    writer.writerow([*(QUARANTINE_PREFIX + told for told, _ in _TOLD), *map(neutral, headers)])
    for row in rows:
        writer.writerow([*(_safe(row[key]) for _, key in _TOLD), *(_safe(row[h]) for h in headers)])
        if buffer.tell() > 65_536:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _safe(text: str) -> str:
    return text if _FIGURE.match(text) else neutral(text)
