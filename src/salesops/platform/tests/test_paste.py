from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from salesops.platform.paste import fingerprint, read_grid

COLUMNS = {"person": ("rep", "Sales Agent"), "manager": ("Reports to",), "team": ()}


def read(text, needed=("person",)):
    return read_grid(text, COLUMNS, needed=needed)


@pytest.mark.parametrize(
    "text",
    [
        "Ann\tBob\tRed\n\nCy\t\tBlue\n",
        "sales agent\tREPORTS TO\tTeam\r\nAnn\tBob\tRed\r\nCy\t\tBlue",
        "team\trep\tmanager\nRed\tAnn\tBob\nBlue\tCy\t\n",
        "Ann,Bob,Red\nCy,,Blue",
        "Ann; Bob ;Red\nCy;;Blue",
        "Ann\tBob\tRed\t\t\nCy\t\tBlue\t\t",
    ],
)
def test_pasted_cells_are_named_by_header_or_order(text):
    assert read(text) == [
        {"person": "Ann", "manager": "Bob", "team": "Red"},
        {"person": "Cy", "manager": "", "team": "Blue"},
    ]


def test_a_quoted_cell_may_hold_a_line_break_and_a_tab():
    assert read('"Ann\nLee"\t"Bo\tb"') == [{"person": "Ann\nLee", "manager": "Bo\tb"}]


@pytest.mark.parametrize(
    "text, words",
    [
        ("  \n\t\n", "at least one row"),
        ("rep\tcolour\nAnn\tred", "'colour' is unknown"),
        ("rep\tsales agent\nAnn\tAnn", "Two columns are headed person"),
        ("team\tmanager\nRed\tBob", "column person is missing"),
        ("rep\tmanager", "no row below"),
        ("Ann\tBob\tRed\textra", "Row 1 has 4 cells"),
        ("x\n" * 20_001, "at most 20,000"),
    ],
)
def test_what_cannot_be_read_is_said(text, words):
    with pytest.raises(ValidationError, match=words):
        read(text)


def test_a_single_column_is_too_few_where_two_are_needed():
    with pytest.raises(ValidationError, match="Only one column"):
        read("Ann\nBob", needed=("person", "manager"))


def test_only_what_was_previewed_has_its_mark():
    assert fingerprint("a", None) == fingerprint("a", None)
    assert (
        len({fingerprint("a", None), fingerprint("a", "None "), fingerprint("aN", "one"), fingerprint("a")})
        == 4
    )
