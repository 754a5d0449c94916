"""Net and gross revenue retention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from salesops.analytics.engine.figure import Figure, Number, exact, quotient


@dataclass(frozen=True)
class Retention:
    """Retention of one start cohort.

    Attributes:
        nrr: end revenue of the cohort / its start revenue (expansion counts).
        grr: the same with every customer capped at its start revenue.
        customers: customers in the cohort.
    """

    nrr: Figure
    grr: Figure
    customers: int


def revenue_retention(start: Mapping[str, Number | None], end: Mapping[str, Number | None]) -> Retention:
    """NRR and GRR of the customers with recurring revenue above 0 at the start.

    Args:
        start: customer -> recurring revenue at the start.
        end: customer -> recurring revenue at the end. A customer that is absent or None has none;
            one without revenue at the start is new (or reactivated) and stays out.
    """
    cohort = {name: exact(value) for name, value in start.items() if value is not None and value > 0}
    ends = {name: exact(end.get(name) or 0) for name in cohort}
    base = sum(cohort.values(), exact(0))
    reason = "no customer had recurring revenue at the start"
    kept = sum(ends.values(), exact(0))
    capped = sum((min(ends[name], cohort[name]) for name in cohort), exact(0))
    return Retention(
        quotient(kept, base, unknown=reason, zero=reason),
        quotient(capped, base, unknown=reason, zero=reason),
        len(cohort),
    )
