"""Attainment, participation and productivity against plain loops and the worked case."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.analytics.engine.case_inputs import frame
from salesops.analytics.engine.cases import run_cases, run_kpi_case
from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.compute import drill, evaluate
from salesops.analytics.engine.filters import Filter
from salesops.analytics.engine.kpi import KpiValue
from salesops.analytics.tests import deals as d
from salesops.quotas.engine.attainment import QUOTAS, attainment_frame
from salesops.quotas.engine.kpis import KPIS, quota_kpis

CON = d.connection()
EXECUTE = d.execute(CON)
EVERY = {**catalogue(), **quota_kpis()}


def compute(
    deals: list[dict[str, Any]], quotas: list[dict[str, Any]], by: tuple[str, ...] = ()
) -> dict[Any, KpiValue]:
    frames = {"deals": d.table(deals), "quotas": frame(quotas, QUOTAS)}
    frames["attainment"] = attainment_frame(frames, d.IN_QUARTER)
    return {(v.name, *v.group.values()): v for v in evaluate(KPIS, frames, d.IN_QUARTER, EXECUTE, by)}


def won(owner: str | None, amount: int | None, **more: Any) -> dict[str, Any]:
    known = None if amount is None else Decimal(amount)
    return {"id": "x", "owner_id": owner, "stage_class": "won", "amount": known, "closed_on": d.FIRST, **more}


def test_all_twelve_worked_cases(shared_cases: Path) -> None:
    cases = yaml.safe_load((shared_cases / "kpi.yaml").read_text(encoding="utf-8"))["cases"]
    results = run_cases(cases, CON, EVERY)
    assert len({r.case_id for r in results}) == len(cases) == 12
    assert [r for r in results if not r.ok] == []


def test_the_quota_case_from_deals_and_quota_rows(shared_cases: Path) -> None:
    cases = yaml.safe_load((shared_cases / "kpi.yaml").read_text(encoding="utf-8"))["cases"]
    case = next(c for c in cases if c["id"] == "K07")
    reps = case["input"]["reps"]
    deals = [won(r["rep"], r["won"]) for r in reps]
    quotas = [
        {"owner_id": r["rep"], "quota": None if r["quota"] is None else Decimal(r["quota"])} for r in reps
    ]
    found = compute(deals, quotas)
    expected = case["expected"]
    assert float(found["quota_attainment",].value or 0) == pytest.approx(
        expected["team_attainment"], abs=1e-9
    )
    assert float(found["quota_participation",].value or 0) == pytest.approx(
        expected["participation"], abs=1e-9
    )
    assert float(found["mean_rep_attainment",].value or 0) == pytest.approx(
        expected["mean_rep_attainment"], abs=1e-9
    )
    assert (
        "Owners who won deals but carry no quota, left out of both sides: 1."
        in found["quota_attainment",].notes
    )


def test_no_reps_no_quota_and_zero_quota_are_undefined() -> None:
    for reps in ([], [{"rep": "a", "won": 5, "quota": 0}], [{"rep": "a", "won": None, "quota": None}]):
        got = run_kpi_case({"kpi": "quota_attainment", "input": {"reps": reps}}, CON, EVERY)
        assert set(got.values()) == {None}
    nothing = run_kpi_case(
        {"kpi": "quota_attainment", "input": {"reps": [{"rep": "a", "quota": 10}]}}, CON, EVERY
    )
    assert set(nothing.values()) == {0}


_owners = st.sampled_from(["ada", "bo", "cy", "di"])
_deals = st.lists(
    st.builds(
        won,
        owner=_owners | st.none(),
        amount=st.none() | st.integers(0, 1000),
        closed_on=st.sampled_from([d.FIRST, d.LAST, d.AS_OF, None]),
        region=st.sampled_from(["n", "s"]),
    ),
    max_size=15,
)
_quotas = st.lists(
    st.fixed_dictionaries(
        {
            "owner_id": _owners,
            "region": st.sampled_from(["n", "s"]),
            "quota": st.none() | st.integers(0, 800).map(Decimal),
            "fte_months": st.none() | st.sampled_from([Decimal("0.333333"), Decimal(3)]),
            "is_overlay": st.sampled_from([None, False, True]),
        }
    ),
    max_size=4,
    unique_by=lambda q: q["owner_id"],
)


@settings(max_examples=20)
@given(deals=_deals, quotas=_quotas)
def test_against_loops(deals: list[dict[str, Any]], quotas: list[dict[str, Any]]) -> None:
    found = compute(deals, quotas)
    made: dict[str | None, Decimal] = {}
    for row in deals:
        if d.inside(row["closed_on"], d.QUARTER):
            made[row["owner_id"]] = made.get(row["owner_id"], Decimal(0)) + (row["amount"] or 0)
    team = [q for q in quotas if not q["is_overlay"]]
    carriers = [(made.get(q["owner_id"], Decimal(0)), q["quota"]) for q in team if q["quota"]]
    expected = {
        "quota_attainment": d.ratio(sum(w for w, _ in carriers), sum(q for _, q in carriers)),
        "quota_participation": d.ratio(sum(w >= q for w, q in carriers), len(carriers)),
        "mean_rep_attainment": d.ratio(sum(Fraction(w) / Fraction(q) for w, q in carriers), len(carriers)),
        "quota": Fraction(sum(q for _, q in carriers)) if carriers else None,
        "rep_productivity": d.ratio(
            sum(made.get(q["owner_id"], Decimal(0)) for q in team if q["fte_months"]),
            sum(q["fte_months"] for q in team if q["fte_months"]),
        ),
    }
    for name, wanted in expected.items():
        value = found[name,].value
        if wanted is None:
            assert value is None, name
            assert found[name,].reason
        else:
            assert abs(Fraction(value or 0) - wanted) <= Fraction(1, 10**9), name


def test_groups_take_the_quota_rows_labels() -> None:
    deals = [won("ada", 50, region="deals say south"), won("eve", 10, region="s")]
    quotas = [
        {"owner_id": "ada", "region": "n", "quota": Decimal(100)},
        {"owner_id": "bo", "region": "n", "quota": Decimal(100)},
    ]
    found = compute(deals, quotas, by=("region",))
    assert found["quota_attainment", "n"].value == Decimal("0.25")
    assert found["quota_attainment", "s"].value is None


def test_the_rows_behind_attainment_are_owners() -> None:
    frames = {
        "deals": d.table([won("ada", 50)]),
        "quotas": frame([{"owner_id": "ada", "quota": Decimal(100)}], QUOTAS),
    }
    frames["attainment"] = attainment_frame(frames, d.IN_QUARTER)
    opened = EXECUTE(drill(quota_kpis()["quota_attainment"], "won", frames, d.IN_QUARTER)).to_pylist()
    assert [(row["owner_id"], row["contribution"]) for row in opened] == [("ada", 50)]


def test_attainment_of_one_product() -> None:
    frames = {
        "deals": d.table([won("ada", 50, product_name="A"), won("ada", 30, product_name="B")]),
        "quotas": frame([{"owner_id": "ada", "quota": Decimal(100)}], QUOTAS),
    }
    only_a = attainment_frame(frames, d.IN_QUARTER, (Filter("product_name", "eq", ("A",)),))
    assert [row["won"] for row in EXECUTE(only_a).to_pylist()] == [50]


def test_without_quotas_the_reason_says_what_to_do() -> None:
    value = evaluate([quota_kpis()["quota_attainment"]], {"deals": d.table([])}, d.IN_QUARTER, EXECUTE)[0]
    assert (value.value, value.reason) == (
        None,
        "no quota is in force for this period: enter or paste quotas",
    )
