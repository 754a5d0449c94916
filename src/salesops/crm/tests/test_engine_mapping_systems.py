"""Headers of each CRM, as their exports write them, and the columns they go to."""

from __future__ import annotations

import pytest

from salesops.crm.tests.proposals import proposal_for, targets

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
