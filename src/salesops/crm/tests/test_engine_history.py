"""History tables and stage-date columns become change rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from salesops.crm.engine.changes import Changes, changes_of, field_target, stage_date_changes
from salesops.crm.engine.formats import profile_columns
from salesops.crm.engine.mapping import propose
from salesops.crm.files import open_source, survey


def changes(columns: Mapping[str, Sequence[str]], name: str) -> Changes:
    """The changes of a history table given as columns of texts."""
    n = len(next(iter(columns.values())))
    data = pa.table(
        {**{k: pa.array(v, pa.string()) for k, v in columns.items()}, "source_row": list(range(2, n + 2))}
    )
    profiles = profile_columns(list(columns), data.to_batches())
    proposal = propose(name, list(columns), profiles, data=data)
    assert proposal.kind == "history"
    assert proposal.history is not None
    assert proposal.object is not None
    return changes_of(data, proposal.history, proposal.object, profiles)


def brief(found: Changes) -> list[tuple[str, str, str | None, str | None]]:
    """(id, field, old, new) of each change."""
    return [(r["object_id"], r["field"], r["old"], r["new"]) for r in found.rows.to_pylist()]


def test_snapshots_become_the_fields_that_changed() -> None:
    found = changes(
        {
            "OpportunityId": ["0061G00000Ja7B6", "0061G00000Ja7B6QAJ", "0061G00000Ja7B6QAJ"],
            "StageName": ["Prospecting", "Negotiation", "Closed Won"],
            "Amount": ["100.00", "100", "120.5"],
            "CloseDate": ["2024-03-31", "2024-04-30", "2024-04-30"],
            "Probability": ["10", "60", "100"],
            "CreatedDate": ["2024-01-01 10:00:00", "2024-02-01 10:00:00", "2024-03-01 10:00:00"],
            "CreatedById": ["005A", "005B", ""],
        },
        "OpportunityHistory.csv",
    )
    key = "0061G00000Ja7B6QAJ"
    assert brief(found) == [
        (key, "amount", None, "100"),
        (key, "close_on", None, "2024-03-31"),
        (key, "probability", None, "0.1"),
        (key, "stage", None, "Prospecting"),
        (key, "close_on", "2024-03-31", "2024-04-30"),
        (key, "probability", "0.1", "0.6"),
        (key, "stage", "Prospecting", "Negotiation"),
        (key, "amount", "100", "120.5"),
        (key, "probability", "0.6", "1"),
        (key, "stage", "Negotiation", "Closed Won"),
    ]
    first, last = found.rows.to_pylist()[0], found.rows.to_pylist()[-1]
    assert first["valid_at"] == datetime(2024, 1, 1, 10, tzinfo=UTC)
    assert (first["changed_by"], first["source_row"], last["changed_by"]) == ("005A", 2, None)


def test_field_history_is_read_by_field_and_typed() -> None:
    found = changes(
        {
            "OpportunityId": ["006A", "006A", "006A", "", "006B"],
            "Field": ["StageName", "Amount", "Health__c", "StageName", "created"],
            "OldValue": ["Prospecting", "1,000.50", "red", "x", ""],
            "NewValue": ["Won", "2,000.00", "green", "y", ""],
            "CreatedDate": ["2024-01-01T10:00:00Z"] * 3 + ["2024-01-01T10:00:00Z", "bad date"],
            "CreatedById": ["005A"] * 5,
        },
        "OpportunityFieldHistory.csv",
    )
    assert brief(found) == [
        ("006A", "stage", "Prospecting", "Won"),
        ("006A", "amount", "1000.5", "2000"),
        ("006A", "x_health", "red", "green"),
    ]
    assert found.faults == (
        (5, "OpportunityId", "the row names no record"),
        (6, "CreatedDate", "the row's date cannot be read"),
    )


def test_field_names_of_history_reports() -> None:
    assert field_target("opportunities", "Close Date") == "close_on"
    assert field_target("opportunities", "dealstage") == "stage"
    assert field_target("opportunities", "Favourite Colour") is None


def test_stage_entries_and_stage_date_columns() -> None:
    found = changes(
        {
            "deal_id": ["7", "7"],
            "value": ["a", "b"],
            "date_entered": ["2021-01-02 08:00:00", "2021-01-05 08:00:00"],
        },
        "deal_stage.csv",
    )
    assert brief(found) == [("7", "stage", None, "a"), ("7", "stage", "a", "b")]
    columns = {
        "Record ID": ["1", "2"],
        "Deal Name": ["x", "y"],
        "Deal Stage": ["Won", "Demo"],
        'Date entered "Demo"': ["2024-01-05 09:00", "2024-02-01 09:00"],
        'Date entered "Won"': ["2024-01-09 09:00", ""],
    }
    data = pa.table({**columns, "source_row": [2, 3]})
    profiles = profile_columns(list(columns), data.to_batches())
    proposal = propose("deals.csv", list(columns), profiles, data=data)
    result = stage_date_changes(data, proposal.columns, proposal.stage_dates, ["1", "2"], profiles)
    assert brief(result) == [
        ("1", "stage", None, "Demo"),
        ("1", "stage", "Demo", "Won"),
        ("2", "stage", None, "Demo"),
    ]


def test_landed_histories_read(shared_data: Path) -> None:
    folder = shared_data / "salesforce_hubspot_seeds"
    for name, rows in (
        ("salesforce/sf_opportunity_history_data.csv", 10),
        ("hubspot/deal_stage_data.csv", 14),
    ):
        (table,) = open_source(folder / name)
        proposal = survey(table)
        assert proposal.history is not None
        found = changes_of(table.read(), proposal.history, "opportunities", table.profiles)
        assert found.faults == ()
        assert len(set(found.rows.column("object_id").to_pylist())) <= rows
        assert "stage" in found.rows.column("field").to_pylist()
