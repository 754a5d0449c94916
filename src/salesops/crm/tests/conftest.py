"""Fixtures of the tests of watched folders and mailboxes.

What they stand on is imported when they are used: this file is read before Django is set up.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone


@pytest.fixture
def known(tmp_path: Path) -> None:
    """Somebody has confirmed once what files with these columns mean."""
    from salesops.crm import services
    from salesops.crm.tests.watches import HEADER, deal
    from salesops.platform.actors import LOCAL_ADMINISTRATOR

    file = tmp_path / "deals_2026-02-01.csv"
    file.write_text(HEADER + deal("006A") + deal("006B"))
    services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[file], data_on=date(2026, 2, 1))


@pytest.fixture
def root(tmp_path: Path, settings: Any) -> Path:
    """A folder that may be watched."""
    folder = tmp_path / "watched"
    (folder / "crm").mkdir(parents=True)
    settings.WATCH_ROOT = str(folder)
    return folder / "crm"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Looks are as far apart as the test says."""
    from salesops.crm import watching

    class Now:
        ahead = timedelta()

    real = timezone.now
    made = Now()
    monkeypatch.setattr(watching.timezone, "now", lambda: real() + made.ahead)
    return made
