"""Numbers that people define themselves: what a definition holds, and whether it can be read.

A definition names one measure of the deals, or the quotient of two, each over the deals that meet a rule.
:mod:`salesops.analytics.engine.custom_kpis` makes a number like any other of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import ibis
import ibis.expr.schema as sch

from salesops.analytics.engine.kpi import Direction, Unit
from salesops.analytics.engine.selection import KpiError
from salesops.rules import Amount, Fields, Kind, Rule, RuleError, Values, amount, fields_of, rule

MeasureName = Literal["count", "sum", "average", "median", "share", "number"]
MEASURES: Mapping[MeasureName, str] = {
    "count": "How many deals",
    "sum": "Sum of",
    "average": "Average of",
    "median": "Median of",
    "share": "Share of the deals where",
    "number": "Another number",
}
"""Measures as people choose them. ``of`` of a share is a rule, of ``number`` the name of a number."""

DATES: Mapping[str, str] = {
    "closed_on": "close date",
    "created_on": "creation date",
    "expected_close_on": "expected close date",
    "first_interaction_on": "date of the first interaction",
    "last_activity_on": "date of the last activity",
}
"""Dates that may place a deal in a period; "" reads the deals as they stand, whatever the period."""

MONEY_COLUMNS = frozenset({"amount", "source_amount", "amount_estimate"})
FAMILY = "Your own numbers"
MOST_SIDES = 16
"""Sides of one number, those of the numbers it is made of included."""


@dataclass(frozen=True)
class Part:
    """One measure of a definition.

    Attributes:
        measure: what is taken.
        of: of what: an amount of the rule language, a rule (share), the name of a number, or "" (count).
        rule: deals it is taken of; "" for all that count.
    """

    measure: MeasureName
    of: str = ""
    rule: str = ""


@dataclass(frozen=True)
class Definition:
    """What somebody decided a number to be.

    Attributes:
        name, title, sentence, unit, direction: as of a :class:`Kpi`.
        top: the measure, or what stands above the line.
        bottom: what stands below the line; None where nothing is divided.
        dated_by: date that places a deal in a period; one of :data:`DATES`, or "".
        owner: who answers for it.
    """

    name: str
    title: str
    sentence: str
    top: Part
    bottom: Part | None = None
    dated_by: str = "closed_on"
    unit: Unit = "count"
    direction: Direction = "none"
    owner: str = ""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The measures."""
        return (self.top,) if self.bottom is None else (self.top, self.bottom)

    @property
    def made_of(self) -> tuple[str, ...]:
        """Names of the numbers it is made of."""
        return tuple(part.of for part in self.parts if part.measure == "number")


class ImpossibleError(KpiError):
    """A definition that can't be computed; the message says why, and names the field that is gone, if one is."""

    def __init__(self, message: str, column: str = "") -> None:
        super().__init__(message)
        self.column = column


class CircleError(ImpossibleError):
    """Numbers that are made of one another; the message shows the way round."""


def deal_fields(
    schema: sch.Schema,
    *,
    titles: Mapping[str, str] | None = None,
    synonyms: Mapping[str, str] | None = None,
    hidden: Iterable[str] = (),
) -> Fields:
    """The fields of the deals, as rules name them."""
    return fields_of(schema, money=MONEY_COLUMNS, titles=titles, synonyms=synonyms, hidden=frozenset(hidden))


# --- checking a definition ---------------------------------------------------------------------------


@dataclass(frozen=True)
class ReadPart:
    """A part whose texts were read."""

    part: Part
    rule: Rule | None
    amount: Amount | None
    share: Rule | None

    @property
    def kind(self) -> Kind | Literal["count", "share"]:
        """What its value is."""
        if self.part.measure in ("count", "share"):
            return "count" if self.part.measure == "count" else "share"
        return self.amount.kind if self.amount else "number"

    @property
    def canonical(self) -> Part:
        """The part with its texts in their one written form."""
        of = self.amount.text if self.amount else self.share.text if self.share else self.part.of
        return replace(self.part, of=of, rule=self.rule.text if self.rule else "")

    def build(self, schema: sch.Schema, values: Values) -> None:
        """Build its conditions and its amount once: what can be read need not be one that can be asked.

        Raises:
            RuleError: a period that the calendar does not have, or a day outside every calendar.
        """
        table = ibis.table(schema, name="deals")
        for made in (self.rule, self.share, self.amount):
            if made is not None:
                made.over(table, values)


def read_part(part: Part, fields: Fields) -> ReadPart:
    """Read the texts of a part.

    Raises:
        RuleError: one of them can't be read.
    """
    if part.measure not in get_args(MeasureName):
        raise RuleError(f"There is no measure {part.measure!r}; there are {', '.join(MEASURES)}.")
    takes_amount = part.measure in ("sum", "average", "median")
    return ReadPart(
        part,
        rule(part.rule, fields) if part.rule.strip() else None,
        amount(part.of, fields) if takes_amount else None,
        rule(part.of, fields) if part.measure == "share" else None,
    )


_OF_KIND: Mapping[str, tuple[Unit, ...]] = {
    "money_per_day": ("money_per_day",),
    "minutes": ("minutes",),
    "count": ("count",),
    "share": ("ratio", "number"),
    "money": ("money",),
    "days": ("days",),
    "number": ("number",),
}


def units_of(kinds: tuple[str, ...]) -> tuple[Unit, ...]:
    """Units that a number of these kinds may have, the usual one first.

    Args:
        kinds: kind of the measure; of both, where one is divided by the other.
    """
    if len(kinds) == 1:
        return _OF_KIND.get(kinds[0], ("number",))
    top, bottom = kinds
    if top == bottom:
        return ("ratio", "number")
    if top == "money":
        return ("money_per_day",) if bottom == "days" else ("money",)
    if top == "days":
        return ("days",) if bottom in ("count", "number", "share") else ("number",)
    return ("number", "ratio")


# --- words -------------------------------------------------------------------------------------------


def formula_of(definition: Definition) -> str:
    """How the number is computed, in words and signs; rules as they are written."""
    return " / ".join(_formula(part, bracket=definition.bottom is not None) for part in definition.parts)


def _formula(part: Part, *, bracket: bool) -> str:
    if part.measure == "number":
        return part.of
    what = {
        "count": "number of deals",
        "share": f"deals where {part.of} / deals",
        "sum": f"sum of {part.of}",
        "average": f"sum of {part.of} / deals that have it",
        "median": f"middle value of {part.of}",
    }[part.measure]
    text = f"{what} where {part.rule}" if part.rule else what
    return f"({text})" if bracket else text


def convention_of(definition: Definition) -> str:
    """Which choices the number makes where others choose otherwise."""
    if all(part.measure == "number" for part in definition.parts):
        return "Made of numbers that have conventions of their own."
    placed = (
        f"By {DATES[definition.dated_by]} in the period, both days included."
        if definition.dated_by
        else ("The deals as they stand on the day asked, whatever the period.")
    )
    return (
        f"{placed} A deal of which the rule can't say, because a field is empty, is left out and counted; deals in "
        "ignored stages are left out."
    )


def sentence_of(definition: Definition, reads: Iterable[ReadPart], titles: Mapping[str, str]) -> str:
    """What a definition says in plain English.

    Args:
        definition: what was decided.
        reads: its parts as they were read.
        titles: name of a number it is made of -> its title.
    """
    said = " divided by ".join(_said(read, titles) for read in reads)
    if all(part.measure == "number" for part in definition.parts):
        return f"{said[:1].upper()}{said[1:]}."
    placed = (
        f"by {DATES[definition.dated_by]} in the period"
        if definition.dated_by
        else "as they stand on the day asked"
    )
    return f"{said[:1].upper()}{said[1:]}, {placed}."


def _said(read: ReadPart, titles: Mapping[str, str]) -> str:
    part = read.part
    if part.measure == "number":
        return titles.get(part.of, part.of)
    of = read.amount.sentence if read.amount else ""
    what = {
        "count": "the number of deals",
        "sum": f"the sum of {of} over the deals",
        "average": f"the average of {of} over the deals",
        "median": f"the middle value of {of} over the deals",
        "share": "the share of the deals",
    }[part.measure]
    where = f" where {read.rule.sentence}" if read.rule else ""
    return f"{what}{where} in which {read.share.sentence}" if read.share else f"{what}{where}"
