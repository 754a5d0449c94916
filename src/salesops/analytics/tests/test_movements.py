"""What moved: the page against periods counted one by one; what it judges and what it leaves alone."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.noise import judge_numbers, judge_shares
from salesops.analytics.movements import judged, movements
from salesops.analytics.selectors import Question, ask
from salesops.analytics.selectors import catalogue as every
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.models import Role
from salesops.platform.tests.roles import client_of, load_facts

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(facts_home: Any) -> list[dict[str, Any]]:
    """Fourteen months of deals; in the last whole one nearly everything is lost, and far more is created."""
    dice, made = random.Random(5), []
    for month in range(14):
        first = date(2025 + month // 12, month % 12 + 1, 1)
        last = month == 12
        for n in range(70 if last else 18 + dice.randrange(6)):
            day = first + timedelta(days=dice.randrange(26))
            won = dice.random() < (0.1 if last else 0.6)
            made.append(
                {
                    "id": f"{month}-{n}",
                    "stage": "Closed Won" if won else "Closed Lost",
                    "created_on": day,
                    "close_on": day + timedelta(days=dice.randrange(3)),
                    "amount": Decimal(dice.randrange(900, 1100)),
                }
            )
    load_facts({"opportunities": made}, date(2026, 2, 20))
    return made


def test_periods_are_those_counted_one_by_one(rows: list[dict[str, Any]]) -> None:
    with ask(ADMIN, Question()) as asked:
        found = movements(asked, every(), "month")
    assert found.period is not None
    assert (found.period.first, found.period.last) == (date(2026, 1, 1), date(2026, 1, 31))
    moved = {m.kpi.name: m for m in found.numbers}
    assert set(moved) == {kpi.name for kpi in every() if judged(kpi)} & set(moved)
    months = [(date(2025 + m // 12, m % 12 + 1, 1)) for m in range(13)]
    if min(row["created_on"] for row in rows) > months[0]:
        months = months[1:]

    def within(column: str, first: date, stage: str) -> int:
        return sum(
            (row[column].year, row[column].month) == (first.year, first.month) and stage in row["stage"]
            for row in rows
        )

    created = [within("created_on", first, "Closed") for first in months]
    counts = [(within("close_on", f, "Won"), within("close_on", f, "Closed")) for f in months]
    assert moved["deals_created"].movement == judge_numbers(created)
    assert moved["win_rate_count"].movement == judge_shares(counts)
    assert moved["deals_created"].movement.verdict == "up"
    assert moved["win_rate_count"].movement.verdict == "down"
    assert moved["average_deal_size"].movement.verdict == "noise"
    assert [m.movement.verdict for m in found.numbers][-1] == "unknown"


def test_only_numbers_that_stay_as_they_were_are_judged() -> None:
    kpis = catalogue()
    assert all(
        judged(kpis[n]) for n in ("won_value", "win_rate_count", "time_in_stage", "leads_created", "calls")
    )
    for name in (
        "close_rate",
        "stage_conversion",
        "lead_to_won",
        "open_pipeline",
        "coverage",
        "sales_velocity",
        "cac",
    ):
        assert not judged(kpis[name]), name


def test_the_page_lists_what_moved_first(rows: list[dict[str, Any]]) -> None:
    page = client_of(Role.SALES_MANAGER).get(reverse("moved")).content.decode()
    assert "/numbers/win_rate_count/" not in page, "a manager without deals of his own sees none"
    page = client_of(Role.OPS_ANALYST).get(reverse("moved")).content.decode()
    first = page[page.index("Moved beyond noise") : page.index('aria-label="Within noise"')]
    assert "/numbers/win_rate_count/" in first
    assert "fell" in first
    assert "/numbers/average_deal_size/" not in first
    assert client_of(Role.OPS_ANALYST).get(reverse("moved"), {"every": "blue moon"}).status_code == 400
    book = client_of(Role.OPS_ANALYST).get(reverse("moved"), {"freeze": "csv"})
    assert b"Win rate" in b"".join(book.streaming_content)
