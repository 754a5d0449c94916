"""The waterfall over imported files: every bar by hand, scopes that add up, what a manager sees of a transfer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from salesops.analytics.engine.filters import Filter
from salesops.analytics.selectors import Question, numbers
from salesops.analytics.tests import waterfall_firm as firm
from salesops.analytics.waterfalls import Asked, open_waterfall
from salesops.org import selectors as org
from salesops.permissions import services as permissions
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.signin import account_save

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
QUARTER = Asked(opening=firm.MARCH, closing=firm.JUNE)
NORTH, SOUTH = Filter("team", "eq", ("North",)), Filter("team", "eq", ("South",))


@pytest.fixture(scope="module", autouse=True)
def _firm(module_home: Path) -> Iterator[None]:
    firm.load()
    yield
    org._people_in_facts.cache_clear()


def bars(actor: Actor = ADMIN, **asked: Any) -> dict[str, tuple[Decimal | None, int, int]]:
    """Bar -> value, deals, unknown; those that hold anything."""
    with open_waterfall(actor, Asked(**({"opening": firm.MARCH, "closing": firm.JUNE} | asked))) as opened:
        found = opened.waterfall()
    assert found.residual == 0
    return {n: (b.value, b.deals, b.unknown) for n, b in found.bars.items() if b.deals}


def names(bar: str, actor: Actor = ADMIN, **asked: Any) -> dict[str, Decimal | None]:
    """Deal -> what it adds to a bar."""
    with open_waterfall(actor, Asked(**({"opening": firm.MARCH, "closing": firm.JUNE} | asked))) as opened:
        return {row["name"]: row["contribution"] for row in opened.page(bar, 1, 500)}


def d(value: str) -> Decimal:
    return Decimal(value)


def test_every_open_deal_of_the_firm() -> None:
    assert bars() == {
        # 1000 + 500 + 800 + 700 + 600 + 1100 + 400 + 500 + unknown + 220
        "opening": (d("5820"), 10, 1),
        "new": (d("1040"), 3, 0),  # 250, 150 lost, 640 won
        "reopened": (d("300"), 1, 0),
        "increased": (d("880"), 4, 1),  # 200, 50, Fir 300, Larch 330 that was unknown
        "decreased": (d("270"), 2, 1),  # Birch 50, Maple 220 that no longer is known
        "currency": (d("100"), 1, 0),
        "won": (d("1990"), 3, 0),  # 450 + 900 + 640
        "lost": (d("950"), 2, 0),
        "removed": (d("400"), 1, 0),
        "closing": (d("4530"), 8, 1),
    }

    # Both ends, and what was won, are the numbers of their days.
    whole = bars()
    for day, bar in ((firm.MARCH, "opening"), (firm.JUNE, "closing")):
        answer = numbers(ADMIN, ["open_pipeline", "open_deals"], Question(as_of=day))
        value, deals, _ = whole[bar]
        assert [v.value for v in answer.values] == [value, deals]
    won = numbers(ADMIN, ["won_value"], Question(first=date(2026, 4, 1), last=firm.JUNE)).values[0].value
    assert whole["won"][0] == won


def test_the_pipeline_of_a_quarter_and_that_quarters_add_up_to_every_open_deal() -> None:
    found = bars(close="2026-Q2")
    assert found["opening"] == (d("5320"), 9, 1)
    assert names("pulled_in", close="2026-Q2") == {"Kapok": d("500")}
    assert names("pushed_out", close="2026-Q2") == {"Alder": d("1000")}
    assert found["closing"] == (d("3330"), 7, 1)
    parts = [bars(close=close) for close in ("2026-01-01..2026-06-30", "2026-07-01..2027-12-31")]
    whole = bars()
    for bar in ("opening", "new", "reopened", "won", "lost", "removed", "closing"):
        assert sum(p.get(bar, (d("0"),))[0] or 0 for p in parts) == whole[bar][0], bar
    moved = [(p.get("pulled_in", (d("0"),))[0], p.get("pushed_out", (d("0"),))[0]) for p in parts]
    assert sum(i for i, _ in moved) == sum(o for _, o in moved) == 1500


def test_teams_add_up_and_what_one_hands_over_the_other_takes() -> None:
    north, south, whole = bars(filters=(NORTH,)), bars(filters=(SOUTH,)), bars()
    assert (
        names("transferred_out", filters=(NORTH,))
        == names("transferred_in", filters=(SOUTH,))
        == {"Fir": d("600")}
    )
    assert (
        names("transferred_in", filters=(NORTH,))
        == names("transferred_out", filters=(SOUTH,))
        == {"Elm": d("700")}
    )
    # Bo won what Ada handed him: it is his, with the increase since.
    assert (south["won"], south["increased"]) == ((d("900"), 1, 0), (d("300"), 1, 0))
    for bar in ("opening", "new", "reopened", "increased", "decreased", "won", "lost", "removed", "closing"):
        assert (north.get(bar, (d("0"),))[0] or 0) + (south.get(bar, (d("0"),))[0] or 0) == whole[bar][0], bar


def test_another_currency_is_told_at_the_rates_of_each_day_and_what_can_not_be_met_is_refused() -> None:
    found = bars(currency="EUR")
    # At the opening one dollar is 1/1.10 euros, at the closing 1/1.20: the euro deal alone does not move.
    assert found["opening"][0] == sum(
        (Decimal(v) / d("1.1")).quantize(d("0.0001")) for v in (1000, 500, 800, 700, 600, 400, 500, 220)
    ) + Decimal(1000)
    assert "Ginkgo" not in names("currency", currency="EUR")
    assert names("currency", currency="EUR")["Elm"] == (700 / d("1.2")).quantize(d("0.0001")) - (
        700 / d("1.1")
    ).quantize(d("0.0001"))
    with pytest.raises(ValueError, match="can't be told in 'CHF'"):
        bars(currency="CHF")
    for asked, said in (
        ({"closing": date(2027, 1, 1)}, "The data ends on 2026-06-30"),
        ({"opening": firm.JUNE, "closing": firm.MARCH}, "opens on 2026-06-30, after it closes"),
        ({"close": "nonsense"}, "nonsense"),
        ({"filters": (Filter("no_such", "eq", ("x",)),)}, "no column"),
    ):
        with pytest.raises(ValueError, match=said):
            bars(**asked)
    with open_waterfall(ADMIN, Asked()) as opened:
        assert (opened.opening, opened.closing) == (date(2026, 3, 31), firm.JUNE)
        with pytest.raises(LookupError, match="There is no bar"):
            opened.page("nothing", 1, 10)
    before_all = bars(opening=date(2020, 1, 1))
    assert "opening" not in before_all
    assert before_all["closing"] == (d("4530"), 8, 1)


def person(person_id: str, role: str) -> Actor:
    """The actor of an account that stands for a person."""
    return actor_of(account_save(actor=ADMIN, username=f"{role}-{person_id}", role=role, person_id=person_id))


def test_a_manager_sees_a_deal_leave_and_nothing_of_what_became_of_it() -> None:
    mia, max_ = person("m1", "sales_manager"), person("m2", "sales_manager")
    assert names("transferred_out", mia) == {"Fir": d("600")}
    with open_waterfall(mia, QUARTER) as opened:
        row = opened.page("transferred_out", 1, 10)[0]
    assert (row["last_owner"], row["last_stage"], row["last_amount"], row["last_close_on"]) == (None,) * 4
    assert (row["first_owner"], row["first_amount"]) == ("Ada Ash", d("600"))
    assert bars(mia) == bars(filters=(NORTH,))
    # Who took it sees what it was worth before it was his, as its history shows him.
    assert names("transferred_in", max_) == {"Fir": d("600")}
    assert bars(max_) == bars(filters=(SOUTH,))
    # With hidden amounts there is no bar at all.
    permissions.mask_decide(
        actor=ADMIN, name="pay", columns=["opportunities.amount"], roles=["sales_manager"], reason="pay"
    )
    with open_waterfall(mia, QUARTER) as opened:
        assert "masked for your role" in opened.reason
        assert opened.waterfall().is_empty
        assert opened.page("won", 1, 10) == []
