"""Deciding numbers of one's own: checked against the data before they are recorded, tried before they are decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError

from salesops.analytics.custom_numbers import built_in, definitions, starts_after, users_of
from salesops.analytics.deal_columns import label
from salesops.analytics.engine.custom import (
    Definition,
    ImpossibleError,
    Part,
    ReadPart,
    deal_fields,
    read_part,
    sentence_of,
    units_of,
)
from salesops.analytics.engine.custom_kpis import Definitions
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.models import CustomKpi
from salesops.analytics.selectors import ALIASES, OpenQuestion, Question, ask, hidden_from
from salesops.core.calendars import FiscalCalendar
from salesops.platform.access import require
from salesops.platform.actors import Actor
from salesops.platform.decisions import decision_end, decision_record
from salesops.platform.selectors import data_day
from salesops.rules import Fields, RuleError, Values, period_reader

_PREFIXES = ("", "bottom_")


@dataclass(frozen=True)
class Trial:
    """A definition put to the data before it is decided.

    Attributes:
        kpi: the number it would be.
        value: what it says for the period asked.
        sentence: what it says in plain English.
        hints: what its rules leave out without saying so.
        unit: its unit.
        currency: of money values.
        period: the period asked, in words; "all the data" without one.
    """

    kpi: Kpi
    value: KpiValue
    sentence: str
    hints: tuple[str, ...]
    unit: str
    currency: str
    period: str

    @property
    def counted(self) -> int:
        """Deals it rests on."""
        return self.value.n

    @property
    def left_out(self) -> tuple[str, ...]:
        """Notes on the deals it leaves out."""
        return self.value.notes


def fields_for(asked: OpenQuestion) -> Fields:
    """The fields of the deals that a reader may name in a rule."""
    schema = asked.frames.deals.schema()
    return deal_fields(
        schema,
        titles={name: label(name) for name in schema},
        synonyms={word: column for word, column in ALIASES.items() if word not in schema},
        hidden=hidden_from(asked.frames),
    )


def custom_kpi_decide(
    *, actor: Actor, name: str, values: Mapping[str, Any], starts_on: date | None = None, reason: str = ""
) -> CustomKpi:
    """Decide what a number of one's own is, from a day on.

    Args:
        actor: who decides.
        name: its name in addresses and files; decided once.
        values: fields of :class:`CustomKpi`; those left out are empty. An empty ``unit`` takes the usual one, an
            empty ``sentence`` what the rules say.
        starts_on: first day in force; None for always.
        reason: why.

    Raises:
        ValidationError: by field: a rule that can't be read, a number that does not exist, a circle, a wrong unit.
        NotAllowedError: the actor may not decide.
        NoDataError: nothing was imported yet, so no rule can be checked.
    """
    require(actor, CustomKpi.PERMISSION)
    with ask(actor, Question()) as asked:
        _, kept, _, _ = _checked(asked, name, values, starts_on)
    return decision_record(
        CustomKpi, actor=actor, subject=name, values=kept, starts_on=starts_on, reason=reason
    )


def custom_kpi_end(
    *, actor: Actor, subject: str, starts_on: date | None = None, reason: str = ""
) -> CustomKpi | None:
    """Leave a number undefined from a day on. Returns None where it was not defined.

    Raises:
        ValidationError: another number is made of it, on that day or later.
        NotAllowedError: the actor may not decide.
    """
    require(actor, CustomKpi.PERMISSION)
    users = users_of(subject, starts_on)
    if users:
        are, them = ("is", "that") if len(users) == 1 else ("are", "those")
        raise ValidationError(f"{', '.join(users)} {are} made of this number: change {them} first.")
    return decision_end(CustomKpi, actor=actor, subject=subject, starts_on=starts_on, reason=reason)


def custom_kpi_try(*, actor: Actor, name: str, values: Mapping[str, Any], period: str = "quarter") -> Trial:
    """Put a definition to the data without deciding it; writes nothing. Errors as :func:`custom_kpi_decide`."""
    require(actor, CustomKpi.PERMISSION)
    with ask(actor, Question(period=period)) as asked:
        definition, kept, bound, reads = _checked(asked, name or "own_number", values, None)
        kpi = bound.kpi(definition.name)
        value = asked.compute([kpi])[0]
        return Trial(
            kpi=kpi,
            value=value,
            sentence=str(kept["sentence"]),
            hints=tuple(
                hint for read in reads for made in (read.rule, read.share) if made for hint in made.hints
            ),
            unit=str(kept["unit"]),
            currency=asked.frames.currency,
            period=asked.period.title if asked.period else "all the data",
        )


def _checked(
    asked: OpenQuestion, name: str, values: Mapping[str, Any], starts_on: date | None
) -> tuple[Definition, dict[str, Any], Definitions, list[ReadPart]]:
    """The definition, its values in canonical form, and it bound to the data among the others."""
    given = CustomKpi.parse({key: value or "" for key, value in values.items()})
    row = CustomKpi(subject=name, **given)
    row.clean_fields(exclude=["recorded_at", "author_name", "unit", "sentence", "direction"])
    row.clean()
    reads = _read(row, asked)
    definition = _definition(name, row, reads)
    today = data_day()
    bound = Definitions(
        {**definitions(asked.frames.as_of), name: definition},
        built_in,
        asked.frames.firm.calendar,
        asked.frames.as_of,
        asked.frames.deals.schema(),
    )
    _no_circle(definition, starts_on or today)
    try:
        bound.compiled(name)
    except ImpossibleError as error:
        raise ValidationError({"of": str(error)}) from error
    titles = {made: bound.compiled(made).title for made in definition.made_of}
    kinds = tuple(_kind(read, bound) for read in reads)
    units = units_of(kinds)
    unit = row.unit or units[0]
    if unit not in units:
        raise ValidationError({"unit": f"What is measured comes in {' or '.join(units)}, not in {unit}."})
    sentence = row.sentence.strip() or sentence_of(definition, reads, titles)[:300]
    kept = {
        **row.values(),
        "unit": unit,
        "sentence": sentence,
        "direction": row.direction or "none",
        **_texts(definition),
    }
    definition = replace(definition, unit=unit, sentence=sentence, direction=kept["direction"])
    return definition, kept, replace(bound, by_name={**bound.by_name, name: definition}), reads


def _read(row: CustomKpi, asked: OpenQuestion) -> list[ReadPart]:
    """The parts as they were read; what can be read but not asked is refused at its field too."""
    frames, fields = asked.frames, fields_for(asked)
    values = Values(frames.as_of, period_reader(frames.firm.calendar, frames.as_of))
    found, wrong = [], {}
    for prefix in _PREFIXES if row.bottom_measure else _PREFIXES[:1]:
        part = Part(*(getattr(row, f"{prefix}{field}") for field in ("measure", "of", "rule")))
        for field, alone in (("rule", replace(part, measure="count", of="")), ("of", replace(part, rule=""))):
            try:
                read_part(alone, fields).build(frames.deals.schema(), values)
            except RuleError as error:
                wrong[f"{prefix}{field}"] = str(error)
        if not wrong:
            found.append(read_part(part, fields))
    if wrong:
        raise ValidationError(wrong)
    return found


def _definition(name: str, row: CustomKpi, reads: list[ReadPart]) -> Definition:
    return Definition(
        name=name,
        title=row.title,
        sentence=row.sentence,
        top=reads[0].canonical,
        bottom=reads[1].canonical if len(reads) > 1 else None,
        dated_by=row.dated_by,
        owner=row.owner,
    )


def _texts(definition: Definition) -> dict[str, str]:
    """Measures, amounts and rules as they are kept."""
    found = {}
    for prefix, part in zip(_PREFIXES, (definition.top, definition.bottom), strict=True):
        found[f"{prefix}measure"] = part.measure if part else ""
        found[f"{prefix}of"] = part.of if part else ""
        found[f"{prefix}rule"] = part.rule if part else ""
    return found


def _no_circle(definition: Definition, start: date) -> None:
    """No circle on the first day, nor on any later one on which another number begins to mean something else."""
    for day in (start, *starts_after(start)):
        known = {**definitions(day), definition.name: definition}
        try:
            Definitions(known, built_in, FiscalCalendar(), day).compiled(definition.name)
        except ImpossibleError as error:
            field = "of" if definition.top.measure == "number" else "bottom_of"
            raise ValidationError({field: str(error)}) from error


_KIND_OF_UNIT = {"ratio": "share"}


def _kind(read: ReadPart, bound: Definitions) -> str:
    if read.part.measure != "number":
        return read.kind
    unit = bound.compiled(read.part.of).unit
    return _KIND_OF_UNIT.get(unit, unit)
