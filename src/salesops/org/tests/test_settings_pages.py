from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from salesops.org import selectors, services
from salesops.org.pages import tree
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.tests.roles import DATA_DAY, actor, allowed_roles, client_of, holders, load_facts

pytestmark = pytest.mark.django_db
OCT = date(2026, 10, 1)
PEOPLE = [
    {"id": "u1", "name": "Ada Meyer", "email": "ada@firm.example", "manager_id": None, "region": "East"},
    {"id": "u2", "name": "Bo Lind", "email": "bo@firm.example", "manager_id": "u1", "region": "East"},
    {"id": "u3", "name": "Cy Roe", "email": "cy@firm.example", "manager_id": "u2", "region": "West"},
    {"id": "u4", "name": "Cy Roe", "email": "cy2@firm.example", "manager_id": "u2", "region": "West"},
]


@pytest.fixture(autouse=True)
def firm_with_people(facts_home):
    selectors._people_in_facts.cache_clear()
    load_facts({"users": PEOPLE})
    yield
    selectors._people_in_facts.cache_clear()


def decide(*rows: dict[str, str], **more) -> int:
    return services.positions_decide(actor=more.pop("as_actor", ADMIN), rows=rows, **more)


def test_each_page_lets_in_the_roles_that_hold_its_permission():
    for name in ("company", "people"):
        assert allowed_roles("get", reverse(name)) == holders("decision.view")
        assert allowed_roles("post", reverse(name), {"x": "1"}) == holders("decision.write")


def test_company_settings_are_recorded_from_a_day_and_wrong_ones_are_shown_at_their_field():
    client = client_of("ops_analyst")
    good = {
        "name": "Example", "currency": "eur", "zone": "Europe/Berlin", "fiscal_start_month": "4",
        "calendar_pattern": "months", "week_start": "0", "year_named_by": "end", "starts_on": "2026-04-01",
    }  # fmt: skip
    bad = good | {"currency": "EU1", "starts_on": "April"}
    form = client.post(reverse("company"), bad).context["form"]
    assert set(form.errors) == {"starts_on"}
    form = client.post(reverse("company"), bad | {"starts_on": ""}).context["form"]
    assert set(form.errors) == {"currency"}
    assert form["name"].value() == "Example"
    assert client.post(reverse("company"), good).status_code == 302
    firm = selectors.firm(DATA_DAY)
    assert (firm.currency, firm.zone, firm.calendar.start_month, firm.decided) == (
        "EUR",
        "Europe/Berlin",
        4,
        True,
    )
    assert not selectors.firm(date(2026, 3, 31)).decided
    form = client.post(reverse("company"), good | {"zone": "Moon/Base", "fiscal_start_month": "13"}).context[
        "form"
    ]
    assert set(form.errors) == {"zone", "fiscal_start_month"}


def test_positions_hold_from_their_day_and_empty_cells_keep_what_was():
    assert decide({"person": "u3", "manager": "Ada Meyer", "team": "Red"}, starts_on=OCT) == 1
    before, after = selectors.people(DATA_DAY)["u3"], selectors.people(OCT)["u3"]
    assert (before.manager_id, before.team, before.decided) == ("u2", "", False)
    assert (after.manager_id, after.team, after.region, after.decided) == ("u1", "Red", "West", True)
    assert decide({"person": "u3", "manager": "-", "team": ""}, starts_on=date(2026, 11, 1)) == 1
    last = selectors.people(date(2026, 11, 1))["u3"]
    assert (last.manager_id, last.team) == ("", "Red")
    assert decide({"person": "u3", "manager": "", "team": "Red"}, starts_on=date(2026, 11, 1)) == 0


@pytest.mark.parametrize(
    "rows, words",
    [
        ([{"person": "Cy Roe", "manager": "u1"}], "Row 1: 'Cy Roe' is ambiguous: u3, u4"),
        ([{"person": "u2", "manager": "cy roe"}], "Row 1: 'cy roe' is ambiguous"),
        ([{"person": "u3", "team": "A"}, {"person": "Nobody", "team": "A"}], "Row 2: No person has the id"),
        ([{"person": "", "team": "A"}], "Row 1: The person is empty"),
        ([{"person": "u2", "manager": "u2"}], "Row 1: A person can't report to themselves"),
        ([{"person": "u1", "manager": "u3"}], "in a circle"),
        ([{"person": "u1", "manager": "u2"}, {"person": "u2", "manager": "u3"}], "in a circle"),
        (
            [{"person": "u3", "team": "A"}, {"person": "cy@firm.example", "team": "B"}],
            "Row 2: Cy Roe is in row 1",
        ),
    ],
)
def test_rows_that_cannot_be_decided_name_themselves_and_nothing_is_written(rows, words):
    with pytest.raises(ValidationError) as caught:
        decide({"person": "u4", "team": "Good"}, *rows)
    number = words.replace("Row 2", "Row 3").replace("Row 1", "Row 2").replace("in row 1", "in row 2")
    assert number in " | ".join(caught.value.messages)
    assert not any(p.decided for p in selectors.people(OCT).values())


def test_a_circle_in_the_source_does_not_stop_other_decisions():
    load_facts({"users": [PEOPLE[0] | {"manager_id": "u2"}, *PEOPLE[1:]]}, data_on=OCT)
    assert decide({"person": "u4", "team": "Blue"}) == 1
    assert decide({"person": "u1", "manager": "-"}) == 1
    assert selectors.people(OCT)["u1"].manager_id == ""


def test_a_swap_of_manager_and_report_is_no_circle():
    assert decide({"person": "u2", "manager": "u3"}, {"person": "u3", "manager": "u1"}) == 2


def test_the_paste_grid_previews_with_problems_then_records_only_what_was_previewed():
    client = client_of("ops_manager")
    url = reverse("people")
    text = "rep\tmanager\nbo@firm.example\t-\nCy Roe\tAda Meyer\n"
    context = client.post(url, {"grid": text}).context
    assert [bool(p.problem) for p in context["planned"]] == [False, True]
    assert context["form"]["grid"].value() == text
    answer = client.post(url, {"grid": text, "confirm": context["mark"]})
    assert "ambiguous" in " ".join(answer.context["form"].non_field_errors())
    good = text.replace("Cy Roe", "u3")
    context = client.post(url, {"grid": good}).context
    assert (context["changes"], context["problems"]) == (2, 0)
    assert not selectors.people(DATA_DAY)["u3"].decided
    edited = client.post(url, {"grid": good + "u4\tu1\n", "confirm": context["mark"]})
    assert edited.status_code == 200, "rows added after the preview are previewed first"
    assert not selectors.people(DATA_DAY)["u3"].decided
    assert client.post(url, {"grid": good, "confirm": context["mark"]}).status_code == 302
    assert selectors.people(DATA_DAY)["u3"].manager_id == "u1"
    for bad in ("", "u3", "rep\nu3", "rep\tplanet\nu3\tMars"):
        assert "grid" in client.post(url, {"grid": bad}).context["form"].errors, bad


def test_a_role_that_only_views_sees_no_form_and_writes_nothing():
    client = client_of("ops_representative")
    text = client.get(reverse("people")).content.decode()
    assert "Ada Meyer" in text
    assert "<textarea" not in text
    with pytest.raises(PermissionError):
        decide({"person": "u3", "team": "A"}, as_actor=actor("ops_representative"))


def test_the_tree_lists_everyone_once_managers_first():
    people = selectors.people(DATA_DAY)
    assert [(line.person.id, line.depth) for line in tree(people)] == [
        ("u1", 0),
        ("u2", 1),
        ("u3", 2),
        ("u4", 2),
    ]
    load_facts({"users": [PEOPLE[0] | {"manager_id": "u3"}, *PEOPLE[1:]]}, data_on=OCT)
    circle = tree(selectors.people(OCT))
    assert sorted(line.person.id for line in circle) == ["u1", "u2", "u3", "u4"]


def test_a_decision_that_a_later_one_overtakes_is_told():
    decide({"person": "u3", "team": "Later"}, starts_on=OCT)
    client = client_of("ops_manager")
    text = "u3\tu1\n"
    mark = client.post(reverse("people"), {"grid": text}).context["mark"]
    answer = client.post(reverse("people"), {"grid": text, "confirm": mark}, follow=True)
    assert "starts on 2026-10-01" in answer.content.decode()
