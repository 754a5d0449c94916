"""Engines that hold a copy of the facts: what each of them offers, and which one an address names.

A copy is of one version of the facts. An engine keeps the newest copy and the one before, so that readers at work
when another is loaded end in the one they began with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import urlsplit

import ibis.expr.types as ir
import pyarrow as pa

from salesops.facts.errors import FactsError
from salesops.facts.tables import ColumnType

KEPT = 2
"""Copies that an engine keeps: the newest, and the one that readers may still be in."""

_MODULES = {"postgresql": "postgresql", "postgres": "postgresql", "spark": "spark"}
"""Scheme of an address -> module of its engine, imported only where it is named."""


@dataclass(frozen=True)
class Copy:
    """What an engine holds of one version of the facts.

    Attributes:
        manifest_id: the version.
        columns: table -> column -> type, those that readers do not see included.
    """

    manifest_id: str
    columns: Mapping[str, Mapping[str, ColumnType]]

    @property
    def place(self) -> str:
        """Name of the schema or folder that the copy lies in: letters and digits."""
        return "v" + hashlib.sha256(self.manifest_id.encode()).hexdigest()[:20]

    def written(self) -> str:
        """As text, for :meth:`read`."""
        return json.dumps({"manifest_id": self.manifest_id, "columns": self.columns})

    @classmethod
    def read(cls, text: str) -> Copy:
        """What :meth:`written` wrote."""
        return cls(**json.loads(text))


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

    def loaded(self) -> Copy | None:
        """The copy that was loaded last; None where nothing was."""
        ...

    def load(self, copy: Copy, rows: Mapping[str, Iterable[pa.RecordBatch]]) -> None:
        """Load every table of a copy; readers see it when all of it is there."""
        ...

    def session(self, copy: Copy) -> LoadedSession:
        """A session over a copy."""
        ...


def target(address: str) -> Target:
    """The engine at an address.

    Args:
        address: ``postgresql://user@host:port/database``, or ``spark:///folder?master=...``.

    Raises:
        FactsError: an address that names no known engine, or an engine whose package is not installed.
    """
    module = _MODULES.get(urlsplit(address).scheme)
    if module is None:
        message = (
            f"{without_password(address)!r} names no engine that facts can be loaded into. Give "
            "postgresql://user@host:port/database, or spark:///folder?master=local[2]."
        )
        raise FactsError(message)
    made: Any = import_module(f"salesops.facts.backends.{module}")
    opened: Target = made.target(address)
    return opened


def without_password(address: str) -> str:
    """An address as it may be shown."""
    parts = urlsplit(address)
    if not parts.password:
        return address
    who, _, where = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{who.partition(':')[0]}:...@{where}").geturl()


__all__ = ["KEPT", "Copy", "LoadedSession", "Target", "target", "without_password"]
