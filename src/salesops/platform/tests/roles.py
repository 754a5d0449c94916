"""What the tests of every room's pages need: one account per role, signed in, and a firm with facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
from django.test import Client

from salesops.facts.merge import Incoming, merge
from salesops.platform.access import PERMISSIONS
from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor, actor_of
from salesops.platform.models import User
from salesops.platform.roles import Role
from salesops.platform.signin import account_save
from salesops.platform.store import fact_store

ROLES: tuple[str, ...] = tuple(Role.values)
QUICK = "django.contrib.auth.hashers.MD5PasswordHasher"
"""For tests that sign in often: the real one is slow on purpose."""
DATA_DAY = date(2026, 9, 30)


def user_of(role: str, **values: Any) -> User:
    """An account of a role, named after it."""
    return account_save(actor=LOCAL_ADMINISTRATOR, username=values.pop("username", role), role=role, **values)


def actor(role: str) -> Actor:
    """The actor of an account of a role."""
    return actor_of(user_of(role))


def client_of(role: str) -> Client:
    """A browser signed in as a role."""
    client = Client()
    client.force_login(user_of(role), backend="django.contrib.auth.backends.ModelBackend")
    return client


def holders(permission: str) -> set[str]:
    """Roles that hold a permission."""
    return {str(role) for role in PERMISSIONS[permission]}


def allowed_roles(method: str, url: str, data: Mapping[str, Any] | None = None) -> set[str]:
    """Roles that a page lets in; any answer other than success, redirect or refusal fails the test."""
    found = set()
    for role in ROLES:
        answer = getattr(client_of(role), method)(url, data or {})
        assert answer.status_code in (200, 302, 403), (role, url, answer.status_code)
        if answer.status_code != 403:
            found.add(role)
    return found


def load_facts(tables: Mapping[str, Sequence[Mapping[str, Any]]], data_on: date = DATA_DAY) -> None:
    """Put records into the home's facts as one import."""
    incoming = [
        Incoming(
            table=table,
            rows=pa.Table.from_pylist([{"source_row": i, **row} for i, row in enumerate(rows)]),
            key_columns=["id"],
            data_on=data_on,
            source="crm",
            import_id="1",
        )
        for table, rows in tables.items()
    ]
    merge(fact_store(), incoming, recorded_at=datetime(2026, 10, 1, tzinfo=UTC), note="test")
