"""A home of the release before opens with this code and says what it said."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.safekeeping.homes import Home, Said

PACKED = sorted(Path(__file__).parent.glob("home-*.zip"))


@pytest.fixture(scope="module", params=PACKED, ids=lambda path: path.stem)
def upgraded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Home, Said, Any]:
    """The home after this code's migrations, what it says then, and what it said before them."""
    folder = tmp_path_factory.mktemp("upgrade")
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(folder)
    home = Home(folder / "home")
    made, again = home.steps(["init", "--json"], ["init", "--json"])
    assert json.loads(made.stdout) == {"home": str(home.path), "made": True}
    assert json.loads(again.stdout)["made"] is False
    return home, home.look(), json.loads((folder / "answers.json").read_text(encoding="utf-8"))


def test_there_is_a_home_to_upgrade() -> None:
    assert PACKED


def test_the_chain_covers_what_was_recorded_before_it(upgraded: tuple[Home, Said, Any]) -> None:
    _, said, before = upgraded
    assert said.chain[0] is True
    assert said.rows["platform.AuditEvent"] == before["rows"]["platform.AuditEvent"] > 50


def test_every_row_is_there(upgraded: tuple[Home, Said, Any]) -> None:
    home, said, before = upgraded
    assert {label: said.rows.get(label) for label in before["rows"]} == before["rows"]
    shown = home.script(
        "from salesops.platform import saved_views, signin\n"
        "from salesops.platform.actors import actor_of\n"
        f"token = signin.token_find({before['token']!r})\n"
        "print(token.user.username, [v.name for v in saved_views.views_of(actor_of(token.user), 'pipeline')])"
    )
    assert shown == "manager ['Big deals', 'Late deals']\n"


def test_every_kpi_answers_as_before_and_an_import_on_top_works(upgraded: tuple[Home, Said, Any]) -> None:
    home, said, before = upgraded
    known = {value[0] for values in before["answers"].values() for value in values}
    assert len(known) >= 15
    for question, values in before["answers"].items():
        # A later release may know further KPIs; those it had must answer the same.
        assert [v for v in said.answers[question] if v[0] in known] == values, question
    imported, checked, verified = home.steps(
        ["import", str(home.path.parent / "next"), "--json"],
        ["facts", "check", "--json"],
        ["audit", "verify", "--json"],
    )
    counts = json.loads(imported.stdout)["tables"]["opportunities"]
    assert (counts["added"], counts["changed"]) == (1, 1)
    versions = before["rows"]["platform.FactsManifest"] + 1
    assert json.loads(checked.stdout)["readable"] == versions
    assert json.loads(verified.stdout)["holds"] is True
