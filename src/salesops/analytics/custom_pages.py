"""Numbers of one's own: the list, and defining one with a check against the data as it is typed."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from salesops.analytics import custom_services as services
from salesops.analytics.addresses import first_run, reads_address
from salesops.analytics.custom_forms import CustomKpiForm, values_of
from salesops.analytics.custom_numbers import rows_in_force, rows_overshadowed, rows_to_come
from salesops.analytics.models import CustomKpi
from salesops.analytics.selectors import Question, ask
from salesops.analytics.shown import sample_text, value_text
from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.selectors import data_day
from salesops.platform.web import allowed, apply_errors, ended, sent_anew, warn_overtaken
from salesops.process.inputs import NoDataError
from salesops.rules import KIND_WORDS

DECIDE = "decision.write"
_FIELD_OF = {"subject": "name"}


@require_safe
@reads_address
def own_numbers(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every number that somebody defined, what it says and what it says now over the reader's rows."""
    with ask(actor, Question(period="quarter")) as asked:
        rows = rows_to_come() | rows_in_force(asked.frames.as_of)
        values = {v.name: v for v in asked.values(sorted(rows))} if rows else {}
        currency, period = asked.frames.currency, asked.period
        declared = {kpi.name: kpi for kpi in asked.kpis(sorted(rows))}
    lines = [
        {
            "row": row,
            "text": value_text(declared[name], values[name].value, currency),
            "reason": values[name].reason,
            "rests": sample_text(declared[name], values[name]),
            "formula": declared[name].formula,
        }
        for name, row in sorted(rows.items(), key=lambda pair: pair[1].title.casefold())
    ]
    context = {
        "title": "Your own numbers",
        "lines": lines,
        "overshadowed": rows_overshadowed(),
        "period": period,
        "may_decide": may(actor, DECIDE),
    }
    return render(request, "analytics/own_numbers.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@allowed(DECIDE)
def own_number_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Define a number."""
    return _defining(request, actor, None)


@never_cache
@require_http_methods(["GET", "POST"])
@allowed(DECIDE)
def own_number(request: HttpRequest, actor: Actor, name: str) -> HttpResponse:
    """Define a number anew, or end it."""
    row = rows_in_force().get(name) or rows_to_come().get(name)
    if row is None and name not in {one.subject for one in rows_overshadowed()}:
        raise Http404
    if ended(request, actor, partial(_end, row)):
        return redirect("own_numbers")
    if row is None:
        raise Http404
    return _defining(request, actor, row)


def _end(row: CustomKpi | None, *, starts_on: date, **more: Any) -> CustomKpi | None:
    """End a number from a day on; one that is still to come from its own first day on."""
    first = row.starts_on if row is not None and row.starts_on is not None else starts_on
    return services.custom_kpi_end(starts_on=max(first, starts_on), **more)


def _defining(request: HttpRequest, actor: Actor, row: Any) -> HttpResponse:
    initial = {"dated_by": "closed_on"} if row is None else row.values()
    to_come = row is not None and row.starts_on is not None and row.starts_on > data_day()
    trial, name = None, row.subject if row else ""
    try:
        if row is not None and request.method == "GET":
            trial = _shown(actor, name, initial | {"sentence": "", "unit": ""})
            if trial.get("sentence") == row.sentence:  # nobody wrote it: it follows the rules
                initial["sentence"] = ""
        # One that is still to come must not begin earlier because somebody corrects its title.
        begins = {"starts_on": row.starts_on} if to_come else {}
        form = CustomKpiForm(sent_anew(request), new=row is None, initial=initial | begins)
        if form.is_bound and form.is_valid():
            if request.POST.get("do") == "check":
                trial = _tried(actor, form, name)
            elif _decided(request, actor, form, name):
                return redirect("number", name=name or form.cleaned_data["name"])
        with ask(actor, Question()) as asked:
            fields = services.fields_for(asked)
    except NoDataError:
        return first_run(request, actor)
    context = {
        "title": row.title if row else "Define a number",
        "row": row,
        "to_come": to_come,
        "form": form,
        "trial": trial,
        "fields": [
            (f.name, f.title, KIND_WORDS[f.kind])
            for f in sorted(fields, key=lambda f: f.name)
            if f.name not in fields.hidden
        ],
        "today": data_day(),
    }
    return render(request, "analytics/own_number.html", context, status=400 if form.errors else 200)


def _decided(request: HttpRequest, actor: Actor, form: CustomKpiForm, name: str) -> bool:
    data = form.cleaned_data
    subject = name or data["name"]
    try:
        if not name and (subject in rows_in_force() or subject in rows_to_come()):
            raise ValidationError({"subject": "There is a number of this name already: change that one."})
        services.custom_kpi_decide(
            actor=actor,
            name=subject,
            values=values_of(data),
            starts_on=data["starts_on"],
            reason=data["reason"],
        )
    except ValidationError as error:
        apply_errors(form, error, _FIELD_OF)
        return False
    messages.success(request, f"{data['title']} is recorded.")
    warn_overtaken(request, "custom_kpi", [subject], data["starts_on"])
    return True


@require_POST
@allowed(DECIDE)
def own_number_check(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What a definition would say, as it is typed; writes nothing."""
    name = request.POST.get("known", "")
    form = CustomKpiForm(request.POST, new=not name)
    form.is_valid()  # a title that is not typed yet keeps nobody from trying the rest
    try:
        trial = _tried(actor, form, name)
    except NoDataError as error:
        trial = {"problems": [("", str(error))]}
    return render(request, "analytics/_own_number_trial.html", {"trial": trial})


def _tried(actor: Actor, form: CustomKpiForm, name: str) -> dict[str, Any]:
    """What the page shows of a trial: the number, or what is wrong at which field."""
    data = form.cleaned_data
    values = values_of(data) | {"title": data.get("title") or "New number"}
    return _shown(actor, name or data.get("name") or "", values)


def _shown(actor: Actor, name: str, values: dict[str, Any]) -> dict[str, Any]:
    try:
        made = services.custom_kpi_try(actor=actor, name=name, values=values)
    except ValidationError as error:
        by_field = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        labels = {field: bound.label or "" for field, bound in CustomKpiForm(new=True).fields.items()}
        return {
            "problems": [
                (labels.get(_FIELD_OF.get(field, field), ""), message)
                for field, messages_ in by_field.items()
                for message in messages_
            ]
        }
    value = made.value
    return {
        "sentence": made.sentence,
        "formula": made.kpi.formula,
        "text": value_text(made.kpi, value.value, made.currency),
        "reason": value.reason,
        "rests": sample_text(made.kpi, value),
        "period": made.period,
        "notes": value.notes,
        "hints": made.hints,
    }
