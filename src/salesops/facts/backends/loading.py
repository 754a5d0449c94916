"""Engines that hold a copy of the facts: what each of them offers, and which one an address names.

A copy is of one version of the facts. An engine keeps the newest copy and the one before, so that readers at work
when another is loaded end in the one they began with.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import ibis.expr.types as ir
import psycopg
import pyarrow as pa
from psycopg.conninfo import conninfo_to_dict

from salesops.facts.errors import EngineError
from salesops.facts.tables import ColumnType

KEPT = 2
"""Copies that an engine keeps: the newest, and the one that readers may still be in."""

_MODULES = {"postgresql": "postgresql", "postgres": "postgresql", "spark": "spark"}
"""Scheme of an address -> module of its engine, imported only where it is named."""


@dataclass(frozen=True)
class Copy:
    """What an engine holds of one version of the facts.

    Attributes:
        home: of which store; other stores may number their versions alike.
        manifest_id: the version.
        recorded_at: when it was recorded, as text: numbers begin anew in a database that was made anew.
        columns: table -> column -> type, those that readers do not see included.
        stored: table -> those of its columns that any file carried.
        changed: table -> those of its columns that the change log has rows of.
    """

    home: str
    manifest_id: str
    recorded_at: str
    columns: Mapping[str, Mapping[str, ColumnType]]
    stored: Mapping[str, Sequence[str]] = field(default_factory=dict)
    changed: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Name of the schema or folder that the copy lies in, letters and digits: that of no other copy."""
        return "v" + hashlib.sha256(self.written().encode()).hexdigest()[:20]

    def written(self) -> str:
        """As text, for :meth:`read`."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Copy | None:
        """What :meth:`written` wrote; None of what an earlier program wrote in another form."""
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError):
            return None


class LoadedSession(Protocol):
    """One reader's connection over a copy. Not for use by two threads at once, except ``interrupt``."""

    def view(self, name: str, columns: Mapping[str, ColumnType]) -> ir.Table:
        """A loaded table as an Ibis table, without asking the engine for its schema."""
        ...

    def constant(self, label: str, rows: pa.Table) -> ir.Table:
        """A small Arrow table, readable in this session under a name that stands for ``label``."""
        ...

    def keep(self, name: str, expr: ir.Table) -> ir.Table:
        """An expression that many queries of this session read, under a name that stands for it."""
        ...

    def compile(self, expr: ir.Table) -> str:
        """The engine's SQL of an expression."""
        ...

    def sql(self, expr: ir.Expr) -> str:
        """The query an expression compiles to, laid out over lines."""
        ...

    def execute(self, expr: ir.Expr) -> pa.Table:
        """Run an expression; a scalar or column comes back as a table of one column."""
        ...

    def batches(self, expr: ir.Expr, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream an expression's rows in record batches of about ``rows``."""
        ...

    def interrupt(self) -> None:
        """Stop the running query; callable from another thread."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


class Target(Protocol):
    """An engine at an address, with or without a copy of the facts.

    Attributes:
        engine: its name, for people.
    """

    engine: str

    def loaded(self, home: str) -> Copy | None:
        """The copy that was loaded last from a home; None where nothing was. Raises :class:`FactsError`."""
        ...

    def load(self, copy: Copy, rows: Mapping[str, Iterable[pa.RecordBatch]]) -> None:
        """Load every table of a copy; readers see it when all of it is there. Nothing where it is the newest one.

        Copies of other homes stay. Raises :class:`FactsError`.
        """
        ...

    def session(self, copy: Copy) -> LoadedSession:
        """A session over a copy; raises :class:`FactsError`."""
        ...


def target(address: str) -> Target:
    """The engine at an address.

    Args:
        address: ``postgresql://user@host:port/database``, or ``spark:///folder?master=...``.

    Raises:
        EngineError: an address that names no known engine, or an engine whose package is not installed.
    """
    module = _MODULES.get(_scheme(address))
    if module is None:
        message = (
            f"{shown(address)!r} names no engine that facts can be loaded into. Give "
            "postgresql://user@host:port/database, or spark:///folder?master=local[2]."
        )
        raise EngineError(message)
    made: Any = import_module(f"salesops.facts.backends.{module}")
    opened: Target = made.target(address)
    return opened


_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{0,30})://")


def _scheme(address: str) -> str:
    found = _SCHEME.match(address)
    return found[1] if found else ""


def shown(address: str) -> str:
    """An address as it may be shown: made of the parts that are no secret, so that no form of a password gets through.

    Of PostgreSQL user, host, port and database; of Spark folder and master; of all else the scheme alone.
    """
    scheme = _scheme(address)
    if not scheme:
        return "..."
    parts = {"postgresql": database_parts, "spark": _spark_parts}.get(_MODULES.get(scheme, ""))
    said = parts(address) if parts else None
    return f"{scheme}://..." if said is None else f"{scheme}://{said}"


def database_parts(address: str) -> str | None:
    """``user@host:port/database`` of PostgreSQL's address; None where it can't be read without doubt.

    A sign in a password that is not written as %.. moves a part of it into the host, port or database.
    """
    try:
        found = conninfo_to_dict(address)
    except psycopg.Error:
        return None
    user, host, port, name = (str(found.get(key) or "") for key in ("user", "host", "port", "dbname"))
    if "@" in host or re.search(r"[@:/=]", name) or not re.fullmatch(r"[\d,]*", port):
        return None
    where = f"[{host}]" if ":" in host else host
    return (f"{user}@" if user else "") + where + (f":{port}" if port else "") + f"/{name}"


def _spark_parts(address: str) -> str | None:
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.netloc or "@" in parts.path:
        return None
    master = (parse_qs(parts.query).get("master") or [""])[-1].rpartition("@")[2]
    return unquote(parts.path) + (f"?master={master}" if master else "")


__all__ = ["KEPT", "Copy", "LoadedSession", "Target", "database_parts", "shown", "target"]
