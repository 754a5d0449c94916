"""The worked example of docs/explanation/waterfall.md, imported and asked as anybody would."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from salesops.analytics.engine.filters import Filter
from salesops.analytics.engine.waterfall_bars import BARS
from salesops.analytics.tests import waterfall_firm as firm
from salesops.analytics.waterfalls import Asked, open_waterfall
from salesops.org import selectors as org
from salesops.org.services import organisation_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN

PAGE = Path(__file__).resolve().parents[4] / "docs" / "explanation" / "waterfall.md"
OWNERS = {"Ada": "u1", "Bo": "u2"}


def tables() -> list[list[dict[str, str]]]:
    """The tables of the example: deals in March, in June, and the bars."""
    text = PAGE.read_text(encoding="utf-8").partition("## Worked example")[2].partition("## Limits")[0]
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        head, _, *lines = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()
        ]
        found.append([dict(zip(head, line, strict=True)) for line in lines])
    return found


def records(rows: list[dict[str, str]]) -> list[dict[str, object]]:
    """Rows of the page as records of a file."""
    return [
        {
            "id": row["Deal"],
            "name": row["Deal"],
            "owner_id": OWNERS[row["Owner"]],
            "stage": row["Stage"],
            "amount": Decimal(row["Amount"]),
            "currency": row["Currency"],
            "created_on": date.fromisoformat(row["Created"]),
            "close_on": date.fromisoformat(row["Close date"]),
        }
        for row in rows
    ]


@pytest.mark.django_db
def test_the_page_s_bars_are_what_the_application_says() -> None:
    march, june, expected = tables()
    org._people_in_facts.cache_clear()
    organisation_decide(actor=ADMIN, values={"currency": "USD"})
    firm.bring(
        firm.MARCH, {"users": firm.USERS, "exchange_rates": firm.RATES, "opportunities": records(march)}
    )
    firm.bring(firm.JUNE, {"opportunities": records(june)})
    firm.decide_stages()
    try:
        asked = Asked(firm.MARCH, firm.JUNE, "2026-Q2", (Filter("team", "eq", ("North",)),))
        with open_waterfall(ADMIN, asked) as opened:
            found = opened.waterfall()
            deals = opened.last.facts.execute(
                opened.rows.select("name", "way_in", "way_out", "changed", "moved")
            )
    finally:
        org._people_in_facts.cache_clear()
    assert [row["Bar"] for row in expected] == [kind.title for kind in BARS]
    assert found.residual == 0
    for row, kind in zip(expected, BARS, strict=True):
        assert found.bars[kind.name].value == Decimal(row["Value"]), kind.name
        behind = {
            deal["name"]
            for deal in deals.to_pylist()
            if kind.name in (deal["way_in"], deal["way_out"])
            or (kind.name == "increased" and deal["changed"] > 0)
            or (kind.name == "decreased" and deal["changed"] < 0)
            or (kind.name == "currency" and deal["moved"] != 0)
        }
        assert behind == set(row["Deals"].split(", ")), kind.name
