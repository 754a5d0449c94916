"""Spark as reader of fact tables that were written for it, as Parquet files, from a manifest.

The same expressions that DuckDB runs over Delta files run here over a copy; versions, pins and
the change of a manifest are promised on Delta alone. PySpark and Java are needed only here.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import shutil
import tempfile
import threading
import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import ibis.expr.operations as ops
import ibis.expr.schema as sch
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from salesops.facts.backends.loading import KEPT, Copy
from salesops.facts.columntypes import ibis_schema
from salesops.facts.errors import FactsError, QueryFailed
from salesops.facts.locks import process_alive
from salesops.facts.tables import ColumnType

# It speaks of conversions to pandas, and rows come as Arrow here; what fails is raised, and need not be logged too.
warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)

try:
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    from salesops.facts.backends.spark_compiler import SessionBackend
except ImportError as error:
    raise FactsError(
        "PySpark is not installed. `python3 run.py install --spark` installs it; it also needs Java 17 or newer."
    ) from error

LOADED = "loaded.json"
"""File of a folder that names the copy to read."""

_ROW_GROUP = 1_000_000


@dataclass(frozen=True)
class Address:
    """Where copies lie and what computes over them.

    Attributes:
        folder: of the copies; every worker must see it under the same path.
        master: as Spark names it: ``local[2]``, ``spark://host:7077``, ``yarn``.
        settings: Spark's own, by name.
    """

    folder: Path
    master: str = "local[*]"
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, address: str) -> Address:
        """From ``spark:///folder?master=local[2]&spark.driver.memory=4g``; raises :class:`FactsError`."""
        parts = urlsplit(address)
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        master = given.pop("master", cls.master)
        strange = [name for name in given if not name.startswith("spark.")]
        if parts.netloc or not parts.path.startswith("/") or strange:
            raise FactsError(
                f"{address!r} is no address of Spark: give spark:///folder?master=local[2], where other settings "
                "are Spark's own (spark.driver.memory=4g)."
            )
        return cls(Path(unquote(parts.path)), master, given)


class SparkTarget:
    """A folder with copies of the facts, each in a folder of its own; ``loaded.json`` names the newest.

    Args:
        address: where, and what computes.
    """

    engine = "Spark"

    def __init__(self, address: Address) -> None:
        self.address = address
        self.folder = address.folder

    def loaded(self) -> Copy | None:
        """The copy that was loaded last; None where nothing was."""
        try:
            return Copy.read((self.folder / LOADED).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def load(self, copy: Copy, rows: Mapping[str, Iterable[pa.RecordBatch]]) -> None:
        """Write the tables of a copy; readers see the copy before until all of this one is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        before = self.loaded()
        being = self.folder / f"_{copy.place}-{uuid.uuid4().hex}"
        try:
            for table, columns in copy.columns.items():
                _write(being / table, columns, rows[table])
            (being / LOADED).write_text(copy.written(), encoding="utf-8")
            shutil.rmtree(self.folder / copy.place, ignore_errors=True)
            being.rename(self.folder / copy.place)
        except OSError as error:
            raise FactsError(f"The facts can't be written to {self.folder}: {error}") from error
        finally:
            shutil.rmtree(being, ignore_errors=True)
        # The name is changed last, by one rename: whoever reads it finds a whole copy.
        new = self.folder / f"_{uuid.uuid4().hex}.json"
        new.write_text(copy.written(), encoding="utf-8")
        new.replace(self.folder / LOADED)
        kept = {copy.place} | ({before.place} if before and KEPT > 1 else set())
        for old in self.folder.glob("v*"):
            if old.is_dir() and (old / LOADED).exists() and old.name not in kept:
                shutil.rmtree(old, ignore_errors=True)

    def session(self, copy: Copy) -> SparkReader:
        """A session over a copy."""
        return SparkReader(_spark(self.address).newSession(), self.folder / copy.place)


def target(address: str) -> SparkTarget:
    """The folder and master of ``spark:///folder?master=...``."""
    return SparkTarget(Address.read(address))


def _write(folder: Path, columns: Mapping[str, ColumnType], rows: Iterable[pa.RecordBatch]) -> None:
    folder.mkdir(parents=True)
    schema = ibis_schema(dict(columns)).to_pyarrow()
    with pq.ParquetWriter(folder / "part-0.parquet", schema, compression="zstd") as file:
        for batch in rows:
            file.write_batch(batch.cast(schema), row_group_size=_ROW_GROUP)


_lock = threading.Lock()
_started: dict[Address, Any] = {}


def _spark(address: Address) -> Any:
    """Spark of this process. A process has one: whoever comes with another master or other settings is refused."""
    key = Address(Path(), address.master, tuple(sorted(address.settings.items())))  # type: ignore[arg-type]
    with _lock:
        if key in _started:
            return _started[key]
        if _started:
            message = (
                "A process computes with one Spark; this one runs with another master or other settings."
            )
            raise FactsError(message)
        if not (shutil.which("java") or "JAVA_HOME" in os.environ):
            raise FactsError(
                "Java was not found. Spark needs Java 17 or newer (JAVA_HOME, or java on the path)."
            )
        _clear_left()
        scratch = tempfile.mkdtemp(prefix=f"{_SCRATCH}{os.getpid()}-")
        atexit.register(shutil.rmtree, scratch, ignore_errors=True)
        if address.master.startswith("local"):
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # Spark would look the host's name up
        builder = SparkSession.builder.master(address.master).appName("salesops")
        for name, value in (_settings(address.master, scratch) | dict(address.settings)).items():
            builder = builder.config(name, value)
        try:
            session = builder.getOrCreate()
        except Exception as error:
            raise FactsError(f"Spark did not start at {address.master}: {_first_line(error)}") from error
        _started[key] = session
        return session


_SCRATCH = "salesops-spark-"
"""Start of the names of temporary folders; the process id follows."""


def _clear_left() -> None:
    """Remove the temporary folders of processes that were killed."""
    for left in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        number = left.name.removeprefix(_SCRATCH).partition("-")[0]
        if number.isdigit() and not process_alive(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _settings(master: str, scratch: str) -> dict[str, str]:
    """What we ask of Spark unless the address says otherwise."""
    settings = {
        "spark.log.level": "ERROR",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": f"{scratch}/warehouse",
        "spark.sql.ansi.enabled": "true",  # what does not fit is an error, never another number
        "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
        "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
    }
    if master.startswith("local"):
        settings |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": scratch,
            # Pieces of one machine: the 200 of a cluster cost more than they carry.
            "spark.sql.shuffle.partitions": "8",
        }
    return settings


class SparkReader:
    """One reader's own session over the files of a copy: its views are its own, the machines are shared.

    Args:
        session: a new session.
        folder: of the copy.
    """

    def __init__(self, session: Any, folder: Path) -> None:
        self._session = session
        self._folder = folder
        self._views: set[str] = set()
        self._kept: list[Any] = []
        self._tag = f"salesops-{uuid.uuid4().hex}"
        self.ibis = SessionBackend().connect(session)

    def view(self, name: str, columns: Mapping[str, ColumnType]) -> ir.Table:
        """A loaded table as an Ibis table, without asking the engine for its schema."""
        schema = ibis_schema(dict(columns))
        called = f"t_{name}"
        if called not in self._views:
            types = ", ".join(f"`{column}` {self.ibis.type_name(kind)}" for column, kind in schema.items())
            files = self._session.read.schema(types).parquet(str(self._folder / name))
            files.createOrReplaceTempView(called)
            self._views.add(called)
        return ops.DatabaseTable(called, schema, self.ibis).to_expr()

    def constant(self, label: str, rows: pa.Table) -> ir.Table:
        """A small Arrow table as a view of this session."""
        called = "c_" + hashlib.sha256(label.encode()).hexdigest()[:24]
        if called not in self._views:
            self.ibis.show(called, rows)
            self._views.add(called)
        return ops.DatabaseTable(called, sch.Schema.from_pyarrow(rows.schema), self.ibis).to_expr()

    def keep(self, name: str, expr: ir.Table) -> ir.Table:
        """An expression that many queries of this session read: computed with the first, kept to the session's end."""
        called = "d_" + hashlib.sha256(name.encode()).hexdigest()[:24]
        schema = expr.schema()
        if called not in self._views:
            self.ibis._run_pre_execute_hooks(expr)  # noqa: SLF001 - as below
            typed = [f"CAST(`{n}` AS {self.ibis.type_name(kind)}) AS `{n}`" for n, kind in schema.items()]
            rows = self._asked(str(self.ibis.compile(expr))).selectExpr(*typed)
            self._kept.append(rows.persist())
            rows.createOrReplaceTempView(called)
            self._views.add(called)
        return ops.DatabaseTable(called, schema, self.ibis).to_expr()

    def compile(self, expr: ir.Table) -> str:
        """The engine's SQL of an expression."""
        return str(self.ibis.compile(expr))

    def sql(self, expr: ir.Expr) -> str:
        """The query an expression compiles to, laid out over lines."""
        return str(self.ibis.compile(expr.as_table(), pretty=True))

    def execute(self, expr: ir.Expr) -> pa.Table:
        """Run an expression; a scalar or column comes back as a table of one column."""
        table = expr.as_table()
        self.ibis._run_pre_execute_hooks(table)  # noqa: SLF001 - makes the expression's small tables readable
        query = str(self.ibis.compile(table))
        context = self._session.sparkContext
        context.addJobTag(self._tag)
        try:
            with _readable():
                found = self._session.sql(query).toArrow()
        finally:
            context.removeJobTag(self._tag)
        return _typed(found, table.schema())

    def _asked(self, query: str) -> Any:
        with _readable():
            return self._session.sql(query)

    def batches(self, expr: ir.Expr, rows: int) -> Iterator[pa.RecordBatch]:
        """Give an expression's rows in record batches of about ``rows``; all of them are held meanwhile."""
        yield from self.execute(expr).to_batches(max_chunksize=rows)

    def interrupt(self) -> None:
        """Stop the running query; callable from another thread."""
        self._session.sparkContext.cancelJobsWithTag(self._tag)

    def close(self) -> None:
        """End the session; its expressions can no longer be executed."""
        for name in self._views:
            self._session.catalog.dropTempView(name)
        for rows in self._kept:
            rows.unpersist()
        self._kept.clear()
        self._views.clear()


def _typed(found: pa.Table, schema: sch.Schema) -> pa.Table:
    """Rows as the expression's types: a truncated day comes as an instant, a sum with more digits."""
    wanted = schema.to_pyarrow()
    columns = [found.column(kind.name).cast(kind.type) for kind in wanted]
    return pa.Table.from_arrays(columns, schema=wanted)


@contextmanager
def _readable() -> Iterator[None]:
    """What Spark says, as the fact store's own error."""
    try:
        yield
    except PySparkException as error:
        raise QueryFailed(_first_line(error)) from error
    except Exception as error:  # what Java throws reaches us under py4j's names
        if type(error).__module__.partition(".")[0] != "py4j":
            raise
        raise QueryFailed(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip() if lines else type(error).__name__


__all__ = ["Address", "SparkReader", "SparkTarget", "target"]
