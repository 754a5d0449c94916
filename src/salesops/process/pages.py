"""Pipelines and stages: what each stage means, decided or proposed."""

from __future__ import annotations

from decimal import Decimal

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from salesops.platform.access import may
from salesops.platform.actors import Actor
from salesops.platform.selectors import data_day
from salesops.platform.web import allowed, apply_errors, warn_overtaken
from salesops.process import selectors, services
from salesops.process.forms import NewStageForm, StageFormSet, StagesDecisionForm
from salesops.process.selectors import StageMeaning


@require_http_methods(["GET", "POST"])
@allowed("pipeline.view", post="pipeline.write")
def stages(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every stage in one grid: save what was edited, confirm what is proposed, or add a stage."""
    today = data_day()
    meanings = selectors.current_stages(today)
    asked = request.POST.get("do", "save") if request.method == "POST" else ""
    grid = StageFormSet(
        request.POST if asked == "save" else None, initial=[_initial(m) for m in meanings], prefix="stage"
    )
    when = StagesDecisionForm(request.POST if asked == "save" else None)
    new = NewStageForm(request.POST if asked == "add" else None, initial={"position": 1 + _last(meanings)})
    done = False
    if asked == "confirm":
        rows = [_proposal(m) for m in meanings if not m.decided and m.stage_class != "unmapped"]
        services.stages_decide(actor=actor, rows=rows)
        messages.success(request, f"{len(rows)} proposals are now decisions.")
        done = True
    elif asked == "add" and new.is_valid():
        done = _add(request, actor, new, meanings)
    elif asked == "save" and grid.is_valid() and when.is_valid():
        done = _save(request, actor, grid, when)
    if done:
        return redirect("stages")
    proposed = sum(1 for m in meanings if not m.decided and m.stage_class != "unmapped")
    context = {
        "title": "Pipelines and stages",
        "pipelines": _by_pipeline(meanings, grid),
        "grid": grid,
        "when": when,
        "new": new,
        "proposed": proposed,
        "unmapped": sum(1 for m in meanings if m.stage_class == "unmapped"),
        "today": today,
        "may_write": may(actor, "pipeline.write"),
    }
    return render(request, "process/stages.html", context)


def _add(request: HttpRequest, actor: Actor, form: NewStageForm, meanings: list[StageMeaning]) -> bool:
    values = form.values()
    if any((m.pipeline, m.stage) == (values["pipeline"], values["stage"]) for m in meanings):
        form.add_error("stage", "This pipeline has a stage of that name: change it in the table.")
        return False
    try:
        services.stages_decide(actor=actor, rows=[values])
    except ValidationError as error:
        apply_errors(form, error)
        return False
    messages.success(request, f"The stage {values['stage']} is added.")
    return True


def _save(request: HttpRequest, actor: Actor, grid: StageFormSet, when: StagesDecisionForm) -> bool:
    changed = [form.values() for form in grid if form.has_changed()]
    if not changed:
        messages.info(request, "Nothing was changed.")
        return True
    starts_on = when.cleaned_data["starts_on"]
    try:
        services.stages_decide(
            actor=actor, rows=changed, starts_on=starts_on, reason=when.cleaned_data["reason"]
        )
    except ValidationError as error:
        apply_errors(when, error)
        return False
    messages.success(request, f"{len(changed)} stages are recorded.")
    warn_overtaken(request, "stage", [f"{row['pipeline']}/{row['stage']}" for row in changed], starts_on)
    return True


def _initial(meaning: StageMeaning) -> dict[str, object]:
    return {
        "pipeline": meaning.pipeline,
        "stage": meaning.stage,
        "stage_class": "" if meaning.stage_class == "unmapped" else meaning.stage_class,
        "position": meaning.position,
        "probability": _percent(meaning.probability),
        "forecast_category": meaning.forecast_category,
        "pitched": meaning.pitched,
    }


def _percent(share: str) -> str:
    """A share as percent without an exponent or idle zeros: 0.100000 -> 10."""
    if not share:
        return ""
    text = f"{Decimal(share) * 100:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _proposal(meaning: StageMeaning) -> dict[str, object]:
    return {
        "pipeline": meaning.pipeline,
        "stage": meaning.stage,
        "stage_class": meaning.stage_class,
        "position": meaning.position,
    }


def _last(meanings: list[StageMeaning]) -> int:
    return max((m.position for m in meanings), default=0)


def _by_pipeline(meanings: list[StageMeaning], grid: StageFormSet) -> list[dict[str, object]]:
    """Stages with their forms by pipeline. A bound grid that lost rows still shows every stage."""
    forms = {(form["pipeline"].value() or "", form["stage"].value()): form for form in grid}
    groups: dict[str, list[dict[str, object]]] = {}
    for meaning in meanings:
        form = forms.get((meaning.pipeline, meaning.stage))
        groups.setdefault(meaning.pipeline, []).append({"meaning": meaning, "form": form})
    return [{"name": name, "rows": rows} for name, rows in groups.items()]
