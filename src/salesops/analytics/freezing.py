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
from zoneinfo import ZoneInfo

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from salesops.ui.about import About
from salesops.ui.components import Definition
from salesops.ui.exports import Sheet, write_csv, write_xlsx
from salesops.ui.freeze import freeze_html
from salesops.ui.page_assets import shell_assets

View = Callable[..., HttpResponseBase]

FORMS = ("html", "xlsx", "csv")
"""What ``?freeze=`` may ask for."""

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
    """

    title: str
    name: str
    data_on: date | None
    sheets: Callable[[], Sequence[Sheet]]
    filters: Sequence[tuple[str, str]] = ()
    definitions: Sequence[Definition] = ()
    notes: Sequence[str] = field(default_factory=tuple)
    zone: str = "UTC"

    def about(self, made_by: str) -> About:
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
    response = TemplateResponse(request, template, dict(context), status=status)
    response.frozen = frozen
    return response


def freezable(view: View) -> View:
    """Let a page be asked for as a file with ``?freeze=html``, ``xlsx`` or ``csv``."""

    @wraps(view)
    def frozen_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        form = request.GET.get("freeze", "")
        frozen = getattr(response, "frozen", None)
        if not form or frozen is None or response.status_code != 200:
            return response
        about = frozen.about(str(request.user))
        if form == "html":
            return _as_html(response, frozen, about)
        if form == "xlsx":
            return _as_workbook(frozen, about)
        if form == "csv":
            return _as_csv(frozen)
        return HttpResponse(
            f"A page can be frozen as {', '.join(FORMS)}.",
            status=400,
            content_type="text/plain; charset=utf-8",
        )

    return frozen_view


def _as_html(response: TemplateResponse, frozen: Frozen, about: About) -> HttpResponse:
    text = response.rendered_content
    answer = HttpResponse(freeze_html(text, shell_assets(), about), content_type="text/html; charset=utf-8")
    return _download(answer, frozen.file_name("html"))


def _as_workbook(frozen: Frozen, about: About) -> FileResponse:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    write_xlsx(frozen.sheets(), about, file)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=frozen.file_name("xlsx"), content_type=XLSX)


def _as_csv(frozen: Frozen) -> StreamingHttpResponse:
    sheet = frozen.sheets()[0]
    answer = StreamingHttpResponse(
        write_csv(sheet.columns, sheet.rows), content_type="text/csv; charset=utf-8"
    )
    _download(answer, frozen.file_name("csv"))
    return answer


def _download(answer: Any, name: str) -> Any:
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer
