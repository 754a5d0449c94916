"""An import's plan: what was found in each file and what is confirmed of it. Plain values, kept as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from salesops.crm.engine.assemble import ColumnPlan
from salesops.crm.engine.formats import ColumnFormat
from salesops.crm.engine.schema import MAPPING_SCHEMA

RECORDS, HISTORY, IGNORED = "records", "history", "ignored"
QUARANTINE_PREFIX = "Quarantine: "
"""How the headers begin that a download of waiting rows puts before the file's own."""


@dataclass(frozen=True)
class PlannedColumn:
    """One header of a file and what becomes of it.

    Attributes:
        header: label in the file.
        to: canonical column, ``x_`` extra, or "" where the column is left out.
        type: canonical type.
        format: how its text is written, as :meth:`ColumnFormat.to_dict` gives it.
        confidence: 0 to 1; 1 for what a person confirmed.
        why: in words.
        examples: a few values as they stand.
        missing: cells without a value.
    """

    header: str
    to: str
    type: str
    format: dict[str, Any] = field(default_factory=dict)
    confidence: float = 1.0
    why: str = ""
    examples: tuple[str, ...] = ()
    missing: int = 0

    def column_plan(self) -> ColumnPlan:
        """The same for the engine."""
        return ColumnPlan(self.header, self.to, self.type, ColumnFormat.from_dict(self.format))


@dataclass(frozen=True)
class FilePlan:
    """One table of one file.

    Attributes:
        name: file, or file!sheet.
        kind: ``records``, ``history`` (rows of the change log of ``table``) or ``ignored``.
        table: canonical table.
        source: name of the system the records come from.
        columns: every header.
        key: headers that compose the id; empty where one header maps to ``id``.
        data_on: the day the file shows, None until known.
        data_on_why: where that day comes from.
        complete: whether the file holds every record of its table: what is absent was deleted.
        complete_where: narrower scope of ``complete``: column -> values.
        rows: rows read at inspection.
        dialect: how it was read.
        notes: sentences for the user.
        problems: what was wrong in the file, as plain values.
        dropped: rows left out because they are no records, as (row, reason).
        history: how a change history is read, as :class:`HistoryProposal` gives it; empty for records.
        stage_dates: header -> stage it dates the entry of, for records with stage-date columns.
        joined: canonical column -> headers whose texts together make it (first and last name).
        questions: what the user should look at, in words.
        key_shown: the key in words.
        date_candidates: possible data dates, best first, as (day, why, confidence).
        ignored_reason: why nothing is taken from it.
        confidence: of the table guess.
        system: CRM recognised.
        mapping_from: who confirmed the mapping that is reused, "" for a fresh proposal.
        key_example: the key of the first row, as it is stored.
        key_check: what was found of the key's uniqueness, in words.
        amounts: headers that could be the amount that counts, with why, best first; a question from two on.
    """

    name: str
    kind: str
    table: str
    source: str = "crm"
    columns: tuple[PlannedColumn, ...] = ()
    key: tuple[str, ...] = ()
    data_on: date | None = None
    data_on_why: str = ""
    complete: bool = False
    complete_where: dict[str, list[str]] = field(default_factory=dict)
    rows: int = 0
    dialect: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: tuple[dict[str, Any], ...] = ()
    dropped: tuple[tuple[int, str], ...] = ()
    history: dict[str, Any] = field(default_factory=dict)
    stage_dates: dict[str, str] = field(default_factory=dict)
    joined: dict[str, list[str]] = field(default_factory=dict)
    questions: tuple[str, ...] = ()
    key_shown: str = ""
    date_candidates: tuple[tuple[str, str, float], ...] = ()
    ignored_reason: str = ""
    confidence: float = 1.0
    system: str = ""
    mapping_from: str = ""
    key_example: str = ""
    key_check: str = ""
    amounts: tuple[tuple[str, str], ...] = ()

    @property
    def taken(self) -> bool:
        """Whether anything is taken from the file."""
        return self.kind != IGNORED

    def mapped(self) -> list[PlannedColumn]:
        """Columns that are taken."""
        return [c for c in self.columns if c.to]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "data_on": self.data_on.isoformat() if self.data_on else None}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> FilePlan:
        """The reverse of :meth:`to_dict`."""
        values = dict(given)
        values["columns"] = tuple(
            PlannedColumn(**{**c, "examples": tuple(c.get("examples", ()))})
            for c in values.get("columns", ())
        )
        values["data_on"] = date.fromisoformat(values["data_on"]) if values.get("data_on") else None
        for name in ("key", "notes", "problems", "questions"):
            values[name] = tuple(values.get(name, ()))
        values["date_candidates"] = tuple(tuple(c) for c in values.get("date_candidates", ()))
        values["amounts"] = tuple(tuple(c) for c in values.get("amounts", ()))
        values["dropped"] = tuple((row, reason) for row, reason in values.get("dropped", ()))
        return cls(**values)


def mapping_subject(table: str, headers: Iterable[str], source: str = "crm") -> str:
    """The subject of a mapping decision: files of one source with the same headers, in any order, share it.

    Headers that a download of waiting rows adds don't count, so that the mended file is known again.
    """
    own = sorted(h.strip().casefold() for h in headers if not h.startswith(QUARANTINE_PREFIX))
    text = json.dumps([table, own] if source == "crm" else [table, own, source], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def headers_subject(headers: Iterable[str]) -> str:
    """A digest of headers alone, to find a mapping before the table is known."""
    return mapping_subject("", headers)


def check_mapping(mapping: Any) -> None:
    """Refuse a mapping that does not have the published form.

    Raises:
        ValueError: with the place and the reason.
    """
    error = best_match(Draft202012Validator(MAPPING_SCHEMA).iter_errors(mapping))
    if error is not None:
        place = " / ".join(str(part) for part in error.absolute_path) or "the mapping"
        message = f"{place}: {error.message}"
        raise ValueError(message)


def apply_mapping(plan: FilePlan, mapping: Mapping[str, Any], *, by: str) -> FilePlan:
    """A plan with a confirmed mapping (the YAML form) put over what was proposed.

    Args:
        plan: the plan as proposed.
        mapping: {object, source, key, columns: {header: {to, type, format}}}.
        by: who confirmed it.

    Raises:
        ValueError: the mapping names a header that the file lacks.
    """
    columns = {c.header: c for c in plan.columns}
    folded = {h.strip().casefold(): h for h in columns}
    for header, rule in mapping["columns"].items():
        own = folded.get(header.strip().casefold())
        if own is None and header.startswith(QUARANTINE_PREFIX):
            continue
        if own is None:
            message = f"{plan.name} has no column {header!r}; it has {', '.join(columns)}."
            raise ValueError(message)
        rule = {"to": rule} if isinstance(rule, str) else rule
        to = rule.get("to") or ""
        columns[own] = replace(
            columns[own],
            to=to,
            type=rule.get("type", columns[own].type),
            format=rule.get("format", columns[own].format),
            confidence=1.0,
            why=f"confirmed by {by}",
        )
    return replace(
        plan,
        kind=mapping.get("kind", RECORDS if plan.kind == IGNORED else plan.kind),
        table=mapping["object"],
        source=mapping.get("source", plan.source),
        columns=tuple(columns.values()),
        key=tuple(folded.get(k.strip().casefold(), k) for k in mapping.get("key", ())),
        joined={k: list(v) for k, v in mapping.get("joined", plan.joined).items()},
        stage_dates=dict(mapping.get("stage_dates", plan.stage_dates)),
        history=dict(mapping.get("history", plan.history)),
        ignored_reason="",
        confidence=1.0,
        mapping_from=by,
    )


def mapping_of(plan: FilePlan) -> dict[str, Any]:
    """The mapping of a plan in the YAML form, so that it can be kept and reused."""
    own = [c for c in plan.columns if not c.header.startswith(QUARANTINE_PREFIX)]
    document: dict[str, Any] = {
        "object": plan.table,
        "kind": plan.kind,
        "source": plan.source,
        "match": {"headers": [c.header for c in own]},
        "columns": {
            c.header: {"to": c.to or None, "type": c.type, **({"format": c.format} if c.format else {})}
            for c in own
        },
    }
    for name in ("key", "joined", "stage_dates", "history"):
        if value := getattr(plan, name):
            document[name] = list(value) if name == "key" else {k: v for k, v in value.items() if v}
    return document


def in_order(plans: Sequence[FilePlan]) -> list[list[FilePlan]]:
    """Plans grouped by data date, oldest first: each group lands as one version of the facts."""
    dates = sorted({p.data_on for p in plans if p.taken and p.data_on})
    return [[p for p in plans if p.taken and p.data_on == day] for day in dates]
