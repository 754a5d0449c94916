"""The secret address of a feed: what Excel's "From web" and Sheets' IMPORTDATA read without signing in.

The address alone opens it, so nothing of it goes into a log, a cache, a search engine or another site's
referrer. It answers one fixed question; a parameter beside the secret changes nothing but is refused, so
that nobody believes that it did.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from salesops.feeds import inputs, selectors, services
from salesops.platform import lockout
from salesops.platform.access import require
from salesops.platform.actors import Actor, actor_of
from salesops.platform.documents import plain
from salesops.platform.rate import Buckets
from salesops.platform.sealing import digest_of
from salesops.ui import exports
from salesops.ui.about import About

if TYPE_CHECKING:
    from salesops.feeds.models import Feed

REFRESH = "refresh"
"""The one parameter that is taken, and not looked at: a spreadsheet that changes its value reads anew."""

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
GONE = "This feed does not exist, has expired or was revoked. Ask whoever made it for a new address."
buckets = Buckets()
_log = logging.getLogger(__name__)


class _Refused(Exception):
    """An answer that is a sentence instead of rows."""

    def __init__(self, status: int, sentence: str, seconds: int = 0) -> None:
        super().__init__(sentence)
        self.status, self.seconds = status, seconds


@login_not_required
@csrf_exempt  # it only reads; a refusal by that guard would be logged with the address
def feed(request: HttpRequest, address: str) -> HttpResponseBase:
    """The rows of a feed, or a sentence that says why there are none."""
    try:
        answer = _answer(request, address)
    except _Refused as refused:
        answer = _text(refused.status, str(refused))
        if refused.seconds:
            answer["Retry-After"] = str(refused.seconds)
    except Exception:  # noqa: BLE001 - the usual report of a fault would name the address
        _log.exception("a feed could not be read")
        answer = _text(500, "The feed could not be read. The server's log says why.")
    answer["Cache-Control"] = "private, no-store"
    answer["X-Robots-Tag"] = "noindex, nofollow"
    answer["Referrer-Policy"] = "no-referrer"
    # Django logs the path of every refusal that nobody has logged.
    answer._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    return answer


def _text(status: int, sentence: str) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")


def _answer(request: HttpRequest, address: str) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        raise _Refused(405, "A feed is only read.")
    secret, _, form = address.rpartition(".")
    row = _found(request, secret)
    if form not in TYPES:
        raise _Refused(404, f"A feed is read as {', '.join(TYPES)}.")
    if wait := buckets.take(row.pk, settings.FEED_REQUESTS_PER_MINUTE):
        raise _Refused(429, "This feed is read too often. Wait, then read again.", wait)
    if others := sorted(set(request.GET) - {REFRESH}):
        raise _Refused(
            400,
            f"A feed answers one fixed question: it takes no parameter {others[0][:60]!r}. "
            "Make a feed of the view that you want.",
        )
    try:
        actor = actor_of(row.owner)
        require(actor, services.MAKE)
    except PermissionError as error:
        why = "The account that made this feed is switched off." if not row.owner.is_active else str(error)
        raise _Refused(403, f"{why} The feed gives no rows.") from error
    question = inputs.FeedQuestion(row.kind, row.query, row.number)
    try:
        with inputs.open_feed(actor, question) as opened:
            tag = (
                '"'
                + hashlib.sha256(f"{row.pk} {form} {row.separator} {opened.state}".encode()).hexdigest()
                + '"'
            )
            if _known(request, tag):
                answer = HttpResponse(status=304)
            else:
                table = opened.table(settings.FEED_ROWS)
                answer = HttpResponse(_body(table, form, row, actor), content_type=TYPES[form])
                answer["X-Salesops-Rows"] = str(len(table.rows))
            answer["ETag"] = tag
            answer["X-Salesops-Facts-Version"] = opened.version
            answer["X-Salesops-Data-On"] = opened.data_on.isoformat()
    except inputs.TooManyRowsError as error:
        raise _Refused(422, str(error)) from error
    except inputs.UnanswerableError as error:
        raise _Refused(403 if error.forbidden else 422, f"{error} The feed gives no rows.") from error
    if request.method == "GET":
        services.feed_used(row)
    return answer


def _found(request: HttpRequest, secret: str) -> Feed:
    """The live feed of an address; addresses that open nothing are counted against who asks."""
    row = selectors.feed_by_digest(digest_of(secret)) if secret else None
    if row is not None and row.ended_at is None and row.expires > timezone.now():
        return row
    if row is None:
        try:
            lockout.attempt_begin(lockout.address_key(get_adapter().get_client_ip(request), "feed"))
        except lockout.LockedError as error:
            raise _Refused(429, str(error), error.seconds) from error
    raise _Refused(404, GONE)


def _known(request: HttpRequest, tag: str) -> bool:
    given = request.headers.get("If-None-Match", "")
    return tag in [part.strip().removeprefix("W/") for part in given.split(",")]


def _body(table: inputs.FeedTable, form: str, row: Feed, actor: Actor) -> bytes:
    """The whole answer, made before the first byte goes out: a failure leaves no half of it."""
    if form == "json":
        return _json(table, row)
    if form == "xlsx":
        about = About(
            title=f"{row.name}: {table.title}",
            made_by=actor.name,
            made_at=timezone.now(),
            data_on=table.data_on,
            filters=table.filters,
            notes=list(table.notes),
            zone=ZoneInfo(table.zone),
        )
        file = io.BytesIO()
        exports.write_xlsx([exports.Sheet(table.title[:31], table.columns, table.rows)], about, file)
        return file.getvalue()
    marks = {"separator": ";", "decimal": ","} if row.separator == services.SEMICOLON else {}
    return b"".join(exports.write_csv(table.columns, table.rows, bom=False, **marks))


def _json(table: inputs.FeedTable, row: Feed) -> bytes:
    headings = [column.heading for column in table.columns]
    document = {
        "name": row.name,
        "data_on": table.data_on,
        "columns": headings,
        "rows": [
            {head: _cell(column, one) for head, column in zip(headings, table.columns, strict=True)}
            for one in table.rows
        ],
        "notes": list(table.notes),
    }
    return json.dumps(plain(document), ensure_ascii=False).encode()


def _cell(column: exports.Column, row: Any) -> Any:
    value = column.value(row)
    if value is None:
        return None
    if column.kind in ("money", "number", "integer", "ratio"):
        return column.number(value)
    return value if column.kind in ("day", "instant") else str(value)
