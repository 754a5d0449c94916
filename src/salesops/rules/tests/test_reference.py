"""The reference says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from salesops.rules import RuleError, reading, walking
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
