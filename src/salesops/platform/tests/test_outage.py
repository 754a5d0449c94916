from __future__ import annotations

import json

import pytest
from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.test import Client, override_settings
from django.urls import path

from salesops.platform.outage import RETRY_SECONDS

ERRORS = {
    "away": OperationalError("the connection is lost"),
    "closed": InterfaceError("closed"),
    "own": KeyError("x"),
}


@login_not_required
def fail(request, which):
    raise ERRORS[which]


urlpatterns = [path("<which>/", fail), path("api/v1/<which>/", fail), path("mcp", fail, {"which": "away"})]
handler500 = "salesops.platform.outage.server_error"


@pytest.mark.django_db
@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize("which", ["away", "closed"])
def test_a_lost_database_is_no_error_of_the_program(which: str) -> None:
    client = Client(raise_request_exception=False)
    page = client.get(f"/{which}/")
    assert (page.status_code, page["Retry-After"]) == (503, str(RETRY_SECONDS))
    assert "The database does not answer" in page.content.decode()
    for answer in (client.get(f"/api/v1/{which}/"), client.post("/mcp")):
        assert (answer.status_code, answer["Retry-After"]) == (503, str(RETRY_SECONDS))
        assert "try again" in json.loads(answer.content)["detail"]


@pytest.mark.django_db
@override_settings(ROOT_URLCONF=__name__)
def test_another_error_stays_one() -> None:
    page = Client(raise_request_exception=False).get("/own/")
    assert page.status_code == 500
    assert "Retry-After" not in page
