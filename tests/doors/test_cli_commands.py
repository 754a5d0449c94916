"""Every command of the product, as people type it: what it prints, how it ends, how it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.plugin import DjangoDbBlocker

from salesops.platform import signin
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.roles import Role
from salesops.project.cli import main
from tests.doors.conftest import shared_home
from tests.doors.exports import DAY, write_firm

pytestmark = pytest.mark.django_db
SHARES_A_HOME = True
Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def firm(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Path]:
    """The small firm's export, imported by the command line, and an account for one rep."""
    with shared_home(tmp_path_factory.mktemp("home"), django_db_blocker):
        exports = write_firm(tmp_path_factory.mktemp("exports")).parent
        assert main(["import", str(exports)]) == 0
        signin.account_save(actor=LOCAL_ADMINISTRATOR, username="ada", role=Role.REP, person_id="U1")
        yield exports


def answer(capsys: Captured, *arguments: str, code: int = 0) -> str:
    """What a command printed; nothing that it prints is a traceback."""
    capsys.readouterr()
    assert main(list(arguments)) == code
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err
    return printed.out if code == 0 else printed.err


def test_the_report_of_an_import(firm: Path, capsys: Captured) -> None:
    report = json.loads(answer(capsys, "import", str(firm), "--json"))
    assert {f["table"]: f["data_date"] for f in report["files"]} == dict.fromkeys(
        ("users", "accounts", "opportunities"), DAY
    )
    deals = report["tables"]["opportunities"]
    assert (deals["read"], deals["added"], deals["changed"], deals["unchanged"]) == (6, 0, 0, 6)
    assert (deals["not_in_file"], deals["deleted"], deals["quarantined"]) == (0, 0, 0)
    assert report["known"]["opportunities"]["won"] == {
        "count": 2,
        "without_amount": 0,
        "amounts": {"": 10200.5},
    }
    text = answer(capsys, "import", str(firm))
    assert "opportunities: 6 read, 0 added, 0 changed, 6 unchanged" in text
    assert "Opportunity ID → id" in text
    assert "opportunities won: 2, 10200.5" in text


def test_numbers(firm: Path, capsys: Captured) -> None:
    listed = json.loads(answer(capsys, "kpis", "--json"))
    assert {"win_rate_count", "won_value", "quota_attainment", "sales_velocity"} <= {
        k["name"] for k in listed
    }
    assert "win_rate_count" in answer(capsys, "kpis")
    found = json.loads(answer(capsys, "kpi", "win_rate_count", "--json"))
    assert (found["value"], found["reason"], found["sides"]) == (0.5, "", {"won": 2, "decided": 4})
    split = json.loads(answer(capsys, "kpi", "won_value", "--by", "owner", "--period", "2026-Q3", "--json"))
    assert {r["owner_name"]: r["value"] for r in split["rows"]} == {"Ada North": 1200.5, "Ben South": 9000}
    assert split["value"] == 10200.5
    august = ["--from", "2026-08-01", "--to", "2026-08-31"]
    assert json.loads(answer(capsys, "kpi", "won_value", *august, "--json"))["value"] == 1200.5
    then = json.loads(answer(capsys, "kpi", "open_deals", "--as-of", "2026-08-15", "--json"))
    assert (then["value"], then["as_of"]) == (4, "2026-08-15")
    kept = json.loads(answer(capsys, "kpi", "won_deals", "--filter", "x_colour=green", "--json"))
    assert kept["value"] == 1
    behind = json.loads(answer(capsys, "kpi", "won_value", "--rows", "won_amount", "--json"))
    assert {r["id"]: r["contribution"] for r in behind["rows"]} == {"D000": 1200.5, "D003": 9000}
    text = answer(capsys, "kpi", "won_value", "--by", "owner", "--rows", "won_amount")
    assert "Won: 10,200.50" in text
    assert "Ben South" in text
    undefined = json.loads(answer(capsys, "kpi", "win_rate_count", "--period", "2020-Q1", "--json"))
    assert undefined["value"] is None
    assert undefined["reason"]


def test_as_an_account(firm: Path, capsys: Captured) -> None:
    found = json.loads(answer(capsys, "--as", "ada", "kpi", "won_value", "--json"))
    assert found["value"] == 1200.5
    assert "does not allow" in answer(capsys, "--as", "ada", "import", str(firm), code=1)


@pytest.mark.parametrize(
    "command, words",
    [
        ("import /no/such/folder", "/no/such/folder"),
        ("import {firm} --mapping /no/such.yaml", "There is no file /no/such.yaml."),
        ("import {firm} --mapping {firm}", "can't be read"),
        ("kpi nosuch", "known: activities, "),
        ("kpi won_deals --period 2026-Q9", "2026-Q9"),
        ("kpi won_deals --period lately", "lately"),
        ("kpi won_deals --by nosuch", "There are: "),
        ("kpi won_deals --filter nosuch=1", "nosuch"),
        ("kpi won_deals --filter nosuch", "column=value"),
        ("kpi won_deals --rows nosuch", "it has"),
        ("kpi won_deals --from 2026-05-01 --to 2026-01-01", "before it begins"),
        ("--as nobody kpi won_deals", "no account named 'nobody'"),
        ("--as  kpi won_deals", "no account named ''"),
        ("cases kpi /no/such.yaml", "There is no file /no/such.yaml."),
        ("decisions import /no/such.yaml", "There is no file /no/such.yaml."),
        ("token nobody", "no account named 'nobody'"),
        ("bench nosuch", "nosuch"),
        ("demo --data /no/such", "/no/such"),
    ],
)
def test_refusals_are_one_readable_line(firm: Path, capsys: Captured, command: str, words: str) -> None:
    told = answer(capsys, *(part.format(firm=firm) for part in command.split(" ")), code=2)
    assert words in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["kpi won_deals --as-of 2026-13-01", "import", "nosuch", "simulate"])
def test_called_wrongly(firm: Path, capsys: Captured, command: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    assert ended.value.code == 2
    assert "usage: salesops" in capsys.readouterr().err


def test_worked_examples(capsys: Captured, shared_cases: Path, tmp_path: Path) -> None:
    assert (
        answer(capsys, "cases", "kpi", str(shared_cases / "kpi.yaml")).splitlines()[-1]
        == "12 passed, 0 failed"
    )
    text = (shared_cases / "kpi.yaml").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(re.sub(r"(?m)^(\s+value: )[\d.]+$", r"\g<1>-1", text), encoding="utf-8")
    if wrong.read_text(encoding="utf-8") == text:
        wrong.write_text(text.replace("team_attainment: 1.25", "team_attainment: 1.26"), encoding="utf-8")
    capsys.readouterr()
    assert main(["cases", "kpi", str(wrong)]) == 1
    assert not capsys.readouterr().out.rstrip().endswith(" 0 failed")


def test_simulate(capsys: Captured, tmp_path: Path) -> None:
    out = tmp_path / "firm"
    said = answer(
        capsys, "simulate", "--out", str(out), "--reps", "5", "--opportunities", "40", "--seed", "2"
    )
    assert "40 opportunities" in said
    assert (out / "truth.json").is_file()
    assert "already holds" in answer(
        capsys, "simulate", "--out", str(out), "--reps", "5", "--opportunities", "40", code=2
    )


def test_today_is_no_part_of_an_answer(firm: Path, capsys: Captured) -> None:
    found = json.loads(answer(capsys, "kpi", "open_deals", "--json"))
    assert date.fromisoformat(found["as_of"]) == date.fromisoformat(DAY)


def test_a_number_of_processes_that_can_not_be_meant_is_named() -> None:
    from salesops.project.settings import _processes

    assert [_processes(text) for text in ("", "1", "12")] == [1, 1, 12]
    for text in ("two", "0", "-1", "1.5", "²"):
        with pytest.raises(ImproperlyConfigured, match="SALESOPS_PROCESSES"):
            _processes(text)


def test_an_amount_of_memory_that_can_not_be_meant_is_named() -> None:
    from salesops.project.settings import _memory

    assert [_memory(text) for text in ("", "2GB", "1500MB", "1.5 GiB")] == ["", "2GB", "1500MB", "1.5 GiB"]
    for text in ("2048", "1Gi", "a lot", "-1GB", "2 GB; DROP TABLE x"):
        with pytest.raises(ImproperlyConfigured, match="SALESOPS_MEMORY_LIMIT"):
            _memory(text)
