"""The waterfall at every door: page, deals, files, REST and command line say the same; the sentence is true."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from salesops.analytics.engine.waterfall_bars import BARS, BY_NAME, result, rounded
from salesops.analytics.tests import waterfall_firm as firm
from salesops.analytics.waterfall_parts import reading
from salesops.org import selectors as org
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import actor_of
from salesops.platform.signin import account_save, token_create
from salesops.project.cli import main
from salesops.ui.formats import Unit

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
DAYS = "from=2026-03-31&to=2026-06-30"


@pytest.fixture(scope="module", autouse=True)
def _firm(module_home: Path) -> Iterator[None]:
    firm.load()
    yield
    org._people_in_facts.cache_clear()


def client(role: str = "ops_analyst", person_id: str = "") -> Client:
    user = account_save(actor=ADMIN, username=f"{role}-{person_id}", role=role, person_id=person_id)
    made = Client()
    made.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return made


def cells(text: str) -> list[list[str]]:
    """Table rows of a page as text."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text, re.DOTALL)
    return [
        [
            " ".join(re.sub(r"<[^>]+>", " ", c).split())
            for c in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", r, re.DOTALL)
        ]
        for r in rows
    ]


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_page_file_rest_and_command_line_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    browser = client()
    answer = browser.get(f"/waterfall/?{DAYS}")
    assert answer.status_code == 200
    text = answer.content.decode()
    user = account_save(actor=ADMIN, username="programme", role="ops_analyst")
    _, secret = token_create(actor=actor_of(user), user=user, name="t", scopes=["numbers.read"])
    headers = {"Authorization": f"Bearer {secret}"}
    told = json.loads(Client().get(f"/api/v1/waterfall?{DAYS}", headers=headers).content, parse_float=Decimal)
    values = {bar["title"]: Decimal(str(bar["value"])) for bar in told["bars"]}
    assert (values["Opening"], values["Closing"], told["residual"]) == (Decimal(5820), Decimal(4530), 0)
    shown = {
        row[0]: Decimal(row[1].replace("$", "").replace(",", ""))
        for row in cells(text)
        if row and row[0] in values
    }
    signs = {kind.title: 1 if kind.role == "end" else kind.sign for kind in BARS}
    assert shown == {title: signs[title] * value for title, value in values.items() if value}
    assert told["reading"] in text
    file = list(
        csv.DictReader(io.StringIO(body(browser.get(f"/waterfall/?{DAYS}&freeze=csv")).decode("utf-8-sig")))
    )
    assert {row["Bar"]: Decimal(row["Value (USD)"]) for row in file} == values
    assert sum(Decimal(row["Adds to the closing (USD)"] or 0) for row in file) == values["Closing"]
    assert main(["waterfall", "--from", "2026-03-31", "--to", "2026-06-30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out, parse_float=Decimal)["bars"] == told["bars"]
    assert main(["waterfall", "--from", "2026-03-31", "--deals", "won"]) == 0
    assert re.search(r"- Won +1,990.00 USD  3 deals\n.*Fir +900", capsys.readouterr().out, re.DOTALL)
    for bar in (BY_NAME[name] for name in ("decreased", "won")):
        deals = json.loads(
            Client().get(f"/api/v1/waterfall/{bar.name}/deals?{DAYS}", headers=headers).content,
            parse_float=Decimal,
        )
        listed = sum((Decimal(str(row["contribution"] or 0)) for row in deals["rows"]), Decimal(0))
        assert (listed, deals["total"]) == (values[bar.title], len(deals["rows"])), bar.name
        page = browser.get(f"/waterfall/{bar.name}/?{DAYS}")
        assert page.status_code == 200
        assert all(row["name"] in page.content.decode() for row in deals["rows"])
        rows = list(
            csv.DictReader(
                io.StringIO(
                    body(browser.get(f"/waterfall/{bar.name}/?{DAYS}&freeze=csv")).decode("utf-8-sig")
                )
            )
        )
        assert sum(Decimal(row["Adds (USD)"] or 0) for row in rows) == values[bar.title], bar.name
    wrong = browser.get("/waterfall/?from=yesterday")
    assert (wrong.status_code, b"Write the day as" in wrong.content) == (400, True)
    assert browser.get("/waterfall/?to=2030-01-01").status_code == 400
    assert browser.get(f"/waterfall/?{DAYS}&currency=CHF").status_code == 400
    assert browser.get("/waterfall/nothing/").status_code == 404


def test_a_manager_s_page_shows_no_trace_of_what_became_of_a_deal_handed_over() -> None:
    browser = client("sales_manager", "m1")
    text = browser.get(f"/waterfall/transferred_out/?{DAYS}").content.decode()
    assert "Fir" in text
    assert "$600" in text
    assert "Bo Beech" not in text
    assert "$900" not in text
    link = re.search(r'href="(/pipeline/D06/[^"]*)"', text)
    assert link is not None
    assert browser.get(link.group(1).replace("&amp;", "&")).status_code == 200
    assert browser.get("/pipeline/D06/").status_code == 404


def row(way_in: str, way_out: str, **values: Any) -> dict[str, Any]:
    """One row of what the engine adds up."""
    amounts = ("entered", "left", "increased", "decreased", "currency", "opening", "closing")
    counts = (
        "entered_known",
        "left_known",
        "increased_deals",
        "increased_unknown",
        "decreased_deals",
        "decreased_unknown",
        "currency_deals",
    )
    base = dict.fromkeys(amounts) | dict.fromkeys(counts, 0)
    return (
        base
        | {"way_in": way_in, "way_out": way_out, "deals": 1}
        | {k: Decimal(v) if k in amounts else v for k, v in values.items()}
    )


def test_the_sentence_says_what_the_bars_say() -> None:
    unit = Unit("money", "USD")
    found = result(
        [
            row(
                "opening",
                "closing",
                entered="100",
                entered_known=1,
                left="130",
                left_known=1,
                opening="100",
                closing="130",
                increased="20",
                increased_deals=1,
                currency="10",
                currency_deals=1,
            ),
            row("new", "won", entered="50", entered_known=1, left="50", left_known=1),
            row("opening", "lost", entered="70", entered_known=1, left="70", left_known=1, opening="70"),
        ]
    )
    assert found.residual == 0
    assert reading(found, unit, "A", "B") == (
        "The pipeline went from $170 at the end of A to $130 at the end of B, $40 less: $50 came in and $120 left "
        "($50 won, $70 lost); amounts rose by $20; exchange rates added $10."
    )
    assert (
        reading(result([]), unit, "A", "B") == "There is nothing to show for this period and these filters."
    )
    unknown = result([row("opening", "closing")])
    assert unknown.bars["opening"].value is None
    assert reading(unknown, unit, "A", "B").startswith(
        "The pipeline went from no known amount at the end of A"
    )
    assert unknown.notes == (
        "1 deal has no known amount at the opening: counted, adding nothing.",
        "1 deal has no known amount at the closing: counted, adding nothing.",
    )


def test_rounded_bars_add_up_too() -> None:
    found = result(
        [
            row(
                "opening",
                "closing",
                entered="1.0049",
                entered_known=1,
                left="2.0098",
                left_known=1,
                opening="1.0049",
                closing="2.0098",
                increased="1.0000",
                increased_deals=1,
                currency="0.0049",
                currency_deals=1,
            ),
        ]
    )
    assert found.residual == 0
    values = rounded(found, 2)
    assert (values["opening"], values["closing"], values["currency"]) == (
        Decimal("1.00"),
        Decimal("2.01"),
        Decimal("0.01"),
    )
    assert sum(kind.sign * (values[kind.name] or 0) for kind in BARS) == 0
