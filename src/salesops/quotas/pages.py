"""Quotas: person by period as in force, the grid that decides them, and what was decided last."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from salesops.core.calendars import FiscalCalendar
from salesops.org import selectors as org
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.paste import fingerprint
from salesops.platform.selectors import data_day
from salesops.platform.web import allowed, apply_errors, warn_overtaken
from salesops.quotas import selectors, services
from salesops.quotas.forms import QuotasForm


@require_http_methods(["GET", "POST"])
@allowed("quota.view", post="quota.write")
def quotas(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Quotas of a fiscal year, and the paste grid: preview first, then confirm."""
    today = data_day()
    form = QuotasForm(request.POST or None)
    planned: list[services.PlannedQuota] = []
    mark = ""
    if request.method == "POST" and form.is_valid():
        starts_on = form.cleaned_data["starts_on"]
        mark = fingerprint(form.cleaned_data["grid"], starts_on, form.cleaned_data["reason"])
        planned = services.quotas_plan(form.rows, starts_on)
        if request.POST.get("confirm") == mark:
            try:
                decided = services.quotas_decide(
                    actor=actor, rows=form.rows, starts_on=starts_on, reason=form.cleaned_data["reason"]
                )
            except ValidationError as error:
                apply_errors(form, error)
            else:
                messages.success(request, f"{decided} quotas recorded.")
                warn_overtaken(request, "quota", [f"{p.person_id}/{p.period}" for p in planned], starts_on)
                return redirect("quotas")
    firm = org.firm(today)
    names = {p.id: p.name for p in org.people(today).values()}
    rows = selectors.quotas(today)
    years = sorted({_year(firm.calendar, row.period) for row in rows}, reverse=True)
    this_year = firm.calendar.period("year", today).label
    asked = request.GET.get("year", "")
    year = next((y for y in (asked, this_year) if y in years), years[0] if years else this_year)
    context = {
        "title": "Quotas",
        "form": form,
        "planned": planned,
        "mark": mark,
        "problems": sum(1 for p in planned if p.problem),
        "changes": sum(1 for p in planned if not p.problem and p.changes),
        "sheet": sheet(
            [r for r in rows if _year(firm.calendar, r.period) == year], names, firm.calendar, firm.currency
        ),
        "years": years,
        "year": year,
        "names": names,
        "recent": selectors.recent(),
        "currency": firm.currency,
        "today": today,
        "may_write": may(actor, "quota.write"),
    }
    return render(request, "quotas/quotas.html", context)


@dataclass(frozen=True)
class Sheet:
    """A person by period grid: one line per person and currency, totals per currency."""

    periods: list[str]
    lines: list[dict[str, object]]
    totals: list[dict[str, object]]


def sheet(
    rows: list[selectors.QuotaRow], names: dict[str, str], calendar: FiscalCalendar, currency: str
) -> Sheet:
    """Quotas as a grid, periods in time order and longer ones after the shorter ones they hold."""
    periods = sorted({r.period for r in rows}, key=lambda label: _when(calendar, label))
    amounts: dict[tuple[str, str], dict[str, Decimal]] = {}
    for row in rows:
        amounts.setdefault((row.person_id, row.currency or currency), {})[row.period] = row.amount
    lines = [
        {
            "person_id": person_id,
            "name": names.get(person_id, person_id),
            "known": person_id in names,
            "currency": code,
            "cells": [{"period": p, "amount": by_period.get(p)} for p in periods],
        }
        for (person_id, code), by_period in amounts.items()
    ]
    lines.sort(key=lambda line: (str(line["name"]).casefold(), line["currency"]))
    totals = [
        {
            "currency": code,
            "cells": [
                sum((a[p] for (_, c), a in amounts.items() if c == code and p in a), Decimal(0))
                for p in periods
            ],
        }
        for code in sorted({c for _, c in amounts})
    ]
    return Sheet(periods, lines, totals)


def _when(calendar: FiscalCalendar, label: str) -> tuple[object, ...]:
    try:
        period = calendar.parse(label)
    except ValueError:  # decided under another fiscal calendar
        return (1, label)
    return (0, period.last, period.days)


def _year(calendar: FiscalCalendar, label: str) -> str:
    try:
        return calendar.period("year", calendar.parse(label).first).label
    except ValueError:
        return "Other periods"
