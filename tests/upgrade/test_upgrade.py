"""A home of the release before opens with this code and says what it said."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.safekeeping.homes import Home

PACKED = sorted(Path(__file__).parent.glob("home-*.zip"))
ADDED = {"platform.AuditEvent"}
"""Tables that the steps of this test themselves add to."""


@pytest.fixture(scope="module", params=PACKED, ids=lambda path: path.stem)
def upgraded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Home, dict[str, Any]]:
    """The home after this code's migrations, and what it said before them."""
    folder = tmp_path_factory.mktemp("upgrade")
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(folder)
    home = Home(folder / "home")
    assert home.json("init") == {"home": str(home.path), "made": True}
    assert home.json("init")["made"] is False
    return home, json.loads((folder / "answers.json").read_text(encoding="utf-8"))


def test_there_is_a_home_to_upgrade() -> None:
    assert PACKED


def test_the_chain_covers_what_was_recorded_before_it(upgraded: tuple[Home, dict[str, Any]]) -> None:
    home, before = upgraded
    found = home.json("audit", "verify")
    assert found["holds"] is True
    assert found["events"] >= before["rows"]["platform.AuditEvent"] > 50
    head = home.run("audit", "head").stdout.strip()
    assert home.json("audit", "verify", "--head", head)["holds"] is True


def test_every_row_is_there_and_the_facts_are_whole(upgraded: tuple[Home, dict[str, Any]]) -> None:
    home, before = upgraded
    now = home.rows()
    assert {k: now.get(k) for k in before["rows"] if k not in ADDED} == {
        k: v for k, v in before["rows"].items() if k not in ADDED
    }
    found = home.json("facts", "check")
    assert (found["whole"], found["readable"]) == (True, before["rows"]["platform.FactsManifest"])
    said = home.script(
        "from salesops.platform import saved_views, signin\n"
        "from salesops.platform.actors import actor_of\n"
        f"token = signin.token_find({before['token']!r})\n"
        "print(token.user.username, [v.name for v in saved_views.views_of(actor_of(token.user), 'pipeline')])"
    )
    assert said == "manager ['Big deals', 'Late deals']\n"


def test_every_kpi_answers_as_before_and_an_import_on_top_works(
    upgraded: tuple[Home, dict[str, Any]],
) -> None:
    home, before = upgraded
    now = home.answers()
    known = {value[0] for values in before["answers"].values() for value in values}
    assert len(known) >= 15
    assert before["answers"]
    for question, values in before["answers"].items():
        # A later release may know further KPIs; those it had must answer the same.
        assert [v for v in now[question] if v[0] in known] == values, question
    done = home.json("import", str(home.path.parent / "next"))
    counted = {k: done["tables"]["opportunities"][k] for k in ("added", "changed")}
    assert counted == {"added": 1, "changed": 1}
    assert home.json("facts", "check")["newest"] != str(before["rows"]["platform.FactsManifest"])
    assert home.json("audit", "verify")["holds"] is True
