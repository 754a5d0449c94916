"""Parquet and JSON: records with named, often typed, fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salesops.crm.engine.layout import unique_labels
from salesops.crm.files.sources import Source
from salesops.crm.files.tables import (
    SOURCE_ROW,
    Dialect,
    FileProblem,
    Findings,
    Limits,
    RawTable,
    batched,
    broken,
)
from salesops.crm.files.text import detect_encoding, open_text
from salesops.crm.files.workbook import cell_text


def open_parquet(source: Source, limits: Limits) -> RawTable:
    """The table of a Parquet file; values become texts, nested values JSON."""
    try:
        with source.open() as stream:
            schema = pq.ParquetFile(stream).schema_arrow
    except (pa.ArrowException, OSError) as error:
        return broken(
            source.name, f"the Parquet file cannot be read: {error}", "Write it again.", kind="parquet"
        )
    if len(schema) > limits.columns:
        return broken(
            source.name,
            f"the table has {len(schema)} columns; the limit is {limits.columns}",
            "Write fewer columns, or raise the limit.",
            kind="parquet",
        )
    columns, _ = unique_labels(schema.names)

    def read(findings: Findings) -> Iterator[pa.RecordBatch]:
        row = 0
        with source.open() as stream:
            for batch in pq.ParquetFile(stream).iter_batches(batch_size=32_768):
                arrays = [_texts(a) for a in batch.columns]
                numbers = pa.array(range(row + 1, row + batch.num_rows + 1), pa.int64())
                row += batch.num_rows
                yield pa.RecordBatch.from_arrays([*arrays, numbers], names=[*columns, SOURCE_ROW])

    dialect = Dialect("parquet", quote="", header_row=0)
    return RawTable(
        source.name, columns, read, dialect, modified_at=source.modified_at, unchanged=source.check
    )


def _texts(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return array.cast(pa.string()).fill_null("")
    if pa.types.is_boolean(kind):
        return pc.if_else(array.fill_null(False), "TRUE", pc.if_else(pc.is_valid(array), "FALSE", ""))
    if pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_decimal(kind):
        return array.cast(pa.string()).fill_null("")
    if pa.types.is_timestamp(kind):
        unit = pa.timestamp("us", kind.tz)
        return pa.array([cell_text(v) for v in array.cast(unit, safe=False).to_pylist()], pa.string())
    return pa.array([_json_text(v) for v in array.to_pylist()], pa.string())


def _json_text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return cell_text(value)


def open_json(source: Source, limits: Limits) -> list[RawTable]:
    """The table of a JSON list or JSON lines; an object of lists gives one table per list."""
    problems: list[FileProblem] = []
    encoding = detect_encoding(source)
    with open_text(source, encoding) as stream:
        text = stream.read()
    text = text.lstrip("\ufeff")
    if not text.strip():
        return [
            broken(
                source.name, "the file is empty", "Export it again: nothing was written into it.", kind="json"
            )
        ]
    groups: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    try:
        whole = json.loads(text, parse_float=str, parse_int=str)
    except (json.JSONDecodeError, RecursionError):
        groups[""] = _lines(source.name, text, problems)
    else:
        if isinstance(whole, dict):
            lists = {k: v for k, v in whole.items() if isinstance(v, list) and v and isinstance(v[0], dict)}
            if lists:
                for key, items in lists.items():
                    groups[key] = _dicts(source.name, items, problems)
            else:
                groups[""] = [(1, whole)]
        elif isinstance(whole, list):
            groups[""] = _dicts(source.name, whole, problems)
        else:
            problems.append(
                FileProblem(
                    source.name,
                    1,
                    "",
                    "the file holds no records",
                    "Write a list of objects, or one object a line.",
                )
            )
            groups[""] = []
    single = len(groups) == 1
    tables = []
    for key, items in groups.items():
        name = source.name if single or not key else f"{source.name}!{key}"
        tables.append(_table(name, items, problems, source.modified_at, limits))
    return tables


def _dicts(name: str, items: list[Any], problems: list[FileProblem]) -> list[tuple[int, dict[str, Any]]]:
    kept = []
    for i, item in enumerate(items, start=1):
        if isinstance(item, dict):
            kept.append((i, item))
        else:
            problems.append(
                FileProblem(
                    name,
                    i,
                    "",
                    "the record is not an object",
                    'Write it as {"field": value}.',
                    text=str(item)[:2000],
                )
            )
    return kept


def _lines(name: str, text: str, problems: list[FileProblem]) -> list[tuple[int, dict[str, Any]]]:
    kept = []
    for i, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            item = json.loads(line, parse_float=str, parse_int=str)
        except (json.JSONDecodeError, RecursionError) as error:
            problems.append(
                FileProblem(
                    name, i, "", f"the line is not JSON: {error}", "Correct the line.", text=line[:2000]
                )
            )
            continue
        if isinstance(item, dict):
            kept.append((i, item))
        else:
            problems.append(
                FileProblem(
                    name,
                    i,
                    "",
                    "the line is not an object",
                    'Write it as {"field": value}.',
                    text=line[:2000],
                )
            )
    return kept


def _table(
    name: str,
    items: list[tuple[int, dict[str, Any]]],
    problems: list[FileProblem],
    stamp: datetime | None,
    limits: Limits,
) -> RawTable:
    flat = [(row, _flat(item)) for row, item in items]
    labels: dict[str, None] = {}
    for _, item in flat:
        labels.update(dict.fromkeys(item))
    if len(labels) > limits.columns:
        return broken(
            name,
            f"the records have {len(labels)} fields; the limit is {limits.columns}",
            "Write fewer fields, or raise the limit.",
            kind="json",
        )
    if not labels and not problems:
        return broken(
            name, "the file holds no records", "Write a list of objects, or one object a line.", kind="json"
        )
    columns, _ = unique_labels(list(labels))
    keys = list(labels)

    def read(findings: Findings) -> Iterator[pa.RecordBatch]:
        yield from batched(columns, ((row, [_json_text(item.get(k)) for k in keys]) for row, item in flat))

    dialect = Dialect("json", quote="", header_row=0)
    return RawTable(name, columns, read, dialect, problems=problems, modified_at=stamp)


def _flat(item: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Nested objects as dotted names (``properties.amount``), two levels deep; Salesforce's
    ``attributes`` envelope is left out.
    """
    flat: dict[str, Any] = {}
    for key, value in item.items():
        if key == "attributes" and isinstance(value, dict) and set(value) <= {"type", "url"}:
            continue
        if isinstance(value, dict) and depth < 2:
            flat.update(_flat(value, f"{prefix}{key}.", depth + 1))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
