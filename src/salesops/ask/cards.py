"""What the Ask page is made of: the question with its marks, chips, the figures, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from salesops.analytics.addresses import OPERATOR_WORDS, deal_href
from salesops.analytics.engine.kpi import KpiValue
from salesops.analytics.pipeline_tables import amount_cell
from salesops.analytics.shown import (
    change,
    column_title,
    definition_of,
    group_text,
    group_words,
    interval_text,
    rows_href,
    sample_text,
    unit_of,
    value_text,
)
from salesops.ask.answers import Answer, ListAnswer, NumberAnswer, group_key
from salesops.ask.engine.judging import tidied
from salesops.ask.engine.query import Choice, Part, Understood
from salesops.ask.engine.words import EXAMPLES
from salesops.core.calendars import Period
from salesops.org import known as known_at
from salesops.ui import formats
from salesops.ui.components import Empty
from salesops.ui.tables import Column, Table

_DAY_WORDS = {"lt": "before", "le": "on or before", "gt": "after", "ge": "on or after"}
"""Operators of a condition on a day, as the chips say them."""
MOST_CHIP = 46
"""Characters of a chip: what fits on a phone."""


def ask_href(question: str, known: str = "") -> str:
    """The page that answers a question, as known then."""
    pairs = {"q": question} | ({known_at.PARAMETER: known} if known else {})
    return f"{reverse('ask')}?{urlencode(pairs)}"


def context(answer: Answer, known: str = "") -> dict[str, Any]:
    """Everything the page shows of an answer, its further questions as known when the address says."""
    understood = answer.understood
    return {
        "marks": marks(understood),
        "unknown": understood.unknown_words,
        "chips": [*_chips(answer, known), *_unsaid(answer)],
        "problem": answer.problem,
        "choices": [_choice(choice, known) for choice in answer.choices],
        "examples": examples(known) if answer.problem and not answer.choices else [],
        "number": number(answer.number) if answer.number else None,
        "deals": deals(answer.deals) if answer.deals else None,
        "records": answer.records if answer.records and answer.records.found else None,
    }


def examples(known: str = "") -> list[dict[str, str]]:
    """Questions to begin with."""
    return [{"text": text, "href": ask_href(text, known)} for text in EXAMPLES]


def marks(understood: Understood) -> list[tuple[str, bool]]:
    """The question in pieces: text, and whether it was not understood."""
    pieces, at = [], 0
    for start, end in understood.unknown:
        pieces += [(understood.text[at:start], False), (understood.text[start:end], True)]
        at = end
    pieces.append((understood.text[at:], False))
    return [piece for piece in pieces if piece[0]]


def _choice(choice: Choice, known: str) -> dict[str, str]:
    return {"said": choice.said, "question": choice.question, "href": ask_href(choice.question, known)}


# --- Chips ----------------------------------------------------------------------------------------


def _chips(answer: Answer, known: str) -> list[dict[str, str]]:
    """What was understood; each but the number itself with the question that is left without it."""
    understood = answer.understood
    found = []
    for part in understood.parts:
        text = _said(answer, part)
        if text:
            rest = tidied(understood.without(part.spans))
            takes = bool(rest) and part.role not in ("number", "record")
            found.append(_chip(text, ask_href(rest, known) if takes else ""))
    return found


def _said(answer: Answer, part: Part) -> str:
    words = " ".join(answer.understood.text[start:end] for start, end in part.spans)
    if part.filter is not None:
        if part.said:
            return f"{column_title(part.filter.column)} in {part.said}"
        if side := _DAY_WORDS.get(part.filter.op) if part.filter.column.endswith("_on") else None:
            return f"{column_title(part.filter.column)} {side} {_day(part.filter.values[0])}"
        values = " and ".join if part.filter.op == "between" else ", ".join
        said = values(str(v) for v in part.filter.values)
        return f"{column_title(part.filter.column)} {OPERATOR_WORDS[part.filter.op]} {said}".strip()
    found = answer.number
    if part.role == "known" and answer.understood.known:
        return f"As known on {formats.day(answer.understood.known)}"
    if found is not None:
        said = {
            "number": found.kpi.title,
            "period": f"Period: {days(found.period)}",
            "split": f"By {column_title(part.said).lower()}",
            "comparison": f"Against {days(found.against)}",
            "day": f"As of {formats.day(found.as_of)}",
        }.get(part.role, words)
        return said[:1].upper() + said[1:]
    if part.role == "day" and answer.deals:
        return f"As of {formats.day(answer.deals.as_of)}"
    said = part.said or words
    return said[:1].upper() + said[1:]


def _day(value: Any) -> str:
    return formats.day(date.fromisoformat(str(value)))


def _unsaid(answer: Answer) -> list[dict[str, str]]:
    """What the answer takes for granted because the question does not say it."""
    roles = {part.role for part in answer.understood.parts}
    query = answer.understood.query
    if answer.number and "period" not in roles:
        period = answer.number.period
        if period is not None and period.kind == "custom":
            return [_chip(f"No period named: {days(period)}")]
        return [_chip(f"Period: {period.title if period else 'all data'}, none was named")]
    if answer.deals and query and not any("deals" in part.said for part in answer.understood.parts):
        return [
            _chip("Deals of any status" if query.status == "all" else f"{query.status.capitalize()} deals")
        ]
    return []


def _chip(text: str, href: str = "") -> dict[str, str]:
    """A chip; one that is longer than a phone is wide is cut, with the whole of it in its title."""
    short = text if len(text) <= MOST_CHIP else text[: MOST_CHIP - 1].rstrip() + "…"
    return {"text": short, "whole": text, "href": href}


def days(period: Period | None) -> str:
    """A period with its first and last day."""
    if period is None:
        return "all data"
    if period.first == period.last:
        return formats.day(period.first)
    span = f"{formats.day(period.first)} to {formats.day(period.last)}"
    return span if period.kind == "custom" else f"{period.title}, {span}"


# --- Numbers --------------------------------------------------------------------------------------


def number(found: NumberAnswer) -> dict[str, Any]:
    """A number's card."""
    kpi, total, currency = found.kpi, found.total, found.currency
    unit = unit_of(kpi, currency)
    return {
        "kpi": kpi,
        "definition": definition_of(kpi, found.address),
        "value": unit.short(total.value) if total.value is not None else "",
        "exact": value_text(kpi, total.value, currency, to_the_cent=True),
        "reason": total.reason,
        "rests": sample_text(kpi, total),
        "interval": interval_text(total),
        "notes": found.notes,
        "days": days(found.period),
        "before": _before(found),
        "href": found.href,
        "rows_href": found.rows_href,
        "table": _groups(found) if found.groups else None,
        "left": found.left,
        "by": [column_title(name) for name in found.groups[0].group] if found.groups else [],
    }


def _before(found: NumberAnswer) -> dict[str, Any] | None:
    if found.before is None:
        return None
    return {
        "days": days(found.against),
        "text": value_text(found.kpi, found.before.value, found.currency, to_the_cent=True),
        "reason": found.before.reason,
        "delta": change(found.kpi, found.total, found.before, days(found.against)),
        "href": found.address.to(
            "number", found.kpi.name, period=found.against.label if found.against else "all"
        ),
    }


def _groups(found: NumberAnswer) -> Table:
    names = list(found.groups[0].group)
    rows = [_row(found, value, names) for value in found.groups]
    columns = [Column(f"g{i}", column_title(n), "lead" if not i else "text") for i, n in enumerate(names)]
    columns.append(Column("value", found.kpi.title, "number", render=lambda row: row["value"] or "—"))
    if found.before is not None:
        columns.append(Column("before", "Before", "number", render=lambda row: row["before"] or "—"))
    columns += [
        Column("n", "Rests on", "number"),
        Column("reason", "Remarks", render=lambda row: row["reason"], phone=False),
    ]

    def opened(row: Mapping[str, Any]) -> str:
        return rows_href(found.address, found.kpi, by=names[0], group=row["key"])

    one = len(names) == 1 and any(side.rows for side in found.kpi.sides)
    return Table(
        f"{found.kpi.title} by {' and '.join(column_title(n).lower() for n in names)}", columns, rows[:200],
        id="groups", row_href=opened if one else None, live=False, compact=True, noun="groups",
        empty=Empty("No group", "No row falls in this period and these filters.", "table"),
    )  # fmt: skip


def _row(found: NumberAnswer, value: KpiValue, names: Sequence[str]) -> dict[str, Any]:
    then = found.groups_before.get(group_key(value))
    return {
        **{f"g{i}": group_words(value.group[n]) for i, n in enumerate(names)},
        "key": group_text(value.group[names[0]]),
        "value": value_text(found.kpi, value.value, found.currency),
        "before": value_text(found.kpi, then.value, found.currency) if then else "",
        "n": value.n,
        "reason": value.reason,
    }


# --- Lists ----------------------------------------------------------------------------


def deals(found: ListAnswer) -> dict[str, Any]:
    """A list's card."""
    unit = formats.Unit("money", found.currency)
    return {
        "title": found.title,
        "total": found.total,
        "money": unit.exact(found.sums.amount) if found.sums.amount is not None else "",
        "unknown": found.sums.unknown,
        "reason": found.reason,
        "href": found.href,
        "shown": len(found.rows),
        "notes": found.notes,
        "table": None if found.reason else _deal_table(found),
    }


def _deal_table(found: ListAnswer) -> Table:
    currency = found.currency
    columns = [
        Column("label", "Deal", "lead"),
        Column("account_name", "Account"),
        Column("owner_name", "Owner", phone=False),
        Column("stage", "Stage", phone=False),
        Column(
            "amount",
            "Amount",
            "money",
            currency=currency,
            render=lambda row: amount_cell(row, currency, False),
        ),
    ]
    dated = (
        ("closed_on", "Closed")
        if any(row.get("closed_on") for row in found.rows)
        else ("expected_close_on", "Expected close")
    )
    columns.append(Column(*dated, "day"))
    rows = [{**row, "label": row.get("name") or row["id"]} for row in found.rows]

    def opened(row: Mapping[str, Any]) -> str:
        return deal_href(row["id"], found.known)

    return Table(
        found.title, columns, rows, id="deals", row_href=opened, live=False,
        noun="deals", empty=Empty("No deal", "Nothing that you may see meets these conditions.", "search"),
    )  # fmt: skip
