"""Hidden columns and numbers: a number either is what it is without the mask, or says that it is masked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from salesops.analytics.engine.catalogue import catalogue
from salesops.analytics.engine.compute import evaluate
from salesops.analytics.engine.kpi import Kpi
from salesops.analytics.engine.masking import masked_in, masked_rows, without_masked
from salesops.analytics.tests import deals as d
from salesops.analytics.tests import events
from salesops.analytics.tests.test_kpis_by_hand import NEEDS_QUOTA

EXECUTE = d.execute(d.connection())
KPIS = [kpi for kpi in catalogue().values() if kpi.name not in NEEDS_QUOTA]
FOUND_BY = {"id", "owner_id"}
"""Columns that rows are told apart and guarded by: nobody hides those."""
BILLS = {"account_id": "account_id", "on": "issued_on", "amount": "amount"}


def maskable(firm: events.Firm) -> frozenset[str]:
    """Every column of the firm's tables: of the deals plain, of other tables with their table."""
    found = {*firm.deals[0], "close_on"} - FOUND_BY
    for table in ("activities", "leads", "spend"):
        found |= {f"{table}.{name}" for name in getattr(firm, table)[0] if name not in FOUND_BY}
    return frozenset({*found, *(f"invoices.{n}" for n in BILLS.values()), "users.hired_on", "users.left_on"})


def hidden(firm: events.Firm, columns: Collection[str]) -> events.Firm:
    """The firm as somebody reads it from whom columns are hidden: empty, and their changes left out."""

    def without(table: str, rows: list[dict[str, Any]], names: dict[str, str] | None = None) -> Any:
        start = f"{table}." if table else ""
        gone = {n for n in rows[0] if f"{start}{(names or {}).get(n, n)}" in columns}
        return [{n: None if n in gone else value for n, value in row.items()} for row in rows]

    absences = {
        key: (None if "users.hired_on" in columns else since, None if "users.left_on" in columns else until)
        for key, (since, until) in firm.absences.items()
    }
    return replace(
        firm,
        deals=without("", firm.deals),
        changes=[c for c in firm.changes if c["field"] not in columns],
        activities=without("activities", firm.activities),
        leads=without("leads", firm.leads),
        spend=without("spend", firm.spend),
        bills=without("invoices", firm.bills, BILLS),
        absences=absences,
    )


def test_hiding_what_a_number_is_not_made_of_leaves_it_as_it_is() -> None:
    """For every number, everything is hidden at once that is said not to touch it."""
    firm, context = events.make(1), events.IN_QUARTER
    for n, deal in enumerate(firm.deals):
        deal |= {"first_interaction_on": deal["created_on"] - timedelta(days=n % 9), "is_pitched": n % 3 == 0}
    every, named = maskable(firm), events.frames(firm, context)
    plain = {v.name: v for v in evaluate(KPIS, named, context, EXECUTE)}
    assert {v.name for v in plain.values() if v.value is None} == set()
    alike: dict[frozenset[str], list[Kpi]] = {}
    for kpi in KPIS:
        alike.setdefault(masked_in(kpi, named, context, every), []).append(kpi)
    wrong = {}
    for needed, kpis in alike.items():
        frames = events.frames(hidden(firm, every - needed), context, firm)
        for value in evaluate(kpis, frames, context, EXECUTE):
            kept = without_masked([value], kpis, frames, context, every - needed)[0]
            wanted = plain[value.name].value
            if (kept.value is None) != (wanted is None) or (
                wanted is not None and Fraction(kept.value) != Fraction(wanted)
            ):
                wrong[value.name] = (kept.value, kept.reason, wanted, sorted(needed))
    assert wrong == {}


@pytest.mark.parametrize(
    "name, columns",
    [
        ("time_in_stage", {"created_on", "closed_on", "stage", "stage_class"}),
        ("stalled_share", {"created_on", "closed_on", "stage", "pipeline"}),
        ("opp_to_won", {"stage_class", "leads.converted_opportunity_id"}),
        ("pushes", {"close_on", "expected_close_on", "closed_on"}),
        ("commit_win_rate", {"forecast_category", "close_on"}),
        ("leads_created", {"leads.created_on", "leads.created_at"}),
        ("activities_per_working_day", {"users.hired_on", "users.left_on", "activities.status"}),
        ("activities_per_won_deal", {"closed_on", "activities.happened_on"}),
    ],
)
def test_a_number_made_of_a_hidden_column_is_undefined_and_so_are_its_rows(
    name: str, columns: set[str]
) -> None:
    named = events.frames(events.make(1), events.IN_QUARTER)
    kpi = catalogue()[name]
    for column in columns:
        assert masked_in(kpi, named, events.IN_QUARTER, {column}) == {column}
        sides = [masked_rows(kpi, side, named, events.IN_QUARTER, {column}) for side in kpi.sides]
        assert {column} in sides, column


def test_rows_whose_own_amount_is_hidden_are_listed_without_it() -> None:
    named = events.frames(events.make(1), events.IN_QUARTER)
    won = catalogue()["won_value"]
    assert masked_in(won, named, events.IN_QUARTER, {"amount"}) == {"amount"}
    assert masked_rows(won, won.sides[0], named, events.IN_QUARTER, {"amount"}) == frozenset()
    assert masked_rows(won, won.sides[0], named, events.IN_QUARTER, {"closed_on"}) == {"closed_on"}
