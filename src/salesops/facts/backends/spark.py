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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import ibis.expr.operations as ops
import ibis.expr.schema as sch
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from salesops.facts.backends.loading import KEPT, Copy, shown
from salesops.facts.columntypes import ibis_schema
from salesops.facts.errors import EngineError, FactsError, QueryFailed
from salesops.facts.locks import FileLock, process_alive
from salesops.facts.tables import ColumnType

# It speaks of conversions to pandas, and rows come as Arrow here; what fails is raised, and need not be logged too.
warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)

try:
    from pyspark import SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    from salesops.facts.backends.spark_compiler import SessionBackend
except ImportError as error:
    raise EngineError(
        "PySpark is not installed. `python3 run.py install --spark` installs it; it also needs Java 17 or newer."
    ) from error

LOADED = "loaded.json"
"""File of a copy that says of what it is one; with a home's name in it, the file that names that home's newest."""

_MODE = 0o750
"""A copy has neither row security nor masks: nobody but the server's account, and its group, gets in."""

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
        """From ``spark:///folder?master=local[2]&spark.driver.memory=4g``; raises :class:`EngineError`."""
        try:
            parts = urlsplit(address)
        except ValueError:
            raise EngineError(f"{shown(address)} is no address of Spark.") from None
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        master = given.pop("master", cls.master)
        strange = [name for name in given if not name.startswith("spark.")]
        if parts.netloc or not parts.path.startswith("/") or strange:
            raise EngineError(
                f"{shown(address)!r} is no address of Spark: give spark:///folder?master=local[2], where other "
                "settings are Spark's own (spark.driver.memory=4g)."
            )
        return cls(Path(unquote(parts.path)), master, given)


class SparkTarget:
    """A folder with copies of the facts, each in a folder of its own; a file for each home names its newest.

    Args:
        address: where, and what computes.
    """

    engine = "Spark"

    def __init__(self, address: Address) -> None:
        self.address = address
        self.folder = address.folder

    def loaded(self, home: str) -> Copy | None:
        """The copy that was loaded last from a home; None where nothing was."""
        return _said(self._newest(home))

    def _newest(self, home: str) -> Path:
        return self.folder / f"{home}.{LOADED}"

    def load(self, copy: Copy, rows: Mapping[str, Iterable[pa.RecordBatch]]) -> None:
        """Write the tables of a copy; readers see the copy before until all of this one is there.

        Raises:
            FactsError: they can't be written, or another load goes on for minutes.
        """
        try:
            self.folder.mkdir(mode=_MODE, parents=True, exist_ok=True)
            with FileLock(self.folder / "_load.lock") as lock:
                self._load(copy, rows, lock)
        except OSError as error:
            raise FactsError(f"The facts can't be written to {self.folder}: {error}") from error

    def _load(self, copy: Copy, rows: Mapping[str, Iterable[pa.RecordBatch]], lock: FileLock) -> None:
        before, whole = self.loaded(copy.home), _said(self.folder / copy.place / LOADED) == copy
        if before == copy and whole:
            return
        if not whole:  # files of a whole one may be read at this moment
            self._write(copy, rows, lock)
        # The name is changed last, by one rename: whoever reads it finds a whole copy.
        new = self.folder / f"_{uuid.uuid4().hex}.json"
        new.write_text(copy.written(), encoding="utf-8")
        lock.check()
        new.replace(self._newest(copy.home))
        kept = {copy.place} | ({before.place} if before and KEPT > 1 else set())
        for old in self.folder.glob("v*"):
            said = _said(old / LOADED) if old.name not in kept else None
            if said is not None and said.home == copy.home:
                shutil.rmtree(old, ignore_errors=True)

    def _write(self, copy: Copy, rows: Mapping[str, Iterable[pa.RecordBatch]], lock: FileLock) -> None:
        being = self.folder / f"_{copy.place}-{uuid.uuid4().hex}"
        being.mkdir(mode=_MODE)
        try:
            for table, columns in copy.columns.items():
                _write(being / table, columns, rows[table])
            (being / LOADED).write_text(copy.written(), encoding="utf-8")
            lock.check()
            shutil.rmtree(self.folder / copy.place, ignore_errors=True)  # what lost its own list
            being.rename(self.folder / copy.place)
        finally:
            shutil.rmtree(being, ignore_errors=True)

    def session(self, copy: Copy) -> SparkReader:
        """A session over a copy."""
        with _readable():
            return SparkReader(_spark(self.address).newSession(), self.folder / copy.place)


def target(address: str) -> SparkTarget:
    """The folder and master of ``spark:///folder?master=...``."""
    return SparkTarget(Address.read(address))


def _said(path: Path) -> Copy | None:
    """The copy that a file speaks of; None where there is none."""
    try:
        return Copy.read(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EngineError(f"{path} can't be read: {error.strerror}.") from error


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
        for other, session in list(_started.items()):
            if _stopped(session):
                _forget(session)
                del _started[other]
        if key in _started:
            return _started[key]
        if _started:
            message = (
                "A process computes with one Spark; this one runs with another master or other settings."
            )
            raise EngineError(message)
        if not (shutil.which("java") or "JAVA_HOME" in os.environ):
            raise EngineError(
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
        except Exception as error:  # noqa: BLE001 - of Python, py4j or Java: its text may hold a setting's value
            raise EngineError(f"Spark did not start: {_without(address, _first_line(error))}") from None
        _started[key] = session
        return session


def _without(address: Address, said: str) -> str:
    """What Spark said, without the values of settings: one of them may be a key."""
    for value in sorted(address.settings.values(), key=len, reverse=True):
        said = said.replace(value, "...") if len(value) > 3 else said
    return said


def _stopped(session: Any) -> bool:
    """Whether Spark ended since: stopped by somebody, or its Java died."""
    try:
        context = session.sparkContext._jsc  # noqa: SLF001 - PySpark has no word for it
        return context is None or bool(context.sc().isStopped())
    except Exception:  # noqa: BLE001 - whatever py4j says of a Java that is not there
        return True


def _forget(session: Any) -> None:
    """Have PySpark start anew: it would hand out the Spark that ended."""
    with suppress(Exception):
        session.stop()
    try:
        SparkContext._jvm.java.lang.System.currentTimeMillis()  # type: ignore[union-attr]  # noqa: SLF001
    except Exception:  # noqa: BLE001 - as above: without its Java, another one is to be started
        SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001
    SparkContext._active_spark_context = None  # noqa: SLF001
    SparkSession._instantiatedSession = SparkSession._activeSession = None  # noqa: SLF001


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
            with _readable():
                files = self._session.read.schema(types).parquet(str(self._folder / name))
                files.createOrReplaceTempView(called)
            self._views.add(called)
        return ops.DatabaseTable(called, schema, self.ibis).to_expr()

    def constant(self, label: str, rows: pa.Table) -> ir.Table:
        """A small Arrow table as a view of this session."""
        called = "c_" + hashlib.sha256(label.encode()).hexdigest()[:24]
        if called not in self._views:
            with _readable():
                self.ibis.show(called, rows)
            self._views.add(called)
        return ops.DatabaseTable(called, sch.Schema.from_pyarrow(rows.schema), self.ibis).to_expr()

    def keep(self, name: str, expr: ir.Table) -> ir.Table:
        """An expression that many queries of this session read: computed with the first, kept to the session's end."""
        called = "d_" + hashlib.sha256(name.encode()).hexdigest()[:24]
        schema = expr.schema()
        if called not in self._views:
            typed = [f"CAST(`{n}` AS {self.ibis.type_name(kind)}) AS `{n}`" for n, kind in schema.items()]
            with _readable():
                self.ibis._run_pre_execute_hooks(expr)  # noqa: SLF001 - as below
                rows = self._session.sql(str(self.ibis.compile(expr))).selectExpr(*typed)
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
        with _readable():
            self.ibis._run_pre_execute_hooks(table)  # noqa: SLF001 - makes the expression's small tables readable
            query = str(self.ibis.compile(table))
            context = self._session.sparkContext
            context.addJobTag(self._tag)
            try:
                found = self._session.sql(query).toArrow()
            finally:
                context.removeJobTag(self._tag)
        return _typed(found, table.schema())

    def batches(self, expr: ir.Expr, rows: int) -> Iterator[pa.RecordBatch]:
        """Give an expression's rows in record batches of about ``rows``; all of them are held meanwhile."""
        yield from self.execute(expr).to_batches(max_chunksize=rows)

    def interrupt(self) -> None:
        """Stop the running query; callable from another thread."""
        self._session.sparkContext.cancelJobsWithTag(self._tag)

    def close(self) -> None:
        """End the session; its expressions can no longer be executed."""
        with (
            suppress(EngineError, QueryFailed),
            _readable(),
        ):  # nothing is left to be ended in a Spark that ended
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
    except FactsError:
        raise
    except Exception as error:  # what Java throws reaches us under py4j's names
        with _lock:
            ended = all(_stopped(session) for session in _started.values())
        if ended:
            raise EngineError("Spark ended; the next question starts it anew.") from error
        if not isinstance(error, PySparkException) and type(error).__module__.partition(".")[0] != "py4j":
            raise
        raise QueryFailed(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip() if lines else type(error).__name__


__all__ = ["Address", "SparkReader", "SparkTarget", "target"]
