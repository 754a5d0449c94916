"""History tables are recognised and become change rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from salesops.crm.engine.changelog import from_stage_dates, history_of
from salesops.crm.engine.formats import ColumnProfile, format_for, profile_columns
from salesops.crm.engine.history import field_target
from salesops.crm.engine.mapping import propose
from salesops.crm.engine.proposals import HistoryProposal, Proposal
from salesops.crm.engine.typing import type_batch
from salesops.crm.files import open_source, survey
from salesops.facts.tables import TABLES


def assembled(data: pa.Table, form: HistoryProposal, profiles: Mapping[str, ColumnProfile]) -> pa.Table:
    """The rows under the change log's names, typed as an import types them."""
    wanted = {form.record_id: ("object_id", "text"), form.at: ("valid_at", "instant")}
    if form.changed_by:
        wanted[form.changed_by] = ("changed_by", "text")
    if form.form == "field_changes":
        named = {form.field_header: "field", form.old_header: "old", form.new_header: "new"}
        wanted.update({h: (to, "text") for h, to in named.items() if h})
    else:
        by_name = TABLES["opportunities"].by_name
        wanted.update({h: (to, by_name[to].type) for h, to in form.fields.items()})
    columns: dict[str, Any] = {}
    for header, (to, kind) in wanted.items():
        fmt = format_for(profiles[header], kind, identifier=to == "object_id", zone="UTC")
        columns[to] = type_batch(data.column(header), fmt, kind).values
    return pa.table(columns)


def proposed(
    columns: Mapping[str, Sequence[str]], name: str
) -> tuple[pa.Table, Proposal, dict[str, ColumnProfile]]:
    """A table of texts with its proposal and profiles."""
    data = pa.table({k: pa.array(v, pa.string()) for k, v in columns.items()})
    profiles = profile_columns(list(columns), data.to_batches())
    return data, propose(name, list(columns), profiles, data=data), profiles


def changes(columns: Mapping[str, Sequence[str]], name: str) -> list[dict[str, Any]]:
    """The change rows of a history table given as columns of texts."""
    data, proposal, profiles = proposed(columns, name)
    assert proposal.kind == "history"
    assert proposal.history is not None
    rows = assembled(data, proposal.history, profiles)
    return history_of(rows, how=asdict(proposal.history), table="opportunities").to_pylist()


def brief(rows: Sequence[Mapping[str, Any]]) -> set[tuple[str, str, str | None, str | None]]:
    """(id, field, old, new) of each change."""
    return {(r["object_id"], r["field"], r["old"], r["new"]) for r in rows}


def test_snapshots_become_the_fields_that_changed() -> None:
    rows = changes(
        {
            "OpportunityId": ["0061G00000Ja7B6", "0061G00000Ja7B6QAJ", "0061G00000Ja7B6QAJ"],
            "StageName": ["Prospecting", "Negotiation", "Closed Won"],
            "Amount": ["100.00", "100", "120.5"],
            "CloseDate": ["2024-03-31", "2024-04-30", "2024-04-30"],
            "CreatedDate": ["2024-01-01 10:00:00", "2024-02-01 10:00:00", "2024-03-01 10:00:00"],
            "CreatedById": ["005A", "005B", ""],
        },
        "OpportunityHistory.csv",
    )
    key = "0061G00000Ja7B6QAJ"
    assert brief(rows) == {
        (key, "amount", None, "100.0000"),
        (key, "close_on", None, "2024-03-31"),
        (key, "stage", None, "Prospecting"),
        (key, "close_on", "2024-03-31", "2024-04-30"),
        (key, "stage", "Prospecting", "Negotiation"),
        (key, "amount", "100.0000", "120.5000"),
        (key, "stage", "Negotiation", "Closed Won"),
    }
    first = next(r for r in rows if r["new"] == "Prospecting")
    assert first["valid_at"] == datetime(2024, 1, 1, 10, tzinfo=UTC)
    assert first["changed_by"] == "005A"


def test_field_history_is_read_by_field_and_typed() -> None:
    rows = changes(
        {
            "OpportunityId": ["006A", "006A", "", "006B"],
            "Field": ["StageName", "Amount", "StageName", "created"],
            "OldValue": ["Prospecting", "1,000.50", "x", ""],
            "NewValue": ["Won", "2,000.00", "y", ""],
            "CreatedDate": ["2024-01-01T10:00:00Z"] * 4,
            "CreatedById": ["005A"] * 4,
        },
        "OpportunityFieldHistory.csv",
    )
    assert brief(rows) == {
        ("006A", "stage", "Prospecting", "Won"),
        ("006A", "amount", "1000.5000", "2000.0000"),
    }


def test_field_names_of_history_reports() -> None:
    assert field_target("opportunities", "Close Date") == "close_on"
    assert field_target("opportunities", "dealstage") == "stage"
    assert field_target("opportunities", "Favourite Colour") is None
    assert field_target("opportunities", "created") is None


def test_stage_entries() -> None:
    rows = changes(
        {
            "deal_id": ["7", "7"],
            "value": ["a", "b"],
            "date_entered": ["2021-01-02 08:00:00", "2021-01-05 08:00:00"],
        },
        "deal_stage.csv",
    )
    assert brief(rows) == {("7", "stage", None, "a"), ("7", "stage", "a", "b")}


def test_stage_date_columns() -> None:
    columns = {
        "Record ID": ["1", "2"],
        "Deal Name": ["x", "y"],
        "Deal Stage": ["Won", "Demo"],
        'Date entered "Demo"': ["2024-01-05 09:00", "2024-02-01 09:00"],
        'Date entered "Won"': ["2024-01-09 09:00", ""],
    }
    data, proposal, profiles = proposed(columns, "deals.csv")
    assert [s.stage for s in proposal.stage_dates] == ["Demo", "Won"]
    typed = {
        s.header: type_batch(
            data.column(s.header), format_for(profiles[s.header], "instant"), "instant"
        ).values
        for s in proposal.stage_dates
    }
    rows = from_stage_dates(
        pa.table({"id": ["1", "2"], **typed}),
        object_name="opportunities",
        id_column="id",
        stages={s.header: s.stage for s in proposal.stage_dates},
    )
    assert brief(rows.to_pylist()) == {
        ("1", "stage", None, "Demo"),
        ("1", "stage", "Demo", "Won"),
        ("2", "stage", None, "Demo"),
    }


def test_landed_histories_read(shared_data: Path) -> None:
    folder = shared_data / "salesforce_hubspot_seeds"
    for name, rows in (
        ("salesforce/sf_opportunity_history_data.csv", 10),
        ("hubspot/deal_stage_data.csv", 14),
    ):
        (table,) = open_source(folder / name)
        proposal = survey(table)
        assert proposal.history is not None
        found = history_of(
            assembled(table.read(), proposal.history, table.profiles),
            how=asdict(proposal.history),
            table="opportunities",
        )
        assert 0 < len(set(found.column("object_id").to_pylist())) <= rows
        assert "stage" in found.column("field").to_pylist()
