"""The frames KPIs read: the conformed deals, and what may be joined to them."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine.kpi import MONEY

Frames = Mapping[str, ir.Table]
"""Frame name -> table. ``deals`` is always there; ``quotas`` (one row per owner, restricted to and
prorated for the period), ``attainment`` and ``created_amounts`` where the data has them."""

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
