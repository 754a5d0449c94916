"""The catalogue's declarations and the data's columns as what a question may name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from salesops.analytics.engine.kpi import Kpi
from salesops.ask.engine import terms
from salesops.ask.engine.query import Number
from salesops.ask.engine.tokens import stems_of

_STANDING = frozenset({"deals", "standing"})
"""Frames whose rows a number without a date reads at one day."""
_WITH_DATES = frozenset({"deals", "leads"})
"""Frames whose rows hold the days of creation and close that a number is split by."""
_LISTED = frozenset({"stalled_share"})
"""Numbers whose title asks for the deals, not for the number."""


def numbers_of(kpis: Iterable[Kpi]) -> tuple[Number, ...]:
    """Numbers with what people call them; one of a firm's own that shares a title is called by its name."""
    found: list[Number] = []
    taken: set[tuple[str, ...]] = set()
    for kpi in kpis:
        first = terms.FIRST.get(kpi.name, kpi.title)
        if stems_of(first) in taken:
            first = kpi.name
        taken.add(stems_of(first))
        title = () if kpi.name in _LISTED else (kpi.title,)
        phrases = dict.fromkeys(
            (first, *terms.PHRASES.get(kpi.name, ()), *title, kpi.name, kpi.name.replace("_", " "))
        )
        frames = {side.frame for side in kpi.sides}
        found.append(
            Number(
                kpi.name,
                kpi.title,
                tuple(phrases),
                kpi.direction,
                kpi.dated_by,
                kpi.sentence,
                of_day=not kpi.dated_by and frames <= _STANDING,
                placed=frames <= _WITH_DATES,
            )
        )
    return tuple(found)


def dimensions_of(columns: Mapping[str, str], synonyms: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Columns with what people call them: column -> phrases. No phrase means two columns.

    A column's own name and label come before what others are called besides: a firm that has a column Office
    means it by the word, not the region.

    Args:
        columns: column -> its label.
        synonyms: other names of columns, as addresses take them -> column.
    """
    ordered = sorted(columns, key=lambda name: name not in terms.DIMENSIONS)
    own = [(c, p) for c in ordered for p in (*terms.DIMENSIONS.get(c, ())[:1], columns[c], _plain(c), c)]
    besides = [(c, p) for c in ordered for p in terms.DIMENSIONS.get(c, ())[1:]]
    besides += [(column, _plain(word)) for word, column in synonyms.items() if column in columns]
    found: dict[str, list[str]] = {}
    taken: set[tuple[str, ...]] = set()
    for column, phrase in (*own, *besides):
        said = stems_of(phrase)
        if said and said not in taken:
            taken.add(said)
            found.setdefault(column, []).append(phrase)
    return {column: tuple(phrases) for column, phrases in found.items()}


def _plain(column: str) -> str:
    return column.removeprefix("x_").replace("_", " ")
