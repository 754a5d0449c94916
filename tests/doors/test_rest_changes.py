"""The published description is a promise: a change that breaks callers is named, and fails here."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from salesops.project import api
from tests.doors.api_changes import breaking

SNAPSHOT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi.json"


def served() -> dict[str, Any]:
    return json.loads(json.dumps(api.schema()))


def test_nothing_served_breaks_what_is_published() -> None:
    published = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert breaking(published, served()) == [], "If it must be: raise the version of the API, and say so."


def operation(document: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    return document["paths"][f"/api/v1/{path}"][method]


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "GET /api/v1/jobs is gone": lambda d: d["paths"]["/api/v1/jobs"].pop("get"),
    "GET /api/v1/jobs takes no size any more": lambda d: operation(d, "jobs", "get")["parameters"].pop(),
    "GET /api/v1/jobs now needs page": lambda d: operation(d, "jobs", "get")["parameters"][0].update(
        required=True
    ),
    "GET /api/v1/jobs takes page as another type": lambda d: operation(d, "jobs", "get")["parameters"][0][
        "schema"
    ].update(type="string"),
    "GET /api/v1/jobs asks for another scope": lambda d: operation(d, "jobs", "get").update(
        {"x-token-scope": "audit.read"}
    ),
    "POST /api/v1/views takes no shared in its body any more": lambda d: d["components"]["schemas"]["ViewIn"][
        "properties"
    ].pop("shared"),
    "POST /api/v1/views now needs shared in its body": lambda d: d["components"]["schemas"]["ViewIn"][
        "required"
    ].append("shared"),
    "POST /api/v1/views no longer answers 201": lambda d: operation(d, "views", "post")["responses"].pop(
        "201"
    ),
    "GET /api/v1/jobs 200.rows[].state is gone": lambda d: d["components"]["schemas"]["JobOut"][
        "properties"
    ].pop("state"),
    "GET /api/v1/jobs 200.rows[].id is of another type": lambda d: d["components"]["schemas"]["JobOut"][
        "properties"
    ]["id"].update(type="string"),
    "GET /api/v1/jobs 200.rows[].id may be missing now": lambda d: d["components"]["schemas"]["JobOut"][
        "required"
    ].remove("id"),
}


@pytest.mark.parametrize("told", CHANGES)
def test_a_change_that_breaks_callers_is_named(told: str) -> None:
    old = served()
    new = copy.deepcopy(old)
    CHANGES[told](new)
    assert told in breaking(old, new)


def test_more_of_everything_breaks_nobody() -> None:
    old = served()
    new = copy.deepcopy(old)
    new["paths"]["/api/v1/more"] = new["paths"]["/api/v1/jobs"]
    operation(new, "jobs", "get")["parameters"].append(
        {"in": "query", "name": "more", "schema": {"type": "string"}}
    )
    new["components"]["schemas"]["JobOut"]["properties"]["more"] = {"type": "string"}
    new["components"]["schemas"]["ViewIn"]["properties"]["more"] = {"type": "string"}
    assert breaking(old, new) == []


def test_names_of_forms_are_not_used_twice() -> None:
    """Two forms of one name in different rooms would pass for each other in the description."""
    from ninja import Schema

    def below(kind: type) -> list[type]:
        return [kind, *(deeper for sub in kind.__subclasses__() for deeper in below(sub))]

    ours = {k for k in below(Schema) if k.__module__.startswith("salesops.") and k is not Schema}
    names = sorted(k.__name__ for k in ours)
    assert len(names) > 50
    assert [name for name in set(names) if names.count(name) > 1] == []
