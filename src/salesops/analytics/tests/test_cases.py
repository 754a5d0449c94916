"""The worked cases through the engines, and variants nobody wrote down."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from salesops.analytics.engine import cases as runner
from salesops.analytics.engine.cases import HANDLERS, run_cases, run_kpi_case
from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.formulas import FORMULAS
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


@pytest.mark.parametrize("metric", [name for name in HANDLERS if name != "quota_attainment"])
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
    assert run_cases([case], CON)[0].got.startswith("LookupError")
    bad = {
        "id": "Y",
        "kpi": "win_rate_count",
        "input": {"opportunities": [{"amount": "ten", "stage": "Won"}]},
        "expected": {"win_rate_count": 1},
    }
    assert not run_cases([bad], CON)[0].ok
    missing = {"id": "Z", "kpi": "nrr", "input": {"start": {"a": 1}}, "expected": {"other": None}}
    assert not run_cases([missing], CON)[0].ok


SHARED_WITH_PAGES = {
    "salesops.analytics.engine.catalogue": {"catalogue"},
    "salesops.analytics.engine.compute": {"Execute", "evaluate"},
    "salesops.analytics.engine.figure": {"Figure"},
    "salesops.analytics.engine.formulas": {"FORMULAS"},
    "salesops.analytics.engine.kpi": {"Context", "Kpi"},
}
"""Names the runner may take from the engines: each is what every surface uses too."""


def test_the_runner_reaches_no_function_that_pages_do_not() -> None:
    """It imports only shared doors, and through them only listed KPIs and calculators."""
    source = Path(runner.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("salesops."):
            names = {alias.name for alias in node.names}
            if node.module == "salesops.analytics.engine":
                assert names == {"case_inputs"}
            else:
                assert names <= SHARED_WITH_PAGES[node.module or ""], node.module
    called = {
        node.args[0].value
        for node in ast.walk(tree)
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
