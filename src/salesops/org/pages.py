"""Company settings, and the people with the hierarchy they stand in."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from salesops.org import selectors, services
from salesops.org.engine.hierarchy import Person, reports_of
from salesops.org.forms import CompanyForm, PositionsForm
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.paste import fingerprint
from salesops.platform.selectors import data_day
from salesops.platform.web import allowed, apply_errors, warn_overtaken

_ROWS = 200


@require_http_methods(["GET", "POST"])
@allowed("decision.view", post="decision.write")
def company(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Currency, time zone and fiscal calendar."""
    today = data_day()
    firm = selectors.firm(today)
    initial = {
        "name": firm.name,
        "currency": firm.currency,
        "zone": firm.zone,
        "fiscal_start_month": firm.calendar.start_month,
        "calendar_pattern": firm.calendar.pattern,
        "week_start": firm.calendar.week_start,
        "year_named_by": firm.calendar.year_named_by,
    }
    form = CompanyForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        starts_on, reason = values.pop("starts_on"), values.pop("reason")
        try:
            services.organisation_decide(actor=actor, values=values, starts_on=starts_on, reason=reason)
        except ValidationError as error:
            apply_errors(form, error)
        else:
            messages.success(request, "The company settings are recorded.")
            warn_overtaken(request, "organisation", ["organisation"], starts_on)
            return redirect("company")
    period = firm.calendar.period("quarter", today)
    context = {
        "title": "Company",
        "form": form,
        "firm": firm,
        "today": today,
        "period": period,
        "may_write": may(actor, "decision.write"),
    }
    return render(request, "org/company.html", context)


@require_http_methods(["GET", "POST"])
@allowed("position.view", post="position.write")
def people(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The hierarchy as of the data's own date, and the grid that decides it: preview first, then confirm."""
    today = data_day()
    form = PositionsForm(request.POST or None)
    planned: list[services.PlannedPosition] = []
    mark = ""
    if request.method == "POST" and form.is_valid():
        starts_on = form.cleaned_data["starts_on"]
        mark = fingerprint(form.cleaned_data["grid"], starts_on)
        if request.POST.get("confirm") == mark:
            try:
                changed = services.positions_decide(
                    actor=actor, rows=form.rows, starts_on=starts_on, reason=form.cleaned_data["reason"]
                )
            except ValidationError as error:
                apply_errors(form, error)
            else:
                messages.success(request, f"{changed} positions recorded.")
                subjects = [p.after.id for p in services.positions_plan(form.rows, starts_on) if p.after]
                warn_overtaken(request, "position", subjects, starts_on)
                return redirect("people")
        planned = services.positions_plan(form.rows, starts_on)
    everyone = selectors.people(today)
    page = Paginator(tree(everyone), _ROWS).get_page(request.GET.get("page"))
    context = {
        "title": "People",
        "form": form,
        "planned": planned,
        "mark": mark,
        "problems": sum(1 for p in planned if p.problem),
        "changes": sum(1 for p in planned if not p.problem and p.changes),
        "names": {p.id: p.name for p in everyone.values()},
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "today": today,
        "may_write": may(actor, "position.write"),
    }
    return render(request, "org/people.html", context)


@dataclass(frozen=True)
class TreeLine:
    """A person in the hierarchy: ``depth`` managers stand above."""

    person: Person
    depth: int
    reports: int
    indent: int


def tree(everyone: dict[str, Person]) -> list[TreeLine]:
    """People depth first, managers before their reports, by name; a circle starts at its smallest id."""
    reports = reports_of(everyone)

    def by_name(ids: list[str]) -> list[str]:
        return sorted(ids, key=lambda i: (everyone[i].name.casefold(), i))

    lines: list[TreeLine] = []
    done: set[str] = set()

    def walk(top: str) -> None:
        waiting = [(top, 0)]
        while waiting:
            person_id, depth = waiting.pop()
            if person_id in done:
                continue
            done.add(person_id)
            below = by_name(reports.get(person_id, []))
            lines.append(TreeLine(everyone[person_id], depth, len(below), 20 * min(depth, 8)))
            waiting.extend((i, depth + 1) for i in reversed(below))

    for top in by_name([p.id for p in everyone.values() if p.manager_id not in everyone]):
        walk(top)
    for rest in sorted(everyone):
        walk(rest)
    return lines
