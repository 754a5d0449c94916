"""Won amounts against quotas, one row per owner."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.filters import Filter, apply_filters
from salesops.analytics.engine.frames import Frames
from salesops.analytics.engine.kpi import MONEY, Context

LABELS = ("owner_name", "manager_id", "manager_name", "team", "region", "role")
"""Columns that describe an owner, from the quota row where it has them, else from the deals."""

QUOTAS: Mapping[str, str] = {
    "owner_id": "string",
    "owner_name": "string",
    "manager_id": "string",
    "manager_name": "string",
    "team": "string",
    "region": "string",
    "role": "string",
    "quota": MONEY,
    "fte_months": "decimal(19,6)",
    "is_overlay": "boolean",
}
"""The quotas frame: one row per owner, for the period asked for. ``quota`` is already prorated for ramp,
joiners and leavers; null = the person carries none. ``fte_months`` is the months of the period weighted
by ramp (0.5 = half a month of a fully ramped person). Overlay quotas stay out of the team."""

ATTAINMENT: Mapping[str, str] = {**QUOTAS, "won": MONEY, "won_deals": "int64"}
"""The attainment frame: quotas with what each owner won in the period."""


def attainment_frame(frames: Frames, context: Context, filters: tuple[Filter, ...] = ()) -> ir.Table:
    """One row per owner with a quota or a won deal: quota, won amount, number of won deals.

    Args:
        frames: ``deals`` and ``quotas``.
        context: the period the deals were won in; the quotas are for the same period already.
        filters: conditions on the deals (a product, say), to see what part of the quota they made.
    """
    deals = apply_filters(frames["deals"], filters)
    quotas = frames["quotas"]
    won = deals.filter(c.won(deals, context))
    labels = {f"won_{name}": won[name].max() for name in LABELS if name in won.columns}
    per_owner = won.group_by(won_owner_id=won["owner_id"]).aggregate(
        won=won["amount"].cast(MONEY).sum(), won_deals=won.count(), **labels
    )
    joined = quotas.outer_join(per_owner, quotas["owner_id"] == per_owner["won_owner_id"])
    columns: dict[str, ir.Column] = {
        "owner_id": ibis.coalesce(joined["owner_id"], joined["won_owner_id"]),
        "quota": joined["quota"].cast(MONEY),
        "won": ibis.coalesce(joined["won"].cast(MONEY), ibis.literal(0, type=MONEY)),
        "won_deals": joined["won_deals"].fill_null(0),
    }
    for name in LABELS:
        found = [joined[column] for column in (name, f"won_{name}") if column in joined.columns]
        if found:
            columns[name] = ibis.coalesce(*found)
    for name in ("fte_months", "is_overlay"):
        known = name in quotas.columns
        columns[name] = joined[name] if known else ibis.null(QUOTAS[name])
    return joined.select(**columns)
