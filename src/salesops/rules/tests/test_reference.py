"""The reference says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from salesops.rules import RuleError, reading, walking
from salesops.rules.amounts import _CALLS as CALLS
from salesops.rules.amounts import MOST_NODES
from salesops.rules.functions import FUNCTIONS
from salesops.rules.literals import MOST_LETTERS, MOST_WILDCARDS
from salesops.rules.tests.world import read

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "rules.md"


def rows(heading: str) -> list[list[str]]:
    part = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return table[1:]


def test_the_examples_say_what_stands_beside_them() -> None:
    found = rows("Examples")
    assert len(found) > 20
    for text, says in found:
        assert read(text.strip("`")).sentence == says


def test_the_refusals_are_those_of_the_program() -> None:
    found = rows("What is refused")
    assert len(found) >= 10
    for text, says in found:
        with pytest.raises(RuleError) as caught:
            read(text.strip("`"))
        assert str(caught.value) == says


def test_every_function_is_described() -> None:
    assert [(name.strip("`"), says) for name, _, says in rows("Functions")] == [
        (function.name, function.says) for function in FUNCTIONS.values()
    ]


OF_KIND = {
    "text": ["stage"],
    "date": ["closed_on", "today"],
    "a number": ["seats", "amount", "days_between(created_on, closed_on)"],
    "two or more values of one kind": [
        "stage, region",
        "amount, score, 0",
        "closed_on, today",
        "pitched, false",
    ],
}


@pytest.mark.parametrize("name,takes", [(name.strip("`"), takes) for name, takes, _ in rows("Functions")])
def test_every_function_takes_what_the_page_says_and_nothing_else(name: str, takes: str) -> None:
    kinds = takes.split(", ")
    if kinds == ["text", "text"]:
        read(f"{name}(stage, 'a') is not null")
        wrong = ["stage", "stage, 'a', 'b'", "seats, 'a'", "stage, 5"]
    elif len(kinds) == 2:
        read(f"{name}({OF_KIND[kinds[0]][0]}, {OF_KIND[kinds[1]][1]}) is not null")
        wrong = ["closed_on", "closed_on, today, today", "closed_on, 5", "stage, closed_on"]
    else:
        for given in OF_KIND[takes]:
            read(f"{name}({given}) is not null")
        others = [one for kind, given in OF_KIND.items() if kind != takes for one in given]
        wrong = [*others, "", "stage, seats"]
    for given in wrong:
        with pytest.raises(RuleError):
            read(f"{name}({given}) is not null")


def test_other_spellings_are_read_as_the_page_says() -> None:
    found = rows("Other spellings")
    assert len(found) > 10
    for written, same in found:
        assert read(written.strip("`")).text == same.strip("`")
    names = {name.lower() for kind in CALLS for name in kind.sql_names()} - {*FUNCTIONS}
    said = " ".join(written for written, _ in found)
    refused = {name for name in names if f"{name}(" not in said}
    for name in refused:
        given = ["stage", "stage, 'a'", "amount"]
        for one in given:
            with pytest.raises(RuleError):
                read(f"{name}({one}) is not null")


def test_the_limits() -> None:
    said = [int(re.sub(r"\D", "", number)) for _, number in rows("Limits")]
    assert said == [
        reading.MOST_CHARACTERS,
        MOST_NODES,
        reading.MOST_DEPTH,
        walking.MOST_VALUES,
        MOST_LETTERS,
        MOST_WILDCARDS,
    ]
