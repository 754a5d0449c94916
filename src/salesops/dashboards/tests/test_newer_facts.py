"""Dashboards while facts come in: none yet, then some, then newer ones."""

from __future__ import annotations

import pytest
from django.test import Client

from salesops.dashboards import contents, services
from salesops.meetings.tests import firm
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import actor_of
from salesops.platform.roles import Role
from salesops.platform.signin import account_save

pytestmark = pytest.mark.django_db


def test_the_same_day_before_is_read_from_the_facts_of_that_day() -> None:
    user = account_save(actor=ADMIN, username="analyst", role=Role.OPS_ANALYST)
    analyst, client = actor_of(user), Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    tiles = [{"kind": "kpi", "kpis": ["open_pipeline"]}]
    seen = services.dashboard_make(actor=analyst, name="Open", question="period=week", tiles=tiles)
    assert b"Welcome" in client.get(f"/dashboards/{seen.id}/").content  # nothing was imported yet
    assert client.get("/dashboards/").status_code == 200
    assert b"Welcome" in client.get(f"/dashboards/{seen.id}/tiles/t1/").content

    firm.load()
    firm.decide()
    first = contents.computed(analyst, seen)
    assert contents.computed(analyst, seen) is first
    firm.next_week()
    shown = contents.computed(analyst, seen)
    row = shown.tiles[0].rows[0]
    earlier = [d for d in firm.open_deals() if d["forecast_category"] != "omitted"]
    later = [d for d in firm.open_deals(later=True) if d["forecast_category"] != "omitted"]
    then = sum(d["amount"] or 0 for d in earlier)
    now = sum(d["amount"] or 0 for d in later if d["stage"] == "Proposal")
    assert (row[1].value, row[2].value) == (now, then)
    assert now != then
    assert first.tiles[0].rows[0][1].value == then
