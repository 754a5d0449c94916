"""One seeded simulator of a firm: writes what its CRM would export, and what is true of it."""

from __future__ import annotations

from salesops.simulate.parameters import FirmParameters, parameters_schema
from salesops.simulate.simulator import simulate
from salesops.simulate.truth import Truth

__all__ = ["FirmParameters", "Truth", "parameters_schema", "simulate"]
