"""The worked cases through the engines, and variants nobody wrote down."""

from __future__ import annotations

import ast
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from salesops.analytics.engine import cases as runner
from salesops.analytics.engine import ops_cases
from salesops.analytics.engine.cases import HANDLERS, run_cases, run_kpi_case
from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.formulas import FORMULAS
from salesops.analytics.engine.ops_cases import OPS_HANDLERS
from salesops.analytics.tests import deals as d

CON = d.connection()


def load(path: Path) -> list[dict[str, Any]]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return list(document["cases"])


def test_every_worked_case_of_deals_and_inputs(shared_cases: Path) -> None:
    # K07 reads quotas: its KPIs are declared one domain up and tested there.
    cases = [c for c in load(shared_cases / "kpi.yaml") if c["id"] != "K07"]
    results = run_cases(cases, CON)
    assert len({r.case_id for r in results}) == 11
    assert [r for r in results if not r.ok] == []


def test_the_seed_set(shared_cases: Path) -> None:
    cases = [c for c in load(shared_cases / "ops.yaml") if c["id"] == "KPI-1"]
    assert [r for r in run_cases(cases, CON) if not r.ok] == []
    assert len(cases) == 1


def test_a_wrong_expectation_is_found(shared_cases: Path) -> None:
    for case in load(shared_cases / "kpi.yaml"):
        if case["id"] == "K07":
            continue
        for key, value in case["expected"].items():
            if isinstance(value, int | float):
                changed = {**case, "expected": {key: value + 1e-6}}
                assert not run_cases([changed], CON)[0].ok, (case["id"], key)


def test_every_case_reversed_and_with_text_dates_gives_the_same(shared_cases: Path) -> None:
    for case in load(shared_cases / "kpi.yaml"):
        if case["id"] == "K07":
            continue
        turned = {
            k: v[::-1] if k in ("opportunities", "won", "leads", "history") else v
            for k, v in case["input"].items()
        }
        assert all(r.ok for r in run_cases([{**case, "input": turned}], CON)), case["id"]


@pytest.mark.parametrize("metric", [n for n in HANDLERS if n != "quota_attainment" and n not in OPS_HANDLERS])
def test_empty_inputs_are_undefined_not_a_crash(metric: str) -> None:
    key = "function" if metric == "kpi.seed_set" else "kpi"
    got = run_kpi_case({"id": "E", key: metric, "input": {}}, CON)
    flat = [v for k, v in got.items() if k != "undecided"]
    assert all(v is None or (metric == "forecast_category_rollup" and v == 0) for v in flat), got


def rates(opportunities: list[dict[str, Any]], period: Any = None) -> dict[str, Any]:
    case = {"kpi": "win_rate_count, close_rate", "input": {"period": period, "opportunities": opportunities}}
    return run_kpi_case(case, CON)


def test_odd_deals() -> None:
    odd = [
        {"id": "a", "stage": "WON", "amount": None, "created": None, "closed": "2024-02-29"},
        {"id": "b", "stage": "Lost", "closed": "2024-02-29T23:59:59", "amount": 0},
        {"id": "c", "stage": "Open", "amount": 5, "created": "2024-02-29"},
        {"id": "d", "stage": "Won", "amount": "12.50"},
    ]
    got = rates(odd, ["2024-02-29", "2024-02-29"])
    assert (got["win_rate_count"], got["win_rate_value"]) == (0.5, None)
    assert got["close_rate_cohort"] == 0
    everything = rates(odd)
    assert float(everything["win_rate_count"]) == pytest.approx(2 / 3, abs=1e-12)
    assert everything["win_rate_value"] == 1


def test_an_unreadable_case_fails_with_its_reason() -> None:
    case = {"id": "X", "kpi": "no_such_kpi", "input": {}, "expected": {"a": 1}}
    assert run_cases([case], CON)[0].got.startswith("NotHereError")
    bad = {
        "id": "Y",
        "kpi": "win_rate_count",
        "input": {"opportunities": [{"amount": "ten", "stage": "Won"}]},
        "expected": {"win_rate_count": 1},
    }
    assert not run_cases([bad], CON)[0].ok
    missing = {"id": "Z", "kpi": "nrr", "input": {"start": {"a": 1}}, "expected": {"other": None}}
    assert not run_cases([missing], CON)[0].ok


OPS = {
    "COST-1", "GTM-1", "KPI-1", "OPS-1", "RAMP-1", "RAMP-3", "SCEN-1", "SLA-1", "SLA-3", "SLA-5", "TIME-1",
    "WINLOSS-1", "WINLOSS-3",
}  # fmt: skip


def test_every_ops_case_passes_or_is_said_not_to_be_here(shared_cases: Path) -> None:
    results = run_cases(load(shared_cases / "ops.yaml"), CON)
    assert [r for r in results if not r.ok and r.here] == []
    here = {r.case_id for r in results if r.here}
    assert here >= OPS
    assert all(r.got.startswith("NotHereError") for r in results if not r.here)


def test_a_wrong_expectation_of_ops_is_found(shared_cases: Path) -> None:
    """Each number, word, list and flag is looked at: one that is changed fails."""

    def spoiled(value: Any) -> Any:
        if isinstance(value, bool):
            return not value
        if isinstance(value, int | float):
            return value + 0.01
        if isinstance(value, str):
            return value + "x"
        if isinstance(value, list):
            return [*value[:-1], spoiled(value[-1])]
        return {**value, next(iter(value)): spoiled(next(iter(value.values())))}

    for case in load(shared_cases / "ops.yaml"):
        if case["function"] not in OPS_HANDLERS:
            continue
        for key, value in case["expected"].items():
            if value is None:
                continue
            results = run_cases([{**case, "expected": {key: spoiled(value)}}], CON)
            assert not all(r.ok for r in results), (case["id"], key)


def test_ops_cases_in_another_order_and_with_other_names_give_the_same(shared_cases: Path) -> None:
    cases = {c["id"]: c for c in load(shared_cases / "ops.yaml")}

    def run(case_id: str, **changes: Any) -> dict[str, Any]:
        case = cases[case_id]
        return run_kpi_case({**case, "inputs": {**case["inputs"], **changes}}, CON)

    ramp = cases["RAMP-1"]["inputs"]["months_event"]
    assert run("RAMP-1", months_event=ramp[::-1]) == run("RAMP-1")
    rivals = cases["WINLOSS-1"]["inputs"]["competitor_won_lost"]
    named = run("WINLOSS-1", competitor_won_lost=[["Zed", *rivals[1][1:]], ["Yan", *rivals[0][1:]]])
    assert named["Zed"] == run("WINLOSS-1")["Beta"]
    assert named["Yan"] == run("WINLOSS-1")["Alpha"]
    events = cases["TIME-1"]["inputs"]["events"]
    assert run("TIME-1", events=events[::-1]) == run("TIME-1")
    cells = cases["GTM-1"]["inputs"]["cells_spend_customers_arr_gm_churn"]
    rich = {
        f"new {name}": [row[0] * 8, row[1], row[2] * 8, *row[3:]] for name, row in reversed(cells.items())
    }
    before, after = run("GTM-1"), run("GTM-1", cells_spend_customers_arr_gm_churn=rich)
    assert float(after["blended_cac"]) == pytest.approx(8 * float(before["blended_cac"]))
    for name in cells:
        assert after[f"new {name}"]["payback_months"] == before[name]["payback_months"]
        assert after[f"new {name}"]["verdict"] == before[name]["verdict"]
    weeks_later = ["2026-12-04T16:30", "2026-12-05T15:00", "2026-12-06T08:00"]
    assert run("SLA-1", received=weeks_later)["due"] == [
        "2026-12-07T09:30",
        "2026-12-07T10:00",
        "2026-12-07T10:00",
    ]
    free = run("SLA-1", received=weeks_later, holidays=["2026-12-07"])["due"]
    assert free == ["2026-12-08T09:30", "2026-12-08T10:00", "2026-12-08T10:00"]


def test_selling_time_equals_minutes_counted_one_by_one() -> None:
    dice = random.Random(3)
    for _ in range(60):

        def span() -> list[str]:
            begin = dice.randrange(480, 1100)
            return [f"{m // 60:02d}:{m % 60:02d}" for m in (begin, begin + dice.randrange(150))]

        inputs = {
            "working_hours": ["09:00", "17:00"],
            "events": [[*span(), dice.choice(["selling", "internal"])] for _ in range(dice.randrange(5))],
            "calls": [span() for _ in range(dice.randrange(3))],
            "time_off": [span() for _ in range(dice.randrange(2))],
            "customer_emails": dice.randrange(60),
            "minutes_per_email": 5,
        }

        def minutes(rows: Any) -> set[int]:
            clock = [[int(x[:2]) * 60 + int(x[3:]) for x in row[:2]] for row in rows]
            return {m for begin, end in clock for m in range(begin, end)}

        free = set(range(540, 1020)) - minutes(inputs["time_off"])
        sold = free & (minutes(e for e in inputs["events"] if e[2] == "selling") | minutes(inputs["calls"]))
        booked = free & (minutes(inputs["events"]) | minutes(inputs["calls"]))
        mails = min(inputs["customer_emails"] * 5, len(free) - len(booked))
        got = run_kpi_case({"function": "time.selling_ratio", "inputs": inputs}, CON)
        assert (got["available_minutes"], got["meeting_call_minutes"], got["email_minutes"]) == (
            len(free), len(sold), mails,
        )  # fmt: skip


def test_ramp_is_the_product_limit_counted_person_by_person() -> None:
    dice = random.Random(4)
    for _ in range(40):
        people = [[dice.randrange(1, 12), dice.randrange(2)] for _ in range(dice.randrange(1, 15))]
        got = run_kpi_case({"function": "onboarding.ramp_median", "inputs": {"months_event": people}}, CON)
        share, median = Fraction(1), None
        for month in range(13):
            at_risk = sum(m >= month for m, _ in people)
            came = sum(m == month and e for m, e in people)
            if came:
                share *= Fraction(at_risk - came, at_risk)
                assert got["survival"][str(month)] == share
                median = month if median is None and share <= Fraction(1, 2) else median
        assert got["median_months"] == median


def test_ops_without_a_denominator_are_undefined() -> None:
    def run(function: str, **inputs: Any) -> dict[str, Any]:
        return run_kpi_case({"function": function, "inputs": inputs}, CON)

    assert run("revops.lead_sla_compliance", open_not_due=3)["compliance"] is None
    assert run("winloss.competitor", competitor_won_lost=[["A", 0, 0]])["A"]["ci95"] is None
    assert run("time.cost_of_sale", hours=1, rate=2, revenue=0)["ratio"] is None
    cells = {"c": [10, 0, 5, 0.5, 0]}
    cell = run("gtm.matrix", cells_spend_customers_arr_gm_churn=cells, max_payback=12, min_n=0)["c"]
    assert [cell[k] for k in ("cac", "payback_months", "ltv_seed", "ltv_cac")] == [None] * 4
    assert run("onboarding.time_to_productivity", monthly_attainment=[1, 1], threshold=0.8)["month"] is None
    assert run("winloss.reason_agreement", matrix_rep_rows_buyer_cols=[[0, 0], [0, 0]])["kappa"] is None


SHARED_WITH_PAGES = {
    "salesops.analytics.engine.ops_cases": {"OPS_HANDLERS", "plain"},
    "salesops.analytics.engine.statistics": {"Interval"},
    "salesops.core.business_time": {"BusinessCalendar", "monday_to_friday"},
    "salesops.analytics.engine.catalogue": {"catalogue"},
    "salesops.analytics.engine.compute": {"Execute", "evaluate"},
    "salesops.analytics.engine.figure": {"Figure"},
    "salesops.analytics.engine.formulas": {"FORMULAS"},
    "salesops.analytics.engine.kpi": {"Context", "Kpi"},
}
"""Names the runner may take from the engines: each is what every surface uses too."""


def test_the_runner_reaches_no_function_that_pages_do_not() -> None:
    """It imports only shared doors, and through them only listed KPIs and calculators."""
    modules = [ast.parse(Path(m.__file__).read_text(encoding="utf-8")) for m in (runner, ops_cases)]
    nodes = [node for tree in modules for node in ast.walk(tree)]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("salesops."):
            names = {alias.name for alias in node.names}
            if node.module == "salesops.analytics.engine":
                assert names == {"case_inputs"}
            else:
                assert names <= SHARED_WITH_PAGES[node.module or ""], node.module
    called = {
        node.args[0].value
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_call"
        and isinstance(node.args[0], ast.Constant)
    }  # fmt: skip
    assert called == set(FORMULAS), "a calculator without a case, or a case without a calculator"


def test_every_formula_is_described() -> None:
    for formula in FORMULAS.values():
        assert all((formula.title, formula.sentence, formula.formula, formula.convention))
        assert formula.call.__doc__
    for kpi in catalogue().values():
        assert all((kpi.title, kpi.sentence, kpi.formula, kpi.convention, kpi.owner)), kpi.name
