"""Which system wrote a table, and tables that are no records of any object."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from salesops.crm.engine.aliases import normal
from salesops.crm.engine.formats import ColumnProfile

_SIGNS: dict[str, tuple[tuple[str, float], ...]] = {
    "salesforce": (
        (r"^systemmodstamp$", 3),
        (r"^stagename$|^stage_name$", 2),
        (r"__c$|_c$", 0.4),
        (r"^isclosed$|^is_closed$", 1),
        (r"^closedate$|^close_date$", 0.4),
        (r"^lastmodifiedbyid$", 2),
        (r"^record_?type_?id$|^record type$", 1),
        (r"^opportunity (?:name|owner|id)$", 1),
        (r"^account (?:owner|id)$", 0.8),
        (r"^fiscal period$", 1.5),
        (r"^created ?date$", 0.4),
        (r"^last ?modified ?date$", 0.4),
        (r"^lead source$|^leadsource$|^lead_source$", 0.4),
        (r"^forecast category$|^forecastcategory(?:name)?$|^forecast_category", 0.8),
        (r"^system_modstamp$", 2),
        (r"^billing ?(?:street|city|country)$|^billing_(?:street|city|country)$", 0.7),
        (r"^ownerid$|^ownerid$", 0.7),
        (r"^masterrecordid$|^master_record_id$", 2),
        (r"^oldvalue$|^newvalue$", 1),
        (r"^isdeleted$", 1),
        (r"^opportunityid$", 0.8),
        (r"^who ?id$|^what ?id$|^whoid$|^who_id$|^what_id$", 1.5),
        (r"^user_?role_?id$", 2),
        (r" currency$", 0.6),
        (r"^developer_name$", 2),
        (r"^pricebook", 1.5),
        (r"^product_?2_?id$", 2),
        (r"^external_id__c$", 2),
        (r"^(?:total )?opportunity next steps$", 1),
    ),
    "hubspot": (
        (r"^record id$", 1.5),
        (r"^deal (?:name|stage|owner)$", 1.2),
        (r"^hubspot_", 3),
        (r"^hs_", 3),
        (r"^property_", 2),
        (r"^properties\.", 2),
        (r"^dealname$|^dealstage$|^dealtype$", 3),
        (r"^create date$", 0.8),
        (r"^associated (?:company|contact|deal)", 1.5),
        (r"^company domain name$", 2),
        (r"^lifecycle ?stage$", 1.5),
        (r"^deal_(?:pipeline_)?(?:id|stage_id)$|^deal_pipeline", 2),
        (r"^portal_id$", 3),
        (r"^date entered ", 2.5),
        (r"^country/region$", 1),
        (r"^company owner$|^contact owner$", 1),
        (r"^numberofemployees$|^annualrevenue$", 0.5),
    ),
    "pipedrive": ((r"^(?:deal|person|organization|lead|activity|product|note) - ", 3), (r"pipedrive", 5)),
    "dynamics": (
        (r"^\(do not modify\)", 4),
        (r"^potential customer$", 2),
        (r"^est\.? (?:close date|revenue)$", 2),
        (r"^topic$", 1),
        (r"^(?:estimated|actual)value$", 2.5),
        (r"^statecode$|^statuscode$", 2),
        (r"^opportunityratingcode$", 2),
        (r"^status reason$", 1.2),
        (r"\(base\)$", 1),
        (r"^estimatedclosedate$|^actualclosedate$", 2),
        (r"^pipeline phase$", 1),
    ),
    "zoho": (
        (r"^deal_name$|^account_name$|^contact_name$", 1.2),
        (r"^closing[_ ]date$", 2),
        (r"^created_time$|^modified_time$", 1.5),
        (r"^billing_code$", 1.5),
        (r"^zoho|^record_id$", 2),
        (r"^potential name$", 2),
        (r"^deal name$", 0.5),
    ),
    "sage": (
        (r"^certainty ?%$", 3),
        (r"^reason for loss$", 2),
        (r"^opened$", 1),
        (r"^assigned to$", 0.8),
        (r"^winner$", 1),
    ),
}


def system_of(headers: Sequence[str]) -> str:
    """The CRM whose labels these are, or "plain"."""
    low = [" ".join(h.strip().lower().replace("*", "").split()) for h in headers]
    scores = {
        system: sum(weight for pattern, weight in signs for h in low if re.search(pattern, h))
        for system, signs in _SIGNS.items()
    }
    scores["zoho"] += 0.6 * sum(
        1 for h in headers if re.fullmatch(r"[A-Z][a-z]+(?:_[A-Z][a-z]+)+", h)
    )  # its API names
    best = max(scores, key=lambda s: scores[s])
    return best if scores[best] >= 1.5 else "plain"


def ignored(table: str, headers: Sequence[str], profiles: Mapping[str, ColumnProfile]) -> str:
    """Why a table is no records of any object, "" where it may be."""
    names = {normal(h) for h in headers}
    if not headers:
        return "The file holds no table."
    if (
        names & {"description", "definition", "meaning", "notes", "desc"}
        and len(names) <= 6
        and names
        & {"field", "field name", "column", "column name", "variables", "variable", "attribute", "header"}
    ):
        return "A data dictionary: it describes the columns of other files and holds no records."
    if {"display order", "label"} <= names or {"stage id", "closed won"} <= names:
        return (
            "A list of pipelines or stages: it names what other files refer to. Use it when deciding "
            "which stage means "
            "won, lost or open."
        )
    if {"parent role id"} <= names or {"developer name", "rollup description"} <= names:
        return "A list of roles: people and hierarchy are decisions of their own; it holds no records."
    if {"pricebook2 id", "product2 id", "unit price"} <= {n.replace("2id", "2 id") for n in names} and any(
        normal(h).replace("2id", "2 id") == "product2 id" and not p.unique for h, p in profiles.items()
    ):
        return (
            "A price book with several prices for a product: export the entries of the standard "
            "price book alone to have "
            "list prices."
        )
    if "merged deal id" in names:
        return "A list of merged deals: it only says which ids were joined."
    if (
        "history" in table.lower()
        and {"start date", "end date"} <= names
        and not names & {"name", "email", "full name"}
    ):
        return "A history of assignments with start and end: enter it as dated positions or territories."
    ids = {n for n in names if n.endswith(" id") or n == "id"}
    rest = {
        n
        for n in names - ids
        if not n.startswith("fivetran")
        and not n.startswith("is ")
        and n not in ("category", "engagement type", "type")
    }
    if (
        len(ids) >= 2
        and not rest
        and not {"deal id", "contact id"} <= names
        and not {"opportunity id", "contact id"} <= names
    ):
        return "A link table: it only says which records belong together."
    return ""
