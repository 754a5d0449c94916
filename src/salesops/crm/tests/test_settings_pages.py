from __future__ import annotations

import pytest
from django.urls import reverse

from salesops.crm import decision_selectors, decision_services, selectors
from salesops.platform.access import NotAllowedError
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.tests.roles import DATA_DAY, actor, allowed_roles, client_of, holders, load_facts

pytestmark = pytest.mark.django_db
REPAIR = {"table": "opportunities", "column": "product_name", "value": "GTXPro", "replacement": "GTX Pro"}
RULE = {
    "deal_kind": "renewal",
    "column": "amount",
    "type_values": "Renewal\n\n Existing \n",
    "reason": "finance",
}
LINK = {"source": "crm", "table": "opportunities", "pattern": "https://crm.example/{id}"}


@pytest.fixture(autouse=True)
def deals(facts_home):
    names = ["GTXPro", "GTXPro", "GTX Pro"]
    load_facts(
        {"opportunities": [{"id": f"o{n}", "name": "d", "product_name": p} for n, p in enumerate(names)]}
    )


@pytest.mark.parametrize("name, sent", [("repairs", REPAIR), ("amount_rules", RULE), ("record_links", LINK)])
def test_each_page_lets_in_the_roles_that_hold_its_permission(name, sent):
    assert allowed_roles("get", reverse(name)) == holders("decision.view")
    assert allowed_roles("post", reverse(name), sent) == holders("decision.write")


def test_a_repair_is_decided_counted_and_ended():
    client = client_of("ops_analyst")
    assert client.post(reverse("repairs"), REPAIR).status_code == 302
    assert selectors.repairs(DATA_DAY) == {("opportunities", "product_name"): {"GTXPro": "GTX Pro"}}
    (row,) = client.get(reverse("repairs")).context["rows"]
    assert row.records == 2
    assert client.post(reverse("repairs"), {"end": row.subject}).status_code == 302
    assert selectors.repairs(DATA_DAY) == {}
    answer = client.post(reverse("repairs"), {"end": row.subject}, follow=True)
    assert "not in force any more" in answer.content.decode()


def test_a_repair_of_a_column_that_the_data_lacks_has_no_count():
    decision_services.repair_decide(actor=ADMIN, **REPAIR | {"column": "x_own"})
    (row,) = decision_selectors.repair_rows(DATA_DAY)
    assert row.records is None


@pytest.mark.parametrize(
    "change, field",
    [
        ({"column": "amount"}, "column"),
        ({"column": "no_such"}, "column"),
        ({"table": "weather"}, "table"),
        ({"replacement": "GTXPro"}, "replacement"),
        ({"value": ""}, "value"),
        ({"starts_on": "soon"}, "starts_on"),
    ],
)
def test_a_wrong_repair_is_shown_at_its_field_with_what_was_typed(change, field):
    form = client_of("ops_analyst").post(reverse("repairs"), REPAIR | change).context["form"]
    assert set(form.errors) == {field}
    assert form["table"].value() == (REPAIR | change)["table"]
    assert selectors.repairs(DATA_DAY) == {}


def test_a_subject_too_long_to_keep_is_refused_above_the_form():
    form = client_of("ops_analyst").post(reverse("repairs"), REPAIR | {"value": "x" * 400}).context["form"]
    assert "subject" in form.non_field_errors()[0]


def test_an_amount_rule_needs_a_reason_to_start_and_to_end():
    client = client_of("ops_manager")
    assert set(client.post(reverse("amount_rules"), RULE | {"reason": ""}).context["form"].errors) == {
        "reason"
    }
    assert set(client.post(reverse("amount_rules"), RULE | {"column": "name"}).context["form"].errors) == {
        "column"
    }
    assert client.post(reverse("amount_rules"), RULE).status_code == 302
    rule = selectors.amount_rules(DATA_DAY)["renewal"]
    assert (rule.column, rule.type_values, rule.reason) == ("amount", ["Renewal", "Existing"], "finance")
    client.post(reverse("amount_rules"), {"end": "renewal"})
    assert "renewal" in selectors.amount_rules(DATA_DAY)
    client.post(reverse("amount_rules"), {"end": "renewal", "reason": "no renewals any more"})
    assert selectors.amount_rules(DATA_DAY) == {}


@pytest.mark.parametrize("pattern", ["javascript:alert({id})", "https://crm.example/", "crm.example/{id}"])
def test_a_link_must_be_a_web_address_with_a_place_for_the_id(pattern):
    form = client_of("ops_analyst").post(reverse("record_links"), LINK | {"pattern": pattern}).context["form"]
    assert set(form.errors) == {"pattern"}
    assert selectors.record_links(DATA_DAY) == {}


def test_a_link_is_decided_succeeded_and_ended():
    client = client_of("ops_analyst")
    client.post(reverse("record_links"), LINK)
    client.post(reverse("record_links"), LINK | {"pattern": "https://new.example/{id}"})
    assert selectors.record_links(DATA_DAY) == {("crm", "opportunities"): "https://new.example/{id}"}
    client.post(reverse("record_links"), {"end": "crm/opportunities"})
    assert selectors.record_links(DATA_DAY) == {}


def test_services_refuse_roles_that_may_not_decide():
    rep = actor("rep")
    with pytest.raises(NotAllowedError):
        decision_services.repair_decide(actor=rep, **REPAIR)
    with pytest.raises(NotAllowedError):
        decision_services.record_link_decide(actor=rep, **LINK)
    with pytest.raises(NotAllowedError):
        decision_services.repair_end(actor=rep, subject="x", starts_on=DATA_DAY)
