"""Parameters: sizes, files, schema, and the examples that ship with the project."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import python_calamine
import yaml

from salesops.simulate import FirmParameters, Truth, parameters_schema, simulate
from salesops.simulate.cli import main
from salesops.simulate.tests.recount import cents

EXAMPLES = Path(__file__).parents[4] / "examples" / "demo"


def test_the_demo_firm_is_the_default_firm() -> None:
    assert FirmParameters.from_yaml(EXAMPLES / "firm.yaml") == FirmParameters()


def test_the_schema_beside_the_demo_firm_is_current() -> None:
    assert json.loads((EXAMPLES / "firm.schema.json").read_text(encoding="utf-8")) == parameters_schema()


def test_the_demo_decisions_are_those_the_simulator_writes(tmp_path: Path) -> None:
    simulate(FirmParameters().scaled(reps=5, opportunities=10), tmp_path, 1)
    for name in ("organisation", "stages"):
        mine = yaml.safe_load((EXAMPLES / "decisions" / f"{name}.yaml").read_text(encoding="utf-8"))
        written = yaml.safe_load((tmp_path / "decisions" / f"{name}.yaml").read_text(encoding="utf-8"))
        assert mine == written


def test_parameters_survive_the_round_trip() -> None:
    firm = replace(FirmParameters().scaled(reps=7), export_dates=(date(2026, 3, 31),), demand_shock=None)
    assert firm.opportunities == 1_050
    assert FirmParameters.from_dict(firm.to_dict()) == firm
    assert FirmParameters().scaled(opportunities=1_000_000).reps == 5_000
    assert FirmParameters().scaled() == FirmParameters()


@pytest.mark.parametrize(
    "data, words",
    [
        ({"rep": 5}, "rep"),
        ({"ghost_share": 1.5}, "ghost_share"),
        ({"faults": {"missing_amounts": -1}}, "missing_amounts"),
        ({"reps": "many"}, "reps"),
        ({"first_day": "2026-10-01"}, "180 days"),
        ({"export_dates": ["2030-01-01"]}, "export_dates"),
        ({"segments": []}, "at least one segment"),
    ],
)
def test_wrong_parameters_are_named(data: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FirmParameters.from_dict(data)


def test_the_command_writes_a_firm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "firm"
    arguments = ["--out", str(out), "--reps", "5", "--opportunities", "200", "--seed", "4", "--json"]
    assert main([*arguments, "--export-date", "2026-06-30"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["opportunities"]["total"] == 200
    assert sorted(p.name for p in (out / "exports").iterdir()) == ["2026-06-30", "2026-10-31"]
    assert main(arguments) == 2
    assert "already holds" in capsys.readouterr().err
    assert main(["--out", str(tmp_path / "x"), "--reps", "1"]) == 2


def test_the_report_reads_like_one_saved_by_a_user(simulated: tuple[Path, Truth]) -> None:
    out, truth = simulated
    report = truth["report"]
    grid = python_calamine.CalamineWorkbook.from_path(
        str(out / "reports" / report["file"])
    ).get_sheet_by_index(0)
    rows = grid.to_python(skip_empty_area=False)
    assert rows[0][0] == "Opportunities by owner"
    header = next(i for i, row in enumerate(rows) if "Opportunity Name" in row)
    assert header == 4
    assert not any("id" in str(c).lower().split() for c in rows[header])
    body = [row for row in rows[header + 1 :] if row[2]]
    assert len(body) == report["rows"] == sum(o["rows"] for o in report["owners"])
    amounts = [cents(f"{row[4]:.2f}") for row in body if row[4] != ""]
    assert sum(amounts) == cents(report["amount"])
    subtotals = [row for row in rows if str(row[0]).startswith("Subtotal")]
    assert len(subtotals) == len(report["owners"])
    assert any(str(row[0]).startswith("Grand total") for row in rows)
    assert "Do not distribute" in str(rows[-1][0])
