"""What every REST operation shares: the actor of a request, errors, exact numbers in answers."""

from __future__ import annotations

from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Query, Schema

from salesops.platform.access import NotAllowedError
from salesops.platform.actors import Actor, actor_of
from salesops.platform.documents import to_json


class Problem(Schema):
    """Why a request was refused, in words."""

    detail: Any


ERRORS: dict[int, type[Schema]] = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 422: Problem}
"""Declared on every operation, so that the schema says what can come back."""


MOST_ROWS = 500
"""Rows of one page at most."""

PageNumber = Annotated[int, Query(1, ge=1, le=1_000_000, description="page, from 1")]
PageSize = Annotated[int, Query(100, ge=1, le=MOST_ROWS, description="rows a page")]


def actor_of_request(request: HttpRequest, *, write: bool = False) -> Actor:
    """The actor behind a token.

    Raises:
        NotAllowedError: the operation writes and the token may only read.
    """
    token = getattr(request, "api_token", None)
    if write and token is not None and not token.can_write:
        raise NotAllowedError("This token may only read. Make one that may write.")
    return actor_of(request.user)


def reply(value: Any, status: int = 200) -> HttpResponse:
    """Any result as JSON with exact numbers."""
    return HttpResponse(to_json(value), content_type="application/json", status=status)


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

    api.add_exception_handler(NotAllowedError, refuse(403))
    api.add_exception_handler(ValidationError, refuse(400))
    api.add_exception_handler(LookupError, refuse(404))
    api.add_exception_handler(ValueError, refuse(400))
    # A day at the very ends of the calendar has no zone's midnight.
    api.add_exception_handler(OverflowError, refuse(400))
