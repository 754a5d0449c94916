"""Looking back: at every door an earlier day is seen under the rights of now, with the owners and labels of then."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from salesops.analytics.tests.waterfall_firm import MARCH, bring, decide_stages
from salesops.analytics.waterfalls import Asked, open_waterfall
from salesops.ask.tools import Reader, metric, query
from salesops.crm.services import amount_rule_decide
from salesops.org import selectors as org
from salesops.org.services import organisation_decide, positions_decide
from salesops.permissions import inputs
from salesops.permissions.services import mask_decide, overlay_decide, visibility_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor, actor_of
from salesops.platform.signin import account_save, token_create
from salesops.platform.store import fact_store
from salesops.process.inputs import open_frames

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True

MOVED, JUNE = date(2026, 5, 1), date(2026, 6, 30)
COMING = date(2026, 8, 1)
"""A day after that of the data."""
THEN = date(2026, 4, 15)
OWNERS = {"u1": "Ada Ash", "u2": "Bo Beech", "u3": "Cy Clay"}
LEADERS = {"m1": "Mia Moor", "m2": "Max Marsh"}
LED: dict[date, dict[str, str]] = {
    date.min: {"u1": "m1", "u2": "m2", "u3": "m1"},
    MOVED: {"u1": "m2", "u2": "m1", "u3": "m1"},
    COMING: {"u1": "m2", "u2": "m1", "u3": "m2"},
}
"""From a day on: person -> manager."""
TEAMS = {"m1": "North", "m2": "South"}
DEALS: dict[str, tuple[str, str, int, str]] = {
    "Alder": ("u1", "Talks", 1, "u1 Talks 1"),
    "Birch": ("u1", "Talks", 2, "u1 Won 2"),
    "Cedar": ("u2", "Talks", 4, "u2 Talks 4"),
    "Dogwood": ("u2", "Talks", 8, "u2 Lost 8"),
    "Elm": ("u3", "Talks", 16, "u3 Talks 16"),
    "Fir": ("u3", "Talks", 32, "u1 Won 77"),
    "Ginkgo": ("u1", "Talks", 64, "u3 Talks 64"),
}
"""Deal -> owner, stage and amount in March; owner, stage and amount in June."""


def amount(*names: str) -> Decimal:
    """What deals were worth in March."""
    return Decimal(sum(DEALS[name][2] for name in names))


def led_by(manager: str, day: date = JUNE) -> set[str]:
    """Whom a manager leads on a day, by hand."""
    led = LED[max(start for start in LED if start <= day)]
    return {manager} | {person for person, leader in led.items() if leader == manager}


def seen_then(manager: str) -> set[str]:
    """The open deals of then that a manager may see now, by hand."""
    return {name for name, deal in DEALS.items() if deal[0] in led_by(manager)}


@pytest.fixture(scope="module", autouse=True)
def _firm(module_home: Path) -> Iterator[None]:
    org._people_in_facts.cache_clear()
    organisation_decide(actor=ADMIN, values={"currency": "USD"})
    users: list[dict[str, Any]] = [
        {"id": key, "name": name, "manager_id": LED[date.min][key], "team": TEAMS[LED[date.min][key]]}
        for key, name in OWNERS.items()
    ]
    users += [{"id": k, "name": name, "manager_id": None, "team": TEAMS[k]} for k, name in LEADERS.items()]
    for day in (MARCH, JUNE):
        rows = []
        for name, (owner, stage, worth, later) in DEALS.items():
            if day == JUNE:
                owner, stage, text = later.split()
                worth = int(text)
            rows.append(
                {
                    "id": name, "name": name, "owner_id": owner, "stage": stage, "amount": Decimal(worth),
                    "x_list": Decimal(worth * 1000), "currency": "USD", "created_on": date(2026, 1, 5),
                    "close_on": date(2026, 6, 10) if stage in ("Won", "Lost") else date(2026, 9, 1),
                    "account_id": "A1",
                }
            )  # fmt: skip
        accounts = [{"id": "A1", "name": "The account", "owner_id": "m1"}]
        bring(day, {"users": users, "accounts": accounts, "opportunities": rows})
    decide_stages()
    for start in (MOVED, COMING):
        before = LED[max(day for day in LED if day < start)]
        moved = [
            {"person": p, "manager": m, "team": TEAMS[m]} for p, m in LED[start].items() if before[p] != m
        ]
        positions_decide(actor=ADMIN, rows=moved, starts_on=start)
    yield
    org._people_in_facts.cache_clear()


def account(manager: str, role: str = "sales_manager") -> Any:
    return account_save(actor=ADMIN, username=f"{role}-{manager}", role=role, person_id=manager)


def reader(manager: str) -> Actor:
    return actor_of(account(manager))


def browser(manager: str, role: str = "sales_manager") -> Client:
    made = Client()
    made.force_login(account(manager, role), backend="django.contrib.auth.backends.ModelBackend")
    return made


def body(answer: Any) -> bytes:
    assert answer.status_code == 200, answer
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def named(text: str) -> set[str]:
    """The deals that a text names."""
    return {name for name in DEALS if re.search(rf"\b{name}\b", text)}


def rest(manager: str, path: str, status: int = 200) -> Any:
    user = account(manager)
    _, secret = token_create(actor=actor_of(user), user=user, name="t")
    answer = Client().get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == status, answer.content
    return json.loads(answer.content, parse_float=Decimal)


def test_who_lost_a_rep_sees_no_deal_of_his_of_then_and_who_gained_one_sees_all() -> None:
    """At every door: Mia led Ada and Cy on the day, and leads Bo and Cy now."""
    manager, mine = "m1", seen_then("m1")
    lost, gained = "Alder", "Cedar"
    assert (lost in mine, gained in mine) == (False, True)
    client, day, total = browser(manager), f"as_of={THEN}", amount(*mine)
    # The number: its page, the deals behind it, their file, and REST.
    assert f"${total:,.0f}" in body(client.get(f"/numbers/open_pipeline/?period=all&{day}")).decode()
    assert named(body(client.get(f"/numbers/open_pipeline/rows/?period=all&{day}")).decode()) == mine
    rows = body(client.get(f"/numbers/open_pipeline/rows/?period=all&{day}&freeze=csv")).decode("utf-8-sig")
    assert named(rows) == mine
    told = rest(manager, f"kpis/open_pipeline?{day}")
    assert told["value"] == total
    (side, *_) = told["sides"]
    behind = rest(manager, f"kpis/open_pipeline/rows?{day}&side={side}")
    assert {row["name"] for row in behind["rows"]} == mine
    # The list: its page, its file, REST; and one deal.
    assert named(body(client.get(f"/pipeline/?{day}")).decode()) == mine
    listed = list(
        csv.DictReader(io.StringIO(body(client.get(f"/pipeline/?{day}&freeze=csv")).decode("utf-8-sig")))
    )
    assert named(" ".join(" ".join(row.values()) for row in listed)) == mine
    assert len(listed) == len(mine)
    assert {row["name"] for row in rest(manager, f"opportunities?{day}")["rows"]} == mine
    for name, status in ((lost, 404), (gained, 200)):
        assert client.get(f"/pipeline/{name}/?{day}").status_code == status, name
        rest(manager, f"opportunities/{name}?{day}", status)
    # Records, inspection, what assistants read, and what is told of who sees what.
    assert {row["id"] for row in rest(manager, f"records/opportunities?{day}")["rows"]} == mine
    assert named(json.dumps(rest(manager, f"inspection/all/deals?{day}"), default=str)) == mine
    asks = Reader(reader(manager))
    read = query(asks, "opportunities", ["name"], as_of=str(THEN)).value["rows"]
    assert {row["name"] for row in read} == mine
    assert metric(asks, "open_pipeline", "all", as_of=str(THEN)).value["value"] == total
    for name in DEALS:
        found = inputs.explain(ADMIN, reader(manager), "opportunities", name, THEN)
        assert found.visible == (name in mine)
    (counted,) = [c for c in inputs.counts(ADMIN, reader(manager), THEN) if c.table == "opportunities"]
    assert counted.seen == len(mine)
    # What was so and what was known are asked of together.
    version = fact_store().manifests.latest().id
    assert rest(manager, f"kpis/open_pipeline?{day}&known_at=v{version}")["value"] == total


def test_teams_of_then_are_shown_of_whom_may_be_seen_now() -> None:
    """Rights are those of now, labels those of the day: Mia's rep Bo was in team South then."""
    found = rest("m1", f"kpis/open_pipeline?as_of={THEN}&by=team")
    groups = {value["group"]["team"]: value["value"] for value in found["rows"]}
    assert groups == {"North": amount("Elm", "Fir"), "South": amount("Cedar", "Dogwood")}
    everything = rest("m1", f"kpis/open_pipeline?as_of={JUNE}&by=team")
    assert {value["group"]["team"] for value in everything["rows"]} == {"North"}
    auditor = Reader(actor_of(account("", "auditor")))
    listed = query(auditor, "deals", ["name", "team"], as_of=str(THEN)).value["rows"]
    teams = {row["name"]: row["team"] for row in listed}
    assert teams == {name: TEAMS[LED[date.min][deal[0]]] for name, deal in DEALS.items()}


def test_a_position_that_is_to_come_gives_no_rights_before_its_day() -> None:
    """Cy is to be Max's from August: asked of August, Max does not see him yet, and Mia still does."""
    for manager in LEADERS:
        for day in (JUNE, COMING):
            with open_frames(reader(manager), as_of=day) as frames:
                owners = frames.facts.execute(frames.deals.select("owner_id").distinct())
            assert set(owners["owner_id"].to_pylist()) == led_by(manager) - {manager}
            assert ("u3" in led_by(manager)) == (manager == "m1")
        assert browser(manager).get(f"/pipeline/?as_of={COMING}").status_code == 400
        page = browser(manager).get(f"/pipeline/?as_of={JUNE}").content.decode()
        assert ("Elm" in page) == (manager == "m1")


def bars(manager: str) -> dict[str, set[str]]:
    """Bar -> deals in it."""
    with open_waterfall(reader(manager), Asked(opening=MARCH, closing=JUNE)) as opened:
        found = opened.waterfall()
        assert found.residual == 0
        return {
            name: {row["name"] for row in opened.page(name, 1, 100)}
            for name, bar in found.bars.items()
            if bar.deals
        }


def test_a_waterfall_is_told_under_the_rights_of_now_on_both_days() -> None:
    # Mia leads Bo and Cy now. Of Ada, whom she led at the opening, she sees nothing; Ginkgo came to Cy.
    assert bars("m1") == {
        "opening": {"Cedar", "Dogwood", "Elm", "Fir"},
        "transferred_in": {"Ginkgo"},
        "transferred_out": {"Fir"},
        "lost": {"Dogwood"},
        "closing": {"Cedar", "Elm", "Ginkgo"},
    }
    # Max leads Ada now: what she had in March is his to see, whoever led her then.
    assert bars("m2") == {
        "opening": {"Alder", "Birch", "Ginkgo"},
        "transferred_in": {"Fir"},
        "transferred_out": {"Ginkgo"},
        "increased": {"Fir"},
        "won": {"Birch", "Fir"},
        "closing": {"Alder"},
    }


def test_every_door_of_the_waterfall_says_so() -> None:
    opening = {"Cedar", "Dogwood", "Elm", "Fir"}
    days, client = f"from={MARCH}&to={JUNE}", browser("m1")
    told = {bar["name"]: bar["value"] for bar in rest("m1", f"waterfall?{days}")["bars"]}
    assert told["opening"] == amount(*opening)
    assert f"${amount(*opening):,.0f}" in body(client.get(f"/waterfall/?{days}")).decode()
    rows = rest("m1", f"waterfall/opening/deals?{days}")["rows"]
    assert {row["name"] for row in rows} == opening
    assert named(body(client.get(f"/waterfall/opening/?{days}")).decode()) == opening
    assert named(body(client.get(f"/waterfall/opening/?{days}&freeze=csv")).decode("utf-8-sig")) == opening


def test_a_waterfall_that_closed_earlier_is_told_under_the_rights_of_now_too() -> None:
    """Closed while Mia still led Ada, it shows her Ada's deals no more."""
    for manager in LEADERS:
        with open_waterfall(reader(manager), Asked(opening=MARCH, closing=THEN)) as opened:
            found = opened.waterfall()
            names = {row["name"] for row in opened.page("closing", 1, 100)}
        assert names == seen_then(manager)
        assert found.bars["opening"].value == found.bars["closing"].value == amount(*names)


def test_of_a_deal_handed_over_nothing_of_what_became_of_it_is_told() -> None:
    text = body(browser("m1").get(f"/waterfall/transferred_out/?from={MARCH}&to={JUNE}")).decode()
    assert "Fir" in text
    assert "$32" in text
    assert "$77" not in text
    assert "Ada Ash" not in text
    link = re.search(r'href="(/pipeline/Fir/[^"]*)"', text)
    assert link is not None
    assert f"as_of={MARCH}" in link.group(1)
    assert browser("m1").get(link.group(1).replace("&amp;", "&")).status_code == 200
    assert browser("m1").get("/pipeline/Fir/").status_code == 404


def test_decided_grants_are_those_of_now_as_well() -> None:
    """Members of a team, and who is assigned to a part of the business."""
    rep = actor_of(account("u3", "rep"))

    def owners(day: date) -> set[str]:
        with open_frames(rep, as_of=day) as frames:
            return set(
                frames.facts.execute(frames.deals.select("owner_id").distinct())["owner_id"].to_pylist()
            )

    assert owners(THEN) == {"u3"}
    # Cy shares North with Bo now, with Ada then.
    visibility_decide(actor=ADMIN, team_records=True, starts_on=MOVED, reason="one floor")
    assert owners(THEN) == {"u3", "u2"}
    visibility_decide(actor=ADMIN, team_records=False, starts_on=MOVED, reason="two floors")
    overlay_decide(
        actor=ADMIN, person="u3", dimension="owner", value="u1", starts_on=MOVED, reason="specialist"
    )
    assert owners(THEN) == {"u3", "u1"}
    overlay_decide(actor=ADMIN, person="u3", dimension="owner", value="u2", starts_on=COMING, reason="later")
    assert owners(COMING) == {"u3", "u1"}


def test_what_hidden_amounts_hide_now_an_earlier_day_hides_too() -> None:
    """The amount that counts came from another column then: neither is shown on either day."""
    amount_rule_decide(actor=ADMIN, deal_kind="all", column="x_list", starts_on=MOVED, reason="list prices")
    mask_decide(
        actor=ADMIN, name="pay", columns=["opportunities.amount"], roles=["sales_manager"], reason="pay"
    )
    for day in (None, THEN):
        with open_frames(reader("m1"), as_of=day) as frames:
            rows = frames.facts.execute(frames.deals.select("amount", "x_list", "source_amount")).to_pylist()
        assert rows
        assert {value for row in rows for value in row.values()} == {None}, day
    mask_decide(
        actor=ADMIN, name="pay", columns=["opportunities.x_list"], roles=["sales_manager"], reason="pay"
    )
    for days in ((MARCH, THEN), (MARCH, JUNE)):
        with open_waterfall(reader("m1"), Asked(*days)) as opened:
            assert "masked for your role" in opened.reason
            assert opened.waterfall().is_empty
