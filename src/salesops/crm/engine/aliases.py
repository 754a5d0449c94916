"""What CRMs and business files call the columns of the canonical tables.

Per object and target: a weight (how much the column speaks for the object) and the labels, in
the form :func:`normal` gives them. Labels come from Salesforce (API names, report labels,
Fivetran's landed names), HubSpot, Pipedrive, Dynamics 365, Zoho, Sage and plain files.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from salesops.crm.engine.aliases_business import BUSINESS
from salesops.crm.engine.aliases_crm import RELATIONS

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


ALIASES: dict[str, dict[str, tuple[float, tuple[str, ...]]]] = {**RELATIONS, **BUSINESS}
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
    "opportunity_team": ("split", "opportunity_team", "team_member", "teammember", "collaborator"),
    "record_shares": ("share", "sharing"),
    "group_members": ("group_member", "groupmember", "group member", "queue_member"),
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
