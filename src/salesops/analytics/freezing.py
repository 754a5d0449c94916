"""Any page as a file that needs no account: ``?freeze=html``, ``?freeze=xlsx`` and ``?freeze=csv``.

A view answers with :func:`page` and is wrapped in :func:`freezable`. The file is made from the same
response that the reader sees, under the same rows, so the two cannot differ.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from salesops.analytics.addresses import href
from salesops.platform import file_runs, page_files
from salesops.platform.access import may
from salesops.platform.actors import actor_of
from salesops.ui.about import About
from salesops.ui.components import Definition
from salesops.ui.exports import Sheet, write_csv, write_xlsx
from salesops.ui.freeze import freeze_html
from salesops.ui.page_assets import shell_assets

View = Callable[..., HttpResponseBase]

FORMS = ("html", "xlsx", "csv")
"""What ``?freeze=`` may ask for."""

RUN_HEADER = "X-Salesops-Run"
"""Header of a file's answer: the run that it is recorded as."""

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Frozen:
    """What a page's file says of itself and holds.

    Attributes:
        title: title of the file.
        name: stem of its name; made safe for any system.
        data_on: the data's own date.
        filters: (label, value) as the page shows them: period, team, as-of, filters.
        definitions: of every number on the page.
        notes: sentences that stand beside the numbers.
        sheets: makes the sheets of a workbook; called after the view has answered, so rows that are
            read from the facts open a session of their own. CSV takes the first sheet.
        zone: IANA zone of the file's time.
        rows: rows of the sheets, where they may be many: a large file is made by a job.
        shown: sheets of what the page itself shows, where that is only a part of ``sheets``.
    """

    title: str
    name: str
    data_on: date | None
    sheets: Callable[[], Sequence[Sheet]]
    filters: Sequence[tuple[str, str]] = ()
    definitions: Sequence[Definition] = ()
    notes: Sequence[str] = field(default_factory=tuple)
    zone: str = "UTC"
    rows: int = 0
    shown: Callable[[], Sequence[Sheet]] | None = None

    def about(self, made_by: str, run: str = "") -> About:
        """The statement that goes inside."""
        zone = ZoneInfo(self.zone)
        return About(
            title=self.title,
            made_by=made_by,
            made_at=timezone.now(),
            data_on=self.data_on,
            filters=self.filters,
            definitions=self.definitions,
            notes=self.notes,
            zone=zone,
            run=run,
        )

    def file_name(self, ending: str) -> str:
        """Name, data date and ending, in characters that any system takes."""
        stem = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or "page"
        day = f"-{self.data_on.isoformat()}" if self.data_on else ""
        return f"{stem[:80]}{day}.{ending}"


def page(
    request: HttpRequest, template: str, context: Mapping[str, Any], frozen: Frozen, status: int = 200
) -> TemplateResponse:
    """A page that :func:`freezable` can turn into a file. The context must not need an open session."""
    response = TemplateResponse(request, template, page_tools(request) | dict(context), status=status)
    response.frozen = frozen
    return response


def page_tools(request: HttpRequest) -> dict[str, str]:
    """Where the page at hand is sent by schedule, and where a finding or a feed of it is made: "" for who may not."""
    actor = actor_of(request.user)
    query = urlencode({"page": request.get_full_path()})
    found = {}
    for name, route, permission in (
        ("subscribe_href", "subscription_new", "schedule.write"),
        ("finding_href", "finding_new", "finding.write"),
        ("feed_href", "feeds", "feed.make"),
    ):
        at = href(route) if actor.user_id is not None and may(actor, permission) else ""
        found[name] = f"{at}?{query}" if at else ""
    return found


def freezable(view: View) -> View:
    """Let a page be asked for as a file with ``?freeze=html``, ``xlsx`` or ``csv``."""

    @wraps(view)
    def frozen_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        begun = file_runs.started() if request.GET.get("freeze") else None
        response = view(request, *args, **kwargs)
        form = request.GET.get("freeze", "")
        frozen = getattr(response, "frozen", None)
        if not form or frozen is None or response.status_code != 200:
            return response
        if form in FORMS:
            later = page_files.instead(request, 0 if form == "html" else frozen.rows)
            if later is not None:
                return later
        if form in FORMS and begun is not None:
            run = file_runs.FileRun(request, begun, form=form, data_on=frozen.data_on)
            answer: Any = _file(response, frozen, form, run, str(request.user))
            answer.frozen, answer.run = frozen, run
            answer[RUN_HEADER] = run.reference
            return answer
        return HttpResponse(
            f"A page can be frozen as {', '.join(FORMS)}.",
            status=400,
            content_type="text/plain; charset=utf-8",
        )

    return page_files.makes_files(frozen_view)


def _file(
    response: TemplateResponse, frozen: Frozen, form: str, run: file_runs.FileRun, made_by: str
) -> HttpResponseBase:
    about = frozen.about(made_by, run.reference)
    if form == "html":
        run.read((frozen.shown or frozen.sheets)())
        answer: HttpResponseBase = _as_html(response, frozen, about)
        run.record()
        return answer
    if form == "xlsx":
        answer = workbook(run.sheets(frozen.sheets()), about, frozen.file_name("xlsx"))
        run.record()
        return answer
    return csv_file(run, frozen)


def _as_html(response: TemplateResponse, frozen: Frozen, about: About) -> HttpResponse:
    text = response.rendered_content
    answer = HttpResponse(freeze_html(text, shell_assets(), about), content_type="text/html; charset=utf-8")
    return _download(answer, frozen.file_name("html"))


def workbook(sheets: Sequence[Sheet], about: About, name: str) -> FileResponse:
    """Sheets as a workbook to download."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    write_xlsx(sheets, about, file)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=name, content_type=XLSX)


def csv_file(run: file_runs.FileRun, frozen: Frozen) -> StreamingHttpResponse:
    """The first sheet as CSV, written while it is read."""
    sheet = run.sheets(frozen.sheets()[:1])[0]
    pieces = run.stream(write_csv(sheet.columns, sheet.rows))
    answer = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    _download(answer, frozen.file_name("csv"))
    return answer


def _download(answer: Any, name: str) -> Any:
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer
