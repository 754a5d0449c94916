"""From text cells to canonical records: types, keys, and every row that can't be taken, with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from salesops.crm.engine.canonical import canonical_text
from salesops.crm.engine.formats import ColumnFormat
from salesops.crm.engine.typing import ARROW_TYPES, FAULTS, type_batch
from salesops.facts.tables import EXTRA_PREFIX

SOURCE_ROW = "source_row"
KEY_MARK = " · "
"""What stands between the parts of a composed key."""


@dataclass(frozen=True)
class ColumnPlan:
    """How one header becomes one column.

    Attributes:
        header: label in the file.
        to: canonical column or ``x_`` extra.
        type: canonical type of that column.
        format: how its text is written.
    """

    header: str
    to: str
    type: str
    format: ColumnFormat = field(default_factory=ColumnFormat)


@dataclass(frozen=True)
class Refused:
    """One row that can't be taken.

    Attributes:
        row: physical row in the file.
        column: header of the cell at fault, "" where the row as a whole is.
        reason, fix: in words.
        cells: header -> text as it stood.
        key: id of the row's record, "" where it can't be told.
    """

    row: int
    column: str
    reason: str
    fix: str
    cells: Mapping[str, str]
    key: str = ""


@dataclass(frozen=True)
class Assembled:
    """Typed records of one batch, the rows refused, and how many decimals were rounded."""

    records: pa.Table
    refused: list[Refused]
    rounded: int


def assemble(
    batch: pa.RecordBatch,
    columns: Sequence[ColumnPlan],
    key: Sequence[str],
    joined: Mapping[str, Sequence[str]] | None = None,
) -> Assembled:
    """Type a batch of text by a plan.

    A cell of a canonical column that can't be read refuses its row; a cell of a company's own
    column never does (such a column is typed as text where its cells disagree).

    Args:
        batch: text columns, which may be dictionary-encoded, and ``source_row``.
        columns: the plan.
        key: headers that compose the id where no header maps to ``id``; empty where one does.
        joined: text column -> headers whose texts, divided by a space, make it.
    """
    arrays: dict[str, pa.Array] = {}
    bad: pa.Array | None = None
    no_key: set[int] = set()
    reasons: dict[int, tuple[str, str, str]] = {}
    rounded = 0
    for plan in columns:
        typed = type_batch(batch.column(plan.header), plan.format, plan.type)
        rounded += typed.rounded
        arrays[plan.to] = typed.values
        if typed.any_fault and not plan.to.startswith(EXTRA_PREFIX):
            places = pc.indices_nonzero(typed.faults)
            found = zip(
                places.to_pylist(),
                pc.take(typed.codes, places).to_pylist(),
                pc.take(batch.column(plan.header), places).to_pylist(),
                strict=True,
            )
            for index, code, cell in found:
                reason, fix = FAULTS[code]
                reasons.setdefault(index, (plan.header, f"{cell!r} is {reason}", fix))
                if plan.to == "id" or plan.header in key:
                    no_key.add(index)
            bad = typed.faults if bad is None else pc.or_(bad, typed.faults)
    for target, headers in (joined or {}).items():
        arrays[target] = joined_text([batch.column(header) for header in headers])
    if key:
        # From typed values where there are any: two exports that write one date in two ways give one key.
        stored = {plan.header: arrays[plan.to] for plan in columns}
        arrays["id"] = compose_key(
            [canonical_text(stored[h]) if h in stored else batch.column(h) for h in key]
        )
    if "id" in arrays:
        if pa.types.is_dictionary(arrays["id"].type):
            arrays["id"] = arrays["id"].dictionary_decode()
        missing = pc.is_null(arrays["id"])
        for index in pc.indices_nonzero(missing).to_pylist():
            header = next((c.header for c in columns if c.to == "id"), ", ".join(key))
            reasons.setdefault(
                index, (header, "the row has no key", "Fill the id, or compose the key from other columns.")
            )
        bad = missing if bad is None else pc.or_(bad, missing)
    arrays[SOURCE_ROW] = batch.column(SOURCE_ROW)
    records = pa.table(arrays)
    refused: list[Refused] = []
    if reasons:
        headers = [name for name in batch.schema.names if name != SOURCE_ROW]
        places = pa.array(sorted(reasons), pa.int64())
        rows = pa.RecordBatch.take(batch, places).to_pylist()
        keys = pc.take(arrays["id"], places).to_pylist() if "id" in arrays else [None] * len(rows)
        for index, row, key_ in zip(sorted(reasons), rows, keys, strict=True):
            header, reason, fix = reasons[index]
            own = key_ if index not in no_key else None
            cells = {name: row[name] or "" for name in headers}
            refused.append(Refused(row[SOURCE_ROW], header, reason, fix, cells, own or ""))
        records = records.filter(pc.invert(bad))
    return Assembled(records, refused, rounded)


def joined_text(parts: Sequence[pa.Array]) -> pa.Array:
    """Texts divided by one space, empty ones left out; null where all are empty."""
    trimmed = [pc.fill_null(pc.utf8_trim_whitespace(pc.cast(part, pa.string())), "") for part in parts]
    text = pc.utf8_trim_whitespace(pc.binary_join_element_wise(*trimmed, " "))
    text = pc.replace_substring_regex(text, r"\s+", " ")
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def compose_key(parts: Sequence[pa.Array]) -> pa.Array:
    """An id from several text columns: trimmed, joined; null where every part is empty."""
    trimmed = [pc.fill_null(pc.utf8_trim_whitespace(pc.cast(part, pa.string())), "") for part in parts]
    if len(trimmed) == 1:
        joined = trimmed[0]
        empty = pc.equal(joined, "")
    else:
        joined = pc.binary_join_element_wise(*trimmed, KEY_MARK)
        empty = pc.equal(trimmed[0], "")
        for part in trimmed[1:]:
            empty = pc.and_(empty, pc.equal(part, ""))
    return pc.if_else(empty, pa.scalar(None, pa.string()), joined)


def schema_of(columns: Sequence[ColumnPlan], key: Sequence[str], joined: Iterable[str] = ()) -> pa.Schema:
    """The Arrow schema that :func:`assemble` gives for a plan."""
    fields: list[Any] = [pa.field(c.to, ARROW_TYPES[c.type]) for c in columns]
    fields.extend(pa.field(name, pa.string()) for name in joined)
    if key:
        fields.append(pa.field("id", pa.string()))
    return pa.schema([*fields, pa.field(SOURCE_ROW, pa.int64())])
