"""The first real run: the known truths of the Maven export, on it and on disturbed copies of it.

A disturbed copy has its rows shuffled, its columns renamed and reordered, its dates moved and its
amounts scaled: a figure that only holds on the original would be hard-coded.
"""

from __future__ import annotations

import csv
import json
import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from salesops.analytics import records, selectors
from salesops.crm import services
from salesops.crm.models import ValueRepair
from salesops.platform.actors import LOCAL_ADMINISTRATOR, Actor
from salesops.platform.decisions import decision_record
from salesops.platform.roles import Role
from salesops.project.cli import main
from salesops.quality.selectors import open_faults

pytestmark = pytest.mark.django_db

RENAMED = {
    "sales_pipeline.csv": {
        "opportunity_id": "Deal ID",
        "sales_agent": "Deal Owner",
        "product": "Product Name",
        "account": "Account Name",
        "deal_stage": "Stage",
        "engage_date": "First Contact Date",
        "close_date": "Close Date",
        "close_value": "Amount",
    },
    "sales_teams.csv": {"sales_agent": "Full Name", "manager": "Manager", "regional_office": "Region"},
    "products.csv": {"product": "Product Name", "series": "Product Family", "sales_price": "List Price"},
    "accounts.csv": {"account": "Company Name", "sector": "Industry", "office_location": "Country"},
}


@dataclass(frozen=True)
class Copy:
    """An export and how it was disturbed."""

    folder: Path
    shift: timedelta
    scale: int


def disturbed(source: Path, target: Path, *, shift: timedelta, scale: int, seed: int) -> Copy:
    """Shuffle rows and columns, rename headers, move dates, scale amounts."""
    rng = random.Random(seed)
    for name, renamed in RENAMED.items():
        with (source / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            for column in ("engage_date", "close_date"):
                if row.get(column):
                    row[column] = (date.fromisoformat(row[column]) + shift).strftime("%d.%m.%Y")
            for column in ("close_value", "sales_price"):
                if row.get(column):
                    row[column] = f"{int(row[column]) * scale:,}.00"
        rng.shuffle(rows)
        headers = list(rows[0])
        rng.shuffle(headers)
        with (target / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow([renamed.get(h, h) for h in headers])
            writer.writerows([[row[h] for h in headers] for row in rows])
    return Copy(target, shift, scale)


@pytest.fixture(params=["original", "disturbed"])
def export(request: pytest.FixtureRequest, shared_data: Path, tmp_path: Path) -> Copy:
    """The export, and a disturbed copy of it, imported."""
    source = shared_data / "maven_crm"
    copy = Copy(source, timedelta(0), 1)
    if request.param == "disturbed":
        copy = disturbed(source, tmp_path, shift=timedelta(days=364), scale=7, seed=11)
    services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[copy.folder])
    return copy


def independent(shared_data: Path) -> list[dict[str, str]]:
    """The pipeline file read by the standard library alone."""
    with (shared_data / "maven_crm" / "sales_pipeline.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_counts_and_values(export: Copy, shared_data: Path) -> None:
    names = ["won_deals", "lost_deals", "open_deals", "won_value", "win_rate_count", "average_deal_size"]
    names += ["sales_cycle", "median_deal_size", "deals_created"]
    answer = selectors.numbers(LOCAL_ADMINISTRATOR, names, selectors.Question())
    value = {v.name: v.value for v in answer.values}
    rows = independent(shared_data)
    won = [r for r in rows if r["deal_stage"] == "Won"]
    days = [(date.fromisoformat(r["close_date"]) - date.fromisoformat(r["engage_date"])).days for r in won]
    assert (value["won_deals"], value["lost_deals"], value["open_deals"]) == (4238, 2473, 1589 + 500)
    assert (
        value["won_value"]
        == 10_005_534 * export.scale
        == sum(int(r["close_value"]) for r in won) * export.scale
    )
    assert abs(value["win_rate_count"] - Decimal(4238) / Decimal(6711)) < Decimal("1e-9")
    assert round(value["win_rate_count"] * 100, 2) == Decimal("63.15")
    assert abs(value["average_deal_size"] - Decimal(10_005_534 * export.scale) / 4238) < Decimal("1e-6")
    assert abs(value["sales_cycle"] - Decimal(sum(days)) / len(days)) < Decimal("1e-9")
    assert value["deals_created"] == 8800
    assert answer.today == date(2017, 12, 31) + export.shift


def test_stages_and_quarters(export: Copy) -> None:
    answer = selectors.numbers(LOCAL_ADMINISTRATOR, ["open_deals"], selectors.Question(by=("stage",)))
    assert {v.group["stage"]: v.value for v in answer.values if v.value} == {
        "Engaging": 1589,
        "Prospecting": 500,
    }
    if not export.shift:
        quarter = selectors.numbers(LOCAL_ADMINISTRATOR, ["won_value"], selectors.Question(period="2017-Q4"))
        by = selectors.numbers(LOCAL_ADMINISTRATOR, ["won_value"], selectors.Question(by=("closed_quarter",)))
        assert quarter.values[0].value == 2_802_496
        assert {v.group["closed_quarter"]: v.value for v in by.values}["2017-Q4"] == 2_802_496


def test_faults_and_repair(export: Copy) -> None:
    def count(code: str) -> int:
        with open_faults(LOCAL_ADMINISTRATOR) as faults:
            return next(f.faulty for f in faults.findings() if f.rule.code == code)

    assert count("DQ20") == 1480
    assert count("DQ40") == 1425
    assert count("DQ12") == 2089
    assert count("DQ27") == 1291
    with open_faults(LOCAL_ADMINISTRATOR) as faults:
        proposal = faults.repairs()[0]
    assert (proposal.value, proposal.replacement, proposal.rows) == ("GTXPro", "GTX Pro", 1480)
    before = selectors.numbers(LOCAL_ADMINISTRATOR, ["won_deals"], selectors.Question(by=("product",)))
    decision_record(
        ValueRepair,
        actor=LOCAL_ADMINISTRATOR,
        subject="opportunities.product_name=GTXPro",
        values={
            "table": proposal.table,
            "column": proposal.column,
            "value": "GTXPro",
            "replacement": "GTX Pro",
        },
    )
    assert count("DQ20") == 0
    after = selectors.numbers(LOCAL_ADMINISTRATOR, ["won_deals"], selectors.Question(by=("product",)))
    old = {v.group["product_name"]: v.value for v in before.values}
    new = {v.group["product_name"]: v.value for v in after.values}
    assert "GTXPro" not in new
    assert new["GTX Pro"] == old["GTXPro"]


def test_open_deals_have_no_amount_but_a_labelled_estimate(export: Copy) -> None:
    value = selectors.numbers(LOCAL_ADMINISTRATOR, ["open_pipeline"], selectors.Question()).values[0]
    assert value.value is None
    assert "no open deal has an amount" in value.reason
    assert value.estimate is not None
    assert value.estimate > 0


def test_hierarchy(export: Copy) -> None:
    offices = selectors.numbers(LOCAL_ADMINISTRATOR, ["won_value"], selectors.Question(by=("region",)))
    managers = selectors.numbers(LOCAL_ADMINISTRATOR, ["won_value"], selectors.Question(by=("manager",)))
    assert sorted(v.group["region"] for v in offices.values) == ["Central", "East", "West"]
    assert len(managers.values) == 6
    assert sum(v.value for v in managers.values) == 10_005_534 * export.scale
    dustin = Actor("dustin", Role.SALES_MANAGER, person_id="Dustin Brinkmann")
    rep = Actor("anna", Role.REP, person_id="Anna Snelling")
    team = selectors.numbers(dustin, ["won_value"], selectors.Question()).values[0].value
    assert team == next(v.value for v in managers.values if v.group["manager_name"] == "Dustin Brinkmann")
    own = records.deal_list(rep, records.ListQuery())
    assert own.total == 448
    assert {row["owner_name"] for row in own.rows} == {"Anna Snelling"}


def test_second_import_changes_nothing(export: Copy) -> None:
    again = services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[export.folder])
    assert again.report["tables"]["opportunities"]["unchanged"] == 8800
    assert again.report["tables"]["opportunities"]["added"] == 0


def test_command_line_says_the_same(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(shared_data / "maven_crm"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["known"]["opportunities"]["won"] == {
        "count": 4238,
        "without_amount": 0,
        "amounts": {"": 10005534},
    }
    assert main(["kpi", "win_rate_count", "--by", "region", "--json"]) == 0
    number = json.loads(capsys.readouterr().out)
    assert abs(number["value"] - 4238 / 6711) < 1e-9
    assert {row["region"] for row in number["rows"]} == {"Central", "East", "West"}
    assert main(["kpi", "win_rate_count", "--period", "2019-Q1", "--json"]) == 0
    nothing = json.loads(capsys.readouterr().out)
    assert nothing["value"] is None
    assert nothing["reason"]
    assert main(["kpis", "--json"]) == 0
    assert "win_rate_count" in {kpi["name"] for kpi in json.loads(capsys.readouterr().out)}
