"""Stated and actual win shares: against a plain loop over both days, for each reader his deals."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.http import QueryDict

from salesops.analytics.addresses import AddressError, read
from salesops.analytics.calibrations import Calibration, calibration
from salesops.analytics.selectors import ask
from salesops.analytics.tests.pipeline_firm import body, client
from salesops.analytics.tests.waterfall_firm import bring
from salesops.org import selectors as org
from salesops.permissions.services import mask_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor

pytestmark = pytest.mark.django_db
THEN, NOW = date(2026, 6, 30), date(2026, 9, 30)
USERS = [{"id": "u1", "name": "Ann", "team": "North"}, {"id": "u2", "name": "Bo", "team": "South"}]
STATED = (Decimal("0.9"), Decimal("0.1"), Decimal("0.25"), Decimal("0.29"), Decimal(1), None)


def deals(day: date) -> list[dict[str, Any]]:
    """240 deals; in June two thirds are open, in September a third of those are still."""
    made = []
    for n in range(240):
        open_then, open_now = n % 3 != 0, n % 9 in (1, 5)
        won = (n * 7) % 10 < 4
        is_open = open_then if day == THEN else open_now
        closed = THEN - timedelta(days=9) if not open_then else NOW - timedelta(days=n % 60)
        made.append(
            {
                "id": f"D{n:03}",
                "name": f"Deal {n}",
                "owner_id": "u1" if n % 4 else "u2",
                "stage": "Proposal" if is_open else "Closed Won" if won else "Closed Lost",
                "probability": STATED[n % 6] if is_open else Decimal(int(won)),
                "created_on": date(2026, 1, 5),
                "close_on": NOW + timedelta(days=30) if is_open else closed,
            }
        )
    return made


@pytest.fixture(autouse=True)
def _loaded() -> None:
    org._people_in_facts.cache_clear()
    for day in (THEN, NOW):
        bring(day, {"users": USERS, "opportunities": deals(day)})


def told(actor: Actor = ADMIN, by: str = "probability", query: str = "", on: date = THEN) -> Calibration:
    address = read(QueryDict(query), default="all")
    with ask(actor, address.question()) as asked:
        return calibration(actor, asked, address, on, by)


def pairs() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [
        (a, b) for a, b in zip(deals(THEN), deals(NOW), strict=True) if not a["stage"].startswith("Closed")
    ]


def test_it_is_what_a_plain_loop_counts() -> None:
    found = told()
    bands = {"10": ["0.1"], "20": ["0.25", "0.29"], "90": ["0.9", "1"], None: [None]}
    assert [one.group for one in found.groups] == [b for b in bands if any(
        (None if a["probability"] is None else str(a["probability"])) in bands[b] for a, _ in pairs()
    )]  # fmt: skip
    squares, distance, known = Fraction(0), Fraction(0), 0
    for one in found.groups:
        own = [
            (a, b)
            for a, b in pairs()
            if (None if a["probability"] is None else str(a["probability"])) in bands[one.group]
        ]
        decided = [(a, b) for a, b in own if b["stage"].startswith("Closed")]
        won = [a for a, b in decided if b["stage"] == "Closed Won"]
        assert (one.open_then, one.decided, one.won) == (len(own), len(decided), len(won))
        if one.group is None:
            assert (one.said, one.verdict) == (None, "unknown")
            continue
        stated = sum(Fraction(a["probability"]) for a, _ in decided)
        assert one.said == stated / len(decided)
        distance += abs(stated - len(won))
        known += len(decided)
        squares += sum((Fraction(a["probability"]) - (b["stage"] == "Closed Won")) ** 2 for a, b in decided)
    assert found.error.mean == distance / known
    assert found.error.brier == squares / known
    assert found.total is not None
    assert found.total.open_then == len(pairs())
    verdicts = {one.group: one.verdict for one in found.groups}
    assert verdicts["90"] == "too high"
    assert verdicts["10"] == "too low"


def test_everybody_has_his_own_deals() -> None:
    rep = Actor(name="bo", role="rep", person_id="u2")
    own = sum(a["owner_id"] == "u2" for a, _ in pairs())
    found = told(rep, "stage")
    assert found.total is not None
    assert found.total.open_then == own
    north = told(query="team=team:North")
    assert north.total is not None
    assert north.total.open_then == len(pairs()) - own


def test_the_page_the_file_and_what_is_hidden() -> None:
    browser = client()
    page = browser.get(f"/calibration/?on={THEN}").content.decode()
    assert "deals open on Jun 30, 2026" in page
    assert "stated too high" in page
    rows = list(
        csv.DictReader(
            io.StringIO(body(browser.get(f"/calibration/?on={THEN}&by=team&freeze=csv")).decode("utf-8-sig"))
        )
    )
    assert [row["Team"] for row in rows] == ["North", "South", "All together"]
    mask_decide(
        actor=ADMIN, name="p", columns=["opportunities.probability"], roles=["ops_analyst"], reason="test"
    )
    page = browser.get(f"/calibration/?on={THEN}").content.decode()
    assert "hidden from your role: probability" in page
    assert "stated too high" not in page


@pytest.mark.parametrize(
    "query, said",
    [
        ("by=password", "There is no grouping"),
        ("on=2026-10-01", "Choose a day before"),
        ("on=yesterday", "Write the day as"),
        ("filter=amount", "is no filter"),
    ],
)
def test_an_address_that_can_not_be_read_is_refused(query: str, said: str) -> None:
    answer = client().get(f"/calibration/?{query}")
    assert answer.status_code == 400
    assert said in answer.content.decode()


def test_a_day_before_all_data_says_so() -> None:
    found = told(on=date(2025, 1, 1))
    assert found.reason == "no deal that you see was open on that day"
    with pytest.raises(AddressError):
        told(on=NOW)
