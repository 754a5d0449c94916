"""Worked cases of the operations suite (``ops.yaml``) as calls of the calculators; nothing is calculated here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from salesops.analytics.engine import case_inputs as given
from salesops.analytics.engine.figure import Figure
from salesops.analytics.engine.formulas import FORMULAS
from salesops.analytics.engine.statistics import Interval
from salesops.core.business_time import BusinessCalendar, monday_to_friday

Handler = Callable[[Mapping[str, Any]], dict[str, Any]]


def _call(name: str, /, *args: Any, **kwargs: Any) -> Any:
    return FORMULAS[name].call(*args, **kwargs)


def _calendar(inputs: Mapping[str, Any], zone: str) -> BusinessCalendar:
    hours = inputs.get("working_hours")
    days = monday_to_friday(*(time.fromisoformat(str(h)) for h in hours)) if hours else monday_to_friday()
    holidays = frozenset(day for day in map(given.day, inputs.get("holidays") or []) if isinstance(day, date))
    return BusinessCalendar(str(inputs.get("zone") or zone), days, holidays)


def _clock(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S" if at.second else "%Y-%m-%dT%H:%M")


def _local(value: Any, calendar: BusinessCalendar) -> datetime:
    """An instant; one without a zone is on the clock of the calendar."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(calendar.zone))


def _lead_due(inputs: Mapping[str, Any]) -> dict[str, Any]:
    calendar = _calendar(inputs, "UTC")
    received = [_local(value, calendar) for value in inputs.get("received") or []]
    return {
        "due": [_clock(at) for at in _call("lead_due", received, _whole(inputs, "sla_minutes"), calendar)]
    }


def _lead_zone(inputs: Mapping[str, Any]) -> dict[str, Any]:
    calendar = _calendar(inputs, "UTC")
    received = given.instant(inputs["received_utc"])
    due = _call("lead_due", [received], _whole(inputs, "sla_minutes"), calendar)[0]
    return {"due_local": _clock(due), "due_utc": f"{_clock(due.astimezone(UTC))}Z"}


def _whole(inputs: Mapping[str, Any], name: str) -> Any:
    value = given.number(inputs.get(name))
    if value is None:
        raise ValueError(f"{name} is missing")
    return value


def _compliance(inputs: Mapping[str, Any]) -> dict[str, Any]:
    names = ("met", "late", "open_overdue", "open_not_due")
    return _fields(_call("lead_compliance", *(int(inputs.get(name) or 0) for name in names)))


def _competitors(inputs: Mapping[str, Any]) -> dict[str, Any]:
    rows = [(str(n), int(won), int(lost)) for n, won, lost in inputs.get("competitor_won_lost") or []]
    found = _call("competitor_win_rates", rows, int(inputs.get("no_decision") or 0))
    return {
        **{r.name: {"win_rate": r.win_rate, "ci95": _ends(r.interval), "n": r.n} for r in found.rivals},
        "ranking_allowed": found.ranking_allowed,
        "no_decision_share_of_losses": found.no_decision_share,
    }


def _ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def _agreement(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return _fields(_call("reason_agreement", inputs.get("matrix_rep_rows_buyer_cols") or []))


def _ramp(inputs: Mapping[str, Any]) -> dict[str, Any]:
    times = [(given.number(months) or 0, bool(event)) for months, event in inputs.get("months_event") or []]
    found = _call("kaplan_meier", times)
    return {
        "survival": {str(time): share for time, share in found.survival.items()},
        "median_months": found.median,
    }


def _productive(inputs: Mapping[str, Any]) -> dict[str, Any]:
    months = [given.number(value) for value in inputs.get("monthly_attainment") or []]
    return {"month": _call("time_to_productivity", months, _whole(inputs, "threshold"))}


def _minutes(clock: Any) -> int:
    # A loader may read 09:00 without quotes as a number of base 60: that is minutes already.
    if isinstance(clock, int):
        return clock
    hours, _, minutes = str(clock).partition(":")
    return int(hours) * 60 + int(minutes or 0)


def _spans(rows: Any) -> list[tuple[int, int]]:
    return [(_minutes(row[0]), _minutes(row[1])) for row in rows or []]


def _selling(inputs: Mapping[str, Any]) -> dict[str, Any]:
    events = inputs.get("events") or []
    return _fields(
        _call(
            "selling_time",
            _spans([inputs["working_hours"]])[0],
            [*_spans(e for e in events if e[2] == "selling"), *_spans(inputs.get("calls"))],
            _spans(e for e in events if e[2] != "selling"),
            _spans(inputs.get("time_off")),
            given.number(inputs.get("customer_emails")) or 0,
            given.number(inputs.get("minutes_per_email")) or 0,
        )
    )


def _deal_cost(inputs: Mapping[str, Any]) -> dict[str, Any]:
    n = given.numbers(inputs)
    costs = (n.get(name) or 0 for name in ("hours", "rate", "travel", "tools", "discount"))
    return _fields(_call("deal_cost", *costs, n.get("revenue")))


def _market(inputs: Mapping[str, Any]) -> dict[str, Any]:
    cells = {
        str(name): [given.number(value) for value in values]
        for name, values in (inputs.get("cells_spend_customers_arr_gm_churn") or {}).items()
    }
    found = _call("market_matrix", cells, _whole(inputs, "max_payback"), int(inputs.get("min_n") or 0))
    return {**{name: _fields(cell) for name, cell in found.cells.items()}, "blended_cac": found.blended_cac}


def _levers(inputs: Mapping[str, Any]) -> dict[str, Any]:
    names = ("opportunities", "win_rate", "avg_deal", "cycle_days", "improve")
    return _fields(_call("velocity_levers", *(_whole(inputs, name) for name in names)))


def _outcomes(inputs: Mapping[str, Any]) -> dict[str, Any]:
    found = _call("scorecard", given.numbers(inputs.get("before")), given.numbers(inputs.get("after")))
    return {
        "metrics": {name: _fields(one) for name, one in found.items()},
        "improved": sum(one.improved for one in found.values()),
        "of": len(found),
    }


def _fields(found: Any) -> dict[str, Any]:
    return {name: getattr(found, name) for name in found.__dataclass_fields__}


OPS_HANDLERS: Mapping[str, Handler] = {
    "revops.lead_sla_due": _lead_due,
    "revops.lead_sla_timezone": _lead_zone,
    "revops.lead_sla_compliance": _compliance,
    "winloss.competitor": _competitors,
    "winloss.reason_agreement": _agreement,
    "onboarding.ramp_median": _ramp,
    "onboarding.time_to_productivity": _productive,
    "time.selling_ratio": _selling,
    "time.cost_of_sale": _deal_cost,
    "gtm.matrix": _market,
    "planning.velocity_levers": _levers,
    "opsmgmt.scorecard": _outcomes,
}
"""``function`` of a case -> what runs it."""


def plain(value: Any) -> Any:
    """Figures as their values, through mappings and lists."""
    if isinstance(value, Figure):
        return value.value
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value
