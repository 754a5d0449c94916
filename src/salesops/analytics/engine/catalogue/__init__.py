"""Every KPI on deals, by name. One module per family; one declaration per KPI."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from salesops.analytics.engine.catalogue import pipeline, rates, size_and_cycle, volume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from salesops.analytics.engine.kpi import Kpi

_FAMILIES = (rates.KPIS, size_and_cycle.KPIS, pipeline.KPIS, volume.KPIS)


@cache
def catalogue() -> Mapping[str, Kpi]:
    """KPI name -> declaration, in the order of the families.

    Raises:
        ValueError: where two declarations share a name.
    """
    result: dict[str, Kpi] = {}
    for family in _FAMILIES:
        for kpi in family:
            if kpi.name in result:
                raise ValueError(f"two KPIs are named {kpi.name}")
            result[kpi.name] = kpi
    return MappingProxyType(result)
