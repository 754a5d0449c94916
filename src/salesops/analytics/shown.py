"""Numbers as the pages show them: units, definitions, intervals, deltas, links to their rows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.urls import reverse

from salesops.analytics.addresses import NOTHING, OPERATOR_WORDS, Address
from salesops.analytics.deal_columns import label
from salesops.analytics.engine.catalogue import FAMILIES
from salesops.analytics.engine.custom import FAMILY
from salesops.analytics.engine.filters import Filter
from salesops.analytics.engine.frames import GRAIN
from salesops.analytics.engine.kpi import Kpi, KpiValue, Side
from salesops.core.calendars import Period
from salesops.platform.registries import kpi_definitions
from salesops.ui import exports
from salesops.ui.components import Definition, Delta
from salesops.ui.formats import Exact, Unit, ratio
from salesops.ui.formats import points as in_points

MULTIPLES = frozenset({"coverage", "coverage_gross", "coverage_needed"})
"""Ratios that people read as a multiple (2.7x), not as a share."""

_FAMILY_OF_FRAME = {
    "attainment": "Quota and productivity",
    "quotas": "Quota and productivity",
    "ramp": "Quota and productivity",
}

_PLURALS = {
    "opportunity": "deals",
    "owner": "people",
    "activity": "activities",
    "lead": "leads",
    "account": "accounts",
    "stay in a stage": "stays",
    "change of a close date": "changes",
}


def family_of(kpi: Kpi) -> str:
    """The heading a number stands under in the catalogue."""
    if kpi.name not in kpi_definitions:
        return FAMILY
    for title, members in FAMILIES.items():
        if any(one.name == kpi.name for one in members):
            return title
    return _FAMILY_OF_FRAME.get(kpi.frame, "Other numbers")


def unit_of(kpi: Kpi, currency: str) -> Unit:
    """How a number's values read."""
    if kpi.name in MULTIPLES:
        return Unit("times")
    if kpi.unit == "ratio":
        return Unit("ratio")
    if kpi.unit in ("money", "money_per_day"):
        return Unit("money", currency, adds=kpi.adds_up)
    if kpi.unit == "days":
        return Unit("days", places=1)
    if kpi.unit == "number":
        return Unit("number", places=2, adds=False)
    if kpi.unit == "minutes":
        return Unit("number", noun="minutes", places=1, adds=False)
    if kpi.unit == "months":
        return Unit("number", noun="months", places=1, adds=False)
    return Unit("number", noun=_PLURALS.get(kpi.grain, "rows"), adds=kpi.adds_up)


def unit_words(kpi: Kpi, currency: str) -> str:
    """The unit as a word in a table or a file."""
    if kpi.name in MULTIPLES:
        return "times"
    return {
        "ratio": "share",
        "money": currency or "money",
        "money_per_day": f"{currency or 'money'} per day",
        "days": "days",
        "minutes": "minutes",
        "months": "months",
        "number": "number",
        "count": _PLURALS.get(kpi.grain, "rows"),
    }[kpi.unit]


def _many(frame: str) -> str:
    return GRAIN.get(frame, ("row", "rows"))[1]


def side_unit(side: Side, currency: str) -> Unit:
    """How one side's value reads."""
    kind = side.measure.kind
    if kind == "count":
        return Unit("number", noun=_many(side.frame))
    if kind in ("days", "median_days", "upper_days"):
        return Unit("days", places=0 if kind == "days" else 1)
    if kind == "survival" or side.measure.column == "months":
        return Unit("number", noun="months", places=0)
    if kind in ("total", "middle"):
        return Unit("number", places=0 if kind == "total" else 1)
    if side.measure.column == "working_days":
        return Unit("days", places=0)
    if kind == "ratios" or side.measure.plain or side.measure.column == "fte_months":
        return Unit("number", places=2)
    return Unit("money", currency)


def value_text(kpi: Kpi, value: Exact | None, currency: str, *, to_the_cent: bool = False) -> str:
    """A value in full with its unit; "" where it is undefined. Cents on millions only where asked for."""
    if value is None:
        return ""
    unit = unit_of(kpi, currency)
    text = unit.exact(value) if to_the_cent else unit.full(value)
    suffix = {"money_per_day": " per day", "minutes": " minutes", "months": " months"}.get(kpi.unit, "")
    return f"{text}{suffix}"


def definition_of(kpi: Kpi, address: Address | None = None) -> Definition:
    """What a number means, with a link to its page: with an address, as known when that says."""
    known = Address(known=address.known).query() if address else ""
    return Definition(
        term=kpi.title,
        sentence=kpi.sentence,
        formula=kpi.formula,
        convention=kpi.convention,
        owner=kpi.owner,
        href=reverse("number", args=[kpi.name]) + known,
    )


def interval_text(value: KpiValue) -> str:
    """The confidence interval of a share in words; "" where it has none."""
    if value.interval is None:
        return ""
    low, high = Decimal(str(value.interval.low)), Decimal(str(value.interval.high))
    return f"95% interval {ratio(low)} to {ratio(high)}"


def sample_text(kpi: Kpi, value: KpiValue) -> str:
    """How many rows a number rests on, in words."""
    side = kpi.side(kpi.sample) if kpi.sample else kpi.sides[-1]
    one, many = GRAIN.get(side.frame, ("row", "rows"))
    return f"{value.n:,} {one if value.n == 1 else many}"


def period_words(period: Period | None) -> str:
    """A period as a heading says it."""
    return period.title if period is not None else "All data"


def change(kpi: Kpi, now: KpiValue, before: KpiValue, against: str) -> Delta | None:
    """A number against the same number earlier; None where either is undefined or was nothing.

    Shares differ by points, everything else by the share of the earlier value.
    """
    if now.value is None or before.value is None:
        return None
    new, old = Fraction(now.value), Fraction(before.value)
    if kpi.unit == "ratio" and kpi.name not in MULTIPLES:
        text = in_points(abs(new - old))
    elif old > 0:
        text = ratio(abs(new - old) / old)
    else:
        return None
    direction = "up" if new > old else "down" if new < old else "flat"
    better = {"up": "up", "down": "down"}.get(kpi.direction, "")
    tone = "neutral" if direction == "flat" or not better else "ok" if direction == better else "bad"
    return Delta(text, f"against {against}", direction, tone)  # type: ignore[arg-type]


def rows_href(address: Address, kpi: Kpi, side: Side | None = None, **changes: Any) -> str:
    """Link to the rows behind a number: those of a side, else of the side that says most."""
    chosen = side or lead_side(kpi)
    return address.to("number_rows", kpi.name, side=chosen.name, **changes)


def lead_side(kpi: Kpi) -> Side:
    """The side a reader opens first: the numerator, or the only one."""
    return next((side for side in kpi.sides if side.rows), kpi.sides[0])


def side_title(kpi: Kpi, side: Side) -> str:
    """A side's title; with what is taken of its rows where two sides share one."""
    if sum(one.title == side.title for one in kpi.sides) < 2:
        return side.title
    what = side.measure.column or {"count": "how many", "days": "days in all"}.get(
        side.measure.kind, side.measure.kind
    )
    return f"{side.title}: {column_title(what).lower()}"


def group_words(value: Any) -> str:
    """A group's value as people read it."""
    if value is None:
        return "Not given"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return str(value)


def group_text(value: Any) -> str:
    """A group's value as it stands in an address."""
    if value is None:
        return NOTHING
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_dated(by: str) -> bool:
    """Whether a column to split by holds periods."""
    return by.endswith(("_year", "_half", "_quarter", "_month", "_week"))


def in_order(by: str, groups: Sequence[KpiValue]) -> list[KpiValue]:
    """A number's groups as its page shows them: periods in time, else from the largest, what is undefined last."""
    if is_dated(by):
        return list(groups)
    return sorted(groups, key=lambda v: (v.value is None, -(v.value or 0), str(v.group[by])))


def column_title(name: str) -> str:
    """A column of a frame, or a dimension, as a heading."""
    own = {"contribution": "Adds", "fte_months": "Ramped months", "won": "Won", "owner_name": "Rep"}
    return own.get(name) or label(name)


def filter_pair(item: Filter) -> tuple[str, str]:
    """A filter as its column's heading and its condition in words."""
    values = ", ".join(str(value) for value in item.values)
    return column_title(item.column), f"{OPERATOR_WORDS[item.op]} {values}".strip()


def file_kind(kpi: Kpi) -> exports.Kind:
    """Kind of an export column that holds one number's values."""
    if kpi.unit == "ratio" and kpi.name not in MULTIPLES:
        return "ratio"
    return {"money": "money", "money_per_day": "money", "count": "integer"}.get(kpi.unit, "number")  # type: ignore[return-value]


def exact(value: Any) -> Exact | None:
    """A value read from a row as an exact number: the plain shares of a KPI come as floating point."""
    return Decimal(repr(value)) if isinstance(value, float) else value


def unique(notes: Sequence[str]) -> list[str]:
    """Notes in order, each once."""
    return list(dict.fromkeys(note for note in notes if note))
