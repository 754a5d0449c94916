"""The only writers of quotas."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction

from salesops.org import selectors as org
from salesops.platform.actors import Actor
from salesops.platform.decisions import decision_record
from salesops.quotas.engine.amounts import read_amount
from salesops.quotas.models import Quota
from salesops.quotas.selectors import quotas

_MOST = Decimal(10) ** 15


@dataclass(frozen=True)
class PlannedQuota:
    """What one pasted row would decide.

    Attributes:
        row: number of the row, from 1.
        cells: as pasted.
        name: the person's name.
        person_id, period, amount, currency: as read; empty and None where they could not be.
        before, before_currency: the quota in force so far, None where there is none.
        problem: why the row can't be decided, or "".
    """

    row: int
    cells: dict[str, str]
    name: str = ""
    person_id: str = ""
    period: str = ""
    amount: Decimal | None = None
    currency: str = ""
    before: Decimal | None = None
    before_currency: str = ""
    problem: str = ""

    @property
    def changes(self) -> bool:
        """Whether the row changes anything."""
        return (self.amount, self.currency) != (self.before, self.before_currency)

    @property
    def values(self) -> dict[str, object]:
        """As the decision holds it."""
        return {
            "person_id": self.person_id,
            "period": self.period,
            "amount": self.amount,
            "currency": self.currency,
        }


def quotas_plan(rows: Sequence[dict[str, str]], starts_on: date | None = None) -> list[PlannedQuota]:
    """What rows of the paste grid would decide, each with its problem; writes nothing.

    Args:
        rows: see :func:`quotas_decide`.
        starts_on: first day; None for always.
    """
    people = org.people(starts_on or date.max)
    names: dict[str, list[str]] = {}
    for person in people.values():
        for key in {person.id.casefold(), person.name.casefold(), person.email.casefold()} - {""}:
            names.setdefault(key, []).append(person.id)
    calendar = org.firm(starts_on or date.max).calendar
    in_force = {(q.person_id, q.period): q for q in quotas(starts_on or date.min)}
    seen: dict[tuple[str, str], int] = {}
    planned: list[PlannedQuota] = []
    for number, cells in enumerate(rows, start=1):
        text = cells.get("person", "").strip()
        person_id = text if text in people else _only(names.get(text.casefold(), []))
        try:
            if not person_id:
                raise ValueError(_nobody(text, names))
            period = calendar.parse(cells.get("period", "").strip()).label
            amount, symbol = read_amount(cells.get("amount", ""))
            if amount >= _MOST or amount.as_tuple().exponent < -4:
                raise ValueError(f"{amount} has too many digits.")
            currency = _currency(cells.get("currency", "").strip().upper(), symbol)
            if (person_id, period) in seen:
                raise ValueError(
                    f"{people[person_id].name}, {period} is in row {seen[person_id, period]} already."
                )
        except ValueError as error:
            planned.append(PlannedQuota(number, cells, problem=str(error)))
            continue
        seen[person_id, period] = number
        before = in_force.get((person_id, period))
        planned.append(
            PlannedQuota(
                row=number,
                cells=cells,
                name=people[person_id].name,
                person_id=person_id,
                period=period,
                amount=amount,
                currency=currency,
                before=before.amount if before else None,
                before_currency=before.currency if before else "",
            )
        )
    return planned


def _only(found: list[str]) -> str:
    return found[0] if len(found) == 1 else ""


def _nobody(text: str, names: dict[str, list[str]]) -> str:
    if not text:
        return "The person is empty."
    found = names.get(text.casefold())
    if found:
        return f"The person {text!r} is ambiguous: {', '.join(found)}. Use the id."
    return f"No person has the id, name or e-mail {text!r}."


def _currency(code: str, symbol: str) -> str:
    if code and not re.fullmatch("[A-Z]{3}", code):
        raise ValueError(f"The currency is three letters such as EUR, not {code!r}.")
    if code and symbol and code != symbol:
        raise ValueError(f"The amount says {symbol} and the currency column {code}.")
    return code or symbol


@transaction.atomic
def quotas_decide(
    *, actor: Actor, rows: Sequence[dict[str, str]], reason: str, starts_on: date | None = None
) -> int:
    """Decide many quotas at once, all or none (the paste grid of person, period and amount).

    Args:
        rows: each with ``person`` (id, name or e-mail), ``period`` (for example 2026-Q3), ``amount``
            and optionally ``currency``.
        reason: why; quotas touch money.
        starts_on: first day in force; None for always.

    Returns:
        How many quotas are now as given.

    Raises:
        ValidationError: a person is unknown, a period or amount can't be read, or a quota is
            given twice; the message names the row.
    """
    planned = quotas_plan(rows, starts_on)
    problems = [f"Row {p.row}: {p.problem}" for p in planned if p.problem]
    if problems:
        raise ValidationError(problems)
    for quota in planned:
        decision_record(
            Quota,
            actor=actor,
            subject=Quota.subject_of(quota.values),
            values=quota.values,
            starts_on=starts_on,
            reason=reason,
        )
    return len(planned)
