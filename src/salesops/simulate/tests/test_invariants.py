"""What holds for every simulated firm, whatever its size and seed."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesops.simulate import FirmParameters, Truth, simulate
from salesops.simulate.calendar_days import DAY, FAR, FirmCalendar, day_number, end_of
from salesops.simulate.deals import creation_days, make_deals
from salesops.simulate.headers import HEADERS
from salesops.simulate.ids import PREFIX, checksum, ids, one_id
from salesops.simulate.orders import make_orders
from salesops.simulate.simulator import make_world
from salesops.simulate.stages import LOST, WON
from salesops.simulate.state import state_at
from salesops.simulate.tests.recount import Recount, cents, read
from salesops.simulate.tracks import NONE

Simulated = tuple[Path, Truth]


def digest(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    firm = FirmParameters().scaled(reps=5, opportunities=200)
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        simulate(firm, tmp_path / name, seed)
    first, second, other = (digest(tmp_path / n) for n in "abc")
    assert first == second
    assert "reports/Opportunities by owner.xlsx" in first
    assert first["exports/2026-10-31/Opportunity.csv"] != other["exports/2026-10-31/Opportunity.csv"]


def test_an_existing_firm_is_not_overwritten(tmp_path: Path) -> None:
    firm = FirmParameters().scaled(reps=2, opportunities=1)
    simulate(firm, tmp_path, 1)
    with pytest.raises(FileExistsError):
        simulate(firm, tmp_path, 2)


@given(
    reps=st.integers(2, 60),
    opportunities=st.integers(1, 400),
    seed=st.integers(0, 10_000),
    start=st.integers(1, 12),
    ghosts=st.floats(0.0, 1.0),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_deal_is_consistent_on_every_day(
    reps: int, opportunities: int, seed: int, start: int, ghosts: float
) -> None:
    firm = replace(
        FirmParameters().scaled(reps, opportunities),
        fiscal_start_month=start,
        ghost_share=ghosts,
        reopen_share=0.2,
    )
    world = make_world(firm, seed)
    days = np.repeat(np.arange(world.first, world.last + 1), creation_days(world))
    assert len(days) == opportunities
    deals = make_deals(world, 0, days)
    for track in (deals.stage, deals.amount, deals.close_date, deals.owner):
        for times, values in zip(track.times, track.values, strict=True):
            happened = times < FAR
            assert (np.diff(times[happened]) > 0).all()
            assert (np.diff(values[happened]) != 0).all()
    assert (world.accounts.created[deals.account] <= deals.created).all()
    assert (deals.first_interaction <= deals.created // DAY).all()
    for day in (world.first + 100, world.last):
        now = state_at(deals, day)
        closed = now.known & (now.stage >= WON)
        assert (now.close_day[closed] == now.stage_since[closed] // DAY).all()
        assert (now.close_day[closed] <= day).all()
        assert not (closed & deals.ending.ghost).any()
        units = np.take_along_axis(deals.lines.units, now.amount_version[:, None], axis=1)[:, 0]
        price = np.take_along_axis(deals.lines.price, now.amount_version[:, None], axis=1)[:, 0]
        total = units * price + deals.lines.second_units * deals.lines.second_price
        known_amount = ~deals.lines.unknown
        assert (total[known_amount] == now.amount[known_amount]).all()
        assert (now.amount[~known_amount] == NONE).all()
        assert (world.people.hired[now.owner[now.known]] <= day).all()
    orders = make_orders(world, deals)
    won = np.flatnonzero((deals.stage.at(FAR - 1) == WON) & ~deals.lines.unknown)
    assert (orders.deal == won).all()
    assert (orders.amount == deals.amount.at(FAR - 1)[won]).all()
    billed = np.zeros(len(won), np.int64)
    np.add.at(billed, orders.invoice_order, orders.invoice_amount)
    assert (billed == orders.amount).all()


def test_hierarchy_has_one_top_and_no_circle(export: Recount) -> None:
    tops = [u for u in export.users.values() if not u["ManagerId"]]
    assert len(tops) == 1
    for user in export.users.values():
        seen = set()
        at = user
        while at["ManagerId"]:
            assert at["Id"] not in seen
            seen.add(at["Id"])
            at = export.users[at["ManagerId"]]
        assert at["Id"] == tops[0]["Id"]
    roles = {u["Sales_Role__c"] for u in export.users.values()}
    assert roles == {"SDR", "AE", "AM", "Manager", "Director", "VP"}
    assert any(u["IsActive"] == "0" for u in export.users.values())
    assert any(date.fromisoformat(u["Hire_Date__c"]) > date(2024, 1, 1) for u in export.users.values())


def test_history_ends_in_the_state_of_the_deal(export: Recount) -> None:
    for deal in export.deals:
        last = export.history[deal["Id"]][-1]
        for column in ("StageName", "Amount", "CloseDate", "Probability"):
            assert last[column] == deal[column]
        for before, after in pairwise(export.history[deal["Id"]]):
            assert (after["PrevAmount"], after["PrevCloseDate"]) == (before["Amount"], before["CloseDate"])
            assert before["CreatedDate"] < after["CreatedDate"]
        assert export.history[deal["Id"]][0]["CreatedDate"] == deal["CreatedDate"]
    chains: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in export.fields:
        chains[row["OpportunityId"], row["Field"]].append(row)
    ends = {"CloseDate": "CloseDate", "Amount": "Amount", "Owner": "OwnerId"}
    for (deal_id, field), rows in chains.items():
        if field != "created":
            rows.sort(key=lambda r: r["CreatedDate"])
            assert rows[-1]["NewValue"] == export.by_id[deal_id][ends[field]]
            assert all(a["NewValue"] == b["OldValue"] for a, b in pairwise(rows))


def test_lines_and_orders_sum_to_amounts(export: Recount) -> None:
    lines: dict[str, int] = defaultdict(int)
    for row in read(export.folder, "OpportunityLineItem"):
        assert cents(row["Quantity"]) * cents(row["UnitPrice"]) == cents(row["TotalPrice"]) * 100
        lines[row["OpportunityId"]] += cents(row["TotalPrice"])
    assert lines == {d["Id"]: cents(d["Amount"]) for d in export.deals if d["Amount"]}
    orders = {o["OpportunityId"]: cents(o["TotalAmount"]) for o in read(export.folder, "Order")}
    assert orders == {d["Id"]: cents(d["Amount"]) for d in export.won if d["Amount"]}


def test_references_point_to_exported_records(export: Recount) -> None:
    known = {name: {r["Id"] for r in read(export.folder, name)} for name in HEADERS if name != "Spend"}
    for name, column, target in (
        ("User", "ManagerId", "User"),
        ("Account", "OwnerId", "User"),
        ("Contact", "AccountId", "Account"),
        ("Opportunity", "AccountId", "Account"),
        ("Opportunity", "OwnerId", "User"),
        ("Opportunity", "ContactId", "Contact"),
        ("OpportunityHistory", "OpportunityId", "Opportunity"),
        ("OpportunityHistory", "CreatedById", "User"),
        ("OpportunityLineItem", "Product2Id", "Product2"),
        ("OpportunityLineItem", "PricebookEntryId", "PricebookEntry"),
        ("Lead", "OwnerId", "User"),
        ("Lead", "ConvertedOpportunityId", "Opportunity"),
        ("Lead", "ConvertedContactId", "Contact"),
        ("Task", "WhatId", "Opportunity"),
        ("Task", "OwnerId", "User"),
        ("Event", "WhatId", "Opportunity"),
        ("CampaignMember", "LeadId", "Lead"),
        ("CampaignMember", "CampaignId", "Campaign"),
        ("Order", "AccountId", "Account"),
        ("Invoice", "OrderId", "Order"),
        ("Payment", "InvoiceId", "Invoice"),
    ):
        used = {r[column] for r in read(export.folder, name) if r[column]}
        assert used, (name, column)
        assert used <= known[target], (name, column)


def test_files_have_the_headers_of_an_export_and_valid_ids(simulated: Simulated, export: Recount) -> None:
    for name, header in HEADERS.items():
        with (export.folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            assert tuple(next(reader)) == header
            seen = set()
            for row in reader:
                assert len(row) == len(header)
                if header[0] == "Id":
                    assert len(row[0]) == 18
                    assert row[0][:3] == PREFIX[name]
                    assert row[0][15:] == checksum(row[0][:15])
                    seen.add(row[0])
            if header[0] == "Id":
                assert len(seen) == simulated[1]["files"][export.on.isoformat()][name]


def test_checksum_and_missing_ids() -> None:
    assert checksum("001A0000006Vm9r") == "IAC"
    assert checksum("0" * 15) == "AAA"  # the empty lookup of a weekly export
    assert one_id("User", 0)[15:] == "AAA"
    missing = ids("User", np.array([1, 2]), np.array([True, False]))
    assert missing.to_pylist() == [None, one_id("User", 2)]


def test_some_edits_fall_on_another_day_in_utc(export: Recount) -> None:
    shifted = [d for d in export.deals if export.local(d["CreatedDate"]).isoformat() != d["CreatedDate"][:10]]
    assert shifted


def test_calendar_matches_the_zone_and_the_fiscal_year() -> None:
    calendar = FirmCalendar(
        "America/New_York", 2, day_number(date(2024, 1, 1)), day_number(date(2026, 12, 31))
    )
    assert calendar.label(calendar.quarter_of(day_number(date(2026, 1, 31)))) == "2026-Q4"
    assert calendar.label(calendar.quarter_of(day_number(date(2026, 2, 1)))) == "2027-Q1"
    summer, winter = day_number(date(2026, 7, 1)), day_number(date(2026, 1, 5))
    assert calendar.utc_datetime(summer * DAY + 9 * 3_600).hour == 13
    assert calendar.utc_datetime(winter * DAY + 9 * 3_600).hour == 14
    assert int(calendar.utc(np.array([FAR]))[0]) == FAR


def test_parquet_holds_the_same_rows(tmp_path: Path) -> None:
    firm = FirmParameters().scaled(reps=5, opportunities=200)
    simulate(firm, tmp_path / "csv", 5)
    simulate(firm, tmp_path / "parquet", 5, file_format="parquet")
    rows = read(tmp_path / "csv" / "exports" / "2026-10-31", "Opportunity")
    table = pq.read_table(tmp_path / "parquet" / "exports" / "2026-10-31" / "Opportunity.parquet")
    assert table.column("Id").to_pylist() == [r["Id"] for r in rows]
    assert [str(v) if v is not None else "" for v in table.column("Amount").to_pylist()] == [
        r["Amount"] for r in rows
    ]


def test_behaviours_follow_their_parameters(tmp_path: Path) -> None:
    base = replace(
        FirmParameters().scaled(reps=20, opportunities=4_000), win_rate_shift=None, demand_shock=None
    )

    def quarter_end_share(pull: float) -> float:
        world = make_world(replace(base, quarter_end_pull=pull), 3)
        days = np.repeat(np.arange(world.first, world.last + 1), creation_days(world))
        now = state_at(make_deals(world, 0, days), world.last)
        won = now.close_day[now.won]
        left = world.calendar.quarter_end(world.calendar.quarter(won)) - won
        return float((left < 10).mean())

    assert quarter_end_share(0.6) > 2 * quarter_end_share(0.0)

    world = make_world(replace(base, ghost_share=0.2), 3)
    days = np.repeat(np.arange(world.first, world.last + 1), creation_days(world))
    deals = make_deals(world, 0, days)
    assert 0.13 < deals.ending.ghost.mean() < 0.27
    # In the long run only ghosts stay open.
    assert ((deals.stage.at(end_of(world.last + 4_000)) < WON) == deals.ending.ghost).mean() > 0.999
    assert (deals.stage.values == LOST).any()
