"""``salesops watch look``: what its exit code says."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from salesops.crm import services, watch_cli, watching
from salesops.crm.tests.test_watching import HEADER, amounts, deal
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.project.cli import main

pytestmark = pytest.mark.django_db


def test_the_command_s_exit_code_says_whether_all_was_taken_well(
    tmp_path: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = tmp_path / "deals_2026-02-01.csv"
    first.write_text(HEADER + deal("006A"))
    services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[first], data_on=date(2026, 2, 1))
    settings.WATCH_ROOT = str(tmp_path / "watched")
    root = tmp_path / "watched" / "crm"
    root.mkdir(parents=True)
    monkeypatch.setattr(watching, "SETTLES", timedelta())
    monkeypatch.setattr(watch_cli.time, "sleep", lambda seconds: None)

    def command(*words: str) -> int:
        return main(["watch", *words])

    assert command("folder", "Nightly", "crm", "--cron", "0 6 * * *") == 0
    assert command("look", "Nightly") == 0, "nothing came"
    for day, amount in ((1, "11.00"), (2, "12.00"), (3, "13.00")):
        file = root / f"deals_2026-03-0{day}.csv"
        file.write_text(HEADER + deal("006A", amount))
        os.utime(file, (day, day))
    assert command("look", "Nightly") == 0, "all of them, one after the other"
    assert amounts()["006A"] == "13.00"
    (root / "deals.csv").write_bytes(b"<html>Sign in</html>")
    (root / "deals_2026-03-04.csv").write_text(HEADER + deal("006A", "14.00"))
    assert command("look", "Nightly") == 1
    assert amounts()["006A"] == "14.00"
    assert command("look", "Nightly") == 0, "what failed before is not told again"
    monkeypatch.setattr(watching.folders, "pieces", lambda found: (_ for _ in ()).throw(OSError("no")))
    (root / "deals_2026-03-05.csv").write_text(HEADER + deal("006A", "15.00"))
    capsys.readouterr()
    assert command("look", "Nightly") == 1
    assert "deals_2026-03-05.csv: no." in capsys.readouterr().err
    assert command("pause", "Nightly") == 0
    assert command("look", "Nightly") == 1
    root.rename(root.with_name("moved"))
    assert command("resume", "Nightly") == 0
    assert command("look", "Nightly") == 1
    assert command("look", "Nobody's") == 2
