"""The mapping file: schema, round trip, and laying it over a later file."""

from __future__ import annotations

from typing import Any

import jsonschema
import pyarrow as pa
import pytest
import yaml

from salesops.crm.engine.formats import profile_columns
from salesops.crm.engine.mapping import propose
from salesops.crm.engine.proposals import Proposal
from salesops.crm.engine.schema import MAPPING_SCHEMA, mapping_from_proposal, matches, proposal_from_mapping

DATA = {
    "Opportunity Name": ["a", "b"],
    "Account Name": ["x", "y"],
    "Stage": ["Won", "Lost"],
    "Betrag": ["1.234,50 €", "2,00 €"],
    "Close Date": ["31.12.2024", "01.02.2024"],
    "Health": ["1", "2"],
}


def suggested(data: dict[str, list[str]] = DATA) -> Proposal:
    """The proposal for the data."""
    table = pa.table(data)
    return propose("r.csv", list(data), profile_columns(list(data), table.to_batches()), data=table)


def valid(mapping: dict[str, Any]) -> bool:
    """Whether the published schema takes a mapping."""
    return not list(jsonschema.Draft202012Validator(MAPPING_SCHEMA).iter_errors(mapping))


def test_a_proposal_survives_yaml() -> None:
    jsonschema.Draft202012Validator.check_schema(MAPPING_SCHEMA)
    proposal = suggested()
    mapping = mapping_from_proposal(proposal)
    assert valid(mapping)
    again = yaml.safe_load(yaml.safe_dump(mapping, allow_unicode=True, sort_keys=False))
    back = proposal_from_mapping(again, proposal)
    assert [(c.header, c.stored_as, c.type, c.format) for c in back.columns] == [
        (c.header, c.stored_as, c.type, c.format) for c in proposal.columns
    ]
    assert back.key is not None
    assert proposal.key is not None
    assert back.key.columns == proposal.key.columns
    assert mapping_from_proposal(back) == mapping


def test_a_history_proposal_survives_too() -> None:
    data = {
        "OpportunityId": ["1"],
        "Field": ["Amount"],
        "OldValue": ["1"],
        "NewValue": ["2"],
        "CreatedDate": ["2024-01-01 10:00:00"],
    }
    proposal = suggested(data)
    mapping = mapping_from_proposal(proposal)
    assert valid(mapping)
    assert proposal_from_mapping(mapping, proposal).history == proposal.history


def test_short_entries_and_a_persons_corrections() -> None:
    mapping = {
        "object": "opportunities",
        "key": ["Opportunity Name"],
        "columns": {"health": "quantity", "Betrag": {"to": "x_list", "type": "money"}},
    }
    assert valid(mapping)
    back = proposal_from_mapping(mapping, suggested())
    stored = {c.header: c.stored_as for c in back.columns}
    assert stored["Health"] == "quantity"
    assert stored["Betrag"] == "x_list"
    assert stored["Stage"] == "stage"
    assert back.key is not None
    assert back.key.targets == ("name",)


@pytest.mark.parametrize(
    "mapping, message",
    [
        ({"object": "deals", "columns": {}}, "unknown object"),
        ({"object": "opportunities", "columns": {"Stage": "stag"}}, "no column 'stag'"),
        ({"object": "opportunities", "columns": {"Stage": "name", "Health": "name"}}, "two headers"),
        ({"object": "opportunities", "columns": {}, "key": ["Nope"]}, "not in the file"),
        ({"object": "opportunities", "columns": {"Health": {"to": "x_h", "type": "number"}}}, "unknown type"),
    ],
)
def test_mistakes_are_named(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        proposal_from_mapping(mapping, suggested())


def test_the_schema_refuses_what_it_does_not_know() -> None:
    assert not valid({"object": "opportunities"})
    assert not valid({"object": "opportunities", "columns": {}, "colour": 1})
    assert not valid(
        {"object": "opportunities", "columns": {"a": {"to": "name", "format": {"decimal": ";"}}}}
    )


def test_a_mapping_finds_its_files() -> None:
    mapping = mapping_from_proposal(suggested())
    assert matches(
        mapping, ["stage", "close date", "BETRAG", "Health", "Account_Name", "Opportunity Name", "New one"]
    )
    assert not matches(mapping, ["Stage", "Betrag"])
    assert not matches({"object": "users", "columns": {}}, ["Stage"])
    assert matches({"match": {"name": "*teams*", "headers": ["rep"]}}, ["Rep"], "sales_teams.csv")
    assert not matches({"match": {"name": "*teams*", "headers": ["rep"]}}, ["Rep"], "sales.csv")
