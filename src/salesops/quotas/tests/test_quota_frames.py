"""Quotas as the numbers read them: no day twice, by the person and not by his former name, as known then."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone

from salesops.crm import services
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.process.inputs import open_frames
from salesops.quotas.inputs import quotas_frame
from salesops.quotas.services import quotas_decide

pytestmark = pytest.mark.django_db

DEALS = """Opportunity ID,Opportunity Name,Stage,Amount,Created Date,Close Date,Opportunity Owner
006A,Alpha,Closed Won,100.00,2026-01-05,2026-02-04,Ann Ray
"""
USERS = "User ID,Name,Email\nU1,Ann Ray,ann@x.example\nU2,Bob Lee,bob@x.example\n"


@pytest.fixture(autouse=True)
def _imported(tmp_path: Path) -> None:
    path = tmp_path / "deals.csv"
    path.write_text(DEALS, encoding="utf-8")
    services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[path], data_on=date(2026, 3, 1))


def decide(*rows: tuple[str, str]) -> None:
    cells = [{"person": "Ann Ray", "period": period, "amount": amount} for period, amount in rows]
    quotas_decide(actor=LOCAL_ADMINISTRATOR, rows=cells, reason="plan")


def quota(label: str, **when: object) -> dict[str, Decimal]:
    with open_frames(LOCAL_ADMINISTRATOR, **when) as frames:  # type: ignore[arg-type]
        frame = quotas_frame(frames, frames.firm.calendar.parse(label))
        if frame is None:
            return {}
        return {r["owner_id"]: r["quota"] for r in frames.facts.execute(frame).to_pylist()}


def test_a_year_and_its_quarters_count_no_day_twice() -> None:
    decide(("2026", "1000"), ("2026-Q1", "300"), ("2026-Q2", "200"), ("2026-M01", "90"))
    assert quota("2026") == {"Ann Ray": Decimal(1000)}
    assert quota("2026-Q1") == {"Ann Ray": Decimal(300)}
    assert quota("2026-H1") == {"Ann Ray": Decimal(500)}
    assert quota("2026-M01") == {"Ann Ray": Decimal(90)}
    assert quota("2026-M02") == {"Ann Ray": Decimal("93.3333")}, "28 of the quarter's 90 days"


def test_a_quota_decided_for_a_name_follows_to_the_person(tmp_path: Path) -> None:
    decide(("2026-Q1", "300"), ("2026-Q2", "200"))
    path = tmp_path / "users.csv"
    path.write_text(USERS, encoding="utf-8")
    services.import_now(actor=LOCAL_ADMINISTRATOR, paths=[path], data_on=date(2026, 3, 2))
    assert quota("2026-Q1") == {"U1": Decimal(300)}
    decide(("2026-Q1", "350"))
    assert quota("2026-H1") == {"U1": Decimal(550)}


def test_quotas_as_known_then() -> None:
    then = timezone.now()
    decide(("2026-Q1", "300"))
    assert quota("2026-Q1", known_at=then) == {}
    assert quota("2026-Q1") == {"Ann Ray": Decimal(300)}
