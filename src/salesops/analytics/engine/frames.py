"""The frames KPIs read: the conformed deals, and what may be joined to them."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine.kpi import MONEY

Frames = Mapping[str, ir.Table]
"""Frame name -> table. ``deals`` is always there; ``quotas`` (one row per owner, restricted to and
prorated for the period), ``attainment``, ``created_amounts`` and those of :data:`GRAIN` where the data
has them."""

NO_HISTORY = (
    "your data has no change of a stage: export the history of stages (opportunity history), or import the deals "
    "regularly"
)
NO_OPENING = (
    "your data has no change of a deal, or no period was asked for: choose a period, and export the history of the "
    "deals where there is none"
)
NO_MOVES = "your data has no change of a close date: export its history, or import the deals regularly"
NO_ACTIVITIES = "your data has no activities: export activities (tasks, calls, events)"

MISSING_FRAME: Mapping[str, str] = {
    "quotas": "no quota is in force for this period: enter or paste quotas",
    "attainment": "no quota is in force for this period: enter or paste quotas",
    "ramp": "no start date of anybody is known: export users with the day they were hired",
    "stage_visits": NO_HISTORY,
    "stage_entries": NO_HISTORY,
    "stage_presence": NO_HISTORY,
    "standing": NO_HISTORY,
    "close_moves": NO_MOVES,
    "opening": NO_OPENING,
    "activities": NO_ACTIVITIES,
    "selling_time": NO_ACTIVITIES,
    "people": "working days belong to a period: choose one",
    "calendar": "days belong to a period: choose one",
    "leads": "your data has no leads: export leads",
    "customers": "your data has no won deal with an account: export the account with the opportunities",
    "spend": "your data has no spend: bring a table of sales and marketing spend by month",
    "revenue": "your data has no invoices and no orders: export invoices, or orders",
}
"""Frame -> why a number that reads it has no value while it is not there, and what to do about it."""

TIMELESS = frozenset(
    {
        "deals",
        "stage_visits",
        "stage_entries",
        "close_moves",
        "activities",
        "selling_time",
        "leads",
        "customers",
    }
)
"""Frames that hold the same rows whatever period is asked for: only conditions narrow them."""

DECIDED_FRAMES = frozenset({"quotas", "attainment"})
"""Frames that decisions fill, not files."""

GRAIN: Mapping[str, tuple[str, str]] = {
    "deals": ("deal", "deals"),
    "quotas": ("person", "people"),
    "attainment": ("person", "people"),
    "ramp": ("person", "people"),
    "people": ("person", "people"),
    "stage_visits": ("stay", "stays"),
    "stage_entries": ("stage of a deal", "stages of deals"),
    "stage_presence": ("stage of a deal", "stages of deals"),
    "standing": ("deal", "deals"),
    "close_moves": ("change", "changes"),
    "opening": ("deal", "deals"),
    "activities": ("activity", "activities"),
    "selling_time": ("stretch", "stretches"),
    "leads": ("lead", "leads"),
    "customers": ("account", "accounts"),
    "revenue": ("account", "accounts"),
    "spend": ("amount", "amounts"),
    "calendar": ("day", "days"),
}
"""Frame -> what one row of it is, and many."""

_OF_DEALS = ("id", "name", "account_name", "owner_name")
SHOWN: Mapping[str, tuple[str, ...]] = {
    "deals": (*_OF_DEALS, "stage", "created_on", "closed_on", "expected_close_on"),
    "stage_visits": (*_OF_DEALS, "stage", "entered_on", "left_on"),
    "stage_entries": (*_OF_DEALS, "stage", "entered_on", "passed_on"),
    "stage_presence": (*_OF_DEALS, "stage", "entered_on"),
    "standing": (*_OF_DEALS, "stage", "entered_on"),
    "close_moves": (*_OF_DEALS, "moved_on", "old_close_on", "new_close_on"),
    "opening": (*_OF_DEALS, "stage", "opening_category", "opening_close_on", "closed_on"),
    "activities": ("id", "subject", "kind", "happened_on", "account_name", "owner_name"),
    "selling_time": ("owner_name", "happened_on", "team"),
    "leads": ("id", "name", "status", "lead_source", "owner_name", "created_on"),
    "customers": ("account_id", "account_name", "owner_name", "first_won_on"),
    "revenue": ("account_id", "account_name", "owner_name", "revenue_before", "revenue_now"),
    "spend": ("id", "category", "function", "segment", "month_on"),
    "people": ("owner_id", "owner_name", "manager_name", "team", "region"),
    "ramp": ("owner_id", "owner_name", "team", "role", "hired_on", "left_on", "full_quota", "reached"),
    "calendar": ("day_on",),
}
"""Frame -> its columns that a list of rows shows, the one that orders equal rows first."""

ROWS_OF_DEALS = frozenset(
    {"deals", "stage_visits", "stage_entries", "stage_presence", "standing", "close_moves", "opening"}
)
"""Frames whose ``id`` is that of a deal."""

DEALS: Mapping[str, str] = {
    "id": "string",
    "name": "string",
    "account_id": "string",
    "account_name": "string",
    "owner_id": "string",
    "owner_name": "string",
    "manager_id": "string",
    "manager_name": "string",
    "team": "string",
    "region": "string",
    "role": "string",
    "pipeline": "string",
    "stage": "string",
    "stage_order": "int64",
    "stage_class": "string",
    "is_pitched": "boolean",
    "forecast_category": "string",
    "deal_kind": "string",
    "amount": MONEY,
    "source_amount": MONEY,
    "currency": "string",
    "amount_estimate": MONEY,
    "created_on": "date",
    "first_interaction_on": "date",
    "closed_on": "date",
    "expected_close_on": "date",
    "last_activity_on": "date",
    "next_step": "string",
    "product_id": "string",
    "product_name": "string",
    "product_family": "string",
    "lead_source": "string",
    "loss_reason": "string",
    "competitor": "string",
    "type": "string",
    "industry": "string",
    "segment": "string",
    "country": "string",
    "first_seen_on": "date",
    "source": "string",
    "source_row": "int64",
    "import_id": "string",
}
"""Columns of the conformed deals frame and their types; extras (``x_...``) come on top."""

CREATED_AMOUNTS: Mapping[str, str] = {"id": "string", "amount": MONEY}
"""One row per deal whose change log reaches back to its creation: the amount at the end of that day."""


def with_created_amounts(frames: Frames) -> ir.Table:
    """Deals with ``generated_amount`` and ``generated_is_estimate``.

    The amount at the end of the creation day where the change log knows it (even if it was empty
    then); the deal's present amount, marked as an estimate, where it does not.
    """
    deals = frames["deals"]
    amounts = frames.get("created_amounts")
    if amounts is None:
        return deals.mutate(generated_amount=deals["amount"], generated_is_estimate=ibis.literal(True))
    at_creation = amounts.select(creation_id=amounts["id"], creation_amount=amounts["amount"].cast(MONEY))
    joined = deals.left_join(at_creation, deals["id"] == at_creation["creation_id"])
    known = joined["creation_id"].notnull()
    return joined.mutate(
        generated_amount=ibis.ifelse(known, joined["creation_amount"], joined["amount"]),
        generated_is_estimate=~known,
    ).drop("creation_id", "creation_amount")
