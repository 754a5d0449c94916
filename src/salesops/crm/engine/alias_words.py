"""Shared parts of the alias tables: how one entry is written, and labels several objects use."""

from __future__ import annotations


def entry(weight: float, labels: str) -> tuple[float, tuple[str, ...]]:
    """One entry: its weight, and its labels divided by |."""
    return weight, tuple(x.strip() for x in labels.split("|"))


OWNER_NAME = (
    "owner|owner name|record owner|assigned to|assigned user|rep|sales rep|salesperson|sales "
    "person|sales agent|agent|account executive|ae|seller|besitzer|inhaber|verantwortlicher|"
    "vertriebsmitarbeiter|proprietaire|propietario|responsable|verkaufer"
)
CREATED = (
    "created date|create date|created|created on|created at|created time|creation date|date "
    "created|createdate|createddate|createdon|erstelldatum|erstellt am|angelegt am|date de "
    "creation|fecha de creacion|data di creazione|date added|record creation date"
)
CURRENCY = (
    "currency|currency iso code|currency code|iso currency|deal currency code|amount "
    "currency|wahrung|devise|moneda|valuta|transactioncurrencyid"
)
MODIFIED = (
    "last modified date|last modified|system modstamp|modified on|last modified time|"
    "modified time|hs lastmodifieddate|lastmodifieddate|modified date|updated at|update time|"
    "last modified at|zuletzt geandert am"
)
ACCOUNT_NAME = (
    "account name|account|company|company name|organization|organisation|organization name|"
    "customer|customer name|client|client name|potential customer|associated company|"
    "associated company name|account company|firma|kunde|kundenname|unternehmen|compte|nom "
    "du compte|cuenta|nombre de la cuenta|cliente|azienda|parent account for account"
)
ACCOUNT_ID = (
    "account id|accountid|company id|organization id|customer id|associated company id|"
    "associated company ids|parentaccountid|customerid|associatedcompanyid|account 18 id|"
    "account external id"
)
CONTACT_NAME = (
    "contact name|primary contact|contact person|contact|associated contact|ansprechpartner|person name"
)
OWNER_ID = (
    "owner id|ownerid|hubspot owner id|deal owner id|assigned user id|owner user id|"
    "salesperson id|sales person id|ownerid value|rep id"
)
