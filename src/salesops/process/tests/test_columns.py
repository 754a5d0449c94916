"""The documented contract of the deals is the one the code gives."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from salesops.crm import services
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.process.engine.columns import DEAL_COLUMNS
from salesops.process.inputs import NoDataError, open_frames

pytestmark = pytest.mark.django_db

EXPORT = """Opportunity ID,Opportunity Name,Account Name,Stage,Amount,Currency,Created Date,Close Date,Owner,Region Code
006A,Alpha,Acme,Closed Won,100.00,EUR,2026-01-05,2026-02-04,Ann,N1
006B,Beta,Acme,Closed Lost,300.00,EUR,2026-01-10,2026-03-01,Bob,N2
006C,Gamma,Initech,Proposal,,EUR,2026-02-10,2026-04-30,Ann,N1
"""


@pytest.fixture
def imported(tmp_path: Path) -> None:
    path = tmp_path / "deals.csv"
    path.write_text(EXPORT, encoding="utf-8")
    services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[path], data_on=date(2026, 3, 31))


def test_every_documented_column_is_there(imported: None) -> None:
    with open_frames(LOCAL_ADMINISTRATOR) as frames:
        assert set(DEAL_COLUMNS) <= set(frames.deals.columns)
        assert "x_region_code" in frames.deals.columns


def test_classes_dates_and_amounts(imported: None) -> None:
    with open_frames(LOCAL_ADMINISTRATOR) as frames:
        rows = {r["id"]: r for r in frames.facts.execute(frames.deals).to_pylist()}
    assert {i: r["stage_class"] for i, r in rows.items()} == {"006A": "won", "006B": "lost", "006C": "open"}
    assert rows["006A"]["closed_on"] == date(2026, 2, 4)
    assert rows["006A"]["expected_close_on"] is None
    assert rows["006C"]["closed_on"] is None
    assert rows["006C"]["expected_close_on"] == date(2026, 4, 30)
    assert rows["006C"]["amount"] is None


def test_as_of_an_earlier_day_a_deal_closed_later_is_open(imported: None) -> None:
    with open_frames(LOCAL_ADMINISTRATOR, as_of=date(2026, 2, 5)) as frames:
        rows = {r["id"]: r for r in frames.facts.execute(frames.deals).to_pylist()}
    assert set(rows) == {"006A", "006B"}, "the third deal did not exist yet"
    assert rows["006A"]["stage_class"] == "won"
    assert (rows["006B"]["stage_class"], rows["006B"]["stage"]) == ("open", None)


def test_without_data_it_says_so() -> None:
    with pytest.raises(NoDataError), open_frames(LOCAL_ADMINISTRATOR):
        pass
