"""Reps at quota, now and a year before: each change against a plain loop, under the rights of now, and masked."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict

from salesops.analytics import outcome_parts as parts
from salesops.analytics.addresses import read
from salesops.analytics.outcomes import Outcomes, RepLine, outcomes
from salesops.org import selectors as org
from salesops.org.services import organisation_decide, positions_decide
from salesops.permissions.services import mask_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor
from salesops.platform.tests.roles import load_facts
from salesops.quotas.services import quotas_decide

pytestmark = pytest.mark.django_db

THEN, NOW = "2025-Q2", "2026-Q2"
SIDES = (THEN, NOW)
MOVED = date(2026, 1, 1)
"""Since then the people of OUT and IN have another manager and another team."""
OUT, IN = ("r2", "r6"), ("r3", "r7")
WON: dict[str, tuple[int, int]] = {
    "r1": (80, 120), "r2": (120, 80), "r3": (100, 100), "r4": (10, 99), "r5": (70, 130), "r6": (70, 30),
    "r7": (150, 60), "r8": (90, 100),
}  # fmt: skip
"""Rep -> won in the quarter then and now."""
QUOTA: dict[str, tuple[int, int]] = {
    "r1": (100, 100), "r2": (100, 100), "r3": (100, 100), "r4": (100, 100), "r5": (0, 100), "r6": (0, 100),
    "r7": (100, 0), "r8": (90, 120),
}  # fmt: skip
"""Rep -> quota then and now; 0 for none."""
MANAGER = Actor(name="max", role="sales_manager", person_id="m1")


@pytest.fixture(autouse=True)
def _loaded() -> None:
    org._people_in_facts.cache_clear()
    people: list[dict[str, Any]] = [
        {"id": rep, "name": f"Rep {rep}", "manager_id": "m2" if rep in IN else "m1",
         "team": "South" if rep in IN else "North"}
        for rep in WON
    ]  # fmt: skip
    people += [{"id": f"m{n}", "name": f"Manager {n}", "manager_id": None, "team": "Lead"} for n in (1, 2)]
    deals = [
        {"id": f"{rep}-{year}", "name": f"{rep} {year}", "owner_id": rep, "stage": "Closed Won",
         "amount": Decimal(won), "created_on": date(year, 1, 5), "close_on": date(year, 5, 20)}
        for rep, sides in WON.items()
        for year, won in zip((2025, 2026), sides, strict=True)
    ]  # fmt: skip
    load_facts({"users": people, "opportunities": deals}, data_on=date(2026, 8, 20))
    organisation_decide(actor=ADMIN, values={"currency": "USD"})
    moved = [{"person": r, "manager": "m2", "team": "South"} for r in OUT]
    moved += [{"person": r, "manager": "m1", "team": "North"} for r in IN]
    positions_decide(actor=ADMIN, rows=moved, starts_on=MOVED)
    rows = [
        {"person": rep, "period": period, "amount": str(amount)}
        for rep, sides in QUOTA.items()
        for period, amount in zip(SIDES, sides, strict=True)
        if amount
    ]
    quotas_decide(actor=ADMIN, rows=rows, reason="plan")


def told(actor: Actor = ADMIN, query: str = f"period={NOW}") -> Outcomes:
    return outcomes(actor, read(QueryDict(query), default="quarter"), "year")


def shown(found: Outcomes) -> dict[str, RepLine]:
    return {rep.owner_id: rep for rep in found.reps}


def side(rep: str, n: int) -> tuple[Decimal, Decimal] | None:
    """Won and quota of a rep then (0) or now (1), by hand."""
    return (Decimal(WON[rep][n]), Decimal(QUOTA[rep][n])) if QUOTA[rep][n] else None


def change(rep: str) -> str:
    """What changed of a rep, by hand."""
    at = [won >= quota if quota else None for won, quota in zip(WON[rep], QUOTA[rep], strict=True)]
    table = {
        (True, True): "still_at", (True, False): "lost", (False, True): "reached", (False, False): "still_below",
        (None, True): "joined_at", (None, False): "joined_below",
    }  # fmt: skip
    return "gone" if at[1] is None else table[at[0], at[1]]


def test_each_change_of_a_rep_is_that_of_a_loop() -> None:
    found = told()
    reps = shown(found)
    assert reps.keys() == WON.keys()
    for rep, one in reps.items():
        assert (one.then, one.now) == (side(rep, 0), side(rep, 1))
        assert one.change == change(rep)
    assert {one.change for one in found.reps} == {
        "reached", "lost", "still_at", "still_below", "joined_at", "joined_below", "gone",
    }  # fmt: skip
    (line,) = [one for one in found.lines if one.kpi and one.kpi.name == "quota_participation"]
    for figure, n in ((line.then, 0), (line.now, 1)):
        carriers = [rep for rep in WON if QUOTA[rep][n]]
        at = [rep for rep in carriers if WON[rep][n] >= QUOTA[rep][n]]
        assert figure.value is not None
        assert abs(Decimal(figure.value) * len(carriers) - len(at)) < Decimal("1e-9")
        assert line.rows[1 - n] == len(carriers)


def test_a_manager_whose_team_changed_compares_the_people_of_now() -> None:
    """Of OUT he sees nothing on either side, of IN both sides, whoever managed them then."""
    found = told(MANAGER)
    reps = shown(found)
    mine = WON.keys() - set(OUT)
    assert reps.keys() == mine
    for rep, one in reps.items():
        assert (one.then, one.now, one.change) == (side(rep, 0), side(rep, 1), change(rep))
    (won,) = [one for one in found.lines if one.kpi and one.kpi.name == "won_value"]
    assert (won.then.value, won.now.value) == tuple(sum(WON[rep][n] for rep in mine) for n in (0, 1))
    assert won.rows == (len(mine), len(mine))


def test_of_whom_the_filter_leaves_out_on_one_side_nothing_is_said() -> None:
    reps = shown(told(query=f"period={NOW}&team=team:North"))
    assert reps["r3"].change == "at", "of another team then"
    assert (reps["r2"].change, reps["r2"].now) == ("unseen", None), "of another team now"
    assert "r6" not in reps, "of another team now, without a quota then"
    assert reps["r5"].change == "joined_at", "of this team on both days, without a quota then"
    assert "r7" not in reps, "of another team then, without a quota now"
    words = {key: parts.rep_row(one)["words"] for key, one in reps.items()}
    assert all("can't be told" in words[key] for key in ("r2", "r3"))
    early = shown(told(query="period=2025-Q2"))
    assert {one.change for one in early.values()} == {"at", "below"}, "nothing is known of the year before"
    assert RepLine("x", "X", (Decimal(1), Decimal(2)), None, then_known=False).change == "below"


def test_of_hidden_amounts_no_rep_is_told() -> None:
    mask_decide(actor=ADMIN, name="rule", columns=("amounts",), roles=("ops_analyst",), reason="test")
    found = told(Actor(name="ana", role="ops_analyst"))
    assert found.reps == ()
    assert "masked for your role" in found.reps_reason
    for line in found.lines:
        if line.kpi and line.kpi.name in ("won_value", "quota_participation", "quota_attainment"):
            assert (line.now.value, line.then.value, line.better) == (None, None, "unknown")
            assert "masked for your role" in line.now.reason
