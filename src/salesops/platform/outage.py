"""What a reader is told while the decisions' database is away: try again, nothing was half-done."""

from __future__ import annotations

import json
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error as plain_error

RETRY_SECONDS = 10
"""What ``Retry-After`` asks for: a database's restart takes seconds."""
_PROGRAMS, _ASSISTANTS = "/api/", "/mcp"
"""Addresses that programs ask, which read JSON."""


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``: 503 where the database did not answer, 500 for everything else.

    Whatever a request had begun in a transaction was rolled back with the lost connection.
    """
    away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    if not away:
        return plain_error(request)
    if request.path.startswith(_PROGRAMS) or request.path == _ASSISTANTS:
        said = json.dumps({"detail": "The database does not answer. Nothing was changed; try again."})
        response = HttpResponse(said, content_type="application/json", status=503)
    else:
        # No request: the page's shell would ask the database who is reading.
        response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response
