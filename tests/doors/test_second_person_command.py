"""What the command line says of decisions that take two people."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from salesops.project.cli import main
from salesops.quotas.selectors import quotas

pytestmark = pytest.mark.django_db


def test_the_command_line_says_what_waits(
    tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SECOND_PERSON = frozenset({"quota"})
    file = tmp_path / "quotas.yaml"
    file.write_text(
        "- kind: quota\n  reason: plan\n  values: {person_id: U1, period: 2026-Q3, amount: 1000}\n"
    )
    assert main(["decisions", "import", str(file)]) == 0
    assert "waits for a second person and is not in force yet" in capsys.readouterr().out
    assert quotas(date(2026, 8, 1)) == []
