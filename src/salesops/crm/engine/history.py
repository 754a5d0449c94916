"""Tables that hold changes: recognised, and turned into rows of the change log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from salesops.crm.engine.aliases import ALIASES, normal
from salesops.crm.engine.extras import extra_name
from salesops.crm.engine.formats import ColumnProfile
from salesops.crm.engine.ids import SALESFORCE_PREFIXES
from salesops.crm.engine.proposals import HistoryProposal
from salesops.facts.tables import TABLES

_OWNERS = {
    "opportunity id": "opportunities",
    "deal id": "opportunities",
    "opportunity": "opportunities",
    "account id": "accounts",
    "company id": "accounts",
    "contact id": "contacts",
    "lead id": "leads",
    "parent id": "",
    "record id": "opportunities",
    "opportunity name": "opportunities",
    "deal name": "opportunities",
}
_AT = (
    "created date",
    "timestamp",
    "date entered",
    "edit date",
    "changed at",
    "change date",
    "changed on",
    "modified date",
    "stage change date",
    "last modified",
    "last modified date",
    "date",
    "occurred at",
    "valid from",
    "entered at",
    "fivetran start",
    "change timestamp",
)
_FIELD = (
    "field",
    "field name",
    "field event",
    "property",
    "property name",
    "name",
    "attribute",
    "changed field",
    "field changed",
)
_NEW = ("new value", "value", "new", "to value", "to", "after")
_OLD = ("old value", "old", "from value", "from", "before", "previous value")
_BY = (
    "created by id",
    "edited by",
    "changed by",
    "created by",
    "source id",
    "user",
    "modified by",
    "updated by user id",
)
_SNAPSHOT = {
    "stage name": "stage",
    "stage": "stage",
    "to stage": "stage",
    "new stage": "stage",
    "amount": "amount",
    "close date": "close_on",
    "probability": "probability",
    "probability %": "probability",
    "forecast category": "forecast_category",
    "owner id": "owner_id",
    "expected revenue": "",
    "next step": "next_step",
    "currency iso code": "currency",
    "forecast category name": "forecast_category",
    "type": "type",
    "name": "name",
    "deal stage": "stage",
    "account id": "account_id",
    "is closed": "is_closed",
    "is won": "is_won",
    "lead source": "lead_source",
}
_BEFORE = {
    "from opportunity stage name": "stage",
    "from stage": "stage",
    "old stage": "stage",
    "prev amount": "amount",
    "prev close date": "close_on",
    "previous stage": "stage",
    "from forecast category": "forecast_category",
    "from stage name": "stage",
}


def propose_history(
    table: str, headers: Sequence[str], profiles: Mapping[str, ColumnProfile]
) -> tuple[str, HistoryProposal, str] | None:
    """(object, how to read it, why) where a table holds changes, else None."""
    names = {normal(h): h for h in reversed(headers)}
    if "fivetran start" in names and "id" in names:
        return _validity(table, names)
    owner = next((n for n in _OWNERS if n in names), "")
    if not owner:
        return None
    obj = _OWNERS[owner] or SALESFORCE_PREFIXES.get(profiles[names[owner]].salesforce_prefix, "opportunities")
    record = names[owner]
    at = next((n for n in _AT if n in names), "")
    if not at or obj not in TABLES:
        return None
    by = names.get(next((n for n in _BY if n in names), ""), "")
    field = next((n for n in _FIELD if n in names), "")
    new = next((n for n in _NEW if n in names), "")
    old = next((n for n in _OLD if n in names), "")
    if field and new and (old or len(headers) <= 9) and "amount" not in names:
        form = HistoryProposal(
            "field_changes",
            record,
            names[at],
            field_header=names[field],
            new_header=names[new],
            old_header=names.get(old, ""),
            changed_by=by,
        )
        return obj, form, f"one row per change: '{names[field]}' names the field"
    if new == "value" and "date entered" in names and obj == "opportunities":
        form = HistoryProposal(
            "stage_entries", record, names[at], fields={names["value"]: "stage"}, changed_by=""
        )
        return obj, form, "one row per stage entered"
    before = {names[n]: target for n, target in _BEFORE.items() if n in names}
    said = "history" in normal(table.rsplit("/", 1)[-1])
    if obj == "opportunities" and (before or (said and ({"stage name", "stage"} & set(names)))):
        fields = {names[n]: t for n, t in _SNAPSHOT.items() if n in names and t and names[n] not in before}
        fields.pop(record, None)
        fields = {h: t for h, t in fields.items() if normal(h) not in ("name", "type")}
        if "stage" not in fields.values() and "amount" not in fields.values():
            return None
        form = HistoryProposal(
            "snapshots", record, names[at], fields=_first_of_each(fields), old_fields=before, changed_by=by
        )
        return obj, form, "one row per state of a record: stage, amount, close date at a moment"
    return None


def _first_of_each(fields: dict[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for header, target in fields.items():
        if target not in kept.values():
            kept[header] = target
    return kept


def _validity(table: str, names: Mapping[str, str]) -> tuple[str, HistoryProposal, str] | None:
    """A table with one row per record and span of validity, as Fivetran's history mode writes it."""
    best, most = "", 0
    for obj, targets in ALIASES.items():
        word = obj.rstrip("s").removesuffix("ie")
        hits = sum(1 for n in names if any(n in labels for _, labels in targets.values()))
        hits += 8 * (word[:8] in table.lower())
        if hits > most:
            best, most = obj, hits
    fields: dict[str, str] = {}
    for target, (_, labels) in ALIASES[best].items():
        if target in ("id", "created", "last_modified_at", "description", "first_name", "last_name"):
            continue
        label = next((x for x in labels if x in names), None)
        if label and names[label] not in fields:
            fields[names[label]] = target
    form = HistoryProposal("snapshots", names["id"], names["fivetran start"], fields=fields)
    return best, form, "one row per record and span of validity"


_EVENTS = ("", "created", "opportunity created", "feed event", "locked", "unlocked")
"""What a field history logs beside fields."""


def own_field(name: str) -> str:
    """The ``x_`` name of a field that no canonical column means; "" for an event that is no field."""
    return "" if normal(name) in _EVENTS else extra_name(name, set())


def field_target(obj: str, name: str) -> str | None:
    """The canonical column a history's field name means, None where it is a field of its own."""
    label = normal(name)
    if label in _EVENTS:
        return None
    for target, (_, labels) in ALIASES.get(obj, {}).items():
        if target in TABLES[obj].by_name and label in labels and target != "id":
            return target
    return None
