"""What a question may name, for one reader: the catalogue, and the columns and values of his own rows.

Values are told from rows that the reader may see and columns that are not hidden from him: a name that
stands in somebody else's rows only is to him a word that nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from salesops.analytics.deal_columns import label
from salesops.analytics.kept import remembered, state_key
from salesops.analytics.selectors import ALIASES, catalogue, dimension_names
from salesops.ask.engine.items import Lexicon
from salesops.ask.engine.naming import dimensions_of, numbers_of
from salesops.ask.engine.query import Vocabulary
from salesops.ask.engine.tokens import tokens
from salesops.platform.access import real_id
from salesops.platform.actors import Actor
from salesops.process.inputs import Frames, masked_columns

NARROW = 2_000
"""Up to so many values of a column are known by heart; in a column with more, names are looked up."""
_DATED = ("_month", "_quarter", "_year")
_LONGEST_NAME = 10
"""Words of a name that is looked up, at most."""
_NO_VALUES = frozenset(
    {"stage_class", "currency", "next_step", "status", "source", "source_row", "zone", "role"}
)
"""Columns whose values no question means by themselves: texts, and words that mean something else in one."""


def lexicon(actor: Actor, frames: Frames, text: str) -> Lexicon:
    """Everything that a question of a reader may name."""
    me = own_name(actor, frames)
    now = timezone.now().astimezone(ZoneInfo(frames.firm.zone)).date()
    key = ("ask", me, now, *state_key(frames))
    known, wide = remembered(key, lambda: _known(frames, me, now))
    found = _looked_up(frames, wide, text) if wide else {}
    return known.also(found) if found else known


def own_name(actor: Actor, frames: Frames) -> str:
    """The name of the person that an account stands for; "" for none, and where names are hidden."""
    if not actor.person_id or "owner_name" in masked_columns(frames):
        return ""
    person = frames.people.get(real_id(actor.person_id))
    return person.name or "" if person else ""


def dimensions(frames: Frames) -> dict[str, str]:
    """Columns that a number may be split by, without the fiscal periods: column -> label. Hidden ones are left out."""
    masked = masked_columns(frames)
    names = [name for name in dimension_names(frames) if name not in masked and not name.endswith(_DATED)]
    return {name: label(name) for name in names}


def _known(frames: Frames, me: str, now: date) -> tuple[Lexicon, tuple[str, ...]]:
    columns = dimensions(frames)
    values, wide = _values(frames, columns)
    vocabulary = Vocabulary(
        numbers=numbers_of(catalogue()),
        dimensions=dimensions_of(columns, ALIASES),
        values=values,
        calendar=frames.firm.calendar,
        today=frames.today,
        me=me,
        now=now,
    )
    return Lexicon(vocabulary), wide


def _values(frames: Frames, columns: Mapping[str, str]) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Values of text columns, and the columns that have too many."""
    deals = frames.deals
    named = [c for c in columns if deals[c].type().is_string() and c not in _NO_VALUES]
    if not named:
        return {}, ()
    counted = frames.facts.execute(deals.agg(**{c: deals[c].nunique() for c in named})).to_pylist()[0]
    few = [c for c in named if 0 < counted[c] <= NARROW]
    wide = tuple(c for c in named if counted[c] > NARROW)
    if not few:
        return {}, wide
    row = frames.facts.execute(deals.agg(**{c: deals[c].collect(distinct=True) for c in few})).to_pylist()[0]
    return {c: _sayable(row[c]) for c in few}, wide


def _sayable(values: Any) -> tuple[str, ...]:
    """Values that a link can carry, in one order."""
    return tuple(sorted({v for v in values or () if v and "|" not in v}))


def _looked_up(frames: Frames, wide: tuple[str, ...], text: str) -> dict[str, tuple[str, ...]]:
    """Values of wide columns that a question names in full, whatever their case."""
    words = tokens(text)
    said = set()
    for first, token in enumerate(words):
        if token.quoted:
            said.add(token.text.casefold())
            continue
        for last in range(first, min(first + _LONGEST_NAME, len(words))):
            whole = text[token.start : words[last].end].casefold()
            said |= {whole, f"{whole}."}
    if not said:
        return {}
    deals, asked = frames.deals, sorted(said)
    row = frames.facts.execute(
        deals.agg(**{c: deals[c].collect(distinct=True, where=deals[c].lower().isin(asked)) for c in wide})
    ).to_pylist()[0]
    return {c: found for c in wide if (found := _sayable(row[c]))}
