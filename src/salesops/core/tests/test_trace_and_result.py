from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from salesops.core.money import Money
from salesops.core.result import Issue, Provenance, Result
from salesops.core.trace import Trace, TraceValue

WIN_RATE = Trace(
    "Win rate",
    Decimal("0.6315"),
    note="won / (won + lost)",
    children=(
        Trace("Won", 4238, "deals", children=(Trace("Period", note="all closed deals"),)),
        Trace("Lost", 2473, "deals"),
    ),
)


def test_lines() -> None:
    assert WIN_RATE.lines() == [
        "Win rate: 0.6315 (won / (won + lost))",
        "  Won: 4238 deals",
        "    Period (all closed deals)",
        "  Lost: 2473 deals",
    ]


@pytest.mark.parametrize(
    "value, plain",
    [
        (None, None),
        (0, 0),
        (0.25, 0.25),
        (True, True),
        ("Won", "Won"),
        (Decimal("1E+3"), "1000"),
        (Fraction(1, 3), "1/3"),
        (Money("12.50", "USD"), "12.50 USD"),
        (date(2017, 8, 15), "2017-08-15"),
        (datetime(2017, 8, 15, 9, tzinfo=UTC), "2017-08-15T09:00:00+00:00"),
    ],
)
def test_values_as_json(value: TraceValue, plain: object) -> None:
    step = Trace("x", value).to_dict()
    assert json.loads(json.dumps(step)) == {
        "label": "x",
        "value": plain,
        "unit": "",
        "note": "",
        "children": [],
    }


def test_tree_as_json() -> None:
    tree = json.loads(json.dumps(WIN_RATE.to_dict()))
    assert [child["label"] for child in tree["children"]] == ["Won", "Lost"]
    assert tree["children"][0]["children"][0]["note"] == "all closed deals"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")])
def test_undefined_is_not_a_number_in_disguise(value: TraceValue) -> None:
    with pytest.raises(ValueError, match="undefined is None"):
        Trace("Win rate", value)


def test_traces_are_values() -> None:
    assert Trace("a", children=[Trace("b")]) == Trace("a", children=(Trace("b"),))  # type: ignore[arg-type]
    assert len({Trace("a"), Trace("a")}) == 1


def test_issue() -> None:
    issue = Issue(
        "warning", "deal_without_amount", "The deal has no amount.", "opportunities.csv row 7", "Enter one."
    )
    assert issue.to_dict()["where"] == "opportunities.csv row 7"
    with pytest.raises(ValueError, match="severity"):
        Issue("fatal", "x", "y")  # type: ignore[arg-type]


def test_a_result_has_a_value_or_a_reason() -> None:
    assert Result(Fraction(0)).value == 0
    assert Result[Fraction](reason="no deal was closed").value is None
    assert Result[Fraction](rows=[]).value is None  # a record engine: its rows are the answer
    with pytest.raises(ValueError, match="give one"):
        Result[Fraction]()
    with pytest.raises(ValueError, match="issues"):
        Result(Fraction(1, 2), reason="few deals")


def test_result_issues_and_equality() -> None:
    error, info = Issue("error", "a", "A."), Issue("info", "b", "B.")
    result = Result(1, rows=[1], issues=[info, error], trace=WIN_RATE)  # type: ignore[arg-type]
    assert result.issues == (info, error)
    assert result.errors == (error,)
    assert result == Result(1, rows=[2], issues=(info, error), trace=WIN_RATE)
    assert result != Result(2, rows=[1], issues=(info, error), trace=WIN_RATE)


def test_provenance_as_json() -> None:
    origin = Provenance(
        "analytics.win_rate_count", "0.1.0", 7, datetime(2026, 1, 2, tzinfo=UTC), date(2017, 12, 31)
    )
    assert json.loads(json.dumps(origin.to_dict())) == {
        "engine": "analytics.win_rate_count",
        "code_version": "0.1.0",
        "manifest_id": 7,
        "decisions_through": "2026-01-02T00:00:00+00:00",
        "as_of": "2017-12-31",
    }
    assert Provenance("x", "0.1.0").to_dict()["as_of"] is None
