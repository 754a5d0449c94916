"""Plain counts and sums: won, lost, created."""

from __future__ import annotations

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.catalogue.parts import (
    NEEDS_CREATED,
    NEEDS_OUTCOME,
    NEEDS_WON_AMOUNT,
    OWNER,
    UNDATED_CLOSED,
    UNDATED_CREATED,
    UNMAPPED,
    WON,
    WON_AMOUNT,
    count_of,
    sum_of,
)
from salesops.analytics.engine.kpi import Kpi, Side

KPIS: tuple[Kpi, ...] = (
    Kpi(
        name="won_value",
        title="Won",
        sentence="The amount of the deals won in the period.",
        formula="sum of the amounts of won deals",
        unit="money",
        direction="up",
        owner=OWNER,
        convention=(
            "By close date in the period, both days included, in the organisation's currency. Won deals "
            "without an amount add nothing and are counted."
        ),
        sides=(WON_AMOUNT,),
        combine=sum_of("won_amount", "no won deal has an amount"),
        sample="won_amount",
        requires=(NEEDS_OUTCOME, NEEDS_WON_AMOUNT),
        flags=(UNDATED_CLOSED, UNMAPPED),
    ),
    Kpi(
        name="won_deals",
        title="Won deals",
        sentence="How many deals were won in the period.",
        formula="number of won deals",
        unit="count",
        direction="up",
        owner=OWNER,
        convention="By close date in the period, both days included.",
        sides=(WON,),
        combine=count_of("won"),
        sample="won",
        requires=(NEEDS_OUTCOME,),
        flags=(UNDATED_CLOSED, UNMAPPED),
    ),
    Kpi(
        name="lost_deals",
        title="Lost deals",
        sentence="How many deals were lost in the period.",
        formula="number of lost deals",
        unit="count",
        direction="down",
        owner=OWNER,
        convention="By close date in the period, both days included. No decision is lost.",
        sides=(Side("lost", "Lost deals", c.lost),),
        combine=count_of("lost"),
        sample="lost",
        requires=(NEEDS_OUTCOME,),
        flags=(UNDATED_CLOSED, UNMAPPED),
    ),
    Kpi(
        name="deals_created",
        title="Deals created",
        sentence="How many deals were created in the period.",
        formula="number of deals by creation date",
        unit="count",
        direction="up",
        owner=OWNER,
        convention="By creation date in the period, both days included; ignored stages are left out.",
        sides=(Side("created", "Deals created", c.created),),
        combine=count_of("created"),
        sample="created",
        dated_by="created_on",
        requires=(NEEDS_CREATED,),
        flags=(UNDATED_CREATED,),
    ),
)
