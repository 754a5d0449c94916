"""Hidden fields: what may be hidden, what is hidden with it, and that no number or list gives it back."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from salesops.analytics import deal_records, records, selectors
from salesops.analytics.engine.compute import KpiError
from salesops.analytics.engine.filters import Filter, FilterError
from salesops.analytics.tests import pipeline_firm as firm
from salesops.permissions import selectors as permissions
from salesops.permissions import services
from salesops.permissions.engine import masks
from salesops.platform.access import NotAllowedError, may, scope
from salesops.platform.actors import LOCAL_ADMINISTRATOR as ADMIN
from salesops.platform.actors import Actor
from salesops.quality.selectors import open_faults
from salesops.quotas import services as quotas

ANALYST = Actor(name="ana", role="ops_analyst")


@pytest.fixture
def loaded(facts_home, db):
    firm.load()


def hide(*columns: str, roles: tuple[str, ...] = ("ops_analyst",), **more) -> None:
    services.mask_decide(actor=ADMIN, name="rule", columns=columns, roles=roles, reason="test", **more)


def test_a_number_that_needs_a_hidden_field_is_undefined(loaded):
    names = [k.name for k in selectors.catalogue()]
    before = {v.name: v for v in selectors.numbers(ANALYST, names, selectors.Question()).values}
    hide("amounts")
    answer = selectors.numbers(ANALYST, names, selectors.Question())
    values = {v.name: v for v in answer.values}
    hidden = {name for name, v in values.items() if v.reason.startswith("masked for your role")}
    assert {"won_value", "average_deal_size", "open_pipeline", "win_rate_value"} <= hidden
    assert not {"won_deals", "win_rate_count", "open_deals", "sales_cycle"} & hidden
    for name, value in values.items():
        if name in hidden:
            assert value.value is None
            assert value.estimate is None
            assert set(value.sides.values()) <= {None}
            assert value.notes == ()
        else:
            assert value.value == before[name].value, name
    assert values["won_value"].reason == "masked for your role: amount"
    everybody = selectors.numbers(ADMIN, ["won_value"], selectors.Question()).values[0]
    assert everybody.value == before["won_value"].value


def test_hidden_amounts_are_in_no_list_deal_or_order(loaded):
    hide("amounts")
    page = records.deal_list(ANALYST, records.ListQuery(size=500))
    assert page.total
    assert page.amount is None
    assert all(row["amount"] is None and row["amount_estimate"] is None for row in page.rows)
    assert [row["id"] for row in page.rows] == sorted(row["id"] for row in page.rows), (
        "the order tells nothing"
    )
    with pytest.raises(FilterError, match="masked for your role"):
        records.deal_list(ANALYST, records.ListQuery(filters=(Filter("amount", "gt", ("1",)),)))
    for asked in (
        selectors.Question(by=("amount",)),
        selectors.Question(filters=(Filter("amount", "ge", ("1",)),)),
    ):
        with pytest.raises(FilterError, match="masked for your role"):
            selectors.numbers(ANALYST, ["won_deals"], asked)
    rows, _ = selectors.rows_behind(ANALYST, "won_value", "won_amount", selectors.Question())
    assert {row["contribution"] for row in rows} == {None}
    for row in page.rows[:10]:
        deal = deal_records.deal(ANALYST, row["id"])
        assert "amount" not in {c.field for c in deal.changes}
        money = {name for name, value in deal.values.items() if isinstance(value, Decimal)}
        assert money <= {"probability", "catalogue_price"}, "the price list is everybody's"


def test_rows_that_a_hidden_field_decides_on_are_not_listed(loaded):
    hide("opportunities.loss_reason")
    for side in ("no_decision", "with_reason"):
        with pytest.raises(KpiError, match="masked for your role: loss reason"):
            selectors.rows_behind(ANALYST, "no_decision_share", side, selectors.Question())
    page = firm.client().get("/numbers/no_decision_share/rows/")
    assert page.status_code == 200
    assert "asked for your role: loss reason" in page.content.decode()
    assert selectors.rows_behind(ADMIN, "no_decision_share", "no_decision", selectors.Question()) == ([], 0)


def test_days_in_the_firm_that_are_hidden_are_told_by_no_number_and_no_list(loaded):
    quotas.quotas_decide(
        actor=ADMIN, rows=[{"person": firm.OURS, "period": "2026-Q2", "amount": "1000"}], reason="test"
    )
    asked = selectors.Question(period="2026-Q2")

    def months() -> set[Any]:
        return {
            row["fte_months"] for row in selectors.rows_behind(ANALYST, "quota_attainment", "won", asked)[0]
        }

    assert months() == {Decimal(3)}
    hide("users.hired_on")
    assert months() == {None}
    value = selectors.numbers(ANALYST, ["rep_productivity"], asked).values[0]
    assert (value.value, value.reason) == (None, "masked for your role: users.hired on")


def test_faults_that_look_at_a_hidden_field_are_not_judged(loaded):
    hide("amounts")
    with open_faults(ANALYST) as opened:
        found = {f.rule.code: f for f in opened.findings()}
    assert found["DQ12"].applicable is None
    assert found["DQ12"].reason == "masked for your role: amount"
    assert found["DQ01"].applicable is not None


def test_a_mask_holds_for_every_day_and_from_its_first(loaded):
    today = timezone.now().date()
    hide("amounts", starts_on=today + timedelta(days=2))
    assert not scope(ANALYST, date(2027, 1, 1)).masked
    hide("amounts", starts_on=today)
    for on in (date(2020, 1, 1), today, date(2040, 1, 1)):
        assert scope(ANALYST, on).masks("opportunities", "amount")
    services.mask_end(actor=ADMIN, subject="rule", starts_on=today, reason="test")
    assert not scope(ANALYST, today).masked


def test_masks_go_by_the_account_s_role_or_the_person_s(loaded):
    from salesops.org.services import positions_decide

    positions_decide(actor=ADMIN, rows=[{"person": firm.OURS, "role": "SDR"}])
    hide("opportunities.next_step", roles=("sdr",))
    theirs = next(p for p in permissions.person_names(date(2030, 1, 1)) if p != firm.OURS)
    assert scope(Actor("a", "rep", person_id=firm.OURS), date(2026, 1, 1)).masked == {
        "opportunities.next_step"
    }
    assert not scope(Actor("b", "rep", person_id=theirs), date(2026, 1, 1)).masked
    assert not scope(ADMIN, date(2026, 1, 1)).masked


def test_files_as_they_came_are_closed_to_whom_anything_is_hidden_from(loaded):
    assert may(ANALYST, "file.read")
    hide("contact_details")
    assert not may(ANALYST, "file.read")
    assert may(ANALYST, "import.view")
    assert may(Actor("m", "ops_manager"), "file.read")


@pytest.mark.parametrize(
    "column",
    [
        "opportunities.stage", "opportunities.close_on", "opportunities.owner_id", "opportunities.account_name",
        "accounts.name", "users.team", "changes.old", "opportunities.nonsense", "nowhere.amount", "contacts.id",
        "invoices.account_id", "nonsense",
    ],
)  # fmt: skip
def test_what_records_are_found_by_can_t_be_hidden(db, column):
    with pytest.raises(ValidationError):
        hide(column)


def test_only_administrators_hide_and_not_from_themselves(db):
    with pytest.raises(ValidationError):
        hide("amounts", roles=("administrator",))
    for role in ("ops_vp", "auditor", "rep"):
        with pytest.raises(NotAllowedError):
            services.mask_decide(
                actor=Actor("x", role), name="r", columns=["amounts"], roles=["rep"], reason="test"
            )


def test_groups_take_own_columns_of_the_same_content():
    known = {
        "opportunities": {
            "x_expected_revenue": "text",
            "x_colour": "text",
            "x_points": "integer",
            "amount": "money",
        }
    }
    hidden = masks.expanded(["amounts"], known)
    assert {"opportunities.amount", "opportunities.x_expected_revenue", "opportunities.x_points"} <= hidden
    assert "opportunities.x_colour" not in hidden
    assert "orders.amount" in hidden
    assert masks.expanded(["contact_details"], {"leads": {"x_mobile_phone": "text"}}) == {
        "contacts.email", "contacts.phone", "leads.email", "leads.phone", "leads.x_mobile_phone",
    }  # fmt: skip
