"""truth.json says what an independent count of the written files says."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import yaml

from salesops.simulate import Truth
from salesops.simulate.tests.conftest import EARLIER
from salesops.simulate.tests.recount import Recount, cents, money, read

Simulated = tuple[Path, Truth]


def rounded(value: Fraction, places: int = 12) -> str:
    return str(
        (Decimal(value.numerator) / value.denominator).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    )


def test_the_file_holds_what_the_call_returns(simulated: Simulated) -> None:
    out, truth = simulated
    assert json.loads((out / "truth.json").read_text(encoding="utf-8")) == truth.values


def test_totals(simulated: Simulated, export: Recount) -> None:
    totals = simulated[1]["opportunities"]
    assert totals["total"] == len(export.deals) == 1_500
    for name, deals in (("won", export.won), ("lost", export.lost), ("open", export.open)):
        assert totals[name] == len(deals) > 0
        assert totals[f"{name}_value"] == money(export.value(deals))
        assert totals[f"{name}_without_amount"] == sum(not d["Amount"] for d in deals)


def test_rates_and_sizes(simulated: Simulated, export: Recount) -> None:
    truth = simulated[1]
    won, lost = len(export.won), len(export.lost)
    value, gone = export.value(export.won), export.value(export.lost)
    assert truth["win_rate_count"]["value"] == rounded(Fraction(won, won + lost))
    assert truth["win_rate_value"]["value"] == rounded(Fraction(value, value + gone))
    amounts = [cents(d["Amount"]) for d in export.won if d["Amount"]]
    assert truth["average_deal_size"]["value"] == rounded(Fraction(sum(amounts), 100 * len(amounts)))
    assert Fraction(truth["median_deal_size"]) == Fraction(median(amounts)) / 100


def test_cycles(simulated: Simulated, export: Recount) -> None:
    cycles = simulated[1]["sales_cycle"]
    for name, deals in (("won", export.won), ("lost", export.lost)):
        for suffix, since_first in (("", False), ("_from_first_interaction", True)):
            count, days, middle = export.cycles(deals, since_first)
            entry = cycles[name + suffix]
            assert (entry["deals"], entry["days"]) == (count, days)
            assert entry["mean"] == rounded(Fraction(days, count))
            assert float(entry["median"]) == middle


@pytest.mark.parametrize(
    "dimension",
    ["close_quarter", "region", "team", "owner", "manager", "segment", "type", "lead_source", "product"],
)
def test_outcomes_by(dimension: str, simulated: Simulated, export: Recount) -> None:
    planted = {
        row["key"].replace(" ", "") if dimension == "product" else row["key"]: (
            row["won"],
            row["lost"],
            row["won_value"],
            row["lost_value"],
        )
        for row in simulated[1]["by"][dimension]
    }
    assert planted == export.outcomes(dimension)


def test_every_as_of_day_follows_from_the_history(simulated: Simulated, export: Recount) -> None:
    entries = simulated[1]["as_of"]
    assert len(entries) >= 12
    assert [export.as_of(date.fromisoformat(e["on"])) for e in entries] == entries


def test_an_earlier_export_is_the_state_of_its_day(simulated: Simulated) -> None:
    out, truth = simulated
    earlier = Recount(out, EARLIER.isoformat(), truth["zone"], truth["fiscal_start_month"])
    entry = next(e for e in truth["as_of"] if e["on"] == EARLIER.isoformat())
    assert earlier.as_of(EARLIER) == entry
    assert (len(earlier.won), len(earlier.lost), len(earlier.open)) == (
        entry["won"],
        entry["lost"],
        entry["open"],
    )
    assert money(earlier.value(earlier.open)) == entry["open_value"]
    assert money(earlier.value(earlier.won)) == entry["won_value"]


def test_created_cohorts_and_pipeline_generation(simulated: Simulated, export: Recount) -> None:
    planted = {
        row["quarter"]: (
            row["deals"],
            row["won"],
            row["lost"],
            row["open"],
            row["pipeline_generation"],
            row["without_amount"],
        )
        for row in simulated[1]["created"]
    }
    assert planted == export.created()


def test_close_date_moves(simulated: Simulated, export: Recount) -> None:
    counted = export.moves()
    for row in simulated[1]["close_date_moves"]:
        found = counted[row["quarter"]]
        assert {k: v for k, v in row.items() if k != "quarter"} == {
            name: found[name] for name in ("pushes", "delays", "pull_ins", "earlier_same_quarter")
        }
    assert sum(c["pushes"] for c in counted.values()) > 300


def test_changes_per_field(simulated: Simulated, export: Recount) -> None:
    totals = simulated[1]["opportunities"]
    found = Counter(row["Field"] for row in export.fields)
    assert found["CloseDate"] == totals["close_date_changes"]
    assert found["Amount"] == totals["amount_changes"]
    assert found["Owner"] == totals["owner_changes"] > 0
    moves = sum(
        a["StageName"] != b["StageName"] for rows in export.history.values() for a, b in pairwise(rows)
    )
    assert moves == totals["stage_changes"]
    reached = Counter(s for rows in export.history.values() for s in {r["StageName"] for r in rows})
    assert reached == simulated[1]["stage_reached"]


def test_attainment(simulated: Simulated, export: Recount) -> None:
    out, truth = simulated
    counted = export.attainment(out / "decisions" / "quotas.yaml")
    planted = {
        (q["quarter"], p["person"]): (p["quota"], p["won"], p["attainment"])
        for q in truth["quotas"]
        for p in q["people"]
    }
    assert planted == {k: (quota, won, rounded(share)) for k, (quota, won, share) in counted.items()}
    for q in truth["quotas"]:
        mine = [v for k, v in counted.items() if k[0] == q["quarter"]]
        assert q["quota"] == money(sum(cents(v[0]) for v in mine))
        assert q["made_quota"] == sum(v[2] >= 1 for v in mine)


def test_orders_invoices_payments_and_leads(simulated: Simulated, export: Recount) -> None:
    truth = simulated[1]
    for name, count, value, column in (
        ("Order", "orders", "order_value", "TotalAmount"),
        ("Invoice", "invoices", "invoiced", "TotalAmount"),
        ("Payment", "payments", "paid", "Amount"),
    ):
        rows = read(export.folder, name)
        assert truth[count] == len(rows) > 0
        assert truth[value] == money(sum(cents(r[column]) for r in rows))
    leads = read(export.folder, "Lead")
    assert truth["leads"] == len(leads)
    assert truth["converted_leads"] == sum(x["IsConverted"] == "1" for x in leads)
    assert truth["touched_leads"] == sum(bool(x["LastActivityDate"]) for x in leads)
    kinds = Counter(t["Type"] for t in read(export.folder, "Task") if t["WhatId"])
    kinds["Meeting"] = len(read(export.folder, "Event"))
    assert truth["activities"] == {k.lower(): v for k, v in kinds.items()}


def test_planted_faults_are_in_the_files(simulated: Simulated, export: Recount) -> None:
    out, truth = simulated
    with_ids: dict[str, set[str]] = {}
    for row in read(out, "faults"):
        with_ids.setdefault(row["kind"], set()).add(row["id"])
    assert {k: len(v) for k, v in with_ids.items()} == {k: n for k, n in truth["faults"].items() if n}
    products = {p["Name"] for p in read(export.folder, "Product2")}
    countries = {c for r in truth["parameters"]["regions"] for c in r["countries"]}
    found = {
        "missing_amount": {d["Id"] for d in export.deals if not d["Amount"]},
        "product_spelling_variant": {
            d["Id"] for d in export.deals if d["Product__c"] and d["Product__c"] not in products
        },
        "past_close_date": {d["Id"] for d in export.open if date.fromisoformat(d["CloseDate"]) < export.on},
        "inactive_owner": {d["Id"] for d in export.open if export.users[d["OwnerId"]]["IsActive"] == "0"},
        "missing_loss_reason": {d["Id"] for d in export.lost if not d["Loss_Reason__c"]},
        "missing_next_step": {d["Id"] for d in export.open if not d["NextStep"]},
        "country_variant": {
            a["Id"] for a in read(export.folder, "Account") if a["BillingCountry"] not in countries
        },
    }
    for kind, ids in found.items():
        assert with_ids.get(kind, set()) == ids, kind
        assert ids, kind
    names = {a["Id"]: a["Name"] for a in read(export.folder, "Account")}
    for row in read(out, "faults"):
        if row["kind"] == "duplicate_account":
            original, copy = names[row["detail"]], names[row["id"]]
            assert copy != original
            assert copy.lower().split()[0] == original.lower().split()[0]
    assert with_ids["ghost"] <= {d["Id"] for d in export.open}


def decided(path: Path) -> list[dict[str, Any]]:
    return [document["values"] for document in yaml.safe_load(path.read_text(encoding="utf-8"))]


def test_decisions_describe_the_files(simulated: Simulated, export: Recount) -> None:
    folder = simulated[0] / "decisions"
    stages = {e["stage"]: e for e in decided(folder / "stages.yaml")}
    for deal in export.deals:
        stage = stages[deal["StageName"]]
        expected = {"1": {"won", "lost"}, "0": {"open"}}[deal["IsClosed"]]
        assert stage["stage_class"] in expected
        assert Fraction(stage["probability"]) == Fraction(int(deal["Probability"]), 100)
    documents = yaml.safe_load((folder / "positions.yaml").read_text(encoding="utf-8"))
    positions = {d["values"]["person_id"]: d["values"] for d in documents}
    ended = {d["values"]["person_id"] for d in documents if d.get("ended")}
    assert set(positions) == set(export.users)
    for person, entry in positions.items():
        user = export.users[person]
        assert (entry["manager_id"], entry["team"]) == (user["ManagerId"], user["Team__c"])
        assert (person in ended) == (user["IsActive"] == "0")
    organisation = decided(folder / "organisation.yaml")[0]
    assert (organisation["currency"], organisation["fiscal_start_month"]) == ("USD", 2)
