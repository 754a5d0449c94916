"""Worked cases through the real engines: each case is one call of what the pages call.

Nothing is calculated here. Numbers counted from deals go through the catalogue's declarations,
the others through the calculators of :mod:`salesops.analytics.engine.formulas`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from salesops.analytics.engine import case_inputs as given
from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.compute import Execute, evaluate
from salesops.analytics.engine.formulas import FORMULAS
from salesops.analytics.engine.kpi import Context, Kpi
from salesops.analytics.engine.ops_cases import OPS_HANDLERS, plain

TOLERANCE = "1e-9"


@dataclass(frozen=True)
class CaseResult:
    """One compared value.

    Attributes:
        case_id: id of the case.
        key: what was compared; nested keys are joined by a dot.
        expected: value the case states; None = undefined.
        got: value the engine gave.
        ok: whether they agree (1e-9 absolute, or the case's own tolerance).
        here: whether there is an engine for the case at all; False = its function is not here yet.
    """

    case_id: str
    key: str
    expected: Any
    got: Any
    ok: bool
    here: bool = True


@dataclass(frozen=True)
class _Room:
    """What a case runs in: where expressions execute, and which KPIs there are."""

    execute: Execute
    kpis: Mapping[str, Kpi]

    def values(self, wanted: Mapping[str, str], frames: Mapping[str, ir.Table], span: Any) -> dict[str, Any]:
        """Expected key -> value of the KPI it names."""
        period = given.period(span)
        day = period.last if period else date(9999, 12, 31)
        missing = [name for name in wanted.values() if name not in self.kpis]
        if missing:
            raise LookupError(f"there is no KPI named {', '.join(missing)}")
        kpis = [self.kpis[name] for name in dict.fromkeys(wanted.values())]
        found = {v.name: v.value for v in evaluate(kpis, frames, Context(period, day, day), self.execute)}
        return {key: found[name] for key, name in wanted.items()}


class NotHereError(LookupError):
    """A case names a function that this version does not have."""


Handler = Callable[[Mapping[str, Any], _Room], dict[str, Any]]


def _call(name: str, /, *args: Any, **kwargs: Any) -> Any:
    return FORMULAS[name].call(*args, **kwargs)


def _win_rates(inputs: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    wanted = {
        "win_rate_count": "win_rate_count",
        "win_rate_value": "win_rate_value",
        "close_rate_cohort": "close_rate",
    }
    frames = {"deals": given.deals(inputs.get("opportunities") or [])}
    return room.values(wanted, frames, inputs.get("period"))


def _coverage(inputs: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    quota = given.number(inputs.get("quota"))
    rows = [] if quota is None else [{"quota": Decimal(quota)}]
    frames = {
        "deals": given.deals(inputs.get("opportunities") or []),
        "quotas": given.frame(rows, {"owner_id": "string", "quota": "decimal(19,4)"}),
    }
    wanted = {"coverage_remaining": "coverage", "coverage_gross": "coverage_gross"}
    return room.values(wanted, frames, inputs.get("period"))


def _size_and_cycle(inputs: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    wanted = {
        "average_deal_size": "average_deal_size",
        "median_deal_size": "median_deal_size",
        "cycle_mean": "sales_cycle",
        "cycle_median": "sales_cycle_median",
    }
    frames = {"deals": given.deals(inputs.get("won") or [], stage="won")}
    return room.values(wanted, frames, inputs.get("period"))


def _velocity(inputs: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    factors = [given.number(inputs.get(key)) for key in ("open_opps", "win_rate", "avg_deal", "cycle_days")]
    return {"velocity_per_day": _call("sales_velocity", *factors)}


def _categories(inputs: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    rollup = _call("forecast_category_rollup", given.numbers(inputs.get("amounts")))
    return {
        "commit_forecast": rollup.commit_forecast,
        "most_likely_forecast": rollup.most_likely_forecast,
        "best_case_forecast": rollup.best_case_forecast,
        "total_pipeline": rollup.total_pipeline,
    }


def _forecast_error(inputs: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    forecast, actual = ([given.number(v) for v in inputs.get(key) or []] for key in ("forecast", "actual"))
    error = _call("forecast_error", forecast, actual)
    return {"wape": error.wape, "bias": error.bias, "accuracy": error.accuracy}


def _attainment(inputs: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    rows = []
    for rep in inputs.get("reps") or []:
        won, quota = given.number(rep.get("won")), given.number(rep.get("quota"))
        rows.append(
            {
                "owner_id": str(rep.get("rep")),
                "quota": None if quota is None else Decimal(quota),
                "won": Decimal(won or 0),
                "won_deals": int(bool(won)),
                "is_overlay": False,
            }
        )
    schema = {
        "owner_id": "string",
        "quota": "decimal(19,4)",
        "won": "decimal(19,4)",
        "won_deals": "int64",
        "is_overlay": "boolean",
        "fte_months": "decimal(19,6)",
    }
    wanted = {
        "team_attainment": "quota_attainment",
        "participation": "quota_participation",
        "mean_rep_attainment": "mean_rep_attainment",
    }
    return room.values(wanted, {"attainment": given.frame(rows, schema)}, inputs.get("period"))


def _unit_economics(inputs: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    n = given.numbers(inputs)
    spend, customers, arpa = n.get("sm_cost"), n.get("new_customers"), n.get("arpa_month")
    margin, churn = n.get("gross_margin"), n.get("monthly_churn")
    return {
        "cac": _call("cac", spend, customers),
        "cac_payback_months": _call("cac_payback_months", spend, customers, arpa, margin),
        "ltv": _call("ltv", arpa, churn, margin),
        "ltv_no_margin": _call("ltv", arpa, churn),
        "ltv_cac": _call("ltv_cac", spend, customers, arpa, churn, margin),
        "magic_number": _call("magic_number", n.get("rev_q"), n.get("rev_prev"), n.get("sm_prev")),
    }


def _retention(inputs: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    kept = _call("revenue_retention", given.numbers(inputs.get("start")), given.numbers(inputs.get("end")))
    return {"nrr": kept.nrr, "grr": kept.grr}


def _stage_conversion(inputs: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    paths = [[str(stage) for stage in deal.get("path") or []] for deal in inputs.get("history") or []]
    steps = _call("stage_conversion_cohort", [str(s) for s in inputs.get("stages") or []], paths)
    result: dict[str, Any] = {f"{step.stage}_to_{step.following}": step.rate for step in steps}
    result["undecided"] = {step.stage: step.undecided for step in steps}
    return result


def _lead_response(inputs: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    leads = [given.lead(lead.get("created"), lead.get("touches") or []) for lead in inputs.get("leads") or []]
    response = _call("lead_response", leads, given.number(inputs.get("sla_minutes")))
    return {"median_minutes": response.median_minutes, "within_sla": response.within_sla}


def _funnel(inputs: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    counts = given.numbers(inputs.get("furthest"))
    usual = ("lead", "mql", "sql", "opp", "won")
    if set(counts) <= set(usual):
        # The usual statuses have one order, however the case spells them out; one left out is empty.
        counts = {name: counts.get(name) for name in usual}
    return dict(_call("funnel_conversion", counts))


def _seed_set(inputs: Mapping[str, Any], room: _Room) -> dict[str, Any]:
    n = given.numbers(inputs)
    return {
        "close_rate": _call("close_rate_of", n.get("won"), n.get("pitched")),
        "cac": _call("cac", n.get("spend"), n.get("new_customers")),
        "ltv": _call("ltv", n.get("arpu"), n.get("churn")),
        "cost_of_sales_ratio": _call("cost_of_sales_ratio", n.get("selling_cost"), n.get("revenue")),
    }


def _of_inputs(handler: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Handler:
    return lambda inputs, room: handler(inputs)


HANDLERS: Mapping[str, Handler] = {
    **dict.fromkeys(("win_rate_count", "win_rate_value", "close_rate"), _win_rates),
    "coverage": _coverage,
    **dict.fromkeys(("average_deal_size", "median_deal_size", "sales_cycle"), _size_and_cycle),
    "sales_velocity": _velocity,
    "forecast_category_rollup": _categories,
    **dict.fromkeys(("wape", "bias", "accuracy"), _forecast_error),
    "quota_attainment": _attainment,
    **dict.fromkeys(("cac", "cac_payback", "ltv", "ltv_cac", "magic_number"), _unit_economics),
    **dict.fromkeys(("nrr", "grr"), _retention),
    "stage_conversion_cohort": _stage_conversion,
    **dict.fromkeys(("lead_response_time", "speed_to_lead"), _lead_response),
    "funnel_conversion": _funnel,
    "kpi.seed_set": _seed_set,
    **{name: _of_inputs(handler) for name, handler in OPS_HANDLERS.items()},
}
"""Metric name of a case (``kpi``) or its ``function`` -> what runs it."""


def _executor(session: Any) -> Execute:
    if hasattr(session, "to_pyarrow"):

        def execute(expr: ir.Table) -> pa.Table:
            return session.to_pyarrow(expr)

        return execute
    return getattr(session, "execute", session)


def run_kpi_case(
    case: Mapping[str, Any], session: Any, kpis: Mapping[str, Kpi] | None = None
) -> dict[str, Any]:
    """One case of ``kpi.yaml`` or ``ops.yaml`` through the engines.

    Args:
        case: the case; its ``kpi`` names the metrics, ``input`` (``inputs``) holds the data.
        session: an Ibis connection, an open facts session, or a function that runs an expression.
        kpis: the KPI declarations; the deals catalogue by default. Pass the registered ones to
            include those of higher domains (quota attainment).

    Returns:
        Key -> value, None where undefined; nested keys as the case spells them.

    Raises:
        NotHereError: no engine answers one of the names.
        LookupError: a KPI that the case needs is not among those given, or an input is missing.
        ValueError, TypeError: an input that cannot be read.
    """
    room = _Room(_executor(session), catalogue() if kpis is None else kpis)
    inputs = case.get("input") or case.get("inputs") or {}
    names = [name.strip() for name in str(case.get("kpi") or case.get("function") or "").split(",")]
    unknown = [name for name in names if name not in HANDLERS]
    if unknown:
        raise NotHereError(f"no engine answers {', '.join(unknown)}")
    result: dict[str, Any] = {}
    for handler in dict.fromkeys(HANDLERS[name] for name in names):
        result.update(handler(inputs, room))
    return {key: plain(value) for key, value in result.items()}


def run_cases(
    cases: Iterable[Mapping[str, Any]], session: Any, kpis: Mapping[str, Kpi] | None = None
) -> list[CaseResult]:
    """Run cases and compare every expected key. Arguments as :func:`run_kpi_case`.

    A case that cannot be run gives one failed result per expected key that holds the reason.
    """
    results: list[CaseResult] = []
    for case in cases:
        case_id, expected = str(case.get("id", "")), case.get("expected") or {}
        tolerance, here = _exact(case.get("tolerance", TOLERANCE)), True
        try:
            got: Mapping[str, Any] | str = run_kpi_case(case, session, kpis)
        except (LookupError, ValueError, TypeError, ArithmeticError) as error:
            got = f"{type(error).__name__}: {error}"
            here = not isinstance(error, NotHereError)
        for key, wanted in _flat(expected):
            value = got if isinstance(got, str) else _find(got, key)
            results.append(
                CaseResult(case_id, ".".join(key), wanted, value, _agree(wanted, value, tolerance), here)
            )
    return results


def _flat(expected: Mapping[str, Any], before: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], Any]]:
    for key, value in expected.items():
        path = (*before, str(key))
        if isinstance(value, Mapping) and value:
            yield from _flat(value, path)
        else:
            yield path, value


def _find(got: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = got
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return f"no {'.'.join(path)} was given"
        value = value[key]
    return value


def _agree(expected: Any, got: Any, tolerance: Fraction) -> bool:
    if expected is None or got is None:
        return expected is None and got is None
    if isinstance(expected, list) or isinstance(got, list):
        alike = isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got)
        return alike and all(_agree(a, b, tolerance) for a, b in zip(expected, got, strict=True))
    if isinstance(expected, bool | str) or isinstance(got, bool | str):
        return type(expected) is type(got) and bool(expected == got)
    return abs(_exact(expected) - _exact(got)) <= tolerance


def _exact(number: Any) -> Fraction:
    """A number as it was written: 0.1 in a case is a tenth, not the nearest binary figure."""
    return Fraction(str(number))
