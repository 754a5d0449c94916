"""Mapping proposals: every system's headers, renamed and shuffled columns, keys, histories."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from salesops.crm.engine.amounts import currency_column
from salesops.crm.engine.formats import profile_columns
from salesops.crm.engine.keys import compose
from salesops.crm.engine.mapping import propose, propose_for_object
from salesops.crm.engine.proposals import Proposal
from salesops.crm.files import open_source, survey

STAGES = ["Closed Won", "Closed Lost", "Negotiation", "Proposal"]
PEOPLE = ["Anna Snelling", "Cecily Lampkin", "Moses Frase"]


def a_date(i: int) -> str:
    """Some day of 2024."""
    return f"2024-{i % 12 + 1:02d}-{i % 28 + 1:02d}"


MADE_UP: list[tuple[str, Callable[[int], str]]] = [
    (r"probab|certainty", lambda i: str((i * 10) % 101)),
    (r"date[ _]entered", lambda i: f"2024-02-{i % 28 + 1:02d} 10:00:00"),
    (r"^(?:is|has)|hs is closed won|^active$", lambda i: "1" if i % 2 else "0"),
    (r"^(?!.*date).*(?:stage|phase|step ?name)", lambda i: STAGES[i % 4]),
    (r"status|statecode", lambda i: ["Open", "Won", "Lost"][i % 3]),
    (r"(?:owner|agent|assigned to)$", lambda i: PEOPLE[i % 3]),
    (r"(?:id|\) opportunity|\) account)$", lambda i: f"R{i:07d}"),
    (r"currency", lambda i: "USD"),
    (r"amount|value|revenue|price|^forecast$", lambda i: f"{1000 + i * 7}.50"),
    (r"employees", lambda i: str(10 + i)),
    (r"date|created|\bon$|time$|stamp$|^opened$|^closed$", a_date),
    (r"mail", lambda i: f"p{i}@example.org"),
    (r"name|title|^topic$|^organization$|^account$|^company$|customer", lambda i: f"Name no {i}"),
]
"""What the cells under a header look like, by the first pattern it fits."""


def made_up(header: str, i: int) -> str:
    """A plausible cell for a header."""
    low = header.lower().replace("_", " ").replace(" - ", " ")
    found = next((make for pattern, make in MADE_UP if re.search(pattern, low)), None)
    return found(i) if found else f"text {i % 5}"


def proposal_for(
    headers: Sequence[str],
    name: str = "export.csv",
    n: int = 40,
    cells: Mapping[str, Sequence[str]] | None = None,
) -> Proposal:
    """The proposal for made-up rows under given headers."""
    data = {h: [made_up(h, i) for i in range(n)] for h in headers}
    data.update({h: list(v) for h, v in (cells or {}).items()})
    return propose_data(data, name)


def propose_data(data: Mapping[str, Sequence[str]], name: str) -> Proposal:
    """The proposal for columns of texts."""
    table = pa.table({h: pa.array(v, pa.string()) for h, v in data.items()})
    profiles = profile_columns(list(data), table.to_batches())
    return propose(name, list(data), profiles, data=table)


def targets(proposal: Proposal) -> dict[str, str]:
    """header -> target of the mapped columns."""
    return {c.header: c.target for c in proposal.columns if c.target}


GOLDEN: list[tuple[str, str, str, str, dict[str, str]]] = [
    (
        "salesforce",
        "opportunities",
        "Opportunity.csv",
        (
            "Id, IsDeleted, AccountId, IsPrivate, Name, Description, StageName, StageSortOrder, "
            "Amount, Probability, ExpectedRevenue, TotalOpportunityQuantity, CloseDate, Type, "
            "NextStep, LeadSource, IsClosed, IsWon, ForecastCategory, ForecastCategoryName, "
            "CampaignId, HasOpportunityLineItem, Pricebook2Id, OwnerId, CreatedDate, CreatedById, "
            "LastModifiedDate, LastModifiedById, SystemModstamp, LastActivityDate, "
            "LastStageChangeDate, FiscalYear, FiscalQuarter, ContactId, PrimaryPartnerAccountId, "
            "LastAmountChangedHistoryId, LastCloseDateChangedHistoryId"
        ),
        {
            "Id": "id",
            "AccountId": "account_id",
            "Name": "name",
            "StageName": "stage",
            "Amount": "amount",
            "Probability": "probability",
            "CloseDate": "close_on",
            "Type": "type",
            "NextStep": "next_step",
            "LeadSource": "lead_source",
            "IsClosed": "is_closed",
            "IsWon": "is_won",
            "ForecastCategory": "forecast_category",
            "CampaignId": "campaign_id",
            "OwnerId": "owner_id",
            "CreatedDate": "created_on",
            "LastActivityDate": "last_activity_on",
            "LastStageChangeDate": "last_stage_change_on",
        },
    ),
    (
        "salesforce",
        "opportunities",
        "report1234.csv",
        (
            "Opportunity ID, Opportunity Name, Account Name, Stage, Amount, Close Date, Probability "
            "(%), Opportunity Owner, Next Step"
        ),
        {
            "Opportunity ID": "id",
            "Opportunity Name": "name",
            "Account Name": "account_name",
            "Stage": "stage",
            "Amount": "amount",
            "Close Date": "close_on",
            "Probability (%)": "probability",
            "Opportunity Owner": "owner_name",
            "Next Step": "next_step",
        },
    ),
    (
        "salesforce",
        "opportunities",
        "custom.csv",
        (
            "Territory Region, Opportunity Owner, Account Name, Opportunity Name, Stage, Forecast "
            "Category, Total Amount Currency, Total Amount, ACV Amount Currency, ACV Amount, Fiscal "
            "Period, Close Date, Opportunity Next Steps, Type"
        ),
        {
            "Territory Region": "region",
            "Opportunity Owner": "owner_name",
            "Account Name": "account_name",
            "Opportunity Name": "name",
            "Stage": "stage",
            "Forecast Category": "forecast_category",
            "Total Amount": "amount",
            "Close Date": "close_on",
            "Opportunity Next Steps": "next_step",
            "Type": "type",
        },
    ),
    (
        "salesforce",
        "accounts",
        "Account.csv",
        (
            "Id, IsDeleted, MasterRecordId, Name, Type, ParentId, BillingStreet, BillingCity, "
            "BillingState, BillingPostalCode, BillingCountry, Phone, Fax, AccountNumber, Website, "
            "Sic, Industry, AnnualRevenue, NumberOfEmployees, OwnerId, CreatedDate, SystemModstamp"
        ),
        {
            "Id": "id",
            "Name": "name",
            "Type": "type",
            "ParentId": "parent_id",
            "BillingCity": "city",
            "BillingState": "state",
            "BillingCountry": "country",
            "Phone": "phone",
            "Website": "website",
            "Industry": "industry",
            "AnnualRevenue": "annual_revenue",
            "NumberOfEmployees": "employees",
            "OwnerId": "owner_id",
        },
    ),
    (
        "salesforce",
        "contacts",
        "Contact.csv",
        (
            "Id, IsDeleted, MasterRecordId, AccountId, Salutation, FirstName, LastName, "
            "MailingStreet, MailingCity, Phone, MobilePhone, ReportsToId, Email, Title, Department, "
            "LeadSource, OwnerId, CreatedDate, SystemModstamp, LastCURequestDate"
        ),
        {
            "Id": "id",
            "AccountId": "account_id",
            "Email": "email",
            "Phone": "phone",
            "Title": "title",
            "Department": "department",
            "OwnerId": "owner_id",
        },
    ),
    (
        "salesforce",
        "leads",
        "Lead.csv",
        (
            "Id, IsDeleted, MasterRecordId, FirstName, LastName, Title, Company, Street, City, "
            "State, Country, Phone, Email, LeadSource, Status, Industry, OwnerId, IsConverted, "
            "ConvertedDate, ConvertedAccountId, ConvertedContactId, ConvertedOpportunityId, "
            "CreatedDate, SystemModstamp"
        ),
        {
            "Id": "id",
            "Company": "company",
            "Email": "email",
            "LeadSource": "lead_source",
            "Status": "status",
            "IsConverted": "is_converted",
            "ConvertedDate": "converted_on",
            "ConvertedOpportunityId": "converted_opportunity_id",
            "OwnerId": "owner_id",
            "Industry": "industry",
        },
    ),
    (
        "hubspot",
        "opportunities",
        "hubspot-crm-exports-all-deals.csv",
        (
            "Record ID, Deal Name, Deal Stage, Amount, Deal owner, Close Date, Create Date, Last "
            "Activity Date, Pipeline, Associated Company"
        ),
        {
            "Record ID": "id",
            "Deal Name": "name",
            "Deal Stage": "stage",
            "Amount": "amount",
            "Deal owner": "owner_name",
            "Close Date": "close_on",
            "Create Date": "created_on",
            "Last Activity Date": "last_activity_on",
            "Pipeline": "pipeline",
            "Associated Company": "account_name",
        },
    ),
    (
        "hubspot",
        "accounts",
        "companies.csv",
        (
            "Record ID, Company name, Company Domain Name, Company owner, Industry, Country/Region, "
            "Create Date, Last Activity Date"
        ),
        {
            "Record ID": "id",
            "Company name": "name",
            "Company Domain Name": "website",
            "Company owner": "owner_name",
            "Industry": "industry",
            "Country/Region": "country",
            "Create Date": "created_on",
        },
    ),
    (
        "hubspot",
        "contacts",
        "contacts.csv",
        "Record ID, Email, Contact owner, Lifecycle Stage, Country/Region, Last Activity Date",
        {
            "Record ID": "id",
            "Email": "email",
            "Contact owner": "owner_name",
            "Lifecycle Stage": "lifecycle_stage",
        },
    ),
    (
        "hubspot",
        "opportunities",
        "x.csv",
        (
            "dealname, pipeline, dealstage, amount, createdate, closedate, hubspot_owner_id, "
            "hs_deal_stage_probability, hs_is_closed_won, closed_lost_reason, closed_won_reason, "
            "hs_lastmodifieddate, dealtype, hs_forecast_amount, num_associated_contacts, "
            "hs_date_entered_appointmentscheduled, hs_date_entered_closedwon"
        ),
        {
            "dealname": "name",
            "pipeline": "pipeline",
            "dealstage": "stage",
            "amount": "amount",
            "createdate": "created_on",
            "closedate": "close_on",
            "hubspot_owner_id": "owner_id",
            "hs_deal_stage_probability": "probability",
            "hs_is_closed_won": "is_won",
            "closed_lost_reason": "loss_reason",
            "dealtype": "type",
            "hs_lastmodifieddate": "last_modified_at",
        },
    ),
    (
        "pipedrive",
        "opportunities",
        "deals-123.csv",
        (
            "Deal - Title, Deal - Value, Organization, Contact person, Deal - Owner, Deal - Stage "
            "(pipeline), Deal - Expected close date, Deal - Currency of value, Deal - Label, Deal - "
            "Creation date, Deal - Closed on, Deal - Lost reason, Deal - Lost time, Deal - "
            "Probability, Deal - Status, Deal - Won time, Deal - Visible to, Deal - Pipedrive System "
            "ID"
        ),
        {
            "Deal - Title": "name",
            "Deal - Value": "amount",
            "Organization": "account_name",
            "Contact person": "contact_name",
            "Deal - Owner": "owner_name",
            "Deal - Stage (pipeline)": "stage",
            "Deal - Expected close date": "expected_close_on",
            "Deal - Currency of value": "currency",
            "Deal - Creation date": "created_on",
            "Deal - Closed on": "close_on",
            "Deal - Lost reason": "loss_reason",
            "Deal - Probability": "probability",
            "Deal - Status": "status",
            "Deal - Pipedrive System ID": "id",
        },
    ),
    (
        "pipedrive",
        "accounts",
        "organizations.csv",
        (
            "Organization - Name, Organization - Labels, Organization - Address, Organization - "
            "Owner, Organization - Creation date, Organization - Pipedrive System ID"
        ),
        {
            "Organization - Name": "name",
            "Organization - Owner": "owner_name",
            "Organization - Creation date": "created_on",
            "Organization - Pipedrive System ID": "id",
        },
    ),
    (
        "dynamics",
        "opportunities",
        "My Open Opportunities 1-2-2024.xlsx!My Open Opportunities",
        (
            "(Do Not Modify) Opportunity, (Do Not Modify) Row Checksum, (Do Not Modify) Modified On, "
            "Topic, Potential Customer, Est. close date, Est. revenue, Actual Close Date, Actual "
            "Revenue, Status, Status Reason, Probability, Rating, Pipeline Phase, Currency, Owner, "
            "Created On, Total Amount (Base)"
        ),
        {
            "(Do Not Modify) Opportunity": "id",
            "Topic": "name",
            "Potential Customer": "account_name",
            "Est. close date": "expected_close_on",
            "Est. revenue": "amount",
            "Actual Close Date": "close_on",
            "Status": "status",
            "Probability": "probability",
            "Pipeline Phase": "stage",
            "Currency": "currency",
            "Owner": "owner_name",
            "Created On": "created_on",
            "(Do Not Modify) Modified On": "last_modified_at",
        },
    ),
    (
        "dynamics",
        "opportunities",
        "opportunity.csv",
        (
            "opportunityid, name, estimatedvalue, actualvalue, closeprobability, estimatedclosedate, "
            "actualclosedate, stepname, statecode, statuscode, opportunityratingcode"
        ),
        {
            "opportunityid": "id",
            "name": "name",
            "estimatedvalue": "amount",
            "closeprobability": "probability",
            "estimatedclosedate": "expected_close_on",
            "actualclosedate": "close_on",
            "stepname": "stage",
            "statecode": "status",
        },
    ),
    (
        "dynamics",
        "accounts",
        "accounts.xlsx!Active Accounts",
        (
            "(Do Not Modify) Account, Account Name, Main Phone, Primary Contact, Status, Number of "
            "Employees, Annual Revenue, Website, Owner, Created On, Parent Account"
        ),
        {
            "Account Name": "name",
            "Main Phone": "phone",
            "Number of Employees": "employees",
            "Annual Revenue": "annual_revenue",
            "Website": "website",
            "Owner": "owner_name",
            "Created On": "created_on",
            "Parent Account": "parent_name",
        },
    ),
    (
        "zoho",
        "opportunities",
        "Deals_001.csv",
        (
            "Deal_Name, Pipeline, Stage, Amount, Created_Time, Closing_Date, Status, Owner, "
            "Account_Name, Contact_Name"
        ),
        {
            "Deal_Name": "name",
            "Pipeline": "pipeline",
            "Stage": "stage",
            "Amount": "amount",
            "Created_Time": "created_on",
            "Closing_Date": "close_on",
            "Owner": "owner_name",
            "Account_Name": "account_name",
            "Contact_Name": "contact_name",
        },
    ),
    (
        "zoho",
        "accounts",
        "Accounts_001.csv",
        (
            "Account_Name, Industry, Annual_Revenue, Employees, Billing_Street, Billing_City, "
            "Billing_State, Billing_Code, Billing_Country, Website"
        ),
        {
            "Account_Name": "name",
            "Industry": "industry",
            "Annual_Revenue": "annual_revenue",
            "Employees": "employees",
            "Billing_City": "city",
            "Billing_State": "state",
            "Billing_Country": "country",
            "Website": "website",
        },
    ),
    (
        "zoho",
        "contacts",
        "Contacts_001.csv",
        "First_Name, Last_Name, Email, Phone, Title, Department, Owner, Account_Name",
        {
            "Email": "email",
            "Phone": "phone",
            "Title": "title",
            "Department": "department",
            "Owner": "owner_name",
            "Account_Name": "account_name",
        },
    ),
    (
        "sage",
        "opportunities",
        "x.csv",
        (
            "Company, Person, Description, Source, Type, Opened, Closed, Territory, Competitors, "
            "Winner, Reason For Loss, Stage, Status, Certainty%, Forecast, Priority, Assigned To"
        ),
        {
            "Company": "account_name",
            "Description": "name",
            "Source": "lead_source",
            "Type": "type",
            "Closed": "close_on",
            "Opened": "created_on",
            "Territory": "region",
            "Competitors": "competitor",
            "Reason For Loss": "loss_reason",
            "Stage": "stage",
            "Status": "status",
            "Certainty%": "probability",
            "Assigned To": "owner_name",
        },
    ),
]


@pytest.mark.parametrize(
    "system, obj, name, headers, expected", GOLDEN, ids=[f"{g[0]}-{g[1]}-{g[2]}" for g in GOLDEN]
)
def test_headers_of_each_system(
    system: str, obj: str, name: str, headers: str, expected: dict[str, str]
) -> None:
    proposal = proposal_for([h.strip() for h in headers.split(",")], name)
    assert (proposal.system, proposal.object, proposal.kind) == (system, obj, "records")
    found = targets(proposal)
    assert {h: found.get(h) for h in expected} == expected
    stored = [c.stored_as for c in proposal.columns]
    assert len(stored) == len(set(stored))
    assert all(c.extra_name.startswith("x_") for c in proposal.columns if not c.target)


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
