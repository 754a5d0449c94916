"""Benchmarks: the arithmetic against Python's own, and the card against a plain loop over the deals."""

from __future__ import annotations

import re
import statistics
from datetime import date
from decimal import Decimal
from fractions import Fraction
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.analytics.engine.benchmark import benchmark
from salesops.analytics.tests import pipeline_firm as firm

VALUES = st.lists(st.decimals(-1000, 1000, places=2), min_size=3, max_size=12)


@given(VALUES, st.decimals(-1000, 1000, places=2))
def test_quartiles_are_those_of_the_standard_library(values: list[Decimal], own: Decimal) -> None:
    found = benchmark(own, [*values, None], "others")
    quarters = statistics.quantiles([Fraction(v) for v in values], n=4, method="inclusive")
    assert [found.low, found.median, found.high] == quarters
    assert (found.n, found.below, found.equal) == (
        len(values),
        sum(v < own for v in values),
        values.count(own),
    )


def test_too_few_others_say_nothing() -> None:
    found = benchmark(1, [1, None, 2], "teams")
    assert (found.median, found.reason) == (None, "only 2 teams have a value: 3 are needed")
    assert benchmark(None, [1, 2, 3], "teams").below == 0


def lines(page: str) -> dict[str, list[str]]:
    block = page.split('id="benchmarks-title"')[1].split("</section>")[0]
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", block, re.DOTALL)
    cells = [re.split(r"</t[hd]>", row) for row in rows]
    return {plain(row[0]): [plain(cell) for cell in row[1:-1]] for row in cells}


def plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.mark.django_db
def test_the_card_of_a_number() -> None:
    firm.load()
    client = firm.client()
    won = [d for d in firm.deals() if d["stage"] == "Closed Won" and d["close_on"] <= firm.DATA_DAY]

    def count(first: date, last: date) -> int:
        return sum(first <= d["close_on"] <= last for d in won)

    page = client.get("/numbers/won_deals/?period=2026-09").content.decode()
    found = lines(page)
    title = next(key for key in found if key.startswith("Own earlier"))
    own = count(date(2026, 9, 1), date(2026, 9, 30))
    before = [sum(date(2026, m, 1) <= d["close_on"] < date(2026, m + 1, 1) for d in won) for m in range(5, 9)]
    median = statistics.median(before)
    assert found[title][0] == f"{median:g}"
    assert found[title][2].startswith(f"above {sum(v < own for v in before)} of 4"), (
        "before May no deal is known"
    )
    assert "only 2 teams have a value: 3 are needed" in " ".join(found["Teams you see"])
    alone = lines(firm.client("rep", firm.OURS).get("/numbers/won_deals/?period=2026-09").content.decode())
    assert all(key.startswith("Own earlier") for key in alone)
