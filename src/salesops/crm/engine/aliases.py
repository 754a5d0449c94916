"""What CRMs and business files call the columns of the canonical tables.

Per object and target: a weight (how much the column speaks for the object) and the labels, in
the form :func:`normal` gives them. Labels come from Salesforce (API names, report labels,
Fivetran's landed names), HubSpot, Pipedrive, Dynamics 365, Zoho, Sage and plain files.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@lru_cache(maxsize=20_000)
def normal(label: str) -> str:
    """A label without case, punctuation, accents, camel case, and vendors' prefixes."""
    text = label.replace("(Do Not Modify)", " ").replace("*", " ").strip()
    text = re.sub(r"__[cr]$", "", text)
    text = re.sub(r"^(?:properties\.|property_)", "", text)
    text = _CAMEL.sub(" ", text)
    text = unicodedata.normalize("NFKD", text)
    text = "".join(c for c in text if not unicodedata.combining(c)).lower()
    text = re.sub(r"[^\w]+|_", " ", text)
    return " ".join(text.split())


def _o(weight: float, labels: str) -> tuple[float, tuple[str, ...]]:
    return weight, tuple(x.strip() for x in labels.split("|"))


_OWNER_NAME = (
    "owner|owner name|record owner|assigned to|assigned user|rep|sales rep|salesperson|sales "
    "person|sales agent|agent|account executive|ae|seller|besitzer|inhaber|verantwortlicher|"
    "vertriebsmitarbeiter|proprietaire|propietario|responsable|verkaufer"
)
_CREATED = (
    "created date|create date|created|created on|created at|created time|creation date|date "
    "created|createdate|createddate|createdon|erstelldatum|erstellt am|angelegt am|date de "
    "creation|fecha de creacion|data di creazione|date added|record creation date"
)
_CURRENCY = (
    "currency|currency iso code|currency code|iso currency|deal currency code|amount "
    "currency|wahrung|devise|moneda|valuta|transactioncurrencyid"
)
_MODIFIED = (
    "last modified date|last modified|system modstamp|modified on|last modified time|"
    "modified time|hs lastmodifieddate|lastmodifieddate|modified date|updated at|update time|"
    "last modified at|zuletzt geandert am"
)
_ACCOUNT_NAME = (
    "account name|account|company|company name|organization|organisation|organization name|"
    "customer|customer name|client|client name|potential customer|associated company|"
    "associated company name|account company|firma|kunde|kundenname|unternehmen|compte|nom "
    "du compte|cuenta|nombre de la cuenta|cliente|azienda|parent account for account"
)
_ACCOUNT_ID = (
    "account id|accountid|company id|organization id|customer id|associated company id|"
    "associated company ids|parentaccountid|customerid|associatedcompanyid|account 18 id|"
    "account external id"
)
_CONTACT_NAME = (
    "contact name|primary contact|contact person|contact|associated contact|ansprechpartner|person name"
)
_OWNER_ID = (
    "owner id|ownerid|hubspot owner id|deal owner id|assigned user id|owner user id|"
    "salesperson id|sales person id|ownerid value|rep id"
)

ALIASES: dict[str, dict[str, tuple[float, tuple[str, ...]]]] = {
    "opportunities": {
        "id": _o(
            1.5,
            (
                "opportunity id|deal id|id|record id|hs object id|deal record id|opportunityid|"
                "opportunity|deal pipedrive system id|deal id number|opportunity number|case safe id|"
                "opportunity 18 id|opportunity external id|external id|opportunity ref|deal ref|opp id|"
                "opportunity reference|deal number|auftrags id|opportunity identifier|system id"
            ),
        ),
        "name": _o(
            1.5,
            (
                "opportunity name|deal name|dealname|name|deal title|title|topic|opportunity|potential "
                "name|deal|opportunity title|project name|subject|opportunity-name|verkaufschance|name "
                "der verkaufschance|opportunityname|geschaft|nom de l opportunite|opportunite|nombre de "
                "la oportunidad|oportunidad|nome opportunita|description"
            ),
        ),
        "account_id": _o(0.6, _ACCOUNT_ID),
        "account_name": _o(0.5, _ACCOUNT_NAME),
        "owner_id": _o(0.4, _OWNER_ID),
        "owner_name": _o(
            0.4,
            (
                "opportunity owner|deal owner|owner full name|opportunity owner name|deal owner name|"
                "opportunity owner full name|"
            )
            + _OWNER_NAME,
        ),
        "pipeline": _o(
            1.5,
            (
                "pipeline|deal pipeline|pipeline name|deal pipeline id|sales process|record type|record "
                "type name|opportunity record type|pipeline id"
            ),
        ),
        "stage": _o(
            3.0,
            (
                "stage|stage name|stagename|deal stage|dealstage|sales stage|opportunity stage|deal "
                "stage pipeline|pipeline stage|deal pipeline stage id|stage id|sales stage id|pipeline "
                "phase|step name|stepname|phase|verkaufsphase|phase name|etape|etape de vente|etapa|fase|"
                "status reason"
            ),
        ),
        "status": _o(
            0.8,
            (
                "deal status|opportunity status|status|statecode|state code|state|won lost|outcome|deal "
                "outcome"
            ),
        ),
        "is_closed": _o(2.0, "is closed|isclosed|closed|closed flag|hs is closed|is deal closed|geschlossen"),
        "is_won": _o(2.5, "is won|iswon|won|hs is closed won|is closed won|won flag|gewonnen"),
        "type": _o(0.4, "type|opportunity type|deal type|dealtype|business type|typ|new existing"),
        "forecast_category": _o(
            2.0,
            (
                "forecast category|forecast category name|forecastcategory|forecast status|hs forecast "
                "category|hs manual forecast category|manual forecast category|forecast|prognosekategorie"
            ),
        ),
        "amount": _o(
            2.0,
            (
                "amount|deal amount|deal value|opportunity amount|total amount|value|close value|est "
                "revenue|estimated value|estimatedvalue|estimated revenue|total value|contract value|"
                "booking amount|deal size|opportunity value|amount in company currency|revenue|product "
                "revenue|betrag|summe|montant|importe|importo|valor|wert|acv|tcv|arr|total contract "
                "value|annual contract value|total price|bookings|amount usd|amount eur"
            ),
        ),
        "currency": _o(
            0.5, _CURRENCY + "|deal currency of value|currency of value|deal currency|opportunity currency"
        ),
        "list_price": _o(0.5, "list price|listenpreis|catalog price"),
        "quantity": _o(0.3, "quantity|total opportunity quantity|qty|units|menge"),
        "probability": _o(
            1.5,
            (
                "probability|probability %|win probability|deal probability|hs deal stage probability|"
                "close probability|closeprobability|certainty|certainty %|wahrscheinlichkeit|probabilite|"
                "probabilidad|likelihood"
            ),
        ),
        "created": _o(
            0.3,
            (
                "deal creation date|deal created|opportunity created date|deal create date|deal add time|"
                "opened|add time|"
            )
            + _CREATED,
        ),
        "first_interaction_on": _o(
            1.5,
            (
                "first interaction date|engage date|engaged date|first contact date|first touch date|"
                "first meeting date|first activity date|first call date|engagement date|date engaged|"
                "erstkontakt"
            ),
        ),
        "close_on": _o(
            2.0,
            (
                "close date|closedate|closed date|closing date|deal closed on|closed on|actual close "
                "date|actualclosedate|date closed|closed|deal closed date|won date|win date|close_date|"
                "schlusstermin|abschlussdatum|abschlusstermin|date de cloture|fecha de cierre|data di "
                "chiusura|closing|close day"
            ),
        ),
        "expected_close_on": _o(
            2.5,
            (
                "expected close date|estimated close date|est close date|estimatedclosedate|deal "
                "expected close date|expected closing date|expected closing|forecast close date|target "
                "close date|erwartetes abschlussdatum"
            ),
        ),
        "last_activity_on": _o(
            0.5,
            (
                "last activity date|last activity|last activity time|last contacted|notes last updated|"
                "last touch|letzte aktivitat|last contact date"
            ),
        ),
        "last_stage_change_on": _o(
            2.0,
            (
                "last stage change date|stage change date|last stage change|stage entered date|stage "
                "last changed"
            ),
        ),
        "last_modified_at": _o(0.2, _MODIFIED),
        "next_step": _o(
            1.5,
            (
                "next step|next steps|opportunity next steps|hs next step|nachster schritt|prochaine "
                "etape|siguiente paso"
            ),
        ),
        "product_id": _o(0.3, "product id|product code|sku"),
        "product_name": _o(
            0.3, "product|product name|products|product interest|solution|produkt|produit|producto"
        ),
        "lead_source": _o(
            0.8,
            (
                "lead source|source|deal source|original source|hs analytics source|lead channel|origin|"
                "leadquelle|origine de la piste|deal source channel|deal label source"
            ),
        ),
        "campaign_id": _o(0.5, "campaign id|campaignid|primary campaign id"),
        "contact_name": _o(0.3, _CONTACT_NAME),
        "loss_reason": _o(
            2.0,
            (
                "loss reason|lost reason|closed lost reason|reason lost|deal lost reason|reason for loss|"
                "lost reason detail|verlustgrund|win loss reason|reason won lost"
            ),
        ),
        "competitor": _o(1.0, "competitor|competitors|main competitor|primary competitor|wettbewerber"),
        "region": _o(
            0.3,
            (
                "region|territory|territory region|sales region|geo|sales territory|regional office|"
                "territory name"
            ),
        ),
        "description": _o(0.1, "description|deal description|opportunity description|beschreibung|notes"),
    },
    "accounts": {
        "id": _o(
            0.6,
            (
                "account id|company id|record id|id|organization id|accountid|organization pipedrive "
                "system id|customer id|hs object id|account|external id|account external id|company "
                "record id"
            ),
        ),
        "name": _o(
            1.5,
            (
                "account name|company name|organization name|account|company|name|customer name|"
                "organization|customer|client|reseller name|reseller|store name|firma|client name|"
                "kundenname|business name|legal name|nom du compte"
            ),
        ),
        "owner_id": _o(0.3, _OWNER_ID),
        "owner_name": _o(
            0.3, "account owner|company owner|organization owner|account owner name|" + _OWNER_NAME
        ),
        "parent_id": _o(
            1.5,
            ("parent id|parent account id|parentid|parent company id|parentaccountid|hs parent company id"),
        ),
        "parent_name": _o(
            1.5,
            (
                "parent account|parent company|subsidiary of|parent|parent name|parent organization|"
                "ultimate parent|muttergesellschaft|parent account name"
            ),
        ),
        "type": _o(0.4, "type|account type|company type|relationship type|customer type|organization labels"),
        "industry": _o(1.5, "industry|sector|vertical|branche|industrie|industria|secteur|business sector"),
        "segment": _o(
            1.0,
            (
                "segment|customer segment|company size|size segment|account segment|tier|account tier|"
                "market segment"
            ),
        ),
        "employees": _o(
            2.0,
            (
                "employees|number of employees|numberofemployees|no of employees|headcount|employee "
                "count|mitarbeiter|anzahl mitarbeiter|company size employees|no employees"
            ),
        ),
        "annual_revenue": _o(
            2.0,
            (
                "annual revenue|annualrevenue|revenue|yearly revenue|turnover|umsatz|jahresumsatz|"
                "chiffre d affaires|sales volume"
            ),
        ),
        "website": _o(
            1.5, "website|domain|company domain name|web site|url|company domain|homepage|websiteurl"
        ),
        "phone": _o(0.3, "phone|main phone|phone number|telephone|telefon|company phone number"),
        "city": _o(0.5, "billing city|city|shipping city|street city|ort|stadt|company city|town"),
        "state": _o(
            0.4,
            (
                "billing state|billing state province|state|state region|state province|province|"
                "bundesland|billing stateprovince|state code|company state"
            ),
        ),
        "country": _o(
            0.6,
            (
                "billing country|country|country region|office location|shipping country|land|pays|pais|"
                "headquarters|hq country|location|organization address|company country"
            ),
        ),
        "founded_year": _o(
            2.0,
            (
                "founded year|year founded|year established|yearfounded|founded|established|"
                "grundungsjahr|year started"
            ),
        ),
        "currency": _o(0.2, _CURRENCY),
        "created": _o(0.2, "organization creation date|company create date|" + _CREATED),
    },
    "users": {
        "id": _o(
            0.6,
            (
                "user id|owner id|userid|id|employee id|rep id|businessentityid|business entity id|"
                "record id|user|salesperson id|agent id|hubspot owner id|full user id"
            ),
        ),
        "name": _o(
            1.8,
            (
                "full name|user name|sales agent|sales rep|rep|rep name|salesperson|sales person|agent|"
                "agent name|name|employee|employee name|owner name|user full name|seller|account "
                "executive|representative|sales representative|vertriebler|mitarbeiter name|user"
            ),
        ),
        "first_name": _o(0.6, "first name|firstname|given name|vorname"),
        "last_name": _o(0.6, "last name|lastname|surname|family name|nachname"),
        "email": _o(0.5, "email|e mail|user email|username|email address|work email"),
        "manager_id": _o(2.5, "manager id|managerid|reports to id|supervisor id|parent user id"),
        "manager_name": _o(
            2.5,
            (
                "manager|manager name|reports to|sales manager|supervisor|team lead|line manager|boss|"
                "vorgesetzter|leiter"
            ),
        ),
        "team": _o(1.5, "team|team name|sales team|group|division|team id|squad"),
        "region": _o(
            1.0,
            ("region|regional office|office|territory|location|sales region|branch office|geo|niederlassung"),
        ),
        "role": _o(1.5, "role|user role|role name|sales role|user role id|function|position"),
        "title": _o(1.0, "title|job title|jobtitle|job"),
        "is_active": _o(1.5, "is active|active|isactive|currentflag|current flag|enabled|user active"),
        "hired_on": _o(
            2.0,
            ("hire date|hired on|hiredate|start date|date of hire|employment start|joined on|eintrittsdatum"),
        ),
        "left_on": _o(2.0, "left on|termination date|end date|leave date|last day|exit date|austrittsdatum"),
        "created": _o(0.2, _CREATED),
    },
    "contacts": {
        "id": _o(
            0.6,
            ("contact id|contactid|record id|id|person id|hs object id|contact|person pipedrive system id"),
        ),
        "name": _o(1.2, "contact name|full name|name|person name|contact full name"),
        "first_name": _o(
            1.2, "first name|firstname|given name|person first name|contact first name|vorname|prenom"
        ),
        "last_name": _o(
            1.2, "last name|lastname|surname|family name|person last name|contact last name|nachname|nom"
        ),
        "account_id": _o(0.5, _ACCOUNT_ID),
        "account_name": _o(0.4, _ACCOUNT_NAME),
        "owner_id": _o(0.2, _OWNER_ID),
        "owner_name": _o(0.2, "contact owner|person owner|" + _OWNER_NAME),
        "email": _o(
            1.2, "email|e mail|email address|contact email|person email work|person email|work email"
        ),
        "phone": _o(
            0.5, "phone|phone number|contact phone|person phone|mobile phone|telephone|business phone"
        ),
        "title": _o(1.0, "title|job title|jobtitle|contact title|position"),
        "department": _o(1.2, "department|abteilung"),
        "lifecycle_stage": _o(2.0, "lifecycle stage|lifecyclestage"),
        "created": _o(0.2, _CREATED),
    },
    "leads": {
        "id": _o(
            0.8,
            (
                "lead id|leadid|id|record id|lead number|prospect id|mql id|lead pipedrive system id|"
                "lead|lead external id"
            ),
        ),
        "name": _o(0.8, "lead name|name|full name|lead title|prospect name"),
        "first_name": _o(0.6, "first name|firstname|vorname"),
        "last_name": _o(0.6, "last name|lastname|surname|nachname"),
        "company": _o(1.0, "company|company name|company account|organization|firma"),
        "owner_id": _o(0.2, _OWNER_ID + "|sr id"),
        "owner_name": _o(0.2, "lead owner|" + _OWNER_NAME),
        "email": _o(0.5, "email|e mail|email address"),
        "phone": _o(0.3, "phone|phone number|telephone|mobile"),
        "title": _o(0.3, "title|job title"),
        "status": _o(1.5, "lead status|status|lead stage|hs lead status"),
        "lead_source": _o(
            1.2, "lead source|source|origin|lead source channel|original source|leadquelle|lead origin"
        ),
        "industry": _o(0.3, "industry|sector"),
        "country": _o(0.3, "country|country region"),
        "is_converted": _o(3.0, "is converted|isconverted|converted|converted flag"),
        "converted_on": _o(3.0, "converted date|converteddate|conversion date|converted on|won date"),
        "converted_opportunity_id": _o(3.0, "converted opportunity id|convertedopportunityid"),
        "created": _o(0.3, "first contact date|lead creation date|" + _CREATED),
    },
    "opportunity_lines": {
        "id": _o(0.5, "opportunity product id|line item id|opportunity line item id|id|record id|line id"),
        "opportunity_id": _o(1.5, "opportunity id|opportunityid|deal id|opportunity"),
        "product_id": _o(2.0, "product id|product 2 id|product2id|product2 id|product code|hs product id"),
        "product_name": _o(1.5, "product|product name|line item name|name|item"),
        "quantity": _o(2.0, "quantity|qty|units|menge"),
        "unit_price": _o(2.5, "sales price|unit price|unitprice|price per unit|price|net price|einzelpreis"),
        "list_price": _o(1.0, "list price|listprice|listenpreis"),
        "discount": _o(1.0, "discount|discount percent|discount %|rabatt|hs discount percentage"),
        "amount": _o(1.0, "total price|totalprice|amount|line total|extended amount|net amount|subtotal"),
        "currency": _o(0.1, _CURRENCY),
    },
    "products": {
        "id": _o(0.5, "product id|id|product key|productkey|product2 id|record id|item id"),
        "name": _o(1.5, "product name|product|name|item name|item|produkt|produktname|productname"),
        "code": _o(
            2.0,
            (
                "product code|productcode|code|sku|product number|item number|stock keeping unit|article "
                "number|artikelnummer|hs sku"
            ),
        ),
        "family": _o(
            2.0,
            (
                "product family|family|series|category|product category|product line|subcategory|"
                "productline|produktfamilie|englishproductcategoryname|product series"
            ),
        ),
        "list_price": _o(
            2.0,
            (
                "list price|sales price|listprice|unit price|standard price|price|retail price|"
                "listenpreis|preis|catalog price|msrp"
            ),
        ),
        "currency": _o(0.1, _CURRENCY + "|product currency"),
        "is_active": _o(0.5, "is active|active|isactive|active flag"),
    },
    "activities": {
        "id": _o(0.4, "activity id|task id|event id|engagement id|id|record id|call id|meeting id"),
        "type": _o(1.0, "activity type|type|task subtype|event subtype|task type|engagement type"),
        "subject": _o(
            2.0,
            (
                "subject|activity subject|hs task subject|task|hs email subject|hs meeting title|hs call "
                "title|betreff|activity|title"
            ),
        ),
        "owner_id": _o(0.3, _OWNER_ID),
        "owner_name": _o(0.3, "assigned|activity assigned to|" + _OWNER_NAME),
        "account_id": _o(0.4, _ACCOUNT_ID + "|account id"),
        "account_name": _o(0.3, _ACCOUNT_NAME),
        "opportunity_id": _o(1.0, "opportunity id|what id|whatid|deal id|related to id|opportunity"),
        "contact_id": _o(0.8, "contact id|who id|whoid"),
        "lead_id": _o(0.8, "lead id"),
        "status": _o(0.8, "status|task status|activity status|hs task status"),
        "direction": _o(1.5, "direction|call direction|call type|hs call direction"),
        "starts_at": _o(
            2.0,
            (
                "start date time|startdatetime|activity date time|activity datetime|start|hs timestamp|"
                "due date|activity date|activitydate|date|start time|activity due date|timestamp|date "
                "time|engagement date"
            ),
        ),
        "minutes": _o(
            1.5,
            ("duration in minutes|durationinminutes|duration|duration minutes|minutes|call duration minutes"),
        ),
    },
    "campaigns": {
        "id": _o(0.5, "campaign id|campaignid|id"),
        "name": _o(1.5, "campaign name|campaign|name"),
        "type": _o(0.7, "campaign type|type|channel"),
        "starts_on": _o(1.0, "start date|startdate|starts on|campaign start"),
        "ends_on": _o(1.0, "end date|enddate|ends on|campaign end"),
        "cost": _o(2.0, "actual cost|actualcost|cost|spend|actual cost in campaign|budget cost"),
        "currency": _o(0.1, _CURRENCY),
    },
    "opportunity_contacts": {
        "id": _o(0.3, "id|contact role id"),
        "opportunity_id": _o(1.5, "opportunity id|opportunityid|deal id"),
        "contact_id": _o(2.0, "contact id|contactid"),
        "role": _o(1.5, "role|contact role|buying role|category"),
        "is_primary": _o(1.5, "is primary|isprimary|primary"),
    },
    "opportunity_team": {
        "id": _o(0.3, "id|split id|opportunity split id"),
        "opportunity_id": _o(1.5, "opportunity id|opportunityid|deal id"),
        "user_id": _o(1.5, "user id|userid|split owner id|split owner|team member id"),
        "user_name": _o(1.5, "user|team member|user name|split owner name|member name|credited to"),
        "role": _o(1.0, "team member role|teammemberrole|role|team role"),
        "share": _o(
            2.5,
            (
                "split|split percentage|splitpercentage|share|split percent|split %|credit|credit share|"
                "percent"
            ),
        ),
        "is_overlay": _o(2.0, "is overlay|overlay"),
    },
    "orders": {
        "id": _o(
            1.0,
            (
                "order id|sales order id|salesorderid|order number|sales order number|salesordernumber|"
                "ordernumber|id|order"
            ),
        ),
        "opportunity_id": _o(0.6, "opportunity id|opportunityid|deal id"),
        "account_id": _o(0.4, _ACCOUNT_ID),
        "account_name": _o(0.3, _ACCOUNT_NAME),
        "owner_id": _o(0.4, _OWNER_ID + "|employee key"),
        "owner_name": _o(0.3, _OWNER_NAME),
        "status": _o(0.3, "order status|status"),
        "ordered_on": _o(
            2.5, ("order date|orderdate|ordered on|date ordered|effective date|bestelldatum|order start date")
        ),
        "amount": _o(
            1.0,
            (
                "total amount|order amount|order total|total due|amount|sub total|total|sales amount|"
                "grand total"
            ),
        ),
        "currency": _o(0.1, _CURRENCY),
    },
    "invoices": {
        "id": _o(2.0, "invoice id|invoice number|invoice no|rechnungsnummer|invoice|id"),
        "order_id": _o(0.8, "order id|order number"),
        "account_id": _o(0.3, _ACCOUNT_ID),
        "account_name": _o(0.3, _ACCOUNT_NAME),
        "issued_on": _o(2.0, "invoice date|issue date|issued on|rechnungsdatum|billing date"),
        "due_on": _o(1.5, "due date|payment due|due on|fallig am"),
        "amount": _o(0.8, "amount|invoice amount|total|total amount|invoice total|betrag"),
        "currency": _o(0.1, _CURRENCY),
    },
    "payments": {
        "id": _o(2.0, "payment id|payment number|receipt number|id"),
        "invoice_id": _o(1.5, "invoice id|invoice number"),
        "order_id": _o(0.6, "order id|order number"),
        "account_id": _o(0.3, _ACCOUNT_ID),
        "account_name": _o(0.3, _ACCOUNT_NAME),
        "paid_on": _o(2.5, "payment date|paid on|date paid|received on|receipt date|zahlungsdatum"),
        "amount": _o(0.8, "amount|payment amount|amount paid|total"),
        "currency": _o(0.1, _CURRENCY),
    },
    "contracts": {
        "id": _o(1.8, "contract id|contract number|contractid|id|agreement id|vertragsnummer|contract"),
        "account_id": _o(0.3, _ACCOUNT_ID),
        "account_name": _o(0.3, _ACCOUNT_NAME),
        "owner_id": _o(0.2, _OWNER_ID),
        "owner_name": _o(0.2, "contract owner|" + _OWNER_NAME),
        "opportunity_id": _o(0.4, "opportunity id|deal id"),
        "status": _o(0.3, "contract status|status"),
        "starts_on": _o(2.0, "contract start date|start date|startdate|effective date|vertragsbeginn"),
        "ends_on": _o(
            2.0, "contract end date|end date|enddate|expiry date|expiration date|renewal date|vertragsende"
        ),
        "notice_days": _o(2.0, "notice days|notice period|owner expiration notice|kundigungsfrist"),
        "amount": _o(0.6, "amount|contract value|value|acv|total contract value"),
        "currency": _o(0.1, _CURRENCY),
    },
    "touches": {
        "id": _o(0.2, "touch id|campaign member id|id"),
        "campaign_id": _o(2.5, "campaign id|campaignid"),
        "lead_id": _o(2.0, "lead id|leadid"),
        "contact_id": _o(1.0, "contact id|contactid"),
        "account_id": _o(0.2, _ACCOUNT_ID),
        "opportunity_id": _o(0.2, "opportunity id|deal id"),
        "type": _o(1.0, "touch type|interaction type|member status|status|type|channel"),
        "happened_at": _o(
            1.5,
            (
                "touch date|touched at|interaction date|first responded date|responded date|member first "
                "associated date|timestamp|date|created date|createddate"
            ),
        ),
    },
    "spend": {
        "id": _o(0.2, "spend id|id"),
        "month_on": _o(2.5, "month|month on|period|spend month"),
        "function": _o(2.0, "function|department|cost centre|cost center"),
        "category": _o(1.5, "category|cost category|cost type|expense type"),
        "segment": _o(0.3, "segment"),
        "amount": _o(0.8, "amount|spend|cost|costs"),
        "currency": _o(0.1, _CURRENCY),
    },
    "exchange_rates": {
        "id": _o(0.1, "id"),
        "from_currency": _o(
            2.5, "from currency|from currency code|source currency|base currency|iso code|currency"
        ),
        "to_currency": _o(2.5, "to currency|to currency code|target currency|quote currency"),
        "valid_on": _o(1.0, "date|valid on|start date|rate date|currency rate date|valid from"),
        "rate": _o(2.5, "rate|exchange rate|conversion rate|average rate|end of day rate|fx rate"),
    },
}
"""object -> target -> (weight, labels). ``created`` stands for created_on or created_at, by content;
``first_name`` and ``last_name`` together make ``name``."""

NAME_WORDS: dict[str, tuple[str, ...]] = {
    "opportunities": ("opportunit", "deal", "pipeline", "potential", "verkaufschance", "oportunidad"),
    "accounts": ("account", "compan", "organi", "customer", "firmen", "kunden", "store", "reseller"),
    "users": (
        "user",
        "owner",
        "sales team",
        "sales_team",
        "employee",
        "agent",
        "reps",
        "salesperson",
        "people",
    ),
    "contacts": ("contact", "person"),
    "leads": ("lead", "prospect", "mql"),
    "opportunity_lines": ("line_item", "line item", "lineitem", "opportunity product", "opportunity_line"),
    "products": ("product", "catalog", "price list"),
    "activities": ("activit", "task", "event", "call", "meeting", "engagement", "email"),
    "campaigns": ("campaign",),
    "touches": ("campaign_member", "campaignmember", "campaign member", "touch"),
    "spend": ("spend", "expense", "marketing cost"),
    "opportunity_contacts": (
        "contact_role",
        "contactrole",
        "deal_contact",
        "opportunity_contact",
        "contact role",
    ),
    "opportunity_team": ("split", "opportunity_team", "team_member", "teammember"),
    "orders": ("order",),
    "invoices": ("invoice", "rechnung"),
    "payments": ("payment", "receipt", "zahlung"),
    "contracts": ("contract", "agreement", "vertr"),
    "exchange_rates": ("exchange", "currency_rate", "fx", "currencyrate", "currency rate"),
}
"""Words of file and sheet names that speak for an object."""

_KNOWN = frozenset(a for targets in ALIASES.values() for _, labels in targets.values() for a in labels)


def is_known_label(label: str) -> bool:
    """Whether any system calls a column so."""
    return normal(label) in _KNOWN


AMOUNT_WORDS = frozenset(
    [
        "amount",
        "value",
        "revenue",
        "acv",
        "arr",
        "tcv",
        "mrr",
        "tcv",
        "total",
        "bookings",
        "booking",
        "price",
        "betrag",
        "montant",
        "importe",
        "umsatz",
        "fee",
        "cost",
        "sum",
        "deal",
        "forecast",
        "contract",
        "annual",
        "weighted",
        "expected",
    ]
)
"""Words that make a money column a candidate for the amount that counts."""

AMOUNT_CORE = frozenset(
    [
        "amount",
        "value",
        "revenue",
        "acv",
        "arr",
        "tcv",
        "mrr",
        "bookings",
        "booking",
        "betrag",
        "montant",
        "importe",
        "umsatz",
        "worth",
    ]
)
