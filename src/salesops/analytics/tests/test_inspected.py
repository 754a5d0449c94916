"""Open deals under inspection against plain loops over small random logs: which deals each check finds, and sums."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest

from salesops.analytics.engine import inspected as engine
from salesops.analytics.engine import paces
from salesops.analytics.engine.case_inputs import frame
from salesops.analytics.engine.frames import DEALS
from salesops.analytics.tests import deals as d
from salesops.analytics.tests import events
from salesops.quality.engine.inspection import BY_NAME, CHECKS
from salesops.quality.engine.rules import RuleContext, both

EXECUTE = d.execute(d.connection())
FLOOR = events.FLOOR


def firm_of(seed: int) -> tuple[events.Firm, list[dict[str, Any]]]:
    """A random firm with next steps, leavers, states of activities, and contact roles."""
    firm, dice = events.make(seed, 60), events.random.Random(seed)
    for deal in firm.deals:
        deal["next_step"] = dice.choice(["call", " ", None, "meet"])
        deal["owner_active"] = dice.choice([True, True, True, False, None])
        deal["last_activity_on"] = dice.choice(
            [None, None, events.AS_OF - timedelta(days=dice.randrange(60)), events.AS_OF + timedelta(days=3)]
        )
        deal["amount_estimate"] = None if deal["amount"] else Decimal(dice.randrange(900))
    for deal in [x for x in firm.deals if x["stage_class"] == "open"][::6]:
        for n in range(dice.choice([2, 4, 5])):
            before, after = (date(2024, 1, 15) + timedelta(days=100 * (n + k)) for k in (0, 1))
            when = events.at(deal["created_on"], n + 1)
            change = events._change(deal["id"], "close_on", before.isoformat(), after.isoformat(), when)
            firm.changes.append(change)
    for act in firm.activities:
        act["status"] = dice.choice(["Completed", "Not Started", "CANCELED", "in progress", None, "No show"])
        if dice.random() < 0.2:
            act["happened_on"] = events.AS_OF + timedelta(days=dice.randrange(-3, 4))
    ids = [deal["id"] for deal in firm.deals]
    roles = [
        {"opportunity_id": dice.choice(ids), "contact_id": f"c{dice.randrange(40)}"} for _ in range(len(ids))
    ]
    return firm, [*roles, roles[0], {"opportunity_id": None, "contact_id": "c1"}]


def as_frames(firm: events.Firm, roles: list[dict[str, Any]]) -> tuple[Any, dict[str, Any]]:
    """Open deals as inspected, and the counted stays."""
    base = frame(firm.deals, DEALS)
    more = ibis.memtable(
        pa.table(
            {
                "more_id": [x["id"] for x in firm.deals],
                "owner_active": pa.array([x["owner_active"] for x in firm.deals], pa.bool_()),
            }
        )
    )
    deals = base.join(more, base.id == more.more_id).drop("more_id")
    over = events.journeys(firm, deals)
    stays = EXECUTE(paces.won_stays(over.visits(), ibis.literal(events.AS_OF, type="date"))).to_pylist()
    decided = EXECUTE(engine.counted_stays(engine.decided_stays(over.visits()))).to_pylist()
    acts = events._table(firm.activities, tuple(firm.activities[0]))
    rows = engine.inspected(
        deals.filter(deals.stage_class == "open"),
        events.AS_OF,
        stands=engine.since(over.visits()),
        usually=paces.usual(stays, FLOOR),
        moved=engine.pushes(over.close_moves(events.CALENDAR)),
        roles=engine.contacts(events._table(roles, ("opportunity_id", "contact_id"))),
        work=engine.worked(acts, lambda at: at.date(), events.AS_OF),
    )
    return rows, {"stays": stays, "decided": decided}


# --- The same by loops -----------------------------------------------------------------------------


def stays_by_hand(firm: events.Firm) -> list[dict[str, Any]]:
    """Every stay of a deal in an open stage, with the day it began and ended where they are known."""
    moves = [c for c in firm.changes if c["field"] == "stage"]
    log_start = min(c["valid_at"].date() for c in moves)
    found = []
    for deal in firm.deals:
        mine = sorted((c for c in moves if c["object_id"] == deal["id"]), key=lambda c: c["valid_at"])
        created = deal["created_on"]
        known = created if created >= log_start else None
        if mine:
            known = known if known and known <= mine[0]["valid_at"].date() else None
            path = [(mine[0]["old"], known), *((c["new"], c["valid_at"].date()) for c in mine)]
        elif deal["stage_class"] == "open":
            path = [(deal["stage"], known)]
        else:
            path = []
        for n, (stage, entered) in enumerate(path):
            if stage not in events.STAGES:
                continue
            last = n + 1 == len(path)
            left = deal["closed_on"] if last and deal["stage_class"] != "open" else None
            left = left if last else path[n + 1][1]
            days = (left - entered).days if left and entered and left >= entered else None
            found.append(
                {"deal": deal, "stage": stage, "entered": entered, "days": days, "now": last and left is None}
            )
    return found


def p90(days: list[int]) -> int | None:
    """The smallest number of days within which at least nine of ten stays ended."""
    if len(days) < FLOOR:
        return None
    return next(n for n in sorted(days) if 10 * sum(x <= n for x in days) >= 9 * len(days))


def quarter(day: date) -> int:
    return day.year * 4 + (day.month - 1) // 3


def found_by_hand(firm: events.Firm, roles: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Check -> ids of the open deals it is raised on."""
    today = events.AS_OF
    stays = stays_by_hand(firm)
    usual = {
        stage: p90(
            [
                s["days"]
                for s in stays
                if s["stage"] == stage and s["deal"]["stage_class"] == "won" and s["days"] is not None
            ]
        )
        for stage in events.STAGES
    }
    took = max(
        (x["closed_on"] - x["created_on"]).days
        for x in firm.deals
        if x["closed_on"] and x["stage_class"] in ("won", "lost")
    )
    found: dict[str, set[str]] = {check.name: set() for check in CHECKS}
    for deal in firm.deals:
        if deal["stage_class"] != "open":
            continue
        key, close = deal["id"], deal["expected_close_on"]
        now = [s for s in stays if s["deal"] is deal and s["now"]]
        limit = usual[deal["stage"]]
        entered = now[0]["entered"] if now else None
        pushed = 0
        for change in firm.changes:
            if change["object_id"] == key and change["field"] == "close_on":
                old, new = date.fromisoformat(change["old"]), date.fromisoformat(change["new"])
                pushed += quarter(new) > quarter(old)
        last = (
            [deal["last_activity_on"]]
            if deal["last_activity_on"] and deal["last_activity_on"] <= today
            else []
        )
        planned = bool(deal["last_activity_on"] and deal["last_activity_on"] > today)
        for act in firm.activities:
            day = act["happened_on"] or (act["starts_at"].date() if act["starts_at"] else None)
            if act["opportunity_id"] != key or act["is_automatic"] or day is None:
                continue
            if day > today:
                planned |= act["status"] not in ("CANCELED", "No show")
            elif act["status"] in ("Completed", "in progress", None):
                last.append(day)
        quiet = (today - max(last, default=deal["created_on"])).days
        raised = {
            "stalled": entered is not None and limit is not None and (today - entered).days > limit,
            "slipped": close < today or pushed > 0,
            "overdue": close < today,
            "pushed": pushed > 3,
            "no_close_date": close is None,
            "ghost": (today - deal["created_on"]).days > took,
            "quiet_14": not planned and quiet > 14,
            "quiet_30": not planned and quiet > 30,
            "no_next_step": not (deal["next_step"] or "").strip(),
            "single_threaded": len({r["contact_id"] for r in roles if r["opportunity_id"] == key}) < 2,
            "owner_left": deal["owner_active"] is False,
        }
        assert set(raised) == set(found)
        for name, hit in raised.items():
            if hit:
                found[name].add(key)
    return found


def context_of(firm: events.Firm) -> RuleContext:
    took = [(x["closed_on"] - x["created_on"]).days for x in firm.deals if x["closed_on"]]
    return RuleContext(events.AS_OF, max(took))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_check_finds_the_deals_of_the_loop_and_the_sums_are_those_of_the_deals(seed: int) -> None:
    firm, roles = firm_of(seed)
    rows, _ = as_frames(firm, roles)
    context = context_of(firm)
    flags = {
        c.name: (c.rule.applies(rows, context).fill_null(False), both(rows, c.rule, context)) for c in CHECKS
    }
    marked = rows.select("id", **{name: hit for name, (_, hit) in flags.items()})
    got = EXECUTE(marked).to_pylist()
    wanted = found_by_hand(firm, roles)
    assert {name: {r["id"] for r in got if r[name]} for name in flags} == wanted
    open_deals = {x["id"]: x for x in firm.deals if x["stage_class"] == "open"}
    assert {r["id"] for r in got} == set(open_deals)
    flagged = set().union(*wanted.values())
    wanted |= {"all": set(open_deals), "any": flagged, "healthy": set(open_deals) - flagged}
    groups = EXECUTE(engine.grouped(rows, flags, ("stage", "owner_name"))).to_pylist()
    for name, ids in wanted.items():
        deals = [open_deals[key] for key in ids]
        amounts = [x["amount"] for x in deals if x["amount"] is not None]
        assert sum(g[f"{name}_n"] for g in groups) == len(deals), name
        assert sum(g[f"{name}_known"] for g in groups) == len(amounts), name
        assert sum((g[f"{name}_amount"] or 0 for g in groups), Decimal(0)) == sum(amounts, Decimal(0)), name
        guesses = [x["amount_estimate"] for x in deals if x["amount"] is None]
        assert sum(g[f"{name}_estimated"] for g in groups) == len(guesses), name
        assert sum((g[f"{name}_estimate"] or 0 for g in groups), Decimal(0)) == sum(guesses, Decimal(0)), name
        by_group = {(g["stage"], g["owner_name"]): g[f"{name}_n"] for g in groups}
        for (stage, owner), n in by_group.items():
            assert n == sum(x["stage"] == stage and x["owner_name"] == owner for x in deals), (name, stage)


def test_the_firms_of_the_loop_have_something_of_nearly_everything() -> None:
    filled: set[str] = set()
    for seed in (1, 2, 3):
        filled |= {name for name, ids in found_by_hand(*firm_of(seed)).items() if ids}
    assert {check.name for check in CHECKS} - filled == {"no_close_date"}


@pytest.mark.parametrize("seed", [1, 2])
def test_paces_and_bands_are_those_of_the_loop(seed: int) -> None:
    firm, roles = firm_of(seed)
    _, counted = as_frames(firm, roles)
    stays = stays_by_hand(firm)
    got = paces.usual(counted["stays"], FLOOR)
    for stage in events.STAGES:
        won = [
            s["days"]
            for s in stays
            if s["stage"] == stage and s["deal"]["stage_class"] == "won" and s["days"] is not None
        ]
        pace = got.get(("", stage), paces.Usual(None, 0))
        assert (pace.days, pace.stays) == (p90(won), len(won)), stage
        whole: dict[str, list[Mapping[str, Any]]] = {}
        for stay in stays:
            if stay["stage"] == stage and stay["deal"]["stage_class"] in ("won", "lost"):
                whole.setdefault(stay["deal"]["id"], []).append(stay)
        lengths = [
            (sum(s["days"] for s in parts), parts[0]["deal"]["stage_class"])
            for parts in whole.values()
            if all(s["days"] is not None for s in parts)
        ]
        for band in engine.bands(counted["decided"], ("", stage)):
            inside = [o for n, o in lengths if n >= band.first and (band.last is None or n <= band.last)]
            assert (band.won, band.lost) == (inside.count("won"), inside.count("lost")), (stage, band)
            assert (band.interval is None) == (not inside)
            assert band.small == (len(inside) < paces.FLOOR)


def test_below_the_floor_there_is_no_pace() -> None:
    rows = [{"pipeline": "", "stage": "Demo", "days": n, "n": 1} for n in range(paces.FLOOR)]
    assert paces.usual(rows)["", "Demo"] == paces.Usual(17, 20)  # 18 of 20 within 0 to 17 days
    assert paces.usual(rows[1:])["", "Demo"] == paces.Usual(None, 19)
    assert paces.usual([]) == {}
    deals = ibis.memtable(
        {"pipeline": [None], "stage": ["Demo"]}, schema={"pipeline": "string", "stage": "string"}
    )
    limits = [
        EXECUTE(paces.with_limits(deals, paces.usual(given))).to_pylist()[0] for given in (rows, rows[1:])
    ]
    assert [(row["stage_limit"], row["stage_stays"]) for row in limits] == [(17, 20), (None, None)]


def test_without_tables_beside_the_deals_their_columns_are_empty() -> None:
    rows = engine.inspected(frame([{"id": "1", "stage": "Demo", "stage_class": "open"}], DEALS), events.AS_OF)
    assert EXECUTE(rows.select(*engine.ADDED)).to_pylist() == [dict.fromkeys(engine.ADDED)]


def test_four_fifths_of_the_public_export_s_open_pipeline_are_ghosts(shared_data: Path) -> None:
    """1,291 of 1,589 dated open deals are older than the longest closed deal took (138 days)."""
    folder = shared_data / "maven_crm"
    with (folder / "sales_pipeline.csv").open(encoding="utf-8", newline="") as file:
        pipeline = list(csv.DictReader(file))
    with (folder / "products.csv").open(encoding="utf-8", newline="") as file:
        prices = {row["product"]: Decimal(row["sales_price"]) for row in csv.DictReader(file)}
    prices["GTXPro"] = prices["GTX Pro"]
    today, classes = date(2017, 12, 31), {"Won": "won", "Lost": "lost"}

    def day(text: str) -> date | None:
        return date.fromisoformat(text) if text else None

    rows = [
        {
            "id": row["opportunity_id"],
            "stage": row["deal_stage"],
            "stage_class": classes.get(row["deal_stage"], "open"),
            "amount_estimate": prices[row["product"]],
            "created_on": day(row["engage_date"]),
            "closed_on": day(row["close_date"]),
        }
        for row in pipeline
    ]
    took = max((r["closed_on"] - r["created_on"]).days for r in rows if r["closed_on"])
    assert took == 138
    deals = frame([r for r in rows if r["stage_class"] == "open"], DEALS)
    context, rule = RuleContext(today, took), BY_NAME["ghost"].rule
    laid = engine.inspected(deals, today)
    flags = {"ghost": (rule.applies(laid, context).fill_null(False), both(laid, rule, context))}
    groups = EXECUTE(engine.grouped(laid, flags, ("stage",))).to_pylist()
    old = [
        r
        for r in rows
        if r["stage_class"] == "open" and r["created_on"] and (today - r["created_on"]).days > took
    ]
    found = {name: sum(g[name] or 0 for g in groups) for name in groups[0] if name != "stage"}
    assert (found["ghost_n"], found["ghost_judged"], found["all_n"]) == (1291, 1589, 2089)
    assert found["ghost_known"] == 0
    assert all(g["ghost_amount"] is None for g in groups)
    assert found["ghost_estimate"] == sum((r["amount_estimate"] for r in old), Decimal(0))
    assert found["healthy_n"] == 2089 - 1291
