"""The mapping file: its JSON Schema, and proposals as plain dicts and back.

A mapping is what a person confirmed of a proposal. It is matched to later files by their
headers and is kept as a dated decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from fnmatch import fnmatchcase
from typing import Any

from salesops.crm.engine.aliases import normal
from salesops.crm.engine.formats import ColumnFormat
from salesops.crm.engine.proposals import ColumnProposal, HistoryProposal, KeyProposal, Proposal, StageDate
from salesops.facts.tables import EXTRA_PREFIX, TABLES

COLUMN_TYPES = ("text", "date", "instant", "integer", "money", "rate", "boolean")
_FORMAT_TYPES = {"bool": "boolean", "int": "integer", "str": "string"}


def _format_schema() -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for f in fields(ColumnFormat):
        kind = str(f.type)
        if kind.startswith("tuple"):
            properties[f.name] = {"type": "array", "items": {"type": "string"}}
        else:
            properties[f.name] = {"type": _FORMAT_TYPES[kind]}
    properties["date_order"]["enum"] = ["DMY", "MDY", "YMD", "named"]
    properties["date_form"]["enum"] = ["text", "compact", "serial", "epoch_ms", "epoch_s", "month"]
    properties["decimal"]["enum"] = [".", ","]
    properties["thousands"]["enum"] = ["", ",", ".", " ", "'"]
    return {"type": "object", "additionalProperties": False, "properties": properties}


MAPPING_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "salesops mapping file",
    "description": "How the columns of one kind of file go into one fact table.",
    "type": "object",
    "required": ["object", "columns"],
    "additionalProperties": False,
    "properties": {
        "object": {"enum": sorted(TABLES), "description": "Fact table the rows belong to."},
        "kind": {"enum": ["records", "history"], "default": "records"},
        "source": {"type": "string", "description": "System the file comes from."},
        "match": {
            "type": "object",
            "additionalProperties": False,
            "description": "Which files this mapping reads.",
            "properties": {
                "headers": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "Headers a file must all have.",
                },
                "name": {"type": "string", "description": "Pattern of the file or sheet name, with * and ?."},
            },
        },
        "key": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "description": "Headers that together identify a record.",
        },
        "columns": {
            "type": "object",
            "description": "One entry per header. A header that is not listed is kept as its own x_ column.",
            "additionalProperties": {
                "oneOf": [
                    {"type": "string", "description": "Short for {to: ...}."},
                    {
                        "type": "object",
                        "required": ["to"],
                        "additionalProperties": False,
                        "properties": {
                            "to": {
                                "type": ["string", "null"],
                                "description": "Column of the fact table, x_name, or null to leave it out.",
                            },
                            "type": {"enum": list(COLUMN_TYPES)},
                            "format": _format_schema(),
                        },
                    },
                ]
            },
        },
        "joined": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "description": "Columns put together from several headers, with a space between.",
        },
        "currency": {
            "type": "string",
            "description": "Header naming the amount's currency, or an ISO code for all rows.",
        },
        "stage_dates": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Header -> stage whose entry date it holds.",
        },
        "history": {
            "type": "object",
            "required": ["form", "record_id", "at"],
            "additionalProperties": False,
            "properties": {
                "form": {"enum": ["snapshots", "field_changes", "stage_entries"]},
                **{
                    k: {"type": "string"}
                    for k in ("record_id", "at", "field_header", "old_header", "new_header", "changed_by")
                },
                **{
                    k: {"type": "object", "additionalProperties": {"type": "string"}}
                    for k in ("fields", "old_fields")
                },
            },
        },
    },
}
"""JSON Schema of a mapping file."""


def mapping_from_proposal(proposal: Proposal) -> dict[str, Any]:
    """A proposal as a mapping file's content.

    Raises:
        ValueError: for an ignored table.
    """
    if proposal.object is None:
        raise ValueError(f"{proposal.table} is no records of any object: {proposal.ignored_reason}")
    mapping: dict[str, Any] = {"object": proposal.object}
    if proposal.kind == "history":
        mapping["kind"] = "history"
    mapping["source"] = proposal.system
    mapping["match"] = {"headers": [c.header for c in proposal.columns]}
    if proposal.key:
        mapping["key"] = list(proposal.key.columns)
    mapping["columns"] = {c.header: _column(c) for c in proposal.columns}
    if proposal.joined:
        mapping["joined"] = {k: list(v) for k, v in proposal.joined.items()}
    if proposal.stage_dates:
        mapping["stage_dates"] = {s.header: s.stage for s in proposal.stage_dates}
    if proposal.history:
        mapping["history"] = {k: v for k, v in proposal.history.__dict__.items() if v}
    return mapping


def _column(column: ColumnProposal) -> dict[str, Any]:
    entry: dict[str, Any] = {"to": column.stored_as, "type": column.type}
    fmt = column.format.to_dict()
    if fmt:
        entry["format"] = fmt
    return entry


def proposal_from_mapping(mapping: Mapping[str, Any], suggested: Proposal) -> Proposal:
    """The proposal for a file with a person's mapping laid over it.

    Headers the mapping does not list keep what was suggested where that is an extra, and become
    extras where the suggestion's target is taken by the mapping.

    Raises:
        ValueError: naming the entry, for an unknown object, column, type or header.
    """
    obj = mapping.get("object")
    if obj not in TABLES:
        raise ValueError(f"unknown object {obj!r}; known are {', '.join(sorted(TABLES))}")
    given: Mapping[str, Any] = mapping.get("columns") or {}
    headers = {c.header for c in suggested.columns}
    by_label = {normal(h): h for h in headers}
    chosen: dict[str, ColumnProposal] = {}
    for label, entry in given.items():
        header = label if label in headers else by_label.get(normal(label), "")
        if not header:
            continue  # the file lacks the column: its stored values stay
        before = next(c for c in suggested.columns if c.header == header)
        chosen[header] = _chosen(obj, header, entry, before)
    taken = {c.target for c in chosen.values() if c.target}
    doubled = [
        c.target
        for c in chosen.values()
        if c.target and sum(d.target == c.target for d in chosen.values()) > 1
    ]
    if doubled:
        raise ValueError(f"two headers are mapped to {doubled[0]}")
    columns = []
    for column in suggested.columns:
        if column.header in chosen:
            columns.append(chosen[column.header])
        elif column.target and (column.target in taken or suggested.object != obj):
            columns.append(_as_extra(column))
        else:
            columns.append(column)
    key = _key(mapping, columns, suggested)
    history = HistoryProposal(**mapping["history"]) if mapping.get("history") else suggested.history
    stage_dates = (
        tuple(StageDate(h, s, False) for h, s in mapping["stage_dates"].items())
        if "stage_dates" in mapping
        else suggested.stage_dates
    )
    return Proposal(
        suggested.table,
        mapping.get("kind", "records"),
        obj,
        1.0,
        mapping.get("source", suggested.system),
        tuple(columns),
        key=key,
        amount_candidates=suggested.amount_candidates,
        joined={k: tuple(v) for k, v in mapping.get("joined", suggested.joined).items()},
        stage_dates=stage_dates,
        history=history,
        data_on=suggested.data_on,
        why="confirmed mapping",
    )


def _chosen(obj: str, header: str, entry: Any, before: ColumnProposal) -> ColumnProposal:
    if isinstance(entry, str):
        entry = {"to": entry}
    to = entry.get("to")
    extra = to is None or str(to).startswith(EXTRA_PREFIX)
    if not extra and to not in TABLES[obj].by_name:
        raise ValueError(f"column {header!r}: {obj} has no column {to!r}")
    type_ = TABLES[obj].by_name[to].type if not extra else entry.get("type", before.type)
    if type_ not in COLUMN_TYPES:
        raise ValueError(f"column {header!r}: unknown type {type_!r}")
    fmt = ColumnFormat.from_dict(entry["format"]) if "format" in entry else before.format
    return ColumnProposal(
        header, None if extra else to, (to or "") if extra else "", type_, 1.0, "confirmed", fmt
    )


def _as_extra(column: ColumnProposal) -> ColumnProposal:
    name = f"{EXTRA_PREFIX}{normal(column.header).replace(' ', '_') or column.target}"
    return ColumnProposal(
        column.header, None, name, column.type, 1.0, "kept as the file's own column", column.format
    )


def _key(
    mapping: Mapping[str, Any], columns: Sequence[ColumnProposal], suggested: Proposal
) -> KeyProposal | None:
    wanted = mapping.get("key")
    if not wanted:
        return suggested.key
    by_header = {c.header: c for c in columns}
    missing = [h for h in wanted if h not in by_header]
    if missing:
        raise ValueError(f"key column {missing[0]!r} is not in the file")
    targets = tuple(by_header[h].stored_as for h in wanted)
    own = TABLES[mapping["object"]].key == targets
    return KeyProposal(tuple(wanted), targets, not own, " + ".join(wanted), why="confirmed")


def matches(mapping: Mapping[str, Any], headers: Sequence[str], name: str = "") -> bool:
    """Whether a mapping reads a file: all its headers are there, case and punctuation aside, and the name fits."""
    match = mapping.get("match") or {}
    have = {normal(h) for h in headers}
    if match.get("name") and not fnmatchcase(name.lower(), str(match["name"]).lower()):
        return False
    wanted = match.get("headers") or list(mapping.get("columns", {}))
    return bool(wanted) and all(normal(h) in have for h in wanted)
