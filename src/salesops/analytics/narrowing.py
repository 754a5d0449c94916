"""What narrows a list of deals: conditions, periods, flags and words, as one expression whatever their values are.

Building and compiling an expression takes longer than running it, and lists that people ask for differ
mostly in values. So the values are bound when the query runs: lists of one shape share a compiled query.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property, partial, reduce
from operator import or_
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine.filters import Filter, FilterError, condition, operands
from salesops.analytics.flags import Judge
from salesops.analytics.selectors import Question, period_of
from salesops.facts.bound import bound
from salesops.process.inputs import Frames

SEARCHED = ("id", "name", "account_name", "owner_name", "product_name")
"""Columns that words are looked for in."""

LETTERS_OF_AN_ID = 4
"""Letters of the shortest word, made of a to z alone, that is looked for in ids."""


class Narrowing:
    """The conditions of one list.

    Args:
        frames: the reader's frames.
        filters: conditions on columns.
        words: text whose every word must occur in one of the columns searched.
        close: period label of the close date, the expected one of open deals; "" for any.
        created: period label of creation; "" for any.
        flags: codes of why-flags, any of which counts.
        judge: gives the rules behind the flags.

    Attributes:
        values: name -> value of everything that is bound.

    Raises:
        FilterError: a condition, a period or a flag can't be applied; the message says which.
    """

    def __init__(
        self,
        frames: Frames,
        *,
        filters: Sequence[Filter],
        words: str,
        close: str,
        created: str,
        flags: Sequence[str],
        judge: Callable[[], Judge],
    ) -> None:
        self.frames = frames
        self.filters = tuple(filters)
        self.flags = tuple(flags)
        self.words = words.split()
        self.judge = judge
        self.values: dict[str, Any] = {}
        for number, item in enumerate(self.filters):
            for place, value in enumerate(operands(frames.deals, item)):
                self.values[f"filter_{number}_{place}"] = value
        self.periods = [name for name, label in (("close", close), ("created", created)) if label]
        for name, label in (("close", close), ("created", created)):
            if label:
                self._period(name, label)
        if self.flags:
            self._check_flags()
        self.values |= {f"word_{number}": word for number, word in enumerate(self.words)}

    def _period(self, name: str, label: str) -> None:
        try:
            period = period_of(Question(period=label), self.frames)
        except (ValueError, OverflowError) as error:
            raise FilterError(f"{label!r} is no period: {error}") from error
        if period is None:
            self.periods.remove(name)
        else:
            self.values |= {f"{name}_first": period.first, f"{name}_last": period.last}

    def _check_flags(self) -> None:
        try:
            self.judge().check(self.flags)
        except ValueError as error:
            raise FilterError(str(error)) from error

    @cached_property
    def shape(self) -> tuple[Hashable, ...]:
        """Everything that the expression is made of, but for the reader's rows and the values bound."""
        judge = self.judge() if self.flags else None
        return (
            tuple((item.column, item.op, len(item.values)) for item in self.filters),
            tuple(self.periods),
            tuple(_may_be_an_id(word) for word in self.words),
            (self.flags, judge.key) if judge is not None else None,
        )

    def rows(self) -> ir.Table:
        """The rows, with values that are yet to be bound."""
        return self._rows(bound)

    def plain(self) -> ir.Table:
        """The rows, with the values in the expression: to be run by itself."""
        return self._rows(lambda name, kind: ibis.literal(self.values[name], type=kind))

    def _rows(self, value: Callable[[str, Any], ir.Scalar]) -> ir.Table:
        rows = self.frames.deals
        conditions = [
            condition(rows, item, partial(_operand, value, number))
            for number, item in enumerate(self.filters)
        ]
        for name in self.periods:
            day = (
                rows.created_on
                if name == "created"
                else ibis.coalesce(rows.closed_on, rows.expected_close_on)
            )
            conditions.append(day.between(value(f"{name}_first", "date"), value(f"{name}_last", "date")))
        if self.flags:
            conditions.append(self.judge().any_of(rows, self.flags))
        for number, word in enumerate(self.words):
            columns = SEARCHED if _may_be_an_id(word) else [name for name in SEARCHED if name != "id"]
            conditions.append(_holds(rows, columns, value(f"word_{number}", "string")))
        return rows.filter(*conditions) if conditions else rows


def _may_be_an_id(word: str) -> bool:
    """Whether a word is looked for in ids, too: few letters alone stand in the ids of a CRM by chance."""
    return len(word) >= LETTERS_OF_AN_ID or not (word.isascii() and word.isalpha())


def _holds(rows: ir.Table, columns: Sequence[str], word: ir.StringScalar) -> ir.BooleanValue:
    """Whether a word occurs in one of some columns."""
    # The database folds both sides: it knows other small letters of some than Python.
    small = word.lower()
    hits = [rows[name].lower().contains(small).fill_null(ibis.literal(False)) for name in columns]
    return reduce(or_, hits)


def _operand(
    value: Callable[[str, Any], ir.Scalar], number: int, column: ir.Column, _: Any, place: int
) -> ir.Scalar:
    return value(f"filter_{number}_{place}", column.type())
