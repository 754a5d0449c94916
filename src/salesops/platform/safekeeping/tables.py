"""Every table of the database as lines of JSON, and back into an empty database of either kind.

A table's member begins with a line that names its columns; each further line is a row. Values
are JSON's own, with dates, instants and exact numbers as text that the column's type reads back.
Paths below the home are written in terms of it, since a home may be restored elsewhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps import apps as current_apps
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import JSONField, Model, TextField
from django.db.utils import DataError, Error

from salesops.platform.append_only import protected_tables
from salesops.platform.safekeeping.archive import BackupError

SNAPSHOT = "safekeeping"
"""Alias of the connection that reads one state of the database while others write."""
SESSIONS = frozenset({"sessions.Session", "usersessions.UserSession"})
"""Whoever is signed in: of no use without the home's secret key."""
HOME_MARK = "${SALESOPS_HOME}"
_BATCH = 2_000


@contextmanager
def snapshot() -> Iterator[str]:
    """One state of the database for as long as the context lasts, on a connection of its own.

    SQLite's write-ahead log and PostgreSQL's REPEATABLE READ both give a reader the state at its
    first statement and leave writers alone.
    """
    own = dict(connections[DEFAULT_DB_ALIAS].settings_dict)
    options = dict(own["OPTIONS"])
    if connections[DEFAULT_DB_ALIAS].vendor == "postgresql":
        from psycopg import IsolationLevel

        options["isolation_level"] = IsolationLevel.REPEATABLE_READ
    else:
        options["transaction_mode"] = "DEFERRED"  # the default would keep every writer out
    connections.databases[SNAPSHOT] = {**own, "OPTIONS": options, "ATOMIC_REQUESTS": False}
    try:
        with transaction.atomic(using=SNAPSHOT):
            yield SNAPSHOT
    finally:
        connections[SNAPSHOT].close()
        del connections[SNAPSHOT]
        del connections.databases[SNAPSHOT]


def models_of(apps: Any = current_apps) -> list[type[Model]]:
    """Every model with a table of its own, in the order of its name."""
    found = apps.get_models(include_auto_created=True)
    kept = [m for m in found if m._meta.managed and not m._meta.proxy and not m._meta.swapped]
    return sorted(kept, key=lambda m: m._meta.label)


def dump(model: type[Model], alias: str, home: str) -> Iterator[bytes]:
    """The rows of a table, in pieces of text; the first line names its columns."""
    fields = model._meta.concrete_fields
    relative = _relative(home) if _may_hold_paths(model, alias) else None
    yield json.dumps({"table": model._meta.label, "columns": [f.attname for f in fields]}).encode() + b"\n"
    names = [f.attname for f in fields]
    texts = [relative if isinstance(f, (TextField, JSONField)) else None for f in fields]
    rows = model._base_manager.using(alias).order_by("pk").values_list(*names)
    piece: list[str] = []
    for row in rows.iterator(chunk_size=_BATCH):
        values = [change(v) if change else v for v, change in zip(row, texts, strict=True)]
        piece.append(json.dumps(values, default=_plain, separators=(",", ":")))
        if len(piece) >= _BATCH:
            yield ("\n".join(piece) + "\n").encode()
            piece = []
    if piece:
        yield ("\n".join(piece) + "\n").encode()


def load(model: type[Model], lines: Iterable[bytes], home: str) -> int:
    """Put dumped rows into an empty table of the default database; returns how many.

    Raises:
        BackupError: the table has other columns, or its database refuses a value.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    meta = model._meta
    own = {f.attname: f for f in meta.concrete_fields}
    source = iter(lines)
    columns = json.loads(next(source))["columns"]
    if set(columns) != set(own):
        raise BackupError(f"{meta.label} has other columns than the backup: {set(columns) ^ set(own)}.")
    fields = [own[name] for name in columns]
    absolute = _absolute(home) if _may_hold_paths(model, DEFAULT_DB_ALIAS) else None
    quoted = connection.ops.quote_name
    listed = ", ".join(quoted(f.column) for f in fields)
    places = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {quoted(meta.db_table)} ({listed}) VALUES ({places})"  # noqa: S608

    def value(field: Any, raw: Any) -> Any:
        if isinstance(field, JSONField):
            return field.get_db_prep_save(absolute(raw) if absolute else raw, connection)
        if absolute is not None and isinstance(field, TextField):
            raw = absolute(raw)
        return field.get_db_prep_save(field.to_python(raw), connection)

    count = 0
    with connection.cursor() as cursor:
        for piece in _pieces(source):
            rows = [
                tuple(value(f, v) for f, v in zip(fields, json.loads(line), strict=True)) for line in piece
            ]
            try:
                cursor.executemany(statement, rows)
            except DataError as error:
                what = str(error).strip().splitlines()[0]
                raise BackupError(
                    f"{meta.label}: this database refuses a value that the other held: {what}"
                ) from error
            count += len(rows)
    return count


def reset_sequences(models: Iterable[type[Model]]) -> None:
    """Let new rows begin after the loaded ones; SQLite does it by itself."""
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(models)):
            cursor.execute(statement)


def count(model: type[Model], alias: str = DEFAULT_DB_ALIAS) -> int:
    """Rows of a table; 0 where there is no such table."""
    connection = connections[alias]
    if model._meta.db_table not in connection.introspection.table_names():
        return 0
    return int(model._base_manager.using(alias).count())


def drop_all(models: Iterable[type[Model]]) -> None:
    """Drop the tables of models, and the record of their migrations: only for a database that holds nothing.

    Raises:
        BackupError: the database refuses.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    there = set(connection.introspection.table_names())
    doomed = [
        t for t in {*(m._meta.db_table for m in models), "django_migrations", "django_cache"} if t in there
    ]
    cascade = " CASCADE" if connection.vendor == "postgresql" else ""
    try:
        with connection.constraint_checks_disabled(), connection.cursor() as cursor:
            for table in sorted(doomed):
                cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)}{cascade}")
    except Error as error:
        raise BackupError(f"The database can't be prepared: {error}") from error


def _pieces(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    piece: list[bytes] = []
    for line in lines:
        piece.append(line)
        if len(piece) >= _BATCH:
            yield piece
            piece = []
    if piece:
        yield piece


def _plain(value: Any) -> Any:
    """A value that JSON has no form for."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, timedelta):
        return f"{value.days} {value.seconds}.{value.microseconds:06d}"
    if isinstance(value, (bytes, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    message = f"a table holds a {type(value).__name__}, which a backup has no form for"
    raise BackupError(message)


def _may_hold_paths(model: type[Model], alias: str) -> bool:
    """Whether paths below the home are translated: not where a row must stay as it was recorded."""
    return model._meta.db_table not in protected_tables(connections[alias])


def _relative(home: str) -> Callable[[Any], Any]:
    return lambda value: _texts(value, lambda text: _moved(text, home, HOME_MARK))


def _absolute(home: str) -> Callable[[Any], Any]:
    return lambda value: _texts(value, lambda text: _moved(text, HOME_MARK, home))


def _moved(text: str, old: str, new: str) -> str:
    """A text of lines, with those that are paths below ``old`` below ``new``."""
    if old not in text:
        return text
    return "\n".join(
        new + line[len(old) :] if line == old or line[: len(old) + 1] in (f"{old}/", f"{old}\\") else line
        for line in text.split("\n")
    )


def _texts(value: Any, change: Callable[[str], str]) -> Any:
    """The same value with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_texts(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _texts(item, change) for key, item in value.items()}
    return value
