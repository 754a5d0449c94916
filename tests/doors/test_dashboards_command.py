"""``salesops dashboards``: what it lists, and what the exit code of the check says."""

from __future__ import annotations

import json

import pytest

from salesops.dashboards import checking, services
from salesops.meetings.tests import firm
from salesops.platform.actors import LOCAL_ADMINISTRATOR, actor_of
from salesops.platform.roles import Role
from salesops.platform.signin import account_save
from salesops.project.cli import main

pytestmark = pytest.mark.django_db


def test_the_check_s_exit_code_says_whether_all_is_equal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dashboards", "list"]) == 0
    assert "There is no dashboard." in capsys.readouterr().out
    firm.load()
    user = account_save(actor=LOCAL_ADMINISTRATOR, username="nora", role=Role.REP, person_id=firm.NORA)
    tiles = [
        {"kind": "kpi", "kpis": ["won_value"]},
        {"kind": "chart", "kpis": ["won_deals"], "by": "owner_name"},
    ]
    own = services.dashboard_make(actor=actor_of(user), name="Mine", question="period=2026-Q3", tiles=tiles)
    assert main(["dashboards", "list"]) == 0
    assert "Mine: 2 tiles, of nora, shared with nobody" in capsys.readouterr().out
    assert main(["dashboards", "check", "--dashboard", str(own.id)]) == 0
    assert "0 differ" in capsys.readouterr().out
    assert main(["--as", "nora", "dashboards", "check", "--json", "--question", "period=2026-Q2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["dashboards"], told["differences"], told["problems"]) == (1, [], [])
    assert told["values"] == 3  # the number, the chart's total, and its one owner's
    monkeypatch.setattr(checking, "_listed", lambda *asked: 7)
    assert main(["dashboards", "check"]) == 1
    assert "DIFFERS  Mine, t1: Won, Won deals shows 50000.0000, its rows give 7" in capsys.readouterr().out
    assert main(["dashboards", "check", "--dashboard", str(own.id + 1)]) == 2
