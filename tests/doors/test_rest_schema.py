"""Generated requests against the published schema: no server error, and every answer as declared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from pytest_django.plugin import DjangoDbBlocker
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from salesops.crm import services
from salesops.platform import signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.roles import Role
from salesops.project import api
from salesops.project.wsgi import application
from tests.doors.conftest import shared_home
from tests.doors.exports import write_firm

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def token(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[str]:
    """A token that may do everything, over the small firm."""
    with shared_home(tmp_path_factory.mktemp("home"), django_db_blocker):
        services.import_now(
            actor=LOCAL_ADMINISTRATOR, paths=[write_firm(tmp_path_factory.mktemp("exports")).parent]
        )
        user = signin.account_save(actor=LOCAL_ADMINISTRATOR, username="robot", role=Role.ADMINISTRATOR)
        _, secret = signin.token_create(actor=LOCAL_ADMINISTRATOR, user=user, name="test", can_write=True)
        yield secret


@pytest.fixture(scope="module")
def described(token: str) -> schemathesis.schemas.BaseSchema:
    """The schema as served, called in-process."""
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)


OPERATIONS = [(path, method) for path, methods in api.schema()["paths"].items() for method in methods]


@pytest.mark.parametrize("path, method", OPERATIONS)
def test_any_request(described: schemathesis.schemas.BaseSchema, token: str, path: str, method: str) -> None:
    operation = described[path][method.upper()]

    @settings(max_examples=15, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def every(case: schemathesis.Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    every()
