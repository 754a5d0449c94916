"""From definitions to numbers: the same declaration as a built-in one, so every surface treats both alike.

A definition that the data can no longer answer becomes a number without a value that says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import ibis
import ibis.expr.schema as sch
import ibis.expr.types as ir

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.catalogue import parts
from salesops.analytics.engine.custom import (
    DATES,
    MOST_SIDES,
    CircleError,
    Definition,
    ImpossibleError,
    Part,
    ReadPart,
    convention_of,
    deal_fields,
    formula_of,
    read_part,
)
from salesops.analytics.engine.figure import Figure, quotient, undefined
from salesops.analytics.engine.kpi import (
    Context,
    Flag,
    Kpi,
    Measure,
    MeasureKind,
    Requirement,
    Side,
    SideValue,
)
from salesops.analytics.engine.selection import KpiError
from salesops.core.calendars import FiscalCalendar
from salesops.rules import RuleError, UnknownFieldError, Values, amount, period_reader, rule
from salesops.rules import nodes as n

WIDE_MONEY = "decimal(38,4)"
"""Type of a computed amount; a field's own amounts stay as they are."""
WHOLE_NUMBER = "decimal(38,0)"
"""Type of a whole number: the sum of a million of them may be more than 64 bits hold."""
WIDE_NUMBER = "decimal(38,12)"
"""Type of a computed number or number of days: nothing is rounded before it is added up."""


@dataclass(frozen=True)
class Definitions:
    """The definitions in force, and what they are compiled against.

    Attributes:
        by_name: definitions by name.
        built_in: a number of the catalogue by name, None where there is none.
        calendar: reads the names of periods in rules.
        today: the day that rules mean by ``today``.
        schema: columns of the deals; None where only names and words are wanted.
    """

    by_name: Mapping[str, Definition]
    built_in: Callable[[str], Kpi | None]
    calendar: FiscalCalendar
    today: date
    schema: sch.Schema | None = None

    def kpi(self, name: str) -> Kpi:
        """The number; without a value and with the reason where it can't be computed.

        Raises:
            KeyError: there is no such definition.
        """
        definition = self.by_name[name]
        try:
            return self.compiled(name)
        except ImpossibleError as error:
            return impossible(definition, str(error), error.column)

    def compiled(self, name: str, path: tuple[str, ...] = ()) -> Kpi:
        """The number, or the reason there is none.

        Raises:
            ImpossibleError: a field is gone, a number it is made of too, or numbers are made of one another.
        """
        if name in path:
            way = " \N{RIGHTWARDS ARROW} ".join((*path[path.index(name) :], name))
            raise CircleError(f"These numbers are made of one another: {way}.")
        definition = self.by_name.get(name)
        if definition is None:
            found = self.built_in(name)
            if found is None:
                raise ImpossibleError(f"There is no number {name!r} (any more).")
            return found
        return self._declared(definition, (*path, name))

    def _declared(self, definition: Definition, path: tuple[str, ...]) -> Kpi:
        single = definition.bottom is None
        operands = [
            self._operand(part, definition, "" if single else place, path)
            for part, place in zip(definition.parts, ("top", "bottom"), strict=False)
        ]
        sides = tuple(side for operand in operands for side in operand.sides)
        if len(sides) > MOST_SIDES:
            raise ImpossibleError(
                f"{definition.title} is made of {len(sides)} parts; at most {MOST_SIDES} are computed."
            )
        first = operands[0]
        made_of = [operand.of for operand in operands if operand.of is not None]
        dated = {kpi.dated_by for kpi in made_of} | (
            {definition.dated_by} if len(made_of) < len(operands) else set()
        )
        limits = [set(kpi.dimensions) for kpi in made_of if kpi.dimensions]
        return Kpi(
            name=definition.name,
            title=definition.title,
            sentence=definition.sentence,
            formula=formula_of(definition),
            unit=definition.unit,
            direction=definition.direction,
            owner=definition.owner or parts.OWNER,
            convention=convention_of(definition),
            sides=sides,
            combine=first.combine if single else partial(_divided, first, operands[1]),
            frame=first.of.frame if first.of else "deals",
            grain=first.of.grain if first.of else "opportunity",
            sample=first.sample if single else operands[1].sample,
            dated_by=first.of.dated_by if first.of else definition.dated_by,
            placed=len(dated) == 1 and "" not in dated and all(kpi.placed for kpi in made_of),
            dimensions=tuple(sorted(set.intersection(*limits))) if limits else (),
            requires=_once(need for operand in operands for need in operand.requires),
            flags=tuple(flag for operand in operands for flag in operand.flags),
            wilson=first.interval if single else None,
            joins=tuple(dict.fromkeys(join for kpi in made_of for join in kpi.joins)),
        )

    def _operand(self, part: Part, definition: Definition, place: str, path: tuple[str, ...]) -> _Operand:
        if part.measure == "number":
            return _of_number(self.compiled(part.of, path), place)
        read = None
        if self.schema is not None:
            read = self._read(part, self.schema)
            if definition.dated_by and definition.dated_by not in self.schema:
                raise _gone(definition.dated_by)
        return _of_deals(part, read, _Asked(part, definition.dated_by, self.values), place)

    @property
    def values(self) -> Values:
        """What its rules are asked with beside the deals."""
        return Values(self.today, period_reader(self.calendar, self.today))

    def _read(self, part: Part, schema: sch.Schema) -> ReadPart:
        try:
            read = read_part(part, deal_fields(schema))
        except UnknownFieldError as error:
            raise _gone(error.name) from error
        except RuleError as error:
            raise ImpossibleError(f"impossible: its rule can't be read: {error.message}") from error
        try:
            read.build(schema, self.values)
        except RuleError as error:
            raise ImpossibleError(f"impossible: its rule can't be asked: {error.message}") from error
        return read


def _gone(column: str) -> ImpossibleError:
    return ImpossibleError(f"impossible: the field {column} is no longer in your data", column)


@dataclass(frozen=True)
class _Operand:
    """One measure, ready to be a number of its own or half of a quotient."""

    sides: tuple[Side, ...]
    combine: Callable[[Mapping[str, SideValue]], Figure]
    sample: str
    requires: tuple[Requirement, ...] = ()
    flags: tuple[Flag, ...] = ()
    interval: tuple[str, str] | None = None
    of: Kpi | None = None


def _divided(top: _Operand, bottom: _Operand, sides: Mapping[str, SideValue]) -> Figure:
    above, below = top.combine(sides), bottom.combine(sides)
    for figure in (above, below):
        if figure.value is None:
            return figure
    zero = "there is nothing to divide by: what stands below the line is 0"
    return quotient(above.value, below.value, unknown=zero, zero=zero)


def _of_number(kpi: Kpi, place: str) -> _Operand:
    """A number that another one is made of: its sides under names of their own."""

    def own(name: str) -> str:
        return f"{place}_{name}" if place else name

    def combine(sides: Mapping[str, SideValue]) -> Figure:
        return kpi.combine({side.name: sides[own(side.name)] for side in kpi.sides})

    return _Operand(
        sides=tuple(
            replace(side, name=own(side.name), title=f"{kpi.title}: {side.title}" if place else side.title)
            for side in kpi.sides
        ),
        combine=combine,
        sample=own(kpi.sample or kpi.sides[-1].name),
        requires=kpi.requires,
        flags=tuple(replace(flag, name=own(flag.name)) for flag in kpi.flags),
        interval=(own(kpi.wilson[0]), own(kpi.wilson[1])) if kpi.wilson else None,
        of=kpi,
    )


def _of_deals(part: Part, read: ReadPart | None, asked: _Asked, place: str) -> _Operand:
    """A measure over the deals that meet a rule."""
    named = f"{place}_" if place else ""
    line = {"top": "Above the line: deals", "bottom": "Below the line: deals", "": "Deals"}[place]
    requires, flags = _needs(asked, read), _flags(asked, named)
    if part.measure == "share":
        whole = Side(f"{named}whole", f"{line} looked at", asked.rows)
        some = Side(f"{named}part", f"{line} that are the share", asked.share_rows)
        nothing = "no deal meets the rule, so there is nothing to take a share of"
        return _Operand(
            (some, whole),
            parts.ratio_of_counts(some.name, whole.name, nothing),
            whole.name,
            requires,
            flags,
            (some.name, whole.name),
        )
    side = Side(f"{named}rows", f"{line} counted", asked.rows, _measure(part, read, asked))
    if part.measure == "count":
        return _Operand((side,), parts.count_of(side.name), side.name, requires, flags)
    nothing = f"no deal of these has {_words(part.of)}"
    make = {"sum": parts.sum_of, "average": parts.mean_of, "median": parts.value_of}[part.measure]
    return _Operand((side,), make(side.name, nothing), side.name, requires, flags)


def _measure(part: Part, read: ReadPart | None, asked: _Asked) -> Measure:
    if part.measure == "count":
        return Measure("count")
    days = read is not None and read.kind == "days"
    middle = part.measure == "median"
    kind: MeasureKind = ("median_days" if middle else "days") if days else ("median" if middle else "sum")
    made = read.amount if read else None
    if made is None or (isinstance(made.node, n.Ref) and made.kind == "money"):
        return Measure(kind, column=made.text if made else part.of)
    return Measure(kind, value=asked.amount, reads=made.fields, plain=made.kind == "number")


def _needs(asked: _Asked, read: ReadPart | None) -> tuple[Requirement, ...]:
    """What the data must hold for a measure to mean anything."""
    found = []
    if asked.dated_by:
        sentence = f"no deal has a {DATES[asked.dated_by]}: export it with the opportunities"
        found.append(Requirement(asked.dated_by, c.counted, sentence))
    if read is not None:
        for made in filter(None, (read.rule, read.share)):
            asked_about = {
                name for node in n.walk(made.node) if _looks_at_gaps(node) for name in n.fields_in(node)
            }
            found += [
                Requirement(
                    name,
                    c.counted,
                    f"no deal has a value in {_words(name)}, which the rule asks about",
                    essential=True,
                )
                for name in made.fields
                if name not in asked_about
            ]
        if read.amount is not None:
            found += [
                Requirement(name, asked.rows, f"no deal of these has a value in {_words(name)}")
                for name in read.amount.fields
            ]
    return _once(found)


def _looks_at_gaps(node: object) -> bool:
    return isinstance(node, n.Empty | n.Same | n.Is) or (isinstance(node, n.Call) and node.name == "coalesce")


def _flags(asked: _Asked, named: str) -> tuple[Flag, ...]:
    found = []
    if asked.dated_by:
        sentence = f"Deals of the rule without a {DATES[asked.dated_by]}, outside every period: {{n}}."
        found.append(Flag(f"{named}undated", asked.undated, sentence))
    if asked.part.rule:
        sentence = "Deals left out because a field that the rule asks about is empty: {n}."
        found.append(Flag(f"{named}unknown", asked.unknown, sentence))
    return tuple(found)


def _once(needs: Iterable[Requirement]) -> tuple[Requirement, ...]:
    """Each column once: a number is told once what it lacks."""
    found: dict[str, Requirement] = {}
    for need in needs:
        found.setdefault(need.column, need)
    return tuple(found.values())


def _words(name: str) -> str:
    return name.removeprefix("x_").replace("_", " ")


class _Asked:
    """The conditions of one part, read again from each table they are put to."""

    def __init__(self, part: Part, dated_by: str, values: Values) -> None:
        self.part = part
        self.dated_by = dated_by
        self.values = values

    def base(self, t: ir.Table, context: Context) -> ir.BooleanValue:
        """Deals that count, in the period."""
        counted = c.counted(t, context)
        return counted & c.within(self.dated_by, t, context) if self.dated_by else counted

    def rows(self, t: ir.Table, context: Context) -> ir.BooleanValue:
        """Deals that meet the rule."""
        return self._meets(self.part.rule, t, self.base(t, context))

    def share_rows(self, t: ir.Table, context: Context) -> ir.BooleanValue:
        """Deals of those that are the share."""
        return self._meets(self.part.of, t, self.rows(t, context))

    def undated(self, t: ir.Table, context: Context) -> ir.BooleanValue:
        """Deals that meet the rule and lie in no period."""
        if context.period is None:
            return ibis.literal(False)
        return self._meets(self.part.rule, t, c.counted(t, context)) & t[self.dated_by].isnull()

    def unknown(self, t: ir.Table, context: Context) -> ir.BooleanValue:
        """Deals of the period of which the rule can't say whether they meet it."""
        found = self._rule(self.part.rule, t)
        return self.base(t, context) & ibis.cases((found, False), (~found, False), else_=True)

    def amount(self, t: ir.Table) -> ir.Column:
        """What is measured of each deal."""
        try:
            read = amount(self.part.of, deal_fields(t.schema()))
            made = read.over(t, self.values)
        except RuleError as error:
            raise KpiError(error.message) from error
        if made.type().is_integer():
            return made if read.kind == "days" else made.cast(WHOLE_NUMBER)
        if isinstance(read.node, n.Ref) and read.kind == "number":
            return made
        return made.cast(WIDE_MONEY if read.kind == "money" else WIDE_NUMBER)

    def _meets(self, text: str, t: ir.Table, base: ir.BooleanValue) -> ir.BooleanValue:
        return base & self._rule(text, t) if text else base

    def _rule(self, text: str, t: ir.Table) -> ir.BooleanValue:
        try:
            return rule(text, deal_fields(t.schema())).over(t, self.values)
        except RuleError as error:
            raise KpiError(error.message) from error


def impossible(definition: Definition, reason: str, column: str = "") -> Kpi:
    """A number without a value, which says why."""
    sentence = reason[:1].upper() + reason[1:] if not reason.startswith("impossible") else reason

    def nothing(t: ir.Table, context: Context) -> ir.BooleanValue:
        return ibis.literal(False)

    return Kpi(
        name=definition.name,
        title=definition.title,
        sentence=definition.sentence,
        formula=formula_of(definition),
        unit=definition.unit,
        direction=definition.direction,
        owner=definition.owner or parts.OWNER,
        convention=convention_of(definition),
        # The median of no deal: the one measure of nothing that is no 0.
        sides=(Side("rows", "Deals counted", nothing, Measure("median", value=_no_amount), rows=False),),
        combine=lambda sides: undefined(sentence),
        sample="rows",
        dated_by="",
        placed=False,
        requires=(Requirement(column or "rule", c.everything, sentence),),
    )


def _no_amount(t: ir.Table) -> ir.Column:
    return ibis.null(WIDE_MONEY)
