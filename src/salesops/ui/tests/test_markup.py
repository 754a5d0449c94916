"""Markup made by hand is what Django's own would be, character by character."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from salesops.ui.markup import joined, markup

TEXT = st.text(alphabet=st.sampled_from("<>&\"'`= aé\u00a0\n{}%"))
PARTS = st.one_of(
    TEXT,
    st.integers(),
    st.decimals(allow_nan=False).map(Decimal),
    st.none(),
    TEXT.map(lambda text: mark_safe(f"<b>{text.replace('<', '')}</b>")),
    st.just(gettext_lazy("Yes")),
)
PATTERN = '<a href="{}" title="{}">{}</a>'


@given(PARTS, PARTS, PARTS)
def test_parts_are_escaped_once_unless_they_are_html(one: Any, two: Any, three: Any) -> None:
    made = markup(PATTERN, one, two, three)
    assert made == format_html(PATTERN, one, two, three)
    assert markup("<p>{}</p>", made) == format_html("<p>{}</p>", made)


@given(st.lists(PARTS, max_size=4))
def test_pieces_are_joined_as_they_are_escaped(pieces: list[Any]) -> None:
    assert joined(pieces, "<br>") == format_html_join(mark_safe("<br>"), "{}", ((piece,) for piece in pieces))
