"""The shape of a mapping proposal: plain frozen values that pages, CLI and YAML can show."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from salesops.crm.engine.formats import ColumnFormat


@dataclass(frozen=True)
class ColumnProposal:
    """Where one column of a file goes.

    Attributes:
        header: the column's label in the file.
        target: canonical column, or None: the column is kept as ``extra_name``.
        extra_name: ``x_...`` name of a kept column, "" where there is a target.
        type: canonical type it is read as.
        confidence: 0 to 1.
        why: the evidence in words.
        format: how its text is read.
    """

    header: str
    target: str | None
    extra_name: str
    type: str
    confidence: float
    why: str
    format: ColumnFormat = field(default_factory=ColumnFormat)

    @property
    def stored_as(self) -> str:
        """Column name in the fact table."""
        return self.target or self.extra_name


@dataclass(frozen=True)
class KeyProposal:
    """What identifies a record.

    Attributes:
        columns: headers whose values together are the key.
        targets: the stored names of those columns.
        composed: whether the file has no id and the key is put together.
        shown_as: the same in words.
        unique: whether it is unique on the rows given; None where none were given.
        rows, duplicates, blanks: rows looked at, rows beyond the first of a key, rows without one.
        why: the evidence in words.
    """

    columns: tuple[str, ...]
    targets: tuple[str, ...]
    composed: bool
    shown_as: str
    unique: bool | None = None
    rows: int = 0
    duplicates: int = 0
    blanks: int = 0
    why: str = ""


@dataclass(frozen=True)
class AmountCandidate:
    """A money column that could be the amount that counts, and the column that names its currency."""

    header: str
    why: str
    currency_header: str = ""
    filled: int = 0


@dataclass(frozen=True)
class DateCandidate:
    """A possible data date of a file."""

    day: date
    why: str
    confidence: float


@dataclass(frozen=True)
class StageDate:
    """A column that says when a record entered a stage."""

    header: str
    stage: str
    stage_is_id: bool


@dataclass(frozen=True)
class HistoryProposal:
    """How a table of changes is read.

    Attributes:
        form: ``snapshots`` (one row per state, one column per field), ``field_changes`` (one row
            per change, a column names the field) or ``stage_entries`` (one row per stage entered).
        record_id: header of the record's id.
        at: header of the instant of the change.
        fields: header -> canonical field, for snapshots and stage entries.
        old_fields: header -> canonical field whose previous value it holds.
        field_header: header naming the changed field, for field_changes.
        old_header, new_header: headers of the values before and after.
        changed_by: header of the user, "".
    """

    form: Literal["snapshots", "field_changes", "stage_entries"]
    record_id: str
    at: str
    fields: dict[str, str] = field(default_factory=dict)
    old_fields: dict[str, str] = field(default_factory=dict)
    field_header: str = ""
    old_header: str = ""
    new_header: str = ""
    changed_by: str = ""


@dataclass(frozen=True)
class Proposal:
    """What a table is and where its columns go.

    Attributes:
        table: name of the table in its source.
        kind: ``records``, ``history`` (rows of the change log of ``object``) or ``ignored``.
        object: canonical table, None where ignored.
        object_confidence: 0 to 1.
        system: salesforce, hubspot, pipedrive, dynamics, zoho, sage or plain.
        columns: one per header, in file order.
        key: what identifies a record, None for history and ignored tables.
        amount_candidates: money columns, best first; more than one asks for a decision.
        joined: canonical columns put together from several headers (name from first and last name).
        stage_dates: columns saying when a record entered a stage.
        history: for kind history.
        data_on: possible data dates, best first.
        why: the evidence for the object.
        ignored_reason: for kind ignored.
        questions: what the user should look at, in words.
    """

    table: str
    kind: Literal["records", "history", "ignored"]
    object: str | None
    object_confidence: float
    system: str
    columns: tuple[ColumnProposal, ...]
    key: KeyProposal | None = None
    amount_candidates: tuple[AmountCandidate, ...] = ()
    joined: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stage_dates: tuple[StageDate, ...] = ()
    history: HistoryProposal | None = None
    data_on: tuple[DateCandidate, ...] = ()
    why: str = ""
    ignored_reason: str = ""
    questions: tuple[str, ...] = ()

    def column(self, target: str) -> ColumnProposal | None:
        """The column mapped to a canonical column."""
        return next((c for c in self.columns if c.target == target), None)
