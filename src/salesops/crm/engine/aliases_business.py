"""Labels of the columns of lines, products, activities, orders and what else a business keeps."""

from __future__ import annotations

from salesops.crm.engine.alias_words import ACCOUNT_ID, ACCOUNT_NAME, CURRENCY, OWNER_ID, OWNER_NAME, entry

BUSINESS: dict[str, dict[str, tuple[float, tuple[str, ...]]]] = {
    "opportunity_lines": {
        "id": entry(0.5, "opportunity product id|line item id|opportunity line item id|id|record id|line id"),
        "opportunity_id": entry(1.5, "opportunity id|opportunityid|deal id|opportunity"),
        "product_id": entry(2.0, "product id|product 2 id|product2id|product2 id|product code|hs product id"),
        "product_name": entry(1.5, "product|product name|line item name|name|item"),
        "quantity": entry(2.0, "quantity|qty|units|menge"),
        "unit_price": entry(
            2.5, "sales price|unit price|unitprice|price per unit|price|net price|einzelpreis"
        ),
        "list_price": entry(1.0, "list price|listprice|listenpreis"),
        "discount": entry(1.0, "discount|discount percent|discount %|rabatt|hs discount percentage"),
        "amount": entry(1.0, "total price|totalprice|amount|line total|extended amount|net amount|subtotal"),
        "currency": entry(0.1, CURRENCY),
    },
    "products": {
        "id": entry(0.5, "product id|id|product key|productkey|product2 id|record id|item id"),
        "name": entry(1.5, "product name|product|name|item name|item|produkt|produktname|productname"),
        "code": entry(
            2.0,
            (
                "product code|productcode|code|sku|product number|item number|stock keeping unit|article "
                "number|artikelnummer|hs sku"
            ),
        ),
        "family": entry(
            2.0,
            (
                "product family|family|series|category|product category|product line|subcategory|"
                "productline|produktfamilie|englishproductcategoryname|product series"
            ),
        ),
        "list_price": entry(
            2.0,
            (
                "list price|sales price|listprice|unit price|standard price|price|retail price|"
                "listenpreis|preis|catalog price|msrp"
            ),
        ),
        "currency": entry(0.1, CURRENCY + "|product currency"),
        "is_active": entry(0.5, "is active|active|isactive|active flag"),
    },
    "activities": {
        "id": entry(0.4, "activity id|task id|event id|engagement id|id|record id|call id|meeting id"),
        "type": entry(1.0, "activity type|type|task subtype|event subtype|task type|engagement type"),
        "subject": entry(
            2.0,
            (
                "subject|activity subject|hs task subject|task|hs email subject|hs meeting title|hs call "
                "title|betreff|activity|title"
            ),
        ),
        "owner_id": entry(0.3, OWNER_ID),
        "owner_name": entry(0.3, "assigned|activity assigned to|" + OWNER_NAME),
        "account_id": entry(0.4, ACCOUNT_ID + "|account id"),
        "account_name": entry(0.3, ACCOUNT_NAME),
        "opportunity_id": entry(1.0, "opportunity id|what id|whatid|deal id|related to id|opportunity"),
        "contact_id": entry(0.8, "contact id|who id|whoid"),
        "lead_id": entry(0.8, "lead id"),
        "status": entry(0.8, "status|task status|activity status|hs task status"),
        "direction": entry(1.5, "direction|call direction|call type|hs call direction"),
        "starts_at": entry(
            2.0,
            (
                "start date time|startdatetime|activity date time|activity datetime|start|hs timestamp|"
                "due date|activity date|activitydate|date|start time|activity due date|timestamp|date "
                "time|engagement date"
            ),
        ),
        "minutes": entry(
            1.5,
            ("duration in minutes|durationinminutes|duration|duration minutes|minutes|call duration minutes"),
        ),
    },
    "campaigns": {
        "id": entry(0.5, "campaign id|campaignid|id"),
        "name": entry(1.5, "campaign name|campaign|name"),
        "type": entry(0.7, "campaign type|type|channel"),
        "starts_on": entry(1.0, "start date|startdate|starts on|campaign start"),
        "ends_on": entry(1.0, "end date|enddate|ends on|campaign end"),
        "cost": entry(2.0, "actual cost|actualcost|cost|spend|actual cost in campaign|budget cost"),
        "currency": entry(0.1, CURRENCY),
    },
    "opportunity_contacts": {
        "id": entry(0.3, "id|contact role id"),
        "opportunity_id": entry(1.5, "opportunity id|opportunityid|deal id"),
        "contact_id": entry(2.0, "contact id|contactid"),
        "role": entry(1.5, "role|contact role|buying role|category"),
        "is_primary": entry(1.5, "is primary|isprimary|primary"),
    },
    "opportunity_team": {
        "id": entry(0.3, "id|split id|opportunity split id"),
        "opportunity_id": entry(1.5, "opportunity id|opportunityid|deal id"),
        "user_id": entry(
            1.5,
            "user id|userid|split owner id|split owner|team member id|collaborator id|follower id|sharee id",
        ),
        "user_name": entry(
            1.5,
            (
                "user|team member|user name|split owner name|member name|credited to|collaborator|"
                "collaborator name|follower|deal collaborator"
            ),
        ),
        "role": entry(1.0, "team member role|teammemberrole|role|team role"),
        "share": entry(
            2.5,
            (
                "split|split percentage|splitpercentage|share|split percent|split %|credit|credit share|"
                "percent"
            ),
        ),
        "is_overlay": entry(2.0, "is overlay|overlay"),
    },
    "record_shares": {
        "id": entry(0.3, "id|share id"),
        "object": entry(1.0, "object|object name|object type|sobject|table|record type name"),
        "record_id": entry(1.5, "record id|parent id|shared record id|object id|entity id"),
        "opportunity_id": entry(1.0, "opportunity id|opportunityid|deal id"),
        "account_id": entry(0.6, ACCOUNT_ID),
        "contact_id": entry(0.6, "contact id|contactid"),
        "lead_id": entry(0.6, "lead id|leadid"),
        "principal_id": entry(
            3.0,
            (
                "user or group id|userorgroupid|user group id|shared with|shared to|shared with id|principal id|"
                "principal|grantee|grantee id"
            ),
        ),
        "access": entry(
            1.5,
            (
                "account access level|lead access level|access level|access|contact access level|"
                "opportunity access level|permission|access rights mask|access rights"
            ),
        ),
        "reason": entry(1.5, "row cause|rowcause|reason|share reason|sharing reason"),
    },
    "group_members": {
        "id": entry(0.3, "id|group member id"),
        "group_id": entry(2.0, "group id|groupid|queue id|public group id|team id"),
        "group_name": entry(1.5, "group|group name|queue|queue name"),
        "member_id": entry(
            2.5, "user or group id|userorgroupid|member id|user id|userid|member|group member|systemuserid"
        ),
    },
    "orders": {
        "id": entry(
            1.0,
            (
                "order id|sales order id|salesorderid|order number|sales order number|salesordernumber|"
                "ordernumber|id|order"
            ),
        ),
        "opportunity_id": entry(0.6, "opportunity id|opportunityid|deal id"),
        "account_id": entry(0.4, ACCOUNT_ID),
        "account_name": entry(0.3, ACCOUNT_NAME),
        "owner_id": entry(0.4, OWNER_ID + "|employee key"),
        "owner_name": entry(0.3, OWNER_NAME),
        "status": entry(0.3, "order status|status"),
        "ordered_on": entry(
            2.5, ("order date|orderdate|ordered on|date ordered|effective date|bestelldatum|order start date")
        ),
        "amount": entry(
            1.0,
            (
                "total amount|order amount|order total|total due|amount|sub total|total|sales amount|"
                "grand total"
            ),
        ),
        "currency": entry(0.1, CURRENCY),
    },
    "invoices": {
        "id": entry(2.0, "invoice id|invoice number|invoice no|rechnungsnummer|invoice|id"),
        "order_id": entry(0.8, "order id|order number"),
        "account_id": entry(0.3, ACCOUNT_ID),
        "account_name": entry(0.3, ACCOUNT_NAME),
        "issued_on": entry(2.0, "invoice date|issue date|issued on|rechnungsdatum|billing date"),
        "due_on": entry(1.5, "due date|payment due|due on|fallig am"),
        "amount": entry(0.8, "amount|invoice amount|total|total amount|invoice total|betrag"),
        "currency": entry(0.1, CURRENCY),
    },
    "payments": {
        "id": entry(2.0, "payment id|payment number|receipt number|id"),
        "invoice_id": entry(1.5, "invoice id|invoice number"),
        "order_id": entry(0.6, "order id|order number"),
        "account_id": entry(0.3, ACCOUNT_ID),
        "account_name": entry(0.3, ACCOUNT_NAME),
        "paid_on": entry(2.5, "payment date|paid on|date paid|received on|receipt date|zahlungsdatum"),
        "amount": entry(0.8, "amount|payment amount|amount paid|total"),
        "currency": entry(0.1, CURRENCY),
    },
    "contracts": {
        "id": entry(1.8, "contract id|contract number|contractid|id|agreement id|vertragsnummer|contract"),
        "account_id": entry(0.3, ACCOUNT_ID),
        "account_name": entry(0.3, ACCOUNT_NAME),
        "owner_id": entry(0.2, OWNER_ID),
        "owner_name": entry(0.2, "contract owner|" + OWNER_NAME),
        "opportunity_id": entry(0.4, "opportunity id|deal id"),
        "status": entry(0.3, "contract status|status"),
        "starts_on": entry(2.0, "contract start date|start date|startdate|effective date|vertragsbeginn"),
        "ends_on": entry(
            2.0, "contract end date|end date|enddate|expiry date|expiration date|renewal date|vertragsende"
        ),
        "notice_days": entry(2.0, "notice days|notice period|owner expiration notice|kundigungsfrist"),
        "amount": entry(0.6, "amount|contract value|value|acv|total contract value"),
        "currency": entry(0.1, CURRENCY),
    },
    "touches": {
        "id": entry(0.2, "touch id|campaign member id|id"),
        "campaign_id": entry(2.5, "campaign id|campaignid"),
        "lead_id": entry(2.0, "lead id|leadid"),
        "contact_id": entry(1.0, "contact id|contactid"),
        "account_id": entry(0.2, ACCOUNT_ID),
        "opportunity_id": entry(0.2, "opportunity id|deal id"),
        "type": entry(1.0, "touch type|interaction type|member status|status|type|channel"),
        "happened_at": entry(
            1.5,
            (
                "touch date|touched at|interaction date|first responded date|responded date|member first "
                "associated date|timestamp|date|created date|createddate"
            ),
        ),
    },
    "spend": {
        "id": entry(0.2, "spend id|id"),
        "month_on": entry(2.5, "month|month on|period|spend month"),
        "function": entry(2.0, "function|department|cost centre|cost center"),
        "category": entry(1.5, "category|cost category|cost type|expense type"),
        "segment": entry(0.3, "segment"),
        "amount": entry(0.8, "amount|spend|cost|costs"),
        "currency": entry(0.1, CURRENCY),
    },
    "exchange_rates": {
        "id": entry(0.1, "id"),
        "from_currency": entry(
            2.5, "from currency|from currency code|source currency|base currency|iso code|currency"
        ),
        "to_currency": entry(2.5, "to currency|to currency code|target currency|quote currency"),
        "valid_on": entry(1.0, "date|valid on|start date|rate date|currency rate date|valid from"),
        "rate": entry(2.5, "rate|exchange rate|conversion rate|average rate|end of day rate|fx rate"),
    },
}
