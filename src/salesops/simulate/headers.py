"""Header rows of the exported files, in the order a Salesforce data export writes them."""

from __future__ import annotations

import pyarrow as pa

from salesops.simulate.columns import blank

HEADERS: dict[str, tuple[str, ...]] = {
    name: tuple(text.split())
    for name, text in {
        "User": (
            "Id Username LastName FirstName Name CompanyName Division Department Title Country Email Phone "
            "Alias IsActive TimeZoneSidKey UserType ManagerId CreatedDate LastModifiedDate EmployeeNumber "
            "Team__c Region__c Sales_Role__c Hire_Date__c Leave_Date__c"
        ),
        "Account": (
            "Id IsDeleted MasterRecordId Name Type ParentId BillingStreet BillingCity BillingState "
            "BillingPostalCode BillingCountry BillingStateCode BillingCountryCode BillingLatitude "
            "BillingLongitude BillingGeocodeAccuracy ShippingStreet ShippingCity ShippingState "
            "ShippingPostalCode ShippingCountry ShippingStateCode ShippingCountryCode ShippingLatitude "
            "ShippingLongitude ShippingGeocodeAccuracy Phone Fax AccountNumber Website Sic Industry "
            "AnnualRevenue NumberOfEmployees Ownership TickerSymbol Description Rating Site OwnerId "
            "CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp LastActivityDate "
            "Jigsaw JigsawCompanyId AccountSource SicDesc CurrencyIsoCode Segment__c"
        ),
        "Contact": (
            "Id IsDeleted MasterRecordId AccountId Salutation FirstName LastName MailingCity MailingCountry "
            "Phone Fax MobilePhone ReportsToId Email Title Department LeadSource Birthdate Description "
            "OwnerId HasOptedOutOfEmail DoNotCall CreatedDate CreatedById LastModifiedDate LastModifiedById "
            "SystemModstamp LastActivityDate EmailBouncedDate"
        ),
        "Lead": (
            "Id IsDeleted MasterRecordId Salutation FirstName LastName Title Company Street City State "
            "PostalCode Country StateCode CountryCode Phone MobilePhone Fax Email Website Description "
            "LeadSource Status Industry Rating AnnualRevenue NumberOfEmployees OwnerId HasOptedOutOfEmail "
            "IsConverted ConvertedDate ConvertedAccountId ConvertedContactId ConvertedOpportunityId "
            "IsUnreadByOwner CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp "
            "LastActivityDate DoNotCall"
        ),
        "Opportunity": (
            "Id IsDeleted AccountId IsPrivate Name Description StageName StageSortOrder Amount Probability "
            "ExpectedRevenue TotalOpportunityQuantity CloseDate Type NextStep LeadSource IsClosed IsWon "
            "ForecastCategory ForecastCategoryName CampaignId HasOpportunityLineItem Pricebook2Id OwnerId "
            "CreatedDate CreatedById LastModifiedDate LastModifiedById SystemModstamp LastActivityDate "
            "LastStageChangeDate FiscalYear FiscalQuarter ContactId PrimaryPartnerAccountId CurrencyIsoCode "
            "Product__c Region__c Loss_Reason__c Competitor__c First_Interaction_Date__c"
        ),
        "OpportunityHistory": (
            "Id OpportunityId CreatedById CreatedDate StageName Amount ExpectedRevenue CloseDate Probability "
            "FromForecastCategory ForecastCategory FromOpportunityStageName SystemModstamp IsDeleted "
            "PrevAmount PrevCloseDate"
        ),
        "OpportunityFieldHistory": (
            "Id IsDeleted OpportunityId CreatedById CreatedDate Field DataType OldValue NewValue"
        ),
        "OpportunityLineItem": (
            "Id OpportunityId SortOrder PricebookEntryId Product2Id ProductCode Name Quantity TotalPrice "
            "UnitPrice ListPrice ServiceDate Description CreatedDate LastModifiedDate IsDeleted "
            "CurrencyIsoCode"
        ),
        "Product2": ("Id Name ProductCode Description IsActive CreatedDate Family IsDeleted CurrencyIsoCode"),
        "PricebookEntry": (
            "Id Name Pricebook2Id Product2Id UnitPrice IsActive UseStandardPrice ProductCode IsDeleted "
            "CurrencyIsoCode"
        ),
        "Task": (
            "Id WhoId WhatId Subject ActivityDate Status Priority OwnerId Type IsDeleted AccountId IsClosed "
            "CreatedDate CreatedById CallDurationInSeconds CallType TaskSubtype CompletedDateTime"
        ),
        "Event": (
            "Id WhoId WhatId Subject Location ActivityDateTime ActivityDate DurationInMinutes StartDateTime "
            "EndDateTime AccountId OwnerId Type IsDeleted CreatedDate CreatedById EventSubtype"
        ),
        "Campaign": (
            "Id IsDeleted Name Type Status StartDate EndDate BudgetedCost ActualCost IsActive "
            "CurrencyIsoCode CreatedDate"
        ),
        "CampaignMember": (
            "Id IsDeleted CampaignId LeadId ContactId Status HasResponded FirstRespondedDate CreatedDate"
        ),
        "Order": (
            "Id OwnerId AccountId OpportunityId OrderNumber EffectiveDate Status TotalAmount CurrencyIsoCode "
            "IsDeleted CreatedDate"
        ),
        "Invoice": (
            "Id InvoiceNumber OrderId AccountId InvoiceDate DueDate TotalAmount CurrencyIsoCode Status "
            "IsDeleted"
        ),
        "Payment": (
            "Id PaymentNumber InvoiceId OrderId AccountId PaymentDate Amount CurrencyIsoCode Status IsDeleted"
        ),
        "Spend": ("Month Function Category Segment Amount Currency"),
    }.items()
}
"""File name without ending -> its columns. ``__c`` columns are the firm's own."""


def frame(name: str, length: int, columns: dict[str, pa.Array]) -> pa.Table:
    """A table with every column of the file's header; what is not given is empty.

    Raises:
        KeyError: a column the header does not have.
    """
    unknown = set(columns) - set(HEADERS[name])
    if unknown:
        raise KeyError(f"{name}: {sorted(unknown)}")
    arrays = [columns[c] if c in columns else blank(length) for c in HEADERS[name]]
    return pa.table(arrays, names=list(HEADERS[name]))
