"""KPI declarations as plain values: what command line, REST and the reference page show."""

from __future__ import annotations

from typing import Any

from salesops.analytics.engine.kpi import Kpi


def definition(kpi: Kpi) -> dict[str, Any]:
    """A KPI's declaration as plain values."""
    return {
        "name": kpi.name,
        "title": kpi.title,
        "definition": kpi.sentence,
        "formula": kpi.formula,
        "unit": kpi.unit,
        "grain": kpi.grain,
        "dimensions": list(kpi.dimensions) or "any column of the deals",
        "direction": kpi.direction,
        "owner": kpi.owner,
        "convention": kpi.convention,
        "sides": {side.name: side.title for side in kpi.sides},
    }
