"""A simulated firm's exports, imported, give every figure the simulator knows it planted.

The same figures are asked of a disturbed copy: rows and columns shuffled, headers renamed, every
date four years later, every amount three times as large. A figure that holds only on the files
as they were written would be an accident.
"""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_django.plugin import DjangoDbBlocker

from salesops.analytics import selectors
from salesops.analytics.selectors import Question
from salesops.crm import services
from salesops.platform import decisions
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.simulate.parameters import FirmParameters
from salesops.simulate.simulator import simulate
from tests.doors.conftest import shared_home

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True

YEARS = 4
"""Four years keep weekdays apart but quarters, leap days and every number of days between two dates."""

SCALE = 3
NEEDED = ("User", "Account", "Product2", "Opportunity", "OpportunityHistory", "OpportunityFieldHistory")
"""Tables of the disturbed copy: those its figures come from."""

MONEY = {"Amount", "ExpectedRevenue", "PrevAmount", "AnnualRevenue"}
RENAMED = {
    "StageName": "Stage",
    "Amount": "Deal Value",
    "CloseDate": "Close Date",
    "CreatedDate": "Created On",
    "OwnerId": "Owner ID",
    "AccountId": "Account ID",
    "Name": "Opportunity Name",
    "Type": "Opportunity Type",
    "IsWon": "Won",
    "IsClosed": "Closed",
}
"""Headers of the opportunities, as another firm's export might have them."""

_DAY = re.compile(r"\b(20\d\d)(?=-(?:\d\d-\d\d|Q\d))")


@dataclass(frozen=True)
class Firm:
    """What was imported, and how it differs from what the simulator wrote."""

    truth: dict[str, Any]
    years: int = 0
    scale: int = 1

    def day(self, text: str) -> date:
        """A day of the truth, in the copy."""
        return date.fromisoformat(later(text, self.years))

    def label(self, text: str) -> str:
        """A quarter of the truth, in the copy."""
        return later(text, self.years)

    def money(self, text: str) -> Decimal:
        """An amount of the truth, in the copy."""
        return Decimal(text) * self.scale


def later(text: str, years: int) -> str:
    """Every date and quarter in a text some years later."""
    return _DAY.sub(lambda m: str(int(m[1]) + years), text)


def disturb(source: Path, target: Path, rng: random.Random) -> None:
    """One table of the exports, shuffled, renamed, later and dearer."""
    with source.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    headers = list(rows[0])
    for row in rows:
        for name in headers:
            value = later(row[name], YEARS)
            grown = name in MONEY or (name in ("OldValue", "NewValue") and row.get("Field") == "Amount")
            row[name] = str(Decimal(value) * SCALE) if grown and value else value
    if "History" not in source.stem:  # the order of a log is part of what it says
        rng.shuffle(rows)
        rng.shuffle(headers)
    names = RENAMED if source.stem == "Opportunity" else {}
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow([names.get(h, h) for h in headers])
        writer.writerows([[row[h] for h in headers] for row in rows])


def disturbed_decisions(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Decisions as of four years later, quotas three times as large."""
    moved = yaml.safe_load(later(yaml.safe_dump(documents), YEARS))
    for document in moved:
        if document["kind"] == "quota":
            values = document["values"]
            values["amount"] = str(Decimal(str(values["amount"])) * SCALE)
    return moved


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated firm: 24 reps, 1,500 deals, and the export of an earlier day beside the last."""
    folder = tmp_path_factory.mktemp("firm")
    parameters = replace(FirmParameters().scaled(24, 1_500), export_dates=(date(2025, 6, 30),))
    simulate(parameters, folder, seed=3)
    return folder


@pytest.fixture(scope="module", params=["original", "disturbed"])
def firm(
    request: pytest.FixtureRequest,
    written: Path,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Firm]:
    """The firm, or a disturbed copy of its last export, imported with its decisions."""
    truth = json.loads((written / "truth.json").read_text(encoding="utf-8"))
    documents = []
    for file in sorted((written / "decisions").glob("*.yaml")):
        documents += yaml.safe_load(file.read_text(encoding="utf-8"))
    found = Firm(truth)
    exports = written / "exports"
    if request.param == "disturbed":
        found = Firm(truth, YEARS, SCALE)
        rng = random.Random(5)
        exports = tmp_path_factory.mktemp("copy") / "2030-10-31"
        exports.mkdir()
        for name in NEEDED:
            disturb(written / "exports" / "2026-10-31" / f"{name}.csv", exports / f"{name}.csv", rng)
        documents = disturbed_decisions(documents)
    with shared_home(tmp_path_factory.mktemp("home"), django_db_blocker):
        row = services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[exports])
        assert row.report["quarantined"] == 0
        decisions.import_documents(
            documents, actor=LOCAL_ADMINISTRATOR, reason="Decisions of the simulated firm"
        )
        yield found


def values(names: Sequence[str], **question: Any) -> dict[str, Any]:
    """Values by KPI name."""
    answer = selectors.numbers(LOCAL_ADMINISTRATOR, names, Question(**question))
    return {v.name: v.value for v in answer.values}


def near(got: Any, wanted: str | None) -> bool:
    """Whether a quotient equals the truth's, which has twelve decimals; None equals None."""
    if got is None or wanted is None:
        return got is None and wanted is None
    return abs(Decimal(str(float(got))) - Decimal(wanted)) <= Decimal("1e-9") * max(1, abs(Decimal(wanted)))


def test_totals(firm: Firm) -> None:
    truth = firm.truth
    deals, cycle = truth["opportunities"], truth["sales_cycle"]
    found = values(["won_deals", "lost_deals", "open_deals", "deals_created", "won_value", "open_pipeline"])
    assert found == {
        "won_deals": deals["won"],
        "lost_deals": deals["lost"],
        "open_deals": deals["open"],
        "deals_created": deals["total"],
        "won_value": firm.money(deals["won_value"]),
        "open_pipeline": firm.money(deals["open_value"]),
    }
    rates = values(["win_rate_count", "win_rate_value"])
    assert all(near(rates[name], truth[name]["value"]) for name in rates)
    sizes = values(["average_deal_size", "median_deal_size"])
    assert near(sizes["average_deal_size"], str(firm.money(truth["average_deal_size"]["value"])))
    assert near(sizes["median_deal_size"], str(firm.money(truth["median_deal_size"])))
    expected = {
        "sales_cycle": cycle["won"]["mean"],
        "sales_cycle_median": cycle["won"]["median"],
        "sales_cycle_lost": cycle["lost"]["mean"],
        "sales_cycle_lost_median": cycle["lost"]["median"],
        "sales_cycle_from_first_interaction": cycle["won_from_first_interaction"]["mean"],
        "sales_cycle_from_first_interaction_median": cycle["won_from_first_interaction"]["median"],
        "sales_cycle_from_first_interaction_lost": cycle["lost_from_first_interaction"]["mean"],
        "sales_cycle_from_first_interaction_lost_median": cycle["lost_from_first_interaction"]["median"],
    }
    cycles = values(list(expected))
    assert [name for name, wanted in expected.items() if not near(cycles[name], wanted)] == []


@pytest.mark.parametrize(
    "split, column",
    [
        ("close_quarter", "closed_quarter"),
        ("region", "region"),
        ("team", "team"),
        ("owner", "owner_id"),
        ("manager", "manager_id"),
        ("segment", "segment"),
        ("type", "type"),
        ("lead_source", "lead_source"),
    ],
)
def test_every_split(firm: Firm, split: str, column: str) -> None:
    names = ["won_deals", "lost_deals", "won_value", "win_rate_count"]
    answer = selectors.numbers(LOCAL_ADMINISTRATOR, names, Question(by=(column,)))
    found: dict[Any, dict[str, Any]] = {}
    for value in answer.values:
        found.setdefault(value.group[column], {})[value.name] = value.value
    wrong = []
    for row in firm.truth["by"][split]:
        key = firm.label(row["key"]) if split == "close_quarter" else row["key"]
        got = found.pop(key, {})
        same = (
            (got.get("won_deals") or 0) == row["won"]
            and (got.get("lost_deals") or 0) == row["lost"]
            and (got.get("won_value") or 0) == firm.money(row["won_value"])
            and near(got.get("win_rate_count"), row["win_rate_count"])
        )
        if not same:
            wrong.append((key, got, row))
    assert wrong == []
    # Nothing is won or lost outside the groups that the truth knows.
    assert [key for key, got in found.items() if got.get("won_deals") or got.get("lost_deals")] == []


def test_the_state_of_every_quarters_end_and_export_day(firm: Firm) -> None:
    names = ["deals_created", "open_deals", "open_pipeline", "won_deals", "lost_deals", "won_value"]
    days = firm.truth["as_of"]
    for row in days[:: 4 if firm.years else 1]:
        found = {n: v or 0 for n, v in values(names, as_of=firm.day(row["on"])).items()}
        assert (row["on"], found) == (
            row["on"],
            {
                "deals_created": row["known"],
                "open_deals": row["open"],
                "open_pipeline": firm.money(row["open_value"]),
                "won_deals": row["won"],
                "lost_deals": row["lost"],
                "won_value": firm.money(row["won_value"]),
            },
        )


def test_each_quarters_new_pipeline(firm: Firm) -> None:
    for row in firm.truth["created"][:: 3 if firm.years else 1]:
        found = values(
            ["pipeline_generation", "deals_created", "close_rate"], period=firm.label(row["quarter"])
        )
        assert (row["quarter"], found["pipeline_generation"]) == (
            row["quarter"],
            firm.money(row["pipeline_generation"]),
        )
        assert found["deals_created"] == row["deals"]
        assert near(found["close_rate"], row["close_rate"])


def test_each_quarters_quotas(firm: Firm) -> None:
    for row in firm.truth["quotas"]:
        found = values(
            ["quota", "quota_attainment", "quota_participation"], period=firm.label(row["quarter"])
        )
        assert (row["quarter"], found["quota"]) == (row["quarter"], firm.money(row["quota"]))
        assert near(found["quota_attainment"], row["attainment"])
        made = Decimal(row["made_quota"]) / len(row["people"])
        assert near(found["quota_participation"], str(made))
