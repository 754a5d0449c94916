"""The rule language: conditions and amounts that people write, over fields that the caller names.

A boolean subset of SQL. A text is parsed by sqlglot, read by an allow-list into the nodes of
:mod:`salesops.rules.nodes`, and compiled to an Ibis expression from those alone: what a person wrote never
reaches a query as text. docs/reference/rules.md describes the language.
"""

from __future__ import annotations

from salesops.rules.compiling import Values, condition_of, value_of
from salesops.rules.errors import RuleError, UnknownFieldError
from salesops.rules.fields import KIND_WORDS, Field, Fields, Kind, fields_of
from salesops.rules.hints import hints
from salesops.rules.nodes import Condition, Value
from salesops.rules.periods import period_reader
from salesops.rules.rule import Amount, Rule, amount, rule

__all__ = [
    "KIND_WORDS",
    "Amount",
    "Condition",
    "Field",
    "Fields",
    "Kind",
    "Rule",
    "RuleError",
    "UnknownFieldError",
    "Value",
    "Values",
    "amount",
    "condition_of",
    "fields_of",
    "hints",
    "period_reader",
    "rule",
    "value_of",
]
