"""The assistants' door over HTTP: ``POST /mcp`` with an API token as bearer, the same tools as on standard input.

Every message stands alone: no session, no stream, no state between two requests, so any process may answer it.
The package ``mcp`` reads and writes the protocol; who asks, how often and from where is judged here, before it.
"""

from __future__ import annotations

import logging
from argparse import Namespace
from collections.abc import MutableMapping
from contextvars import ContextVar
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from salesops.ask import mcp
from salesops.ask.tools import Reader
from salesops.platform import rate
from salesops.platform.access import NotAllowedError
from salesops.platform.rest import TooOftenError, reply, token_of
from salesops.platform.signin import token_find

Message = MutableMapping[str, Any]
_log = logging.getLogger(__name__)
_FORWARDED = ("content-type", "mcp-protocol-version", "mcp-method", "mcp-name")
"""Headers that the protocol reads. The token, cookies and all others stay outside."""
_secret: ContextVar[str] = ContextVar("secret")
"""The token of the request that is answered."""


class _Bearer(mcp.Door):
    """Whom the request is answered for: its token, looked up anew at every call, counted once a request."""

    def reader(self) -> Reader:
        """The token's account and scopes.

        Raises:
            NotAllowedError: the token was revoked meanwhile.
        """
        token = token_find(_secret.get())
        if token is None:
            raise NotAllowedError("The token is unknown, revoked or expired.")
        return mcp.reader_of(token, "http")


@login_not_required
@csrf_exempt  # no cookie opens it: the token alone does, which no other site's page can send
def door(request: HttpRequest) -> HttpResponse:
    """One message of the Model Context Protocol, answered as JSON."""
    try:
        answer = _refused(request) or _answer(request)
    except TooOftenError as error:
        answer = _no(429, str(error))
        answer["Retry-After"] = str(error.seconds)
    except RequestDataTooBig:
        answer = _no(413, "The message is too large.")
    except UnreadablePostError:
        answer = _no(400, "The message could not be read.")
    answer["Cache-Control"] = "no-store"
    return answer


def _no(status: int, why: str) -> HttpResponse:
    return reply({"detail": why}, status)


def _refused(request: HttpRequest) -> HttpResponse | None:
    """Why a request is not looked into; None where it is."""
    origin = request.headers.get("Origin", "")
    if origin and origin not in _origins(request):
        return _no(403, "A page of another site may not ask here.")
    if request.method != "POST":
        answer = _no(405, "Messages are sent by POST; there is no stream, and no session to end.")
        answer["Allow"] = "POST"
        return answer
    token = token_of(request)
    if token is None:
        answer = _no(401, "Send an API token: Authorization: Bearer so_...")
        answer["WWW-Authenticate"] = 'Bearer realm="salesops"'
        return answer
    if wait := rate.api.take(token.pk, settings.API_REQUESTS_PER_MINUTE):
        raise TooOftenError("This token is used too often. Wait, then ask again.", wait)
    if len(request.body) > settings.API_MAX_BODY_BYTES:
        return _no(413, f"The message is larger than {settings.API_MAX_BODY_BYTES} bytes.")
    if mcp.missing():
        return _no(501, mcp.INSTALL)
    return None


def _origins(request: HttpRequest) -> set[str]:
    """Origins of this installation's own pages."""
    own = {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}
    if settings.BASE_URL:
        base = urlsplit(settings.BASE_URL)
        own.add(f"{base.scheme}://{base.netloc}")
    return own


def _answer(request: HttpRequest) -> HttpResponse:
    secret = request.headers["Authorization"].partition(" ")[2].strip()
    headers = [(name, request.headers[name]) for name in _FORWARDED if name in request.headers]
    accepts = request.headers.get("Accept", "*/*")
    wanted = any(kind in accepts for kind in ("application/json", "application/*", "*/*"))
    # The one kind of answer there is: what would be a stream is refused instead of holding a thread.
    headers.append(("accept", "application/json" if wanted else "text/plain"))
    mark = _secret.set(secret)
    try:
        status, given, body = async_to_sync(_exchange)(request.body, headers)
    finally:
        _secret.reset(mark)
    answer = HttpResponse(body, status=status, content_type=given.get("content-type", "application/json"))
    if "allow" in given:
        answer["Allow"] = given["allow"]
    return answer


@cache
def _server() -> Any:
    """The tools, made once a process; they ask the request at hand whom they read for."""
    return mcp.server(_Bearer(Namespace(as_user=None), ""))


async def _exchange(body: bytes, headers: list[tuple[str, str]]) -> tuple[int, dict[str, str], bytes]:
    """One message through the package's own transport: its status, headers and body."""
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    manager = StreamableHTTPSessionManager(
        app=_server()._lowlevel_server,  # noqa: SLF001 - what the package's own app hands to it
        json_response=True,
        stateless=True,
    )
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    status, given, parts = 500, {}, []

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status, given
        if message["type"] == "http.response.start":
            status = message["status"]
            given = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in message["headers"]}
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/mcp", "raw_path": b"/mcp", "root_path": "", "query_string": b"", "server": ("localhost", 80),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
    }  # fmt: skip
    async with manager.run():
        await manager.handle_request(scope, receive, send)
    return status, given, b"".join(parts)
