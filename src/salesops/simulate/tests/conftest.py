"""One small firm, simulated once for the room's tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from salesops.simulate import FirmParameters, Truth, simulate
from salesops.simulate.tests.recount import Recount

EARLIER = date(2026, 1, 31)
SEED = 11


def small_firm() -> FirmParameters:
    """Big enough for every behaviour to occur, with a fiscal year that is not the calendar's."""
    firm = FirmParameters().scaled(reps=24, opportunities=1_500)
    return replace(firm, fiscal_start_month=2, export_dates=(EARLIER,))


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    out = tmp_path_factory.mktemp("firm")
    return out, simulate(small_firm(), out, SEED)


@pytest.fixture(scope="session")
def export(simulated: tuple[Path, Truth]) -> Recount:
    out, truth = simulated
    return Recount(out, truth["data_date"], truth["zone"], truth["fiscal_start_month"])
