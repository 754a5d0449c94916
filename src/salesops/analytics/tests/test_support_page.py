from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from salesops.analytics.support import data_support
from salesops.crm.export_guides import SYSTEMS, report_for, systems
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.models import Role
from salesops.platform.registries import kpi_definitions
from salesops.platform.tests.roles import allowed_roles, client_of, holders, load_facts

pytestmark = pytest.mark.django_db


@pytest.fixture
def facts(facts_home):
    won = {"stage": "Closed Won", "close_on": date(2026, 5, 1), "amount": Decimal(10)}
    load_facts(
        {
            "opportunities": [
                {"id": "1", **won, "created_on": date(2026, 1, 1)},
                {"id": "2", **won},
                {"id": "3", "stage": "Closed Lost", "close_on": date(2026, 6, 1), "amount": Decimal(5)},
                {"id": "4", "stage": "Proposal"},
            ]
        }
    )


def test_every_number_is_available_partial_or_impossible_with_the_reason(facts):
    support = data_support(ADMIN)
    states = {n.kpi.name: n.state for n in support.numbers}
    assert set(states) == set(kpi_definitions)
    assert states["win_rate_count"] == "available"
    assert states["deals_created"] == "partial"
    assert states["quota_attainment"] == "impossible"
    (created,) = next(n for n in support.numbers if n.kpi.name == "deals_created").missing
    assert created.sentence.startswith("3 of 4 have no created date")
    assert (created.filled, created.rows, created.report) == (1, 4, "deals")
    quota = next(n for n in support.numbers if n.kpi.name == "quota_attainment").missing[0]
    assert (quota.report, quota.page) == (None, "quotas")
    assert sum(support.counts.values()) == len(states)


def test_the_page_lets_in_those_who_see_data_and_names_the_menus_of_a_system(facts):
    url = reverse("data_supports")
    assert allowed_roles("get", url) == holders("import.view")
    client = client_of(Role.OPS_ANALYST)
    for key, system in SYSTEMS.items():
        page = client.get(f"{url}?system={key}")
        assert page.context["chosen"] is system
        assert system.guides[0].steps[0].split("(")[0][:20] in page.content.decode()
    assert client.get(f"{url}?system=nothing").status_code == 200


def test_without_data_the_page_leads_to_the_drop_zone(facts_home):
    assert client_of(Role.OPS_ANALYST).get(reverse("data_supports"))["Location"] == reverse("import_new")


def test_every_system_says_how_to_export_deals_and_what_is_recognised_comes_first():
    assert all(system.guide("deals") for system in SYSTEMS.values())
    assert systems(["plain", "hubspot"])[0].key == "hubspot"
    assert len(systems(["hubspot"])) == len(SYSTEMS)
    assert report_for("created_on") == "deals"
    assert report_for("amount", "created_amounts") == "history"
