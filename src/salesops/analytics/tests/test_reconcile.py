"""Compare with the CRM: contributions always sum to the difference, causes are the true ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.analytics.engine.reconcile import (
    OurDeal,
    Reconciliation,
    Selection,
    TheirRow,
    case_suffix,
    reconcile,
    reconcile_total,
    record_key,
)

FIRST, LAST = date(2024, 1, 1), date(2024, 3, 31)
WON = Selection(FIRST, LAST, frozenset({"won"}))


def ours(i: int, **more: object) -> OurDeal:
    base = OurDeal(
        str(i), f"Deal {i}", "ada", "won", Decimal(100), date(2024, 2, 1), counted=True, account="Acme"
    )
    return replace(base, **more)  # type: ignore[arg-type]


def theirs(i: int, **more: object) -> TheirRow:
    base = TheirRow(str(i), f"Deal {i}", Decimal(100), date(2024, 2, 1), stage_class="won")
    return replace(base, **more)  # type: ignore[arg-type]


def sums_up(found: Reconciliation) -> bool:
    return sum((line.contribution for line in found.lines), Decimal(0)) == found.difference


def only_cause(found: Reconciliation) -> str:
    assert sums_up(found)
    assert len(found.lines) == 1, found.lines
    return found.lines[0].cause


def test_agreement() -> None:
    found = reconcile([ours(1), ours(2)], [theirs(2), theirs(1)], WON)
    assert (found.difference, found.lines, found.agreed) == (0, (), 2)


@pytest.mark.parametrize(
    "mine, their, cause",
    [
        ([], [theirs(1)], "scope"),
        ([ours(1)], [], "scope"),
        ([ours(1, counted=False, day=date(2024, 4, 9))], [theirs(1)], "date"),
        ([ours(1, counted=False, day=None)], [theirs(1)], "date"),
        ([ours(1, counted=False, day=date(2024, 4, 1))], [theirs(1, day=LAST)], "time_zone"),
        ([ours(1, counted=False, stage_class="open")], [theirs(1)], "stage"),
        ([ours(1, amount=Decimal(90))], [theirs(1)], "amount"),
        ([ours(1, amount=None)], [theirs(1)], "amount"),
        ([ours(1, amount=Decimal(9), source_amount=Decimal(100), currency="EUR")], [theirs(1)], "currency"),
        ([ours(1, amount=None, source_amount=Decimal(100), currency="EUR")], [theirs(1)], "currency"),
        ([ours(1)], [theirs(1), theirs(1)], "duplicate"),
        ([ours(1, counted=False)], [theirs(1)], "unexplained"),
    ],
    ids=["theirs only", "ours only", "date", "no date", "time zone", "stage", "amount", "no amount",
         "currency", "no rate", "duplicate", "unexplained"],
)  # fmt: skip
def test_each_cause(mine: list[OurDeal], their: list[TheirRow], cause: str) -> None:
    assert only_cause(reconcile(mine, their, WON)) == cause


def test_owner_and_type() -> None:
    by_owner = replace(WON, owners=frozenset({"bo"}))
    assert only_cause(reconcile([ours(1, counted=False)], [theirs(1)], by_owner)) == "owner"
    by_type = replace(WON, types=frozenset({"New"}))
    assert only_cause(reconcile([ours(1, counted=False, type="Renewal")], [theirs(1)], by_type)) == "type"


def test_a_deal_just_before_midnight_of_the_last_day() -> None:
    late = ours(1, day=LAST, moment=datetime(2024, 3, 31, 23, 30, tzinfo=UTC))
    assert only_cause(reconcile([late], [], WON)) == "time_zone"
    noon_inside = ours(1, day=date(2024, 2, 1), moment=datetime(2024, 2, 1, 23, 30, tzinfo=UTC))
    assert only_cause(reconcile([noon_inside], [], WON)) == "scope"


def test_a_report_that_splits_a_deal_into_lines_agrees() -> None:
    found = reconcile([ours(1)], [theirs(1, amount=Decimal(60)), theirs(1, amount=Decimal(40))], WON)
    assert (found.lines, found.agreed) == ((), 1)


def test_the_reports_own_total() -> None:
    found = reconcile([ours(1)], [theirs(1)], WON, stated=Decimal(130))
    assert (found.theirs, found.by_cause()) == (130, {"unexplained": Decimal(30)})
    assert sums_up(found)


def test_matching_by_name_where_the_report_has_no_ids() -> None:
    mine = [ours(1, name="Big  Deal"), ours(2, name="Twin"), ours(3, name="Twin", account="Other")]
    rows = [
        theirs(0, id="", name="big deal"),
        theirs(0, id="", name="Twin", account="other"),
        theirs(0, id="", name="Twin", account="ACME"),
    ]
    assert reconcile(mine, rows, WON).agreed == 3
    bare = reconcile(mine[1:], [theirs(0, id="", name="Twin")], WON)
    assert bare.by_cause()["scope"] == -100  # two of ours, one of theirs: an ambiguous name is not guessed
    assert sums_up(bare)


def test_long_and_short_salesforce_ids() -> None:
    # A published pair: 15 characters and the same id with its check of case.
    short = "0015800000AbCdE"
    long = short + case_suffix(short)
    assert record_key(long) == short
    assert record_key("not-an-id-of-18-ch") == "not-an-id-of-18-ch"
    assert reconcile([ours(1, id=short)], [theirs(1, id=long)], WON).agreed == 1


def test_a_typed_figure_names_candidates_and_explains_nothing() -> None:
    mine = [
        ours(1),
        ours(2, counted=False, day=date(2024, 4, 1)),
        ours(3, counted=False, day=date(2024, 6, 1)),
    ]
    found = reconcile_total(mine, Decimal(200), WON)
    assert found.by_cause() == {"unexplained": Decimal(100)}
    assert [(c.cause, c.contribution, c.deals, c.exact) for c in found.candidates] == [
        ("time_zone", 100, 1, True)
    ]
    assert reconcile_total(mine, Decimal(100), WON).lines == ()


def _minute(n: int) -> datetime:
    return datetime(2023, 12, 30, tzinfo=UTC) + timedelta(minutes=n)


_amounts = st.none() | st.integers(0, 10**7).map(lambda n: Decimal(n) / 100)
_day = st.none() | st.integers(-3, 95).map(lambda n: FIRST + timedelta(days=n))
_ours = st.builds(
    OurDeal,
    id=st.integers(1, 15).map(str),
    name=st.sampled_from(["A", "B", "C"]),
    owner=st.sampled_from(["ada", "bo"]),
    stage_class=st.sampled_from(["won", "lost", "open"]),
    amount=_amounts,
    day=_day,
    counted=st.booleans(),
    account=st.sampled_from(["", "Acme"]),
    source_amount=_amounts,
    currency=st.sampled_from(["", "EUR", "USD"]),
    type=st.sampled_from(["", "New"]),
    moment=st.none() | st.integers(0, 95 * 1440).map(_minute),
)
_theirs = st.builds(
    TheirRow,
    id=st.just("") | st.integers(1, 20).map(str),
    name=st.sampled_from(["A", "B", "C", ""]),
    amount=_amounts,
    day=_day,
    account=st.sampled_from(["", "Acme"]),
    owner=st.sampled_from(["", "ada"]),
    stage_class=st.sampled_from(["", "won", "lost"]),
    currency=st.sampled_from(["", "EUR"]),
)


@given(
    mine=st.lists(_ours, max_size=15),
    rows=st.lists(_theirs, max_size=15),
    measure=st.sampled_from(["amount", "count"]),
    stated=_amounts,
)
def test_contributions_sum_to_the_difference(
    mine: list[OurDeal], rows: list[TheirRow], measure: Literal["amount", "count"], stated: Decimal | None
) -> None:
    selection = replace(WON, measure=measure, owners=frozenset({"ada"}))
    found = reconcile(mine, rows, selection, stated)
    assert sums_up(found)
    assert sum(found.by_cause().values(), Decimal(0)) == found.difference
    figure = sum(
        (Decimal(1) if measure == "count" else d.amount or Decimal(0) for d in mine if d.counted), Decimal(0)
    )
    assert found.ours == figure
    assert sums_up(reconcile_total(mine, stated or Decimal(0), selection))


_PERTURBATIONS = ("scope", "date", "time_zone", "stage", "amount", "currency", "duplicate", "none")


@given(st.lists(st.sampled_from(_PERTURBATIONS), max_size=12))
def test_planted_perturbations_are_named(planted: list[str]) -> None:
    mine: list[OurDeal] = []
    rows: list[TheirRow] = []
    for i, what in enumerate(planted):
        deal, row = ours(i), theirs(i)
        if what == "scope":
            rows.append(row)
            continue
        if what == "date":
            deal = replace(deal, counted=False, day=date(2024, 5, 5))
        elif what == "time_zone":
            deal, row = replace(deal, counted=False, day=LAST + timedelta(days=1)), replace(row, day=LAST)
        elif what == "stage":
            deal = replace(deal, counted=False, stage_class="lost")
        elif what == "amount":
            deal = replace(deal, amount=Decimal(70))
        elif what == "currency":
            deal = replace(deal, amount=Decimal(70), source_amount=Decimal(100), currency="EUR")
        elif what == "duplicate":
            rows.append(row)
        mine.append(deal)
        rows.append(row)
    found = reconcile(mine, rows, WON)
    assert sorted(line.cause for line in found.lines) == sorted(p for p in planted if p != "none")
    assert found.agreed == planted.count("none")
    assert sums_up(found)
