"""The public Maven export: known truths, straight from its files."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.compute import drill, evaluate
from salesops.analytics.engine.kpi import Context, KpiValue
from salesops.analytics.tests import deals as d

CON = d.connection()
TODAY = date(2017, 12, 31)
ALL = Context(None, TODAY, TODAY)
CLASSES = {"Won": "won", "Lost": "lost"}


def day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> list[dict[str, Any]]:
    folder = shared_data / "maven_crm"
    with (folder / "sales_pipeline.csv").open(encoding="utf-8", newline="") as file:
        deals = list(csv.DictReader(file))
    with (folder / "sales_teams.csv").open(encoding="utf-8", newline="") as file:
        teams = {row["sales_agent"]: row for row in csv.DictReader(file)}
    return [
        {
            "id": row["opportunity_id"],
            "stage": row["deal_stage"],
            "stage_class": CLASSES.get(row["deal_stage"], "open"),
            "owner_id": row["sales_agent"],
            "manager_name": teams[row["sales_agent"]]["manager"],
            "region": teams[row["sales_agent"]]["regional_office"],
            "amount": Decimal(row["close_value"]) if row["close_value"] else None,
            "created_on": day(row["engage_date"]),
            "closed_on": day(row["close_date"]),
        }
        for row in deals
    ]


def by_name(rows: list[dict[str, Any]], context: Context = ALL) -> dict[str, KpiValue]:
    found = evaluate(list(catalogue().values()), d.table(rows), context, d.execute(CON))
    return {value.name: value for value in found}


def test_known_truths(rows: list[dict[str, Any]]) -> None:
    found = by_name(rows)
    assert found["won_deals"].value == 4238
    assert found["lost_deals"].value == 2473
    assert found["open_deals"].value == 1589 + 500
    assert found["deals_created"].value == 8800
    assert found["won_value"].value == 10_005_534
    assert round(found["win_rate_count"].value or 0, 4) == Decimal("0.6315")
    assert found["win_rate_count"].n == 6711
    assert found["open_pipeline"].value is None
    assert "no open deal has an amount" in found["open_pipeline"].reason


def test_quarters_managers_and_offices_add_up(rows: list[dict[str, Any]]) -> None:
    for column, count in (("manager_name", 6), ("region", 3), ("owner_id", 30)):
        split = evaluate([catalogue()["won_value"]], d.table(rows), ALL, d.execute(CON), [column])
        assert len(split) == count
        assert sum(Decimal(v.value or 0) for v in split) == 10_005_534


def test_against_hand_written_sql(rows: list[dict[str, Any]], shared_data: Path) -> None:
    path = (shared_data / "maven_crm" / "sales_pipeline.csv").as_posix()
    sql = f"""
        SELECT avg(close_value) FILTER (deal_stage = 'Won'), median(close_value) FILTER (deal_stage = 'Won'),
               avg(close_date - engage_date) FILTER (deal_stage = 'Won'),
               median(close_date - engage_date) FILTER (deal_stage = 'Won'),
               median(close_date - engage_date) FILTER (deal_stage = 'Lost')
        FROM read_csv('{path}') """
    expected = CON.raw_sql(sql).fetchone()
    found = by_name(rows)
    names = (
        "average_deal_size",
        "median_deal_size",
        "sales_cycle",
        "sales_cycle_median",
        "sales_cycle_lost_median",
    )
    assert [float(found[n].value or 0) for n in names] == pytest.approx(list(expected), abs=1e-9)


def test_the_rows_behind_the_win_rate(rows: list[dict[str, Any]]) -> None:
    kpi = catalogue()["win_rate_count"]
    assert CON.to_pyarrow(drill(kpi, "won", d.table(rows), ALL)).num_rows == 4238
    assert CON.to_pyarrow(drill(kpi, "decided", d.table(rows), ALL)).num_rows == 6711
