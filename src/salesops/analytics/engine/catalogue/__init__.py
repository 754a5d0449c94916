"""Every KPI by name. One module per family; one declaration per KPI."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from salesops.analytics.engine.catalogue import (
    customers,
    effort,
    forecast,
    leads,
    movement,
    pipeline,
    rates,
    size_and_cycle,
    stages,
    volume,
)
from salesops.analytics.engine.kpi import Kpi

FAMILIES: Mapping[str, tuple[Kpi, ...]] = {
    "Win and close rates": rates.KPIS,
    "Deal size and sales cycle": size_and_cycle.KPIS,
    "Pipeline": pipeline.KPIS,
    "Forecast categories": forecast.KPIS,
    "Stages over time": stages.KPIS,
    "Slips, pushes and commit": movement.KPIS,
    "Won, lost, created": volume.KPIS,
    "Activities and selling time": effort.KPIS,
    "Leads": leads.KPIS,
    "Customers, revenue and cost": customers.KPIS,
}
"""Heading -> the declarations under it."""


@cache
def catalogue() -> Mapping[str, Kpi]:
    """KPI name -> declaration, in the order of the families.

    Raises:
        ValueError: where two declarations share a name.
    """
    result: dict[str, Kpi] = {}
    for family in FAMILIES.values():
        for kpi in family:
            if kpi.name in result:
                raise ValueError(f"two KPIs are named {kpi.name}")
            result[kpi.name] = kpi
    return MappingProxyType(result)
