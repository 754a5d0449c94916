from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from salesops.platform import audit
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.append_only import protected_tables
from salesops.platform.models import AuditEvent, Run
from salesops.platform.registries import decision_kinds

pytestmark = pytest.mark.django_db

VALUES = {
    "stage": ({"stage": "Won", "stage_class": "won"}, "stage"),
    "organisation": ({"currency": "EUR"}, "currency"),
    "position": ({"person_id": "p"}, "person_id"),
    "quota": ({"person_id": "p", "period": "2026", "amount": 5}, "period"),
    "mapping": ({"table": "accounts", "headers": ["a"], "columns": {"a": {"to": "id"}}}, "source"),
    "value_repair": (
        {"table": "accounts", "column": "name", "value": "a", "replacement": "b"},
        "replacement",
    ),
    "amount_rule": ({"deal_kind": "all", "column": "amount"}, "column"),
    "visibility": ({"team_records": True}, "subject"),
    "overlay": ({"person_id": "p", "dimension": "team", "value": "v"}, "value"),
    "field_mask": ({"name": "n", "columns": ["amounts"], "roles": ["rep"]}, "name"),
    "kpi": ({"kpi": "won_value", "owner": "o", "note": "n"}, "owner"),
    "custom_kpi": (
        {
            "title": "Large",
            "sentence": "s",
            "measure": "count",
            "rule": "amount > 1",
            "unit": "count",
            "direction": "up",
        },
        "title",
    ),
    "record_link": ({"source": "crm", "table": "accounts", "pattern": "https://crm.example/{id}"}, "pattern"),
}


def refused(sql: str, *params: object) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, params)


def test_the_ledger_refuses_update_delete_and_replace():
    event = audit.record(actor=ADMIN, action="test", subject="one")
    table = AuditEvent._meta.db_table
    refused(f"UPDATE {table} SET actor_name = 'somebody else'")
    refused(f"DELETE FROM {table}")
    if connection.vendor == "sqlite":
        refused(f"REPLACE INTO {table} SELECT * FROM {table} WHERE id = %s", event.pk)
    else:
        refused(f"TRUNCATE {table}")
    event.refresh_from_db()
    assert event.actor_name == ADMIN.name


def test_every_kind_of_decision_is_covered_here():
    assert set(VALUES) == set(decision_kinds)


@pytest.mark.parametrize("kind", sorted(VALUES))
def test_a_decision_table_refuses_update_and_delete(kind):
    from salesops.platform.decisions import decision_record

    model = decision_kinds.get(kind)
    values, column = VALUES[kind]
    row = decision_record(model, actor=ADMIN, subject="sss", values=values, reason="test")
    table = model._meta.db_table
    refused(f"UPDATE {table} SET \"{column}\" = 'x'")
    refused(f"DELETE FROM {table}")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        row.delete()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        row.save()
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_test_that_commits_leaves_nothing_and_the_tables_protected(turn):
    assert AuditEvent.objects.count() == 0
    with transaction.atomic():
        audit.record(actor=ADMIN, action="test", subject="one")
    refused(f"DELETE FROM {AuditEvent._meta.db_table}")


def test_the_migrations_protect_the_ledger_and_every_decision_table():
    wanted = {AuditEvent._meta.db_table, Run._meta.db_table, "analytics_reconciliation"}
    wanted |= {"reports_finding", "reports_findingevent"}
    wanted |= {"meetings_meeting", "meetings_actionitem", "meetings_actionevent", "meetings_coachingnote"}
    wanted |= {"dashboards_dashboard", "dashboards_dashboardversion"}
    wanted |= {model._meta.db_table for _, model in decision_kinds.items()}
    assert set(protected_tables(connection)) == wanted
