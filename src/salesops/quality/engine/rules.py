"""What a rule is, and how rules become counts and rows. Set engine: Ibis expressions in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

import ibis
import ibis.expr.schema as sch
import ibis.expr.types as ir

from salesops.process.engine.used import columns_used

Severity = Literal["critical", "high", "medium", "low"]
WEIGHTS: Mapping[str, int] = {"critical": 8, "high": 4, "medium": 2, "low": 1}
"""Weight of a failed rule in a record's score."""

MONEY = "decimal(19,4)"


@dataclass(frozen=True)
class RuleContext:
    """What a rule may look at beside the row: the day it is judged at, and measures of the firm's own past.

    Attributes:
        as_of: day of judgement; the data's own date on every page.
        longest_cycle: days of the longest closed deal, None where nothing closed.
    """

    as_of: date
    longest_cycle: int | None = None

    @property
    def oldest(self) -> date | ir.DateValue:
        """What was created before this day has been open for longer than any closed deal.

        Means something where there is a :attr:`longest_cycle`.
        """
        return self.as_of - timedelta(days=self.longest_cycle or 0)


Condition = Callable[[ir.Table, RuleContext], ir.BooleanValue]


@dataclass(frozen=True)
class Rule:
    """One data-quality rule.

    Attributes:
        code: code of the rule catalogue.
        title: the fault in a few words.
        frame: ``deals``, ``accounts``, ``products`` or ``users``.
        severity: critical, high, medium or low.
        column: column at fault.
        applies: rows the rule speaks of.
        faulty: which of those are at fault.
        fix: what to do.
        needs: columns that must be filled somewhere for the rule to mean anything.
    """

    code: str
    title: str
    frame: str
    severity: Severity
    column: str
    applies: Condition
    faulty: Condition
    fix: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A rule's result.

    Attributes:
        rule: the rule.
        applicable: rows it speaks of; None where the data lacks the columns it needs.
        faulty: rows at fault.
        amount: amounts of the faulty rows summed (deals only), None elsewhere.
        reason: why it is not applicable, "" where it is.
    """

    rule: Rule
    applicable: int | None
    faulty: int
    amount: Decimal | None = None
    reason: str = ""

    @property
    def clean_share(self) -> Decimal | None:
        """Share of applicable rows without the fault; None where there is none."""
        if not self.applicable:
            return None
        return 1 - Decimal(self.faulty) / Decimal(self.applicable)


def columns_of(rule: Rule, schema: sch.Schema, context: RuleContext) -> frozenset[str]:
    """Columns that decide whether a row is at fault, and the one at fault."""
    found = columns_used(schema, lambda t: both(t, rule, context))
    return found | {rule.column, *rule.needs}


def both(table: ir.Table, rule: Rule, context: RuleContext) -> ir.BooleanValue:
    """Rows the rule applies to and that are at fault; null counts as sound."""
    applies = rule.applies(table, context).fill_null(ibis.literal(False))
    return applies & rule.faulty(table, context).fill_null(ibis.literal(False))


def counted(table: ir.Table, rules: Sequence[Rule], context: RuleContext) -> ir.Table:
    """All rules of one frame in one query: columns ``<code>_n``, ``_bad``, ``_amount``, ``_known``."""
    measures: dict[str, ir.Scalar] = {}
    for rule in rules:
        bad = both(table, rule, context)
        measures[f"{rule.code}_n"] = table.count(where=rule.applies(table, context))
        measures[f"{rule.code}_bad"] = table.count(where=bad)
        if "amount" in table.columns:
            measures[f"{rule.code}_amount"] = table.amount.cast(MONEY).sum(where=bad)
        known: ir.IntegerValue = ibis.literal(1)
        for column in rule.needs:
            present = table[column].count() if column in table.columns else ibis.literal(0)
            known = ibis.ifelse(present > 0, known, ibis.literal(0))
        measures[f"{rule.code}_known"] = known if rule.needs else ibis.literal(1)
    return table.aggregate(**measures)


def findings(rules: Sequence[Rule], row: Mapping[str, Any]) -> list[Finding]:
    """Query result to findings, gravest first, then by number of faults."""
    result = []
    for rule in rules:
        if not row[f"{rule.code}_known"]:
            needs = ", ".join(rule.needs)
            result.append(Finding(rule, None, 0, reason=f"no record has {needs}: export it to judge this"))
            continue
        amount = row.get(f"{rule.code}_amount")
        result.append(
            Finding(rule, int(row[f"{rule.code}_n"] or 0), int(row[f"{rule.code}_bad"] or 0), amount)
        )
    return sorted(
        result, key=lambda f: (f.applicable is None, -WEIGHTS[f.rule.severity] * bool(f.faulty), -f.faulty)
    )


def faulty_rows(table: ir.Table, rule: Rule, context: RuleContext) -> ir.Table:
    """The rows at fault."""
    return table.filter(both(table, rule, context))


def clean_counted(table: ir.Table, rules: Sequence[Rule], context: RuleContext) -> ir.Table:
    """One row: ``records`` in all, and those of them, ``clean``, that no rule finds at fault."""
    bad: ir.BooleanValue = ibis.literal(False)
    for rule in rules:
        bad = bad | both(table, rule, context)
    marked = table.select(bad=bad)
    return marked.aggregate(records=marked.count(), clean=marked.count(where=~marked.bad))
