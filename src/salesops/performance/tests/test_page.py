"""The page: figures of a plain loop over the deals, for each reader his people, the same verdicts for all."""

from __future__ import annotations

import csv
import io
from fractions import Fraction

import pytest

from salesops.analytics.engine.filters import Filter
from salesops.analytics.selectors import Question, ask
from salesops.analytics.tests.pipeline_firm import body, client
from salesops.org.services import positions_decide
from salesops.performance.inputs import Comparison, comparison
from salesops.performance.tests import firm
from salesops.permissions.services import mask_decide
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _loaded() -> None:
    firm.load()


def compared(actor: Actor = ADMIN, measure: str = "win_rate", **more: object) -> Comparison:
    with ask(actor, Question(period="2026", **more)) as asked:  # type: ignore[arg-type]
        return comparison(asked, measure)  # type: ignore[arg-type]


def band(rep: str, month: int) -> str:
    """Tenure by hand; U3 has no date of hire: his first deal was created in December, U6's too."""
    since = {"U1": (2026, 1), "U2": (2023, 3), "U4": (2021, 1), "U5": (2022, 1)}.get(rep, (2025, 11))
    months = (2026 - since[0]) * 12 + month - since[1]
    return "new" if months < 6 else "year" if months < 12 else "two" if months < 24 else "old"


def region(rep: str) -> str:
    """Reps are in the west and in the east by turns."""
    return "East" if firm.REPS.index(rep) % 2 else "West"


def test_the_figures_are_those_of_a_plain_loop() -> None:
    units = [
        (d["owner_id"], d["account_id"], band(d["owner_id"], d["close_on"].month), d["stage"] == "Closed Won")
        for d in firm.deals()
        if d["owner_id"] != "R1"
    ]
    people = {p.id: p for p in compared().people}
    assert set(people) == {*firm.REPS, "R1"}
    for rep in firm.REPS:
        own = [u for u in units if u[0] == rep]
        others = [u for u in units if u[0] != rep]
        expected = Fraction(0)
        for _, account, tenure, _ in own:
            for group in (
                [o for o in others if o[1:3] == (account, tenure) and region(o[0]) == region(rep)],
                [o for o in others if o[1:3] == (account, tenure)],
                [o for o in others if o[2] == tenure],
                others,
            ):
                if len(group) >= 20 and len({o[0] for o in group}) >= 3:
                    break
            expected += Fraction(sum(o[3] for o in group), len(group))
        found = people[rep].found
        assert found.raw == Fraction(sum(u[3] for u in own), len(own))
        assert found.expected == expected, rep
        assert found.adjusted == found.raw * Fraction(sum(o[3] for o in others), len(others)) * 30 / expected
    assert people["R1"].found.reason.startswith("too little to compare with: 0 units of 0 others")
    assert people["U3"].stands_in
    assert not people["U1"].stands_in


def test_money_and_months() -> None:
    won = [d for d in firm.deals() if d["stage"] == "Closed Won" and d["owner_id"] == "U5"]
    money = sum(d["amount"] or 0 for d in won)
    unknown = sum(d["amount"] is None for d in won)
    assert unknown == 1
    deal = next(p.found for p in compared(measure="value_per_deal").people if p.id == "U5")
    assert (deal.units, deal.total) == (29, money)
    month = next(p.found for p in compared(measure="value_per_month").people if p.id == "U5")
    # The data ends with September: nine whole months.
    assert (month.units, month.total) == (9, money)
    first = next(p.found for p in compared(measure="value_per_month").people if p.id == "U1")
    later = [d for d in firm.deals() if d["owner_id"] == "U1" and d["close_on"].month > 1]
    assert first.units == 8, "hired in January: no whole month"
    assert first.total == sum(d["amount"] or 0 for d in later if d["stage"] == "Closed Won")


def test_each_reader_sees_his_people_and_the_same_verdicts() -> None:
    everybody = {p.id: p.found for p in compared().people}
    lead = Actor(name="mia", role="sales_manager", person_id=firm.NORTH)
    own = Actor(name="nora", role="rep", person_id=firm.NORA)
    assert {p.id: p.found for p in compared(lead).people} == {k: everybody[k] for k in ("U1", "U2", "U3")}
    assert {p.id: p.found for p in compared(own).people} == {"U1": everybody["U1"]}
    page = client("rep", firm.NORA).get("/fair-comparison/?period=2026").content.decode()
    assert "Rep U1" in page
    assert "Rep U2" not in page
    assert firm.SECRET not in page


def test_what_would_tell_of_one_person_out_of_view_is_not_told() -> None:
    positions_decide(
        actor=ADMIN,
        rows=[{"person": rep, "manager": firm.NORTH} for rep in ("U4", "U5")],
        reason="test",
    )
    lead = Actor(name="mia", role="sales_manager", person_id=firm.NORTH)
    found = {p.id: p.found for p in compared(lead).people}
    assert set(found) == {"U1", "U2", "U3", "U4", "U5"}, "all of the role but U6"
    assert {one.expected for one in found.values()} == {None}
    assert {one.reason for one in found.values()} == {
        "what others make would tell of one or two people whose records you may not see"
    }
    assert all(one.raw is not None for one in found.values())


def test_the_team_select_narrows_who_is_shown_and_nothing_else() -> None:
    browser = client()
    whole = browser.get("/fair-comparison/?period=2026&freeze=csv&measure=value_per_deal")
    north = browser.get("/fair-comparison/?period=2026&freeze=csv&measure=value_per_deal&team=team:North")
    everybody, some = (list(csv.DictReader(io.StringIO(body(a).decode("utf-8-sig")))) for a in (whole, north))
    assert [row["Rep"] for row in some] == sorted(
        ("Rep U1", "Rep U2", "Rep U3"), key=[row["Rep"] for row in everybody].index
    )
    places = {"Place as it stands", "Place adjusted"}
    by_name = {row["Rep"]: row for row in everybody}
    for row in some:
        assert {k: v for k, v in row.items() if k not in places} == {
            k: v for k, v in by_name[row["Rep"]].items() if k not in places
        }


@pytest.mark.parametrize(
    "column, value, shown",
    [
        ("manager_name", "Mia North", {"U1", "U2", "U3"}),
        ("region", "East", {"U2", "U4", "U6"}),
        ("owner_name", "Rep U2", {"U2"}),
        ("team", "Nowhere", set()),
    ],
)
def test_a_team_is_chosen_by_each_column_of_the_select(column: str, value: str, shown: set[str]) -> None:
    found = compared(filters=(Filter(column, "eq", (value,)),))
    assert {p.id for p in found.people} == shown
    assert found.everybody == 7


def test_what_is_hidden_is_said() -> None:
    mask_decide(actor=ADMIN, name="rule", columns=["amounts"], roles=["ops_analyst"], reason="test")
    analyst = Actor(name="ana", role="ops_analyst")
    assert compared(analyst).reason == ""
    assert compared(analyst, "value_per_deal").reason == "amount is hidden from your role"
    page = client().get("/fair-comparison/?period=2026&measure=value_per_month").content.decode()
    assert "Nothing can be compared: amount is hidden from your role." in page
    mask_decide(actor=ADMIN, name="dates", columns=["users.hired_on"], roles=["ops_analyst"], reason="test")
    assert compared(Actor(name="ana", role="ops_analyst"), "value_per_month").people == ()
    found = compared(analyst)
    assert found.notes == ("Not adjusted for tenure: dates of hire are hidden from your role.",)
    assert {p.found.effect_of_tenure for p in found.people} <= {0, None}


@pytest.mark.parametrize(
    "query, said",
    [
        ("?measure=luck", "There is no measure"),
        ("?filter=amount:gt:10", "other filters would compare parts"),
        ("?team=password:x", "There is no team"),
        ("?period=2026-Q9", "2026-Q9"),
    ],
)
def test_an_address_that_can_not_be_read_is_refused(query: str, said: str) -> None:
    answer = client().get(f"/fair-comparison/{query}")
    assert answer.status_code == 400
    assert said in answer.content.decode()


def test_a_period_without_closings() -> None:
    page = client().get("/fair-comparison/?period=2019").content.decode()
    assert "Nobody whose deals you see closed any in this period." in page
