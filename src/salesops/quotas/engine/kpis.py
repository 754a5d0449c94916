"""KPIs on quotas: attainment, participation, quota, productivity."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import ibis.expr.types as ir

from salesops.analytics.engine.catalogue.parts import OWNER, Sides, amount, mean_of, ratio_of_counts
from salesops.analytics.engine.figure import Figure, quotient, undefined
from salesops.analytics.engine.kpi import Context, Flag, Kpi, Measure, Side

NO_QUOTA = "no quota is in force for this period: enter or paste quotas"


def in_team(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Owners whose quota counts towards the team: every one but overlays."""
    return ~t["is_overlay"].fill_null(False)


def carries_quota(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Owners in the team with a quota above zero."""
    return in_team(t, context) & (t["quota"] > 0)


def reached_quota(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Owners with a quota who won at least all of it."""
    return carries_quota(t, context) & (t["won"] >= t["quota"])


def without_quota(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Owners in the team who won something and carry no quota."""
    return in_team(t, context) & ~(t["quota"] > 0).fill_null(False) & (t["won_deals"] > 0)


def has_capacity(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Owners whose ramped months are known."""
    return in_team(t, context) & (t["fte_months"] > 0)


_WON = Side("won", "Owners with a quota", carries_quota, Measure("sum", column="won"), frame="attainment")
_QUOTA = Side(
    "quota", "Owners with a quota", carries_quota, Measure("sum", column="quota"), frame="attainment"
)
_CARRIERS = Side("carriers", "Owners with a quota", carries_quota, frame="attainment")
_LEFT_OUT = Flag(
    "without_quota",
    without_quota,
    "Owners who won deals but carry no quota, left out of both sides: {n}.",
    frame="attainment",
)


def _attainment(sides: Sides) -> Figure:
    return quotient(amount(sides["won"]), amount(sides["quota"]), unknown=NO_QUOTA, zero=NO_QUOTA)


def _quota(sides: Sides) -> Figure:
    return Figure(amount(sides["quota"])) if sides["quota"].n else undefined(NO_QUOTA)


def _productivity(sides: Sides) -> Figure:
    reason = "no ramped months are known: enter start dates and ramps"
    return quotient(amount(sides["won"]), amount(sides["fte_months"]), unknown=reason, zero=reason)


KPIS: tuple[Kpi, ...] = (
    Kpi(
        name="quota_attainment",
        title="Quota attainment",
        sentence="The amount won in the period against the quota of those who won it.",
        formula="sum of won amounts / sum of quotas, over owners with a quota",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention=(
            "Ratio of sums, not the mean of the owners. An owner with no or zero quota is out of both sides; "
            "overlay quotas are out of the team; ramp and leavers are prorated in the quota."
        ),
        sides=(_WON, _QUOTA),
        combine=_attainment,
        grain="owner",
        frame="attainment",
        sample="",
        flags=(_LEFT_OUT,),
    ),
    Kpi(
        name="quota_participation",
        title="Participation",
        sentence="The share of owners with a quota who reached all of it.",
        formula="owners at 100 % or more / owners with a quota",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention="An owner with no or zero quota is not counted.",
        sides=(
            Side("reached", "Owners at or above their quota", reached_quota, frame="attainment"),
            _CARRIERS,
        ),
        combine=ratio_of_counts("reached", "carriers", NO_QUOTA),
        grain="owner",
        frame="attainment",
        sample="carriers",
        flags=(_LEFT_OUT,),
        wilson=("reached", "carriers"),
    ),
    Kpi(
        name="mean_rep_attainment",
        title="Mean attainment per owner",
        sentence="The plain mean of the owners' own attainments.",
        formula="sum of (won / quota) / owners with a quota",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention=(
            "Every owner weighs the same, however small the quota; the team's result is quota attainment."
        ),
        sides=(
            Side(
                "attainments",
                "Owners with a quota",
                carries_quota,
                Measure("ratios", column="won", divisor="quota"),
                frame="attainment",
            ),
        ),
        combine=mean_of("attainments", NO_QUOTA),
        grain="owner",
        frame="attainment",
        sample="attainments",
        flags=(_LEFT_OUT,),
    ),
    Kpi(
        name="quota",
        title="Quota",
        sentence="The quota of the period.",
        formula="sum of quotas",
        unit="money",
        direction="none",
        owner=OWNER,
        convention="As in force for the period, prorated for ramp, joiners and leavers; overlays left out.",
        sides=(_QUOTA,),
        combine=_quota,
        grain="owner",
        frame="attainment",
    ),
    Kpi(
        name="rep_productivity",
        title="Productivity",
        sentence="The amount won per fully ramped person and month.",
        formula="credited amount won / ramped FTE-months",
        unit="money",
        direction="up",
        owner=OWNER,
        convention="A month in ramp counts as its share of full quota; unknown months are left out.",
        sides=(
            Side(
                "won",
                "Owners with known months",
                has_capacity,
                Measure("sum", column="won"),
                frame="attainment",
            ),
            Side(
                "fte_months",
                "Owners with known months",
                has_capacity,
                Measure("sum", column="fte_months"),
                frame="attainment",
            ),
        ),
        combine=_productivity,
        grain="owner",
        frame="attainment",
    ),
)


def quota_kpis() -> Mapping[str, Kpi]:
    """KPI name -> declaration of the KPIs that read quotas."""
    return MappingProxyType({kpi.name: kpi for kpi in KPIS})
