"""Hostile and odd texts: each refused in a sentence a reader can act on, or answered rightly."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from salesops.rules import RuleError, UnknownFieldError, amount, rule
from salesops.rules.tests.hostile import ODD, REFUSED
from salesops.rules.tests.world import VALUES, Row, answers, fields, read, table

EMPTY: Row = dict.fromkeys(
    ("stage", "region", "amount", "score", "seats", "created_on", "closed_on", "pitched", "order")
)
ROWS: list[Row] = [
    EMPTY,
    EMPTY | {"stage": "Won", "region": "North", "amount": Decimal("100.5"), "seats": 3, "pitched": True},
    EMPTY | {"stage": "O'Brien", "region": "O'Brien", "amount": Decimal("0.3"), "seats": 0, "pitched": False},
    EMPTY | {"stage": "\\", "amount": Decimal(0), "seats": -3, "order": "a", "closed_on": date(2026, 2, 10)},
    EMPTY | {"stage": "50% off", "amount": Decimal(-7), "seats": 9 * 10**18, "created_on": date(2026, 2, 11)},
    EMPTY | {"stage": "", "closed_on": date(2025, 2, 9), "created_on": date(2025, 2, 9), "pitched": True},
    EMPTY | {"amount": Decimal("999999999999999.9999"), "closed_on": date(2025, 12, 31)},
    EMPTY | {"stage": "Lost", "region": "Lost", "closed_on": date(2026, 1, 28), "order": "b"},
]  # fmt: skip
FAMILIES = list(REFUSED)


def test_there_are_enough_of_them() -> None:
    texts = [text for family in REFUSED.values() for text, _ in family] + [text for text, _ in ODD]
    assert len(set(texts)) == len(texts)
    assert len(texts) >= 300


@pytest.mark.parametrize("family", FAMILIES)
def test_refused_with_a_readable_message(family: str) -> None:
    wrong = []
    for text, says in REFUSED[family]:
        try:
            made = read(text)
        except RuleError as error:
            if says not in str(error) or not _readable(str(error)):
                wrong.append((text[:60], says, str(error)))
        else:
            wrong.append((text[:60], "was read as", made.text))
    assert wrong == []


def _readable(message: str) -> bool:
    internal = ("sqlglot", "ibis", "exp.", "<class", "Traceback", "\x1b")
    return 15 < len(message) < 400 and not any(word in message for word in internal)


def test_odd_texts_are_right() -> None:
    found = answers([read(text) for text, _ in ODD], ROWS)
    for (text, by_hand), column in zip(ODD, found, strict=True):
        assert column == [by_hand(row) for row in ROWS], text


@pytest.mark.parametrize("label", ["2026-Q9", "2026-W60", "2026-13", "9999"])
def test_a_period_that_the_calendar_does_not_have(label: str) -> None:
    with pytest.raises(RuleError, match="no period of your calendar"):
        answers([read(f"closed_on = '{label}'")], ROWS)


def test_a_field_that_has_gone_since() -> None:
    made = read("region = 'North'")
    with pytest.raises(UnknownFieldError, match="no field 'region'"):
        made.over(table(ROWS).drop("region"), VALUES)


def test_a_message_names_the_place_and_the_nearest_field() -> None:
    with pytest.raises(UnknownFieldError) as caught:
        read("stage = 'Won' and amuont > 5")
    assert (caught.value.position, caught.value.name, caught.value.near) == (18, "amuont", "amount")
    assert str(caught.value) == "There is no field 'amuont'. Did you mean amount? (at character 19)"


def test_a_hidden_field_is_not_suggested() -> None:
    with pytest.raises(UnknownFieldError) as caught:
        read("payy > 5")
    assert caught.value.near != "pay"


@pytest.mark.parametrize(
    "text,sentence",
    [
        (
            "stage in ('Won', 'Lost') and amount > 12500.50",
            "stage is \u201cWon\u201d or \u201cLost\u201d, and amount is more than 12,500.5",
        ),
        ("closed_on = 'this quarter' or closed_on is null", "close date is in this quarter, or close date is empty"),
        ("created_on < today - '30 days'", "created is before 30 days before today"),
        ("days_between(created_on, closed_on) > '2 weeks'", "the time from created to close date is more than 14 days"),
        ("not pitched", "pitched is no"),
        ("region not ilike '%north%'", "region does not contain \u201cnorth\u201d, whatever the case"),
        ("amount * score >= 5", "amount times score is at least 5"),
        ("coalesce(region, 'none') = 'none'", "region (or \u201cnone\u201d where it is empty) is \u201cnone\u201d"),
        ("-(amount + 1) > 0", "minus (amount plus 1) is more than 0"),
        ("-amount + 1 > 0", "minus amount plus 1 is more than 0"),
        ("abs(amount + 1) > 0", "the size of (amount plus 1) is more than 0"),
        ("abs(amount) + 1 > 0", "(the size of amount) plus 1 is more than 0"),
        ("length(stage) * 2 > 3", "(the length of stage) times 2 is more than 3"),
        (
            "days_between(created_on, closed_on) * 2 > 4",
            "(the time from created to close date) times 2 is more than 4 days",
        ),
        ("coalesce(amount + 1, 0) > 2", "(amount plus 1) (or 0 where it is empty) is more than 2"),
        ("pitched = true", "pitched is yes"),
        ("false <> pitched", "pitched is not no"),
        ("pitched in (true, false)", "pitched is yes or no"),
        ("pitched is distinct from true", "pitched differs from yes, empty counting as a value"),
        ("pitched is null", "pitched is empty"),
        ("pitched is not null", "pitched is filled"),
        ("contains(stage, 'a') is null", "it is unknown whether stage contains \u201ca\u201d"),
        ("ends_with(stage, 'a') = false", "whether stage ends with \u201ca\u201d is no"),
        ("coalesce(pitched, false)", "pitched (or no where it is empty) is yes"),
        ("not coalesce(pitched, false)", "pitched (or no where it is empty) is no"),
        ("coalesce(pitched, false) is null", "pitched (or no where it is empty) is empty"),
        ("pitched is true", "it is certain that pitched is yes"),
        ("'this quarter' <= closed_on", "close date is since the start of this quarter"),
    ],
)  # fmt: skip
def test_the_sentence(text: str, sentence: str) -> None:
    assert read(text).sentence == sentence


@pytest.mark.parametrize(
    "text,named",
    [
        ("region <> 'North'", ["region"]),
        ("region not in ('North') and stage = 'Won'", ["region"]),
        ("not (region = 'North' and amount > 5)", ["region", "amount"]),
        ("region <> 'North' or region is null", []),
        ("coalesce(region, '') <> 'North'", []),
        ("region = 'North'", []),
        ("(region = 'North') is not true", []),
        ("region is distinct from 'North'", []),
        ("not pitched", ["pitched"]),
    ],
)
def test_a_hint_where_unknown_rows_fall_out(text: str, named: list[str]) -> None:
    found = read(text).hints
    assert [hint.partition(" is empty")[0].removeprefix("Rows where ") for hint in found] == named


@pytest.mark.parametrize(
    "text,kind,canonical",
    [
        ("amount", "money", "amount"),
        ('"Deal size" * 0.5', "money", "amount * 0.5"),
        ("seats", "number", "seats"),
        ("days_between(created_on, closed_on)", "days", "days_between(created_on, closed_on)"),
        ("((amount) - 5)", "money", "amount - 5"),
    ],
)
def test_amounts(text: str, kind: str, canonical: str) -> None:
    made = amount(text, fields())
    assert (made.kind, made.text) == (kind, canonical)
    assert amount(made.text, fields()) == made


@pytest.mark.parametrize(
    "text,says",
    [
        ("stage", "a text"),
        ("closed_on", "a date"),
        ("5", "same for every row"),
        ("'amount'", "without quotes"),
        ("amount > 5", "needed"),
        ("amount / 2", "doesn't divide"),
        ("pay", "masked"),
        ("", "empty"),
        ("amuont", "Did you mean amount?"),
    ],
)
def test_amounts_that_are_none(text: str, says: str) -> None:
    with pytest.raises(RuleError, match=says):
        amount(text, fields())


def test_one_name_for_two_fields_is_refused() -> None:
    from salesops.rules import Field, Fields

    two = Fields([Field("a", "text", "Name"), Field("b", "text", "name")])
    with pytest.raises(RuleError, match="a or b"):
        rule("name = 'x'", two)
