"""Random deals, and the numbers of deals counted by plain loops: independent of the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ibis
import pyarrow as pa
from hypothesis import strategies as st

from salesops.analytics.engine.case_inputs import frame
from salesops.analytics.engine.frames import DEALS
from salesops.analytics.engine.kpi import Context
from salesops.core.calendars import Period

FIRST, LAST = date(2024, 4, 1), date(2024, 6, 30)
QUARTER = Period(kind="custom", label="q", title="q", first=FIRST, last=LAST)
AS_OF = date(2024, 8, 1)
IN_QUARTER = Context(QUARTER, AS_OF, AS_OF)
ALL_TIME = Context(None, AS_OF, AS_OF)

_days = st.integers(0, 240).map(lambda n: date(2024, 1, 1) + timedelta(days=n))
_money = st.integers(0, 9_999_999).map(lambda units: Decimal(units) / 100)


@st.composite
def deal(draw: st.DrawFn) -> dict[str, Any]:
    """One deal as the conformed frame holds it, faults included."""
    stage_class = draw(st.sampled_from(["open", "won", "won", "lost", "lost", "ignored", "unmapped"]))
    closed = stage_class in ("won", "lost")
    return {
        "stage_class": stage_class,
        "owner_id": draw(st.sampled_from(["ada", "bo", "cy", None])),
        "region": draw(st.sampled_from(["north", "south", None])),
        "amount": draw(st.none() | _money),
        "amount_estimate": draw(st.none() | _money),
        "created_on": draw(st.none() | _days),
        "first_interaction_on": draw(st.none() | _days),
        "closed_on": draw(st.none() | _days) if closed else None,
        "expected_close_on": None if closed else draw(st.none() | _days),
        "is_pitched": draw(st.sampled_from([True, False, None])),
        "forecast_category": draw(
            st.sampled_from(["commit", "best_case", "most_likely", "pipeline", "omitted", None])
        ),
        "loss_reason": draw(st.sampled_from(["Price", "No Decision", "no budget", None])),
    }


rows = st.lists(deal(), max_size=40).map(lambda made: [{**d, "id": str(i)} for i, d in enumerate(made)])


def table(deals: Sequence[Mapping[str, Any]]) -> Any:
    """Deals as an Ibis frame."""
    return frame(deals, DEALS)


def connection() -> Any:
    """A fresh in-memory session."""
    return ibis.duckdb.connect()


def execute(con: Any) -> Callable[[Any], pa.Table]:
    """What the pages' session does."""
    return lambda expr: con.to_pyarrow(expr)


def inside(day: date | None, period: Period | None) -> bool:
    """Whether a day is in the period; every day without one."""
    return True if period is None else day is not None and period.first <= day <= period.last


def open_at(d: Mapping[str, Any], at: date, *, before: bool = False) -> bool:
    """Whether a deal is open at the end (beginning) of a day."""
    begun = d["created_on"] is not None and (d["created_on"] < at if before else d["created_on"] <= at)
    if d["stage_class"] == "open":
        return begun or d["created_on"] is None
    if d["stage_class"] not in ("won", "lost") or not begun or d["closed_on"] is None:
        return False
    return d["closed_on"] >= at if before else d["closed_on"] > at


def median(values: list[Any]) -> Fraction | None:
    """The textbook median."""
    ordered = sorted(Fraction(v) for v in values)
    if not ordered:
        return None
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else Fraction(ordered[half - 1] + ordered[half], 2)


def upper(values: list[Any]) -> Fraction | None:
    """The 75th percentile, linear between neighbours."""
    ordered = sorted(Fraction(v) for v in values)
    if not ordered:
        return None
    place = Fraction(3, 4) * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def ratio(a: Any, b: Any) -> Fraction | None:
    """a / b, None where undefined."""
    return None if a is None or not b else Fraction(a) / Fraction(b)


def total(deals: Sequence[Mapping[str, Any]], column: str = "amount") -> Decimal | None:
    """Sum of known amounts; None where there are deals and no amount."""
    known = [d[column] for d in deals if d[column] is not None]
    return None if deals and not known else sum(known, Decimal(0))


def by_hand(deals: Sequence[Mapping[str, Any]], context: Context) -> dict[str, Any]:
    """The KPIs by plain loops over the rows."""
    period = context.period
    counted = [d for d in deals if d["stage_class"] != "ignored"]
    won = [d for d in deals if d["stage_class"] == "won" and inside(d["closed_on"], period)]
    lost = [d for d in deals if d["stage_class"] == "lost" and inside(d["closed_on"], period)]
    cohort = [d for d in counted if inside(d["created_on"], period)]
    cohort_won = [d for d in cohort if d["stage_class"] == "won"]
    pitched = [d for d in cohort if d["is_pitched"]]
    if period is None:
        stock = [d for d in deals if d["stage_class"] == "open"]
        at_start = stock
    else:
        stock = [d for d in deals if open_at(d, min(period.last, context.as_of))]
        at_start = [d for d in deals if open_at(d, period.first, before=True)]
    pipeline = [d for d in stock if d["forecast_category"] != "omitted"]
    won_amount = sum((d["amount"] or Decimal(0) for d in won), Decimal(0))
    lost_amount = sum((d["amount"] or Decimal(0) for d in lost), Decimal(0))
    sizes = [d["amount"] for d in won if d["amount"] is not None]
    result: dict[str, Any] = {
        "win_rate_count": ratio(len(won), len(won) + len(lost)),
        "win_rate_value": ratio(won_amount, won_amount + lost_amount),
        "coverage_needed": None if lost and not lost_amount else ratio(won_amount + lost_amount, won_amount),
        "close_rate": ratio(len(cohort_won), len(cohort)),
        "close_rate_pitched": ratio(sum(d["stage_class"] == "won" for d in pitched), len(pitched)),
        "average_deal_size": ratio(sum(sizes, Decimal(0)), len(sizes)),
        "median_deal_size": median(sizes),
        "open_deals": len(pipeline),
        "open_pipeline": total(pipeline),
        "won_value": total(won),
        "won_deals": len(won),
        "lost_deals": len(lost),
        "deals_created": len(cohort),
        "pipeline_generation": total(cohort),
    }
    for stem, start in (("", "created_on"), ("_from_first_interaction", "first_interaction_on")):
        for suffix, group in (("", won), ("_lost", lost)):
            days = [(d["closed_on"] - d[start]).days for d in group if d[start] and d["closed_on"]]
            result[f"sales_cycle{stem}{suffix}"] = ratio(sum(days), len(days))
            result[f"sales_cycle{stem}{suffix}_median"] = median(days)
            result[f"sales_cycle{stem}{suffix}_p75"] = upper(days)
    reasons = [d["loss_reason"].lower() for d in lost if d.get("loss_reason")]
    result["no_decision_share"] = ratio(sum(r in ("no decision", "no budget") for r in reasons), len(reasons))
    both = [d for d in won if inside(d["created_on"], period)]
    result["created_and_closed"] = ratio(len(both), len(won))
    in_period = [d for d in deals if d["stage_class"] == "open" and inside(d["expected_close_on"], period)]
    counted_in, so_far = list(won), won_amount
    for category, name in (
        ("commit", "commit_forecast"),
        ("most_likely", "most_likely_forecast"),
        ("best_case", "best_case_forecast"),
        ("pipeline", "total_pipeline"),
    ):
        here = [d for d in in_period if (d["forecast_category"] or "pipeline") == category]
        so_far += sum((d["amount"] or Decimal(0) for d in here), Decimal(0))
        counted_in += here
        # Deals none of which has an amount sum to nothing that could be told.
        result[name] = None if total(counted_in) is None else so_far
    cycle, size, rate = result["sales_cycle"], result["average_deal_size"], result["win_rate_count"]
    known = cycle is not None and size is not None and rate is not None and cycle > 0
    result["sales_velocity"] = len(at_start) * rate * size / cycle if known else None
    return result
