"""A page as a file, made by a job: what would take too long to wait for, or comes by a schedule.

The job calls the very view that the page's own link calls, with the address as asked and the
rights that the owner has when it runs. So the file is what the page would have answered.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlparse

from django.conf import settings
from django.contrib.sessions.backends.cache import SessionStore
from django.core.exceptions import ValidationError
from django.core.handlers.wsgi import WSGIRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import Resolver404, resolve
from django_htmx.middleware import HtmxDetails

from salesops.platform import jobs
from salesops.platform.actors import Actor, actor_of
from salesops.platform.job_kinds import JobKind, Offer, add
from salesops.platform.models import Job, User
from salesops.ui import exports

LATER = "later"
"""Query field that asks for a file by a job, however small it is."""


def makes_files(view: Any) -> Any:
    """Mark a view that answers with a file where its address asks for one."""
    view.makes_files = True
    return view


def instead(request: HttpRequest, rows: int) -> HttpResponse | None:
    """The way to a job that makes the file, where it is large or asked for so; None where the view may answer.

    Args:
        request: asks for a file of a page.
        rows: rows that the file will have.
    """
    if getattr(request, "in_job", False) or (rows <= settings.EXPORT_ROWS and not request.GET.get(LATER)):
        return None
    actor = actor_of(request.user)
    if actor.user_id is None:
        return None
    return redirect("job", pk=enqueue(actor, request.path, request.GET.copy(), rows).pk)


def enqueue(actor: Actor, path: str, query: Any, rows: int = 0) -> Job:
    """Ask for a page as a file. While the same file is being made for the same account, that job is answered."""
    query.pop(LATER, None)
    text = query.urlencode()
    kind = "freeze" if query.get("freeze") == "html" else "export"
    digest = hashlib.sha256(f"{path}?{text}".encode()).hexdigest()[:32]
    params = {"path": path, "query": text, "rows": rows}
    return jobs.enqueue(kind, params, actor=actor, dedupe_key=f"page:{actor.user_id}:{digest}")


def page_job(
    *, actor: Actor, progress: jobs.Progress, path: str, query: str, rows: int = 0
) -> dict[str, Any]:
    """Answer the address as its owner and keep the answer as the result's file."""
    user = User.objects.filter(pk=actor.user_id).first()
    if user is None:
        raise ValidationError("A page is made as a file for an account only.")
    progress(0, rows, "Reading")

    def counted(done: int) -> None:
        progress(min(done, rows) if rows else done, rows, f"{done:,} rows written")

    with exports.counting(counted):
        page = made(user, path, query)
        with progress.file(page.name, page.content_type) as file:
            for piece in page.pieces:
                file.write(piece)
    return {"path": path, "query": query}


def answer(user: User, path: str, query: str) -> HttpResponseBase:
    """What a page that makes files answers to an account.

    Raises:
        ValidationError: there is no such page, or it answers with no file.
    """
    request: Any = WSGIRequest(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path.encode().decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": urlparse(settings.BASE_URL).hostname or "localhost",
            "SERVER_PORT": "443",
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(),
        }
    )
    try:
        match = resolve(path)
    except Resolver404:
        raise ValidationError(f"There is no page {path}.") from None
    if not getattr(match.func, "makes_files", False):
        raise ValidationError(f"The page {path} can't be made as a file.")
    request.resolver_match = match
    request.user, request.in_job, request.session = user, True, SessionStore()
    request.htmx = HtmxDetails(request)
    try:
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    except Http404 as error:
        raise ValidationError(str(error) or f"There is no page {path}.") from error
    if response.status_code != 200:
        said = response.content.decode(errors="replace") if isinstance(response, HttpResponse) else ""
        plain = said if response.headers.get("Content-Type", "").startswith("text/plain") else ""
        plain = plain or getattr(response, "why", "")
        raise ValidationError(
            plain[:300] or f"The page answered with no file (status {response.status_code})."
        )
    return response


@dataclass(frozen=True)
class MadeFile:
    """A page's file while it is made: its pieces are read once, in order.

    Attributes:
        frozen: what the page says of it.
        run: counts what goes into it, see :class:`salesops.platform.file_runs.FileRun`.
    """

    name: str
    content_type: str
    pieces: Iterable[bytes]
    frozen: Any = None
    run: Any = None


def made(user: User, path: str, query: str) -> MadeFile:
    """A page as a file for an account, to be read now.

    Raises:
        ValidationError: there is no such page, or it answers with no file.
    """
    response = answer(user, path, query)
    content_type = response.headers.get("Content-Type", "application/octet-stream")
    frozen, run = getattr(response, "frozen", None), getattr(response, "run", None)
    return MadeFile(_file_name(response), content_type, _until_closed(response), frozen, run)


def _until_closed(response: HttpResponseBase) -> Iterator[bytes]:
    try:
        yield from _pieces(response)
    finally:
        # Not close(): that says a request has ended, and this thread's database connection goes on.
        for closer in response._resource_closers:  # noqa: SLF001
            closer()


def _pieces(response: HttpResponseBase) -> Iterable[bytes]:
    return response if response.streaming else [response.content]  # type: ignore[attr-defined,return-value]


def _file_name(response: HttpResponseBase) -> str:
    header = Message()
    header["Content-Disposition"] = response.headers.get("Content-Disposition", "")
    name = header.get_filename()
    if not name:
        raise ValidationError("This address answers with a page, not with a file.")
    return name


def offer(key: str, title: str, path: str, query: str) -> Offer:
    """A page as something to put on a schedule."""
    kind = "freeze" if "freeze=html" in query else "export"
    return Offer(key, title, kind, {"path": path, "query": query, "rows": 0})


def register() -> None:
    """Make both kinds known."""
    add(JobKind("export", "Export", page_job))
    add(JobKind("freeze", "Frozen page", page_job))
