"""Why-flags of deals: the rules of data quality, judged row by row, with the evidence in a sentence.

A flag has one definition, its rule; this room adds only words.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce
from operator import add
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.facts.bound import bound
from salesops.process.inputs import Frames, masked_columns
from salesops.quality.engine import catalogue
from salesops.quality.engine.rules import WEIGHTS, Rule, RuleContext, both, columns_of
from salesops.ui import formats

PREFIX = "flag_"

WORDS: dict[str, str] = {
    "DQ01": "Close date past",
    "DQ02": "No close date",
    "DQ03": "Closes far ahead",
    "DQ06": "Closed before created",
    "DQ07": "No next step",
    "DQ12": "No amount",
    "DQ12W": "Won without amount",
    "DQ13": "Negative amount",
    "DQ20": "Unknown product",
    "DQ27": "Stale",
    "DQ27U": "Stage undecided",
    "DQ30": "Won on day one",
    "DQ33": "No loss reason",
    "DQ37": "Owner left",
    "DQ37N": "No owner",
    "DQ40": "No account",
    "DQ40C": "No account",
}
"""Rule -> the two or three words of a pill; a rule without an entry shows its title."""

TONES = {"critical": "bad", "high": "warn", "medium": "warn", "low": "neutral"}


@dataclass(frozen=True)
class Flag:
    """One thing at fault in one deal.

    Attributes:
        code: rule of the catalogue.
        word: a few words.
        tone: of its pill.
        title: the rule's title.
        fix: what to do.
        evidence: the values it rests on, in a sentence; "" in lists.
    """

    code: str
    word: str
    tone: str
    title: str
    fix: str
    evidence: str = ""


class _Shared(RuleContext):
    """The same for readers whose longest deals differ: the day is bound (``facts.bound``), not written out."""

    @property
    def oldest(self) -> ir.DateValue:
        return bound("oldest", "date")


@dataclass(frozen=True)
class Judge:
    """The rules that mean something in a reader's data, gravest first, and what they look at beside a row."""

    rules: tuple[Rule, ...]
    context: RuleContext

    @property
    def key(self) -> tuple[Any, ...]:
        """What the expressions of the flags are made of: two judges with one key judge alike."""
        return (tuple(rule.code for rule in self.rules), self.context)

    def shared(self) -> tuple[Judge, tuple[Hashable, ...], dict[str, Any]]:
        """A judge whose expressions are the same for readers with the same rules, a key of them, and what it leaves
        bound (``facts.bound``) for this reader.
        """
        context = self.context
        values = {} if context.longest_cycle is None else {"oldest": context.oldest}
        judge = replace(self, context=_Shared(context.as_of, context.longest_cycle))
        return judge, (self.key[0], *values), values

    def check(self, codes: Sequence[str]) -> None:
        """Refuse a flag that there is not.

        Raises:
            ValueError: no such flag.
        """
        known = {rule.code for rule in self.rules}
        for code in codes:
            if code not in known and code not in {"any", "none", *(rule.code for rule in catalogue.DEALS)}:
                choices = ", ".join(("any", "none", *(rule.code for rule in self.rules)))
                raise ValueError(f"There is no flag {code!r}. There are: {choices}.")

    def columns(self, rows: ir.Table) -> dict[str, ir.BooleanValue]:
        """One boolean column per rule, named by its code."""
        return {PREFIX + rule.code: both(rows, rule, self.context) for rule in self.rules}

    def weight(self, rows: ir.Table) -> ir.IntegerValue:
        """How grave a row's flags are together: what the list sorts by."""
        parts = [both(rows, r, self.context).ifelse(WEIGHTS[r.severity], 0) for r in self.rules]
        return reduce(add, parts) if parts else ibis.literal(0)

    def any_of(self, rows: ir.Table, codes: Sequence[str]) -> ir.BooleanValue:
        """Rows with one of the flags; ``any`` stands for all of them, ``none`` for rows without one.

        Raises:
            ValueError: no such flag.
        """
        self.check(codes)
        known = {rule.code: rule for rule in self.rules}
        found = ibis.literal(False)
        for code in codes:
            if code in ("any", "none"):
                each = reduce(lambda a, b: a | b, self.columns(rows).values(), ibis.literal(False))
                found = found | (each if code == "any" else ~each)
            elif code in known:
                found = found | both(rows, known[code], self.context)
        return found

    def of(self, row: Mapping[str, Any], *, evidence: bool = False, currency: str = "") -> list[Flag]:
        """The flags of a row that carries :meth:`columns`."""
        return [
            Flag(
                rule.code,
                word(rule),
                TONES[rule.severity],
                rule.title,
                rule.fix,
                sentence(rule, row, self.context) if evidence else "",
            )
            for rule in self.rules
            if row.get(PREFIX + rule.code)
        ]


def word(rule: Rule) -> str:
    """A rule in two or three words."""
    return WORDS.get(rule.code, rule.title)


def judge(frames: Frames) -> Judge:
    """The rules of deals that a reader's data can answer, in one query.

    A rule is left out where a column it needs is filled in no row: a firm whose export has no
    next step does not have a thousand deals without one.
    """
    deals = frames.deals
    needed = sorted({column for rule in catalogue.DEALS for column in rule.needs if column in deals.columns})
    closed = deals.closed_on.notnull() & deals.created_on.notnull()
    days = deals.closed_on.delta(deals.created_on, unit="day")
    measures = {f"n_{column}": deals[column].count() for column in needed}
    row = frames.facts.execute(deals.agg(longest=days.max(where=closed), **measures)).to_pylist()[0]
    context = RuleContext(as_of=frames.as_of, longest_cycle=row["longest"])
    masked = masked_columns(frames)
    rules = [
        rule
        for rule in catalogue.DEALS
        if all(column in deals.columns and row[f"n_{column}"] for column in rule.needs)
        and not (masked and masked & columns_of(rule, deals.schema(), context))
    ]
    rules.sort(key=lambda rule: -WEIGHTS[rule.severity])
    return Judge(tuple(rules), context)


def sentence(rule: Rule, row: Mapping[str, Any], context: RuleContext) -> str:
    """The values that a flag rests on."""
    today, code = formats.day(context.as_of), rule.code
    close, created = row.get("expected_close_on"), row.get("created_on")
    if code == "DQ01" and close:
        gap = formats.days((context.as_of - close).days)
        return f"Expected to close on {formats.day(close)}: {gap} before {today}, and still open."
    if code == "DQ03" and close:
        return f"Expected to close on {formats.day(close)}, {formats.days((close - context.as_of).days)} after {today}."
    if code == "DQ06":
        return f"Created on {_day(created)}, closed on {_day(row.get('closed_on'))}."
    if code == "DQ27" and created:
        open_for = formats.days((context.as_of - created).days)
        return (
            f"Created on {formats.day(created)}, open for {open_for}; the longest closed deal "
            f"took {formats.days(context.longest_cycle or 0)}."
        )
    if code == "DQ30":
        return f"Created and won on {_day(row.get('closed_on'))}."
    if code in ("DQ12", "DQ12W"):
        amount = "0" if row.get("amount") is not None else "empty"
        return f"The amount is {amount}; the stage is {row.get('stage') or 'empty'}."
    if code == "DQ13":
        return f"The amount is {row.get('amount'):,.2f}."
    if code == "DQ20":
        return f"The catalogue has no {row.get('product_name') or row.get('product_id')!s}."
    if code == "DQ37":
        return f"{row.get('owner_name') or row.get('owner_id')} is no longer active on {today}."
    if code == "DQ27U":
        return f"Nobody has said what {row.get('stage') or 'an empty stage'} means."
    return f"{rule.title}, as of {today}."


def _day(value: date | None) -> str:
    return formats.day(value) if value else "an unknown day"
