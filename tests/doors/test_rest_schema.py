"""Generated requests against the published schema: no server error, every answer as declared, real rows reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.plugin import DjangoDbBlocker
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from salesops.project import api
from salesops.project.wsgi import application
from tests.doors.conftest import shared_home
from tests.doors.seeded import Seeded, seed

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def seeded(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Seeded]:
    """A token that may do everything, over the small firm and what its people have left behind."""
    with (
        shared_home(tmp_path_factory.mktemp("home"), django_db_blocker),
        override_settings(API_REQUESTS_PER_MINUTE=0),
    ):
        yield seed(tmp_path_factory.mktemp("exports"))


@pytest.fixture(scope="module")
def described(seeded: Seeded) -> schemathesis.schemas.BaseSchema:
    """The schema as served, called in-process."""
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)


OPERATIONS = [(path, method) for path, methods in api.schema()["paths"].items() for method in methods]


@pytest.mark.parametrize("path, method", OPERATIONS)
def test_any_request(
    described: schemathesis.schemas.BaseSchema, seeded: Seeded, path: str, method: str
) -> None:
    operation = described[path][method.upper()]
    reached: set[int] = set()
    known: dict[str, Any] = seeded.parameters(path)

    @settings(max_examples=6, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(), real=st.booleans())
    def every(case: schemathesis.Case, real: bool) -> None:
        if real:
            case.path_parameters = {**(case.path_parameters or {}), **known}
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {seeded.token}"}, checks=CHECKS)
        reached.add(answer.status_code)

    every()
    if method == "get":  # with real names and nothing else asked, there is an answer
        case = operation.Case(path_parameters=known, query=seeded.query(path))
        answer = case.call_and_validate(headers={"Authorization": f"Bearer {seeded.token}"}, checks=CHECKS)
        assert answer.status_code == 200, answer.text
