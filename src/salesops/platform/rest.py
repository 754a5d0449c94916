"""What every REST operation shares: who asks and with which scope, errors, exact numbers in answers."""

from __future__ import annotations

from typing import Annotated, Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import ValidationError
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Path, Query, Schema
from ninja.security import HttpBearer

from salesops.facts.errors import EngineError
from salesops.platform import idempotency, lockout
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import Actor, actor_of
from salesops.platform.documents import to_json
from salesops.platform.models import ApiToken
from salesops.platform.signin import token_find
from salesops.platform.token_scopes import TOKEN_SCOPES, covers, writes


class Problem(Schema):
    """Why a request was refused, in words."""

    detail: Any


ERRORS: dict[int, type[Schema]] = dict.fromkeys((400, 401, 403, 404, 409, 413, 422, 429, 503), Problem)
"""Declared on every operation, so that the schema says what can come back.

503: the database, or the engine that the numbers are computed on, does not answer or holds no facts yet.
"""


MOST_ROWS = 500
"""Rows of one page at most."""

PageNumber = Annotated[int, Query(1, ge=1, le=1_000_000, description="page, from 1")]
PageSize = Annotated[int, Query(100, ge=1, le=MOST_ROWS, description="rows a page")]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


class TooOftenError(Exception):
    """The limit is reached: ask again after ``seconds``."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


def token_of(request: HttpRequest) -> ApiToken | None:
    """The live token of a request; looked up once. Made-up ones are counted against their address."""
    if hasattr(request, "api_token"):
        return request.api_token
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    found = token_find(secret.strip()) if kind.lower() == "bearer" and secret.strip() else None
    if found is None and secret:
        try:
            lockout.attempt_begin(lockout.address_key(get_adapter().get_client_ip(request), "api"))
        except lockout.LockedError as error:
            raise TooOftenError(str(error), error.seconds) from error
    request.api_token = found
    return found


class Token(HttpBearer):
    """A personal API token: ``Authorization: Bearer so_...``. Each operation names the scope it needs."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """The live token, which views turn into its actor; None gives 401.

        Raises:
            NotAllowedError: the token may not be used for this operation.
        """
        found = token_of(request)
        if found is None:
            return None
        if writes(self.scope) and not found.can_write:
            raise NotAllowedError("This token may only read. Make one that may write.")
        if not covers(found.scopes, self.scope):
            message = f"This token may not be used for this: it lacks the scope {self.scope}."
            raise NotAllowedError(message)
        request.user = found.user
        return found


def scoped(scope: str, response: Any, status: int = 200) -> dict[str, Any]:
    """What an operation's decorator takes: the scope it asks for, and every answer it may give."""
    if scope not in TOKEN_SCOPES:
        raise KeyError(scope)
    described: dict[str, Any] = {"x-token-scope": scope}
    if writes(scope):
        described["parameters"] = [_KEY]
    return {
        "auth": Token(scope),
        "response": {status: response, **ERRORS},
        "openapi_extra": described,
    }


_KEY = {
    "in": "header",
    "name": idempotency.HEADER,
    "required": False,
    "description": "The same key with the same request does the work once, for 24 hours.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": idempotency.MOST_CHARACTERS,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    },
}


def actor_of_request(request: HttpRequest) -> Actor:
    """The actor behind a token."""
    return actor_of(request.user)


def reply(value: Any, status: int = 200) -> HttpResponse:
    """Any result as JSON with exact numbers."""
    return HttpResponse(to_json(value), content_type="application/json", status=status)


def found(row: Any, what: str) -> Any:
    """A row that was looked for.

    Raises:
        LookupError: there is none, or none that the actor may see: the same answer.
    """
    if row is None:
        message = f"There is no such {what}."
        raise LookupError(message)
    return row


def page_of(rows: Any, page: int, size: int) -> tuple[int, list[Any]]:
    """How many rows there are in all, and those of one page; none past the end."""
    total = rows.count() if hasattr(rows, "query") else len(rows)
    start = (page - 1) * size
    return total, list(rows[start : start + size]) if start < total else []


def add_error_handlers(api: NinjaAPI) -> None:
    """Every refusal that a service raises, as a status and one sentence."""

    def refuse(status: int) -> Any:
        def handler(request: HttpRequest, error: Exception) -> HttpResponse:
            if isinstance(error, ValidationError):
                text = " ".join(error.messages)
            else:
                text = str(error.args[0]) if error.args else type(error).__name__
            return reply({"detail": text}, status)

        return handler

    def too_often(request: HttpRequest, error: TooOftenError) -> HttpResponse:
        answer = reply({"detail": str(error)}, 429)
        answer["Retry-After"] = str(error.seconds)
        return answer

    api.add_exception_handler(TooOftenError, too_often)
    api.add_exception_handler(NotAllowedError, refuse(403))
    api.add_exception_handler(EngineError, refuse(503))
    api.add_exception_handler(ValidationError, refuse(400))
    api.add_exception_handler(LookupError, refuse(404))
    api.add_exception_handler(ValueError, refuse(400))
    # A day at the very ends of the calendar has no zone's midnight.
    api.add_exception_handler(OverflowError, refuse(400))
    # A value that the database has no place for, such as a number beyond its range.
    api.add_exception_handler(
        DataError, lambda request, error: reply({"detail": "A value is out of range."}, 400)
    )
