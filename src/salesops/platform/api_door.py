"""What every request to the REST API passes before its operation: rate, form, size, and the key of a write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from salesops.platform import idempotency, rate
from salesops.platform.rest import TooOftenError, reply, token_of

READS = frozenset({"GET", "HEAD", "OPTIONS"})
View = Callable[..., HttpResponse]


def guarded(view: View, parameters: Callable[[], Mapping[str, Mapping[str, bool]]], route: str) -> View:
    """A view of the API behind the checks that all of them share.

    Args:
        view: what answers.
        parameters: method -> query parameter -> whether it may be repeated, as the schema declares them.
        route: for the wrapped view's name.
    """

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            token = token_of(request)
            if token is not None and (wait := rate.api.take(token.pk, settings.API_REQUESTS_PER_MINUTE)):
                raise TooOftenError("This token is used too often. Wait, then ask again.", wait)
            problem = _wrong(request, parameters().get(request.method or "", {}))
            if problem is not None:
                return problem
            if token is None or request.method in READS or idempotency.HEADER not in request.headers:
                return view(request, *args, **kwargs)
            powers = f"{token.can_write} {token.scopes}"
            return idempotency.once(token.user, request, lambda: view(request, *args, **kwargs), powers)
        except TooOftenError as error:
            answer = reply({"detail": str(error)}, 429)
            answer["Retry-After"] = str(error.seconds)
            return answer
        except RequestDataTooBig:
            return reply({"detail": "The request is too large."}, 413)
        except (SuspiciousOperation, MultiPartParserError, UnreadablePostError, UnicodeError) as error:
            return reply({"detail": f"The request can't be read: {error}"}, 400)

    door.route = route  # type: ignore[attr-defined]
    return door


def _wrong(request: HttpRequest, declared: Mapping[str, bool]) -> HttpResponse | None:
    """A refusal of what no operation takes, or None."""
    if b"\x00" in unquote_to_bytes(request.META.get("QUERY_STRING", "")) or "\x00" in request.path:
        return reply({"detail": "The address holds a character that is no text."}, 422)
    for name, values in request.GET.lists():
        if name not in declared:
            known = f" There are: {', '.join(sorted(declared))}." if declared else ""
            return reply({"detail": f"There is no parameter {name!r}.{known}"}, 422)
        if len(values) > 1 and not declared[name]:
            return reply({"detail": f"The parameter {name} is given {len(values)} times."}, 422)
        if len(values) > 100:
            return reply({"detail": f"The parameter {name} is given too often."}, 422)
    if request.method in READS or (request.content_type or "").startswith("multipart/"):
        return None
    size = request.META.get("CONTENT_LENGTH") or "0"
    if not size.isdecimal() or int(size) > settings.API_MAX_BODY_BYTES:
        return reply({"detail": f"The body is larger than {settings.API_MAX_BODY_BYTES} bytes."}, 413)
    if b"\\u0000" in request.body or b"\x00" in request.body:
        return reply({"detail": "The body holds a character that is no text."}, 422)
    return None
