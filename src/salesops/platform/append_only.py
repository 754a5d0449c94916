"""Append-only tables: the database itself refuses to change or remove what was recorded.

Use it in a migration of the room that owns the tables::

    operations = [append_only("quotas_quota")]

SQLite drops a table's triggers when Django remakes the table to alter a column, so a migration
that alters a protected table must repeat the operation; a test compares the tables that hold
decisions with the triggers that the migrations leave behind.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
_FUNCTION = "salesops_append_only"
_MESSAGE = "is append-only: record a new row instead"


def append_only(*tables: str) -> migrations.RunPython:
    """A migration operation that lets tables only grow. Reversible; repeating it is harmless."""

    def forwards(apps: Any, schema_editor: Any) -> None:
        protect(schema_editor.connection, *tables)

    def backwards(apps: Any, schema_editor: Any) -> None:
        unprotect(schema_editor.connection, *tables)

    return migrations.RunPython(forwards, backwards, elidable=False)


def protect(connection: Any, *tables: str) -> None:
    """Refuse UPDATE and DELETE (and TRUNCATE and REPLACE, which hide one) on tables.

    Raises:
        NotImplementedError: the database is neither SQLite nor PostgreSQL.
    """
    unprotect(connection, *tables)
    vendor = connection.vendor
    if vendor == POSTGRESQL:
        _run(
            connection,
            f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '% {_MESSAGE}', TG_TABLE_NAME; END $$",
        )
    for table in tables:
        for statement in _sqlite(table) if vendor == SQLITE else _postgresql(table):
            _run(connection, statement)


def unprotect(connection: Any, *tables: str) -> None:
    """Take the protection away again: for reversing a migration.

    Raises:
        NotImplementedError: the database is neither SQLite nor PostgreSQL.
    """
    vendor = connection.vendor
    if vendor not in (SQLITE, POSTGRESQL):
        message = f"Append-only tables are known on SQLite and PostgreSQL, not on {vendor}."
        raise NotImplementedError(message)
    for table in tables:
        for name in trigger_names(table):
            _run(
                connection,
                f'DROP TRIGGER IF EXISTS "{name}"' + ("" if vendor == SQLITE else f' ON "{table}"'),
            )


def protected_tables(connection: Any) -> list[str]:
    """Tables that are protected now."""
    if connection.vendor == SQLITE:
        sql = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name = tbl_name || '_no_update'"
    else:
        joined = "pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        sql = f"SELECT c.relname FROM {joined} WHERE t.tgname = c.relname || '_no_update'"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return sorted(row[0] for row in cursor.fetchall())


def trigger_names(table: str) -> tuple[str, str, str]:
    """The triggers that protect a table: against change, removal, and replacing or emptying."""
    return (f"{table}_no_update", f"{table}_no_delete", f"{table}_no_replace")


def _sqlite(table: str) -> list[str]:
    update, delete, replace = trigger_names(table)
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} {_MESSAGE}'); END"
    there = f'EXISTS (SELECT 1 FROM "{table}" WHERE id = NEW.id)'  # noqa: S608 (a table's own name)
    return [
        f'CREATE TRIGGER "{update}" BEFORE UPDATE ON "{table}" {refuse}',
        f'CREATE TRIGGER "{delete}" BEFORE DELETE ON "{table}" {refuse}',
        # INSERT OR REPLACE removes the old row without firing delete triggers.
        f'CREATE TRIGGER "{replace}" BEFORE INSERT ON "{table}" WHEN {there} {refuse}',
    ]


def _postgresql(table: str) -> list[str]:
    update, delete, empty = trigger_names(table)
    call = f"EXECUTE FUNCTION {_FUNCTION}()"
    return [
        f'CREATE TRIGGER "{update}" BEFORE UPDATE ON "{table}" FOR EACH ROW {call}',
        f'CREATE TRIGGER "{delete}" BEFORE DELETE ON "{table}" FOR EACH ROW {call}',
        f'CREATE TRIGGER "{empty}" BEFORE TRUNCATE ON "{table}" FOR EACH STATEMENT {call}',
    ]


def _run(connection: Any, statement: str) -> None:
    """Run one statement as it stands: ``%`` in it is PostgreSQL's, not a parameter."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
