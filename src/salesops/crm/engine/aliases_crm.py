"""Labels of the columns of opportunities, accounts, users, contacts and leads."""

from __future__ import annotations

from salesops.crm.engine.alias_words import (
    ACCOUNT_ID,
    ACCOUNT_NAME,
    CONTACT_NAME,
    CREATED,
    CURRENCY,
    MODIFIED,
    OWNER_ID,
    OWNER_NAME,
    entry,
)

RELATIONS: dict[str, dict[str, tuple[float, tuple[str, ...]]]] = {
    "opportunities": {
        "id": entry(
            1.5,
            (
                "opportunity id|deal id|id|record id|hs object id|deal record id|opportunityid|"
                "opportunity|deal pipedrive system id|deal id number|opportunity number|case safe id|"
                "opportunity 18 id|opportunity external id|external id|opportunity ref|deal ref|opp id|"
                "opportunity reference|deal number|auftrags id|opportunity identifier|system id"
            ),
        ),
        "name": entry(
            1.5,
            (
                "opportunity name|deal name|dealname|name|deal title|title|topic|opportunity|potential "
                "name|deal|opportunity title|project name|subject|opportunity-name|verkaufschance|name "
                "der verkaufschance|opportunityname|geschaft|nom de l opportunite|opportunite|nombre de "
                "la oportunidad|oportunidad|nome opportunita|description"
            ),
        ),
        "account_id": entry(0.6, ACCOUNT_ID),
        "account_name": entry(0.5, ACCOUNT_NAME),
        "owner_id": entry(0.4, OWNER_ID),
        "owner_name": entry(
            0.4,
            (
                "opportunity owner|deal owner|owner full name|opportunity owner name|deal owner name|"
                "opportunity owner full name|"
            )
            + OWNER_NAME,
        ),
        "pipeline": entry(
            1.5,
            (
                "pipeline|deal pipeline|pipeline name|deal pipeline id|sales process|record type|record "
                "type name|opportunity record type|pipeline id"
            ),
        ),
        "stage": entry(
            3.0,
            (
                "stage|stage name|stagename|deal stage|dealstage|sales stage|opportunity stage|deal "
                "stage pipeline|pipeline stage|deal pipeline stage id|stage id|sales stage id|pipeline "
                "phase|step name|stepname|phase|verkaufsphase|phase name|etape|etape de vente|etapa|fase|"
                "status reason"
            ),
        ),
        "status": entry(
            0.8,
            (
                "deal status|opportunity status|status|statecode|state code|state|won lost|outcome|deal "
                "outcome"
            ),
        ),
        "is_closed": entry(
            2.0, "is closed|isclosed|closed|closed flag|hs is closed|is deal closed|geschlossen"
        ),
        "is_won": entry(2.5, "is won|iswon|won|hs is closed won|is closed won|won flag|gewonnen"),
        "type": entry(0.4, "type|opportunity type|deal type|dealtype|business type|typ|new existing"),
        "forecast_category": entry(
            2.0,
            (
                "forecast category|forecast category name|forecastcategory|forecast status|hs forecast "
                "category|hs manual forecast category|manual forecast category|forecast|prognosekategorie"
            ),
        ),
        "amount": entry(
            2.0,
            (
                "amount|deal amount|deal value|opportunity amount|total amount|value|close value|est "
                "revenue|estimated value|estimatedvalue|estimated revenue|total value|contract value|"
                "booking amount|deal size|opportunity value|amount in company currency|revenue|product "
                "revenue|betrag|summe|montant|importe|importo|valor|wert|acv|tcv|arr|total contract "
                "value|annual contract value|total price|bookings|amount usd|amount eur"
            ),
        ),
        "currency": entry(
            0.5, CURRENCY + "|deal currency of value|currency of value|deal currency|opportunity currency"
        ),
        "list_price": entry(0.5, "list price|listenpreis|catalog price"),
        "quantity": entry(0.3, "quantity|total opportunity quantity|qty|units|menge"),
        "probability": entry(
            1.5,
            (
                "probability|probability %|win probability|deal probability|hs deal stage probability|"
                "close probability|closeprobability|certainty|certainty %|wahrscheinlichkeit|probabilite|"
                "probabilidad|likelihood"
            ),
        ),
        "created": entry(
            0.3,
            (
                "deal creation date|deal created|opportunity created date|deal create date|deal add time|"
                "opened|add time|"
            )
            + CREATED,
        ),
        "first_interaction_on": entry(
            1.5,
            (
                "first interaction date|engage date|engaged date|first contact date|first touch date|"
                "first meeting date|first activity date|first call date|engagement date|date engaged|"
                "erstkontakt"
            ),
        ),
        "close_on": entry(
            2.0,
            (
                "close date|closedate|closed date|closing date|deal closed on|closed on|actual close "
                "date|actualclosedate|date closed|closed|deal closed date|won date|win date|close_date|"
                "schlusstermin|abschlussdatum|abschlusstermin|date de cloture|fecha de cierre|data di "
                "chiusura|closing|close day"
            ),
        ),
        "expected_close_on": entry(
            2.5,
            (
                "expected close date|estimated close date|est close date|estimatedclosedate|deal "
                "expected close date|expected closing date|expected closing|forecast close date|target "
                "close date|erwartetes abschlussdatum"
            ),
        ),
        "last_activity_on": entry(
            0.5,
            (
                "last activity date|last activity|last activity time|last contacted|notes last updated|"
                "last touch|letzte aktivitat|last contact date"
            ),
        ),
        "last_stage_change_on": entry(
            2.0,
            (
                "last stage change date|stage change date|last stage change|stage entered date|stage "
                "last changed"
            ),
        ),
        "last_modified_at": entry(0.2, MODIFIED),
        "next_step": entry(
            1.5,
            (
                "next step|next steps|opportunity next steps|hs next step|nachster schritt|prochaine "
                "etape|siguiente paso"
            ),
        ),
        "product_id": entry(0.3, "product id|product code|sku"),
        "product_name": entry(
            0.3, "product|product name|products|product interest|solution|produkt|produit|producto"
        ),
        "lead_source": entry(
            0.8,
            (
                "lead source|source|deal source|original source|hs analytics source|lead channel|origin|"
                "leadquelle|origine de la piste|deal source channel|deal label source"
            ),
        ),
        "campaign_id": entry(0.5, "campaign id|campaignid|primary campaign id"),
        "contact_name": entry(0.3, CONTACT_NAME),
        "collaborators": entry(
            0.5,
            (
                "deal collaborator|deal collaborators|collaborators|collaborator|all collaborator owner ids|"
                "hs all collaborator owner ids|hs deal collaborators|sales team members|shared with users"
            ),
        ),
        "loss_reason": entry(
            2.0,
            (
                "loss reason|lost reason|closed lost reason|reason lost|deal lost reason|reason for loss|"
                "lost reason detail|verlustgrund|win loss reason|reason won lost"
            ),
        ),
        "competitor": entry(1.0, "competitor|competitors|main competitor|primary competitor|wettbewerber"),
        "region": entry(
            0.3,
            (
                "region|territory|territory region|sales region|geo|sales territory|regional office|"
                "territory name"
            ),
        ),
        "description": entry(0.1, "description|deal description|opportunity description|beschreibung|notes"),
    },
    "accounts": {
        "id": entry(
            0.6,
            (
                "account id|company id|record id|id|organization id|accountid|organization pipedrive "
                "system id|customer id|hs object id|account|external id|account external id|company "
                "record id"
            ),
        ),
        "name": entry(
            1.5,
            (
                "account name|company name|organization name|account|company|name|customer name|"
                "organization|customer|client|reseller name|reseller|store name|firma|client name|"
                "kundenname|business name|legal name|nom du compte"
            ),
        ),
        "owner_id": entry(0.3, OWNER_ID),
        "owner_name": entry(
            0.3, "account owner|company owner|organization owner|account owner name|" + OWNER_NAME
        ),
        "parent_id": entry(
            1.5,
            ("parent id|parent account id|parentid|parent company id|parentaccountid|hs parent company id"),
        ),
        "parent_name": entry(
            1.5,
            (
                "parent account|parent company|subsidiary of|parent|parent name|parent organization|"
                "ultimate parent|muttergesellschaft|parent account name"
            ),
        ),
        "type": entry(
            0.4, "type|account type|company type|relationship type|customer type|organization labels"
        ),
        "industry": entry(
            1.5, "industry|sector|vertical|branche|industrie|industria|secteur|business sector"
        ),
        "segment": entry(
            1.0,
            (
                "segment|customer segment|company size|size segment|account segment|tier|account tier|"
                "market segment"
            ),
        ),
        "employees": entry(
            2.0,
            (
                "employees|number of employees|numberofemployees|no of employees|headcount|employee "
                "count|mitarbeiter|anzahl mitarbeiter|company size employees|no employees"
            ),
        ),
        "annual_revenue": entry(
            2.0,
            (
                "annual revenue|annualrevenue|revenue|yearly revenue|turnover|umsatz|jahresumsatz|"
                "chiffre d affaires|sales volume"
            ),
        ),
        "website": entry(
            1.5, "website|domain|company domain name|web site|url|company domain|homepage|websiteurl"
        ),
        "phone": entry(0.3, "phone|main phone|phone number|telephone|telefon|company phone number"),
        "city": entry(0.5, "billing city|city|shipping city|street city|ort|stadt|company city|town"),
        "state": entry(
            0.4,
            (
                "billing state|billing state province|state|state region|state province|province|"
                "bundesland|billing stateprovince|state code|company state"
            ),
        ),
        "country": entry(
            0.6,
            (
                "billing country|country|country region|office location|shipping country|land|pays|pais|"
                "headquarters|hq country|location|organization address|company country"
            ),
        ),
        "founded_year": entry(
            2.0,
            (
                "founded year|year founded|year established|yearfounded|founded|established|"
                "grundungsjahr|year started"
            ),
        ),
        "currency": entry(0.2, CURRENCY),
        "created": entry(0.2, "organization creation date|company create date|" + CREATED),
    },
    "users": {
        "id": entry(
            0.6,
            (
                "user id|owner id|userid|id|employee id|rep id|businessentityid|business entity id|"
                "record id|user|salesperson id|agent id|hubspot owner id|full user id"
            ),
        ),
        "name": entry(
            1.8,
            (
                "full name|user name|sales agent|sales rep|rep|rep name|salesperson|sales person|agent|"
                "agent name|name|employee|employee name|owner name|user full name|seller|account "
                "executive|representative|sales representative|vertriebler|mitarbeiter name|user"
            ),
        ),
        "first_name": entry(0.6, "first name|firstname|given name|vorname"),
        "last_name": entry(0.6, "last name|lastname|surname|family name|nachname"),
        "email": entry(0.5, "email|e mail|user email|username|email address|work email"),
        "manager_id": entry(2.5, "manager id|managerid|reports to id|supervisor id|parent user id"),
        "manager_name": entry(
            2.5,
            (
                "manager|manager name|reports to|sales manager|supervisor|team lead|line manager|boss|"
                "vorgesetzter|leiter"
            ),
        ),
        "team": entry(1.5, "team|team name|sales team|group|division|team id|squad"),
        "region": entry(
            1.0,
            ("region|regional office|office|territory|location|sales region|branch office|geo|niederlassung"),
        ),
        "role": entry(1.5, "role|user role|role name|sales role|user role id|function|position"),
        "title": entry(1.0, "title|job title|jobtitle|job"),
        "is_active": entry(1.5, "is active|active|isactive|currentflag|current flag|enabled|user active"),
        "hired_on": entry(
            2.0,
            ("hire date|hired on|hiredate|start date|date of hire|employment start|joined on|eintrittsdatum"),
        ),
        "left_on": entry(
            2.0, "left on|termination date|end date|leave date|last day|exit date|austrittsdatum"
        ),
        "created": entry(0.2, CREATED),
    },
    "contacts": {
        "id": entry(
            0.6,
            ("contact id|contactid|record id|id|person id|hs object id|contact|person pipedrive system id"),
        ),
        "name": entry(1.2, "contact name|full name|name|person name|contact full name"),
        "first_name": entry(
            1.2, "first name|firstname|given name|person first name|contact first name|vorname|prenom"
        ),
        "last_name": entry(
            1.2, "last name|lastname|surname|family name|person last name|contact last name|nachname|nom"
        ),
        "account_id": entry(0.5, ACCOUNT_ID),
        "account_name": entry(0.4, ACCOUNT_NAME),
        "owner_id": entry(0.2, OWNER_ID),
        "owner_name": entry(0.2, "contact owner|person owner|" + OWNER_NAME),
        "email": entry(
            1.2, "email|e mail|email address|contact email|person email work|person email|work email"
        ),
        "phone": entry(
            0.5, "phone|phone number|contact phone|person phone|mobile phone|telephone|business phone"
        ),
        "title": entry(1.0, "title|job title|jobtitle|contact title|position"),
        "department": entry(1.2, "department|abteilung"),
        "lifecycle_stage": entry(2.0, "lifecycle stage|lifecyclestage"),
        "created": entry(0.2, CREATED),
    },
    "leads": {
        "id": entry(
            0.8,
            (
                "lead id|leadid|id|record id|lead number|prospect id|mql id|lead pipedrive system id|"
                "lead|lead external id"
            ),
        ),
        "name": entry(0.8, "lead name|name|full name|lead title|prospect name"),
        "first_name": entry(0.6, "first name|firstname|vorname"),
        "last_name": entry(0.6, "last name|lastname|surname|nachname"),
        "company": entry(1.0, "company|company name|company account|organization|firma"),
        "owner_id": entry(0.2, OWNER_ID + "|sr id"),
        "owner_name": entry(0.2, "lead owner|" + OWNER_NAME),
        "email": entry(0.5, "email|e mail|email address"),
        "phone": entry(0.3, "phone|phone number|telephone|mobile"),
        "title": entry(0.3, "title|job title"),
        "status": entry(1.5, "lead status|status|lead stage|hs lead status"),
        "lead_source": entry(
            1.2, "lead source|source|origin|lead source channel|original source|leadquelle|lead origin"
        ),
        "industry": entry(0.3, "industry|sector"),
        "country": entry(0.3, "country|country region"),
        "is_converted": entry(3.0, "is converted|isconverted|converted|converted flag"),
        "converted_on": entry(3.0, "converted date|converteddate|conversion date|converted on|won date"),
        "converted_opportunity_id": entry(3.0, "converted opportunity id|convertedopportunityid"),
        "created": entry(0.3, "first contact date|lead creation date|" + CREATED),
    },
}
