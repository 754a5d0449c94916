from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.decisions import in_force
from salesops.platform.registries import decision_kinds
from salesops.platform.tests.roles import DATA_DAY, allowed_roles, client_of, holders, load_facts
from salesops.process import selectors, services

pytestmark = pytest.mark.django_db
NAMES = ("Prospecting", "Won", "Lost", "Zyx?")


@pytest.fixture(autouse=True)
def deals(facts_home):
    load_facts(
        {"opportunities": [{"id": f"o{n}", "name": name, "stage": name} for n, name in enumerate(NAMES)]}
    )


def meaning(stage: str, pipeline: str = "") -> selectors.StageMeaning:
    found = [m for m in selectors.current_stages(DATA_DAY) if (m.pipeline, m.stage) == (pipeline, stage)]
    assert len(found) == 1, found
    return found[0]


def grid_of(client) -> dict[str, str]:
    """The form as the page fills it in."""
    context = client.get(reverse("stages")).context
    sent = {"do": "save", "starts_on": "", "reason": ""}
    grid = context["grid"]
    for bound in [*grid.management_form, *(b for form in grid for b in form)]:
        value = bound.value()
        if value is True:
            sent[bound.html_name] = "on"
        elif value not in (None, False):
            sent[bound.html_name] = str(value)
    return sent


def row_of(sent: dict[str, str], stage: str) -> str:
    return next(
        name.removesuffix("-stage")
        for name, value in sent.items()
        if name.endswith("-stage") and value == stage
    )


def test_the_page_lets_in_the_roles_that_hold_its_permission():
    assert allowed_roles("get", reverse("stages")) == holders("decision.view")
    assert allowed_roles("post", reverse("stages"), {"do": "confirm"}) == holders("decision.write")


def test_every_stage_of_the_data_is_shown_as_proposed_until_decided():
    assert {m.stage for m in selectors.current_stages(DATA_DAY)} == set(NAMES)
    assert not any(m.decided for m in selectors.current_stages(DATA_DAY))
    assert meaning("Zyx?").stage_class == "unmapped"


def test_only_edited_rows_become_decisions():
    client = client_of("ops_analyst")
    sent = grid_of(client)
    row = row_of(sent, "Prospecting")
    sent |= {f"{row}-probability": "12.5", f"{row}-pitched": "on", f"{row}-forecast_category": "pipeline"}
    assert client.post(reverse("stages"), sent).status_code == 302
    decided = in_force(decision_kinds.get("stage"), DATA_DAY)
    assert set(decided) == {"/Prospecting"}
    stage = decided["/Prospecting"]
    assert (stage.probability, stage.pitched, stage.forecast_category) == (Decimal("0.125"), True, "pipeline")
    again = grid_of(client)
    assert again[f"{row_of(again, 'Prospecting')}-probability"] == "12.5"
    assert client.post(reverse("stages"), again).status_code == 302
    assert len(decision_kinds.get("stage").objects.all()) == 1, "saving without an edit records nothing"


def test_wrong_values_stay_typed_and_are_shown_at_their_field():
    client = client_of("ops_analyst")
    sent = grid_of(client)
    row = row_of(sent, "Zyx?")
    sent |= {f"{row}-probability": "140", f"{row}-position": "-1"}
    answer = client.post(reverse("stages"), sent)
    form = next(f for f in answer.context["grid"] if f.prefix == row)
    assert set(form.errors) == {"stage_class", "probability", "position"}
    assert 'value="140"' in answer.content.decode()
    assert not in_force(decision_kinds.get("stage"), DATA_DAY)


def test_proposals_are_confirmed_in_one_click_and_doubtful_stages_left():
    client = client_of("ops_vp")
    assert client.post(reverse("stages"), {"do": "confirm"}).status_code == 302
    assert {m.stage: m.decided for m in selectors.current_stages(DATA_DAY)} == {
        "Prospecting": True, "Won": True, "Lost": True, "Zyx?": False,
    }  # fmt: skip
    assert (meaning("Won").stage_class, meaning("Lost").stage_class) == ("won", "lost")


def test_a_second_pipeline_is_added_and_a_stage_only_once():
    client = client_of("ops_analyst")
    new = {
        "do": "add", "new-pipeline": "Renewals", "new-stage": "Notice", "new-stage_class": "open",
        "new-position": "1", "new-probability": "80",
    }  # fmt: skip
    assert client.post(reverse("stages"), new).status_code == 302
    added = meaning("Notice", "Renewals")
    assert (added.decided, added.deals, Decimal(added.probability)) == (True, 0, Decimal("0.8"))
    pipelines = client.get(reverse("stages")).context["pipelines"]
    assert [p["name"] for p in pipelines] == ["", "Renewals"]
    answer = client.post(reverse("stages"), new)
    assert "stage" in answer.context["new"].errors
    answer = client.post(reverse("stages"), new | {"new-stage": "", "new-stage_class": "happy"})
    assert set(answer.context["new"].errors) == {"stage", "stage_class"}


def test_fields_that_the_grid_does_not_show_are_kept():
    services.stages_decide(
        actor=ADMIN, rows=[{"stage": "Won", "stage_class": "won", "max_age_days": 30, "criteria": "Signed"}]
    )
    services.stages_decide(actor=ADMIN, rows=[{"stage": "Won", "position": 9}], starts_on=date(2026, 1, 1))
    stage = in_force(decision_kinds.get("stage"), DATA_DAY)["/Won"]
    assert (stage.position, stage.max_age_days, stage.criteria, stage.stage_class) == (9, 30, "Signed", "won")
