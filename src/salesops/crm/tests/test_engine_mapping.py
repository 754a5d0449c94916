"""Mapping proposals: every system's headers, renamed and shuffled columns, keys, histories."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from salesops.crm.engine.amounts import currency_column
from salesops.crm.engine.formats import profile_columns
from salesops.crm.engine.keys import compose
from salesops.crm.engine.mapping import propose_for_object
from salesops.crm.files import open_source, survey
from salesops.crm.tests.proposals import proposal_for, propose_data, targets


def test_the_maven_files(shared_data: Path) -> None:
    found = {t.name: survey(t) for t in open_source(shared_data / "maven_crm") if t.ok}
    assert targets(found["sales_pipeline.csv"]) == {
        "opportunity_id": "id",
        "sales_agent": "owner_name",
        "product": "product_name",
        "account": "account_name",
        "deal_stage": "stage",
        "engage_date": "first_interaction_on",
        "close_date": "close_on",
        "close_value": "amount",
    }
    assert found["sales_pipeline.csv"].object == "opportunities"
    assert found["sales_pipeline.csv"].data_on[0].day == date(2017, 12, 31)
    assert found["sales_teams.csv"].object == "users"
    assert targets(found["sales_teams.csv"]) == {
        "sales_agent": "name",
        "manager": "manager_name",
        "regional_office": "region",
    }
    assert found["products.csv"].object == "products"
    assert targets(found["products.csv"]) == {
        "product": "name",
        "series": "family",
        "sales_price": "list_price",
    }
    assert found["accounts.csv"].object == "accounts"
    assert targets(found["accounts.csv"]) == {
        "account": "name",
        "sector": "industry",
        "year_established": "founded_year",
        "revenue": "annual_revenue",
        "employees": "employees",
        "office_location": "country",
        "subsidiary_of": "parent_name",
    }
    assert found["data_dictionary.csv"].kind == "ignored"
    assert "data dictionary" in found["data_dictionary.csv"].ignored_reason
    for name in ("sales_pipeline.csv", "sales_teams.csv", "products.csv", "accounts.csv"):
        key = found[name].key
        assert key is not None
        assert key.unique


def test_the_maven_pipeline_renamed_shuffled_and_without_its_id(shared_data: Path, tmp_path: Path) -> None:
    import csv

    renamed = {
        "opportunity_id": "Ref",
        "sales_agent": "Closer",
        "product": "Solution",
        "account": "Buyer",
        "deal_stage": "Where it stands",
        "engage_date": "Begin",
        "close_date": "Finish",
        "close_value": "Worth",
    }
    with (shared_data / "maven_crm" / "sales_pipeline.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    order = list(renamed)
    random.Random(5).shuffle(order)
    random.Random(6).shuffle(rows)
    path = tmp_path / "data.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([renamed[c] for c in order])
        writer.writerows([[r[c] for c in order] for r in rows])
    proposal = survey(open_source(path)[0])
    assert proposal.object == "opportunities"
    found = targets(proposal)
    assert {found.get(h) for h in ("Where it stands", "Ref", "Finish", "Worth", "Closer")} == {
        "stage",
        "id",
        "close_on",
        "amount",
        "owner_name",
    }
    assert proposal.questions  # little certainty is said
    pipeline = {c: [r[c] for r in rows] for c in order if c != "opportunity_id"}
    without = propose_data(pipeline, "sales_pipeline.csv")
    assert without.key is not None
    assert without.key.composed


def test_landed_seeds(shared_data: Path) -> None:
    seeds = {t.name: survey(t) for t in open_source(shared_data / "salesforce_hubspot_seeds") if t.ok}
    expected = {
        "salesforce/sf_opportunity_data.csv": ("records", "opportunities"),
        "salesforce/sf_opportunity_history_data.csv": ("history", "opportunities"),
        "salesforce/sf_account_data.csv": ("records", "accounts"),
        "salesforce/sf_account_history_data.csv": ("history", "accounts"),
        "salesforce/sf_contact_data.csv": ("records", "contacts"),
        "salesforce/sf_contact_history_data.csv": ("history", "contacts"),
        "salesforce/sf_lead_data.csv": ("records", "leads"),
        "salesforce/sf_user_data.csv": ("records", "users"),
        "salesforce/sf_user_role_data.csv": ("ignored", None),
        "salesforce/sf_task_data.csv": ("records", "activities"),
        "salesforce/sf_event_data.csv": ("records", "activities"),
        "salesforce/sf_order_data.csv": ("records", "orders"),
        "salesforce/sf_product_2_data.csv": ("records", "products"),
        "salesforce/sf_opportunity_line_item_data.csv": ("records", "opportunity_lines"),
        "hubspot/deal_data.csv": ("records", "opportunities"),
        "hubspot/deal_stage_data.csv": ("history", "opportunities"),
        "hubspot/deal_property_history_data.csv": ("history", "opportunities"),
        "hubspot/deal_pipeline_data.csv": ("ignored", None),
        "hubspot/deal_pipeline_stage_data.csv": ("ignored", None),
        "hubspot/company_data.csv": ("records", "accounts"),
        "hubspot/contact_data.csv": ("records", "contacts"),
        "hubspot/owner_data.csv": ("records", "users"),
        "hubspot/merged_deal_data.csv": ("ignored", None),
        "hubspot/deal_contact_data.csv": ("records", "opportunity_contacts"),
    }
    assert {name: (seeds[name].kind, seeds[name].object) for name in expected} == expected
    assert all(p.ignored_reason for p in seeds.values() if p.kind == "ignored")


@pytest.mark.parametrize(
    "headers, name, form, at",
    [
        (
            (
                "Id, OpportunityId, CreatedById, CreatedDate, StageName, Amount, ExpectedRevenue, "
                "CloseDate, Probability, ForecastCategory, PrevAmount, PrevCloseDate, SystemModstamp"
            ),
            "OpportunityHistory.csv",
            "snapshots",
            "CreatedDate",
        ),
        (
            "id, OpportunityId, StageName, Amount, CloseDate, Probability, ForecastCategory, CreatedDate",
            "opportunity_history.csv",
            "snapshots",
            "CreatedDate",
        ),
        (
            "Id, IsDeleted, OpportunityId, CreatedById, CreatedDate, Field, DataType, OldValue, NewValue",
            "OpportunityFieldHistory.csv",
            "field_changes",
            "CreatedDate",
        ),
        (
            "Opportunity ID, Opportunity Name, Field / Event, Old Value, New Value, Edited By, Edit Date",
            "report.csv",
            "field_changes",
            "Edit Date",
        ),
        (
            "Opportunity ID, From Stage, To Stage, Amount, Last Modified",
            "Opportunity History report.csv",
            "snapshots",
            "Last Modified",
        ),
        (
            "deal_id, timestamp, name, value, source",
            "deal_property_history.csv",
            "field_changes",
            "timestamp",
        ),
        ("deal_id, value, date_entered, source", "deal_stage.csv", "stage_entries", "date_entered"),
    ],
)
def test_histories_are_recognised(headers: str, name: str, form: str, at: str) -> None:
    proposal = proposal_for([h.strip() for h in headers.split(",")], name)
    assert (proposal.kind, proposal.object) == ("history", "opportunities")
    assert proposal.history is not None
    assert (proposal.history.form, proposal.history.at) == (form, at)


def test_paired_currency_and_two_amounts_ask_for_a_decision() -> None:
    headers = [
        "Opportunity Name",
        "Account Name",
        "Stage",
        "Close Date",
        "ACV Amount Currency",
        "ACV Amount",
        "Amount Currency",
        "Amount",
    ]
    proposal = proposal_for(headers, "r.csv")
    assert targets(proposal)["Amount"] == "amount"
    assert [a.header for a in proposal.amount_candidates] == ["Amount", "ACV Amount"]
    assert proposal.amount_candidates[0].currency_header == "Amount Currency"
    assert currency_column(proposal) == "Amount Currency"
    assert any("could be the amount that counts" in q for q in proposal.questions)


def test_stage_date_columns_of_both_spellings() -> None:
    headers = [
        "Record ID",
        "Deal Name",
        "Deal Stage",
        "Amount",
        'Date entered "Qualified To Buy (Sales Pipeline)"',
        "hs_date_entered_closedwon",
    ]
    proposal = proposal_for(headers, "deals.csv")
    assert [(s.header, s.stage, s.stage_is_id) for s in proposal.stage_dates] == [
        (headers[4], "Qualified To Buy (Sales Pipeline)", False),
        ("hs_date_entered_closedwon", "closedwon", True),
    ]


def test_references_by_name_and_by_id_go_to_their_own_columns() -> None:
    ids = ["0051G00000600MlQAI", "0051G000005Mx8dQAC"] * 10
    headers = ["Opportunity Name", "Stage", "Close Date", "Owner", "Account"]
    by_id = proposal_for(headers, "r.csv", 20, {"Owner": ids})
    assert targets(by_id)["Owner"] == "owner_id"
    assert targets(by_id)["Account"] == "account_name"
    assert targets(proposal_for(headers, "r.csv"))["Owner"] == "owner_name"


def test_unmapped_columns_are_kept_with_a_type() -> None:
    n = 6
    cells = {
        "Health Score": [str(i) for i in range(n)],
        "Discount %": ["5%", "10%", "", "3 %", "1%", "2%"],
        "Renewal?": ["yes", "no"] * 3,
        "Kick-off": ["2024-01-05"] * n,
        "MRR Delta": [f"{i}.25" for i in range(n)],
        "Code": ["007"] * n,
        "Größe": list("abcdef"),
        "Mixed": ["1", "2", "3", "4", "5", "x"],
        "Empty": [""] * n,
        "größe": list("abcdef"),
        "日本": list("abcdef"),
    }
    proposal = proposal_for(["Opportunity Name", "Stage", "Close Date", "Amount", *cells], "r.csv", n, cells)
    extras = {c.header: (c.extra_name, c.type) for c in proposal.columns if not c.target}
    assert extras == {
        "Health Score": ("x_health_score", "integer"),
        "Discount %": ("x_discount", "rate"),
        "Renewal?": ("x_renewal", "boolean"),
        "Kick-off": ("x_kick_off", "date"),
        "MRR Delta": ("x_mrr_delta", "money"),
        "Code": ("x_code", "text"),
        "Größe": ("x_grosse", "text"),
        "Mixed": ("x_mixed", "text"),
        "Empty": ("x_empty", "text"),
        "größe": ("x_grosse_2", "text"),
        "日本": (next(c.extra_name for c in proposal.columns if c.header == "日本"), "text"),
    }


def test_keys_are_composed_of_stable_columns_and_checked() -> None:
    data = {
        "Opportunity Name": ["Renewal", "Renewal", "New", "New"],
        "Account Name": ["Acme", "Beta", "Acme", "Acme"],
        "Created Date": ["2024-01-01", "2024-01-01", "2024-01-01", "2024-02-01"],
        "Stage": ["Won", "Lost", "Proposal", "Proposal"],
        "Amount": ["1", "2", "3", "3"],
    }
    key = propose_data(data, "r.csv").key
    assert key is not None
    assert (key.composed, key.unique, key.targets) == (True, True, ("name", "account_name", "created_on"))
    assert key.shown_as == "Opportunity Name + Account Name + Created Date"
    data["Created Date"] = ["2024-01-01"] * 4
    data["Amount"] = ["1", "2", "3", "3"]
    key = propose_data(data, "r.csv").key
    assert key is not None
    assert key.unique is False
    assert key.duplicates == 1
    composed = compose(pa.table({"a": [" Acme  Ltd ", "", None], "b": ["1", "", None]}), ["a", "b"])
    assert composed.to_pylist() == ["Acme Ltd | 1", None, None]


def test_a_table_of_nothing_known_is_ignored_with_a_reason() -> None:
    proposal = propose_data({"Colour": ["red", "blue"], "Shade": ["dark", "light"]}, "paint.csv")
    assert proposal.kind == "ignored"
    assert proposal.ignored_reason
    assert [c.extra_name for c in proposal.columns] == ["x_colour", "x_shade"]


def test_the_user_may_say_what_a_table_is() -> None:
    data = {"Bezeichnung": ["a", "b"], "Preis": ["1,50", "2,50"]}
    table = pa.table(data)
    profiles = profile_columns(list(data), table.to_batches())
    proposal = propose_for_object("x.csv", list(data), profiles, "products", data=table)
    assert proposal.object == "products"
    assert targets(proposal) == {"Preis": "list_price"}


def test_data_dates_from_file_names() -> None:
    headers = ["Opportunity Name", "Stage", "Close Date", "Amount"]
    assert proposal_for(headers, "exports/pipeline_2024-03-31.csv").data_on[0].day == date(2024, 3, 31)
    assert proposal_for(headers, "pipeline 20240331.csv").data_on[0].day == date(2024, 3, 31)
    assert proposal_for(headers, "pipeline_31.03.2024.xlsx!Sheet1").data_on[0].day == date(2024, 3, 31)
    assert date(2024, 4, 3) not in [
        d.day for d in proposal_for(headers, "pipeline_03-04-2024.csv").data_on[:1]
    ]


@pytest.mark.parametrize(
    "obj, header, target",
    [("opportunity_lines", "Quantity", "quantity"), ("exchange_rates", "Rate", "rate")],
)
def test_units_and_exchange_rates_are_never_percent_points(obj: str, header: str, target: str) -> None:
    cells = {header: [f"{n}.00" for n in range(5, 45)], "OpportunityId": [f"D{n}" for n in range(40)]}
    table = pa.table(cells)
    profiles = profile_columns(list(cells), table.to_batches())
    found = propose_for_object("x.csv", list(cells), profiles, obj, data=table)
    column = next(c for c in found.columns if c.header == header)
    assert column.target == target
    assert not column.format.percent_points
