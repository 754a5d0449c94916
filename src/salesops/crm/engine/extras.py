"""Columns no canonical column stands for: kept, named and typed; and HubSpot's stage-date columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from salesops.crm.engine.aliases import normal
from salesops.crm.engine.formats import ColumnProfile, format_for
from salesops.crm.engine.proposals import ColumnProposal, StageDate
from salesops.facts.tables import EXTRA_PREFIX


def zone_of(type_: str, profile: ColumnProfile, system: str) -> str:
    """Naive instants of machine exports (ISO order, with a clock) are UTC; of reports, the user's own zone."""
    if type_ == "instant" and system in ("salesforce", "hubspot") and profile.date_order == "YMD":
        return "UTC"
    return ""


def extra_columns(
    headers: Sequence[str], profiles: Mapping[str, ColumnProfile]
) -> tuple[ColumnProposal, ...]:
    """Every column kept as an extra, for a table of no known object."""
    taken: set[str] = set()
    return tuple(extra_column(h, profiles[h], taken, "") for h in headers)


def extra_column(header: str, profile: ColumnProfile, taken: set[str], system: str) -> ColumnProposal:
    """A column kept under an ``x_`` name; ``taken`` holds the names given so far and gains this one."""
    name = extra_name(header, taken)
    type_ = extra_type(profile, header)
    fmt = format_for(profile, type_, zone=zone_of(type_, profile, system))
    return ColumnProposal(header, None, name, type_, 1.0, "kept as the file's own column", fmt)


def extra_type(profile: ColumnProfile, header: str = "") -> str:
    """The type an unmapped column is kept as: the narrowest that every filled cell has, else text."""
    if profile.kind == "empty" or profile.purity < 1.0 or profile.date_mixed:
        return "text"
    if profile.salesforce_prefix or profile.leading_zeros or profile.spoilt_ids:
        return "text"
    if profile.kind == "boolean":
        return "boolean"
    if profile.kind == "integer":
        if profile.boolean_like and re.match(r"(?i)(?:is|has|do|can|did|was)[_ A-Z]", header):
            return "boolean"
        widest = max((w for w, _ in profile.digit_widths), default=0)
        last = normal(header).split(" ")[-1:]
        return "text" if widest > 15 or (last and last[0] in _CODE_WORDS) else "integer"
    if profile.kind == "number":
        return (
            "rate"
            if profile.percent or (profile.long_decimals and (profile.number_max or 0) < 10**6)
            else "money"
        )
    return "instant" if profile.kind == "instant" else "date" if profile.kind == "date" else "text"


_CODE_WORDS = frozenset({"id", "ids", "number", "code", "key", "zip", "postal", "phone", "fax", "plz"})


def extra_name(header: str, taken: set[str]) -> str:
    """The ``x_`` name a header is kept under; one not yet taken, and noted as taken."""
    text = unicodedata.normalize("NFKD", re.sub(r"__c$", "", header))
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower().replace("ß", "ss")
    slug = re.sub(r"[^a-z0-9]+", "_", text).strip("_")[:50] or f"column_{len(taken) + 1}"
    name, n = f"{EXTRA_PREFIX}{slug}", 2
    while name in taken:
        name = f"{EXTRA_PREFIX}{slug}_{n}"
        n += 1
    taken.add(name)
    return name


_STAGE_DATE = (
    re.compile(r'^date entered\s+["“\']?(?P<stage>.+?)["”\']?(?:\s*\((?P<pipeline>.+)\))?$', re.IGNORECASE),
    re.compile(r"^(?:properties\.|property_)?hs_(?:v2_)?date_entered_(?P<id>.+)$", re.IGNORECASE),
)


def stage_date_columns(
    headers: Sequence[str], profiles: Mapping[str, ColumnProfile]
) -> tuple[StageDate, ...]:
    """Columns that say when a deal entered a stage: ``hs_date_entered_<id>``, ``Date entered "..."``."""
    found = []
    for header in headers:
        for pattern in _STAGE_DATE:
            match = pattern.match(header.strip())
            if match and profiles[header].kind in ("date", "instant", "empty", "integer"):
                groups = match.groupdict()
                found.append(StageDate(header, groups.get("stage") or groups["id"], "id" in groups))
                break
    return tuple(found)
