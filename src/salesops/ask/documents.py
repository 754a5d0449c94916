"""An answer as plain values: what REST, the command line and an assistant are given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from salesops.analytics.deal_columns import label
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.ask.answers import Answer, ListAnswer, NumberAnswer, Records, group_key
from salesops.ask.engine.query import Part, Understood
from salesops.core.calendars import Period

SHOWN = (
    "id", "name", "account_name", "owner_name", "stage", "amount", "amount_estimate", "created_on",
    "expected_close_on", "closed_on",
)  # fmt: skip


def document(answer: Answer) -> dict[str, Any]:
    """An answer as plain values. Words that were not understood stand beside it, never nowhere."""
    understood = answer.understood
    return {
        "question": understood.text,
        "answered": not answer.problem,
        "problem": answer.problem,
        "known_at": answer.known.known_at,
        "understood": [_part(understood, part) for part in understood.parts],
        "not_understood": understood.unknown_words,
        "choices": [{"means": c.said, "question": c.question, "kpi": c.kpi} for c in answer.choices],
        "number": _number(answer.number) if answer.number else None,
        "deals": _deals(answer.deals) if answer.deals else None,
        "records": _records(answer.records) if answer.records else None,
    }


def _part(understood: Understood, part: Part) -> dict[str, Any]:
    told: dict[str, Any] = {
        "role": part.role,
        "words": " … ".join(understood.text[start:end] for start, end in part.spans),
    }
    if part.filter is not None:
        told |= {
            "column": part.filter.column,
            "label": label(part.filter.column),
            "operator": part.filter.op,
            "values": list(part.filter.values),
        }
    return told


def period_document(period: Period | None) -> dict[str, Any]:
    """A period as plain values; all days have no ends."""
    if period is None:
        return {"label": "all", "title": "All data", "first": None, "last": None}
    return {"label": period.label, "title": period.title, "first": period.first, "last": period.last}


def value_document(value: KpiValue) -> dict[str, Any]:
    """A value as plain values."""
    return {"value": value.value, "reason": value.reason, "n": value.n, "sides": dict(value.sides)}


def number_document(
    kpi: Kpi, total: KpiValue, *, currency: str, period: Period | None, as_of: date, today: date, facts_version: str
) -> dict[str, Any]:  # fmt: skip
    """A number over all that was asked for, with its definition and what it rests on."""
    return {
        "name": kpi.name,
        "title": kpi.title,
        **value_document(total),
        "unit": kpi.unit,
        "currency": currency if kpi.unit.startswith("money") else None,
        "period": period_document(period),
        "as_of": as_of,
        "data_date": today,
        "facts_version": facts_version,
        "definition": kpi.sentence,
        "formula": kpi.formula,
        "convention": kpi.convention,
    }


def _number(found: NumberAnswer) -> dict[str, Any]:
    told = number_document(
        found.kpi, found.total, currency=found.currency, period=found.period, as_of=found.as_of,
        today=found.today, facts_version=found.facts_version,
    )  # fmt: skip
    told["period"]["named"] = found.period_named
    told |= {
        "notes": list(found.notes),
        "groups": [_group(value, found.groups_before) for value in found.groups],
        "groups_left_out": found.left,
        "page": found.href,
        "rows_page": found.rows_href,
    }
    if found.before is not None:
        told["compared_with"] = {"period": period_document(found.against), **value_document(found.before)}
    return told


def _group(value: KpiValue, before: Mapping[tuple[Any, ...], KpiValue]) -> dict[str, Any]:
    told = {"group": dict(value.group), **value_document(value)}
    then = before.get(group_key(value))
    if then is not None:
        told["compared_with"] = value_document(then)
    return told


def _deals(found: ListAnswer) -> dict[str, Any]:
    return {
        "title": found.title,
        "total": found.total,
        "amount": found.sums.amount,
        "without_amount": found.sums.unknown,
        "currency": found.currency,
        "as_of": found.as_of,
        "data_date": found.today,
        "reason": found.reason,
        "rows": [{name: row[name] for name in SHOWN if name in row} for row in found.rows],
        "notes": list(found.notes),
        "page": found.href,
    }


def _records(found: Records) -> dict[str, Any]:
    return {
        "found": [{"kind": r.kind, "name": r.name, "more": r.more, "page": r.href} for r in found.found],
        "deals": found.deals,
        "accounts": found.accounts,
        "page": found.href,
    }
